//! The plan for people: what is blocked or destructive first, and of each thing no more than a reviewer must know.
//!
//! A thing that is made shows its [`Outline`](crate::plan::Outline), one that is changed old and new at each path, with the line of the
//! YAML at the right end. Everything is folded at the width of the screen, between words.

mod blocks;

use std::collections::BTreeSet;

use self::blocks::{Block, blocks, headline, shared_folder, shared_source};
use super::changes::{ChangeLine, Tags, shared_tags};
use super::fold::{enumerated, folded, padded, width, with_end};
use super::report_human::why_retained;
use super::style::Tone;
use super::{Paint, changes, security, watched};
use crate::escape::one_line;
use crate::hint::Caller;
use crate::model::{Address, Source};
use crate::plan::summary::{RECORD, RECORD_CHANGES, Summary, only_record_changes};
use crate::plan::{Action, Plan, Step};
use crate::wording::counted;

pub use super::changes::DiffStyle;

/// Columns in front of what stands under a step.
const INDENT: usize = 4;
/// Columns of the word in front of a fact.
const LABEL: usize = 15;
/// Columns of the word in front of what stands under the steps.
const SECTION: usize = 11;
/// Longest address that what stands behind is aligned to: one long name would push all of them away.
const ALIGNED: usize = 28;
/// Most facts of one thing: beyond these a reviewer reads the properties.
const FACTS: usize = 6;
/// Lines of names of what is told together.
const NAMED: usize = 2;
/// Lines of a plan beyond which its first ones have scrolled away, so that what is blocked or destroyed is named again.
const SCREENFUL: usize = 30;

/// Notices that a plan shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum NoticeStyle {
    /// Notices that somebody may act on, and the number of intended differences from MDAA.
    #[default]
    Needed,
    /// Every notice.
    All,
}

/// Way in which a plan is shown.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The amount of each change.
    pub style: DiffStyle,
    /// The notices.
    pub notices: NoticeStyle,
    /// The words with which the run was called.
    pub caller: &'a Caller,
    /// The command that carries the plan out, when that is another one.
    pub next: Option<&'a str>,
    /// Whether the command takes `--diff`, so that more can be shown.
    pub deepens: bool,
    /// The colours.
    pub paint: Paint,
    /// The width at which lines are folded, in columns.
    pub width: usize,
}

impl View<'_> {
    /// A view of the usual amount.
    pub const fn new(caller: &Caller, paint: Paint, width: usize) -> View<'_> {
        View {
            style: DiffStyle::Compact,
            notices: NoticeStyle::Needed,
            caller,
            next: None,
            deepens: false,
            paint,
            width,
        }
    }
}

/// The plan as text, one of its last lines the [`Summary`].
pub fn render(plan: &Plan, view: View<'_>) -> String {
    let mut page = Page::new(plan, view);
    let summary = Summary::of(plan);
    let deployment = plan.deployment();
    if plan.is_empty() && summary.blocked == 0 {
        let title = format!("{deployment} in {} {}", deployment.account, deployment.region);
        let state = if plan.destroy() { "has nothing left to destroy" } else { "is as the config says" };
        let but = if plan.watched().is_empty() { String::new() } else { format!(", but {}", watched::counted(plan)) };
        match plan.is_selection() {
            true => page.text(&format!("Nothing that is selected changes in {title}{but}."), 0),
            false => page.text(&format!("No changes. {title} {state}{but}."), 0),
        }
    } else {
        let all = if plan.destroy() { "   everything is destroyed" } else { "" };
        let title = format!("{deployment}   {} {}{all}", deployment.account, deployment.region);
        let file = page.file.map(one_line).unwrap_or_default();
        page.place(&view.paint.paint(Tone::Strong, &one_line(&title)), &file, 0);
        page.blank();
        page.steps(plan);
    }
    page.blank();
    page.sections(plan);
    page.blank();
    if page.lines > SCREENFUL {
        page.losses(plan);
    }
    page.omitted(plan);
    page.end(plan, summary);
    page.written
}

