//! The small texts of a log directory: written whole or not at all, and Kafka's format for numbers by line.
//!
//! Source: `CheckpointFile`: a version, the number of entries, one entry a line, its fields divided by a blank.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::FileError;

/// The only version that these texts have had.
const VERSION: &str = "0";

/// Replaces the text at `path` through a file beside it and a rename. Whoever reads it sees the old or the new.
///
/// # Errors
/// [`FileError`]; the old text stands then.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), FileError> {
    write(path, text.as_bytes(), false)
}

/// As [`replace`], and waits until it is on the disk.
pub(super) fn replace_durably(path: &Path, content: impl AsRef<[u8]>) -> Result<(), FileError> {
    write(path, content.as_ref(), true)?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn write(path: &Path, content: &[u8], sync: bool) -> Result<(), FileError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".tmp");
    let beside = Path::new(&beside);
    // Half a file is of no use, and takes what room there is on a full disk.
    write_whole(beside, content, sync).inspect_err(|_| drop(fs::remove_file(beside)))?;
    fs::rename(beside, path).map_err(FileError::of("replace", path))
}

fn write_whole(path: &Path, content: &[u8], sync: bool) -> Result<(), FileError> {
    let mut file = File::create(path).map_err(FileError::of("create", path))?;
    file.write_all(content).map_err(FileError::of("write", path))?;
    if sync {
        file.sync_all().map_err(FileError::of("flush", path))?;
    }
    Ok(())
}

/// The text at `path`; `None` where there is no such file. What is not UTF-8 reads as what cannot be parsed.
pub(super) fn read(path: &Path) -> Result<Option<String>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("read", path, error)),
    }
}

/// Brings the names in a folder to the disk: after files were made, renamed or removed.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> Result<(), FileError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::of("flush", folder))
}

/// Windows does not flush folders: their journal does what is needed.
#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Path) -> Result<(), FileError> {
    Ok(())
}

/// Entries as the lines of a checkpoint file.
pub(super) fn checkpoint<T: Display>(entries: impl IntoIterator<Item = T>) -> String {
    let lines: Vec<String> = entries.into_iter().map(|entry| format!("{entry}\n")).collect();
    format!("{VERSION}\n{}\n{}", lines.len(), lines.concat())
}

/// The entries of a checkpoint file, each by `parse` from its fields. `None` where the text is no such file: another
/// version, another number of lines, a line that does not parse. An empty file has no entries.
pub(super) fn parse_checkpoint<T>(text: &str, parse: impl Fn(&[&str]) -> Option<T>) -> Option<Vec<T>> {
    let mut lines = text.lines();
    let Some(version) = lines.next() else { return Some(Vec::new()) };
    let count: usize = lines.next()?.trim().parse().ok()?;
    let entries: Option<Vec<T>> = lines.map(|line| parse(&line.split_whitespace().collect::<Vec<_>>())).collect();
    entries.filter(|entries| version.trim() == VERSION && entries.len() == count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(fields: &[&str]) -> Option<(i32, i64)> {
        match fields {
            [epoch, offset] => Some((epoch.parse().ok()?, offset.parse().ok()?)),
            _ => None,
        }
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let text = checkpoint(["1 0", "3 17"]);
        assert_eq!(text, "0\n2\n1 0\n3 17\n");
        assert_eq!(parse_checkpoint(&text, pair), Some(vec![(1, 0), (3, 17)]));
        assert_eq!(parse_checkpoint("", pair), Some(vec![]), "Kafka makes some of them empty");
    }

    #[test]
    fn what_is_no_checkpoint_is_none() {
        for text in ["1\n0\n", "0\n", "0\n2\n1 0\n", "0\n1\n1 0\n2 0\n", "0\n1\nx 0\n", "0\n1\n1 0 0\n", "\0\0\0\0"] {
            assert_eq!(parse_checkpoint(text, pair), None, "{text:?}");
        }
    }

    #[test]
    fn a_text_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        assert!(read(&path).unwrap().is_none());
        replace(&path, "old").unwrap();
        replace_durably(&path, "new").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("new"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays beside it");
        let error = replace(&folder.path().join("none/a"), "x").unwrap_err();
        assert!(error.to_string().contains(": cannot create ") && error.is_missing(), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn half_a_text_does_not_stay_on_a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let (path, beside) = (folder.path().join("a"), folder.path().join("a.tmp"));
        replace(&path, "old").unwrap();
        std::os::unix::fs::symlink("/dev/full", &beside).unwrap();
        assert!(replace(&path, "new").unwrap_err().to_string().contains("No space left"));
        assert!(!beside.is_symlink());
        assert_eq!(read(&path).unwrap().as_deref(), Some("old"));
    }
}
