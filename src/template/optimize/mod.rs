//! What jinja2 works out while it compiles.
//!
//! It evaluates expressions of constants before the template runs, and puts the results into the
//! code that it generates. That shows: a list is printed as text that nothing flattens any more,
//! a slice of a number is undefined instead of an error, and what fails outside of the places
//! where jinja2 expects failures makes that there is no template at all ([`Failure::Crash`]).
//! So this goes through a template in the order in which jinja2 generates code.

mod constant;

use std::sync::Arc;

use super::{
    syntax::SyntaxError,
    tree::{Args, Expr, For, Function, Macro, Output, Part, Stmt, Template},
};
use crate::value::{PyError, PyErrorKind, repr::to_text};
use constant::Stop;
pub(super) use constant::printable;

/// Why a text is no template.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// It does not follow the grammar.
    Syntax(SyntaxError),
    /// jinja2 stumbled over it.
    Crash(PyError),
}

impl From<SyntaxError> for Failure {
    fn from(e: SyntaxError) -> Self {
        Self::Syntax(e)
    }
}

type Optimized = Result<(), Failure>;

/// Works out the constants of a template: those that are printed, and if `folds` all others too.
/// The text of `string_filters` is never read as data.
pub(super) fn optimize(
    template: &mut Template,
    string_filters: &[String],
    folds: bool,
) -> Optimized {
    let mut optimizer =
        Optimizer { string_filters, folds, invalid: None, unknown: None, level: 0, extends: false };
    optimizer.function(&mut template.root)?;
    optimizer.extends = false;
    for block in template.blocks.values_mut() {
        if let Some(block) = Arc::get_mut(block) {
            optimizer.function(&mut block.function)?;
        }
    }
    // Python reads the generated code when all of it is there.
    match optimizer.invalid {
        Some(why) => Err(Failure::Crash(PyError::new(PyErrorKind::SyntaxError, why))),
        None => Ok(()),
    }
}

/// Names that Python's grammar has taken.
pub(super) const PYTHON_KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

struct Optimizer<'a> {
    string_filters: &'a [String],
    folds: bool,
    /// Why the generated code is no Python.
    invalid: Option<String>,
    /// The message of a filter or test that nobody knows, in code that is not generated.
    unknown: Option<String>,
    /// How many statements are around.
    level: usize,
    /// Whether the template is known to extend another from here on, so that it prints nothing.
    extends: bool,
}

