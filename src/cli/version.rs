//! `--version`, in the form that people's scripts read.

use std::path::PathBuf;

use crate::{
    config::{Settings, options},
    value::{Value, repr},
};

/// The text of `--version` for the command called `program`.
pub fn text(program: &str, settings: &Settings) -> String {
    let file = settings.file().map_or_else(|| "None".to_owned(), |f| f.display().to_string());
    let shown = |paths: &[PathBuf]| -> Vec<String> {
        paths.iter().map(|p| p.display().to_string()).collect()
    };
    let modules: Value =
        shown(&settings.get(&options::DEFAULT_MODULE_PATH)).into_iter().map(Value::from).collect();
    let modules = repr::repr(&modules).unwrap_or_default();
    let collections = shown(&settings.get(&options::COLLECTIONS_PATHS)).join(":");
    let executable = std::env::args().next().unwrap_or_default();
    [
        format!("{program} [core {}]", crate::vars::VERSION),
        format!("  config file = {file}"),
        format!("  configured module search path = {modules}"),
        format!("  ansible collection location = {collections}"),
        format!("  executable location = {executable}"),
        format!("  vmstation-play version = {}", env!("CARGO_PKG_VERSION")),
        "  libyaml = True".to_owned(),
    ]
    .join("\n")
}
