//! What is assigned to.

use super::{Parsed, Parser, expr::Commas};
use crate::template::{
    syntax::Op,
    tree::{BinaryOp, Expr, Name, Slot, Target, UnaryOp},
};
use crate::value::repr::str_repr;

impl Parser<'_> {
    /// Names between commas.
    pub(super) fn target(&mut self, namespaces: bool) -> Parsed<Target> {
        let first = self.at;
        let (mut items, is_tuple) = self.between_commas(|parser| parser.target_item(namespaces))?;
        match items.pop() {
            Some(only) if !is_tuple => only.map_err(|kind| self.unassignable(first, kind)),
            None => Err(self.no_expression()),
            last => {
                items.extend(last);
                let items = items.into_iter().collect::<Result<_, _>>();
                items.map(Target::Tuple).map_err(|_| self.unassignable(first, "tuple"))
            }
        }
    }

    /// A primary expression as a target, or what jinja2 calls it.
    fn target_item(&mut self, namespaces: bool) -> Parsed<Result<Target, &'static str>> {
        let e = self.primary()?;
        if let Expr::Name(v) = &e
            && namespaces
            && self.is_op(Op::Dot)
        {
            self.next()?;
            let attribute = self.expect_name()?;
            return Ok(Ok(Target::Attribute(v.name.clone(), Slot::default(), attribute.into())));
        }
        Ok(assignable(e))
    }

    fn unassignable(&self, token: usize, kind: &str) -> super::Failure {
        self.error(token, format!("can't assign to {}", str_repr(kind))).into()
    }

    /// A name that is assigned to.
    pub(super) fn target_name(&mut self) -> Parsed<Name> {
        let token = self.at;
        let name = self.expect_name()?;
        if matches!(name, "true" | "false" | "none" | "True" | "False" | "None") {
            return Err(self.unassignable(token, "name"));
        }
        Ok(name.into())
    }

    /// The parameters of a macro, in parentheses: names, and their defaults.
    pub(super) fn signature(&mut self) -> Parsed<Vec<(Name, Option<Expr>)>> {
        self.expect_op(Op::LParen)?;
        let mut parameters: Vec<(Name, Option<Expr>)> = Vec::new();
        while !self.is_op(Op::RParen) {
            if !parameters.is_empty() {
                self.expect_op(Op::Comma)?;
            }
            let name = self.target_name()?;
            let default = if self.skip_op(Op::Assign)? { Some(self.expression()?) } else { None };
            if default.is_none() && parameters.iter().any(|(_, d)| d.is_some()) {
                return Err(self.fail("non-default argument follows default argument"));
            }
            parameters.push((name, default));
        }
        self.expect_op(Op::RParen)?;
        Ok(parameters)
    }

    /// The one expression or tuple that a statement is about.
    pub(super) fn expressions(&mut self) -> Parsed<Expr> {
        self.tuple(Commas::PLAIN)
    }
}

/// The target that an expression is, or what jinja2 calls one that is none.
fn assignable(e: Expr) -> Result<Target, &'static str> {
    match e {
        Expr::Name(v) => Ok(Target::Name(v.name, Slot::default())),
        Expr::Tuple(items) => {
            let items = items.into_iter().map(assignable).collect::<Result<_, _>>();
            items.map(Target::Tuple).map_err(|_| "tuple")
        }
        other => Err(kind_of(&other)),
    }
}

/// How jinja2 calls a kind of expression.
fn kind_of(e: &Expr) -> &'static str {
    match e {
        Expr::Const(_) | Expr::Fails(_) | Expr::Unwritable => "const",
        Expr::Name(_) => "name",
        Expr::List(_) => "list",
        Expr::Tuple(_) => "tuple",
        Expr::Dict(_) => "dict",
        Expr::Unary(UnaryOp::Not, _) => "not",
        Expr::Unary(UnaryOp::Neg, _) => "neg",
        Expr::Unary(UnaryOp::Pos, _) => "pos",
        Expr::Binary(op, _) => match op {
            BinaryOp::Add => "add",
            BinaryOp::Sub => "sub",
            BinaryOp::Mul => "mul",
            BinaryOp::Div => "div",
            BinaryOp::FloorDiv => "floordiv",
            BinaryOp::Mod => "mod",
            BinaryOp::Pow => "pow",
        },
        Expr::And(_) => "and",
        Expr::Or(_) => "or",
        Expr::Compare(..) => "compare",
        Expr::Concat(_) => "concat",
        Expr::Cond(_) => "condexpr",
        Expr::GetAttr(_) => "getattr",
        Expr::GetItem(_) | Expr::Slice(_) => "getitem",
        Expr::Call(_) => "call",
        Expr::Filter(_) => "filter",
        Expr::Test(_) => "test",
        Expr::Unknown(u) => u.kind,
    }
}
