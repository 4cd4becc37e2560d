//! The only reader of SDK error codes: every failed call becomes a [`CloudError`] here.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};

use super::calls::only_reads;
use super::lock::NotHeld;
use super::permission;
use crate::cloud::{CloudError, ErrorKind, Sent};

/// The meaning of a failure of `operation`.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub fn failed<E>(operation: &str, error: SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    meaning(operation, &error)
}

/// The reason why a role cannot be assumed: what STS says of it, or that there is nobody who could assume it.
pub fn not_assumed(error: &CredentialsError) -> CloudError {
    let of_sts = causes(error).find_map(|cause| cause.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>());
    match of_sts {
        Some(of_sts) => meaning("AssumeRole", of_sts),
        None => CloudError::new(ErrorKind::Credentials, "AssumeRole", chain(error)),
    }
}

fn meaning<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let request_id = error.raw_response().and_then(|answer| {
        let id = ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|name| answer.headers().get(name));
        id.map(str::to_owned)
    });
    let mut failure = CloudError::new(ErrorKind::Other, operation, String::new());
    failure.request_id = request_id;
    match error {
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            let code = refusal.err().code().map(|code| code.split(['#', ':']).next_back().unwrap_or(code).to_owned());
            let silent = || format!("AWS answered {status} and says no more");
            failure.message =
                refusal.err().message().filter(|said| !said.is_empty()).map_or_else(silent, str::to_owned);
            failure.kind = kind(code.as_deref().unwrap_or_default(), &failure.message, status);
            failure.sent = if status >= 500 { Sent::Maybe } else { Sent::No };
            failure.code = code.or_else(|| (status == 404).then(|| "NotFound".to_owned()));
            if failure.kind == ErrorKind::Denied {
                failure.permission = permission::of(refusal.raw()).map(Box::new);
            }
        }
        SdkError::ConstructionFailure(_) => {
            failure.message = chain(error);
            let credentials = failure.message.contains("credentials") || failure.message.contains("identity");
            failure.kind = if credentials { ErrorKind::Credentials } else { ErrorKind::Invalid };
        }
        SdkError::DispatchFailure(_) if fenced(error).is_some() => {
            failure.message = fenced(error).map(ToString::to_string).unwrap_or_default();
            failure.kind = ErrorKind::NotHeld;
        }
        SdkError::DispatchFailure(failed) => {
            failure.message = chain(error);
            let credentials = !failed.is_io() && causes(error).any(|cause| cause.is::<CredentialsError>());
            failure.kind = if credentials { ErrorKind::Credentials } else { ErrorKind::Connection };
            failure.sent = if credentials { Sent::No } else { Sent::Maybe };
            // A profile's role: it is not the credentials that are missing.
            let refused = causes(error).find_map(|cause| cause.downcast_ref::<ErrorMetadata>()).filter(|_| credentials);
            if let Some((code, said)) = refused.and_then(|refused| Some((refused.code()?, refused.message()?)))
                && kind(code, said, 0) == ErrorKind::Denied
            {
                failure.kind = ErrorKind::Denied;
            }
        }
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => {
            failure.message = chain(error);
            failure.kind = ErrorKind::Connection;
            failure.sent = Sent::Maybe;
        }
        _ => failure.message = chain(error),
    }
    if only_reads(operation) {
        failure.sent = Sent::No;
    }
    failure
}

/// The meaning of AWS's codes. Codes differ from service to service, and some say what they mean only in the message.
fn kind(code: &str, message: &str, status: u16) -> ErrorKind {
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" | "Forbidden" | "AuthFailure" => {
            ErrorKind::Denied
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationTokenException"
        | "RequestExpired" => ErrorKind::Credentials,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "TooManyRequestsException"
        | "TooManyUpdates" => ErrorKind::Throttled,
        "NoSuchEntity"
        | "NoSuchBucket"
        | "NoSuchKey"
        | "NotFound"
        | "NotFoundException"
        | "ResourceNotFound"
        | "ResourceNotFoundException"
        | "ParameterNotFound"
        | "FileSystemNotFound"
        | "MountTargetNotFound"
        | "InvalidGroup.NotFound"
        | "NoSuchBucketPolicy"
        | "NoSuchTagSet"
        | "InvalidResourceId"
        | "ServerSideEncryptionConfigurationNotFoundError"
        | "NoSuchPublicAccessBlockConfiguration" => ErrorKind::NotFound,
        "ResourceLimitExceeded"
        | "LimitExceeded"
        | "LimitExceededException"
        | "ServiceQuotaExceededException"
        | "TooManyBuckets"
        | "SecurityGroupLimitExceeded"
        | "RulesPerSecurityGroupLimitExceeded"
        | "ParameterLimitExceeded" => ErrorKind::Quota,
        "ResourceInUse"
        | "ResourceInUseException"
        | "EntityAlreadyExists"
        | "AlreadyExistsException"
        | "DeleteConflict"
        | "ConflictException"
        | "ConcurrentModification"
        | "InvalidGroup.Duplicate"
        | "InvalidPermission.Duplicate"
        | "DependencyViolation"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "BucketNotEmpty"
        | "OperationAborted"
        | "ParameterAlreadyExists"
        | "FileSystemInUse" => ErrorKind::Conflict,
        "ValidationException"
        | "ValidationError"
        | "InvalidParameterValue"
        | "MalformedPolicyDocument"
        | "MalformedPolicyDocumentException"
        | "MalformedPolicy"
        | "InvalidRequest"
        | "BadRequest" => {
            // SageMaker answers a missing domain with a ValidationException now and then, and CloudFormation always so.
            let of_stack = message.starts_with("Stack with id ") && message.ends_with(" does not exist");
            let of_export = message.starts_with("Export ") && message.contains(" is not imported by any stack");
            if message.contains("does not exist") && message.contains("RecordNotFound") || of_stack || of_export {
                ErrorKind::NotFound
            } else {
                ErrorKind::Invalid
            }
        }
        // EC2 names what is missing: `InvalidSubnetID.NotFound`.
        code if code.ends_with(".NotFound") => ErrorKind::NotFound,
        _ => match status {
            403 => ErrorKind::Denied,
            404 => ErrorKind::NotFound,
            409 => ErrorKind::Conflict,
            429 => ErrorKind::Throttled,
            400..=499 => ErrorKind::Invalid,
            _ => ErrorKind::Other,
        },
    }
}

