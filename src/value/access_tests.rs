//! Tables of Python's and jinja2's answers.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn shown(result: PyResult<Value>) -> String {
    match result {
        Ok(Value::Undefined(u)) => format!("undefined: {}", u.message()),
        Ok(v) => repr(&v).unwrap(),
        Err(e) => format!("{}: {}", e.class_path(), e.message),
    }
}

#[test]
fn items_and_attributes() {
    let dict: Dict = [("a", Value::Int(1)), ("keys", Value::Int(2))].into_iter().collect();
    let dict = Value::Dict(dict);
    let list = Value::list(vec![Value::Int(7), Value::Int(8)]);
    for (result, text) in [
        (get_attr(&dict, "a"), "1"),
        (get_item(&dict, &Value::str("keys")), "2"),
        (get_attr(&dict, "x"), "undefined: 'dict object' has no attribute 'x'"),
        (get_item(&dict, &Value::Int(1)), "undefined: dict object has no element 1"),
        (get_item(&dict, &list), "undefined: dict object has no element [7, 8]"),
        (get_item(&list, &Value::Int(-1)), "8"),
        (get_item(&list, &Value::Int(5)), "undefined: list object has no element 5"),
        (get_item(&list, &Value::str("0")), "undefined: 'list object' has no attribute '0'"),
        (get_attr(&Value::None, "x"), "undefined: 'None' has no attribute 'x'"),
        (get_attr(&Value::Int(1), "x"), "undefined: 'int object' has no attribute 'x'"),
        (
            get_attr(&Value::unsafe_str("s"), "x"),
            "undefined: 'ansible.utils.unsafe_proxy.AnsibleUnsafeText object' has no attribute 'x'",
        ),
        (get_item(&Value::str("héy"), &Value::Int(1)), "'é'"),
    ] {
        assert_eq!(shown(result), text);
    }
    assert!(BoundMethod::downcast(&get_attr(&dict, "keys").unwrap()).is_some());
    let class = get_attr(&get_attr(&list, "__class__").unwrap(), "__name__").unwrap();
    assert_eq!(shown(Ok(class)), "'list'");
}

#[test]
fn slices() {
    let n = |n: i64| Some(Value::Int(n));
    let list: Value = (0..5).map(Value::Int).collect();
    for (start, stop, step, text) in [
        (n(1), n(3), None, "[1, 2]"),
        (None, None, n(-1), "[4, 3, 2, 1, 0]"),
        (n(2), n(0), n(-1), "[2, 1]"),
        (n(-2), None, None, "[3, 4]"),
        (n(10), None, None, "[]"),
        (None, n(-10), None, "[]"),
        (Some(Value::None), n(2), None, "[0, 1]"),
        (None, None, n(0), "ValueError: slice step cannot be zero"),
        (
            Some(Value::str("a")),
            None,
            None,
            "TypeError: slice indices must be integers or None or have an __index__ method",
        ),
    ] {
        assert_eq!(shown(slice(&list, start.as_ref(), stop.as_ref(), step.as_ref())), text);
    }
    let text = Value::str("héllo");
    assert_eq!(shown(slice(&text, n(1).as_ref(), n(3).as_ref(), None)), "'él'");
    assert_eq!(shown(slice(&text, None, None, n(-1).as_ref())), "'olléh'");
    assert_eq!(
        shown(slice(&Value::None, None, None, None)),
        "TypeError: 'NoneType' object is not subscriptable"
    );
    let range = Range::new(0, 10, 2).unwrap().into_value();
    assert_eq!(shown(slice(&range, n(1).as_ref(), n(3).as_ref(), None)), "range(2, 6, 2)");
}

#[test]
fn length_and_iteration() {
    assert_eq!(len(&Value::str("héy")).unwrap(), 3);
    assert_eq!(len(&Value::Int(1)).unwrap_err().message, "object of type 'int' has no len()");
    assert_eq!(iterate(&Value::None).unwrap_err().message, "'NoneType' object is not iterable");
    let range = Range::new(5, 0, -2).unwrap();
    assert_eq!(repr(&Value::list(iterate(&range.into_value()).unwrap())).unwrap(), "[5, 3, 1]");
}
