//! Wherever text may stand, whatever form a reference has: it is resolved, or it is an error at its place. It never stays.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use studio_deploy::config::document::{Document, InputFile};
use studio_deploy::config::mdaa::{Mdaa, read_tag_file};
use studio_deploy::config::template::{Context, Parameter, ParameterKind};
use studio_deploy::config::{self, Diagnostics, Reviewed};

const SCHEMA: &str = include_str!("../../../schema/config.json");

/// Every form of a reference, and things that look like one; commands of scripts may keep the braces of the last three.
const FORMS: [&str; 43] = [
    "{{org}}",
    "x-{{env}}",
    "{{account}}{{region}}",
    "{{partition}}",
    "{{module_name}}",
    "{{context:v}}",
    "{{context:a-{{env}}}}",
    "{{context:{{context:name}}}}",
    "{{env_var:V}}",
    "{{env_var:{{context:variable}}}}",
    "ssm:/p",
    "ssm: /p",
    "ssm:/{{env}}/p",
    "ssm:{{context:path}}",
    "ssm:arn:aws:ssm:us-east-1:111122223333:parameter/p",
    "ssm:/p:2",
    "ssm-org:p",
    "ssm-domain:p",
    "ssm-env: p",
    "generated-role-id:p",
    "generated-role-arn: P",
    "{{resolve:ssm:/p}}",
    "{{resolve:ssm:/{{region}}/p}}",
    "{{ssm-org:p}}",
    "{{ssm-domain:p}}",
    "{{ssm-env:p}}",
    // Refused wherever they stand.
    "{{context:hidden}}",
    "{{context:braces}}",
    "{{context:circle}}",
    "{{context:list}}",
    "{{env_var:HIDDEN}}",
    "{{env_var:LIST}}",
    "ssm:/hidden",
    "ssm:/no such",
    "{{resolve:ssm:/none}}",
    "{{resolve:ssm:{{resolve:ssm:/p}}}}",
    " ssm:/p",
    "SSM:/p",
    "{{param:x}}",
    "{{resolve:secretsmanager:x}}",
    "{{ssm:/p}}",
    "{{ org }}",
    "{{org",
];
/// Number of forms at the end that a command may keep.
const OF_COMMANDS: usize = 3;

fn context() -> Context {
    let values = json!({
        "v": "v", "a-dev": "v", "name": "v", "variable": "V", "path": "/p", "hidden": "ssm:/q", "braces": "{{domain}}",
        "circle": "x{{context:circle}}", "list": ["ssm:/q", {"ssm-org:q": "{{domain}}"}],
    });
    Context {
        org: "acme".into(),
        env: "dev".into(),
        domain: "ml".into(),
        module_name: "studio".into(),
        account: Some("111122223333".into()),
        region: Some("us-east-1".into()),
        partition: Some("aws".into()),
        values: values.as_object().unwrap().clone().into_iter().collect(),
        environment: [("V", "v"), ("HIDDEN", "ssm:/p"), ("LIST", "[\"{{org}}\"]")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Context::default()
    }
}

fn parameters() -> BTreeMap<String, Parameter> {
    let names = [
        "/p",
        "/dev/p",
        "/p:2",
        "/acme/p",
        "/acme/ml/p",
        "/acme/ml/dev/p",
        "/acme/ml/generated-role/p/id",
        "/acme/ml/generated-role/p/arn",
        "/us-east-1/p",
        "arn:aws:ssm:us-east-1:111122223333:parameter/p",
    ];
    let parameter = |value: &str| Parameter { value: value.into(), kind: ParameterKind::String };
    let mut known: BTreeMap<String, Parameter> = names.map(|name| (name.to_owned(), parameter("v"))).into();
    known.insert("/hidden".into(), parameter("ssm:/p"));
    known
}

/// One step on the way to a text.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Element,
    /// Whatever key a mapping of people's own has; the text is that key when it is the last step.
    Any,
}

/// Every place in the schema where text may stand.
fn places(schema: &Json, at: &Json, way: &mut Vec<Step>, depth: usize, found: &mut Vec<Vec<Step>>) {
    if depth > 24 {
        return;
    }
    if let Some(name) = at["$ref"].as_str() {
        if !name.ends_with("/Reference") {
            places(schema, schema.pointer(&name[1..]).unwrap(), way, depth + 1, found);
        }
        return;
    }
    for choices in ["anyOf", "allOf", "oneOf"] {
        for choice in at[choices].as_array().into_iter().flatten() {
            places(schema, choice, way, depth + 1, found);
        }
    }
    for (key, value) in at["properties"].as_object().into_iter().flatten() {
        way.push(Step::Key(key.clone()));
        places(schema, value, way, depth + 1, found);
        way.pop();
    }
    if at["additionalProperties"].is_object() {
        way.push(Step::Any);
        found.push(way.clone());
        places(schema, &at["additionalProperties"], way, depth + 1, found);
        way.pop();
    }
    if at["items"].is_object() {
        way.push(Step::Element);
        places(schema, &at["items"], way, depth + 1, found);
        way.pop();
    }
    if at["type"] == "string" {
        found.push(way.clone());
    }
}

