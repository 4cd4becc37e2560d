//! What the integration tests share: an account inside the process and commands that work on it, pictures of an account
//! that can be compared, configs, and a strict fake of an account for the engine.

pub mod account;
pub mod configs;
pub mod picture;
pub mod fake;
pub mod faulty;
