//! XPath 1.0: from text to expressions.

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Number(f64),
    Text(String),
    Binary(Operator, Box<Expr>, Box<Expr>),
    Negative(Box<Expr>),
    Call(String, Vec<Expr>),
    /// A path from the document (`true`) or from the node that is asked about.
    Path(bool, Vec<Step>),
    /// What an expression gives, chosen from and gone on from.
    Chosen(Box<Expr>, Vec<Expr>, Vec<Step>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Plus,
    Minus,
    Times,
    Divided,
    Modulo,
    Union,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub axis: Axis,
    pub test: Test,
    pub predicates: Vec<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Parent,
    Preceding,
    PrecedingSibling,
    Itself,
}

impl Axis {
    fn named(name: &str) -> Option<Axis> {
        Some(match name {
            "ancestor" => Axis::Ancestor,
            "ancestor-or-self" => Axis::AncestorOrSelf,
            "attribute" => Axis::Attribute,
            "child" => Axis::Child,
            "descendant" => Axis::Descendant,
            "descendant-or-self" => Axis::DescendantOrSelf,
            "following" => Axis::Following,
            "following-sibling" => Axis::FollowingSibling,
            "parent" => Axis::Parent,
            "preceding" => Axis::Preceding,
            "preceding-sibling" => Axis::PrecedingSibling,
            "self" => Axis::Itself,
            _ => return None,
        })
    }

