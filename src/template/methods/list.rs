//! Methods of `list` and `tuple`.

use super::native::{positional, range};
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, index},
};
use crate::value::{List, PyError, PyErrorKind, PyResult, Value, access, ops, repr::repr};

/// Calls the method `name` of `list`.
pub(super) fn call(
    cx: &mut dyn FilterContext,
    list: &List,
    name: &str,
    args: CallArgs,
) -> PyResult<Value> {
    match name {
        "append" => {
            let mut args = positional("list", name, args, 1, 1)?;
            list.write().append(&mut args);
        }
        "extend" => {
            let args = positional("list", name, args, 1, 1)?;
            let items = access::iterate(&args[0])?;
            list.write().extend(items);
        }
        "insert" => {
            let mut args = positional("list", name, args, 2, 2)?;
            let at = index(&args[0])?;
            let mut items = list.write();
            let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
            let at = if at < 0 { at + len } else { at }.clamp(0, len);
            items.insert(usize::try_from(at).unwrap_or(0), args.swap_remove(1));
        }
        "pop" => return pop(list, positional("list", name, args, 0, 1)?),
        "remove" => {
            let args = positional("list", name, args, 1, 1)?;
            match find(&list.snapshot(), &args[0], 0)? {
                Some(at) => {
                    list.write().remove(at);
                }
                None => return Err(PyError::value_error("list.remove(x): x not in list")),
            }
        }
        "clear" => {
            positional("list", name, args, 0, 0)?;
            list.write().clear();
        }
        "reverse" => {
            positional("list", name, args, 0, 0)?;
            list.write().reverse();
        }
        "copy" => {
            positional("list", name, args, 0, 0)?;
            return Ok(Value::list(list.snapshot()));
        }
        "sort" => sort(cx, list, args)?,
        _ => return search(&list.snapshot(), "list", name, args),
    }
    Ok(Value::None)
}

/// Calls the method `name` of a tuple (or range).
pub(super) fn call_tuple(tuple: &Value, name: &str, args: CallArgs) -> PyResult<Value> {
    search(&access::iterate(tuple)?, "tuple", name, args)
}

fn pop(list: &List, args: Vec<Value>) -> PyResult<Value> {
    let at = args.first().map_or(Ok(-1), index)?;
    let mut items = list.write();
    if items.is_empty() {
        return Err(PyError::new(PyErrorKind::IndexError, "pop from empty list"));
    }
    let len = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let place = if at < 0 { at + len } else { at };
    match usize::try_from(place) {
        Ok(i) if i < items.len() => Ok(items.remove(i)),
        _ => Err(PyError::new(PyErrorKind::IndexError, "pop index out of range")),
    }
}

fn find(items: &[Value], wanted: &Value, from: usize) -> PyResult<Option<usize>> {
    for (i, item) in items.iter().enumerate().skip(from) {
        if ops::is_same(item, wanted) || ops::eq(item, wanted)? {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

fn search(items: &[Value], owner: &str, name: &str, args: CallArgs) -> PyResult<Value> {
    if name == "count" {
        let args = positional(owner, name, args, 1, 1)?;
        let mut n = 0;
        for item in items {
            n += i64::from(ops::is_same(item, &args[0]) || ops::eq(item, &args[0])?);
        }
        return Ok(Value::Int(n));
    }
    let args = positional(owner, name, args, 1, 3)?;
    let (start, stop) = range(&args[1..], items.len())?;
    match find(&items[..stop.max(start.min(stop))], &args[0], start)? {
        Some(at) => Ok(Value::Int(i64::try_from(at).unwrap_or(i64::MAX))),
        None if owner == "tuple" => Err(PyError::value_error("tuple.index(x): x not in tuple")),
        None => Err(PyError::value_error(format!("{} is not in list", repr(&args[0])?))),
    }
}

fn sort(cx: &mut dyn FilterContext, list: &List, args: CallArgs) -> PyResult<()> {
    if !args.positional.is_empty() {
        return Err(PyError::type_error("sort() takes no positional arguments"));
    }
    let [key, reverse] = super::native::keywords("sort", args, &["key", "reverse"])?;
    let mut keyed = Vec::new();
    for item in list.snapshot() {
        let key = match &key {
            None | Some(Value::None) => item.clone(),
            Some(function) => cx.call(function, CallArgs::positional(vec![item.clone()]))?,
        };
        keyed.push((key, item));
    }
    let sorted = ops::sort_by_key(keyed, flag(reverse.as_ref(), false)?)?;
    *list.write() = sorted;
    Ok(())
}
