//! Variables: precedence as one ordered list of layers, read lazily.

mod facts;
mod hostvars;
mod magic;
mod stack;
mod world;

pub use self::{
    hostvars::HostVars,
    magic::{PlayView, RunOptions, VERSION},
    stack::{Layer, Stack},
    world::{Options, World},
};
