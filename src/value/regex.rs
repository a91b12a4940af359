//! Python's `re`, which hosts' modules use too.

pub use vmstation_host::regex::{Flags, Match, Pattern, escape};

use super::{PyError, PyErrorKind};

impl From<vmstation_host::regex::Error> for PyError {
    fn from(error: vmstation_host::regex::Error) -> Self {
        let kind = match error.class {
            "IndexError" => PyErrorKind::IndexError,
            other => PyErrorKind::Other(other),
        };
        Self::new(kind, error.message)
    }
}
