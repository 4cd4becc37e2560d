//! The bytes of an asset's files, never more than a block of them at a time, whether a file stands alone or in an archive.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::digest::hex;
use crate::files;

/// An archive that is open; clones share the file and what was read of its directory.
pub type Archive = ZipArchive<Shared>;

/// Opens an archive and reads its directory.
///
/// # Errors
/// That it is no regular file, or no archive.
pub fn open_archive(path: &Path) -> io::Result<Archive> {
    ZipArchive::new(Shared { file: Arc::new(files::open(path)?), at: 0 }).map_err(broken)
}

/// The error of an archive as one of files.
pub fn broken(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// A file with a position of its own, so that several members of an archive can be read beside each other.
#[derive(Clone, Debug)]
pub struct Shared {
    file: Arc<File>,
    at: u64,
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Number of bytes that are read and hashed at a time.
const BLOCK: usize = 64 << 10;

/// The digest of `size` bytes, which is all that there may be.
///
/// # Errors
/// The operating system's reasons, and that it is not as long as it says: the files below `/proc` are of this kind.
pub fn digest(mut content: impl Read, size: u64) -> io::Result<String> {
    let (mut hash, mut block, mut read) = (Sha256::new(), vec![0; BLOCK], 0);
    loop {
        let count = match content.read(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        read += count as u64;
        if count == 0 || read > size {
            break;
        }
        hash.update(&block[..count]);
    }
    if read == size { Ok(hex(&hash.finalize())) } else { Err(unsteady(size)) }
}

fn unsteady(size: u64) -> io::Error {
    let why = "somebody is writing it, or the system makes it up as it is read";
    io::Error::other(format!("it is not as long as it says ({size} bytes): {why}"))
}
