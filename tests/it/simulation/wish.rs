//! Wishes of the people of a story: a config out of the config's grammar, and what they change about it.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use crate::convergence::put;
use crate::convergence::settings::{Leaf, Schema, Tree};
use crate::support::dice::Dice;

/// Every setting that there is.
fn leaves() -> &'static [Leaf] {
    static LEAVES: OnceLock<Vec<Leaf>> = OnceLock::new();
    LEAVES.get_or_init(|| {
        let mut leaves = Schema::read().leaves();
        // The domain's role has a key of its own, and RStudio is a domain of another kind.
        leaves.retain(|leaf| leaf.keys[0] != "executionRole" && leaf.keys[0] != "rStudioServerProDomainSettings");
        leaves
    })
}

/// Everybody who may have a profile.
pub const USERS: [&str; 4] = ["ann", "ben", "cid", "dee"];

/// Config that somebody wishes for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish(Json);

impl Wish {
    /// The config that a story begins with.
    pub fn first(dice: &mut Dice) -> Self {
        let mut wish = Self(json!({"domain": {
            "authMode": "IAM", "vpcId": "vpc-1", "subnetIds": ["subnet-1", "subnet-2"],
            "dataAdminRoles": [{"name": "admin"}],
            "userProfiles": {"ann": {"userRole": {"name": "users"}}},
        }}));
        if dice.roll(6) == 0 {
            wish.sign_in("SSO");
        }
        for _ in 0..dice.roll(5) {
            wish.change(dice);
        }
        wish
    }

