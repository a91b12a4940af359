//! Filters on paths.

use std::path::{Path, PathBuf};

use super::Filter;
use crate::template::{CallArgs, FilterContext};
use crate::value::{
    PyError, PyResult, Str, Value, access, codec,
    ops::{operand, settle_typed, truth},
    types::{class_name, class_repr},
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("basename", "The last part of a path.", |cx, value, args| {
        with_bytes(cx, value, args, basename)
    }),
    Filter::ansible("dirname", "A path without its last part.", |cx, value, args| {
        with_bytes(cx, value, args, dirname)
    }),
    Filter::ansible("expanduser", "Expands `~`.", |cx, value, args| {
        with_bytes(cx, value, args, expanduser)
    })
    .anew(),
    Filter::ansible("expandvars", "Expands environment variables.", |cx, value, args| {
        with_bytes(cx, value, args, expandvars)
    })
    .anew(),
    Filter::ansible("realpath", "The path without symbolic links.", |cx, value, args| {
        with_bytes(cx, value, args, realpath)
    })
    .anew(),
    Filter::ansible("relpath", "The path from another one.", relpath),
    Filter::ansible("splitext", "A path's root and extension.", |cx, value, args| {
        with_bytes(cx, value, args, splitext)
    }),
    Filter::ansible("path_join", "Parts joined to a path.", path_join),
    Filter::ansible("win_basename", "The last part of a Windows path.", |cx, value, args| {
        with_bytes(cx, value, args, win_basename)
    }),
    Filter::ansible("win_dirname", "A Windows path without its last part.", |cx, value, args| {
        with_bytes(cx, value, args, win_dirname)
    }),
    Filter::ansible("win_splitdrive", "A Windows path's drive and rest.", |cx, value, args| {
        with_bytes(cx, value, args, win_splitdrive)
    }),
    Filter::ansible("fileglob", "Files that match a pattern.", fileglob).anew(),
];

fn path(value: &Value) -> PyResult<Str> {
    match settle_typed(value)?.as_ref() {
        Value::Str(s) => Ok(s.clone()),
        _ => Err(PyError::type_error(format!(
            "expected str, bytes or os.PathLike object, not {}",
            class_name(value)
        ))),
    }
}

/// Runs a filter that takes bytes for a path as well: ansible makes text of the result, but not of
/// what is in a tuple.
fn with_bytes(
    cx: &mut dyn FilterContext,
    value: Value,
    args: CallArgs,
    filter: super::FilterFn,
) -> PyResult<Value> {
    let Value::Bytes(bytes) = &value else { return filter(cx, value, args) };
    let text = codec::decode(bytes, "utf-8", "surrogateescape")?;
    let back = |v: &Value| match v {
        Value::Str(s) => {
            codec::encode(s, "utf-8", "surrogateescape").map(|b| Value::Bytes(b.into()))
        }
        other => Ok(other.clone()),
    };
    match filter(cx, Value::from(text), args)? {
        Value::Tuple(parts) => parts.iter().map(back).collect::<PyResult<_>>().map(Value::tuple),
        other => Ok(other),
    }
}

/// Runs `edit` on the filtered path.
fn edited(
    value: &Value,
    args: CallArgs,
    function: &str,
    edit: impl FnOnce(&str) -> String,
) -> PyResult<Value> {
    let [] = args.bind(function, &["p"], &[], 0)?;
    let s = path(value)?;
    let text = edit(&s);
    // What has nothing to expand is given back itself.
    if function.starts_with("expand") && text == *s {
        return Ok(Value::Str(s));
    }
    // Those are made of slices, others are joined anew.
    let sliced = ["basename", "dirname"].contains(&function);
    Ok(Value::Str(if sliced { s.alike(text) } else { s.derive(text) }))
}

fn basename(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    edited(&value, args, "basename", |p| p.rsplit('/').next().unwrap_or(p).to_owned())
}

fn dirname(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    edited(&value, args, "dirname", |p| {
        let head = &p[..p.rfind('/').map_or(0, |at| at + 1)];
        if head.chars().all(|c| c == '/') {
            head.to_owned()
        } else {
            head.trim_end_matches('/').to_owned()
        }
    })
}

fn expanduser(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    edited(&value, args, "expanduser", expand_user)
}

