//! Rendering values: ansible's `Templar`.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::{
    Locals, Scope,
    environment::{Compiler, Environment},
    eval::{self, Concat, Run},
    header, lookups,
    optimize::Failure,
    syntax::{Syntax, SyntaxError, double_backslashes, is_possibly_template, is_template},
    tree::Name,
};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::{Dict, List, PyError, PyErrorKind, PyResult, Str, Undefined, Value, repr::to_text},
};

/// How a value is to be rendered. The default is what ansible does for task arguments.
#[derive(Clone, Debug)]
pub struct RenderOptions {
    /// Text that looks like a list, a dict or a bool becomes one.
    pub convert_data: bool,
    /// Whether undefined names fail, or leave the text as it is.
    pub fail_on_undefined: bool,
    /// Line ends at the end of the text are kept.
    pub preserve_trailing_newlines: bool,
    /// Backslashes of literals inside `{{ }}` are doubled.
    pub escape_backslashes: bool,
    /// Keys of a dict whose values are not rendered.
    pub static_vars: &'static [&'static str],
    /// `lookup` and `query` fail.
    pub disable_lookups: bool,
    /// A bare name becomes `{{ name }}`.
    pub convert_bare: bool,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            convert_data: true,
            fail_on_undefined: true,
            preserve_trailing_newlines: true,
            escape_backslashes: true,
            static_vars: &[],
            disable_lookups: false,
            convert_bare: false,
        }
    }
}

/// Renders values with the names of one scope. Each name is rendered once. Cloning shares that.
#[derive(Clone)]
pub struct Templar(Arc<Inner>);

struct Inner {
    env: Arc<Environment>,
    scope: Arc<dyn Scope>,
    compiler: Arc<Compiler>,
    native: bool,
    /// Where `{% include %}` looks.
    search_path: Vec<PathBuf>,
    names: Mutex<HashMap<Name, Rendered>>,
    /// The same for readers from other scopes (hostvars), to whom undefined is no failure.
    foreign: Mutex<HashMap<Name, Option<Value>>>,
    /// Templars of other hosts' scopes, by address of the scope.
    others: Mutex<HashMap<usize, Templar>>,
}

/// A variable's value.
#[derive(Clone)]
pub(super) struct Rendered {
    pub value: Value,
    pub is_unsafe: bool,
    /// Whether a template had to run for it.
    pub nested: bool,
}

/// The variables that are being rendered, innermost first.
pub(super) struct Chain {
    name: Name,
    /// The variable as it is written.
    raw: Value,
    around: Option<Arc<Chain>>,
}

impl Chain {
    fn contains(chain: Option<&Arc<Self>>, name: &str) -> bool {
        let mut link = chain;
        while let Some(chain) = link {
            if &*chain.name == name {
                return true;
            }
            link = chain.around.as_ref();
        }
        false
    }
}

/// What a rendering needs besides the value.
#[derive(Clone)]
struct Way {
    options: RenderOptions,
    chain: Option<Arc<Chain>>,
}

impl Templar {
    /// Renders with the names of `scope`.
    pub fn new(env: Arc<Environment>, scope: Arc<dyn Scope>) -> Self {
        let compiler = env.compiler(&env.syntax());
        let native = env.settings.native;
        let search_path = vec![env.settings.basedir.clone()];
        Self::with(env, scope, compiler, native, search_path)
    }

    fn with(
        env: Arc<Environment>,
        scope: Arc<dyn Scope>,
        compiler: Arc<Compiler>,
        native: bool,
        search_path: Vec<PathBuf>,
    ) -> Self {
        Self(Arc::new(Inner {
            env,
            scope,
            compiler,
            native,
            search_path,
            names: Mutex::default(),
            foreign: Mutex::default(),
            others: Mutex::default(),
        }))
    }

