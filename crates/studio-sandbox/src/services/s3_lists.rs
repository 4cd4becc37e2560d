//! S3: lists of objects and of their versions, in pages and folded at a delimiter.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use super::s3::Asked;
use super::s3_buckets::answer;
use super::s3_objects::with_prefix;
use crate::core::service::iso;
use crate::core::wire::{Refusal, Response};
use crate::core::world::World;

/// Characters that `encoding-type=url` leaves as they are; a blank becomes a plus. Measured for blank, plus, percent
/// and Hangul, in keys and common prefixes (<https://github.com/brekkylab/backlot/issues/178>); that `*` and `~` are
/// treated as forms treat them is a guess.
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// The part of a list that a request asks for: keys after a place, of a prefix, those with a common part up to a
/// delimiter as one.
struct Listing<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    limit: usize,
    is_encoded: bool,
}

impl<'a> Listing<'a> {
    fn new(asked: &Asked<'a>) -> Result<Self, Refusal> {
        let invalid = || Refusal::new("InvalidArgument", "Provided max-keys not an integer or within integer range");
        let limit = asked.request.parameter("max-keys").map(str::parse).transpose().map_err(|_| invalid())?;
        let delimiter = asked.request.parameter("delimiter").filter(|delimiter| !delimiter.is_empty());
        // 1,000 at most (S3 API reference, "ListObjectsV2").
        let limit: usize = limit.unwrap_or(1000);
        let is_encoded = match asked.request.parameter("encoding-type") {
            None => false,
            Some("url") => true,
            Some(_) => return Err(Refusal::new("InvalidArgument", "Invalid Encoding Method specified in Request")),
        };
        let prefix = asked.request.parameter("prefix").unwrap_or_default();
        Ok(Self { prefix, delimiter, limit: limit.min(1000), is_encoded })
    }

    /// A key, or a part of one, as the answer tells it.
    fn told(&self, key: &str) -> String {
        if !self.is_encoded {
            return key.to_owned();
        }
        utf8_percent_encode(key, &PLAIN).to_string().replace(' ', "+")
    }

    fn encoding(&self) -> Option<&'static str> {
        self.is_encoded.then_some("url")
    }

    fn common_prefixes(&self, prefixes: &[String]) -> Vec<Json> {
        prefixes.iter().map(|prefix| json!({"Prefix": self.told(prefix)})).collect()
    }

    fn common_prefix(&self, key: &str) -> Option<String> {
        let delimiter = self.delimiter?;
        let at = key[self.prefix.len()..].find(delimiter)?;
        Some(key[..self.prefix.len() + at + delimiter.len()].to_owned())
    }

    /// The entries after `start`, the common prefixes, and the last place when there is more.
    fn cut<T>(&self, keys: Vec<(String, T)>, start: &str) -> (Vec<(String, T)>, Vec<String>, Option<String>) {
        let (mut found, mut prefixes, mut last) = (Vec::new(), Vec::<String>::new(), String::new());
        for (key, entry) in keys {
            let common = self.common_prefix(&key);
            let place = common.as_ref().unwrap_or(&key);
            let skipped = !start.is_empty() && place.as_str() <= start;
            if skipped || common.is_some() && common.as_ref() == prefixes.last() {
                continue;
            }
            if found.len() + prefixes.len() == self.limit {
                return (found, prefixes, Some(last));
            }
            last.clone_from(place);
            match common {
                Some(common) => prefixes.push(common),
                None => found.push((key, entry)),
            }
        }
        (found, prefixes, None)
    }
}

/// Answers `ListObjects`, or `ListObjectsV2` when it is the `second`.
pub fn objects(world: &World, asked: &Asked<'_>, second: bool) -> Result<Response, Refusal> {
    let listing = Listing::new(asked)?;
    let parameter = |name: &str| asked.request.parameter(name);
    let token = parameter("continuation-token").map(|token| {
        let decoded = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        decoded.ok_or_else(|| Refusal::new("InvalidArgument", "The continuation token provided is incorrect"))
    });
    let start = match token.transpose()? {
        Some(place) => place,
        None if second => parameter("start-after").unwrap_or_default().to_owned(),
        None => parameter("marker").unwrap_or_default().to_owned(),
    };
    let live = with_prefix(world, asked, listing.prefix).into_iter().filter_map(|(key, object)| {
        object.versions.into_iter().last().filter(|latest| !latest.marker).map(|latest| (key, latest))
    });
    let (found, prefixes, next) = listing.cut(live.collect(), &start);
    let count = found.len() + prefixes.len();
    let contents: Vec<Json> = found
        .into_iter()
        .map(|(key, version)| {
            json!({
                "Key": listing.told(&key), "LastModified": iso(version.modified), "ETag": version.etag,
                "Size": version.size,
                "StorageClass": "STANDARD",
            })
        })
        .collect();
    let mut result = json!({
        "Name": asked.bucket, "Prefix": listing.told(listing.prefix),
        "Delimiter": listing.delimiter.map(|delimiter| listing.told(delimiter)), "MaxKeys": listing.limit,
        "IsTruncated": next.is_some(), "Contents": contents, "CommonPrefixes": listing.common_prefixes(&prefixes),
        "EncodingType": listing.encoding(),
    });
    if second {
        result["KeyCount"] = json!(count);
        result["ContinuationToken"] = json!(parameter("continuation-token"));
        result["StartAfter"] = json!(parameter("start-after").map(|start| listing.told(start)));
        result["NextContinuationToken"] = json!(next.map(|place| STANDARD.encode(place)));
    } else {
        result["Marker"] = json!(listing.told(&start));
        // Without a delimiter the caller goes on from the last key, and S3 says nothing of its own.
        result["NextMarker"] = json!(next.filter(|_| listing.delimiter.is_some()).map(|next| listing.told(&next)));
    }
    Ok(answer("ListBucketResult", &result))
}

