//! What lives while a template runs: the run itself, jinja2's contexts, and activations of
//! functions with their slots.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use indexmap::{IndexMap, IndexSet};
use parking_lot::Mutex;

use super::{buffer::Concat, globals, modules::Module};
use crate::{
    template::{
        Templar,
        environment::Compiler,
        templar::Chain,
        tree::{Block, Frame, Load, Name, Slot, Template},
    },
    value::{Dict, Key, List, PyError, PyErrorKind, PyResult, Value},
};

/// One rendering: what all templates that take part in it share.
pub(in crate::template) struct Run {
    pub templar: Templar,
    pub compiler: Arc<Compiler>,
    pub concat: Concat,
    /// Whether the run has the templar's own syntax, and so its concat function.
    own_environment: bool,
    /// Whether a variable was rendered on the way. From then on what starts in the templar's own
    /// environment reads its text as data, as all variables do (ansible 2.14 sets the function on
    /// the environment that the renderings share).
    converts: AtomicBool,
    /// Whether `lookup` and `query` may be called.
    pub lookups: bool,
    /// The variables that are being rendered around this run.
    pub chain: Option<Arc<Chain>>,
    /// Whether anything unsafe was touched.
    is_unsafe: AtomicBool,
    /// Macros and loops point at the activations that hold them; these are emptied at the end.
    kept: Mutex<Vec<Arc<Activation>>>,
    contexts: Mutex<Vec<Arc<Context>>>,
    /// Modules that were imported without context, made once.
    pub modules: Mutex<HashMap<Name, Arc<Module>>>,
    /// Macros, blocks, recursive loops and includes that are running.
    depth: AtomicUsize,
}

/// No template needs more of them, one in the other; Python has room for about 200.
const DEEPEST: usize = 80;

/// One of them, as long as it runs.
pub(in crate::template) struct Deeper<'r>(&'r Run);

impl Drop for Deeper<'_> {
    fn drop(&mut self) {
        self.0.depth.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Run {
    pub fn new(
        templar: Templar,
        compiler: Arc<Compiler>,
        concat: Concat,
        own_environment: bool,
        lookups: bool,
        chain: Option<Arc<Chain>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            templar,
            compiler,
            concat,
            own_environment,
            converts: AtomicBool::new(false),
            lookups,
            chain,
            is_unsafe: AtomicBool::new(false),
            kept: Mutex::default(),
            contexts: Mutex::default(),
            modules: Mutex::default(),
            depth: AtomicUsize::new(0),
        })
    }

    /// Notes that a macro, a block, a recursive loop or an include runs until the result is dropped.
    pub fn deeper(&self) -> PyResult<Deeper<'_>> {
        let deeper = Deeper(self);
        if self.depth.fetch_add(1, Ordering::Relaxed) >= DEEPEST {
            let kind = PyErrorKind::Other("RecursionError");
            return Err(PyError::new(kind, "maximum recursion depth exceeded"));
        }
        Ok(deeper)
    }

    /// What becomes of the text of something that starts now.
    pub fn concat_now(&self) -> Concat {
        let converts = self.own_environment && self.converts.load(Ordering::Relaxed);
        if converts && self.concat == Concat::Text { Concat::Convert } else { self.concat }
    }

    pub fn touch_unsafe(&self) {
        self.is_unsafe.store(true, Ordering::Relaxed);
    }

    pub fn is_unsafe(&self) -> bool {
        self.is_unsafe.load(Ordering::Relaxed)
    }

    /// Remembers an activation that something in its own slots may point at.
    pub fn keep(&self, activation: &Arc<Activation>) {
        self.kept.lock().push(Arc::clone(activation));
    }

    /// Breaks the circles of macros and the activations that they were made in.
    pub fn end(&self) {
        for activation in std::mem::take(&mut *self.kept.lock()) {
            let slots = std::mem::take(&mut *activation.slots.lock());
            drop(slots);
        }
        for context in std::mem::take(&mut *self.contexts.lock()) {
            let vars = std::mem::take(&mut *context.vars.lock());
            drop(vars);
        }
        self.modules.lock().clear();
    }
}

/// Where a context finds names that the template did not set itself.
#[derive(Clone)]
pub(in crate::template) enum Parent {
    /// What an including template handed over, then the variables, then the globals.
    Variables(Arc<IndexMap<Name, Value>>),
    /// The same without the variables: imports without context, and what these include.
    Globals(Arc<IndexMap<Name, Value>>),
}

/// The local names of a template that hands them to another; the value is `None` before it is set.
pub(super) type HandedOn = IndexMap<Name, Option<Value>>;

