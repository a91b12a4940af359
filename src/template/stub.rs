//! TEMPORARY (not landed).
#![allow(missing_docs, unused_variables, clippy::todo)]
use super::*;
use crate::{diagnostic::*, value::*};
use std::sync::Arc;
#[derive(Clone)]
pub struct Templar {
    env: Arc<Environment>,
    scope: Arc<dyn Scope>,
}
pub struct Environment;
#[derive(Clone, Debug, Default)]
pub struct RenderOptions {
    pub fail_on_undefined: bool,
    pub convert_bare: bool,
}
#[derive(Clone, Debug, Default)]
pub struct FileOptions {
    pub newline_sequence: String,
    pub block_start: Option<String>,
    pub block_end: Option<String>,
    pub variable_start: Option<String>,
    pub variable_end: Option<String>,
    pub comment_start: Option<String>,
    pub comment_end: Option<String>,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub search_paths: Vec<std::path::PathBuf>,
}
impl Environment {
    pub fn native(&self) -> bool {
        false
    }
}
impl Templar {
    pub fn new(env: Arc<Environment>, scope: Arc<dyn Scope>) -> Self {
        Self { env, scope }
    }
    pub fn with_locals(&self, names: indexmap::IndexMap<Arc<str>, Value>) -> Self {
        self.clone()
    }
    pub fn render(&self, value: &Value, options: &RenderOptions) -> Result<Value> {
        todo!()
    }
    pub fn raw(&self, name: &str) -> Option<Value> {
        self.scope.get(name)
    }
    pub fn condition(&self, value: &Value) -> Result<bool> {
        todo!()
    }
    pub fn render_file(&self, source: &Arc<Source>, options: &FileOptions) -> Result<String> {
        todo!()
    }
    pub fn loop_lookup(&self, name: &str, terms: &Value, action: &str) -> Result<Vec<Value>> {
        todo!()
    }
}
pub fn template_vars(
    src: &str,
    source: &std::path::Path,
    dest: &str,
    t: &Templar,
) -> Vec<(String, Value)> {
    todo!()
}
pub fn encrypt(
    text: &str,
    scheme: &str,
    salt: Option<String>,
    size: Option<String>,
) -> Result<String> {
    todo!()
}
