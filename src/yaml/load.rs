//! Loading texts as ansible's loaders do, with ansible's errors.

use std::sync::Arc;

use super::{
    Node, NodeKind,
    compose::Composer,
    construct::{Constructor, Dialect},
    json,
    parse::{Mark, Problem, ProblemSort},
};
use crate::{
    diagnostic::{Error, Kind, Result, Source, Span},
    value::{Decrypt, Value},
};

/// What becomes of a key that a mapping has twice; the later one counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// A warning.
    #[default]
    Warn,
    /// An error.
    Refuse,
    /// Nothing.
    Ignore,
}

impl Duplicates {
    /// From the value of `duplicate_dict_key`.
    pub fn from_word(word: &str) -> Self {
        match word {
            "error" => Self::Refuse,
            "ignore" => Self::Ignore,
            _ => Self::Warn,
        }
    }
}

/// What a stream holds.
#[derive(Debug)]
pub struct Loaded {
    /// Its documents.
    pub documents: Vec<Node>,
    /// What ansible warns of (duplicate keys), with the place.
    pub warnings: Vec<(String, Span)>,
}

/// What a file holds: one value.
#[derive(Debug)]
pub struct LoadedOne {
    /// The value; null for an empty file.
    pub node: Node,
    /// What ansible warns of (duplicate keys), with the place.
    pub warnings: Vec<(String, Span)>,
}

/// All documents of a YAML stream, with ansible's tags.
pub fn load(source: &Arc<Source>, vault: Option<&Arc<dyn Decrypt>>) -> Result<Loaded> {
    let mut loaded = Loaded { documents: Vec::new(), warnings: Vec::new() };
    let wrap = |problem| error(source, problem, syntax_error);
    let mut composer = Composer::new(source.text());
    while let Some((graph, _)) = composer.document().map_err(wrap)? {
        let mut constructor = Constructor::new(source, Dialect::Ansible, vault, graph);
        loaded.documents.push(constructor.document().map_err(wrap)?);
        loaded.warnings.append(&mut constructor.warnings);
    }
    Ok(loaded)
}

/// The one value of a file, read as ansible reads playbooks and variables: as JSON if it is that,
/// else as one YAML document; null if it is empty.
pub fn load_one(
    source: &Arc<Source>,
    vault: Option<&Arc<dyn Decrypt>>,
    duplicates: Duplicates,
) -> Result<LoadedOne> {
    let json_problem = match json::decode(source, vault) {
        Ok(node) => {
            source.mark_as_json();
            return Ok(LoadedOne { node, warnings: Vec::new() });
        }
        Err(problem) => problem,
    };
    let wrap = |problem| {
        error(source, problem, |text| {
            format!(
                "We were unable to read either as JSON nor YAML, these are the errors we got from \
                 each:\nJSON: {json_problem}\n\n{}",
                syntax_error(text)
            )
        })
    };
    let Some(graph) = Composer::new(source.text()).single().map_err(wrap)? else {
        let span = Span::new(source, 0, 0);
        let node = Node { kind: NodeKind::Scalar(Value::None), span };
        return Ok(LoadedOne { node, warnings: Vec::new() });
    };
    let mut constructor = Constructor::new(source, Dialect::Ansible, vault, graph);
    constructor.duplicates = duplicates;
    let node = constructor.document().map_err(wrap)?;
    Ok(LoadedOne { node, warnings: constructor.warnings })
}

/// The value of a JSON text, with ansible's own types in it, or Python's text of what is wrong.
pub fn load_json(source: &Arc<Source>, vault: Option<&Arc<dyn Decrypt>>) -> Result<Node, String> {
    json::decode(source, vault)
}

/// The one document of a YAML text by PyYAML's `safe_load` (the filter `from_yaml`); null if there
/// is none. The error's message is PyYAML's.
pub fn safe_load(text: &str) -> Result<Value> {
    let source = Source::new("<unicode string>", text);
    let wrap = |problem| bare_error(&source, &problem);
    let Some(graph) = Composer::new(text).single().map_err(wrap)? else { return Ok(Value::None) };
    let node = Constructor::new(&source, Dialect::Safe, None, graph).document().map_err(wrap)?;
    Ok(node.to_value())
}

/// All documents of a YAML text by PyYAML's `safe_load_all` (the filter `from_yaml_all`).
pub fn safe_load_all(text: &str) -> Result<Vec<Value>> {
    let source = Source::new("<unicode string>", text);
    let wrap = |problem| bare_error(&source, &problem);
    let mut composer = Composer::new(text);
    let mut documents = Vec::new();
    while let Some((graph, _)) = composer.document().map_err(wrap)? {
        let node =
            Constructor::new(&source, Dialect::Safe, None, graph).document().map_err(wrap)?;
        documents.push(node.to_value());
    }
    Ok(documents)
}

fn syntax_error(problem: &str) -> String {
    format!("Syntax Error while loading YAML.\n  {problem}")
}

/// The place of a mark. At the end of a text without a last line feed libyaml stands on the line
/// after it.
fn point(source: &Arc<Source>, mark: Mark) -> Span {
    let end = u32::try_from(source.text().len()).unwrap_or(u32::MAX);
    let beyond = mark.byte >= end
        && mark.column == 0
        && mark.line > 0
        && !source.text().is_empty()
        && !source.text().ends_with('\n');
    let byte = if beyond { end + 1 } else { mark.byte };
    Span::new(source, byte, byte)
}

fn bare_error(source: &Arc<Source>, problem: &Problem) -> Error {
    let error = Error::new(Kind::Parser, problem.pyyaml_text());
    match &problem.sort {
        ProblemSort::Marked(mark) | ProblemSort::Python(mark) => error.at(point(source, *mark)),
        ProblemSort::Reader { offset, .. } => error.at(Span::new(source, *offset, *offset)),
        ProblemSort::Passed(passed) => passed.clone(),
    }
}

fn error(source: &Arc<Source>, problem: Problem, wrap: impl Fn(&str) -> String) -> Error {
    let bare = bare_error(source, &problem);
    match &problem.sort {
        ProblemSort::Marked(mark) => Error::parser(wrap(&problem.text), point(source, *mark)),
        // ansible knows no place for this one and puts PyYAML's text behind its own.
        ProblemSort::Reader { offset, .. } => {
            let at = Span::new(source, *offset, *offset);
            let text = format!("{}. {}", wrap(""), problem.pyyaml_text());
            return Error::new(Kind::Parser, text).hinted(format!("the character stands at {at}"));
        }
        // Python's own exceptions pass through ansible as they are.
        ProblemSort::Passed(_) => return bare,
        ProblemSort::Python(mark) => {
            Error::new(Kind::Internal, problem.text.clone()).at(point(source, *mark))
        }
    }
    .caused_by(bare)
}

#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;
