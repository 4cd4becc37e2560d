//! One deployment, and many, from files to a report, whoever asks for it: no command line and no screen.
//!
//! ```text
//! files ─load→ Loaded ─connect→ Connected ─resolve→ Resolved ─plan→ Planned ─execute→ Executed
//! ```
//!
//! Each stage owns what it found out, and nothing finds it out a second time: files are read once, a config is resolved
//! once it is known where it is for (and once more when it has parameters to fill in), a graph is lowered once.

mod agreement;
pub mod backend;
mod cleanup;
pub mod connected;
mod files;
pub mod fleet;
pub mod host;
pub mod identity;
pub mod load;
pub mod lock;
pub mod planned;
pub mod resolved;
mod review;
pub mod run;
pub mod sessions;
pub mod signals;

pub use backend::Backend;
pub use connected::{Bus, Connected};
pub use host::Host;
pub use identity::IdentityNames;
pub use load::{LoadOptions, Loaded, LoadedAll};
pub use planned::Planned;
pub use resolved::Resolved;
pub use review::review;
pub use run::{Executed, Execution, Observer, execute};
pub use sessions::Sessions;
