//! Storage of the record: in SSM, beside the environment.
//!
//! A small record stands in one parameter. A larger one is a hash trie of entries (`trie.rs`), so that a change of one user
//! among thousands writes the one piece that holds it, and the head (`head.rs`), which turns to new pieces last.

mod entries;
mod head;
mod trie;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ssm::types::ParameterType;
use futures_util::{StreamExt, TryStreamExt, stream};

use self::head::{Head, Turn, WHOLE};
use super::Account;
use super::error::failed;
use super::wait::WaitPolicy;
use crate::cloud::{CloudError, ErrorKind};
use crate::plan::Record;

/// Number of parameters that one call reads or deletes (SSM API reference, GetParameters and DeleteParameters).
const BATCH: usize = 10;
/// Number of calls that read pieces at once.
const READS: usize = 8;
/// Number of pieces that are written at once: SSM takes three a second unless it is told otherwise (SSM quotas).
const WRITES: usize = 3;
/// Number of looks at a record whose pieces do not fit its head, since somebody may be writing it just then.
const LOOKS: usize = 3;
/// Pause between two of these looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The record of the deployment.
///
/// # Errors
/// What SSM fails with. A record that cannot be understood counts as lost, with a notice: that costs only the memory of
/// what was once set.
pub async fn read(account: &Account) -> Result<Option<Record>, CloudError> {
    for look in 1..=LOOKS {
        let Some(value) = get(account, &name(account)).await? else { return Ok(None) };
        let Some(head) = Head::parse(&value) else { break };
        let (head, values) = with_pieces(account, head).await?;
        if let Some(record) = head.record(&|name| values.get(name).cloned()) {
            return Ok(Some(record));
        }
        if matches!(head, Head::Whole(_)) {
            break;
        }
        if look < LOOKS {
            account.clock.sleep(PAUSE).await;
        }
    }
    account.notice(
        None,
        "the record of earlier applies cannot be read: settings that left the config since are not unset",
    );
    Ok(None)
}

/// The record in these parameters of an account, of which `name` is its own; none when it cannot be understood.
pub fn of_parameters(name: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<Record> {
    let below = |part: &str| value(&format!("{name}/{part}"));
    Head::parse(&value(name)?)?.listed(&below).record(&below)
}

/// Writes the record, or removes it.
///
/// # Errors
/// What SSM fails with.
pub async fn write(account: &Account, record: Option<&Record>) -> Result<(), CloudError> {
    let name = name(account);
    let Some(record) = record else { return remove(account, &name).await };
    let old = match get(account, &name).await?.as_deref().and_then(Head::parse) {
        Some(head) if head.is_unlisted() => Some(with_list(account, head).await?),
        head => head,
    };
    let too_long = || CloudError::new(ErrorKind::Other, "write the record", "it is too long for SSM");
    let turn = Turn::to(record, old.as_ref()).ok_or_else(too_long)?;
    let pieces = turn.pieces.iter().map(|(piece, value)| {
        let name = format!("{name}/{piece}");
        async move { put(account, &name, value).await }
    });
    stream::iter(pieces).buffer_unordered(WRITES).try_collect::<()>().await?;
    put(account, &name, &turn.head).await?;
    delete(account, &turn.gone.iter().map(|piece| format!("{name}/{piece}")).collect::<Vec<_>>()).await
}

/// Removes the record with all its pieces, also those that a run left which was killed between two of its writes.
async fn remove(account: &Account, name: &str) -> Result<(), CloudError> {
    let list = account.ssm.get_parameters_by_path().path(name).recursive(true).into_paginator().send();
    let pages: Vec<_> = list.try_collect().await.map_err(|e| failed("GetParametersByPath", e))?;
    let pieces = pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default());
    let pieces: Vec<String> = pieces.filter_map(|piece| piece.name).collect();
    if !pieces.is_empty() {
        // Whoever reads it from now on finds nothing in it, and knows that it is to go.
        let empty = Record { format: Record::FORMAT, ..Record::default() };
        let empty = serde_json::to_string(&empty).expect("a record is JSON");
        put(account, name, &format!("{WHOLE}{}", trie::pack(&empty))).await?;
        delete(account, &pieces).await?;
    }
    delete(account, &[name.to_owned()]).await
}

fn name(account: &Account) -> String {
    format!("{}/record", account.names.record)
}

/// A head with the list of its leaves, and the values of its pieces by their names below the record's own.
async fn with_pieces(account: &Account, head: Head) -> Result<(Head, BTreeMap<String, String>), CloudError> {
    let head = if head.is_unlisted() { with_list(account, head).await? } else { head };
    let pieces = if head.is_unlisted() { BTreeMap::new() } else { values(account, &head.parameters()).await? };
    Ok((head, pieces))
}

async fn with_list(account: &Account, head: Head) -> Result<Head, CloudError> {
    let list = values(account, &head.parameters()).await?;
    Ok(head.listed(&|name| list.get(name).cloned()))
}

/// The values of parameters below the record's own; what is not there is left out.
async fn values(account: &Account, pieces: &[String]) -> Result<BTreeMap<String, String>, CloudError> {
    let front = format!("{}/", name(account));
    let names: Vec<String> = pieces.iter().map(|piece| format!("{front}{piece}")).collect();
    let reads = names.chunks(BATCH).map(|names| async move {
        let get = account.ssm.get_parameters().set_names(Some(names.to_vec()));
        get.send().await.map_err(|e| failed("GetParameters", e))
    });
    let answers: Vec<_> = stream::iter(reads).buffer_unordered(READS).try_collect().await?;
    let found = answers.into_iter().flat_map(|answer| answer.parameters.unwrap_or_default());
    let piece = |parameter: aws_sdk_ssm::types::Parameter| {
        Some((parameter.name?.strip_prefix(&front)?.to_owned(), parameter.value?))
    };
    Ok(found.filter_map(piece).collect())
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

/// Deletes parameters; that one is gone already is no failure.
async fn delete(account: &Account, names: &[String]) -> Result<(), CloudError> {
    for names in names.chunks(BATCH) {
        let delete = account.ssm.delete_parameters().set_names(Some(names.to_vec()));
        delete.send().await.map_err(|e| failed("DeleteParameters", e))?;
    }
    Ok(())
}
