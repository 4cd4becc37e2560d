//! One run in the forms that other tools read: the files of `--report`.

use serde_json::json;

use super::report_json::{EndDocument, ReportDocument};
use crate::escape::{self, one_line};
use crate::failure::FailureDocument;
use crate::model::Source;
use crate::plan::document::{ActionWord, PlanDocument, StepDocument};
use crate::plan::summary::{RECORD, RECORD_CHANGES};

/// GitHub cuts a step's summary and a comment at 65,536 characters; this leaves room for what others put around it.
const MARKDOWN_LIMIT: usize = 60_000;
/// The most addresses that are named of what is left out by choice.
const OMITTED: usize = 20;

/// Outcome of one deployment, as data.
#[derive(Clone, Debug, Default)]
pub struct DeploymentReport {
    /// Its name, unless it is about the run itself.
    pub deployment: Option<String>,
    /// What was to be done.
    pub plan: Option<PlanDocument>,
    /// How it went.
    pub report: Option<ReportDocument>,
    /// Why it did not come to that.
    pub error: Option<FailureDocument>,
}

impl DeploymentReport {
    /// Returns `true` if it is about the deployment of this name.
    pub fn is_about(&self, deployment: &str) -> bool {
        self.deployment.as_deref() == Some(deployment)
    }
}

/// Everything as one document.
pub fn json(command: &str, exit_code: u8, deployments: &[DeploymentReport]) -> String {
    let deployments = deployments
        .iter()
        .map(|one| json!({"deployment": one.deployment, "plan": one.plan, "report": one.report, "error": one.error}));
    let deployments: Vec<_> = deployments.collect();
    format!("{:#}\n", json!({"command": command, "exit_code": exit_code, "deployments": deployments}))
}

/// Amount of detail in a Markdown report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Depth {
    Counts,
    Addresses,
    Attributes,
    Values,
}

/// Markdown for people, for a pull request's comment or a job's summary; cut where it would grow too long.
pub fn markdown(command: &str, exit_code: u8, deployments: &[DeploymentReport]) -> String {
    let depths = [
        (Depth::Values, ""),
        (Depth::Attributes, "values"),
        (Depth::Addresses, "values and the names of properties"),
        (Depth::Counts, "everything but the numbers"),
    ];
    let mut text = String::new();
    for (depth, cut) in depths {
        text = format!("# studio-deploy {command}: exit {exit_code}\n");
        for deployment in deployments {
            text.push_str(&markdown_of(deployment, depth));
        }
        if !cut.is_empty() {
            text.push_str(&format!("\n_The report was too long, so {cut} were left out._\n"));
        }
        if text.len() <= MARKDOWN_LIMIT {
            break;
        }
    }
    text
}

fn markdown_of(deployment: &DeploymentReport, depth: Depth) -> String {
    let mut lines = Vec::new();
    if let (None, Some(name)) = (&deployment.plan, &deployment.deployment) {
        lines.push(format!("\n## {}\n", prose(name)));
    }
    if let Some(plan) = &deployment.plan {
        let [deployment, account, region] = [&plan.deployment, &plan.account, &plan.region].map(|text| prose(text));
        lines.push(format!("\n## {deployment} in {account} {region}\n"));
        lines.push(format!("{}\n", plan.summary));
        if !plan.omitted.is_empty() {
            let some: Vec<String> = plan.omitted.iter().take(OMITTED).map(|address| code(address)).collect();
            let more = plan.omitted.len() - some.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(format!("**PARTIAL**: not selected, and left out: {}{more}\n", some.join(", ")));
        }
        if depth > Depth::Counts && (plan.record_only || !plan.changes.is_empty()) {
            lines.extend(["| | address | why | source |".to_owned(), "|---|---|---|---|".to_owned()]);
            lines.extend(plan.changes.iter().map(row));
            lines.extend(plan.record_only.then(|| format!("| update | `{RECORD}` | {RECORD_CHANGES} | |")));
        }
        if depth > Depth::Addresses {
            lines.extend(plan.changes.iter().flat_map(|step| attributes(step, depth)));
        }
        let found = plan.watched.iter().filter(|_| depth > Depth::Counts);
        lines.extend(found.map(|found| {
            let place = if found.path.is_empty() { String::new() } else { format!(" {}", code(&found.path)) };
            format!("\n> found on {}{place}: {}", code(&found.address), prose(&found.why))
        }));
        let notices = plan.notices.iter().filter(|_| depth > Depth::Counts);
        lines.extend(notices.map(|notice| {
            let about = notice.address.as_ref().map(|address| format!("{}: ", code(address))).unwrap_or_default();
            format!("\n> {about}{}", prose(&notice.message))
        }));
    }
    if let Some(report) = &deployment.report {
        lines.push(format!(
            "\n**{}**: {}",
            if report.complete { "complete" } else { "incomplete: run again to continue" },
            report.counts.in_words(),
        ));
        lines.extend(report.errors.iter().filter(|_| depth > Depth::Counts).map(markdown_error));
    }
    lines.extend(deployment.error.iter().map(markdown_error));
    lines.join("\n") + "\n"
}

