//! Base 64, URLs, shell quoting, UUIDs.

use std::{any::Any, sync::Arc};

use sha1::{Digest, Sha1};

use super::Filter;
use crate::template::{CallArgs, FilterContext, methods};
use crate::value::{
    Dict, Key, Object, PyError, PyErrorKind, PyResult, Str, Value, access, codec,
    markup::{escape, is_escaped},
    ops::{settle, settle_typed},
    repr::{repr, to_native, to_str, to_text},
    types::type_name,
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::ansible("b64encode", "Base 64.", b64encode),
    Filter::ansible("b64decode", "What base 64 stands for.", b64decode),
    Filter::ansible("quote", "Quotes for a shell.", quote),
    Filter::ansible("to_uuid", "A UUID of a name.", to_uuid),
    Filter::ansible("urldecode", "Decodes a URL.", urldecode),
    Filter::ansible("urlsplit", "The parts of a URL.", urlsplit),
    Filter::ansible("split", "Splits text.", split),
    Filter::jinja("urlencode", "Encodes for a URL.", urlencode),
];

fn named(value: Option<Value>, default: &str) -> PyResult<String> {
    value.map_or_else(|| Ok(default.to_owned()), |v| to_text(&v))
}

/// The bytes of a value: its own, or those of its text.
pub(super) fn to_bytes(value: &Value, encoding: &str) -> PyResult<Vec<u8>> {
    if matches!(value, Value::Undefined(u) if u.lenient) {
        return Ok(Vec::new());
    }
    match settle(value)?.as_ref() {
        Value::Bytes(b) => Ok(b.to_vec()),
        other => codec::encode(&to_text(other)?, encoding, "surrogateescape"),
    }
}

/// The bytes that a URL is to have: all of the text is to be text.
fn url_bytes(value: &Value) -> PyResult<Vec<u8>> {
    match settle(value)?.as_ref() {
        Value::Bytes(b) => Ok(b.to_vec()),
        other => codec::encode(&to_text(other)?, "utf-8", "strict"),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base 64 with padding.
pub fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let sextet = (bits >> (18 - 6 * i)) & 63;
            out.push(if i <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}

/// Python's `base64.b64decode`: characters outside the alphabet are skipped.
pub fn base64_decode(text: &[u8]) -> PyResult<Vec<u8>> {
    let fail = |message: String| PyError::new(PyErrorKind::Other("binascii.Error"), message);
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut sextets, mut padding) = (0_u32, 0_usize, 0);
    for c in text {
        if *c == b'=' {
            padding += 1;
            if sextets % 4 >= 2 && sextets % 4 + padding >= 4 {
                return Ok(out);
            }
            continue;
        }
        let Some(sextet) = ALPHABET.iter().position(|a| a == c) else { continue };
        padding = 0;
        bits = (bits << 6 | sextet as u32) & 0xff_ffff;
        sextets += 1;
        match sextets % 4 {
            2 => out.push((bits >> 4) as u8),
            3 => out.push((bits >> 2) as u8),
            0 => out.push(bits as u8),
            _ => {}
        }
    }
    match sextets % 4 {
        0 => Ok(out),
        1 => Err(fail(format!(
            "Invalid base64-encoded string: number of data characters ({sextets}) cannot be 1 \
             more than a multiple of 4"
        ))),
        _ => Err(fail("Incorrect padding".to_owned())),
    }
}

fn b64encode(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [encoding] = args.bind("b64encode", &["string"], &["encoding"], 0)?;
    let bytes = to_bytes(&value, &named(encoding, "utf-8")?)?;
    Ok(Value::from(base64_encode(&bytes)))
}

fn b64decode(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [encoding] = args.bind("b64decode", &["string"], &["encoding"], 0)?;
    let bytes = base64_decode(&to_bytes(&value, "utf-8")?)?;
    let text = codec::decode(&bytes, &named(encoding, "utf-8")?, "surrogateescape")?;
    Ok(Value::Str(to_str(&value)?.derive(text)))
}

/// `shlex.quote`.
pub fn shell_quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if text.is_empty() {
        "''".to_owned()
    } else if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\"'\"'"))
    }
}

