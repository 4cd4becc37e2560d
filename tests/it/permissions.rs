//! Policies that `permissions` prints: enough for every command of an environment's life, nothing that none of them
//! needs, and nothing of anybody else's. The account enforces it on a role that has these policies and no others.

mod behind;
mod foreign;
mod holder;
mod needed;
mod printed;
mod story;
