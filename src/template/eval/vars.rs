//! Mappings that render what they hold: `hostvars` and the variables of one host in it.

use std::{any::Any, fmt, sync::Arc};

use crate::{
    template::{CallArgs, ScopedVars, Templar},
    value::{Dict, Key, Object, PyResult, Undefined, Value, ops::to_key, repr::repr},
};

/// A mapping of the engine as templates see it.
pub(in crate::template) fn rendered(value: Value, templar: &Templar) -> Value {
    let Value::Object(o) = &value else { return value };
    if let Some(vars) = o.as_any().downcast_ref::<ScopedVars>() {
        return Value::Object(Arc::new(HostView {
            type_name: vars.type_name().to_owned(),
            templar: templar.of_scope(vars.scope()),
        }));
    }
    if !o.is_mapping() || o.as_any().is::<MappingView>() || o.as_any().is::<HostView>() {
        return value;
    }
    Value::Object(Arc::new(MappingView { inner: Arc::clone(o), templar: templar.clone() }))
}

/// `vars`: a dict of all names, whose values are as they are written. Mappings of the engine in it
/// (`hostvars`) render what they hold, as they do elsewhere.
pub(in crate::template) fn as_written(value: &Value, templar: &Templar) -> Value {
    let Value::Object(o) = value else { return value.clone() };
    match o.to_plain() {
        Some(Value::Dict(dict)) => {
            let entries = dict.snapshot().into_iter();
            Value::Dict(entries.map(|(name, value)| (name, rendered(value, templar))).collect())
        }
        _ => value.clone(),
    }
}

/// A mapping whose values may have names of their own: `hostvars`.
pub(super) struct MappingView {
    inner: Arc<dyn Object>,
    templar: Templar,
}

impl fmt::Debug for MappingView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl Object for MappingView {
    fn type_name(&self) -> &str {
        self.inner.type_name()
    }

    fn module(&self) -> &str {
        self.inner.module()
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        self.inner.get_item(key).map(|v| rendered(v, &self.templar))
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        self.inner.get_attr(name).map(|v| rendered(v, &self.templar))
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        self.inner.iterate()
    }

    fn length(&self) -> Option<usize> {
        self.inner.length()
    }

    fn contains(&self, needle: &Value) -> Option<bool> {
        self.inner.contains(needle)
    }

    fn is_mapping(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        self.to_plain().and_then(|v| repr(&v).ok()).unwrap_or_else(|| self.inner.repr())
    }

    fn to_plain(&self) -> Option<Value> {
        let dict = Dict::new();
        for key in self.iterate()? {
            let value = self.get_item(&key)?;
            let value = match &value {
                Value::Object(o) => o.to_plain().unwrap_or(value),
                _ => value,
            };
            dict.write().insert(to_key(key).ok()?, value);
        }
        Some(Value::Dict(dict))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The variables of one host, rendered with its own names; one that cannot be rendered for want
/// of another stays as it is written.
pub(super) struct HostView {
    type_name: String,
    templar: Templar,
}

impl fmt::Debug for HostView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(…)", self.type_name)
    }
}

impl Object for HostView {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn module(&self) -> &str {
        if self.type_name == "dict" { "builtins" } else { "ansible.vars.hostvars" }
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        match self.templar.foreign_variable(&name.into()) {
            Ok(value) => value,
            // An item can only be there or not: the failure shows when it is used.
            Err(e) => Some(Value::Undefined(Arc::new(Undefined {
                name: Some(name.to_owned()),
                ..Undefined::hinted(e.message)
            }))),
        }
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        Some(self.templar.scope().names().into_iter().map(Value::str).collect())
    }

    fn contains(&self, needle: &Value) -> Option<bool> {
        Some(needle.as_str().is_some_and(|name| self.templar.scope().get(name).is_some()))
    }

    fn is_mapping(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        self.to_plain().and_then(|v| repr(&v).ok()).unwrap_or_default()
    }

    fn to_plain(&self) -> Option<Value> {
        let names = self.templar.scope().names();
        let entries = names.into_iter().filter_map(|name| {
            let value = self.get_item(&Value::str(Arc::clone(&name)))?;
            Some((Key::from(name), value))
        });
        Some(Value::Dict(entries.collect()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A method of Python's `Mapping` on an object.
#[derive(Debug)]
pub(super) struct MappingMethod {
    of: Value,
    name: &'static str,
}

/// `value.name` where that is a method of mappings.
pub(super) fn mapping_method(value: &Value, o: &dyn Object, name: &str) -> Option<Value> {
    if !o.is_mapping() {
        return None;
    }
    let name = ["get", "items", "keys", "values"].into_iter().find(|n| *n == name)?;
    Some(Value::Object(Arc::new(MappingMethod { of: value.clone(), name })))
}

impl MappingMethod {
    pub fn call(&self, args: CallArgs) -> PyResult<Value> {
        let Value::Object(o) = &self.of else { return Ok(Value::None) };
        if self.name == "get" {
            let [key, default] = args.bind("get", &["self"], &["key", "default"], 1)?;
            // `hostvars` has something undefined for hosts that are not there, so that no default helps.
            let found = key.and_then(|key| o.get_item(&key));
            return Ok(found.or(default).unwrap_or(Value::None));
        }
        args.expect_none(self.name)?;
        let type_name = match self.name {
            "keys" => "KeysView",
            "values" => "ValuesView",
            _ => "ItemsView",
        };
        Ok(Value::Object(Arc::new(View { of: Arc::clone(o), type_name })))
    }
}

/// What these methods give: a view of the mapping, of a class of Python's `collections.abc`.
#[derive(Debug)]
struct View {
    of: Arc<dyn Object>,
    type_name: &'static str,
}

impl Object for View {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn module(&self) -> &str {
        "collections.abc"
    }

    fn iterate(&self) -> Option<Vec<Value>> {
        let keys = self.of.iterate()?;
        let value = |key: &Value| self.of.get_item(key).unwrap_or(Value::None);
        Some(match self.type_name {
            "KeysView" => keys,
            "ValuesView" => keys.iter().map(value).collect(),
            _ => keys.iter().map(|k| Value::tuple(vec![k.clone(), value(k)])).collect(),
        })
    }

    fn length(&self) -> Option<usize> {
        self.of.length()
    }

    fn hashable(&self) -> bool {
        self.type_name == "ValuesView"
    }

    fn repr(&self) -> String {
        format!("{}({})", self.type_name, self.of.repr())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for MappingMethod {
    fn type_name(&self) -> &str {
        "method"
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        format!("<bound method Mapping.{}>", self.name)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
