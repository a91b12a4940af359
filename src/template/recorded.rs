//! Expressions with the answers that ansible-core 2.14.18 gave, run through the whole templar.
//!
//! A line of `recorded/*.jsonl` is an expression `t` with the text of its result in a list (`r`),
//! or the class (`c`) and message (`e`) of the error.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{path::Path, sync::Arc};

use serde_json::Value as Json;

use super::{Environment, RenderOptions, Scope, Templar};
use crate::value::{Dict, Value, json::from_json, repr::repr};

struct Vars(Dict);

impl Scope for Vars {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.read().keys().filter_map(|k| k.as_str().map(Arc::from)).collect()
    }
}

/// What we answer, in the form of the recorded answer.
fn answer(vars: &Dict, expression: &str) -> String {
    let scope: Arc<dyn Scope> = Arc::new(Vars(vars.clone()));
    let templar = Templar::new(Environment::plain(), scope);
    let template = Value::from(format!("{{{{ [{expression}] }}}}"));
    match templar.render(&template, &RenderOptions::default()) {
        Ok(value) => repr(&value).unwrap(),
        Err(e) => {
            // Whoever shows the error knows it as ansible's.
            let class = match e.class() {
                Some("jinja2.exceptions.UndefinedError") => {
                    "ansible.errors.AnsibleUndefinedVariable"
                }
                class => class.unwrap_or("-"),
            };
            format!("! {class}: {}", e.message())
        }
    }
}

fn recorded(line: &Json) -> String {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    match line["r"].as_str() {
        Some(result) => result.to_owned(),
        None => format!("! {}: {}", text("c"), text("e")),
    }
}

#[test]
fn answers_are_ansibles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/template/recorded");
    let vars = std::fs::read_to_string(folder.join("vars.json")).unwrap();
    let Value::Dict(vars) = from_json(serde_json::from_str(&vars).unwrap(), false) else {
        unreachable!("vars.json holds an object");
    };
    let mut wrong = Vec::new();
    let mut ran = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let line: Json = serde_json::from_str(line).unwrap();
            let expression = line["t"].as_str().unwrap();
            let (ours, theirs) = (answer(&vars, expression), recorded(&line));
            ran += 1;
            if ours != theirs {
                wrong.push(format!("{expression}\n  ansible: {theirs}\n  ours:    {ours}"));
            }
        }
    }
    assert!(ran > 1000, "the tables are gone");
    assert!(wrong.is_empty(), "{} of {ran} differ:\n{}", wrong.len(), wrong.join("\n"));
}
