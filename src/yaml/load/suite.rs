//! The documents of the YAML test suite, and what ansible-core 2.14.18 makes of them (`recorded/suite.jsonl`, which
//! `tests/fuzz/suite.py` writes).

#![expect(clippy::unwrap_used)]

use super::{Duplicates, load_one};
use crate::{
    diagnostic::{Source, ansible},
    value::{json, repr},
};

/// The value as Python writes it, or the error down to its caret: what follows is advice in our own words.
fn answer(text: &str) -> String {
    match load_one(&Source::new("F", text), None, Duplicates::Warn) {
        Ok(loaded) => repr::repr(&loaded.node.to_value()).unwrap(),
        Err(error) => {
            let told = ansible::describe(&error);
            let end = told.find("^ here\n").map_or(told.len(), |i| i + "^ here\n".len());
            told[..end].to_owned()
        }
    }
}

/// Sets have no order.
fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}

#[test]
fn the_yaml_test_suite_is_read_as_by_ansible() {
    let mut wrong = Vec::new();
    let recorded = include_str!("../recorded/suite.jsonl");
    for line in recorded.lines() {
        let case = json::loads(line).unwrap();
        let field = |key: &str| case.as_dict().unwrap().get(key).map(|v| v.to_text());
        let (name, text) = (field("n").unwrap(), field("y").unwrap());
        let expected = field("r").or_else(|| field("e")).unwrap();
        let found = answer(&text);
        let is_set = text.contains("!!set") && sorted(&found) == sorted(&expected);
        if found != expected && !is_set {
            wrong.push(format!("{name}: {text:?}\n  ansible: {expected:?}\n  ours:    {found:?}"));
        }
    }
    assert!(recorded.lines().count() > 400);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