/// `os.path.expanduser`.
pub fn expand_user(p: &str) -> String {
    let Some(rest) = p.strip_prefix('~') else { return p.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (user, tail) = rest.split_at(end);
    let home = if user.is_empty() {
        std::env::var("HOME").ok().or_else(|| {
            // SAFETY: `getuid` cannot fail.
            home_of(|fields| fields.get(2).copied() == Some(&unsafe { libc::getuid() }.to_string()))
        })
    } else {
        home_of(|fields| fields.first().copied() == Some(user))
    };
    match home {
        Some(home) => {
            let joined = format!("{}{tail}", home.trim_end_matches('/'));
            if joined.is_empty() { "/".to_owned() } else { joined }
        }
        None => p.to_owned(),
    }
}

/// The home folder of the first entry of the user table that `matches`.
fn home_of(matches: impl Fn(&[&str]) -> bool) -> Option<String> {
    let table = std::fs::read_to_string("/etc/passwd").ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        if matches(&fields) { fields.get(5).map(|h| (*h).to_owned()) } else { None }
    })
}

fn expandvars(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    edited(&value, args, "expandvars", expand_vars)
}

/// `os.path.expandvars`: unknown variables stay as they are.
pub fn expand_vars(p: &str) -> String {
    let mut out = String::new();
    let mut rest = p;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (name, len) = if let Some(body) = rest.strip_prefix("${") {
            match body.find('}') {
                Some(end) => (&body[..end], end + 3),
                None => ("", 1),
            }
        } else {
            let body = &rest[1..];
            let end =
                body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
            (&body[..end], end + 1)
        };
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[..len]),
        }
        rest = &rest[len..];
    }
    out + rest
}

fn realpath(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [_strict] = args.bind("realpath", &["filename"], &["strict"], 0)?;
    let s = path(&value)?;
    if s.contains('\0') {
        return Err(PyError::value_error("lstat: embedded null character in path"));
    }
    Ok(Value::Str(s.derive(real_path(&s))))
}

/// `os.path.realpath`: what does not exist stays as it is written.
pub fn real_path(p: &str) -> String {
    let absolute = absolute(p);
    let mut resolved = PathBuf::from("/");
    let mut left: Vec<String> = absolute.split('/').rev().map(str::to_owned).collect();
    let mut links = 0;
    while let Some(part) = left.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                resolved.pop();
                continue;
            }
            _ => {}
        }
        let next = resolved.join(&part);
        match std::fs::read_link(&next) {
            // As many links as the system follows.
            Ok(target) if links < 40 => {
                links += 1;
                if target.is_absolute() {
                    resolved = PathBuf::from("/");
                }
                left.extend(target.to_string_lossy().split('/').rev().map(str::to_owned));
            }
            _ => resolved = next,
        }
    }
    resolved.to_string_lossy().into_owned()
}

fn absolute(p: &str) -> String {
    if p.starts_with('/') {
        return p.to_owned();
    }
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    format!("{}/{p}", here.display())
}

/// `os.path.normpath`.
pub fn normpath(p: &str) -> String {
    if p.is_empty() {
        return ".".to_owned();
    }
    // Two leading slashes, and just two, are kept.
    let root = match p.len() - p.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in p.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|l| *l != "..") => {
                parts.pop();
            }
            ".." if !root.is_empty() => {}
            part => parts.push(part),
        }
    }
    let joined = format!("{root}{}", parts.join("/"));
    if joined.is_empty() { ".".to_owned() } else { joined }
}

fn relpath(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [start] = args.bind("relpath", &["path"], &["start"], 0)?;
    if !truth(&value)? {
        return Err(PyError::value_error("no path specified"));
    }
    let (s, in_bytes) = component(&value)?;
    let start = match start.filter(|v| !v.is_none()) {
        Some(v) => {
            let (start, start_in_bytes) = component(&v)?;
            if in_bytes != start_in_bytes {
                return Err(mixed());
            }
            start.to_string()
        }
        None => ".".to_owned(),
    };
    let parts = |p: &str| -> Vec<String> {
        let p = normpath(&absolute(p));
        p.split('/').filter(|x| !x.is_empty()).map(str::to_owned).collect()
    };
    let (from, to) = (parts(&start), parts(&s));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut out = vec!["..".to_owned(); from.len() - common];
    out.extend_from_slice(&to[common..]);
    Ok(Value::Str(s.derive(if out.is_empty() { ".".to_owned() } else { out.join("/") })))
}

fn splitext(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("splitext", &["p"], &[], 0)?;
    let s = path(&value)?;
    let name = s.rfind('/').map_or(0, |at| at + 1);
    let body = s[name..].len() - s[name..].trim_start_matches('.').len() + name;
    let at = s[body..].rfind('.').map_or(s.len(), |dot| body + dot);
    let parts = [&s[..at], &s[at..]];
    Ok(Value::tuple(parts.iter().map(|p| Value::Str(s.alike(*p))).collect()))
}

