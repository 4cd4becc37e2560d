//! The files of lifecycle assets: a folder or a zip archive, less what is excluded.
//!
//! Symbolic links are followed, as CDK's staging follows them for MDAA (`SymlinkFollowMode.EXTERNAL` when it copies the
//! folder, and the rest when it zips the copy): S3 knows no links, and what an app gets is content. Those that lead out of
//! the folder are noted, and the plan names them. What is no regular file is refused, wherever a link leads: nobody can
//! say what of a device would be uploaded, and a pipe may never end.

pub mod archive;
mod exclude;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use zip::CompressionMethod;

use self::archive::{Archive, broken};
use self::exclude::Exclude;
use crate::config::codes::Code;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Severity, Span};
use crate::config::{Asset, Config};
use crate::files;
use crate::model::{AssetFile, AssetLocation, Manifest};

/// An asset cannot be read.
pub static UNREADABLE_ASSET: Code = Code {
    id: "SD1103",
    severity: Severity::Error,
    title: "an asset cannot be read",
    explanation: "The source path of an asset must be a folder or a `.zip` file that exists. A path that begins with `./` or \
                  `../` is relative to the file that names it; any other is relative to the current folder. Everything in it \
                  that `exclude` does not leave out must be a regular file that can be read: no pipe, socket or device, no \
                  file below `/proc`, no link that leads nowhere or to a folder above it. Its name must be UTF-8 without \
                  control characters, and the object's key no longer than 1,024 bytes.",
};

/// Limit on an object's key, in bytes (S3 user guide, "Naming Amazon S3 objects").
const LONGEST_KEY: usize = 1024;
/// Limit on the files and folders of an asset. An app copies all of them at each start, within five minutes; a folder with
/// more is the wrong one.
const MOST_ENTRIES: usize = 100_000;
/// Size of the parts that a file is uploaded in, the last one aside: that of the AWS CLI's. S3 takes no less than 5 MB and
/// no more than 10,000 of them (S3 user guide, "Amazon S3 multipart upload limits").
pub const PART: u64 = 8 << 20;
/// Limit on the size of a file: the parts that an upload may have (10,000), at the size of ours.
const LARGEST: u64 = 10_000 * PART;
/// Number of mistakes that are reported of one asset.
const MOST_MISTAKES: usize = 10;

/// Size up to which a file is read even if no digest of it is needed: files that the kernel makes up while they are read
/// claim to be empty (`/proc`) or a page long (`/sys`).
const PAGE: u64 = 4096;

/// Advice for a file that lies in an asset.
const LEAVE_OUT: &str = "leave it out with `exclude`, or put a file in its place";
/// Advice for an asset as a whole.
const NAME_ANOTHER: &str = "name a folder or a `.zip` file; `./…` is relative to the file that says so";

/// The files of every asset of a config, by `kind/asset`. Reads all of them.
///
/// # Errors
/// Every asset that cannot be read.
pub fn manifests(config: &Config) -> Result<BTreeMap<String, Manifest>, Diagnostics> {
    each(config, Walk::digested)
}

/// Makes sure that every asset of a config can be read, without reading what is large.
///
/// # Errors
/// As [`manifests`].
pub fn check(config: &Config) -> Result<(), Diagnostics> {
    each(config, Walk::opened).map(drop)
}

fn each(config: &Config, finish: fn(Walk) -> Walk) -> Result<BTreeMap<String, Manifest>, Diagnostics> {
    let mut manifests = BTreeMap::new();
    let mut mistakes = Diagnostics::default();
    for (kind, lifecycle) in &config.domain.lifecycle_configs {
        for (name, asset) in lifecycle.assets.iter().flatten() {
            // A path that waits for a parameter, or is wrong, leads nowhere yet.
            if asset.source_path.contains("{{") {
                continue;
            }
            let prefix = format!("{}{name}/", kind.asset_folder(&config.domain.asset_prefix));
            let mut walk = finish(Walk::of(asset, prefix.len()));
            if walk.mistakes.is_empty() {
                manifests.insert(format!("{}/{name}", kind.key()), walk.manifest);
                continue;
            }
            let keys = ["domain", "lifecycleConfigs", kind.key(), "assets", name, "sourcePath"];
            let source = config.source(&keys);
            // Folders are read in no order.
            walk.mistakes.sort();
            let more = walk.mistakes.len().saturating_sub(MOST_MISTAKES);
            for (at, (path, why, help)) in walk.mistakes.into_iter().take(MOST_MISTAKES).enumerate() {
                let rest = if at == 0 && more > 0 { format!(", and {more} more like it") } else { String::new() };
                let mut mistake =
                    Diagnostic::new(&UNREADABLE_ASSET, format!("asset `{name}`: {path}: {why}{rest}")).help(help);
                if let Some(source) = source {
                    mistake = mistake.at(&Span { source: source.clone(), length: 1 });
                }
                mistakes.push(mistake);
            }
        }
    }
    if mistakes.is_empty() { Ok(manifests) } else { Err(mistakes) }
}

