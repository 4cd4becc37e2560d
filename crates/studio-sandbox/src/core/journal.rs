//! The sandbox's file as text: a header that vouches for every byte behind it, then a line for each turn.
//!
//! A turn is committed as in any write-ahead log: its line is appended first, and only then does the header count it in,
//! with the new length and the SHA-256 digest of all lines. A process that is killed between the two leaves one line, or
//! the beginning of one, that the header knows nothing of; nobody was answered, so it is dropped. A file that was cut,
//! even at the end of a line, damaged or stuck together from two is told by the header and refused.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::world::RecordChange;

/// Beginning of the header of every version, and of the file of no other program.
const KIN: &[u8] = b"{\"format\":\"studio-deploy-sandbox/";
/// The format that this version writes, and the only one that it reads.
const FORMAT: &str = "studio-deploy-sandbox/2";

/// The first line; always equally long, since it is written over in place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    format: String,
    /// Which writing of the file this is; another one means that everything has to be read anew.
    pub generation: u64,
    /// How many lines there are.
    pub turns: u64,
    /// How long they are together.
    pub length: u64,
    digest: String,
}

impl Header {
    /// Its length in bytes.
    pub const LENGTH: usize = 206;

    /// The header in front of `lines`.
    pub fn of(generation: u64, lines: &Lines) -> Self {
        Self {
            format: FORMAT.into(),
            generation,
            turns: lines.turns,
            length: lines.length,
            digest: lines.digest(generation),
        }
    }

    /// The line. Numbers are padded with blanks, which JSON allows and leading zeros it does not.
    pub fn text(&self) -> String {
        let Self { format, generation, turns, length, digest } = self;
        format!(
            "{{\"format\":\"{format}\",\"generation\":{generation:>20},\"turns\":{turns:>20},\"length\":{length:>20},\
             \"digest\":\"{digest}\"}}\n"
        )
    }

    /// Reads what a file begins with.
    ///
    /// # Errors
    /// Why it is not the beginning of a sandbox's file of this version.
    pub fn read(start: &[u8]) -> Result<Self, Damage> {
        if !is_kin(start) {
            return Err(if start.is_empty() { Damage::Empty } else { Damage::Foreign });
        }
        let rest = &start[KIN.len()..];
        let version = rest.split(|byte| *byte == b'"').next().filter(|version| version.len() < rest.len());
        let version = version.map(|version| format!("studio-deploy-sandbox/{}", String::from_utf8_lossy(version)));
        if let Some(other) = version.filter(|version| version != FORMAT) {
            return Err(Damage::Version(other));
        }
        let header = start.get(..Self::LENGTH).and_then(|line| serde_json::from_slice::<Self>(line).ok());
        // What does not come out as it went in was changed by somebody else.
        let header = header.filter(|header| header.text().as_bytes() == &start[..Self::LENGTH]);
        header.ok_or_else(|| Damage::Broken("its first line is damaged".into()))
    }
}

/// Returns `true` if a file that begins with `start` is a sandbox's, of any version and in any state.
pub(super) fn is_kin(start: &[u8]) -> bool {
    start.starts_with(KIN)
}

/// Reason why a file is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// There is nothing in it, which no sandbox's file ever is.
    Empty,
    /// Written by some other program.
    Foreign,
    /// Written by another version.
    Version(String),
    /// A sandbox's file that is not as it was written.
    Broken(String),
}

/// One turn as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Turn {
    turn: u64,
    changes: Vec<RecordChange>,
}

/// The lines behind a header, as far as they were read or written.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    pub turns: u64,
    pub length: u64,
    hash: Sha256,
}

impl Lines {
    /// The next line with these changes.
    pub fn next(&self, changes: Vec<RecordChange>) -> Vec<u8> {
        let turn = Turn { turn: self.turns + 1, changes };
        let mut line = serde_json::to_vec(&turn).expect("changes consist of JSON values");
        line.push(b'\n');
        line
    }

    /// Counts in a line that was written.
    pub fn push(&mut self, line: &[u8]) {
        self.turns += 1;
        self.length += line.len() as u64;
        self.hash.update(line);
    }

    /// Takes in the lines that `header` knows of beyond these.
    ///
    /// # Errors
    /// What is wrong with them; nothing is taken in then.
    pub fn read(&mut self, text: &[u8], header: &Header) -> Result<Vec<Vec<RecordChange>>, Damage> {
        let mut lines = self.clone();
        let mut turns = Vec::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            lines.push(line);
            let turn: Option<Turn> = serde_json::from_slice(line).ok();
            turns.push(turn.filter(|turn| turn.turn == lines.turns));
        }
        if (lines.turns, lines.length) != (header.turns, header.length)
            || lines.digest(header.generation) != header.digest
        {
            return Err(Damage::Broken("what stands in it is not what was written".into()));
        }
        // The digest has vouched for each line, so that what does not parse was never written by this version.
        let turns: Option<Vec<Vec<RecordChange>>> = turns.into_iter().map(|turn| Some(turn?.changes)).collect();
        let turns = turns.ok_or_else(|| Damage::Broken("a line of it cannot be read".into()))?;
        *self = lines;
        Ok(turns)
    }

    /// Returns `true` if `tail`, which stands behind everything that the header knows of, is the work of a process that
    /// was killed before it answered: the next line, or the beginning of it.
    pub fn is_unanswered(&self, tail: &[u8]) -> bool {
        let begins = format!("{{\"turn\":{},\"changes\":[", self.turns + 1).into_bytes();
        let known = tail.len().min(begins.len());
        let pieces = tail.split(|byte| *byte == b'\n').count();
        tail[..known] == begins[..known] && (pieces == 1 || pieces == 2 && tail.ends_with(b"\n"))
    }

    fn digest(&self, generation: u64) -> String {
        self.hash
            .clone()
            .chain_update(generation.to_be_bytes())
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_always_equally_long_and_reads_back() {
        let mut lines = Lines::default();
        for generation in [0, 7, u64::MAX] {
            let header = Header::of(generation, &lines);
            assert_eq!(header.text().len(), Header::LENGTH);
            assert_eq!(Header::read(header.text().as_bytes()), Ok(header));
            let line = lines.next(Vec::new());
            lines.push(&line);
        }
    }

    #[test]
    fn only_the_next_line_is_taken_for_unanswered() {
        let mut lines = Lines::default();
        let first = lines.next(Vec::new());
        assert!((0..=first.len()).all(|end| lines.is_unanswered(&first[..end])));
        assert!(!lines.is_unanswered(&[first.clone(), first.clone()].concat()));
        assert!(!lines.is_unanswered(b"nonsense"));
        lines.push(&first);
        assert!(!lines.is_unanswered(&first), "it is the last one again");
    }
}
