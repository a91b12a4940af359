//! Operators of the tree on values.

use crate::{
    template::tree::{BinaryOp, CompareOp, UnaryOp},
    value::{PyResult, Value, ops},
};

/// A unary operator.
pub(in crate::template) fn unary(op: UnaryOp, value: &Value) -> PyResult<Value> {
    match op {
        UnaryOp::Not => Ok(Value::Bool(!ops::truth(value)?)),
        UnaryOp::Neg => ops::neg(value),
        UnaryOp::Pos => ops::pos(value),
    }
}

/// An arithmetic operator.
pub(in crate::template) fn binary(op: BinaryOp, a: &Value, b: &Value) -> PyResult<Value> {
    match op {
        BinaryOp::Add => ops::add(a, b),
        BinaryOp::Sub => ops::sub(a, b),
        BinaryOp::Mul => ops::mul(a, b),
        BinaryOp::Div => ops::div(a, b),
        BinaryOp::FloorDiv => ops::floordiv(a, b),
        BinaryOp::Mod => ops::rem(a, b),
        BinaryOp::Pow => ops::pow(a, b),
    }
}

/// One step of a comparison.
pub(in crate::template) fn compare(op: CompareOp, a: &Value, b: &Value) -> PyResult<bool> {
    match op {
        CompareOp::Eq => ops::eq(a, b),
        CompareOp::Ne => Ok(!ops::eq(a, b)?),
        CompareOp::Lt => ops::compare(a, b, ops::CmpOp::Lt),
        CompareOp::LtEq => ops::compare(a, b, ops::CmpOp::Le),
        CompareOp::Gt => ops::compare(a, b, ops::CmpOp::Gt),
        CompareOp::GtEq => ops::compare(a, b, ops::CmpOp::Ge),
        CompareOp::In => ops::contains(b, a),
        CompareOp::NotIn => Ok(!ops::contains(b, a)?),
    }
}
