//! SageMaker Studio: what domains, user profiles, spaces and lifecycle configs share.

pub mod settings;
pub mod tags;
pub mod wait;
