//! From a document to text, as lxml writes it.

use super::tree::{Id, Kind, Tree};

/// The whole document with its declaration.
pub(super) fn document(tree: &Tree, pretty: bool) -> String {
    let mut out = String::from("<?xml version='1.0' encoding='UTF-8'?>\n");
    if let Some(doctype) = &tree.doctype {
        out.push_str(doctype);
        out.push('\n');
    }
    let root = tree.root();
    let mut behind = false;
    for child in tree.children(0) {
        let is_root = Some(*child) == root;
        if behind && pretty {
            out.push('\n');
        }
        node(tree, *child, pretty, 0, &mut out);
        if !behind && !is_root && pretty {
            out.push('\n');
        }
        behind |= is_root;
    }
    if pretty {
        out.push('\n');
    }
    out
}

/// What the outermost element comes to where blank text between elements does not count.
pub(super) fn essence(tree: &Tree) -> String {
    let mut out = String::new();
    if let Some(root) = tree.root() {
        let mut bare = tree.clone();
        strip_blanks(&mut bare, root);
        without_cdata(&mut bare, root);
        node(&bare, root, false, 0, &mut out);
    }
    out
}

/// Takes away the blank text that libxml2 takes for mere layout.
pub(super) fn strip_blanks(tree: &mut Tree, id: Id) {
    let children = tree.children(id).to_vec();
    let mut kept: Vec<Id> = Vec::new();
    for (at, child) in children.iter().enumerate() {
        let blank = match tree.kind(*child) {
            Kind::Text(text) => text.chars().all(|c| matches!(c, ' ' | '\t' | '\n' | '\r')),
            _ => false,
        };
        let only = kept.is_empty() && at + 1 == children.len();
        let beside_text = kept.last().is_some_and(|last| tree.is_text(*last))
            || kept.first().is_some_and(|first| tree.is_text(*first));
        let before_text = children.get(at + 1).is_some_and(|next| tree.is_text(*next));
        if blank && !only && !beside_text && !before_text && !preserves(tree, id) {
            continue;
        }
        kept.push(*child);
    }
    tree.keep(id, kept);
    for child in tree.children(id).to_vec() {
        strip_blanks(tree, child);
    }
}

/// Makes plain text of CDATA sections.
pub(super) fn without_cdata(tree: &mut Tree, id: Id) {
    for child in tree.children(id).to_vec() {
        if let Kind::Cdata(text) = tree.kind(child) {
            *tree.kind_mut(child) = Kind::Text(text.clone());
        }
        without_cdata(tree, child);
    }
}

/// Whether `xml:space` says that all text counts.
fn preserves(tree: &Tree, id: Id) -> bool {
    let mut at = Some(id);
    while let Some(id) = at {
        let space = tree.element(id).and_then(|element| {
            let is_space = |name: &super::tree::Name| {
                name.local == "space" && name.prefix.as_deref() == Some("xml")
            };
            element.attributes.iter().find(|(name, _)| is_space(name)).map(|(_, value)| value)
        });
        if let Some(space) = space {
            return space == "preserve";
        }
        at = tree.parent(id);
    }
    false
}

/// A node; `pretty` lays elements without text on lines of their own.
pub(super) fn node(tree: &Tree, id: Id, pretty: bool, depth: usize, out: &mut String) {
    match tree.kind(id) {
        Kind::Document => {}
        Kind::Text(text) => escape(text, false, out),
        Kind::Cdata(text) => out.push_str(&format!("<![CDATA[{text}]]>")),
        Kind::Comment(text) => out.push_str(&format!("<!--{text}-->")),
        Kind::Instruction(target, data) if data.is_empty() => {
            out.push_str(&format!("<?{target}?>"));
        }
        Kind::Instruction(target, data) => out.push_str(&format!("<?{target} {data}?>")),
        Kind::Element(element) => {
            let name = element.name.written();
            out.push_str(&format!("<{name}"));
            for (prefix, uri) in &element.declared {
                let colon = if prefix.is_empty() { "" } else { ":" };
                out.push_str(&format!(" xmlns{colon}{prefix}=\""));
                escape(uri, true, out);
                out.push('"');
            }
            for (name, value) in &element.attributes {
                out.push_str(&format!(" {}=\"", name.written()));
                escape(value, true, out);
                out.push('"');
            }
            let children = tree.children(id);
            if children.is_empty() {
                out.push_str("/>");
                return;
            }
            out.push('>');
            let pretty = pretty && !children.iter().any(|child| tree.is_text(*child));
            for child in children {
                if pretty {
                    out.push('\n');
                    out.push_str(&"  ".repeat(depth + 1));
                }
                node(tree, *child, pretty, depth + 1, out);
            }
            if pretty {
                out.push('\n');
                out.push_str(&"  ".repeat(depth));
            }
            out.push_str(&format!("</{name}>"));
        }
    }
}

fn escape(text: &str, attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '"' if attribute => out.push_str("&quot;"),
            '\n' if attribute => out.push_str("&#10;"),
            '\t' if attribute => out.push_str("&#9;"),
            c => out.push(c),
        }
    }
}
