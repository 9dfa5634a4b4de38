//! Tests, a file per feature.

mod expiry;
mod indexing;
mod release;
mod renew;
mod store;
