//! The files of an asset: which there are, what they hold, and where they lie. Nothing here opens them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use crate::digest::hex;

/// The files of one asset: content digest and place of each, by its path below the asset's prefix.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The files by path.
    pub files: BTreeMap<String, AssetFile>,
    /// The symbolic links that lead out of the asset's folder, and where to.
    pub links: BTreeMap<String, PathBuf>,
}

/// One file of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetFile {
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// The size in bytes.
    pub size: u64,
    /// The place to read it from.
    pub location: AssetLocation,
}

/// The place of an asset's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AssetLocation {
    /// A file of its own.
    File(PathBuf),
    /// A member of an archive, by its place in the directory of it.
    Zip(PathBuf, usize),
}

/// A digest over paths and what each holds, which changes when any file does.
pub fn content_digest(files: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (path, sha256) in files {
        hash.update(format!("{path}\0{sha256}\n"));
    }
    hex(&hash.finalize())
}