fn row(step: &StepDocument) -> String {
    let why =
        step.blocked_by.as_ref().map_or_else(|| step.reason.clone(), |blocked| format!("blocked: {}", blocked.why));
    let source = step.source.as_ref().map(|place| format!("{}:{}", place.file, place.line)).unwrap_or_default();
    // A cell ends at a bar, within code too.
    let address = code(&step.address).replace('|', "\\|");
    format!("| {} | {address} | {} | {} |", word(step), prose(&why), prose(&source))
}

fn word(step: &StepDocument) -> &'static str {
    match step.action {
        _ if step.blocked_by.is_some() => "blocked",
        ActionWord::Keep => "keep",
        ActionWord::Adopt => "adopt",
        ActionWord::Create => "create",
        ActionWord::Update => "update",
        ActionWord::Replace => "replace",
        ActionWord::Delete => "delete",
        ActionWord::Retain => "retain",
    }
}

fn attributes(step: &StepDocument, depth: Depth) -> Vec<String> {
    if step.changes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("\n{}:\n", code(&step.address))];
    lines.extend(step.changes.iter().map(|change| match depth {
        Depth::Values => {
            // A fence longer than any run of backticks in the values cannot be ended by them.
            let [before, after] = [&change.before, &change.after].map(|value| one_line(&value.to_string()));
            let fence = "`".repeat(longest_run(&before).max(longest_run(&after)).max(2) + 1);
            format!("{}:\n{fence}diff\n- {before}\n+ {after}\n{fence}", prose(&change.path))
        }
        _ => format!("- {}", prose(&change.path)),
    }));
    lines
}

/// Text that Markdown shows as it is, on one line: no link, picture, heading, table or HTML comes of it, and nobody is
/// mentioned. GitHub looks for `@name`, `#1` and addresses in what is rendered already, where a backslash is gone and only
/// another element in between helps.
fn prose(text: &str) -> String {
    let mut shown = String::new();
    for c in one_line(text).trim_start().chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '@' => shown.push_str("@<!-- -->"),
            '#' => shown.push_str("\\#<!-- -->"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' | '^' => shown.extend(['\\', c]),
            '-' | '+' | '=' if shown.is_empty() => shown.extend(['\\', c]),
            '.' | ')' if !shown.is_empty() && shown.bytes().all(|byte| byte.is_ascii_digit()) => {
                shown.extend(['\\', c]);
            }
            // `www.` is an address, and so is what has `://`.
            '.' if shown.to_ascii_lowercase().ends_with("www") => shown.push_str("<!-- -->."),
            '/' if shown.ends_with(":/") => shown.push_str("<!-- -->/"),
            c => shown.push(c),
        }
    }
    shown
}

