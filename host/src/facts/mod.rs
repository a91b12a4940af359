//! Facts: one file a collector; registered below.

use crate::context::Context;
use crate::data::Map;

/// What finds out some facts.
pub struct Collector {
    /// The name of the file, and of the subset in `gather_subset`.
    pub name: &'static str,
    /// Other subsets that it belongs to (`min`, `hardware`, `network`, `virtual`, …).
    pub subsets: &'static [&'static str],
    /// Add facts, named without the prefix `ansible_`. What can't be found out is left out.
    pub collect: fn(&mut Context<'_>, &mut Map),
}

/// Every collector, in the order they run.
pub static COLLECTORS: &[&Collector] = &[];
