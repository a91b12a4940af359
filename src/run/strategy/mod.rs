//! Who goes next.

pub mod free;
pub mod linear;
