//! XML as Python's `minidom` lays it out.

use std::fmt;

/// An element with its attributes, and either text or elements in it.
pub struct Element {
    tag: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// An empty element.
    pub fn new(tag: &'static str) -> Self {
        Self { tag, attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// The same with this text in it.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        text.clone_into(&mut self.text);
        self
    }

    /// Adds an element at its end.
    pub fn push(&mut self, child: Self) {
        self.children.push(child);
    }

    /// Whether an element of that tag is directly in it.
    pub fn has(&self, tag: &str) -> bool {
        self.children.iter().any(|c| c.tag == tag)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        let indent = "\t".repeat(depth);
        write!(f, "{indent}<{}", self.tag)?;
        for (name, value) in &self.attributes {
            write!(f, " {name}=\"{}\"", escaped(value))?;
        }
        if self.children.is_empty() && self.text.is_empty() {
            return f.write_str("/>\n");
        }
        if self.children.is_empty() {
            return writeln!(f, ">{}</{}>", escaped(&self.text), self.tag);
        }
        f.write_str(">\n")?;
        for child in &self.children {
            child.write(f, depth + 1)?;
        }
        writeln!(f, "{indent}</{}>", self.tag)
    }
}

/// A document with this root.
pub struct Pretty<'a>(pub &'a Element);

impl fmt::Display for Pretty<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<?xml version=\"1.0\" ?>\n")?;
        self.0.write(f, 0)
    }
}

/// Text without what is markup, and without characters that XML cannot hold.
fn escaped(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let text: String = text.chars().filter(allowed).collect();
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stand_on_lines_of_their_own() {
        let mut root = Element::new("a").with("x", "1 < \"2\"");
        root.push(Element::new("b").text("t & u"));
        root.push(Element::new("c"));
        let text = Pretty(&root).to_string();
        let expected = "<?xml version=\"1.0\" ?>\n<a x=\"1 &lt; &quot;2&quot;\">\n\t\
                        <b>t &amp; u</b>\n\t<c/>\n</a>\n";
        assert_eq!(text, expected);
    }
}
