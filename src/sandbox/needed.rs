//! References of a config to what it does not make: the sandbox has that from the beginning, so that the first apply
//! works.
//!
//! Parameters come first, since other references may hide behind them; each gets a value that fits the place that
//! refers to it. Then everything that the filled-in config names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::config::diagnostic::Diagnostics;
use crate::config::document::Document;
use crate::config::template::{Context, Parameter, ParameterKind};
use crate::config::{self, Config, DomainSettings, Reviewed, RoleReference, SpaceSettings};
use studio_sandbox::World;
use studio_sandbox::{
    APP_IMAGE_CONFIGS, FOREIGN_LIFECYCLE_CONFIGS, IMAGE_VERSIONS, IMAGES, LifecycleConfigRecord, Stored,
};
use studio_sandbox::{Seed, SeedRole, SeedSubnet};

/// Things that have to exist before a config can be applied.
#[derive(Debug, Default)]
pub struct Needed {
    /// What is no business of Studio's.
    pub seed: Seed,
    /// What ARNs of things here begin with: partition, region and account.
    here: [String; 3],
    images: BTreeSet<String>,
    image_versions: BTreeSet<String>,
    app_image_configs: BTreeSet<String>,
    lifecycle_configs: BTreeSet<String>,
}

/// Everything that a document refers to and does not make.
///
/// # Errors
/// Mistakes in the config.
pub fn needed(document: &Document, context: &Context) -> Result<Needed, Diagnostics> {
    let Reviewed { config, diagnostics, needs } = config::review(document, context, None);
    let open = config.filter(|_| !diagnostics.has_errors()).ok_or(diagnostics)?;
    let names: Vec<String> = needs.into_iter().map(|(name, _)| name).collect();
    let fitting = fitting_values(&open, context);
    let values: BTreeMap<String, Parameter> = names
        .into_iter()
        .map(|name| {
            let value = fitting.get(&name).cloned().unwrap_or_else(|| "seeded".into());
            (name, Parameter { value, kind: ParameterKind::String })
        })
        .collect();
    let config = config::resolve(document, context, Some(&values))?.config;
    let mut needed = Needed { here: place(context), ..Needed::default() };
    needed.seed.parameters = values.into_iter().map(|(name, parameter)| (name, parameter.value)).collect();
    needed.network(&config);
    needed.references(&config);
    if let Some(arn) = &config.domain.kms_key_arn {
        needed.key(arn);
    }
    if let Some(bucket) = &config.domain.domain_bucket {
        needed.seed.buckets.push(bucket.domain_bucket_name.clone());
    }
    for settings in &settings_of(&config) {
        needed.settings(settings);
    }
    Ok(needed)
}

/// Every tree of settings that a config has, in the API's words.
fn settings_of(config: &Config) -> Vec<Json> {
    let domain = &config.domain;
    let mut all = vec![domain.default_user_settings.wire()];
    all.extend(domain.user_profiles.values().map(|profile| profile.settings.wire()));
    all.extend(domain.default_space_settings.iter().map(SpaceSettings::wire));
    all.extend(domain.domain_settings.iter().map(DomainSettings::wire));
    all
}

impl Needed {
    /// The policy that bounds every role that is made.
    pub fn boundary(&mut self, arn: &str) {
        if let Some(seed) = self.of(arn) {
            seed.policies.push(arn.to_owned());
        }
    }

    /// The seed of the account that an ARN belongs to; none for another region's or partition's, which is out of reach.
    fn of(&mut self, arn: &str) -> Option<&mut Seed> {
        let [partition, region, account] = &self.here;
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", in_partition, _, in_region, owner, _] = fields[..] else { return None };
        if in_partition != partition || !(in_region.is_empty() || in_region == region) {
            return None;
        }
        // What is AWS's own is there anyway.
        match owner {
            "aws" | "" => None,
            owner if owner == account => Some(&mut self.seed),
            owner => Some(self.seed.others.entry(owner.to_owned()).or_default()),
        }
    }

    /// Makes what is Studio's business; a line for each thing made.
    pub fn studio(&self, world: &mut World) -> Vec<String> {
        let mut made = Vec::new();
        let own = world.arn("sagemaker", "studio-lifecycle-config/");
        for name in self.lifecycle_configs.iter().filter_map(|arn| arn.strip_prefix(&own)) {
            if !world.has(LifecycleConfigRecord::TABLE, name) {
                world.put(LifecycleConfigRecord::TABLE, name, &LifecycleConfigRecord::seeded(name, world.now()));
                made.push(format!("lifecycle config {name}"));
            }
        }
        let tables = [
            (IMAGES, &self.images, "image"),
            (IMAGE_VERSIONS, &self.image_versions, "image version"),
            (APP_IMAGE_CONFIGS, &self.app_image_configs, "app image config"),
            (FOREIGN_LIFECYCLE_CONFIGS, &self.lifecycle_configs, "lifecycle config"),
        ];
        for (table, names, what) in tables {
            for name in names.iter().filter(|name| !name.is_empty() && !name.starts_with(&own)) {
                if !world.has(table, name) {
                    world.put(table, name, &json!({}));
                    made.push(format!("{what} {name}"));
                }
            }
        }
        made
    }

