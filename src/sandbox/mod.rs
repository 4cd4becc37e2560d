//! The embedded AWS behind `--sandbox`.

pub mod records;
pub mod studio;
pub mod wire;
pub mod world;
