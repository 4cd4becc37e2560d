//! The files of one config, parsed and merged into one tree.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostics, Span};
use super::tree::{Tree, YamlValue};
use super::yaml::{self, Include};
use super::{DeploymentBlock, identity, schema, schema_check};

/// A file's name, as the user gave it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// The name.
    pub name: String,
    /// The text.
    pub text: String,
}

/// The files of one config as one tree, references not yet filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub(super) root: Tree,
    texts: BTreeMap<String, String>,
}

impl Document {
    /// Reads files and merges them left to right, later ones winning and lists growing, as MDAA does.
    ///
    /// A value that begins with `./` or `../` becomes a path relative to its file's folder, except in lifecycle commands.
    pub fn parse(files: &[InputFile], include: &Include<'_>) -> Result<Self, Diagnostics> {
        let mut root: Option<Tree> = None;
        let mut diagnostics = Diagnostics::default();
        for file in files {
            match yaml::parse(&file.name, &file.text, include) {
                Ok(mut tree) => {
                    let mut path = Vec::new();
                    make_relative(&mut tree, folder(&file.name), &mut path);
                    match &mut root {
                        Some(root) => merge(root, tree),
                        None => root = Some(tree),
                    }
                }
                Err(mistakes) => diagnostics.extend(mistakes),
            }
        }
        let texts = files.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        match root {
            Some(root) if diagnostics.is_empty() => Ok(Self { root, texts }),
            None if diagnostics.is_empty() => {
                Ok(Self { root: Tree::from_json(serde_json::json!({}), &nowhere()), texts })
            }
            _ => Err(diagnostics),
        }
    }

    /// The document of a module that has no file of its own, standing where mdaa.yaml names it.
    pub fn without_files(span: &Span) -> Self {
        Self { root: Tree::from_json(serde_json::json!({}), span), texts: BTreeMap::new() }
    }

    /// Adds the text of another file that values may come from, for rendering diagnostics.
    #[must_use]
    pub fn with_text(mut self, file: &InputFile) -> Self {
        self.texts.entry(file.name.clone()).or_insert_with(|| file.text.clone());
        self
    }

    /// Replaces top-level keys by those of inline data, as MDAA lays `module_config_data` over the files.
    #[must_use]
    pub fn overlay(mut self, inline: Tree) -> Self {
        if let (YamlValue::Map(members), YamlValue::Map(over)) = (&mut self.root.value, inline.value) {
            members.extend(over);
        }
        self
    }

    /// The `deployment:` block as it is written. Its tags are filled in with everything else; what decides which environment
    /// this is cannot be, since references are filled in with that.
    pub fn deployment_block(&self) -> Result<DeploymentBlock, Diagnostics> {
        let Some(block) = self.root.get("deployment") else { return Ok(DeploymentBlock::default()) };
        let checked = schema_check::check(schema::strict(), "/properties/deployment", block, &["deployment".into()]);
        let mut mistakes = checked.diagnostics;
        mistakes.extend(identity::mistakes(block));
        if mistakes.has_errors() { Err(mistakes) } else { schema_check::read(checked.json) }
    }

    /// The files' texts by name, for rendering diagnostics.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.texts
    }

    /// The merged tree, with its references not filled in.
    pub fn tree(&self) -> &Tree {
        &self.root
    }
}

/// The span of values that stand in no file.
pub(super) fn nowhere() -> Span {
    Span { source: crate::model::Source { file: "config".into(), line: 1, column: 1 }, length: 1 }
}

/// The folder of a path, without a slash at the end; empty for a bare name.
pub(super) fn folder(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| if folder.is_empty() { "/" } else { folder })
}

/// A path relative to a folder, without `.` and with `..` resolved as text where possible.
pub(super) fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') {
        return path.into();
    }
    let absolute = folder.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".into(),
        (false, false) => joined,
    }
}

/// Returns `true` if a path of keys leads to or into the commands of a lifecycle config, in a config or inline in mdaa.yaml.
pub(super) fn in_commands(path: &[String]) -> bool {
    path.windows(4).any(|keys| keys[0] == "domain" && keys[1] == "lifecycleConfigs" && keys[3] == "cmds")
}

/// Makes paths out of all text that begins with `./` or `../`.
///
/// MDAA does so in lifecycle commands too, which turns `./run.sh` into a path of the deploying machine; not here.
pub(super) fn make_relative(tree: &mut Tree, folder: &str, path: &mut Vec<String>) {
    if in_commands(path) {
        return;
    }
    match &mut tree.value {
        YamlValue::Text(text) if text.starts_with("./") || text.starts_with("../") => *text = join(folder, text),
        YamlValue::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                path.push(index.to_string());
                make_relative(item, folder, path);
                path.pop();
            }
        }
        YamlValue::Map(members) => {
            for (key, member) in members {
                path.push(key.clone());
                make_relative(&mut member.value, folder, path);
                path.pop();
            }
        }
        _ => {}
    }
}

