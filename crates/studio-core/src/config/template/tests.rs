//! Tests of references: the values that they are filled in with, and their mistakes.

use serde_json::json;

use super::super::document::nowhere;
use super::*;

fn context() -> Context {
    Context {
        org: "Org".into(),
        env: "Env".into(),
        domain: "Dom".into(),
        module_name: "Mod".into(),
        account: Some("111122223333".into()),
        region: Some("us-east-1".into()),
        partition: None,
        values: BTreeMap::from([
            ("sc".into(), json!("v")),
            ("nest".into(), json!("sc")),
            ("list".into(), json!(["a", "b"])),
            ("braces".into(), json!("{{org}}")),
            ("list of braces".into(), json!(["a", "{{org}}"])),
            ("n".into(), json!(42)),
            ("t".into(), json!(true)),
            ("empty".into(), json!("")),
            ("ssm".into(), json!("ssm:/vpc/id")),
            ("path".into(), json!("/a/b")),
            ("list of ssm".into(), json!(["a", "ssm:/vpc/id"])),
            ("key of ssm".into(), json!({"ssm-env:x": "a"})),
            ("dollar".into(), json!("a$$b$&c")),
        ]),
        environment: BTreeMap::from([
            ("A".into(), "[\"a\",\"b\"]".into()),
            ("B".into(), "[oops".into()),
            ("E".into(), String::new()),
            ("L".into(), "[\"ssm:/a/b\"]".into()),
            ("P".into(), "ssm:/a/b".into()),
        ]),
        tags: BTreeMap::new(),
    }
}

fn parameters() -> BTreeMap<ParameterName, Parameter> {
    let text = |value: &str| Parameter { value: value.into(), kind: ParameterKind::String };
    let secret = Parameter { value: "x".into(), kind: ParameterKind::SecureString };
    BTreeMap::from([
        ("/a/b".into(), text("ab")),
        ("/org/a/B".into(), text("org prefix")),
        ("/org/a/b".into(), text("org braces")),
        ("/org/dom/env/x".into(), text("env")),
        ("/org/dom/generated-role/admin/id".into(), text("AROA")),
        ("/Org/Dom/x".into(), text("nested")),
        ("/braces".into(), text("{{org}}")),
        ("/prefix".into(), text("ssm:/a/b")),
        ("/secret".into(), secret),
    ])
}

/// The value that becomes of `text`, or the codes of what is wrong with it.
fn fill(value: Json, path: &[&str]) -> Result<Json, Vec<&'static str>> {
    let known = parameters();
    let wrapped = path.iter().rev().fold(value, |inner, key| json!({*key: inner}));
    let tree = Tree::from_json(wrapped, &nowhere());
    let expanded = expand(&tree, &context(), Parameters::Known(&known), Stage::Module);
    if expanded.diagnostics.has_errors() {
        return Err(expanded.diagnostics.iter().map(|d| d.code).collect());
    }
    let filled = expanded.tree.to_json();
    Ok(path.iter().fold(filled, |outer, key| outer[*key].clone()))
}

#[test]
fn references_are_filled_in() {
    let cases = [
        ("{{domain}}-{{env}}", json!("Dom-Env")),
        ("{{region}}/{{account}}", json!("us-east-1/111122223333")),
        ("{{org}}{{org}}", json!("OrgOrg")),
        ("{{module_name}}", json!("Mod")),
        ("org}}", json!("org}}")),
        ("x{{context:sc}}y", json!("xvy")),
        ("{{context:{{context:nest}}}}", json!("v")),
        ("{{context:list}}", json!(["a", "b"])),
        ("value-{{context:n}}", json!("value-42")),
        ("{{context:n}}", json!("42")),
        ("value-{{context:t}}", json!("value-true")),
        ("ssm:{{context:path}}", json!("ab")),
        ("x{{context:ssm}}", json!("xssm:/vpc/id")),
        ("{{context:dollar}}", json!("a$$b$&c")),
        ("{{env_var:A}}", json!(["a", "b"])),
        ("x{{env_var:A}}", json!("x[\"a\",\"b\"]")),
        ("{{env_var:B}}", json!("[oops")),
        ("{{env_var:E}}", json!("")),
        ("{{ssm-org: /a/B}}", json!("org braces")),
        ("ssm-org: /a/B", json!("org prefix")),
        ("ssm-env:x", json!("env")),
        ("{{ssm-env:X}}", json!("env")),
        ("ssm: /a/b", json!("ab")),
        ("xssm:/a", json!("xssm:/a")),
        ("SSM: a system", json!("SSM: a system")),
        ("x ssm-org:/A", json!("x ssm-org:/A")),
        ("generated-role-id: Admin", json!("AROA")),
        ("{{resolve:ssm:/{{org}}/{{domain}}/x}}", json!("nested")),
        ("pre {{resolve:ssm:/a/b}} post", json!("pre ab post")),
        ("{{partition}}", json!("{{partition}}")),
    ];
    for (text, expected) in cases {
        assert_eq!(fill(json!(text), &["k"]), Ok(expected), "{text}");
    }
    assert_eq!(fill(json!({"test_{{org}}_test": 1}), &["k"]), Ok(json!({"test_Org_test": 1})));
}

