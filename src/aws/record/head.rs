//! The head of a record: the value of its own parameter, which holds the record itself or points to the parameters that do.
//!
//! Each piece has two slots, and a writer fills the one that the head does not point to. The head is written last and turns
//! from all old pieces to all new ones at once. So a reader, and a crash at any moment, finds either the old record or the new
//! one; names are used again and again, which SSM would refuse for a while if they were deleted in between.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::entries;
use super::trie::{self, Leaf, PARAMETER, Prefix};
use crate::digest::hex;
use crate::plan::{Fingerprints, Record};

/// In front of a record that stands in its own parameter.
pub(super) const WHOLE: &str = "z:";
/// In front of the digest and number of numbered pieces, as earlier versions wrote them.
const NUMBERED: &str = "p:";
/// In front of the leaves of a trie.
const TRIE: &str = "t:";
/// In front of the place of the leaves' list, where that does not fit either.
const ELSEWHERE: &str = "@";
/// Name of the leaves' list where it is a piece itself.
const INDEX: &str = "index";
/// Number of bytes of a digest: enough to tell a piece that is cut, or of another moment.
const DIGEST: usize = 6;
/// Number of bytes of a leaf in the list of leaves: depth, slot and number of parameters, digest.
const ROW: usize = DIGEST + 2;
/// The most parameters that an account has in a region (SSM quotas).
const MOST: usize = 10_000;

/// Look-up of the value of a parameter below the record's own.
pub(super) type Values<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// One of the two places of a piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RecordSlot {
    #[default]
    A,
    B,
}

impl RecordSlot {
    const BOTH: [Self; 2] = [Self::A, Self::B];

    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
        }
    }
}

/// A piece as the head points to it: a text in one parameter, or in several if it has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    name: String,
    slot: RecordSlot,
    parameters: u8,
    digest: [u8; DIGEST],
}

impl Piece {
    /// The piece that holds `text`, where `old` is now; none when it is too long for any number of parameters.
    fn of(name: String, text: &str, old: Option<&Self>) -> Option<Self> {
        let parameters = u8::try_from(text.len().div_ceil(PARAMETER)).ok().filter(|count| *count < 0x80)?;
        let digest = digest(text);
        let slot = match old {
            Some(old) if old.digest == digest => old.slot,
            Some(old) => old.slot.other(),
            None => RecordSlot::default(),
        };
        Some(Self { name, slot, parameters, digest })
    }

    /// The piece that a list of pieces tells.
    fn read(row: &[u8], name: String) -> Option<Self> {
        let [_, place, digest @ ..] = row else { return None };
        let slot = if place & 0x80 == 0 { RecordSlot::A } else { RecordSlot::B };
        Some(Self { name, slot, parameters: place & 0x7f, digest: digest.try_into().ok()? })
    }

    fn row(&self, depth: u8) -> Vec<u8> {
        let place = self.parameters | if self.slot == RecordSlot::B { 0x80 } else { 0 };
        [&[depth, place][..], &self.digest].concat()
    }

    /// The names of its parameters, below the record's own.
    pub fn parameters(&self) -> Vec<String> {
        self.in_slot(self.slot)
    }

    fn in_slot(&self, slot: RecordSlot) -> Vec<String> {
        (0..self.parameters).map(|number| format!("{}.{}.{number}", self.name, slot.letter())).collect()
    }

    /// The text in these parameters; none when one is missing or of another moment.
    pub fn text(&self, value: &Values<'_>) -> Option<String> {
        let text: String = self.parameters().iter().map(|name| value(name)).collect::<Option<_>>()?;
        (digest(&text) == self.digest).then_some(text)
    }
}

/// The value of a record's own parameter, parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// The record itself, packed.
    Whole(String),
    /// Numbered pieces of an earlier version: their digest and number.
    Numbered(String, usize),
    /// Leaves of a trie.
    Trie(Trie),
}

/// A head that points to the leaves of a trie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trie {
    /// Formats of the record and of its fingerprints.
    formats: [u32; 2],
    config_digest: String,
    /// The piece that holds the list of leaves, where the head does not.
    index: Option<Piece>,
    /// The list of leaves, once it is read.
    leaves: Option<Vec<Piece>>,
}

impl Head {
    /// Reads a head; none of what this version does not understand.
    pub fn parse(value: &str) -> Option<Self> {
        if let Some(packed) = value.strip_prefix(WHOLE) {
            return Some(Self::Whole(packed.to_owned()));
        }
        if let Some((digest, count)) = value.strip_prefix(NUMBERED).and_then(|pointer| pointer.split_once(':')) {
            let count = count.parse().ok().filter(|count| *count <= MOST)?;
            return Some(Self::Numbered(digest.to_owned(), count));
        }
        let [format, fingerprints, config_digest, list] =
            value.strip_prefix(TRIE)?.splitn(4, ':').collect::<Vec<_>>().try_into().ok()?;
        let (index, leaves) = match list.strip_prefix(ELSEWHERE) {
            Some(row) => (Some(Piece::read(&STANDARD.decode(row).ok()?, INDEX.into())?), None),
            None => (None, Some(leaves(list)?)),
        };
        let formats = [format.parse().ok()?, fingerprints.parse().ok()?];
        Some(Self::Trie(Trie { formats, config_digest: config_digest.to_owned(), index, leaves }))
    }

    /// The names of the parameters to read next, below the record's own.
    pub fn parameters(&self) -> Vec<String> {
        match self {
            Self::Whole(_) => Vec::new(),
            Self::Numbered(digest, count) => (0..*count).map(|number| format!("{digest}/{number}")).collect(),
            Self::Trie(Trie { leaves: Some(leaves), .. }) => leaves.iter().flat_map(Piece::parameters).collect(),
            Self::Trie(Trie { index, .. }) => index.iter().flat_map(Piece::parameters).collect(),
        }
    }

