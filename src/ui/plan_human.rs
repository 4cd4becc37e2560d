//! The plan for people: what is destructive first, why, and which line of the YAML says so.

use std::collections::BTreeMap;

use super::report_human::why_retained;
use super::style::Tone;
use super::verbs::infinitive;
use super::{Paint, changes, security, watched};
use crate::escape::one_line;
use crate::hint::Caller;
use crate::model::{Address, Kind};
use crate::plan::summary::{RECORD, RECORD_CHANGES, Summary, only_record_changes};
use crate::plan::{Action, Plan, Step};
use crate::wording::counted;

pub use super::changes::DiffStyle;

/// Most addresses on the last lines for each action, since thousands of profiles would push the numbers away.
const SUMMED_ADDRESSES: usize = 20;
/// Longest address that the reasons are aligned to: one long name would push all of them away.
const ALIGNED: usize = 40;

/// Number of parameters of which the same is to be said are told on one line.
const TOGETHER: usize = 4;
/// Width at which a list of names is wrapped.
const WRAPPED: usize = 100;

/// Properties that steps share to be told on one line: rank, reason, source and changes.
type Alike = (Option<u8>, String, String, Vec<String>);

/// The plan as text, its last line the [`Summary`].
pub fn render(plan: &Plan, style: DiffStyle, caller: &Caller, paint: Paint) -> String {
    let mut page = Page { text: String::new(), paint, style };
    let summary = Summary::of(plan);
    let title = format!("{} in {} {}", plan.deployment(), plan.deployment().account, plan.deployment().region);
    if plan.is_empty() && summary.blocked == 0 {
        let state = if plan.destroy() { "has nothing left to destroy" } else { "is as the config says" };
        let but = if plan.watched().is_empty() { String::new() } else { format!(", but {}", watched::counted(plan)) };
        match plan.is_selection() {
            true => page.line(&format!("Nothing that is selected changes in {title}{but}.")),
            false => page.line(&format!("No changes. {title} {state}{but}.")),
        }
    } else {
        page.line(&paint.paint(Tone::Strong, &title));
        page.blank();
        page.steps(plan);
    }
    let security = security::relevant(plan).into_iter().map(|(address, text)| (Some(address), text));
    page.section("Security-relevant changes", security.collect());
    page.section(watched::TITLE, watched::lines(plan).into_iter().map(|line| (None, line)).collect());
    let notices = plan.notices().iter().map(|notice| (notice.address.as_ref(), one_line(&notice.message)));
    page.section("Notices", notices.collect());
    let kept = plan.steps().iter().filter(|step| step.is_retained() && step.blocked().is_none());
    page.section("Retained", kept.map(|step| (Some(step.address()), one_line(&why_retained(step, caller)))).collect());
    page.blank();
    page.addresses(plan);
    if summary.blocked > 0 {
        let them = if summary.blocked == 1 { "it" } else { "each" };
        let what = match plan.skips_blocked() {
            true => "left out, and the rest is applied".to_owned(),
            false => format!("nothing is applied until {them} is resolved"),
        };
        let line = format!("{} blocked: {what}", counted(summary.blocked, "step"));
        page.line(&paint.paint(Tone::Remove, &line));
    }
    page.omitted(plan);
    page.line(&paint.paint(Tone::Strong, &summary.to_string()));
    page.text
}

/// Only what happens to which address, without title and numbers.
pub fn changes(plan: &Plan, style: DiffStyle, paint: Paint) -> String {
    let mut page = Page { text: String::new(), paint, style };
    page.steps(plan);
    page.text
}

struct Page {
    text: String,
    paint: Paint,
    style: DiffStyle,
}

impl Page {
    /// A line, and no more than one whatever stands in it.
    fn line(&mut self, line: &str) {
        self.text.push_str(one_line(line).trim_end());
        self.text.push('\n');
    }

