//! Filters that treat lists as sets, and those that combine items.

use super::{Filter, attribute::Attribute};
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, index},
};
use crate::value::{
    PyError, PyResult, Set, Value, access,
    ops::{self, CmpOp, settle},
    types::type_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("unique", "Each item once.", unique),
    Filter::ansible("union", "The items of both lists.", union),
    Filter::ansible("intersect", "The items that are in both lists.", intersect),
    Filter::ansible("difference", "The items that are not in the other list.", difference),
    Filter::ansible(
        "symmetric_difference",
        "The items that are in one of the lists only.",
        symmetric_difference,
    ),
    Filter::ansible("flatten", "Lists in lists as one list.", flatten_filter),
    Filter::ansible("zip", "Tuples of the items of several lists.", zip),
    Filter::ansible("zip_longest", "The same, filled up to the longest.", zip_longest),
    Filter::ansible("product", "All tuples with one item of each list.", product),
    Filter::ansible("permutations", "All orders of so many items.", permutations),
    Filter::ansible("combinations", "All choices of so many items.", combinations),
];

fn unique(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [case_sensitive, attribute] =
        args.bind("unique", &["environment", "a"], &["case_sensitive", "attribute"], 0)?;
    let by_hash = || -> PyResult<Vec<Value>> {
        let ignore_case = !flag(case_sensitive.as_ref(), false)?;
        let path = Attribute::new(attribute.as_ref())?.ignoring_case(ignore_case);
        let mut seen = indexmap::IndexSet::new();
        let mut out = Vec::new();
        for item in access::iterate(&value)? {
            if seen.insert(ops::to_key(path.get(&item)?)?) {
                out.push(item);
            }
        }
        Ok(out)
    };
    let error = match by_hash() {
        Ok(items) => return Ok(Value::list(items)),
        Err(e) => e,
    };
    let has_attribute = attribute.as_ref().map_or(Ok(false), ops::truth)?;
    if matches!(case_sensitive, Some(Value::Bool(false))) || has_attribute {
        return Err(PyError::filter(format!(
            "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it \
             does not support the parameters supplied. {error}"
        )));
    }
    if !error.is_type_error() {
        cx.warn(&format!("Falling back to Ansible unique filter as Jinja2 one failed: {error}"));
    }
    unique_by_equality(access::iterate(&value)?).map(Value::list)
}

fn unique_by_equality(items: Vec<Value>) -> PyResult<Vec<Value>> {
    let mut out: Vec<Value> = Vec::new();
    for item in items {
        if !is_in(&out, &item)? {
            out.push(item);
        }
    }
    Ok(out)
}

/// Each item once, upper and lower case apart.
fn distinct(items: Vec<Value>) -> PyResult<Vec<Value>> {
    let mut seen = indexmap::IndexSet::new();
    let mut out = Vec::new();
    for item in &items {
        match ops::to_key(item.clone()) {
            Ok(key) => {
                if seen.insert(key) {
                    out.push(item.clone());
                }
            }
            Err(_) => return unique_by_equality(items),
        }
    }
    Ok(out)
}

