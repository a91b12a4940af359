//! Visiting names in the order in which jinja2 visits them: it decides what is loaded first.

use super::tree::{Args, Expr, Part, Stmt, Target, VarRef};

/// Calls `f` with each name that `e` reads.
pub(super) fn names<'e>(e: &'e Expr, f: &mut dyn FnMut(&'e VarRef)) {
    match e {
        Expr::Const(_) | Expr::Fails(_) | Expr::Unwritable => {}
        Expr::Name(v) => f(v),
        Expr::List(items) | Expr::Tuple(items) | Expr::Concat(items) => {
            items.iter().for_each(|e| names(e, f));
        }
        Expr::Dict(items) => items.iter().for_each(|(k, v)| {
            names(k, f);
            names(v, f);
        }),
        Expr::Unary(_, e) => names(e, f),
        Expr::Binary(_, pair) | Expr::And(pair) | Expr::Or(pair) | Expr::GetItem(pair) => {
            names(&pair.0, f);
            names(&pair.1, f);
        }
        Expr::Compare(first, rest) => {
            names(first, f);
            rest.iter().for_each(|(_, e)| names(e, f));
        }
        Expr::Cond(c) => {
            names(&c.test, f);
            names(&c.yes, f);
            c.no.iter().for_each(|e| names(e, f));
        }
        Expr::GetAttr(g) => names(&g.object, f),
        Expr::Slice(s) => {
            names(&s.object, f);
            [&s.start, &s.stop, &s.step].into_iter().flatten().for_each(|e| names(e, f));
        }
        Expr::Call(c) => {
            names(&c.callee, f);
            arg_names(&c.args, f);
        }
        Expr::Filter(filter) => {
            filter.object.iter().for_each(|e| names(e, f));
            arg_names(&filter.args, f);
        }
        Expr::Test(t) => {
            names(&t.object, f);
            arg_names(&t.args, f);
        }
        Expr::Unknown(u) => {
            u.object.iter().for_each(|e| names(e, f));
            arg_names(&u.args, f);
        }
    }
}

fn arg_names<'e>(args: &'e Args, f: &mut dyn FnMut(&'e VarRef)) {
    args.positional.iter().for_each(|e| names(e, f));
    args.keywords.iter().for_each(|(_, e)| names(e, f));
    args.star.iter().chain(&args.double_star).for_each(|e| names(e, f));
}

/// The same with names that can be changed.
pub(super) fn names_mut(e: &mut Expr, f: &mut dyn FnMut(&mut VarRef)) {
    match e {
        Expr::Const(_) | Expr::Fails(_) | Expr::Unwritable => {}
        Expr::Name(v) => f(v),
        Expr::List(items) | Expr::Tuple(items) | Expr::Concat(items) => {
            items.iter_mut().for_each(|e| names_mut(e, f));
        }
        Expr::Dict(items) => items.iter_mut().for_each(|(k, v)| {
            names_mut(k, f);
            names_mut(v, f);
        }),
        Expr::Unary(_, e) => names_mut(e, f),
        Expr::Binary(_, pair) | Expr::And(pair) | Expr::Or(pair) | Expr::GetItem(pair) => {
            names_mut(&mut pair.0, f);
            names_mut(&mut pair.1, f);
        }
        Expr::Compare(first, rest) => {
            names_mut(first, f);
            rest.iter_mut().for_each(|(_, e)| names_mut(e, f));
        }
        Expr::Cond(c) => {
            names_mut(&mut c.test, f);
            names_mut(&mut c.yes, f);
            c.no.iter_mut().for_each(|e| names_mut(e, f));
        }
        Expr::GetAttr(g) => names_mut(&mut g.object, f),
        Expr::Slice(s) => {
            names_mut(&mut s.object, f);
            let parts = [&mut s.start, &mut s.stop, &mut s.step];
            parts.into_iter().flatten().for_each(|e| names_mut(e, f));
        }
        Expr::Call(c) => {
            names_mut(&mut c.callee, f);
            arg_names_mut(&mut c.args, f);
        }
        Expr::Filter(filter) => {
            filter.object.iter_mut().for_each(|e| names_mut(e, f));
            arg_names_mut(&mut filter.args, f);
        }
        Expr::Test(t) => {
            names_mut(&mut t.object, f);
            arg_names_mut(&mut t.args, f);
        }
        Expr::Unknown(u) => {
            u.object.iter_mut().for_each(|e| names_mut(e, f));
            arg_names_mut(&mut u.args, f);
        }
    }
}

