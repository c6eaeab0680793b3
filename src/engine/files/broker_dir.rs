//! A broker's directory, Kafka's `log.dirs`: its identity, its checkpoints, the marker of a clean stop, and a folder for
//! each replica.
//!
//! The texts are Kafka's own, so a Kafka 3.9 in ZooKeeper mode starts on the directory. Each is replaced by a rename after
//! it is on the disk. Sources: `LogManager`, `BrokerMetadataCheckpoint` (`meta.properties`), `OffsetCheckpointFile`,
//! `CleanShutdownFileHandler`, `LocalLog.parseTopicPartitionName`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::jobs::Removal;
use super::text::{self, checkpoint, parse_checkpoint, replace_durably};
use super::{FileError, folder};

/// The suffix of a folder that is to be removed.
const DELETE: &str = "-delete";
/// The longest name that file systems take.
const LONGEST_NAME: usize = 255;

/// Offsets by topic and partition.
pub type Offsets = BTreeMap<(String, i32), i64>;

/// The offsets that a broker writes down now and then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checkpoint {
    /// What lies below was flushed (`recovery-point-offset-checkpoint`).
    RecoveryPoint,
    /// High watermarks (`replication-offset-checkpoint`).
    HighWatermark,
    /// Where logs begin that begin within a segment (`log-start-offset-checkpoint`).
    LogStart,
    /// Up to where logs are compacted (`cleaner-offset-checkpoint`).
    Cleaner,
}

impl Checkpoint {
    fn file(self) -> &'static str {
        match self {
            Self::RecoveryPoint => "recovery-point-offset-checkpoint",
            Self::HighWatermark => "replication-offset-checkpoint",
            Self::LogStart => "log-start-offset-checkpoint",
            Self::Cleaner => "cleaner-offset-checkpoint",
        }
    }
}

/// Whose directory it is (`meta.properties`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `broker.id`.
    pub broker_id: i32,
    /// `cluster.id`, once the broker has joined one.
    pub cluster_id: Option<String>,
}

/// A replica's folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplicaFolder {
    /// Of which topic.
    pub topic: String,
    /// Which partition.
    pub partition: i32,
    /// Where it is.
    pub path: PathBuf,
}

fn text_of(offsets: &Offsets) -> String {
    checkpoint(offsets.iter().map(|((topic, partition), offset)| format!("{topic} {partition} {offset}")))
}

/// What `.kafka_cleanshutdown` says.
#[derive(Debug, Deserialize, Serialize)]
struct CleanJson {
    version: i32,
    #[serde(rename = "brokerEpoch")]
    broker_epoch: i64,
}

/// The directory. A clone is another name of the same one.
#[derive(Clone, Debug)]
pub struct BrokerDir {
    path: Arc<Path>,
}

impl BrokerDir {
    /// The directory at `path`, made if it is not there.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(path: &Path) -> Result<Self, FileError> {
        std::fs::create_dir_all(path).map_err(FileError::of("create", path))?;
        Ok(Self { path: path.into() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whose it is; `None` where nobody has written it down.
    ///
    /// # Errors
    /// [`FileError`], also where `meta.properties` is of another version or damaged: Kafka does not start on it either.
    pub fn identity(&self) -> Result<Option<Identity>, FileError> {
        let path = self.meta();
        let Some(text) = text::read(&path)? else { return Ok(None) };
        let why = || FileError::new("understand", &path, io::Error::from(io::ErrorKind::InvalidData));
        parse_identity(&text).map(Some).ok_or_else(why)
    }

    /// Writes down whose it is.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn set_identity(&self, identity: &Identity) -> Result<(), FileError> {
        let Identity { broker_id, cluster_id } = identity;
        let cluster = cluster_id.as_ref().map_or(String::new(), |id| format!("cluster.id={id}\n"));
        replace_durably(&self.meta(), format!("#\nbroker.id={broker_id}\nversion=0\n{cluster}"))
    }

    fn meta(&self) -> PathBuf {
        self.path.join("meta.properties")
    }

    /// The offsets that were written down last; none where there is no such file, or a damaged one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn read_checkpoint(&self, which: Checkpoint) -> Result<Offsets, FileError> {
        let text = text::read(&self.path.join(which.file()))?.unwrap_or_default();
        let entry = |fields: &[&str]| match fields {
            [topic, partition, offset] => Some((((*topic).to_owned(), partition.parse().ok()?), offset.parse().ok()?)),
            _ => None,
        };
        Ok(parse_checkpoint(&text, entry).unwrap_or_default().into_iter().collect())
    }

