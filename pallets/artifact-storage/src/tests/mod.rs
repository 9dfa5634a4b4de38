//! Tests, a file per feature.

mod chunk_store;
mod expiry;
mod indexing;
mod release;
mod renew;
mod store;
