//! Tags in the types of each service's SDK: nine types of one shape.

use std::collections::BTreeMap;

/// A tag of one service's SDK.
pub trait ServiceTag: Sized {
    /// Builds a tag of this key and value.
    fn of(key: &str, value: &str) -> Self;

    /// Key and value of a tag that AWS answered; none of one without a key, which no service has.
    fn pair(&self) -> Option<(String, String)>;
}

/// The tags that a service requires key and value of, and then those that have them as options.
macro_rules! service_tags {
    (required { $($required:ty: $key:ident, $value:ident;)+ } optional { $($optional:ty;)+ }) => {
        $(impl ServiceTag for $required {
            fn of(key: &str, value: &str) -> Self {
                Self::builder().$key(key).$value(value).build().expect("key and value are all that a tag requires")
            }

            fn pair(&self) -> Option<(String, String)> {
                Some((self.$key().to_owned(), self.$value().to_owned()))
            }
        })+
        $(impl ServiceTag for $optional {
            fn of(key: &str, value: &str) -> Self {
                Self::builder().key(key).value(value).build()
            }

            fn pair(&self) -> Option<(String, String)> {
                Some((self.key()?.to_owned(), self.value().unwrap_or_default().to_owned()))
            }
        })+
    };
}

service_tags! {
    required {
        aws_sdk_efs::types::Tag: key, value;
        aws_sdk_iam::types::Tag: key, value;
        aws_sdk_kms::types::Tag: tag_key, tag_value;
        aws_sdk_resourcegroupstagging::types::Tag: key, value;
        aws_sdk_s3::types::Tag: key, value;
        aws_sdk_ssm::types::Tag: key, value;
    }
    optional {
        aws_sdk_cloudformation::types::Tag;
        aws_sdk_ec2::types::Tag;
        aws_sdk_sagemaker::types::Tag;
    }
}

/// The tags of a request.
pub fn list<T: ServiceTag>(tags: &BTreeMap<String, String>) -> Vec<T> {
    tags.iter().map(|(key, value)| T::of(key, value)).collect()
}

/// The tags of an answer by their keys.
pub fn by_key<'a, T: ServiceTag + 'a>(tags: impl IntoIterator<Item = &'a T>) -> BTreeMap<String, String> {
    tags.into_iter().filter_map(ServiceTag::pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_every_service_go_there_and_back() {
        fn there_and_back<T: ServiceTag>() {
            let tags = BTreeMap::from([("a", "b"), ("c", "")].map(|(key, value)| (key.to_owned(), value.to_owned())));
            assert_eq!(by_key(&list::<T>(&tags)), tags, "{}", std::any::type_name::<T>());
        }
        there_and_back::<aws_sdk_efs::types::Tag>();
        there_and_back::<aws_sdk_iam::types::Tag>();
        there_and_back::<aws_sdk_kms::types::Tag>();
        there_and_back::<aws_sdk_resourcegroupstagging::types::Tag>();
        there_and_back::<aws_sdk_s3::types::Tag>();
        there_and_back::<aws_sdk_ssm::types::Tag>();
        there_and_back::<aws_sdk_cloudformation::types::Tag>();
        there_and_back::<aws_sdk_ec2::types::Tag>();
        there_and_back::<aws_sdk_sagemaker::types::Tag>();
    }
}
