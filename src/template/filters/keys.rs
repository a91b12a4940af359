//! Filters on the keys and places of nested data, as `ansible.utils` brings them.

use std::sync::Arc;

use super::{
    Filter,
    schema::{Kind, Opt, checked, optional},
};
use crate::template::{CallArgs, FilterContext, args::flag, tests};
use crate::value::{
    Dict, Key, PyError, PyErrorKind, PyResult, Undefined, Value, access,
    ops::{self, settle},
    regex::{Flags, Pattern},
    repr::to_text,
    types::class_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::collection("ansible.utils", "keep_keys", "Nested data with some keys only.", keep_keys),
    Filter::collection("ansible.utils", "remove_keys", "Nested data without keys.", remove_keys),
    Filter::collection("ansible.utils", "replace_keys", "Nested data, keys renamed.", replace_keys),
    Filter::collection("ansible.utils", "index_of", "Where items pass a test.", index_of),
    Filter::collection("ansible.utils", "to_paths", "Nested data as paths.", to_paths),
    Filter::collection("ansible.utils", "get_path", "What stands at a path.", get_path),
];

const MATCHING: Opt =
    optional("matching_parameter", Kind::Str).one_of(&["starts_with", "ends_with", "regex"]);

/// How keys are compared with what is wanted.
enum Matching {
    Equal,
    StartsWith,
    EndsWith,
    Regex,
}

impl Matching {
    fn of(value: Option<Value>) -> PyResult<Self> {
        Ok(match value.filter(|v| !v.is_none()).map(|v| to_text(&v)).transpose()?.as_deref() {
            Some("starts_with") => Self::StartsWith,
            Some("ends_with") => Self::EndsWith,
            Some("regex") => Self::Regex,
            _ => Self::Equal,
        })
    }

    fn fits(&self, key: &Key, wanted: &str) -> PyResult<bool> {
        let Some(key) = key.as_str() else { return Ok(false) };
        Ok(match self {
            Self::Equal => key == wanted,
            Self::StartsWith => key.starts_with(wanted),
            Self::EndsWith => key.ends_with(wanted),
            Self::Regex => Pattern::new(wanted, Flags::default())?.match_start(key)?.is_some(),
        })
    }
}

fn wanted(target: Option<Value>) -> PyResult<Vec<String>> {
    let target = target.unwrap_or(Value::None);
    match settle(&target)?.as_ref() {
        Value::Str(one) => Ok(one.split(',').map(|p| p.trim().to_owned()).collect()),
        other => access::iterate(other)?.iter().map(to_text).collect(),
    }
}

fn check(value: &Value, filter: &str, what: &str) -> PyResult<()> {
    match value {
        Value::List(_) | Value::Dict(_) => Ok(()),
        _ => Err(PyError::filter(format!(
            "Error when using plugin '{filter}': Input is not valid for {what}"
        ))),
    }
}

fn keep_keys(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("target", Kind::Texts).required(), MATCHING];
    let (value, [target, matching]) = checked(value, args, ("data", Kind::Raw), options)?;
    check(&value, "keep_keys", "keep operation")?;
    kept(&value, &wanted(target)?, &Matching::of(matching)?)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::List(l) => l.is_empty(),
        Value::Dict(d) => d.is_empty(),
        _ => false,
    }
}

fn kept(value: &Value, wanted: &[String], matching: &Matching) -> PyResult<Value> {
    match value {
        Value::List(l) => l
            .snapshot()
            .iter()
            .map(|v| kept(v, wanted, matching))
            .collect::<PyResult<Vec<_>>>()
            .map(Value::list),
        Value::Dict(d) => {
            let out = Dict::new();
            for (key, member) in d.snapshot() {
                if !matches!(member, Value::List(_) | Value::Dict(_)) {
                    for one in wanted {
                        if matching.fits(&key, one)? {
                            out.write().insert(key.clone(), member.clone());
                        }
                    }
                    continue;
                }
                let mut inner = kept(&member, wanted, matching)?;
                if let Value::List(items) = &inner {
                    let items: Vec<Value> =
                        items.snapshot().into_iter().filter(|i| !is_empty(i)).collect();
                    if items.iter().all(|i| matches!(i, Value::Str(_))) {
                        continue;
                    }
                    inner = Value::list(items);
                }
                if !is_empty(&inner) && !wanted.is_empty() {
                    out.write().insert(key, inner);
                }
            }
            Ok(out.into())
        }
        other => Ok(other.clone()),
    }
}

fn remove_keys(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("target", Kind::Texts).required(), MATCHING];
    let (value, [target, matching]) = checked(value, args, ("data", Kind::Raw), options)?;
    check(&value, "remove_keys", "attribute removal")?;
    removed(&value, &wanted(target)?, &Matching::of(matching)?)
}

