//! The check of variables against an argument specification that is data.
//!
//! The steps and their order are ansible-core's, because they decide which mistakes are reported
//! and in which order. Modules' own specifications are constants of the host's half, and checked
//! there; what differs here is that everything is reported, and that a specification may be wrong
//! itself.

use super::types;
use crate::value::{
    Dict, Key, PyError, PyErrorKind, PyResult, Value, ops, repr,
    types::{class_repr, object_repr, type_name},
};

/// Checks values against a specification: every mistake, in order.
///
/// # Errors
/// What a broken specification makes Python raise.
pub fn check(spec: &Dict, values: &Dict) -> PyResult<Vec<String>> {
    let mut run = Run { errors: Vec::new(), unknown: Vec::new(), context: Vec::new() };
    let values = values.copy();
    run.level(spec, &values, &Dict::new())?;
    if let Some(last) = run.unknown.last() {
        let mut names: Vec<&str> = run.unknown.iter().map(|u| u.name.as_str()).collect();
        names.sort_unstable();
        let aliases = match last.aliases.is_empty() {
            true => String::new(),
            false => format!(" ({})", last.aliases.join(", ")),
        };
        run.errors.push(format!(
            "{}. Supported parameters include: {}{aliases}.",
            names.join(", "),
            last.supported.join(", ")
        ));
    }
    Ok(run.errors)
}

struct Unknown {
    name: String,
    supported: Vec<String>,
    aliases: Vec<String>,
}

struct Run {
    errors: Vec<String>,
    unknown: Vec<Unknown>,
    /// The options whose options are being checked.
    context: Vec<String>,
}

/// One option of the specification.
type Entry = (Key, Dict);

fn entries(spec: &Dict) -> PyResult<Vec<Entry>> {
    spec.snapshot()
        .into_iter()
        .map(|(name, attributes)| match attributes {
            Value::Dict(d) => Ok((name, d)),
            other => Err(PyError::new(
                PyErrorKind::AttributeError,
                format!("'{}' object has no attribute 'get'", type_name(&other)),
            )),
        })
        .collect()
}

impl Run {
    /// One level of options: the role's, or those of a dict. `rules` holds the rules between them.
    fn level(&mut self, spec: &Dict, values: &Dict, rules: &Dict) -> PyResult<()> {
        let options = entries(spec)?;
        let aliases = self.aliases(&options, values)?;
        if let Err(e) = secrets(&options, values) {
            self.caught(e)?;
        }
        self.unknown(&options, &aliases, values);
        let exclusive = exclusions(rules, values);
        self.rule(exclusive)?;
        defaults(&options, values, false);
        let required = required(&options, values);
        self.rule(required)?;
        self.types(&options, values)?;
        self.choices(&options, values)?;
        for check in [together, one_of, required_if, required_by] {
            self.rule(check(rules, values))?;
        }
        defaults(&options, values, true);
        self.nested(&options, values)
    }

    /// Takes a broken rule's message in, with its place.
    fn rule(&mut self, checked: PyResult<Option<String>>) -> PyResult<()> {
        match checked {
            Ok(None) => Ok(()),
            Ok(Some(message)) => {
                self.fail(message);
                Ok(())
            }
            Err(e) => self.caught(e),
        }
    }

    fn fail(&mut self, message: String) {
        let place = match self.context.is_empty() {
            true => String::new(),
            false => format!(" found in {}", self.context.join(" -> ")),
        };
        self.errors.push(message + &place);
    }

    /// Python's `except TypeError`.
    fn caught(&mut self, error: PyError) -> PyResult<()> {
        if !error.is_type_error() {
            return Err(error);
        }
        self.errors.push(error.message);
        Ok(())
    }

    /// Gives options the values of their aliases; every alias.
    fn aliases(&mut self, options: &[Entry], values: &Dict) -> PyResult<Vec<String>> {
        let mut all = Vec::new();
        for (name, option) in options {
            let default = option.get("default").is_some_and(|d| !d.is_none());
            if default && is_set(option, "required") {
                let shown = name.value().to_text();
                self.errors.push(format!(
                    "internal error: required and default are mutually exclusive for {shown}"
                ));
                return Ok(Vec::new());
            }
            let aliases = match option.get("aliases") {
                None | Some(Value::None) => continue,
                Some(Value::List(aliases)) => aliases.snapshot(),
                Some(_) => {
                    self.errors.push("internal error: aliases must be a list or tuple".to_owned());
                    return Ok(Vec::new());
                }
            };
            for alias in aliases {
                let key = ops::to_key(alias)?;
                if let Some(value) = values.get_key(&key) {
                    values.write().insert(name.clone(), value);
                }
                all.push(key.value().to_text());
            }
        }
        Ok(all)
    }

