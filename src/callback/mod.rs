//! What people see of a run: one file a callback. A callback sees events and nothing else.

mod default;
mod diff;
mod display;
mod minimal;
mod oneline;
mod render;

use std::sync::Arc;

use parking_lot::Mutex;

pub use display::{Colour, Display, DisplayOptions};
pub use render::{ResultFormat, ResultOptions};

use crate::{
    config::Settings,
    diagnostic::{Error, Kind, Result},
    event::{Event, EventSink},
};

/// Takes events and tells people, or files, about them.
pub trait Callback: Send {
    /// Takes an event.
    fn event(&mut self, event: &Event, display: &Display);
}

/// A callback that can be chosen by name.
pub struct Registration {
    /// Its name, without a collection.
    pub name: &'static str,
    /// One sentence about it.
    pub summary: &'static str,
    /// Makes one.
    pub make: fn(&Settings, &Display) -> Box<dyn Callback>,
}

/// Every callback that can be `stdout_callback`.
pub static STDOUT: &[&Registration] =
    &[&default::REGISTRATION, &minimal::REGISTRATION, &oneline::REGISTRATION];

/// The callbacks of a run, with what they all share: the display.
pub struct Callbacks {
    display: Arc<Display>,
    all: Mutex<Vec<Box<dyn Callback>>>,
}

impl Callbacks {
    /// The callbacks that the settings name.
    ///
    /// # Errors
    /// A name that no callback has.
    pub fn load(stdout: &str, settings: &Settings, display: Arc<Display>) -> Result<Arc<Self>> {
        let short = stdout.rsplit('.').next().unwrap_or(stdout);
        let Some(found) = STDOUT.iter().find(|r| r.name == short) else {
            return Err(Error::new(
                Kind::Options,
                format!("Invalid callback for stdout specified: {stdout}"),
            ));
        };
        let first = (found.make)(settings, &display);
        Ok(Arc::new(Self { display, all: Mutex::new(vec![first]) }))
    }
}

impl EventSink for Callbacks {
    fn event(&self, event: &Event) {
        // What every callback would show in the same way is shown here, once.
        match event {
            Event::Warning(text) => self.display.warning(text),
            Event::Deprecated(text) => self.display.deprecated(text),
            Event::Verbose(level, text, host) => {
                self.display.verbose(*level, text, host.as_deref());
            }
            Event::Line(text) => self.display.line(text, None, false),
            Event::Banner(text) => self.display.banner(text),
            Event::Error(e) => self.display.error(&crate::diagnostic::ansible_text(e)),
            _ => {}
        }
        for callback in self.all.lock().iter_mut() {
            callback.event(event, &self.display);
        }
        // Somebody watches, or reads along: an event is shown when it happens.
        self.display.flush();
    }
}