    /// Writes offsets down: all of them anew. It waits for the disk.
    ///
    /// # Errors
    /// [`FileError`]; the old ones stand then.
    pub fn write_checkpoint(&self, which: Checkpoint, offsets: &Offsets) -> Result<(), FileError> {
        replace_durably(&self.path.join(which.file()), text_of(offsets))
    }

    /// The same, without a wait: it outlives the process, not the machine.
    ///
    /// # Errors
    /// [`FileError`]; the old ones stand then.
    pub fn replace_checkpoint(&self, which: Checkpoint, offsets: &Offsets) -> Result<(), FileError> {
        text::replace(&self.path.join(which.file()), &text_of(offsets))
    }

    /// Whether the broker was stopped in order, and its epoch then (-1 in ZooKeeper mode). The marker goes: a crash from
    /// now on is one.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn take_clean_marker(&self) -> Result<Option<i64>, FileError> {
        let path = self.clean_marker();
        let marker = text::read(&path)?;
        if folder::remove(&path)? {
            text::sync_folder(&self.path)?;
        }
        let epoch = |text: String| serde_json::from_str::<CleanJson>(&text).map_or(-1, |marker| marker.broker_epoch);
        Ok(marker.map(epoch))
    }

    /// Leaves the marker of a clean stop: all logs are closed and flushed, all checkpoints written.
    ///
    /// # Errors
    /// [`FileError`]; the next start is one after a crash then.
    pub fn leave_clean_marker(&self, broker_epoch: i64) -> Result<(), FileError> {
        let json = serde_json::to_string(&CleanJson { version: 0, broker_epoch });
        let json = json.map_err(|error| FileError::new("write", &self.clean_marker(), error.into()))?;
        replace_durably(&self.clean_marker(), &json)
    }

    fn clean_marker(&self) -> PathBuf {
        self.path.join(".kafka_cleanshutdown")
    }

    /// Where the folder of a replica is.
    pub fn folder_of(&self, topic: &str, partition: i32) -> PathBuf {
        self.path.join(format!("{topic}-{partition}"))
    }

    /// The folders of the replicas, by topic and partition, and what removes those that were deleted before.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn folders(&self) -> Result<(Vec<ReplicaFolder>, Removal), FileError> {
        let (mut folders, mut removal) = (Vec::new(), Removal::default());
        for entry in std::fs::read_dir(&self.path).map_err(FileError::of("list", &self.path))? {
            let entry = entry.map_err(FileError::of("list", &self.path))?;
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_deleted(&name) {
                removal.folders.push(entry.path());
            } else if let Some((topic, partition)) = parse_folder(&name) {
                folders.push(ReplicaFolder { topic: topic.to_owned(), partition, path: entry.path() });
            }
        }
        folders.sort_unstable();
        Ok((folders, removal))
    }
}

fn parse_identity(text: &str) -> Option<Identity> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let properties: BTreeMap<&str, &str> = lines.filter_map(|line| line.split_once('=')).collect();
    let broker_id = properties.get("broker.id")?.trim().parse().ok()?;
    let cluster_id = properties.get("cluster.id").map(|id| id.trim().to_owned());
    properties.get("version").filter(|version| version.trim() == "0")?;
    Some(Identity { broker_id, cluster_id })
}

/// The topic and the partition that a folder's name says. Names with a dot before a suffix are other things of Kafka's
/// (`-delete`, `-future`, `-stray`).
fn parse_folder(name: &str) -> Option<(&str, i32)> {
    let (topic, partition) = name.rsplit_once('-')?;
    let digits = !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit());
    Some((topic, partition.parse().ok().filter(|_| digits && !topic.is_empty())?))
}

fn is_deleted(name: &str) -> bool {
    name.strip_suffix(DELETE).is_some_and(|rest| rest.contains('.'))
}

