//! Templates as functions: `{% extends %}`, `{% block %}`, `self` and `super()`.

use std::{any::Any, fmt, sync::Arc};

use parking_lot::Mutex;

use super::{
    Buffer, Evaluator,
    context::{Activation, Context, Unit},
    modules,
};
use crate::{
    template::{
        filters,
        tree::{Block, BlockCall, Expr, Name, Template},
    },
    value::{Object, PyError, PyErrorKind, PyResult, Undefined, Value, repr::str_repr},
};

/// Runs a template's body, and then that of the template it extends.
pub(super) fn run_root(
    template: &Arc<Template>,
    context: &Arc<Context>,
    out: &mut Buffer,
) -> PyResult<()> {
    let _deeper = context.run.deeper()?;
    let unit = Arc::new(Unit {
        context: Arc::clone(context),
        template: Arc::clone(template),
        concat: context.run.concat_now(),
        extends: Mutex::default(),
    });
    let function = &template.root;
    let act = Activation::root(Arc::clone(&unit), None, function.slots);
    if let Some(slot) = function.self_slot {
        act.set(slot, Some(self_reference(context)));
    }
    act.enter(&function.frame)?;
    if let Some(unknown) = &function.unknown {
        return Err(filters::unknown(unknown));
    }
    let captured = out.set_captured(false);
    Evaluator::new(&act).exec(&function.body, out)?;
    out.set_captured(captured);
    let parent = unit.extends.lock().clone();
    match parent {
        Some(parent) => run_root(&parent, context, out),
        None => Ok(()),
    }
}

fn run_block(
    (template, block): &(Arc<Template>, Arc<Block>),
    context: &Arc<Context>,
    depth: usize,
    out: &mut Buffer,
) -> PyResult<()> {
    let _deeper = context.run.deeper()?;
    let unit = Arc::new(Unit {
        context: Arc::clone(context),
        template: Arc::clone(template),
        concat: context.run.concat_now(),
        extends: Mutex::default(),
    });
    let function = &block.function;
    let act = Activation::root(unit, Some(&block.name), function.slots);
    if let Some(slot) = function.self_slot {
        act.set(slot, Some(self_reference(context)));
    }
    if let Some(slot) = function.super_slot {
        act.set(slot, Some(reference(context, &block.name, depth + 1)));
    }
    act.enter(&function.frame)?;
    if let Some(unknown) = &function.unknown {
        return Err(filters::unknown(unknown));
    }
    let captured = out.set_captured(false);
    Evaluator::new(&act).exec(&function.body, out)?;
    out.set_captured(captured);
    Ok(())
}

/// `{% block %}` where it stands.
pub(super) fn call(ev: &Evaluator<'_>, s: &BlockCall, out: &mut Buffer) -> PyResult<()> {
    if s.checked && ev.unit().extends.lock().is_some() {
        return Ok(());
    }
    let context = if s.scoped {
        let locals = ev.locals(&s.locals);
        if !locals.is_empty() {
            ev.context().render_all()?;
        }
        ev.context().derived(locals)
    } else {
        Arc::clone(ev.context())
    };
    let stack = context.blocks.lock().get(&s.name).cloned().unwrap_or_default();
    if s.required && stack.len() <= 1 {
        return Err(PyError::new(
            PyErrorKind::TemplateRuntime,
            format!("Required block {} not found", str_repr(&s.name)),
        ));
    }
    match stack.first() {
        Some(block) => run_block(block, &context, 0, out),
        None => Ok(()),
    }
}

/// `{% extends %}`.
pub(super) fn extends(ev: &Evaluator<'_>, e: &Expr) -> PyResult<()> {
    if ev.unit().extends.lock().is_some() {
        return Err(PyError::new(PyErrorKind::TemplateRuntime, "extended multiple times"));
    }
    let name = ev.eval(e)?;
    let parent = modules::load(ev.run(), &name)?;
    let mut blocks = ev.context().blocks.lock();
    for (name, block) in &parent.blocks {
        let stack = blocks.entry(Arc::clone(name)).or_default();
        stack.push((Arc::clone(&parent), Arc::clone(block)));
    }
    drop(blocks);
    *ev.unit().extends.lock() = Some(parent);
    Ok(())
}

fn self_reference(context: &Arc<Context>) -> Value {
    Value::Object(Arc::new(SelfReference(Arc::clone(context))))
}

/// The block `name`, `depth` templates up.
fn reference(context: &Arc<Context>, name: &Name, depth: usize) -> Value {
    let levels = context.blocks.lock().get(name).map_or(0, Vec::len);
    if depth >= levels {
        let hint = format!("there is no parent block called {}.", str_repr(name));
        let undefined = Undefined::hinted(hint);
        return Value::Undefined(Arc::new(Undefined {
            name: Some("super".to_owned()),
            ..undefined
        }));
    }
    Value::Object(Arc::new(BlockReference {
        context: Arc::clone(context),
        name: Arc::clone(name),
        depth,
    }))
}

/// `self`.
struct SelfReference(Arc<Context>);

impl fmt::Debug for SelfReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TemplateReference")
    }
}

impl Object for SelfReference {
    fn type_name(&self) -> &str {
        "TemplateReference"
    }

    fn module(&self) -> &str {
        "jinja2.runtime"
    }

    fn get_item(&self, key: &Value) -> Option<Value> {
        let name: Name = key.as_str()?.into();
        let known = self.0.blocks.lock().contains_key(&name);
        known.then(|| reference(&self.0, &name, 0))
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn repr(&self) -> String {
        "<TemplateReference None>".to_owned()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `self.name` or `super`.
pub(super) struct BlockReference {
    context: Arc<Context>,
    name: Name,
    depth: usize,
}

impl fmt::Debug for BlockReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockReference({})", self.name)
    }
}

impl BlockReference {
    /// The block's text.
    pub fn call(&self) -> PyResult<Value> {
        let stack = self.context.blocks.lock().get(&self.name).cloned().unwrap_or_default();
        let mut out = Buffer::given(self.context.run.concat_now());
        if let Some(block) = stack.get(self.depth) {
            run_block(block, &self.context, self.depth, &mut out)?;
        }
        out.finish(self.context.run.concat_now())
    }
}

impl Object for BlockReference {
    fn type_name(&self) -> &str {
        "BlockReference"
    }

    fn module(&self) -> &str {
        "jinja2.runtime"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "super" => Some(reference(&self.context, &self.name, self.depth + 1)),
            "name" => Some(Value::str(Arc::clone(&self.name))),
            _ => None,
        }
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        "<jinja2.runtime.BlockReference object at 0x7f0000000000>".to_owned()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
