//! ARNs, taken apart. A part of one may be another's, so that whoever compares them compares the whole.

/// The fields of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// `iam`, `kms`, …
    pub service: &'a str,
    /// The region; empty for what is in none, such as a role.
    pub region: &'a str,
    /// The account; empty for what needs none to be told, such as a bucket.
    pub account: &'a str,
    /// What it names there.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart; none when the text is no ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let fields: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = fields[..] else { return None };
        let is_whole = ![partition, service, resource].iter().any(|field| field.is_empty());
        is_whole.then_some(Self { partition, service, region, account, resource })
    }

    /// The name of the role that it names, without the role's path.
    pub fn role_name(self) -> Option<&'a str> {
        let path = self.resource.strip_prefix("role/").filter(|_| self.service == "iam")?;
        path.rsplit('/').next().filter(|name| !name.is_empty())
    }

    /// Returns `true` if it names a KMS key or the alias of one.
    pub fn is_key(self) -> bool {
        let named = ["key/", "alias/"].iter().find_map(|kind| self.resource.strip_prefix(kind));
        self.service == "kms" && named.is_some_and(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_come_apart_whole_or_not_at_all() {
        let role = Arn::parse("arn:aws-cn:iam::111122223333:role/a/b/name").unwrap();
        assert_eq!((role.partition, role.region, role.account), ("aws-cn", "", "111122223333"));
        assert_eq!(role.role_name(), Some("name"));
        let key = Arn::parse("arn:aws:kms:eu-west-1:111122223333:alias/a:b").unwrap();
        assert_eq!((key.region, key.resource, key.is_key()), ("eu-west-1", "alias/a:b", true));
        for (text, is_role, is_key) in [
            ("arn:aws:iam::111122223333:role/name", true, false),
            ("arn:aws:iam::111122223333:role/", false, false),
            ("arn:aws:iam::111122223333:user/role/name", false, false),
            ("arn:aws:sts::111122223333:assumed-role/name/session", false, false),
            ("arn:aws:kms:eu-west-1:111122223333:key/1", false, true),
            ("arn:aws:kms:eu-west-1:111122223333:key/", false, false),
        ] {
            let arn = Arn::parse(text).unwrap();
            assert_eq!((arn.role_name().is_some(), arn.is_key()), (is_role, is_key), "{text}");
        }
        for text in [
            "",
            "name",
            "arn:aws:iam",
            "arn:aws:iam::111122223333",
            "urn:aws:iam::111122223333:role/x",
            "arn::iam::111122223333:role/x",
            "arn:aws:::111122223333:role/x",
            "arn:aws:iam::111122223333:",
            " arn:aws:iam::111122223333:role/x",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_fields_of_an_arn_make_it_again() {
        for (text, resource) in [
            ("arn:aws:s3:::bucket/key:with:colons", "bucket/key:with:colons"),
            ("arn:aws:iam::111122223333:role/aws-reserved/a/b", "role/aws-reserved/a/b"),
            ("arn:aws-us-gov:sagemaker:us-gov-west-1:111122223333:domain/d-1", "domain/d-1"),
        ] {
            let Arn { partition, service, region, account, resource: found } = Arn::parse(text).unwrap();
            assert_eq!(found, resource, "{text}");
            assert_eq!(format!("arn:{partition}:{service}:{region}:{account}:{found}"), text);
        }
    }

    #[test]
    fn a_role_is_iams_and_a_key_is_kmss() {
        for (text, role, is_key) in [
            ("arn:aws:iam::111122223333:role/a/b/name", Some("name"), false),
            ("arn:aws:iam::111122223333:role/name", Some("name"), false),
            ("arn:aws:iam::111122223333:role/path/", None, false),
            ("arn:aws:iam::111122223333:roles/name", None, false),
            ("arn:aws:kms:eu-west-1:111122223333:role/name", None, false),
            ("arn:aws:iam::111122223333:key/1", None, false),
            ("arn:aws:kms:eu-west-1:111122223333:alias/", None, false),
            ("arn:aws:kms:eu-west-1:111122223333:alias/a", None, true),
            ("arn:aws:kms:eu-west-1:111122223333:grant/a", None, false),
        ] {
            let arn = Arn::parse(text).unwrap();
            assert_eq!((arn.role_name(), arn.is_key()), (role, is_key), "{text}");
        }
    }
}
