//! Hashing of passwords, until the filters bring it.

use crate::diagnostic::{Error, Kind, Result};

/// The hash of a password as `password_hash` makes it.
pub fn encrypt(
    _text: &str,
    scheme: &str,
    _salt: Option<String>,
    _size: Option<String>,
) -> Result<String> {
    Err(Error::new(Kind::Action, format!("hashing passwords with `{scheme}` is not there yet")))
}