    /// The same with more names above those of the scope (loop variables).
    #[must_use]
    pub fn with_locals(&self, names: IndexMap<Arc<str>, Value>) -> Self {
        if names.is_empty() {
            return self.clone();
        }
        let scope = Arc::new(Locals::new(names, Arc::clone(&self.0.scope)));
        let inner = &*self.0;
        Self::with(
            Arc::clone(&inner.env),
            scope,
            Arc::clone(&inner.compiler),
            inner.native,
            inner.search_path.clone(),
        )
    }

    /// The same with nothing rendered yet, for when variables have changed.
    #[must_use]
    pub fn fresh(&self) -> Self {
        self.copied(self.0.compiler.syntax.clone(), self.0.native, self.0.search_path.clone())
    }

    /// The same names under another syntax and search path: ansible's `copy_with_new_env`.
    pub(super) fn copied(&self, syntax: Syntax, native: bool, search_path: Vec<PathBuf>) -> Self {
        let inner = &*self.0;
        Self::with(
            Arc::clone(&inner.env),
            Arc::clone(&inner.scope),
            inner.env.compiler(&syntax),
            native,
            search_path,
        )
    }

    /// The names this renders with.
    pub fn scope(&self) -> &Arc<dyn Scope> {
        &self.0.scope
    }

    /// What all templates of the run share.
    pub fn environment(&self) -> &Arc<Environment> {
        &self.0.env
    }

    /// Whether results keep their types (`jinja2_native`).
    pub fn is_native(&self) -> bool {
        self.0.native
    }

    pub(super) fn search_path(&self) -> &[PathBuf] {
        &self.0.search_path
    }

    pub(super) fn syntax(&self) -> &Syntax {
        &self.0.compiler.syntax
    }

    /// The templar of another scope, kept as long as this one.
    pub(super) fn of_scope(&self, scope: &Arc<dyn Scope>) -> Self {
        let address = Arc::as_ptr(scope).cast::<()>() as usize;
        let mut others = self.0.others.lock();
        if let Some(other) = others.get(&address) {
            return other.clone();
        }
        let other = Self::new(Arc::clone(&self.0.env), Arc::clone(scope));
        others.insert(address, other.clone());
        other
    }

    // What the engine calls.

    /// Renders a value and everything in it.
    pub fn render(&self, value: &Value, options: &RenderOptions) -> Result<Value> {
        self.template(value, options).map_err(to_error)
    }

    /// Renders a value; the result is its text.
    pub fn render_to_text(&self, value: &Value, options: &RenderOptions) -> Result<String> {
        let rendered = self.template(value, options);
        rendered.and_then(|v| to_text(&v)).map_err(to_error)
    }

    /// Whether a value has a template in it anywhere, keys of dicts included.
    pub fn is_template(&self, value: &Value) -> bool {
        match value {
            Value::Str(s) => is_template(s, self.syntax()),
            Value::List(l) => l.snapshot().iter().any(|v| self.is_template(v)),
            Value::Tuple(t) => t.iter().any(|v| self.is_template(v)),
            Value::Dict(d) => {
                d.snapshot().iter().any(|(k, v)| self.is_template(k.value()) || self.is_template(v))
            }
            _ => false,
        }
    }

    /// The items of `with_<name>: terms` for a task whose action is `action`.
    pub fn loop_lookup(&self, name: &str, terms: &Value, action: &str) -> Result<Vec<Value>> {
        lookups::items(self, name, terms, action).map_err(to_error)
    }

    /// A variable as it is written.
    pub fn raw(&self, name: &str) -> Option<Value> {
        self.0.scope.get(name)
    }

    // What the rest of the room calls.

    pub(super) fn template(&self, value: &Value, options: &RenderOptions) -> PyResult<Value> {
        let way = Way { options: options.clone(), chain: None };
        self.template_in(value, &way)
    }

    /// The same inside of variables that are being rendered.
    pub(super) fn template_along(
        &self,
        value: &Value,
        options: &RenderOptions,
        chain: Option<&Arc<Chain>>,
    ) -> PyResult<Value> {
        let way = Way { options: options.clone(), chain: chain.cloned() };
        self.template_in(value, &way)
    }

