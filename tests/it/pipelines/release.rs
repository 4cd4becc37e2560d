//! The scripts of the release workflow, and what the action installs of a release.

use std::fs;
use std::path::Path;

use super::machine::{Machine, Shell};

/// The target in an archive's name, which an archive that is given by its path may have whatever the machine.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Runs a command line in this repository.
fn here(machine: &Machine, script: &str, env: &[(&str, &str)]) -> Shell {
    let env: Vec<(String, String)> = env.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    machine.shell(&["-eo", "pipefail"], script, Path::new(env!("CARGO_MANIFEST_DIR")), "", &env)
}

#[test]
fn a_released_archive_is_what_the_action_installs() {
    if !Machine::is_usable() {
        return;
    }
    let machine = Machine::new();
    let packed =
        here(&machine, &format!(".github/release/archive \"$FORGE/release/wheel\" {TARGET} \"$FORGE/release\""), &[]);
    assert_eq!(packed.code, 0, "{}", packed.log);
    let archive = format!("studio-deploy-{TARGET}.tar.gz");
    let path = machine.path("release").join(&archive).display().to_string();
    let digest = machine.sha256(&archive);
    let on_path = machine.path("temporary/path");
    let install = |sha256: &str| {
        fs::write(&on_path, "").unwrap();
        let env = [
            ("VERSION", env!("CARGO_PKG_VERSION")),
            ("ARCHIVE", &path),
            ("SHA256", sha256),
            ("PROVENANCE", "true"),
            ("REPOSITORY", ""),
            ("RUNNER_TEMP", &machine.path("temporary").display().to_string()),
            ("GITHUB_PATH", &on_path.display().to_string()),
        ];
        let ended = here(&machine, "bash action/install.sh", &env);
        (ended.code, ended.log, fs::read_to_string(&on_path).unwrap())
    };
    for (sha256, why) in [("", "\"archive\" needs \"sha256\""), ("00", "and 00 is expected")] {
        let (code, log, folder) = install(sha256);
        assert!(code == 1 && log.contains(why) && folder.is_empty(), "{log}");
    }
    let (code, log, folder) = install(&digest);
    assert_eq!(code, 0, "{log}");
    for file in ["studio-deploy", "LICENSE", "completions/studio-deploy.bash", "man/studio-deploy.1"] {
        assert!(Path::new(folder.trim()).join(file).exists(), "the archive has {file}");
    }
}

#[test]
fn the_notes_of_a_release_are_its_section_of_the_changelog() {
    if !Machine::is_usable() {
        return;
    }
    let machine = Machine::new();
    let notes = here(&machine, concat!(".github/release/notes ", env!("CARGO_PKG_VERSION")), &[]);
    assert!(notes.code == 0 && notes.log.contains("### Added") && !notes.log.contains("## ["), "{}", notes.log);
    assert_eq!(here(&machine, ".github/release/notes 99.0.0", &[]).code, 1);
}
