//! Expressions.

use super::{EXPRESSION, Parsed, Parser};
use crate::{
    template::{
        filters,
        syntax::{Op, TokenKind},
        tests,
        tree::{
            Args, BinaryOp, Call, CompareOp, Cond, Expr, Filter, GetAttr, Name, SliceExpr, Slot,
            Test, UnaryOp, Unknown, VarRef,
        },
    },
    value::{Value, repr::str_repr},
};

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

/// What may stand where a tuple has no parentheses.
#[derive(Clone, Copy)]
pub(super) struct Commas {
    /// Whether `a if b else c` may, too.
    pub conditions: bool,
    /// Whether it stands in parentheses, so that it may be empty.
    pub explicit: bool,
}

impl Commas {
    pub const PLAIN: Self = Self { conditions: true, explicit: false };
}

impl<'a> Parser<'a> {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.deeper(EXPRESSION, Self::condition)
    }

    /// `a if b else c`.
    fn condition(&mut self) -> Parsed<Expr> {
        let mut line = self.line_of(self.at);
        let mut yes = self.or()?;
        while self.skip_word("if")? {
            let test = self.or()?;
            let no =
                if self.skip_word("else")? { Some(self.deeper(1, Self::condition)?) } else { None };
            yes = Expr::Cond(Box::new(Cond { test, yes, no, line }));
            line = self.line_of(self.at);
        }
        Ok(yes)
    }

    fn or(&mut self) -> Parsed<Expr> {
        let mut left = self.and()?;
        while self.skip_word("or")? {
            left = Expr::Or(Box::new((left, self.and()?)));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed<Expr> {
        let mut left = self.not()?;
        while self.skip_word("and")? {
            left = Expr::And(Box::new((left, self.not()?)));
        }
        Ok(left)
    }

    fn not(&mut self) -> Parsed<Expr> {
        if self.skip_word("not")? {
            let operand = self.deeper(1, Self::not)?;
            return Ok(Expr::Unary(UnaryOp::Not, Box::new(operand)));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let Some(op) = self.comparison_operator()? {
            rest.push((op, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn comparison_operator(&mut self) -> Parsed<Option<CompareOp>> {
        let op = match self.kind() {
            Some(TokenKind::Op(Op::Eq)) => CompareOp::Eq,
            Some(TokenKind::Op(Op::Ne)) => CompareOp::Ne,
            Some(TokenKind::Op(Op::Lt)) => CompareOp::Lt,
            Some(TokenKind::Op(Op::LtEq)) => CompareOp::LtEq,
            Some(TokenKind::Op(Op::Gt)) => CompareOp::Gt,
            Some(TokenKind::Op(Op::GtEq)) => CompareOp::GtEq,
            Some(TokenKind::Name(name)) if name == "in" => CompareOp::In,
            Some(TokenKind::Name(name)) if name == "not" => {
                if self.look()?.and_then(TokenKind::name) != Some("in") {
                    return Ok(None);
                }
                self.next()?;
                CompareOp::NotIn
            }
            _ => return Ok(None),
        };
        self.next()?;
        Ok(Some(op))
    }

    fn sum(&mut self) -> Parsed<Expr> {
        let mut left = self.concatenation()?;
        loop {
            let op = match self.kind() {
                Some(TokenKind::Op(Op::Add)) => BinaryOp::Add,
                Some(TokenKind::Op(Op::Sub)) => BinaryOp::Sub,
                _ => return Ok(left),
            };
            self.next()?;
            left = Expr::Binary(op, Box::new((left, self.concatenation()?)));
        }
    }

    /// `a ~ b ~ c` is one concatenation of three.
    fn concatenation(&mut self) -> Parsed<Expr> {
        let first = self.product()?;
        if !self.is_op(Op::Tilde) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.skip_op(Op::Tilde)? {
            parts.push(self.product()?);
        }
        Ok(Expr::Concat(parts))
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.power()?;
        loop {
            let op = match self.kind() {
                Some(TokenKind::Op(Op::Mul)) => BinaryOp::Mul,
                Some(TokenKind::Op(Op::Div)) => BinaryOp::Div,
                Some(TokenKind::Op(Op::FloorDiv)) => BinaryOp::FloorDiv,
                Some(TokenKind::Op(Op::Mod)) => BinaryOp::Mod,
                _ => return Ok(left),
            };
            self.next()?;
            left = Expr::Binary(op, Box::new((left, self.power()?)));
        }
    }

    fn power(&mut self) -> Parsed<Expr> {
        let mut left = self.unary(true)?;
        while self.skip_op(Op::Pow)? {
            left = Expr::Binary(BinaryOp::Pow, Box::new((left, self.unary(true)?)));
        }
        Ok(left)
    }

    fn unary(&mut self, with_filters: bool) -> Parsed<Expr> {
        let op = match self.kind() {
            Some(TokenKind::Op(Op::Sub)) => Some(UnaryOp::Neg),
            Some(TokenKind::Op(Op::Add)) => Some(UnaryOp::Pos),
            _ => None,
        };
        let operand = match op {
            Some(op) => {
                self.next()?;
                let operand = self.deeper(1, |p| p.unary(false))?;
                Expr::Unary(op, Box::new(operand))
            }
            None => self.primary()?,
        };
        let operand = self.postfix(operand)?;
        if with_filters { self.filters_and_tests(operand) } else { Ok(operand) }
    }

    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        let token = self.at;
        match self.kind() {
            Some(TokenKind::Name(name)) => {
                self.next()?;
                Ok(self.name(name, token))
            }
            Some(TokenKind::Str(_)) => self.string(),
            Some(TokenKind::Int(n)) => {
                self.next()?;
                Ok(Expr::Const(n.clone()))
            }
            Some(TokenKind::Float(f)) => {
                self.next()?;
                Ok(Expr::Const(Value::Float(*f)))
            }
            Some(TokenKind::Op(Op::LParen)) => {
                self.next()?;
                let explicit = Commas { explicit: true, ..Commas::PLAIN };
                let inner = self.tuple(explicit)?;
                self.expect_op(Op::RParen)?;
                Ok(inner)
            }
            Some(TokenKind::Op(Op::LBracket)) => self.list(),
            Some(TokenKind::Op(Op::LBrace)) => self.dict(),
            _ => Err(self.fail(format!("unexpected {}", str_repr(self.described())))),
        }
    }

    fn name(&self, name: &str, token: usize) -> Expr {
        match name {
            "true" | "True" => Expr::Const(Value::Bool(true)),
            "false" | "False" => Expr::Const(Value::Bool(false)),
            "none" | "None" => Expr::Const(Value::None),
            _ => Expr::Name(VarRef {
                name: name.into(),
                slot: Slot::default(),
                at: self.place(token),
            }),
        }
    }

    /// Strings that follow each other are one.
    fn string(&mut self) -> Parsed<Expr> {
        let mut text = String::new();
        while let Some(TokenKind::Str(piece)) = self.kind() {
            text.push_str(piece);
            self.next()?;
        }
        Ok(Expr::Const(Value::str(text)))
    }

    /// Expressions between commas: a tuple, or the one expression there is.
    pub(super) fn tuple(&mut self, commas: Commas) -> Parsed<Expr> {
        let (mut items, is_tuple) = self.between_commas(|parser| {
            if commas.conditions {
                parser.expression()
            } else {
                parser.deeper(EXPRESSION, Self::or)
            }
        })?;
        match items.pop() {
            Some(only) if !is_tuple => Ok(only),
            None if !commas.explicit => Err(self.no_expression()),
            last => {
                items.extend(last);
                Ok(Expr::Tuple(items))
            }
        }
    }

    pub(super) fn no_expression(&self) -> super::Failure {
        let got = str_repr(self.described());
        self.fail(format!("Expected an expression, got {got}"))
    }

    /// Items until a tuple ends or no comma follows, and whether there was a comma.
    pub(super) fn between_commas<T>(
        &mut self,
        item: impl Fn(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Vec<T>, bool)> {
        let mut items = Vec::new();
        loop {
            if self.is_tuple_end() {
                return Ok((items, true));
            }
            items.push(item(self)?);
            if !self.is_op(Op::Comma) {
                let is_tuple = items.len() > 1;
                return Ok((items, is_tuple));
            }
            self.next()?;
        }
    }

    fn is_tuple_end(&self) -> bool {
        matches!(
            self.kind(),
            Some(TokenKind::VariableEnd | TokenKind::BlockEnd | TokenKind::Op(Op::RParen))
        )
    }

    fn list(&mut self) -> Parsed<Expr> {
        self.expect_op(Op::LBracket)?;
        let mut items = Vec::new();
        while !self.is_op(Op::RBracket) {
            if !items.is_empty() {
                self.expect_op(Op::Comma)?;
                if self.is_op(Op::RBracket) {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        self.expect_op(Op::RBracket)?;
        Ok(Expr::List(items))
    }

    fn dict(&mut self) -> Parsed<Expr> {
        self.expect_op(Op::LBrace)?;
        let mut items = Vec::new();
        while !self.is_op(Op::RBrace) {
            if !items.is_empty() {
                self.expect_op(Op::Comma)?;
                if self.is_op(Op::RBrace) {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_op(Op::Colon)?;
            items.push((key, self.expression()?));
        }
        self.expect_op(Op::RBrace)?;
        Ok(Expr::Dict(items))
    }

    fn postfix(&mut self, mut object: Expr) -> Parsed<Expr> {
        loop {
            object = match self.kind() {
                Some(TokenKind::Op(Op::Dot)) => self.attribute(object)?,
                Some(TokenKind::Op(Op::LBracket)) => self.subscript(object)?,
                Some(TokenKind::Op(Op::LParen)) => self.call(object)?,
                _ => return Ok(object),
            };
        }
    }

    fn filters_and_tests(&mut self, mut object: Expr) -> Parsed<Expr> {
        loop {
            object = match self.kind() {
                Some(TokenKind::Op(Op::Pipe)) => {
                    self.next()?;
                    self.filter(Some(object))?
                }
                Some(TokenKind::Name(name)) if name == "is" => self.test(object)?,
                Some(TokenKind::Op(Op::LParen)) => self.call(object)?,
                _ => return Ok(object),
            };
        }
    }

    fn attribute(&mut self, object: Expr) -> Parsed<Expr> {
        self.next()?;
        let token = self.next()?;
        match self.tokens.get(token).map(|t| &t.kind) {
            Some(TokenKind::Name(name)) => {
                let (name, at) = (Name::from(name.as_str()), self.place(token));
                Ok(Expr::GetAttr(Box::new(GetAttr { object, name, at })))
            }
            Some(TokenKind::Int(n)) => {
                Ok(Expr::GetItem(Box::new((object, Expr::Const(n.clone())))))
            }
            _ => Err(self.error(token, "expected name or number").into()),
        }
    }

    fn subscript(&mut self, object: Expr) -> Parsed<Expr> {
        self.next()?;
        let mut keys = Vec::new();
        while !self.is_op(Op::RBracket) {
            if !keys.is_empty() {
                self.expect_op(Op::Comma)?;
            }
            keys.push(self.key()?);
        }
        self.expect_op(Op::RBracket)?;
        match (keys.pop(), keys.is_empty()) {
            (Some(Key::Slice([start, stop, step])), true) => {
                Ok(Expr::Slice(Box::new(SliceExpr { object, start, stop, step })))
            }
            (Some(Key::Item(key)), true) => Ok(Expr::GetItem(Box::new((object, key)))),
            (last, _) => {
                keys.extend(last);
                let items = keys.into_iter().map(|key| match key {
                    Key::Item(e) => e,
                    // There is no Python for a slice in a tuple.
                    Key::Slice(_) => Expr::Unwritable,
                });
                Ok(Expr::GetItem(Box::new((object, Expr::Tuple(items.collect())))))
            }
        }
    }

    /// An item of a subscript: an expression or a slice.
    fn key(&mut self) -> Parsed<Key> {
        let start = if self.is_op(Op::Colon) {
            None
        } else {
            let e = self.expression()?;
            if !self.is_op(Op::Colon) {
                return Ok(Key::Item(e));
            }
            Some(e)
        };
        self.next()?;
        let is_end = |p: &Self| p.is_op(Op::RBracket) || p.is_op(Op::Comma);
        let part = |p: &mut Self| {
            if is_end(p) || p.is_op(Op::Colon) { Ok(None) } else { p.expression().map(Some) }
        };
        let stop = part(self)?;
        let mut step = None;
        if self.skip_op(Op::Colon)? && !is_end(self) {
            step = Some(self.expression()?);
        }
        Ok(Key::Slice([start, stop, step]))
    }

    pub(super) fn call(&mut self, callee: Expr) -> Parsed<Expr> {
        let args = self.arguments()?;
        if let Expr::GetAttr(attr) = &callee {
            self.may_mutate |= MUTATING.contains(&&*attr.name);
        }
        Ok(Expr::Call(Box::new(Call { callee, args })))
    }

    fn arguments(&mut self) -> Parsed<Args> {
        let open = self.expect_op(Op::LParen)?;
        let mut args = Args::default();
        let mut first = true;
        while !self.is_op(Op::RParen) {
            if !first {
                self.expect_op(Op::Comma)?;
                if self.is_op(Op::RParen) {
                    break;
                }
            }
            first = false;
            self.argument(&mut args, open)?;
        }
        self.expect_op(Op::RParen)?;
        Ok(args)
    }

    fn argument(&mut self, args: &mut Args, open: usize) -> Parsed<()> {
        let ensure = |p: &Self, holds: bool| {
            let message = "invalid syntax for function call expression";
            if holds { Ok(()) } else { Err(p.error(open, message)) }
        };
        match self.kind() {
            Some(TokenKind::Op(Op::Mul)) => {
                ensure(self, args.star.is_none() && args.double_star.is_none())?;
                self.next()?;
                args.star = Some(self.expression()?);
            }
            Some(TokenKind::Op(Op::Pow)) => {
                ensure(self, args.double_star.is_none())?;
                self.next()?;
                args.double_star = Some(self.expression()?);
            }
            Some(TokenKind::Name(name)) if self.look()?.is_some_and(|k| k.is_op(Op::Assign)) => {
                ensure(self, args.double_star.is_none())?;
                self.next()?;
                self.next()?;
                args.keywords.push((name.as_str().into(), self.expression()?));
            }
            _ => {
                let plain = args.star.is_none() && args.double_star.is_none();
                ensure(self, plain && args.keywords.is_empty())?;
                args.positional.push(self.expression()?);
            }
        }
        Ok(())
    }

    fn dotted_name(&mut self) -> Parsed<String> {
        let mut name = self.expect_name()?.to_owned();
        while self.skip_op(Op::Dot)? {
            name.push('.');
            name.push_str(self.expect_name()?);
        }
        Ok(name)
    }

    /// A filter after its bar.
    pub(super) fn filter(&mut self, object: Option<Expr>) -> Parsed<Expr> {
        let token = self.at;
        let name = self.dotted_name()?;
        let args = if self.is_op(Op::LParen) { self.arguments()? } else { Args::default() };
        Ok(match filters::find(&name) {
            Some(code) => Expr::Filter(Box::new(Filter { name: name.into(), code, object, args })),
            None => self.unknown(token, "filter", &name, object, args),
        })
    }

    fn unknown(
        &self,
        token: usize,
        kind: &'static str,
        name: &str,
        object: Option<Expr>,
        args: Args,
    ) -> Expr {
        let error = self.error(token, filters::unknown_text(name));
        Expr::Unknown(Box::new(Unknown { kind, error, object, args }))
    }

    fn test(&mut self, object: Expr) -> Parsed<Expr> {
        self.next()?;
        let negated = self.skip_word("not")?;
        let token = self.at;
        let name = self.dotted_name()?;
        let args = self.test_arguments()?;
        let test = match tests::find(&name) {
            Some(code) => Expr::Test(Box::new(Test { code, object, args })),
            None => self.unknown(token, "test", &name, Some(object), args),
        };
        Ok(if negated { Expr::Unary(UnaryOp::Not, Box::new(test)) } else { test })
    }

    /// The arguments of a test: in parentheses, or a single one as it stands.
    fn test_arguments(&mut self) -> Parsed<Args> {
        let is_argument = match self.kind() {
            Some(TokenKind::Op(Op::LParen)) => return self.arguments(),
            Some(TokenKind::Name(name)) => {
                if name == "is" {
                    return Err(self.fail("You cannot chain multiple tests with is"));
                }
                !matches!(name.as_str(), "else" | "or" | "and")
            }
            Some(TokenKind::Str(_) | TokenKind::Int(_) | TokenKind::Float(_)) => true,
            Some(TokenKind::Op(Op::LBracket | Op::LBrace)) => true,
            _ => false,
        };
        let mut args = Args::default();
        if is_argument {
            let argument = self.primary()?;
            args.positional.push(self.postfix(argument)?);
        }
        Ok(args)
    }
}

/// An item of a subscript.
enum Key {
    Item(Expr),
    Slice([Option<Expr>; 3]),
}