    fn template_in(&self, value: &Value, way: &Way) -> PyResult<Value> {
        match value {
            Value::Str(s) => self.template_str(s, way),
            Value::List(l) => {
                let way = way.inside();
                let items = l.snapshot();
                let items = items.iter().map(|v| self.template_in(v, &way));
                Ok(Value::List(items.collect::<PyResult<Vec<_>>>().map(List::new)?))
            }
            Value::Tuple(t) => {
                let way = way.inside();
                let items = t.iter().map(|v| self.template_in(v, &way));
                Ok(Value::list(items.collect::<PyResult<Vec<_>>>()?))
            }
            Value::Dict(d) => {
                let inside = way.inside();
                let rendered = Dict::new();
                for (key, value) in d.snapshot() {
                    let keep = key.as_str().is_some_and(|k| way.options.static_vars.contains(&k));
                    let value = if keep { value } else { self.template_in(&value, &inside)? };
                    rendered.write().insert(key, value);
                }
                Ok(Value::Dict(rendered))
            }
            // Every sequence becomes a list: ranges, tuples whose items have names.
            Value::Object(o) if o.is_sequence() => {
                let Some(items) = o.items()? else { return Ok(value.clone()) };
                self.template_in(&Value::list(items), way)
            }
            // ansible asks everything whether it is a sequence, at which it fails.
            Value::Undefined(u) if !u.lenient => Err(PyError::undefined(u)),
            other => Ok(other.clone()),
        }
    }

    fn template_str(&self, s: &Str, way: &Way) -> PyResult<Value> {
        if s.is_unsafe() {
            return Ok(Value::Str(s.clone()));
        }
        let bare;
        let s = match way.options.convert_bare.then(|| self.bare_variable(s)).flatten() {
            Some(text) => {
                bare = Str::new(text);
                &bare
            }
            None => s,
        };
        if !is_possibly_template(s, self.syntax()) {
            return Ok(Value::Str(s.clone()));
        }
        if let Some(name) = self.single_name(s) {
            match self.0.scope.get(name) {
                Some(
                    raw @ (Value::Bool(_) | Value::Int(_) | Value::BigInt(_) | Value::Float(_)),
                ) => return Ok(raw),
                Some(Value::None) => return Ok(self.0.env.settings.null_representation.clone()),
                _ => {}
            }
        }
        self.do_template(s, way)
    }

