//! Filters for HTML.

use super::Filter;
use crate::template::{
    CallArgs, FilterContext,
    args::{flag, index},
};
use crate::value::{
    PyError, PyErrorKind, PyResult, Str, StrClass, Value, access,
    markup::{escape, escaped},
    ops::{self, settle},
    regex::{Flags, Pattern},
    repr::{str_repr, to_str, to_text},
    text::{is_space, split_space},
};

pub(super) static FILTERS: &[Filter] = &[
    Filter::jinja("e", "Escapes for HTML.", escape_filter),
    Filter::jinja("escape", "Escapes for HTML.", escape_filter),
    Filter::jinja("forceescape", "Escapes for HTML what is escaped already.", forceescape),
    Filter::jinja("safe", "Marks as escaped.", safe),
    Filter::jinja("striptags", "Removes tags.", striptags),
    Filter::jinja("xmlattr", "Attributes of a tag.", xmlattr),
    Filter::jinja("urlize", "Makes links of URLs.", urlize),
];

fn markup(text: impl Into<std::sync::Arc<str>>) -> Value {
    Value::Str(Str::new(text).with_class(StrClass::Markup))
}

fn escape_filter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("escape", &["s"], &[], 0)?;
    escaped(&value).map(markup)
}

fn forceescape(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_forceescape", &["value"], &[], 0)?;
    Ok(markup(escape(&to_text(&value)?)))
}

fn safe(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_mark_safe", &["value"], &[], 0)?;
    Ok(Value::Str(to_str(&value)?.with_class(StrClass::Markup)))
}

fn striptags(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("do_striptags", &["value"], &[], 0)?;
    let source = to_str(&value)?;
    let mut text = cut(&source, "<!--", "-->");
    text = cut(&text, "<", ">");
    let joined = split_space(&text, None).join(" ");
    Ok(Value::Str(source.derive(unescape(&joined))))
}

/// `text` without what stands from `open` to `close`.
fn cut(text: &str, open: &str, close: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(open) {
        let Some(end) = rest[start..].find(close) else { break };
        out.push_str(&rest[..start]);
        rest = &rest[start + end + close.len()..];
    }
    out + rest
}

/// Character references of HTML, by number and the common names.
fn unescape(text: &str) -> String {
    const NAMES: &[(&str, &str)] = &[
        ("amp", "&"),
        ("lt", "<"),
        ("gt", ">"),
        ("quot", "\""),
        ("apos", "'"),
        ("nbsp", "\u{a0}"),
        ("copy", "©"),
        ("reg", "®"),
        ("trade", "™"),
        ("hellip", "…"),
        ("mdash", "—"),
        ("ndash", "–"),
        ("lsquo", "‘"),
        ("rsquo", "’"),
        ("ldquo", "“"),
        ("rdquo", "”"),
        ("laquo", "«"),
        ("raquo", "»"),
        ("bull", "•"),
        ("middot", "·"),
        ("deg", "°"),
        ("plusmn", "±"),
        ("times", "×"),
        ("divide", "÷"),
        ("euro", "€"),
        ("pound", "£"),
        ("yen", "¥"),
        ("cent", "¢"),
        ("sect", "§"),
        ("para", "¶"),
        ("micro", "µ"),
        ("auml", "ä"),
        ("ouml", "ö"),
        ("uuml", "ü"),
        ("Auml", "Ä"),
        ("Ouml", "Ö"),
        ("Uuml", "Ü"),
        ("szlig", "ß"),
        ("eacute", "é"),
        ("egrave", "è"),
        ("agrave", "à"),
        ("aacute", "á"),
        ("ccedil", "ç"),
        ("ntilde", "ñ"),
        ("larr", "←"),
        ("uarr", "↑"),
        ("rarr", "→"),
        ("darr", "↓"),
    ];
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let body = &rest[at + 1..];
        let end =
            body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#')).unwrap_or(body.len());
        let name = &body[..end];
        let found = match name.strip_prefix('#') {
            Some(number) => {
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => number.parse().ok(),
                };
                code.map(|c| char::from_u32(c).unwrap_or('\u{fffd}').to_string())
            }
            None => NAMES.iter().find(|(n, _)| *n == name).map(|(_, t)| (*t).to_owned()),
        };
        match found {
            Some(t) => {
                out.push_str(&t);
                rest = body[end..].strip_prefix(';').unwrap_or(&body[end..]);
            }
            None => {
                out.push('&');
                rest = body;
            }
        }
    }
    out + rest
}

fn xmlattr(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [autospace] = args.bind("do_xmlattr", &["eval_ctx", "d"], &["autospace"], 0)?;
    let settled = settle(&value)?;
    let dict = access::as_dict(&settled).ok_or_else(|| ops::no_attribute(&settled, "items"))?;
    let mut parts = Vec::new();
    for (key, value) in dict.snapshot() {
        if value.is_none() || value.is_undefined() {
            continue;
        }
        let Some(name) = key.as_str() else {
            return Err(PyError::type_error(format!(
                "expected string or bytes-like object, got '{}'",
                crate::value::types::type_name(key.value())
            )));
        };
        if name.contains(|c: char| c.is_ascii_whitespace() || "\x0b/>=".contains(c)) {
            return Err(PyError::value_error(format!(
                "Invalid character in attribute name: {}",
                str_repr(name)
            )));
        }
        parts.push(format!("{}=\"{}\"", escape(name), escaped(&value)?));
    }
    let text = parts.join(" ");
    let space = if flag(autospace.as_ref(), true)? && !text.is_empty() { " " } else { "" };
    Ok(Value::from(format!("{space}{text}")))
}

