//! Mistakes in a reference to a role, each with the way out.

use super::Account;
use crate::config::RoleReference;
use crate::config::codes::Code;
use crate::config::diagnostic::{Diagnostic, Severity};
use crate::model::{Arn, Deployment};

/// A role that a reference names does not exist.
pub static ROLE_NOT_FOUND: Code = Code {
    id: "SD1101",
    severity: Severity::Error,
    title: "a role does not exist",
    explanation: "No role of this account has the name, ARN or unique id that the config gives. A unique id changes when a \
                  role is made again, so a name or an ARN lasts longer. With `sso: true` the name is that of an Identity \
                  Center permission set that is assigned in this account.",
};

/// More than one role answers to a reference.
pub static ROLE_AMBIGUOUS: Code = Code {
    id: "SD1102",
    severity: Severity::Error,
    title: "a role reference fits several roles",
    explanation: "More than one role in this account belongs to the permission set. Give the ARN or the unique id of the \
                  one that is meant.",
};

/// A role that is where it cannot be used from here.
pub static ROLE_OUT_OF_REACH: Code = Code {
    id: "SD1104",
    severity: Severity::Error,
    title: "a role is out of reach",
    explanation: "The config names a role of another account or partition, or one that only AWS can use, where that cannot \
                  work. SageMaker takes execution roles of its own account only. The unique id of another account's role \
                  cannot be looked up, so it has to be given as `id`. Another account's role that uploads assets has to let \
                  this account assume it. A role that belongs to a service takes no policy and nobody can assume it.",
};

/// A reference to a role whose parts do not belong together.
pub static ROLE_CONTRADICTION: Code = Code {
    id: "SD1105",
    severity: Severity::Error,
    title: "a role reference contradicts itself",
    explanation: "The config gives a unique id together with an ARN or a name, and the role of that ARN or name has another \
                  id. That happens when a role is deleted and made again. Nobody could say which of the two is meant: leave \
                  out one of them.",
};

/// Reason why a reference leads to no role that is of use.
#[derive(Clone, Debug)]
pub(super) enum Mistake {
    /// There is none.
    NotFound,
    /// The role of that name has this ARN instead.
    Named(String),
    /// The role is in this account, and has to be in the environment's.
    Elsewhere(String),
    /// The role is in this account, where its unique id cannot be looked up.
    Unseen(String),
    /// The role is in this partition.
    Apart(String),
    /// The role does not let us assume it.
    NotAssumable(String),
    /// The role is a service's own.
    OfService,
    /// The role with this ARN has this unique id instead.
    OtherId {
        arn: String,
        id: String,
    },
    Ambiguous(Vec<String>),
}

impl Mistake {
    /// The key in the YAML that it is about.
    pub(super) fn member(&self, reference: &RoleReference) -> Option<&'static str> {
        if matches!(self, Self::OtherId { .. }) {
            return Some("id");
        }
        let members = [("arn", &reference.arn), ("id", &reference.id), ("name", &reference.name)];
        members.into_iter().find_map(|(key, value)| value.as_ref().map(|_| key))
    }

    pub(super) fn diagnostic(&self, reference: &RoleReference, account: &Account) -> Diagnostic {
        let said = |value: &Option<String>| value.clone().unwrap_or_default();
        let asked = match self.member(reference) {
            Some("arn") => format!("ARN {}", said(&reference.arn)),
            Some("id") => format!("unique id {}", said(&reference.id)),
            _ if reference.sso => format!("Identity Center permission set {}", said(&reference.name)),
            _ => format!("name {}", said(&reference.name)),
        };
        let Deployment { account: here, partition, .. } = &account.deployment;
        let missing = || Diagnostic::new(&ROLE_NOT_FOUND, format!("account {here} has no role with the {asked}"));
        let out_of_reach = |why: String| Diagnostic::new(&ROLE_OUT_OF_REACH, why);
        let arn = said(&reference.arn);
        let name = Arn::parse(&arn).and_then(Arn::role_name).unwrap_or("NAME").to_owned();
        match self {
            Self::NotFound => missing()
                .help("correct the reference, or make the role first; `aws iam list-roles` shows what there is"),
            Self::Named(arn) => {
                missing().help(format!("a role of that name is {arn}: give this ARN if it is the one that is meant"))
            }
            Self::Elsewhere(there) => {
                out_of_reach(format!("the role {arn} is in account {there}, and the environment in account {here}"))
                    .help(format!("SageMaker takes roles of its own account only: give one of account {here}"))
            }
            Self::Unseen(there) => out_of_reach(format!("the unique id of {arn} cannot be looked up from account {here}"))
                .help(format!(
                    "add it as `id`; in account {there} `aws iam get-role --role-name {name} --query Role.RoleId` shows it"
                )),
            Self::Apart(there) => {
                out_of_reach(format!("the role {arn} is in the partition {there}, and the environment in {partition}"))
                    .help(format!("nothing leads from one partition into another: give a role of {partition}"))
            }
            Self::NotAssumable(why) => out_of_reach(format!("the role {arn} of another account cannot be assumed: {why}"))
                .help(format!(
                    "it has to exist, to name account {here} in its trust policy, and you need sts:AssumeRole on it; or give \
                     a role of account {here}"
                )),
            Self::OfService => out_of_reach(format!("the role with the {asked} belongs to a service of AWS"))
                .help("it takes no policies, and only that service can assume it: give a role of your own"),
            Self::OtherId { arn, id } => Diagnostic::new(
                &ROLE_CONTRADICTION,
                format!("the config gives the unique id {}, and {arn} has {id}", said(&reference.id)),
            )
            .help("it changes when a role is created again: leave out `id`, or give the reference that belongs to it"),
            Self::Ambiguous(names) => {
                Diagnostic::new(&ROLE_AMBIGUOUS, format!("several roles belong to the {asked}: {}", names.join(", ")))
                    .help("give the `arn` of the one that is meant")
            }
        }
    }
}
