//! Harness of the integration tests: an account inside the process and commands that work on it, pictures of an account
//! that can be compared, configs, seeded dice, and a strict fake of an account for the engine.

pub mod account;
pub mod configs;
pub mod dice;
pub mod picture;
pub mod fake;
pub mod faulty;
