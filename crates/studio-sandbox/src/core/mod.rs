//! The ground that every service stands on: the wire, the world and its file, who may do what, time, and what goes
//! wrong.

pub mod authorization;
pub mod faults;
pub mod front;
pub mod hostile;
pub mod http_client;
pub mod policy;
pub mod records;
pub mod seed;
pub mod serve;
pub mod sleep;
pub mod store;
pub mod wire;
pub mod world;

mod journal;
mod lag;
pub mod protocol;
pub mod service;
#[cfg(test)]
pub mod testing;
pub mod xml;
