//! Values as YAML, in the style of the files that people wrote.

use crate::{
    value::{Dict, Value},
    yaml,
};

/// Lists longer than this are written an item a line.
const WIDTH: usize = 100;

/// `key: value` with everything below it, each line ended.
pub fn entry(key: &str, value: &Value, indent: usize) -> String {
    format!("{}{}:{}\n", " ".repeat(indent), text(key), after_colon(value, indent))
}

/// What stands behind a key and its colon, without the last line end.
pub fn after_colon(value: &Value, indent: usize) -> String {
    match value {
        Value::None => String::new(),
        Value::Dict(dict) if !dict.is_empty() => {
            let below: String = entries(dict, indent + 2);
            format!("\n{}", below.trim_end_matches('\n'))
        }
        Value::List(_) if inline(value).len() > WIDTH => {
            let items = value.as_list().map(|l| l.snapshot()).unwrap_or_default();
            items.iter().map(|i| format!("\n{}- {}", " ".repeat(indent + 2), inline(i))).collect()
        }
        other => format!(" {}", inline(other)),
    }
}

/// The entries of a dict, one below the other.
pub fn entries(dict: &Dict, indent: usize) -> String {
    dict.snapshot()
        .iter()
        .map(|(key, value)| entry(&key.value().to_text(), value, indent))
        .collect()
}

/// A value in one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::None => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Str(text_) => text(text_.as_str()),
        Value::List(list) => {
            let items: Vec<String> = list.read().iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Dict(dict) => {
            let items: Vec<String> = dict
                .snapshot()
                .iter()
                .map(|(k, v)| format!("{}: {}", text(&k.value().to_text()), inline(v)))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        other => other.to_text(),
    }
}

/// Text: plain where YAML reads the same text back, else in double quotes.
pub fn text(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._/+-@:".contains(c) || c == ' ';
    let plain = text.chars().all(harmless)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || "/._".contains(c))
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && matches!(yaml::safe_load(text), Ok(Value::Str(read)) if read.as_str() == text);
    if plain {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Text as comment lines.
pub fn comment(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.len() + word.len() >= 120 {
            lines.push_str(&line);
            lines.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    lines + &line + "\n"
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for written in [
            "plain",
            "a b",
            "1.29.15",
            "1.29",
            "true",
            "null",
            "",
            " x",
            "x ",
            "a: b",
            "#x",
            "x #y",
            "{{ y }}",
            "yes",
            "0x1f",
            "10:30",
            "2024-01-01",
            "ä\"\\\n\t\u{1}",
            "- a",
            "a:",
            "*x",
            "/srv/media",
            "v1.29.15+rke2r1",
            "192.168.4.0/24",
            "_x",
            "1_000",
            ".5",
            "=",
            "<<",
            "~",
        ] {
            let line = entry("k", &Value::str(written), 0);
            let read = yaml::safe_load(&line).unwrap();
            let read = read.as_dict().unwrap().get("k").unwrap();
            assert_eq!(read.as_str(), Some(written), "{line}");
        }
        assert_eq!(entry("a", &Value::str("1.29.15"), 2), "  a: 1.29.15\n");
        let long: Vec<Value> = (0..20).map(|n| Value::from(format!("item-number-{n}"))).collect();
        assert_eq!(entry("a", &Value::list(long), 0).lines().count(), 21);
        assert_eq!(comment("a  b\nc"), "# a b c\n");
    }
}
