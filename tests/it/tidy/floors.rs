//! Dependencies between modules that no crate boundary holds.

use std::collections::BTreeSet;

use super::{Source, only_in, program, sources};

#[test]
fn the_pure_stages_know_no_outside() {
    // What a crate cannot hold: the standard library's own ways out.
    let outside =
        ["async", "await", "std::fs", "fs::", "std::env", "std::net", "std::process", "SystemTime", "Instant"];
    let found: Vec<String> = program()
        .iter()
        .filter(|source| source.is_below(&["crates/studio-core"]))
        .flat_map(|source| outside.iter().flat_map(|pattern| source.uses(pattern)).collect::<Vec<_>>())
        .collect();
    assert!(found.is_empty(), "studio-core is data to data: hand it in\n{}", found.join("\n"));
}

/// Every room of `src/`, a folder or a file at the top, with the rooms that it may name: the picture of ARCHITECTURE.md as one
/// list. A room stands below those that it names. Crates hold what is not listed: everybody may name `studio-core`.
const FLOORS: [(&str, &[&str]); 13] = [
    ("testing", &[]),
    ("files", &[]),
    ("apply", &[]),
    ("aws", &["files"]),
    ("assets", &["files"]),
    ("resource", &["assets", "aws", "files"]),
    ("preflight", &["apply", "aws", "resource"]),
    ("deploy", &["apply", "assets", "aws", "files", "preflight", "resource"]),
    ("sandbox", &["aws", "deploy"]),
    ("ui", &["apply"]),
    ("cli", &["apply", "assets", "aws", "deploy", "files", "resource", "sandbox", "ui"]),
    ("lib", &["apply", "assets", "aws", "cli", "deploy", "files", "preflight", "resource", "sandbox", "testing", "ui"]),
    ("main", &["aws", "cli", "deploy", "files", "ui"]),
];

/// The rooms that a source names, each with the line: `crate::aws::Account`, and of `use crate::{apply, aws::wait}` both.
pub(super) fn named(source: &Source, rooms: &BTreeSet<&str>) -> Vec<(String, usize)> {
    let mut text = String::new();
    let mut lines = Vec::new();
    for (number, line) in &source.code {
        lines.extend(std::iter::repeat_n(*number, line.len() + 1));
        text.push_str(line);
        text.push('\n');
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    // From the top of the crate, by its own name, and past the module that a file of the top folder is.
    let depth = source.path.trim_end_matches("/mod.rs").matches('/').count();
    let climb = "super::".repeat(depth);
    let mut found = Vec::new();
    for root in ["crate::", "studio_deploy::", climb.as_str()] {
        for (at, _) in text.match_indices(root).filter(|_| !root.is_empty()) {
            if text[..at].ends_with(|c| is_word(c) || c == ':') {
                continue;
            }
            let rest = &text[at + root.len()..];
            let heads: Vec<&str> = match rest.strip_prefix('{') {
                Some(group) => heads(group),
                None => vec![rest],
            };
            for head in heads {
                let name: String = head.chars().take_while(|c| is_word(*c)).collect();
                if rooms.contains(name.as_str()) {
                    found.push((name, lines[at]));
                }
            }
        }
    }
    found
}

/// The members of a group of imports, each from where it begins; `group` is what stands behind the opening brace.
fn heads(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut heads) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                heads.push(group[start..at].trim_start());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    heads
}

/// The room of a file: its folder, or its own name at the top.
pub(super) fn room(path: &str) -> &str {
    let below = path.strip_prefix("src/").unwrap_or(path);
    below.split('/').next().map_or(below, |room| room.trim_end_matches(".rs"))
}

#[test]
fn imports_are_read_in_every_form() {
    let code = "use crate::{\n    aws::{self, wait::{Clock, WaitPolicy}},\n    cli, model,\n};\nlet a = crate::ui::x;\n\
                use super::super::resource;\nuse super::apply;\nlet b = studio_deploy::preflight::c; notcrate::files;";
    let code = code.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect();
    let source = Source { path: "src/deploy/run/loop.rs".into(), text: String::new(), code };
    let rooms = FLOORS.iter().map(|(room, _)| *room).collect();
    let climbs =
        |path: &str| named(&Source { path: path.into(), text: String::new(), code: source.code.clone() }, &rooms);
    let at = |found: &[(&str, usize)]| found.iter().map(|(room, line)| ((*room).to_owned(), *line)).collect::<Vec<_>>();
    let plain = [("aws", 1), ("cli", 1), ("ui", 5), ("preflight", 8)];
    assert_eq!(named(&source, &rooms), at(&plain), "two modules deep");
    assert_eq!(climbs("src/deploy/run.rs"), at(&[&plain[..], &[("resource", 6)]].concat()), "one module deep");
    assert_eq!(climbs("src/deploy/mod.rs"), at(&[&plain[..], &[("apply", 7)]].concat()), "at the top");
}

#[test]
fn nobody_names_a_room_above() {
    let rooms: BTreeSet<&str> = FLOORS.iter().map(|(room, _)| *room).collect();
    assert_eq!(rooms.len(), FLOORS.len(), "a room stands in the list once");
    for (at, (from, below)) in FLOORS.iter().enumerate() {
        for room in *below {
            let is_below = FLOORS[..at].iter().any(|(earlier, _)| earlier == room);
            assert!(is_below, "{from} names {room}, which stands above it");
        }
    }
    let mut wrong = Vec::new();
    for source in sources("src") {
        let from = room(&source.path);
        let Some((_, below)) = FLOORS.iter().find(|(room, _)| *room == from) else {
            wrong.push(format!("{} is in a room that FLOORS does not list", source.path));
            continue;
        };
        for (name, line) in named(&source, &rooms) {
            if name != from && !below.contains(&name.as_str()) {
                wrong.push(format!("{}:{line}: {from} may not name {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "tell an `Event`, return an error that is data, hand it in\n{}", wrong.join("\n"));
}

#[test]
fn every_floor_that_is_listed_is_used() {
    let rooms: BTreeSet<&str> = FLOORS.iter().map(|(room, _)| *room).collect();
    let mut edges: BTreeSet<(String, String)> = BTreeSet::new();
    for source in sources("src") {
        let from = room(&source.path).to_owned();
        edges.extend(named(&source, &rooms).into_iter().map(|(name, _)| (from.clone(), name)));
    }
    // lib.rs declares its modules, and so names nobody by a path.
    for (from, below) in FLOORS.iter().filter(|(from, _)| *from != "lib") {
        for room in *below {
            assert!(
                edges.contains(&((*from).into(), (*room).into())),
                "{from} does not name {room}: take it off the list"
            );
        }
    }
}

#[test]
fn the_product_and_the_emulator_meet_in_one_place() {
    let patterns = ["crate::sandbox", "super::sandbox", "studio_deploy::sandbox", "studio_sandbox"];
    // The commands about the sandbox itself are the exception.
    let allowed = ["src/sandbox", "src/cli/sandbox.rs", "crates/studio-sandbox"];
    only_in(&allowed, &patterns, "the engine cannot tell which AWS it works with");
}
