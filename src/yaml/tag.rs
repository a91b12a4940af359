//! Tags, and which one a plain scalar gets by YAML 1.1's rules as PyYAML applies them.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use crate::value::regex::{Flags, Pattern};

/// A resolved tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Null,
    Bool,
    Int,
    Float,
    Timestamp,
    Binary,
    Omap,
    Pairs,
    Set,
    Str,
    Seq,
    Map,
    Merge,
    Value,
    /// `!!python/dict`, which ansible reads as a mapping.
    PythonDict,
    /// `!!python/unicode`, which ansible reads as text.
    PythonUnicode,
    /// `!unsafe`.
    Unsafe,
    /// `!vault` and `!vault-encrypted`.
    Vault(&'static str),
    Other(String),
}

const PREFIX: &str = "tag:yaml.org,2002:";

impl Tag {
    /// The tag written out in full in a document.
    pub fn explicit(tag: String) -> Self {
        let Some(name) = tag.strip_prefix(PREFIX) else {
            return match tag.as_str() {
                "!unsafe" => Self::Unsafe,
                "!vault" => Self::Vault("!vault"),
                "!vault-encrypted" => Self::Vault("!vault-encrypted"),
                _ => Self::Other(tag),
            };
        };
        match name {
            "null" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            "omap" => Self::Omap,
            "pairs" => Self::Pairs,
            "set" => Self::Set,
            "str" => Self::Str,
            "seq" => Self::Seq,
            "map" => Self::Map,
            "merge" => Self::Merge,
            "value" => Self::Value,
            "python/dict" => Self::PythonDict,
            "python/unicode" => Self::PythonUnicode,
            _ => Self::Other(tag),
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Timestamp => "timestamp",
            Self::Binary => "binary",
            Self::Omap => "omap",
            Self::Pairs => "pairs",
            Self::Set => "set",
            Self::Str => "str",
            Self::Seq => "seq",
            Self::Map => "map",
            Self::Merge => "merge",
            Self::Value => "value",
            Self::PythonDict => "python/dict",
            Self::PythonUnicode => "python/unicode",
            Self::Unsafe => "!unsafe",
            Self::Vault(name) => name,
            Self::Other(tag) => tag,
        }
    }

    /// The tag of a plain scalar that reads `text`.
    pub fn of_plain(text: &str) -> Self {
        let Some(&first) = text.as_bytes().first() else { return Self::Null };
        RESOLVERS
            .iter()
            .find(|r| r.first.contains(&first) && r.is_match(text))
            .map_or(Self::Str, |r| r.tag.clone())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsafe | Self::Vault(_) | Self::Other(_) => f.write_str(self.name()),
            _ => write!(f, "{PREFIX}{}", self.name()),
        }
    }
}

/// One rule: if the text begins with one of `first` and matches, it has this tag.
struct Resolver {
    tag: Tag,
    first: &'static [u8],
    pattern: Arc<Pattern>,
}

impl Resolver {
    fn is_match(&self, text: &str) -> bool {
        // None of them can take many steps.
        matches!(self.pattern.match_start(text), Ok(Some(_)))
    }
}

static RESOLVERS: LazyLock<Vec<Resolver>> = LazyLock::new(|| {
    let rule = |tag, first, pattern: &str| {
        let pattern = format!("^(?:{pattern})$");
        // Patterns are constants, compiled by the tests.
        #[expect(clippy::unwrap_used, reason = "the patterns below are constants")]
        let pattern = Pattern::new(&pattern, Flags::default()).unwrap();
        Resolver { tag, first, pattern }
    };
    vec![
        rule(
            Tag::Bool,
            b"yYnNtTfFoO",
            "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
        ),
        rule(
            Tag::Float,
            b"-+0123456789.",
            concat!(
                r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?",
                r"|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?",
                r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*",
                r"|[-+]?\.(?:inf|Inf|INF)",
                r"|\.(?:nan|NaN|NAN)",
            ),
        ),
        rule(
            Tag::Int,
            b"-+0123456789",
            concat!(
                r"[-+]?0b[0-1_]+",
                r"|[-+]?0[0-7_]+",
                r"|[-+]?(?:0|[1-9][0-9_]*)",
                r"|[-+]?0x[0-9a-fA-F_]+",
                r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+",
            ),
        ),
        rule(Tag::Merge, b"<", "<<"),
        rule(Tag::Null, b"~nN", "~|null|Null|NULL"),
        rule(
            Tag::Timestamp,
            b"0123456789",
            concat!(
                r"[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]",
                r"|[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?",
                r":[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?",
                r"(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?",
            ),
        ),
        rule(Tag::Value, b"=", "="),
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_get_pyyamls_tags() {
        let table: &[(Tag, &[&str])] = &[
            (Tag::Null, &["", "~", "null", "NULL", "~\n"]),
            (Tag::Bool, &["yes", "No", "ON", "off", "True", "yes\n"]),
            (Tag::Int, &["0", "-1", "0644", "0x_f", "0b1_0", "1:30", "190:20:30", "+1_000", "0_"]),
            (
                Tag::Float,
                &["1.", ".5", "1.5", "1.0e+3", "-.inf", ".NaN", "0:30.5", "1_0.5", "+.Inf"],
            ),
            (Tag::Timestamp, &["2001-12-14", "2001-12-14 21:59:43.10 -5", "2001-1-1t1:00:00Z"]),
            (Tag::Merge, &["<<"]),
            (Tag::Value, &["="]),
            (
                Tag::Str,
                &[
                    "y", "n", "nO", "1e3", "1.0e3", "-.5", "08", "0o7", "1:60", "0:30", "2001-1-1",
                    "nul", "-.nan", "+", "-", ".", "1 2", "a", "é", "0x", "12e03", "yes\n\n",
                    "<<<",
                ],
            ),
        ];
        for (tag, texts) in table {
            for text in *texts {
                assert_eq!(Tag::of_plain(text), *tag, "{text:?}");
            }
        }
    }
}
