//! Dependencies between modules that no crate boundary holds.

use super::{only_in, program, sources};

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

#[test]
fn the_engine_knows_nobody_in_front_of_it() {
    // connect.rs is how a run gets its AWS: it takes what the command line asks for and fails in words for people.
    let front = ["crate::cli", "crate::ui", "crate::sandbox"];
    let engine = ["src/apply.rs", "src/assets", "src/aws", "src/cloud.rs", "src/preflight", "src/resource"];
    let found: Vec<String> = sources("src")
        .iter()
        .filter(|source| source.is_below(&engine) && source.path != "src/aws/connect.rs")
        .flat_map(|source| front.iter().flat_map(|pattern| source.uses(pattern)).collect::<Vec<_>>())
        .collect();
    assert!(found.is_empty(), "tell an `Event`, return an error that is data\n{}", found.join("\n"));
}

#[test]
fn the_screen_knows_no_command() {
    let behind = ["crate::cli", "crate::aws", "crate::resource", "crate::preflight", "crate::sandbox"];
    let found: Vec<String> = sources("src/ui")
        .iter()
        .flat_map(|source| behind.iter().flat_map(|pattern| source.uses(pattern)).collect::<Vec<_>>())
        .collect();
    assert!(found.is_empty(), "hand the screen data\n{}", found.join("\n"));
}

#[test]
fn the_product_and_the_emulator_meet_in_one_place() {
    let patterns = ["crate::sandbox", "super::sandbox", "studio_deploy::sandbox", "studio_sandbox"];
    let allowed = ["src/sandbox", "src/main.rs", "crates/studio-sandbox"];
    only_in(&allowed, &patterns, "the engine cannot tell which AWS it works with");
}
