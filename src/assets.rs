//! The files of lifecycle assets: a folder or a zip archive, less what is excluded.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use sha2::{Digest, Sha256};

use crate::config::codes::Code;
use crate::config::diagnostic::{Diagnostic, Diagnostics, Place, Severity};
use crate::config::{Asset, Config};
use crate::resource::{AssetFile, AssetLocation, Manifest};

/// An asset cannot be read.
pub static UNREADABLE_ASSET: Code = Code {
    id: "SD1103",
    severity: Severity::Error,
    title: "an asset cannot be read",
    explanation: "The source path of an asset must be a folder or a `.zip` file that exists. A path that begins with `./` or \
                  `../` is relative to the file that names it; any other is relative to the current folder.",
};

/// The files of every asset of a config, by `kind/asset`.
///
/// # Errors
/// Every asset that cannot be read.
pub fn manifests(config: &Config) -> Result<BTreeMap<String, Manifest>, Diagnostics> {
    let mut manifests = BTreeMap::new();
    let mut mistakes = Diagnostics::default();
    for (kind, lifecycle) in &config.domain.lifecycle_configs {
        for (name, asset) in lifecycle.assets.iter().flatten() {
            match manifest(asset) {
                Ok(manifest) => {
                    manifests.insert(format!("{}/{name}", kind.key()), manifest);
                }
                Err(why) => {
                    let keys = ["domain", "lifecycleConfigs", kind.key(), "assets", name, "sourcePath"];
                    let mut mistake = Diagnostic::new(&UNREADABLE_ASSET, format!("asset `{name}`: {why}"))
                        .help("name a folder or a `.zip` file; `./…` is relative to the file that says so");
                    if let Some(source) = config.source(&keys) {
                        mistake = mistake.at(&Place { source: source.clone(), length: 1 });
                    }
                    mistakes.push(mistake);
                }
            }
        }
    }
    if mistakes.is_empty() { Ok(manifests) } else { Err(mistakes) }
}

fn manifest(asset: &Asset) -> Result<Manifest, String> {
    let root = PathBuf::from(&asset.source_path);
    let exclude = Exclude::new(&asset.exclude)?;
    let said = |error: std::io::Error| format!("{}: {error}", asset.source_path);
    let metadata = fs::metadata(&root).map_err(said)?;
    let mut files = BTreeMap::new();
    if metadata.is_dir() {
        walk(&root, "", &exclude, &mut files, 0).map_err(said)?;
    } else if root.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
        unzip(&root, &exclude, &mut files).map_err(|error| format!("{}: {error}", asset.source_path))?;
    } else {
        return Err(format!("{} is neither a folder nor a .zip file", asset.source_path));
    }
    Ok(Manifest { files })
}

/// Folders this deep are a loop of links.
const DEEPEST: usize = 64;

fn walk(
    folder: &Path,
    prefix: &str,
    exclude: &Exclude,
    files: &mut BTreeMap<String, AssetFile>,
    depth: usize,
) -> std::io::Result<()> {
    if depth > DEEPEST {
        return Err(std::io::Error::other("folders are nested too deep: is there a link to a folder above?"));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if exclude.matches(&path) {
            continue;
        }
        // Links are followed: what an app gets is content, and S3 knows no links.
        let metadata = fs::metadata(entry.path())?;
        if metadata.is_dir() {
            walk(&entry.path(), &format!("{path}/"), exclude, files, depth + 1)?;
        } else {
            let content = fs::read(entry.path())?;
            files.insert(path, file(&content, AssetLocation::File(entry.path())));
        }
    }
    Ok(())
}

fn unzip(
    archive: &Path,
    exclude: &Exclude,
    files: &mut BTreeMap<String, AssetFile>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut zip = zip::ZipArchive::new(fs::File::open(archive)?)?;
    for index in 0..zip.len() {
        let mut member = zip.by_index(index)?;
        let name = member.name()?.into_owned();
        // A name that leads out of the archive names nothing that could be uploaded.
        let Some(path) = member.enclosed_name().map(|path| path.to_string_lossy().into_owned()) else { continue };
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]);
        if member.is_dir() || exclude.matches(&path) || parents.into_iter().any(|parent| exclude.matches(parent)) {
            continue;
        }
        let mut content = Vec::new();
        member.read_to_end(&mut content)?;
        files.insert(path, file(&content, AssetLocation::Zip(archive.to_owned(), name)));
    }
    Ok(())
}

fn file(content: &[u8], location: AssetLocation) -> AssetFile {
    let sha256 = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
    AssetFile { sha256, size: content.len() as u64, location }
}

/// CDK's exclusion patterns: in order, the last that matches wins, `!` takes back, and a pattern without a slash matches
/// the last part of a path. As in minimatch, `*` at the beginning of a name does not match a dot.
struct Exclude(Vec<Pattern>);

struct Pattern {
    excludes: bool,
    base_only: bool,
    dotted: bool,
    matcher: GlobMatcher,
}

impl Exclude {
    fn new(patterns: &[String]) -> Result<Self, String> {
        let pattern = |text: &String| {
            let (excludes, glob) = text.strip_prefix('!').map_or((true, text.as_str()), |rest| (false, rest));
            let glob = glob.trim_end_matches('/');
            let matcher = GlobBuilder::new(glob).literal_separator(true).build();
            let matcher = matcher.map_err(|error| format!("`{text}` is no pattern: {error}"))?.compile_matcher();
            let dotted = glob.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
            Ok(Pattern { excludes, base_only: !glob.contains('/'), dotted, matcher })
        };
        patterns.iter().map(pattern).collect::<Result<_, String>>().map(Self)
    }

    fn matches(&self, path: &str) -> bool {
        let base = path.rsplit('/').next().unwrap_or(path);
        let mut excluded = false;
        for pattern in &self.0 {
            let subject = if pattern.base_only { base } else { path };
            if (pattern.dotted || !base.starts_with('.')) && pattern.matcher.is_match(subject) {
                excluded = pattern.excludes;
            }
        }
        excluded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_exclude_as_in_cdk() {
        let cases: [(&[&str], &str, bool); 9] = [
            (&["*.pyc"], "a.pyc", true),
            (&["*.pyc"], "deep/er/a.pyc", true),
            (&["__pycache__"], "lib/__pycache__", true),
            (&["lib/*.py"], "lib/a.py", true),
            (&["lib/*.py"], "other/a.py", false),
            (&["*", "!keep.txt"], "keep.txt", false),
            (&["*"], ".hidden", false),
            (&[".*"], ".hidden", true),
            (&["**/*.md"], "docs/deep/a.md", true),
        ];
        for (patterns, path, expected) in cases {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            assert_eq!(Exclude::new(&patterns).unwrap().matches(path), expected, "{patterns:?} on {path}");
        }
    }

    #[test]
    fn a_folder_is_read_without_what_is_excluded() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("sub/__pycache__")).unwrap();
        fs::write(folder.path().join("a.sh"), "echo").unwrap();
        fs::write(folder.path().join("sub/b.txt"), "b").unwrap();
        fs::write(folder.path().join("sub/__pycache__/x.pyc"), "x").unwrap();
        let source_path = folder.path().to_string_lossy().into_owned();
        let asset = Asset { source_path, exclude: vec!["__pycache__".into()] };
        let files: Vec<String> = manifest(&asset).unwrap().files.into_keys().collect();
        assert_eq!(files, ["a.sh", "sub/b.txt"]);
        assert!(manifest(&Asset { source_path: "/no/such/place".into(), exclude: Vec::new() }).is_err());
    }
}
