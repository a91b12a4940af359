//! jinja2's filters on sequences.

use std::sync::Arc;

use super::{Filter, attribute::Attribute};
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, index},
};
use crate::value::{
    NamedTuple, PyError, PyErrorKind, PyResult, Set, Str, Undefined, Value, access,
    ops::{self, CmpOp, settle},
    repr::to_str,
    types::type_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::jinja("length", "How many items there are.", length),
    Filter::jinja("count", "How many items there are.", length),
    Filter::jinja("list", "The items as a list.", list),
    Filter::jinja("first", "The first item.", first),
    Filter::jinja("last", "The last item.", last),
    Filter::jinja("join", "The items' texts, joined.", join),
    Filter::jinja("reverse", "The items the other way round.", reverse),
    Filter::jinja("sort", "The items in order.", sort),
    Filter::jinja("min", "The smallest item.", min),
    Filter::jinja("max", "The largest item.", max),
    Filter::jinja("sum", "The sum of the items.", sum),
    Filter::jinja("batch", "Lists of so many items.", batch),
    Filter::jinja("slice", "So many lists of the items.", slice),
    Filter::jinja("groupby", "The items grouped by an attribute.", groupby),
];

/// An undefined result that says why.
pub(super) fn nothing(hint: &str) -> Value {
    Value::Undefined(Arc::new(Undefined::hinted(hint)))
}

fn length(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    if !args.keyword.is_empty() {
        return Err(PyError::type_error("len() takes no keyword arguments"));
    }
    if !args.positional.is_empty() {
        return Err(PyError::type_error(format!(
            "len() takes exactly one argument ({} given)",
            args.positional.len() + 1
        )));
    }
    Ok(Value::Int(i64::try_from(access::len(&value)?).unwrap_or(i64::MAX)))
}

fn list(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("sync_do_list", &["value"], &[], 0)?;
    access::iterate(&value).map(Value::list)
}

fn first(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("sync_do_first", &["environment", "seq"], &[], 0)?;
    let item = access::iterate(&value)?.into_iter().next();
    Ok(item.unwrap_or_else(|| nothing("No first item, sequence was empty.")))
}

/// What `reversed(value)` gives.
fn reversed(value: &Value) -> PyResult<Vec<Value>> {
    let forward = match value {
        Value::Object(o) => o.is_mapping() || o.module() == "collections.abc",
        _ => false,
    };
    if forward || Set::downcast(value).is_some() || !access::is_iterable(value)? {
        return Err(PyError::type_error(format!(
            "'{}' object is not reversible",
            type_name(value)
        )));
    }
    let mut items = match value {
        // Python asks for one item after the other, not for an iterator.
        Value::Str(s) => s.chars().map(|c| Value::Str(s.alike(c.to_string()))).collect(),
        other => access::iterate(other)?,
    };
    items.reverse();
    Ok(items)
}

fn last(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_last", &["environment", "seq"], &[], 0)?;
    let item = reversed(&value)?.into_iter().next();
    Ok(item.unwrap_or_else(|| nothing("No last item, sequence was empty.")))
}

fn join(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [separator, attribute] =
        args.bind("sync_do_join", &["eval_ctx", "value"], &["d", "attribute"], 0)?;
    let path = Attribute::new(attribute.as_ref())?;
    let separator = separator.map_or_else(|| Ok(Str::new("")), |s| to_str(&s))?;
    let mut out = String::new();
    let mut is_unsafe = separator.is_unsafe();
    for (i, item) in access::iterate(&value)?.iter().enumerate() {
        let text = to_str(&path.get(item)?)?;
        if i > 0 {
            out.push_str(&separator);
        }
        is_unsafe |= text.is_unsafe();
        out.push_str(&text);
    }
    let out = Str::new(out);
    Ok(Value::Str(if is_unsafe { out.into_unsafe() } else { out }))
}

fn reverse(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_reverse", &["value"], &[], 0)?;
    if let Value::Str(s) = settle(&value)?.as_ref() {
        return Ok(Value::Str(s.alike(s.chars().rev().collect::<String>())));
    }
    match access::iterate(&value) {
        Ok(mut items) => {
            items.reverse();
            Ok(Value::list(items))
        }
        Err(e) if e.is_type_error() => {
            Err(PyError::new(PyErrorKind::FilterArgument, "argument must be iterable"))
        }
        Err(e) => Err(e),
    }
}

fn sort(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [reverse, case_sensitive, attribute] = args.bind(
        "do_sort",
        &["environment", "value"],
        &["reverse", "case_sensitive", "attribute"],
        0,
    )?;
    let ignore_case = !flag(case_sensitive.as_ref(), false)?;
    let paths: Vec<Attribute> = Attribute::several(attribute.as_ref())?
        .into_iter()
        .map(|path| path.ignoring_case(ignore_case))
        .collect();
    let mut keyed = Vec::new();
    for item in access::iterate(&value)? {
        let key: PyResult<Vec<Value>> = paths.iter().map(|path| path.get(&item)).collect();
        keyed.push((Value::list(key?), item));
    }
    // Python's `sorted` wants an integer.
    let reverse = reverse.as_ref().map_or(Ok(0), index)?;
    ops::sort_by_key(keyed, reverse != 0).map(Value::list)
}

