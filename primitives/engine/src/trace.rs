//! A run as a machine, so that one step of it can be executed by itself.
//!
//! A run is a sequence of steps over a flat memory of pages. The state after a step is the root of
//! the memory's tree, the trace is the tree over these states. Whoever agrees on the state before a
//! step finds out by that step alone which state comes after it: its witness opens the pages that
//! the step reads and writes, and [`Program::execute`] runs it on them.
//!
//! [`Program`] says which step computes what; it is the same for everybody. [`Trace`] is the side of
//! somebody who has the weights. What the end state holds is what [`Model::run`](crate::Model::run)
//! gives, for every model that loads.

mod attention;
mod bert;
mod cnn;
mod layout;
mod llama;
mod machine;
mod memory;
mod mlp;
mod product;
mod program;
mod record;
mod table;
mod tree;
mod witness;

pub use program::{Cost, Operation, Program, Step};
pub use record::{Fault, Limits, Proven, Trace};
pub use table::{check, check_from};
#[cfg(feature = "std")]
pub use tree::Blake;
pub use tree::{fold, node_at, pages_depth, pages_root, Hash, Hasher, CHUNK_DEPTH, PAGE};
pub use witness::{End, EndWitness, Page, TraceFault, Witness, MAX_HASHES, MAX_PAGES};

/// Levels of the trace's tree that one move of a descent goes down.
pub const LEVELS: u32 = 6;
