//! The nouns that every stage of the line shares: plain data, no I/O.
//!
//! Architecture invariant: nothing below `model`, `plan` and `config` knows `async`, the SDK, a file, a clock or the
//! environment.

pub mod address;
pub mod arn;
pub mod deployment;
pub mod graph;
pub mod manifest;
pub mod snapshot;
pub mod value;

pub use address::{Address, Kind};
pub use arn::Arn;
pub use deployment::Deployment;
pub use graph::{Graph, Node, Source};
pub use manifest::{AssetFile, AssetLocation, Manifest};
pub use snapshot::{Found, Observed, Owner, Snapshot, State, Timestamps};
pub use value::{Part, Path, Text, Value};