/// The fence's refusal behind an error, if the write was not sent because the lock is not certain to be held.
fn fenced<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a NotHeld> {
    causes(error).find_map(|cause| cause.downcast_ref::<NotHeld>())
}

/// An error and its causes, from the outside in.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

/// An error with its causes, each said once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    for cause in causes(error) {
        let text = match cause.downcast_ref::<ErrorMetadata>() {
            Some(answer) => [answer.code(), answer.message()].into_iter().flatten().collect::<Vec<_>>().join(": "),
            None => cause.to_string(),
        };
        let text = readable(&text);
        let says_nothing = text.is_empty() || NOTHING_SAID.contains(&text) || text.starts_with("unhandled error");
        if !says_nothing && !said.iter().any(|earlier| earlier.contains(text)) {
            said.push(text.to_owned());
        }
    }
    said.join(": ")
}

/// The SDK's words for where an error comes from: what went wrong follows.
const NOTHING_SAID: [&str; 7] = [
    "dispatch failure",
    "service error",
    "io error",
    "other",
    "request has timed out",
    "failed to construct request",
    "an error occurred while loading credentials",
];

/// The part of an error's text before it prints how the program keeps it (`Request { body: …`), which tells nobody anything and may
/// hold more than anybody should see.
fn readable(text: &str) -> &str {
    let printed = text.match_indices(" {").find_map(|(at, _)| {
        let before = text[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |end| end + 1);
        text[before..at].starts_with(|c: char| c.is_ascii_uppercase()).then_some(before)
    });
    let Some(end) = printed else { return text };
    // `Some(Unhandled(` in front of it is of the same kind.
    let mut kept = &text[..end];
    while let Some(outer) = kept.strip_suffix('(') {
        kept = outer.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
    }
    kept.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '`' | '"' | ':' | ','))
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    type Failed = SdkError<AssumeRoleError, HttpResponse>;

    fn unreached(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Failed {
        SdkError::dispatch_failure(ConnectorError::other(cause.into(), None))
    }

    fn refused() -> Failed {
        let metadata =
            ErrorMetadata::builder().code("AccessDenied").message("not authorized to perform: sts:AssumeRole");
        let answer = HttpResponse::new(403.try_into().unwrap(), aws_smithy_types::body::SdkBody::empty());
        SdkError::service_error(AssumeRoleError::generic(metadata.build()), answer)
    }

    #[test]
    fn nothing_is_printed_as_the_program_keeps_it() {
        for (text, expected) in [
            (
                "failed to apply endpoint `x` to request `Request { body: SdkBody { inner: Once(",
                "failed to apply endpoint `x` to request",
            ),
            ("tcp connect error: Os { code: 111, kind: ConnectionRefused }", "tcp connect error"),
            ("Some(Unhandled(Unhandled { source: 1 }))", ""),
            ("the value {a} is none of {b, c}", "the value {a} is none of {b, c}"),
            ("client error (Connect)", "client error (Connect)"),
        ] {
            assert_eq!(readable(text), expected);
        }
        let failure = failed("GetCallerIdentity", unreached("no such `Request { body: 1 }`"));
        assert_eq!(failure.message, "no such");
    }

    #[test]
    fn a_read_that_failed_has_changed_nothing() {
        assert_eq!(failed("GetParameter", unreached("refused")).sent, Sent::No);
        assert_eq!(failed("PutParameter", unreached("refused")).sent, Sent::Maybe);
    }

    #[test]
    fn a_role_that_cannot_be_assumed_is_told_in_the_words_of_sts() {
        let failure = not_assumed(&CredentialsError::provider_error(refused()));
        assert_eq!((failure.kind, failure.code.as_deref()), (ErrorKind::Denied, Some("AccessDenied")));
        assert_eq!(failure.message, "not authorized to perform: sts:AssumeRole");
        let nobody = not_assumed(&CredentialsError::not_loaded("no credentials in the environment"));
        assert_eq!(nobody.kind, ErrorKind::Credentials);
        // The role of a profile: it is assumed on the way to another call.
        let failure = failed("GetCallerIdentity", unreached(CredentialsError::provider_error(refused())));
        assert_eq!(failure.kind, ErrorKind::Denied, "{failure:?}");
        assert!(failure.message.contains("AccessDenied: not authorized"), "{failure:?}");
        assert!(!failure.message.contains('{'), "{failure:?}");
    }
}
