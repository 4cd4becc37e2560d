//! Report of an apply or a destroy, for people: what failed first, the number of what is done last.

use std::collections::BTreeSet;

use super::failure::render as render_failure;
use super::report_json::Counts;
use super::style::{Paint, Tone};
use super::text::joined;
use super::verbs::{infinitive, past, progressive};
use super::watched;
use crate::apply::{Outcome, Report};
use crate::escape::one_line;
use crate::failure::Failure;
use crate::failure::codes;
use crate::hint::Caller;
use crate::model::Kind;
use crate::plan::{Plan, Step};

/// The report as text, with the way on where anything is left to be done.
pub fn render(report: &Report, plan: &Plan, caller: &Caller, way_on: &str, paint: Paint) -> String {
    let mut text = String::new();
    for failure in failures(report, plan, caller) {
        text.push_str(&render_failure(&failure, paint));
        text.push('\n');
    }
    let mut line = |word: &str, tone: Tone, rest: String| {
        text += &[&paint.paint(tone, word), " ", &one_line(&rest), "\n"].concat();
    };
    for (address, action, outcome) in &report.outcomes {
        match outcome {
            Outcome::Done | Outcome::Failed(_) => {}
            Outcome::Skipped { because_of } => {
                line(
                    "skipped",
                    Tone::Change,
                    format!("{address}: not {}, since {because_of} is not done", past(*action)),
                );
            }
            Outcome::Stopped => line("stopped", Tone::Change, format!("{address}: not {}", past(*action))),
            Outcome::Interrupted => line(
                "left",
                Tone::Change,
                format!(
                    "{address}: {} was under way, and AWS continues; the next run waits for it",
                    progressive(*action)
                ),
            ),
            Outcome::Blocked => {
                let why = plan.step(address).and_then(|step| step.blocked()).map(|blocked| one_line(&blocked.why));
                line("blocked", Tone::Remove, format!("{address}: {}", why.unwrap_or_default()));
            }
            Outcome::Held(by) => {
                line("held", Tone::Change, format!("{address}: {}; the next apply tries again", one_line(by)));
            }
        }
    }
    let about_left_out = plan.notices().iter().filter(|notice| {
        notice.message.starts_with("left out: ")
            && notice.address.as_ref().is_some_and(|at| plan.left_out().contains_key(at))
    });
    for notice in about_left_out {
        let address = notice.address.as_ref().map(ToString::to_string).unwrap_or_default();
        line(
            "left out",
            Tone::Remove,
            format!("{address}: {}", one_line(notice.message.trim_start_matches("left out: "))),
        );
    }
    for step in plan.steps().iter().filter(|step| step.is_retained()) {
        line("retained", Tone::Quiet, format!("{}: {}", step.address(), one_line(&why_retained(step, caller))));
    }
    for (address, found) in plan.watched() {
        line("found", Tone::Change, watched::line(address, found));
    }
    let tone = if report.is_complete() { Tone::Add } else { Tone::Remove };
    text.push_str(&paint.paint(tone, &one_line(&last_line(report, plan, way_on))));
    text.push('\n');
    text.push_str(&leads_on(report, plan, caller));
    text
}

/// The domain that there is now, and what people do next.
fn leads_on(report: &Report, plan: &Plan, caller: &Caller) -> String {
    if !report.is_complete() || plan.destroy() {
        return String::new();
    }
    let domain = report.outputs.iter().find(|(address, _)| address.kind == Kind::Domain);
    let Some((id, url, mode)) = domain.and_then(|(address, outputs)| {
        let mode = plan.step(address)?.node()?.properties.text("AuthMode");
        Some((outputs.get("DomainId")?, outputs.get("Url")?, mode))
    }) else {
        return String::new();
    };
    // Users of Identity Center sign in at the domain's own URL.
    let user = report.outputs.keys().find(|address| address.kind == Kind::UserProfile && mode == Some("IAM"));
    let mut next = vec![caller.run("output", &[])];
    next.extend(user.map(|user| caller.run("url", &["--user", &user.name])));
    let next = next.join("\n           ");
    format!("  domain   {}\n  at       {}\n  next     {next}\n", one_line(id), one_line(url))
}

