//! Storage of the record: in SSM, beside the environment.
//!
//! A standard parameter holds 4 KB, so the record is compressed; what still does not fit stands in numbered pieces
//! under a name that their digest gives, and the record's own parameter is pointed to them last. So a reader, and a
//! crash at any moment, finds either the old record or the new one, never half of one.

use std::io::{Read, Write};

use aws_sdk_ssm::types::ParameterType;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};

use super::Account;
use super::error::failed;
use super::wait::WaitPolicy;
use crate::cloud::{CloudError, ErrorKind};
use crate::digest::hex;
use crate::plan::Record;

/// Size of a standard parameter, in bytes (SSM quotas).
const PIECE: usize = 4096;
/// In front of a record that stands in its own parameter.
const WHOLE: &str = "z:";
/// In front of the digest and number of pieces of one that does not.
const PIECES: &str = "p:";
/// A record this large is none: SSM would take 10,000 parameters.
const LARGEST: u64 = 64 * 1024 * 1024;

/// The record of the deployment.
///
/// # Errors
/// What SSM fails with. A record that cannot be understood counts as lost, with a notice: that costs only the memory of
/// what was once set.
pub async fn read(account: &Account) -> Result<Option<Record>, CloudError> {
    let Some(value) = get(account, &name(account)).await? else { return Ok(None) };
    let text = match value.strip_prefix(PIECES).and_then(|pointer| pointer.split_once(':')) {
        None => value.strip_prefix(WHOLE).map(str::to_owned),
        Some((digest, count)) => {
            let mut text = String::new();
            for number in 0..count.parse().unwrap_or(0) {
                text.push_str(&get(account, &piece(account, digest, number)).await?.unwrap_or_default());
            }
            Some(text).filter(|text| digest_of(text) == digest)
        }
    };
    let record = text.as_deref().and_then(decode);
    if record.is_none() {
        account.notice(
            None,
            "the record of earlier applies cannot be read: settings that left the config since are not unset",
        );
    }
    Ok(record)
}

/// Writes the record, or removes it.
///
/// # Errors
/// What SSM fails with.
pub async fn write(account: &Account, record: Option<&Record>) -> Result<(), CloudError> {
    let name = name(account);
    let before = get(account, &name).await?;
    let Some(record) = record else {
        return delete(account, &name).await.and(forget_pieces(account, before.as_deref(), None).await);
    };
    let text = encode(record)?;
    if text.len() + WHOLE.len() <= PIECE {
        put(account, &name, &format!("{WHOLE}{text}")).await?;
        return forget_pieces(account, before.as_deref(), None).await;
    }
    let digest = digest_of(&text);
    let pieces: Vec<&str> = text.as_bytes().chunks(PIECE).filter_map(|piece| std::str::from_utf8(piece).ok()).collect();
    for (number, value) in pieces.iter().enumerate() {
        put(account, &piece(account, &digest, number), value).await?;
    }
    put(account, &name, &format!("{PIECES}{digest}:{}", pieces.len())).await?;
    forget_pieces(account, before.as_deref(), Some(&digest)).await
}

fn name(account: &Account) -> String {
    format!("{}/record", account.names.record)
}

fn piece(account: &Account, digest: &str, number: usize) -> String {
    format!("{}/record/{digest}/{number}", account.names.record)
}

async fn forget_pieces(account: &Account, before: Option<&str>, keep: Option<&str>) -> Result<(), CloudError> {
    let old = before.and_then(|value| value.strip_prefix(PIECES)).and_then(|pointer| pointer.split_once(':'));
    if let Some((digest, count)) = old.filter(|(digest, _)| Some(*digest) != keep) {
        for number in 0..count.parse().unwrap_or(0) {
            delete(account, &piece(account, digest, number)).await?;
        }
    }
    Ok(())
}

async fn get(account: &Account, name: &str) -> Result<Option<String>, CloudError> {
    match account.ssm.get_parameter().name(name).send().await.map_err(|e| failed("GetParameter", e)) {
        Ok(answer) => Ok(answer.parameter.and_then(|parameter| parameter.value)),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// SSM refuses to make a name again for about 30 s after it was deleted.
async fn put(account: &Account, name: &str, value: &str) -> Result<(), CloudError> {
    let is_transient = |error: &CloudError| error.is("ParameterAlreadyExists");
    let attempt = async || {
        let put = account.ssm.put_parameter().name(name).value(value).r#type(ParameterType::String).overwrite(true);
        put.send().await.map_err(|e| failed("PutParameter", e)).map(drop)
    };
    account.clock.retry(WaitPolicy::PROPAGATION, is_transient, attempt).await
}

async fn delete(account: &Account, name: &str) -> Result<(), CloudError> {
    match account.ssm.delete_parameter().name(name).send().await.map_err(|e| failed("DeleteParameter", e)) {
        Err(error) if error.kind != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn encode(record: &Record) -> Result<String, CloudError> {
    let invalid = |error: String| CloudError::new(ErrorKind::Other, "write the record", error);
    let json = serde_json::to_vec(record).map_err(|error| invalid(error.to_string()))?;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&json).map_err(|error| invalid(error.to_string()))?;
    Ok(STANDARD.encode(encoder.finish().map_err(|error| invalid(error.to_string()))?))
}

fn decode(text: &str) -> Option<Record> {
    let mut json = Vec::new();
    ZlibDecoder::new(STANDARD.decode(text).ok()?.as_slice()).take(LARGEST).read_to_end(&mut json).ok()?;
    let record: Record = serde_json::from_slice(&json).ok()?;
    (record.format <= Record::FORMAT).then_some(record)
}

fn digest_of(text: &str) -> String {
    hex(&Sha256::digest(text)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Path;
    use crate::plan::PathSet;

    #[test]
    fn a_record_survives_the_way_there_and_back() {
        let record = Record {
            format: Record::FORMAT,
            config_digest: "d".into(),
            managed: vec![PathSet {
                paths: vec![Path::of(["Tags", "a.b"]), Path::of(["DefaultUserSettings", "StudioWebPortal"])],
                of: ["domain.studio".parse().unwrap()].into(),
            }],
            ..Record::default()
        };
        assert_eq!(decode(&encode(&record).unwrap()), Some(record));
        assert_eq!(decode("no record"), None);
    }
}
