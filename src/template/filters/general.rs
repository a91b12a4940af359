//! Filters of `community.general` and `kubernetes.core`.

use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::{Filter, encoding::to_bytes};
use crate::template::{CallArgs, FilterContext, args::flag, methods};
use crate::value::{
    Dict, Key, PyError, PyErrorKind, PyResult, Value, access,
    json::{self, Layout},
    merge::{ListMerge, merge},
    number::round_float,
    ops::{self, settle, to_key},
    random::Random,
    regex::{Flags, Pattern},
    repr::{repr, to_text},
    types::{class_repr, type_name},
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::collection("community.general", "counter", "How often each item occurs.", counter),
    Filter::collection("community.general", "crc32", "The CRC-32 checksum.", crc32),
    Filter::collection("community.general", "dict", "A dict of pairs.", dict),
    Filter::collection("community.general", "dict_kv", "A dict of one entry.", dict_kv),
    Filter::collection(
        "community.general",
        "groupby_as_dict",
        "Dicts by a member.",
        groupby_as_dict,
    ),
    Filter::collection(
        "community.general",
        "lists_mergeby",
        "Lists of dicts merged.",
        lists_mergeby,
    ),
    Filter::redirected("community.general", "random_mac", "A random hardware address.", random_mac)
        .anew(),
    Filter::collection("community.general", "unicode_normalize", "A normal form.", normalize),
    Filter::collection("community.general", "version_sort", "Versions in order.", version_sort),
    Filter::collection("community.general", "to_time_unit", "A time in a unit.", to_time_unit),
    Filter::collection("community.general", "to_milliseconds", "A time.", to_milliseconds),
    Filter::collection("community.general", "to_seconds", "A time in seconds.", to_seconds),
    Filter::collection("community.general", "to_minutes", "A time in minutes.", to_minutes),
    Filter::collection("community.general", "to_hours", "A time in hours.", to_hours),
    Filter::collection("community.general", "to_days", "A time in days.", to_days),
    Filter::collection("community.general", "to_weeks", "A time in weeks.", to_weeks),
    Filter::collection("community.general", "to_months", "A time in months.", to_months),
    Filter::collection("community.general", "to_years", "A time in years.", to_years),
    Filter::redirected(
        "kubernetes.core",
        "k8s_config_resource_name",
        "The name of a config map or secret, with a hash of its content.",
        k8s_config_resource_name,
    ),
];

/// Python's `Sequence`: lists, tuples, ranges and text.
fn is_sequence(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::Bytes(_) | Value::Vaulted(_))
        || access::is_sequence(value)
}

fn counter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("counter", &["sequence"], &[], 0)?;
    if !is_sequence(&value) {
        return Err(PyError::filter(format!(
            "Argument for community.general.counter must be a sequence (string or list). {} is {}",
            to_text(&value)?,
            class_repr(&value)
        )));
    }
    let mut counts: IndexMap<Key, Value> = IndexMap::new();
    for item in access::iterate(&value)? {
        let key = to_key(item).map_err(|e| {
            if !e.is_type_error() {
                return e;
            }
            PyError::filter(format!(
                "community.general.counter needs a sequence with hashable elements (int, float or \
                 str) - {e}"
            ))
        })?;
        let count = counts.entry(key).or_insert(Value::Int(0));
        *count = ops::add(count, &Value::Int(1))?;
    }
    Ok(Value::Dict(counts.into_iter().collect()))
}