/// Answers `ListObjectVersions`, with delete markers among the versions.
pub fn versions(world: &World, asked: &Asked<'_>) -> Result<Response, Refusal> {
    let listing = Listing::new(asked)?;
    let (key_marker, version_marker) = (
        asked.request.parameter("key-marker").unwrap_or_default(),
        asked.request.parameter("version-id-marker").unwrap_or_default(),
    );
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::<String>::new());
    let mut next = None;
    let mut last = (String::new(), String::new());
    // Keys in order, and of one key the latest version first.
    'keys: for (key, object) in with_prefix(world, asked, listing.prefix) {
        let common = listing.common_prefix(&key);
        let mut passed = key.as_str() != key_marker || version_marker.is_empty();
        if key.as_str() < key_marker
            || (key == key_marker && passed)
            || common.as_deref().is_some_and(|common| common <= key_marker)
        {
            continue;
        }
        if let Some(common) = common {
            if prefixes.last() != Some(&common) {
                if versions.len() + markers.len() + prefixes.len() == listing.limit {
                    next = Some(last);
                    break;
                }
                last = (common.clone(), String::new());
                prefixes.push(common);
            }
            continue;
        }
        let latest = object.versions.len() - 1;
        for (index, version) in object.versions.into_iter().enumerate().rev() {
            if !passed {
                passed = version.id == version_marker;
                continue;
            }
            if versions.len() + markers.len() + prefixes.len() == listing.limit {
                next = Some(last);
                break 'keys;
            }
            last = (key.clone(), version.id.clone());
            let common = json!({
                "Key": listing.told(&key), "VersionId": version.id, "IsLatest": index == latest, "LastModified": iso(version.modified),
            });
            if version.marker {
                markers.push(common);
            } else {
                let mut entry = common;
                entry["ETag"] = json!(version.etag);
                entry["Size"] = json!(version.size);
                entry["StorageClass"] = json!("STANDARD");
                versions.push(entry);
            }
        }
    }
    let (next_key, next_version) = next.unzip();
    Ok(answer(
        "ListVersionsResult",
        &json!({
            "Name": asked.bucket, "Prefix": listing.told(listing.prefix),
            "Delimiter": listing.delimiter.map(|delimiter| listing.told(delimiter)), "MaxKeys": listing.limit,
            "KeyMarker": listing.told(key_marker), "VersionIdMarker": version_marker,
            "IsTruncated": next_key.is_some(), "EncodingType": listing.encoding(),
            "NextKeyMarker": next_key.map(|key: String| listing.told(&key)),
            "NextVersionIdMarker": next_version.filter(|version: &String| !version.is_empty()),
            "Version": versions, "DeleteMarker": markers, "CommonPrefixes": listing.common_prefixes(&prefixes),
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_at_delimiters_and_limits() {
        let keys = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), ())).collect::<Vec<_>>();
        let listing = Listing { prefix: "a/", delimiter: Some("/"), limit: 2, is_encoded: true };
        let all = keys(&["a/1", "a/b/1", "a/b/2", "a/c/1", "a/d"]);
        let (found, prefixes, next) = listing.cut(all.clone(), "");
        assert_eq!((found.len(), prefixes, next.as_deref()), (1, vec!["a/b/".to_owned()], Some("a/b/")));
        let (found, prefixes, next) = listing.cut(all, "a/b/");
        assert_eq!((found.len(), prefixes, next), (1, vec!["a/c/".to_owned()], None));
        assert_eq!(listing.told("a b+c%/\u{1b}ü~"), "a+b%2Bc%25/%1B%C3%BC%7E");
    }
}