/// Every failure as an error of its own, with the place in the YAML.
pub fn failures(report: &Report, plan: &Plan, caller: &Caller) -> Vec<Failure> {
    let region = Some(plan.deployment().region.as_str());
    let steps = report.failures().map(|(address, action, error)| {
        let source = plan.step(address).and_then(Step::source);
        Failure::cloud(error, region, caller).named(format!("could not {} {address}", infinitive(action))).at(source)
    });
    let record = report.record_error.iter().map(|error| {
        Failure::cloud(error, region, caller)
            .named("could not bring the deployment's record up to date")
            .help("run again: the record only remembers which settings were once set")
    });
    let lock = report.lock_lost.then(|| {
        Failure::new(&codes::LOCK_LOST, "the lock was taken away while the plan was carried out")
            .detail("nothing more was begun then; what was under way may have taken effect")
            .help("find out who works on this deployment, and run again once they are done")
    });
    steps.chain(record).chain(lock).collect()
}

/// The reason why something is retained, and what deletes it later.
pub(super) fn why_retained(step: &Step, caller: &Caller) -> String {
    match step.later() {
        Some(later) => format!("{}; later: {}", step.reason(), caller.hint(later)),
        None => step.reason().to_owned(),
    }
}

/// The numbers of a run, and where something is missing the way on.
pub fn last_line(report: &Report, plan: &Plan, way_on: &str) -> String {
    let counts = Counts::of(report, plan);
    if report.is_complete() {
        let what = if plan.destroy() { "Destroy" } else { "Apply" };
        let left_out = match plan.omitted().count() {
            0 => String::new(),
            left_out => format!(", {left_out} left out"),
        };
        return format!("{what} complete: {}{left_out}.", counts.in_words());
    }
    let named = |numbers: &[(usize, &str)]| {
        let some = numbers.iter().filter(|(number, _)| *number > 0);
        some.map(|(number, word)| format!(", {number} {word}")).collect::<String>()
    };
    let causes: BTreeSet<String> = report
        .outcomes
        .iter()
        .filter_map(|(_, _, outcome)| match outcome {
            Outcome::Skipped { because_of } => Some(because_of.to_string()),
            _ => None,
        })
        .collect();
    let causes: Vec<String> = causes.into_iter().collect();
    let skipped = match counts.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} skipped (waiting for {})", joined(&causes, 3)),
    };
    let rest = named(&[
        (counts.failed + usize::from(report.record_error.is_some()), "failed"),
        (counts.blocked, "blocked"),
        (counts.stopped, "stopped"),
        (counts.held, "held"),
    ]);
    format!("{} done{rest}{skipped}. {way_on}", report.done())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::CloudError;
    use crate::cloud::ErrorKind;
    use crate::plan::Action;
    use crate::plan::summary::Summary;
    use crate::ui::report_json::ReportDocument;
    use crate::ui::testing::{Scene, address, create_all, destroy};

    fn report(outcomes: Vec<(&str, Action, Outcome)>) -> Report {
        let outcomes = outcomes.into_iter().map(|(at, action, outcome)| (address(at), action, outcome)).collect();
        Report { outcomes, ..Report::default() }
    }

    fn shown(report: &Report, plan: &Plan) -> String {
        render(report, plan, &Caller::default(), "Run `studio-deploy apply` again to continue.", Paint::PLAIN)
    }

    fn failed() -> Report {
        let mut error =
            CloudError::new(ErrorKind::Quota, "CreateDomain", "The account-level service limit is 1 domain");
        error.code = Some("ResourceLimitExceeded".into());
        error.request_id = Some("1f2e".into());
        report(vec![
            ("execution_role.default", Action::Create, Outcome::Done),
            ("security_group.domain", Action::Create, Outcome::Done),
            ("domain.studio", Action::Create, Outcome::Failed(error)),
            (
                "parameter./acme/ml/studio/url",
                Action::Create,
                Outcome::Skipped { because_of: address("domain.studio") },
            ),
        ])
    }

    #[test]
    fn what_failed_stands_first_and_the_way_on_last() {
        insta::assert_snapshot!(shown(&failed(), &create_all().plan()), @r"
    error[SD3005]: could not create domain.studio
      --> studio.yaml:10:3
      CreateDomain: ResourceLimitExceeded: The account-level service limit is 1 domain (request 1f2e; nothing was changed)
      help: request an increase at https://console.aws.amazon.com/servicequotas/home, then run again

    skipped parameter./acme/ml/studio/url: not created, since domain.studio is not done
    2 done, 1 failed, 1 skipped (waiting for domain.studio). Run `studio-deploy apply` again to continue.
    ");
    }

    #[test]
    fn a_complete_destroy_names_what_is_retained_and_held() {
        let report = report(vec![
            ("user_profile.ann", Action::Delete, Outcome::Done),
            ("domain.studio", Action::Delete, Outcome::Held("an app is being deleted".into())),
        ]);
        insta::assert_snapshot!(shown(&report, &destroy().plan()), @r"
    held domain.studio: an app is being deleted; the next apply tries again
    retained bucket.sharing: `removalPolicy.bucket` is retain; later: `studio-deploy destroy --bucket delete`
    Destroy complete: 1 deleted, 1 retained, 1 held.
    ");
    }

    #[test]
    fn a_record_that_alone_changes_counts_as_in_the_plan() {
        let properties = serde_json::json!({"AuthMode": "IAM"});
        let scene = Scene::default().wants("domain.studio", 10, properties.clone()).has("domain.studio", properties);
        let plan = scene.plan();
        assert_eq!(Summary::of(&plan).change, 1);
        let line = last_line(&Report::default(), &plan, "");
        assert_eq!(line, "Apply complete: 1 updated.");
        assert_eq!(ReportDocument::of(&Report::default(), &plan, &Caller::default()).counts.changed, 1);
        let failed = Report {
            record_error: Some(CloudError::new(ErrorKind::Denied, "PutParameter", "no")),
            ..Report::default()
        };
        assert_eq!(ReportDocument::of(&failed, &plan, &Caller::default()).counts.changed, 0);
    }

    #[test]
    fn a_stopped_run_says_what_was_not_tried() {
        let mut report = report(vec![
            ("execution_role.default", Action::Create, Outcome::Done),
            ("domain.studio", Action::Create, Outcome::Interrupted),
            ("user_profile.ann", Action::Create, Outcome::Stopped),
        ]);
        report.stopped = true;
        report.record_error = Some(CloudError::new(ErrorKind::Denied, "PutParameter", "no"));
        insta::assert_snapshot!(shown(&report, &create_all().plan()), @r"
    error[SD3002]: could not bring the deployment's record up to date
      PutParameter: no (nothing was changed)
      help: run again: the record only remembers which settings were once set

    left domain.studio: creating was under way, and AWS continues; the next run waits for it
    stopped user_profile.ann: not created
    1 done, 1 failed, 2 stopped. Run `studio-deploy apply` again to continue.
    ");
    }

    #[test]
    fn the_same_report_is_data() {
        let document = ReportDocument::of(&failed(), &create_all().plan(), &Caller::default());
        assert_eq!((document.counts.added, document.counts.failed, document.counts.skipped), (2, 1, 1));
        assert_eq!(document.errors[0].code, "SD3005");
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(json["steps"][2]["outcome"], "failed");
        assert_eq!(json["steps"][2]["error"]["changed"], "no");
        assert_eq!(json["steps"][3]["because_of"], "domain.studio");
        assert_eq!(serde_json::from_value::<ReportDocument>(json).unwrap(), document);
    }
}
