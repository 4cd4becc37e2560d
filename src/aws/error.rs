//! The only reader of SDK error codes: every failed call becomes a [`CloudError`] here.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::cloud::{CloudError, ErrorKind, Sent};

/// What the failure of `operation` means.
pub fn failed<E>(operation: &str, error: SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let request_id = error.raw_response().and_then(|answer| {
        let id = ["x-amzn-requestid", "x-amz-request-id"].into_iter().find_map(|name| answer.headers().get(name));
        id.map(str::to_owned)
    });
    let mut failure = CloudError::new(ErrorKind::Other, operation, String::new());
    failure.request_id = request_id;
    match &error {
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            let code = refusal.err().code().map(|code| code.split(['#', ':']).next_back().unwrap_or(code).to_owned());
            failure.message = refusal.err().message().map_or_else(|| refusal.err().to_string(), str::to_owned);
            failure.kind = kind(code.as_deref().unwrap_or_default(), &failure.message, status);
            failure.sent = if status >= 500 { Sent::Maybe } else { Sent::No };
            failure.code = code.or_else(|| (status == 404).then(|| "NotFound".to_owned()));
        }
        SdkError::ConstructionFailure(_) => {
            failure.message = chain(&error);
            let credentials = failure.message.contains("credentials") || failure.message.contains("identity");
            failure.kind = if credentials { ErrorKind::Credentials } else { ErrorKind::Invalid };
        }
        SdkError::DispatchFailure(failed) => {
            failure.message = chain(&error);
            let credentials = !failed.is_io() && !failed.is_timeout() && failure.message.contains("credentials");
            failure.kind = if credentials { ErrorKind::Credentials } else { ErrorKind::Connection };
            failure.sent = if credentials { Sent::No } else { Sent::Maybe };
        }
        SdkError::TimeoutError(_) | SdkError::ResponseError(_) => {
            failure.message = chain(&error);
            failure.kind = ErrorKind::Connection;
            failure.sent = Sent::Maybe;
        }
        _ => failure.message = chain(&error),
    }
    failure
}

/// What AWS's codes mean. Codes differ from service to service, and some say what they mean only in the message.
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
            // SageMaker answers a missing domain with a ValidationException now and then.
            if message.contains("does not exist") && message.contains("RecordNotFound") {
                ErrorKind::NotFound
            } else {
                ErrorKind::Invalid
            }
        }
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

/// An error with its causes, each said once.
fn chain(error: &dyn Error) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.iter().any(|earlier| earlier.contains(&text)) {
            said.push(text);
        }
        next = cause.source();
    }
    said.join(": ")
}
