//! Which slot each name lives in, and what a scope loads when it is entered.
//!
//! Follows jinja2's symbol tracking: a scope loads every free name it mentions before its first
//! statement runs (so that a variable that cannot be rendered fails even in a branch that is not
//! taken), assignments in branches make the name a variable of the whole scope, and macros see the
//! slots around them as they are when they run.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use indexmap::{IndexMap, IndexSet};

use super::{
    syntax::SyntaxError,
    tree::{
        Block, Expr, For, Frame, Function, Load, Macro, Name, Part, Slot, Stmt, Target, Template,
        VarRef,
    },
    walk::{self, Met},
};

/// Gives every name of a lowered template its slot.
pub(super) fn resolve(
    body: Vec<Stmt>,
    blocks: IndexMap<Name, Vec<Stmt>>,
    name: Option<Name>,
    source: Arc<str>,
    may_mutate: bool,
) -> Result<Template, SyntaxError> {
    let extends = mentions_extends(&body);
    let flags = Flags { toplevel: true, checked: extends };
    let root = function(body, flags, false)?;
    let mut done = IndexMap::with_capacity(blocks.len());
    for (name, body) in blocks {
        let flags = Flags { toplevel: false, checked: false };
        let block = Block { name: Arc::clone(&name), function: function(body, flags, true)? };
        done.insert(name, Arc::new(block));
    }
    Ok(Template { name, source, root, blocks: done, may_mutate })
}

fn mentions_extends(body: &[Stmt]) -> bool {
    body.iter().any(|s| match s {
        Stmt::Extends(_) => true,
        Stmt::If(arms, otherwise) => {
            arms.iter().any(|(_, b)| mentions_extends(b)) || mentions_extends(otherwise)
        }
        Stmt::For(s) => mentions_extends(&s.body) || mentions_extends(&s.else_body),
        Stmt::With(s) => mentions_extends(&s.body),
        _ => false,
    })
}

/// A body that stands alone: the template's own, or a block's.
fn function(body: Vec<Stmt>, flags: Flags, is_block: bool) -> Result<Function, SyntaxError> {
    let slots = Slots::default();
    let mut symbols = Symbols::root(&slots);
    let mut out = Function { body, ..Function::default() };
    let special: &[&str] = if is_block { &["self", "super"] } else { &["self"] };
    let undeclared = undeclared(&out.body, special);
    if undeclared.contains("self") {
        out.self_slot = Some(symbols.declare("self"));
    }
    if undeclared.contains("super") {
        out.super_slot = Some(symbols.declare("super"));
    }
    symbols.stmts(&out.body);
    Resolver.stmts(&mut out.body, &symbols, flags)?;
    out.frame = symbols.frame();
    out.slots = slots.len();
    Ok(out)
}

/// Which of `names` are read in `body` before they are assigned there.
fn undeclared<'n>(body: &[Stmt], names: &[&'n str]) -> BTreeSet<&'n str> {
    let mut open: BTreeSet<&'n str> = names.iter().copied().collect();
    let mut found = BTreeSet::new();
    walk::every_name(body, &mut |met| match met {
        Met::Load(name) => {
            if let Some(name) = open.get(name) {
                found.insert(*name);
            }
        }
        Met::Store(name) | Met::Declare(name) => {
            open.remove(name);
        }
    });
    found
}

/// The slots of one function.
#[derive(Default)]
struct Slots(RefCell<IndexSet<(u32, Name)>>);

impl Slots {
    fn of(&self, level: u32, name: &Name) -> u16 {
        let (index, _) = self.0.borrow_mut().insert_full((level, Arc::clone(name)));
        // More than 65,535 names in one template would share the last slot; none is near that.
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    fn len(&self) -> usize {
        self.0.borrow().len()
    }
}

/// A slot by the depth of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ident {
    depth: u16,
    index: u16,
}

#[derive(Clone, Debug)]
enum Loaded {
    Resolve(Name),
    Alias(Ident),
    Missing,
    Parameter,
}

/// The names of one scope.
#[derive(Clone)]
struct Symbols<'p> {
    level: u32,
    depth: u16,
    slots: &'p Slots,
    parent: Option<&'p Symbols<'p>>,
    refs: HashMap<Name, Ident>,
    loads: IndexMap<Ident, Loaded>,
    stores: BTreeSet<Name>,
}

