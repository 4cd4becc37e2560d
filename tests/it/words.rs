//! Texts that people write: references wherever text may stand, mistakes of every kind together, names that a service
//! takes or not, and as many tags as fit.

mod differences;
mod keys;
mod mistakes;
mod odd;
mod parameter_names;
mod places;
mod rules;
mod sizes;
mod tags;