fn is_in(items: &[Value], wanted: &Value) -> PyResult<bool> {
    for item in items {
        if ops::is_same(item, wanted) || ops::eq(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Both as sets, where Python could hash both of them (texts, tuples); lists are no such.
fn hashable(a: &Value, b: &Value) -> PyResult<Option<(Set, Set)>> {
    let by_type = |v: &Value| match v {
        Value::List(_) | Value::Dict(_) => false,
        Value::Object(o) => o.hashable() && o.to_plain().is_none(),
        _ => true,
    };
    if by_type(a) && by_type(b) {
        return Ok(Some((Set::from_iterable(a)?, Set::from_iterable(b)?)));
    }
    Ok(None)
}

/// The items of `a` whose membership in `b` is `wanted`.
fn filtered(a: &Value, b: &Value, wanted: bool) -> PyResult<Vec<Value>> {
    let mut out = Vec::new();
    for item in access::iterate(a)? {
        if ops::contains(b, &item)? == wanted {
            out.push(item);
        }
    }
    distinct(out)
}

fn other(args: CallArgs, function: &str) -> PyResult<Value> {
    let [b] = args.bind(function, &["environment", "a"], &["b"], 1)?;
    Ok(b.unwrap_or(Value::None))
}

fn intersect(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let b = other(args, "intersect")?;
    match hashable(&value, &b)? {
        Some((x, y)) => Ok(x.intersection(&y).into_value()),
        None => filtered(&value, &b, true).map(Value::list),
    }
}

fn difference(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let b = other(args, "difference")?;
    match hashable(&value, &b)? {
        Some((x, y)) => Ok(x.difference(&y).into_value()),
        None => filtered(&value, &b, false).map(Value::list),
    }
}

fn union_of(a: &Value, b: &Value) -> PyResult<Value> {
    match hashable(a, b)? {
        Some((x, y)) => Ok(x.union(&y).into_value()),
        None => distinct(access::iterate(&ops::add(a, b)?)?).map(Value::list),
    }
}

fn union(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    union_of(&value, &other(args, "union")?)
}

fn symmetric_difference(
    _cx: &mut dyn FilterContext,
    value: Value,
    args: CallArgs,
) -> PyResult<Value> {
    let b = other(args, "symmetric_difference")?;
    if let Some((x, y)) = hashable(&value, &b)? {
        return Ok(x.symmetric_difference(&y).into_value());
    }
    let both = filtered(&value, &b, true)?;
    let mut out = Vec::new();
    for item in access::iterate(&union_of(&value, &b)?)? {
        if !is_in(&both, &item)? {
            out.push(item);
        }
    }
    Ok(Value::list(out))
}

fn flatten_filter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [levels, skip_nulls] = args.bind("flatten", &["mylist"], &["levels", "skip_nulls"], 0)?;
    let levels = levels.filter(|l| !l.is_none());
    flatten(&access::iterate(&value)?, levels.as_ref(), flag(skip_nulls.as_ref(), true)?)
        .map(Value::list)
}

/// Lists in lists as one list, `levels` deep.
pub(super) fn flatten(
    items: &[Value],
    levels: Option<&Value>,
    skip_nulls: bool,
) -> PyResult<Vec<Value>> {
    let mut out = Vec::new();
    for item in items {
        let settled = settle(item)?;
        let is_null = match settled.as_ref() {
            Value::None => true,
            Value::Str(s) => matches!(s.as_str(), "None" | "null"),
            _ => false,
        };
        if skip_nulls && is_null {
            continue;
        }
        if !access::is_sequence(item) {
            out.push(item.clone());
            continue;
        }
        let inner = access::iterate(item)?;
        match levels {
            None => out.extend(flatten(&inner, None, skip_nulls)?),
            Some(n) if ops::compare(n, &Value::Int(1), CmpOp::Ge)? => {
                let less = ops::sub(&crate::template::args::to_int(n)?, &Value::Int(1))?;
                out.extend(flatten(&inner, Some(&less), skip_nulls)?);
            }
            Some(_) => out.push(item.clone()),
        }
    }
    Ok(out)
}

/// The lists that are combined: the filtered value and the arguments.
fn lists(value: &Value, rest: &[Value]) -> PyResult<Vec<Vec<Value>>> {
    std::iter::once(value).chain(rest).map(access::iterate).collect()
}

fn zip(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let CallArgs { positional, mut keyword } = args;
    let strict = flag(keyword.shift_remove("strict").as_ref(), false)?;
    if let Some(unknown) = keyword.keys().next() {
        return Err(PyError::type_error(format!(
            "'{unknown}' is an invalid keyword argument for zip()"
        )));
    }
    let all = lists(&value, &positional)?;
    let shortest = all.iter().map(Vec::len).min().unwrap_or(0);
    if strict && let Some(at) = all.iter().position(|l| l.len() != all[0].len()) {
        let word = if all[at].len() < all[0].len() { "shorter" } else { "longer" };
        let others = if at == 1 { "argument 1".to_owned() } else { format!("arguments 1-{at}") };
        return Err(PyError::value_error(format!(
            "zip() argument {} is {word} than {others}",
            at + 1
        )));
    }
    Ok((0..shortest).map(|i| Value::tuple(all.iter().map(|l| l[i].clone()).collect())).collect())
}

fn zip_longest(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let CallArgs { positional, mut keyword } = args;
    let fill = keyword.shift_remove("fillvalue").unwrap_or(Value::None);
    if !keyword.is_empty() {
        return Err(PyError::type_error("zip_longest() got an unexpected keyword argument"));
    }
    let all = lists(&value, &positional)?;
    let longest = all.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..longest)
        .map(|i| {
            let row = all.iter().map(|l| l.get(i).cloned().unwrap_or_else(|| fill.clone()));
            Value::tuple(row.collect())
        })
        .collect())
}

