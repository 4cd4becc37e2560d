//! Dependencies below each package, as cargo resolves them.

use std::collections::BTreeSet;
use std::process::Command;

use super::root;

/// The lines of `cargo tree`.
fn tree(arguments: &[&str]) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--locked", "--prefix", "none"]).args(arguments).current_dir(root());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

fn name(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// The packages below one, its development dependencies aside.
fn below(package: &str) -> BTreeSet<String> {
    let lines = tree(&["--edges", "normal,build", "--package", package]);
    lines.iter().map(|line| name(line).to_owned()).collect()
}

#[test]
fn the_crates_have_below_them_what_they_may() {
    let core = below("studio-core");
    let outside = ["tokio", "hyper", "rustix", "jiff", "studio-files"];
    let found = core.iter().find(|name| name.starts_with("aws-") || outside.contains(&name.as_str()));
    assert_eq!(found, None, "studio-core decides, and does nothing");
    let sandbox = below("studio-sandbox");
    let product = ["studio-core", "studio-deploy"];
    let found = sandbox.iter().find(|name| name.starts_with("aws-sdk-") || product.contains(&name.as_str()));
    assert_eq!(found, None, "the emulator knows nothing of who calls it");
}

#[test]
fn everything_is_compiled_once() {
    // Cargo builds a package again for a command that asks for other features of it.
    let built = |edges: &str| tree(&["--workspace", "--edges", edges, "--format", "{p} {f}"]);
    let (run, test) = (built("normal"), built("normal,dev"));
    assert!(run.len() > 100, "{run:?}");
    assert_eq!(run.difference(&test).collect::<Vec<_>>(), Vec::<&String>::new(), "`cargo test` builds other features");
    let mut seen = BTreeSet::new();
    for line in run.iter().filter(|line| line.starts_with("aws-")) {
        assert!(seen.insert(name(line)), "{} is there twice", name(line));
    }
}