    /// The name in `{{ name }}`, if that is all there is.
    fn single_name<'s>(&self, text: &'s str) -> Option<&'s str> {
        let syntax = self.syntax();
        let rest = text.strip_prefix(syntax.variable_start.as_str())?;
        // Python's `$` matches before a last line end, too.
        let rest = rest.strip_suffix('\n').unwrap_or(rest);
        let name = rest.strip_suffix(syntax.variable_end.as_str())?;
        let name = name.trim_matches(crate::value::text::is_space);
        name.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(name)
    }

    /// `{{ text }}` for a bare variable, perhaps with filters: ansible's `_convert_bare_variable`.
    fn bare_variable(&self, text: &str) -> Option<String> {
        let syntax = self.syntax();
        let first = text.split(['|', '.', '[']).next().unwrap_or(text);
        let is_bare = text.contains('|') || self.0.scope.get(first).is_some();
        (is_bare && !text.contains(syntax.variable_start.as_str()))
            .then(|| format!("{}{text}{}", syntax.variable_start, syntax.variable_end))
    }

    /// ansible's `do_template`: runs one text.
    pub(super) fn do_template_text(&self, text: &str, options: &RenderOptions) -> PyResult<Value> {
        let way = Way { options: options.clone(), chain: None };
        self.do_template(&Str::new(text), &way)
    }

    fn do_template(&self, data: &Str, way: &Way) -> PyResult<Value> {
        let options = &way.options;
        let fail = options.fail_on_undefined && self.0.env.settings.fail_on_undefined;
        let head = header::read(data, self.syntax())?;
        let (text, compiler) = match &head {
            Some((syntax, rest)) => (*rest, self.0.env.compiler(syntax)),
            None => (data.as_str(), Arc::clone(&self.0.compiler)),
        };
        let doubled = if options.escape_backslashes {
            double_backslashes(text, &compiler.syntax).map_err(|e| untranslated(&e))?
        } else {
            None
        };
        let text = doubled.as_deref().unwrap_or(text);
        let template = match compiler.text(text) {
            Ok(template) => template,
            Err(Failure::Syntax(e)) => {
                let e = e.message;
                let message =
                    format!("template error while templating string: {e}. String: {text}. {e}");
                return Err(ansible(message));
            }
            Err(Failure::Crash(e)) if e.message.contains("recursion") => {
                return Err(ansible(format!(
                    "recursive loop detected in template string: {text}. {}",
                    e.message
                )));
            }
            // ansible takes it for text.
            Err(Failure::Crash(_)) => return Ok(as_written(data, text)),
        };
        let concat = match (self.0.native, options.convert_data) {
            (true, _) => Concat::Native,
            (false, true) => Concat::Convert,
            (false, false) => Concat::Text,
        };
        let newline = compiler.syntax.newline_sequence.clone();
        let own_environment = head.is_none();
        let lookups = !options.disable_lookups;
        let chain = way.chain.clone();
        let run = Run::new(self.clone(), compiler, concat, own_environment, lookups, chain);
        match eval::render(&run, &template) {
            Ok(value) => {
                let value = if run.is_unsafe() { value.into_unsafe() } else { value };
                Ok(if options.preserve_trailing_newlines {
                    with_newlines(value, data, &newline)
                } else {
                    value
                })
            }
            Err(e) => match failed(e, text) {
                e if e.is_undefined() && !fail => Ok(as_written(data, text)),
                e if e.is_undefined() => {
                    Err(PyError { message: format!("{0}. {0}", e.message), ..e })
                }
                e => Err(e),
            },
        }
    }

    /// The value of a variable as templates see it.
    pub(super) fn variable(
        &self,
        name: &Name,
        chain: Option<&Arc<Chain>>,
    ) -> PyResult<Option<Rendered>> {
        if let Some(rendered) = self.0.names.lock().get(name) {
            return Ok(Some(rendered.clone()));
        }
        let Some(raw) = self.0.scope.get(name) else { return Ok(None) };
        let rendered = match &raw {
            // Neither is kept: they hold this templar.
            Value::Object(_) if &**name == "vars" => {
                return Ok(Some(Rendered::as_it_is(eval::as_written(&raw, self))));
            }
            Value::Object(_) => return Ok(Some(Rendered::as_it_is(eval::rendered(raw, self)))),
            Value::Dict(_) if &**name == "vars" => Rendered::as_it_is(raw),
            Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Dict(_) => {
                self.render_variable(name, &raw, chain)?
            }
            _ => Rendered::as_it_is(raw),
        };
        self.0.names.lock().insert(Arc::clone(name), rendered.clone());
        Ok(Some(rendered))
    }

    fn render_variable(
        &self,
        name: &Name,
        raw: &Value,
        chain: Option<&Arc<Chain>>,
    ) -> PyResult<Rendered> {
        if !self.may_change(raw) {
            return Ok(Rendered::as_it_is(raw.clone()));
        }
        if Chain::contains(chain, name) {
            return Err(self.endless(chain, name)?);
        }
        let link = Chain { name: Arc::clone(name), raw: raw.clone(), around: chain.cloned() };
        let way = Way { options: RenderOptions::default(), chain: Some(Arc::new(link)) };
        match self.template_in(raw, &way) {
            Ok(value) => {
                let is_unsafe = eval::is_unsafe(&value);
                Ok(Rendered { value, is_unsafe, nested: true })
            }
            Err(e) if e.is_undefined() => {
                let undefined = Undefined {
                    name: Some(name.to_string()),
                    hint: Some(format!("{}: {}", to_text(raw)?, e.message)),
                    span: e.undefined.as_ref().and_then(|u| u.span.clone()),
                    ..Undefined::default()
                };
                let value = Value::Undefined(Arc::new(undefined));
                Ok(Rendered { value, is_unsafe: false, nested: true })
            }
            Err(e) => Err(PyError {
                source: e.source.clone(),
                ..ansible(unhandled(raw, &e.class(), described(&e))?)
            }),
        }
    }

    /// The error of a variable that needs itself. Ansible does not notice before Python's stack is
    /// full, and each turn until then has added its line.
    fn endless(&self, chain: Option<&Arc<Chain>>, name: &Name) -> PyResult<PyError> {
        let mut turns = Vec::new();
        let mut link = chain;
        let mut frames = 0;
        let mut in_circle = true;
        while let Some(chain) = link {
            if in_circle {
                turns.push(&chain.raw);
            }
            in_circle &= chain.name != *name;
            frames += frames_of(&chain.raw);
            link = chain.around.as_ref();
        }
        turns.reverse();
        let mut texts = Vec::new();
        let mut last = turns.last().copied();
        for raw in turns.iter().copied().cycle() {
            frames += frames_of(raw);
            if frames > STACK {
                frames -= frames_of(raw);
                break;
            }
            texts.push(raw);
            last = Some(raw);
        }
        let shown = last.map(|raw| self.first_template(raw)).transpose()?.unwrap_or_default();
        let call = if frames < STACK { " while calling a Python object" } else { "" };
        let mut message = format!(
            "recursive loop detected in template string: {shown}. maximum recursion depth \
             exceeded{call}"
        );
        let class = ansible("").class();
        for raw in texts.into_iter().rev() {
            message = unhandled(raw, &class, &message)?;
        }
        Ok(ansible(message))
    }

    /// The first text in a value that is a template.
    fn first_template(&self, value: &Value) -> PyResult<String> {
        let inside = match value {
            Value::List(l) => l.snapshot(),
            Value::Dict(d) => d.snapshot().into_iter().map(|(_, v)| v).collect(),
            other => return to_text(other),
        };
        let found = inside.iter().find(|v| self.may_change(v));
        found.map_or_else(|| to_text(value), |v| self.first_template(v))
    }

    /// Whether rendering could make anything else of a value: a template is in it, or a tuple.
    fn may_change(&self, value: &Value) -> bool {
        match value {
            Value::Str(s) => !s.is_unsafe() && is_possibly_template(s, self.syntax()),
            Value::List(l) => l.read().iter().any(|v| self.may_change(v)),
            Value::Tuple(_) => true,
            Value::Dict(d) => d.read().values().any(|v| self.may_change(v)),
            _ => false,
        }
    }

    /// A variable as another host's templates see it: what cannot be rendered stays as written.
    pub(super) fn foreign_variable(&self, name: &Name) -> PyResult<Option<Value>> {
        if let Some(value) = self.0.foreign.lock().get(name) {
            return Ok(value.clone());
        }
        let Some(raw) = self.0.scope.get(name) else { return Ok(None) };
        if let Value::Object(_) = raw {
            return Ok(Some(eval::rendered(raw, self)));
        }
        let options = RenderOptions { fail_on_undefined: false, ..RenderOptions::default() };
        let link = Chain { name: Arc::clone(name), raw: raw.clone(), around: None };
        let way = Way { options, chain: Some(Arc::new(link)) };
        let value = self.template_in(&raw, &way)?;
        self.0.foreign.lock().insert(Arc::clone(name), Some(value.clone()));
        Ok(Some(value))
    }

    /// The folder that lookups start from: the playbook's.
    pub(super) fn search_base(&self) -> PathBuf {
        match self.0.scope.get("playbook_dir") {
            Some(Value::Str(dir)) => PathBuf::from(dir.as_str()),
            _ => self.0.env.settings.basedir.clone(),
        }
    }
}

