//! A compiled template: our own tree, owned, with names resolved to slots.
//!
//! The shape follows the functions that jinja2 would generate: each template body, block, macro
//! and recursive loop is a function with slots of its own; a nested one reads the slots of those
//! around it when it runs, not when it is made.

use std::sync::Arc;

use indexmap::IndexMap;

use crate::{
    template::{filters, syntax::SyntaxError, tests},
    value::{PyError, Value},
};

pub(super) type Name = Arc<str>;

/// A template ready to run.
pub(super) struct Template {
    /// The file's name within its search path; `None` for texts of a playbook.
    pub name: Option<Name>,
    /// The normalised source.
    pub source: Arc<str>,
    pub root: Function,
    pub blocks: IndexMap<Name, Arc<Block>>,
    /// Calls something that could change a container in place, so that variables are copied.
    pub may_mutate: bool,
}

/// A function: its frame, its body and how many slots it needs.
#[derive(Default)]
pub(super) struct Function {
    pub frame: Frame,
    pub body: Vec<Stmt>,
    pub slots: usize,
    /// The slot of `self`, if the body uses it.
    pub self_slot: Option<Slot>,
    /// The slot of `super`, in blocks that use it.
    pub super_slot: Option<Slot>,
    /// What is wrong with a filter or test that only code which does not run would use.
    pub unknown: Option<String>,
}

/// `{% block %}`.
pub(super) struct Block {
    pub name: Name,
    pub function: Function,
}

/// What must be loaded into slots when a scope is entered, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    pub loads: Vec<(u16, Load)>,
}

/// Where a slot's first value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// A variable of the context.
    Resolve(Name),
    /// Another slot.
    Alias(Slot),
    /// Nothing yet.
    Missing,
    /// Set by the construct itself (loop targets, parameters).
    Parameter,
}

/// A slot, `up` functions outwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Slot {
    pub up: u16,
    pub index: u16,
}

/// A statement.
pub(super) enum Stmt {
    Output(Output),
    For(Arc<For>),
    If(Vec<(Expr, Vec<Stmt>)>, Vec<Stmt>),
    With(With),
    Assign(Assign),
    AssignBlock(AssignBlock),
    FilterBlock(FilterBlock),
    Macro(MacroStmt),
    CallBlock(CallBlock),
    Block(BlockCall),
    Extends(Expr),
    Include(Include),
    Import(Import),
    FromImport(FromImport),
    Expr(Expr),
    Scope(Scope),
    Break,
    Continue,
}

/// Text and printed expressions.
pub(super) struct Output {
    pub parts: Vec<Part>,
    /// Whether nothing is printed once the template extends another.
    pub checked: bool,
}

/// One item of an [`Output`].
pub(super) enum Part {
    Text(Arc<str>),
    /// The text of a constant expression, and whether that is `None`.
    Constant(Arc<str>, bool),
    /// A constant expression whose text each rendering works out.
    Anew(Expr),
    Expr(Expr),
}

pub(super) struct For {
    pub target: Target,
    pub iter: Expr,
    pub test: Option<LoopTest>,
    pub recursive: bool,
    /// Whether the function of a recursive loop is a generator.
    pub is_generator: bool,
    /// Whether something in it assigns `loop`, which jinja2 refuses when it comes to it.
    pub assigns_loop: bool,
    /// The slot of `loop` if anything may look at it.
    pub loop_slot: Option<Slot>,
    pub frame: Frame,
    pub body: Vec<Stmt>,
    pub else_frame: Frame,
    pub else_body: Vec<Stmt>,
    /// Slots of the loop's own function, for recursive loops.
    pub slots: usize,
}

/// `{% for … if test %}`: a function of its own.
pub(super) struct LoopTest {
    pub target: Target,
    pub frame: Frame,
    pub test: Expr,
    pub slots: usize,
}

pub(super) struct With {
    pub assignments: Vec<(Target, Expr)>,
    pub frame: Frame,
    pub body: Vec<Stmt>,
}

pub(super) struct Assign {
    pub target: Target,
    pub value: Expr,
    /// Names that become the template's own variables.
    pub exports: Vec<(Name, Slot)>,
}

pub(super) struct AssignBlock {
    pub target: Target,
    pub filter: Option<Expr>,
    pub frame: Frame,
    pub body: Vec<Stmt>,
    pub exports: Vec<(Name, Slot)>,
}

pub(super) struct FilterBlock {
    pub filter: Expr,
    pub frame: Frame,
    pub body: Vec<Stmt>,
}

/// A scope that only autoescape opens.
pub(super) struct Scope {
    pub autoescape: Expr,
    pub frame: Frame,
    pub body: Vec<Stmt>,
}

pub(super) struct MacroStmt {
    pub target: Slot,
    pub toplevel: bool,
    pub definition: Arc<Macro>,
}

/// A macro, or the body of a call block.
pub(super) struct Macro {
    /// `None` for the body of a call block.
    pub name: Option<Name>,
    pub parameters: Vec<Parameter>,
    pub caller: Option<Slot>,
    /// Whether the body looks at `caller`, a parameter or not.
    pub uses_caller: bool,
    pub kwargs: Option<Slot>,
    pub varargs: Option<Slot>,
    pub is_generator: bool,
    pub function: Function,
}