/// The base with a text at a place: as the key where the way ends in one, else as the value.
fn with(base: &Json, way: &[Step], is_key: bool, text: &str) -> Json {
    let Some((step, rest)) = way.split_first() else { return json!(text) };
    match step {
        Step::Element => json!([with(&Json::Null, rest, is_key, text)]),
        Step::Any if rest.is_empty() && is_key => json!({text: {}}),
        Step::Any | Step::Key(_) => {
            let key = if let Step::Key(key) = step { key.as_str() } else { "any" };
            let mut members = base.as_object().cloned().unwrap_or_else(Map::new);
            let inner = members.get(key).cloned().unwrap_or_default();
            members.insert(key.into(), with(&inner, rest, is_key, text));
            Json::Object(members)
        }
    }
}

/// The place at which debugging output of a config holds a reference.
fn stays(shown: &str) -> Option<usize> {
    let lower = shown.to_lowercase();
    let prefixes =
        ["ssm:/", "ssm-org:", "ssm-domain:", "ssm-env:", "generated-role-id:", "generated-role-arn:", "ssm:arn:"];
    let begins = prefixes
        .iter()
        .find_map(|prefix| lower.find(&format!("\"{prefix}")).or_else(|| lower.find(&format!("\" {prefix}"))));
    shown.find("{{").or(begins)
}

fn is_placed(mistakes: &Diagnostics, line: usize) -> bool {
    mistakes.iter().any(|mistake| mistake.labels.iter().any(|label| label.span.source.line == line))
}

fn line_of(text: &str, form: &str) -> usize {
    let form = serde_json::to_string(form).unwrap();
    text.lines().position(|line| line.contains(&form)).unwrap() + 1
}

#[test]
fn no_reference_stays_wherever_it_is_written_in_a_config() {
    let schema: Json = serde_json::from_str(SCHEMA).unwrap();
    let mut ways = Vec::new();
    places(&schema, &schema, &mut Vec::new(), 0, &mut ways);
    let base = json!({"domain": {
        "authMode": "IAM", "vpcId": "vpc-1", "subnetIds": ["subnet-1"], "dataAdminRoles": [{"name": "admin"}],
    }});
    let (context, parameters) = (context(), parameters());
    let (mut cases, mut resolved) = (0, 0);
    for (at, way) in ways.iter().enumerate() {
        let is_key = matches!(way.last(), Some(Step::Any));
        let is_command = way.iter().any(|step| matches!(step, Step::Key(key) if key == "cmds"));
        let forms = &FORMS[..FORMS.len() - if is_command { OF_COMMANDS } else { 0 }];
        // Each place has every fourth form, and each form every fourth place, of each kind of place many times over.
        for form in forms.iter().skip(at % 4).step_by(4) {
            // Where both may stand, the key is tried and then the value.
            for as_key in if is_key { &[true, false][..] } else { &[false][..] } {
                cases += 1;
                let text = serde_json::to_string_pretty(&with(&base, way, *as_key, form)).unwrap();
                let what = format!("{form} at {way:?}\n{text}");
                let file = InputFile { name: "a.yaml".into(), text: text.clone() };
                let document = Document::parse(&[file], &|_| Err("no file".into())).unwrap();
                let block = document.deployment_block().err().unwrap_or_default();
                let Reviewed { config, diagnostics, .. } = config::review(&document, &context, Some(&parameters));
                let line = line_of(&text, form);
                if is_placed(&block, line) || is_placed(&diagnostics, line) {
                    continue;
                }
                resolved += 1;
                // What is missing beside it is said too, and something stands in for it.
                let shown = format!("{:?}", config.unwrap()).replace("\"{{}}\"", "");
                let stays =
                    stays(&shown).map(|at| shown[at.saturating_sub(80)..].chars().take(160).collect::<String>());
                assert_eq!(stays, None, "{what}");
            }
        }
    }
    println!("{cases} references at {} places, {resolved} resolved", ways.len());
    assert!(ways.len() > 100 && resolved > 800, "{} {resolved}", ways.len());
}

/// Ways to all texts and keys of JSON.
fn ways_of(json: &Json, way: &mut Vec<String>, found: &mut Vec<(Vec<String>, bool)>) {
    match json {
        Json::String(_) => found.push((way.clone(), false)),
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                way.push(at.to_string());
                ways_of(item, way, found);
                way.pop();
            }
        }
        Json::Object(members) => {
            for (key, member) in members {
                way.push(key.clone());
                if key == "own" {
                    found.push((way.clone(), true));
                }
                ways_of(member, way, found);
                way.pop();
            }
        }
        _ => {}
    }
}

