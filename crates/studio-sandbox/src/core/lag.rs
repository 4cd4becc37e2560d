//! Reads that lag behind writes, and lists in no order: AWS on a bad day.

use serde_json::Value as Json;

use super::world::{RecordChange, World};

/// Time for which the tagging API does not know of a change: its index is built behind the services' backs.
const TAGGING_LAG: i64 = 5_000;

/// Records as they were before recent writes, which reads that lag still answer: AWS's eventual consistency.
#[derive(Debug)]
pub struct Lag {
    stale_reads: u32,
    /// Milliseconds by which the tagging API is behind.
    tagging: i64,
    writes: Vec<Write>,
}

#[derive(Debug)]
struct Write {
    before: RecordChange,
    at: i64,
    reads_left: u32,
}

impl Lag {
    /// Reads lag this many times after a write; an adversary lags once at least, and its tagging API always.
    pub fn new(stale_reads: u32, adversary: bool) -> Self {
        let tagging = if adversary { TAGGING_LAG } else { 0 };
        Self { stale_reads: stale_reads.max(u32::from(adversary)), tagging, writes: Vec::new() }
    }

    /// The same lag with a tagging API that is so far behind: it has not heard of earlier writes either.
    #[must_use]
    pub fn with_tagging(self, behind: i64, earlier: Self) -> Self {
        let writes = earlier.writes.into_iter().map(|write| Write { reads_left: 0, ..write }).collect();
        Self { tagging: behind, writes, ..self }
    }

    /// Takes note of what a turn replaced.
    pub fn remember(&mut self, replaced: Vec<RecordChange>, now: i64) {
        if self.stale_reads == 0 && self.tagging == 0 {
            return;
        }
        let reads_left = self.stale_reads;
        let fresh = replaced.into_iter().filter(|change| change.table != "meta");
        self.writes.retain(|write| write.at + self.tagging.max(TAGGING_LAG) > now);
        self.writes.extend(fresh.map(|before| Write { before, at: now, reads_left }));
    }

    /// Lets every read see the present.
    pub fn forget(&mut self) {
        self.writes.clear();
    }

    /// Puts the past in place for one read of `service`; what it returns goes back with [`Lag::restore`].
    pub fn hold_back(&mut self, world: &mut World, service: &str) -> Vec<RecordChange> {
        let now = world.now();
        let mut held = Vec::new();
        // Newest first, so that the oldest version within the lag is the one that stays.
        for write in self.writes.iter_mut().rev() {
            let stale = match service {
                "iam" | "ssm" => {
                    let own = write.before.table.split('/').next() == Some(service) && write.reads_left > 0;
                    write.reads_left -= u32::from(own);
                    own
                }
                "tagging" => write.at + self.tagging > now,
                _ => false,
            };
            if stale {
                held.push(world.swap(write.before.clone()));
            }
        }
        held
    }

    /// Puts the present back.
    pub fn restore(world: &mut World, held: Vec<RecordChange>) {
        for change in held.into_iter().rev() {
            world.swap(change);
        }
    }
}

/// Puts every list of an answer into an order that depends on `seed` only.
pub fn shuffle(answer: &mut Json, seed: u64) {
    match answer {
        Json::Array(items) => {
            let mut state = seed;
            for last in (1..items.len()).rev() {
                // Knuth's linear congruential generator: any spread will do.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let other = usize::try_from(state >> 33).unwrap_or(0) % (last + 1);
                items.swap(last, other);
            }
            for item in items {
                shuffle(item, seed);
            }
        }
        Json::Object(members) => members.values_mut().for_each(|member| shuffle(member, seed)),
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_read_sees_the_past_and_the_second_the_present() {
        let (mut world, mut lag) = (World::default(), Lag::new(1, false));
        world.put("iam/role", "ann", &1);
        world.put("iam/role", "ann", &2);
        lag.remember(world.take_replaced(), world.now());
        let mut read = |service: &str| {
            let held = lag.hold_back(&mut world, service);
            let seen: Option<u64> = world.get("iam/role", "ann");
            Lag::restore(&mut world, held);
            assert_eq!(world.get::<u64>("iam/role", "ann"), Some(2));
            seen
        };
        assert_eq!(read("kms"), Some(2));
        assert_eq!(read("iam"), None);
        assert_eq!(read("iam"), Some(2));
        assert_eq!(read("tagging"), Some(2));
    }

    #[test]
    fn an_adversarys_tagging_lags_by_the_clock() {
        let (mut world, mut lag) = (World::default(), Lag::new(0, true));
        world.put("kms/key", "k", &1);
        lag.remember(world.take_replaced(), world.now());
        for expected in [None, None, Some(1)] {
            let held = lag.hold_back(&mut world, "tagging");
            assert_eq!(world.get::<u64>("kms/key", "k"), expected);
            Lag::restore(&mut world, held);
            world.advance(3_000);
        }
    }

    #[test]
    fn shuffling_keeps_the_entries_and_is_repeatable() {
        let mut answer = json!({"Items": [1, 2, 3, 4, 5, 6, 7, 8]});
        shuffle(&mut answer, 7);
        let mut again = json!({"Items": [1, 2, 3, 4, 5, 6, 7, 8]});
        shuffle(&mut again, 7);
        assert_eq!(answer, again);
        assert_ne!(answer, json!({"Items": [1, 2, 3, 4, 5, 6, 7, 8]}));
        let mut items: Vec<u64> = serde_json::from_value(answer["Items"].clone()).unwrap();
        items.sort_unstable();
        assert_eq!(items, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