    fn unknown(&mut self, options: &[Entry], aliases: &[String], values: &Dict) {
        let mut supported: Vec<String> =
            options.iter().map(|(name, _)| name.value().to_text()).collect();
        for (key, _) in values.snapshot() {
            let name = key.value().to_text();
            if aliases.contains(&name) || supported.contains(&name) {
                continue;
            }
            supported.retain(|option| !aliases.contains(option));
            supported.sort_unstable();
            let mut aliases = aliases.to_vec();
            aliases.sort_unstable();
            let path: Vec<&str> =
                self.context.iter().map(String::as_str).chain([name.as_str()]).collect();
            let name = path.join(".");
            self.unknown.push(Unknown { name, supported: supported.clone(), aliases });
        }
    }

    fn types(&mut self, options: &[Entry], values: &Dict) -> PyResult<()> {
        for (name, option) in options {
            let Some(value) = values.get_key(name).filter(|v| !v.is_none()) else { continue };
            let wanted = option.get("type").filter(|t| !t.is_none()).map(|t| t.to_text());
            if let Err(e) = self.convert(name, option, wanted.as_deref(), &value, values) {
                if !(e.is_type_error() || e.is_value_error()) {
                    return Err(e);
                }
                self.errors.push(format!(
                    "argument '{}' is of type {}{} and we were unable to convert to {}: {}",
                    name.value().to_text(),
                    class_repr(&value),
                    self.place("."),
                    wanted.as_deref().unwrap_or("str"),
                    e.message
                ));
            }
        }
        Ok(())
    }

    fn convert(
        &mut self,
        name: &Key,
        option: &Dict,
        wanted: Option<&str>,
        value: &Value,
        values: &Dict,
    ) -> PyResult<()> {
        let converted = types::convert(wanted, value)?;
        values.write().insert(name.clone(), converted.clone());
        let Some(elements) = option.get("elements").filter(Value::is_true) else { return Ok(()) };
        if wanted != Some("list") {
            self.errors.push(format!(
                "Invalid type {} for option '{}'{}, elements value check is supported only with \
                 'list' type",
                wanted.unwrap_or("str"),
                converted.to_text(),
                self.place(".")
            ));
        }
        let wanted = elements.to_text();
        let mut all = Vec::new();
        for item in types::iterate(&converted)? {
            match types::convert(Some(&wanted), &item) {
                Ok(item) => all.push(item),
                Err(e) if e.is_type_error() || e.is_value_error() => self.errors.push(format!(
                    "Elements value for option '{}'{} is of type {} and we were unable to \
                     convert to {wanted}: {}",
                    name.value().to_text(),
                    self.place(""),
                    class_repr(&item),
                    e.message
                )),
                Err(e) => return Err(e),
            }
        }
        values.write().insert(name.clone(), Value::list(all));
        Ok(())
    }

    fn place(&self, end: &str) -> String {
        match self.context.is_empty() {
            true => String::new(),
            false => format!(" found in '{}'{end}", self.context.join(" -> ")),
        }
    }

    fn choices(&mut self, options: &[Entry], values: &Dict) -> PyResult<()> {
        for (name, option) in options {
            let shown = name.value().to_text();
            let choices = match option.get("choices") {
                None | Some(Value::None) => continue,
                Some(Value::List(choices)) => choices.snapshot(),
                Some(other) => {
                    let other = other.to_text();
                    self.fail(format!(
                        "internal error: choices for argument {shown} are not iterable: {other}"
                    ));
                    continue;
                }
            };
            let Some(value) = values.get_key(name) else { continue };
            let known = |value: &Value| choices.iter().any(|c| c.equals(value));
            let listed = || choices.iter().map(Value::to_text).collect::<Vec<_>>().join(", ");
            if let Value::List(items) = &value {
                let strange: Vec<Value> =
                    items.snapshot().into_iter().filter(|i| !known(i)).collect();
                if !strange.is_empty() {
                    self.fail(format!(
                        "value of {shown} must be one or more of: {}. Got no match for: {}",
                        listed(),
                        joined(", ", &strange)?
                    ));
                }
            } else if !known(&value) {
                // YAML made `True` of a word: take the word back if only one can be meant.
                if let Some(word) = only_word(&value, &choices) {
                    values.write().insert(name.clone(), word);
                    continue;
                }
                self.fail(format!(
                    "value of {shown} must be one of: {}, got: {}",
                    listed(),
                    value.to_text()
                ));
            }
        }
        Ok(())
    }

