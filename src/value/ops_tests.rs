//! Tables of Python's answers.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::value::{Dict, Undefined};

fn s(text: &str) -> Value {
    Value::str(text)
}
fn l(items: &[Value]) -> Value {
    Value::list(items.to_vec())
}
fn t(items: &[Value]) -> Value {
    Value::tuple(items.to_vec())
}
fn i(n: i64) -> Value {
    Value::Int(n)
}
fn f(n: f64) -> Value {
    Value::Float(n)
}
fn shown(result: PyResult<Value>) -> String {
    match result {
        Ok(v) => repr::repr(&v).unwrap(),
        Err(e) => format!("{}: {}", e.class_path(), e.message),
    }
}

#[test]
fn arithmetic_and_its_errors() {
    let table: Vec<(PyResult<Value>, &str)> = vec![
        (add(&i(1), &i(2)), "3"),
        (add(&i(i64::MAX), &i(1)), "9223372036854775808"),
        (add(&i(1), &f(0.5)), "1.5"),
        (add(&Value::Bool(true), &i(1)), "2"),
        (add(&s("a"), &s("b")), "'ab'"),
        (add(&l(&[i(1)]), &l(&[i(2)])), "[1, 2]"),
        (add(&t(&[i(1)]), &t(&[])), "(1,)"),
        (add(&s("a"), &i(1)), "TypeError: can only concatenate str (not \"int\") to str"),
        (add(&i(1), &s("a")), "TypeError: unsupported operand type(s) for +: 'int' and 'str'"),
        (add(&l(&[]), &s("a")), "TypeError: can only concatenate list (not \"str\") to list"),
        (sub(&s("a"), &i(1)), "TypeError: unsupported operand type(s) for -: 'str' and 'int'"),
        (mul(&s("ab"), &i(2)), "'abab'"),
        (mul(&s("ab"), &i(-1)), "''"),
        (mul(&i(2), &l(&[i(0)])), "[0, 0]"),
        (mul(&s("a"), &s("b")), "TypeError: can't multiply sequence by non-int of type 'str'"),
        (mul(&s("a"), &f(1.0)), "TypeError: can't multiply sequence by non-int of type 'float'"),
        (div(&i(7), &i(2)), "3.5"),
        (div(&i(1), &i(0)), "ZeroDivisionError: division by zero"),
        (div(&f(1.0), &i(0)), "ZeroDivisionError: float division by zero"),
        (floordiv(&i(-7), &i(2)), "-4"),
        (floordiv(&f(-7.0), &i(2)), "-4.0"),
        (floordiv(&i(1), &i(0)), "ZeroDivisionError: integer division or modulo by zero"),
        (rem(&i(-7), &i(3)), "2"),
        (rem(&i(7), &i(-3)), "-2"),
        (rem(&f(-7.5), &i(3)), "1.5"),
        (rem(&i(1), &i(0)), "ZeroDivisionError: integer modulo by zero"),
        (rem(&s("%s"), &i(1)), "'1'"),
        (pow(&i(2), &i(200)), "1606938044258990275541962092341162602522202993782792835301376"),
        (pow(&i(2), &i(-1)), "0.5"),
        (pow(&i(0), &i(-1)), "ZeroDivisionError: 0.0 cannot be raised to a negative power"),
        (pow(&i(-1), &i(3)), "-1"),
        (pow(&f(2.0), &f(0.5)), "1.4142135623730951"),
        (
            pow(&s("a"), &i(1)),
            "TypeError: unsupported operand type(s) for ** or pow(): 'str' and 'int'",
        ),
        (neg(&s("a")), "TypeError: bad operand type for unary -: 'str'"),
        (neg(&Value::Bool(true)), "-1"),
        (pos(&s("a")), "TypeError: bad operand type for unary +: 'str'"),
        (concat(&[s("a"), i(1), Value::None]), "'a1None'"),
    ];
    for (result, text) in table {
        assert_eq!(shown(result), text);
    }
    let big = pow(&i(10), &i(30)).unwrap();
    assert_eq!(shown(div(&big, &pow(&i(10), &i(29)).unwrap())), "10.0");
    assert_eq!(shown(div(&pow(&i(10), &i(400)).unwrap(), &pow(&i(10), &i(399)).unwrap())), "10.0");
    assert_eq!(shown(div(&i(1), &pow(&i(10), &i(310)).unwrap())), "1e-310");
}

