//! Templates in the configuration of sources.

use std::sync::Arc;

use indexmap::IndexMap;

use super::Reading;
use crate::{
    diagnostic::{Collected, Notices, Result},
    template::{Environment, Locals, Nowhere, RenderOptions, Scope, Settings, Templar},
    value::{Decrypt, Dict, Value},
};

/// No names at all.
struct Nothing;

impl Scope for Nothing {
    fn get(&self, _name: &str) -> Option<Value> {
        None
    }

    fn names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// Renders texts with the names of a dict.
pub(super) struct Renderer(Arc<Environment>);

impl Renderer {
    pub fn new(cx: &Reading<'_>) -> Self {
        // Warnings of templates that are tried on every host would only repeat themselves.
        let notices: Arc<dyn Notices> = Arc::new(Collected::default());
        let secrets = cx.vault.map(|v| Arc::clone(v) as Arc<dyn Decrypt>);
        let omit = "__omit_place_holder__".into();
        let nowhere = Arc::new(Nowhere);
        Self(Environment::new(Settings::default(), notices, secrets, nowhere, omit))
    }

    pub fn render(&self, text: &str, vars: Dict, options: &RenderOptions) -> Result<Value> {
        let names: IndexMap<Arc<str>, Value> = vars
            .snapshot()
            .into_iter()
            .filter_map(|(k, v)| Some((Arc::from(k.as_str()?), v)))
            .collect();
        let scope: Arc<dyn Scope> = Arc::new(Locals::new(names, Arc::new(Nothing)));
        Templar::new(Arc::clone(&self.0), scope).render(&Value::str(text), options)
    }
}
