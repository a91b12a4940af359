//! `timer`: how long the run took, after the recap.

use std::time::Instant;

use super::{Callback, Display, Registration};
use crate::event::Event;

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "timer",
    collection: "ansible.posix",
    summary: "how long the run took",
    make: |_, _| Box::new(Timer(Instant::now())),
};

struct Timer(Instant);

impl Callback for Timer {
    fn event(&mut self, event: &Event, display: &Display) {
        if !matches!(event, Event::Stats(_)) {
            return;
        }
        let seconds = self.0.elapsed().as_secs();
        let text = format!(
            "Playbook run took {} days, {} hours, {} minutes, {} seconds",
            seconds / 86_400,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60
        );
        display.line(&text, None, false);
    }
}
