//! Stories: steps out of a seed, and how they are played.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use sha2::Digest;

use super::scene::Scene;
use super::stage::{Stage, ground};
use super::wish::Wish;
use crate::support::account::Lab;
use crate::support::dice::Dice;

/// One step of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// The config changes and is applied.
    Change,
    /// The same with what is blocked left out.
    Skip,
    /// The same while calls come to harm.
    Harm,
    /// The same without a permission.
    Deny,
    /// The same, and the process is killed.
    Kill,
    /// Two runs at once.
    Both,
    /// A plan is saved and applied later.
    Save,
    /// Users work.
    Users,
    /// Somebody changes things by hand.
    Behind,
    /// A command that only looks.
    Look,
    /// Everything goes.
    Destroy,
    /// The record is lost.
    Forget,
    /// The lock is looked at or freed.
    Unlock,
    /// Leftovers of a deleted domain are removed.
    Clean,
    /// Nobody approves.
    Decline,
    /// Time passes.
    Wait,
}

impl Deed {
    /// All deeds that a story may have.
    pub const ALL: [Self; 16] = [
        Self::Change,
        Self::Skip,
        Self::Harm,
        Self::Deny,
        Self::Kill,
        Self::Both,
        Self::Save,
        Self::Users,
        Self::Behind,
        Self::Look,
        Self::Destroy,
        Self::Forget,
        Self::Unlock,
        Self::Clean,
        Self::Decline,
        Self::Wait,
    ];

    fn of(dice: &mut Dice) -> Self {
        match dice.roll(40) {
            0..8 => Self::Change,
            8..10 => Self::Skip,
            10..14 => Self::Harm,
            14..16 => Self::Deny,
            16..21 => Self::Kill,
            21..23 => Self::Both,
            23..25 => Self::Save,
            25..29 => Self::Users,
            29..32 => Self::Behind,
            32 => Self::Look,
            33..35 => Self::Destroy,
            35 => Self::Forget,
            36 => Self::Unlock,
            37 => Self::Clean,
            38 => Self::Decline,
            _ => Self::Wait,
        }
    }

    /// Returns `true` if the config is another one in it.
    const fn changes(self) -> bool {
        matches!(self, Self::Change | Self::Skip | Self::Harm | Self::Deny | Self::Kill | Self::Both | Self::Save)
    }
}

/// Thing that is counted over stories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    Commands,
    Calls,
    Faults,
    Kills,
    Deed(Deed),
    Code(u8),
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with {code}"),
            Self::Deed(deed) => write!(f, "{deed:?}"),
            other => write!(f, "{}", format!("{other:?}").to_lowercase()),
        }
    }
}

/// A step: what happens, and what its choices are made of.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub deed: Deed,
    pub seed: u64,
}

/// Story that a seed tells: its steps, in order.
#[derive(Debug)]
pub struct Story {
    seed: u64,
    pub steps: Vec<Step>,
}

/// Log, digest and counts of a story that was played.
#[derive(Debug, Default)]
pub struct Told {
    pub log: Vec<String>,
    pub digest: String,
    pub counts: BTreeMap<Count, usize>,
    pub failure: Option<String>,
}

/// A seed for one part of what another seed is for (SplitMix64).
pub fn part(seed: u64, number: u64) -> u64 {
    let z = seed.wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Story {
    /// The story of a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(part(seed, 0));
        let mut steps = vec![Step { deed: Deed::Change, seed: part(seed, 1) }];
        for number in 0..3 + dice.roll(6) {
            steps.push(Step { deed: Deed::of(&mut dice), seed: part(seed, number + 2) });
        }
        Self { seed, steps }
    }

    /// The config of each step.
    fn wishes(&self, steps: &[usize]) -> Vec<Wish> {
        let scratch = Lab::new();
        let fits = |wish: &Wish| {
            let ended = scratch.run(&["validate"], &wish.text());
            // What AWS would refuse is a warning here, and an error of an apply.
            ended.code == 0 && !ended.notes_show("SD15") && !ended.shows("SD15")
        };
        let mut first = Dice::new(part(self.seed, 99));
        let mut wish = Wish::first(&mut first);
        while !fits(&wish) {
            wish = Wish::first(&mut first);
        }
        let mut wishes = vec![wish.clone()];
        for (at, step) in steps.iter().map(|at| &self.steps[*at]).enumerate() {
            let mut dice = Dice::new(part(step.seed, 1));
            if step.deed.changes() && at > 0 {
                for _ in 0..=dice.roll(3) {
                    let mut next = wish.clone();
                    next.change(&mut dice);
                    if fits(&next) {
                        wish = next;
                    }
                }
            }
            wishes.push(wish.clone());
        }
        wishes
    }

    /// Plays some of the steps.
    pub fn play(&self, steps: &[usize]) -> Told {
        let wishes = self.wishes(steps);
        let mut texts: Vec<String> = wishes.iter().map(Wish::text).collect();
        texts.dedup();
        let ground = ground(&texts);
        // The pauses between the SDK's attempts are dice as well.
        fastrand::seed(part(self.seed, 97));
        let mut dice = Dice::new(part(self.seed, 98));
        let weather = format!("merge={},stale-reads={}", dice.one(&["deep", "shallow"]), dice.roll(3));
        let mut scene = Scene::new(Stage::new(&ground, &weather));
        let played = catch_unwind(AssertUnwindSafe(|| {
            let mut before = String::new();
            for (at, wish) in steps.iter().zip(&wishes[1..]) {
                let step = self.steps[*at];
                let text = wish.text();
                let config = if text == before { String::new() } else { format!("\n   {}", wish.line()) };
                scene.log.push(format!("{}. {:?}{config}", at + 1, step.deed));
                before.clone_from(&text);
                scene.step(step, &text).map_err(|why| format!("step {}: {why}", at + 1))?;
            }
            scene.log.push("in the end".into());
            scene.heal(wishes.last().unwrap(), &ground).map_err(|why| format!("in the end: {why}"))
        }));
        let failure = match played {
            Ok(played) => played.err(),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Some(format!("panicked: {}", text.unwrap_or_default()))
            }
        };
        for at in steps {
            *scene.counts.entry(Count::Deed(self.steps[*at].deed)).or_default() += 1;
        }
        let digest = scene.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Told { log: scene.log, digest, counts: scene.counts, failure }
    }
}
