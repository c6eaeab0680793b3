//! Reads at a position, which systems name differently.

use std::fs::File;
use std::io;

/// Fills `bytes` from `position` on, whatever else is done with the file.
#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, bytes: &mut [u8], position: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, position)
}

/// Fills `bytes` from `position` on.
#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut bytes: &mut [u8], mut position: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, position)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        position += read as u64;
        bytes = bytes.get_mut(read..).unwrap_or_default();
    }
    Ok(())
}
