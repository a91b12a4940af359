//! Names that every template knows: jinja2's and ansible's functions.

use std::{any::Any, sync::Arc};

use chrono::{Local, Utc};
use indexmap::IndexMap;
use parking_lot::Mutex;

use super::{Evaluator, context::Run};
use crate::{
    template::{CallArgs, args, lookups, tree::Name},
    value::{
        Dict, Key, Object, PyError, PyErrorKind, PyResult, Range, Undefined, Value, access,
        ops::to_key,
        repr::{repr, to_text},
        strftime,
    },
};

/// A function that is known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Lookup,
    Query,
    Now,
    Undef,
    Range,
    Dict,
    Lipsum,
    Cycler,
    Joiner,
    Namespace,
}

/// The global called `name`.
pub(super) fn find(name: &Name, run: &Arc<Run>) -> Option<Value> {
    let function = match &**name {
        "lookup" => Function::Lookup,
        "query" | "q" => Function::Query,
        "now" => Function::Now,
        "undef" => Function::Undef,
        "range" => Function::Range,
        "dict" => Function::Dict,
        "lipsum" => Function::Lipsum,
        "cycler" => Function::Cycler,
        "joiner" => Function::Joiner,
        "namespace" => Function::Namespace,
        "omit" => return Some(run.templar.environment().omit()),
        _ => return None,
    };
    Some(Value::Object(Arc::new(function)))
}

impl Function {
    pub fn call(self, ev: &Evaluator<'_>, args: CallArgs) -> PyResult<Value> {
        match self {
            Self::Lookup | Self::Query => lookups::call(ev.run(), args, self == Self::Query),
            Self::Now => now(args),
            Self::Undef => undef(args),
            Self::Range => range(args),
            Self::Dict => dict(args),
            Self::Lipsum => lipsum(args),
            Self::Cycler => cycler(args),
            Self::Joiner => {
                let [sep] = args.bind("__init__", &["self"], &["sep"], 0)?;
                let sep = sep.unwrap_or_else(|| Value::str(", "));
                Ok(Value::Object(Arc::new(Joiner { sep, used: Mutex::new(false) })))
            }
            Self::Namespace => {
                let Value::Dict(dict) = dict(args)? else { return Ok(Value::None) };
                let attributes = dict
                    .snapshot()
                    .into_iter()
                    .filter_map(|(k, v)| Some((k.as_str()?.to_owned(), v)))
                    .collect();
                Ok(Value::Object(Arc::new(Namespace(Mutex::new(attributes)))))
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::Query => "query",
            Self::Now => "now",
            Self::Undef => "undef",
            Self::Range => "range",
            Self::Dict => "dict",
            Self::Lipsum => "generate_lorem_ipsum",
            Self::Cycler => "Cycler",
            Self::Joiner => "Joiner",
            Self::Namespace => "Namespace",
        }
    }
}

impl Object for Function {
    fn type_name(&self) -> &str {
        match self {
            Self::Lookup | Self::Query | Self::Now | Self::Undef => "method",
            Self::Lipsum => "function",
            _ => "type",
        }
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        match (self, name) {
            (_, "__name__") => Some(Value::str(self.name())),
            (Self::Dict, "fromkeys") => Some(Value::Object(Arc::new(Method::FromKeys))),
            _ => None,
        }
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        let Value::Object(other) = other else { return Some(false) };
        Some(other.as_any().downcast_ref::<Self>() == Some(self))
    }