impl Optimizer<'_> {
    /// A function looks its filters and tests up when it begins, the unknown ones too.
    fn function(&mut self, function: &mut Function) -> Optimized {
        self.level = 0;
        self.stmts(&mut function.body)?;
        function.unknown = self.unknown.take();
        Ok(())
    }

    fn stmts(&mut self, stmts: &mut [Stmt]) -> Optimized {
        self.level += 1;
        let done = stmts.iter_mut().try_for_each(|s| self.stmt(s));
        self.level -= 1;
        done
    }

    fn stmt(&mut self, stmt: &mut Stmt) -> Optimized {
        match stmt {
            Stmt::Output(o) => self.output(o)?,
            // A template that is being compiled is nobody else's.
            Stmt::For(s) => Arc::get_mut(s).map_or(Ok(()), |s| self.for_loop(s))?,
            Stmt::If(arms, otherwise) => {
                for (test, body) in arms {
                    self.expr(test)?;
                    self.stmts(body)?;
                }
                self.stmts(otherwise)?;
            }
            Stmt::With(s) => {
                s.assignments.iter_mut().try_for_each(|(_, e)| self.expr(e))?;
                self.stmts(&mut s.body)?;
            }
            Stmt::Assign(s) => self.expr(&mut s.value)?,
            Stmt::AssignBlock(s) => {
                self.stmts(&mut s.body)?;
                s.filter.iter_mut().try_for_each(|e| self.expr(e))?;
            }
            Stmt::FilterBlock(s) => {
                self.stmts(&mut s.body)?;
                self.expr(&mut s.filter)?;
            }
            Stmt::Macro(s) => {
                Arc::get_mut(&mut s.definition).map_or(Ok(()), |m| self.definition(m))?;
            }
            Stmt::CallBlock(s) => {
                Arc::get_mut(&mut s.body).map_or(Ok(()), |m| self.definition(m))?;
                if let Some(args) = arguments(&s.call) {
                    // The body is handed over as one more argument.
                    self.check_keywords(args, Some("caller"));
                }
                self.expr(&mut s.call)?;
            }
            Stmt::Extends(e) => {
                self.expr(e)?;
                self.extends |= self.level == 1;
            }
            Stmt::Expr(e) => self.expr(e)?,
            Stmt::Include(s) => self.expr(&mut s.template)?,
            Stmt::Import(s) => self.expr(&mut s.template)?,
            Stmt::FromImport(s) => self.expr(&mut s.template)?,
            Stmt::Scope(s) => {
                self.expr(&mut s.autoescape)?;
                self.stmts(&mut s.body)?;
            }
            Stmt::Block(_) | Stmt::Break | Stmt::Continue => {}
        }
        Ok(())
    }

    fn for_loop(&mut self, s: &mut For) -> Optimized {
        s.test.iter_mut().try_for_each(|t| self.expr(&mut t.test))?;
        if s.assigns_loop {
            let message = "Can't assign to special loop variable in for-loop target".to_owned();
            return Err(Failure::Syntax(SyntaxError { message, at: 0, line: 1 }));
        }
        if !s.recursive {
            self.expr(&mut s.iter)?;
        }
        self.stmts(&mut s.body)?;
        self.stmts(&mut s.else_body)?;
        if s.recursive {
            self.expr(&mut s.iter)?;
        }
        Ok(())
    }

    fn definition(&mut self, m: &mut Macro) -> Optimized {
        let names: Vec<&str> = m.parameters.iter().map(|p| &*p.name).collect();
        if let Some(n) = (1..names.len()).find(|n| names[..*n].contains(&names[*n])) {
            let why = format!("duplicate argument '{}' in function definition", names[n]);
            self.invalid.get_or_insert(why);
        }
        let defaults = m.parameters.iter_mut().filter_map(|p| p.default.as_mut());
        for default in defaults {
            self.expr(default)?;
        }
        self.stmts(&mut m.function.body)
    }

    /// Constants that are printed are text from then on.
    fn output(&mut self, o: &mut Output) -> Optimized {
        if o.checked && self.extends {
            o.parts.iter_mut().for_each(|part| {
                if let Part::Expr(e) = part {
                    self.passed_over(e);
                }
            });
            return Ok(());
        }
        for part in &mut o.parts {
            let Part::Expr(e) = part else { continue };
            if let Some(value) = constant::printed(e, self.string_filters) {
                self.passed_over(e);
                let text = to_text(&value).map_err(Failure::Crash)?;
                *part = Part::Constant(text.into(), value.is_none());
            } else if constant::is_printed_anew(e, self.string_filters) {
                let e = std::mem::replace(e, Expr::Unwritable);
                *part = Part::Anew(e);
            }
        }
        for part in &mut o.parts {
            if let Part::Expr(e) = part {
                self.expr(e)?;
            }
        }
        Ok(())
    }

    /// Notes the filters and tests of an expression that is not generated.
    fn passed_over(&mut self, e: &mut Expr) {
        if let Expr::Unknown(u) = e {
            self.unknown.get_or_insert_with(|| u.error.message.clone());
        }
        // The closure never fails.
        let _ = children(e, &mut |e| {
            self.passed_over(e);
            Ok(())
        });
    }

    /// Works out an expression where jinja2 writes it into its code.
    fn expr(&mut self, e: &mut Expr) -> Optimized {
        match e {
            Expr::List(items) | Expr::Tuple(items) => {
                items.iter_mut().try_for_each(|e| self.expr(e))
            }
            Expr::Dict(items) => items.iter_mut().try_for_each(|(key, value)| {
                self.expr(key)?;
                self.expr(value)
            }),
            other => {
                self.fold(other)?;
                self.written(other)
            }
        }
    }

    /// Replaces what is constant by its value, the innermost first.
    fn fold(&mut self, e: &mut Expr) -> Optimized {
        children(e, &mut |e| self.fold(e))?;
        if let Expr::Unknown(u) = e {
            return Err(Failure::Syntax(u.error.clone()));
        }
        if !self.folds {
            return Ok(());
        }
        match constant::of(e, self.string_filters) {
            Ok(value) if constant::is_safe(&value) => *e = Expr::Const(value),
            Ok(_) | Err(Stop::Impossible) => {}
            Err(Stop::Crash(e)) => return Err(Failure::Crash(e)),
        }
        Ok(())
    }

    /// What is left is written as Python: there are numbers that it can't be told.
    fn written(&mut self, e: &mut Expr) -> Optimized {
        if let Expr::Const(value) = e {
            constant::check_length(value).map_err(Failure::Crash)?;
            if let Some(error) = constant::unwritable(value) {
                *e = Expr::Fails(Box::new(error));
            }
            return Ok(());
        }
        if let Expr::Unwritable = e {
            self.invalid.get_or_insert_with(|| "invalid syntax".to_owned());
        }
        if let Some(args) = arguments(e) {
            self.check_keywords(args, None);
        }
        children(e, &mut |e| self.written(e))
    }

    /// Python refuses a name that is given twice.
    fn check_keywords(&mut self, args: &Args, more: Option<&str>) {
        let names: Vec<&str> = args.keywords.iter().map(|(name, _)| &**name).chain(more).collect();
        let twice = (1..names.len()).find(|n| names[..*n].contains(&names[*n]));
        if let Some(twice) = twice
            && !names.iter().any(|name| PYTHON_KEYWORDS.contains(name))
        {
            let why = format!("keyword argument repeated: {}", names[twice]);
            self.invalid.get_or_insert(why);
        }
    }
}

