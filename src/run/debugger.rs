//! The task debugger: `debugger:` of tasks, `strategy: debug`, `ANSIBLE_ENABLE_TASK_DEBUGGER`.
//!
//! ansible's debugger evaluates Python. Here, names with attributes and subscripts are looked up,
//! other expressions are Jinja's, and values can be put into `task.args` and `task_vars`.

mod commands;
mod statement;

use std::sync::Arc;

use indexmap::IndexMap;

use self::commands::Command;
use super::{Finished, cursor::Cursor, play::PlayRun};
use crate::{
    config::options::{ENABLE_TASK_DEBUGGER, TASK_DEBUGGER_IGNORE_ERRORS},
    diagnostic::{Error, Kind, Result},
    event::{Event, TaskInfo},
    playbook::{ActionCall, Task},
    template::{RenderOptions, Templar},
    terminal,
    value::{Dict, Value},
    vars::{Layer, Stack},
};

/// Where all hosts stood before a result was taken in.
pub struct Before(IndexMap<Arc<str>, Cursor>);

/// A task to run again.
pub struct Again {
    /// The host.
    pub host: Arc<str>,
    /// The task, as it was changed.
    pub task: Arc<Task>,
    /// What callbacks know of it.
    pub info: Arc<TaskInfo>,
    /// Its variables, as they were changed.
    pub stack: Stack,
}

/// What a session works on.
struct Session<'a> {
    play: &'a PlayRun,
    done: &'a Finished,
    args: Dict,
    changed: Dict,
    stack: Stack,
}

impl PlayRun {
    /// What to remember if the debugger will be started for a result.
    pub fn before_debugger(&self, done: &Finished) -> Option<Before> {
        let settings = &self.play.run.settings;
        let result = &done.result;
        let ignored = done.after.ignore_errors && settings.get(&TASK_DEBUGGER_IGNORE_ERRORS);
        let failed = result.is_failed() && !ignored;
        let everywhere = self.debugging || settings.get(&ENABLE_TASK_DEBUGGER);
        let wanted = match done.after.debugger.as_deref() {
            Some("always") => true,
            Some("never") => false,
            Some("on_failed") if failed => true,
            Some("on_unreachable") if result.is_unreachable() => true,
            Some("on_skipped") if result.is_skipped() => true,
            _ => everywhere && (failed || result.is_unreachable()),
        };
        wanted.then(|| Before(self.cursors.clone()))
    }

    /// Lets people look at a result that was taken in; gives the task if it is to run again.
    ///
    /// # Errors
    /// The person's wish to quit.
    pub fn debug(&mut self, done: &Finished, before: Before) -> Result<Option<Again>> {
        let stack = self.play.stack(Some(&done.host), Some(&done.task))?;
        let mut session =
            Session { play: self, done, args: Dict::new(), changed: Dict::new(), stack };
        session.update();
        if !session.run()? {
            return Ok(None);
        }
        let Session { args, changed, mut stack, .. } = session;
        stack.push(Layer::Task, changed);
        self.roll_back(done, before);
        let task = &done.task;
        let action = ActionCall { args, ..task.action.clone() };
        Ok(Some(Again {
            host: Arc::clone(&done.host),
            task: Arc::new(task.acting(action)),
            info: Arc::clone(&done.info),
            stack,
        }))
    }

    fn roll_back(&mut self, done: &Finished, before: Before) {
        self.losses.failed.clear();
        if done.after.run_once && done.result.is_failed() {
            self.cursors = before.0;
        } else if let Some(cursor) = before.0.get(&done.host) {
            self.cursors.insert(Arc::clone(&done.host), cursor.clone());
        }
        let result = &done.result;
        let changed = result.is_changed();
        let (failed, lost) = (result.is_failed(), result.is_unreachable());
        let skipped = result.is_skipped();
        let counts = self.stats.of(&done.host);
        let less = |count: &mut u64, was: bool| *count = count.saturating_sub(u64::from(was));
        less(&mut counts.failed, failed);
        less(&mut counts.unreachable, lost);
        less(&mut counts.changed, changed);
        less(&mut counts.skipped, skipped);
        less(&mut counts.ok, true);
    }
}

impl Session<'_> {
    /// Reads commands until the run goes on; true if the task is to run again.
    fn run(&mut self) -> Result<bool> {
        let kind = if self.done.task.is_handler { "HANDLER" } else { "TASK" };
        let prompt = format!("[{}] {kind}: {} (debug)> ", self.done.host, self.done.info.name);
        let mut last = String::new();
        loop {
            let Some(mut line) = terminal::ask_unless_ended(&prompt)? else {
                return Err(self.quit());
            };
            if line.trim().is_empty() {
                // As Python's `cmd` has it, an empty line says the last one again.
                line.clone_from(&last);
            }
            last.clone_from(&line);
            match commands::parse(&line) {
                Command::Nothing => {}
                Command::Redo => return Ok(true),
                Command::Continue => return Ok(false),
                Command::Quit => return Err(self.quit()),
                Command::UpdateTask => self.update(),
                Command::Help(topic) => self.say(&commands::help(topic)),
                Command::Print(what) => match self.pretty(what) {
                    Ok(text) => self.say(&text),
                    Err(problem) => self.say(&problem),
                },
                Command::Statement(statement) => {
                    if let Err(problem) = self.execute(statement) {
                        self.say(&problem);
                    }
                }
            }
        }
    }

    fn say(&self, text: &str) {
        self.play.send(Event::Line(text.to_owned()));
    }

    fn quit(&self) -> Error {
        self.say("User interrupted execution");
        Error::new(Kind::Quit, "User interrupted execution")
    }

    /// The variables as they were changed.
    fn scope(&self) -> Stack {
        let mut stack = self.stack.clone();
        stack.push(Layer::Task, self.changed.copy());
        stack
    }

    /// Renders the arguments as they are written; what can't be rendered stays so.
    fn update(&mut self) {
        let templar =
            Templar::new(Arc::clone(&self.play.play.run.templates), Arc::new(self.scope()));
        let written = Value::Dict(self.done.task.action.args.copy());
        self.args = match templar.render(&written, &RenderOptions::default()) {
            Ok(Value::Dict(args)) => args,
            _ => self.done.task.action.args.copy(),
        };
    }
}
