//! Dynamic includes: once every host has answered, the wished files and roles are loaded and put
//! in front of what the hosts do next.

use std::sync::Arc;

use super::{
    Finished, IncludeWish,
    cursor::flatten,
    play::{PlayRun, block_tasks},
};
use crate::{
    diagnostic::{Error, Kind, Result, ansible_text},
    event::{Event, Report},
    playbook::{Block, Item, RoleFiles, Task},
    template::RenderOptions,
    value::{Dict, Value},
};

/// One file or role to include, for the hosts that asked for the same.
struct Included {
    /// The file; `None` for a role.
    file: Option<std::path::PathBuf>,
    role: Option<(String, RoleFiles)>,
    args: Dict,
    locals: Dict,
    item_label: Option<Value>,
    task: Arc<Task>,
    hosts: Vec<Arc<str>>,
}

impl Included {
    fn same(&self, other: &Self) -> bool {
        self.file == other.file
            && self.role == other.role
            && self.task.id == other.task.id
            && Value::Dict(self.args.clone()).equals(&Value::Dict(other.args.clone()))
            && Value::Dict(self.locals.clone()).equals(&Value::Dict(other.locals.clone()))
    }
}

impl PlayRun {
    /// Loads what the finished includes asked for and gives it to their hosts.
    ///
    /// # Errors
    /// What ends the whole run: an included file that is no list of tasks. A file that is missing
    /// only fails its hosts.
    pub fn carry_out_includes(
        &mut self,
        finished: &mut [Finished],
        hosts_left: &[Arc<str>],
    ) -> Result<()> {
        let mut included: Vec<Included> = Vec::new();
        for done in finished.iter_mut() {
            for wish in wishes(done) {
                match self.resolve(done, wish) {
                    Ok(new) => gather(&mut included, new, &done.host),
                    Err(e) => return Err(e),
                }
            }
        }
        if included.is_empty() {
            return Ok(());
        }
        let mut per_host: Vec<(Arc<str>, Vec<Arc<Block>>)> =
            hosts_left.iter().map(|h| (Arc::clone(h), Vec::new())).collect();
        let mut in_order: Vec<Arc<Task>> = Vec::new();
        let mut failed: Vec<Arc<str>> = Vec::new();
        for inc in included {
            let blocks = match self.load(&inc) {
                Ok(blocks) => blocks,
                // A file that cannot be understood ends the run; one that is missing, a host.
                Err(e) if e.kind() == Kind::Parser => return Err(e),
                Err(e) => {
                    self.fail_include(&inc, &e, finished);
                    for host in &inc.hosts {
                        // Failing twice would leave the rescue that the first failure led to.
                        if !failed.contains(host) {
                            failed.push(Arc::clone(host));
                        }
                    }
                    continue;
                }
            };
            if !inc.task.is_handler {
                in_order.extend(blocks.iter().flat_map(block_tasks));
            }
            for (host, list) in &mut per_host {
                if inc.hosts.contains(host) {
                    list.extend(blocks.iter().cloned());
                }
            }
        }
        for host in failed {
            self.losses.failed.insert(Arc::clone(&host));
            self.mark_failed(&host);
        }
        for (host, blocks) in per_host {
            if let Some(cursor) = self.cursors.get_mut(&host) {
                cursor.insert(&blocks);
            }
        }
        let at = self.next_task.min(self.all_tasks.len());
        self.all_tasks.splice(at..at, in_order);
        Ok(())
    }

    /// What a wish means for the host that has it: which file or role, with which arguments.
    fn resolve(&self, done: &Finished, wish: IncludeWish) -> Result<Included> {
        // Lookups in the paths of includes around this one search where the task does.
        let mut locals = super::scope::locals(&wish.locals);
        locals.insert("ansible_search_path".into(), self.play.search_path(&done.task));
        let templar = self.play.templar(Some(&done.host), Some(&done.task))?.with_locals(locals);
        let options = RenderOptions::default();
        let task = Arc::clone(&done.task);
        let args = wish.args;
        let (file, role) = if let Some(file) = &wish.file {
            let render =
                |text: &str| templar.render(&Value::str(text), &options).map(|v| v.to_text());
            let path = self.play.run.loader.find_include(&task, file, &render)?;
            (Some(path), None)
        } else {
            let text = |keys: &[&str]| -> Result<Option<String>> {
                for key in keys {
                    if let Some(value) = args.remove(key) {
                        let value = templar.render(&value, &options)?;
                        let run = &self.play.run;
                        return Ok((!run.is_omit(&value)).then(|| value.to_text()));
                    }
                }
                Ok(None)
            };
            let name = text(&["name", "role"])?.unwrap_or_default();
            let files = RoleFiles {
                tasks: text(&["tasks_from"])?,
                vars: text(&["vars_from"])?,
                defaults: text(&["defaults_from"])?,
                handlers: text(&["handlers_from"])?,
            };
            for option in ["allow_duplicates", "public", "rolespec_validate"] {
                if let Some(value) = args.get(option) {
                    args.insert(option, templar.render(&value, &options)?);
                }
            }
            (None, Some((name, files)))
        };
        Ok(Included {
            file,
            role,
            args,
            locals: wish.locals,
            item_label: wish.item_label,
            task,
            hosts: Vec::new(),
        })
    }