/// Merges a later tree into an earlier one: mappings merge, lists grow, anything else is replaced, by `null` too.
fn merge(earlier: &mut Tree, later: Tree) {
    match (&mut earlier.value, later.value) {
        (YamlValue::Map(members), YamlValue::Map(others)) => {
            for (key, other) in others {
                match members.get_mut(&key) {
                    Some(member) => {
                        if !matches!(other.value.value, YamlValue::Map(_)) {
                            member.key = other.key;
                        }
                        merge(&mut member.value, other.value);
                    }
                    None => {
                        members.insert(key, other);
                    }
                }
            }
        }
        (YamlValue::List(items), YamlValue::List(others)) => items.extend(others),
        (YamlValue::List(items), value) => items.push(Tree { value, span: later.span }),
        (_, value) => *earlier = Tree { value, span: later.span },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(files: &[(&str, &str)]) -> Document {
        let files: Vec<_> =
            files.iter().map(|(name, text)| InputFile { name: (*name).into(), text: (*text).into() }).collect();
        Document::parse(&files, &|_| Err("no file".into())).unwrap()
    }

    #[test]
    fn files_merge_left_to_right() {
        let merged = document(&[
            (
                "1.yaml",
                "subnetIds: [s1]\nassetPrefix: pa\nuserProfiles: {u1: {userRole: {name: r1, arn: x}}}\nsecurityGroups: [sg-1]\n",
            ),
            (
                "2.yaml",
                "subnetIds: [s1, s2]\nassetPrefix: null\nuserProfiles: {u1: {userRole: {name: r2}}}\nsecurityGroups: sg-s\n",
            ),
        ]);
        assert_eq!(
            merged.tree().to_json(),
            json!({
                "subnetIds": ["s1", "s1", "s2"],
                "assetPrefix": null,
                "userProfiles": {"u1": {"userRole": {"name": "r2", "arn": "x"}}},
                "securityGroups": ["sg-1", "sg-s"],
            })
        );
        let YamlValue::List(subnets) = &merged.tree().get("subnetIds").unwrap().value else { panic!() };
        assert_eq!((&*subnets[0].span.source.file, &*subnets[2].span.source.file), ("1.yaml", "2.yaml"));
    }

    #[test]
    fn inline_data_replaces_top_level_keys() {
        let inline = Tree::from_json(json!({"domain": {"vpcId": "v"}}), &nowhere());
        let merged = document(&[("1.yaml", "domain: {authMode: IAM}\nother: 1\n")]).overlay(inline);
        assert_eq!(merged.tree().to_json(), json!({"domain": {"vpcId": "v"}, "other": 1}));
    }

    #[test]
    fn paths_are_relative_to_their_file() {
        let cases = [
            ("/base/dir", "./a", "/base/dir/a"),
            ("/base/dir", "./../a", "/base/a"),
            ("/base/dir", "../a", "/base/a"),
            ("/base/dir", "./", "/base/dir"),
            ("", "./a", "a"),
            ("", "../a", "../a"),
            ("conf", "../a/./b", "a/b"),
            ("conf", "./..", "."),
            ("/", "../../a", "/a"),
        ];
        for (folder, path, expected) in cases {
            assert_eq!(join(folder, path), expected, "{folder} {path}");
        }
        let text = "domain:\n  assetPrefix: ./x\n  vpcId: .hidden\n  lifecycleConfigs: {kernel: {cmds: [./run.sh, ../x], assets: {a: {sourcePath: ../y}}}}\n";
        assert_eq!(
            document(&[("/base/dir/a.yaml", text)]).tree().to_json(),
            json!({"domain": {"assetPrefix": "/base/dir/x", "vpcId": ".hidden", "lifecycleConfigs": {"kernel": {
                "cmds": ["./run.sh", "../x"], "assets": {"a": {"sourcePath": "/base/y"}}}}}})
        );
    }

    #[test]
    fn the_deployment_block_is_read_as_written() {
        let block = document(&[("a.yaml", "deployment: {org: acme, account: '123456789012', context: {list: [1]}}\n")])
            .deployment_block();
        let block = block.unwrap();
        assert_eq!((block.org.as_deref(), block.account.as_deref()), (Some("acme"), Some("123456789012")));
        assert_eq!(block.context["list"], json!([1]));
        let mistakes = document(&[("a.yaml", "deployment: {account: 123456789012}\n")]).deployment_block().unwrap_err();
        assert_eq!(mistakes.iter().map(|d| d.code).collect::<Vec<_>>(), ["SD1004"]);
    }
}