/// Takes a replica's folder away: renamed at once to what Kafka calls one that is to be deleted, removed by the job.
pub(super) fn delete(folder: &Path) -> Result<Removal, FileError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    for number in 0_u128.. {
        // 32 digits make it unique, as Kafka's random ones do; a long topic's name is cut to make room for them.
        let tail = format!(".{number:032x}{DELETE}");
        let kept: String = name.chars().take(LONGEST_NAME - tail.len()).collect();
        let deleted = folder.with_file_name(kept + &tail);
        if !deleted.exists() {
            std::fs::rename(folder, &deleted).map_err(FileError::of("rename", folder))?;
            return Ok(Removal { folders: vec![deleted], ..Removal::default() });
        }
    }
    Ok(Removal::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir() -> (tempfile::TempDir, BrokerDir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = BrokerDir::open(&folder.path().join("broker-1")).unwrap();
        (folder, dir)
    }

    #[test]
    fn identity_is_kafkas() {
        let (_folder, dir) = dir();
        assert_eq!(dir.identity().unwrap(), None);
        let identity = Identity { broker_id: 1, cluster_id: Some("azAHYS6OTNO_F8rZr72CJA".into()) };
        dir.set_identity(&identity).unwrap();
        let text = std::fs::read_to_string(dir.meta()).unwrap();
        assert_eq!(text, "#\nbroker.id=1\nversion=0\ncluster.id=azAHYS6OTNO_F8rZr72CJA\n");
        assert_eq!(dir.identity().unwrap(), Some(identity));
        for text in ["", "version=1\nbroker.id=1\n", "version=0\nbroker.id=x\n", "broker.id=1\n"] {
            std::fs::write(dir.meta(), text).unwrap();
            assert!(dir.identity().is_err(), "{text:?}");
        }
    }

    #[test]
    fn checkpoints_are_kafkas() {
        let (_folder, dir) = dir();
        assert!(dir.read_checkpoint(Checkpoint::RecoveryPoint).unwrap().is_empty());
        let offsets = Offsets::from([(("orders".into(), 0), 440), (("a-b.c_d".into(), 12), 0)]);
        dir.write_checkpoint(Checkpoint::RecoveryPoint, &offsets).unwrap();
        let text = std::fs::read_to_string(dir.path().join("recovery-point-offset-checkpoint")).unwrap();
        assert_eq!(text, "0\n2\na-b.c_d 12 0\norders 0 440\n");
        assert_eq!(dir.read_checkpoint(Checkpoint::RecoveryPoint).unwrap(), offsets);
        assert!(dir.read_checkpoint(Checkpoint::HighWatermark).unwrap().is_empty());
        std::fs::write(dir.path().join("log-start-offset-checkpoint"), "garbage").unwrap();
        assert!(dir.read_checkpoint(Checkpoint::LogStart).unwrap().is_empty(), "what is damaged says nothing");
    }

    #[test]
    fn a_clean_stop_is_found_once() {
        let (_folder, dir) = dir();
        assert_eq!(dir.take_clean_marker().unwrap(), None);
        dir.leave_clean_marker(77).unwrap();
        let text = std::fs::read_to_string(dir.clean_marker()).unwrap();
        assert_eq!(text, r#"{"version":0,"brokerEpoch":77}"#);
        assert_eq!(dir.take_clean_marker().unwrap(), Some(77));
        assert_eq!(dir.take_clean_marker().unwrap(), None);
        std::fs::write(dir.clean_marker(), "").unwrap();
        assert_eq!(dir.take_clean_marker().unwrap(), Some(-1), "before 3.7 it was empty");
    }

    #[test]
    fn folders_are_found_and_deleted() {
        let (_folder, dir) = dir();
        for (topic, partition) in [("a", 0), ("a", 10), ("a", 2), ("b-1", 0), ("__consumer_offsets", 49)] {
            std::fs::create_dir(dir.folder_of(topic, partition)).unwrap();
        }
        for other in ["lost+found", "x", "c-0.0a-stray", "c-0.0a-future", "-1", "c--1"] {
            std::fs::create_dir(dir.path().join(other)).unwrap();
        }
        std::fs::write(dir.path().join("file-1"), "").unwrap();
        let (folders, removal) = dir.folders().unwrap();
        let found: Vec<_> = folders.iter().map(|folder| (folder.topic.as_str(), folder.partition)).collect();
        assert_eq!(found, [("__consumer_offsets", 49), ("a", 0), ("a", 2), ("a", 10), ("b-1", 0), ("c-", 1)]);
        assert!(removal.is_empty());

        let first = delete(&dir.folder_of("a", 2)).unwrap();
        assert_eq!(first.folders[0].file_name().unwrap(), "a-2.00000000000000000000000000000000-delete");
        std::fs::create_dir(dir.folder_of("a", 2)).unwrap();
        let second = delete(&dir.folder_of("a", 2)).unwrap();
        assert_ne!(first.folders, second.folders);
        let (folders, removal) = dir.folders().unwrap();
        assert_eq!((folders.len(), removal.folders.len()), (5, 2));
        first.run().unwrap();
        removal.run().unwrap();
        second.run().expect("what is gone is no error");
        assert!(dir.folders().unwrap().1.is_empty());
    }

    #[test]
    fn a_long_name_is_cut_to_be_deleted() {
        let (_folder, dir) = dir();
        let path = dir.folder_of(&"t".repeat(249), 3);
        std::fs::create_dir(&path).unwrap();
        let removal = delete(&path).unwrap();
        assert_eq!(removal.folders[0].file_name().unwrap().len(), LONGEST_NAME);
        assert_eq!(dir.folders().unwrap().1.folders, removal.folders);
    }
}
