//! Files that the user asked for: written here, and nowhere else.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use crate::model::export::Export;

/// Why a file was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// There is one of this name already.
    Exists {
        /// Its size.
        bytes: u64,
    },
    /// The operating system says no.
    Failed(String),
}

/// Writes a file. One that is there already is only written over where that was said.
pub fn write(export: &Export) -> Result<(), Unwritten> {
    let path = place(&export.path);
    let opened = if export.overwrite { File::create(&path) } else { File::create_new(&path) };
    let written = opened.and_then(|mut file| file.write_all(export.text.as_bytes()));
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists if path.is_file() => {
            Unwritten::Exists { bytes: path.metadata().map_or(0, |known| known.len()) }
        }
        _ => Unwritten::Failed(error.to_string()),
    })
}

/// A path as it was typed, with `~/` for the home folder as in a shell.
fn place(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(typed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_not_written_over_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let mut export = Export {
            path: path.to_string_lossy().into_owned(),
            text: "one".into(),
            what: "1 row".into(),
            overwrite: false,
        };
        assert_eq!(write(&export), Ok(()));
        export.text = "another".into();
        assert_eq!(write(&export), Err(Unwritten::Exists { bytes: 3 }));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        export.overwrite = true;
        assert_eq!(write(&export), Ok(()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "another");
        export.path = folder.path().join("no/such/folder.csv").to_string_lossy().into_owned();
        assert!(matches!(write(&export), Err(Unwritten::Failed(_))));
        export.path = folder.path().to_string_lossy().into_owned();
        assert!(matches!(write(&export), Err(Unwritten::Failed(_))), "a folder is no file");
    }
}
