//! Agreement of what is said in two places, on the command line or in the environment and in a file, and has to be the same in both:
//! nobody deploys into another environment, account or region than the config is for.

use super::host::Host;
use crate::config::document::Document;
use crate::config::mdaa::Module;
use crate::failure::Failure;
use crate::failure::codes;
use crate::hint::Caller;
use crate::model::Source;

/// A config with everything that may contradict it: the command line and the environment.
pub(super) struct Agreement<'a> {
    pub document: &'a Document,
    pub host: &'a Host,
    pub caller: &'a Caller,
}

impl Agreement<'_> {
    /// The config's value, else the flag's; refused when they differ by more than case: nobody deploys into the wrong
    /// place, be it another account or another environment.
    pub fn agreed(&self, what: &str, flag: Option<&String>, file: Option<&String>) -> Result<Option<String>, Failure> {
        match (flag, file) {
            (Some(flag), Some(file)) if !flag.eq_ignore_ascii_case(file) => {
                Err(self.contradiction(what, file, &format!("{} says {flag}", self.caller.option(what))))
            }
            (flag, file) => Ok(file.or(flag).cloned()),
        }
    }

    /// The region, which the variables of every AWS tool may say too: they choose it where nobody else does, and are no
    /// reason to deploy anywhere else than the config says. Whoever has said it for this run has decided.
    pub fn agreed_region(&self, flag: Option<&String>, file: Option<&String>) -> Result<Option<String>, Failure> {
        let region = self.agreed("region", flag, file)?;
        let variable = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(|name| {
            let value = self.host.variables.get(name).filter(|value| !value.is_empty())?;
            Some((name, value))
        });
        match (flag, file, variable) {
            (None, Some(file), Some((name, value))) if !value.eq_ignore_ascii_case(file) => {
                let failure = self.contradiction("region", file, &format!("{name} says {value}"));
                Err(failure
                    .help(format!("say `--region {file}` if that is meant, or `unset AWS_REGION AWS_DEFAULT_REGION`")))
            }
            _ => Ok(region),
        }
    }

    /// Refuses a module's file that says it is for another environment than the mdaa.yaml that it is taken from.
    pub fn agrees_with(&self, module: &Module) -> Result<(), Failure> {
        // A block that is malformed is told of later, with every other mistake.
        let Ok(block) = self.document.deployment_block() else { return Ok(()) };
        for (what, file, mdaa) in [
            ("org", &block.org, Some(&module.org)),
            ("env", &block.env, Some(&module.env)),
            ("domain", &block.domain, Some(&module.domain)),
            ("module", &block.module, Some(&module.module)),
            ("account", &block.account, module.account.as_ref()),
            ("region", &block.region, module.region.as_ref()),
        ] {
            if let (Some(file), Some(mdaa)) = (file, mdaa)
                && !file.eq_ignore_ascii_case(mdaa)
            {
                return Err(self.contradiction(what, file, &format!("the mdaa.yaml says {mdaa}")));
            }
        }
        Ok(())
    }

    fn contradiction(&self, what: &str, file: &str, other: &str) -> Failure {
        let summary = format!("the config is for {what} {file}, and {other}");
        let failure = Failure::new(&codes::WRONG_PLACE, summary).at(said_at(self.document, what));
        failure.help(format!("drop one of the two, or make them agree on the {what}"))
    }
}

/// The place where the `deployment:` block says something.
pub(super) fn said_at<'a>(document: &'a Document, key: &str) -> Option<&'a Source> {
    Some(&document.tree().get("deployment")?.get(key)?.span.source)
}
