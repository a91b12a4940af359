//! YAML as PyYAML reads it under ansible, with exact positions, and as PyYAML writes it.
//!
//! Reading is a pipeline of one file a step: `parse` (libyaml's events) → `compose` (nodes with
//! tags and aliases) → `construct` (values, by `tag` and `scalar`) → `load` (ansible's entry
//! points; `json` is tried first). Writing is `dump`.

mod compose;
mod construct;
mod dump;
mod json;
mod load;
mod node;
mod parse;
mod scalar;
mod tag;

pub use dump::{DumpOptions, LineBreak, Style, Text, dump, dump_all};
pub use load::{
    Duplicates, Loaded, LoadedOne, load, load_json, load_one, safe_load, safe_load_all,
};
pub use node::{Node, NodeKind};
