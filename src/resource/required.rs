//! Outputs and properties that a verb cannot do without.
//!
//! A name that is misspelt, or a look that forgot an output, would otherwise become an empty text, and an empty ARN would be
//! sent.

use crate::cloud::{CloudError, ErrorKind};
use crate::model::{Kind, Node, Observed, Value};

/// The output of a live object that its kind always has.
///
/// # Errors
/// The kind and the attribute, when it is missing: a bug.
pub fn output<'a>(kind: Kind, observed: &'a Observed, attribute: &str) -> Result<&'a str, CloudError> {
    let value = observed.outputs.get(attribute).filter(|value| !value.is_empty());
    value.map(String::as_str).ok_or_else(|| missing(&format!("{}.{}", kind.as_str(), observed.id), "output", attribute))
}

/// The text of a live object's property that its kind always has.
///
/// # Errors
/// The kind and the property, when it is missing: a bug.
pub fn property<'a>(kind: Kind, observed: &'a Observed, name: &str) -> Result<&'a str, CloudError> {
    let value = observed.properties.text(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| missing(&format!("{}.{}", kind.as_str(), observed.id), "property", name))
}

/// The text of a node's property, all outputs in it known by now.
///
/// # Errors
/// The address and the property, when it is missing or no text: a bug.
pub fn text<'a>(node: &'a Node, property: &str) -> Result<&'a str, CloudError> {
    let value = node.properties.text(property).filter(|value| !value.is_empty());
    value.ok_or_else(|| missing(&node.address.to_string(), "property", property))
}

/// The property of a node, whatever its shape.
///
/// # Errors
/// The address and the property, when it is missing: a bug.
pub fn value<'a>(node: &'a Node, property: &str) -> Result<&'a Value, CloudError> {
    node.properties.get(property).ok_or_else(|| missing(&node.address.to_string(), "property", property))
}

fn missing(of: &str, sort: &str, name: &str) -> CloudError {
    CloudError::new(ErrorKind::Other, of, format!("it has no {sort} {name}: this is a bug in studio-deploy"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Text};

    #[test]
    fn a_misspelt_output_is_an_error_that_names_it() {
        let observed = Observed::new("d-1", Value::map()).output("DomainArn", "arn:1").output("Url", "");
        assert_eq!(output(Kind::Domain, &observed, "DomainArn").unwrap(), "arn:1");
        for absent in ["DomainARN", "Arn", "Url"] {
            let error = output(Kind::Domain, &observed, absent).unwrap_err();
            assert_eq!((error.operation.as_str(), error.kind), ("domain.d-1", ErrorKind::Other));
            assert_eq!(error.message, format!("it has no output {absent}: this is a bug in studio-deploy"));
        }
    }

    #[test]
    fn a_property_that_is_not_known_is_an_error_that_names_it() {
        let domain = Address::new(Kind::Domain, "studio");
        let properties = Value::from_iter([
            ("UserProfileName", Value::from("ann")),
            ("DomainId", Value::Text(Text::output(domain, "DomainId"))),
            ("Tags", Value::map()),
        ]);
        let node = Node::new(Address::new(Kind::UserProfile, "ann"), properties);
        assert_eq!(text(&node, "UserProfileName").unwrap(), "ann");
        assert_eq!(value(&node, "Tags").unwrap(), &Value::map());
        for absent in ["DomainId", "Tags", "Name"] {
            let error = text(&node, absent).unwrap_err();
            assert!(error.message.contains(absent) && error.operation == "user_profile.ann", "{error:?}");
        }
        assert!(value(&node, "Name").is_err());
    }
}