#[test]
fn what_cannot_be_resolved_is_an_error() {
    let cases = [
        ("{{org", "SD1020"),
        ("{{context:sc", "SD1020"),
        ("{{ {{org}}", "SD1020"),
        ("{{partition}}-{{org", "SD1020"),
        ("{{context:braces}}", "SD1020"),
        ("x{{context:braces}}", "SD1020"),
        ("{{context:list of braces}}", "SD1020"),
        ("ssm:/braces", "SD1020"),
        ("ssm:/prefix", "SD1020"),
        ("{{context:ssm}}", "SD1020"),
        ("{{context:ssm}}-{{partition}}", "SD1020"),
        ("{{context:list of ssm}}", "SD1020"),
        ("{{context:key of ssm}}", "SD1020"),
        ("{{env_var:P}}", "SD1020"),
        ("{{env_var:L}}", "SD1020"),
        ("SSM:/a", "SD1020"),
        (" ssm:/a/b", "SD1020"),
        ("Ssm-Org:x", "SD1020"),
        ("\tgenerated-role-id:x", "SD1020"),
        ("{{ssm:/a/b}}", "SD1020"),
        ("ssm:", "SD1028"),
        ("ssm:/a b", "SD1028"),
        ("ssm:a/b", "SD1028"),
        ("ssm:ssm:/a/b", "SD1028"),
        ("ssm:/ssm/b", "SD1028"),
        ("{{resolve:ssm:/a/b/}}", "SD1028"),
        ("{{resolve:ssm:/{{partition}}//b}}", "SD1028"),
        ("{{resolve:ssm:/{{partition}}-x/b}}", "SD1028"),
        ("{{ssm-org:a//b}}", "SD1028"),
        ("generated-role-id:", "SD1028"),
        ("{{ org }}", "SD1020"),
        ("{{ORG}}", "SD1020"),
        ("{{foo}}", "SD1020"),
        ("{{{{org}}}}", "SD1020"),
        ("{{context:nope}}", "SD1021"),
        ("{{context:empty}}", "SD1021"),
        ("{{env_var:NOPE}}", "SD1022"),
        ("{{param:x}}", "SD1023"),
        ("{{ref:a:b}}", "SD1023"),
        ("{{blueprint:x}}", "SD1023"),
        ("{{resolve:ssm-secure:x}}", "SD1023"),
        ("{{resolve:secretsmanager:x}}", "SD1023"),
        ("x{{context:list}}", "SD1024"),
        ("{{context:{{context:list}}}}", "SD1024"),
        ("ssm:/nope", "SD1025"),
        ("ssm:/secret", "SD1026"),
    ];
    for (text, code) in cases {
        assert_eq!(fill(json!(text), &["k"]), Err(vec![code]), "{text}");
    }
    for key in ["{{resolve:ssm:/a/b}}", "{{resolve:ssm:/{{partition}}/b}}", "ssm:/a/b", "ssm-env:x"] {
        assert_eq!(fill(json!({key: 1}), &["k"]), Err(vec!["SD1027"]), "{key}");
    }
    assert_eq!(fill(json!({"{{org}}": 1, "Org": 2}), &["k"]), Err(vec!["SD1002"]));
}

