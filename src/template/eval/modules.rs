//! Other templates: `{% include %}`, `{% import %}` and `{% from … import %}`.

use std::{any::Any, fmt, path::PathBuf, sync::Arc};

use indexmap::IndexMap;

use super::{
    Buffer, Concat, Evaluator, blocks,
    context::{Context, HandedOn, Parent, Run},
};
use crate::{
    template::{
        optimize::Failure,
        tree::{FromImport, Import, Include, Name, Template},
    },
    value::{
        Object, PyError, PyErrorKind, PyResult, Undefined, Value, access,
        ops::{to_key, truth},
        repr::{str_repr, to_text},
    },
};

/// jinja2's `TemplateNotFound`.
const NOT_FOUND: &str = "jinja2.exceptions.TemplateNotFound";
const NONE_FOUND: &str = "jinja2.exceptions.TemplatesNotFound";

/// The template called `name`, looked for in the run's search path.
pub(super) fn load(run: &Arc<Run>, name: &Value) -> PyResult<Arc<Template>> {
    let Value::Str(name) = name else {
        if let Value::Undefined(u) = name {
            return Err(PyError::undefined(u));
        }
        // Templates are kept by name.
        to_key(name.clone())?;
        let shown = crate::value::types::type_name(name);
        return Err(PyError::new(
            PyErrorKind::AttributeError,
            format!("'{shown}' object has no attribute 'split'"),
        ));
    };
    let paths = run.templar.search_path();
    let Some(path) = find(name, paths) else {
        let plural = if paths.len() == 1 { "" } else { "s" };
        let listed: Vec<_> = paths.iter().map(|p| str_repr(&p.to_string_lossy())).collect();
        return Err(PyError::new(
            PyErrorKind::Other(NOT_FOUND),
            format!("{} not found in search path{plural}: {}", str_repr(name), listed.join(", ")),
        ));
    };
    let text = std::fs::read(&path).map_err(|e| {
        PyError::new(PyErrorKind::OSError, format!("{e}: {}", str_repr(&path.to_string_lossy())))
    })?;
    let text = String::from_utf8(text).map_err(|_| {
        let message = format!("{} is not encoded as UTF-8", path.display());
        PyError::new(PyErrorKind::Other("UnicodeDecodeError"), message)
    })?;
    let compiled = run.compiler.file(&text, name);
    compiled.map_err(|e| match e {
        Failure::Syntax(e) => PyError::new(PyErrorKind::TemplateSyntax, e.message),
        Failure::Crash(e) => e,
    })
}

/// jinja2's rule for names: relative to the search path, and never out of it.
fn find(name: &str, paths: &[PathBuf]) -> Option<PathBuf> {
    let mut relative = PathBuf::new();
    for segment in name.split('/') {
        match segment {
            ".." => return None,
            "" | "." => {}
            other => relative.push(other),
        }
    }
    paths.iter().map(|p| p.join(&relative)).find(|p| p.is_file())
}

/// One name, or the first of several that is there.
fn select(run: &Arc<Run>, names: &Value) -> PyResult<Arc<Template>> {
    let candidates = match names {
        Value::Str(_) | Value::Undefined(_) => return load(run, names),
        other if truth(other)? => access::iterate(other)?,
        _ => Vec::new(),
    };
    if candidates.is_empty() {
        let message = "Tried to select from an empty list of templates.";
        return Err(PyError::new(PyErrorKind::Other(NONE_FOUND), message));
    }
    for candidate in &candidates {
        match load(run, candidate) {
            Err(e) if e.kind == PyErrorKind::Other(NOT_FOUND) || e.is_undefined() => {}
            found => return found,
        }
    }
    // jinja2 asks for the last name, which only sequences have.
    access::subscript(names, &Value::Int(-1))?;
    let shown: Vec<String> = candidates
        .iter()
        .map(|c| match c {
            Value::Undefined(u) => PyError::undefined(u).message,
            other => to_text(other).unwrap_or_default(),
        })
        .collect();
    let listed = shown.join(", ");
    Err(PyError::new(
        PyErrorKind::Other(NONE_FOUND),
        format!("none of the templates given were found: {listed}"),
    ))
}