/// A mistake of an asset: path, reason, and advice.
type Mistake = (String, String, &'static str);

/// A walk over one asset.
struct Walk {
    exclude: Exclude,
    /// How long the part of the keys is that all files share.
    prefix: usize,
    manifest: Manifest,
    mistakes: Vec<Mistake>,
    /// How many files and folders may be seen still.
    left: usize,
    /// Whether there were more.
    is_full: bool,
    /// The folders that the walk is in, by device and inode.
    above: Vec<(u64, u64)>,
    /// What counts as inside: the asset's own folder, and those that a link led to.
    homes: Vec<PathBuf>,
}

impl Walk {
    /// Walks over an asset without opening any of its files.
    fn of(asset: &Asset, prefix: usize) -> Self {
        let mut walk = Self {
            exclude: Exclude::default(),
            prefix,
            manifest: Manifest::default(),
            mistakes: Vec::new(),
            left: MOST_ENTRIES,
            is_full: false,
            above: Vec::new(),
            homes: Vec::new(),
        };
        match Exclude::new(&asset.exclude) {
            Ok(exclude) => walk.exclude = exclude,
            Err(why) => walk.mistakes.push((asset.source_path.clone(), why, "patterns are CDK's globs")),
        }
        walk.all(Path::new(&asset.source_path));
        walk
    }

    fn all(&mut self, root: &Path) {
        let is_archive = root.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
        match files::metadata(root) {
            Err(error) => self.refuse(root, error, NAME_ANOTHER),
            Ok(metadata) if metadata.is_dir() => {
                self.homes.extend(fs::canonicalize(root));
                self.above.push((metadata.dev(), metadata.ino()));
                self.folder(root, "");
            }
            Ok(metadata) => match files::regular(&metadata) {
                Err(error) => self.refuse(root, error, NAME_ANOTHER),
                Ok(()) if is_archive => match archive::open_archive(root) {
                    Ok(archive) => self.archive(root, &archive),
                    Err(error) => self.refuse(root, error, NAME_ANOTHER),
                },
                Ok(()) => self.refuse(root, "it is neither a folder nor a .zip file", NAME_ANOTHER),
            },
        }
    }

    fn refuse(&mut self, path: &Path, why: impl ToString, help: &'static str) {
        self.mistakes.push((path.display().to_string(), why.to_string(), help));
    }

    /// Counts an entry; returns `true` if there are not too many of them yet.
    fn counts(&mut self, path: &Path) -> bool {
        if self.left == 0 && !self.is_full {
            self.is_full = true;
            let why = format!("there are more than {MOST_ENTRIES} files and folders in the asset");
            self.refuse(path, why, "check that it is the right folder, and leave out with `exclude` what no app needs");
        }
        self.left = self.left.saturating_sub(1);
        !self.is_full
    }

    fn folder(&mut self, folder: &Path, prefix: &str) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(folder, error, LEAVE_OUT),
        };
        for entry in entries {
            match entry {
                Err(error) => return self.refuse(folder, error, LEAVE_OUT),
                Ok(entry) if self.counts(folder) => self.entry(&entry, prefix),
                Ok(_) => return,
            }
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, prefix: &str) {
        let (full_path, name) = (entry.path(), entry.file_name());
        let path = format!("{prefix}{}", name.to_string_lossy());
        if self.exclude.matches(&path) {
            return;
        }
        if name.to_str().is_none() {
            return self.refuse(
                &full_path,
                "its name is not UTF-8, and the keys of S3 are",
                "rename it, or leave it out with `exclude`",
            );
        }
        if !self.may_be_key(&full_path, &path) {
            return;
        }
        let (metadata, linked) = match self.followed(entry, &path) {
            Ok(found) => found,
            Err(error) => return self.refuse(&full_path, error, LEAVE_OUT),
        };
        if !metadata.is_dir() {
            match files::regular(&metadata) {
                Ok(()) => self.file(&full_path, path, metadata.len(), AssetLocation::File(full_path.clone())),
                Err(error) => self.refuse(&full_path, error, LEAVE_OUT),
            }
            return;
        }
        let identity = (metadata.dev(), metadata.ino());
        if self.above.contains(&identity) {
            return self.refuse(&full_path, "it is a link to a folder that it lies in, and has no end", LEAVE_OUT);
        }
        let homes = self.homes.len();
        self.homes.extend(linked);
        self.above.push(identity);
        self.folder(&full_path, &format!("{path}/"));
        self.above.pop();
        self.homes.truncate(homes);
    }

    /// The metadata of an entry, links followed, and the target if that lies outside of the asset, which is noted.
    fn followed(&mut self, entry: &fs::DirEntry, path: &str) -> io::Result<(fs::Metadata, Option<PathBuf>)> {
        let metadata = files::metadata(&entry.path())?;
        if !entry.file_type()?.is_symlink() {
            return Ok((metadata, None));
        }
        let target = fs::canonicalize(entry.path())?;
        if self.homes.iter().any(|home| target.starts_with(home)) {
            return Ok((metadata, None));
        }
        self.manifest.links.insert(path.to_owned(), target.clone());
        Ok((metadata, Some(target)))
    }

    /// Returns `true` if S3 takes `path` as the end of a key and can return it in a list: lists are XML, which has no way to
    /// write some characters (XML 1.0, "Characters").
    fn may_be_key(&mut self, full_path: &Path, path: &str) -> bool {
        if path.chars().any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}')) {
            self.refuse(
                full_path,
                "its name has a control character, which lists of S3 cannot hold",
                "rename it, or leave it out with `exclude`",
            );
            return false;
        }
        let length = self.prefix + path.len();
        if length > LONGEST_KEY {
            let why = format!("its key would have {length} bytes, and S3 takes {LONGEST_KEY}");
            self.refuse(
                full_path,
                why,
                "shorten the names of the file and its folders, or leave it out with `exclude`",
            );
        }
        length <= LONGEST_KEY
    }

    fn file(&mut self, full_path: &Path, path: String, size: u64, location: AssetLocation) {
        if size > LARGEST {
            let why = format!("it is larger than {} GB, the most that is uploaded", LARGEST >> 30);
            return self.refuse(full_path, why, LEAVE_OUT);
        }
        self.manifest.files.insert(path, AssetFile { sha256: String::new(), size, location });
    }

    fn archive(&mut self, root: &Path, archive: &Archive) {
        let mut total: u64 = 0;
        for index in 0..archive.len() {
            let member = match archive.by_index_data(index) {
                Ok(member) => member,
                Err(error) => return self.refuse(root, broken(error), NAME_ANOTHER),
            };
            let raw = || String::from_utf8_lossy(member.name_raw()).into_owned();
            let name = member.name().map_or_else(|_| raw(), |name| name.into_owned());
            let full_path = root.join(name.trim_start_matches('/'));
            if !self.counts(root) {
                return;
            }
            let Some(path) = member.enclosed_name().and_then(|path| path.to_str().map(str::to_owned)) else {
                self.refuse(&full_path, "its name leads out of the archive", "leave it out of the archive");
                continue;
            };
            let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
            if member.is_dir()
                || self.exclude.matches(&path)
                || parents.into_iter().any(|parent| self.exclude.matches(parent))
            {
                continue;
            }
            if member.encrypted() {
                self.refuse(&full_path, "it is encrypted", LEAVE_OUT);
            } else if !matches!(member.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
                let why = format!("it is compressed with {}, and only deflate is known", member.compression());
                self.refuse(&full_path, why, "create the archive again, as `zip` does by itself");
            } else if self.may_be_key(&full_path, &path) {
                total = total.saturating_add(member.size());
                self.file(&full_path, path, member.size(), AssetLocation::Zip(root.to_owned(), index));
            }
        }
        if total > LARGEST {
            let why = format!("unpacked it is larger than {} GB, the most that is uploaded", LARGEST >> 30);
            self.refuse(root, why, NAME_ANOTHER);
        }
        let parents = |path: &str| path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
        let both = self.manifest.files.keys().flat_map(|path| parents(path));
        let both: Vec<String> = both.filter(|parent| self.manifest.files.contains_key(parent)).collect();
        for path in both {
            self.refuse(&root.join(path), "it is both a file and a folder, and an app could have only one", LEAVE_OUT);
        }
    }

    /// Opens every file, to see that it can be read.
    fn opened(self) -> Self {
        self.finished(false)
    }

    /// Reads every file and notes its digest. An asset that is refused already is not read.
    fn digested(self) -> Self {
        self.finished(true)
    }

    fn finished(mut self, reads: bool) -> Self {
        if !self.mistakes.is_empty() {
            return self;
        }
        let mut mistakes = Vec::new();
        let mut archive: Option<Archive> = None;
        for (path, file) in &mut self.manifest.files {
            let size = file.size;
            let read = match &file.location {
                AssetLocation::File(full_path) => {
                    files::open(full_path).and_then(|content| match reads || size <= PAGE {
                        true => archive::digest(content, size),
                        false => Ok(String::new()),
                    })
                }
                AssetLocation::Zip(..) if !reads => continue,
                AssetLocation::Zip(root, index) => {
                    let opened = archive.take().map_or_else(|| archive::open_archive(root), Ok);
                    opened.and_then(|mut opened| {
                        let digest =
                            opened.by_index(*index).map_err(broken).and_then(|member| archive::digest(member, size));
                        archive = Some(opened);
                        digest
                    })
                }
            };
            match read {
                Ok(sha256) => file.sha256 = sha256,
                Err(error) => {
                    let full_path = match &file.location {
                        AssetLocation::File(full_path) => full_path.clone(),
                        AssetLocation::Zip(root, _) => root.join(path),
                    };
                    mistakes.push((full_path.display().to_string(), error.to_string(), LEAVE_OUT));
                }
            }
        }
        self.mistakes = mistakes;
        self
    }
}