    /// The text of the config: JSON is YAML.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.0)
    }

    /// The same in one line.
    pub fn line(&self) -> String {
        self.0.to_string()
    }

    /// Returns `true` if users sign in with Identity Center.
    fn is_sso(&self) -> bool {
        self.0["domain"]["authMode"] == "SSO"
    }

    /// Returns `true` if nothing that holds data may go.
    pub fn is_protected(&self) -> bool {
        self.0["domain"]["protect"] == true
    }

    fn domain(&mut self) -> &mut Json {
        &mut self.0["domain"]
    }

    fn set(&mut self, key: &str, value: Json) {
        self.domain()[key] = value;
    }

    fn unset(&mut self, key: &str) {
        self.domain().as_object_mut().unwrap().shift_remove(key);
    }

    /// Says something, or takes it back if it was said.
    fn toggle(&mut self, key: &str, value: Json) {
        if self.0["domain"][key] == value { self.unset(key) } else { self.set(key, value) }
    }

    fn sign_in(&mut self, mode: &str) {
        self.set("authMode", json!(mode));
        for profile in self.domain()["userProfiles"].as_object_mut().unwrap().values_mut() {
            let profile = profile.as_object_mut().unwrap();
            profile.shift_remove("userRole");
            if mode == "IAM" {
                profile.insert("userRole".into(), json!({"name": "users"}));
            }
        }
    }

    /// Changes one thing; what was changed.
    pub fn change(&mut self, dice: &mut Dice) -> String {
        match dice.roll(40) {
            0..6 => self.change_users(dice),
            6..9 => self.change_tags(dice),
            9..14 => self.change_scripts(dice),
            14..24 => self.change_setting(dice),
            24..30 => self.change_what_is_given(dice),
            30..34 => self.change_network(dice),
            34..39 => self.change_rules_of_the_tool(dice),
            _ => {
                let mode = if self.is_sso() { "IAM" } else { "SSO" };
                self.sign_in(mode);
                format!("authMode {mode}")
            }
        }
    }

    fn change_users(&mut self, dice: &mut Dice) -> String {
        let user = dice.one(&USERS);
        let sso = self.is_sso();
        let profile = |role: &str| if sso { json!({}) } else { json!({"userRole": {"name": role}}) };
        let users = self.domain()["userProfiles"].as_object_mut().unwrap();
        if !users.contains_key(user) {
            users.insert(user.into(), profile("users"));
            return format!("user {user} comes");
        }
        match dice.roll(6) {
            0 => {
                users[user]["profileName"] = json!(format!("{user}-{}", dice.roll(2)));
                format!("user {user} has another name")
            }
            1 | 2 if !sso => {
                users[user]["userRole"] = json!({"name": dice.one(&["users", "more-users"])});
                format!("user {user} has another role")
            }
            _ if users.len() > 1 => {
                users.shift_remove(user);
                format!("user {user} goes")
            }
            _ => "nothing".into(),
        }
    }

    fn change_tags(&mut self, dice: &mut Dice) -> String {
        let (name, value) = (dice.one(&["team", "room", "empty"]), dice.one(&["science", "art", "", "None"]));
        let of = ["domain", "deployment"][usize::from(dice.roll(3) == 0)];
        let tags = &mut self.0[of]["tags"];
        if tags[name].is_null() || dice.roll(3) > 0 {
            tags[name] = json!(value);
            return format!("{of}: tag {name} is `{value}`");
        }
        tags.as_object_mut().unwrap().shift_remove(name);
        format!("{of}: tag {name} goes")
    }

    fn change_scripts(&mut self, dice: &mut Dice) -> String {
        let kind = dice.one(&["jupyterLab", "jupyterLab", "kernel", "jupyter"]);
        let scripts = &mut self.domain()["lifecycleConfigs"];
        if !scripts[kind].is_null() && dice.roll(3) == 0 {
            scripts.as_object_mut().unwrap().shift_remove(kind);
            return format!("script {kind} goes");
        }
        scripts[kind]["cmds"] = json!([format!("echo {}", dice.roll(3))]);
        match dice.roll(4) {
            0 => scripts[kind]["assets"] = json!({"testing": {"sourcePath": "./testing_asset_dir"}}),
            1 => drop(scripts[kind].as_object_mut().unwrap().shift_remove("assets")),
            _ => {}
        }
        format!("script {kind} changes")
    }

    fn change_setting(&mut self, dice: &mut Dice) -> String {
        let leaves = leaves();
        let leaf = &leaves[usize::try_from(dice.roll(leaves.len() as u64)).unwrap()];
        let tree = leaf.tree.keys();
        if leaf.tree == Tree::Profile && self.0["domain"]["userProfiles"]["ann"].is_null() {
            return "nothing".into();
        }
        let keys = |keys: &[String]| -> Vec<String> {
            tree.iter().map(|key| (*key).to_owned()).chain(keys.iter().cloned()).collect()
        };
        // A setting of its kind goes, or all that are like it.
        let holder = tree.iter().fold(&mut self.0, |json, key| &mut json[*key]);
        if let Some(members) = holder.as_object_mut().filter(|members| !members.is_empty())
            && dice.roll(3) == 0
        {
            let at = usize::try_from(dice.roll(members.len() as u64)).unwrap();
            let name = members.keys().nth(at).unwrap().clone();
            members.shift_remove(&name);
            return format!("{:?} {name} goes", leaf.tree);
        }
        if holder.is_null() {
            *holder = json!({});
        }
        let value = usize::try_from(dice.roll(2)).unwrap();
        if dice.roll(2) == 0 {
            let (_, parents) = leaf.keys.split_last().unwrap();
            for (name, sibling) in &leaf.siblings {
                put(&mut self.0, &keys(&[parents, std::slice::from_ref(name)].concat()), sibling.clone());
            }
        }
        put(&mut self.0, &keys(&leaf.keys), leaf.values[value].clone());
        format!("{:?} {} is {}", leaf.tree, leaf.keys.join("."), leaf.values[value])
    }

    fn change_what_is_given(&mut self, dice: &mut Dice) -> String {
        let bucket = json!({"domainBucketName": "given-bucket", "assetDeploymentRole": {"name": "given-asset-role"}});
        let (key, value) = match dice.roll(6) {
            0 => ("defaultExecutionRole", json!({"name": dice.one(&["given", "users"])})),
            1 => ("securityGroupId", json!("sg-given")),
            2 => ("kmsKeyArn", json!("arn:{{partition}}:kms:{{region}}:{{account}}:key/given-key")),
            3 => ("domainBucket", bucket),
            4 => ("dataAdminRoles", json!([{"name": "admin"}, {"name": "boss"}])),
            _ => ("dataAdminRoles", json!([{"name": dice.one(&["admin", "boss"])}])),
        };
        match key {
            "dataAdminRoles" => self.set(key, value),
            _ => self.toggle(key, value),
        }
        format!("{key} is {}", self.0["domain"][key])
    }

    fn change_network(&mut self, dice: &mut Dice) -> String {
        let rule = |dice: &mut Dice| {
            let cidr = dice.one(&["10.0.0.0/24", "10.1.0.0/16"]);
            json!({"ipv4": [{"cidr": cidr, "protocol": "tcp", "port": 443 + dice.roll(2)}]})
        };
        let (key, value) = match dice.roll(8) {
            0 | 1 => (
                "subnetIds",
                json!([["subnet-1", "subnet-2"], ["subnet-1", "subnet-3"]][usize::from(dice.roll(2) > 0)]),
            ),
            2 => ("subnetIds", json!(["subnet-1"])),
            3 => ("securityGroupIngress", rule(dice)),
            4 => ("securityGroupEgress", rule(dice)),
            5 => ("appNetworkAccessType", json!(dice.one(&["VpcOnly", "PublicInternetOnly"]))),
            6 => ("securityGroupIngress", json!({})),
            _ if dice.roll(3) == 0 => ("vpcId", json!(dice.one(&["vpc-1", "vpc-2"]))),
            _ => ("securityGroupEgress", json!({})),
        };
        self.set(key, value);
        format!("{key} is {}", self.0["domain"][key])
    }

    fn change_rules_of_the_tool(&mut self, dice: &mut Dice) -> String {
        let fate = json!(dice.one(&["retain", "delete"]));
        let (key, value) = match dice.roll(9) {
            0 => ("protect", json!(true)),
            1 => ("removalPolicy", json!({"homeEfs": fate})),
            2 => ("removalPolicy", json!({"bucket": fate, "kmsKey": fate})),
            3 => ("notebookSharingPrefix", json!("shared/")),
            4 => ("assetPrefix", json!("assets")),
            5 => ("tagPropagation", json!("ENABLED")),
            6 => ("domainName", json!("another-name")),
            7 => ("defaultSpaceSettings", json!({})),
            _ => ("appSecurityGroupManagement", json!("Customer")),
        };
        self.toggle(key, value);
        format!("{key} is {}", self.0["domain"][key])
    }
}
