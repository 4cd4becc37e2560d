//! The protocols: which operation of which service a request asks for, and how its answer is written.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json, json};

use super::service::validation;
use super::wire::{Refusal, Request, Response};
use super::xml::{Lists, render};
use crate::services::efs;
use crate::services::s3;

/// A service of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `SageMaker`.
    Sagemaker,
    /// IAM.
    Iam,
    /// STS.
    Sts,
    /// KMS.
    Kms,
    /// SSM.
    Ssm,
    /// EC2.
    Ec2,
    /// S3.
    S3,
    /// EFS.
    Efs,
    /// The Resource Groups Tagging API.
    Tagging,
    /// CloudFormation.
    Cloudformation,
}

use Service::{Cloudformation, Ec2, Efs, Iam, Kms, S3, Sagemaker, Ssm, Sts, Tagging};

/// Every service, by the name that signatures use.
const SERVICES: [(&str, Service); 10] = [
    ("sagemaker", Sagemaker),
    ("iam", Iam),
    ("sts", Sts),
    ("kms", Kms),
    ("ssm", Ssm),
    ("ec2", Ec2),
    ("s3", S3),
    ("elasticfilesystem", Efs),
    ("tagging", Tagging),
    ("cloudformation", Cloudformation),
];

impl Service {
    /// The name that signatures use.
    pub fn name(self) -> &'static str {
        SERVICES.iter().find(|(_, service)| *service == self).map_or("unknown", |(name, _)| name)
    }

    /// Returns `true` if the service is one for all regions.
    pub const fn is_global(self) -> bool {
        matches!(self, Iam | Sts)
    }

    const fn lists(self) -> Option<Lists> {
        match self {
            Iam | Sts | Cloudformation => Some(Lists::Members),
            Ec2 => Some(Lists::Items),
            S3 => Some(Lists::Flat),
            Sagemaker | Kms | Ssm | Efs | Tagging => None,
        }
    }
}

/// Credential scope of a request's signature: who signed it, and for what (Signature Version 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningScope {
    /// The access key's id.
    pub access_key: String,
    /// The region.
    pub region: String,
    /// The service.
    pub service: Service,
}

/// Reads the signature's credential scope: `KEY/DATE/REGION/SERVICE/aws4_request`, in a header or in the query.
pub fn scope(request: &Request) -> Result<SigningScope, Refusal> {
    let missing =
        || Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token").with_status(403);
    let header = request.header("authorization").and_then(|header| {
        let (_, rest) = header.split_once("Credential=")?;
        Some(rest.split([',', ' ']).next().unwrap_or(rest))
    });
    let credential = header.or_else(|| request.parameter("X-Amz-Credential")).ok_or_else(missing)?;
    // An access key's id has no slash, so the fields are counted from the end only for its sake.
    let fields: Vec<&str> = credential.split('/').collect();
    let [access_key, _, region, service, _] = fields[..] else { return Err(missing()) };
    let Some((_, service)) = SERVICES.iter().find(|(name, _)| *name == service) else {
        let message = format!("the sandbox has no service {service}; it has sagemaker and what a domain needs");
        return Err(Refusal::new("UnknownOperationException", message).with_status(404));
    };
    Ok(SigningScope { access_key: access_key.into(), region: region.into(), service: *service })
}

/// The operation and its input; for S3 the input is a summary for the record of calls only.
pub fn operation(service: Service, request: &Request) -> Result<(String, Json), Refusal> {
    match service {
        S3 => Ok(s3::operation(request)),
        Efs => efs::operation(request),
        Iam | Sts | Ec2 | Cloudformation => {
            let mut pairs: Vec<(String, String)> = request.query.clone();
            pairs.extend(form_urlencoded::parse(&request.body).into_owned());
            let action = pairs.iter().find(|(name, _)| name == "Action").map(|(_, value)| value.clone());
            let action = action
                .ok_or_else(|| Refusal::new("MissingAction", "The request must contain the parameter Action."))?;
            Ok((action, query_input(&pairs)))
        }
        Sagemaker | Kms | Ssm | Tagging => {
            let target = request.header("x-amz-target").and_then(|target| target.rsplit_once('.'));
            let Some((_, name)) = target else {
                return Err(Refusal::new("UnknownOperationException", "the request has no X-Amz-Target header"));
            };
            let body: &[u8] = if request.body.is_empty() { b"{}" } else { &request.body };
            let input = serde_json::from_slice(body)
                .map_err(|_| Refusal::new("SerializationException", "the body is not JSON"))?;
            Ok((name.to_owned(), input))
        }
    }
}

