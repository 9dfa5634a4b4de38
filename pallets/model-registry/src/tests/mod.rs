//! Tests, a file per feature.

mod inspect;
mod ownership;
mod propose;
mod register;
mod revoke;
mod transitions;
