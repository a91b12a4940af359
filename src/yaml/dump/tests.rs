//! What PyYAML 6.0.3 with libyaml 0.2.5 wrote under ansible-core 2.14.18.

#![expect(clippy::unwrap_used)]

use super::*;
use crate::{
    diagnostic::Source,
    value::{Dict, List, Set},
    yaml::{Duplicates, load_one},
};

fn value(text: &str) -> Value {
    load_one(&Source::new("t", text), None, Duplicates::Warn).unwrap().node.to_value()
}

#[test]
fn values_are_written_as_recorded() {
    let table: &[(&str, DumpOptions, &str)] = &[
        (
            "{b: [1, 2], a: {c: x, d: [y]}, e: {}, f: [], g: ~}",
            DumpOptions::to_yaml(),
            "a:\n  c: x\n  d: [y]\nb: [1, 2]\ne: {}\nf: []\ng: null\n",
        ),
        ("plain", DumpOptions::to_yaml(), "plain\n"),
        ("- 1", DumpOptions::to_yaml(), "[1]\n"),
        ("{1: a, 2.5: b, yes: c}", DumpOptions::to_yaml(), "{1: c, 2.5: b}\n"),
        ("{1: a, x: b}", DumpOptions::to_yaml(), "{1: a, x: b}\n"),
        (
            "[yes, 'yes', '1', 1, 1.0, '1.0', 1e20, .inf, '~', null, '', 0x1F, 12345678901234567890123]",
            DumpOptions::to_yaml(),
            "[true, 'yes', '1', 1, 1.0, '1.0', 1e20, .inf, '~', null, '', 31, 12345678901234567890123]\n",
        ),
        (
            "{t: 2001-12-14 21:59:43.10 -5, d: 2001-12-14, z: 2001-12-14T21:59:43Z}",
            DumpOptions::to_yaml(),
            "{d: 2001-12-14, t: ! '2001-12-14 21:59:43.100000-05:00', z: ! '2001-12-14 21:59:43+00:00'}\n",
        ),
        (
            "{s: !!set {b, a}, o: !!omap [k: v], b: !!binary aGVsbG8gd29ybGQ=}",
            DumpOptions::to_yaml(),
            "b: !!binary |\n  aGVsbG8gd29ybGQ=\no:\n- [k, v]\ns: !!set {a: null, b: null}\n",
        ),
        (
            "[é, \"\\U0001F600 x\", \"a\\tb\", \"x\\x07\", \"nel\\x85\", \"it's\", 'a: b', '#c', '- d', '{e}', '@f', ' g', 'h ']",
            DumpOptions::to_yaml(),
            "[é, \"\\U0001F600 x\", \"a\\tb\", \"x\\a\", \"nel\\N\", it's, 'a: b', '#c', '- d', '{e}', '@f',\n  ' g', 'h ']\n",
        ),
        (
            "{long: 'word word word word word word word word word word word word word word word word word word word word word word word word end'}",
            DumpOptions::to_yaml(),
            "{long: word word word word word word word word word word word word word word word\n    word word word word word word word word word end}\n",
        ),
        (
            "[\"two\\nlines\", \"ends\\n\", \"\\n\", \" lead\\nx\"]",
            DumpOptions::to_yaml(),
            "['two\n\n    lines', 'ends\n\n    ', '\n\n    ', ' lead\n\n    x']\n",
        ),
        (
            "{v: !vault \"$ANSIBLE_VAULT;1.1;AES256\\n6162\\n\"}",
            DumpOptions::to_yaml(),
            "v: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n",
        ),
        (
            "{'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk': 1}",
            DumpOptions::to_yaml(),
            "{? kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n  : 1}\n",
        ),
        (
            "[0644, '0644', 1:30, '1:30', off, 'off', 'y', 'n', '<<', '=', '2001-12-14']",
            DumpOptions::to_yaml(),
            "[420, '0644', 90, '1:30', false, 'off', y, n, '<<', '=', '2001-12-14']\n",
        ),
        ("{u: !unsafe '{{ x }}'}", DumpOptions::to_yaml(), "{u: '{{ x }}'}\n"),
        (
            "{b: [1, [2, {x: y}]], a: {c: x, d: [y, {z: w, q: r}]}, e: {}, f: []}",
            DumpOptions::to_nice_yaml(),
            "a:\n    c: x\n    d:\n    - y\n    -   q: r\n        z: w\nb:\n- 1\n-   - 2\n    -   x: y\ne: {}\nf: []\n",
        ),
        ("[[1, 2], [[3]]]", DumpOptions::to_nice_yaml(), "-   - 1\n    - 2\n-   -   - 3\n"),
        (
            "{m: \"line one\\nline two\\n\", l: 'word word word word word word word word word word word word word word word word word word word word word word word word end'}",
            DumpOptions::to_nice_yaml(),
            "l: word word word word word word word word word word word word word word word word\n    word word word word word word word word end\nm: 'line one\n\n    line two\n\n    '\n",
        ),
        (
            "{v: !vault \"$ANSIBLE_VAULT;1.1;AES256\\n6162\\n\", b: !!binary AAECAw==}",
            DumpOptions::to_nice_yaml(),
            "b: !!binary |\n    AAECAw==\nv: !vault |\n    $ANSIBLE_VAULT;1.1;AES256\n    6162\n",
        ),
        (
            "{b: [1, {x: y}], a: {c: [d]}}",
            DumpOptions { sort_keys: false, indent: Some(2), ..DumpOptions::to_nice_yaml() },
            "b:\n- 1\n- x: y\na:\n  c:\n  - d\n",
        ),
        (
            "{a: 'word word word word word word word word word word word word ', b: \"tab\\tword word word word word word word word word word word word \"}",
            DumpOptions { width: Some(30), ..DumpOptions::to_yaml() },
            "{a: 'word word word word word word\n    word word word word word word ',\n  b: \"tab\\tword word word word word\n    word word word word word word\n    word \"}\n",
        ),
        (
            "[item, item, item, item, item, item, item, item, item, item, item, item]",
            DumpOptions { width: Some(30), ..DumpOptions::to_yaml() },
            "[item, item, item, item, item, item,\n  item, item, item, item, item,\n  item]\n",
        ),
        (
            "[é, \"\\U0001F600\"]",
            DumpOptions { explicit_start: true, explicit_end: true, ..DumpOptions::default() },
            "---\n- \"\\xE9\"\n- \"\\U0001F600\"\n...\n",
        ),
        (
            "x",
            DumpOptions { explicit_start: true, explicit_end: true, ..DumpOptions::default() },
            "--- x\n...\n",
        ),
        (
            "{a: 1, b: x}",
            DumpOptions { default_style: Some(Style::DoubleQuoted), ..DumpOptions::default() },
            "\"a\": ! \"1\"\n\"b\": \"x\"\n",
        ),
        (
            "{a: 1, b: \"x\\ny\"}",
            DumpOptions { default_style: Some(Style::Literal), ..DumpOptions::default() },
            "\"a\": ! |-\n  1\n\"b\": |-\n  x\n  y\n",
        ),
        (
            "{a: [1, {b: c}], d: 'word word word word word word word word word word word word word word word word word word word word word word word word end'}",
            DumpOptions { default_flow_style: Some(true), ..DumpOptions::default() },
            "{a: [1, {b: c}], d: word word word word word word word word word word word word word\n    word word word word word word word word word word word end}\n",
        ),
        (
            "{a: [1, x]}",
            DumpOptions { canonical: true, ..DumpOptions::default() },
            "---\n!!map {\n  ? !!str \"a\"\n  : !!seq [\n    !!int \"1\",\n    !!str \"x\",\n  ],\n}\n",
        ),
        (
            "{stdout: \"a \\n\\tb\\n  c\\x07 \\n\\n\", lines: [a, 'b: c'], rc: 0}",
            DumpOptions::callback(Some(4), true),
            "lines:\n- a\n- 'b: c'\nrc: 0\nstdout: |-\n    a\n            b\n      c\n",
        ),
        (
            "{stdout: \"a \\nb\", ok: \"a\\nb\", ls: \"a\\u2028b\"}",
            DumpOptions::callback(None, false),
            "ls: |-\n  a\u{2028}  b\nok: |-\n  a\n  b\nstdout: \"a \\nb\"\n",
        ),
    ];
    for (text, options, written) in table {
        assert_eq!(dump(&value(text), options).unwrap(), *written, "{text} with {options:?}");
    }
}

