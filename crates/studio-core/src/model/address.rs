//! Resource addresses, `kind.name`: the name of a resource in every plan, event and report.

use std::fmt;
use std::str::FromStr;

/// Kinds of resource, in creation order; deletion runs it backwards.
///
/// The order is the only place that says what must exist before what when no data flows between the two: the key's
/// policy names the roles, the bucket is encrypted with the key, apps go before the spaces and profiles that own them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The role that Studio apps run as.
    ExecutionRole,
    /// The role that uploads lifecycle assets.
    AssetRole,
    /// The customer managed key and its alias.
    KmsKey,
    /// The domain's security group and its rules.
    SecurityGroup,
    /// The sharing bucket and its policy.
    Bucket,
    /// The managed policy of the asset role.
    AssetPolicy,
    /// One asset of a lifecycle config: a folder of objects under one prefix.
    BucketObject,
    /// A Studio lifecycle configuration.
    LifecycleConfig,
    /// One of the two NFS security groups that SageMaker makes for a domain. Found and deleted, never desired.
    NfsSecurityGroup,
    /// The home file system that SageMaker makes for a domain. Found and deleted, never desired.
    HomeEfs,
    /// The Studio domain.
    Domain,
    /// The managed policy that lets the execution role launch apps.
    ExecutionPolicy,
    /// A user profile.
    UserProfile,
    /// A space that a user made. Found and deleted, never desired.
    Space,
    /// An app that a user started. Found and deleted, never desired.
    App,
    /// A published SSM parameter.
    Parameter,
}

impl Kind {
    /// Every kind, in creation order.
    pub const ALL: [Kind; 16] = [
        Kind::ExecutionRole,
        Kind::AssetRole,
        Kind::KmsKey,
        Kind::SecurityGroup,
        Kind::Bucket,
        Kind::AssetPolicy,
        Kind::BucketObject,
        Kind::LifecycleConfig,
        Kind::NfsSecurityGroup,
        Kind::HomeEfs,
        Kind::Domain,
        Kind::ExecutionPolicy,
        Kind::UserProfile,
        Kind::Space,
        Kind::App,
        Kind::Parameter,
    ];

    /// Returns `true` if an object of this kind holds data that is lost with it.
    pub const fn holds_data(self) -> bool {
        matches!(self, Kind::Domain | Kind::UserProfile | Kind::Bucket | Kind::KmsKey)
    }

    /// The word in front of the dot.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::ExecutionRole => "execution_role",
            Kind::AssetRole => "asset_role",
            Kind::KmsKey => "kms_key",
            Kind::SecurityGroup => "security_group",
            Kind::Bucket => "bucket",
            Kind::AssetPolicy => "asset_policy",
            Kind::BucketObject => "bucket_object",
            Kind::LifecycleConfig => "lifecycle_config",
            Kind::NfsSecurityGroup => "nfs_security_group",
            Kind::HomeEfs => "home_efs",
            Kind::Domain => "domain",
            Kind::ExecutionPolicy => "execution_policy",
            Kind::UserProfile => "user_profile",
            Kind::Space => "space",
            Kind::App => "app",
            Kind::Parameter => "parameter",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `kind.name`, e.g. `user_profile.ann` or, for a superseded object, `lifecycle_config.jupyterLab@3f2a…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// What it is.
    pub kind: Kind,
    /// Which one; may hold dots, slashes and `@`.
    pub name: String,
}

impl Address {
    /// The address of a kind and a name.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.kind, self.name))
    }
}

/// The text is not `kind.name` with a known kind.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an address: expected KIND.NAME, such as domain.studio or user_profile.ann")]
pub struct NotAnAddress(pub String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let (kind, name) = text.split_once('.').ok_or_else(|| NotAnAddress(text.into()))?;
        let kind = Kind::ALL.into_iter().find(|k| k.as_str() == kind).ok_or_else(|| NotAnAddress(text.into()))?;
        if name.is_empty() {
            return Err(NotAnAddress(text.into()));
        }
        Ok(Self::new(kind, name))
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_stands_once_in_creation_order() {
        assert!(Kind::ALL.is_sorted_by(|one, other| one < other), "{:?}", Kind::ALL);
        let words: std::collections::BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::as_str).collect();
        assert_eq!(words.len(), Kind::ALL.len());
        for (first, then) in [
            (Kind::ExecutionRole, Kind::KmsKey),
            (Kind::KmsKey, Kind::Bucket),
            (Kind::SecurityGroup, Kind::Domain),
            (Kind::LifecycleConfig, Kind::Domain),
            (Kind::HomeEfs, Kind::Domain),
            (Kind::Domain, Kind::UserProfile),
            (Kind::UserProfile, Kind::Space),
            (Kind::Space, Kind::App),
            (Kind::App, Kind::Parameter),
        ] {
            assert!(first < then, "{first} is made before {then}");
        }
    }

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for name in ["studio", "ann.lee", "/acme/ml/url", "jupyterLab@3f2a", "a b", "domain.studio"] {
            for kind in Kind::ALL {
                let address = Address::new(kind, name);
                let text = format!("{}.{name}", kind.as_str());
                assert_eq!((address.to_string(), text.parse::<Address>().unwrap()), (text.clone(), address.clone()));
                assert_eq!(serde_json::to_value(&address).unwrap(), json!(text));
                assert_eq!(serde_json::from_value::<Address>(json!(text)).unwrap(), address);
            }
        }
    }

    #[test]
    fn what_is_no_kind_with_a_name_is_no_address() {
        for text in
            ["", "domain", "domain.", ".studio", "Domain.studio", "domains.studio", "domain studio", " domain.a"]
        {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}` is not an address: expected KIND.NAME")), "{error}");
            assert!(serde_json::from_value::<Address>(json!(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_stand_by_kind_and_then_by_name() {
        let texts = ["execution_role.z", "bucket.a", "domain.studio", "user_profile.ann", "user_profile.ben", "app.a"];
        let sorted: Vec<Address> = texts.iter().map(|text| text.parse().unwrap()).collect();
        assert!(sorted.is_sorted_by(|one, other| one < other), "{sorted:?}");
    }

    #[test]
    fn addresses_and_kinds_fill_a_column() {
        assert_eq!(format!("{:10}|{:<14}|", Kind::Bucket, Address::new(Kind::App, "a")), "bucket    |app.a         |");
    }
}