    fn nested(&mut self, options: &[Entry], values: &Dict) -> PyResult<()> {
        for (name, option) in options {
            let is =
                |key: &str, what: &str| option.get(key).is_some_and(|v| v.as_str() == Some(what));
            if !(is("type", "dict") || (is("type", "list") && is("elements", "dict"))) {
                continue;
            }
            let Some(inner) = option.get("options").filter(|o| !o.is_none()) else { continue };
            let given = values.get_key(name).filter(|v| !v.is_none());
            let value = match given {
                Some(value) => value,
                None if is_set(option, "apply_defaults") => {
                    let empty = Value::Dict(Dict::new());
                    values.write().insert(name.clone(), empty.clone());
                    empty
                }
                None => continue,
            };
            let Value::Dict(inner) = inner else {
                return Err(PyError::new(
                    PyErrorKind::AttributeError,
                    format!("'{}' has no attribute 'items'", object_repr(&inner)),
                ));
            };
            self.context.push(name.value().to_text());
            let items = match &value {
                Value::List(items) => items.snapshot(),
                other => vec![other.clone()],
            };
            for item in items {
                match &item {
                    Value::Dict(item) => self.level(&inner, item, option)?,
                    Value::Str(_) | Value::List(_) | Value::Tuple(_) => {
                        self.errors.push(format!(
                            "value of '{}' must be of type dict or list of dicts",
                            name.value().to_text()
                        ));
                    }
                    // ansible-core 2.14 looks for names in it before it asks what it is.
                    other => {
                        return Err(PyError::type_error(format!(
                            "argument of type '{}' is not iterable",
                            type_name(other)
                        )));
                    }
                }
            }
            self.context.pop();
        }
        Ok(())
    }
}

fn is_set(option: &Dict, attribute: &str) -> bool {
    option.get(attribute).is_some_and(|v| v.is_true())
}

/// Defaults; those that are nothing only in the second go, so that "given" can be told from "not
/// given" between.
fn defaults(options: &[Entry], values: &Dict, empty_too: bool) {
    for (name, option) in options {
        let default = option.get("default").unwrap_or(Value::None);
        if values.get_key(name).is_none() && (empty_too || !default.is_none()) {
            values.write().insert(name.clone(), default);
        }
    }
}

/// ansible-core 2.14 looks for secrets in dicts before it checks types, and stops at what is none.
fn secrets(options: &[Entry], values: &Dict) -> PyResult<()> {
    for (name, option) in options {
        let Some(Value::Dict(inner)) = option.get("options") else { continue };
        let Some(value) = values.get_key(name).filter(|v| !v.is_none()) else { continue };
        let kind = option.get("type").map(|t| t.to_text()).unwrap_or_default();
        let of_dicts = option.get("elements").is_some_and(|e| e.as_str() == Some("dict"));
        if !(kind == "dict" || (kind == "list" && of_dicts)) {
            continue;
        }
        let items = match &value {
            Value::List(items) => items.snapshot(),
            other => vec![other.clone()],
        };
        for item in items {
            let item = match item {
                Value::Str(_) => types::dict(&item)?,
                other => other,
            };
            let Value::Dict(item) = &item else {
                return Err(PyError::type_error(format!(
                    "Value '{}' in the sub parameter field '{}' must by a {kind}, not '{}'",
                    item.to_text(),
                    name.value().to_text(),
                    type_name(&item)
                )));
            };
            secrets(&entries(&inner)?, item)?;
        }
    }
    Ok(())
}