    /// Returns `true` if the list of leaves is still to be read.
    pub const fn is_unlisted(&self) -> bool {
        matches!(self, Self::Trie(Trie { leaves: None, .. }))
    }

    /// The same head with its list of leaves, as the parameters tell it; without one if that is missing or of another moment.
    #[must_use]
    pub fn listed(mut self, value: &Values<'_>) -> Self {
        if let Self::Trie(Trie { index: Some(index), leaves: list @ None, .. }) = &mut self {
            *list = index.text(value).and_then(|text| leaves(&text));
        }
        self
    }

    /// The record, out of the values of its parameters; none when it cannot be understood.
    pub fn record(&self, value: &Values<'_>) -> Option<Record> {
        let record: Record = match self {
            Self::Whole(packed) => serde_json::from_slice(&trie::unpack(packed)?).ok()?,
            Self::Numbered(digest, _) => {
                let packed: String = self.parameters().iter().map(|name| value(name).unwrap_or_default()).collect();
                let is_whole = hex(&Sha256::digest(&packed)[..8]) == *digest;
                serde_json::from_slice(&trie::unpack(&packed).filter(|_| is_whole)?).ok()?
            }
            Self::Trie(Trie { formats: [format, fingerprints], config_digest, leaves, .. }) => {
                let entries = leaves.as_ref()?.iter().map(|leaf| trie::entries(&leaf.text(value)?));
                let entries = entries.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
                entries::record(*format, config_digest.clone(), *fingerprints, entries)?
            }
        };
        (record.format <= Record::FORMAT).then_some(record)
    }

    fn piece(&self, name: &str) -> Option<&Piece> {
        self.pieces().find(|piece| piece.name == name)
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        let Self::Trie(Trie { index, leaves, .. }) = self else { return None.into_iter().flatten() };
        Some(index.iter().chain(leaves.iter().flatten())).into_iter().flatten()
    }
}

/// The leaves of a list.
fn leaves(list: &str) -> Option<Vec<Piece>> {
    let rows = STANDARD.decode(list).ok()?;
    let rows: Vec<&[u8]> = rows.chunks(ROW).collect();
    let depths: Vec<u8> = rows.iter().filter_map(|row| row.first().copied()).collect();
    let prefixes = Prefix::tiling(&depths)?;
    prefixes.into_iter().zip(rows).map(|(prefix, row)| Piece::read(row, prefix.name())).collect()
}

/// Writes that turn one head into another: pieces first, in any order, then the head, then what nothing points to any more.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// Values of parameters below the record's own.
    pub pieces: Vec<(String, String)>,
    /// The value of the record's own.
    pub head: String,
    /// Parameters below it that are of no use any more.
    pub gone: Vec<String>,
    /// The names of the pieces that the new head points to.
    names: BTreeSet<String>,
}

impl Turn {
    /// The turn from the head `old`, whose list is read, to a record; none when that is too long for any number of parameters.
    pub fn to(record: &Record, old: Option<&Head>) -> Option<Self> {
        let mut turn = Self::default();
        let json = serde_json::to_string(record).ok()?;
        let whole = (json.len() < trie::HOPELESS).then(|| format!("{WHOLE}{}", trie::pack(&json)));
        turn.head = match whole.filter(|head| head.len() <= PARAMETER) {
            Some(head) => head,
            None => turn.trie(record, old)?,
        };
        let gone = old.into_iter().flat_map(Head::pieces).filter(|piece| !turn.names.contains(&piece.name));
        let gone = gone.flat_map(|piece| RecordSlot::BOTH.map(|slot| piece.in_slot(slot))).flatten();
        let numbered = old.filter(|head| matches!(head, Head::Numbered(..))).map(Head::parameters);
        turn.gone = gone.chain(numbered.into_iter().flatten()).collect();
        Some(turn)
    }

    fn trie(&mut self, record: &Record, old: Option<&Head>) -> Option<String> {
        let mut rows = Vec::new();
        for Leaf { prefix, packed } in trie::leaves(&entries::of(record)) {
            let piece = self.piece(prefix.name(), &packed, old)?;
            rows.extend(piece.row(prefix.depth));
        }
        let front = format!("{TRIE}{}:{}:{}:", record.format, Fingerprints::FORMAT, record.config_digest);
        let list = STANDARD.encode(rows);
        if front.len() + list.len() <= PARAMETER {
            return Some(front + &list);
        }
        let index = self.piece(INDEX.into(), &list, old)?;
        Some(format!("{front}{ELSEWHERE}{}", STANDARD.encode(index.row(0))))
    }

    /// Adds a piece, to be written unless it is there already.
    fn piece(&mut self, name: String, text: &str, old: Option<&Head>) -> Option<Piece> {
        let old = old.and_then(|head| head.piece(&name));
        let piece = Piece::of(name, text, old)?;
        if old != Some(&piece) {
            let parts = text.as_bytes().chunks(PARAMETER).map(|part| String::from_utf8_lossy(part).into_owned());
            self.pieces.extend(piece.parameters().into_iter().zip(parts));
        }
        self.names.insert(piece.name.clone());
        Some(piece)
    }
}

fn digest(text: &str) -> [u8; DIGEST] {
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&Sha256::digest(text)[..DIGEST]);
    digest
}

#[cfg(test)]
#[path = "head_tests.rs"]
mod tests;
