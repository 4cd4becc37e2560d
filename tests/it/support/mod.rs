//! Harness of the integration tests. A command runs in this process on an account in memory ([`account::Lab`]) or as a real
//! process in a folder ([`program::Desk`]), and ends as an [`ended::Ended`] either way. Beside them stand the configs that
//! more than one test uses, what happens to an account behind a command's back, pictures of accounts that can be compared,
//! seeded dice, and a strict fake of an account for the engine alone.

pub mod account;
pub mod behind;
pub mod configs;
pub mod dice;
pub mod ended;
pub mod fake;
pub mod faulty;
pub mod picture;
pub mod program;
