//! Random choices that a seed repeats.

/// A linear congruential generator with Knuth's constants for MMIX. Its high bits are the good ones.
pub struct Dice(u64);

impl Dice {
    /// The choices that follow from a seed. The first one differs too little from seed to seed, and is thrown away.
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed);
        dice.roll(2);
        dice
    }

    /// A number below `limit`.
    pub fn roll(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// One of several texts.
    pub fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }
}