impl<'p> Symbols<'p> {
    fn root(slots: &'p Slots) -> Self {
        Self {
            level: 0,
            depth: 0,
            slots,
            parent: None,
            refs: HashMap::new(),
            loads: IndexMap::new(),
            stores: BTreeSet::new(),
        }
    }

    /// A scope in the same function.
    fn inner(&'p self) -> Symbols<'p> {
        Symbols { level: self.level + 1, parent: Some(self), ..Self::root(self.slots) }
            .at_depth(self.depth)
    }

    /// A scope that is a function of its own.
    fn inner_function(&'p self, slots: &'p Slots) -> Symbols<'p> {
        Symbols { level: self.level + 1, parent: Some(self), ..Self::root(slots) }
            .at_depth(self.depth + 1)
    }

    fn at_depth(self, depth: u16) -> Self {
        Self { depth, ..self }
    }

    fn define(&mut self, name: &Name, load: Loaded) -> Ident {
        let ident = Ident { depth: self.depth, index: self.slots.of(self.level, name) };
        self.refs.insert(Arc::clone(name), ident);
        self.loads.insert(ident, load);
        ident
    }

    fn find(&self, name: &str) -> Option<Ident> {
        self.refs.get(name).copied().or_else(|| self.parent?.find(name))
    }

    fn store(&mut self, name: &Name) {
        self.stores.insert(Arc::clone(name));
        if !self.refs.contains_key(name) {
            let outer = self.parent.and_then(|p| p.find(name));
            self.define(name, outer.map_or(Loaded::Missing, Loaded::Alias));
        }
    }

    fn declare(&mut self, name: &str) -> Slot {
        let name: Name = name.into();
        self.stores.insert(Arc::clone(&name));
        let ident = self.define(&name, Loaded::Parameter);
        self.slot(ident)
    }

    fn load(&mut self, name: &Name) {
        if self.find(name).is_none() {
            self.define(name, Loaded::Resolve(Arc::clone(name)));
        }
    }

    fn slot(&self, ident: Ident) -> Slot {
        Slot { up: self.depth - ident.depth, index: ident.index }
    }

    /// The slot of a name that was analysed.
    fn slot_of(&self, name: &str) -> Option<Slot> {
        self.find(name).map(|ident| self.slot(ident))
    }

    fn frame(&self) -> Frame {
        let loads = self.loads.iter().map(|(ident, load)| {
            let load = match load {
                Loaded::Resolve(name) => Load::Resolve(Arc::clone(name)),
                Loaded::Alias(outer) => Load::Alias(self.slot(*outer)),
                Loaded::Missing => Load::Missing,
                Loaded::Parameter => Load::Parameter,
            };
            (ident.index, load)
        });
        Frame { loads: loads.collect() }
    }

    /// Everything that is assigned in this scope and those around it.
    fn locals(&self) -> Vec<(Name, Slot)> {
        let mut all: IndexMap<Name, Slot> = IndexMap::new();
        let mut scope = Some(self);
        while let Some(symbols) = scope {
            for name in &symbols.stores {
                if let Some(slot) = self.slot_of(name) {
                    all.entry(Arc::clone(name)).or_insert(slot);
                }
            }
            scope = symbols.parent;
        }
        all.into_iter().collect()
    }

    // Analysis of what stands directly in a scope.

    fn stmts(&mut self, stmts: &[Stmt]) {
        stmts.iter().for_each(|s| self.stmt(s));
    }

