//! Members that AWS's answers always have. The SDK's types make options of them, since any answer may be nonsense.

use serde_json::Value as Json;

use crate::cloud::{CloudError, ErrorKind};

/// The member `name` of the answer to `operation`.
///
/// # Errors
/// An answer without it: nothing may be sent on in its place.
pub fn member<T>(operation: &str, name: &str, value: Option<T>) -> Result<T, CloudError> {
    value.ok_or_else(|| CloudError::new(ErrorKind::Other, operation, format!("{operation} answered without {name}")))
}

/// The text `name` of the answer to `operation`, which says something.
///
/// # Errors
/// As [`member`]; an empty text is none.
pub fn text<'a>(operation: &str, name: &str, value: Option<&'a str>) -> Result<&'a str, CloudError> {
    member(operation, name, value.filter(|text| !text.is_empty()))
}

/// The text `name` of an answer that is a document.
///
/// # Errors
/// As [`text`].
pub fn text_in<'a>(operation: &str, document: &'a Json, name: &str) -> Result<&'a str, CloudError> {
    text(operation, name, document.get(name).and_then(Json::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_answer_lacks_is_named() {
        assert_eq!(text("DescribeDomain", "DomainArn", Some("arn:1")).unwrap(), "arn:1");
        for answer in [json!({}), json!({"DomainArn": null}), json!({"DomainArn": ""}), json!({"DomainArn": 1})] {
            let error = text_in("DescribeDomain", &answer, "DomainArn").unwrap_err();
            assert_eq!(error.message, "DescribeDomain answered without DomainArn", "{answer}");
            assert_eq!(error.kind, ErrorKind::Other);
        }
    }
}