    fn load(&mut self, inc: &Included) -> Result<Vec<Arc<Block>>> {
        let play = Arc::clone(&self.play);
        let loader = &play.run.loader;
        let loaded = match (&inc.file, &inc.role) {
            (Some(file), _) => {
                let loaded =
                    loader.include_tasks(&play.play, &inc.task, file, &inc.locals, &inc.args)?;
                if loaded.empty {
                    return Ok(Vec::new());
                }
                for host in &inc.hosts {
                    self.stats.of(host).ok += 1;
                }
                let silent = match inc.hosts.first() {
                    Some(host) => self.info(&inc.task, host).no_log,
                    None => false,
                };
                let censored = || Some(Value::str("(censored due to no_log)"));
                self.send(Event::Include {
                    file: file.display().to_string(),
                    hosts: inc.hosts.clone(),
                    item_label: if silent { censored() } else { inc.item_label.clone() },
                });
                loaded
            }
            (None, Some((name, files))) => loader.include_role(
                &play.play,
                &inc.task,
                name,
                files.clone(),
                &inc.args,
                &inc.locals,
            )?,
            (None, None) => return Ok(Vec::new()),
        };
        let mut blocks: Vec<Arc<Block>> = Vec::new();
        let templar = play.templar(None, Some(&inc.task))?;
        let render = |value: &Value| templar.render(value, &RenderOptions::default());
        for item in &loaded.items {
            match item {
                Item::Block(block) if inc.task.is_handler => blocks.push(Arc::clone(block)),
                Item::Block(block) => {
                    blocks.extend(play.run.options.selection.filter(block, &render)?);
                }
                Item::Task(task) => {
                    blocks.push(Arc::new(Block {
                        level: Arc::clone(&task.level),
                        body: vec![Item::Task(Arc::clone(task))],
                        rescue: Vec::new(),
                        always: Vec::new(),
                    }));
                }
            }
        }
        if inc.task.is_handler {
            // What a handler includes runs for the hosts that notified the handler.
            for task in blocks.iter().flat_map(block_tasks) {
                self.notified.entry(task.id).or_default().extend(inc.hosts.iter().cloned());
            }
        }
        self.handlers.extend(flatten(&loaded.handlers));
        Ok(blocks)
    }

    fn fail_include(&mut self, inc: &Included, error: &Error, finished: &mut [Finished]) {
        for done in finished.iter().filter(|d| inc.hosts.contains(&d.host)) {
            done.result.data.insert("failed", true);
        }
        if inc.file.is_none() {
            self.send(Event::Error(error.clone()));
            return;
        }
        let reason = ansible_text(error);
        // ansible-core 2.14 leaves the introduction to those that it stops the run for.
        let reason = reason.strip_prefix("Unable to retrieve file contents\n").unwrap_or(&reason);
        for host in &inc.hosts {
            self.stats.of(host).failed += 1;
            let info = self.info(&inc.task, host);
            let result: Dict = [("reason", Value::str(reason))].into_iter().collect();
            let report = Report {
                host: Arc::clone(host),
                task: info,
                delegated: None,
                result,
                item_label: None,
                no_log: false,
                verbose_always: false,
                verbose_never: false,
                seconds: 0.0,
            };
            self.send(Event::Failed(report, false));
        }
    }
}

/// The includes that a finished task asks for, one a turn of its loop.
fn wishes(done: &mut Finished) -> Vec<IncludeWish> {
    let truth = |d: &Dict, k: &str| d.get(k).is_some_and(|v| v.is_true());
    if done.result.items.is_empty() {
        let lost = truth(&done.result.data, "skipped") || truth(&done.result.data, "failed");
        return done.result.control.include.take().filter(|_| !lost).into_iter().collect();
    }
    let turns = match done.result.data.get("results") {
        Some(Value::List(items)) => items.snapshot(),
        _ => Vec::new(),
    };
    done.result
        .items
        .iter_mut()
        .zip(turns)
        .filter(|(_, turn)| {
            turn.as_dict().is_some_and(|d| !truth(d, "skipped") && !truth(d, "failed"))
        })
        .filter_map(|(control, _)| control.include.take())
        .collect()
}

/// Adds a host to an equal include, or the include itself; a host that includes the same twice
/// gets it twice.
fn gather(all: &mut Vec<Included>, mut new: Included, host: &Arc<str>) {
    if let Some(equal) = all.iter_mut().find(|i| i.same(&new) && !i.hosts.contains(host)) {
        equal.hosts.push(Arc::clone(host));
    } else {
        new.hosts.push(Arc::clone(host));
        all.push(new);
    }
}
