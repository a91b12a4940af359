//! What all templates of a run share: settings, compiled templates, and the world that lookups ask.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, RwLock};

use super::{
    STRING_TYPE_FILTERS,
    optimize::{Failure, optimize},
    parse,
    syntax::{Syntax, is_possibly_template},
    tree::Template,
};
use crate::{
    diagnostic::{Collected, Error, Kind, Notices, Result},
    value::{Decrypt, Value},
};

/// The settings that templates go by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `jinja2_native`.
    pub native: bool,
    /// `jinja2_extensions`: `jinja2.ext.do` and `jinja2.ext.loopcontrols` are known.
    pub extensions: Vec<String>,
    /// `error_on_undefined_vars`.
    pub fail_on_undefined: bool,
    /// `null_representation`: what `{{ name }}` gives for a name that is `None`.
    pub null_representation: Value,
    /// `allow_unsafe_lookups`.
    pub allow_unsafe_lookups: bool,
    /// `string_type_filters`.
    pub string_filters: Vec<String>,
    /// `ansible_managed` of the configuration.
    pub managed: String,
    /// `playbook_dir` or where the command was started: what relative files are relative to.
    pub basedir: PathBuf,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            native: false,
            extensions: Vec::new(),
            fail_on_undefined: true,
            null_representation: Value::None,
            allow_unsafe_lookups: false,
            string_filters: STRING_TYPE_FILTERS.iter().map(|s| (*s).to_owned()).collect(),
            managed: "Ansible managed".to_owned(),
            basedir: PathBuf::from("."),
        }
    }
}

/// What lookups ask of rooms that templates know nothing of.
pub trait World: Send + Sync {
    /// The value of a configuration option (`lookup('config', …)`).
    fn config(&self, option: &str) -> Result<Option<Value>> {
        Err(Error::new(Kind::Action, format!("no configuration to look `{option}` up in")))
    }

    /// The value of an option of a plugin (`lookup('config', …, plugin_type=…, plugin_name=…)`),
    /// which variables may set.
    fn plugin_config(
        &self,
        kind: &str,
        plugin: &str,
        option: &str,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Option<Value>> {
        let _ = variable;
        let what = format!("`{option}` of the {kind} plugin `{plugin}`");
        Err(Error::new(Kind::Action, format!("no configuration to look {what} up in")))
    }

    /// The hosts that patterns name (`lookup('inventory_hostnames', …)`).
    fn hosts(&self, patterns: &[String]) -> Result<Vec<String>> {
        let patterns = patterns.join(", ");
        Err(Error::new(Kind::Action, format!("no inventory to look `{patterns}` up in")))
    }
}

/// A world that knows nothing.
#[derive(Debug)]
pub struct Nowhere;

impl World for Nowhere {}

/// What all templates of a run share.
pub struct Environment {
    /// The settings.
    pub settings: Settings,
    /// Who shows warnings.
    pub notices: Arc<dyn Notices>,
    /// Who decrypts files that lookups read.
    pub secrets: Option<Arc<dyn Decrypt>>,
    /// Configuration and inventory, for lookups.
    pub world: Arc<dyn World>,
    omit: Value,
    compilers: Mutex<HashMap<Syntax, Arc<Compiler>>>,
}

impl Environment {
    /// An environment; `omit` is the placeholder that `omit` stands for.
    pub fn new(
        settings: Settings,
        notices: Arc<dyn Notices>,
        secrets: Option<Arc<dyn Decrypt>>,
        world: Arc<dyn World>,
        omit: Arc<str>,
    ) -> Arc<Self> {
        Arc::new(Self {
            settings,
            notices,
            secrets,
            world,
            omit: Value::str(omit),
            compilers: Mutex::default(),
        })
    }

    /// An environment with default settings that nobody listens to.
    pub fn plain() -> Arc<Self> {
        let omit = "__omit_place_holder__";
        let notices = Arc::new(Collected::default());
        Self::new(Settings::default(), notices, None, Arc::new(Nowhere), omit.into())
    }

