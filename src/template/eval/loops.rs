//! `{% for %}`: what is iterated, and the `loop` variable.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Weak},
};

use parking_lot::Mutex;

use super::{Buffer, Evaluator, context::Activation, generator};
use crate::{
    template::tree::{For, Target},
    value::{
        List, Object, PyError, PyResult, Undefined, Value, access,
        ops::{eq, truth},
    },
};

/// The items of a loop, taken one at a time.
pub(super) enum Items {
    /// A list is walked as it is at each step: what the body appends is seen.
    List(List, usize),
    Ready(std::vec::IntoIter<Value>),
    /// `{% for … if … %}`: the test runs when the next item is asked for.
    Tested(Box<Items>, Arc<Activation>, Arc<For>, bool),
}

impl fmt::Debug for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

impl Items {
    fn next(&mut self) -> PyResult<Option<Value>> {
        match self {
            Self::List(list, at) => {
                let item = list.read().get(*at).cloned();
                *at += 1;
                Ok(item)
            }
            Self::Ready(items) => Ok(items.next()),
            Self::Tested(items, act, s, entered) => {
                let Some(test) = &s.test else { return items.next() };
                let ev = Evaluator::new(act);
                if !*entered {
                    act.enter(&test.frame)?;
                    *entered = true;
                }
                while let Some(item) = items.next()? {
                    ev.assign(&test.target, item.clone())?;
                    if truth(&ev.eval(&test.test)?)? {
                        return Ok(Some(assigned(act, &test.target).unwrap_or(item)));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// What the function of a test gives for an item: a tuple of the target's names.
fn assigned(act: &Activation, target: &Target) -> Option<Value> {
    match target {
        Target::Name(_, slot) => act.get(*slot),
        Target::Attribute(..) => None,
        Target::Tuple(targets) => {
            let items: Option<Vec<Value>> = targets.iter().map(|t| assigned(act, t)).collect();
            items.map(Value::tuple)
        }
    }
}

/// What a loop over `iter` takes its items from; `act` is the activation around the loop.
pub(super) fn items(act: &Arc<Activation>, s: &Arc<For>, iter: &Value) -> PyResult<Items> {
    let items = match iter {
        Value::List(list) => Items::List(list.clone(), 0),
        other => Items::Ready(access::iterate(other)?.into_iter()),
    };
    Ok(match &s.test {
        Some(test) => {
            Items::Tested(Box::new(items), act.nested("filter", test.slots), Arc::clone(s), false)
        }
        None => items,
    })
}

/// How jinja2 calls the function of a recursive loop.
const FUNCTION: &str = "loop";

/// A recursive loop is a function that gives its text.
pub(super) fn run_recursive(
    around: &Arc<Activation>,
    s: &Arc<For>,
    iter: &Value,
    depth: i64,
) -> PyResult<Value> {
    if s.is_generator {
        around.unit.context.run.keep(around);
        let (act, s, iter) = (Arc::clone(around), Arc::clone(s), iter.clone());
        let run = move |out: &mut Buffer| recursive_body(&act, &s, &iter, depth, out);
        return Ok(generator::make(around, FUNCTION, run));
    }
    let mut out = Buffer::capturing();
    recursive_body(around, s, iter, depth, &mut out)?;
    out.finish(around.unit.concat)
}

fn recursive_body(
    around: &Arc<Activation>,
    s: &Arc<For>,
    iter: &Value,
    depth: i64,
    out: &mut Buffer,
) -> PyResult<()> {
    let _deeper = around.unit.context.run.deeper()?;
    let items = items(around, s, iter)?;
    let act = around.nested(FUNCTION, s.slots);
    Evaluator::new(&act).run_loop(s, items, iter, depth, out)
}

/// A loop under way.
pub(super) enum Running {
    Plain(Mutex<Items>),
    Extended(Arc<LoopObject>),
}

/// Starts the loop in `act`, which holds its slots.
pub(super) fn start(
    act: &Arc<Activation>,
    s: &Arc<For>,
    items: Items,
    iter: &Value,
    depth: i64,
) -> PyResult<Running> {
    if s.loop_slot.is_none() {
        return Ok(Running::Plain(Mutex::new(items)));
    }
    // Python asks for the length of what is iterated, which is unknown behind a test.
    let length = if s.test.is_none() { access::len(iter).ok() } else { None };
    let around = if s.recursive { act.outer() } else { None };
    act.unit.context.run.keep(act);
    Ok(Running::Extended(Arc::new_cyclic(|this| LoopObject {
        this: Weak::clone(this),
        recursion: around.map(|around| (around, Arc::clone(s))),
        depth,
        state: Mutex::new(State {
            items,
            length,
            index: -1,
            after: None,
            current: None,
            before: None,
            changed: None,
        }),
    })))
}

impl Running {
    pub fn next(&self) -> PyResult<Option<Value>> {
        match self {
            Self::Plain(items) => items.lock().next(),
            Self::Extended(object) => object.advance(),
        }
    }

    pub fn value(&self) -> Value {
        match self {
            Self::Plain(_) => Value::None,
            Self::Extended(object) => Value::Object(Arc::clone(object) as Arc<dyn Object>),
        }
    }
}

/// The `loop` variable.
pub(super) struct LoopObject {
    /// This object as a value.
    this: Weak<LoopObject>,
    recursion: Option<(Arc<Activation>, Arc<For>)>,
    depth: i64,
    state: Mutex<State>,
}

struct State {
    items: Items,
    length: Option<usize>,
    index: i64,
    after: Option<Value>,
    current: Option<Value>,
    before: Option<Value>,
    changed: Option<Vec<Value>>,
}

impl fmt::Debug for LoopObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoopContext")
    }
}

fn int(n: i64) -> Value {
    Value::Int(n)
}

impl LoopObject {
    /// The next item. A loop's test may look at loops, so it must not run under the lock.
    fn pull(&self) -> PyResult<Option<Value>> {
        let none = Items::Ready(Vec::new().into_iter());
        let mut items = std::mem::replace(&mut self.state.lock().items, none);
        let next = items.next();
        self.state.lock().items = items;
        next
    }

    fn advance(&self) -> PyResult<Option<Value>> {
        let peeked = self.state.lock().after.take();
        let next = match peeked {
            Some(value) => Some(value),
            None => self.pull()?,
        };
        let mut state = self.state.lock();
        if let Some(value) = &next {
            state.index += 1;
            state.before = state.current.replace(value.clone());
        }
        Ok(next)
    }

    fn length(&self) -> PyResult<i64> {
        let known = self.state.lock().length;
        let length = match known {
            Some(length) => length,
            None => {
                let mut rest = Vec::new();
                while let Some(item) = self.pull()? {
                    rest.push(item);
                }
                let mut state = self.state.lock();
                let seen = usize::try_from(state.index + 1).unwrap_or(0);
                let length = rest.len() + seen + usize::from(state.after.is_some());
                state.items = Items::Ready(rest.into_iter());
                state.length = Some(length);
                length
            }
        };
        Ok(i64::try_from(length).unwrap_or(i64::MAX))
    }

    fn peek(&self) -> PyResult<Option<Value>> {
        let after = self.state.lock().after.clone();
        let after = match after {
            Some(value) => Some(value),
            None => self.pull()?,
        };
        self.state.lock().after.clone_from(&after);
        Ok(after)
    }

    /// `loop.name`, if there is such a thing.
    pub fn attribute(&self, this: &Value, name: &str) -> PyResult<Option<Value>> {
        let index = self.state.lock().index;
        Ok(Some(match name {
            "index" => int(index + 1),
            "index0" => int(index),
            "length" => int(self.length()?),
            "revindex" => int(self.length()? - index),
            "revindex0" => int(self.length()? - index - 1),
            "first" => Value::Bool(index == 0),
            "last" => Value::Bool(self.peek()?.is_none()),
            "depth" => int(self.depth + 1),
            "depth0" => int(self.depth),
            "previtem" => match self.state.lock().before.clone() {
                Some(value) if index > 0 => value,
                _ => missing("there is no previous item"),
            },
            "nextitem" => match self.peek()? {
                Some(value) => value,
                None => missing("there is no next item"),
            },
            "cycle" | "changed" => {
                let changed = name == "changed";
                Value::Object(Arc::new(LoopMethod { of: this.clone(), changed }))
            }
            _ => return Ok(None),
        }))
    }

    /// `loop(items)`: the loop's body over other items, one level deeper.
    pub fn recurse(&self, iter: &Value) -> PyResult<Value> {
        let Some((around, s)) = &self.recursion else {
            return Err(PyError::type_error(
                "The loop must have the 'recursive' marker to be called recursively.",
            ));
        };
        run_recursive(around, s, iter, self.depth + 1)
    }
}

fn missing(hint: &str) -> Value {
    Value::Undefined(Arc::new(Undefined::hinted(hint)))
}

impl Object for LoopObject {
    fn type_name(&self) -> &str {
        "LoopContext"
    }

    fn module(&self) -> &str {
        "jinja2.runtime"
    }

    fn is_iterable(&self) -> bool {
        true
    }

    /// What is left of the loop, which is at its end then.
    fn items(&self) -> PyResult<Option<Vec<Value>>> {
        let Some(this) = self.this.upgrade() else { return Ok(Some(Vec::new())) };
        let mut rest = Vec::new();
        while let Some(item) = self.advance()? {
            let this = Value::Object(Arc::clone(&this) as Arc<dyn Object>);
            rest.push(Value::tuple(vec![item, this]));
        }
        Ok(Some(rest))
    }

    fn length(&self) -> Option<usize> {
        usize::try_from(Self::length(self).ok()?).ok()
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        let index = self.state.lock().index + 1;
        format!("<LoopContext {index}/{}>", Self::length(self).unwrap_or_default())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `loop.cycle` and `loop.changed`.
#[derive(Debug)]
pub(super) struct LoopMethod {
    of: Value,
    changed: bool,
}

impl LoopMethod {
    pub fn call(&self, args: Vec<Value>) -> PyResult<Value> {
        let Some(of) = downcast(&self.of) else { return Ok(Value::None) };
        let mut state = of.state.lock();
        if self.changed {
            let same = match &state.changed {
                Some(last) if last.len() == args.len() => {
                    let mut same = true;
                    for (a, b) in last.iter().zip(&args) {
                        if !eq(a, b)? {
                            same = false;
                            break;
                        }
                    }
                    same
                }
                _ => false,
            };
            if !same {
                state.changed = Some(args);
            }
            return Ok(Value::Bool(!same));
        }
        if args.is_empty() {
            return Err(PyError::type_error("no items for cycling given"));
        }
        let at = usize::try_from(state.index).unwrap_or(0) % args.len();
        Ok(args[at].clone())
    }
}

impl Object for LoopMethod {
    fn type_name(&self) -> &str {
        "method"
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn repr(&self) -> String {
        let name = if self.changed { "changed" } else { "cycle" };
        let of = downcast(&self.of).map(Object::repr).unwrap_or_default();
        format!("<bound method LoopContext.{name} of {of}>")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The loop that a value is, if it is one.
pub(super) fn downcast(value: &Value) -> Option<&LoopObject> {
    match value {
        Value::Object(o) => o.as_any().downcast_ref(),
        _ => None,
    }
}
