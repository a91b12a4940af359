//! Python's names of types.

use super::{Str, Value};

/// The name of the type as error texts have it (`datetime.datetime`, `NoneType`).
pub fn type_name(value: &Value) -> &str {
    match value {
        Value::Date(_) => "datetime.date",
        Value::DateTime(..) => "datetime.datetime",
        Value::Object(o) if o.module() == "datetime" => match o.type_name() {
            "timedelta" => "datetime.timedelta",
            "timezone" => "datetime.timezone",
            other => other,
        },
        other => class_name(other),
    }
}

/// `type(value).__name__`, as `type_debug` shows it.
pub fn class_name(value: &Value) -> &str {
    match value {
        Value::Undefined(u) if u.lenient => "Undefined",
        Value::Undefined(_) => "AnsibleUndefined",
        Value::None => "NoneType",
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::BigInt(_) => "int",
        Value::Float(_) => "float",
        Value::Str(s) => s.class_name(),
        Value::Bytes(_) => "bytes",
        Value::Date(_) => "date",
        Value::DateTime(..) => "datetime",
        Value::List(_) => "list",
        Value::Tuple(_) => "tuple",
        Value::Dict(_) => "dict",
        Value::Vaulted(_) => "AnsibleVaultEncryptedUnicode",
        Value::Object(o) => o.type_name(),
    }
}

/// How the C code of Python names what it was given where it wants another type.
pub fn given_name(value: &Value) -> &str {
    if value.is_none() { "None" } else { type_name(value) }
}

/// `type(value).__module__`.
pub fn class_module(value: &Value) -> &str {
    match value {
        Value::Undefined(u) if u.lenient => "jinja2.runtime",
        Value::Undefined(_) => "ansible.template",
        Value::Str(s) => Str::class_module(s),
        Value::Date(_) | Value::DateTime(..) => "datetime",
        Value::Vaulted(_) => "ansible.parsing.yaml.objects",
        Value::Object(o) => o.module(),
        _ => "builtins",
    }
}

/// `str(type(value))`: `<class 'str'>`.
pub fn class_repr(value: &Value) -> String {
    match class_module(value) {
        "builtins" => format!("<class '{}'>", class_name(value)),
        module => format!("<class '{module}.{}'>", class_name(value)),
    }
}

/// How jinja2 names a value in the errors of missing attributes: `dict object`.
pub fn object_repr(value: &Value) -> String {
    match (value, class_module(value)) {
        (Value::None, _) => "None".to_owned(),
        (_, "builtins") => format!("{} object", class_name(value)),
        (_, module) => format!("{module}.{} object", class_name(value)),
    }
}
