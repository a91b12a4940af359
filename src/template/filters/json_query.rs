//! `json_query`: JMESPath on our values.

mod eval;
mod functions;
mod lexer;
mod parser;

use super::Filter;
use crate::template::{CallArgs, FilterContext};
use crate::value::{PyError, PyResult, Value, ops::settle};

pub(super) static FILTERS: &[Filter] =
    &[Filter::redirected("community.general", "json_query", "What a JMESPath finds.", json_query)];

/// A parsed expression.
#[derive(Debug)]
enum Expr {
    Identity,
    Field(String),
    Literal(Value),
    Index(i64),
    Slice([Option<i64>; 3]),
    /// One after the other: `a.b`, `a[0]`, `a | b`.
    Chain(Box<Expr>, Box<Expr>),
    /// The right side for each item of the left.
    Projection(Box<Expr>, Box<Expr>),
    /// The same for each value of an object.
    ValueProjection(Box<Expr>, Box<Expr>),
    /// The same for each item that passes the condition.
    FilterProjection(Box<Expr>, Box<Expr>, Box<Expr>),
    Flatten(Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    List(Vec<Expr>),
    Hash(Vec<(String, Expr)>),
    Call(String, Vec<Expr>),
    /// `&expression`, an argument that a function evaluates.
    Reference(Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

fn failed(message: impl std::fmt::Display) -> PyError {
    PyError::filter(format!("JMESPathError in json_query filter plugin:\n{message}"))
}

fn json_query(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [expr] = args.bind("json_query", &["data"], &["expr"], 1)?;
    let expr = expr.unwrap_or(Value::None);
    let settled = settle(&expr)?;
    let Value::Str(text) = settled.as_ref() else {
        return Err(failed("Invalid JMESPath expression: cannot be empty."));
    };
    let parsed = parser::parse(text)?;
    eval::search(&parsed, &value)
}
