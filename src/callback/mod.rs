//! What people see of a run: one file a callback. A callback sees events and nothing else.

mod clean;
mod debug;
mod default;
mod dense;
mod diff;
mod display;
mod json;
mod junit;
mod log_plays;
mod minimal;
mod null;
mod oneline;
mod profile_roles;
mod profile_tasks;
mod render;
mod skippy;
mod stopwatch;
mod timer;
mod tree;
mod unixy;
mod xml;
mod yaml;

use std::sync::Arc;

use parking_lot::Mutex;

use default::Default;
pub use diff::unified as unified_diff;
pub use display::{Colour, Display, DisplayOptions};
pub use render::{ResultFormat, ResultOptions, ResultText};

use crate::{
    config::{Settings, options},
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
    /// The collection that it comes from.
    pub collection: &'static str,
    /// One sentence about it.
    pub summary: &'static str,
    /// Makes one.
    pub make: fn(&Settings, &Display) -> Box<dyn Callback>,
}

impl Registration {
    /// Whether it goes by this name.
    fn is(&self, name: &str) -> bool {
        match name.rsplit_once('.') {
            None => name == self.name,
            Some(("ansible.legacy", short)) => short == self.name,
            Some((collection, short)) => collection == self.collection && short == self.name,
        }
    }
}

/// Every callback that can be `stdout_callback`.
pub static STDOUT: &[&Registration] = &[
    &debug::REGISTRATION,
    &default::REGISTRATION,
    &dense::REGISTRATION,
    &json::REGISTRATION,
    &minimal::REGISTRATION,
    &null::REGISTRATION,
    &oneline::REGISTRATION,
    &skippy::REGISTRATION,
    &unixy::REGISTRATION,
    &yaml::REGISTRATION,
];

/// Every callback that `callbacks_enabled` can name.
pub static ENABLED: &[&Registration] = &[
    // Those of ansible itself go first, whatever the order in which they are named.
    &junit::REGISTRATION,
    &tree::REGISTRATION,
    &log_plays::REGISTRATION,
    &profile_roles::REGISTRATION,
    &profile_tasks::REGISTRATION,
    &timer::REGISTRATION,
];

/// Those of [`STDOUT`] that come with ansible-core: it looks at each of them in every run.
const OWN_STDOUT: [&str; 3] = ["default", "minimal", "oneline"];

/// Which callbacks a run has.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The one for standard output.
    pub stdout: String,
    /// Whether those that `callbacks_enabled` names come too.
    pub enabled: bool,
    /// `--tree`.
    pub tree: Option<std::path::PathBuf>,
}

/// The callbacks of a run, with what they all share: the display.
pub struct Callbacks {
    display: Arc<Display>,
    all: Mutex<Vec<Box<dyn Callback>>>,
    /// Those that were named, or are ansible's own, and can't be as there is one already.
    passed_over: Mutex<Vec<String>>,
}

impl Callbacks {
    /// The callbacks that the settings name.
    ///
    /// # Errors
    /// A name that no callback has.
    pub fn load(wanted: &Wanted, settings: &Settings, display: Arc<Display>) -> Result<Arc<Self>> {
        let Some(first) = STDOUT.iter().find(|r| r.is(&wanted.stdout)) else {
            return Err(Error::new(
                Kind::User,
                format!("Invalid callback for stdout specified: {}", wanted.stdout),
            ));
        };
        let mut all = vec![(first.make)(settings, &display)];
        let mut passed_over: Vec<String> = OWN_STDOUT.map(str::to_owned).to_vec();
        if let Some(folder) = &wanted.tree {
            all.push(Box::new(tree::Tree::new(folder.clone())));
        }
        if wanted.enabled {
            let named = settings.get(&options::CALLBACKS_ENABLED);
            for registration in enabled(&named, &display) {
                all.push((registration.make)(settings, &display));
            }
        }
        let named = settings.get(&options::CALLBACKS_ENABLED);
        passed_over.extend(named.into_iter().filter(|name| {
            let found = STDOUT.iter().find(|r| r.is(name));
            found.is_some_and(|r| !OWN_STDOUT.contains(&r.name))
        }));
        Ok(Arc::new(Self { display, all: Mutex::new(all), passed_over: Mutex::new(passed_over) }))
    }
}

/// The callbacks of these names, in the order in which they get events.
fn enabled(named: &[String], display: &Display) -> Vec<&'static Registration> {
    let own = |r: &Registration| r.collection == "ansible.builtin";
    let mut found: Vec<&'static Registration> =
        ENABLED.iter().copied().filter(|r| own(r) && named.iter().any(|n| r.is(n))).collect();
    for name in named {
        match ENABLED.iter().find(|r| r.is(name)) {
            Some(registration) if found.iter().any(|f| std::ptr::eq(*f, *registration)) => {}
            Some(registration) => found.push(registration),
            // Those for standard output need not be named, and naming them changes nothing.
            None if STDOUT.iter().any(|r| r.is(name)) => {}
            None => display.warning(&format!("Skipping callback plugin '{name}', unable to load")),
        }
    }
    found
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
            Event::Problem(text) => self.display.wrapped_error(text),
            Event::Error(e) => self.display.error(&crate::diagnostic::ansible_text(e)),
            Event::PlaybookStart { .. } => {
                for name in self.passed_over.lock().drain(..) {
                    let text = format!(
                        "Skipping callback '{name}', as we already have a stdout callback."
                    );
                    self.display.verbose(2, &text, None);
                }
            }
            _ => {}
        }
        for callback in self.all.lock().iter_mut() {
            callback.event(event, &self.display);
        }
        // Somebody watches, or reads along: an event is shown when it happens.
        self.display.flush();
    }
}