fn removed(value: &Value, wanted: &[String], matching: &Matching) -> PyResult<Value> {
    match value {
        Value::List(l) => {
            let mut out = Vec::new();
            for item in l.snapshot() {
                let item = removed(&item, wanted, matching)?;
                // What is empty by now is left out.
                if ops::truth(&item)? {
                    out.push(item);
                }
            }
            Ok(Value::list(out))
        }
        Value::Dict(d) => {
            let out = Dict::new();
            for (key, member) in d.snapshot() {
                let mut gone = false;
                for one in wanted {
                    gone |= matching.fits(&key, one)?;
                }
                if !gone {
                    out.write().insert(key, removed(&member, wanted, matching)?);
                }
            }
            Ok(out.into())
        }
        other => Ok(other.clone()),
    }
}

fn replace_keys(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("target", Kind::List).required(), MATCHING];
    let (value, [target, matching]) = checked(value, args, ("data", Kind::Raw), options)?;
    check(&value, "replace_keys", "replace operation")?;
    let mut pairs = Vec::new();
    for pair in access::iterate(&target.unwrap_or(Value::None))? {
        let part = |name: &str| -> PyResult<String> {
            let found = access::item(&pair, &Value::str(name))?.unwrap_or(Value::None);
            to_text(&found)
        };
        pairs.push((part("before")?, part("after")?));
    }
    replaced(&value, &pairs, &Matching::of(matching)?)
}

fn replaced(value: &Value, pairs: &[(String, String)], matching: &Matching) -> PyResult<Value> {
    match value {
        Value::List(l) => l
            .snapshot()
            .iter()
            .map(|v| replaced(v, pairs, matching))
            .collect::<PyResult<Vec<_>>>()
            .map(Value::list),
        Value::Dict(d) => {
            let mut entries: indexmap::IndexMap<Key, Value> = d.snapshot().into_iter().collect();
            for (before, after) in pairs {
                for key in entries.keys().cloned().collect::<Vec<_>>() {
                    if matching.fits(&key, before)? {
                        // A renamed key moves to the end.
                        if let Some(member) = entries.shift_remove(&key) {
                            entries.insert(Key::from(after.as_str()), member);
                        }
                    }
                }
            }
            let out = Dict::new();
            for (key, member) in entries {
                out.write().insert(key, replaced(&member, pairs, matching)?);
            }
            Ok(out.into())
        }
        other => Ok(other.clone()),
    }
}

fn index_error(message: &str) -> PyError {
    PyError::new(PyErrorKind::Ansible, format!("Error when using plugin 'index_of': {message}"))
}

fn index_of(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [
        optional("test", Kind::Str).required(),
        optional("value", Kind::Raw),
        optional("key", Kind::Str),
        optional("fail_on_missing", Kind::Bool),
        optional("wantlist", Kind::Bool),
    ];
    if value.is_none() {
        return Err(PyError::type_error("'NoneType' object is not iterable"));
    }
    let (value, [test, right, key, fail_on_missing, wantlist]) =
        checked(value, args, ("data", Kind::List), options)?;
    let test = to_text(&test.unwrap_or(Value::None))?;
    let key = key.filter(|k| !k.is_none());
    if key.is_some() {
        check_dicts(&access::iterate(&value)?)?;
    }
    let mut found = Vec::new();
    for (i, item) in access::iterate(&value)?.into_iter().enumerate() {
        let entry = match &key {
            None => item,
            Some(key) => match access::item(&item, key)? {
                Some(entry) => entry,
                None if flag(fail_on_missing.as_ref(), false)? => {
                    return Err(index_error(&format!(
                        "'{}' was not found in '{}' at [{i}]. fail_on_missing=True",
                        to_text(key)?,
                        to_text(&item)?
                    )));
                }
                None => continue,
            },
        };
        if passes(cx, &entry, &test, right.as_ref())? {
            found.push(Value::Int(i64::try_from(i).unwrap_or(i64::MAX)));
        }
    }
    if found.len() == 1 && !flag(wantlist.as_ref(), false)? {
        return Ok(found.swap_remove(0));
    }
    Ok(Value::list(found))
}

/// Keys are looked for in dicts alone.
fn check_dicts(items: &[Value]) -> PyResult<()> {
    if items.iter().all(access::is_mapping) {
        return Ok(());
    }
    let classes: Vec<&str> = items.iter().map(class_name).collect();
    let (last, others) = classes.split_last().unwrap_or((&"", &[]));
    Err(index_error(&format!(
        "When a key name is provided, all list entries are required to be dictionaries, got {} and \
         {last}",
        others.join(", ")
    )))
}