fn required(options: &[Entry], values: &Dict) -> PyResult<Option<String>> {
    let mut missing: Vec<String> = options
        .iter()
        .filter(|(name, option)| is_set(option, "required") && values.get_key(name).is_none())
        .map(|(name, _)| name.value().to_text())
        .collect();
    missing.sort_unstable();
    Ok((!missing.is_empty()).then(|| format!("missing required arguments: {}", missing.join(", "))))
}

/// The entries of a rule: lists of names, or names alone.
fn terms(rules: &Dict, rule: &str) -> PyResult<Vec<Value>> {
    match rules.get(rule) {
        None | Some(Value::None) => Ok(Vec::new()),
        Some(terms) => types::iterate(&terms),
    }
}

/// How many of these names are given.
fn given(names: &Value, values: &Dict) -> PyResult<usize> {
    let names = match names {
        Value::List(names) => names.snapshot(),
        name => vec![name.clone()],
    };
    let mut found: Vec<Key> = Vec::new();
    for name in names {
        let name = ops::to_key(name)?;
        if values.get_key(&name).is_some() && !found.contains(&name) {
            found.push(name);
        }
    }
    Ok(found.len())
}

/// Python's `separator.join(values)`.
fn joined(separator: &str, values: &[Value]) -> PyResult<String> {
    let mut parts = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        match value {
            Value::Str(s) => parts.push(s.as_str()),
            other => {
                return Err(PyError::type_error(format!(
                    "sequence item {at}: expected str instance, {} found",
                    type_name(other)
                )));
            }
        }
    }
    Ok(parts.join(separator))
}

fn exclusions(rules: &Dict, values: &Dict) -> PyResult<Option<String>> {
    let mut broken = Vec::new();
    for names in terms(rules, "mutually_exclusive")? {
        if given(&names, values)? > 1 {
            broken.push(joined("|", &types::iterate(&names)?)?);
        }
    }
    Ok((!broken.is_empty())
        .then(|| format!("parameters are mutually exclusive: {}", broken.join(", "))))
}

fn together(rules: &Dict, values: &Dict) -> PyResult<Option<String>> {
    for names in terms(rules, "required_together")? {
        let names = types::iterate(&names)?;
        let mut counts = Vec::with_capacity(names.len());
        for name in &names {
            counts.push(given(name, values)?);
        }
        if counts.iter().any(|n| *n > 0) && counts.contains(&0) {
            let names = joined(", ", &names)?;
            return Ok(Some(format!("parameters are required together: {names}")));
        }
    }
    Ok(None)
}

fn one_of(rules: &Dict, values: &Dict) -> PyResult<Option<String>> {
    for names in terms(rules, "required_one_of")? {
        if given(&names, values)? == 0 {
            let names = joined(", ", &types::iterate(&names)?)?;
            return Ok(Some(format!("one of the following is required: {names}")));
        }
    }
    Ok(None)
}

fn required_if(rules: &Dict, values: &Dict) -> PyResult<Option<String>> {
    for rule in terms(rules, "required_if")? {
        let parts = types::iterate(&rule)?;
        let (option, wanted, needs, any) = match parts.as_slice() {
            [option, wanted, needs] => (option, wanted, needs, false),
            [option, wanted, needs, any] => (option, wanted, needs, any.is_true()),
            parts => {
                let (relation, got) = match parts.len() {
                    0..=2 => ("not enough", format!(", got {}", parts.len())),
                    _ => ("too many", String::new()),
                };
                return Err(PyError::value_error(format!(
                    "{relation} values to unpack (expected 3{got})"
                )));
            }
        };
        let is = values.get_key(&ops::to_key(option.clone())?).is_some_and(|v| v.equals(wanted));
        if !is {
            continue;
        }
        let needs = types::iterate(needs)?;
        let mut missing = Vec::new();
        for need in &needs {
            if given(need, values)? == 0 {
                missing.push(need.clone());
            }
        }
        if missing.is_empty() || (any && missing.len() < needs.len()) {
            continue;
        }
        return Ok(Some(format!(
            "{} is {} but {} of the following are missing: {}",
            repr::to_text(option)?,
            repr::to_text(wanted)?,
            if any { "any" } else { "all" },
            joined(", ", &missing)?
        )));
    }
    Ok(None)
}