/// Text as code, on one line: within longer backticks than it has itself.
fn code(text: &str) -> String {
    let text = one_line(text);
    let quote = "`".repeat(longest_run(&text) + 1);
    let gap = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    [&*quote, gap, &*text, gap, &*quote].concat()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn markdown_error(error: &FailureDocument) -> String {
    let place =
        error.source.as_ref().map(|place| format!(" ({}:{})", prose(&place.file), place.line)).unwrap_or_default();
    // Four spaces make code of it, in which nothing means anything.
    let body = [&error.detail, &error.help].map(|text| escape::lines(text.trim_end()).replace('\n', "\n    "));
    let body = body.iter().filter(|text| !text.is_empty()).map(|text| format!("\n    {text}")).collect::<String>();
    format!("\n**{}** {}{place}\n{body}", error.code, prose(&error.summary))
}

/// GitHub's workflow commands: each error and each change at its place in the YAML.
pub fn github(deployments: &[DeploymentReport]) -> String {
    let mut lines = Vec::new();
    for DeploymentReport { plan, report, error, .. } in deployments {
        for step in plan.iter().flat_map(|plan| &plan.changes) {
            match &step.blocked_by {
                Some(blocked) => {
                    let [why, hint] = [&blocked.why, &blocked.hint].map(|text| one_line(text));
                    let message = format!("{}: {why}\n{hint}", one_line(&step.address));
                    lines.push(annotation("error", step.source.as_ref(), "blocked", &message));
                }
                None if step.action == ActionWord::Retain => {}
                None => {
                    let message = one_line(&format!("{} {}: {}", word(step), step.address, step.reason));
                    lines.push(annotation("notice", step.source.as_ref(), "plan", &message));
                }
            }
        }
        for found in plan.iter().flat_map(|plan| &plan.watched) {
            let message = one_line(&format!("{} {}: {}", found.address, found.path, found.why));
            lines.push(annotation("warning", None, "found", &message));
        }
        for error in report.iter().flat_map(|report| &report.errors).chain(error) {
            let message = [&error.summary, &error.detail, &error.help].map(|text| text.trim_end()).join("\n");
            lines.push(annotation("error", error.source.as_ref(), &error.code, &message));
        }
    }
    lines.concat()
}

/// Escaped as GitHub's toolkit does: `%`, line ends, and in properties `:` and `,` too. Line ends are all that is left of
/// what steers.
fn annotation(level: &str, place: Option<&Source>, title: &str, message: &str) -> String {
    let data = |text: &str| escape::lines(text).replace('%', "%25").replace('\n', "%0A");
    let property = |text: &str| data(&one_line(text)).replace(':', "%3A").replace(',', "%2C");
    let place = place.map(|place| format!("file={},line={},col={},", property(&place.file), place.line, place.column));
    let (place, title, message) = (place.unwrap_or_default(), property(title), data(message));
    escape::command(&format!("::{level} {place}title={title}::{message}\n"))
}

/// JUnit XML for test reporters: a suite a deployment, a case a step.
pub fn junit(command: &str, deployments: &[DeploymentReport]) -> String {
    let suites: String = deployments.iter().map(|deployment| suite(command, deployment)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"studio-deploy {command}\">\n{suites}</testsuites>\n"
    )
}

fn suite(command: &str, deployment: &DeploymentReport) -> String {
    let mut cases = Vec::new();
    let ended = |address: &str| {
        let steps = deployment.report.iter().flat_map(|report| &report.steps);
        steps.into_iter().find(|step| step.address == address).map(|step| &step.end)
    };
    for step in deployment.plan.iter().flat_map(|plan| &plan.changes) {
        let outcome = match (&step.blocked_by, ended(&step.address)) {
            (Some(blocked), _) => {
                Some(("failure", [&blocked.why, &blocked.hint].map(|text| one_line(text)).join("\n")))
            }
            (None, Some(EndDocument::Failed { error })) => {
                Some(("failure", one_line(&format!("{}: {}", error.operation, error.message))))
            }
            (None, Some(EndDocument::Skipped { because_of })) => Some(("skipped", format!("{because_of} is not done"))),
            (None, Some(EndDocument::Stopped | EndDocument::Interrupted)) => {
                Some(("skipped", "the run was stopped".to_owned()))
            }
            _ => None,
        };
        cases.push((step.kind.as_str(), one_line(&format!("{} {}", word(step), step.address)), outcome));
    }
    for found in deployment.plan.iter().flat_map(|plan| &plan.watched) {
        let name = one_line(&format!("found {} {}", found.address, found.path));
        cases.push(("watched", name, Some(("failure", one_line(&found.why)))));
    }
    if let Some(error) = &deployment.error {
        let text = [&error.summary, &error.detail, &error.help].map(|text| text.trim_end()).join("\n");
        cases.push(("run", command.to_owned(), Some(("error", text))));
    }
    let count =
        |kind: &str| cases.iter().filter(|(_, _, outcome)| outcome.as_ref().is_some_and(|(of, _)| *of == kind)).count();
    let name = deployment.deployment.as_deref().unwrap_or(command);
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
        xml(&one_line(name)),
        cases.len(),
        count("failure"),
        count("error"),
        count("skipped"),
    );
    for (class, name, outcome) in &cases {
        let head = format!("    <testcase classname=\"{}\" name=\"{}\"", xml(class), xml(name));
        text.push_str(&match outcome {
            None => format!("{head}/>\n"),
            Some((kind, why)) => {
                let first = why.lines().next().unwrap_or_default();
                format!("{head}><{kind} message=\"{}\">{}</{kind}></testcase>\n", xml(first), xml(why))
            }
        });
    }
    text + "  </testsuite>\n"
}

