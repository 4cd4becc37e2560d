//! An AWS inside the process, as far as Amazon SageMaker Studio needs one, that knows nothing of who calls it.
//!
//! A [`Sandbox`] answers real HTTP requests. In `core`, `http_client` and `serve` take them in, `front` finds out who asks
//! which service for what, and `store` writes down what changed in the one [`World`] before the answer leaves; `faults`,
//! `lag` and `hostile` make it as unpleasant as AWS can be. `services` has a file or a few for each service, and `studio`
//! the largest of them, SageMaker. One request is one synchronous turn.
//!
//! The modules are private, so that the compiler finds what nothing uses; what follows is all that a caller may know.

mod core;
mod services;
mod studio;

pub use core::authorization::Decision;
pub use core::faults::{FaultError, Faults};
pub use core::front::{Call, Sandbox, SandboxOptions};
pub use core::hostile::TEXT as HOSTILE_TEXT;
pub use core::policy::{Keys, RequestContext, Verdict, evaluate};
pub use core::records::{ROLES, Role};
pub use core::seed::{Seed, SeedRole, SeedSubnet};
pub use core::serve::serve;
pub use core::sleep::{Latency, LatencyError};
pub use core::store::{StoreError, beside, remove_file};
pub use core::wire::{Principal, Request, Response};
pub use core::world::{RecordChange, World};
pub use studio::records::{
    APP_IMAGE_CONFIGS, FOREIGN_LIFECYCLE_CONFIGS, IMAGE_VERSIONS, IMAGES, LifecycleConfigRecord, Stored,
};
