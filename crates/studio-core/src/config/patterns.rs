//! Patterns of text in the SageMaker API, each as a regular expression for the published schema and as a check.
//!
//! The expressions are those of the API model of 2017-07-24. The check is written out, so that no regular expression
//! engine is needed outside of tests, and a test holds it to the expression.

use serde_json::{Value as Json, json};

/// A pattern that text must match.
#[derive(Debug)]
pub struct Pattern {
    /// The regular expression, anchored at both ends.
    pub regex: &'static str,
    /// An example that matches.
    pub example: &'static str,
    fits: fn(&str) -> bool,
}

impl Pattern {
    /// The schema of list elements that match this pattern.
    pub fn items(&self) -> Json {
        json!({"type": "string", "pattern": self.regex})
    }

    /// Returns `true` if text matches this pattern.
    pub fn fits(&self, text: &str) -> bool {
        (self.fits)(text)
    }
}

/// The pattern with a schema's regular expression.
pub fn find(regex: &str) -> Option<&'static Pattern> {
    ALL.into_iter().find(|pattern| pattern.regex == regex)
}

/// Every pattern that a schema may use.
pub static ALL: [&Pattern; 14] = [
    &S3_PLACE,
    &S3_URI,
    &KEY,
    &ROLE,
    &LIFECYCLE_CONFIG,
    &IMAGE,
    &IMAGE_VERSION,
    &INSTANCE_TYPE,
    &NAME,
    &IMAGE_NAME,
    &REPOSITORY,
    &NETWORK_ID,
    &ACCOUNT,
    &FILE_SYSTEM,
];

/// A place in S3, by its URI or its URL (`S3Uri`).
pub static S3_PLACE: Pattern = Pattern {
    regex: "^(https|s3)://([^/]+)/?(.*)$",
    example: "s3://bucket/prefix",
    fits: |text| ["https://", "s3://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(names_a_bucket)),
};

/// A place in S3 by its URI (`S3SchemaUri`).
pub static S3_URI: Pattern = Pattern {
    regex: "^(s3)://([^/]+)/?(.*)$",
    example: "s3://bucket/prefix",
    fits: |text| text.strip_prefix("s3://").is_some_and(names_a_bucket),
};

/// A KMS key by id, alias or ARN (`KmsKeyId`).
pub static KEY: Pattern = Pattern {
    regex: "^[a-zA-Z0-9:/_-]*$",
    example: "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d",
    fits: |text| consists_of(text, ":/_-"),
};

/// A role's ARN (`RoleArn`).
pub static ROLE: Pattern = Pattern {
    regex: r"^arn:aws[a-z\-]*:iam::[0-9]{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$",
    example: "arn:aws:iam::123456789012:role/name",
    fits: is_role_arn,
};

/// A lifecycle config's ARN (`StudioLifecycleConfigArn`).
pub static LIFECYCLE_CONFIG: Pattern = Pattern {
    regex: r"^(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:studio-lifecycle-config/.*|None)$",
    example: "arn:aws:sagemaker:us-east-1:123456789012:studio-lifecycle-config/name",
    fits: |text| text == "None" || sagemaker(text).is_some_and(|rest| rest.starts_with("studio-lifecycle-config/")),
};

/// An image's ARN (`ImageArn`).
pub static IMAGE: Pattern = Pattern {
    regex: r"^arn:aws(-[a-zA-Z0-9_]+)*:sagemaker:[a-z0-9\-]*:[0-9]{12}:image/[a-zA-Z0-9]([-.]?[a-zA-Z0-9])*$",
    example: "arn:aws:sagemaker:us-east-1:123456789012:image/name",
    fits: |text| sagemaker(text).and_then(|rest| rest.strip_prefix("image/")).is_some_and(|name| is_joined(name, "-.")),
};

/// The ARN of an image's version (`ImageVersionArn`).
pub static IMAGE_VERSION: Pattern = Pattern {
    regex: r"^(arn:aws(-[a-zA-Z0-9_]+)*:sagemaker:[a-z0-9\-]*:[0-9]{12}:image-version/[a-z0-9]([-.]?[a-z0-9])*/[0-9]+|None)$",
    example: "arn:aws:sagemaker:us-east-1:123456789012:image-version/name/1",
    fits: |text| {
        let version = sagemaker(text).and_then(|rest| rest.strip_prefix("image-version/")?.split_once('/'));
        text == "None"
            || version.is_some_and(|(name, number)| {
                is_joined(name, "-.") && !name.contains(|c: char| c.is_ascii_uppercase()) && is_digits(number)
            })
    },
};

/// The type of an instance, of which there are more every year (`InstanceType`).
pub static INSTANCE_TYPE: Pattern = Pattern {
    regex: r"^(system|ml\.[a-z0-9-]+\.[a-z0-9-]+)$",
    example: "ml.t3.medium",
    fits: |text| {
        let parts: Vec<&str> = text.split('.').collect();
        let part = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        text == "system" || matches!(parts.as_slice(), ["ml", family, size] if part(family) && part(size))
    },
};

/// The name of an app image config and its like (`AppImageConfigName`).
pub static NAME: Pattern =
    Pattern { regex: "^[a-zA-Z0-9](-*[a-zA-Z0-9])*$", example: "my-name-1", fits: |text| has_edges(text, "-") };

/// The name of an image (`ImageName`).
pub static IMAGE_NAME: Pattern =
    Pattern { regex: "^[a-zA-Z0-9]([-.]?[a-zA-Z0-9])*$", example: "my-image-1", fits: |text| is_joined(text, "-.") };

/// The URL of a repository (`RepositoryUrl`).
pub static REPOSITORY: Pattern = Pattern {
    regex: r"^https://([.\-_a-zA-Z0-9]+/?){3,1016}$",
    example: "https://example.com/team/repository.git",
    fits: |text| {
        text.strip_prefix("https://").is_some_and(|rest| {
            consists_of(rest, ".-_/")
                && !rest.starts_with('/')
                && !rest.contains("//")
                && rest.chars().filter(|c| *c != '/').count() >= 3
        })
    },
};

/// The id of a security group or subnet (`SecurityGroupId`).
pub static NETWORK_ID: Pattern = Pattern {
    regex: "^[-0-9a-zA-Z]+$",
    example: "sg-0123456789abcdef0",
    fits: |text| !text.is_empty() && consists_of(text, "-"),
};

/// An account's id (`AccountId`).
pub static ACCOUNT: Pattern =
    Pattern { regex: "^[0-9]{12}$", example: "123456789012", fits: |text| text.len() == 12 && is_digits(text) };

/// The id of a file system (`FileSystemId`).
pub static FILE_SYSTEM: Pattern = Pattern {
    regex: "^(fs-[0-9a-f]{8,})$",
    example: "fs-0123456789abcdef0",
    fits: |text| {
        let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        text.strip_prefix("fs-").is_some_and(|id| id.len() >= 8 && id.chars().all(hexadecimal))
    },
};

/// Returns `true` if text is the ARN of a role.
pub fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, role] = parts.as_slice() else { return false };
    let path = role.strip_prefix("role");
    is_partition(partition)
        && account.len() == 12
        && is_digits(account)
        && path.is_some_and(|path| consists_of(path, "_+=,.@-/") && path.chars().any(|c| c != '/'))
}

