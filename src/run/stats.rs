//! Counting results for the recap.

use std::sync::Arc;

use crate::event::{Counts, Stats};

impl Stats {
    /// The counts of a host, made when it first counts.
    pub fn of(&mut self, host: &Arc<str>) -> &mut Counts {
        self.hosts.entry(Arc::clone(host)).or_default()
    }
}
