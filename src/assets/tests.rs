use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use super::*;

/// The manifest of an asset, or its mistakes.
fn read(source: &Path, exclude: &[&str], reads: bool) -> Result<Manifest, Vec<String>> {
    let source_path = source.to_str().unwrap().to_owned();
    let exclude = exclude.iter().map(ToString::to_string).collect();
    let walk = Walk::of(&Asset { source_path, exclude }, 20).finished(reads);
    match walk.mistakes.is_empty() {
        true => Ok(walk.manifest),
        false => Err(walk.mistakes.into_iter().map(|(path, why, _)| format!("{path}: {why}")).collect()),
    }
}

fn files_of(source: &Path) -> Vec<String> {
    read(source, &[], true).unwrap().files.into_keys().collect()
}

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
    fs::create_dir_all(folder.path().join("empty/er")).unwrap();
    for (name, text) in
        [("a.sh", "echo"), ("sub/b.txt", "b"), ("sub/__pycache__/x.pyc", "x"), ("A.sh", ""), ("zero", "")]
    {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let manifest = read(folder.path(), &["__pycache__"], true).unwrap();
    let files: Vec<(&str, u64)> = manifest.files.iter().map(|(path, file)| (path.as_str(), file.size)).collect();
    // Names that differ by case alone are two keys, and two files of an app, which runs on Linux.
    assert_eq!(files, [("A.sh", 0), ("a.sh", 4), ("sub/b.txt", 1), ("zero", 0)]);
    assert_eq!(manifest.files["sub/b.txt"].sha256, "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d");
    assert!(read(Path::new("/no/such/place"), &[], true).is_err());
}

/// Makes one thing at `at` that is no plain file; what is said of it, nothing where it is taken.
type Odd = (&'static str, fn(&Path), &'static str);

const ODD: [Odd; 14] = [
    ("pipe", |at| assert!(std::process::Command::new("mkfifo").arg(at).status().unwrap().success()), "a named pipe"),
    ("socket", |at| drop(UnixListener::bind(at).unwrap()), "a socket"),
    ("device", |at| symlink("/dev/zero", at).unwrap(), "a device"),
    ("terminal", |at| symlink("/dev/ptmx", at).unwrap(), "a device"),
    ("dangling", |at| symlink("nowhere", at).unwrap(), "leads nowhere"),
    ("loop", |at| symlink(at, at).unwrap(), "symbolic link"),
    ("ancestor", |at| symlink(".", at).unwrap(), "has no end"),
    ("environment", |at| symlink("/proc/self/environ", at).unwrap(), "not as long as it says"),
    ("memory", |at| symlink("/proc/self/mem", at).unwrap(), "/odd"),
    ("kernel", |at| symlink("/proc/version", at).unwrap(), "not as long as it says"),
    ("system", |at| symlink("/sys/kernel/uevent_seqnum", at).unwrap(), "not as long as it says"),
    ("monster", |at| fs::File::create(at).unwrap().set_len(LARGEST + 1).unwrap(), "larger than 78 GB"),
    ("unreadable file", |at| unreadable(at, false), "denied"),
    ("unreadable folder", |at| unreadable(at, true), "denied"),
];

fn unreadable(at: &Path, folder: bool) {
    if folder {
        fs::create_dir(at).unwrap();
    } else {
        fs::write(at, "x").unwrap();
    }
    fs::set_permissions(at, fs::Permissions::from_mode(0o000)).unwrap();
}

