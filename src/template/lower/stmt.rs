//! Statements.

use std::sync::Arc;

use minijinja::machinery::ast;

use super::Lower;
use crate::template::{
    syntax::{SyntaxError, TokenKind, skeleton::Note},
    tree::{
        Assign, AssignBlock, BlockCall, CallBlock, FilterBlock, For, Frame, FromImport, Function,
        Import, Include, LoopTest, Macro, MacroStmt, Name, Output, Parameter, Part, Scope, Slot,
        Stmt, Target, With,
    },
};

type Lowered<T> = Result<T, SyntaxError>;

impl Lower<'_> {
    pub(super) fn body(&mut self, stmts: &[ast::Stmt<'_>]) -> Lowered<Vec<Stmt>> {
        let mut out = Vec::with_capacity(stmts.len());
        for stmt in stmts {
            match stmt {
                ast::Stmt::EmitRaw(raw) => {
                    for token in raw.raw.split(',') {
                        let token = token.parse::<usize>().ok().and_then(|t| self.tokens.get(t));
                        if let Some(TokenKind::Data(text)) = token.map(|t| &t.kind) {
                            push_part(&mut out, Part::Text(text.as_str().into()));
                        }
                    }
                }
                ast::Stmt::EmitExpr(e) => {
                    let expr = self.expr(&e.expr)?;
                    push_part(&mut out, Part::Expr(expr));
                }
                other => {
                    let stmt = self.stmt(other)?;
                    out.push(stmt);
                }
            }
        }
        Ok(out)
    }

    fn stmt(&mut self, stmt: &ast::Stmt<'_>) -> Lowered<Stmt> {
        Ok(match stmt {
            ast::Stmt::ForLoop(s) => self.for_loop(s)?,
            ast::Stmt::IfCond(s) => self.if_cond(s)?,
            ast::Stmt::WithBlock(s) => self.with(s, s.span().start_offset)?,
            ast::Stmt::Set(s) => self.set(s, s.span().start_offset)?,
            ast::Stmt::SetBlock(s) => Stmt::AssignBlock(AssignBlock {
                target: self.target(&s.target)?,
                filter: s.filter.as_ref().map(|f| self.expr(f)).transpose()?,
                frame: Frame::default(),
                body: self.body(&s.body)?,
                exports: Vec::new(),
            }),
            ast::Stmt::AutoEscape(s) => Stmt::Scope(Scope {
                autoescape: self.expr(&s.enabled)?,
                frame: Frame::default(),
                body: self.body(&s.body)?,
            }),
            ast::Stmt::FilterBlock(s) => Stmt::FilterBlock(FilterBlock {
                filter: self.expr(&s.filter)?,
                frame: Frame::default(),
                body: self.body(&s.body)?,
            }),
            ast::Stmt::Macro(s) => {
                let name = self.name(s.name);
                Stmt::Macro(MacroStmt {
                    target: Slot::default(),
                    toplevel: false,
                    definition: Arc::new(self.definition(s, Some(name))?),
                })
            }
            ast::Stmt::CallBlock(s) => Stmt::CallBlock(CallBlock {
                call: self.call(&s.call)?,
                body: Arc::new(self.definition(&s.macro_decl, None)?),
            }),
            ast::Stmt::Extends(s) => {
                self.may_mutate = true;
                Stmt::Extends(self.expr(&s.name)?)
            }
            ast::Stmt::Include(s) => {
                self.may_mutate = true;
                Stmt::Include(Include {
                    template: self.expr(&s.name)?,
                    ignore_missing: s.ignore_missing,
                    with_context: self.with_context(s.span().start_offset, true),
                    locals: Vec::new(),
                })
            }
            ast::Stmt::Import(s) => self.import(s, s.span().start_offset)?,
            ast::Stmt::FromImport(s) => self.import_names(s, s.span().start_offset)?,
            ast::Stmt::Break(_) => Stmt::Break,
            ast::Stmt::Continue(_) => Stmt::Continue,
            // The skeleton writes blocks as `with` and `do` as `set`; templates don't nest.
            ast::Stmt::Block(_)
            | ast::Stmt::Do(_)
            | ast::Stmt::Template(_)
            | ast::Stmt::EmitExpr(_)
            | ast::Stmt::EmitRaw(_) => return self.error(None, "unexpected statement"),
        })
    }

    fn for_loop(&mut self, s: &ast::ForLoop<'_>) -> Lowered<Stmt> {
        let target = self.target(&s.target)?;
        let test = match &s.filter_expr {
            Some(e) => Some(LoopTest {
                target: target.clone(),
                frame: Frame::default(),
                test: self.expr(e)?,
                slots: 0,
            }),
            None => None,
        };
        Ok(Stmt::For(Arc::new(For {
            target,
            iter: self.expr(&s.iter)?,
            test,
            recursive: s.recursive,
            loop_slot: None,
            frame: Frame::default(),
            body: self.body(&s.body)?,
            else_frame: Frame::default(),
            else_body: self.body(&s.else_body)?,
            slots: 0,
        })))
    }

    fn if_cond(&mut self, s: &ast::IfCond<'_>) -> Lowered<Stmt> {
        let mut arms = vec![(self.expr(&s.expr)?, self.body(&s.true_body)?)];
        let mut rest = &s.false_body;
        while let [ast::Stmt::IfCond(next)] = rest.as_slice() {
            arms.push((self.expr(&next.expr)?, self.body(&next.true_body)?));
            rest = &next.false_body;
        }
        Ok(Stmt::If(arms, self.body(rest)?))
    }

    fn with(&mut self, s: &ast::WithBlock<'_>, at: u32) -> Lowered<Stmt> {
        if let Some(Note::Block { name, scoped, required }) = self.skeleton.notes.get(&at) {
            return self.block(name, *scoped, *required, &s.body, at);
        }
        let mut assignments = Vec::with_capacity(s.assignments.len());
        for (target, value) in &s.assignments {
            assignments.push((self.target(target)?, self.expr(value)?));
        }
        let body = self.body(&s.body)?;
        Ok(Stmt::With(With { assignments, frame: Frame::default(), body }))
    }

    fn block(
        &mut self,
        name: &str,
        scoped: bool,
        required: bool,
        body: &[ast::Stmt<'_>],
        at: u32,
    ) -> Lowered<Stmt> {
        let name: Name = name.into();
        if self.blocks.contains_key(&name) {
            return self.error(self.skeleton.token_at(at), format!("block '{name}' defined twice"));
        }
        // Blocks are numbered as they begin, the outer before the inner.
        self.blocks.insert(Arc::clone(&name), Vec::new());
        let body = self.body(body)?;
        let blank = |stmt: &Stmt| match stmt {
            Stmt::Output(o) => o.parts.iter().all(|p| match p {
                Part::Text(t) => !t.is_empty() && t.chars().all(char::is_whitespace),
                Part::Expr(_) | Part::Constant(..) => false,
            }),
            _ => false,
        };
        if required && !body.iter().all(blank) {
            return self.error(
                self.skeleton.token_at(at),
                "Required blocks can only contain comments or whitespace",
            );
        }
        self.blocks.insert(Arc::clone(&name), body);
        let call = BlockCall { name, required, scoped, checked: false, locals: Vec::new() };
        Ok(Stmt::Block(call))
    }

    fn set(&mut self, s: &ast::Set<'_>, at: u32) -> Lowered<Stmt> {
        let value = self.expr(&s.expr)?;
        if let Some(Note::Do) = self.skeleton.notes.get(&at) {
            return Ok(Stmt::Expr(value));
        }
        Ok(Stmt::Assign(Assign { target: self.target(&s.target)?, value, exports: Vec::new() }))
    }

    fn with_context(&self, at: u32, default: bool) -> bool {
        match self.skeleton.notes.get(&at) {
            Some(Note::Context(with)) => *with,
            _ => default,
        }
    }

    fn import(&mut self, s: &ast::Import<'_>, at: u32) -> Lowered<Stmt> {
        self.may_mutate = true;
        let ast::Expr::Var(name) = &s.name else {
            return self.error(self.skeleton.token_at(at), "expected token 'name'");
        };
        Ok(Stmt::Import(Import {
            template: self.expr(&s.expr)?,
            target: Slot::default(),
            name: self.name(name.id),
            toplevel: false,
            with_context: self.with_context(at, false),
            locals: Vec::new(),
        }))
    }

    fn import_names(&mut self, s: &ast::FromImport<'_>, at: u32) -> Lowered<Stmt> {
        self.may_mutate = true;
        let mut names = Vec::with_capacity(s.names.len());
        for (name, alias) in &s.names {
            let name = self.bare_name(name)?;
            if name.starts_with('_') {
                let token = self.skeleton.token_at(at);
                return self.error(token, "names starting with an underline can not be imported");
            }
            let alias = match alias {
                Some(alias) => self.bare_name(alias)?,
                None => Arc::clone(&name),
            };
            names.push((name, alias, Slot::default()));
        }
        let place = self.place("", at);
        Ok(Stmt::FromImport(FromImport {
            template: self.expr(&s.expr)?,
            names,
            toplevel: false,
            line: self.line(place.0),
            with_context: self.with_context(at, false),
            locals: Vec::new(),
        }))
    }

    fn bare_name(&mut self, e: &ast::Expr<'_>) -> Lowered<Name> {
        match e {
            ast::Expr::Var(v) => Ok(self.name(v.id)),
            _ => self.error(None, "expected token 'name'"),
        }
    }

    fn definition(&mut self, m: &ast::Macro<'_>, name: Option<Name>) -> Lowered<Macro> {
        let mut parameters = Vec::with_capacity(m.args.len());
        let without_default = m.args.len() - m.defaults.len().min(m.args.len());
        for (n, arg) in m.args.iter().enumerate() {
            let default = n.checked_sub(without_default).and_then(|d| m.defaults.get(d));
            parameters.push(Parameter {
                name: self.bare_name(arg)?,
                slot: Slot::default(),
                default: default.map(|e| self.expr(e)).transpose()?,
            });
        }
        let body = self.body(&m.body)?;
        Ok(Macro {
            name,
            parameters,
            caller: None,
            kwargs: None,
            varargs: None,
            function: Function { body, ..Function::default() },
        })
    }

    fn target(&mut self, e: &ast::Expr<'_>) -> Lowered<Target> {
        match e {
            ast::Expr::Var(v) => Ok(Target::Name(self.name(v.id), Slot::default())),
            ast::Expr::List(l) => {
                let items = l.items.iter().map(|e| self.target(e)).collect::<Result<_, _>>()?;
                Ok(Target::Tuple(items))
            }
            ast::Expr::GetAttr(g) => match &g.expr {
                ast::Expr::Var(v) => {
                    let namespace = self.name(v.id);
                    Ok(Target::Attribute(namespace, Slot::default(), self.name(g.name)))
                }
                _ => self.error(
                    self.token_of(g.name),
                    "expected token 'end of statement block', got '.'",
                ),
            },
            _ => self.error(None, "can't assign to an expression"),
        }
    }
}

/// Text and expressions that follow each other are one output.
fn push_part(out: &mut Vec<Stmt>, part: Part) {
    if let Some(Stmt::Output(output)) = out.last_mut() {
        output.parts.push(part);
    } else {
        out.push(Stmt::Output(Output { parts: vec![part], checked: false }));
    }
}