    /// An empty line, unless there is one already.
    fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn steps(&mut self, plan: &Plan) {
        let mut shown: Vec<&Step> = plan.steps().iter().filter(|step| rank(step).is_some()).collect();
        // The sort is stable: within a rank the order of execution stays.
        shown.sort_by_key(|step| rank(step));
        let alike = self.alike(&shown);
        let is_alone = |step: &&Step| !alike.values().flatten().any(|other| other.address() == step.address());
        let widths = shown.iter().filter(|step| is_alone(step)).map(|step| shown_width(step));
        let width = widths.filter(|width| *width <= ALIGNED).max().unwrap_or(0);
        for (at, step) in shown.iter().enumerate() {
            if is_alone(step) {
                self.step(step, width);
            }
            // What is told together stands behind everything else of its rank.
            if shown.get(at + 1).is_none_or(|next| rank(next) != rank(step)) {
                for steps in alike.iter().filter(|((of, ..), _)| *of == rank(step)).map(|(_, steps)| steps) {
                    self.together(steps, width);
                }
            }
        }
        if only_record_changes(plan) {
            self.line(&format!("  {}  {RECORD}  {RECORD_CHANGES}", self.paint.paint(Tone::Change, "~  ")));
        }
    }

    /// Published parameters of which the same is to be said, when they are many: each of a dozen long names on a line of
    /// its own would hide everything else.
    fn alike<'a>(&self, shown: &[&'a Step]) -> BTreeMap<Alike, Vec<&'a Step>> {
        let mut groups: BTreeMap<Alike, Vec<&Step>> = BTreeMap::new();
        if self.style == DiffStyle::Full {
            return groups;
        }
        for step in shown.iter().filter(|step| step.address().kind == Kind::Parameter && step.blocked().is_none()) {
            let source = step.source().map(ToString::to_string).unwrap_or_default();
            let lines = changes::lines(step, self.style, self.paint);
            groups.entry((rank(step), step.reason().to_owned(), source, lines)).or_default().push(step);
        }
        groups.retain(|_, steps| steps.len() >= TOGETHER);
        groups
    }

    /// A line about several parameters, and their names below what they share.
    fn together(&mut self, steps: &[&Step], width: usize) {
        let Some(first) = steps.first() else { return };
        let names: Vec<&str> = steps.iter().map(|step| step.address().name.as_str()).collect();
        let shared = shared_folder(&names);
        let (symbol, tone) = sign(first);
        let symbol = self.paint.paint(tone, &format!("{symbol:<3}"));
        let address = self.paint.paint(Tone::Strong, &format!("{:<width$}", format!("{} parameters", names.len())));
        let source =
            first.source().map(|source| self.paint.paint(Tone::Quiet, &format!("  {source}"))).unwrap_or_default();
        self.line(&format!("  {symbol}  {address}  {}{source}", one_line(first.reason())));
        let below: Vec<String> = names.iter().map(|name| one_line(&name[shared.len()..])).collect();
        self.line(&format!("       below {}", one_line(shared)));
        for line in wrapped(&below, WRAPPED) {
            self.line(&format!("       {line}"));
        }
        for line in changes::lines(first, self.style, self.paint) {
            self.line(&format!("       {line}"));
        }
    }

    fn step(&mut self, step: &Step, width: usize) {
        let (symbol, tone) = sign(step);
        // The widest symbol is `-/+`.
        let symbol = self.paint.paint(tone, &format!("{symbol:<3}"));
        let address = self.paint.paint(Tone::Strong, &format!("{:<width$}", one_line(&step.address().to_string())));
        let source =
            step.source().map(|source| self.paint.paint(Tone::Quiet, &format!("  {source}"))).unwrap_or_default();
        let reason = match step.blocked() {
            None => one_line(step.reason()),
            Some(blocked) if step.action() == Action::Keep => format!("blocked: {}", one_line(&blocked.why)),
            Some(blocked) => format!("{} blocked: {}", infinitive(step.action()), one_line(&blocked.why)),
        };
        self.line(&format!("  {symbol}  {address}  {reason}{source}"));
        if let Some(blocked) = step.blocked() {
            self.line(&format!("       {} {}", self.paint.paint(Tone::Hint, "help:"), one_line(&blocked.hint)));
        }
        for line in changes::lines(step, self.style, self.paint) {
            self.line(&format!("       {line}"));
        }
    }

    /// Names what is left out by choice: whoever reads the numbers has to know that they are not all.
    fn omitted(&mut self, plan: &Plan) {
        let addresses: Vec<String> = plan.omitted().map(|address| one_line(&address.to_string())).collect();
        if addresses.is_empty() {
            return;
        }
        let more = addresses.len().saturating_sub(SUMMED_ADDRESSES);
        let mut lines = wrapped(&addresses[..addresses.len() - more], WRAPPED);
        if let Some(last) = lines.last_mut().filter(|_| more > 0) {
            last.push_str(&format!(" and {more} more"));
        }
        let what = format!("PARTIAL: not selected, and left out ({}):", addresses.len());
        self.line(&self.paint.paint(Tone::Change, &what));
        for line in lines {
            self.line(&format!("         {line}"));
        }
    }

    fn section(&mut self, title: &str, entries: Vec<(Option<&Address>, String)>) {
        if entries.is_empty() {
            return;
        }
        self.blank();
        self.line(&self.paint.paint(Tone::Strong, &format!("{title}:")));
        for (address, text) in entries {
            let address = address.map(|address| format!("{}  ", one_line(&address.to_string()))).unwrap_or_default();
            self.line(&format!("  {address}{text}"));
        }
    }

    /// The changed addresses by action, which are on the screen when a long plan has scrolled away.
    fn addresses(&mut self, plan: &Plan) {
        let actions = [Action::Delete, Action::Replace, Action::Update, Action::Adopt, Action::Create];
        let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
        let blocked: Vec<String> = plan.blocked().map(|step| one_line(&step.address().to_string())).collect();
        for action in actions {
            let steps =
                plan.steps().iter().filter(|step| step.action() == action && step.runs() && !step.is_retained());
            let (parameters, others): (Vec<&Step>, Vec<&Step>) =
                steps.partition(|step| step.address().kind == Kind::Parameter);
            let together = self.style != DiffStyle::Full && parameters.len() >= TOGETHER;
            let named = others.iter().chain(parameters.iter().filter(|_| !together));
            let mut addresses: Vec<String> = named.map(|step| one_line(&step.address().to_string())).collect();
            if together {
                addresses.push(counted(parameters.len(), "parameter"));
            }
            if action == Action::Update && only_record_changes(plan) {
                addresses.push(RECORD.into());
            }
            groups.push((infinitive(action), addresses));
        }
        let retained = plan.steps().iter().filter(|step| step.is_retained() && step.runs());
        groups.push(("retain", retained.map(|step| one_line(&step.address().to_string())).collect()));
        groups.push(("blocked", blocked));
        for (name, addresses) in groups.into_iter().filter(|(_, addresses)| !addresses.is_empty()) {
            let more = addresses.len().saturating_sub(SUMMED_ADDRESSES);
            let mut lines = wrapped(&addresses[..addresses.len() - more], WRAPPED);
            if let Some(last) = lines.last_mut().filter(|_| more > 0) {
                last.push_str(&format!(" and {more} more"));
            }
            for (at, line) in lines.iter().enumerate() {
                self.line(&format!("{:<8} {line}", if at == 0 { name } else { "" }));
            }
        }
    }
}