fn arguments(e: &Expr) -> Option<&Args> {
    match e {
        Expr::Call(c) => Some(&c.args),
        Expr::Filter(f) => Some(&f.args),
        Expr::Test(t) => Some(&t.args),
        _ => None,
    }
}

/// Calls `f` with each part of an expression, in jinja2's order.
fn children(e: &mut Expr, f: &mut dyn FnMut(&mut Expr) -> Optimized) -> Optimized {
    match e {
        Expr::Const(_) | Expr::Name(_) | Expr::Fails(_) | Expr::Unwritable => Ok(()),
        Expr::List(items) | Expr::Tuple(items) | Expr::Concat(items) => {
            items.iter_mut().try_for_each(f)
        }
        Expr::Dict(items) => items.iter_mut().try_for_each(|(key, value)| {
            f(key)?;
            f(value)
        }),
        Expr::Unary(_, e) => f(e),
        Expr::Binary(_, pair) | Expr::And(pair) | Expr::Or(pair) | Expr::GetItem(pair) => {
            f(&mut pair.0)?;
            f(&mut pair.1)
        }
        Expr::Compare(first, rest) => {
            f(first)?;
            rest.iter_mut().try_for_each(|(_, e)| f(e))
        }
        Expr::Cond(c) => {
            f(&mut c.test)?;
            f(&mut c.yes)?;
            c.no.iter_mut().try_for_each(f)
        }
        Expr::GetAttr(g) => f(&mut g.object),
        Expr::Slice(s) => {
            f(&mut s.object)?;
            [&mut s.start, &mut s.stop, &mut s.step].into_iter().flatten().try_for_each(f)
        }
        Expr::Call(c) => {
            f(&mut c.callee)?;
            argument_children(&mut c.args, f)
        }
        Expr::Filter(filter) => {
            filter.object.iter_mut().try_for_each(&mut *f)?;
            argument_children(&mut filter.args, f)
        }
        Expr::Test(t) => {
            f(&mut t.object)?;
            argument_children(&mut t.args, f)
        }
        Expr::Unknown(u) => {
            u.object.iter_mut().try_for_each(&mut *f)?;
            argument_children(&mut u.args, f)
        }
    }
}

fn argument_children(args: &mut Args, f: &mut dyn FnMut(&mut Expr) -> Optimized) -> Optimized {
    args.positional.iter_mut().try_for_each(&mut *f)?;
    args.keywords.iter_mut().try_for_each(|(_, e)| f(e))?;
    args.star.iter_mut().chain(&mut args.double_star).try_for_each(f)
}