fn extreme(value: &Value, args: CallArgs, function: &str, op: CmpOp) -> PyResult<Value> {
    let [case_sensitive, attribute] =
        args.bind(function, &["environment", "value"], &["case_sensitive", "attribute"], 0)?;
    let path =
        Attribute::new(attribute.as_ref())?.ignoring_case(!flag(case_sensitive.as_ref(), false)?);
    let mut best: Option<(Value, Value)> = None;
    for item in access::iterate(value)? {
        let key = path.get(&item)?;
        let better = match &best {
            None => true,
            Some((best_key, _)) => ops::compare(&key, best_key, op)?,
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(|| nothing("No aggregated item, sequence was empty."), |(_, item)| item))
}

fn min(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    extreme(&value, args, "do_min", CmpOp::Lt)
}

fn max(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    extreme(&value, args, "do_max", CmpOp::Gt)
}

fn sum(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [attribute, start] =
        args.bind("sync_do_sum", &["environment", "iterable"], &["attribute", "start"], 0)?;
    let path = Attribute::new(attribute.as_ref())?;
    let mut total = start.unwrap_or(Value::Int(0));
    if matches!(settle(&total)?.as_ref(), Value::Str(_)) {
        return Err(PyError::type_error("sum() can't sum strings [use ''.join(seq) instead]"));
    }
    for item in access::iterate(&value)? {
        total = ops::add(&total, &path.get(&item)?)?;
    }
    Ok(total)
}

fn batch(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [count, fill] = args.bind("do_batch", &["value"], &["linecount", "fill_with"], 1)?;
    let count = count.unwrap_or(Value::None);
    let mut rows = Vec::new();
    let mut row: Vec<Value> = Vec::new();
    let is_full =
        |row: &[Value]| ops::eq(&Value::Int(i64::try_from(row.len()).unwrap_or(i64::MAX)), &count);
    for item in access::iterate(&value)? {
        if is_full(&row)? {
            rows.push(Value::list(std::mem::take(&mut row)));
        }
        row.push(item);
    }
    if !row.is_empty() {
        if let Some(fill) = fill.filter(|f| !f.is_none()) {
            let len = Value::Int(i64::try_from(row.len()).unwrap_or(i64::MAX));
            if ops::compare(&len, &count, CmpOp::Lt)? {
                let missing = index(&ops::sub(&count, &len)?)?;
                let missing = usize::try_from(missing).unwrap_or(0);
                row.extend(std::iter::repeat_n(fill, missing));
            }
        }
        rows.push(Value::list(row));
    }
    Ok(Value::list(rows))
}

fn slice(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [slices, fill] = args.bind("sync_do_slice", &["value"], &["slices", "fill_with"], 1)?;
    let items = access::iterate(&value)?;
    let slices = slices.unwrap_or(Value::None);
    let len = Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX));
    let per_slice = ops::floordiv(&len, &slices)?;
    let slices = usize::try_from(index(&slices)?).unwrap_or(0);
    let per_slice = usize::try_from(index(&per_slice)?).unwrap_or(0);
    let with_extra = if slices == 0 { 0 } else { items.len() % slices };
    let fill = fill.filter(|f| !f.is_none());
    let mut rows = Vec::new();
    let mut at = 0;
    for number in 0..slices {
        let len = per_slice + usize::from(number < with_extra);
        let mut row = items[at..at + len].to_vec();
        at += len;
        if let (Some(fill), true) = (&fill, number >= with_extra) {
            row.push(fill.clone());
        }
        rows.push(Value::list(row));
    }
    Ok(Value::list(rows))
}

fn groupby(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [attribute, default, case_sensitive] = args.bind(
        "sync_do_groupby",
        &["environment", "value"],
        &["attribute", "default", "case_sensitive"],
        1,
    )?;
    let ignore_case = !flag(case_sensitive.as_ref(), false)?;
    let path = Attribute::new(attribute.as_ref())?.or(default.clone());
    let folded = Attribute::new(attribute.as_ref())?.or(default).ignoring_case(ignore_case);
    let mut keyed = Vec::new();
    for item in access::iterate(&value)? {
        keyed.push((folded.get(&item)?, item));
    }
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for item in ops::sort_by_key(keyed, false)? {
        let key = folded.get(&item)?;
        match groups.last_mut() {
            Some((last, _, members)) if ops::eq(last, &key)? => members.push(item),
            _ => groups.push((key, path.get(&item)?, vec![item])),
        }
    }
    Ok(groups
        .into_iter()
        .map(|(_, key, members)| {
            NamedTuple::value("_GroupTuple", &["grouper", "list"], vec![key, Value::list(members)])
        })
        .collect())
}
