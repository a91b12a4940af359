//! Variables: precedence as one ordered list of layers, read lazily.

mod facts;
mod hostvars;
mod listing;
#[cfg(test)]
mod listing_tests;
mod magic;
mod stack;
mod world;

pub use self::{
    hostvars::HostVars,
    listing::Listing,
    magic::{PlayView, RunOptions, VERSION},
    stack::{Layer, Stack},
    world::{Options, World},
};