/// Names that ansible keeps for jinja2's own.
const NEVER_HANDED: [&str; 3] = ["context", "environment", "template"];

impl Parent {
    /// The names that were handed over.
    fn handed(&self) -> &Arc<IndexMap<Name, Value>> {
        match self {
            Self::Variables(names) | Self::Globals(names) => names,
        }
    }

    /// The same with other names handed over.
    fn with(&self, names: Arc<IndexMap<Name, Value>>) -> Self {
        match self {
            Self::Variables(_) => Self::Variables(names),
            Self::Globals(_) => Self::Globals(names),
        }
    }
}

type BlockStack = Vec<(Arc<Template>, Arc<Block>)>;

/// jinja2's context: the names of one template (and of those it extends).
pub(in crate::template) struct Context {
    pub run: Arc<Run>,
    pub vars: Mutex<IndexMap<Name, Value>>,
    pub exported: Mutex<IndexSet<Name>>,
    pub parent: Parent,
    pub blocks: Mutex<HashMap<Name, BlockStack>>,
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

impl Context {
    pub fn new(run: &Arc<Run>, template: &Arc<Template>, parent: Parent) -> Arc<Self> {
        let blocks = template.blocks.iter().map(|(name, block)| {
            (Arc::clone(name), vec![(Arc::clone(template), Arc::clone(block))])
        });
        let context = Arc::new(Self {
            run: Arc::clone(run),
            vars: Mutex::default(),
            exported: Mutex::default(),
            parent,
            blocks: Mutex::new(blocks.collect()),
        });
        run.contexts.lock().push(Arc::clone(&context));
        context
    }

