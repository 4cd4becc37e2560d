//! Consent on the command line: what a plan may do, and what to do with resources that hold data.

use clap::{Args, ValueEnum};
use globset::Glob;

use super::values::Adopt;
use crate::hint::quoted;
use crate::model::Address;
use crate::plan::Options;

/// Changes that the user consents to.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Consent")]
pub struct Consent {
    /// Adopt resources that carry this deployment's MDAA tags, or the untagged one at ADDRESS; may be repeated.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true, default_missing_value = Adopt::TAGGED)]
    pub adopt: Vec<Adopt>,
    /// Allow replacing the resource at ADDRESS: it is deleted and created again; may be repeated.
    #[arg(long, value_name = "ADDRESS")]
    pub allow_replace: Vec<Address>,
    /// Allow deleting a user's profile: the home directory becomes unreachable; may be repeated.
    #[arg(long, value_name = "USER")]
    pub allow_profile_delete: Vec<String>,
    /// Delete apps that block a change or a deletion; unsaved work in them is lost.
    #[arg(long)]
    pub stop_apps: bool,
    /// Revert what the plan lists under Security for ADDRESS: changes on it that the config does not mention; may be
    /// repeated.
    #[arg(long, alias = "mend", value_name = "ADDRESS")]
    pub fix: Vec<Address>,
}

impl Consent {
    /// Writes the options into those of the planner.
    pub fn write_to(&self, options: &mut Options) {
        options.adopt |= self.adopt.contains(&Adopt::Tagged);
        options.adopt_addresses.extend(self.adopt.iter().filter_map(|adopt| match adopt {
            Adopt::Tagged => None,
            Adopt::Address(address) => Some(address.clone()),
        }));
        options.allow_replace.extend(self.allow_replace.iter().cloned());
        options.allow_profile_delete.extend(self.allow_profile_delete.iter().cloned());
        options.stop_apps |= self.stop_apps;
        options.mend.extend(self.fix.iter().cloned());
    }
}

/// The options that give the same consent again, quoted for a shell.
pub fn consent_words(options: &Options) -> Vec<String> {
    let flags = [
        ("--adopt", options.adopt),
        ("--stop-apps", options.stop_apps),
        ("--drain", options.drain),
        ("--skip-blocked", options.skip_blocked),
    ];
    let flags = flags.into_iter().filter(|(_, allowed)| *allowed).map(|(flag, _)| flag.to_owned());
    let adopted = options.adopt_addresses.iter().map(|address| quoted(format!("--adopt={address}")));
    let replaced =
        options.allow_replace.iter().map(|address| format!("--allow-replace {}", quoted(address.to_string())));
    let deleted = options.allow_profile_delete.iter().map(|user| format!("--allow-profile-delete {}", quoted(user)));
    let fixed = options.mend.iter().map(|address| format!("--fix {}", quoted(address.to_string())));
    let globs = |flag: &str, globs: &[Glob]| {
        globs.iter().map(|glob| format!("{flag} {}", quoted(glob.glob()))).collect::<Vec<_>>()
    };
    let selected = globs("--target", &options.selection.target).into_iter();
    let excluded = globs("--exclude", &options.selection.exclude);
    flags.chain(adopted).chain(replaced).chain(deleted).chain(fixed).chain(selected).chain(excluded).collect()
}

/// Treatment of a resource that holds data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Disposal {
    /// Keep it.
    Retain,
    /// Delete it with everything in it.
    Delete,
}

/// Treatment of resources that hold data when the environment is destroyed; defaults to the config's `removalPolicy`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Removal")]
pub struct RemovalArgs {
    /// What to do with the users' home file system.
    #[arg(long, value_name = "ACTION", value_enum)]
    pub home_efs: Option<Disposal>,
    /// What to do with the sharing bucket and every object in it.
    #[arg(long, value_name = "ACTION", value_enum)]
    pub bucket: Option<Disposal>,
    /// What to do with the key; deleting it schedules its deletion, and what it encrypts becomes unreadable.
    #[arg(long, value_name = "ACTION", value_enum)]
    pub kms_key: Option<Disposal>,
    /// Delete all apps and spaces first, whoever created them; files in a space are lost for good.
    #[arg(long)]
    pub drain: bool,
}

impl RemovalArgs {
    /// The options as words of a command line, but for `--drain`, which is a word of consent.
    pub fn words(&self) -> Vec<String> {
        let all = [("--home-efs", self.home_efs), ("--bucket", self.bucket), ("--kms-key", self.kms_key)];
        let word = |fate| if fate == Disposal::Delete { "delete" } else { "retain" };
        all.iter().filter_map(|(flag, said)| Some(format!("{flag} {}", word((*said)?)))).collect()
    }

    /// Writes the options into those of the planner.
    pub fn write_to(&self, options: &mut Options) {
        let retention = &mut options.retention;
        for (said, delete) in [
            (self.home_efs, &mut retention.delete_home_efs),
            (self.bucket, &mut retention.delete_bucket),
            (self.kms_key, &mut retention.delete_kms_key),
        ] {
            *delete = said.map(|fate| fate == Disposal::Delete);
        }
        options.drain |= self.drain;
    }
}
