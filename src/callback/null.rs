//! `null`: nothing but warnings and errors.

use super::{Callback, Display, Registration};
use crate::event::Event;

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "null",
    collection: "community.general",
    summary: "no output",
    make: |_, _| Box::new(Null),
};

struct Null;

impl Callback for Null {
    fn event(&mut self, _: &Event, _: &Display) {}
}
