//! Shorthands for values that are known to be plain data: results, rendered arguments.

use super::{Value, ops, repr, types};

impl Value {
    /// Python's truth. What has none (an undefined name, text that can't be decrypted) is false.
    pub fn is_true(&self) -> bool {
        ops::truth(self).unwrap_or(false)
    }

    /// Python's `str()`. What can't be shown is empty.
    pub fn to_text(&self) -> String {
        repr::to_text(self).unwrap_or_default()
    }

    /// Python's `repr()`. What can't be shown is empty.
    pub fn repr(&self) -> String {
        repr::repr(self).unwrap_or_default()
    }

    /// Python's name of the type.
    pub fn type_name(&self) -> &str {
        types::type_name(self)
    }

    /// Python's equality; values that can't be compared are not equal.
    pub fn equals(&self, other: &Self) -> bool {
        ops::eq(self, other).unwrap_or(false)
    }
}
