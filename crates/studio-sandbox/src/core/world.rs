//! The accounts that the sandbox keeps: typed records in named tables, and a virtual clock.
//!
//! One account is the operator's, who need not name it. What others have stands in tables of their own
//! (`iam/role@111122223333`), and a turn sees those of the account that its caller belongs to. A service changes the world only through [`World::put`] and [`World::remove`]; the journal is made of those changes,
//! so what is on disk is always what was answered. Everything here is synchronous: one request is one turn.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::authorization::Decision;

/// Everything in the sandbox's accounts and its region.
#[derive(Debug, Default)]
pub struct World {
    tables: BTreeMap<String, BTreeMap<String, Json>>,
    /// The other account that a turn acts in.
    elsewhere: Option<String>,
    changes: Vec<RecordChange>,
    replaced: Vec<RecordChange>,
    decisions: RefCell<Vec<Decision>>,
}

/// One change of a turn, as it stands in the journal: no value means removed.
#[derive(Clone, Debug, PartialEq, Serialize, serde::Deserialize)]
pub struct RecordChange {
    /// The table.
    pub table: String,
    /// The key in it.
    pub key: String,
    /// The new record.
    pub value: Option<Json>,
}

impl RecordChange {
    /// Returns `true` if the journal keeps the change: faults and their like belong to a process and not to the
    /// account.
    pub fn is_kept(&self) -> bool {
        !(self.table == META && (self.key == FAULTS || self.key == ADVERSARY))
    }

    /// Returns `true` if the record only ever goes up: time, and what ids are made of.
    pub(crate) fn is_counter(&self) -> bool {
        self.table == META && ["now", "sequence", "wall"].contains(&self.key.as_str())
    }
}

const META: &str = "meta";
/// Tables that all accounts share: clock and faults, sessions, and buckets, whose names are one space for all.
const SHARED: [&str; 3] = [META, "sts/", "s3/"];
/// Prefix of the keys that name the deployments for which something was made.
const PREPARED: &str = "prepared/";
const FAULTS: &str = "faults";
const ADVERSARY: &str = "adversary";

impl World {
    /// The record `key` of `table`.
    ///
    /// # Panics
    /// When the record does not have the shape of `T`: tables hold one shape each, so that is a bug of the sandbox.
    pub fn get<T: DeserializeOwned>(&self, table: &str, key: &str) -> Option<T> {
        self.tables.get(&*self.own(table))?.get(key).map(|json| decode(table, key, json))
    }

    /// The record `key` of the table that `account` has: what reaches over to another account names it.
    ///
    /// # Panics
    /// As [`World::get`].
    pub(crate) fn get_of<T: DeserializeOwned>(&self, account: &str, table: &str, key: &str) -> Option<T> {
        self.tables.get(&*self.table_of(account, table))?.get(key).map(|json| decode(table, key, json))
    }

    /// Returns `true` if `table` has `key`.
    pub fn has(&self, table: &str, key: &str) -> bool {
        self.tables.get(&*self.own(table)).is_some_and(|records| records.contains_key(key))
    }

    /// Every record of `table` whose key begins with `prefix`, in key order.
    ///
    /// # Panics
    /// As [`World::get`].
    pub fn list<T: DeserializeOwned>(&self, table: &str, prefix: &str) -> Vec<(String, T)> {
        self.tables.get(&*self.own(table)).map_or_else(Vec::new, |records| {
            records
                .range(prefix.to_owned()..)
                .take_while(|(key, _)| key.starts_with(prefix))
                .map(|(key, json)| (key.clone(), decode(table, key, json)))
                .collect()
        })
    }

    /// Every record of the table that `account` has, in key order.
    ///
    /// # Panics
    /// As [`World::get`].
    pub(crate) fn list_of<T: DeserializeOwned>(&self, account: &str, table: &str) -> Vec<T> {
        let records = self.tables.get(&*self.table_of(account, table)).into_iter().flatten();
        records.map(|(key, json)| decode(table, key, json)).collect()
    }

    /// Writes the record `key` of `table`.
    ///
    /// # Panics
    /// When the record cannot be JSON, which no type of the sandbox is.
    pub fn put<T: Serialize>(&mut self, table: &str, key: &str, record: &T) {
        let value = serde_json::to_value(record).expect("every record of the sandbox is JSON");
        let table = self.own(table).into_owned();
        if self.tables.get(&table).and_then(|records| records.get(key)) == Some(&value) {
            return;
        }
        let before = self.tables.entry(table.clone()).or_default().insert(key.into(), value.clone());
        self.changes.push(RecordChange { table: table.clone(), key: key.into(), value: Some(value) });
        self.replaced.push(RecordChange { table, key: key.into(), value: before });
    }

    /// Removes the record `key` of `table`; whether there was one.
    pub fn remove(&mut self, table: &str, key: &str) -> bool {
        let table = self.own(table).into_owned();
        let before = self.tables.get_mut(&table).and_then(|records| records.remove(key));
        let removed = before.is_some();
        if removed {
            self.changes.push(RecordChange { table: table.clone(), key: key.into(), value: None });
            self.replaced.push(RecordChange { table, key: key.into(), value: before });
        }
        removed
    }

