//! Tags: which a task has, and which tasks `--tags` and `--skip-tags` select.

use std::sync::Arc;

use super::{Block, Item, Keyword, Level, Task, python};
use crate::{diagnostic::Result, value::Value};

/// What `--tags` and `--skip-tags` ask for.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--tags`; `all` if none were given.
    pub only: Vec<String>,
    /// `--skip-tags`.
    pub skip: Vec<String>,
}

/// Renders a value with the variables at hand.
pub type Render<'a> = &'a dyn Fn(&Value) -> Result<Value>;

impl Selection {
    /// Whether something with these tags is to run.
    pub fn selects(&self, tags: &[String]) -> bool {
        self.wanted(tags) && !self.skipped(tags)
    }

    fn wanted(&self, tags: &[String]) -> bool {
        if self.only.is_empty() || has(tags, "always") {
            return true;
        }
        let only = |name: &str| self.only.iter().any(|o| o == name);
        let never = has(tags, "never");
        (only("all") && !never)
            || meets(tags, &self.only)
            || (only("tagged") && !tags.is_empty() && !never)
    }

    fn skipped(&self, tags: &[String]) -> bool {
        let skip = |name: &str| self.skip.iter().any(|s| s == name);
        if skip("all") {
            return !has(tags, "always") || skip("always");
        }
        meets(tags, &self.skip) || (skip("tagged") && !tags.is_empty())
    }

    /// The part of a block that is to run; `None` if nothing in it is.
    pub fn filter(&self, block: &Arc<Block>, render: Render<'_>) -> Result<Option<Arc<Block>>> {
        let filtered = Block {
            level: Arc::clone(&block.level),
            body: self.filter_items(&block.body, render)?,
            rescue: self.filter_items(&block.rescue, render)?,
            always: self.filter_items(&block.always, render)?,
        };
        let empty =
            filtered.body.is_empty() && filtered.rescue.is_empty() && filtered.always.is_empty();
        Ok((!empty).then(|| Arc::new(filtered)))
    }

    fn filter_items(&self, items: &[Item], render: Render<'_>) -> Result<Vec<Item>> {
        let mut kept = Vec::new();
        for item in items {
            match item {
                Item::Block(block) => {
                    kept.extend(self.filter(block, render)?.map(Item::Block));
                }
                Item::Task(task) if self.selects_task(task, render)? => kept.push(item.clone()),
                Item::Task(_) => {}
            }
        }
        Ok(kept)
    }

    /// Whether a task is to run.
    pub fn selects_task(&self, task: &Task, render: Render<'_>) -> Result<bool> {
        let is = |name| task.action.name == format!("ansible.builtin.{name}");
        if is("meta") && task.implicit {
            return Ok(true);
        }
        let tags = effective(&task.level, render)?;
        // A plain `include` may hold tasks with other tags than its own.
        Ok((is("include") && !self.skipped(&tags)) || self.selects(&tags))
    }
}

fn has(tags: &[String], name: &str) -> bool {
    tags.iter().any(|t| t == name)
}

/// Whether one of the names is among the tags; something without tags answers to `untagged`.
fn meets(tags: &[String], names: &[String]) -> bool {
    if tags.is_empty() {
        return names.iter().any(|n| n == "untagged");
    }
    names.iter().any(|n| has(tags, n))
}

/// The tags in force at a level, rendered, each once, outermost first.
pub fn effective(level: &Level, render: Render<'_>) -> Result<Vec<String>> {
    let mut tags: Vec<String> = Vec::new();
    let mut add = |tag: &Value| {
        let tag = python::text(tag);
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    };
    for written in level.extended(Keyword::Tags) {
        let rendered = render(&written.value)?;
        let Some(list) = rendered.as_list() else {
            add(&rendered);
            continue;
        };
        for tag in list.snapshot() {
            match tag.as_list() {
                Some(inner) => inner.snapshot().iter().for_each(&mut add),
                None => add(&tag),
            }
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_select_as_in_ansible() {
        let table: &[(&str, &str, &str, bool)] = &[
            // tags, --tags, --skip-tags, runs
            ("", "all", "", true),
            ("a", "all", "", true),
            ("never", "all", "", false),
            ("never,a", "a", "", true),
            ("never", "never", "", true),
            ("always", "b", "", true),
            ("a", "b", "", false),
            ("", "untagged", "", true),
            ("a", "untagged", "", false),
            ("a", "tagged", "", true),
            ("", "tagged", "", false),
            ("never,a", "tagged", "", false),
            ("a", "all", "a", false),
            ("always", "all", "always", false),
            ("always", "all", "all", true),
            ("always", "all", "all,always", false),
            ("a", "all", "tagged", false),
            ("", "all", "tagged", true),
            ("", "all", "untagged", false),
        ];
        let split = |s: &str| -> Vec<String> {
            s.split(',').filter(|p| !p.is_empty()).map(str::to_owned).collect()
        };
        for (tags, only, skip, runs) in table {
            let selection = Selection { only: split(only), skip: split(skip) };
            assert_eq!(selection.selects(&split(tags)), *runs, "{tags:?} {only} {skip}");
        }
    }
}
