//! Names: one for each type, and those of the glossary.

use std::collections::BTreeMap;

use super::{files, has_word, is_rust, program, read, sources};

/// The public types of the program, each with the places where one of that name is defined.
fn types() -> BTreeMap<String, Vec<String>> {
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in program() {
        for (number, line) in &source.code {
            let line = line.trim_start();
            let Some(rest) = line.strip_prefix("pub ").or_else(|| line.strip_prefix("pub(crate) ")) else { continue };
            let sorts = ["struct ", "enum ", "trait ", "type "];
            let Some(rest) = sorts.iter().find_map(|sort| rest.strip_prefix(sort)) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
            types.entry(name).or_default().push(format!("{}:{number}", source.path));
        }
    }
    types
}

#[test]
fn no_two_types_have_one_name() {
    let types = types();
    assert!(types.len() > 300, "only {} types were found", types.len());
    let twice: Vec<String> = types
        .iter()
        .filter(|(_, places)| places.len() > 1)
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect();
    assert!(twice.is_empty(), "a stranger greps: give each a name of its own\n{}", twice.join("\n"));
}

#[test]
fn the_glossary_names_what_there_is() {
    let glossary = read("docs/glossary.md");
    let (types, paths) = (types(), ["src", "crates", "tests"].map(files).concat());
    let texts: Vec<String> = program().into_iter().chain(sources("tests")).map(|source| source.text).collect();
    let words: Vec<String> = glossary.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let mut seen = 0;
    for word in &words {
        let is_type = word.starts_with(char::is_uppercase) && word.chars().all(char::is_alphanumeric);
        if is_type && word.chars().any(char::is_lowercase) {
            // A variant, or what the tests have.
            let elsewhere = || texts.iter().any(|text| has_word(text, word));
            assert!(
                types.contains_key(word) || elsewhere(),
                "docs/glossary.md names the type {word}, which is not there"
            );
            seen += 1;
        }
        if is_rust(word) {
            assert!(
                paths.iter().any(|path| path.ends_with(word.as_str())),
                "docs/glossary.md names {word}, which is not there"
            );
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} names were found");
}
