//! From text to a document. What would change its meaning and is not understood is an error.

use super::tree::{Element, Id, Kind, Name, Tree, XML};

/// What is wrong, and where.
pub(super) fn parse(bytes: &[u8]) -> Result<Tree, String> {
    let text = decoded(bytes)?.replace("\r\n", "\n").replace('\r', "\n");
    let mut parser = Parser { text: &text, at: 0, tree: Tree::new(), open: vec![0] };
    parser.declaration()?;
    while parser.at < text.len() {
        parser.piece()?;
    }
    if parser.open.len() > 1 {
        return Err(parser.wrong("the document ends within an element"));
    }
    if parser.tree.root().is_none() {
        return Err(parser.wrong("there is no element"));
    }
    Ok(parser.tree)
}

/// The text of the bytes: UTF-8, or Latin-1 where the declaration says so.
fn decoded(bytes: &[u8]) -> Result<String, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
    let declared = head
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>"))
        .and_then(|(head, _)| head.split_once("encoding"))
        .and_then(|(_, rest)| rest.split(['"', '\'']).nth(1))
        .unwrap_or("utf-8")
        .to_lowercase();
    match declared.as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => String::from_utf8(bytes.to_vec())
            .map_err(|error| format!("byte {} is no UTF-8", error.utf8_error().valid_up_to())),
        "iso-8859-1" | "latin1" | "latin-1" => Ok(bytes.iter().map(|b| char::from(*b)).collect()),
        other => Err(format!("the encoding {other} is not known here, only UTF-8 and ISO-8859-1")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    tree: Tree,
    /// The elements that are open, the document outermost.
    open: Vec<Id>,
}

