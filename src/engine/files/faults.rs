//! What a test lets go wrong on its own thread: a disk that is full after some bytes, a process that dies after some
//! renames. Outside of tests there is none of it.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, IoSlice, Write as _};

thread_local! {
    static ROOM: Cell<Option<usize>> = const { Cell::new(None) };
    static RENAMES: Cell<Option<usize>> = const { Cell::new(None) };
    static CUTS_FAIL: Cell<bool> = const { Cell::new(false) };
}

/// The disk has room for so many bytes more; `None` for any number.
pub(super) fn set_room(bytes: Option<usize>) {
    ROOM.set(bytes);
}

/// So many renames are still done; `None` for any number.
pub(super) fn set_renames(count: Option<usize>) {
    RENAMES.set(count);
}

/// Files cannot be cut.
pub(super) fn set_cuts_fail(fail: bool) {
    CUTS_FAIL.set(fail);
}

/// Writes as the system does, as far as there is room.
pub(super) fn write_vectored(mut file: &File, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    let Some(room) = ROOM.get() else { return file.write_vectored(pieces) };
    let Some(first) = pieces.iter().find(|piece| !piece.is_empty()) else { return Ok(0) };
    if room == 0 {
        return Err(io::ErrorKind::StorageFull.into());
    }
    let written = file.write(&first[..room.min(first.len())])?;
    ROOM.set(Some(room - written));
    Ok(written)
}

/// Whether a rename may be done.
pub(super) fn rename() -> io::Result<()> {
    match RENAMES.get() {
        Some(0) => Err(io::Error::other("the process died")),
        left => {
            RENAMES.set(left.map(|left| left - 1));
            Ok(())
        }
    }
}

/// Whether a file may be cut.
pub(super) fn cut() -> io::Result<()> {
    if CUTS_FAIL.get() { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
}