#[test]
fn everything_wrong_in_one_text_is_said() {
    assert_eq!(fill(json!("{{foo}}{{context:nope}}{{bar}}"), &["k"]), Err(vec!["SD1020", "SD1020", "SD1021"]));
}

#[test]
fn braces_that_nest_or_multiply_without_end_are_refused_at_once() {
    let nested = |levels: usize| format!("{}org{}", "{{".repeat(levels), "}}".repeat(levels));
    assert_eq!(fill(json!(nested(100_000)), &["k"]), Err(vec!["SD1007"]));
    assert_eq!(fill(json!(nested(NESTING_LIMIT + 1)), &["k"]), Err(vec!["SD1007"]));
    assert_eq!(fill(json!(nested(NESTING_LIMIT)), &["k"]), Err(vec!["SD1020"]));
    assert_eq!(fill(json!({nested(100_000): 1}), &["k"]), Err(vec!["SD1007"]));
    let open = "{{a ".repeat(100_000);
    assert_eq!(fill(json!(open), &["k"]), Err(vec!["SD1020"]));
    let half = format!("{open}{}", "}}".repeat(50_000));
    assert_eq!(fill(json!(half), &["k"]), Err(vec!["SD1007"]));
    let mut context = context();
    context.values.insert("long".into(), json!("x".repeat(100_000)));
    context.values.insert("list".into(), json!(vec!["x"; 50_000]));
    for reference in ["{{context:long}}", "{{context:list}}", "{{context:long}} {{context:long}}"] {
        let tree = Tree::from_json(json!(vec![reference; 3000]), &nowhere());
        let expanded = expand(&tree, &context, Parameters::Unknown, Stage::Module);
        assert_eq!(expanded.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["SD1007"], "{reference}");
    }
}

#[test]
fn commands_keep_unknown_braces() {
    let path = ["domain", "lifecycleConfigs", "kernel", "cmds"];
    let hidden = json!(["{{context:braces}}", "echo {{context:braces}}", "{{context:ssm}}", " ssm:/a/b"]);
    assert_eq!(fill(hidden, &path), Err(vec!["SD1020"; 4]));
    let commands = json!(["docker ps --format '{{.ID}}'", "echo {{account}} {{ org }}", "ssm:/a/b"]);
    let expected = json!(["docker ps --format '{{.ID}}'", "echo 111122223333 {{ org }}", "ab"]);
    assert_eq!(fill(commands.clone(), &path), Ok(expected));
    let wrapped = json!({"domain": {"lifecycleConfigs": {"kernel": {"cmds": commands}}}});
    let tree = Tree::from_json(wrapped, &nowhere());
    let expanded = expand(&tree, &context(), Parameters::Unknown, Stage::Module);
    assert_eq!(expanded.diagnostics.iter().map(|d| d.code).collect::<Vec<_>>(), ["SD2001"]);
    assert_eq!(expanded.needs.len(), 1);
}

#[test]
fn unknown_parameters_stay_and_are_listed() {
    let tree =
        Tree::from_json(json!({"a": "x-{{resolve:ssm:/a/b}}", "b": "{{resolve:ssm:/x/{{partition}}}}"}), &nowhere());
    let expanded = expand(&tree, &context(), Parameters::Unknown, Stage::Module);
    assert_eq!(expanded.tree.get("a").unwrap().value, YamlValue::Pending("x-{{resolve:ssm:/a/b}}".into()));
    assert_eq!(expanded.tree.get("b").unwrap().value, YamlValue::Pending("{{resolve:ssm:/x/{{partition}}}}".into()));
    assert_eq!(expanded.needs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["/a/b"]);
    let nested = Tree::from_json(json!({"a": "{{resolve:ssm:/{{resolve:ssm:/a/b}}}}"}), &nowhere());
    let expanded = expand(&nested, &context(), Parameters::Unknown, Stage::Module);
    assert!(expanded.diagnostics.has_errors());
}

#[test]
fn the_launcher_leaves_the_rest() {
    let tree = Tree::from_json(json!(["{{org}}", "{{region}}", "ssm:/x", "{{context:ssm}}"]), &nowhere());
    let expanded = expand(&tree, &context(), Parameters::Unknown, Stage::Launcher);
    assert_eq!(expanded.tree.to_json(), json!(["Org", "{{region}}", "ssm:/x", "ssm:/vpc/id"]));
}
