//! Expressions and assignments in the debugger, as far as they can be told without Python.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Session;
use crate::{
    diagnostic::ansible_text,
    template::{Locals, RenderOptions, Scope, Templar},
    value::{Dict, Key, Value},
};

/// One step of a place such as `task.args['name'][0]`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Attribute(String),
    Text(String),
    Number(i64),
}

/// What is wrong, as ansible's debugger shows exceptions.
type Told<T> = Result<T, String>;

impl Session<'_> {
    /// The value of an expression, laid out.
    pub fn pretty(&self, expression: &str) -> Told<String> {
        match expression {
            "task" => return Ok(self.task_text()),
            "host" => return Ok(self.done.host.to_string()),
            _ => {}
        }
        let value = self.evaluate(expression)?;
        let names = [(Arc::from("shown"), value.into_unsafe())].into_iter().collect();
        self.compute("shown | pprint", names).map(|v| v.to_text())
    }

    /// Carries out an assignment or a deletion; the value of an expression is shown.
    pub fn execute(&mut self, statement: &str) -> Told<()> {
        if let Some(place) = statement.strip_prefix("del ") {
            return self.delete(place.trim());
        }
        let Some((place, value)) = assignment(statement) else {
            let shown = match statement {
                "task" => self.task_text(),
                "host" => self.done.host.to_string(),
                _ => self.evaluate(statement)?.repr(),
            };
            self.say(&shown);
            return Ok(());
        };
        let value = self.evaluate(value)?;
        let Some((root, steps)) = path(place) else { return Err(no_python(statement)) };
        match (root.as_str(), steps.as_slice()) {
            ("task", [Step::Attribute(args)]) if args == "args" => match value {
                Value::Dict(all) => self.args = all,
                _ => return Err(no_python(statement)),
            },
            ("task", [Step::Attribute(args), inner @ .., last]) if args == "args" => {
                put(self.inside(Value::Dict(self.args.clone()), inner)?, last, value)?;
            }
            ("task_vars", [Step::Text(name)]) => drop(self.changed.insert(name.as_str(), value)),
            ("task_vars", [Step::Text(name), inner @ .., last]) => {
                let whole = self.variable(name)?;
                put(self.inside(whole.clone(), inner)?, last, value)?;
                self.changed.insert(name.as_str(), whole);
            }
            _ => return Err(no_python(statement)),
        }
        Ok(())
    }

    fn delete(&self, place: &str) -> Told<()> {
        let statement = || no_python(&format!("del {place}"));
        let Some((root, steps)) = path(place) else { return Err(statement()) };
        match (root.as_str(), steps.as_slice()) {
            ("task", [Step::Attribute(args), inner @ .., Step::Text(key)]) if args == "args" => {
                match self.inside(Value::Dict(self.args.clone()), inner)? {
                    Value::Dict(dict) => match dict.remove(key) {
                        Some(_) => Ok(()),
                        None => Err(exception("KeyError", &Value::str(key.as_str()).repr())),
                    },
                    _ => Err(statement()),
                }
            }
            _ => Err(statement()),
        }
    }

    fn evaluate(&self, expression: &str) -> Told<Value> {
        match path(expression) {
            Some((root, steps)) => self.at(&root, &steps, expression),
            None => {
                let names = ["task", "task_vars", "result"];
                let names = names
                    .into_iter()
                    .filter(|name| expression.contains(name))
                    .filter_map(|name| Some((Arc::from(name), self.root(name)?.into_unsafe())));
                self.compute(expression, names.collect())
            }
        }
    }

    fn at(&self, root: &str, steps: &[Step], expression: &str) -> Told<Value> {
        match (root, steps) {
            ("task_vars", [Step::Text(name), inner @ ..]) => {
                self.inside(self.variable(name)?, inner)
            }
            ("host" | "result" | "task" | "play_context", []) => Err(no_python(expression)),
            _ => match self.root(root) {
                Some(value) => self.inside(value, steps),
                None => match root {
                    "True" | "False" | "None" if steps.is_empty() => {
                        self.compute(root, IndexMap::new())
                    }
                    _ => {
                        let text = format!("name '{root}' is not defined");
                        Err(exception("NameError", &Value::str(text).repr()))
                    }
                },
            },
        }
    }

    fn root(&self, name: &str) -> Option<Value> {
        let text = |s: &str| Value::str(s);
        Some(match name {
            "task" => Value::Dict(
                [
                    ("name", self.task_name()),
                    ("action", text(&self.done.task.action.written)),
                    ("args", Value::Dict(self.args.clone())),
                ]
                .into_iter()
                .collect(),
            ),
            "host" => Value::Dict(
                [("name", text(&self.done.host)), ("vars", Value::Dict(Dict::new()))]
                    .into_iter()
                    .collect(),
            ),
            "result" => Value::Dict(
                [
                    ("_result", Value::Dict(self.result())),
                    ("_host", text(&self.done.host)),
                    ("task_name", text(&self.done.info.name)),
                ]
                .into_iter()
                .collect(),
            ),
            "task_vars" => {
                let scope = self.scope();
                let all = scope.names().into_iter().filter(|name| &**name != "vars");
                Value::Dict(all.filter_map(|n| Some((Key::from(&*n), scope.get(&n)?))).collect())
            }
            _ => return None,
        })
    }

    fn variable(&self, name: &str) -> Told<Value> {
        let missing = || exception("KeyError", &Value::str(name).repr());
        self.scope().get(name).ok_or_else(missing)
    }

    fn inside(&self, mut value: Value, steps: &[Step]) -> Told<Value> {
        for step in steps {
            value = match (&value, step) {
                (Value::Dict(d), Step::Text(key)) => d
                    .get(key)
                    .ok_or_else(|| exception("KeyError", &Value::str(key.as_str()).repr()))?,
                // The attributes of ansible's own objects; they are dicts here.
                (Value::Dict(d), Step::Attribute(key)) if d.contains(key) => {
                    d.get(key).unwrap_or(Value::None)
                }
                (Value::List(l), Step::Number(n)) => {
                    let items = l.snapshot();
                    let at = if *n < 0 { n + i64::try_from(items.len()).unwrap_or(0) } else { *n };
                    let found = usize::try_from(at).ok().and_then(|at| items.get(at).cloned());
                    found.ok_or_else(|| exception("IndexError", "'list index out of range'"))?
                }
                (_, Step::Attribute(name)) => {
                    let text = format!("'{}' object has no attribute '{name}'", value.type_name());
                    return Err(exception("AttributeError", &Value::str(text).repr()));
                }
                (_, Step::Text(key)) => return Err(no_python(&format!("['{key}']"))),
                (_, Step::Number(n)) => return Err(no_python(&format!("[{n}]"))),
            };
        }
        Ok(value)
    }

    /// The value of a Jinja expression, in a list so that its type stays.
    fn compute(&self, expression: &str, names: IndexMap<Arc<str>, Value>) -> Told<Value> {
        match self.render(&format!("{{{{ [{expression}] }}}}"), names)? {
            Value::List(one) if one.snapshot().len() == 1 => {
                Ok(one.snapshot().into_iter().next().unwrap_or(Value::None))
            }
            _ => Err(no_python(expression)),
        }
    }

    fn render(&self, template: &str, names: IndexMap<Arc<str>, Value>) -> Told<Value> {
        let below: Arc<dyn Scope> = Arc::new(crate::vars::Stack::new());
        let scope = Arc::new(Locals::new(names, below));
        let templar = Templar::new(Arc::clone(&self.play.play.run.templates), scope);
        templar.render(&Value::str(template), &RenderOptions::default()).map_err(|e| {
            let class = e.class().and_then(|c| c.rsplit('.').next()).unwrap_or("SyntaxError");
            exception(class, &Value::str(ansible_text(&e)).repr())
        })
    }

    fn task_name(&self) -> Value {
        let Some(name) = self.done.task.level.name.as_deref() else { return Value::str("") };
        let shown = &*self.done.info.name;
        let role = self.done.task.level.role.as_ref().and_then(|_| shown.split_once(" : "));
        Value::str(if name.is_empty() { "" } else { role.map_or(shown, |(_, name)| name) })
    }

    /// The result with what ansible keeps in it for itself.
    fn result(&self) -> Dict {
        let data = self.done.result.data.copy();
        let control = &self.done.result.control;
        data.insert("_ansible_no_log", control.no_log);
        if control.verbose_always {
            data.insert("_ansible_verbose_always", true);
        }
        data
    }

    fn task_text(&self) -> String {
        let kind = if self.done.task.is_handler { "HANDLER" } else { "TASK" };
        format!("{kind}: {}", self.done.info.name)
    }
}

