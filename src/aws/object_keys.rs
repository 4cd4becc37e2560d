//! Keys of S3 objects, also those that XML cannot hold.
//!
//! A key is any Unicode text, and S3 answers in XML 1.0, which has no place for most control characters. So lists are asked
//! for with `encoding-type=url`, and an object that a request in XML could not name is deleted by one whose path names it.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};
use percent_encoding::percent_decode_str;

use super::error::failed;
use crate::cloud::{CloudError, ErrorKind};

/// Most objects that S3 deletes in one request.
const BATCH: usize = 1000;

/// The key that a list tells of; a stand-in for S3 may not know the encoding that it is asked for, and then says so by
/// leaving it out.
pub fn decoded(key: &str, encoding: Option<&EncodingType>) -> String {
    match encoding {
        // As forms are encoded: a blank is a plus.
        Some(EncodingType::Url) => percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned(),
        _ => key.to_owned(),
    }
}

/// Returns `true` if XML 1.0 can hold a text (section 2.2, `Char`).
fn is_xml(text: &str) -> bool {
    text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..))
}

/// Deletes objects, or one version of each.
///
/// # Errors
/// The first that could not be deleted.
pub async fn delete(
    s3: &Client,
    bucket: &str,
    objects: impl IntoIterator<Item = (String, Option<String>)>,
) -> Result<(), CloudError> {
    let (many, single): (Vec<_>, Vec<_>) = objects.into_iter().partition(|(key, _)| is_xml(key));
    for batch in many.chunks(BATCH) {
        let objects = batch
            .iter()
            .map(|(key, version)| ObjectIdentifier::builder().key(key).set_version_id(version.clone()).build());
        let delete = objects.collect::<Result<_, _>>().map(|objects| Delete::builder().set_objects(Some(objects)));
        let delete = delete.and_then(|delete| delete.quiet(true).build());
        let delete = delete.map_err(|error| CloudError::new(ErrorKind::Invalid, "DeleteObjects", error.to_string()))?;
        let answer = s3.delete_objects().bucket(bucket).delete(delete).send().await;
        let answer = answer.map_err(|e| failed("DeleteObjects", e))?;
        if let Some(error) = answer.errors().first() {
            let message = format!("{}: {}", error.key().unwrap_or_default(), error.message().unwrap_or_default());
            return Err(CloudError::new(ErrorKind::Denied, "DeleteObjects", message));
        }
    }
    for (key, version) in single {
        let delete = s3.delete_object().bucket(bucket).key(key).set_version_id(version);
        delete.send().await.map_err(|e| failed("DeleteObject", e))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use studio_sandbox::Sandbox;

    #[test]
    fn a_key_is_decoded_only_if_it_was_encoded() {
        for (encoding, expected) in [(Some(EncodingType::Url), "a b+c/\u{1b}ü%"), (None, "a+b%2Bc/%1B%C3%BC%25")] {
            assert_eq!(decoded("a+b%2Bc/%1B%C3%BC%25", encoding.as_ref()), expected);
        }
        assert!(is_xml("a\t\n\r\u{85}ü\u{10000}") && !is_xml("\u{1b}") && !is_xml("\u{fffe}") && !is_xml("\0"));
    }

    #[tokio::test]
    async fn every_key_of_an_object_comes_through_the_sdk() {
        let sandbox = Sandbox::in_memory();
        let s3 = Client::new(&sandbox.sdk_config().build());
        s3.create_bucket().bucket("home").send().await.unwrap();
        // Every character that steers or that XML cannot hold, and some that an encoding may trip over.
        let ranges = [1..0x30, 0x3a..0x41, 0x5b..0x61, 0x7b..0x100, 0x2028..0x202f, 0xfffd..0x1_0001];
        let characters = ranges.into_iter().flatten().filter_map(char::from_u32);
        let keys: BTreeSet<String> = characters.map(|c| format!("a{c}b c+d%41")).collect();
        for key in &keys {
            s3.put_object().bucket("home").key(key).send().await.unwrap();
        }
        let list = s3.list_objects_v2().bucket("home").encoding_type(EncodingType::Url).send().await.unwrap();
        let decoded = list.contents().iter().map(|object| decoded(object.key().unwrap(), list.encoding_type()));
        assert_eq!(decoded.collect::<BTreeSet<_>>(), keys);
        delete(&s3, "home", keys.iter().map(|key| (key.clone(), None))).await.unwrap();
        assert_eq!(s3.list_objects_v2().bucket("home").send().await.unwrap().key_count(), Some(0));
        s3.delete_bucket().bucket("home").send().await.unwrap();
        println!("{} keys", keys.len());
    }
}
