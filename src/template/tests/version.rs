//! Comparing versions.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::Test;
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    PyError, PyResult, Value,
    ops::{self, CmpOp},
    regex::{Flags, Pattern},
    repr::{str_repr, to_native, to_text},
};

pub(super) static TESTS: &[Test] = &[
    Test::ansible("version", "Compares versions.", version),
    Test::ansible("version_compare", "Compares versions.", version),
];

const OPERATORS: &[(&str, &str)] = &[
    ("==", "eq"),
    ("=", "eq"),
    ("eq", "eq"),
    ("<", "lt"),
    ("lt", "lt"),
    ("<=", "le"),
    ("le", "le"),
    (">", "gt"),
    ("gt", "gt"),
    (">=", "ge"),
    ("ge", "ge"),
    ("!=", "ne"),
    ("<>", "ne"),
    ("ne", "ne"),
];

const TYPES: &[&str] = &["loose", "strict", "semver", "semantic", "pep440"];

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(str_repr).collect::<Vec<_>>().join(", ")
}

fn version(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [other, operator, strict, kind] = args.bind(
        "version_compare",
        &["value"],
        &["version", "operator", "strict", "version_type"],
        1,
    )?;
    let other = other.unwrap_or(Value::None);
    let given = |v: &Option<Value>| v.as_ref().is_some_and(|v| !v.is_none());
    if given(&strict) && given(&kind) {
        return Err(PyError::filter("Cannot specify both 'strict' and 'version_type'"));
    }
    if !ops::truth(&value)? {
        return Err(PyError::filter("Input version value cannot be empty"));
    }
    if !ops::truth(&other)? {
        return Err(PyError::filter("Version parameter to compare against cannot be empty"));
    }
    let kind = match (strict, kind) {
        (Some(strict), _) if ops::truth(&strict)? => "strict".to_owned(),
        (_, Some(kind)) if ops::truth(&kind)? => to_text(&kind)?,
        _ => "loose".to_owned(),
    };
    if !TYPES.contains(&kind.as_str()) {
        return Err(PyError::filter(format!(
            "Invalid version type ({kind}). Must be one of {}",
            listed(TYPES.iter().copied())
        )));
    }
    let operator = operator.map_or_else(|| Ok("eq".to_owned()), |o| to_text(&o))?;
    let Some((_, operator)) = OPERATORS.iter().find(|(name, _)| *name == operator) else {
        return Err(PyError::filter(format!(
            "Invalid operator type ({operator}). Must be one of {}",
            listed(OPERATORS.iter().map(|(name, _)| *name))
        )));
    };
    let (a, b) = (to_native(&value)?, to_native(&other)?);
    let order = match kind.as_str() {
        "loose" => loose_order(&a, &b),
        "strict" => strict_version(&a).and_then(|a| Ok(a.cmp(&strict_version(&b)?))),
        "pep440" => pep440(&a).and_then(|a| Ok(a.cmp(&pep440(&b)?))),
        _ => semantic(&a).and_then(|a| Ok(a.cmp(&semantic(&b)?))),
    };
    let order = order.map_err(|e| PyError::filter(format!("Version comparison failed: {e}")))?;
    Ok(Value::Bool(match *operator {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    }))
}

/// The numbers, words and other stretches of a version; points only part them.
pub fn components(text: &str) -> Value {
    let class = |c: char| match c {
        '.' => 0,
        c if c.is_ascii_digit() => 1,
        c if c.is_ascii_lowercase() => 2,
        _ => 3,
    };
    let mut parts: Vec<(i32, String)> = Vec::new();
    for c in text.chars() {
        match parts.last_mut() {
            Some((last, part)) if *last == class(c) && *last != 0 => part.push(c),
            _ => parts.push((class(c), c.to_string())),
        }
    }
    parts
        .into_iter()
        .filter(|(class, _)| *class != 0)
        .map(|(class, part)| match part.parse::<BigInt>() {
            Ok(n) if class == 1 => Value::big(n),
            _ => Value::from(part),
        })
        .collect()
}

/// The order of versions of any form.
pub fn loose_order(a: &str, b: &str) -> PyResult<Ordering> {
    let (a, b) = (components(a), components(b));
    if ops::eq(&a, &b)? {
        Ok(Ordering::Equal)
    } else if ops::compare(&a, &b, CmpOp::Lt)? {
        Ok(Ordering::Less)
    } else {
        Ok(Ordering::Greater)
    }
}