impl Rendered {
    fn as_it_is(value: Value) -> Self {
        let is_unsafe = eval::is_unsafe(&value);
        Self { value, is_unsafe, nested: false }
    }
}

impl Way {
    /// How what is inside a list or dict is rendered: ansible does not hand every option on.
    fn inside(&self) -> Self {
        let options = RenderOptions {
            preserve_trailing_newlines: self.options.preserve_trailing_newlines,
            fail_on_undefined: self.options.fail_on_undefined,
            disable_lookups: self.options.disable_lookups,
            ..RenderOptions::default()
        };
        Self { options, chain: self.chain.clone() }
    }
}

/// The calls that fit onto Python's stack below those that ansible-core 2.14 needs to get to a
/// task's arguments.
const STACK: usize = 954;

/// The calls that rendering a variable needs.
fn frames_of(raw: &Value) -> usize {
    match raw {
        Value::List(_) | Value::Tuple(_) => 9,
        Value::Dict(_) => 8,
        _ => 7,
    }
}

/// The message of an error; the place that a syntax error tells is none of it.
fn described(e: &PyError) -> &str {
    match (&e.kind, e.message.rsplit_once("\n  line ")) {
        (PyErrorKind::TemplateSyntax, Some((message, _))) => message,
        _ => &e.message,
    }
}

