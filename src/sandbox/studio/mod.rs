//! Studio: domains, user profiles, spaces, apps and lifecycle configurations.

use serde_json::Value as Json;

use super::wire::{Answer, Caller, Refusal};
use super::world::World;

/// Answers one operation of the SageMaker API.
pub fn handle(_world: &mut World, operation: &str, _input: &Json, _caller: &Caller) -> Answer {
    Err(Refusal::new("UnknownOperationException", format!("The sandbox does not know the operation {operation}.")))
}