/// Only what happens to which address, without title and numbers.
pub fn changes(plan: &Plan, view: View<'_>) -> String {
    let mut page = Page::new(plan, view);
    page.steps(plan);
    page.written
}

struct Page<'a> {
    written: String,
    lines: usize,
    view: View<'a>,
    /// The file that all places are in, when they are in one.
    file: Option<&'a str>,
    /// The line of that file that everything hangs on which has none of its own.
    root: Option<&'a Source>,
    tags: Tags,
    /// Whether something was left out that `--diff full` shows.
    is_short: bool,
}

impl<'a> Page<'a> {
    fn new(plan: &'a Plan, view: View<'a>) -> Self {
        let sources = || plan.steps().iter().filter_map(Step::source);
        let files: BTreeSet<&str> = sources().map(|source| source.file.as_str()).collect();
        let file = files.first().copied().filter(|_| files.len() == 1);
        let root = shared_source(plan.steps()).filter(|_| file.is_some());
        let tags = if view.style == DiffStyle::Full { shared_tags(plan.steps()) } else { Tags::new() };
        Self { written: String::new(), lines: 0, view, file, root, tags, is_short: false }
    }

    fn paint(&self, tone: Tone, text: &str) -> String {
        self.view.paint.paint(tone, text)
    }

    fn put(&mut self, lines: Vec<String>) {
        self.lines += lines.len();
        for line in lines {
            self.written.push_str(line.trim_end());
            self.written.push('\n');
        }
    }

    /// A text, folded; whatever stands in it ends no line.
    fn text(&mut self, text: &str, hang: usize) {
        self.put(folded(&one_line(text), self.view.width, hang));
    }

    /// The same with its place in the YAML at the right end.
    fn place(&mut self, text: &str, place: &str, hang: usize) {
        let place = self.paint(Tone::Quiet, place);
        self.put(with_end(&one_line(text), &place, self.view.width, hang));
    }

    /// An empty line, unless there is one already.
    fn blank(&mut self) {
        if !self.written.is_empty() && !self.written.ends_with("\n\n") {
            self.written.push('\n');
        }
    }

    /// A place as short as it can be: the title names the file.
    fn at(&self, source: Option<&Source>) -> String {
        match (source, self.file) {
            (Some(source), _) if Some(source) == self.root => String::new(),
            (Some(source), Some(_)) => format!(":{}", source.line),
            (Some(source), None) => one_line(&source.to_string()),
            (None, _) => String::new(),
        }
    }

