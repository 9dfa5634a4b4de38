//! Tests, a file per feature.

mod artifacts;
mod inspect;
mod limits;
mod ownership;
mod propose;
mod register;
mod revoke;
mod transitions;
