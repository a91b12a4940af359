//! `--list-hosts`, `--list-tasks`, `--list-tags` and `--syntax-check`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use indexmap::IndexSet;

use crate::{
    callback::Display,
    diagnostic::{Kind, Result},
    inventory::Inventory,
    playbook::{
        Block, Item, Keyword, Loader, Play, Playbook,
        play::{Defaults, Fields},
        tags::{self, Selection},
    },
    value::{Dict, Value},
};

/// What to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// `--list-hosts`.
    pub hosts: bool,
    /// `--list-tasks`.
    pub tasks: bool,
    /// `--list-tags`.
    pub tags: bool,
    /// `--syntax-check`: load everything, list nothing.
    pub syntax: bool,
}

/// What lists are made from.
pub struct Lister<'a> {
    /// Loads playbooks.
    pub loader: &'a Loader,
    /// The hosts.
    pub inventory: &'a Inventory,
    /// `-e`: what is given there is not asked for.
    pub extra_vars: &'a Dict,
    /// Tasks to list.
    pub selection: &'a Selection,
    /// What stands in for a play's missing keywords.
    pub defaults: &'a Defaults,
    /// Where lists go.
    pub display: &'a Display,
    /// What to list.
    pub wanted: Wanted,
}

/// A play with its fields.
type Resolved = (Arc<Play>, Fields);

/// A playbook with the fields of its plays.
pub struct Loaded {
    /// As it is written.
    pub playbook: Playbook,
    plays: Vec<Resolved>,
}