fn exception(class: &str, shown: &str) -> String {
    format!("***{class}:{class}({shown})")
}

fn no_python(what: &str) -> String {
    let text = format!("the debugger evaluates no Python: {what}");
    exception("NotImplementedError", &Value::str(text).repr())
}

fn put(place: Value, step: &Step, value: Value) -> Told<()> {
    match (place, step) {
        (Value::Dict(d), Step::Text(key)) => drop(d.insert(key.as_str(), value)),
        _ => return Err(no_python("an assignment to anything but a key of a dictionary")),
    }
    Ok(())
}

/// The sides of an assignment.
fn assignment(statement: &str) -> Option<(&str, &str)> {
    let (mut quote, mut depth) = (None, 0_u32);
    let bytes = statement.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(q), b) if q == *b => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(*byte),
            (None, b'[' | b'(' | b'{') => depth += 1,
            (None, b']' | b')' | b'}') => depth = depth.saturating_sub(1),
            (None, b'=') if depth == 0 => {
                let doubled = bytes.get(at + 1) == Some(&b'=');
                let compared = at > 0 && b"!<>=+-*/".contains(&bytes[at - 1]);
                if doubled || compared {
                    return None;
                }
                return Some((statement[..at].trim(), statement[at + 1..].trim()));
            }
            _ => {}
        }
    }
    None
}

