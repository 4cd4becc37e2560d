//! Stand-in for what a runner has: a repository, the services around it, and a shell whose programs are recorders.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use studio_deploy::config::yaml;
use studio_deploy::digest;
use studio_sandbox::{Sandbox, SandboxOptions};
use tempfile::TempDir;

use crate::support::behind::{OPERATOR, signed};
use crate::support::program::PROGRAM;

/// Role that somebody changes by hand.
const ROLE: &str = "acme-dev-ml-studio-default-execution-role";
/// Policy that is attached to it.
const POLICY: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Programs that would reach a service, each a script beside this file.
const TOOLS: [&str; 5] = ["gh", "curl", "pip", "aws", "apt-get"];
/// Archives of a release, of which a machine installs one.
const TARGETS: [&str; 4] =
    ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "aarch64-apple-darwin"];

/// A repository with its account, and the services that its pipelines talk to.
pub struct Machine {
    folder: TempDir,
}

/// Outcome of a script.
pub struct Shell {
    /// The exit code.
    pub code: i32,
    /// Both streams.
    pub log: String,
}

impl Machine {
    /// A repository without files, an account without resources, and a release of the program under test.
    pub fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["repository", "release", "tools", "installed", "artifacts", "temporary"] {
            fs::create_dir(machine.path(folder)).unwrap();
        }
        for list in ["comments", "issues", "notes", "pulls", "runs"] {
            machine.keep(list, &json!([]));
        }
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/pipelines/tools");
        for tool in TOOLS {
            symlink(tools.join(tool), machine.path("tools").join(tool)).unwrap();
        }
        machine.release();
        machine
    }

    /// Returns `true` if this machine has what the scripts of the pipelines need of a runner.
    #[expect(clippy::print_stderr, reason = "a test that was not run must not look like one that passed")]
    pub fn is_usable() -> bool {
        let usable = Command::new("bash").args(["-c", "jq --version && tar --version && sha256sum --version"]).output();
        let usable = usable.is_ok_and(|output| output.status.success());
        if !usable {
            eprintln!("not run: there is no bash with jq, tar and sha256sum");
        }
        usable
    }

    /// The release: archives that hold the program under test, their checksums, and a wheel.
    fn release(&self) {
        let script = format!("#!/bin/sh\nexec '{PROGRAM}' \"$@\"\n");
        let program = self.path("release/studio-deploy/studio-deploy");
        fs::create_dir(program.parent().unwrap()).unwrap();
        for path in [&program, &self.path("release/wheel")] {
            fs::write(path, &script).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut sums = String::new();
        for target in TARGETS {
            let name = format!("studio-deploy-{target}.tar.gz");
            let mut tar = Command::new("tar");
            tar.args(["-czf", &name, "studio-deploy"]).current_dir(self.path("release"));
            assert!(tar.status().unwrap().success());
            sums.push_str(&format!("{}  {name}\n", self.sha256(&name)));
        }
        fs::write(self.path("release/SHA256SUMS"), sums).unwrap();
    }

    /// The SHA-256 of a file of the release.
    pub fn sha256(&self, name: &str) -> String {
        digest::hex(&Sha256::digest(fs::read(self.path("release").join(name)).unwrap()))
    }

    /// The SHA-256 that the release says one of its archives has.
    pub fn published_sha256(&self, name: &str) -> String {
        let sums = fs::read_to_string(self.path("release/SHA256SUMS")).unwrap();
        let mut sums = sums.lines().map(|line| line.split_once("  ").unwrap());
        sums.find(|(_, file)| *file == name).unwrap().0.to_owned()
    }

    /// Changes the archives after their checksums were taken.
    pub fn corrupt_release(&self) {
        for target in TARGETS {
            let path = self.path("release").join(format!("studio-deploy-{target}.tar.gz"));
            let mut bytes = fs::read(&path).unwrap();
            bytes.push(0);
            fs::write(path, bytes).unwrap();
        }
    }

    /// The path of a file of this machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Commits a file to the repository.
    pub fn commit(&self, name: &str, text: &str) {
        let path = self.path("repository").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A folder of a job's own, with the repository in it if it is checked out.
    pub fn workspace(&self) -> PathBuf {
        tempfile::tempdir_in(self.path("temporary")).unwrap().keep()
    }

    /// Copies the repository into a workspace.
    pub fn check_out(&self, workspace: &Path) {
        copy(&self.path("repository"), workspace);
    }

    /// The items that a service keeps.
    pub fn kept(&self, list: &str) -> Vec<Json> {
        let text = fs::read(self.path(list)).unwrap();
        serde_json::from_slice::<Json>(&text).unwrap().as_array().unwrap().clone()
    }

    /// Sets the items that a service keeps.
    pub fn keep(&self, list: &str, items: &Json) {
        fs::write(self.path(list), items.to_string()).unwrap();
    }

    /// Adds to the items that a service keeps.
    pub fn add(&self, list: &str, item: Json) {
        let mut items = self.kept(list);
        items.push(item);
        self.keep(list, &items.into());
    }

    /// The requests that services were asked for since the machine was made.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Attaches a policy to the execution role, as somebody may do by hand, or detaches it (`Detach`).
    pub fn by_hand(&self, verb: &str) {
        let options = SandboxOptions { path: Some(self.path("account")), ..SandboxOptions::default() };
        let body = format!("Action={verb}RolePolicy&Version=2010-05-08&RoleName={ROLE}&PolicyArn={POLICY}");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let answer = Sandbox::open(options).unwrap().answer(&signed("iam", OPERATOR, ("POST", "/"), &form, &body));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }

    /// Runs a script in a folder, with nothing but what a runner gives it; the program is on the sandbox.
    pub fn shell(&self, options: &[&str], script: &str, folder: &Path, path: &str, env: &[(String, String)]) -> Shell {
        let file = self.path("temporary/script.sh");
        fs::write(&file, script).unwrap();
        let path = format!("{path}{}:/usr/local/bin:/usr/bin:/bin", self.path("tools").display());
        let mut bash = Command::new("bash");
        bash.args(options).arg(&file).current_dir(folder).env_clear().stdin(Stdio::null());
        bash.env("PATH", path).env("HOME", self.folder.path()).env("FORGE", self.folder.path());
        bash.env("STUDIO_DEPLOY_SANDBOX", self.path("account")).env("TMPDIR", self.path("temporary"));
        bash.envs(env.iter().map(|(name, value)| (name, value)));
        let output = bash.output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        Shell { code: output.status.code().unwrap(), log: format!("{out}{err}") }
    }
}

/// A pipeline of `docs/ci`, or another file of the repository of ours, as a tree.
pub fn document(path: &str) -> Json {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    yaml::parse(path, &text, &|_| Err("nothing is included".into())).unwrap().to_json()
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