    fn expr(&mut self, e: &Expr) {
        walk::names(e, &mut |v: &VarRef| self.load(&v.name));
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Output(o) => o.parts.iter().for_each(|p| {
                if let Part::Expr(e) = p {
                    self.expr(e);
                }
            }),
            Stmt::For(s) => self.expr(&s.iter),
            Stmt::If(arms, otherwise) => self.branches(arms, otherwise),
            Stmt::With(s) => s.assignments.iter().for_each(|(_, e)| self.expr(e)),
            Stmt::Assign(s) => {
                self.expr(&s.value);
                self.store_target(&s.target);
            }
            Stmt::AssignBlock(s) => self.store_target(&s.target),
            Stmt::FilterBlock(s) => self.expr(&s.filter),
            Stmt::Macro(s) => {
                if let Some(name) = &s.definition.name {
                    self.store(name);
                }
            }
            Stmt::CallBlock(s) => self.expr(&s.call),
            Stmt::Extends(e) | Stmt::Expr(e) => self.expr(e),
            Stmt::Include(s) => self.expr(&s.template),
            Stmt::Import(s) => {
                self.expr(&s.template);
                self.store(&s.name);
            }
            Stmt::FromImport(s) => {
                self.expr(&s.template);
                s.names.iter().for_each(|(_, alias, _)| self.store(alias));
            }
            Stmt::Block(_) | Stmt::Scope(_) | Stmt::Break | Stmt::Continue => {}
        }
    }

    fn store_target(&mut self, target: &Target) {
        match target {
            Target::Name(name, _) => self.store(name),
            Target::Attribute(name, _, _) => self.load(name),
            Target::Tuple(items) => items.iter().for_each(|t| self.store_target(t)),
        }
    }

    fn declare_target(&mut self, target: &Target) {
        match target {
            Target::Name(name, _) => {
                self.declare(name);
            }
            Target::Attribute(name, _, _) => self.load(name),
            Target::Tuple(items) => items.iter().for_each(|t| self.declare_target(t)),
        }
    }

    fn branches(&mut self, arms: &[(Expr, Vec<Stmt>)], otherwise: &[Stmt]) {
        let Some(((test, body), others)) = arms.split_first() else { return };
        self.expr(test);
        let mut first = self.clone();
        first.stmts(body);
        let mut middle = self.clone();
        for (test, body) in others {
            middle.expr(test);
            let mut arm = middle.clone();
            arm.stmts(body);
            middle.merge([arm]);
        }
        let mut last = self.clone();
        last.stmts(otherwise);
        self.merge([first, middle, last]);
    }

    /// What branches assign is a variable of the scope, with its outer value before that.
    fn merge<const N: usize>(&mut self, branches: [Symbols<'p>; N]) {
        let stored: BTreeSet<Name> = branches
            .iter()
            .flat_map(|b| b.stores.iter().cloned())
            .filter(|name| !self.stores.contains(name))
            .collect();
        for branch in branches {
            self.refs.extend(branch.refs);
            self.loads.extend(branch.loads);
            self.stores.extend(branch.stores);
        }
        for name in stored {
            let Some(target) = self.find(&name) else { continue };
            let load = match self.parent.and_then(|p| p.find(&name)) {
                Some(outer) => Loaded::Alias(outer),
                None => Loaded::Resolve(Arc::clone(&name)),
            };
            self.loads.insert(target, load);
        }
    }
}

/// What a statement needs to know of where it stands.
#[derive(Clone, Copy)]
struct Flags {
    /// Assignments are the template's own variables.
    toplevel: bool,
    /// Nothing is printed once the template extends another.
    checked: bool,
}

impl Flags {
    fn inner(self) -> Self {
        Self { toplevel: false, ..self }
    }
}

type Resolved = Result<(), SyntaxError>;

/// Writes slots and frames into the tree.
struct Resolver;

impl Resolver {
    fn stmts(&self, stmts: &mut [Stmt], symbols: &Symbols<'_>, flags: Flags) -> Resolved {
        stmts.iter_mut().try_for_each(|s| self.stmt(s, symbols, flags))
    }

    fn expr(&self, e: &mut Expr, symbols: &Symbols<'_>) {
        walk::names_mut(e, &mut |v| {
            // Every name was analysed, so it has a slot.
            v.slot = symbols.slot_of(&v.name).unwrap_or_default();
        });
    }

    fn target(&self, target: &mut Target, symbols: &Symbols<'_>) {
        match target {
            Target::Name(name, slot) | Target::Attribute(name, slot, _) => {
                *slot = symbols.slot_of(name).unwrap_or_default();
            }
            Target::Tuple(items) => items.iter_mut().for_each(|t| self.target(t, symbols)),
        }
    }

    fn exports(&self, target: &Target, symbols: &Symbols<'_>, flags: Flags) -> Vec<(Name, Slot)> {
        let mut names = Vec::new();
        if flags.toplevel {
            walk::target_names(
                target,
                &mut |met| {
                    if let Met::Store(name) = met
                        && let Some(slot) = symbols.slot_of(name)
                    {
                        names.push((Name::from(name), slot));
                    }
                },
                Met::Store,
            );
        }
        names
    }

