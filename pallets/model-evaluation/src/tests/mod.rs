//! Tests, by feature.

mod admission;
mod admission_here;
mod evaluation;
mod gate;
mod hold_out;
mod measure;
mod place;
mod stateful;