fn quote(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("quote", &["a"], &[], 0)?;
    if value.is_none() {
        return Ok(Value::str("''"));
    }
    let text = to_native(&value)?;
    let quoted = shell_quote(&text);
    if quoted == text.as_str() {
        return Ok(Value::Str(text));
    }
    // The quotes that are put around escaped text are escaped by it.
    let around = match quoted.strip_prefix('\'') {
        Some(_) if is_escaped(&text) => {
            let replaced = text.replace('\'', &escape("'\"'\"'"));
            format!("&#39;{replaced}&#39;")
        }
        _ => quoted,
    };
    Ok(Value::Str(text.alike(around)))
}

/// The namespace of ansible's UUIDs.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

fn to_uuid(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [namespace] = args.bind("to_uuid", &["string"], &["namespace"], 0)?;
    let namespace = namespace.unwrap_or_else(|| Value::str(NAMESPACE));
    let parsed = match settle(&namespace)?.as_ref() {
        Value::Str(s) => {
            uuid_bytes(s).ok_or_else(|| "badly formed hexadecimal UUID string".to_owned())
        }
        other => Err(format!("'{}' object has no attribute 'replace'", type_name(other))),
    };
    let mut bytes = parsed.map_err(|why| {
        let shown = to_text(&namespace).unwrap_or_default();
        PyError::filter(format!("Invalid value '{shown}' for 'namespace': {why}"))
    })?;
    bytes.extend(codec::encode(&to_native(&value)?, "utf-8", "strict")?);
    let mut digest = Sha1::digest(&bytes).to_vec();
    digest.truncate(16);
    digest[6] = digest[6] & 0x0f | 0x50;
    digest[8] = digest[8] & 0x3f | 0x80;
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    Ok(Value::from(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )))
}

fn uuid_bytes(text: &str) -> Option<Vec<u8>> {
    let plain = text.replace("urn:", "").replace("uuid:", "");
    let hex = plain.trim_matches(['{', '}']).replace('-', "");
    if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).ok()).collect()
}

fn urldecode(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [encoding, errors] = args.bind("unquote_plus", &["string"], &["encoding", "errors"], 0)?;
    let settled = settle(&value)?;
    let Value::Str(text) = settled.as_ref() else {
        if let Value::Bytes(_) = settled.as_ref() {
            return Err(PyError::type_error("a bytes-like object is required, not 'str'"));
        }
        if let Value::Date(_) | Value::DateTime(..) = settled.as_ref() {
            // They have a method of that name, too.
            return Err(PyError::type_error("'str' object cannot be interpreted as an integer"));
        }
        return Err(crate::value::ops::no_attribute(&settled, "replace"));
    };
    let plain = text.replace('+', " ");
    let (encoding, errors) = (named(encoding, "utf-8")?, named(errors, "replace")?);
    if !plain.contains('%') {
        return Ok(Value::Str(text.alike(plain)));
    }
    Ok(Value::Str(text.derive(unquote(&plain, &encoding, &errors)?)))
}

/// `urllib.parse.unquote`: each run of escapes is decoded on its own.
fn unquote(text: &str, encoding: &str, errors: &str) -> PyResult<String> {
    let mut out = String::new();
    let mut run = Vec::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok().filter(|_| !h.starts_with('+'))) {
            Some(byte) => {
                run.push(byte);
                at += 3;
            }
            None if bytes[at].is_ascii() => {
                run.push(bytes[at]);
                at += 1;
            }
            None => {
                out.push_str(&codec::decode(&run, encoding, errors)?);
                run.clear();
                let c = text[at..].chars().next().unwrap_or(' ');
                out.push(c);
                at += c.len_utf8();
            }
        }
    }
    Ok(out + &codec::decode(&run, encoding, errors)?)
}

