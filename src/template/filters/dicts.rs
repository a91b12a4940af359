//! Filters on dicts and lists of dicts.

use indexmap::IndexMap;

use super::{Filter, sets::flatten};
use crate::template::{CallArgs, FilterContext, args::flag};
use crate::value::{
    Dict, PyError, PyErrorKind, PyResult, Value, access,
    merge::{ListMerge, merge},
    ops::{self, settle, settle_typed, to_key},
    repr::{repr, to_text},
    types::class_repr,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::jinja("dictsort", "The pairs of a dict in order.", dictsort),
    Filter::ansible("combine", "Dicts merged.", combine),
    Filter::ansible("dict2items", "A list of dicts with `key` and `value`.", dict2items),
    Filter::ansible("items2dict", "A dict of a list of `key` and `value`.", items2dict),
    Filter::ansible("extract", "An item of a container.", extract),
    Filter::ansible("subelements", "Pairs of an item and one of its list.", subelements),
    Filter::ansible("rekey_on_member", "A dict by a member of its items.", rekey_on_member),
];

fn dictsort(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [case_sensitive, by, reverse] =
        args.bind("do_dictsort", &["value"], &["case_sensitive", "by", "reverse"], 0)?;
    let by = by.unwrap_or_else(|| Value::str("key"));
    let by_key = match settle(&by)?.as_str() {
        Some("key") => true,
        Some("value") => false,
        _ => {
            return Err(PyError::new(
                PyErrorKind::FilterArgument,
                "You can only sort by either \"key\" or \"value\"",
            ));
        }
    };
    let settled = settle(&value)?;
    let dict = access::as_dict(&settled).ok_or_else(|| ops::no_attribute(&settled, "items"))?;
    let ignore_case = !flag(case_sensitive.as_ref(), false)?;
    let keyed = dict
        .snapshot()
        .into_iter()
        .map(|(key, item)| {
            let chosen = if by_key { key.value() } else { &item };
            let folded = match chosen {
                Value::Str(s) if ignore_case => Value::from(s.to_lowercase()),
                other => other.clone(),
            };
            (folded, Value::tuple(vec![key.value().clone(), item.clone()]))
        })
        .collect();
    ops::sort_by_key(keyed, flag(reverse.as_ref(), false)?).map(Value::list)
}

/// Fails where something undefined is inside.
fn check_defined(value: &Value) -> PyResult<()> {
    match value {
        Value::Undefined(u) if u.lenient => Err(PyError::filter(" is undefined")),
        Value::Undefined(u) => Err(PyError::undefined(u)),
        Value::Dict(d) => d.snapshot().iter().try_for_each(|(_, v)| check_defined(v)),
        Value::List(l) => l.snapshot().iter().try_for_each(check_defined),
        _ => Ok(()),
    }
}

fn combine(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let CallArgs { positional, mut keyword } = args;
    let recursive = flag(keyword.shift_remove("recursive").as_ref(), false)?;
    let lists = keyword.shift_remove("list_merge").unwrap_or_else(|| Value::str("replace"));
    if !keyword.is_empty() {
        return Err(PyError::filter(
            "'recursive' and 'list_merge' are the only valid keyword arguments",
        ));
    }
    let terms: Vec<Value> = std::iter::once(value).chain(positional).collect();
    let dicts = flatten(&terms, Some(&Value::Int(1)), true)?;
    dicts.iter().try_for_each(check_defined)?;
    let mut low = dicts.into_iter().rev();
    let Some(mut result) = low.next() else { return Ok(Dict::new().into()) };
    for dict in low {
        let how = ListMerge::parse(settle(&lists)?.as_str().unwrap_or_default())?;
        result = merge(&dict, &result, recursive, how)?.into();
    }
    Ok(result)
}

fn names(key: Option<Value>, value: Option<Value>) -> PyResult<(Value, Value)> {
    Ok((key.unwrap_or_else(|| Value::str("key")), value.unwrap_or_else(|| Value::str("value"))))
}

fn dict2items(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [key_name, value_name] = args.bind(
        "dict_to_list_of_dict_key_value_elements",
        &["mydict"],
        &["key_name", "value_name"],
        0,
    )?;
    let (key_name, value_name) = names(key_name, value_name)?;
    let (key_name, value_name) = (to_key(key_name)?, to_key(value_name)?);
    let Some(dict) = access::as_dict(&value) else {
        return Err(PyError::filter_type(format!(
            "dict2items requires a dictionary, got {} instead.",
            class_repr(&value)
        )));
    };
    Ok(dict
        .snapshot()
        .into_iter()
        .map(|(k, v)| {
            let pair = [(key_name.clone(), k.into_value()), (value_name.clone(), v)];
            Value::Dict(pair.into_iter().collect())
        })
        .collect())
}

fn items2dict(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [key_name, value_name] = args.bind(
        "list_of_dict_key_value_elements_to_dict",
        &["mylist"],
        &["key_name", "value_name"],
        0,
    )?;
    let (key_name, value_name) = names(key_name, value_name)?;
    if let Value::Undefined(u) = &value
        && !u.lenient
    {
        return Err(PyError::undefined(u));
    }
    if !access::is_sequence(&value) {
        return Err(PyError::filter_type(format!(
            "items2dict requires a list, got {} instead.",
            class_repr(&value)
        )));
    }
    let dict = Dict::new();
    for item in access::iterate(&value)? {
        let entry = || -> PyResult<()> {
            let key = access::subscript(&item, &key_name)?;
            let member = access::subscript(&item, &value_name)?;
            dict.write().insert(to_key(key)?, member);
            Ok(())
        };
        entry().map_err(|e| items2dict_error(e, &key_name, &value_name, &value))?;
    }
    Ok(dict.into())
}

