//! `--data-dir`: one kscope at a time, in a format and for a shape of cluster that it was made for.
//!
//! `lock` is held as long as the process lives, and by the system, so a crash lets go of it. `format` says in a line each
//! which version of the layout it is and how many nodes it is for; it is written once, before anything else.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::broker_dir::BrokerDir;
use super::handles::Handles;
use super::{FileError, text};

/// The version of the layout.
const FORMAT: u32 = 1;

/// How many nodes a cluster has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// How many brokers.
    pub brokers: u32,
    /// How many ZooKeeper servers.
    pub zookeepers: u32,
}

/// Why a data directory cannot be used.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// The disk failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another process has it.
    #[error("{} is in use by another kscope", path.display())]
    InUse {
        /// Which directory.
        path: PathBuf,
    },
    /// A later kscope made it.
    #[error("{} has format {found}, and this kscope knows none after {FORMAT}", path.display())]
    NewerFormat {
        /// Which directory.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It holds something, and nothing says what.
    #[error("{} is not empty, and no data directory of kscope's", path.display())]
    Foreign {
        /// Which directory.
        path: PathBuf,
    },
    /// It was made for another cluster.
    #[error("{} was made for {}, not for {}", path.display(), spell(*made_for), spell(*asked_for))]
    OtherShape {
        /// Which directory.
        path: PathBuf,
        /// What it was made for.
        made_for: Shape,
        /// What was asked for.
        asked_for: Shape,
    },
}

/// A shape in words.
fn spell(Shape { brokers, zookeepers }: Shape) -> String {
    let plural = |count: u32| if count == 1 { "" } else { "s" };
    format!("{brokers} broker{} and {zookeepers} ZooKeeper server{}", plural(brokers), plural(zookeepers))
}

/// A data directory that this process has. Dropped, it is free for another one.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    handles: Handles,
    is_new: bool,
    /// Locked; the system lets go of it when it is closed.
    _lock: File,
}

impl DataDir {
    /// Takes the directory at `path` for a cluster of `shape`; makes it, where there is nothing.
    ///
    /// # Errors
    /// [`DataDirError`]; nothing in it was changed then.
    pub fn open(path: &Path, shape: Shape) -> Result<Self, DataDirError> {
        std::fs::create_dir_all(path).map_err(FileError::of("create", path))?;
        let known = text::read(&path.join("format"))?;
        if known.is_none() && holds_anything(path)? {
            return Err(DataDirError::Foreign { path: path.to_owned() });
        }
        let lock = lock(path)?;
        match &known {
            Some(text) => check(path, text, shape)?,
            None => text::replace_durably(&path.join("format"), format_text(shape))?,
        }
        Ok(Self { path: path.to_owned(), handles: Handles::default(), is_new: known.is_none(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was made just now.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The open files of all logs in it.
    pub fn handles(&self) -> &Handles {
        &self.handles
    }

    /// The directory of a broker, made if it is not there.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn broker(&self, id: i32) -> Result<BrokerDir, FileError> {
        BrokerDir::open(&self.path.join(format!("broker-{id}")))
    }
}

/// Whether there is anything but a lock, which one leaves who could not go on.
fn holds_anything(path: &Path) -> Result<bool, FileError> {
    let mut entries = std::fs::read_dir(path).map_err(FileError::of("list", path))?;
    Ok(entries.any(|entry| entry.is_ok_and(|entry| !entry.file_name().to_string_lossy().starts_with("lock"))))
}

fn lock(path: &Path) -> Result<File, DataDirError> {
    let at = path.join("lock");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&at);
    let file = file.map_err(FileError::of("open", &at))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataDirError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(FileError::new("lock", &at, error).into()),
    }
}

fn format_text(Shape { brokers, zookeepers }: Shape) -> String {
    format!("format={FORMAT}\nbrokers={brokers}\nzookeepers={zookeepers}\n")
}

/// Whether the format is known and the shape the same.
fn check(path: &Path, text: &str, asked_for: Shape) -> Result<(), DataDirError> {
    let lines: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let number = |name: &str| lines.get(name).and_then(|value| value.trim().parse::<u32>().ok());
    let path = path.to_owned();
    match (number("format"), number("brokers"), number("zookeepers")) {
        (Some(found), ..) if found > FORMAT => Err(DataDirError::NewerFormat { path, found }),
        (Some(_), Some(brokers), Some(zookeepers)) => {
            let made_for = Shape { brokers, zookeepers };
            if made_for == asked_for { Ok(()) } else { Err(DataDirError::OtherShape { path, made_for, asked_for }) }
        }
        _ => Err(DataDirError::Foreign { path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { brokers: 3, zookeepers: 1 };

    #[test]
    fn it_is_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let first = DataDir::open(&path, SHAPE).unwrap();
        assert!(first.is_new());
        let error = DataDir::open(&path, SHAPE).unwrap_err();
        assert_eq!(error.to_string(), format!("{} is in use by another kscope", path.display()));
        drop(first);
        let second = DataDir::open(&path, SHAPE).unwrap();
        assert!(!second.is_new());
        assert_eq!(second.broker(2).unwrap().path(), path.join("broker-2"));
    }

    #[test]
    fn what_differs_is_said_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        drop(DataDir::open(folder.path(), SHAPE).unwrap());
        let error = DataDir::open(folder.path(), Shape { brokers: 5, zookeepers: 3 }).unwrap_err();
        let wanted = "was made for 3 brokers and 1 ZooKeeper server, not for 5 brokers and 3 ZooKeeper servers";
        assert_eq!(error.to_string(), format!("{path} {wanted}"));
        std::fs::write(folder.path().join("format"), "format=2\nbricks=7\n").unwrap();
        let error = DataDir::open(folder.path(), SHAPE).unwrap_err();
        assert_eq!(error.to_string(), format!("{path} has format 2, and this kscope knows none after 1"));
    }

    #[test]
    fn what_is_somebody_elses_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        assert!(matches!(DataDir::open(folder.path(), SHAPE), Err(DataDirError::Foreign { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was left there");
    }
}