/// How links are made.
struct Links {
    limit: Option<usize>,
    rel: String,
    target: String,
    schemes: Vec<String>,
}

fn urlize(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [limit, nofollow, target, rel, schemes] = args.bind(
        "do_urlize",
        &["eval_ctx", "value"],
        &["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"],
        0,
    )?;
    let rel = match rel.filter(|r| !r.is_none()) {
        Some(r) => to_text(&r)?,
        None => String::new(),
    };
    let mut rels: Vec<String> = rel.split_whitespace().map(str::to_owned).collect();
    rels.push("noopener".to_owned());
    if flag(nofollow.as_ref(), false)? {
        rels.push("nofollow".to_owned());
    }
    rels.sort();
    rels.dedup();
    let mut extra = Vec::new();
    for scheme in
        schemes.filter(|s| !s.is_none()).map_or(Ok(Vec::new()), |s| access::iterate(&s))?
    {
        let scheme = to_text(&scheme)?;
        if !is_scheme_prefix(&scheme) {
            return Err(PyError::new(
                PyErrorKind::FilterArgument,
                format!("{} is not a valid URI scheme prefix.", str_repr(&scheme)),
            ));
        }
        extra.push(scheme);
    }
    let links = Links {
        limit: match limit.filter(|l| !l.is_none()) {
            Some(l) => usize::try_from(index(&l)?).ok(),
            None => None,
        },
        rel: format!(" rel=\"{}\"", escape(&rels.join(" "))),
        target: match target.filter(|t| !t.is_none()) {
            Some(t) => format!(" target=\"{}\"", escape(&to_text(&t)?)),
            None => String::new(),
        },
        schemes: extra,
    };
    let text = escaped(&value)?;
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        let space = is_space(c);
        let end = rest.find(|c: char| is_space(c) != space).unwrap_or(rest.len());
        let word = &rest[..end];
        if space {
            out.push_str(word)
        } else {
            out.push_str(&link(word, &links))
        }
        rest = &rest[end..];
    }
    Ok(Value::from(out))
}

/// `scheme:`, `scheme:/` or `scheme://`.
fn is_scheme_prefix(text: &str) -> bool {
    let Some((name, slashes)) = text.split_once(':') else { return false };
    name.chars().count() >= 2
        && name.chars().all(|c| c.is_alphanumeric() || "_.+-".contains(c))
        && matches!(slashes, "" | "/" | "//")
}

/// A word with the link it is, the punctuation around it left out of the link.
fn link(word: &str, links: &Links) -> String {
    let (head, mut middle, mut tail) = punctuation(word);
    // Brackets that are closed inside the word belong to it.
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = middle.matches(open).count();
        if opened <= middle.matches(close).count() {
            continue;
        }
        for _ in 0..opened.min(tail.matches(close).count()) {
            let Some(at) = tail.find(close) else { break };
            middle = format!("{middle}{}", &tail[..at + close.len()]);
            tail = tail[at + close.len()..].to_owned();
        }
    }
    let shown = |text: &str| match links.limit {
        Some(limit) if text.chars().count() > limit => {
            format!("{}...", text.chars().take(limit).collect::<String>())
        }
        _ => text.to_owned(),
    };
    let (rel, target) = (&links.rel, &links.target);
    let anchor = if is_http(&middle) {
        let scheme = if middle.starts_with("https://") || middle.starts_with("http://") {
            ""
        } else {
            "https://"
        };
        format!("<a href=\"{scheme}{middle}\"{rel}{target}>{}</a>", shown(&middle))
    } else if let Some(address) = middle.strip_prefix("mailto:").filter(|a| is_email(a)) {
        format!("<a href=\"{middle}\">{address}</a>")
    } else if middle.contains('@')
        && !middle.starts_with("www.")
        && !middle[..middle.find('@').unwrap_or(0)].contains(':')
        && is_email(&middle)
    {
        format!("<a href=\"mailto:{middle}\">{middle}</a>")
    } else if links.schemes.iter().any(|s| middle != *s && middle.starts_with(s.as_str())) {
        format!("<a href=\"{middle}\"{rel}{target}>{middle}</a>")
    } else {
        middle
    };
    format!("{head}{anchor}{tail}")
}

/// A word's opening brackets, its body, and the punctuation at its end.
fn punctuation(word: &str) -> (String, String, String) {
    let mut head = 0;
    while let Some(c) = ["(", "<", "&lt;"].iter().find(|p| word[head..].starts_with(**p)) {
        head += c.len();
    }
    let body = &word[head..];
    let mut end = body.len();
    while let Some(p) =
        [")", ">", ".", ",", "\n", "&gt;"].iter().find(|p| body[..end].ends_with(**p))
    {
        end -= p.len();
    }
    (word[..head].to_owned(), body[..end].to_owned(), body[end..].to_owned())
}

/// A scheme or `www`, then a host with a top-level domain; a host of a well-known one; or a scheme
/// and an address. Then perhaps a port and a path.
fn is_http(text: &str) -> bool {
    let host = concat!(
        r"(?:https?://|www\.)(?:[\w%-]+\.)*(?:[a-z]{2,63}|xn--[\w%]{2,59})",
        r"|(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)",
        r"|https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\])",
    );
    let pattern = format!(r"(?:{host})(?::\d{{1,5}})?(?:[/?#]\S*)?");
    let flags = Flags { ignore_case: true, ..Flags::default() };
    Pattern::new(&pattern, flags).and_then(|p| p.full_match(text)).is_ok_and(|m| m.is_some())
}

fn is_email(text: &str) -> bool {
    Pattern::new(r"\S+@\w[\w.-]*\.\w+", Flags::default())
        .and_then(|p| p.full_match(text))
        .is_ok_and(|m| m.is_some())
}
