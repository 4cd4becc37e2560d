//! `explain`: the long text behind a code.

use serde_json::json;

use super::args::{ExplainArgs, Format};
use super::run::Run;
use crate::assets;
use crate::aws::{given_bucket, role_mistakes};
use crate::config::codes as config_codes;
use crate::failure::Exit;
use crate::failure::Failure;
use crate::failure::codes;
use crate::ui::markdown;

/// Codes of mistakes that only come to light where files and the account are looked at.
static ELSEWHERE: [&config_codes::Code; 6] = [
    &role_mistakes::ROLE_NOT_FOUND,
    &role_mistakes::ROLE_AMBIGUOUS,
    &role_mistakes::ROLE_OUT_OF_REACH,
    &role_mistakes::ROLE_CONTRADICTION,
    &given_bucket::BUCKET_OUT_OF_REACH,
    &assets::UNREADABLE_ASSET,
];

/// The page of all intended differences from MDAA.
const DIFFERENCES: &str = include_str!("../../docs/differences.md");

pub(super) fn run(args: &ExplainArgs, run: &Run<'_>) -> Result<Exit, Failure> {
    if args.code == "differences" {
        let text = match run.format() {
            Format::Json => format!("{}\n", json!(markdown::tables(DIFFERENCES))),
            _ => markdown::page(DIFFERENCES, run.screen.data_width(), run.screen.data_paint()),
        };
        run.screen.data(&text)?;
        return Ok(Exit::Success);
    }
    let elsewhere = || ELSEWHERE.into_iter().find(|code| code.id.eq_ignore_ascii_case(&args.code));
    let found = codes::find(&args.code).map(|code| (code.id, code.title, code.explanation)).or_else(|| {
        config_codes::find(&args.code).or_else(elsewhere).map(|code| (code.id, code.title, code.explanation))
    });
    let Some((id, title, explanation)) = found else {
        return Err(Failure::new(&codes::USAGE, format!("there is no code `{}`", args.code))
            .help("codes stand in brackets behind `error` or `warning`, such as SD1003; `differences` is a page too"));
    };
    if run.format() == Format::Json {
        run.screen.data(&format!("{}\n", json!({"code": id, "title": title, "explanation": explanation})))?;
    } else {
        run.screen.data(&format!("{id}: {title}\n\n{explanation}\n"))?;
    }
    Ok(Exit::Success)
}