/// Text in XML 1.0, which has no control characters but tabs and line ends.
fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in escape::lines(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing::{create_all, removal, update};

    fn deployment(plan: &crate::plan::Plan) -> DeploymentReport {
        let deployment = Some(plan.deployment().to_string());
        DeploymentReport { deployment, plan: Some(PlanDocument::of(plan)), ..DeploymentReport::default() }
    }

    #[test]
    fn markdown_has_a_row_for_each_change_and_stays_short() {
        let text = markdown("plan", 0, &[deployment(&update().plan())]);
        assert!(text.contains("| update | `domain.studio` | it differs | studio.yaml:12 |"), "{text}");
        assert!(text.contains("Tags.owner:\n```diff\n- \"ann\"\n+ \"ben\"\n```"), "{text}");
        let many: Vec<DeploymentReport> = (0..200).map(|_| deployment(&update().plan())).collect();
        let text = markdown("plan", 0, &many);
        assert!(text.len() <= MARKDOWN_LIMIT && text.contains("were left out"), "{}", text.len());
    }

    #[test]
    fn values_cannot_end_their_fence() {
        assert_eq!((longest_run("a```b``"), longest_run("none")), (3, 0));
        assert_eq!([code("a|b"), code("a`b``c"), code("`")], ["`a|b`", "```a`b``c```", "`` ` ``"]);
    }

    #[test]
    fn prose_is_only_prose() {
        for (text, expected) in [
            ("it differs, see studio.yaml:12 (again)", "it differs, see studio.yaml:12 (again)"),
            ("[x](http://e) ![y](z)", "\\[x\\](http:/<!-- -->/e) \\!\\[y\\](z)"),
            ("<!-- <b> &lt; --> a|b", "&lt;\\!-- &lt;b&gt; &amp;lt; --&gt; a\\|b"),
            ("@ann #1 www.e", "@<!-- -->ann \\#<!-- -->1 www<!-- -->.e"),
            ("- a\n# b\n```", "\\- a\\\\n\\#<!-- --> b\\\\n\\`\\`\\`"),
            ("1. a 2. b", "1\\. a 2. b"),
        ] {
            assert_eq!(prose(text), expected);
        }
    }

    #[test]
    fn github_marks_the_lines_of_the_yaml() {
        let text = github(&[deployment(&removal().plan())]);
        let text = escape::outgoing(&text);
        assert!(text.contains("::error file=studio.yaml,line=11,col=3,title=blocked::domain.studio: "), "{text}");
        assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    }

    #[test]
    fn junit_counts_what_is_blocked_as_failed() {
        let text = junit("plan", &[deployment(&removal().plan()), deployment(&create_all().plan())]);
        assert!(text.contains("failures=\"2\" errors=\"0\" skipped=\"0\""), "{text}");
        assert!(text.contains("<testcase classname=\"domain\" name=\"create domain.studio\"/>"), "{text}");
        assert_eq!(xml("a<b>&\"\u{1b}"), "a&lt;b&gt;&amp;&quot;\\u001b");
    }
}
