//! `skippy`: as the default callback, without what is skipped.

use super::{Callback, Default, Display, Registration, default::Options};
use crate::event::Event;

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "skippy",
    collection: "ansible.posix",
    summary: "the default output, without skipped hosts and items",
    make: |settings, display| {
        Box::new(Skippy(Default::new(Options::read(settings, display.is_check()))))
    },
};

struct Skippy(Default);

impl Callback for Skippy {
    fn event(&mut self, event: &Event, display: &Display) {
        if !matches!(event, Event::Skipped(_) | Event::ItemSkipped(_)) {
            self.0.event(event, display);
        }
    }
}