    fn stmt(&self, stmt: &mut Stmt, symbols: &Symbols<'_>, flags: Flags) -> Resolved {
        match stmt {
            Stmt::Output(o) => {
                o.checked = flags.checked;
                for part in &mut o.parts {
                    if let Part::Expr(e) = part {
                        self.expr(e, symbols);
                    }
                }
            }
            Stmt::For(s) => {
                if let Some(s) = Arc::get_mut(s) {
                    return self.for_loop(s, symbols, flags);
                }
            }
            Stmt::If(arms, otherwise) => {
                for (test, body) in arms {
                    self.expr(test, symbols);
                    self.stmts(body, symbols, flags)?;
                }
                return self.stmts(otherwise, symbols, flags);
            }
            Stmt::With(s) => {
                let mut inner = symbols.inner();
                s.assignments.iter().for_each(|(t, _)| inner.declare_target(t));
                inner.stmts(&s.body);
                for (target, value) in &mut s.assignments {
                    self.target(target, &inner);
                    self.expr(value, symbols);
                }
                s.frame = inner.frame();
                return self.stmts(&mut s.body, &inner, flags.inner());
            }
            Stmt::Assign(s) => {
                self.expr(&mut s.value, symbols);
                self.target(&mut s.target, symbols);
                s.exports = self.exports(&s.target, symbols, flags);
            }
            Stmt::AssignBlock(s) => {
                let mut inner = symbols.inner();
                inner.stmts(&s.body);
                if let Some(filter) = &mut s.filter {
                    inner.expr(filter);
                    self.expr(filter, &inner);
                }
                self.target(&mut s.target, symbols);
                s.exports = self.exports(&s.target, symbols, flags);
                s.frame = inner.frame();
                let flags = Flags { toplevel: false, checked: false };
                return self.stmts(&mut s.body, &inner, flags);
            }
            Stmt::FilterBlock(s) => {
                let mut inner = symbols.inner();
                inner.stmts(&s.body);
                inner.expr(&s.filter);
                self.expr(&mut s.filter, &inner);
                s.frame = inner.frame();
                return self.stmts(&mut s.body, &inner, flags.inner());
            }
            Stmt::Scope(s) => {
                let mut inner = symbols.inner();
                inner.expr(&s.autoescape);
                inner.stmts(&s.body);
                self.expr(&mut s.autoescape, &inner);
                s.frame = inner.frame();
                return self.stmts(&mut s.body, &inner, flags.inner());
            }
            other => return self.simple(other, symbols, flags),
        }
        Ok(())
    }

    fn simple(&self, stmt: &mut Stmt, symbols: &Symbols<'_>, flags: Flags) -> Resolved {
        match stmt {
            Stmt::Macro(s) => {
                s.toplevel = flags.toplevel;
                if let Some(definition) = Arc::get_mut(&mut s.definition) {
                    if let Some(name) = &definition.name {
                        s.target = symbols.slot_of(name).unwrap_or_default();
                    }
                    return self.definition(definition, symbols);
                }
            }
            Stmt::CallBlock(s) => {
                self.expr(&mut s.call, symbols);
                if let Some(body) = Arc::get_mut(&mut s.body) {
                    return self.definition(body, symbols);
                }
            }
            Stmt::Block(s) => {
                s.checked = flags.toplevel;
                if s.scoped {
                    s.locals = symbols.locals();
                }
            }
            Stmt::Extends(e) => {
                if !flags.toplevel {
                    return error("cannot use extend from a non top-level scope");
                }
                self.expr(e, symbols);
            }
            Stmt::Expr(e) => self.expr(e, symbols),
            Stmt::Include(s) => {
                self.expr(&mut s.template, symbols);
                s.locals = symbols.locals();
            }
            Stmt::Import(s) => {
                self.expr(&mut s.template, symbols);
                s.target = symbols.slot_of(&s.name).unwrap_or_default();
                s.toplevel = flags.toplevel;
                s.locals = symbols.locals();
            }
            Stmt::FromImport(s) => {
                self.expr(&mut s.template, symbols);
                for (_, alias, slot) in &mut s.names {
                    *slot = symbols.slot_of(alias).unwrap_or_default();
                }
                s.toplevel = flags.toplevel;
                s.locals = symbols.locals();
            }
            _ => {}
        }
        Ok(())
    }

