//! The settings that there are, read off the published schema: every leaf of the four trees, with two values of it.

use serde_json::{Map, Value as Json, json};

/// Tree of settings in the config, and in the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    Users,
    Spaces,
    Domain,
    Profile,
}

impl Tree {
    pub const ALL: [Self; 4] = [Self::Users, Self::Spaces, Self::Domain, Self::Profile];

    pub fn definition(self) -> &'static str {
        match self {
            Self::Users | Self::Profile => "UserSettings",
            Self::Spaces => "SpaceSettings",
            Self::Domain => "DomainSettings",
        }
    }

    pub fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["domain", "defaultUserSettings"],
            Self::Spaces => &["domain", "defaultSpaceSettings"],
            Self::Domain => &["domain", "domainSettings"],
            Self::Profile => &["domain", "userProfiles", "ann", "settings"],
        }
    }
}

/// A setting: the way to it, and two values of it.
#[derive(Clone, Debug)]
pub struct Leaf {
    pub tree: Tree,
    pub keys: Vec<String>,
    pub values: [Json; 2],
    /// All members of the structure that it stands in, for what means nothing alone.
    pub siblings: Map<String, Json>,
}

/// The published schema of the config.
pub struct Schema(Json);

impl Schema {
    pub fn read() -> Self {
        Self(serde_json::from_str(include_str!("../../../schema/config.json")).unwrap())
    }

    /// The schema behind a reference, those of the YAML dialect aside.
    fn resolve<'a>(&'a self, schema: &'a Json) -> &'a Json {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/definitions/")) {
            return self.resolve(&self.0["definitions"][name]);
        }
        match schema["anyOf"].as_array().or(schema["allOf"].as_array()) {
            Some(choices) => self.resolve(&choices[0]),
            None => schema,
        }
    }

    /// Two values that fit.
    fn values(&self, name: &str, schema: &Json) -> [Json; 2] {
        let schema = self.resolve(schema);
        if let Some(words) = schema["enum"].as_array() {
            return [words[0].clone(), words[1.min(words.len() - 1)].clone()];
        }
        match schema["type"].as_str() {
            Some("string") => texts(name, schema["pattern"].as_str()).map(Json::from),
            Some("integer") => {
                let least = schema["minimum"].as_i64().or(schema["x-aws-minimum"].as_i64()).unwrap_or(0);
                // What is least is below what is set, and that below what is most.
                let step = if name.starts_with("max") {
                    20
                } else if name.starts_with("min") {
                    0
                } else {
                    10
                };
                [least + step, least + step + 1].map(Json::from)
            }
            Some("array") => self.values(name, &schema["items"]).map(|item| json!([item])),
            Some("object") => [0, 1].map(|at| {
                let members = self.members(schema).into_iter();
                // Of a union one member.
                let members =
                    members.take(if schema["required"].is_null() && name.ends_with("Configs") { 1 } else { 99 });
                members.map(|(name, member)| (name.to_owned(), self.values(name, member)[at].clone())).collect()
            }),
            other => panic!("{name}: {other:?}"),
        }
    }

    fn members<'a>(&'a self, schema: &'a Json) -> Vec<(&'a str, &'a Json)> {
        let members = schema["properties"].as_object().into_iter().flatten();
        members.map(|(name, member)| (name.as_str(), member)).collect()
    }

    pub fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        for tree in Tree::ALL {
            self.collect(tree, &self.0["definitions"][tree.definition()], &mut Vec::new(), &mut leaves);
        }
        leaves
    }

    fn collect(&self, tree: Tree, schema: &Json, keys: &mut Vec<String>, leaves: &mut Vec<Leaf>) {
        let members = self.members(schema);
        let is_plain = |member: &Json| self.resolve(member)["type"] != "object";
        let plain = members.iter().filter(|(_, member)| is_plain(member));
        let siblings: Map<String, Json> =
            plain.map(|(name, member)| ((*name).to_owned(), self.values(name, member)[0].clone())).collect();
        for (name, member) in members {
            keys.push(name.to_owned());
            if is_plain(member) {
                // The Jupyter server knows one instance type.
                let is_server = name == "instanceType" && keys[0] == "jupyterServerAppSettings";
                let values = if is_server { ["system", "system"].map(Json::from) } else { self.values(name, member) };
                leaves.push(Leaf { tree, keys: keys.clone(), values, siblings: siblings.clone() });
            } else {
                self.collect(tree, self.resolve(member), keys, leaves);
            }
            keys.pop();
        }
    }
}

/// Two texts that fit a pattern, or a name where there is none.
fn texts(name: &str, pattern: Option<&str>) -> [String; 2] {
    let of = |text: &str| ["one", "two"].map(|word| text.replace("{}", word));
    let Some(pattern) = pattern else {
        return match name {
            "defaultLandingUri" => ["studio::", "app:JupyterServer:"].map(str::to_owned),
            "sageMakerImageVersionAlias" | "versionAliases" => ["1.0", "2.0"].map(str::to_owned),
            "trainingPlanArn" => of("arn:aws:sagemaker:us-east-1:123456789012:training-plan/{}"),
            "qProfileArn" => of("arn:aws:codewhisperer:us-east-1:123456789012:profile/{}"),
            "singleSignOnApplicationArn" => of("arn:aws:sso::123456789012:application/{}/apl-1"),
            "secretArn" => of("arn:aws:secretsmanager:us-east-1:123456789012:secret:{}"),
            "domainAccountId" => ["111111111111", "222222222222"].map(str::to_owned),
            "domainId" => of("dzd_{}"),
            "domainRegion" => ["us-east-1", "us-west-2"].map(str::to_owned),
            "hiddenInstanceTypes" => ["ml.t3.medium", "ml.t3.large"].map(str::to_owned),
            "mountPath" | "fileSystemPath" => of("/{}"),
            name if name.ends_with("S3Path") || name.ends_with("S3Uri") => of("s3://bucket/{}"),
            name if name.ends_with("Url") => of("https://{}.example.com"),
            _ => of("{}"),
        };
    };
    for (part, text) in [
        ("studio-lifecycle-config", "arn:aws:sagemaker:us-east-1:999999999999:studio-lifecycle-config/{}"),
        (":role/", "arn:aws:iam::123456789012:role/{}"),
        (":image/", "arn:aws:sagemaker:us-east-1:123456789012:image/{}"),
        ("https|s3", "s3://bucket/{}"),
        ("(s3)://", "s3://bucket/{}"),
        ("^https://", "https://github.com/example/{}"),
        ("[a-zA-Z0-9:/_-]*", "arn:aws:kms:us-east-1:123456789012:key/{}"),
        ("[-0-9a-zA-Z]+", "sg-{}"),
        ("-*[a-zA-Z0-9]", "config-{}"),
        ("[-.]?[a-zA-Z0-9]", "image-{}"),
    ] {
        if pattern.contains(part) {
            return of(text);
        }
    }
    for (part, values) in [
        (
            ":image-version/",
            [
                "arn:aws:sagemaker:us-east-1:123456789012:image-version/lab/1",
                "arn:aws:sagemaker:us-east-1:123456789012:image-version/lab/2",
            ],
        ),
        ("system|ml", ["ml.t3.medium", "ml.t3.large"]),
        ("[0-9]{12}", ["111111111111", "222222222222"]),
        ("fs-", ["fs-0123456789abcdef0", "fs-0123456789abcdef1"]),
    ] {
        if pattern.contains(part) {
            return values.map(str::to_owned);
        }
    }
    panic!("{name}: no text for {pattern}")
}