/// The resource part of an ARN of SageMaker.
fn sagemaker(text: &str) -> Option<&str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, "sagemaker", region, account, rest] = parts.as_slice() else { return None };
    let is_region = region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (is_partition(partition) && is_region && account.len() == 12 && is_digits(account)).then_some(rest)
}

fn is_partition(text: &str) -> bool {
    text.strip_prefix("aws").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase() || c == '-'))
}

fn names_a_bucket(rest: &str) -> bool {
    !rest.is_empty() && !rest.starts_with('/') && !rest.contains('\n')
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

fn consists_of(text: &str, others: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Letters and digits with some others between them.
fn has_edges(text: &str, others: &str) -> bool {
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    consists_of(text, others) && text.starts_with(is_edge) && text.ends_with(is_edge)
}

/// The same with no two of the others side by side.
fn is_joined(text: &str, others: &str) -> bool {
    has_edges(text, others)
        && !text.as_bytes().windows(2).any(|two| two.iter().all(|byte| others.as_bytes().contains(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_say_what_their_patterns_say() {
        let texts = [
            "",
            "x",
            "s3://",
            "s3://b",
            "s3:///b",
            "s3://b/p q",
            "https://b/x",
            "http://b",
            "arn:aws:iam::123456789012:role/x",
            "arn:aws:iam::123456789012:role/team/x",
            "arn:aws:iam::12345678901:role/x",
            "arn:aws:iam::123456789012:user/x",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws-cn:sagemaker:cn-north-1:123456789012:studio-lifecycle-config/x",
            "arn:aws:sagemaker:us-east-1:123456789012:image/a-b.c",
            "arn:aws:sagemaker:us-east-1:123456789012:image/a--b",
            "arn:aws:sagemaker:us-east-1:123456789012:image-version/a/1",
            "arn:aws:sagemaker:us-east-1:123456789012:image-version/A/1",
            "arn:aws:sagemaker:us-east-1:123456789012:image-version/a/x",
            "None",
            "none",
            "system",
            "ml.t3.medium",
            "m5.large",
            "ml.m5",
            "ml..large",
            "ml.p4d.24xlarge",
            "a-b",
            "a--b",
            "a.b",
            "-a",
            "a_b",
            "https://github.com/a/b.git",
            "https://a",
            "https://a//b",
            "https://abc/",
            "git@github.com:a/b",
            "sg-1",
            "sg 1",
            "123456789012",
            "12345678901x",
            "fs-12345678",
            "fs-1234567",
            "fs-1234567G",
        ];
        for pattern in ALL {
            let regex = regex_lite::Regex::new(pattern.regex).unwrap();
            assert!(pattern.fits(pattern.example), "{}", pattern.example);
            for text in texts {
                assert_eq!(pattern.fits(text), regex.is_match(text), "{} {text}", pattern.regex);
            }
            assert!(std::ptr::eq(find(pattern.regex).unwrap(), pattern));
        }
    }

    #[test]
    fn every_pattern_of_the_schema_is_a_form() {
        fn check(schema: &Json) {
            match schema {
                Json::Object(members) => members.iter().for_each(|(key, value)| {
                    if let ("pattern", Json::String(pattern)) = (key.as_str(), value) {
                        assert!(find(pattern).is_some(), "{pattern}");
                    }
                    check(value);
                }),
                Json::Array(items) => items.iter().for_each(check),
                _ => {}
            }
        }
        check(super::super::schema::strict());
    }
}