#[test]
fn equality_and_order() {
    let d = |v: Value| Value::Dict([("a", v)].into_iter().collect::<Dict>());
    for (a, b, same) in [
        (i(1), f(1.0), true),
        (i(1), Value::Bool(true), true),
        (s("1"), i(1), false),
        (l(&[i(1)]), l(&[f(1.0)]), true),
        (l(&[i(1)]), t(&[i(1)]), false),
        (d(i(1)), d(f(1.0)), true),
        (d(i(1)), d(i(2)), false),
        (f(f64::NAN), f(f64::NAN), false),
        (Value::None, Value::Bool(false), false),
        (pow(&i(2), &i(60)).unwrap(), f(1152921504606846976.0), true),
        (i((1 << 53) + 1), f(9007199254740992.0), false),
    ] {
        assert_eq!(eq(&a, &b).unwrap(), same, "{a:?} {b:?}");
    }
    for (a, b, less) in [
        (i(1), f(1.5), true),
        (s("a"), s("b"), true),
        (l(&[i(1), i(2)]), l(&[i(1), i(3)]), true),
        (l(&[i(1)]), l(&[i(1), i(3)]), true),
        (f(f64::NAN), i(1), false),
    ] {
        assert_eq!(compare(&a, &b, CmpOp::Lt).unwrap(), less, "{a:?} {b:?}");
    }
    for (a, b, message) in [
        (s("a"), i(1), "'<' not supported between instances of 'str' and 'int'"),
        (Value::None, i(1), "'<' not supported between instances of 'NoneType' and 'int'"),
        (d(i(1)), d(i(1)), "'<' not supported between instances of 'dict' and 'dict'"),
        (l(&[i(1)]), l(&[s("a")]), "'<' not supported between instances of 'int' and 'str'"),
    ] {
        assert_eq!(compare(&a, &b, CmpOp::Lt).unwrap_err().message, message);
    }
}

#[test]
fn membership() {
    let missing = Value::Undefined(Undefined::named("x").into());
    assert!(!contains(&l(&[]), &missing).unwrap());
    assert!(contains(&l(&[i(1)]), &missing).unwrap_err().is_undefined());
    assert!(contains(&missing, &i(1)).unwrap_err().is_undefined());
    assert!(contains(&s("abc"), &s("bc")).unwrap());
    assert!(contains(&l(&[l(&[i(1)])]), &l(&[i(1)])).unwrap());
    for (hay, needle, message) in [
        (s("123"), i(1), "'in <string>' requires string as left operand, not int"),
        (i(1), i(1), "argument of type 'int' is not iterable"),
        (Value::None, i(1), "argument of type 'NoneType' is not iterable"),
        (Value::Dict(Dict::new()), l(&[]), "unhashable type: 'list'"),
    ] {
        assert_eq!(contains(&hay, &needle).unwrap_err().message, message);
    }
}

#[test]
fn dates_subtract_to_timedeltas() {
    let at = |text| {
        let (d, o) =
            crate::value::strftime::strptime(&Str::new(text), &Str::new("%Y-%m-%d %H:%M:%S"))
                .unwrap();
        Value::DateTime(d, o)
    };
    let span = sub(&at("2020-01-03 00:00:00"), &at("2020-01-01 12:00:00")).unwrap();
    assert_eq!(repr::repr(&span).unwrap(), "datetime.timedelta(days=1, seconds=43200)");
    assert_eq!(repr::to_text(&span).unwrap(), "1 day, 12:00:00");
    assert_eq!(repr::to_text(&neg(&span).unwrap()).unwrap(), "-2 days, 12:00:00");
}

#[test]
fn sorting_is_stable_and_fails_as_python_does() {
    let pairs = |v: &[(i64, i64)]| v.iter().map(|(k, v)| (i(*k), i(*v))).collect();
    let sorted = sort_by_key(pairs(&[(2, 0), (1, 1), (2, 2), (1, 3)]), false).unwrap();
    assert_eq!(repr::repr(&Value::list(sorted)).unwrap(), "[1, 3, 0, 2]");
    let sorted = sort_by_key(pairs(&[(2, 0), (1, 1), (2, 2), (1, 3)]), true).unwrap();
    assert_eq!(repr::repr(&Value::list(sorted)).unwrap(), "[0, 2, 1, 3]");
    let mixed = vec![(i(1), i(1)), (s("a"), s("a"))];
    assert_eq!(
        sort_by_key(mixed, false).unwrap_err().message,
        "'<' not supported between instances of 'str' and 'int'"
    );
}

#[test]
fn unsafe_text_stays_unsafe() {
    let tainted = Value::unsafe_str("x");
    for v in [add(&s("a"), &tainted), mul(&tainted, &i(2)), concat(&[s("a"), tainted.clone()])] {
        assert!(matches!(v.unwrap(), Value::Str(s) if s.is_unsafe()));
    }
}

#[test]
fn long_lists_sort() {
    let items: Vec<(Value, Value)> = (0..500).map(|n| (i(n * 7919 % 101), i(n))).collect();
    let sorted = sort_by_key(items, false).unwrap();
    let keys: Vec<(i64, i64)> = sorted
        .iter()
        .map(|v| if let Value::Int(n) = v { (n * 7919 % 101, *n) } else { (0, 0) })
        .collect();
    assert!(keys.is_sorted());
}
