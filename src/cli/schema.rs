//! `schema`, `completions` and `man`: what is generated from definitions that are used for real.

use std::fs;

use super::args::{self, CompletionsArgs, ManArgs, SchemaArgs, SchemaKind, Shell};
use super::run::Run;
use crate::config;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::ui::{events, schema};

pub(super) fn run(args: &SchemaArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let text = match args.kind {
        SchemaKind::Config => config::schema::published(),
        SchemaKind::Plan => schema::text(&schema::plan()),
        SchemaKind::Events => schema::text(&events::schema()),
    };
    run.screen.data(&text)?;
    Ok(Exit::Success)
}

pub(super) fn completions(args: &CompletionsArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    let shell = match args.shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Elvish => clap_complete::Shell::Elvish,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::PowerShell => clap_complete::Shell::PowerShell,
        Shell::Zsh => clap_complete::Shell::Zsh,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "studio-deploy", &mut script);
    run.screen.data(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}

pub(super) fn man(args: &ManArgs, _: &Run<'_>) -> Result<Exit, Failure> {
    fs::create_dir_all(&args.out).map_err(|error| Failure::file(&args.out, &error))?;
    clap_mangen::generate_to(args::command(), &args.out).map_err(|error| Failure::file(&args.out, &error))?;
    Ok(Exit::Success)
}
