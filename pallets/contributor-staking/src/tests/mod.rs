//! One file per feature.

mod bond;
mod chill;
mod config;
mod draw;
mod genesis;
mod hot_key;
mod info;
mod reward;
mod slash;
mod stateful;
mod sum_tree;
mod try_state;
mod unbond;
mod withdraw;
