//! Failures as text for people.

use super::Paint;
use super::style::Tone;
use crate::escape::{self, one_line};
use crate::failure::{Failure, codes};

/// A failure as text, which ends with a line break.
pub fn render(failure: &Failure, paint: Paint) -> String {
    if failure.code == codes::INVALID_CONFIG.id {
        // Each mistake in it is rendered with a code of its own.
        return format!("{}\n", failure.rendered(paint.is_colored()).trim_end_matches('\n'));
    }
    let mut lines = vec![format!(
        "{} {}",
        paint.paint(Tone::Remove, &format!("error[{}]:", failure.code)),
        one_line(&failure.summary)
    )];
    if let Some(source) = &failure.source {
        let place = format!("  --> {}:{}:{}", source.file, source.line, source.column);
        lines.push(paint.paint(Tone::Quiet, &one_line(&place)));
    }
    lines.extend(escape::lines(&failure.detail).lines().map(|line| format!("  {line}")));
    for (at, line) in escape::lines(&failure.help).lines().enumerate() {
        let help = if at == 0 { paint.paint(Tone::Hint, "help:") } else { "     ".into() };
        lines.push(format!("  {help} {line}"));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::Path;

    use super::*;
    use crate::cloud::{CloudError, ErrorKind};
    use crate::config::codes::UNKNOWN_KEY;
    use crate::config::diagnostic::DiagnosticReport;
    use crate::config::{self, Diagnostic};
    use crate::failure::Exit;
    use crate::hint::Caller;
    use crate::model::Source;
    use crate::ui::testing::{removal, source};

    fn cloud(kind: ErrorKind, code: &str, message: &str) -> CloudError {
        let mut error = CloudError::new(kind, "CreateDomain", message);
        error.code = Some(code.into());
        error.request_id = Some("1f2e".into());
        error
    }

    #[test]
    fn a_missing_permission_is_named() {
        let message = "User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: \
            sagemaker:CreateDomain on resource: arn:aws:sagemaker:us-east-1:123456789012:domain/*";
        let error = cloud(ErrorKind::Denied, "AccessDeniedException", message);
        let failure = Failure::cloud(&error, None, &Caller::default()).at(Some(&source(12)));
        insta::assert_snapshot!(render(&failure, Paint::PLAIN), @r"
    error[SD3002]: CreateDomain: a permission is missing
      --> studio.yaml:12:3
      CreateDomain: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/ci/x is not authorized to perform: sagemaker:CreateDomain on resource: arn:aws:sagemaker:us-east-1:123456789012:domain/* (request 1f2e; nothing was changed)
      help: allow the caller sagemaker:CreateDomain; `studio-deploy permissions` prints all required permissions
    ");
        assert_eq!(failure.exit, Exit::Access);
    }

    #[test]
    fn each_kind_of_failure_names_the_way_out() {
        for (kind, code, message, id, help) in [
            (ErrorKind::Denied, "AccessDenied", "no", "SD3002", "studio-deploy permissions"),
            (
                ErrorKind::Denied,
                "AccessDenied",
                "with an explicit deny in a policy",
                "SD3002",
                "the owner of that policy",
            ),
            (ErrorKind::Credentials, "ExpiredToken", "expired", "SD3001", "aws sso login"),
            (ErrorKind::Quota, "ResourceLimitExceeded", "1 domain", "SD3005", "servicequotas"),
            (ErrorKind::Other, "UnknownOperationException", "not supported", "SD3004", "--region"),
            (ErrorKind::Connection, "", "no route", "SD3006", "--endpoint-url"),
        ] {
            let failure = Failure::cloud(&cloud(kind, code, message), None, &Caller::default());
            assert_eq!(failure.code, id);
            assert!(failure.help.contains(help), "{failure:?}");
        }
        let failure = Failure::cloud(
            &cloud(ErrorKind::Other, "UnknownOperationException", ""),
            Some("eu-north-9"),
            &Caller::default(),
        );
        assert_eq!(failure.summary, "Studio is not available in eu-north-9");
    }

    #[test]
    fn a_blocked_plan_says_why_and_what_would_allow_it() {
        insta::assert_snapshot!(render(&Failure::blocked(&removal().plan()).unwrap(), Paint::PLAIN), @r"
    error[SD4001]: nothing was applied: 2 steps are blocked
      --> studio.yaml:11:3
      domain.studio: VpcId of id-of-domain.studio cannot be changed in place, and replacing it loses every user's home directory; also in the way: user_profile.ben (studio.yaml:11)
      user_profile.ben: removing it loses the home directory of the user
      help: put the old value back, or allow it with `--allow-replace domain.studio`
            put it back into the config, or allow it with `--allow-profile-delete ben`
    ");
        assert_eq!(Failure::blocked(&crate::ui::testing::script().plan()), None);
    }

    #[test]
    fn mistakes_of_a_config_are_shown_as_they_were_rendered() {
        let place = Source { file: "a.yaml".into(), line: 2, column: 3 };
        let mistake = Diagnostic::new(&UNKNOWN_KEY, "unknown key").at(&config::Span { source: place, length: 1 });
        let texts = [("a.yaml".to_owned(), "a:\n  b: 1\n".to_owned())].into();
        let failure = Failure::invalid_config(DiagnosticReport { name: None, diagnostics: mistake.into(), texts });
        assert!(render(&failure, Paint::PLAIN).starts_with("error[SD1003]: unknown key\n"));
        assert_eq!(failure.exit.code(), 3);
        assert_eq!(failure.document().source.map(|place| place.line), Some(2));
    }

    #[test]
    fn nothing_that_aws_says_can_steer_the_terminal() {
        let failure = Failure::from(cloud(ErrorKind::Invalid, "ValidationException", "\u{1b}]0;owned\u{7}"));
        assert!(!render(&failure, Paint::PLAIN).contains('\u{1b}'));
    }

    #[test]
    fn a_failure_is_one_line_of_json() {
        let failure = Failure::file(Path::new("studio.yaml"), &io::ErrorKind::NotFound.into());
        let json: serde_json::Value = serde_json::from_str(&failure.json()).unwrap();
        assert_eq!(json["error"]["code"], "SD7001");
        assert_eq!(json["error"]["exit"], 1);
        assert_eq!(failure.json().lines().count(), 1);
    }
}
