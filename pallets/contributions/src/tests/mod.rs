//! Tests, by feature.

mod config;
mod cost;
mod distribution;
mod lineage;
mod math;
mod proposals;
mod shares;
mod stateful;
mod try_state;
mod views;
