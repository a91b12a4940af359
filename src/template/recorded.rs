//! Expressions with the answers that ansible-core 2.14.18 gave, run through the whole templar.
//!
//! A line of `recorded/*.jsonl` is an expression `t` with the text of its result in a list (`r`),
//! or the class (`c`) and message (`e`) of the error. A line of `recorded/templates/*.jsonl` is a whole
//! template of mode `m` with the variables of the fuzzer.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{path::Path, sync::Arc};

use serde_json::Value as Json;

use super::{Environment, Locals, NoNames, RenderOptions, Scope, Service, Templar};
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

/// Python tells the addresses of objects, which nobody can know.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split(" at 0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        out + " at 0x" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit())
    })
}

/// What we answer to a whole template, in the form of the recorded answer.
fn answer_to(service: &Service, line: &Json, vars: &str) -> String {
    let (template, mode) = (&line["t"], &line["m"]);
    let request =
        format!(r#"{{"template": {template}, "mode": {mode}, "show": "python", "vars": {vars}}}"#);
    let mut out = Vec::new();
    service.serve_json_lines(request.as_bytes(), &mut out).unwrap();
    let out: Json = serde_json::from_slice(&out).unwrap();
    let text = |name: &str| out[name].as_str().unwrap_or_default().to_owned();
    let answer = match out["result"].as_str() {
        Some(result) => result.to_owned(),
        None => {
            let class = text("class").replace(
                "jinja2.exceptions.UndefinedError",
                "ansible.errors.AnsibleUndefinedVariable",
            );
            format!("! {class}: {}", text("error"))
        }
    };
    without_addresses(&answer)
}

#[test]
fn templates_are_rendered_as_ansible_does() {
    // Code that is not optimised needs more stack than tests have.
    let compare = std::thread::Builder::new().stack_size(64 << 20).spawn(compare_templates);
    compare.unwrap().join().unwrap();
}

fn compare_templates() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vars = std::fs::read_to_string(root.join("tests/fuzz/vars.json")).unwrap();
    // A request is one line.
    let vars = vars.replace('\n', " ");
    let scope = Arc::new(Locals::new([].into(), Arc::new(NoNames)));
    let service = Service::new(Environment::plain(), scope, vec![root.join("tests/fuzz/files")]);
    let mut wrong = Vec::new();
    let mut ran = 0;
    for entry in std::fs::read_dir(root.join("src/template/recorded/templates")).unwrap() {
        for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let line: Json = serde_json::from_str(line).unwrap();
            let (ours, theirs) = (answer_to(&service, &line, &vars), recorded(&line));
            ran += 1;
            if ours != theirs {
                let (mode, template) = (&line["m"], &line["t"]);
                wrong.push(format!("{mode} {template}\n  ansible: {theirs}\n  ours:    {ours}"));
            }
        }
    }
    assert!(ran > 20, "the tables are gone");
    assert!(wrong.is_empty(), "{} of {ran} differ:\n{}", wrong.len(), wrong.join("\n"));
}
