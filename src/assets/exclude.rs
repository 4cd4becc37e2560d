//! Exclusion patterns of the CDK, as MDAA applies them to assets.

use globset::{GlobBuilder, GlobMatcher};

/// CDK's exclusion patterns: in order, the last that matches wins, `!` takes back, and a pattern without a slash matches
/// the last part of a path. As in minimatch, `*` at the beginning of a name does not match a dot.
#[derive(Default)]
pub(super) struct Exclude(Vec<Pattern>);

struct Pattern {
    excludes: bool,
    base_only: bool,
    dotted: bool,
    matcher: GlobMatcher,
}

impl Exclude {
    pub fn new(patterns: &[String]) -> Result<Self, String> {
        let pattern = |text: &String| {
            let (excludes, glob) = text.strip_prefix('!').map_or((true, text.as_str()), |rest| (false, rest));
            let glob = glob.trim_end_matches('/');
            let matcher = GlobBuilder::new(glob).literal_separator(true).build();
            let matcher = matcher.map_err(|error| format!("`{text}` is no pattern: {error}"))?.compile_matcher();
            let dotted = glob.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
            Ok(Pattern { excludes, base_only: !glob.contains('/'), dotted, matcher })
        };
        patterns.iter().map(pattern).collect::<Result<_, String>>().map(Self)
    }

    pub fn matches(&self, path: &str) -> bool {
        let base = path.rsplit('/').next().unwrap_or(path);
        let mut excluded = false;
        for pattern in &self.0 {
            let subject = if pattern.base_only { base } else { path };
            if (pattern.dotted || !base.starts_with('.')) && pattern.matcher.is_match(subject) {
                excluded = pattern.excludes;
            }
        }
        excluded
    }
}