/// A pre-release comes before the release it leads to.
fn release_last<T>(pre: Option<T>) -> (bool, Option<T>) {
    (pre.is_none(), pre)
}

type Strict = ([BigInt; 3], (bool, Option<(String, BigInt)>));

fn number(text: &str) -> BigInt {
    text.parse().unwrap_or_default()
}

/// `1.2`, `1.2.3`, with `a4` or `b4` at the end.
fn strict_version(text: &str) -> PyResult<Strict> {
    let pattern = Pattern::new(r"^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$", Flags::default())?;
    let found = pattern.match_start(text)?;
    let found =
        found.ok_or_else(|| PyError::value_error(format!("invalid version number '{text}'")))?;
    let part = |n| found.group(text, n).map_or_else(BigInt::default, number);
    let pre = found.group(text, 4).map(|letter| (letter.to_owned(), part(5)));
    Ok(([part(1), part(2), part(3)], release_last(pre)))
}

/// A part of a pre-release: numbers come before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(BigInt),
    Word(String),
}

fn part(text: &str) -> Part {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        Part::Number(number(text))
    } else {
        Part::Word(text.to_owned())
    }
}

type Semantic = ([BigInt; 3], (bool, Option<Vec<Part>>));

/// Semantic Versioning 2.0.0; what was built how does not count.
fn semantic(text: &str) -> PyResult<Semantic> {
    let number_part = r"(0|[1-9]\d*)";
    let identifier = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)";
    let pattern = Pattern::new(
        &format!(
            r"^{number_part}\.{number_part}\.{number_part}(?:-({identifier}(?:\.{identifier})*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$"
        ),
        Flags::default(),
    )?;
    let found = pattern.match_start(text)?;
    let found =
        found.ok_or_else(|| PyError::value_error(format!("invalid semantic version '{text}'")))?;
    let core = |n| found.group(text, n).map_or_else(BigInt::default, number);
    let pre = found.group(text, 4).map(|p| p.split('.').map(part).collect());
    Ok(([core(1), core(2), core(3)], release_last(pre)))
}

/// A version of PEP 440, its parts in the order in which they decide.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pep440 {
    epoch: BigInt,
    release: Vec<BigInt>,
    /// Development releases come first, then `a`, `b`, `rc`, then the release itself.
    pre: (u8, BigInt),
    post: Option<BigInt>,
    dev: (bool, BigInt),
    local: Option<Vec<LocalPart>>,
}

/// A part of a local version: words come before numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum LocalPart {
    Word(String),
    Number(BigInt),
}

fn pep440(text: &str) -> PyResult<Pep440> {
    let pattern = Pattern::new(
        concat!(
            r"^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)",
            r"(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d+)?)?",
            r"(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d+)?)?",
            r"(?:[-_.]?(dev)[-_.]?(\d+)?)?",
            r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$"
        ),
        Flags { ignore_case: true, ..Flags::default() },
    )?;
    let found = pattern.match_start(text)?;
    let found = found
        .ok_or_else(|| PyError::value_error(format!("Invalid version: {}", str_repr(text))))?;
    let group = |n| found.group(text, n);
    let count = |n| group(n).map_or_else(BigInt::default, number);
    let mut release: Vec<BigInt> = group(2).unwrap_or("0").split('.').map(number).collect();
    while release.len() > 1 && release.last() == Some(&BigInt::default()) {
        release.pop();
    }
    let post = match (group(5), group(6)) {
        (Some(_), _) => Some(count(5)),
        (None, Some(_)) => Some(count(7)),
        (None, None) => None,
    };
    let is_dev = group(8).is_some();
    let pre = match group(3).map(str::to_ascii_lowercase).as_deref() {
        Some("a" | "alpha") => (1, count(4)),
        Some("b" | "beta") => (2, count(4)),
        Some(_) => (3, count(4)),
        None if is_dev && post.is_none() => (0, BigInt::default()),
        None => (4, BigInt::default()),
    };
    let local = group(10).map(|l| {
        l.split(['-', '_', '.'])
            .map(|p| match part(p) {
                Part::Number(n) => LocalPart::Number(n),
                Part::Word(w) => LocalPart::Word(w.to_lowercase()),
            })
            .collect()
    });
    Ok(Pep440 { epoch: count(1), release, pre, post, dev: (!is_dev, count(9)), local })
}