    fn steps(&mut self, plan: &'a Plan) {
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
            self.text(&format!("Tags on everything that is created: {}", tags.join(", ")), INDENT);
            self.blank();
        }
        let folds = self.view.style != DiffStyle::Full;
        let texts = |step: &Step| {
            let lines = changes::lines(step, self.view.style, &self.tags, self.view.paint);
            lines.into_iter().map(|line| line.text).collect()
        };
        let blocks = blocks(plan.steps(), folds, texts);
        let symbols = blocks.iter().filter_map(|block| Some(width(sign(block.first()?).0)));
        let symbols = symbols.max().unwrap_or(1);
        let name = |block: &Block<'_>| match block {
            Block::One(step) => one_line(&step.address().to_string()),
            Block::Many { noun, steps } => format!("{} {noun}", steps.len()),
        };
        let names = blocks.iter().map(|block| width(&name(block)));
        let column = names.filter(|width| *width <= ALIGNED).max().unwrap_or(0);
        for block in &blocks {
            if let Some(first) = block.first() {
                self.block(block, first, &name(block), (symbols, column));
            }
        }
        if only_record_changes(plan) {
            let sign = self.paint(Tone::Change, "~");
            self.text(&format!("{sign} {RECORD}  {RECORD_CHANGES}"), INDENT);
        }
    }

    fn block(&mut self, block: &Block<'a>, first: &'a Step, name: &str, (symbols, column): (usize, usize)) {
        let (symbol, tone) = sign(first);
        let symbol = self.paint(tone, &padded(symbol, symbols));
        let name = self.paint(Tone::Strong, name);
        let headline = match block {
            Block::One(step) => headline(step),
            Block::Many { steps, .. } => {
                let kind = first.address().kind;
                let is_one_kind = steps.iter().all(|step| step.address().kind == kind);
                let name =
                    |step: &&Step| if is_one_kind { step.address().name.clone() } else { step.address().to_string() };
                let names: Vec<String> = steps.iter().map(|step| one_line(&name(step))).collect();
                let shared = shared_folder(&names.iter().map(String::as_str).collect::<Vec<_>>());
                self.is_short = true;
                match one_line(shared) {
                    folder if folder.is_empty() => {
                        let taken = symbols + column + 12;
                        // What is lost has every name: this may be the last moment to see that one too many is among them.
                        let lines = if is_loss(first) { usize::MAX } else { NAMED };
                        enumerated(&names, self.view.width.saturating_sub(taken), lines)
                    }
                    folder => format!("{folder}…"),
                }
            }
        };
        // Of things that stand on several lines of the YAML none speaks for all.
        let is_shared = match block {
            Block::One(_) => true,
            Block::Many { steps, .. } => steps.iter().all(|step| step.source() == first.source()),
        };
        let place = self.at(first.source().filter(|_| is_shared));
        // What stands behind the names keeps to its own column, and goes below a name that reaches into it.
        let begin = format!("{symbol} {}", padded(&name, column));
        let behind = width(&begin) + 2;
        let room = self.view.width.saturating_sub(behind + width(&place) + 2);
        let is_list = matches!(block, Block::Many { .. });
        let fits = is_list || folded(&headline, room, 0).len() <= 1 && width(&headline) <= room;
        if width(&begin) + width(&place) + 2 > self.view.width {
            self.put(vec![one_line(&begin)]);
            self.place(&format!("{}{headline}", " ".repeat(INDENT)), &place, INDENT);
        } else if headline.is_empty() || fits {
            self.place(&format!("{begin}  {headline}"), &place, behind);
        } else {
            self.place(&begin, &place, behind);
            self.text(&format!("{}{headline}", " ".repeat(INDENT)), INDENT);
        }
        if let Some(reason) = first.special_reason().filter(|_| is_list) {
            self.text(&format!("{}{}", " ".repeat(INDENT), one_line(reason)), INDENT);
        }
        self.details(first);
    }

    /// Lines under a step: why it is blocked and what would allow it, what decides of a new thing, what changes.
    fn details(&mut self, step: &'a Step) {
        if let Some(blocked) = step.blocked() {
            self.fact("why", &blocked.why);
            let label = self.paint(Tone::Hint, "help");
            self.fact(&label, &blocked.hint);
        }
        let lines = changes::lines(step, self.view.style, &self.tags, self.view.paint);
        let outline = step.outline().filter(|_| self.view.style == DiffStyle::Compact && step.blocked().is_none());
        if let Some(outline) = outline {
            for fact in outline.facts.iter().take(FACTS) {
                self.fact(&one_line(&fact.label), &fact.text);
            }
            if outline.facts.len() > FACTS {
                self.fact("", &format!("and {} more", outline.facts.len() - FACTS));
            }
            self.is_short = true;
        }
        for ChangeLine { text, source } in lines {
            let place = if source.as_ref() == step.source() { String::new() } else { self.at(source.as_ref()) };
            self.place(&format!("{}{text}", " ".repeat(INDENT)), &place, INDENT + 2);
        }
    }

    fn fact(&mut self, label: &str, text: &str) {
        let begin = format!("{}{}", " ".repeat(INDENT), padded(label, LABEL - 2));
        self.text(&format!("{begin}  {}", one_line(text)), INDENT + LABEL);
    }

    fn sections(&mut self, plan: &Plan) {
        let about = |address: &Address, text: &str| format!("{}: {}", one_line(&address.to_string()), one_line(text));
        let security = security::relevant(plan);
        self.section("Security", security.iter().map(|(address, text)| about(address, text)).collect());
        self.section("Found", watched::lines(plan));
        let shows = |is_difference: bool| !is_difference || self.view.notices == NoticeStyle::All;
        let notices = plan.notices().iter().filter(|notice| shows(notice.is_difference));
        let mut notices: Vec<String> = notices
            .map(|notice| match &notice.address {
                Some(address) => about(address, &notice.message),
                None => one_line(&notice.message),
            })
            .collect();
        let hidden = plan.notices().iter().filter(|notice| !shows(notice.is_difference)).count();
        if hidden > 0 {
            let all = self.view.caller.alone("explain", &["differences"]);
            notices.push(format!("{} from MDAA: {all}", counted(hidden, "intended difference")));
        }
        self.section("Notice", notices);
        let kept = plan.steps().iter().filter(|step| step.is_retained() && step.blocked().is_none());
        let kept = kept.map(|step| about(step.address(), &why_retained(step, self.view.caller)));
        self.section("Retained", kept.collect());
    }

    fn section(&mut self, title: &str, entries: Vec<String>) {
        for (at, entry) in entries.into_iter().enumerate() {
            let title = if at == 0 { self.paint(Tone::Strong, title) } else { String::new() };
            self.text(&format!("{}{entry}", padded(&title, SECTION)), SECTION);
        }
    }

    /// Addresses that are lost or blocked, once more, where the plan is so long that they have scrolled away.
    fn losses(&mut self, plan: &Plan) {
        let lost = plan.steps().iter().filter(|step| step.runs() && !step.is_retained() && is_loss(step));
        for (title, steps) in [("Blocked", plan.blocked().collect::<Vec<_>>()), ("Lost", lost.collect())] {
            let names: Vec<String> = steps.iter().map(|step| one_line(&step.address().to_string())).collect();
            if !names.is_empty() {
                let text = enumerated(&names, self.view.width.saturating_sub(SECTION), NAMED);
                self.section(title, vec![text]);
            }
        }
    }

    /// Names what is left out by choice: whoever reads the numbers has to know that they are not all.
    fn omitted(&mut self, plan: &Plan) {
        let addresses: Vec<String> = plan.omitted().map(|address| one_line(&address.to_string())).collect();
        if addresses.is_empty() {
            return;
        }
        let what = format!("PARTIAL: not selected, and left out ({}):", addresses.len());
        self.text(&self.paint(Tone::Change, &what), INDENT);
        let names = enumerated(&addresses, self.view.width.saturating_sub(INDENT), 4);
        self.text(&format!("{}{names}", " ".repeat(INDENT)), INDENT);
    }

    /// The numbers, and where to go from here.
    fn end(&mut self, plan: &Plan, summary: Summary) {
        let numbers = self.paint(Tone::Strong, &summary.to_string());
        if summary.blocked > 0 {
            let them = if summary.blocked == 1 { "it" } else { "each" };
            let what = match plan.skips_blocked() {
                true => "What is blocked is left out, and the rest is applied.".to_owned(),
                false => format!("Nothing is applied until {them} is resolved."),
            };
            let what = self.paint(Tone::Remove, &what);
            return self.text(&format!("{numbers}. {what}"), 0);
        }
        let full = (self.is_short && self.view.deepens).then(|| "All properties: --diff full.".to_owned());
        let next = self.view.next.filter(|_| !plan.is_empty()).map(|next| format!("Next: {next}"));
        let rest: Vec<String> = full.into_iter().chain(next).collect();
        let one = format!("{numbers}.  {}", rest.join("  "));
        if !rest.is_empty() && width(&one) <= self.view.width {
            return self.text(&one, 0);
        }
        self.text(&numbers, 0);
        for line in rest {
            // A command that is broken cannot be pasted.
            self.put(vec![one_line(&line)]);
        }
    }
}

/// Returns `true` if something goes that is there now.
fn is_loss(step: &Step) -> bool {
    matches!(step.action(), Action::Delete | Action::Replace)
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