    fn network(&mut self, config: &Config) {
        let domain = &config.domain;
        self.seed.vpcs.push(domain.vpc_id.clone());
        let subnets = domain.subnet_ids.iter();
        self.seed.subnets = subnets.map(|id| SeedSubnet { id: id.clone(), vpc: domain.vpc_id.clone() }).collect();
        let mut groups: BTreeSet<&str> = domain.security_group_id.iter().map(String::as_str).collect();
        let settings = settings_of(config);
        let named = settings.iter().flat_map(|settings| [&settings["SecurityGroups"], &settings["SecurityGroupIds"]]);
        groups.extend(named.filter_map(Json::as_array).flatten().filter_map(Json::as_str));
        for rules in [&domain.security_group_ingress, &domain.security_group_egress] {
            groups.extend(rules.sg.iter().map(|rule| rule.peer.as_str()));
            let lists = rules.prefix_list.iter().map(|rule| (rule.peer.clone(), format!("com.example.{}", rule.peer)));
            self.seed.prefix_lists.extend(lists);
        }
        self.seed.prefix_lists.sort();
        self.seed.prefix_lists.dedup_by(|one, other| one.0 == other.0);
        self.seed.security_groups = groups.into_iter().map(|id| (id.to_owned(), domain.vpc_id.clone())).collect();
    }

    fn references(&mut self, config: &Config) {
        let domain = &config.domain;
        let mut references: Vec<&RoleReference> = domain.default_execution_role.iter().collect();
        references.extend(&domain.data_admin_roles);
        references.extend(domain.domain_bucket.iter().map(|bucket| &bucket.asset_deployment_role));
        references.extend(domain.user_profiles.values().filter_map(|profile| profile.user_role.as_ref()));
        for reference in references {
            self.role(reference);
        }
    }

    /// The role that a reference means, in the account that it is in. Several references may mean one role; what any of
    /// them says of it counts.
    fn role(&mut self, reference: &RoleReference) {
        let role = role(reference, &self.here[1]);
        let seed = match &reference.arn {
            Some(arn) => self.of(arn),
            None => Some(&mut self.seed),
        };
        let Some(seed) = seed else { return };
        match seed.roles.iter_mut().find(|known| known.name.eq_ignore_ascii_case(&role.name)) {
            Some(known) => {
                known.id = known.id.take().or(role.id);
                known.path = known.path.take().or(role.path);
            }
            None => seed.roles.push(role),
        }
    }

    /// The key that an ARN means, or in settings an id or an alias.
    fn key(&mut self, key: &str) {
        let here = format!("arn:{}:kms:{}:{}:", self.here[0], self.here[1], self.here[2]);
        let arn = match key {
            arn if arn.starts_with("arn:") => arn.to_owned(),
            alias if alias.starts_with("alias/") => format!("{here}{alias}"),
            id => format!("{here}key/{id}"),
        };
        let Some(seed) = self.of(&arn) else { return };
        if let Some((_, id)) = arn.rsplit_once(":key/") {
            seed.keys.push(id.to_owned());
        } else if let Some((_, name)) = arn.rsplit_once(":alias/") {
            seed.aliases.push(format!("alias/{name}"));
        }
    }

    /// Images, app image configs, lifecycle configs and roles anywhere in settings, and the key for sharing.
    fn settings(&mut self, settings: &Json) {
        match settings {
            Json::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value.as_str()) {
                        ("SageMakerImageArn", Some(arn)) => self.images.extend(after(arn, ":image/")),
                        ("SageMakerImageVersionArn", Some(arn)) => {
                            self.image_versions.extend(after(arn, ":image-version/"));
                            let image =
                                after(arn, ":image-version/").and_then(|name| Some(name.split_once('/')?.0.to_owned()));
                            self.images.extend(image);
                        }
                        ("LifecycleConfigArn" | "BuiltInLifecycleConfigArn", Some(arn)) if arn != "None" => {
                            self.lifecycle_configs.insert(arn.to_owned());
                        }
                        ("AppImageConfigName", Some(name)) => {
                            self.app_image_configs.insert(name.to_owned());
                        }
                        ("ImageName", Some(name)) => {
                            self.images.insert(name.to_owned());
                            let version = members.get("ImageVersionNumber").and_then(Json::as_i64).unwrap_or(1);
                            self.image_versions.insert(format!("{name}/{version}"));
                        }
                        ("S3KmsKeyId", Some(key)) => self.key(key),
                        ("LifecycleConfigArns", None) => {
                            let arns = value.as_array().into_iter().flatten().filter_map(Json::as_str);
                            self.lifecycle_configs.extend(arns.map(str::to_owned));
                        }
                        _ => self.settings(value),
                    }
                }
            }
            Json::Array(items) => items.iter().for_each(|item| self.settings(item)),
            // Whatever setting it is of, a role is one.
            Json::String(text) if text.contains(":role/") => {
                self.role(&RoleReference { arn: Some(text.clone()), ..RoleReference::default() });
            }
            _ => {}
        }
    }
}