impl Lister<'_> {
    /// Lists playbooks. All are loaded before anything is written.
    ///
    /// # Errors
    /// Whatever is wrong with a playbook.
    pub fn list(&self, playbooks: &[PathBuf]) -> Result<()> {
        let all = playbooks.iter().map(|path| self.load(path)).collect::<Result<Vec<_>>>()?;
        for loaded in &all {
            self.title(&loaded.playbook);
            if self.wanted.syntax {
                continue;
            }
            for (number, (play, fields)) in loaded.plays.iter().enumerate() {
                self.play(number + 1, play, fields)?;
            }
        }
        // The process ends with this: its memory goes at once, not task by task.
        std::mem::forget(all);
        Ok(())
    }

    /// Loads a playbook and renders the fields of its plays.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn load(&self, path: &Path) -> Result<Loaded> {
        let playbook = self.loader.load_playbook(path)?;
        self.verbose(2, &format!("{} plays in {}", playbook.plays.len(), path.display()));
        let plays = playbook.plays.iter().map(|play| self.resolve(Arc::clone(play)));
        let plays = plays.collect::<Result<Vec<_>>>()?;
        Ok(Loaded { playbook, plays })
    }

    /// The line above what is listed of a playbook.
    pub fn title(&self, playbook: &Playbook) {
        self.line(&format!("\nplaybook: {}", playbook.path.display()));
    }

    fn line(&self, text: &str) {
        self.display.line(text, None, false);
    }

    fn verbose(&self, level: u8, text: &str) {
        self.display.verbose(level, text, None);
    }

    /// The play with its fields, and with the defaults of its prompts for variables.
    fn resolve(&self, play: Arc<Play>) -> Result<Resolved> {
        self.loader.enter_play(&play);
        let render = |value: &Value| self.loader.render(value, &play.base, None);
        if let Some(written) = play.level.own(Keyword::VarsPrompt) {
            let prompts = render(&written.value)?;
            let prompts = prompts.as_list().map(|l| l.snapshot()).unwrap_or_else(|| vec![prompts]);
            for prompt in prompts.iter().filter_map(Value::as_dict) {
                let Some(name) = prompt.get("name") else { continue };
                let name = name.as_str().unwrap_or_default();
                if !self.extra_vars.contains(name) {
                    play.level.vars.insert(name, prompt.get("default").unwrap_or(Value::None));
                }
            }
        }
        self.warn_of_patterns(&play)?;
        let fields = Fields::resolve(&play, &render, self.defaults)?;
        self.read_vars_files(&play, &fields.vars_files)?;
        Ok((play, fields))
    }

    /// Patterns that match nothing are warned of before anything is listed, as they are written: templates are not.
    fn warn_of_patterns(&self, play: &Play) -> Result<()> {
        let Some(written) = play.level.own(Keyword::Hosts) else { return Ok(()) };
        let patterns = match &written.value {
            Value::List(items) => items.snapshot(),
            other => vec![other.clone()],
        };
        let patterns: Vec<String> = patterns.iter().map(Value::to_text).collect();
        if !patterns.iter().any(|pattern| self.loader.is_template(pattern)) {
            self.inventory.select(&patterns)?;
        }
        Ok(())
    }

    /// Reads what `vars_files` names, since files that are wrong are errors here too; those that are not there, or whose
    /// names need what a host has, are not asked for.
    fn read_vars_files(&self, play: &Play, entries: &[Value]) -> Result<()> {
        for entry in entries {
            let candidates = entry.as_list().map_or_else(|| vec![entry.clone()], |l| l.snapshot());
            for candidate in candidates {
                let name = match self.loader.render(&candidate, &play.base, None) {
                    Ok(name) => name,
                    Err(e) if e.kind() == Kind::Undefined => break,
                    Err(e) => return Err(e),
                };
                let Some(name) = name.as_str() else { break };
                if self.loader.load_vars_file(name, play)?.is_some() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn play(&self, number: usize, play: &Arc<Play>, fields: &Fields) -> Result<()> {
        self.loader.enter_play(play);
        let render = |value: &Value| self.loader.render(value, &play.base, None);
        let play_tags = written_tags(play);
        let mut text = format!(
            "\n  play #{number} ({}): {}\tTAGS: [{}]",
            if fields.hosts_null { String::new() } else { fields.hosts.join(",") },
            fields.listed_name,
            play_tags.join(",")
        );
        if self.wanted.hosts {
            let hosts = self.inventory.select(&fields.hosts)?;
            let pattern: Value = fields.hosts.iter().map(|h| Value::str(h.as_str())).collect();
            let pattern = if fields.hosts_null { Value::None } else { pattern };
            let pattern = crate::value::repr::repr(&pattern).unwrap_or_default();
            text += &format!("\n    pattern: {pattern}\n    hosts ({}):", hosts.len());
            for host in hosts {
                text += &format!("\n      {host}");
            }
        }
        self.line(&text);
        if !self.wanted.tasks && !self.wanted.tags {
            return Ok(());
        }
        let mut list = TaskList { wanted: self.wanted, tags: IndexSet::new(), text: String::new() };
        if self.wanted.tasks {
            list.text += "    tasks:\n";
        }
        for block in play.blocks(fields.force_handlers) {
            if let Some(block) = self.selection.filter(&block, &render)? {
                list.block(&block, &play_tags, &render)?;
            }
        }
        if self.wanted.tags {
            let mut all: Vec<&String> = list.tags.iter().chain(&play_tags).collect();
            all.sort();
            all.dedup();
            let all: Vec<&str> = all.into_iter().map(String::as_str).collect();
            list.text += &format!("      TASK TAGS: [{}]\n", all.join(", "));
        }
        self.line(&list.text);
        Ok(())
    }
}

/// A play's tags as written, each once.
fn written_tags(play: &Play) -> Vec<String> {
    tags::effective(&play.level, &|value| Ok(value.clone())).unwrap_or_default()
}

struct TaskList {
    wanted: Wanted,
    tags: IndexSet<String>,
    text: String,
}

impl TaskList {
    /// Lists the tasks of a block's body: what rescues and always runs is not listed.
    fn block(
        &mut self,
        block: &Block,
        play_tags: &[String],
        render: tags::Render<'_>,
    ) -> Result<()> {
        for item in &block.body {
            let task = match item {
                Item::Block(inner) => {
                    self.block(inner, play_tags, render)?;
                    continue;
                }
                Item::Task(task) => task,
            };
            if task.implicit && task.action.name == "ansible.builtin.meta" {
                continue;
            }
            let own = tags::effective(&task.level, render)?;
            self.tags.extend(own.iter().cloned());
            if self.wanted.tasks {
                let mut all: Vec<&str> = own.iter().chain(play_tags).map(String::as_str).collect();
                all.sort_unstable();
                all.dedup();
                let named = task.level.name.as_deref().is_some_and(|n| !n.is_empty());
                let name = if named { task.full_name() } else { task.action.written.clone() };
                self.text += &format!("      {name}\tTAGS: [{}]\n", all.join(", "));
            }
        }
        Ok(())
    }
}