/// `urllib.parse.quote`.
fn url_quote(bytes: &[u8], safe: &str) -> String {
    let mut out = String::new();
    for b in bytes {
        let c = char::from(*b);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || (b.is_ascii() && safe.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

fn urlencode(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_urlencode", &["value"], &[], 0)?;
    let settled = settle(&value)?;
    let query =
        |v: &Value| -> PyResult<String> { Ok(url_quote(&url_bytes(v)?, "").replace("%20", "+")) };
    let pairs = match (settled.as_ref(), access::as_dict(&settled)) {
        (Value::Str(_), _) => {
            return Ok(Value::from(url_quote(&url_bytes(&value)?, "/")));
        }
        (_, Some(d)) => {
            d.snapshot().into_iter().map(|(k, v)| Value::tuple(vec![k.into_value(), v])).collect()
        }
        (other, None) if access::is_iterable(other)? => access::iterate(other)?,
        (other, None) => return Ok(Value::from(url_quote(&url_bytes(other)?, "/"))),
    };
    let mut parts = Vec::new();
    for pair in pairs {
        let items = access::iterate(&pair).map_err(|e| {
            if e.is_type_error() {
                PyError::type_error(format!(
                    "cannot unpack non-iterable {} object",
                    type_name(&pair)
                ))
            } else {
                e
            }
        })?;
        let [k, v] = items.as_slice() else {
            return Err(PyError::value_error(if items.len() < 2 {
                format!("not enough values to unpack (expected 2, got {})", items.len())
            } else {
                "too many values to unpack (expected 2)".to_owned()
            }));
        };
        parts.push(format!("{}={}", query(k)?, query(v)?));
    }
    Ok(Value::from(parts.join("&")))
}

/// The parts of a URL, as `urllib.parse.urlsplit` finds them.
pub struct Url {
    pub scheme: String,
    pub netloc: String,
    pub path: String,
    query: String,
    fragment: String,
}

/// `urllib.parse.urlsplit`.
pub fn split_url(text: &str) -> PyResult<Url> {
    let text: String = text
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\t' | '\r' | '\n'))
        .collect();
    let mut rest = text.as_str();
    let mut scheme = String::new();
    if let Some(at) = rest.find(':').filter(|at| *at > 0) {
        let head = &rest[..at];
        if head.starts_with(|c: char| c.is_ascii_alphabetic())
            && head.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            scheme = head.to_ascii_lowercase();
            rest = &rest[at + 1..];
        }
    }
    let mut netloc = String::new();
    if let Some(tail) = rest.strip_prefix("//") {
        let end = tail.find(['/', '?', '#']).unwrap_or(tail.len());
        netloc = tail[..end].to_owned();
        rest = &tail[end..];
        if netloc.contains('[') != netloc.contains(']') {
            return Err(PyError::value_error("Invalid IPv6 URL"));
        }
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    Ok(Url {
        scheme,
        netloc,
        path: path.to_owned(),
        query: query.to_owned(),
        fragment: fragment.to_owned(),
    })
}

impl Url {
    fn user_info(&self) -> (Option<&str>, Option<&str>) {
        match self.netloc.rsplit_once('@') {
            None => (None, None),
            Some((info, _)) => match info.split_once(':') {
                Some((user, password)) => (Some(user), Some(password)),
                None => (Some(info), None),
            },
        }
    }

    fn host_and_port(&self) -> (Option<String>, Option<&str>) {
        let host = self.netloc.rsplit_once('@').map_or(self.netloc.as_str(), |(_, h)| h);
        let (name, port) = match host.split_once('[') {
            Some((_, bracketed)) => {
                let (name, rest) = bracketed.split_once(']').unwrap_or((bracketed, ""));
                (name, rest.split_once(':').map(|(_, p)| p))
            }
            None => host.split_once(':').map_or((host, None), |(h, p)| (h, Some(p))),
        };
        // The zone of an address keeps its case.
        let name = match name.split_once('%') {
            Some((n, zone)) => format!("{}%{zone}", n.to_lowercase()),
            None => name.to_lowercase(),
        };
        (Some(name).filter(|n| !n.is_empty()), port.filter(|p| !p.is_empty()))
    }

    fn port(&self) -> PyResult<Value> {
        let Some(port) = self.host_and_port().1 else { return Ok(Value::None) };
        if !port.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PyError::value_error(format!(
                "Port could not be cast to integer value as {}",
                crate::value::repr::str_repr(port)
            )));
        }
        match port.parse::<u16>() {
            Ok(n) => Ok(Value::Int(i64::from(n))),
            Err(_) => Err(PyError::value_error("Port out of range 0-65535")),
        }
    }
}

/// The method `decode` of the parts of a URL in bytes, which can only be looked at here.
#[derive(Debug)]
struct Decode(String);

impl Object for Decode {
    fn type_name(&self) -> &str {
        "method"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        format!("<bound method _ResultMixinBytes.decode of {}>", self.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What Python shows of the parts of a URL in bytes.
fn shown(url: &Url) -> String {
    let parts = [
        ("scheme", &url.scheme),
        ("netloc", &url.netloc),
        ("path", &url.path),
        ("query", &url.query),
        ("fragment", &url.fragment),
    ];
    let parts = parts.map(|(name, part)| {
        let bytes = Value::Bytes(part.as_bytes().into());
        format!("{name}={}", repr(&bytes).unwrap_or_default())
    });
    format!("SplitResultBytes({})", parts.join(", "))
}

fn urlsplit(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [query, alias] = args.bind("split_url", &["value"], &["query", "alias"], 0)?;
    let settled = settle(&value)?;
    let (text, is_bytes) = match settled.as_ref() {
        Value::Str(text) => (text.clone(), false),
        Value::Bytes(b) => (Str::new(codec::decode(b, "ascii", "strict")?), true),
        other => {
            // Python keeps what it has split, by the text, and takes what is false for no text.
            if !value.is_undefined() {
                crate::value::ops::to_key(value.clone())?;
            }
            if crate::value::ops::truth(other)? {
                return Err(crate::value::ops::no_attribute(&settled, "decode"));
            }
            (Str::new(""), true)
        }
    };
    let url = split_url(&text)?;
    let piece = |s: &str| match is_bytes {
        true => Value::Bytes(s.as_bytes().into()),
        // Slices of the text; what is not there is text of its own.
        false if s.is_empty() => Value::Str(text.derive(s)),
        false => Value::Str(text.alike(s)),
    };
    let (username, password) = url.user_info();
    let optional = |s: Option<&str>| s.map_or(Value::None, piece);
    // A method that text has no counterpart of is left in by ansible.
    let decode = is_bytes.then(|| ("decode", Value::Object(Arc::new(Decode(shown(&url))))));
    let parts: Dict = [
        ("fragment", piece(&url.fragment)),
        ("hostname", optional(url.host_and_port().0.as_deref())),
        ("netloc", piece(&url.netloc)),
        ("password", optional(password)),
        ("path", piece(&url.path)),
        ("port", url.port()?),
        ("query", piece(&url.query)),
        ("scheme", piece(&url.scheme)),
        ("username", optional(username)),
    ]
    .into_iter()
    .collect();
    let parts: Dict =
        decode.into_iter().map(|(k, v)| (Key::from(k), v)).chain(parts.snapshot()).collect();
    let query = named(query, "")?;
    if query.is_empty() {
        return Ok(parts.into());
    }
    parts.get(&query).ok_or_else(|| {
        let alias = alias.and_then(|a| to_text(&a).ok()).unwrap_or_else(|| "urlsplit".to_owned());
        PyError::filter(format!("{alias}: unknown URL component: {query}"))
    })
}

fn split(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    match settle_typed(&value)?.as_ref() {
        // The filter is `str.split`, whatever class the text is of.
        Value::Str(text) => {
            let text = Value::Str(text.derive(text.as_str()));
            methods::call_method(cx, &text, "split", args)
        }
        _ => Err(PyError::type_error(format!(
            "descriptor 'split' for 'str' objects doesn't apply to a '{}' object",
            type_name(&value)
        ))),
    }
}