fn unhandled(raw: &Value, class: &str, message: &str) -> PyResult<String> {
    Ok(format!(
        "An unhandled exception occurred while templating '{}'. Error was a {class}, original \
         message: {message}",
        to_text(raw)?
    ))
}

pub(super) fn ansible(message: impl Into<String>) -> PyError {
    PyError::new(PyErrorKind::Ansible, message)
}

/// A syntax error before jinja2 has put it into its own words.
fn untranslated(e: &SyntaxError) -> PyError {
    let message = format!("{}\n  line {}", e.message, e.line);
    PyError::new(PyErrorKind::TemplateSyntax, message)
}

/// What ansible makes of an error of a template.
fn failed(e: PyError, text: &str) -> PyError {
    if !e.is_type_error() {
        return e;
    }
    let message = &e.message;
    if message.contains("AnsibleUndefined") {
        return PyError::new(
            PyErrorKind::Undefined,
            format!(
                "Unable to look up a name or access an attribute in template string ({text}).\n\
                 Make sure your variable name does not contain invalid characters like '-': \
                 {message}. {message}"
            ),
        );
    }
    ansible(format!("Unexpected templating type error occurred on ({text}): {message}. {message}"))
}

/// A template that stays as it is: the text itself, if it is all of it.
fn as_written(data: &Str, text: &str) -> Value {
    if data.as_str() == text { Value::Str(data.clone()) } else { Value::str(text) }
}

/// Adds the line ends that rendering dropped from the end of `data`.
fn with_newlines(value: Value, data: &str, newline: &str) -> Value {
    let Value::Str(s) = &value else { return value };
    let count = |text: &str| text.len() - text.trim_end_matches('\n').len();
    let (wanted, there) = (count(data), count(s));
    if wanted <= there {
        return value;
    }
    Value::Str(s.alike(format!("{s}{}", newline.repeat(wanted - there))))
}

/// The error that leaves the room.
pub(super) fn to_error(e: PyError) -> Error {
    let kind = match (&e.kind, &e.source) {
        (_, Some(source)) => source.kind(),
        (PyErrorKind::Undefined, None) => Kind::Undefined,
        _ => Kind::Template,
    };
    // Ansible knows no places in templates, so that the place of something undefined stays inside.
    let error = Error::new(kind, e.message.clone()).of_class(e.class_path());
    match e.source {
        // An error that only passes through is its own cause.
        Some(source) if source.message() == e.message => error.at(source.span().cloned()),
        Some(source) => error.at(source.span().cloned()).caused_by(source),
        None => error,
    }
}
