//! Identity of an environment: names, account and region, as the `deployment:` block and an mdaa.yaml write them.
//!
//! References are filled in with these, so that they can hold none.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::tree::{Tree, YamlValue, shorten};
use super::{codes, template};

/// Prefix of the names of MDAA's own switches.
const SWITCH: &str = "@aws-mdaa/";

/// Mistakes of a `deployment:` block that the schema does not find.
pub(super) fn mistakes(block: &Tree) -> Diagnostics {
    let mut mistakes = Diagnostics::default();
    let words = [
        ("org", Some("organisation")),
        ("env", Some("environment")),
        ("domain", Some("data domain")),
        ("module", Some("module")),
        ("account", None),
        ("region", None),
    ];
    for (key, name) in words {
        let Some(tree) = block.get(key) else { continue };
        let help = format!(
            "write it out, or leave it out and say `--{key}` or STUDIO_DEPLOY_{}, which a pipeline can fill in",
            key.to_uppercase()
        );
        let literal = template::literal(tree, &help);
        if literal.is_empty() {
            let mistake = name.map_or_else(|| check_account_or_region(key, tree), |what| malformed_name(what, tree));
            if let Some(mistake) = mistake {
                mistakes.push(mistake);
            }
        }
        mistakes.extend(literal);
    }
    if let Some(Tree { value: YamlValue::Map(members), .. }) = block.get("context") {
        for (_, member) in members.iter().filter(|(key, _)| key.starts_with(SWITCH)) {
            mistakes.extend(template::literal(&member.value, "write `true`, or leave the switch out"));
        }
    }
    mistakes
}

fn malformed_name(what: &str, tree: &Tree) -> Option<Diagnostic> {
    let name = tree.text()?;
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let summary = format!("`{}` cannot be the name of the {what}", shorten(name));
    Some(Diagnostic::new(&codes::NAME, summary).at(&tree.span).help("use letters, digits and hyphens"))
}

/// The mistake of text that is no account or region, if it is none.
pub(super) fn check_account_or_region(key: &str, tree: &Tree) -> Option<Diagnostic> {
    let text = tree.text()?;
    let (fits, help) = match key {
        "account" => (is_account(text), "an account's id has 12 digits"),
        _ => (is_region(text), "a region is written like eu-central-1"),
    };
    let summary = format!("`{}` is no {key}", shorten(text));
    (!fits).then(|| Diagnostic::new(&codes::PLACE, summary).at(&tree.span).help(help))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

/// AWS makes new regions, and all so far are words in lower case with a number behind them.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2 && words.iter().all(word) && number.parse::<u8>().is_ok() && !number.starts_with('+')
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_accounts_have_a_form() {
        for region in ["us-east-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", "cn-north-1", "ap-southeast-7"]
        {
            assert!(is_region(region), "{region}");
        }
        for region in ["", "US-EAST-1", "us-east-1 ", "x/y", "us-east", "useast1", "us--1", "us-east-1a", "us-éast-1"]
        {
            assert!(!is_region(region), "{region}");
        }
        assert!(is_account("012345678901"));
        for account in ["", "123", "1234567890123", "123456789012 ", "12345678901x", "１23456789012"] {
            assert!(!is_account(account), "{account}");
        }
    }
}