#[test]
fn whatever_is_no_regular_file_is_refused_wherever_it_lies() {
    let mut cases = 0;
    // Whoever may read everything is refused nothing.
    let is_root = rustix::process::geteuid().is_root();
    for (kind, make, said) in ODD {
        if is_root && said == "denied" || kind == "system" && !Path::new("/sys/kernel/uevent_seqnum").exists() {
            println!("not tried here: {kind}");
            continue;
        }
        for depth in 0..3 {
            for by_link in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let inside = (0..depth).fold(folder.path().join("asset"), |path, at| path.join(format!("d{at}")));
                fs::create_dir_all(&inside).unwrap();
                fs::write(inside.join("plain"), "x").unwrap();
                let odd = if by_link { folder.path().join("odd") } else { inside.join("odd") };
                make(&odd);
                if by_link {
                    symlink(&odd, inside.join("odd")).unwrap();
                }
                for reads in [false, true] {
                    let at = format!("{kind}, {depth} deep, by a link: {by_link}, read: {reads}");
                    // A link to the folder that it lies in is one more folder where that is another.
                    if kind == "ancestor" && by_link {
                        let mistakes = read(&folder.path().join("asset"), &[], reads).unwrap_err();
                        assert!(mistakes.iter().any(|mistake| mistake.contains("no end")), "{at}: {mistakes:?}");
                    } else {
                        let mistakes = read(&folder.path().join("asset"), &[], reads).unwrap_err();
                        assert!(
                            mistakes.iter().any(|mistake| mistake.contains("odd") && mistake.contains(said)),
                            "{at}: {mistakes:?}"
                        );
                    }
                    assert!(read(&folder.path().join("asset"), &["odd"], reads).is_ok(), "{at}: excluded");
                    cases += 2;
                }
                // As the asset itself.
                if depth == 0 && kind != "ancestor" {
                    for name in ["x", "x.zip"] {
                        let root = folder.path().join(name);
                        symlink(&odd, &root).unwrap();
                        assert!(read(&root, &[], false).is_err(), "{kind} as {name}");
                        cases += 1;
                    }
                }
                if odd.is_dir() {
                    let _ = fs::set_permissions(&odd, fs::Permissions::from_mode(0o700));
                }
            }
        }
    }
    println!("{cases} cases of odd files in assets");
    assert!(cases > 200);
}

#[test]
fn a_name_that_cannot_be_a_key_is_refused() {
    let long = |length: usize| "n".repeat(length);
    let cases: [(Vec<u8>, &str); 7] = [
        (b"caf\xe9".to_vec(), "not UTF-8"),
        (b"line\nbreak".to_vec(), "control character"),
        (b"es\x1b[31mcape".to_vec(), "control character"),
        ("del\u{7f}".into(), "control character"),
        ("next\u{85}line".into(), "control character"),
        ("not\u{FFFE}acharacter".into(), "control character"),
        (long(200).into_bytes(), ""),
    ];
    for (name, said) in &cases {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(OsStr::from_bytes(name)), "x").unwrap();
        match read(folder.path(), &[], true) {
            Ok(manifest) => assert!(said.is_empty() && manifest.files.len() == 1, "{name:?}"),
            Err(mistakes) => assert!(!said.is_empty() && mistakes[0].contains(said), "{name:?}: {mistakes:?}"),
        }
        assert!(read(folder.path(), &["?*"], true).is_ok(), "{name:?}: excluded");
    }
    // 20 bytes of prefix and four folders: the last byte that fits, and one more.
    for (last, fits) in [(200, true), (201, false)] {
        let folder = tempfile::tempdir().unwrap();
        let deep = (0..4).fold(folder.path().to_owned(), |path, _| path.join(long(200)));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join(long(last)), "x").unwrap();
        assert_eq!(read(folder.path(), &[], true).is_ok(), fits, "{last}");
    }
    // Folders deeper than any key, and deeper than a path may be.
    let folder = tempfile::tempdir().unwrap();
    let mut at = folder.path().to_owned();
    for _ in 0..18 {
        at.push(long(200));
        fs::create_dir(&at).unwrap();
    }
    assert!(read(folder.path(), &[], true).unwrap_err()[0].contains("S3 takes 1024"));
}