    fn for_loop(&self, s: &mut For, symbols: &Symbols<'_>, flags: Flags) -> Resolved {
        let mut assigns_loop = false;
        let mut check = |met: Met<'_>| assigns_loop |= matches!(met, Met::Store("loop"));
        walk::target_names(&s.target, &mut check, Met::Store);
        walk::every_name(&s.body, &mut check);
        walk::every_name(&s.else_body, &mut check);
        s.assigns_loop = assigns_loop;
        self.expr(&mut s.iter, symbols);
        if let Some(test) = &mut s.test {
            let slots = Slots::default();
            let mut inner = symbols.inner_function(&slots);
            inner.declare_target(&test.target);
            inner.expr(&test.test);
            self.target(&mut test.target, &inner);
            self.expr(&mut test.test, &inner);
            test.frame = inner.frame();
            test.slots = slots.len();
        }
        let extended =
            s.recursive || !undeclared(&s.body, &["loop"]).is_empty() || has_scoped_block(&s.body);
        let own = Slots::default();
        let inner = || if s.recursive { symbols.inner_function(&own) } else { symbols.inner() };
        let (mut body, mut otherwise) = (inner(), inner());
        s.loop_slot = extended.then(|| body.declare("loop"));
        body.declare_target(&s.target);
        body.stmts(&s.body);
        otherwise.stmts(&s.else_body);
        self.target(&mut s.target, &body);
        self.stmts(&mut s.body, &body, flags.inner())?;
        self.stmts(&mut s.else_body, &otherwise, flags.inner())?;
        s.frame = body.frame();
        s.else_frame = otherwise.frame();
        s.slots = own.len();
        Ok(())
    }

    fn definition(&self, m: &mut Macro, symbols: &Symbols<'_>) -> Resolved {
        let slots = Slots::default();
        let mut inner = symbols.inner_function(&slots);
        for parameter in &m.parameters {
            inner.declare(&parameter.name);
        }
        m.parameters.iter().filter_map(|p| p.default.as_ref()).for_each(|e| inner.expr(e));
        inner.stmts(&m.function.body);
        let special = undeclared(&m.function.body, &["caller", "kwargs", "varargs"]);
        let explicit = |name: &str| m.parameters.iter().find(|p| &*p.name == name);
        m.uses_caller = special.contains("caller");
        if m.uses_caller {
            match explicit("caller") {
                Some(p) if p.default.is_none() => {
                    return error(
                        "When defining macros or call blocks the special \"caller\" argument \
                         must be omitted or be given a default.",
                    );
                }
                Some(_) => {}
                None => m.caller = Some(inner.declare("caller")),
            }
        }
        if special.contains("kwargs") && explicit("kwargs").is_none() {
            m.kwargs = Some(inner.declare("kwargs"));
        }
        if special.contains("varargs") && explicit("varargs").is_none() {
            m.varargs = Some(inner.declare("varargs"));
        }
        for parameter in &mut m.parameters {
            parameter.slot = inner.slot_of(&parameter.name).unwrap_or_default();
            if let Some(default) = &mut parameter.default {
                self.expr(default, &inner);
            }
        }
        let flags = Flags { toplevel: false, checked: false };
        self.stmts(&mut m.function.body, &inner, flags)?;
        m.function.frame = inner.frame();
        m.function.slots = slots.len();
        Ok(())
    }
}

fn has_scoped_block(body: &[Stmt]) -> bool {
    body.iter().any(|s| match s {
        Stmt::Block(b) => b.scoped,
        Stmt::If(arms, otherwise) => {
            arms.iter().any(|(_, b)| has_scoped_block(b)) || has_scoped_block(otherwise)
        }
        Stmt::For(s) => has_scoped_block(&s.body) || has_scoped_block(&s.else_body),
        Stmt::With(s) => has_scoped_block(&s.body),
        _ => false,
    })
}

fn error(message: &str) -> Resolved {
    Err(SyntaxError { message: message.to_owned(), at: 0, line: 1 })
}