fn items2dict_error(e: PyError, key_name: &Value, value_name: &Value, list: &Value) -> PyError {
    let shown = |v: &Value| to_text(v).unwrap_or_default();
    if e.kind == PyErrorKind::KeyError {
        return PyError::filter_type(format!(
            "items2dict requires each dictionary in the list to contain the keys '{}' and '{}', \
             got {} instead.",
            shown(key_name),
            shown(value_name),
            shown(list)
        ));
    }
    if e.is_type_error() {
        // Python's `%` takes a tuple for the arguments.
        let shown = match list {
            Value::Tuple(items) => match &**items {
                [one] => shown(one),
                _ => {
                    let why = "not all arguments converted during string formatting";
                    return PyError::type_error(why);
                }
            },
            other => shown(other),
        };
        return PyError::filter_type(format!(
            "items2dict requires a list of dictionaries, got {shown} instead."
        ));
    }
    e
}

fn extract(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [container, more] =
        args.bind("extract", &["environment", "item"], &["container", "morekeys"], 1)?;
    let mut keys = vec![value];
    match more {
        None | Some(Value::None) => {}
        Some(Value::List(l)) => keys.extend(l.snapshot()),
        Some(other) => keys.push(other),
    }
    keys.iter()
        .try_fold(container.unwrap_or(Value::None), |found, key| access::get_item(&found, key))
}

fn subelements(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [path, skip_missing] =
        args.bind("subelements", &["obj"], &["subelements", "skip_missing"], 1)?;
    let settled = settle_typed(&value)?;
    let elements = match settled.as_ref() {
        Value::Dict(d) => d.snapshot().into_iter().map(|(_, v)| v).collect(),
        Value::List(l) => l.snapshot(),
        _ => return Err(PyError::filter("obj must be a list of dicts or a nested dict")),
    };
    let path = path.unwrap_or(Value::None);
    let path = match settle(&path)?.as_ref() {
        Value::List(l) => l.snapshot(),
        Value::Str(s) => s.split('.').map(Value::str).collect(),
        _ => return Err(PyError::filter_type("subelements must be a list or a string")),
    };
    let skip_missing = flag(skip_missing.as_ref(), false)?;
    let mut rows = Vec::new();
    for element in elements {
        for item in members(&element, &path, skip_missing)? {
            rows.push(Value::tuple(vec![element.clone(), item]));
        }
    }
    Ok(Value::list(rows))
}

/// The list at `path` of `element`.
fn members(element: &Value, path: &[Value], skip_missing: bool) -> PyResult<Vec<Value>> {
    let mut found = element.clone();
    for key in path {
        if matches!(&found, Value::Undefined(u) if !u.lenient) {
            // ansible's undefined has every item: itself.
            continue;
        }
        found = match access::subscript(&found, key) {
            Ok(value) => value,
            Err(e) if e.kind == PyErrorKind::KeyError => {
                if skip_missing {
                    return Ok(Vec::new());
                }
                return Err(PyError::filter(format!(
                    "could not find {} key in iterated item {}",
                    repr(key)?,
                    repr(&found)?
                )));
            }
            Err(e) if e.is_type_error() => {
                return Err(PyError::filter_type(format!(
                    "the key {} should point to a dictionary, got '{}'",
                    to_text(key)?,
                    to_text(&found)?
                )));
            }
            Err(e) => return Err(e),
        };
    }
    match &found {
        Value::List(l) => Ok(l.snapshot()),
        other => Err(PyError::filter_type(format!(
            "the key {} should point to a list, got {}",
            path.last().map_or_else(|| Ok("None".to_owned()), repr)?,
            repr(other)?
        ))),
    }
}

fn rekey_on_member(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [key, duplicates] = args.bind("rekey_on_member", &["data"], &["key", "duplicates"], 1)?;
    let key = key.unwrap_or(Value::None);
    let duplicates = match duplicates {
        Some(d) => to_text(&d)?,
        None => "error".to_owned(),
    };
    if !matches!(duplicates.as_str(), "error" | "overwrite") {
        return Err(PyError::filter(format!(
            "duplicates parameter to rekey_on_member has unknown value: {duplicates}"
        )));
    }
    settle(&value)?;
    settle(&key)?;
    let items = match access::as_dict(&value) {
        Some(d) => d.snapshot().into_iter().map(|(_, v)| v).collect(),
        None if matches!(value, Value::Str(_) | Value::Bytes(_))
            || !access::is_iterable(&value)? =>
        {
            return Err(PyError::filter_type("Type is not a valid list, set, or dict"));
        }
        None => access::iterate(&value)?,
    };
    let mut rekeyed = IndexMap::new();
    for item in items {
        if !access::is_mapping(&item) {
            return Err(PyError::filter_type("List item is not a valid dict"));
        }
        let member = match access::subscript(&item, &key) {
            Ok(member) => member,
            Err(e) if e.kind == PyErrorKind::KeyError => {
                return Err(PyError::filter(format!("Key {} was not found", to_text(&key)?)));
            }
            Err(e) if e.is_type_error() => return Err(PyError::filter_type(e.message)),
            Err(e) => return Err(PyError::filter(e.message)),
        };
        let shown = to_text(&member)?;
        let place = to_key(member)?;
        if duplicates == "error" && rekeyed.contains_key(&place) {
            return Err(PyError::filter(format!(
                "Key {shown} is not unique, cannot correctly turn into dict"
            )));
        }
        rekeyed.insert(place, item);
    }
    Ok(Value::Dict(rekeyed.into_iter().collect()))
}