impl Evaluator<'_> {
    pub(super) fn include(&self, s: &Include, out: &mut Buffer) -> PyResult<()> {
        let name = self.eval(&s.template)?;
        let template = match select(self.run(), &name) {
            Err(e)
                if s.ignore_missing
                    && matches!(e.kind, PyErrorKind::Other(NOT_FOUND | NONE_FOUND)) =>
            {
                return Ok(());
            }
            found => found?,
        };
        if !s.with_context {
            // jinja2 takes what the template printed when it was run as a module.
            let module = shared_module(self.run(), &template)?;
            return out.hand_on(module.stream.clone());
        }
        let parent = self.context().handed_on(self.locals(&s.locals));
        let context = Context::new(self.run(), &template, parent);
        blocks::run_root(&template, &context, out)
    }

    pub(super) fn import(&self, s: &Import) -> PyResult<()> {
        let name = self.eval(&s.template)?;
        let locals = s.with_context.then(|| self.locals(&s.locals));
        let module = self.module(&name, locals)?;
        self.act.set(s.target, Some(module.clone()));
        if s.toplevel {
            let _old = self.context().vars.lock().insert(Arc::clone(&s.name), module);
            self.context().exported.lock().shift_remove(&s.name);
        }
        Ok(())
    }

    pub(super) fn import_names(&self, s: &FromImport) -> PyResult<()> {
        let name = self.eval(&s.template)?;
        let locals = s.with_context.then(|| self.locals(&s.locals));
        let module = self.module(&name, locals)?;
        let Value::Object(object) = &module else { return Ok(()) };
        let Some(object) = object.as_any().downcast_ref::<Module>() else { return Ok(()) };
        for (wanted, alias, slot) in &s.names {
            let value = match object.names.get(wanted) {
                Some(value) => value.clone(),
                None => Value::Undefined(Arc::new(Undefined {
                    name: Some(wanted.to_string()),
                    ..Undefined::hinted(format!(
                        "the template {} (imported on {}) does not export the requested name {}",
                        str_repr(&object.template),
                        self.position(s.line),
                        str_repr(wanted)
                    ))
                })),
            };
            self.act.set(*slot, Some(value.clone()));
            if s.toplevel {
                let _old = self.context().vars.lock().insert(Arc::clone(alias), value);
                self.context().exported.lock().shift_remove(alias);
            }
        }
        Ok(())
    }

    /// Runs a template for the names it sets. Without context it is run once.
    fn module(&self, name: &Value, locals: Option<HandedOn>) -> PyResult<Value> {
        let run = self.run();
        let template = load(run, name)?;
        Ok(Value::Object(match locals {
            Some(locals) => make_module(run, &template, self.context().handed_on(locals))?,
            None => shared_module(run, &template)?,
        }))
    }
}

/// The module of a template that sees no variables, which is run once.
fn shared_module(run: &Arc<Run>, template: &Arc<Template>) -> PyResult<Arc<Module>> {
    let key = template.name.clone().unwrap_or_default();
    if let Some(module) = run.modules.lock().get(&key) {
        return Ok(Arc::clone(module));
    }
    let module = make_module(run, template, Parent::Globals(Arc::default()))?;
    run.modules.lock().insert(key, Arc::clone(&module));
    Ok(module)
}

fn make_module(run: &Arc<Run>, template: &Arc<Template>, parent: Parent) -> PyResult<Arc<Module>> {
    let context = Context::new(run, template, parent);
    let mut out = Buffer::logging();
    blocks::run_root(template, &context, &mut out)?;
    let vars = context.vars.lock();
    let exported = context.exported.lock();
    let names = exported.iter().filter_map(|n| Some((Arc::clone(n), vars.get(n)?.clone())));
    Ok(Arc::new(Module {
        template: template.name.clone().unwrap_or_default(),
        names: names.collect(),
        stream: out.log(),
        text: out.finish(Concat::Text)?,
    }))
}

/// An imported template.
pub(in crate::template) struct Module {
    template: Name,
    names: IndexMap<Name, Value>,
    /// What it printed, piece by piece.
    stream: Vec<Value>,
    text: Value,
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repr())
    }
}

impl Object for Module {
    fn type_name(&self) -> &str {
        "TemplateModule"
    }

    fn module(&self) -> &str {
        "jinja2.environment"
    }

    fn get_attr(&self, name: &str) -> Option<Value> {
        match name {
            "__name__" => Some(Value::str(Arc::clone(&self.template))),
            _ => self.names.get(name).cloned(),
        }
    }

    fn length(&self) -> Option<usize> {
        None
    }

    fn repr(&self) -> String {
        format!("<TemplateModule {}>", str_repr(&self.template))
    }

    fn text(&self) -> Option<String> {
        crate::value::repr::to_text(&self.text).ok()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
