//! Statements.

use std::sync::Arc;

use super::{MOST_LOOPS, Parsed, Parser, STATEMENT, expr::Commas};
use crate::template::{
    syntax::{Op, TokenKind},
    tree::{
        Assign, AssignBlock, BlockCall, CallBlock, Expr, FilterBlock, For, Frame, FromImport,
        Function, Import, Include, LoopTest, Macro, MacroStmt, Name, Output, Parameter, Part,
        Scope, Slot, Stmt, With, makes_generator,
    },
};
use crate::value::repr::str_repr;

impl<'a> Parser<'a> {
    /// Data, expressions and statements up to one of the tags `ends`, which becomes current.
    pub(super) fn body(&mut self, ends: Option<&'static [&'static str]>) -> Parsed<Vec<Stmt>> {
        self.ends.extend(ends);
        let mut out = Vec::new();
        let mut parts = Vec::new();
        loop {
            match self.kind() {
                None => break,
                Some(TokenKind::Data(text)) => {
                    if !text.is_empty() {
                        parts.push(Part::Text(text.as_str().into()));
                    }
                    self.next()?;
                }
                Some(TokenKind::VariableBegin) => {
                    self.next()?;
                    parts.push(Part::Expr(self.expressions()?));
                    if !matches!(self.kind(), Some(TokenKind::VariableEnd)) {
                        return Err(self.expected("end of print statement"));
                    }
                    self.next()?;
                }
                Some(_) => {
                    flush(&mut out, &mut parts);
                    self.next()?;
                    if ends.is_some_and(|ends| self.word().is_some_and(|w| ends.contains(&w))) {
                        break;
                    }
                    out.extend(self.statement()?);
                    self.expect_block_end()?;
                }
            }
        }
        flush(&mut out, &mut parts);
        if ends.is_some() {
            self.ends.pop();
        }
        Ok(out)
    }

    /// The body of a statement, after its tag; a colon may end that, as in Python.
    fn inner(&mut self, ends: &'static [&'static str]) -> Parsed<Vec<Stmt>> {
        self.skip_op(Op::Colon)?;
        self.expect_block_end()?;
        let body = self.deeper(STATEMENT, |p| p.body(Some(ends)))?;
        if self.kind().is_none() {
            self.ends.push(ends);
            return Err(self.nesting_error(None));
        }
        Ok(body)
    }

    /// The same up to the one tag that ends the statement.
    fn whole(&mut self, ends: &'static [&'static str]) -> Parsed<Vec<Stmt>> {
        let body = self.inner(ends)?;
        self.next()?;
        Ok(body)
    }

    /// Jinja2's text for a tag that does not belong here, or for the end of the template.
    fn nesting_error(&self, tag: Option<&str>) -> super::Failure {
        let mut message = match tag {
            Some(tag) => format!("Encountered unknown tag {}.", str_repr(tag)),
            None => "Unexpected end of template.".to_owned(),
        };
        if let Some(ends) = self.ends.last() {
            let looking: Vec<_> = ends.iter().map(|e| format!("'{e}'")).collect();
            let looking = looking.join(" or ");
            let expected = |tag: &str| self.ends.iter().any(|ends| ends.contains(&tag));
            message.push_str(&if tag.is_some_and(expected) {
                format!(
                    " You probably made a nesting mistake. Jinja is expecting this tag, but \
                     currently looking for {looking}."
                )
            } else {
                format!(" Jinja was looking for the following tags: {looking}.")
            });
        }
        if let Some(open) = self.open.last() {
            message.push_str(&format!(
                " The innermost block that needs to be closed is {}.",
                str_repr(open)
            ));
        }
        self.fail(message)
    }

    fn statement(&mut self) -> Parsed<Option<Stmt>> {
        let Some(keyword) = self.word() else { return Err(self.fail("tag name expected")) };
        let known = matches!(
            keyword,
            "for"
                | "if"
                | "block"
                | "extends"
                | "print"
                | "macro"
                | "include"
                | "from"
                | "import"
                | "set"
                | "with"
                | "autoescape"
                | "call"
                | "filter"
        );
        let extended = self.syntax.do_statement && keyword == "do"
            || self.syntax.loop_controls && matches!(keyword, "break" | "continue");
        if !known && !extended {
            return Err(self.nesting_error(Some(keyword)));
        }
        let first = self.at;
        self.open.push(keyword);
        self.next()?;
        let stmt = match keyword {
            "for" => self.for_loop()?,
            "if" => self.if_cond()?,
            "block" => self.block(first)?,
            "extends" => {
                self.may_mutate = true;
                Stmt::Extends(self.expression()?)
            }
            "print" => self.print()?,
            "macro" => self.macro_stmt()?,
            "include" => self.include()?,
            "from" => self.import_names(first)?,
            "import" => self.import()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "autoescape" => Stmt::Scope(Scope {
                autoescape: self.expression()?,
                frame: Frame::default(),
                body: self.whole(&["endautoescape"])?,
            }),
            "call" => self.call_block(first)?,
            "filter" => {
                let filter = self.filter(None)?;
                Stmt::FilterBlock(FilterBlock {
                    filter: self.more_filters(filter)?,
                    frame: Frame::default(),
                    body: self.whole(&["endfilter"])?,
                })
            }
            "do" => Stmt::Expr(self.expressions()?),
            // Python has no `break` outside of loops.
            _ if self.loops == 0 => Stmt::Expr(Expr::Unwritable),
            "break" => Stmt::Break,
            _ => Stmt::Continue,
        };
        self.open.pop();
        Ok(Some(stmt))
    }

    /// Filters after the first of a block.
    fn more_filters(&mut self, mut filter: Expr) -> Parsed<Expr> {
        while self.skip_op(Op::Pipe)? {
            filter = self.filter(Some(filter))?;
        }
        Ok(filter)
    }

    fn for_loop(&mut self) -> Parsed<Stmt> {
        let target = self.target(false)?;
        self.expect_word("in")?;
        let commas = Commas { conditions: false, explicit: false };
        let iter = self.tuple(commas)?;
        let test = if self.skip_word("if")? {
            Some(LoopTest {
                target: target.clone(),
                frame: Frame::default(),
                test: self.expression()?,
                slots: 0,
            })
        } else {
            None
        };
        let recursive = self.skip_word("recursive")?;
        self.loops += 1;
        let mut body = self.inner(&["endfor", "else"])?;
        if self.loops > MOST_LOOPS {
            body.push(Stmt::Expr(Expr::Unwritable));
        }
        self.loops -= 1;
        let otherwise = self.is_word("else");
        self.next()?;
        let else_body = if otherwise { self.whole(&["endfor"])? } else { Vec::new() };
        let is_generator = recursive && (makes_generator(&body) || makes_generator(&else_body));
        Ok(Stmt::For(Arc::new(For {
            target,
            iter,
            test,
            recursive,
            is_generator,
            assigns_loop: false,
            loop_slot: None,
            frame: Frame::default(),
            body,
            else_frame: Frame::default(),
            else_body,
            slots: 0,
        })))
    }

    fn if_cond(&mut self) -> Parsed<Stmt> {
        let commas = Commas { conditions: false, explicit: false };
        let mut arms = Vec::new();
        loop {
            let test = self.tuple(commas)?;
            arms.push((test, self.inner(&["elif", "else", "endif"])?));
            let word = self.word();
            self.next()?;
            match word {
                Some("elif") => {}
                Some("else") => return Ok(Stmt::If(arms, self.whole(&["endif"])?)),
                _ => return Ok(Stmt::If(arms, Vec::new())),
            }
        }
    }

    fn with(&mut self) -> Parsed<Stmt> {
        let mut assignments = Vec::new();
        while !self.is_block_end() {
            if !assignments.is_empty() {
                self.expect_op(Op::Comma)?;
            }
            let target = self.target(false)?;
            self.expect_op(Op::Assign)?;
            assignments.push((target, self.expression()?));
        }
        let body = self.whole(&["endwith"])?;
        Ok(Stmt::With(With { assignments, frame: Frame::default(), body }))
    }

    fn block(&mut self, first: usize) -> Parsed<Stmt> {
        let name: Name = self.expect_name()?.into();
        let scoped = self.skip_word("scoped")?;
        let required = self.skip_word("required")?;
        if self.is_op(Op::Sub) {
            return Err(self.fail(
                "Block names in Jinja have to be valid Python identifiers and may not contain \
                 hyphens, use an underscore instead.",
            ));
        }
        if self.blocks.contains_key(&name) && self.twice.is_none() {
            let message = format!("block {} defined twice", str_repr(&name));
            self.twice = Some(self.error(first, message));
        }
        // Blocks are numbered as they begin, the outer before the inner.
        self.blocks.insert(Arc::clone(&name), Vec::new());
        let body = self.function(|p| p.whole(&["endblock"]))?;
        if required && !body.iter().all(is_blank) {
            return Err(self.fail("Required blocks can only contain comments or whitespace"));
        }
        self.skip_word(&name)?;
        self.blocks.insert(Arc::clone(&name), body);
        let call = BlockCall { name, required, scoped, checked: false, locals: Vec::new() };
        Ok(Stmt::Block(call))
    }

    /// A body that is a function of its own, to which the loops around it are nothing.
    fn function<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let loops = std::mem::take(&mut self.loops);
        let parsed = parse(self);
        self.loops = loops;
        parsed
    }

    fn set(&mut self) -> Parsed<Stmt> {
        let target = self.target(true)?;
        if self.skip_op(Op::Assign)? {
            let value = self.expressions()?;
            return Ok(Stmt::Assign(Assign { target, value, exports: Vec::new() }));
        }
        // It may be an item of anything.
        self.may_mutate |= matches!(target, crate::template::tree::Target::Attribute(..));
        let filter = if self.skip_op(Op::Pipe)? {
            let first = self.filter(None)?;
            Some(self.more_filters(first)?)
        } else {
            None
        };
        Ok(Stmt::AssignBlock(AssignBlock {
            target,
            filter,
            frame: Frame::default(),
            body: self.whole(&["endset"])?,
            exports: Vec::new(),
        }))
    }

    fn print(&mut self) -> Parsed<Stmt> {
        let mut parts = Vec::new();
        while !self.is_block_end() {
            if !parts.is_empty() {
                self.expect_op(Op::Comma)?;
            }
            parts.push(Part::Expr(self.expression()?));
        }
        Ok(Stmt::Output(Output { parts, checked: false }))
    }

    fn macro_stmt(&mut self) -> Parsed<Stmt> {
        let name = self.target_name()?;
        let parameters = self.signature()?;
        let body = self.function(|p| p.whole(&["endmacro"]))?;
        Ok(Stmt::Macro(MacroStmt {
            target: Slot::default(),
            toplevel: false,
            definition: Arc::new(definition(Some(name), parameters, body)),
        }))
    }

    fn call_block(&mut self, first: usize) -> Parsed<Stmt> {
        let parameters = if self.is_op(Op::LParen) { self.signature()? } else { Vec::new() };
        let call = self.expression()?;
        if !matches!(call, Expr::Call(_)) {
            return Err(self.error(first, "expected call").into());
        }
        let body = self.function(|p| p.whole(&["endcall"]))?;
        let body = Arc::new(definition(None, parameters, body));
        Ok(Stmt::CallBlock(CallBlock { call, body }))
    }

    /// `with context` or `without context`, if that stands here.
    fn context(&mut self) -> Parsed<Option<bool>> {
        let Some(word @ ("with" | "without")) = self.word() else { return Ok(None) };
        if self.look()?.and_then(TokenKind::name) != Some("context") {
            return Ok(None);
        }
        self.next()?;
        self.next()?;
        Ok(Some(word == "with"))
    }

    fn include(&mut self) -> Parsed<Stmt> {
        self.may_mutate = true;
        let template = self.expression()?;
        let ignore_missing =
            self.is_word("ignore") && self.look()?.and_then(TokenKind::name) == Some("missing");
        if ignore_missing {
            self.next()?;
            self.next()?;
        }
        let with_context = self.context()?.unwrap_or(true);
        let locals = Vec::new();
        Ok(Stmt::Include(Include { template, ignore_missing, with_context, locals }))
    }

    fn import(&mut self) -> Parsed<Stmt> {
        self.may_mutate = true;
        let template = self.expression()?;
        self.expect_word("as")?;
        let name = self.target_name()?;
        let with_context = self.context()?.unwrap_or(false);
        Ok(Stmt::Import(Import {
            template,
            target: Slot::default(),
            name,
            toplevel: false,
            with_context,
            locals: Vec::new(),
        }))
    }

    fn import_names(&mut self, first: usize) -> Parsed<Stmt> {
        self.may_mutate = true;
        let template = self.expression()?;
        self.expect_word("import")?;
        let mut names = Vec::new();
        let with_context = loop {
            if !names.is_empty() {
                self.expect_op(Op::Comma)?;
            }
            if self.word().is_none() {
                return Err(self.expected("name"));
            }
            let with_context = self.context()?;
            if with_context.is_some() {
                break with_context;
            }
            let token = self.at;
            let name = self.target_name()?;
            if name.starts_with('_') {
                let message = "names starting with an underline can not be imported";
                return Err(self.error(token, message).into());
            }
            let alias = if self.skip_word("as")? { self.target_name()? } else { Arc::clone(&name) };
            names.push((name, alias, Slot::default()));
            let with_context = self.context()?;
            if with_context.is_some() || !self.is_op(Op::Comma) {
                break with_context;
            }
        };
        Ok(Stmt::FromImport(FromImport {
            template,
            names,
            toplevel: false,
            line: self.line_of(first),
            with_context: with_context.unwrap_or(false),
            locals: Vec::new(),
        }))
    }
}

fn definition(name: Option<Name>, parameters: Vec<(Name, Option<Expr>)>, body: Vec<Stmt>) -> Macro {
    let parameters = parameters.into_iter();
    let parameters =
        parameters.map(|(name, default)| Parameter { name, slot: Slot::default(), default });
    Macro {
        name,
        parameters: parameters.collect(),
        caller: None,
        uses_caller: false,
        kwargs: None,
        varargs: None,
        is_generator: makes_generator(&body),
        function: Function { body, ..Function::default() },
    }
}

fn is_blank(stmt: &Stmt) -> bool {
    let Stmt::Output(output) = stmt else { return false };
    output.parts.iter().all(|part| match part {
        Part::Text(text) => !text.is_empty() && text.chars().all(char::is_whitespace),
        Part::Expr(_) | Part::Anew(_) | Part::Constant(..) => false,
    })
}

/// Text and expressions that follow each other are one output.
fn flush(out: &mut Vec<Stmt>, parts: &mut Vec<Part>) {
    if !parts.is_empty() {
        out.push(Stmt::Output(Output { parts: std::mem::take(parts), checked: false }));
    }
}