fn product(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let CallArgs { positional, mut keyword } = args;
    let repeat = keyword.shift_remove("repeat").map_or(Ok(1), |r| index(&r))?;
    if let Some(unknown) = keyword.keys().next() {
        return Err(PyError::type_error(format!(
            "'{unknown}' is an invalid keyword argument for product()"
        )));
    }
    let repeat = usize::try_from(repeat)
        .map_err(|_| PyError::value_error("repeat argument cannot be negative"))?;
    let pools = lists(&value, &positional)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for _ in 0..repeat {
        for pool in &pools {
            rows = rows
                .iter()
                .flat_map(|row| {
                    pool.iter()
                        .map(move |item| row.iter().chain(std::iter::once(item)).cloned().collect())
                })
                .collect();
        }
    }
    Ok(rows.into_iter().map(Value::tuple).collect())
}

fn length_of_choice(r: Option<&Value>, default: usize) -> PyResult<usize> {
    match r {
        None | Some(Value::None) => Ok(default),
        Some(Value::Int(n)) => {
            usize::try_from(*n).map_err(|_| PyError::value_error("r must be non-negative"))
        }
        Some(other) => {
            settle(other)?;
            if matches!(other, Value::Bool(_)) {
                return Ok(usize::try_from(index(other)?).unwrap_or(0));
            }
            Err(PyError::type_error(format!(
                "'{}' object cannot be interpreted as an integer",
                type_name(other)
            )))
        }
    }
}

fn permutations(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [r] = args.bind("permutations", &["iterable"], &["r"], 0)?;
    let items = access::iterate(&value)?;
    if matches!(&r, Some(v) if !matches!(v, Value::None | Value::Int(_) | Value::Bool(_))
        && !matches!(v, Value::Undefined(u) if !u.lenient))
    {
        return Err(PyError::type_error("Expected int as r"));
    }
    let r = length_of_choice(r.as_ref(), items.len())?;
    let mut rows = Vec::new();
    arrange(items.len(), r, &mut Vec::new(), &mut rows, false);
    Ok(picked(&items, rows))
}

fn combinations(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [r] = args.bind("combinations", &["iterable"], &["r"], 0)?;
    let Some(r) = r else {
        return Err(PyError::type_error("combinations() missing required argument 'r' (pos 2)"));
    };
    let items = access::iterate(&value)?;
    let r =
        usize::try_from(index(&r)?).map_err(|_| PyError::value_error("r must be non-negative"))?;
    let mut rows = Vec::new();
    arrange(items.len(), r, &mut Vec::new(), &mut rows, true);
    Ok(picked(&items, rows))
}

/// All ways to pick `left` more of `n` places, in order of places.
fn arrange(
    n: usize,
    left: usize,
    taken: &mut Vec<usize>,
    rows: &mut Vec<Vec<usize>>,
    rising: bool,
) {
    if left == 0 {
        rows.push(taken.clone());
        return;
    }
    let from = if rising { taken.last().map_or(0, |l| l + 1) } else { 0 };
    for i in from..n {
        if rising || !taken.contains(&i) {
            taken.push(i);
            arrange(n, left - 1, taken, rows, rising);
            taken.pop();
        }
    }
}

fn picked(items: &[Value], rows: Vec<Vec<usize>>) -> Value {
    rows.into_iter()
        .map(|row| Value::tuple(row.into_iter().map(|i| items[i].clone()).collect()))
        .collect()
}