fn crc32(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("crc32s", &["value"], &[], 0)?;
    if !matches!(settle(&value)?.as_ref(), Value::Str(_)) {
        return Err(PyError::filter(format!(
            "Invalid value type ({}) for crc32 ({})",
            class_repr(&value),
            repr(&value)?
        )));
    }
    let mut crc = u32::MAX;
    for byte in to_bytes(&value, "utf-8")? {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    Ok(Value::from(format!("{:x}", !crc)))
}

fn dict(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("dict_filter", &["sequence"], &[], 0)?;
    let dict = Dict::new();
    methods::dict_update(&dict, CallArgs::positional(vec![value]))?;
    Ok(dict.into())
}

fn dict_kv(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [key] = args.bind("dict_kv", &["value"], &["key"], 1)?;
    let entry = (to_key(key.unwrap_or(Value::None))?, value);
    Ok(Value::Dict([entry].into_iter().collect()))
}

fn groupby_as_dict(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [attribute] = args.bind("groupby_as_dict", &["sequence"], &["attribute"], 1)?;
    let attribute = attribute.unwrap_or(Value::None);
    if !is_sequence(&value) {
        return Err(PyError::filter("Input is not a sequence"));
    }
    let mut out: IndexMap<Key, Value> = IndexMap::new();
    for (i, item) in access::iterate(&value)?.into_iter().enumerate() {
        if !access::is_mapping(&item) {
            return Err(PyError::filter(format!("Sequence element #{i} is not a mapping")));
        }
        let Some(member) = access::item(&item, &attribute)? else {
            return Err(PyError::filter(format!(
                "Attribute not contained in element #{i} of sequence"
            )));
        };
        let shown = repr(&member)?;
        if out.insert(to_key(member)?, item).is_some() {
            return Err(PyError::filter(format!(
                "Multiple sequence entries have attribute value {shown}"
            )));
        }
    }
    Ok(Value::Dict(out.into_iter().collect()))
}

fn lists_mergeby(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let CallArgs { positional, mut keyword } = args;
    let recursive = flag(keyword.shift_remove("recursive").as_ref(), false)?;
    let how = keyword.shift_remove("list_merge").unwrap_or_else(|| Value::str("replace"));
    if !keyword.is_empty() {
        return Err(PyError::filter(
            "'recursive' and 'list_merge' are the only valid keyword arguments.",
        ));
    }
    let mut terms: Vec<Value> = std::iter::once(value).chain(positional).collect();
    let index = terms
        .pop()
        .filter(|_| !terms.is_empty())
        .ok_or_else(|| PyError::filter("At least one list and index are needed."))?;
    let mut lists = Vec::new();
    for term in terms {
        if !is_sequence(&term) {
            return Err(PyError::filter(format!(
                "All arguments before the argument index for community.general.lists_mergeby must \
                 be lists. {} is {}",
                to_text(&term)?,
                class_repr(&term)
            )));
        }
        let items = access::iterate(&term)?;
        if items.is_empty() {
            continue;
        }
        if items.iter().all(is_sequence) { lists.extend(items) } else { lists.push(term) }
    }
    let Some(mut result) = lists.pop() else { return Ok(Value::list(Vec::new())) };
    if lists.is_empty() {
        return Ok(result);
    }
    if !matches!(settle(&index)?.as_ref(), Value::Str(_)) {
        return Err(PyError::filter(format!(
            "First argument after the lists for community.general.lists_mergeby must be string. \
             {} is {}",
            to_text(&index)?,
            class_repr(&index)
        )));
    }
    let how = ListMerge::parse(&to_text(&how)?)?;
    while let Some(low) = lists.pop() {
        result = merge_by(&low, &result, &index, recursive, how)?;
    }
    Ok(result)
}

fn merge_by(
    low: &Value,
    high: &Value,
    index: &Value,
    recursive: bool,
    how: ListMerge,
) -> PyResult<Value> {
    let mut merged: IndexMap<Key, Value> = IndexMap::new();
    for item in access::iterate(low)?.into_iter().chain(access::iterate(high)?) {
        if !access::is_mapping(&item) {
            return Err(PyError::filter(format!(
                "Elements of list arguments for lists_mergeby must be dictionaries. {} is {}",
                to_text(&item)?,
                class_repr(&item)
            )));
        }
        let Some(member) = access::item(&item, index)? else { continue };
        let key = to_key(member)?;
        let old = merged.get(&key).cloned().unwrap_or_else(|| Dict::new().into());
        merged.insert(key, merge(&old, &item, recursive, how)?.into());
    }
    let mut keyed = Vec::new();
    for item in merged.into_values() {
        keyed.push((access::subscript(&item, index)?, item));
    }
    ops::sort_by_key(keyed, false).map(Value::list)
}

fn random_mac(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [seed] = args.bind("random_mac", &["value"], &["seed"], 0)?;
    let settled = settle(&value)?;
    let Value::Str(prefix) = settled.as_ref() else {
        return Err(PyError::filter(format!(
            "Invalid value type ({}) for random_mac ({})",
            class_repr(&value),
            to_text(&value)?
        )));
    };
    let prefix = prefix.to_lowercase();
    let items: Vec<&str> = prefix.split(':').collect();
    if items.len() > 5 {
        return Err(PyError::filter(format!(
            "Invalid value ({prefix}) for random_mac: 5 colon(:) separated items max"
        )));
    }
    let problems: Vec<String> = items
        .iter()
        .filter_map(|item| {
            let hex = item.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
            match (item.is_empty(), hex) {
                (true, _) => Some("empty item".to_owned()),
                (false, false) => Some(format!("{item} not hexa byte")),
                _ => None,
            }
        })
        .collect();
    if !problems.is_empty() {
        return Err(PyError::filter(format!(
            "Invalid value ({prefix}) for random_mac: {}",
            problems.join(",")
        )));
    }
    let mut source = match seed.filter(|s| !s.is_none()) {
        Some(seed) => Random::seeded(&seed)?,
        None => Random::System,
    };
    let drawn =
        source.range(&68_719_476_736_i64.into(), &1_099_511_627_776_i64.into(), &1.into())?;
    let digits = format!("{drawn:x}");
    let mut out = prefix.clone();
    for byte in digits.as_bytes().chunks(2).take(6 - items.len()) {
        out.push(':');
        out.extend(byte.iter().map(|b| char::from(*b)));
    }
    Ok(Value::from(out))
}

fn normalize(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [form] = args.bind("unicode_normalize", &["data"], &["form"], 0)?;
    let refused =
        || PyError::filter_type(format!("{} is not a valid input type", class_repr(&value)));
    if value.is_undefined() {
        return Err(refused());
    }
    let settled = settle(&value)?;
    let Value::Str(text) = settled.as_ref() else { return Err(refused()) };
    let form = form.map_or_else(|| Ok("NFC".to_owned()), |f| to_text(&f))?;
    let out: String = match form.as_str() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        other => return Err(PyError::filter(format!("{other} is not a valid form"))),
    };
    Ok(Value::Str(text.derive(out)))
}

