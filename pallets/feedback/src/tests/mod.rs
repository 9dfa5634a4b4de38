//! One file per feature.

mod attacks;
mod commit;
mod reveal;
mod rounds;
mod score;
mod settle;
mod simulation;
mod stateful;
mod try_state;
mod views;