/// Partition, region and account.
fn place(context: &Context) -> [String; 3] {
    let part = |part: &Option<String>, default: &str| part.clone().unwrap_or_else(|| default.to_owned());
    [part(&context.partition, "aws"), part(&context.region, "us-east-1"), part(&context.account, "123456789012")]
}

fn after(arn: &str, kind: &str) -> Option<String> {
    arn.split_once(kind).map(|(_, name)| name.to_owned())
}

/// The role that a reference means: its own name and path where it gives them, else a name made of its id.
fn role(reference: &RoleReference, region: &str) -> SeedRole {
    let from_arn = reference.arn.as_deref().and_then(|arn| arn.split_once(":role/")).map(|(_, path)| path);
    let (path, name) = match (from_arn, &reference.name) {
        (Some(path), _) => match path.rsplit_once('/') {
            Some((folder, name)) => (Some(format!("/{folder}/")), name.to_owned()),
            None => (None, path.to_owned()),
        },
        (None, Some(set)) if reference.sso => {
            // Identity Center's own region is part of the path, but for the first (Identity Center user guide, "Referencing
            // permission sets in resource policies").
            let region = if region == "us-east-1" { String::new() } else { format!("{region}/") };
            let name = format!("AWSReservedSSO_{set}_0123456789abcdef");
            (Some(format!("/aws-reserved/sso.amazonaws.com/{region}")), name)
        }
        (None, Some(name)) => (None, name.clone()),
        (None, None) => {
            let id = reference.id.as_deref().unwrap_or("role");
            (None, format!("role-{}", id.to_lowercase()))
        }
    };
    SeedRole { name, path, id: reference.id.clone(), ..SeedRole::default() }
}

/// Values for parameters that are the whole of a value: what fits the place. Others are part of a text and take any.
fn fitting_values(open: &Config, context: &Context) -> BTreeMap<String, String> {
    let mut fitting = BTreeMap::new();
    let mut fit = |text: &str, value: &dyn Fn(usize) -> String| {
        if let Some(name) = text.strip_prefix("{{resolve:ssm:").and_then(|rest| rest.strip_suffix("}}"))
            && !name.contains("{{")
        {
            let count = fitting.len() + 1;
            fitting.entry(name.to_owned()).or_insert_with(|| value(count));
        }
    };
    let domain = &open.domain;
    let [partition, region, account] = place(context);
    let place = |service: &str, resource: String| {
        let region = if service == "iam" { "" } else { &region };
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    };
    let group = |n: usize| format!("sg-{n:017x}");
    fit(&domain.vpc_id, &|n| format!("vpc-{n:017x}"));
    domain.subnet_ids.iter().for_each(|id| fit(id, &|n| format!("subnet-{n:017x}")));
    domain.security_group_id.iter().for_each(|id| fit(id, &group));
    domain.default_user_settings.security_groups.iter().flatten().for_each(|id| fit(id, &group));
    for rules in [&domain.security_group_ingress, &domain.security_group_egress] {
        rules.sg.iter().for_each(|rule| fit(&rule.peer, &group));
        rules.prefix_list.iter().for_each(|rule| fit(&rule.peer, &|n| format!("pl-{n:08x}")));
        rules.ipv4.iter().for_each(|rule| fit(&rule.peer, &|n| format!("10.{}.0.0/16", n % 256)));
    }
    if let Some(arn) = &domain.kms_key_arn {
        fit(arn, &|n| place("kms", format!("key/00000000-0000-0000-0000-{n:012}")));
    }
    for settings in settings_of(open) {
        if let Some(arn) = settings["ExecutionRole"].as_str() {
            fit(arn, &|n| place("iam", format!("role/seeded-role-{n}")));
        }
    }
    if let Some(bucket) = &domain.domain_bucket {
        fit(&bucket.domain_bucket_name, &|n| format!("seeded-bucket-{n}"));
    }
    let mut roles: Vec<&RoleReference> = domain.default_execution_role.iter().collect();
    roles.extend(&domain.data_admin_roles);
    roles.extend(domain.domain_bucket.iter().map(|bucket| &bucket.asset_deployment_role));
    roles.extend(domain.user_profiles.values().filter_map(|profile| profile.user_role.as_ref()));
    for role in roles {
        role.id.iter().for_each(|id| fit(id, &|n| format!("AROASEEDED{n:011}")));
        role.arn.iter().for_each(|arn| fit(arn, &|n| place("iam", format!("role/seeded-role-{n}"))));
        role.name.iter().for_each(|name| fit(name, &|n| format!("seeded-role-{n}")));
    }
    fitting
}