/// `os.path.join`.
pub fn join<'p>(parts: impl IntoIterator<Item = &'p str>) -> String {
    let mut out = String::new();
    for (i, part) in parts.into_iter().enumerate() {
        if i == 0 || part.starts_with('/') {
            out = part.to_owned();
        } else {
            if !out.is_empty() && !out.ends_with('/') {
                out.push('/');
            }
            out.push_str(part);
        }
    }
    out
}

fn path_join(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("path_join", &["paths"], &[], 0)?;
    match &value {
        Value::Undefined(u) if !u.lenient => return Err(PyError::undefined(u)),
        _ => {}
    }
    if let Value::Str(_) = settle_typed(&value)?.as_ref() {
        return Ok(value);
    }
    if !access::is_sequence(&value) {
        return Err(PyError::filter_type(format!(
            "|path_join expects string or sequence, got {} instead.",
            class_repr(&value)
        )));
    }
    let parts = access::iterate(&value)?;
    if parts.is_empty() {
        return Err(PyError::type_error("join() missing 1 required positional argument: 'a'"));
    }
    let mut texts = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let text = component(part).map_err(|e| match i {
            0 => e,
            _ => PyError::type_error(format!(
                "join() argument must be str, bytes, or os.PathLike object, not '{}'",
                class_name(part)
            )),
        })?;
        texts.push(text);
    }
    if texts.iter().any(|(_, in_bytes)| *in_bytes != texts[0].1) {
        return Err(mixed());
    }
    if let [(only, _)] = texts.as_slice() {
        return Ok(Value::Str(only.clone()));
    }
    let joined = Str::new(join(texts.iter().map(|(text, _)| text.as_str())));
    let is_unsafe = texts.iter().any(|(text, _)| text.is_unsafe());
    Ok(Value::Str(if is_unsafe { joined.into_unsafe() } else { joined }))
}

/// A part of a path as text, and whether it was bytes.
fn component(value: &Value) -> PyResult<(Str, bool)> {
    match settle_typed(value)?.as_ref() {
        Value::Bytes(bytes) => {
            Ok((Str::new(codec::decode(bytes, "utf-8", "surrogateescape")?), true))
        }
        _ => Ok((path(value)?, false)),
    }
}

fn mixed() -> PyError {
    PyError::type_error("Can't mix strings and bytes in path components")
}

/// A Windows path's drive (or share) and the rest.
fn split_drive(p: &str) -> (&str, &str) {
    let is_slash = |c: char| c == '\\' || c == '/';
    if p.len() >= 2 && p.starts_with(is_slash) && p[1..].starts_with(is_slash) {
        let device = p.get(..8).map(|h| h.replace('/', "\\").to_ascii_uppercase());
        let start = if device.as_deref() == Some("\\\\?\\UNC\\") { 8 } else { 2 };
        let next = |from: usize| p.get(from..)?.find(is_slash).map(|at| from + at);
        return match next(start).and_then(|server| next(server + 1)) {
            Some(end) => p.split_at(end),
            None => (p, ""),
        };
    }
    match p.char_indices().nth(1) {
        Some((at, ':')) => p.split_at(at + 1),
        _ => ("", p),
    }
}

fn win_basename(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    edited(&value, args, "basename", |p| {
        let (_, rest) = split_drive(p);
        rest.rsplit(['\\', '/']).next().unwrap_or(rest).to_owned()
    })
}

fn win_dirname(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    edited(&value, args, "dirname", |p| {
        let (drive, rest) = split_drive(p);
        let head = &rest[..rest.rfind(['\\', '/']).map_or(0, |at| at + 1)];
        let trimmed = head.trim_end_matches(['\\', '/']);
        format!("{drive}{}", if trimmed.is_empty() { head } else { trimmed })
    })
}

fn win_splitdrive(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("splitdrive", &["p"], &[], 0)?;
    let s = path(&value)?;
    let (drive, rest) = split_drive(&s);
    Ok(Value::tuple(vec![Value::Str(s.alike(drive)), Value::Str(s.alike(rest))]))
}

fn fileglob(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("fileglob", &["pathname"], &[], 0)?;
    // Python takes an empty slice of it first.
    operand(&value)?;
    access::slice(&value, None, Some(&Value::Int(0)), None)?;
    let (pattern, in_bytes) = component(&value)?;
    let shown = |path: String| match in_bytes {
        true => Value::Bytes(path.into_bytes().into()),
        false => Value::from(path),
    };
    Ok(super::glob::glob(&pattern)
        .into_iter()
        .filter(|p| Path::new(p).is_file())
        .map(shown)
        .collect())
}
