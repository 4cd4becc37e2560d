//! The real program as its users run it: processes, files, pipes and exit codes.

mod codes;
mod commands;
mod edits;
mod http;
mod left_locks;
mod misuse;
mod odd_files;
mod saved;
mod streams;

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::support::account::IDENTITY;
use crate::support::program::{Desk, PROGRAM, SANDBOX, end};

/// The deployment that every test is about.
const NAME: &str = "acme/dev/ml/studio";
