//! Expressions.

use minijinja::machinery::ast;

use super::Lower;
use crate::{
    template::{
        filters,
        syntax::{SyntaxError, TokenKind},
        tests,
        tree::{
            Args, BinaryOp, Call, CompareOp, Cond, Expr, Filter, GetAttr, Name, SliceExpr, Slot,
            Test, UnaryOp, Unknown, VarRef,
        },
    },
    value::Value,
};

type Lowered = Result<Expr, SyntaxError>;

/// Methods that change what they are called on.
const MUTATING: [&str; 13] = [
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
    "clear",
    "update",
    "popitem",
    "setdefault",
    "add",
    "discard",
];

impl Lower<'_> {
    pub(super) fn expr(&mut self, e: &ast::Expr<'_>) -> Lowered {
        Ok(match e {
            ast::Expr::Var(v) => Expr::Name(VarRef {
                name: self.name(v.id),
                slot: Slot::default(),
                at: self.place(v.id, v.span().start_offset),
            }),
            ast::Expr::Const(c) => Expr::Const(self.constant(&c.value)),
            ast::Expr::List(l) => Expr::List(self.exprs(&l.items)?),
            ast::Expr::Tuple(t) => Expr::Tuple(self.exprs(&t.items)?),
            ast::Expr::Map(m) => {
                let keys = self.exprs(&m.keys)?;
                let values = self.exprs(&m.values)?;
                Expr::Dict(keys.into_iter().zip(values).collect())
            }
            ast::Expr::UnaryOp(u) => self.unary(u)?,
            ast::Expr::BinOp(b) => self.binary(b)?,
            ast::Expr::Compare(c) => {
                let first = self.expr(&c.expr)?;
                let rest = c
                    .ops
                    .iter()
                    .map(|op| Ok((compare_op(op.op), self.expr(&op.expr)?)))
                    .collect::<Result<_, SyntaxError>>()?;
                Expr::Compare(Box::new(first), rest)
            }
            ast::Expr::IfExpr(i) => {
                let at = self.place("", i.span().start_offset).0;
                Expr::Cond(Box::new(Cond {
                    test: self.expr(&i.test_expr)?,
                    yes: self.expr(&i.true_expr)?,
                    no: i.false_expr.as_ref().map(|e| self.expr(e)).transpose()?,
                    line: self.line(at),
                }))
            }
            ast::Expr::GetAttr(g) => {
                let name = self.name(g.name);
                let place = self.place(g.name, g.span().start_offset);
                Expr::GetAttr(Box::new(GetAttr { object: self.expr(&g.expr)?, name, at: place }))
            }
            ast::Expr::GetItem(g) => {
                let pair = (self.expr(&g.expr)?, self.expr(&g.subscript_expr)?);
                Expr::GetItem(Box::new(pair))
            }
            ast::Expr::Slice(s) => {
                let mut part =
                    |e: &Option<ast::Expr<'_>>| e.as_ref().map(|e| self.expr(e)).transpose();
                let (start, stop, step) = (part(&s.start)?, part(&s.stop)?, part(&s.step)?);
                let object = self.expr(&s.expr)?;
                Expr::Slice(Box::new(SliceExpr { object, start, stop, step }))
            }
            ast::Expr::Call(c) => self.call(c)?,
            ast::Expr::Filter(f) => {
                let object = f.expr.as_ref().map(|e| self.expr(e)).transpose()?;
                self.filter(f, object)?
            }
            ast::Expr::Test(t) => {
                let name = self.dotted(t.name);
                let object = self.expr(&t.expr)?;
                let args = self.args(&t.args)?;
                let Some(code) = tests::find(&name) else {
                    return Ok(self.unknown(t.name, &name, Some(object), args));
                };
                Expr::Test(Box::new(Test { code, object, args }))
            }
        })
    }

    /// A filter over an object that was lowered already (or over a block's text).
    fn filter(&mut self, f: &ast::Filter<'_>, object: Option<Expr>) -> Lowered {
        let name = self.dotted(f.name);
        let args = self.args(&f.args)?;
        let Some(code) = filters::find(&name) else {
            return Ok(self.unknown(f.name, &name, object, args));
        };
        Ok(Expr::Filter(Box::new(Filter { name, code, object, args })))
    }

    fn unknown(&self, id: &str, name: &str, object: Option<Expr>, args: Args) -> Expr {
        let token = self.token_of(id.split([' ', '.']).next().unwrap_or(id));
        let error = self.error_at(token, filters::unknown_text(name));
        Expr::Unknown(Box::new(Unknown { error, object, args }))
    }

    /// A name that may have dots; the skeleton spaces them.
    fn dotted(&self, id: &str) -> Name {
        if !id.contains('.') {
            return self.name(id);
        }
        let parts: Vec<_> = id.split('.').map(|part| self.name(part.trim())).collect();
        parts.join(".").into()
    }

    fn exprs(&mut self, items: &[ast::Expr<'_>]) -> Result<Vec<Expr>, SyntaxError> {
        items.iter().map(|e| self.expr(e)).collect()
    }

    /// A literal of the skeleton is the number of its token.
    fn constant(&self, value: &minijinja::Value) -> Value {
        if let Some(text) = value.as_str() {
            return self.string(text.parse().unwrap_or(usize::MAX));
        }
        if value.is_none() {
            return Value::None;
        }
        if value.kind() == minijinja::value::ValueKind::Bool {
            return Value::Bool(value.is_true());
        }
        match value.as_usize().and_then(|n| self.tokens.get(n)).map(|t| &t.kind) {
            Some(TokenKind::Int(n)) => n.clone(),
            Some(TokenKind::Float(f)) => Value::Float(*f),
            _ => Value::None,
        }
    }

    /// Strings that follow each other are one.
    fn string(&self, first: usize) -> Value {
        let mut pieces =
            self.tokens.get(first..).unwrap_or_default().iter().map_while(|t| match &t.kind {
                TokenKind::Str(s) => Some(s.as_str()),
                _ => None,
            });
        let text = pieces.next().unwrap_or_default();
        let rest: String = pieces.collect();
        if rest.is_empty() { Value::str(text) } else { Value::str(format!("{text}{rest}")) }
    }

    fn unary(&mut self, u: &ast::Spanned<ast::UnaryOp<'_>>) -> Lowered {
        // `not (a in b)` and `a not in b` are one and the same.
        let op = match u.op {
            ast::UnaryOpKind::Not => UnaryOp::Not,
            ast::UnaryOpKind::Neg if self.skeleton.pluses.contains(&u.span().start_offset) => {
                UnaryOp::Pos
            }
            ast::UnaryOpKind::Neg => UnaryOp::Neg,
        };
        Ok(Expr::Unary(op, Box::new(self.expr(&u.expr)?)))
    }

    fn binary(&mut self, b: &ast::BinOp<'_>) -> Lowered {
        use ast::BinOpKind as K;
        if let K::Concat = b.op {
            let mut parts = Vec::new();
            self.concat(&b.left, &mut parts)?;
            parts.push(self.expr(&b.right)?);
            return Ok(Expr::Concat(parts));
        }
        let pair = (self.expr(&b.left)?, self.expr(&b.right)?);
        let compare = |op, (a, b)| Expr::Compare(Box::new(a), vec![(op, b)]);
        let arithmetic = |op, pair| Expr::Binary(op, Box::new(pair));
        Ok(match b.op {
            K::ScAnd => Expr::And(Box::new(pair)),
            K::ScOr => Expr::Or(Box::new(pair)),
            K::Eq => compare(CompareOp::Eq, pair),
            K::Ne => compare(CompareOp::Ne, pair),
            K::Lt => compare(CompareOp::Lt, pair),
            K::Lte => compare(CompareOp::LtEq, pair),
            K::Gt => compare(CompareOp::Gt, pair),
            K::Gte => compare(CompareOp::GtEq, pair),
            K::In => compare(CompareOp::In, pair),
            K::Add => arithmetic(BinaryOp::Add, pair),
            K::Sub => arithmetic(BinaryOp::Sub, pair),
            K::Mul => arithmetic(BinaryOp::Mul, pair),
            K::Div => arithmetic(BinaryOp::Div, pair),
            K::FloorDiv => arithmetic(BinaryOp::FloorDiv, pair),
            K::Rem => arithmetic(BinaryOp::Mod, pair),
            K::Pow => arithmetic(BinaryOp::Pow, pair),
            K::Concat => Expr::Concat(vec![pair.0, pair.1]),
        })
    }

    /// `a ~ b ~ c` is one concatenation of three.
    fn concat(&mut self, left: &ast::Expr<'_>, parts: &mut Vec<Expr>) -> Result<(), SyntaxError> {
        if let ast::Expr::BinOp(b) = left
            && matches!(b.op, ast::BinOpKind::Concat)
        {
            self.concat(&b.left, parts)?;
            parts.push(self.expr(&b.right)?);
        } else {
            parts.push(self.expr(left)?);
        }
        Ok(())
    }

    pub(super) fn call(&mut self, c: &ast::Call<'_>) -> Lowered {
        let callee = self.expr(&c.expr)?;
        if let Expr::GetAttr(attr) = &callee {
            self.may_mutate |= MUTATING.contains(&&*attr.name);
        }
        Ok(Expr::Call(Box::new(Call { callee, args: self.args(&c.args)? })))
    }

    fn args(&mut self, args: &[ast::CallArg<'_>]) -> Result<Args, SyntaxError> {
        let mut out = Args::default();
        let invalid = "invalid syntax for function call expression";
        for arg in args {
            match arg {
                ast::CallArg::Pos(e) => {
                    if out.star.is_some() || out.double_star.is_some() || !out.keywords.is_empty() {
                        return self.error(None, invalid);
                    }
                    out.positional.push(self.expr(e)?);
                }
                ast::CallArg::Kwarg(name, e) => {
                    if out.double_star.is_some() {
                        return self.error(None, invalid);
                    }
                    let name = self.name(name);
                    out.keywords.push((name, self.expr(e)?));
                }
                ast::CallArg::PosSplat(e) => {
                    if out.star.is_some() || out.double_star.is_some() {
                        return self.error(None, invalid);
                    }
                    out.star = Some(self.expr(e)?);
                }
                ast::CallArg::KwargSplat(e) => {
                    if out.double_star.is_some() {
                        return self.error(None, invalid);
                    }
                    out.double_star = Some(self.expr(e)?);
                }
            }
        }
        Ok(out)
    }
}

fn compare_op(op: ast::CompareOpKind) -> CompareOp {
    use ast::CompareOpKind as K;
    match op {
        K::Eq => CompareOp::Eq,
        K::Ne => CompareOp::Ne,
        K::Lt => CompareOp::Lt,
        K::Lte => CompareOp::LtEq,
        K::Gt => CompareOp::Gt,
        K::Gte => CompareOp::GtEq,
        K::In => CompareOp::In,
        K::NotIn => CompareOp::NotIn,
    }
}
