//! `profile_roles`: the time before each task, and how long each role took after the recap.

use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::{
    Callback, Display, Registration,
    stopwatch::{Stopwatch, entry, filled},
};
use crate::event::{Event, TaskInfo};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "profile_roles",
    collection: "ansible.posix",
    summary: "how long each role took",
    make: |_, _| {
        Box::new(ProfileRoles { watch: Stopwatch::start(), totals: IndexMap::new(), current: None })
    },
};

struct ProfileRoles {
    watch: Stopwatch,
    /// By role; tasks outside of roles by their action.
    totals: IndexMap<String, Duration>,
    current: Option<(String, Instant)>,
}

const WIDTH: usize = 70;

impl ProfileRoles {
    fn task_start(&mut self, task: &TaskInfo, display: &Display) {
        self.watch.show(display);
        self.stop();
        let name = task.role.as_ref().unwrap_or(&task.action);
        let short = name.rsplit('.').next().unwrap_or(name);
        let name = if task.role.is_some() { short } else { name };
        self.current = Some((name.to_owned(), Instant::now()));
    }

    fn stop(&mut self) {
        if let Some((name, began)) = self.current.take() {
            *self.totals.entry(name).or_default() += began.elapsed();
        }
    }

    fn stats(&mut self, display: &Display) {
        self.watch.show(display);
        display.line(&filled("", '='), None, false);
        self.stop();
        let mut all: Vec<(&String, Duration)> = self.totals.iter().map(|(n, t)| (n, *t)).collect();
        all.sort_by_key(|(_, took)| std::cmp::Reverse(*took));
        for (name, took) in &all {
            display.line(&entry(name, *took, WIDTH), None, false);
        }
        display.line(&filled("", '~'), None, false);
        let total = all.iter().map(|(_, took)| *took).sum();
        display.line(&entry("total", total, WIDTH), None, false);
    }
}

impl Callback for ProfileRoles {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::TaskStart(task) if !task.implicit => self.task_start(task, display),
            Event::Stats(_) => self.stats(display),
            _ => {}
        }
    }
}