    /// The twelve digits of the account that the turn acts in.
    pub fn account(&self) -> String {
        self.elsewhere.clone().unwrap_or_else(|| self.home())
    }

    /// The twelve digits of the operator's account.
    pub(crate) fn home(&self) -> String {
        self.get(META, "account").unwrap_or_else(|| "123456789012".into())
    }

    /// Every account that has something: the operator's first.
    pub(crate) fn accounts(&self) -> Vec<String> {
        let others: BTreeSet<&str> = self.tables.keys().filter_map(|table| Some(table.split_once('@')?.1)).collect();
        std::iter::once(self.home()).chain(others.into_iter().map(str::to_owned)).collect()
    }

    /// Acts in `account` for as long as `act` takes.
    pub fn within<T>(&mut self, account: &str, act: impl FnOnce(&mut Self) -> T) -> T {
        let elsewhere = (account != self.home()).then(|| account.to_owned());
        let before = std::mem::replace(&mut self.elsewhere, elsewhere);
        let result = act(self);
        self.elsewhere = before;
        result
    }

    /// The name of the table as the turn's account has it.
    fn own<'a>(&self, table: &'a str) -> Cow<'a, str> {
        match &self.elsewhere {
            Some(account) if !is_shared(table) => format!("{table}@{account}").into(),
            _ => table.into(),
        }
    }

    fn table_of<'a>(&self, account: &str, table: &'a str) -> Cow<'a, str> {
        if is_shared(table) || account == self.home() { table.into() } else { format!("{table}@{account}").into() }
    }

    /// The region that all accounts work in.
    pub fn region(&self) -> String {
        self.get(META, "region").unwrap_or_else(|| "us-east-1".into())
    }

    /// `aws`, `aws-cn`, `aws-us-gov`, …: follows from the region.
    pub fn partition(&self) -> &'static str {
        // As its region's name says (AWS fault isolation boundaries, "AWS Partitions"). The product has a table of its own,
        // on purpose: what both took from one place could be wrong in both.
        const PARTITIONS: [(&str, &str); 7] = [
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-iso-", "aws-iso"),
            ("us-isob-", "aws-iso-b"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-isof-", "aws-iso-f"),
            ("eusc-", "aws-eusc"),
        ];
        let region = self.region();
        PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
    }

    /// Fixes the account and the region: done once, when the sandbox is made.
    pub fn found(&mut self, account: &str, region: &str) {
        self.put(META, "account", &account);
        self.put(META, "region", &region);
    }

    /// The faults that services are told of; an empty object when there are none.
    pub(crate) fn faults(&self) -> Json {
        self.get(META, FAULTS).unwrap_or_else(|| Json::Object(serde_json::Map::new()))
    }

    /// Tells the services of the faults that this process wants, and whether it wants them to be as unhelpful as AWS may
    /// be; neither is part of the account.
    pub fn set_faults(&mut self, faults: Json, adversary: bool) {
        self.swap(RecordChange { table: META.into(), key: FAULTS.into(), value: Some(faults) });
        self.swap(RecordChange { table: META.into(), key: ADVERSARY.into(), value: Some(Json::Bool(adversary)) });
    }

    /// Returns `true` if what this deployment refers to was made, or nobody ever asked for such a thing here.
    pub fn is_prepared(&self, deployment: &str) -> bool {
        self.is_founded()
            && (self.list::<bool>(META, PREPARED).is_empty() || self.has(META, &format!("{PREPARED}{deployment}")))
    }

    /// Notes that what this deployment refers to was made.
    pub fn set_prepared(&mut self, deployment: &str) {
        self.put(META, &format!("{PREPARED}{deployment}"), &true);
    }

    /// Returns `true` if the account was ever fixed by [`World::found`].
    pub(crate) fn is_founded(&self) -> bool {
        self.has(META, "account")
    }

    /// An ARN of this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        self.arn_of(&self.account(), service, resource)
    }

    /// An ARN of `account` and this region.
    pub(crate) fn arn_of(&self, account: &str, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{account}:{resource}", self.partition(), self.region())
    }

    /// Virtual time: milliseconds since the epoch. It moves only by [`World::advance`].
    pub fn now(&self) -> i64 {
        // A fixed beginning makes every run of a test the same run.
        self.get(META, "now").unwrap_or(1_767_225_600_000)
    }

    /// Moves virtual time on.
    pub fn advance(&mut self, milliseconds: i64) {
        let now = self.now() + milliseconds;
        self.put(META, "now", &now);
    }

    /// A number that no earlier call has given, for ids: the same in every run.
    pub(crate) fn number(&mut self) -> u64 {
        let next = self.get::<u64>(META, "sequence").unwrap_or(0) + 1;
        self.put(META, "sequence", &next);
        next
    }

    /// An id of `length` characters from `alphabet`, different from every earlier one and the same in every run.
    pub(crate) fn id(&mut self, alphabet: &[u8], length: usize) -> String {
        // SplitMix64 spreads the sequence number over the alphabet, so that ids do not look like counters. Its output is
        // where the id begins in the generator's stream; neighbouring numbers would give ids that overlap.
        let mut state = mix(self.number().wrapping_mul(GOLDEN));
        (0..length)
            .map(|_| {
                state = state.wrapping_add(GOLDEN);
                let index = usize::try_from(mix(state) % alphabet.len() as u64).unwrap_or(0);
                char::from(alphabet[index])
            })
            .collect()
    }

    /// The changes since the last call, for the journal.
    pub(crate) fn take_changes(&mut self) -> Vec<RecordChange> {
        std::mem::take(&mut self.changes)
    }

    /// The former values of the records changed since the last call: the same keys as [`World::take_changes`], in its
    /// order.
    pub(crate) fn take_replaced(&mut self) -> Vec<RecordChange> {
        std::mem::take(&mut self.replaced)
    }

    /// Notes what was decided about a request of a role.
    pub(crate) fn decided(&self, decision: Decision) {
        self.decisions.borrow_mut().push(decision);
    }

    /// The decisions since the last call.
    pub(crate) fn take_decisions(&mut self) -> Vec<Decision> {
        self.decisions.take()
    }

    /// Replays changes from the journal.
    pub fn replay(&mut self, changes: Vec<RecordChange>) {
        for change in changes {
            self.swap(change);
        }
    }

    /// Puts a record in place past the journal and returns what was there: for replays and for reads that lag.
    pub(crate) fn swap(&mut self, RecordChange { table, key, value }: RecordChange) -> RecordChange {
        let records = self.tables.entry(table.clone()).or_default();
        let before = match value {
            Some(value) => records.insert(key.clone(), value),
            None => records.remove(&key),
        };
        RecordChange { table, key, value: before }
    }

    /// Every record of the tables whose names begin with `prefix`, whosever, as table, key and JSON.
    pub fn records(&self, prefix: &str) -> impl Iterator<Item = (&str, &str, &Json)> {
        let tables = self.tables.range(prefix.to_owned()..).take_while(move |(name, _)| name.starts_with(prefix));
        tables.flat_map(|(table, records)| {
            records.iter().map(move |(key, record)| (table.as_str(), key.as_str(), record))
        })
    }

    /// Undoes nothing and forgets nothing: the whole world as changes from an empty one, for compaction.
    pub fn as_changes(&self) -> impl Iterator<Item = RecordChange> {
        self.tables.iter().flat_map(|(table, records)| {
            records.iter().map(move |(key, value)| RecordChange {
                table: table.clone(),
                key: key.clone(),
                value: Some(value.clone()),
            })
        })
    }
}