#[test]
fn shared_and_recursive_containers_get_anchors() {
    let shared = Value::list(vec![Value::Int(1)]);
    let d: Dict = [("a", shared.clone()), ("b", shared.clone()), ("c", Value::list(vec![shared]))]
        .into_iter()
        .collect();
    let written = dump(&Value::Dict(d), &DumpOptions::to_yaml()).unwrap();
    assert_eq!(written, "a: &id001 [1]\nb: *id001\nc:\n- *id001\n");
    let own = List::new(Vec::new());
    own.write().push(Value::List(own.clone()));
    let written = dump(&Value::List(own.clone()), &DumpOptions::default()).unwrap();
    assert_eq!(written, "&id001\n- *id001\n");
    own.write().clear();
}

#[test]
fn documents_follow_each_other() {
    let values = [value("{a: 1}"), value("x")];
    let written = dump_all(&values, &DumpOptions::default()).unwrap();
    assert_eq!(written, "a: 1\n--- x\n");
}

#[test]
fn what_cannot_be_written_fails() {
    let missing = crate::value::Undefined::named("nope");
    let error = dump(&Value::Undefined(missing.into()), &DumpOptions::default()).unwrap_err();
    assert_eq!(error.message(), "'nope' is undefined");
    let set = Value::Object(std::sync::Arc::new(Set::default()));
    assert_eq!(dump(&set, &DumpOptions::default()).unwrap(), "!!set {}\n");
}

#[test]
fn stand_ins_for_astral_characters_never_collide() {
    let tricky = "\u{ffff}\u{1} \\uFFFF\\x02 \u{1f600}";
    let written = dump(&Value::str(tricky), &DumpOptions::to_yaml()).unwrap();
    assert_eq!(written, "\"\\uFFFF\\x01 \\\\uFFFF\\\\x02 \\U0001F600\"\n");
}
