//! Constants worked out once. What fails is left to fail when it runs.

use crate::{
    template::{
        eval::ops,
        tree::{BinaryOp, Expr, UnaryOp},
    },
    value::Value,
};

/// A tuple of constants is a constant: it cannot change.
pub(super) fn tuple(items: Vec<Expr>) -> Expr {
    let constants: Option<Vec<Value>> = items
        .iter()
        .map(|e| match e {
            Expr::Const(v) => Some(v.clone()),
            _ => None,
        })
        .collect();
    constants.map_or_else(|| Expr::Tuple(items), |values| Expr::Const(Value::tuple(values)))
}

/// A unary operator.
pub(super) fn unary(op: UnaryOp, operand: Expr) -> Expr {
    if let Expr::Const(value) = &operand
        && let Ok(result) = ops::unary(op, value)
    {
        return Expr::Const(result);
    }
    Expr::Unary(op, Box::new(operand))
}

/// A binary operator.
pub(super) fn binary(op: BinaryOp, operands: (Expr, Expr)) -> Expr {
    if let (Expr::Const(a), Expr::Const(b)) = &operands
        && small(op, a, b)
        && let Ok(result) = ops::binary(op, a, b)
        && !matches!(result, Value::List(_) | Value::Dict(_))
    {
        return Expr::Const(result);
    }
    Expr::Binary(op, Box::new(operands))
}

/// Powers and repetitions can be huge, and the template may never run them.
fn small(op: BinaryOp, a: &Value, b: &Value) -> bool {
    match op {
        BinaryOp::Pow | BinaryOp::Mul => [a, b]
            .iter()
            .all(|v| matches!(v, Value::Int(n) if n.abs() < 64) || matches!(v, Value::Float(_))),
        _ => true,
    }
}