    fn repr(&self) -> String {
        match self {
            Self::Range | Self::Dict => format!("<class '{}'>", self.name()),
            Self::Cycler | Self::Joiner | Self::Namespace => {
                format!("<class 'jinja2.utils.{}'>", self.name())
            }
            _ => format!("<function {} at 0x7f0000000000>", self.name()),
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn now(args: CallArgs) -> PyResult<Value> {
    let [utc, fmt] = args.bind("_now_datetime", &["self"], &["utc", "fmt"], 0)?;
    let now = if args::flag(utc.as_ref(), false)? {
        Utc::now().naive_utc()
    } else {
        Local::now().naive_local()
    };
    // Python has microseconds, not nanoseconds.
    let micros = now.and_utc().timestamp_subsec_micros();
    let now = chrono::Timelike::with_nanosecond(&now, micros * 1000).unwrap_or(now);
    match fmt.filter(|f| !f.is_none()) {
        Some(fmt) if crate::value::ops::truth(&fmt)? => {
            Ok(Value::str(strftime::strftime(&to_text(&fmt)?, &now, None)?))
        }
        _ => Ok(Value::DateTime(now, None)),
    }
}

fn undef(args: CallArgs) -> PyResult<Value> {
    let [hint] = args.bind("_make_undefined", &["self"], &["hint"], 0)?;
    let hint = match hint {
        Some(Value::Str(s)) if !s.is_empty() => s.to_string(),
        None | Some(Value::Undefined(_) | Value::None | Value::Str(_)) => {
            "Mandatory variable has not been overridden".to_owned()
        }
        Some(other) => to_text(&other)?,
    };
    Ok(Value::Undefined(Arc::new(Undefined::hinted(hint))))
}

fn range(args: CallArgs) -> PyResult<Value> {
    if !args.keyword.is_empty() {
        return Err(PyError::type_error("range() takes no keyword arguments"));
    }
    let given = args.positional.len();
    let numbers = args.positional.iter().map(args::index).collect::<PyResult<Vec<_>>>();
    let (start, stop, step) = match (given, numbers?.as_slice()) {
        (0, _) => {
            return Err(PyError::type_error("range expected at least 1 argument, got 0"));
        }
        (_, [stop]) => (0, *stop, 1),
        (_, [start, stop]) => (*start, *stop, 1),
        (_, [start, stop, step]) => (*start, *stop, *step),
        _ => {
            let message = format!("range expected at most 3 arguments, got {given}");
            return Err(PyError::type_error(message));
        }
    };
    Range::new(start, stop, step).map(Range::into_value)
}

/// `dict(…)`.
fn dict(args: CallArgs) -> PyResult<Value> {
    if args.positional.len() > 1 {
        let given = args.positional.len();
        return Err(PyError::type_error(format!("dict expected at most 1 argument, got {given}")));
    }
    let dict = Dict::new();
    if let Some(from) = args.positional.into_iter().next() {
        match access::as_dict(&from) {
            Some(other) => dict.write().extend(other.snapshot()),
            None => pairs(&dict, &from)?,
        }
    }
    for (name, value) in args.keyword {
        dict.insert(Key::from(name), value);
    }
    Ok(Value::Dict(dict))
}

fn pairs(dict: &Dict, from: &Value) -> PyResult<()> {
    for (n, pair) in access::iterate(from)?.into_iter().enumerate() {
        if !access::is_iterable(&pair)? {
            return Err(PyError::type_error(format!(
                "cannot convert dictionary update sequence element #{n} to a sequence"
            )));
        }
        let items = access::iterate(&pair)?;
        let [key, value] = items.as_slice() else {
            return Err(PyError::value_error(format!(
                "dictionary update sequence element #{n} has length {}; 2 is required",
                items.len()
            )));
        };
        dict.write().insert(to_key(key.clone())?, value.clone());
    }
    Ok(())
}

fn cycler(args: CallArgs) -> PyResult<Value> {
    if args.positional.is_empty() {
        return Err(PyError::new(
            PyErrorKind::Other("RuntimeError"),
            "at least one item has to be provided",
        ));
    }
    Ok(Value::Object(Arc::new(Cycler(Arc::new(Cycle {
        items: args.positional,
        at: Mutex::new(0),
    })))))
}

const WORDS: &str = "a ac accumsan ad adipiscing aenean aliquam amet ante aptent arcu at auctor \
    augue bibendum blandit commodo condimentum congue consectetur consequat cras cubilia cursus \
    dapibus diam dictum dignissim dolor donec dui duis egestas eget eleifend elementum elit enim \
    erat eros est et etiam eu euismod facilisi fames faucibus felis fermentum feugiat fringilla \
    fusce gravida habitant hac hendrerit iaculis id imperdiet in integer interdum ipsum justo \
    lacinia lacus laoreet lectus leo libero ligula lobortis lorem luctus maecenas magna massa \
    mattis mauris metus mi molestie mollis montes morbi nam natoque nec neque nibh nisi nisl non \
    nulla nunc odio orci ornare pede pellentesque pharetra placerat porta posuere potenti pretium \
    primis proin pulvinar purus quam quis quisque rhoncus risus rutrum sagittis sapien sed sem \
    semper sit sociis sodales sollicitudin suscipit taciti tellus tempor tempus tincidunt torquent \
    tortor tristique turpis ullamcorper ultricies urna ut varius vel velit vestibulum vitae \
    vivamus viverra volutpat vulputate";

/// Meaningless Latin.
fn lipsum(args: CallArgs) -> PyResult<Value> {
    let parameters = ["n", "html", "min", "max"];
    let [n, html, min, max] = args.bind("generate_lorem_ipsum", &[], &parameters, 0)?;
    let number = |v: &Option<Value>, default| v.as_ref().map_or(Ok(default), args::index);
    let (n, min, max) = (number(&n, 5)?, number(&min, 20)?, number(&max, 100)?);
    let html = args::flag(html.as_ref(), true)?;
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut random = crate::template::random::Random::new()?;
    let mut paragraphs = Vec::new();
    for _ in 0..n {
        let length =
            min + i64::try_from(random.below((max - min).max(1).unsigned_abs())).unwrap_or(0);
        let mut text = String::new();
        for i in 0..length {
            let at = usize::try_from(random.below(words.len() as u64)).unwrap_or(0);
            if i > 0 {
                text.push(' ');
                text.push_str(words[at]);
            } else {
                text.push_str(&words[at][..1].to_uppercase());
                text.push_str(&words[at][1..]);
            }
        }
        text.push('.');
        paragraphs.push(if html { format!("<p>{text}</p>") } else { text });
    }
    Ok(Value::str(paragraphs.join(if html { "\n" } else { "\n\n" })))
}

/// `namespace()`: attributes that templates may assign.
#[derive(Debug)]
pub(super) struct Namespace(Mutex<IndexMap<String, Value>>);

/// The namespace that a value is, if it is one.
pub(super) fn namespace(value: &Value) -> Option<&Namespace> {
    match value {
        Value::Object(o) => o.as_any().downcast_ref(),
        _ => None,
    }
}

impl Namespace {
    pub fn set(&self, name: &str, value: Value) {
        let _old = self.0.lock().insert(name.to_owned(), value);
    }
}

impl Object for Namespace {
    fn type_name(&self) -> &str {
        "Namespace"
    }

    fn module(&self) -> &str {
        "jinja2.utils"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        self.0.lock().get(name).cloned()
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn repr(&self) -> String {
        let attributes = self.0.lock().clone();
        let dict: Dict = attributes.into_iter().map(|(k, v)| (Key::from(k), v)).collect();
        format!("<Namespace {}>", repr(&Value::Dict(dict)).unwrap_or_default())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[derive(Debug)]
struct Cycle {
    items: Vec<Value>,
    at: Mutex<usize>,
}

impl Cycle {
    fn current(&self) -> Value {
        self.items[*self.at.lock()].clone()
    }
}

/// `cycler(…)`.
#[derive(Debug)]
struct Cycler(Arc<Cycle>);

impl Object for Cycler {
    fn type_name(&self) -> &str {
        "Cycler"
    }

    fn module(&self) -> &str {
        "jinja2.utils"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        Some(match name {
            "current" => self.0.current(),
            "items" => Value::tuple(self.0.items.clone()),
            "pos" => Value::Int(i64::try_from(*self.0.at.lock()).unwrap_or(0)),
            "next" => Value::Object(Arc::new(Method::Next(Arc::clone(&self.0)))),
            "reset" => Value::Object(Arc::new(Method::Reset(Arc::clone(&self.0)))),
            _ => return None,
        })
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn repr(&self) -> String {
        "<jinja2.utils.Cycler object at 0x7f0000000000>".to_owned()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Methods of the objects above.
#[derive(Debug)]
#[expect(private_interfaces, reason = "cycles are made here alone")]
pub(super) enum Method {
    Next(Arc<Cycle>),
    Reset(Arc<Cycle>),
    FromKeys,
}

impl Method {
    pub fn call(&self, args: CallArgs) -> PyResult<Value> {
        match self {
            Self::Next(cycle) => {
                args.expect_none("next")?;
                let current = cycle.current();
                let mut at = cycle.at.lock();
                *at = (*at + 1) % cycle.items.len();
                Ok(current)
            }
            Self::Reset(cycle) => {
                args.expect_none("reset")?;
                *cycle.at.lock() = 0;
                Ok(Value::None)
            }
            Self::FromKeys => {
                let [keys, value] = args.bind("fromkeys", &[], &["iterable", "value"], 1)?;
                let value = value.unwrap_or(Value::None);
                let dict = Dict::new();
                for key in access::iterate(&keys.unwrap_or(Value::None))? {
                    dict.write().insert(to_key(key)?, value.clone());
                }
                Ok(Value::Dict(dict))
            }
        }
    }
}

impl Object for Method {
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
        "<bound method>".to_owned()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `joiner(…)`.
#[derive(Debug)]
pub(super) struct Joiner {
    sep: Value,
    used: Mutex<bool>,
}

impl Joiner {
    /// Nothing the first time, then the separator.
    pub fn call(&self) -> Value {
        let mut used = self.used.lock();
        if std::mem::replace(&mut *used, true) { self.sep.clone() } else { Value::str("") }
    }
}

impl Object for Joiner {
    fn type_name(&self) -> &str {
        "Joiner"
    }

    fn module(&self) -> &str {
        "jinja2.utils"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "sep" => Some(self.sep.clone()),
            "used" => Some(Value::Bool(*self.used.lock())),
            _ => None,
        }
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        "<jinja2.utils.Joiner object at 0x7f0000000000>".to_owned()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