    /// The same with other settings.
    #[must_use]
    pub fn with_settings(&self, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            notices: Arc::clone(&self.notices),
            secrets: self.secrets.clone(),
            world: Arc::clone(&self.world),
            omit: self.omit.clone(),
            compilers: Mutex::default(),
        })
    }

    /// Whether results keep their types (`jinja2_native`).
    pub fn native(&self) -> bool {
        self.settings.native
    }

    /// The placeholder of `omit`.
    pub fn omit(&self) -> Value {
        self.omit.clone()
    }

    /// Whether a rendered argument is the placeholder of `omit`, so that it must be dropped.
    pub fn is_omit(&self, value: &Value) -> bool {
        matches!((value.as_str(), self.omit.as_str()), (Some(a), Some(b)) if a == b)
    }

    /// Why a playbook's string is no template, if it does not compile.
    pub fn syntax_error(&self, text: &str) -> Option<String> {
        let syntax = self.syntax();
        // What has no complete tag fails too, when it is rendered.
        if !is_possibly_template(text, &syntax) {
            return None;
        }
        match self.compiler(&syntax).text(text) {
            Err(Failure::Syntax(e)) => Some(e.message),
            Ok(_) | Err(Failure::Crash(_)) => None,
        }
    }

    /// The delimiters that strings of playbooks have.
    pub(super) fn syntax(&self) -> Syntax {
        let has = |name: &str| {
            self.settings.extensions.iter().any(|e| {
                let e = e.trim();
                e == name || (name == "jinja2.ext.do" && e == "jinja2.ext.ExprStmtExtension")
            })
        };
        Syntax {
            do_statement: has("jinja2.ext.do"),
            loop_controls: has("jinja2.ext.loopcontrols"),
            ..Syntax::default()
        }
    }

    /// The compiler for a syntax.
    pub(super) fn compiler(&self, syntax: &Syntax) -> Arc<Compiler> {
        let mut compilers = self.compilers.lock();
        if let Some(compiler) = compilers.get(syntax) {
            return Arc::clone(compiler);
        }
        let string_filters = self.settings.string_filters.clone();
        let compiler =
            Compiler { syntax: syntax.clone(), string_filters, texts: RwLock::default() };
        let compiler = Arc::new(compiler);
        compilers.insert(syntax.clone(), Arc::clone(&compiler));
        compiler
    }
}

type Compiled = Result<Arc<Template>, Failure>;

/// Compiles texts of one syntax, each once.
pub(super) struct Compiler {
    pub syntax: Syntax,
    string_filters: Vec<String>,
    texts: RwLock<HashMap<Arc<str>, Compiled>>,
}

/// More texts than any playbook has; conditions made of rendered text could grow without end.
const MOST_TEXTS: usize = 50_000;

impl Compiler {
    /// The template of a text.
    pub fn text(&self, text: &str) -> Compiled {
        self.cached(text, text, None)
    }

    /// The template of a file's text.
    pub fn file(&self, text: &str, name: &str) -> Compiled {
        // The name is part of messages and of spans.
        self.cached(&format!("{name}\0{text}"), text, Some(name.into()))
    }

    fn cached(&self, key: &str, text: &str, name: Option<Arc<str>>) -> Compiled {
        if let Some(done) = self.texts.read().get(key) {
            return done.clone();
        }
        let compiled = self.compile(text, name);
        let mut texts = self.texts.write();
        if texts.len() >= MOST_TEXTS {
            texts.clear();
        }
        texts.insert(key.into(), compiled.clone());
        compiled
    }

    fn compile(&self, text: &str, name: Option<Arc<str>>) -> Compiled {
        let mut template = parse::compile(text, name, &self.syntax)?;
        optimize(&mut template, &self.string_filters, self.syntax.optimized)?;
        Ok(Arc::new(template))
    }
}

/// The name of this machine.
pub(super) fn node_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let name = name.trim();
        if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
    })
}