    /// Whether positions are counted against the order of the document.
    pub fn goes_back(self) -> bool {
        matches!(
            self,
            Axis::Ancestor | Axis::AncestorOrSelf | Axis::Preceding | Axis::PrecedingSibling
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// A prefix, and a name or `*`.
    Name(Option<String>, Option<String>),
    Node,
    Text,
    Comment,
    Instruction(Option<String>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Text(String),
    /// A name, perhaps with a prefix, or `prefix:*`.
    Name(String),
    Mark(&'static str),
}

const MARKS: [&str; 21] = [
    "::", "//", "..", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=",
    "<", ">", "*",
];

/// Deeper nesting than this is no expression that anybody wrote.
const DEEPEST: usize = 64;

/// The expression of a text; the error is libxml2's word for what is wrong.
pub(super) fn parse(text: &str) -> Result<Expr, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let expr = parser.binary(0)?;
    match parser.at == parser.tokens.len() {
        true => Ok(expr),
        false => Err(INVALID.into()),
    }
}

const INVALID: &str = "Invalid expression";

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let length;
        if first.is_ascii_digit() || (first == '.' && digits > 1 && !rest.starts_with("..")) {
            length = digits;
            tokens.push(Token::Number(rest[..digits].parse().map_err(|_| INVALID)?));
        } else if matches!(first, '"' | '\'') {
            let Some(end) = rest[1..].find(first) else {
                return Err("Unfinished literal".into());
            };
            length = end + 2;
            tokens.push(Token::Text(rest[1..=end].to_owned()));
        } else if first.is_alphabetic() || first == '_' {
            length = name_length(rest);
            tokens.push(Token::Name(rest[..length].to_owned()));
        } else if let Some(mark) = MARKS.iter().find(|mark| rest.starts_with(**mark)) {
            length = mark.len();
            tokens.push(Token::Mark(mark));
        } else if first == '$' {
            return Err("Undefined variable".into());
        } else {
            return Err(INVALID.into());
        }
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn name_length(text: &str) -> usize {
    let part = |text: &str| {
        text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .unwrap_or(text.len())
    };
    let first = part(text);
    match text[first..].strip_prefix(':') {
        Some(rest) if rest.starts_with('*') => first + 2,
        Some(rest) if rest.starts_with(|c: char| c.is_alphabetic() || c == '_') => {
            first + 1 + part(rest)
        }
        _ => first,
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is(&self, mark: &str) -> bool {
        matches!(self.peek(), Some(Token::Mark(known)) if *known == mark)
    }

    fn takes(&mut self, mark: &str) -> bool {
        let there = self.is(mark);
        self.at += usize::from(there);
        there
    }

    fn needs(&mut self, mark: &str) -> Result<(), String> {
        if self.takes(mark) { Ok(()) } else { Err(INVALID.into()) }
    }

    /// The operator that stands here, and how strongly it binds.
    fn operator(&self) -> Option<(Operator, u8)> {
        Some(match self.peek()? {
            Token::Name(name) => match name.as_str() {
                "or" => (Operator::Or, 1),
                "and" => (Operator::And, 2),
                "div" => (Operator::Divided, 6),
                "mod" => (Operator::Modulo, 6),
                _ => return None,
            },
            Token::Mark(mark) => match *mark {
                "=" => (Operator::Equal, 3),
                "!=" => (Operator::Unequal, 3),
                "<" => (Operator::Less, 4),
                "<=" => (Operator::AtMost, 4),
                ">" => (Operator::Greater, 4),
                ">=" => (Operator::AtLeast, 4),
                "+" => (Operator::Plus, 5),
                "-" => (Operator::Minus, 5),
                "*" => (Operator::Times, 6),
                "|" => (Operator::Union, 8),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn binary(&mut self, least: u8) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("Expression is nested too deeply".into());
        }
        let mut left = self.unary()?;
        while let Some((operator, binds)) = self.operator().filter(|(_, binds)| *binds > least) {
            self.at += 1;
            let right = self.binary(binds)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, String> {
        if self.takes("-") {
            // Binds more than all but `|`.
            return Ok(Expr::Negative(Box::new(self.binary(7)?)));
        }
        self.path()
    }

    fn path(&mut self) -> Result<Expr, String> {
        let base = match self.peek().cloned() {
            Some(Token::Number(number)) => {
                self.at += 1;
                Expr::Number(number)
            }
            Some(Token::Text(text)) => {
                self.at += 1;
                Expr::Text(text)
            }
            Some(Token::Mark("(")) => {
                self.at += 1;
                let inner = self.binary(0)?;
                self.needs(")")?;
                inner
            }
            Some(Token::Name(name)) if self.is_call(&name) => {
                self.at += 2;
                Expr::Call(name, self.arguments()?)
            }
            _ => return self.location(),
        };
        let predicates = self.predicates()?;
        let steps = match self.is("/") || self.is("//") {
            true => self.steps()?,
            false => Vec::new(),
        };
        Ok(match predicates.is_empty() && steps.is_empty() {
            true => base,
            false => Expr::Chosen(Box::new(base), predicates, steps),
        })
    }

    fn is_call(&self, name: &str) -> bool {
        let is_kind = matches!(name, "comment" | "text" | "node" | "processing-instruction");
        !is_kind && self.tokens.get(self.at + 1) == Some(&Token::Mark("("))
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, String> {
        let mut all = Vec::new();
        if self.takes(")") {
            return Ok(all);
        }
        loop {
            all.push(self.binary(0)?);
            if self.takes(")") {
                return Ok(all);
            }
            self.needs(",")?;
        }
    }

    fn predicates(&mut self) -> Result<Vec<Expr>, String> {
        let mut all = Vec::new();
        while self.takes("[") {
            all.push(self.binary(0)?);
            if !self.takes("]") {
                return Err("Invalid predicate".into());
            }
        }
        Ok(all)
    }

    fn location(&mut self) -> Result<Expr, String> {
        if self.is("/") && !self.begins_step(self.at + 1) {
            self.at += 1;
            return Ok(Expr::Path(true, Vec::new()));
        }
        if self.is("/") || self.is("//") {
            return Ok(Expr::Path(true, self.steps()?));
        }
        let mut steps = vec![self.step()?];
        steps.extend(self.steps()?);
        Ok(Expr::Path(false, steps))
    }

    fn begins_step(&self, at: usize) -> bool {
        matches!(self.tokens.get(at), Some(Token::Name(_) | Token::Mark("." | ".." | "@" | "*")))
    }

    /// Steps, each behind a slash or two.
    fn steps(&mut self) -> Result<Vec<Step>, String> {
        let mut all = Vec::new();
        loop {
            if self.takes("//") {
                let (axis, test) = (Axis::DescendantOrSelf, Test::Node);
                all.push(Step { axis, test, predicates: Vec::new() });
            } else if !self.takes("/") {
                return Ok(all);
            }
            all.push(self.step()?);
        }
    }

    fn step(&mut self) -> Result<Step, String> {
        for (mark, axis) in [(".", Axis::Itself), ("..", Axis::Parent)] {
            if self.takes(mark) {
                return Ok(Step { axis, test: Test::Node, predicates: Vec::new() });
            }
        }
        let mut axis = Axis::Child;
        if self.takes("@") {
            axis = Axis::Attribute;
        } else if let Some(Token::Name(name)) = self.peek()
            && self.tokens.get(self.at + 1) == Some(&Token::Mark("::"))
        {
            axis = Axis::named(name).ok_or_else(|| format!("the axis {name} is not known here"))?;
            self.at += 2;
        }
        let test = self.test()?;
        Ok(Step { axis, test, predicates: self.predicates()? })
    }

    fn test(&mut self) -> Result<Test, String> {
        if self.takes("*") {
            return Ok(Test::Name(None, None));
        }
        let Some(Token::Name(name)) = self.peek().cloned() else { return Err(INVALID.into()) };
        self.at += 1;
        if self.takes("(") {
            let argument = match self.peek().cloned() {
                Some(Token::Text(text)) => {
                    self.at += 1;
                    Some(text)
                }
                _ => None,
            };
            self.needs(")")?;
            return match (name.as_str(), argument) {
                ("node", None) => Ok(Test::Node),
                ("text", None) => Ok(Test::Text),
                ("comment", None) => Ok(Test::Comment),
                ("processing-instruction", target) => Ok(Test::Instruction(target)),
                _ => Err(INVALID.into()),
            };
        }
        Ok(match name.split_once(':') {
            Some((prefix, "*")) => Test::Name(Some(prefix.to_owned()), None),
            Some((prefix, local)) => Test::Name(Some(prefix.to_owned()), Some(local.to_owned())),
            None => Test::Name(None, Some(name)),
        })
    }
}
