//! Changes to YAML files that leave everything else in them as it is: comments, order, the form of values.

use std::sync::Arc;

use super::write;
use crate::{
    diagnostic::{Error, Kind, Result, Source},
    value::{Value, ops},
    yaml::{self, Node, NodeKind},
};

/// A YAML file that is being filled in.
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// The file called `name` that says `text`.
    pub fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned() }
    }

    /// What it says now.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Its value.
    pub fn root(&self) -> Result<Node> {
        let source: Arc<Source> = Source::new(&self.name, self.text.as_str());
        yaml::load_one(&source, None, yaml::Duplicates::Ignore).map(|loaded| loaded.node)
    }

    /// The value at a path.
    pub fn get(&self, path: &[&str]) -> Result<Option<Value>> {
        let mut node = self.root()?;
        for key in path {
            let Some(next) = node.get(key).cloned() else { return Ok(None) };
            node = next;
        }
        Ok(Some(node.to_value()))
    }

    /// Makes the value at a path this one. What is equal stays as it is written; a mapping takes the keys of the other and
    /// keeps those that it has.
    pub fn set(&mut self, path: &[&str], value: &Value) -> Result<()> {
        if let (Some(Value::Dict(old)), Value::Dict(new)) = (self.get(path)?, value)
            && !old.is_empty()
            && !new.is_empty()
        {
            for (key, value) in new.snapshot() {
                let key = key.value().to_text();
                let deeper: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
                self.set(&deeper, &value)?;
            }
            return Ok(());
        }
        match self.get(path)? {
            Some(old) if ops::eq(&old, value).unwrap_or(false) => Ok(()),
            _ => self.replace(path, value),
        }
    }

    /// Writes this value at a path, whatever was there.
    pub fn replace(&mut self, path: &[&str], value: &Value) -> Result<()> {
        let Some((key, above)) = path.split_last() else { return Err(self.lost(path)) };
        let mut parent = self.root()?;
        for step in above {
            parent = parent.get(step).cloned().ok_or_else(|| self.lost(path))?;
        }
        let NodeKind::Map(entries) = &parent.kind else { return Err(self.lost(path)) };
        let Some((name, old)) = entries.iter().find(|(k, _)| k.as_str() == Some(key)) else {
            return self.append(&parent, key, value);
        };
        let indent = name.span.position().column - 1;
        // The colon stands right behind the key; nothing of this repository writes `key :`.
        let from = name.span.end as usize + 1;
        let to = end_of(old).max(from);
        self.text.replace_range(from..to, &write::after_colon(value, indent));
        Ok(())
    }

    /// Takes a key away, with the comment lines right above it; those above the first key are about the whole file.
    pub fn remove(&mut self, key: &str) -> Result<()> {
        let root = self.root()?;
        let entries = root.as_map().unwrap_or_default();
        let Some(at) = entries.iter().position(|(k, _)| k.as_str() == Some(key)) else {
            return Ok(());
        };
        let (name, value) = &entries[at];
        let mut from = self.line_start(name.span.start as usize);
        while from > 0 && at > 0 {
            let before = self.line_start(from - 1);
            if !self.text[before..from].starts_with('#') {
                break;
            }
            from = before;
        }
        let end = end_of(value).max(name.span.end as usize + 1);
        let to = self.text[end..].find('\n').map_or(self.text.len(), |at| end + at + 1);
        self.text.replace_range(from..to, "");
        Ok(())
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |n| n + 1)
    }

    /// Adds an entry below the others of a mapping.
    fn append(&mut self, parent: &Node, key: &str, value: &Value) -> Result<()> {
        let NodeKind::Map(entries) = &parent.kind else { return Err(self.lost(&[key])) };
        let Some((first, _)) = entries.first() else { return Err(self.lost(&[key])) };
        if parent.span.text().starts_with('{') {
            return Err(self.lost(&[key]));
        }
        let entry = write::entry(key, value, first.span.position().column - 1);
        let end = end_of(parent);
        let at = self.text[end..].find('\n').map_or(self.text.len(), |n| end + n + 1);
        if !self.text[..at].ends_with('\n') {
            self.text.insert(at, '\n');
            self.text.insert_str(at + 1, &entry);
        } else {
            self.text.insert_str(at, &entry);
        }
        Ok(())
    }

    fn lost(&self, path: &[&str]) -> Error {
        let path = path.join(".");
        Error::new(Kind::Internal, format!("{}: `{path}` can't be filled in", self.name))
    }
}

/// Where the text of a node ends. The end of a block lies, for libyaml, behind comments that follow it.
fn end_of(node: &Node) -> usize {
    let text = node.span.text();
    let own = node.span.start as usize + text.trim_end().len();
    match &node.kind {
        NodeKind::Scalar(_) => own,
        _ if text.starts_with(['{', '[']) => own,
        NodeKind::Seq(items) => items.iter().map(end_of).max().unwrap_or(own),
        NodeKind::Map(entries) => entries
            .iter()
            .map(|(key, value)| end_of(value).max(key.span.end as usize + 1))
            .max()
            .unwrap_or(own),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    fn after(text: &str, change: impl FnOnce(&mut Document) -> Result<()>) -> String {
        let mut document = Document::new("x.yml", text);
        change(&mut document).unwrap();
        document.into_text()
    }

    fn yaml(text: &str) -> Value {
        yaml::safe_load(text).unwrap()
    }

    #[test]
    fn equal_values_stay_as_they_are_written() {
        let text = "---\n# why\na: 'x'  # so\nb: {c: 1}\n";
        assert_eq!(after(text, |d| d.set(&["a"], &yaml("x"))), text);
        assert_eq!(after(text, |d| d.set(&["b"], &yaml("{c: 1}"))), text);
    }

    #[test]
    fn other_values_take_their_place() {
        let text = "a: 'x'  # so\nb: >-\n  one\n  two\n\n# of c\nc:\n  d: 1\n  # of e\n  e: 2\n";
        assert_eq!(after(text, |d| d.set(&["a"], &yaml("1.5"))), text.replace("'x'", "1.5"));
        assert_eq!(
            after(text, |d| d.set(&["b"], &yaml("three"))),
            text.replace(">-\n  one\n  two", "three")
        );
        assert_eq!(
            after(text, |d| d.set(&["c"], &yaml("{e: 3, f: [x]}"))),
            text.replace("e: 2\n", "e: 3\n  f: [x]\n")
        );
        assert_eq!(
            after(text, |d| d.replace(&["c"], &yaml("{x: {y: 1}}"))),
            "a: 'x'  # so\nb: >-\n  one\n  two\n\n# of c\nc:\n  x:\n    y: 1\n"
        );
        assert_eq!(
            after(text, |d| d.replace(&["c"], &Value::None)),
            text.split("\n  d").next().unwrap().to_owned() + "\n"
        );
    }

    #[test]
    fn new_keys_come_last_and_others_go_with_their_comments() {
        let text = "---\na: 1\n# of b\n# and more\nb:\n  - x\nc: 3\n";
        assert_eq!(after(text, |d| d.set(&["d"], &yaml("x y"))), format!("{text}d: x y\n"));
        assert_eq!(after(text, |d| d.remove("b")), "---\na: 1\nc: 3\n");
        assert_eq!(after(text, |d| d.remove("c")), "---\na: 1\n# of b\n# and more\nb:\n  - x\n");
        assert_eq!(after(text, |d| d.remove("nothing")), text);
        assert_eq!(after("---\n# whole\na: 1\nb: 2\n", |d| d.remove("a")), "---\n# whole\nb: 2\n");
    }
}