/// Whether `entry` passes `test`; `!` or `not ` before its name turns it round.
fn passes(
    cx: &mut dyn FilterContext,
    entry: &Value,
    test: &str,
    right: Option<&Value>,
) -> PyResult<bool> {
    let (invert, name) = match (test.strip_prefix('!'), test.strip_prefix("not ")) {
        (Some("="), _) => (true, "=="),
        (Some(rest), _) | (None, Some(rest)) => (true, rest),
        (None, None) => (false, test),
    };
    let right = right.filter(|r| !r.is_none()).map(|r| match r {
        one if name == "in" && !matches!(one, Value::List(_)) => Value::list(vec![one.clone()]),
        other => other.clone(),
    });
    // ansible.utils names the type of the item for both.
    let kind = class_name(entry);
    let failed = |why: String| -> PyResult<PyError> {
        let right = right.as_ref().map_or_else(|| Ok("None".to_owned()), to_text)?;
        Ok(index_error(&format!(
            "Error encountered when testing value '{}' (type={kind}) against '{right}' \
             (type={kind}) with '{test}'.  Error was: {why}",
            to_text(entry)?
        )))
    };
    if tests::find(name).is_none() {
        return Err(failed(format!("the test '{name}' was not found."))?);
    }
    let args = CallArgs::positional(right.clone().into_iter().collect());
    let passed = match tests::call(cx, name, entry.clone(), args) {
        Ok(passed) => passed,
        Err(e) => return Err(failed(e.message)?),
    };
    Ok(ops::truth(&passed)? != invert)
}

fn to_paths(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("prepend", Kind::Str), optional("wantlist", Kind::Bool)];
    let (value, [prepend, wantlist]) = checked(value, args, ("var", Kind::Raw), options)?;
    let value = match prepend.filter(|p| !p.is_none()) {
        Some(name) => [(ops::to_key(name)?, value)].into_iter().collect::<Dict>().into(),
        None => value,
    };
    let out = Dict::new();
    collect_paths(&value, "", &out)?;
    let out = Value::Dict(out);
    Ok(if flag(wantlist.as_ref(), false)? { Value::list(vec![out]) } else { out })
}

fn collect_paths(value: &Value, path: &str, out: &Dict) -> PyResult<()> {
    match value {
        Value::Dict(d) if !d.is_empty() => {
            for (key, member) in d.snapshot() {
                let name = to_text(key.value())?;
                let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
                let inner = match (path.is_empty(), plain) {
                    (true, _) => name,
                    (false, true) => format!("{path}.{name}"),
                    (false, false) => format!("{path}['{name}']"),
                };
                collect_paths(&member, &inner, out)?;
            }
        }
        Value::List(l) if !l.is_empty() => {
            for (i, member) in l.snapshot().iter().enumerate() {
                collect_paths(member, &format!("{path}[{i}]"), out)?;
            }
        }
        Value::Dict(_) | Value::List(_) if path.is_empty() => {}
        other => {
            out.insert(path, other.clone());
        }
    }
    Ok(())
}

fn get_path(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("path", Kind::Str).required(), optional("wantlist", Kind::Bool)];
    let (value, [path, wantlist]) = checked(value, args, ("var", Kind::Raw), options)?;
    let path = to_text(&path.unwrap_or(Value::None))?;
    // ansible.utils renders the path as a template whose variables the value holds.
    let Some(names) = access::as_dict(&value) else {
        return Err(PyError::type_error(format!(
            "jinja2.nativetypes.NativeTemplate.render() argument after ** must be a mapping, not {}",
            class_name(&value)
        )));
    };
    let mut steps = steps(&path).into_iter();
    let mut found = match steps.next() {
        Some(Value::Str(name)) if !path.starts_with('[') => match names.get(name.as_str()) {
            Some(found) => found,
            None => return Err(PyError::undefined(&Arc::new(Undefined::named(name.as_str())))),
        },
        Some(step) => access::get_item(&value, &step)?,
        None => value.clone(),
    };
    for step in steps {
        found = access::get_item(&found, &step)?;
    }
    if let Value::Undefined(u) = &found {
        return Err(PyError::undefined(u));
    }
    Ok(if flag(wantlist.as_ref(), false)? { Value::list(vec![found]) } else { found })
}

/// The steps of a path such as `a.b[0]['c d']`.
fn steps(path: &str) -> Vec<Value> {
    let mut out = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = inner.find(']').unwrap_or(inner.len());
            let key = inner[..end].trim();
            out.push(match key.parse::<i64>() {
                Ok(n) => Value::Int(n),
                Err(_) => Value::str(key.trim_matches(['\'', '"'])),
            });
            rest = inner.get(end + 1..).unwrap_or("");
        } else {
            let body = rest.strip_prefix('.').unwrap_or(rest);
            let end = body.find(['.', '[']).unwrap_or(body.len());
            out.push(match body[..end].parse::<i64>() {
                Ok(n) => Value::Int(n),
                Err(_) => Value::str(&body[..end]),
            });
            rest = &body[end..];
        }
    }
    out
}
