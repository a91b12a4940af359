//! Conditions: `when`, `until`, `changed_when`, `failed_when`, `that`.

use std::sync::{Arc, OnceLock};

use super::{
    RenderOptions, Templar,
    templar::{ansible, to_error},
};
use crate::{
    diagnostic::Result,
    value::{
        PyError, PyErrorKind, PyResult, Value,
        ops::truth,
        regex::{Flags, Pattern},
        repr::to_text,
    },
};

impl Templar {
    /// Whether one condition holds.
    pub fn condition(&self, condition: &Value) -> Result<bool> {
        self.evaluate(condition).map_err(|e| {
            let shown = to_text(condition).unwrap_or_default();
            let message =
                format!("The conditional check '{shown}' failed. The error was: {}", e.message);
            to_error(PyError { kind: PyErrorKind::Ansible, message, ..e })
        })
    }

    fn evaluate(&self, condition: &Value) -> PyResult<bool> {
        match condition {
            Value::None => Ok(true),
            Value::Bool(b) => Ok(*b),
            Value::Str(s) if s.is_empty() => Ok(true),
            other => truth(&self.check(other)?),
        }
    }

    fn check(&self, original: &Value) -> PyResult<Value> {
        if self.is_template(original) {
            self.environment().notices.warning(format!(
                "conditional statements should not include jinja2 templating delimiters such as \
                 {{{{ }}}} or {{% %}}. Found: {}",
                to_text(original)?
            ));
        }
        // What the text is by the time something fails: defined-tests are looked for in it.
        let mut text = original.as_str().unwrap_or_default().to_owned();
        let result = self.check_text(original, &mut text);
        match result {
            Err(e) if e.is_undefined() => match self.expected(&text, &e.message) {
                Some(holds) => Ok(Value::Bool(holds)),
                None => Err(PyError {
                    message: format!(
                        "error while evaluating conditional ({}): {}",
                        to_text(original)?,
                        e.message
                    ),
                    ..e
                }),
            },
            other => other,
        }
    }

    fn check_text(&self, original: &Value, text: &mut String) -> PyResult<Value> {
        let disable_lookups = matches!(original, Value::Str(s) if s.is_unsafe());
        let options = RenderOptions { disable_lookups, ..RenderOptions::default() };
        let rendered = self.template(original, &options)?;
        let condition = match &rendered {
            Value::Str(s) if !s.is_empty() => s,
            _ => return Ok(rendered),
        };
        condition.as_str().clone_into(text);
        if condition.is_unsafe() {
            return Err(PyError::new(
                PyErrorKind::Other("ansible.errors.AnsibleTemplateError"),
                "Conditional is marked as unsafe, and cannot be evaluated.",
            ));
        }
        let presented = format!("{{% if {condition} %}} True {{% else %}} False {{% endif %}}");
        let value = self.template(&Value::str(presented), &options)?;
        match value.as_str().map(str::trim) {
            Some("True") => Ok(Value::Bool(true)),
            Some("False") => Ok(Value::Bool(false)),
            _ => Err(ansible(format!("unable to evaluate conditional: {}", to_text(original)?))),
        }
    }

    /// If the condition asks whether the undefined variable is defined, the answer.
    fn expected(&self, condition: &str, message: &str) -> Option<bool> {
        static UNDEFINED: OnceLock<Option<Arc<Pattern>>> = OnceLock::new();
        static ASKED: OnceLock<Option<Arc<Pattern>>> = OnceLock::new();
        // Both patterns are constant and valid.
        let compiled = |pattern| Pattern::new(pattern, Flags::default()).ok();
        let undefined = UNDEFINED.get_or_init(|| compiled(r"'(hostvars\[.+\]|\w+)' is undefined"));
        let asked = ASKED.get_or_init(|| {
            compiled(r"(hostvars\[.+\]|\w+)\s+(not\s+is|is|is\s+not)\s+(defined|undefined)")
        });
        let found = undefined.as_ref()?.search(message).ok()??;
        let missing = found.group(message, 1)?.replace('\'', "\"");
        for found in asked.as_ref()?.find_all(condition, None).ok()? {
            if found.group(condition, 1)?.replace('\'', "\"") == missing {
                let negated = found.group(condition, 2)?.contains("not");
                let should_exist = negated != (found.group(condition, 3)? == "defined");
                return Some(!should_exist);
            }
        }
        None
    }
}
