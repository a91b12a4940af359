//! The one value type of YAML documents, variables, templates and results.
//!
//! Values behave like Python's, because the people who wrote the playbooks tested them against
//! Python: lists and dicts are shared and mutable, integers have no limit, tuples are not lists,
//! `1 == 1.0 == True`. Cloning is cheap: everything of size is reference counted.
//!
//! Strings carry ansible's *unsafe* mark: text that came from a host, a lookup or a finished
//! rendering of such text is data and is never rendered as a template.

pub mod access;
mod arithmetic;
pub mod codec;
mod dict;
mod easy;
mod ellipsis;
mod error;
pub mod format;
pub mod json;
mod list;
pub mod literal;
pub mod localtime;
pub mod markup;
pub mod merge;
mod method;
mod named_tuple;
pub mod number;
mod object;
pub mod ops;
pub mod random;
mod range;
pub mod regex;
pub mod repr;
mod set;
mod str;
pub mod strftime;
pub mod text;
pub mod textwrap;
mod timedelta;
pub mod types;
mod undefined;
mod vaulted;
mod view;

use std::sync::Arc;

pub use dict::{Dict, Key};
pub use error::{PyError, PyErrorKind, PyResult};
pub use list::List;
pub use method::{BoundMethod, PyType};
pub use named_tuple::NamedTuple;
use num_bigint::BigInt;
pub use number::Number;
pub use object::Object;
pub use range::Range;
pub use set::Set;
pub use str::{Str, StrClass};
pub use timedelta::TimeDelta;
pub use undefined::Undefined;
pub use vaulted::{Decrypt, Vaulted};
pub use view::{DictView, ViewKind};

/// A value as Python would see it.
#[derive(Clone, Debug)]
pub enum Value {
    /// A name or attribute that does not exist; fails when used, and says what was missing.
    Undefined(Arc<Undefined>),
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer that fits 64 bits. Larger ones are `BigInt`, never the other way round.
    Int(i64),
    /// An integer beyond 64 bits.
    BigInt(Arc<BigInt>),
    /// A float.
    Float(f64),
    /// Text.
    Str(Str),
    /// `bytes`.
    Bytes(Arc<[u8]>),
    /// `datetime.date`.
    Date(chrono::NaiveDate),
    /// `datetime.datetime`, with its offset from UTC in seconds if it is aware.
    DateTime(chrono::NaiveDateTime, Option<i32>),
    /// A list, shared and mutable.
    List(List),
    /// A tuple.
    Tuple(Arc<[Value]>),
    /// A dict, ordered, shared and mutable.
    Dict(Dict),
    /// Text encrypted with vault (`!vault`), decrypted when it is first used.
    Vaulted(Arc<Vaulted>),
    /// Anything else: hostvars, functions, bound methods, ranges, loop variables, sets.
    Object(Arc<dyn Object>),
}

impl Value {
    /// Text that may be a template.
    pub fn str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(Str::new(text))
    }

    /// Text that came from outside and must never be rendered.
    pub fn unsafe_str(text: impl Into<Arc<str>>) -> Self {
        Self::Str(Str::new_unsafe(text))
    }

    /// A new list.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(List::new(items))
    }

    /// A new tuple.
    pub fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(items.into())
    }

    /// An integer of any length, in its one right variant.
    pub fn big(n: BigInt) -> Self {
        i64::try_from(&n).map_or_else(|_| Self::BigInt(Arc::new(n)), Self::Int)
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s.as_str()),
            _ => None,
        }
    }

    /// The dict, if this is one.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(d) => Some(d),
            _ => None,
        }
    }

    /// The list, if this is one.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(l) => Some(l),
            _ => None,
        }
    }

    /// Whether this is `None`.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether this is undefined.
    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    /// A copy in which every string, also as a key and inside containers, is marked unsafe.
    #[must_use]
    pub fn into_unsafe(self) -> Self {
        match self {
            Self::Str(s) => Self::Str(s.into_unsafe()),
            Self::List(l) => Self::list(l.snapshot().into_iter().map(Self::into_unsafe).collect()),
            Self::Tuple(t) => Self::tuple(t.iter().cloned().map(Self::into_unsafe).collect()),
            Self::Dict(d) => Self::Dict(
                d.snapshot().into_iter().map(|(k, v)| (k.into_unsafe(), v.into_unsafe())).collect(),
            ),
            Self::Object(o) => match Set::downcast(&Self::Object(Arc::clone(&o))) {
                Some(set) => {
                    Set::from_keys(set.snapshot().into_iter().map(Key::into_unsafe)).into_value()
                }
                None => Self::Object(o),
            },
            other => other,
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::str(s)
    }
}
impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::str(s)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}
impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Float(n)
    }
}
impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::list(items)
    }
}
impl From<Dict> for Value {
    fn from(d: Dict) -> Self {
        Self::Dict(d)
    }
}
impl FromIterator<Self> for Value {
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::list(items.into_iter().collect())
    }
}