fn required_by(rules: &Dict, values: &Dict) -> PyResult<Option<String>> {
    let all = match rules.get("required_by") {
        Some(Value::Dict(all)) => all,
        None | Some(Value::None) => return Ok(None),
        Some(other) => {
            return Err(PyError::new(
                PyErrorKind::AttributeError,
                format!("'{}' object has no attribute 'items'", type_name(&other)),
            ));
        }
    };
    let is_given = |name: &Key| values.get_key(name).is_some_and(|v| !v.is_none());
    for (name, needs) in all.snapshot() {
        if !is_given(&name) {
            continue;
        }
        let needs = match needs {
            Value::Str(_) => vec![needs],
            other => types::iterate(&other)?,
        };
        let mut missing = Vec::new();
        for need in needs {
            if !is_given(&ops::to_key(need.clone())?) {
                missing.push(need);
            }
        }
        if !missing.is_empty() {
            return Ok(Some(format!(
                "missing parameter(s) required by '{}': {}",
                name.value().to_text(),
                joined(", ", &missing)?
            )));
        }
    }
    Ok(None)
}

/// The one choice that `True` or `False` may have been before YAML read it.
fn only_word(value: &Value, choices: &[Value]) -> Option<Value> {
    let words: &[&str] = match value.as_str()? {
        "True" => &["y", "yes", "on", "1", "true", "t"],
        "False" => &["n", "no", "off", "0", "false", "f"],
        _ => return None,
    };
    let mut fitting = choices.iter().filter(|c| c.as_str().is_some_and(|c| words.contains(&c)));
    let word = fitting.next()?;
    fitting.next().is_none().then(|| word.clone())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::value::json;

    const SPEC: &str = r#"{
        "path": {"required": true, "aliases": ["dest"]},
        "state": {"choices": ["present", "yes"], "default": "present"},
        "sizes": {"type": "list", "elements": "int"},
        "parts": {
            "type": "list", "elements": "dict",
            "mutually_exclusive": [["a", "b"]],
            "required_together": [["c", "d"]],
            "required_if": [["a", "x", ["e", "f"], true]],
            "required_by": {"f": "e"},
            "options": {"a": {}, "b": {}, "c": {}, "d": {}, "e": {"type": "bool"}, "f": {}}
        }
    }"#;

    fn errors(values: &str) -> Vec<String> {
        let read = |text: &str| json::loads(text).unwrap().as_dict().unwrap().clone();
        check(&read(SPEC), &read(values)).unwrap()
    }

    #[test]
    fn what_is_right_passes() {
        assert!(errors(r#"{"dest": "/x", "sizes": "1,2", "state": "True"}"#).is_empty());
    }

    #[test]
    fn every_mistake_is_reported() {
        let rows = [
            (r"{}", "missing required arguments: path"),
            (
                r#"{"path": "x", "state": "no"}"#,
                "value of state must be one of: present, yes, got: no",
            ),
            (
                r#"{"path": "x", "parts": [{"a": "1", "b": "2"}]}"#,
                "parameters are mutually exclusive: a|b found in parts",
            ),
            (
                r#"{"path": "x", "parts": [{"c": "1"}]}"#,
                "parameters are required together: c, d found in parts",
            ),
            (
                r#"{"path": "x", "parts": [{"a": "x"}]}"#,
                "a is x but any of the following are missing: e, f found in parts",
            ),
            (
                r#"{"path": "x", "parts": [{"f": "x"}]}"#,
                "missing parameter(s) required by 'f': e found in parts",
            ),
            (
                r#"{"path": "x", "parts": [{"e": []}]}"#,
                "argument 'e' is of type <class 'list'> found in 'parts'. and we were unable to \
                 convert to bool: <class 'list'> cannot be converted to a bool",
            ),
            (
                r#"{"path": "x", "sizes": ["x"]}"#,
                "Elements value for option 'sizes' is of type <class 'str'> and we were unable to \
                 convert to int: <class 'str'> cannot be converted to an int",
            ),
            (
                r#"{"path": "x", "odd": 1}"#,
                "odd. Supported parameters include: parts, path, sizes, state (dest).",
            ),
        ];
        for (values, expected) in rows {
            assert_eq!(errors(values), [expected], "{values}");
        }
    }
}
