//! The libraries that a task names.

use serde_json::json;

use crate::data::Data;
use crate::module::Args;

/// A library.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name as indexes write it; the whole text, if that is no requirement (an address, say).
    pub name: String,
    /// What pip gets.
    pub text: String,
    /// Whether versions of it are ruled out.
    pub has_version: bool,
    /// Whether it is a requirement.
    pub plain: bool,
}

/// What the host's Python, which knows how to read requirements, is asked.
pub fn asked(args: &Args, names: &[String]) -> Data {
    let version = args.str("version").map(|version| version.trim_start().to_owned());
    let texts = if names.is_empty() { Vec::new() } else { joined(names) };
    json!({ "texts": texts, "version": version })
}

/// Names, each with all that is said of its versions: lists are cut at commas first, so that `a>1,<2` may stand as one
/// or as two.
pub fn joined(names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut parts: Vec<&str> = Vec::new();
    let mut in_brackets = false;
    for part in names.iter().flat_map(|name| name.split(',')) {
        let is_version =
            ["~=", "!=", "==", ">", "<"].iter().any(|op| part.trim_start().starts_with(op));
        if !is_version && !in_brackets && !parts.is_empty() {
            all.push(parts.join(","));
            parts.clear();
        }
        in_brackets = (in_brackets || part.contains('[')) && !part.contains(']');
        parts.push(part);
    }
    all.push(parts.join(","));
    all
}

/// Why these libraries and the version don't go together.
pub fn refusal(packages: &[Package], version: Option<&str>) -> Option<&'static str> {
    version?;
    if packages.len() > 1 {
        return Some(
            "'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next to each package in 'name' argument.",
        );
    }
    packages.first()?.has_version.then_some(
        "The 'version' argument conflicts with any version specifier provided along with a package name. Please keep the version specifier, but remove the 'version' argument.",
    )
}

pub fn is_vcs_url(name: &str) -> bool {
    ["svn+", "git+", "hg+", "bzr+"].iter().any(|begin| name.starts_with(begin))
}

/// A name as indexes write it.
pub fn canonical(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if plain.ends_with('-') => {}
            '-' | '_' | '.' => plain.push('-'),
            c => plain.extend(c.to_lowercase()),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_their_versions() {
        let of =
            |names: &[&str]| joined(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["a>1", "<2", "b"]), ["a>1,<2", "b"]);
        assert_eq!(of(&["a>1,<2,b", "c[x,y]~=1,!=2"]), ["a>1,<2", "b", "c[x,y]~=1,!=2"]);
        assert_eq!(canonical("Foo._-Bar"), "foo-bar");
    }
}