pub(super) struct Parameter {
    pub name: Name,
    pub slot: Slot,
    pub default: Option<Expr>,
}

pub(super) struct CallBlock {
    pub call: Expr,
    pub body: Arc<Macro>,
}

pub(super) struct BlockCall {
    pub name: Name,
    pub required: bool,
    pub scoped: bool,
    pub checked: bool,
    /// For scoped blocks: what the block sees of the scopes around it.
    pub locals: Vec<(Name, Slot)>,
}

pub(super) struct Include {
    pub template: Expr,
    pub ignore_missing: bool,
    pub with_context: bool,
    /// What the included template sees of the scopes around it.
    pub locals: Vec<(Name, Slot)>,
}

pub(super) struct Import {
    pub template: Expr,
    pub target: Slot,
    pub name: Name,
    pub toplevel: bool,
    pub with_context: bool,
    pub locals: Vec<(Name, Slot)>,
}

pub(super) struct FromImport {
    pub template: Expr,
    /// Name in the module, name here, its slot.
    pub names: Vec<(Name, Name, Slot)>,
    pub toplevel: bool,
    pub line: usize,
    pub with_context: bool,
    pub locals: Vec<(Name, Slot)>,
}

/// What is assigned to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Name(Name, Slot),
    /// `namespace.attribute`.
    Attribute(Name, Slot, Name),
    Tuple(Vec<Target>),
}

/// An expression.
pub(super) enum Expr {
    /// A constant; a container is made anew each time.
    Const(Value),
    Name(VarRef),
    List(Vec<Expr>),
    Tuple(Vec<Expr>),
    Dict(Vec<(Expr, Expr)>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<(Expr, Expr)>),
    And(Box<(Expr, Expr)>),
    Or(Box<(Expr, Expr)>),
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    Concat(Vec<Expr>),
    Cond(Box<Cond>),
    GetAttr(Box<GetAttr>),
    GetItem(Box<(Expr, Expr)>),
    Slice(Box<SliceExpr>),
    Call(Box<Call>),
    Filter(Box<Filter>),
    Test(Box<Test>),
    /// A constant that Python's own text of it can't give.
    Fails(Box<PyError>),
    /// A filter or test that nobody knows; a compiled template has none.
    Unknown(Box<Unknown>),
    /// What jinja2 generates no valid Python for; a compiled template has none.
    Unwritable,
}

/// A filter or test that nobody knows.
pub(super) struct Unknown {
    /// How jinja2 calls it: `filter` or `test`.
    pub kind: &'static str,
    pub error: SyntaxError,
    pub object: Option<Expr>,
    pub args: Args,
}

/// A name that is read.
#[derive(Clone, Debug)]
pub(super) struct VarRef {
    pub name: Name,
    pub slot: Slot,
    /// Bytes of the normalised source.
    pub at: (u32, u32),
}

pub(super) struct Cond {
    pub test: Expr,
    pub yes: Expr,
    pub no: Option<Expr>,
    pub line: usize,
}

pub(super) struct GetAttr {
    pub object: Expr,
    pub name: Name,
    pub at: (u32, u32),
}

pub(super) struct SliceExpr {
    pub object: Expr,
    pub start: Option<Expr>,
    pub stop: Option<Expr>,
    pub step: Option<Expr>,
}

pub(super) struct Call {
    pub callee: Expr,
    pub args: Args,
}

/// `object|filter(args)`.
pub(super) struct Filter {
    pub name: Name,
    pub code: &'static filters::Filter,
    /// `None` at the start of a filter block's chain: the block's own text.
    pub object: Option<Expr>,
    pub args: Args,
}

pub(super) struct Test {
    pub code: &'static tests::Test,
    pub object: Expr,
    pub args: Args,
}

/// Arguments as they are written.
#[derive(Default)]
pub(super) struct Args {
    pub positional: Vec<Expr>,
    pub keywords: Vec<(Name, Expr)>,
    pub star: Option<Expr>,
    pub double_star: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnaryOp {
    Not,
    Neg,
    Pos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareOp {
    Eq,
    Ne,
    Lt,
    LtEq,
    Gt,
    GtEq,
    In,
    NotIn,
}

/// Whether what `body` includes makes a generator of its function (`eval/generator.rs`).
pub(super) fn makes_generator(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::Include(s) => !s.with_context,
        Stmt::For(s) => !s.recursive && (makes_generator(&s.body) || makes_generator(&s.else_body)),
        Stmt::If(arms, otherwise) => {
            arms.iter().any(|(_, body)| makes_generator(body)) || makes_generator(otherwise)
        }
        Stmt::With(s) => makes_generator(&s.body),
        Stmt::AssignBlock(s) => makes_generator(&s.body),
        Stmt::FilterBlock(s) => makes_generator(&s.body),
        Stmt::Scope(s) => makes_generator(&s.body),
        // Functions of their own, or nothing that has a body.
        Stmt::Macro(_) | Stmt::CallBlock(_) | Stmt::Block(_) => false,
        Stmt::Output(_) | Stmt::Assign(_) | Stmt::Expr(_) | Stmt::Break | Stmt::Continue => false,
        Stmt::Extends(_) | Stmt::Import(_) | Stmt::FromImport(_) => false,
    })
}