/// `SplitMix64`'s increment: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// `SplitMix64`'s output function: the mix of multiplications and shifts that makes a state look random.
const fn mix(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn is_shared(table: &str) -> bool {
    SHARED.iter().any(|shared| table.starts_with(shared))
}

/// The account that an ARN names: none for a bucket's, `aws` for what is AWS's own.
pub fn account_in(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| arn.starts_with("arn:") && !account.is_empty())
}

fn decode<T: DeserializeOwned>(table: &str, key: &str, json: &Json) -> T {
    T::deserialize(json).unwrap_or_else(|error| {
        panic!("sandbox record {table}/{key} does not fit its type ({error}): this is a bug in studio-deploy")
    })
}

/// Lower-case letters and digits, as in `d-…` ids.
pub const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Upper-case letters and digits, as in `AROA…` ids.
pub const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Hexadecimal digits, as in `sg-…` ids.
pub const HEX: &[u8] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_sees_its_own_tables_and_the_shared_ones() {
        let mut world = World::default();
        world.found("111122223333", "eu-west-1");
        world.put("iam/role", "ann", &1);
        world.within("999988887777", |world| {
            assert_eq!((world.account(), world.home()), ("999988887777".into(), "111122223333".into()));
            assert!(!world.has("iam/role", "ann"));
            world.put("iam/role", "ann", &2);
            world.put("s3/bucket", "home", &3);
            assert_eq!(world.arn("kms", "key/1"), "arn:aws:kms:eu-west-1:999988887777:key/1");
            // Whoever acts elsewhere is back home as soon as it says so.
            let home = world.within("111122223333", |world| world.get::<u64>("iam/role", "ann"));
            assert_eq!(home, Some(1));
        });
        assert_eq!(world.get::<u64>("iam/role", "ann"), Some(1));
        assert_eq!(world.get_of::<u64>("999988887777", "iam/role", "ann"), Some(2));
        assert_eq!(world.get::<u64>("s3/bucket", "home"), Some(3));
        assert_eq!(world.accounts(), ["111122223333", "999988887777"]);
        assert!(world.within("999988887777", |world| world.remove("iam/role", "ann")));
        assert!(world.has("iam/role", "ann"));
    }
}
