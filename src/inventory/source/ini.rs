//! INI inventories: `[group]`, `[group:children]`, `[group:vars]`.

use std::{
    path::Path,
    sync::{Arc, LazyLock},
};

use super::{Plugin, Reading, fail};
use crate::{
    diagnostic::Result,
    inventory::{range, shlex},
    value::{
        Dict, Value, literal,
        regex::{Flags, Pattern},
        text,
    },
    vault::Vault,
};
use indexmap::IndexMap;

static SECTION: LazyLock<Arc<Pattern>> =
    LazyLock::new(|| regex(r"^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$"));
static GROUP: LazyLock<Arc<Pattern>> = LazyLock::new(|| regex(r"^([^:\]\s]+)\s*(?:#.*)?$"));

fn regex(pattern: &str) -> Arc<Pattern> {
    #[expect(clippy::expect_used, reason = "the patterns are constants that the tests compile")]
    Pattern::new(pattern, Flags::default()).expect("constant pattern")
}

/// Files of hosts under section headers. Anything readable is tried.
pub(super) struct Ini;

impl Plugin for Ini {
    fn name(&self) -> &'static str {
        "ini"
    }

    fn accepts(&self, source: &str, cx: &mut Reading<'_>) -> bool {
        cx.is_readable(source)
    }

    fn parse(&self, source: &str, cx: &mut Reading<'_>) -> Result<()> {
        let path = Path::new(source);
        let (text, _) = match cx.vault {
            Some(vault) => vault.read(path)?,
            None => Vault::default().read(path)?,
        };
        let mut file = File {
            name: source,
            line: 0,
            group: "ungrouped".to_owned(),
            section: Section::Hosts,
            pending: IndexMap::new(),
        };
        for (i, line) in text::split_lines(text.text(), false).into_iter().enumerate() {
            file.line = i + 1;
            file.read(line.trim(), cx)?;
        }
        file.check_pending()
    }
}

/// What the lines of a section are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Hosts,
    Children,
    Vars,
}

/// A group that was spoken of before it was declared.
struct Pending {
    line: usize,
    wanted: Wanted,
}

enum Wanted {
    /// `[group:vars]` came first.
    Vars,
    /// These groups have it for a child.
    ChildOf(Vec<String>),
}

struct File<'a> {
    name: &'a str,
    line: usize,
    group: String,
    section: Section,
    pending: IndexMap<String, Pending>,
}