#[test]
fn links_are_followed_and_those_that_lead_out_are_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("asset/lib")).unwrap();
    fs::create_dir_all(path("shared/deep")).unwrap();
    for name in ["asset/lib/a.py", "shared/deep/b.py", "secret"] {
        fs::write(path(name), name).unwrap();
    }
    symlink("lib/a.py", path("asset/inside")).unwrap();
    symlink("../lib", path("asset/lib/../back")).unwrap();
    fs::remove_file(path("asset/back")).unwrap();
    symlink("lib", path("asset/also")).unwrap();
    symlink("../shared", path("asset/shared")).unwrap();
    // Within what was linked to it is at home.
    symlink("deep/b.py", path("shared/short")).unwrap();
    symlink(path("secret"), path("asset/lib/key")).unwrap();
    symlink(path("secret"), path("shared/key")).unwrap();
    let manifest = read(&path("asset"), &[], true).unwrap();
    let files: Vec<&str> = manifest.files.keys().map(String::as_str).collect();
    let expected =
        ["also/a.py", "also/key", "inside", "lib/a.py", "lib/key", "shared/deep/b.py", "shared/key", "shared/short"];
    assert_eq!(files, expected);
    let links: Vec<(&str, PathBuf)> = manifest.links.iter().map(|(link, to)| (link.as_str(), to.clone())).collect();
    let out = |name: &str| fs::canonicalize(path(name)).unwrap();
    let expected = [
        ("also/key", out("secret")),
        ("lib/key", out("secret")),
        ("shared", out("shared")),
        ("shared/key", out("secret")),
    ];
    assert_eq!(links, expected);
    // The asset's own folder may be a link: whoever named it meant it.
    symlink(path("asset/lib"), path("renamed")).unwrap();
    assert_eq!(files_of(&path("renamed")), ["a.py", "key"]);
}

#[test]
fn a_tree_of_links_comes_to_an_end() {
    let folder = tempfile::tempdir().unwrap();
    // Each level leads twice to the next: 2 to the 30 ways, and not one file.
    for level in 0..30 {
        fs::create_dir(folder.path().join(format!("level{level}"))).unwrap();
    }
    for level in 0..29 {
        for name in ["a", "b"] {
            symlink(format!("../level{}", level + 1), folder.path().join(format!("level{level}/{name}"))).unwrap();
        }
    }
    let asset = Asset { source_path: String::new(), exclude: Vec::new() };
    let mut walk = Walk { left: 2000, ..Walk::of(&asset, 0) };
    walk.mistakes.clear();
    walk.all(&folder.path().join("level0"));
    assert!(walk.mistakes.len() == 1 && walk.mistakes[0].1.contains("files and folders"), "{:?}", walk.mistakes);
}

fn zip_of(path: &Path, members: &[(&str, &[u8])]) {
    let mut writer = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, content) in members {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn an_archive_is_read_like_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("asset.zip");
    zip_of(&path, &[("a.sh", b"echo"), ("sub/b.txt", b"b"), ("sub/c.pyc", b"c"), ("./d", b"d")]);
    let manifest = read(&path, &["*.pyc"], true).unwrap();
    let files: Vec<&str> = manifest.files.keys().map(String::as_str).collect();
    assert_eq!(files, ["a.sh", "d", "sub/b.txt"]);
    assert_eq!(manifest.files["sub/b.txt"].sha256, "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d");
    let long = "n/".repeat(600);
    for (members, said) in [
        (&[("../out", &b"x"[..])][..], "leads out"),
        (&[("a", b"x"), ("a/b", b"x")], "both a file and a folder"),
        (&[("line\nbreak", b"x")], "control character"),
        (&[(long.trim_end_matches('/'), b"x")], "S3 takes 1024"),
    ] {
        zip_of(&path, members);
        let mistakes = read(&path, &[], false).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.contains(said)), "{mistakes:?}");
    }
    // Cut anywhere it is an archive no more, or one whose content is not what it says.
    zip_of(&path, &[("a.sh", &[7; 3000]), ("b", b"b")]);
    let whole = fs::read(&path).unwrap();
    for end in 0..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        assert!(read(&path, &[], true).is_err(), "{end} bytes");
    }
}

#[test]
fn a_file_that_is_no_archive_is_refused_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, said) in [("tool.sh", "neither a folder nor a .zip file"), ("tool.zip", "tool.zip")] {
        fs::write(folder.path().join(name), "echo").unwrap();
        assert!(read(&folder.path().join(name), &[], true).unwrap_err()[0].contains(said), "{name}");
    }
}
