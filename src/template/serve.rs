//! Templates over JSON lines: what the `template` command and the comparison with ansible use.

use std::{
    io::{BufRead, Write},
    path::PathBuf,
    sync::Arc,
};

use serde_json::{Value as Json, json};

use super::{Environment, FileOptions, Nowhere, RenderOptions, Scope, Settings, Templar};
use crate::{
    diagnostic::{Collected, Error, Kind, Result, Source},
    value::{Dict, Value, json::from_json, repr::repr},
};

/// Answers each line `{"template": …, "vars": {…}, "mode": …}` with a line that has `result` (as
/// Python would show it) or `error` and `class`. Modes are `playbook` (the default), `file`,
/// `native` and `condition`; `dir` is where includes and lookups find files.
pub fn serve_json_lines(input: impl BufRead, mut output: impl Write) -> Result<()> {
    let broken = |e: std::io::Error| Error::new(Kind::User, e.to_string());
    for line in input.lines() {
        let line = line.map_err(broken)?;
        let request: Json = serde_json::from_str(&line)
            .map_err(|e| Error::new(Kind::User, format!("not a JSON request: {e}")))?;
        writeln!(output, "{}", answer(&request)).map_err(broken)?;
        output.flush().map_err(broken)?;
    }
    Ok(())
}

/// The variables of a request.
struct Vars(Dict);

impl Scope for Vars {
    fn get(&self, name: &str) -> Option<Value> {
        self.0.get(name)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.0.read().keys().filter_map(|k| k.as_str().map(Arc::from)).collect()
    }
}

fn answer(request: &Json) -> Json {
    let notices = Arc::new(Collected::default());
    match rendered(request, &notices) {
        Ok(value) => {
            let is_unsafe = matches!(&value, Value::Str(s) if s.is_unsafe());
            let mut answer = json!({ "result": repr(&value).unwrap_or_default() });
            if is_unsafe {
                answer["unsafe"] = Json::Bool(true);
            }
            answer
        }
        Err(e) => json!({ "error": e.message(), "class": e.class() }),
    }
}

fn rendered(request: &Json, notices: &Arc<Collected>) -> Result<Value> {
    let text = |name: &str| request.get(name).and_then(Json::as_str);
    let vars = request.get("vars").cloned().unwrap_or_else(|| json!({}));
    let vars = match trusted(from_json(vars, false)) {
        Value::Dict(dict) => dict,
        _ => Dict::new(),
    };
    let mode = text("mode").unwrap_or("playbook");
    let dir = PathBuf::from(text("dir").unwrap_or("."));
    let extensions = text("extensions").unwrap_or_default();
    let settings = Settings {
        native: mode == "native",
        basedir: dir.clone(),
        extensions: extensions.split(',').filter(|e| !e.is_empty()).map(str::to_owned).collect(),
        ..Settings::default()
    };
    let env = Environment::new(
        settings,
        Arc::clone(notices) as Arc<_>,
        None,
        Arc::new(Nowhere),
        "__omit_place_holder__".into(),
    );
    let templar = Templar::new(env, Arc::new(Vars(vars)));
    let template = trusted(from_json(request["template"].clone(), false));
    match mode {
        "condition" => templar.condition(&template).map(Value::Bool),
        "file" => {
            let options = FileOptions {
                newline_sequence: "\n".to_owned(),
                trim_blocks: true,
                search_paths: vec![dir.join("templates"), dir],
                ..FileOptions::default()
            };
            let text = template.as_str().unwrap_or_default();
            templar.render_file(&Source::new("template.j2", text), &options).map(Value::str)
        }
        _ => templar.render(&template, &RenderOptions::default()),
    }
}

/// Text under the key `__unsafe__` alone is marked unsafe.
fn trusted(value: Value) -> Value {
    match value {
        Value::List(l) => Value::list(l.snapshot().into_iter().map(trusted).collect()),
        Value::Dict(d) => match d.get("__unsafe__") {
            Some(value) if d.len() == 1 => value.into_unsafe(),
            _ => Value::Dict(d.snapshot().into_iter().map(|(k, v)| (k, trusted(v))).collect()),
        },
        other => other,
    }
}
