//! The permission that a call needs, noted with its answer: EC2 and S3 refuse without saying what was asked for.
//!
//! An SDK error holds the answer and not the request, so an interceptor writes the action and the resource into headers
//! of the answer, where `error` finds them.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use crate::cloud::Permission;

const ACTION: &str = "x-studio-deploy-action";
const RESOURCE: &str = "x-studio-deploy-resource";

/// IAM's names of the services that the SDK names otherwise.
const SERVICES: [(&str, &str); 2] = [("efs", "elasticfilesystem"), ("resource groups tagging api", "tag")];

/// IAM's names of the operations of S3 that S3 names otherwise (IAM service authorization reference, Amazon S3).
const ACTIONS: [(&str, &str); 16] = [
    ("HeadBucket", "ListBucket"),
    ("ListObjectsV2", "ListBucket"),
    ("ListBuckets", "ListAllMyBuckets"),
    ("ListObjectVersions", "ListBucketVersions"),
    ("HeadObject", "GetObject"),
    ("DeleteObjects", "DeleteObject"),
    ("GetBucketEncryption", "GetEncryptionConfiguration"),
    ("PutBucketEncryption", "PutEncryptionConfiguration"),
    ("GetBucketLifecycleConfiguration", "GetLifecycleConfiguration"),
    ("DeleteBucketLifecycle", "PutLifecycleConfiguration"),
    ("GetBucketReplication", "GetReplicationConfiguration"),
    ("DeleteBucketReplication", "PutReplicationConfiguration"),
    ("GetBucketCors", "GetBucketCORS"),
    ("DeleteBucketCors", "PutBucketCORS"),
    ("GetPublicAccessBlock", "GetBucketPublicAccessBlock"),
    ("PutPublicAccessBlock", "PutBucketPublicAccessBlock"),
];

/// The permission that a refused answer says was missing.
pub(super) fn of(answer: &HttpResponse) -> Option<Permission> {
    let header = |name: &str| answer.headers().get(name).map(str::to_owned);
    Some(Permission { action: header(ACTION)?, resource: header(RESOURCE)? })
}

/// The interceptor that notes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named;

/// Permission that the request under way needs.
#[derive(Debug)]
struct Needed(Permission);

impl Storable for Needed {
    type Storer = StoreReplace<Self>;
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Named {
    fn name(&self) -> &'static str {
        "Named"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(asked) = config.load::<Metadata>().cloned() else { return Ok(()) };
        let action = action(asked.service(), asked.name());
        let resource = resource(asked.service(), context.request());
        config.interceptor_state().store_put(Needed(Permission { action, resource }));
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response_mut();
        if let Some(Needed(permission)) = config.load::<Needed>()
            && answer.status().is_client_error()
        {
            let headers = answer.headers_mut();
            headers.try_insert(ACTION, permission.action.clone())?;
            // A name that no header may hold is still better told than left out.
            let plain: String = permission.resource.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').collect();
            headers.try_insert(RESOURCE, plain)?;
        }
        Ok(())
    }
}

/// IAM's name of an operation of a service of the SDK.
fn action(service: &str, operation: &str) -> String {
    let service = service.to_lowercase();
    let prefix = SERVICES.iter().find(|(name, _)| *name == service).map_or(&*service, |(_, prefix)| prefix);
    let renamed = ACTIONS.iter().find(|(name, _)| prefix == "s3" && *name == operation);
    format!("{prefix}:{}", renamed.map_or(operation, |(_, action)| action))
}

/// The subject of a request, as far as it names one.
fn resource(service: &str, request: &HttpRequest) -> String {
    let uri = request.uri();
    let after_scheme = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (host, path) = after_scheme.split_once('/').unwrap_or((after_scheme, ""));
    let path = path.split('?').next().unwrap_or_default().trim_matches('/');
    let body = request.body().bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    let named = match service {
        "S3" => {
            // The bucket stands in front of the host, or in the path where there is another endpoint.
            let bucket = host.split_once(".s3.").or_else(|| host.split_once(".s3-")).map(|(bucket, _)| bucket);
            let whole: Vec<&str> = bucket.into_iter().chain([path]).filter(|part| !part.is_empty()).collect();
            (!whole.is_empty()).then(|| format!("s3://{}", whole.join("/")))
        }
        // `/2015-02-01/file-systems/fs-1`, `/2015-02-01/resource-tags/fs-1`.
        "EFS" => path.split('/').nth(2).map(str::to_owned),
        _ => match serde_json::from_str::<Json>(body) {
            Ok(document) => first_text(&document),
            Err(_) => first_parameter(body),
        },
    };
    named.unwrap_or_else(|| "*".into())
}

/// Returns `true` if a member of a request says how to answer and not what about.
fn is_about_the_answer(name: &str) -> bool {
    ["Action", "Version", "Token", "Marker", "Max", ".Name", "Filters", "Sort"].iter().any(|part| name.contains(part))
}

fn first_text(document: &Json) -> Option<String> {
    let members = document.as_object()?.iter().filter(|(name, _)| !is_about_the_answer(name));
    members.map(|(_, value)| value).find_map(|value| match value {
        Json::String(text) => Some(text.clone()),
        Json::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        _ => None,
    })
}

fn first_parameter(form: &str) -> Option<String> {
    let mut parameters = form.split('&').filter_map(|parameter| parameter.split_once('='));
    parameters
        .find(|(name, _)| !is_about_the_answer(name))
        .map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    #[test]
    fn actions_are_those_of_iam() {
        for (service, operation, expected) in [
            ("SageMaker", "ListDomains", "sagemaker:ListDomains"),
            ("S3", "HeadBucket", "s3:ListBucket"),
            ("S3", "GetBucketTagging", "s3:GetBucketTagging"),
            ("EFS", "DescribeFileSystems", "elasticfilesystem:DescribeFileSystems"),
            ("Resource Groups Tagging API", "GetResources", "tag:GetResources"),
            ("IAM", "GetRole", "iam:GetRole"),
        ] {
            assert_eq!(action(service, operation), expected);
        }
    }

    #[test]
    fn a_request_names_what_it_is_about() {
        let asked = |service: &str, uri: &str, body: &str| {
            let mut request = HttpRequest::new(SdkBody::from(body));
            request.set_uri(uri.to_owned()).unwrap();
            resource(service, &request)
        };
        for (service, uri, body, expected) in [
            ("S3", "https://bucket.s3.eu-west-1.amazonaws.com/a/b?x-id=HeadObject", "", "s3://bucket/a/b"),
            ("S3", "http://127.0.0.1:4566/bucket/?versioning", "", "s3://bucket"),
            ("S3", "https://s3.eu-west-1.amazonaws.com/?x-id=ListBuckets", "", "*"),
            ("EFS", "https://efs/2015-02-01/resource-tags/fs-1?MaxResults=100", "", "fs-1"),
            ("EFS", "https://efs/2015-02-01/file-systems", "", "*"),
            ("SageMaker", "https://x/", "{}", "*"),
            ("SageMaker", "https://x/", r#"{"NextToken":"t","DomainId":"d-1"}"#, "d-1"),
            ("KMS", "https://x/", r#"{"KeyId":"alias/a"}"#, "alias/a"),
            ("SSM", "https://x/", r#"{"Names":["/a","/b"]}"#, "/a, /b"),
            ("IAM", "https://x/", "Action=GetRole&Version=2010-05-08&RoleName=admin", "admin"),
            ("EC2", "https://x/", "Action=DescribeVpcs&Version=1&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1", "vpc-1"),
        ] {
            assert_eq!(asked(service, uri, body), expected, "{service} {uri} {body}");
        }
    }
}