/// What libxml2 takes for too deep.
const DEEPEST: usize = 256;

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '\u{b7}')
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn wrong(&self, what: &str) -> String {
        let line = self.text[..self.at].matches('\n').count() + 1;
        format!("{what}, line {line}")
    }

    fn takes(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// What stands before `end`, which is taken too.
    fn until(&mut self, end: &str, what: &str) -> Result<&'a str, String> {
        let Some(length) = self.rest().find(end) else {
            return Err(self.wrong(&format!("{what} has no end")));
        };
        let inner = &self.rest()[..length];
        self.at += length + end.len();
        Ok(inner)
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n']).len();
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let rest = self.rest();
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let first = rest.chars().next();
        if end == 0 || first.is_some_and(|c| c.is_numeric() || matches!(c, '-' | '.')) {
            return Err(self.wrong("a name is expected"));
        }
        self.at += end;
        Ok(&rest[..end])
    }

    fn declaration(&mut self) -> Result<(), String> {
        if self.rest().starts_with("<?xml") && self.rest()[5..].starts_with([' ', '\t', '\n']) {
            self.until("?>", "the declaration")?;
        }
        Ok(())
    }

    fn here(&self) -> Id {
        // The document itself is never closed.
        self.open.last().copied().unwrap_or(0)
    }

    fn put(&mut self, kind: Kind) -> Id {
        let node = self.tree.add(kind);
        let here = self.here();
        self.tree.append(here, node);
        node
    }

    fn piece(&mut self) -> Result<(), String> {
        if self.takes("<!--") {
            let text = self.until("-->", "a comment")?.to_owned();
            self.put(Kind::Comment(text));
        } else if self.takes("<![CDATA[") {
            if self.here() == 0 {
                return Err(self.wrong("text stands outside of the element"));
            }
            let text = self.until("]]>", "a CDATA section")?.to_owned();
            self.put(Kind::Cdata(text));
        } else if self.takes("<!DOCTYPE") {
            self.doctype()?;
        } else if self.takes("<?") {
            let target = self.name()?.to_owned();
            let data = self.until("?>", "an instruction")?.trim_start().to_owned();
            self.put(Kind::Instruction(target, data));
        } else if self.takes("</") {
            let name = self.name()?;
            self.blanks();
            let here = self.here();
            let known = self.tree.element(here).map(|element| element.name.written());
            if known.as_deref() != Some(name) || !self.takes(">") {
                return Err(self.wrong(&format!("</{name}> ends no element that is open")));
            }
            self.open.pop();
        } else if self.takes("<") {
            self.element()?;
        } else {
            self.characters()?;
        }
        Ok(())
    }

    fn characters(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let end = rest.find('<').unwrap_or(rest.len());
        let raw = &rest[..end];
        if self.here() == 0 {
            if !raw.trim().is_empty() {
                return Err(self.wrong("text stands outside of the element"));
            }
        } else {
            let text = self.resolved(raw)?;
            self.put(Kind::Text(text));
        }
        self.at += end;
        Ok(())
    }

    fn doctype(&mut self) -> Result<(), String> {
        let inner = self.until(">", "DOCTYPE")?;
        if inner.contains('[') {
            return Err(self.wrong("a DOCTYPE with declarations of its own is not understood here"));
        }
        self.tree.doctype = Some(format!("<!DOCTYPE{inner}>"));
        Ok(())
    }

    /// Text with its references replaced.
    fn resolved(&self, raw: &str) -> Result<String, String> {
        let mut out = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find('&') {
            out.push_str(&rest[..at]);
            let Some((name, behind)) = rest[at + 1..].split_once(';') else {
                return Err(self.wrong("an `&` begins no reference"));
            };
            let number = |digits: &str, radix| {
                u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
            };
            let char = match name {
                "lt" => Some('<'),
                "gt" => Some('>'),
                "amp" => Some('&'),
                "quot" => Some('"'),
                "apos" => Some('\''),
                name => match (name.strip_prefix("#x"), name.strip_prefix('#')) {
                    (Some(digits), _) => number(digits, 16),
                    (None, Some(digits)) => number(digits, 10),
                    (None, None) => None,
                },
            };
            let Some(char) = char else {
                return Err(self.wrong(&format!("the entity &{name}; is not known")));
            };
            out.push(char);
            rest = behind;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn element(&mut self) -> Result<(), String> {
        let name = self.name()?;
        let mut given: Vec<(&str, String)> = Vec::new();
        let closed = loop {
            let before = self.at;
            self.blanks();
            if self.takes("/>") {
                break true;
            }
            if self.takes(">") {
                break false;
            }
            if before == self.at {
                return Err(self.wrong(&format!("<{name}> has no end")));
            }
            let attribute = self.attribute()?;
            if given.iter().any(|(known, _)| *known == attribute.0) {
                return Err(self.wrong(&format!("the attribute {} stands twice", attribute.0)));
            }
            given.push(attribute);
        };
        let mut element = Element::default();
        let mut attributes = Vec::new();
        for (name, value) in given {
            match name.strip_prefix("xmlns") {
                Some("") => element.declared.push((String::new(), value)),
                Some(prefix) if prefix.starts_with(':') => {
                    element.declared.push((prefix[1..].to_owned(), value));
                }
                _ => attributes.push((name, value)),
            }
        }
        if self.here() == 0 && self.tree.root().is_some() {
            return Err(self.wrong(&format!("<{name}> stands behind the outermost element")));
        }
        let node = self.put(Kind::Element(element));
        let attributes = attributes
            .into_iter()
            .map(|(name, value)| Ok((self.named(node, name, true)?, value)))
            .collect::<Result<Vec<_>, String>>()?;
        let name = self.named(node, name, false)?;
        if let Some(element) = self.tree.element_mut(node) {
            (element.name, element.attributes) = (name, attributes);
        }
        if !closed {
            if self.open.len() > DEEPEST {
                return Err(self.wrong("elements are nested too deeply"));
            }
            self.open.push(node);
        }
        Ok(())
    }

    fn attribute(&mut self) -> Result<(&'a str, String), String> {
        let name = self.name()?;
        self.blanks();
        if !self.takes("=") {
            return Err(self.wrong(&format!("the attribute {name} has no value")));
        }
        self.blanks();
        let quote = match self.rest().chars().next() {
            Some('"') => "\"",
            Some('\'') => "'",
            _ => return Err(self.wrong(&format!("the value of {name} has no quotes"))),
        };
        self.at += 1;
        let raw = self.until(quote, "a value")?;
        if raw.contains('<') {
            return Err(self.wrong(&format!("there is a `<` in the value of {name}")));
        }
        // Blanks are spaces, unless they are written as references.
        Ok((name, self.resolved(&raw.replace(['\n', '\t'], " "))?))
    }

    fn named(&self, node: Id, written: &str, attribute: bool) -> Result<Name, String> {
        match written.split_once(':') {
            Some((prefix, local)) => match self.tree.address(node, prefix) {
                Some(uri) => {
                    let uri = Some(uri);
                    Ok(Name { prefix: Some(prefix.to_owned()), local: local.to_owned(), uri })
                }
                None => Err(self.wrong(&format!("the namespace prefix {prefix} is not declared"))),
            },
            None => {
                let uri = if attribute { None } else { self.tree.address(node, "") };
                Ok(Name { prefix: None, local: written.to_owned(), uri: uri.filter(|u| u != XML) })
            }
        }
    }
}