fn version_sort(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [reverse] = args.bind("version_sort", &["value"], &["reverse"], 0)?;
    let mut keyed = Vec::new();
    for item in access::iterate(&value)? {
        let settled = settle(&item)?;
        let Value::Str(text) = settled.as_ref() else {
            return Err(PyError::type_error(format!(
                "expected string or bytes-like object, got '{}'",
                type_name(&item)
            )));
        };
        keyed.push((crate::template::tests::version_components(text), item.clone()));
    }
    ops::sort_by_key(keyed, flag(reverse.as_ref(), false)?).map(Value::list)
}

const UNITS: &[(&str, &str)] = &[
    ("millisecond", "ms"),
    ("msec", "ms"),
    ("msecond", "ms"),
    ("sec", "s"),
    ("second", "s"),
    ("hour", "h"),
    ("min", "m"),
    ("minute", "m"),
    ("day", "d"),
    ("week", "w"),
    ("month", "mo"),
    ("year", "y"),
];

const SHORT_UNITS: &[&str] = &["ms", "s", "m", "h", "d", "w", "mo", "y"];

fn short_unit(unit: &str) -> &str {
    let singular = unit.trim_end_matches('s');
    UNITS.iter().find(|(long, _)| *long == singular).map_or(unit, |(_, short)| short)
}

/// Milliseconds of a unit.
fn factor(unit: &str, days: &[(&str, i64)]) -> i64 {
    let day = 1000 * 60 * 60 * 24;
    let given = days.iter().find(|(name, _)| *name == unit).map(|(_, n)| *n);
    match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => day,
        "w" => day * 7,
        "mo" => day * given.unwrap_or(30),
        _ => day * given.unwrap_or(365),
    }
}

