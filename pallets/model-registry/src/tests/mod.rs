//! Tests, a file per feature.

mod approval;
mod artifacts;
mod deregister;
mod drop;
mod inspect;
mod keeping;
mod limits;
mod lineage;
mod metadata;
mod organisation;
mod ownership;
mod pages;
mod propose;
mod prune;
mod register;
mod revoke;
mod suspension;
mod transitions;
mod try_state;
