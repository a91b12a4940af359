//! Variables: precedence as one ordered list of layers, read lazily.

mod fact_cache;
mod facts;
mod hostvars;
mod listing;
#[cfg(test)]
mod listing_tests;
mod magic;
mod stack;
mod world;

pub use self::{
    fact_cache::FactCache,
    hostvars::HostVars,
    listing::Listing,
    magic::{PlayView, RunOptions, VERSION},
    stack::{Layer, Stack},
    world::{Options, VarsRoot, World},
};
