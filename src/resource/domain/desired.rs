//! The domain that a config asks for: its properties, and the YAML place of each.

use std::collections::BTreeMap;

use super::super::studio::settings::{complete, completed, setting_sources, without_empty};
use super::super::{Desired, execution_role, kms_key, lifecycle_config, security_group};
use super::address;
use crate::config::LifecycleKind;
use crate::model::{Node, Path, Source, Value};

/// The domain that the config asks for.
pub(super) fn node(desired: &Desired) -> Node {
    let config = &desired.config.domain;
    let or = |value: &Option<String>, default: &str| Value::from(value.as_deref().unwrap_or(default));
    let tags = desired.tags(&address());
    let mut domain_settings =
        config.domain_settings.as_ref().map_or_else(Value::map, |settings| without_empty(settings.wire().into()));
    // Every call that a notebook makes carries its user's profile name as source identity.
    if domain_settings.get("ExecutionRoleIdentityConfig").is_none() {
        domain_settings.set("ExecutionRoleIdentityConfig", "USER_PROFILE_NAME");
    }
    let mut properties = Value::from_iter([
        ("DomainName", or(&config.domain_name, &desired.names.domain)),
        ("AuthMode", config.auth_mode.as_str().into()),
        ("AppNetworkAccessType", or(&config.app_network_access_type, "VpcOnly")),
        ("VpcId", config.vpc_id.as_str().into()),
        ("SubnetIds", config.subnet_ids.iter().map(String::as_str).collect::<Vec<_>>().into()),
        ("KmsKeyId", Value::Text(kms_key::arn(desired))),
        ("DefaultUserSettings", user_settings(desired)),
        ("DomainSettings", domain_settings),
        ("Tags", tags.clone()),
        ("HomeEfsTags", tags.clone()),
        ("NfsSecurityGroupTags", tags),
    ]);
    if let Some(settings) = &config.default_space_settings {
        let mut settings = completed(Value::from(settings.wire()));
        // AWS refuses space settings without a role; groups of their own they need as users do.
        if settings.get("ExecutionRole").is_none() {
            settings.set("ExecutionRole", execution_role::arn(desired));
        }
        let mut groups = vec![Value::Text(security_group::id(desired))];
        groups.extend(settings.get("SecurityGroups").map(Value::items).unwrap_or_default().iter().cloned());
        groups.dedup();
        settings.set("SecurityGroups", groups);
        properties.set("DefaultSpaceSettings", settings);
    }
    for (key, value) in [
        ("AppSecurityGroupManagement", &config.app_security_group_management),
        ("TagPropagation", &config.tag_propagation),
    ] {
        if let Some(value) = value {
            properties.set(key, value.as_str());
        }
    }
    let mut node = Node::new(address(), properties);
    node.sources = sources(desired);
    // Once there, space settings stay: they must not go on naming a role or a group that goes.
    if config.default_space_settings.is_none() {
        let spaces = [
            ("ExecutionRole", Value::Text(execution_role::arn(desired))),
            ("SecurityGroups", Value::List(vec![Value::Text(security_group::id(desired))])),
        ];
        node.fallback.set("DefaultSpaceSettings", Value::from_iter(spaces));
    }
    node
}

