//! The names in a replica's folder, and the topic's id in `partition.metadata`.
//!
//! Sources: `LogFileUtils`, `UnifiedLog` (suffixes), `PartitionMetadataFile`.

use std::fs;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::{FileError, text};
use crate::engine::controller::znodes::{uuid_from_text, uuid_to_text};

/// `leader-epoch-checkpoint`.
pub(super) const EPOCHS: &str = "leader-epoch-checkpoint";
/// `partition.metadata`.
pub(super) const METADATA: &str = "partition.metadata";
/// What a text is written to before it replaces the one before.
pub(super) const BESIDE: &str = ".tmp";

/// A kind of file that is named by an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The batches.
    Log,
    /// Where offsets lie.
    Index,
    /// Where times are reached.
    TimeIndex,
    /// The aborted transactions, which Kafka writes where there are any.
    TxnIndex,
    /// The producers at that offset.
    Snapshot,
}

impl Kind {
    /// All kinds.
    const ALL: [Self; 5] = [Self::Log, Self::Index, Self::TimeIndex, Self::TxnIndex, Self::Snapshot];
    /// What a segment consists of. The log comes first: indexes without one are known as left behind.
    pub(super) const OF_SEGMENT: [Self; 4] = [Self::Log, Self::Index, Self::TimeIndex, Self::TxnIndex];
    /// What every segment has.
    pub(super) const OPEN: [Self; 3] = [Self::Log, Self::Index, Self::TimeIndex];

    fn suffix(self) -> &'static str {
        match self {
            Self::Log => ".log",
            Self::Index => ".index",
            Self::TimeIndex => ".timeindex",
            Self::TxnIndex => ".txnindex",
            Self::Snapshot => ".snapshot",
        }
    }
}

/// How far a file is on its way in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It counts.
    Live,
    /// A cleaned segment that is being written.
    Cleaned,
    /// A cleaned segment that is whole, and takes its place.
    Swap,
    /// It is to be unlinked.
    Deleted,
}

impl Stage {
    fn suffix(self) -> &'static str {
        match self {
            Self::Live => "",
            Self::Cleaned => ".cleaned",
            Self::Swap => ".swap",
            Self::Deleted => ".deleted",
        }
    }
}

/// The path of the file of `kind` that is named by `offset`.
pub(super) fn path(folder: &Path, offset: i64, kind: Kind, stage: Stage) -> PathBuf {
    folder.join(format!("{offset:020}{}{}", kind.suffix(), stage.suffix()))
}

/// A file that is named by an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// The offset.
    pub(super) offset: i64,
    /// Its kind.
    pub(super) kind: Kind,
    /// How far it is.
    pub(super) stage: Stage,
}

impl Named {
    /// Out of its name; `None` where it is none of those.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let stages = [Stage::Cleaned, Stage::Swap, Stage::Deleted];
        let unripe = stages.into_iter().find_map(|stage| name.strip_suffix(stage.suffix()).map(|rest| (rest, stage)));
        let (name, stage) = unripe.unwrap_or((name, Stage::Live));
        let (digits, kind) =
            Kind::ALL.into_iter().find_map(|kind| name.strip_suffix(kind.suffix()).map(|rest| (rest, kind)))?;
        let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { offset: digits.parse().ok().filter(|_| plain)?, kind, stage })
    }

    /// Its path in `folder`.
    pub(super) fn path(self, folder: &Path) -> PathBuf {
        path(folder, self.offset, self.kind, self.stage)
    }
}

/// Renames a file, if it is there.
pub(super) fn rename(from: &Path, to: &Path) -> Result<bool, FileError> {
    #[cfg(test)]
    super::faults::rename().map_err(FileError::of("rename", from))?;
    match fs::rename(from, to) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::new("rename", from, error)),
    }
}

/// Unlinks a file, if it is there.
pub(super) fn remove(path: &Path) -> Result<bool, FileError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FileError::new("remove", path, error)),
    }
}

/// Writes the topic's id.
pub(super) fn write_topic_id(folder: &Path, id: Uuid) -> Result<(), FileError> {
    text::replace(&folder.join(METADATA), &format!("version: 0\ntopic_id: {}", uuid_to_text(id)))
}

/// Reads the topic's id; `None` where the file is missing, damaged or of another version.
pub(super) fn read_topic_id(folder: &Path) -> Result<Option<Uuid>, FileError> {
    Ok(text::read(&folder.join(METADATA))?.and_then(|text| parse_topic_id(&text)))
}

fn parse_topic_id(text: &str) -> Option<Uuid> {
    let mut lines = text.lines().map(str::trim);
    lines.next().filter(|version| *version == "version: 0")?;
    uuid_from_text(lines.next()?.strip_prefix("topic_id:")?.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kafkas() {
        for (offset, kind, stage, name) in [
            (0, Kind::Log, Stage::Live, "00000000000000000000.log"),
            (153, Kind::Snapshot, Stage::Deleted, "00000000000000000153.snapshot.deleted"),
            (i64::MAX, Kind::TimeIndex, Stage::Swap, "09223372036854775807.timeindex.swap"),
            (7, Kind::Index, Stage::Cleaned, "00000000000000000007.index.cleaned"),
            (7, Kind::TxnIndex, Stage::Live, "00000000000000000007.txnindex"),
        ] {
            assert_eq!(path(Path::new("a"), offset, kind, stage), Path::new("a").join(name));
            assert_eq!(Named::parse(name), Some(Named { offset, kind, stage }));
        }
        for name in
            ["leader-epoch-checkpoint", "0.log", "+0000000000000000000.log", "00000000000000000000.log.x", ".log"]
        {
            assert_eq!(Named::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_topic_id_is_read_as_kafka_writes_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read_topic_id(folder.path()).unwrap(), None);
        let of_kafka = "version: 0\ntopic_id: O6E8xBRqRlSAuPE-64XQ4g";
        fs::write(folder.path().join(METADATA), of_kafka).unwrap();
        let id = read_topic_id(folder.path()).unwrap().expect("Kafka wrote it");
        write_topic_id(folder.path(), id).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(METADATA)).unwrap(), of_kafka);
        for text in ["", "version: 1\ntopic_id: O6E8xBRqRlSAuPE-64XQ4g", "version: 0\n", "version: 0\ntopic_id: O6E8"] {
            assert_eq!(parse_topic_id(text), None, "{text:?}");
        }
    }
}