fn put(json: &mut Json, way: &[String], is_key: bool, text: &str) {
    let (last, before) = way.split_last().unwrap();
    let parent = before.iter().fold(json, |json, step| match json {
        Json::Array(items) => &mut items[step.parse::<usize>().unwrap()],
        other => &mut other[step.as_str()],
    });
    match parent {
        Json::Array(items) => items[last.parse::<usize>().unwrap()] = json!(text),
        Json::Object(members) if is_key => {
            let value = members.remove(last).unwrap();
            members.insert(text.into(), value);
        }
        other => other[last.as_str()] = json!(text),
    }
}

#[test]
fn no_reference_stays_wherever_it_is_written_in_an_mdaa_yaml() {
    let inline = json!({"domain": {
        "authMode": "IAM", "vpcId": "vpc-1", "subnetIds": ["subnet-1"], "dataAdminRoles": [{"name": "admin"}],
        "assetPrefix": "x", "userProfiles": {"own": {"userRole": {"name": "x"}}},
        "lifecycleConfigs": {"kernel": {"cmds": ["echo"]}},
    }});
    let module = json!({
        "module_path": "@aws-mdaa/sm-studio-domain", "tag_config_data": {"own": "t"}, "context": {"own": "c"},
        "module_config_data": inline,
    });
    let level = |extra: Json| {
        let mut level = json!({
            "account": "111122223333", "region": "us-east-1", "tag_config_data": {"own": "t"}, "context": {"own": "c"},
            "permissions_boundary_arn": "arn:aws:iam::111122223333:policy/x",
        });
        level.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        level
    };
    let environment = level(json!({"template": "t", "modules": {"own": module}}));
    let domain = level(json!({"environments": {"own": environment}}));
    let mut base = level(json!({
        "organization": "acme", "env_templates": {"t": {"region": "us-east-1"}}, "domains": {"own": domain},
    }));
    let values = context().values;
    for (key, value) in values {
        base["context"][key] = value;
    }
    let mut ways = Vec::new();
    ways_of(&base, &mut Vec::new(), &mut ways);
    let (context, parameters) = (context(), parameters());
    let (mut cases, mut resolved) = (0, 0);
    for (way, is_key) in &ways {
        // Values that nobody uses are no matter; those that are used are looked at where they are.
        if way.iter().any(|step| step == "context") {
            continue;
        }
        let is_command = way.iter().any(|step| step == "cmds");
        for form in &FORMS[..FORMS.len() - if is_command { OF_COMMANDS } else { 0 }] {
            cases += 1;
            let mut json = base.clone();
            put(&mut json, way, *is_key, form);
            let text = serde_json::to_string_pretty(&json).unwrap();
            let what = format!("{form} at {way:?}\n{text}");
            let line = line_of(&text, form);
            let file = InputFile { name: "mdaa.yaml".into(), text: text.clone() };
            let mdaa = match Mdaa::parse(&file, &context.environment) {
                Ok(mdaa) => mdaa,
                Err(mistakes) => {
                    assert!(is_placed(&mistakes, line), "{what}\n{mistakes}");
                    continue;
                }
            };
            let [module] = mdaa.modules.as_slice() else {
                // The path of another package, filled in.
                resolved += 1;
                assert!(mdaa.modules.is_empty() && stays(&format!("{:?}", mdaa.others)).is_none(), "{what}");
                continue;
            };
            let document = Document::without_files(&module.span).overlay(module.inline.clone().unwrap());
            let context = Context {
                org: module.org.clone(),
                env: module.env.clone(),
                domain: module.domain.clone(),
                module_name: module.module.clone(),
                account: module.account.clone(),
                region: module.region.clone(),
                partition: Some("aws".into()),
                values: module.context.clone(),
                environment: context.environment.clone(),
                tags: module.tag_data.clone(),
            };
            let Reviewed { config, diagnostics, .. } = config::review(&document, &context, Some(&parameters));
            if diagnostics.has_errors() {
                assert!(is_placed(&diagnostics, line), "{what}\n{diagnostics}");
                continue;
            }
            resolved += 1;
            let told =
                (&module.account, &module.region, &module.tag_data, &module.permissions_boundary, &module.module);
            let shown = format!("{told:?} {:?}", config.unwrap());
            let stays = stays(&shown).map(|at| shown[at.saturating_sub(80)..].chars().take(160).collect::<String>());
            assert_eq!(stays, None, "{what}");
        }
    }
    println!("{cases} references at {} places of an mdaa.yaml, {resolved} resolved", ways.len());
    assert!(resolved > 200, "{resolved}");
}

#[test]
fn no_reference_stays_in_a_tag_file() {
    for form in FORMS {
        for tags in [json!({"tags": {"own": form}}), json!({"tags": {form: "t"}})] {
            let text = serde_json::to_string_pretty(&tags).unwrap();
            let file = InputFile { name: "tags.yaml".into(), text: text.clone() };
            let mistakes = read_tag_file(&file).unwrap_err();
            assert!(is_placed(&mistakes, line_of(&text, form)), "{form}\n{mistakes}");
        }
    }
    println!("{} references in tag files", FORMS.len() * 2);
}
