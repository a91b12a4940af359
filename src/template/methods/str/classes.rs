//! `isdigit` and its kin.

use crate::value::text::{decimal_digit, is_printable, is_space};

pub(super) fn is(s: &str, name: &str) -> bool {
    match name {
        "isascii" => s.is_ascii(),
        "isprintable" => s.chars().all(is_printable),
        "islower" => cased(s, char::is_lowercase, char::is_uppercase),
        "isupper" => cased(s, char::is_uppercase, char::is_lowercase),
        "istitle" => is_title(s),
        "isidentifier" => is_identifier(s),
        "isalnum" => all(s, |c| c.is_alphanumeric()),
        "isalpha" => all(s, char::is_alphabetic),
        "isdecimal" => all(s, |c| decimal_digit(c).is_some()),
        "isdigit" => all(s, is_digit),
        "isnumeric" => all(s, char::is_numeric),
        _ => all(s, is_space),
    }
}

fn all(s: &str, matches: fn(char) -> bool) -> bool {
    !s.is_empty() && s.chars().all(matches)
}

/// Digits beyond the decimal ones: superscripts, circled digits.
fn is_digit(c: char) -> bool {
    decimal_digit(c).is_some()
        || matches!(c, '²' | '³' | '¹' | '\u{2070}' | '\u{2074}'..='\u{2079}' | '\u{2080}'..='\u{2089}' | '\u{2460}'..='\u{2468}')
}

fn cased(s: &str, wanted: fn(char) -> bool, unwanted: fn(char) -> bool) -> bool {
    s.chars().any(wanted) && !s.chars().any(unwanted)
}

fn is_title(s: &str) -> bool {
    let mut inside = false;
    let mut found = false;
    for c in s.chars() {
        if c.is_uppercase() {
            if inside {
                return false;
            }
            inside = true;
            found = true;
        } else if c.is_lowercase() {
            if !inside {
                return false;
            }
        } else {
            inside = false;
        }
    }
    found
}

fn is_identifier(s: &str) -> bool {
    let mut chars = s.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}