/// A name with attributes and subscripts.
fn path(text: &str) -> Option<(String, Vec<Step>)> {
    let name = |text: &str| -> Option<usize> {
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        (end > 0 && !text.starts_with(|c: char| c.is_numeric())).then_some(end)
    };
    let text = text.trim();
    let (root, mut rest) = text.split_at(name(text)?);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let (attribute, more) = after.split_at(name(after)?);
            steps.push(Step::Attribute(attribute.to_owned()));
            rest = more;
        } else {
            let (inner, more) = rest.strip_prefix('[')?.split_once(']')?;
            let inner = inner.trim();
            let quoted = |q: char| inner.strip_prefix(q).and_then(|i| i.strip_suffix(q));
            steps.push(match quoted('\'').or_else(|| quoted('"')) {
                Some(key) if !key.contains('\\') => Step::Text(key.to_owned()),
                Some(_) => return None,
                None => Step::Number(inner.parse().ok()?),
            });
            rest = more;
        }
    }
    Some((root.to_owned(), steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_assignments_are_taken_apart() {
        let text = |t: &str| Step::Text(t.into());
        let attribute = |t: &str| Step::Attribute(t.into());
        let steps = vec![attribute("args"), text("a b"), Step::Number(-1)];
        assert_eq!(path("task.args['a b'][-1]"), Some(("task".into(), steps)));
        assert_eq!(path("task.args | length"), None);
        assert_eq!(path("1"), None);
        let sides = assignment("task.args['a=b'] = x == 1");
        assert_eq!(sides, Some(("task.args['a=b']", "x == 1")));
        assert_eq!(assignment("a == 1"), None);
        assert_eq!(assignment("f(a=1)"), None);
    }
}
