//! YAML as PyYAML reads it under ansible, with exact positions.

mod node;

pub use node::{Node, NodeKind};
