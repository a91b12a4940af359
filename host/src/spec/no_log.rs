//! Values that must not be seen: collected from arguments, removed from results.

use std::collections::BTreeSet;

use crate::data::{Data, Map};
use crate::python;
use crate::spec::{Kind, Opt};

/// What stands in results where a secret stood.
pub const MASK: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

/// The texts that results must not contain.
#[derive(Debug, Clone, Default)]
pub struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Take every text and number in a value.
    pub fn add(&mut self, value: &Data) {
        match value {
            Data::Null | Data::Bool(_) => {}
            Data::String(text) if text.is_empty() => {}
            Data::String(_) | Data::Number(_) => {
                self.0.insert(python::text(value));
            }
            Data::Array(items) => items.iter().for_each(|item| self.add(item)),
            Data::Object(map) => map.values().for_each(|item| self.add(item)),
        }
    }

    /// Take the values of options that say so, options of options too.
    pub(super) fn add_from(&mut self, options: &[&'static Opt], given: &Map) -> Result<(), String> {
        for opt in options {
            let Some(value) = given.get(opt.name) else { continue };
            if opt.no_log == Some(true) {
                self.add(value);
            }
            let nested = opt.kind == Kind::Dict || opt.elements == Some(Kind::Dict);
            if opt.options.is_empty() || !nested || value.is_null() {
                continue;
            }
            let inner: Vec<&'static Opt> = opt.options.iter().collect();
            let items = match value {
                Data::Array(items) => items.as_slice(),
                single => std::slice::from_ref(single),
            };
            for item in items {
                match item {
                    Data::Object(map) => self.add_from(&inner, map)?,
                    Data::String(_) => {
                        if let Data::Object(map) = super::convert::dict(item)? {
                            self.add_from(&inner, &map)?;
                        }
                    }
                    other => {
                        return Err(format!(
                            "Value '{}' in the sub parameter field '{}' must by a {}, not '{}'",
                            python::text(other),
                            opt.name,
                            opt.kind.name(),
                            python::type_text(other)
                                .trim_start_matches("<class '")
                                .trim_end_matches("'>")
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Remove the secrets from a result.
    pub fn hide(&self, value: &mut Data) {
        if self.0.is_empty() {
            return;
        }
        match value {
            Data::String(text) => {
                if self.0.contains(text.as_str()) {
                    *text = MASK.into();
                    return;
                }
                *text = self.hide_in(text);
            }
            Data::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Data::Object(map) => map.values_mut().for_each(|item| self.hide(item)),
            other => {
                let text = python::text(other);
                if self.0.iter().any(|secret| text.contains(secret.as_str())) {
                    *other = MASK.into();
                }
            }
        }
    }

    /// Text with the secrets starred out.
    pub fn hide_in(&self, text: &str) -> String {
        // Longest first, so that a secret within a secret leaves no tail of the longer one.
        let mut secrets: Vec<&String> =
            self.0.iter().filter(|secret| text.contains(secret.as_str())).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets
            .iter()
            .fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "********"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_leave_results() {
        let mut secrets = Secrets::default();
        secrets.add(&json!(["hunter2", 42, true, null, ""]));
        let mut result =
            json!({"a": "hunter2", "b": ["x hunter2 y", 42, 142, false], "c": {"d": "true"}});
        secrets.hide(&mut result);
        assert_eq!(
            result,
            json!({"a": MASK, "b": ["x ******** y", MASK, MASK, false], "c": {"d": "true"}})
        );
    }
}