/// MDAA's settings: the defaults, overridden by the user's, completed by the generated lifecycle configs.
pub fn user_settings(desired: &Desired) -> Value {
    let config = &desired.config.domain;
    let mut settings = complete(&config.default_user_settings);
    for (app, instance) in [("JupyterServer", Some("system")), ("JupyterLab", None), ("KernelGateway", Some("system"))]
    {
        let key = format!("{app}AppSettings");
        let list = Path(vec![key.clone(), "LifecycleConfigArns".into()]);
        // An empty list is sent too: that is how configs that are no longer wanted are detached.
        if settings.at(&list).is_none() {
            settings.set_at(&list, Value::List(Vec::new()));
        }
        let spec = Path(vec![key, "DefaultResourceSpec".into(), "InstanceType".into()]);
        if let Some(instance) = instance.filter(|_| settings.at(&spec).is_none()) {
            settings.set_at(&spec, instance.into());
        }
    }
    for kind in LifecycleKind::ALL.into_iter().filter(|kind| config.lifecycle_configs.contains_key(kind)) {
        let key = format!("{}AppSettings", kind.app_type());
        let list = Path(vec![key.clone(), "LifecycleConfigArns".into()]);
        let mut arns = settings.at(&list).map(Value::items).unwrap_or_default().to_vec();
        arns.push(Value::Text(lifecycle_config::arn(kind)));
        settings.set_at(&list, Value::List(arns));
        let default = Path(vec![key, "DefaultResourceSpec".into(), "LifecycleConfigArn".into()]);
        settings.set_at(&default, Value::Text(lifecycle_config::arn(kind)));
    }
    settings.set("ExecutionRole", execution_role::arn(desired));
    let mut groups = vec![Value::Text(security_group::id(desired))];
    for group in config.default_user_settings.security_groups.iter().flatten() {
        let group = Value::from(group.as_str());
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    settings.set("SecurityGroups", groups);
    settings
}

/// The YAML places of the properties; a setting's are found by walking its keys.
fn sources(desired: &Desired) -> BTreeMap<Path, Source> {
    let fixed: [(&[&str], &[&str]); 11] = [
        (&[], &["domain"]),
        (&["AuthMode"], &["domain", "authMode"]),
        (&["VpcId"], &["domain", "vpcId"]),
        (&["SubnetIds"], &["domain", "subnetIds"]),
        (&["KmsKeyId"], &["domain", "kmsKeyArn"]),
        (&["AppNetworkAccessType"], &["domain", "appNetworkAccessType"]),
        (&["DefaultUserSettings", "ExecutionRole"], &["domain", "defaultExecutionRole"]),
        (&["DefaultUserSettings", "SecurityGroups"], &["domain", "securityGroupId"]),
        (&["DefaultSpaceSettings"], &["domain", "defaultSpaceSettings"]),
        (&["DomainSettings"], &["domain", "domainSettings"]),
        (&["Tags"], &["deployment", "tags"]),
    ];
    let own = |keys: &[&str]| keys.iter().map(ToString::to_string).collect::<Vec<String>>();
    let mut sources: BTreeMap<Path, _> =
        fixed.into_iter().filter_map(|(path, keys)| Some((Path(own(path)), desired.source(keys)?))).collect();
    let settings = Value::from(desired.config.domain.default_user_settings.wire());
    sources.extend(setting_sources(desired, &settings, "DefaultUserSettings", &["domain", "defaultUserSettings"]));
    if let Some(spaces) = &desired.config.domain.default_space_settings {
        let keys = ["domain", "defaultSpaceSettings"];
        sources.extend(setting_sources(desired, &Value::from(spaces.wire()), "DefaultSpaceSettings", &keys));
    }
    for kind in LifecycleKind::ALL.iter().filter(|kind| desired.config.domain.lifecycle_configs.contains_key(kind)) {
        let Some(source) = desired.source(&["domain", "lifecycleConfigs", kind.key(), "cmds"]) else { continue };
        let app = format!("{}AppSettings", kind.app_type());
        let given = settings.at(&Path(own(&[&app, "LifecycleConfigArns"]))).map_or(0, |given| given.items().len());
        for keys in [&["LifecycleConfigArns", &given.to_string()], &["DefaultResourceSpec", "LifecycleConfigArn"]] {
            sources.insert(Path(own(&["DefaultUserSettings", &app, keys[0], keys[1]])), source.clone());
        }
    }
    for at in (0..desired.config.domain.subnet_ids.len()).map(|at| at.to_string()) {
        sources.extend(
            desired.source(&["domain", "subnetIds", &at]).map(|source| (Path(own(&["SubnetIds", &at])), source)),
        );
    }
    sources
}
