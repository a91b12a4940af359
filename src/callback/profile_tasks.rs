//! `profile_tasks`: the time before each task, and the longest tasks after the recap.

use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::{
    Callback, Display, Registration,
    stopwatch::{Stopwatch, entry, filled},
};
use crate::{
    config::options::profile_tasks as options,
    event::{Event, TaskInfo},
};

/// Registers the callback.
pub static REGISTRATION: Registration = Registration {
    name: "profile_tasks",
    collection: "ansible.posix",
    summary: "how long each task took",
    make: |settings, _| {
        let limit = settings.get(&options::OUTPUT_LIMIT);
        Box::new(ProfileTasks {
            watch: Stopwatch::start(),
            tasks: IndexMap::new(),
            current: None,
            // A number that is none shows all, as `all` does.
            limit: limit.trim().parse().unwrap_or(usize::MAX),
            order: settings.get(&options::SORT_ORDER),
        })
    },
};

struct ProfileTasks {
    watch: Stopwatch,
    tasks: IndexMap<u64, Timed>,
    current: Option<u64>,
    limit: usize,
    order: String,
}

struct Timed {
    name: String,
    path: Option<String>,
    began: Instant,
    took: Duration,
}

impl ProfileTasks {
    fn task_start(&mut self, task: &TaskInfo, display: &Display) {
        self.watch.show(display);
        self.stop();
        let now = Instant::now();
        let timed = self.tasks.entry(task.id).or_insert_with(|| Timed {
            name: task.name.trim().to_owned(),
            path: None,
            began: now,
            took: Duration::ZERO,
        });
        timed.began = now;
        if display.verbosity() >= 2 {
            timed.path.clone_from(&task.path);
        }
        self.current = Some(task.id);
    }

    fn stop(&mut self) {
        if let Some(timed) = self.current.take().and_then(|id| self.tasks.get_mut(&id)) {
            timed.took += timed.began.elapsed();
        }
    }

    fn stats(&mut self, display: &Display) {
        self.watch.show(display);
        display.line(&filled("", '='), None, false);
        self.stop();
        let mut all: Vec<&Timed> = self.tasks.values().collect();
        match self.order.as_str() {
            "ascending" => all.sort_by_key(|t| t.took),
            "none" => {}
            _ => all.sort_by_key(|t| std::cmp::Reverse(t.took)),
        }
        let columns = display.columns();
        for timed in all.into_iter().take(self.limit) {
            let mut text = entry(&timed.name, timed.took, columns.saturating_sub(9));
            if let Some(path) = &timed.path {
                text.push_str(&format!("\n{:-<columns$}", format!("{path} ")));
            }
            display.line(&text, None, false);
        }
    }
}

impl Callback for ProfileTasks {
    fn event(&mut self, event: &Event, display: &Display) {
        match event {
            Event::TaskStart(task) if !task.implicit => self.task_start(task, display),
            Event::Stats(_) => self.stats(display),
            _ => {}
        }
    }
}
