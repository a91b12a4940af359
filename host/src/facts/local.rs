//! Facts that a host's administrator wrote: `*.fact` in `fact_path`.

use std::path::Path;

use super::Collector;
use crate::context::Context;
use crate::data::{Data, Map};
use crate::python::{self, Subject};
use crate::target::Run;

pub static COLLECTOR: Collector = Collector { name: "local", subsets: &["local"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let folder = cx.call.args.get("fact_path").and_then(Data::as_str);
    let folder = folder.unwrap_or("/etc/ansible/facts.d").to_owned();
    let folder = cx.target.expand(&folder);
    let mut all = Map::new();
    for name in super::names(cx, &folder) {
        if !name.ends_with(".fact") || name.starts_with('.') {
            continue;
        }
        let stem = name.replace(".fact", "");
        let path = Path::new(&folder).join(&name);
        let value = match read(cx, &path) {
            Ok(value) => value,
            Err(problem) => {
                cx.warn(problem.clone());
                Data::from(problem)
            }
        };
        all.insert(stem, value);
    }
    facts.insert("local".into(), all.into());
}

/// A file's facts: what it prints if it is a program, else what it holds; JSON or INI.
fn read(cx: &mut Context<'_>, path: &Path) -> Result<Data, String> {
    let shown = path.display();
    let stat = cx.target.stat(path).map_err(|e| {
        format!("Could not stat fact ({shown}): {}", python::os_error(&e, Subject::Text(path)))
    })?;
    let text = if stat.mode & 0o100 != 0 {
        let run = Run::argv([path.as_os_str()]);
        let ran = cx
            .target
            .run(&run)
            .map_err(|e| format!("Could not execute fact script ({shown}): {e}"))?;
        if !ran.ok() {
            return Err(format!(
                "Failure executing fact script ({shown}), rc: {}, err: {}",
                ran.rc,
                ran.err()
            ));
        }
        ran.out().into_owned()
    } else {
        cx.target.read_text(path).unwrap_or_default()
    };
    if let Ok(value) = serde_json::from_str(&text) {
        return Ok(value);
    }
    ini(&text).ok_or_else(|| {
        format!("error loading facts as JSON or ini - please check content: {shown}")
    })
}

/// Sections of names and values; `None` if the text is no INI file.
fn ini(text: &str) -> Option<Data> {
    let mut all = Map::new();
    let mut section: Option<String> = None;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            all.entry(name).or_insert_with(|| Map::new().into());
            section = Some(name.to_owned());
            continue;
        }
        let at = line.find(['=', ':'])?;
        let (name, value) = line.split_at(at);
        let current = all.get_mut(section.as_deref()?)?.as_object_mut()?;
        // Python's parser makes names lower case.
        current.insert(name.trim().to_lowercase(), value[1..].trim().into());
    }
    Some(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ini_has_sections() {
        assert_eq!(ini("# x\n[a]\nB = 1\nc: d\n"), Some(json!({"a": {"b": "1", "c": "d"}})));
        assert_eq!(ini("no section = 1\n"), None);
        assert_eq!(ini("[a]\nnothing\n"), None);
    }
}
