//! A hash trie of entries, each leaf of which fits into one parameter.
//!
//! A leaf holds the entries whose keys' hashes begin with the same bits. If they do not fit, their next bit tells them apart.
//! So which leaves there are follows from the entries alone, whatever was stored before, and one entry more or less touches
//! the leaf that it is in, or splits it into two.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use sha2::{Digest, Sha256};

use super::entries::Entries;

/// Size of a standard parameter, in bytes (SSM quotas).
pub(super) const PARAMETER: usize = 4096;
/// Length of a leaf's text from which on it is split without compressing it: nothing shrinks that much.
pub(super) const HOPELESS: usize = 64 * 1024;
/// A record this large is none: SSM would take 10,000 parameters.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Number of bits that tell entries apart.
const BITS: u8 = 64;

/// The first bits of hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Prefix {
    /// The bits, at the upper end; the rest is zero.
    bits: u64,
    /// How many of them count.
    pub depth: u8,
}

impl Prefix {
    const ALL: Self = Self { bits: 0, depth: 0 };

    /// The bits as zeros and ones, which is the name of a leaf.
    pub fn name(self) -> String {
        if self.depth == 0 { "all".into() } else { format!("{:064b}", self.bits)[..usize::from(self.depth)].into() }
    }

    /// The prefixes of leaves in order, out of their depths; none unless they cover every hash exactly once.
    pub fn tiling(depths: &[u8]) -> Option<Vec<Self>> {
        let mut covered: u128 = 0;
        let mut prefixes = Vec::new();
        for depth in depths.iter().copied() {
            let width = 1_u128 << (BITS.checked_sub(depth)?);
            if !covered.is_multiple_of(width) {
                return None;
            }
            prefixes.push(Self { bits: u64::try_from(covered).ok()?, depth });
            covered += width;
        }
        (covered == 1 << BITS).then_some(prefixes)
    }
}

/// The entries of one prefix, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub prefix: Prefix,
    /// Text that fits into one parameter, unless a single entry does not.
    pub packed: String,
}

/// All leaves of the trie of these entries, in order.
pub(super) fn leaves(entries: &Entries) -> Vec<Leaf> {
    let mut hashed: Vec<(u64, String)> = entries
        .iter()
        .map(|(key, value)| (hash(key), format!("{}:{value}", serde_json::Value::from(key.as_str()))))
        .collect();
    hashed.sort();
    let mut leaves = Vec::new();
    split(Prefix::ALL, &hashed, &mut leaves);
    leaves
}

fn split(prefix: Prefix, entries: &[(u64, String)], leaves: &mut Vec<Leaf>) {
    let length: usize = entries.iter().map(|(_, text)| text.len() + 1).sum();
    let is_last = entries.len() <= 1 || prefix.depth == BITS;
    if is_last || length < HOPELESS {
        let texts: Vec<&str> = entries.iter().map(|(_, text)| text.as_str()).collect();
        let packed = pack(&format!("{{{}}}", texts.join(",")));
        if is_last || packed.len() <= PARAMETER {
            leaves.push(Leaf { prefix, packed });
            return;
        }
    }
    let one = 1 << (BITS - 1 - prefix.depth);
    let middle = entries.partition_point(|(hash, _)| hash & one == 0);
    let (zeros, ones) = entries.split_at(middle);
    let depth = prefix.depth + 1;
    split(Prefix { depth, ..prefix }, zeros, leaves);
    split(Prefix { bits: prefix.bits | one, depth }, ones, leaves);
}

/// The entries of a packed leaf; none when it is no leaf.
pub(super) fn entries(packed: &str) -> Option<Entries> {
    serde_json::from_slice(&unpack(packed)?).ok()
}

fn hash(key: &str) -> u64 {
    Sha256::digest(key)[..8].iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

/// Text compressed, in letters that SSM takes.
pub(super) fn pack(text: &str) -> String {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    STANDARD.encode(written.expect("writing into memory does not fail"))
}

/// Bytes of what was packed; none when it never was.
pub(super) fn unpack(packed: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    ZlibDecoder::new(STANDARD.decode(packed).ok()?.as_slice()).take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entries_of(count: usize) -> Entries {
        (0..count).map(|n| (format!("user_profile.user-{n}"), json!({"f": [n * 7919, n, format!("u{n}")]}))).collect()
    }

    #[test]
    fn leaves_fit_cover_everything_and_follow_from_the_entries_alone() {
        for count in [0, 1, 10, 3_000] {
            let all = entries_of(count);
            let leaves = leaves(&all);
            let depths: Vec<u8> = leaves.iter().map(|leaf| leaf.prefix.depth).collect();
            let prefixes: Vec<Prefix> = leaves.iter().map(|leaf| leaf.prefix).collect();
            assert_eq!(Prefix::tiling(&depths), Some(prefixes), "{count}");
            assert!(leaves.iter().all(|leaf| leaf.packed.len() <= PARAMETER), "{count}");
            let again: Entries = leaves.iter().flat_map(|leaf| entries(&leaf.packed).unwrap()).collect();
            assert_eq!(again, all, "{count}");
        }
    }

    #[test]
    fn one_entry_touches_the_leaf_that_it_is_in() {
        let mut all = entries_of(3_000);
        let before = leaves(&all);
        for n in [17, 1_234, 2_999] {
            all.remove(&format!("user_profile.user-{n}"));
            let after = leaves(&all);
            let moved = after.iter().filter(|leaf| !before.contains(leaf)).count();
            assert!((1..=3).contains(&moved), "{moved} leaves for {n} entries less");
        }
        let after = leaves(&all);
        all.insert("user_profile.new".into(), json!({}));
        let moved = leaves(&all).iter().filter(|leaf| !after.contains(leaf)).count();
        assert!((1..=2).contains(&moved), "{moved}");
    }

    #[test]
    fn what_does_not_cover_every_hash_is_no_trie() {
        for (depths, is_trie) in [
            (&[0][..], true),
            (&[1, 1], true),
            (&[2, 2, 1], true),
            (&[1, 2, 2], true),
            (&[2, 1, 2], false),
            (&[1], false),
            (&[1, 1, 1], false),
            (&[], false),
            (&[65], false),
        ] {
            assert_eq!(Prefix::tiling(depths).is_some(), is_trie, "{depths:?}");
        }
    }

    #[test]
    fn an_entry_that_fits_nowhere_stands_alone() {
        let mut text = String::new();
        let mut digest = Sha256::digest("noise").to_vec();
        while text.len() < 3 * PARAMETER {
            digest = Sha256::digest(&digest).to_vec();
            text.push_str(&crate::digest::hex(&digest));
        }
        let mut all = entries_of(50);
        all.insert("domain.studio".into(), text.into());
        let leaves = leaves(&all);
        assert_eq!(leaves.iter().filter(|leaf| leaf.packed.len() > PARAMETER).count(), 1);
        let again: Entries = leaves.iter().flat_map(|leaf| entries(&leaf.packed).unwrap()).collect();
        assert_eq!(again, all);
    }
}
