//! What ansible-core 2.14.18 (PyYAML 6.0.3, libyaml 0.2.5) makes of texts.

#![expect(clippy::unwrap_used)]

use super::*;
use crate::value::{Dict, Key};

fn one(text: &str) -> Result<LoadedOne> {
    load_one(&Source::new("F", text), None, Duplicates::Warn)
}

/// The value in a notation of its own that shows every type.
fn shown(value: &Value) -> String {
    match value {
        Value::None => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Float(n) => format!("{n:?}"),
        Value::Str(s) if s.is_unsafe() => format!("unsafe{:?}", s.as_str()),
        Value::Str(s) => format!("{:?}", s.as_str()),
        Value::Bytes(b) => format!("b{b:?}"),
        Value::Date(d) => d.to_string(),
        Value::DateTime(d, zone) => format!("{d}/{zone:?}"),
        Value::List(items) => {
            format!("[{}]", items.snapshot().iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Tuple(items) => {
            format!("({})", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        Value::Dict(d) => shown_dict(d),
        Value::Vaulted(v) => format!("vault{:?}", v.ciphertext()),
        Value::Object(o) => {
            let items = o.iterate().unwrap_or_default();
            format!("{}({})", o.type_name(), items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn shown_dict(d: &Dict) -> String {
    let entry = |(k, v): &(Key, Value)| format!("{}: {}", shown(k.value()), shown(v));
    format!("{{{}}}", d.snapshot().iter().map(entry).collect::<Vec<_>>().join(", "))
}

#[test]
fn documents_become_values() {
    for (text, value) in [
        ("", "null"),
        ("# only a comment\n", "null"),
        ("---\n", "null"),
        ("{\"a\": [1, 1e5, NaN], \"a\": \"x\"}", r#"{"a": "x"}"#),
        (
            "a: yes\nb: 'yes'\nc: 0644\nd: 1:30\ne: 1e3\nf: 1.0e+3\n",
            r#"{"a": true, "b": "yes", "c": 420, "d": 90, "e": "1e3", "f": 1000.0}"#,
        ),
        ("a: ~\nb:\nc: ''\n", r#"{"a": null, "b": null, "c": ""}"#),
        (
            "a: 2001-12-14\nb: 2001-12-14 21:59:43.10 -5\n",
            r#"{"a": 2001-12-14, "b": 2001-12-14 21:59:43.100/Some(-18000)}"#,
        ),
        ("a: |\n  x\n   y\nb: >-\n  x\n  y\n", r#"{"a": "x\n y\n", "b": "x y"}"#),
        (
            "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n",
            r#"{"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}}"#,
        ),
        ("<<: [{a: 1, b: 1}, {a: 2, c: 2}]\nc: 3\n", r#"{"a": 1, "c": 3, "b": 1}"#),
        ("=: 1\n", r#"{"=": 1}"#),
        ("a: !unsafe '{{ x }}'\nb: !unsafe 1\n", r#"{"a": unsafe"{{ x }}", "b": unsafe"1"}"#),
        ("!unsafe {a: [1, {b: c}], d: x, 1: 2}", r#"{unsafe"a": [], unsafe"d": unsafe"x", 1: 2}"#),
        (
            "x: &a [1, q]\ny: {z: {w: !unsafe [*a]}}\n",
            r#"{"x": [1, "q"], "y": {"z": {"w": [[1, unsafe"q"]]}}}"#,
        ),
        (
            "a: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\n",
            r#"{"a": vault"$ANSIBLE_VAULT;1.1;AES256\n6162\n"}"#,
        ),
        ("a: !!str 1\nb: !!int '0x1F'\nc: !!float 3\n", r#"{"a": "1", "b": 31, "c": 3.0}"#),
        ("a: !!binary aGVsbG8=\n", r#"{"a": b[104, 101, 108, 108, 111]}"#),
        (
            "a: !!set {x, y}\nb: !!pairs [a: 1, a: 2]\n",
            r#"{"a": set("x", "y"), "b": [("a", 1), ("a", 2)]}"#,
        ),
        ("{\"x\": {\"__ansible_unsafe\": \"{{ a }}\"}}", r#"{"x": unsafe"{{ a }}"}"#),
        ("1: a\n1.0: b\nyes: c\n", r#"{1: "c"}"#),
    ] {
        assert_eq!(shown(&one(text).unwrap().node.to_value()), value, "{text:?}");
    }
}

#[test]
fn mistakes_are_reported_as_by_ansible() {
    for (text, problem, line, column) in [
        ("a: b: c\n", "mapping values are not allowed in this context", 1, 5),
        ("a: {{ foo }}\n", "found unacceptable key (unhashable type: 'AnsibleMapping')", 1, 5),
        ("? [a]\n: b\n", "found unacceptable key (unhashable type: 'AnsibleSequence')", 1, 3),
        ("a: \"x\nb: 1\n", "found unexpected end of stream", 3, 1),
        ("a: 1\n b: 2\n", "mapping values are not allowed in this context", 2, 3),
        ("- a\nb: 1\n", "did not find expected '-' indicator", 2, 1),
        ("a:\n\t- b\n", "found character that cannot start any token", 2, 1),
        ("a: 1\nfoo\n", "could not find expected ':'", 3, 1),
        ("a: 1\nfoo", "could not find expected ':'", 3, 1),
        ("a: *x\n", "found undefined alias", 1, 4),
        ("a: &x 1\nb: &x 2\n", "second occurrence", 2, 4),
        ("---\na\n---\nb\n", "but found another document", 3, 1),
        ("a: !foo x\n", "could not determine a constructor for the tag '!foo'", 1, 4),
        ("a: =\n", "could not determine a constructor for the tag 'tag:yaml.org,2002:value'", 1, 4),
        ("<<: 1\n", "expected a mapping or list of mappings for merging, but found scalar", 1, 5),
        ("<<: [1]\n", "expected a mapping for merging, but found scalar", 1, 6),
        ("a: !!str [x]\n", "expected a scalar node, but found sequence", 1, 4),
        ("a: !!omap [{a: b, c: d}]\n", "expected a single mapping item, but found 2 items", 1, 12),
        ("a: \"\\x\"\n", "did not find expected hexdecimal number", 1, 7),
        // Of two mistakes the shallower is found first.
        (
            "a: {b: !foo x}\nc: !bar y\n",
            "could not determine a constructor for the tag '!bar'",
            2,
            4,
        ),
    ] {
        let error = one(text).unwrap_err();
        let message = error.message();
        let yaml = message.split_once("\n\nSyntax Error while loading YAML.\n  ").unwrap().1;
        let position = error.span().unwrap().position();
        assert_eq!((yaml, position.line, position.column), (problem, line, column), "{text:?}");
        assert!(message.starts_with(
            "We were unable to read either as JSON nor YAML, these are the errors we got from \
             each:\nJSON: Expecting value: line 1 column 1 (char 0)\n\n"
        ));
    }
}

#[test]
fn characters_that_yaml_forbids_have_no_place_in_ansible() {
    let error = one("a: \x07").unwrap_err();
    assert!(error.message().ends_with(
        "YAML.\n  . unacceptable character #x0007: control characters are not allowed\n  in \
         \"<unicode string>\", position 3"
    ));
    assert!(error.span().is_none() && error.hints()[0].contains("F:1:4"));
}

#[test]
fn exceptions_of_python_escape() {
    for (text, problem) in [
        ("a: 2020-13-01\n", "month must be in 1..12"),
        ("a: !!int x\n", "invalid literal for int() with base 10: 'x'"),
        ("a: !!bool x\n", "'x'"),
    ] {
        let error = one(text).unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Internal, problem), "{text:?}");
    }
    let deep = "[".repeat(5000);
    assert!(one(&deep).is_err());
}

#[test]
fn duplicate_keys_are_warned_of() {
    let loaded = one("- a: 1\n  a: 2\n- <<: {b: 1}\n  b: 2\n- {yes: 1, true: 2}\n").unwrap();
    let texts: Vec<_> = loaded.warnings.iter().map(|(text, _)| text.as_str()).collect();
    let warning = |line, column, key| {
        format!(
            "While constructing a mapping from F, line {line}, column {column}, found a duplicate \
             dict key ({key}). Using last defined value only."
        )
    };
    assert_eq!(texts, [warning(1, 3, "a"), warning(3, 3, "b"), warning(5, 3, "True")]);
    assert_eq!(loaded.warnings[0].1.position().line, 2);
}

#[test]
fn nodes_know_their_places() {
    let loaded = one("é: x\nlist:\n  - name: y\n    z: |\n      t\n\nend: {a: b}\n").unwrap();
    let at = |node: &Node| (node.span.position().line, node.span.position().column);
    let list = loaded.node.get("list").unwrap();
    let item = &list.as_seq().unwrap()[0];
    assert_eq!(at(&loaded.node), (1, 1));
    assert_eq!(at(loaded.node.get("é").unwrap()), (1, 4));
    assert_eq!((at(list), at(item), at(item.get("z").unwrap())), ((3, 3), (3, 5), (4, 8)));
    assert_eq!(item.span.text(), "name: y\n    z: |\n      t");
    assert_eq!(loaded.node.get("end").unwrap().span.text(), "{a: b}");
}

#[test]
fn streams_have_many_documents() {
    let loaded = load(&Source::new("F", "a: 1\na: 2\n---\n- x\n...\n"), None).unwrap();
    assert_eq!((loaded.documents.len(), loaded.warnings.len()), (2, 1));
    let error = load(&Source::new("F", "a: [\n"), None).unwrap_err();
    assert!(error.message().starts_with("Syntax Error while loading YAML.\n  did not find"));
}

#[test]
fn the_plain_loader_speaks_as_pyyaml() {
    assert_eq!(shown(&safe_load("{a: 1, a: 2}").unwrap()), r#"{"a": 2}"#);
    assert_eq!(safe_load_all("--- 1\n--- 2\n").unwrap().len(), 2);
    assert!(safe_load("").unwrap().is_none());
    for (text, problem) in [
        (
            "a: !unsafe x",
            "could not determine a constructor for the tag '!unsafe'\n  in \"<unicode string>\", \
             line 1, column 4",
        ),
        (
            "{[a]: b}",
            "while constructing a mapping\n  in \"<unicode string>\", line 1, column 1\nfound \
             unhashable key\n  in \"<unicode string>\", line 1, column 2",
        ),
        (
            "a: [",
            "while parsing a flow node\ndid not find expected node content\n  in \"<unicode \
             string>\", line 2, column 1",
        ),
    ] {
        assert_eq!(safe_load(text).unwrap_err().message(), problem, "{text:?}");
    }
}

#[test]
fn vaulted_text_without_secrets_fails_when_used() {
    let node = one("a: !vault x\n").unwrap().node;
    let Some(NodeKind::Scalar(Value::Vaulted(v))) = node.get("a").map(|n| n.kind.clone()) else {
        unreachable!("loaded as vaulted");
    };
    let error = v.plain().unwrap_err();
    assert_eq!(error.message(), "Attempting to decrypt but no vault secrets found");
    assert_eq!(error.span().unwrap().position().column, 4);
}