/// The tree behind names such as `Tags.member.1.Key`; signature and version aside.
fn query_input(pairs: &[(String, String)]) -> Json {
    let mut root = Map::new();
    for (name, value) in pairs {
        if matches!(name.as_str(), "Action" | "Version") || name.starts_with("X-Amz-") {
            continue;
        }
        let mut steps = name.split('.').filter(|step| *step != "member").peekable();
        let mut place = &mut root;
        while let Some(step) = steps.next() {
            if steps.peek().is_none() {
                place.insert(step.into(), json!(value));
                break;
            }
            let next = place.entry(step).or_insert_with(|| json!({}));
            let Json::Object(members) = next else { break };
            place = members;
        }
    }
    gather_lists(Json::Object(root))
}

/// Objects whose members are all numbers are lists.
fn gather_lists(tree: Json) -> Json {
    let Json::Object(members) = tree else { return tree };
    let numbers: Option<BTreeMap<u64, Json>> =
        members.iter().map(|(name, value)| Some((name.parse().ok()?, value.clone()))).collect();
    match numbers {
        Some(numbers) if !numbers.is_empty() => numbers.into_values().map(gather_lists).collect(),
        _ => members.into_iter().map(|(name, value)| (name, gather_lists(value))).collect(),
    }
}

/// Writes the answer of an operation; S3 writes its own.
pub fn answer(service: Service, operation: &str, answer: &Json, request_id: &str) -> Response {
    match service {
        Iam | Sts | Cloudformation => {
            let namespace = match service {
                Iam => "https://iam.amazonaws.com/doc/2010-05-08/",
                Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
                _ => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
            };
            let result = render(&format!("{operation}Result"), answer, Lists::Members);
            Response::xml(
                200,
                format!(
                    "<{operation}Response xmlns=\"{namespace}\">{result}<ResponseMetadata><RequestId>{request_id}\
                     </RequestId></ResponseMetadata></{operation}Response>"
                ),
            )
        }
        Ec2 => {
            let mut members = answer.as_object().cloned().unwrap_or_default();
            members.insert("requestId".into(), json!(request_id));
            let body = render(&format!("{operation}Response"), &Json::Object(members), Lists::Items);
            let namespace = format!("<{operation}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">");
            Response::xml(200, body.replacen(&format!("<{operation}Response>"), &namespace, 1))
        }
        Efs => {
            let status = efs::status(operation);
            if status == 204 { Response::empty(204) } else { Response::json(status, "application/json", answer) }
        }
        S3 | Sagemaker | Kms | Ssm | Tagging => Response::json(200, "application/x-amz-json-1.1", answer),
    }
}

/// Writes a refusal as the service's protocol does.
pub fn refusal(service: Option<Service>, method: &str, refusal: &Refusal, request_id: &str) -> Response {
    let Refusal { status, code, message } = refusal;
    let code = match (service, code.as_str()) {
        (Some(Iam | Sts | Cloudformation), "ValidationException") => "ValidationError",
        (Some(Ec2), "ValidationException") if message.contains("must not be null") => "MissingParameter",
        (Some(Ec2), "ValidationException") => "InvalidParameterValue",
        (Some(Iam | Sts | Ec2 | Cloudformation), "UnknownOperationException") => "InvalidAction",
        (_, code) => code,
    };
    let error = json!({"Code": code, "Message": message});
    match service.and_then(|service| service.lists().map(|_| service)) {
        Some(Ec2) => {
            let errors = render("Error", &error, Lists::Flat);
            let body = format!("<Response><Errors>{errors}</Errors><RequestID>{request_id}</RequestID></Response>");
            Response::xml(*status, body)
        }
        Some(S3) if method == "HEAD" => Response::empty(*status),
        Some(S3) => {
            let body = json!({"Code": code, "Message": message, "RequestId": request_id, "HostId": "sandbox"});
            Response::xml(*status, render("Error", &body, Lists::Flat)).with_header("x-amz-id-2", "sandbox")
        }
        Some(_) => {
            let fault = if *status < 500 { "Sender" } else { "Receiver" };
            let error = render("Error", &json!({"Type": fault, "Code": code, "Message": message}), Lists::Flat);
            let body = format!("<ErrorResponse>{error}<RequestId>{request_id}</RequestId></ErrorResponse>");
            Response::xml(*status, body)
        }
        None => {
            let body = match service {
                Some(Efs) => json!({"ErrorCode": code, "Message": message}),
                // The member's case differs between services; SageMaker's API model has `Message`.
                Some(Sagemaker) => json!({"__type": code, "Message": message}),
                _ => json!({"__type": code, "message": message}),
            };
            Response::json(*status, "application/x-amz-json-1.1", &body).with_header("x-amzn-errortype", code)
        }
    }
}

/// The refusal of a call that is one too many, as the service words it.
pub fn throttled(service: Service) -> Refusal {
    match service {
        S3 => Refusal::new("SlowDown", "Please reduce your request rate.").with_status(503),
        Ec2 => Refusal::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
        Iam | Sts | Cloudformation => Refusal::new("Throttling", "Rate exceeded"),
        Efs => Refusal::new("ThrottlingException", "Rate exceeded").with_status(429),
        Sagemaker | Kms | Ssm | Tagging => Refusal::new("ThrottlingException", "Rate exceeded"),
    }
}

/// The refusal of a caller who lacks a permission. EC2 and S3 do not say which (EC2 API reference, "Error codes",
/// `UnauthorizedOperation`; S3 API reference, "Error responses"); the others do (IAM user guide, "Access denied error
/// messages").
pub fn denied(service: Service, operation: &str, resource: &str) -> Refusal {
    let prefix = if service == Tagging { "tag" } else { service.name() };
    let resource = if resource.is_empty() { "*" } else { resource };
    let message = format!(
        "User: arn:aws:sts::123456789012:assumed-role/caller/session is not authorized to perform: {prefix}:{operation} on \
         resource: {resource} because no identity-based policy allows the {prefix}:{operation} action"
    );
    match service {
        S3 => Refusal::new("AccessDenied", "Access Denied").with_status(403),
        Ec2 => {
            Refusal::new("UnauthorizedOperation", "You are not authorized to perform this operation.").with_status(403)
        }
        Iam | Sts | Cloudformation => Refusal::new("AccessDenied", message).with_status(403),
        Efs => Refusal::new("AccessDeniedException", message).with_status(403),
        Sagemaker | Kms | Ssm | Tagging => Refusal::new("AccessDeniedException", message),
    }
}

/// The refusal of a service whose own fault it is.
pub fn internal_error(service: Service) -> Refusal {
    let code = match service {
        S3 | Ec2 => "InternalError",
        Iam => "ServiceFailure",
        Efs => "InternalServerError",
        Kms => "KMSInternalException",
        Ssm => "InternalServerError",
        Sagemaker | Sts | Tagging | Cloudformation => "InternalFailure",
    };
    Refusal::new(code, "We encountered an internal error. Please try again.").with_status(500)
}

/// Decodes a percent-encoded part of a path.
pub fn decode(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| validation("the path is not UTF-8"))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_names_are_paths() {
        let pairs: Vec<(String, String)> = [
            ("Action", "X"),
            ("Tags.member.1.Key", "a"),
            ("Tags.member.1.Value", "1"),
            ("Tags.member.2.Key", "b"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"),
            ("GroupId.10", "j"),
            ("GroupId.2", "b"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        assert_eq!(
            query_input(&pairs),
            json!({
                "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b"}],
                "IpPermissions": [{"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
                "GroupId": ["b", "j"],
            })
        );
    }

    #[test]
    fn the_scope_names_key_region_and_service() {
        let mut request = Request {
            method: "POST".into(),
            host: "localhost".into(),
            path: "/".into(),
            query: vec![],
            headers: BTreeMap::new(),
            body: vec![],
        };
        assert_eq!(scope(&request).unwrap_err().code, "MissingAuthenticationTokenException");
        request.headers.insert(
            "authorization".into(),
            "AWS4-HMAC-SHA256 Credential=AKIA1/20260101/eu-west-1/kms/aws4_request, SignedHeaders=host, Signature=0"
                .into(),
        );
        let scope = scope(&request).unwrap();
        assert_eq!((scope.access_key.as_str(), scope.region.as_str(), scope.service), ("AKIA1", "eu-west-1", Kms));
    }
}
