//! `init`: a commented config to begin with, and the schema that editors check it by.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use serde_json::json;

use super::args::{Format, InitArgs, Variant};
use super::run::Run;
use crate::config;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;

/// The schema's name beside the config.
const SCHEMA: &str = "studio.schema.json";

/// The words that the samples leave to the command line.
const DEPLOYMENT: &str = "\
# Which environment this is for: every name in AWS derives from these four words.
deployment:
  org: acme
  env: dev
  domain: ml
  module: studio
  # Where it may be deployed to, and nowhere else:
  # account: \"123456789012\"
  # region: us-east-1
";

/// The files that the comprehensive sample copies to the users.
const ASSETS: [(&str, &str); 2] = [
    ("testing_asset_dir/README.txt", include_str!("../../samples/testing_asset_dir/README.txt")),
    ("testing_asset_dir/test.sh", include_str!("../../samples/testing_asset_dir/test.sh")),
];

pub(super) fn run(args: &InitArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let (format, caller, screen) = (run.format(), &run.global.caller, run.screen);
    let text = starter(args.variant);
    if args.out.as_os_str() == "-" {
        let data = if format == Format::Json { format!("{}\n", json!({ "config": text })) } else { text };
        screen.data(&data)?;
        return Ok(Exit::Success);
    }
    let folder = args.out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Failure::file(folder, &error))?;
    let mut written = vec![write_new(&args.out, &text)?.ok_or_else(|| {
        Failure::new(&codes::FILE, format!("{} exists already", args.out.display()))
            .help("name another file with `--out FILE`; `--out -` writes to standard output")
    })?];
    let schema = config::schema::published();
    let mut others = vec![(SCHEMA, schema.as_str())];
    if args.variant == Variant::Comprehensive {
        others.extend(ASSETS);
    }
    for (name, text) in others {
        let path = if folder == Path::new(".") { name.into() } else { folder.join(name) };
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| Failure::file(parent, &error))?;
        written.extend(write_new(&path, text)?);
    }
    if format == Format::Json {
        screen.data(&format!("{}\n", json!({ "written": written })))?;
    } else {
        screen.note(&format!("wrote {}", written.join(", ")));
        let plan = caller.alone("plan", &[&args.out.to_string_lossy(), "--sandbox"]);
        screen.note(&format!("try it without an account: {plan}"));
    }
    Ok(Exit::Success)
}

/// The file's name when it was written; none when there is one already, which stays as it is.
fn write_new(path: &Path, text: &str) -> Result<Option<String>, Failure> {
    match File::options().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).map_err(|error| Failure::file(path, &error))?;
            Ok(Some(path.display().to_string()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(Failure::file(path, &error)),
    }
}

fn starter(variant: Variant) -> String {
    let sample = match variant {
        Variant::Minimal => include_str!("../../samples/minimal.yaml"),
        Variant::Comprehensive => include_str!("../../samples/comprehensive.yaml"),
        Variant::Sso => include_str!("../../samples/sso.yaml"),
    };
    let mut comments = Vec::new();
    let mut rest = Vec::new();
    for line in sample.lines().filter(|line| !line.starts_with("# yaml-language-server:")) {
        if rest.is_empty() && line.starts_with('#') { comments.push(line) } else { rest.push(line) }
    }
    format!("# yaml-language-server: $schema=./{SCHEMA}\n{}\n{DEPLOYMENT}\n{}\n", comments.join("\n"), rest.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::{Document, InputFile};

    #[test]
    fn every_starter_says_where_its_schema_is_and_for_which_environment_it_is() {
        for variant in [Variant::Minimal, Variant::Comprehensive, Variant::Sso] {
            let text = starter(variant);
            assert!(text.starts_with("# yaml-language-server: $schema=./studio.schema.json\n"), "{text}");
            let file = InputFile { name: "studio.yaml".into(), text };
            let document = Document::parse(&[file], &|_| Err(String::new())).unwrap();
            assert_eq!(document.deployment_block().unwrap().module.as_deref(), Some("studio"));
        }
    }
}