    /// Renders all variables: a scoped block that is handed names gets a copy of them, whether it
    /// looks at any or not. Undefined ones are no failure yet.
    pub fn render_all(&self) -> PyResult<()> {
        let Parent::Variables(_) = self.parent else { return Ok(()) };
        for name in self.run.templar.scope().names() {
            let rendered = self.run.templar.variable(&name, self.run.chain.as_ref())?;
            if rendered.is_some_and(|rendered| rendered.nested) {
                self.run.converts.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    /// The same context with more names, for scoped blocks.
    pub fn derived(&self, mut locals: HandedOn) -> Arc<Self> {
        locals.retain(|_, value| value.is_some());
        Arc::new(Self {
            run: Arc::clone(&self.run),
            vars: Mutex::default(),
            exported: Mutex::default(),
            parent: self.handed_on(locals),
            blocks: Mutex::new(self.blocks.lock().clone()),
        })
    }

    /// What another template sees of this one: its own names and `locals`, of which those that
    /// are not set yet hide what was handed to this one.
    pub fn handed_on(&self, locals: HandedOn) -> Parent {
        let vars = self.vars.lock();
        if vars.is_empty() && locals.is_empty() {
            return self.parent.clone();
        }
        let mut all = (**self.parent.handed()).clone();
        let own = vars.iter().map(|(k, v)| (Arc::clone(k), Some(v.clone())));
        for (name, value) in own.chain(locals) {
            // ansible-core 2.14 takes `l_` for a mark of jinja2 2.8.
            let (key, ours) = match name.strip_prefix("l_") {
                Some(rest) => (Name::from(rest), true),
                None => (Arc::clone(&name), !NEVER_HANDED.contains(&&*name)),
            };
            match value {
                Some(value) if ours => drop(all.insert(key, value)),
                _ => drop(all.shift_remove(&name)),
            }
        }
        self.parent.with(Arc::new(all))
    }

    /// The value of a name; marks the run if it is unsafe.
    pub fn resolve(&self, name: &Name, copy: bool) -> PyResult<Option<Value>> {
        let own = self.vars.lock().get(name).cloned();
        let own = own.or_else(|| self.parent.handed().get(name).cloned());
        if let Some(value) = own {
            if is_unsafe(&value) {
                self.run.touch_unsafe();
            }
            return Ok(Some(value));
        }
        if let Parent::Variables(_) = self.parent
            && let Some(rendered) = self.run.templar.variable(name, self.run.chain.as_ref())?
        {
            if rendered.is_unsafe {
                self.run.touch_unsafe();
            }
            if rendered.nested {
                self.run.converts.store(true, Ordering::Relaxed);
            }
            let value = rendered.value;
            return Ok(Some(if copy { deep_copy(&value) } else { value }));
        }
        Ok(globals::find(name, &self.run))
    }
}

/// Whether ansible would call a value unsafe: text, or a list or dict that holds such.
pub(in crate::template) fn is_unsafe(value: &Value) -> bool {
    match value {
        Value::Str(s) => s.is_unsafe(),
        Value::Vaulted(_) => true,
        Value::List(l) => l.read().iter().any(is_unsafe),
        Value::Dict(d) => d.read().values().any(is_unsafe),
        _ => false,
    }
}

/// A copy whose containers can be changed without anybody noticing.
pub(in crate::template) fn deep_copy(value: &Value) -> Value {
    match value {
        Value::List(l) => Value::List(l.read().iter().map(deep_copy).collect::<List>()),
        Value::Dict(d) => {
            let copy = |(k, v): (&Key, &Value)| (k.clone(), deep_copy(v));
            Value::Dict(d.read().iter().map(copy).collect::<Dict>())
        }
        other => other.clone(),
    }
}

/// A template or block as it runs in a context: what its functions share.
pub(in crate::template) struct Unit {
    pub context: Arc<Context>,
    pub template: Arc<Template>,
    /// What becomes of the text of its macros and captured blocks.
    pub concat: Concat,
    /// The template that this one turned out to extend.
    pub extends: Mutex<Option<Arc<Template>>>,
}

/// A function that runs, with its slots.
pub(in crate::template) struct Activation {
    slots: Mutex<Vec<Option<Value>>>,
    parent: Option<Arc<Activation>>,
    pub unit: Arc<Unit>,
    function: FunctionName,
}

/// What jinja2 calls the function in the code that it generates.
#[derive(Clone, Debug)]
enum FunctionName {
    Root,
    Block(Name),
    /// One inside of another.
    Inner(&'static str),
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation").finish_non_exhaustive()
    }
}

impl Activation {
    /// An activation of a template's body, or of a block.
    pub fn root(unit: Arc<Unit>, block: Option<&Name>, slots: usize) -> Arc<Self> {
        let function = match block {
            Some(name) => FunctionName::Block(Arc::clone(name)),
            None => FunctionName::Root,
        };
        Arc::new(Self { slots: Mutex::new(vec![None; slots]), parent: None, unit, function })
    }

    /// Python's `__qualname__` of the function.
    pub fn qualified_name(&self) -> String {
        let around = self.parent.as_ref().map(|a| format!("{}.<locals>.", a.qualified_name()));
        let around = around.unwrap_or_default();
        match &self.function {
            FunctionName::Root => format!("{around}root"),
            FunctionName::Block(name) => format!("{around}block_{name}"),
            FunctionName::Inner(name) => format!("{around}{name}"),
        }
    }

    /// An activation of a function inside this one, which jinja2 calls `name`.
    pub fn nested(self: &Arc<Self>, name: &'static str, slots: usize) -> Arc<Self> {
        Arc::new(Self {
            slots: Mutex::new(vec![None; slots]),
            parent: Some(Arc::clone(self)),
            unit: Arc::clone(&self.unit),
            function: FunctionName::Inner(name),
        })
    }

    /// The activation around this one.
    pub fn outer(&self) -> Option<Arc<Self>> {
        self.parent.clone()
    }

    fn at(&self, up: u16) -> Option<&Self> {
        let mut activation = self;
        for _ in 0..up {
            activation = activation.parent.as_deref()?;
        }
        Some(activation)
    }

    pub fn get(&self, slot: Slot) -> Option<Value> {
        self.at(slot.up)?.slots.lock().get(usize::from(slot.index))?.clone()
    }

    pub fn set(&self, slot: Slot, value: Option<Value>) {
        if let Some(activation) = self.at(slot.up)
            && let Some(place) = activation.slots.lock().get_mut(usize::from(slot.index))
        {
            // The old value is dropped after the lock.
            let _old = std::mem::replace(place, value);
        }
    }

    /// Loads what a scope needs before its first statement.
    pub fn enter(&self, frame: &Frame) -> PyResult<()> {
        for (index, load) in &frame.loads {
            let value = match load {
                Load::Parameter => continue,
                Load::Missing => None,
                Load::Alias(slot) => self.get(*slot),
                Load::Resolve(name) => {
                    self.unit.context.resolve(name, self.unit.template.may_mutate)?
                }
            };
            self.set(Slot { up: 0, index: *index }, value);
        }
        Ok(())
    }

    /// Forgets the names of a scope.
    pub fn leave(&self, frame: &Frame) {
        for (index, _) in &frame.loads {
            self.set(Slot { up: 0, index: *index }, None);
        }
    }
}