fn time_in(value: &Value, unit: &str, mut keyword: IndexMap<String, Value>) -> PyResult<Value> {
    let settled = settle(value)?;
    if settled.as_str() == Some("0") {
        return Ok(Value::Int(0));
    }
    let unit = short_unit(unit);
    if !SHORT_UNITS.contains(&unit) {
        let long: Vec<&str> = UNITS.iter().map(|(long, _)| *long).collect();
        return Err(PyError::filter(format!(
            "to_time_unit() can not convert to the following unit: {unit}. Available units \
             (singular or plural): {}. Available short units: {}",
            long.join(", "),
            SHORT_UNITS.join(", ")
        )));
    }
    let mut days = Vec::new();
    for (name, short) in [("year", "y"), ("month", "mo")] {
        if let Some(n) = keyword.shift_remove(name) {
            days.push((short, crate::template::args::index(&n)?));
        }
    }
    if !keyword.is_empty() {
        let names: Vec<&str> = keyword.keys().map(String::as_str).collect();
        return Err(PyError::filter(format!(
            "to_time_unit() got unknown keyword arguments: {}",
            names.join(", ")
        )));
    }
    let Value::Str(text) = settled.as_ref() else {
        return Err(ops::no_attribute(&settled, "split"));
    };
    let unreadable =
        || PyError::filter(format!("to_time_unit() can not interpret following string: {text}"));
    let pattern = Pattern::new(r"(-?\d+)(\w+)", Flags::default())?;
    let mut total = 0_i64;
    for part in text.split_whitespace() {
        let found = pattern.match_start(part)?.ok_or_else(unreadable)?;
        let n: i64 = found.group(part, 1).and_then(|n| n.parse().ok()).ok_or_else(unreadable)?;
        let part_unit = short_unit(found.group(part, 2).unwrap_or_default());
        if !SHORT_UNITS.contains(&part_unit) {
            return Err(unreadable());
        }
        total = total.saturating_add(n.saturating_mul(factor(part_unit, &days)));
    }
    let out = ops::div(&Value::Int(total), &Value::Int(factor(unit, &days)))?;
    Ok(match out {
        Value::Float(f) => Value::Float(round_float(f, 12)),
        other => other,
    })
}

fn to_time_unit(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let ([unit], keyword) = args.bind_keywords("to_time_unit", &["human_time"], &["unit"], 0)?;
    let unit = unit.map_or_else(|| Ok("ms".to_owned()), |u| to_text(&u))?;
    time_in(&value, &unit, keyword)
}

fn in_unit(value: &Value, args: CallArgs, function: &str, unit: &str) -> PyResult<Value> {
    let ([], keyword) = args.bind_keywords(function, &["human_time"], &[], 0)?;
    time_in(value, unit, keyword)
}

fn to_milliseconds(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_milliseconds", "ms")
}

fn to_seconds(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_seconds", "s")
}

fn to_minutes(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_minutes", "m")
}

fn to_hours(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_hours", "h")
}

fn to_days(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_days", "d")
}

fn to_weeks(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_weeks", "w")
}

fn to_months(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_months", "mo")
}

fn to_years(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    in_unit(&value, args, "to_years", "y")
}

fn k8s_config_resource_name(
    _cx: &mut dyn FilterContext,
    value: Value,
    args: CallArgs,
) -> PyResult<Value> {
    let [] = args.bind("k8s_config_resource_name", &["resource"], &[], 0)?;
    let no_name =
        || PyError::filter("resource must have a metadata.name key to generate a resource name");
    let part = |of: &Value, key: &str| {
        access::subscript(of, &Value::str(key)).map_err(|e| match e.kind {
            PyErrorKind::KeyError => no_name(),
            _ => e,
        })
    };
    let name = part(&part(&value, "metadata")?, "name")?;
    let kind = part(&value, "kind")?;
    let resource = access::as_dict(&value).ok_or_else(no_name)?;
    let mut keys = vec!["data", "kind", "name"];
    match kind.as_str() {
        Some("ConfigMap") => {}
        Some("Secret") => keys.push("type"),
        _ => return Err(PyError::new(PyErrorKind::Other("NotImplementedError"), "")),
    }
    let marshalled = Dict::new();
    for key in keys {
        let part = match key {
            "name" => name.clone(),
            key => resource.get(key).unwrap_or_else(|| Value::str("")),
        };
        marshalled.insert(key, sorted(&part)?);
    }
    let layout = Layout {
        item_separator: ",".to_owned(),
        key_separator: ":".to_owned(),
        ..Layout::default()
    };
    let digest = Sha256::digest(json::dumps(&marshalled.into(), &layout)?);
    let hash: String = digest
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect::<String>()
        .chars()
        .take(10)
        // Characters that could spell a word are replaced.
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            c => c,
        })
        .collect();
    Ok(Value::from(format!("{}-{hash}", to_text(&name)?)))
}

/// A dict in the order of its keys, and those inside.
fn sorted(value: &Value) -> PyResult<Value> {
    let Some(dict) = access::as_dict(value) else { return Ok(value.clone()) };
    let mut keyed = Vec::new();
    for (key, member) in dict.snapshot() {
        let pair = Value::tuple(vec![key.value().clone(), sorted(&member)?]);
        keyed.push((key.into_value(), pair));
    }
    let out = Dict::new();
    methods::dict_update(
        &out,
        CallArgs::positional(vec![Value::list(ops::sort_by_key(keyed, false)?)]),
    )?;
    Ok(out.into())
}