fn arg_names_mut(args: &mut Args, f: &mut dyn FnMut(&mut VarRef)) {
    args.positional.iter_mut().for_each(|e| names_mut(e, f));
    args.keywords.iter_mut().for_each(|(_, e)| names_mut(e, f));
    args.star.iter_mut().chain(&mut args.double_star).for_each(|e| names_mut(e, f));
}

/// What a walk over statements meets, in jinja2's order.
#[derive(Clone, Copy)]
pub(super) enum Met<'a> {
    /// A name is read.
    Load(&'a str),
    /// A name is assigned.
    Store(&'a str),
    /// A name is declared as a parameter.
    Declare(&'a str),
}

/// Every name in `stmts` and all below them, blocks excepted.
pub(super) fn every_name<'a>(stmts: &'a [Stmt], f: &mut dyn FnMut(Met<'a>)) {
    for stmt in stmts {
        every_name_of(stmt, f);
    }
}

fn loads<'a>(e: &'a Expr, f: &mut dyn FnMut(Met<'a>)) {
    names(e, &mut |v| f(Met::Load(&v.name)));
}

fn every_name_of<'a>(stmt: &'a Stmt, f: &mut dyn FnMut(Met<'a>)) {
    match stmt {
        Stmt::Output(o) => o.parts.iter().for_each(|p| {
            if let Part::Expr(e) = p {
                loads(e, f);
            }
        }),
        Stmt::For(s) => {
            target_names(&s.target, f, Met::Store);
            loads(&s.iter, f);
            every_name(&s.body, f);
            every_name(&s.else_body, f);
            s.test.iter().for_each(|t| loads(&t.test, f));
        }
        Stmt::If(arms, otherwise) => {
            for (test, body) in arms {
                loads(test, f);
                every_name(body, f);
            }
            every_name(otherwise, f);
        }
        Stmt::With(s) => {
            s.assignments.iter().for_each(|(t, _)| target_names(t, f, Met::Declare));
            s.assignments.iter().for_each(|(_, e)| loads(e, f));
            every_name(&s.body, f);
        }
        Stmt::Assign(s) => {
            target_names(&s.target, f, Met::Store);
            loads(&s.value, f);
        }
        Stmt::AssignBlock(s) => {
            target_names(&s.target, f, Met::Store);
            s.filter.iter().for_each(|e| loads(e, f));
            every_name(&s.body, f);
        }
        Stmt::FilterBlock(s) => {
            every_name(&s.body, f);
            loads(&s.filter, f);
        }
        Stmt::Macro(s) => every_name_of_macro(&s.definition, f),
        Stmt::CallBlock(s) => {
            loads(&s.call, f);
            every_name_of_macro(&s.body, f);
        }
        Stmt::Extends(e) | Stmt::Expr(e) => loads(e, f),
        Stmt::Include(s) => loads(&s.template, f),
        Stmt::Import(s) => loads(&s.template, f),
        Stmt::FromImport(s) => loads(&s.template, f),
        Stmt::Scope(s) => {
            loads(&s.autoescape, f);
            every_name(&s.body, f);
        }
        Stmt::Block(_) | Stmt::Break | Stmt::Continue => {}
    }
}

fn every_name_of_macro<'a>(m: &'a super::tree::Macro, f: &mut dyn FnMut(Met<'a>)) {
    m.parameters.iter().for_each(|p| f(Met::Declare(&p.name)));
    m.parameters.iter().filter_map(|p| p.default.as_ref()).for_each(|e| loads(e, f));
    every_name(&m.function.body, f);
}

/// The names of a target; those of namespaces are read, not assigned.
pub(super) fn target_names<'a>(
    target: &'a Target,
    f: &mut dyn FnMut(Met<'a>),
    as_what: fn(&'a str) -> Met<'a>,
) {
    match target {
        Target::Name(name, _) => f(as_what(name)),
        Target::Attribute(..) => {}
        Target::Tuple(items) => items.iter().for_each(|t| target_names(t, f, as_what)),
    }
}