/// The folder that all paths lie in, with its slash.
fn shared_folder<'a>(paths: &[&'a str]) -> &'a str {
    let Some((first, rest)) = paths.split_first() else { return "" };
    let ends = first.match_indices('/').map(|(at, _)| at + 1).rev();
    let shared = ends.into_iter().find(|end| rest.iter().all(|path| path.starts_with(&first[..*end])));
    &first[..shared.unwrap_or(0)]
}

/// `items` with commas between them, on lines of about `width` characters.
fn wrapped(items: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let comma = if at + 1 < items.len() { "," } else { "" };
        match lines.last_mut() {
            Some(line) if line.chars().count() + item.chars().count() + 2 <= width => {
                line.push_str(&format!(" {item}{comma}"));
            }
            _ => lines.push(format!("{item}{comma}")),
        }
    }
    lines
}

fn shown_width(step: &Step) -> usize {
    one_line(&step.address().to_string()).chars().count()
}

/// The rank of a step: what destroys first, what is harmless last; none when it is not shown.
fn rank(step: &Step) -> Option<u8> {
    Some(match (step.blocked(), step.action()) {
        (Some(_), _) => 2,
        (None, Action::Delete) => 0,
        (None, Action::Replace) => 1,
        (None, Action::Update) => 3,
        (None, Action::Adopt) => 4,
        (None, Action::Create) => 5,
        (None, Action::Keep | Action::Retain) => return None,
    })
}

fn sign(step: &Step) -> (&'static str, Tone) {
    if step.blocked().is_some() {
        return ("!", Tone::Remove);
    }
    let tone = match step.action() {
        Action::Delete | Action::Replace => Tone::Remove,
        Action::Update => Tone::Change,
        Action::Adopt => Tone::Hint,
        Action::Create => Tone::Add,
        Action::Keep | Action::Retain => Tone::Quiet,
    };
    (step.action().symbol(), tone)
}

#[cfg(test)]
mod tests;
