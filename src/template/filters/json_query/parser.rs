//! The grammar of JMESPath, by binding powers.

use super::{
    Comparison, Expr, failed,
    lexer::{Kind, Token, tokens},
};
use crate::value::{PyError, PyResult, Value};

/// What stops a projection binds less than this.
const PROJECTION_STOP: u32 = 10;

/// Parses `text`.
pub(super) fn parse(text: &str) -> PyResult<Expr> {
    let mut parser = Parser { text, tokens: tokens(text)?, at: 0 };
    let parsed = parser.expression(0)?;
    let token = parser.current();
    if token.kind != Kind::Eof {
        let message = format!("Unexpected token: {}", token.text);
        return Err(parser.error(&token, &message));
    }
    Ok(parsed)
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
}

fn boxed(e: Expr) -> Box<Expr> {
    Box::new(e)
}

impl Parser<'_> {
    fn ahead(&self, n: usize) -> Kind {
        self.tokens.get(self.at + n).map_or(Kind::Eof, |t| t.kind)
    }

    fn kind(&self) -> Kind {
        self.ahead(0)
    }

    fn current(&self) -> Token {
        let at = self.at.min(self.tokens.len() - 1);
        self.tokens[at].clone()
    }

    fn error(&self, token: &Token, message: &str) -> PyError {
        let underline = " ".repeat(token.start + 1);
        failed(format!(
            "{message}: Parse error at column {}, token \"{}\" ({}), for expression:\n\"{}\"\n{underline}^",
            token.start,
            token.text,
            token.kind.name().to_uppercase(),
            self.text
        ))
    }

    fn incomplete(&self) -> PyError {
        let underline = " ".repeat(self.text.chars().count() + 1);
        failed(format!(
            "Invalid jmespath expression: Incomplete expression:\n\"{}\"\n{underline}^",
            self.text
        ))
    }

    fn eat(&mut self, kind: Kind) -> PyResult<()> {
        if self.kind() != kind {
            let token = self.current();
            return Err(match token.kind {
                Kind::Eof => self.incomplete(),
                other => self
                    .error(&token, &format!("Expecting: {}, got: {}", kind.name(), other.name())),
            });
        }
        self.at += 1;
        Ok(())
    }

    fn expression(&mut self, power: u32) -> PyResult<Expr> {
        let mut left = self.prefix()?;
        while power < self.kind().power() {
            left = self.infix(left)?;
        }
        Ok(left)
    }

    fn prefix(&mut self) -> PyResult<Expr> {
        let token = self.current();
        let start = self.at;
        self.at += 1;
        match token.kind {
            Kind::Literal => Ok(Expr::Literal(token.value)),
            Kind::Unquoted => Ok(Expr::Field(token.text)),
            Kind::Quoted => {
                if self.kind() == Kind::LParen {
                    let mut paren = self.current();
                    paren.start = 0;
                    return Err(
                        self.error(&paren, "Quoted identifier not allowed for function names.")
                    );
                }
                Ok(Expr::Field(token.text))
            }
            Kind::Star => {
                let right = if self.kind() == Kind::RBracket {
                    Expr::Identity
                } else {
                    self.projected(Kind::Star.power())?
                };
                Ok(Expr::ValueProjection(boxed(Expr::Identity), boxed(right)))
            }
            Kind::Filter => self.filter(Expr::Identity),
            Kind::LBrace => self.hash(),
            Kind::LParen => {
                let inner = self.expression(0)?;
                self.eat(Kind::RParen)?;
                Ok(inner)
            }
            Kind::Flatten => self.flatten(Expr::Identity),
            Kind::Not => Ok(Expr::Not(boxed(self.expression(Kind::Not.power())?))),
            Kind::LBracket => match (self.kind(), self.ahead(1)) {
                (Kind::Number | Kind::Colon, _) => self.index(Expr::Identity),
                (Kind::Star, Kind::RBracket) => {
                    self.at += 2;
                    let right = self.projected(Kind::Star.power())?;
                    Ok(Expr::Projection(boxed(Expr::Identity), boxed(right)))
                }
                _ => self.list(),
            },
            Kind::Current => Ok(Expr::Identity),
            Kind::Expref => Ok(Expr::Reference(boxed(self.expression(0)?))),
            Kind::Eof => Err(self.incomplete()),
            _ => {
                self.at = start;
                Err(self.error(&token, "invalid token"))
            }
        }
    }

    fn infix(&mut self, left: Expr) -> PyResult<Expr> {
        let token = self.current();
        self.at += 1;
        let power = token.kind.power();
        match token.kind {
            Kind::Dot if self.kind() == Kind::Star => {
                self.at += 1;
                let right = self.projected(power)?;
                Ok(Expr::ValueProjection(boxed(left), boxed(right)))
            }
            Kind::Dot => {
                let right = self.after_dot(power)?;
                Ok(Expr::Chain(boxed(left), boxed(right)))
            }
            Kind::Pipe => {
                let right = self.expression(power)?;
                Ok(Expr::Chain(boxed(left), boxed(right)))
            }
            Kind::Or => Ok(Expr::Or(boxed(left), boxed(self.expression(power)?))),
            Kind::And => Ok(Expr::And(boxed(left), boxed(self.expression(power)?))),
            Kind::LParen => self.call(left),
            Kind::Filter => self.filter(left),
            Kind::Flatten => self.flatten(left),
            Kind::LBracket => {
                if matches!(self.kind(), Kind::Number | Kind::Colon) {
                    return self.index(left);
                }
                self.eat(Kind::Star)?;
                self.eat(Kind::RBracket)?;
                let right = self.projected(Kind::Star.power())?;
                Ok(Expr::Projection(boxed(left), boxed(right)))
            }
            Kind::Eq | Kind::Ne | Kind::Lt | Kind::Lte | Kind::Gt | Kind::Gte => {
                let comparison = match token.kind {
                    Kind::Eq => Comparison::Eq,
                    Kind::Ne => Comparison::Ne,
                    Kind::Lt => Comparison::Lt,
                    Kind::Lte => Comparison::Le,
                    Kind::Gt => Comparison::Gt,
                    _ => Comparison::Ge,
                };
                let right = self.expression(power)?;
                Ok(Expr::Compare(comparison, boxed(left), boxed(right)))
            }
            _ => Err(self.error(&token, "invalid token")),
        }
    }

    fn call(&mut self, left: Expr) -> PyResult<Expr> {
        let Expr::Field(name) = left else {
            let before = self.tokens[self.at.saturating_sub(2)].clone();
            return Err(self.error(&before, &format!("Invalid function name '{}'", before.text)));
        };
        let mut args = Vec::new();
        while self.kind() != Kind::RParen {
            args.push(self.expression(0)?);
            if self.kind() == Kind::Comma {
                self.at += 1;
            }
        }
        self.eat(Kind::RParen)?;
        Ok(Expr::Call(name, args))
    }

    fn filter(&mut self, left: Expr) -> PyResult<Expr> {
        let condition = self.expression(0)?;
        self.eat(Kind::RBracket)?;
        let right = if self.kind() == Kind::Flatten {
            Expr::Identity
        } else {
            self.projected(Kind::Filter.power())?
        };
        Ok(Expr::FilterProjection(boxed(left), boxed(right), boxed(condition)))
    }

    fn flatten(&mut self, left: Expr) -> PyResult<Expr> {
        let right = self.projected(Kind::Flatten.power())?;
        Ok(Expr::Projection(boxed(Expr::Flatten(boxed(left))), boxed(right)))
    }

    /// `[1]` or `[1:2:3]`, behind the bracket.
    fn index(&mut self, left: Expr) -> PyResult<Expr> {
        if self.kind() != Kind::Colon && self.ahead(1) != Kind::Colon {
            let index = number(&self.current());
            self.at += 1;
            self.eat(Kind::RBracket)?;
            return Ok(Expr::Chain(boxed(left), boxed(Expr::Index(index))));
        }
        let mut parts = [None; 3];
        let mut part = 0;
        while self.kind() != Kind::RBracket {
            let token = self.current();
            match token.kind {
                Kind::Colon if part < 2 => part += 1,
                Kind::Number => parts[part] = Some(number(&token)),
                Kind::Eof => return Err(self.error(&token, "syntax error")),
                _ => return Err(self.error(&token, "syntax error")),
            }
            self.at += 1;
        }
        self.eat(Kind::RBracket)?;
        let sliced = Expr::Chain(boxed(left), boxed(Expr::Slice(parts)));
        let right = self.projected(Kind::Star.power())?;
        Ok(Expr::Projection(boxed(sliced), boxed(right)))
    }

    fn list(&mut self) -> PyResult<Expr> {
        let mut items = Vec::new();
        loop {
            items.push(self.expression(0)?);
            if self.kind() == Kind::RBracket {
                break;
            }
            self.eat(Kind::Comma)?;
        }
        self.eat(Kind::RBracket)?;
        Ok(Expr::List(items))
    }

    fn hash(&mut self) -> PyResult<Expr> {
        let mut pairs = Vec::new();
        loop {
            let key = self.current();
            if !matches!(key.kind, Kind::Quoted | Kind::Unquoted) {
                return Err(match key.kind {
                    Kind::Eof => self.incomplete(),
                    other => self.error(
                        &key,
                        &format!(
                            "Expecting: ['quoted_identifier', 'unquoted_identifier'], got: {}",
                            other.name()
                        ),
                    ),
                });
            }
            self.at += 1;
            self.eat(Kind::Colon)?;
            pairs.push((key.text, self.expression(0)?));
            match self.kind() {
                Kind::Comma => self.at += 1,
                Kind::RBrace => {
                    self.at += 1;
                    return Ok(Expr::Hash(pairs));
                }
                _ => {}
            }
        }
    }

    /// What follows a projection.
    fn projected(&mut self, power: u32) -> PyResult<Expr> {
        match self.kind() {
            kind if kind.power() < PROJECTION_STOP => Ok(Expr::Identity),
            Kind::LBracket | Kind::Filter => self.expression(power),
            Kind::Dot => {
                self.at += 1;
                self.after_dot(power)
            }
            _ => Err(self.error(&self.current(), "syntax error")),
        }
    }

    fn after_dot(&mut self, power: u32) -> PyResult<Expr> {
        match self.kind() {
            Kind::Quoted | Kind::Unquoted | Kind::Star => self.expression(power),
            Kind::LBracket => {
                self.at += 1;
                self.list()
            }
            Kind::LBrace => {
                self.at += 1;
                self.hash()
            }
            other => {
                let message = format!(
                    "Expecting: ['quoted_identifier', 'unquoted_identifier', 'lbracket', \
                     'lbrace'], got: {}",
                    other.name()
                );
                Err(self.error(&self.current(), &message))
            }
        }
    }
}

fn number(token: &Token) -> i64 {
    match token.value {
        Value::Int(n) => n,
        _ => i64::MAX,
    }
}
