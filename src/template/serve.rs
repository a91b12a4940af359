//! Templates over JSON lines: what the `template` command and the comparison with ansible use.

use std::{
    io::{BufRead, Write},
    path::PathBuf,
    sync::Arc,
};

use serde_json::{Value as Json, json};

use super::{Environment, FileOptions, Locals, RenderOptions, Scope, Settings, Templar};
use crate::{
    diagnostic::{Error, Kind, Result, Source},
    value::{
        Dict, Value,
        json::{loads, to_json},
        repr::repr,
    },
};

/// What is rendered, and by which rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As an argument of a task.
    Playbook,
    /// As a whole file of the `template` action.
    File,
    /// As an argument of a task, under `jinja2_native`.
    Native,
    /// As a condition.
    Condition,
}

impl Mode {
    /// The names of all modes.
    pub const NAMES: [&'static str; 4] = ["playbook", "file", "native", "condition"];

    /// The mode of a name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "playbook" => Self::Playbook,
            "file" => Self::File,
            "native" => Self::Native,
            "condition" => Self::Condition,
            _ => return None,
        })
    }
}

/// Renders texts that somebody hands in.
pub struct Service {
    environment: Arc<Environment>,
    scope: Arc<dyn Scope>,
    search_path: Vec<PathBuf>,
}

impl Service {
    /// Renders with the names of `scope`; includes are looked for in `search_path`.
    pub fn new(
        environment: Arc<Environment>,
        scope: Arc<dyn Scope>,
        search_path: Vec<PathBuf>,
    ) -> Self {
        Self { environment, scope, search_path }
    }

    /// Renders one value.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    pub fn render(&self, template: &Value, mode: Mode) -> Result<Value> {
        let settings = &self.environment.settings;
        let native = mode == Mode::Native || mode == Mode::Playbook && settings.native;
        let environment = if native == settings.native {
            Arc::clone(&self.environment)
        } else {
            self.environment.with_settings(Settings { native, ..settings.clone() })
        };
        let templar = Templar::new(environment, Arc::clone(&self.scope));
        match mode {
            Mode::Condition => templar.condition(template).map(Value::Bool),
            Mode::File => self.render_file(&templar, &template.to_text()).map(Value::str),
            Mode::Playbook | Mode::Native => templar.render(template, &RenderOptions::default()),
        }
    }

    fn render_file(&self, templar: &Templar, text: &str) -> Result<String> {
        let options = FileOptions {
            newline_sequence: "\n".to_owned(),
            trim_blocks: true,
            search_paths: self.search_path.clone(),
            ..FileOptions::default()
        };
        templar.render_file(&Source::new("template.j2", text), &options)
    }

    /// Answers each line `{"template": …, "vars": {…}, "mode": …}` with a line that has `result`,
    /// or `error` and its `class`. With `"show": "python"` the result is text as Python shows it.
    ///
    /// # Errors
    /// A line that is no such request, or a reader or writer that went away.
    pub fn serve_json_lines(&self, input: impl BufRead, mut output: impl Write) -> Result<()> {
        let broken = |e: std::io::Error| Error::new(Kind::User, e.to_string());
        for line in input.lines() {
            let line = line.map_err(broken)?;
            if line.trim().is_empty() {
                continue;
            }
            let answer = self.answer(&line)?;
            writeln!(output, "{answer}").map_err(broken)?;
            output.flush().map_err(broken)?;
        }
        Ok(())
    }

    fn answer(&self, line: &str) -> Result<Json> {
        let wrong = |why: String| Error::new(Kind::User, format!("not a request: {why}: {line}"));
        let Value::Dict(request) = loads(line).map_err(|e| wrong(e.message))? else {
            return Err(wrong("it is no object".to_owned()));
        };
        let text = |name: &str| request.get(name).map(|v| v.to_text());
        let Some(template) = request.get("template") else {
            return Err(wrong("no `template` in it".to_owned()));
        };
        let mode = text("mode").unwrap_or_else(|| "playbook".to_owned());
        let mode = Mode::named(&mode).ok_or_else(|| wrong(format!("unknown mode `{mode}`")))?;
        let vars = match request.get("vars").map(trusted) {
            None => Dict::new(),
            Some(Value::Dict(vars)) => vars,
            Some(_) => return Err(wrong("`vars` is no object".to_owned())),
        };
        let names = vars.snapshot().into_iter();
        let names = names.filter_map(|(k, v)| Some((k.as_str()?.into(), v))).collect();
        let mut environment = Arc::clone(&self.environment);
        if let Some(extensions) = text("extensions") {
            let extensions = extensions.split(',').map(str::to_owned).collect();
            let settings = Settings { extensions, ..environment.settings.clone() };
            environment = environment.with_settings(settings);
        }
        let scope = Arc::new(Locals::new(names, Arc::clone(&self.scope)));
        let service = Self::new(environment, scope, self.search_path.clone());
        let rendered = service.render(&trusted(template), mode);
        let shown = rendered.and_then(|value| match text("show").as_deref() {
            Some("python") => Ok(json!({
                "result": repr(&value).map_err(super::templar::to_error)?,
                "unsafe": matches!(&value, Value::Str(s) if s.is_unsafe()),
            })),
            _ => Ok(json!({ "result": to_json(&value).map_err(super::templar::to_error)? })),
        });
        Ok(shown.unwrap_or_else(|e| json!({ "error": e.message(), "class": e.class() })))
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn answers(input: &str) -> String {
        let scope = Arc::new(Locals::new([].into(), Arc::new(crate::template::NoNames)));
        let service = Service::new(Environment::plain(), scope, Vec::new());
        let mut out = Vec::new();
        service.serve_json_lines(input.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_answered() {
        let input = r#"
{"template": "{{ a + 1 }}", "vars": {"a": 1}}
{"template": "{{ a + 1 }}", "vars": {"a": 1}, "mode": "native"}
{"template": "{{ a }}", "vars": {"a": [1, "x"]}, "show": "python"}
{"template": "{{ a }}\n", "mode": "file"}
"#;
        let expected = r#"{"result":"2"}
{"result":2}
{"result":"[1, 'x']","unsafe":false}
{"error":"'a' is undefined. 'a' is undefined","class":"jinja2.exceptions.UndefinedError"}
"#;
        assert_eq!(answers(input), expected);
    }
}