impl File<'_> {
    fn error(&self, message: &str) -> crate::diagnostic::Error {
        self.error_at(self.line, message)
    }

    fn error_at(&self, line: usize, message: &str) -> crate::diagnostic::Error {
        fail(format!("{}:{line}: {message}", self.name))
    }

    fn read(&mut self, line: &str, cx: &mut Reading<'_>) -> Result<()> {
        if line.is_empty() || line.starts_with([';', '#']) {
            return Ok(());
        }
        // Neither expression can take many steps.
        if let Ok(Some(found)) = SECTION.match_start(line) {
            let name = found.group(line, 1).unwrap_or_default();
            return self.header(name, found.group(line, 2), cx);
        }
        if line.starts_with('[') && line.ends_with(']') {
            return Err(self.error(&format!(
                "Invalid section entry: '{line}'. Please make sure that there are no spaces in \
                 the section entry, and that there are no other invalid characters"
            )));
        }
        match self.section {
            Section::Hosts => self.hosts(line, cx),
            Section::Vars => {
                let Some((key, value)) = line.split_once('=') else {
                    return Err(self.error(&format!("Expected key=value, got: {line}")));
                };
                let value = literal_or_text(value.trim())?;
                cx.graph.set_variable(&self.group, &Value::str(key.trim()), value)
            }
            Section::Children => self.child(line, cx),
        }
    }

    fn header(&mut self, name: &str, kind: Option<&str>, cx: &mut Reading<'_>) -> Result<()> {
        self.group = cx.graph.safe_group_name(name);
        self.section = match kind {
            None | Some("hosts") => Section::Hosts,
            Some("children") => Section::Children,
            Some("vars") => Section::Vars,
            Some(other) => {
                return Err(
                    self.error(&format!("Section [{name}:{other}] has unknown type: {other}"))
                );
            }
        };
        let vars = self.section == Section::Vars;
        if cx.graph.group_id(&self.group).is_none() {
            if vars && !self.pending.contains_key(&self.group) {
                let pending = Pending { line: self.line, wanted: Wanted::Vars };
                self.pending.insert(self.group.clone(), pending);
            }
            cx.graph.add_group_named(&self.group)?;
        }
        if !vars {
            self.declared(&self.group.clone(), cx)?;
        }
        Ok(())
    }

    /// A group that was waited for is declared: it becomes the child that it should be.
    fn declared(&mut self, group: &str, cx: &mut Reading<'_>) -> Result<()> {
        let Some(pending) = self.pending.shift_remove(group) else { return Ok(()) };
        let Wanted::ChildOf(parents) = pending.wanted else { return Ok(()) };
        for parent in parents {
            cx.graph.add_child(&parent, group)?;
            let waits = self.pending.get(&parent).map(|p| &p.wanted);
            if matches!(waits, Some(Wanted::ChildOf(_))) {
                self.declared(&parent, cx)?;
            }
        }
        Ok(())
    }

    fn child(&mut self, line: &str, cx: &mut Reading<'_>) -> Result<()> {
        let Ok(Some(found)) = GROUP.match_start(line) else {
            return Err(self.error(&format!("Expected group name, got: {line}")));
        };
        let child = found.group(line, 1).unwrap_or_default();
        if cx.graph.group_id(child).is_some() {
            return cx.graph.add_child(&self.group, child).map(drop);
        }
        let parent = self.group.clone();
        let pending = self
            .pending
            .entry(child.to_owned())
            .or_insert_with(|| Pending { line: self.line, wanted: Wanted::ChildOf(Vec::new()) });
        if let Wanted::ChildOf(parents) = &mut pending.wanted {
            parents.push(parent);
        }
        Ok(())
    }

    fn hosts(&mut self, line: &str, cx: &mut Reading<'_>) -> Result<()> {
        let words = shlex::split(line)
            .map_err(|why| self.error(&format!("Error parsing host definition '{line}': {why}")))?;
        let (pattern, assignments) = words.split_first().ok_or_else(|| {
            // A line of nothing but quotes and a comment still has a word.
            self.error(&format!("Error parsing host definition '{line}': no host"))
        })?;
        let (hosts, port) = range::expand_pattern(pattern).map_err(|e| fail(e.into_text()))?;
        if pattern.trim().ends_with(':') && port.is_none() {
            return Err(fail(format!(
                "Invalid host pattern '{pattern}' supplied, ending in ':' is not allowed, this \
                 character is reserved to provide a port."
            )));
        }
        if hosts.iter().any(|h| h.trim() == "---") {
            return Err(fail(format!(
                "Invalid host pattern '{pattern}' supplied, '---' is normally a sign this is a \
                 YAML file."
            )));
        }
        let vars = Dict::new();
        for word in assignments {
            let Some((key, value)) = word.split_once('=') else {
                return Err(self
                    .error(&format!("Expected key=value host variable assignment, got: {word}")));
            };
            vars.insert(key, literal_or_text(value)?);
        }
        cx.populate(&hosts, &vars.into(), Some(&self.group), port)
    }

    fn check_pending(&self) -> Result<()> {
        let Some((name, pending)) = self.pending.first() else { return Ok(()) };
        let what = match &pending.wanted {
            Wanted::Vars => format!("Section [{name}:vars] not valid for undefined group: {name}"),
            Wanted::ChildOf(parents) => {
                let parent = parents.last().map_or("", String::as_str);
                format!("Section [{parent}:children] includes undefined group: {name}")
            }
        };
        Err(self.error_at(pending.line, &what))
    }
}

/// A Python literal's value, or else the text.
fn literal_or_text(text: &str) -> Result<Value> {
    match literal::literal_eval(text) {
        Ok(Value::Bytes(bytes)) => Ok(Value::str(String::from_utf8_lossy(&bytes).as_ref())),
        Ok(value) => Ok(value),
        Err(why) if why.is_type_error() => Err(fail(why.to_string())),
        Err(_) => Ok(Value::str(text)),
    }
}
