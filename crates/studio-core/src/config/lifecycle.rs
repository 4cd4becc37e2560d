//! Lifecycle scripts and the assets that they bring along.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// App that a lifecycle script belongs to, in the order in which MDAA creates them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LifecycleKind {
    /// Studio Classic's Jupyter server.
    Jupyter,
    /// JupyterLab.
    JupyterLab,
    /// Studio Classic's kernels.
    Kernel,
}

impl LifecycleKind {
    /// Every kind, in MDAA's order.
    pub const ALL: [LifecycleKind; 3] = [LifecycleKind::Jupyter, LifecycleKind::JupyterLab, LifecycleKind::Kernel];

    /// The API's name of the app.
    pub const fn app_type(self) -> &'static str {
        match self {
            LifecycleKind::Jupyter => "JupyterServer",
            LifecycleKind::JupyterLab => "JupyterLab",
            LifecycleKind::Kernel => "KernelGateway",
        }
    }

    /// The key under `lifecycleConfigs`.
    pub const fn key(self) -> &'static str {
        match self {
            LifecycleKind::Jupyter => "jupyter",
            LifecycleKind::JupyterLab => "jupyterLab",
            LifecycleKind::Kernel => "kernel",
        }
    }

    /// Prefix of the keys of the app's assets, in whatever bucket; the script reads from the same prefix.
    ///
    /// One slash at the beginning is left out, and one at the end stays, as in MDAA's scripts: S3 takes `a//b` for another
    /// key than `a/b`.
    pub fn asset_folder(self, asset_prefix: &str) -> String {
        format!("{}/{}/", asset_prefix.strip_prefix('/').unwrap_or(asset_prefix), self.app_type())
    }

    /// Returns `true` if the app belongs to Studio Classic, which AWS no longer lets new domains use.
    pub const fn is_classic(self) -> bool {
        matches!(self, LifecycleKind::Jupyter | LifecycleKind::Kernel)
    }
}

/// A script that runs whenever its app starts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LifecycleConfig {
    /// Shell commands, one a line of the script.
    #[schemars(extend("examples" = [["sh $ASSETS_DIR/tools/setup.sh"]]))]
    pub cmds: Vec<String>,
    /// Files to copy into the app first, by the name of the folder below `$ASSETS_DIR` that they go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assets: Option<IndexMap<String, Asset>>,
}

/// Files that are copied into the app before its script runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Asset {
    /// A directory or a `.zip` file; a path that begins with `./` or `../` is relative to this file.
    pub source_path: String,
    /// Patterns of what to leave out.
    #[serde(default)]
    #[schemars(extend("examples" = [["*.pyc", "__pycache__"]]))]
    pub exclude: Vec<String>,
}

/// Number of lines of a script that fetch its assets.
const FETCHING_LINES: usize = 2;

impl LifecycleConfig {
    /// The script as MDAA assembles it: with assets, two lines that fetch them, then the commands.
    ///
    /// Windows line ends become plain ones: with them the app fails to start, with a message about a missing file.
    pub fn script(&self, kind: LifecycleKind, bucket: &str, asset_prefix: &str) -> String {
        let app = kind.app_type();
        let mut lines = Vec::new();
        if self.assets.is_some() {
            let folder = kind.asset_folder(asset_prefix);
            lines.push(format!("export ASSETS_DIR=/tmp/lifecycle-assets/{app}"));
            lines.push(format!("aws s3 cp --recursive s3://{bucket}/{folder} $ASSETS_DIR"));
        }
        lines.extend(self.cmds.iter().cloned());
        lines.join("\n").replace("\r\n", "\n")
    }

    /// The line of the script, from 0, on which each command begins.
    pub fn lines_of_commands(&self) -> Vec<(usize, usize)> {
        let mut line = if self.assets.is_some() { FETCHING_LINES } else { 0 };
        let begins = self.cmds.iter().enumerate().map(|(at, command)| {
            let begin = line;
            line += command.split('\n').count();
            (begin, at)
        });
        begins.collect()
    }

    /// The script as the API takes it.
    pub fn content(&self, kind: LifecycleKind, bucket: &str, asset_prefix: &str) -> String {
        STANDARD.encode(self.script(kind, bucket, asset_prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naming::{NamingConvention, content_hash};

    fn config(assets: bool, cmds: &[&str]) -> LifecycleConfig {
        LifecycleConfig {
            cmds: cmds.iter().map(ToString::to_string).collect(),
            assets: assets.then(|| IndexMap::from([("testing".to_string(), Asset::default())])),
        }
    }

    #[test]
    fn scripts_hash_as_in_mdaa() {
        let run = "sh $ASSETS_DIR/testing/test.sh";
        let bucket = "test-domain-bucket";
        let cases = [
            (LifecycleKind::Jupyter, bucket, config(true, &["echo \"testing jupyter\"", run]), "a7cfe992ee"),
            (
                LifecycleKind::JupyterLab,
                bucket,
                config(
                    true,
                    &[
                        "echo \"testing jupyterlab (Studio Latest)\"",
                        "pip install --upgrade pandas numpy scikit-learn",
                        run,
                    ],
                ),
                "fdf1c28da4",
            ),
            (LifecycleKind::Kernel, bucket, config(true, &["echo \"testing kernel\"", run]), "919dbbcfbe"),
            (LifecycleKind::Kernel, "", config(false, &["echo kernel"]), "699cccbc5d"),
            (LifecycleKind::Kernel, "", config(false, &["echo kernel", "echo two"]), "7dfc4d12e3"),
            (LifecycleKind::Kernel, "", config(false, &["echo kernel\r\necho two"]), "7dfc4d12e3"),
            (LifecycleKind::JupyterLab, "acme-dev-ds-studio", config(true, &["echo hi"]), "e33377af1c"),
        ];
        for (kind, bucket, config, expected) in cases {
            assert_eq!(content_hash(&config.content(kind, bucket, "lifecycle-assets")), expected);
        }
        let names = NamingConvention::new("test-org", "test-env", "test-domain", "test-sagemaker-studio-domain-main");
        let content =
            config(true, &["echo \"testing kernel\"", run]).content(LifecycleKind::Kernel, bucket, "/lifecycle-assets");
        assert_eq!(
            names.lifecycle_config("KernelGateway", &content).as_deref(),
            Ok("test-org-test-env-test-domain-test-sagema-2adcb690-919dbbcfbe")
        );
    }

    #[test]
    fn each_command_knows_its_line() {
        for assets in [false, true] {
            let config = config(assets, &["one", "two\r\ntwo", "three"]);
            let script = config.script(LifecycleKind::Kernel, "b", "p");
            for (line, at) in config.lines_of_commands() {
                assert_eq!(script.lines().nth(line), config.cmds[at].lines().next());
            }
        }
    }

    #[test]
    fn an_empty_map_of_assets_still_fetches() {
        let config = LifecycleConfig { cmds: vec!["x".into()], assets: Some(IndexMap::new()) };
        assert_eq!(config.script(LifecycleKind::Kernel, "b", "p").lines().count(), 3);
    }
}
