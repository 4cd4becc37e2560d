//! An AWS inside the process, as far as Amazon SageMaker Studio needs one, that knows nothing of who calls it.
//!
//! It answers real HTTP requests. In `core`, `http_client` and `serve` take them in, `front` finds out who asks which
//! service for what, and `store` writes down what changed in the one [`core::world::World`] before the answer leaves;
//! `faults`, `lag` and `hostile` make it as unpleasant as AWS can be. `services` has a file or a few for each service, and
//! [`studio`] the largest of them, SageMaker. One request is one synchronous turn.

pub mod core;
pub mod studio;

pub(crate) mod services;
