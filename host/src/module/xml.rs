//! `xml`: parts of XML files.

mod edit;
mod eval;
mod parse;
mod path;
mod tree;
mod write;

use std::path::Path;

use crate::data::{Data, Map};
use crate::module::{
    Args, CheckMode, Context, Diff, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule, Write,
};
use crate::python::{self, Subject};
use edit::{Editor, Stop, raised};
use eval::{Item, Value};
use tree::Tree;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.xml"],
    description: "Reads, sets, adds and removes elements and attributes of XML, found by XPath 1.0.\n\
                  Nothing is needed on the host.",
    options: &[
        Opt::path("path").aliases(&["dest", "file"]).doc("The file; it must be there."),
        Opt::str("xmlstring").doc("XML to work on in place of a file."),
        Opt::str("xpath").doc("What is meant."),
        Opt::dict("namespaces").default(Lit::EmptyDict).doc("Prefixes that `xpath` uses, and their addresses."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .aliases(&["ensure"])
            .doc("Whether what is meant is to be there."),
        Opt::raw("value").doc("The text of the element, or the value of `attribute`."),
        Opt::raw("attribute").doc("The attribute that gets the value."),
        Opt::list("add_children", Kind::Raw).doc(
            "Elements to add: names, or dictionaries of a name and its text or attributes; attributes may have `_`, a list of elements within.",
        ),
        Opt::list("set_children", Kind::Raw).doc("Elements that all others are replaced with."),
        Opt::bool("count").or(false).doc("Count what is found."),
        Opt::bool("print_match").or(false).doc("Tell where what is found lies."),
        Opt::bool("pretty_print").or(false).doc("Write it with elements on lines of their own."),
        Opt::str("content")
            .choices(&[Lit::Str("attribute"), Lit::Str("text")])
            .doc("Read attributes or text of what is found."),
        Opt::str("input_type")
            .or_str("yaml")
            .choices(&[Lit::Str("yaml"), Lit::Str("xml")])
            .doc("Whether elements to add are given as XML."),
        Opt::bool("backup").or(false).doc("Keep the old file under a name with the time."),
        Opt::bool("strip_cdata_tags").or(false).doc("Write CDATA sections as plain text."),
        Opt::bool("insertbefore").or(false).doc("Add elements before what is found, not within."),
        Opt::bool("insertafter").or(false).doc("Add elements behind what is found, not within."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["add_children", "content", "count", "print_match", "set_children", "value"]),
        Rule::MutuallyExclusive(&["path", "xmlstring"]),
        Rule::MutuallyExclusive(&["insertbefore", "insertafter"]),
        Rule::RequiredOneOf(&["path", "xmlstring"]),
        Rule::RequiredOneOf(&["add_children", "content", "count", "pretty_print", "print_match", "set_children", "value"]),
        Rule::RequiredIf { option: "count", is: Lit::Bool(true), needs: &["xpath"], any: false },
        Rule::RequiredIf { option: "print_match", is: Lit::Bool(true), needs: &["xpath"], any: false },
        Rule::RequiredIf { option: "insertbefore", is: Lit::Bool(true), needs: &["xpath"], any: false },
        Rule::RequiredIf { option: "insertafter", is: Lit::Bool(true), needs: &["xpath"], any: false },
        Rule::RequiredBy { option: "add_children", needs: &["xpath"] },
        Rule::RequiredBy { option: "attribute", needs: &["value"] },
        Rule::RequiredBy { option: "content", needs: &["xpath"] },
        Rule::RequiredBy { option: "set_children", needs: &["xpath"] },
        Rule::RequiredBy { option: "value", needs: &["xpath"] },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("actions", "dict", "on success", "The expression, its namespaces and the state."),
        Returned::new("count", "int", "when something was counted or read", "How many there are."),
        Returned::new("matches", "list", "when something was read", "Elements and their text or attributes."),
        Returned::new("xmlstring", "str", "with `xmlstring`", "The XML afterwards."),
        Returned::new("backup_file", "str", "if a backup was made", "Its name."),
    ],
    examples: "- name: The shop's port\n  community.general.xml:\n    path: /srv/shop/server.xml\n    xpath: /Server/Connector\n    attribute: port\n    value: '8088'\n",
    ..Module::builtin("xml", "Manages parts of XML files", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let bytes = source(cx, args)?;
    let xpath = args.str("xpath").map(str::to_owned);
    if let Some(xpath) = &xpath {
        path::parse(xpath).map_err(|why| {
            Failure::new(format!("Syntax error in xpath expression: {xpath} ({why})"))
        })?;
    }
    let mut tree = parse::parse(&bytes).map_err(|why| {
        let name = args.str("path").unwrap_or("xml_string");
        Failure::new(format!("Error while parsing document: {name} ({why})"))
    })?;
    if args.bool("pretty_print")
        && let Some(root) = tree.root()
    {
        write::strip_blanks(&mut tree, root);
    }
    if args.bool("strip_cdata_tags") {
        write::without_cdata(&mut tree, 0);
    }
    let prefixes = args
        .dict("namespaces")
        .map(|all| all.iter().map(|(prefix, uri)| (prefix.clone(), python::text(uri))).collect())
        .unwrap_or_default();
    let before = tree.clone();
    let mut task = Task { cx, args, before, edit: Editor { tree, prefixes } };
    let Some(xpath) = xpath else {
        return match args.bool("pretty_print") {
            true => task.prettify(&bytes),
            false => Err(Failure::new("Don't know what to do")),
        };
    };
    Ok(task.done(&xpath)?)
}

fn source(cx: &mut Context<'_>, args: &Args) -> Result<Vec<u8>, Failure> {
    if let Some(text) = args.str("xmlstring").filter(|text| !text.is_empty()) {
        return Ok(text.as_bytes().to_vec());
    }
    let path = args.path("path");
    if !cx.target.stat(&path).is_ok_and(|stat| stat.kind() == crate::target::FileKind::Regular) {
        let msg = format!("The target XML source '{}' does not exist.", path.display());
        return Err(Failure::new(msg));
    }
    cx.target.read(&path).map_err(|error| {
        let why = python::os_error(&error, Subject::Text(&path));
        Failure::crash(python::os_class(&error), why)
    })
}

struct Task<'a, 'b> {
    cx: &'a mut Context<'b>,
    args: &'a Args,
    before: Tree,
    edit: Editor,
}

/// What is told besides the change.
#[derive(Default)]
struct Told {
    msg: Option<Data>,
    hits: usize,
    matches: Vec<Data>,
}

impl Task<'_, '_> {
    fn done(&mut self, xpath: &str) -> Result<Outcome, Stop> {
        let mut told = Told::default();
        if self.args.bool("print_match") {
            told.msg = Some(self.places(xpath)?.into());
        } else if self.args.bool("count") {
            let counted =
                self.edit.value(self.edit.tree.root().unwrap_or(0), &format!("count(/{xpath})"))?;
            if let Value::Number(count) = counted {
                told.hits = count as usize;
            }
            told.msg = Some(format!("found {} nodes", told.hits).into());
        } else if let Some(content) = self.args.str("content") {
            if !self.edit.is_top_node(xpath)? {
                let msg = format!("Xpath {xpath} does not reference a node!");
                return Err(Failure::new(msg).into());
            }
            let attributes = content == "attribute";
            told.matches =
                self.edit.described(xpath, |edit, id| described(edit, id, attributes))?;
            told.hits = told.matches.len();
            told.msg = Some(told.hits.into()).filter(|_| told.hits > 0);
        } else {
            self.change(xpath)?;
        }
        Ok(self.finish(xpath, told)?)
    }

    fn change(&mut self, xpath: &str) -> Result<(), Stop> {
        let as_xml = self.args.req("input_type") == "xml";
        if self.args.req("state") == "absent" {
            return self.delete(xpath);
        }
        if let Some(children) = self.args.list("set_children") {
            return self.set_children(xpath, children, as_xml);
        }
        if let Some(children) = self.args.list("add_children").filter(|list| !list.is_empty()) {
            return self.add_children(xpath, children, as_xml);
        }
        if let Some(value) = self.args.get("value").cloned() {
            return self.set(xpath, &value);
        }
        match self.edit.is_top_node(xpath)? {
            true => Ok(()),
            false => self.edit.make(xpath),
        }
    }

    fn places(&self, xpath: &str) -> Result<String, Stop> {
        let mut places = Vec::new();
        for item in self.edit.found(xpath)? {
            match item {
                Item::Node(id) if !self.edit.tree.is_text(id) => {
                    places.push(Data::from(self.edit.path_of(id)));
                }
                _ => {
                    let text = "Argument 'element' has incorrect type (expected lxml.etree._Element, got lxml.etree._ElementUnicodeResult)";
                    return raised("TypeError", text);
                }
            }
        }
        Ok(format!("selector '{xpath}' match: {}", crate::spec::dumps(&places.into())))
    }

    fn delete(&mut self, xpath: &str) -> Result<(), Stop> {
        let deleted = self.delete_all(xpath);
        deleted.map_err(|stop| match stop {
            Stop::Raised(_, why) => {
                let msg = format!("Couldn't delete xpath target: {xpath} ({why})");
                Failure::new(msg).into()
            }
            failed => failed,
        })
    }

    fn delete_all(&mut self, xpath: &str) -> Result<(), Stop> {
        let found = self.edit.found(xpath)?;
        // Attributes move up as others go: the name stays.
        let named = |item: &Item| match item {
            Item::Node(_) => String::new(),
            Item::Attribute(id, at) => {
                let element = self.edit.tree.element(*id);
                element.and_then(|e| e.attributes.get(*at)).map(|a| a.0.full()).unwrap_or_default()
            }
        };
        let names: Vec<String> = found.iter().map(named).collect();
        for (item, name) in found.into_iter().zip(names) {
            if self.edit.found(xpath)?.is_empty() {
                return raised("Exception", "Impossible error");
            }
            match item {
                Item::Node(id) if self.edit.tree.is_text(id) => {
                    let text = "Argument must be bytes or unicode, got 'NoneType'";
                    return raised("TypeError", text);
                }
                Item::Node(id) if self.edit.tree.parent(id).is_none_or(|above| above == 0) => {
                    let text = "'NoneType' object has no attribute 'remove'";
                    return raised("AttributeError", text);
                }
                Item::Node(id) => {
                    self.edit.tree.detach(id);
                }
                Item::Attribute(id, _) => {
                    if let Some(element) = self.edit.tree.element_mut(id) {
                        element.attributes.retain(|(known, _)| known.full() != name);
                    }
                }
            }
        }
        Ok(())
    }

    fn set_children(&mut self, xpath: &str, list: &[Data], as_xml: bool) -> Result<(), Stop> {
        let matches = self.edit.elements(self.edit.tree.root().unwrap_or(0), xpath)?;
        let children = self.edit.children(list, as_xml)?;
        let wanted: Vec<String> =
            children.iter().map(|child| self.edit.written(*child, true)).collect();
        for parent in matches {
            let parts = self.edit.tree.parts(parent);
            let there: Vec<String> =
                parts.iter().map(|part| self.edit.written(*part, true)).collect();
            if there != wanted {
                self.edit.replace_children(parent, &children);
            }
        }
        Ok(())
    }

    fn add_children(&mut self, xpath: &str, list: &[Data], as_xml: bool) -> Result<(), Stop> {
        if !self.edit.is_top_node(xpath)? {
            return Ok(());
        }
        let children = self.edit.children(list, as_xml)?;
        let found = self.edit.elements(self.edit.tree.root().unwrap_or(0), xpath)?;
        let (before, after) = (self.args.bool("insertbefore"), self.args.bool("insertafter"));
        if !before && !after {
            for parent in found {
                for child in &children {
                    self.edit.tree.append(parent, *child);
                }
            }
            return Ok(());
        }
        let beside = if before { found.first() } else { found.last() };
        let above = |id: &usize| self.edit.tree.parent(*id).filter(|above| *above != 0);
        let (Some(beside), Some(parent)) = (beside, found.first().and_then(above)) else {
            return raised("AttributeError", "'NoneType' object has no attribute 'index'");
        };
        let own = above(beside).map(|above| self.edit.tree.parts(above)).unwrap_or_default();
        let at = own.iter().position(|part| part == beside).unwrap_or_default();
        for (offset, child) in children.iter().enumerate() {
            let wanted = at + usize::from(after) + offset;
            let next = self.edit.tree.parts(parent).get(wanted).copied();
            match next.and_then(|next| self.edit.tree.place(next)) {
                Some((parent, place)) => self.edit.tree.insert(parent, place, *child),
                None => self.edit.tree.append(parent, *child),
            }
        }
        Ok(())
    }

    fn set(&mut self, xpath: &str, value: &Data) -> Result<(), Stop> {
        let ensured = self.ensure(xpath);
        if let Err(Stop::Failed(failure)) = ensured {
            return Err(failure.into());
        }
        if let Err(Stop::Raised(class, why)) = ensured {
            let declares = self.edit.tree.root().and_then(|root| self.edit.tree.element(root));
            let missing = match declares.is_some_and(|root| !root.declared.is_empty()) {
                true if !xpath.contains(':') => {
                    "XML document has namespace(s) defined, but no namespace prefix(es) used in xpath!\n"
                }
                _ => "",
            };
            let msg = format!(
                "{missing}Xpath {xpath} causes a failure: {why}\n  -- tree is {}",
                self.edit.shown()
            );
            let trace = format!("Traceback (most recent call last):\n{class}: {why}\n");
            return Err(Failure::new(msg).with("exception", trace).into());
        }
        if !self.edit.is_top_node(xpath)? {
            let shown = self.edit.shown();
            let msg = format!("Xpath {xpath} does not reference a node! tree is {shown}");
            return Err(Failure::new(msg).into());
        }
        let attribute =
            self.args.get("attribute").map(python::text).filter(|name| !name.is_empty());
        for id in self.edit.elements(self.edit.tree.root().unwrap_or(0), xpath)? {
            let Data::String(text) = value else {
                let text = python::type_text(value);
                let class = text.split('\'').nth(1).unwrap_or(text);
                let text = format!("Argument must be bytes or unicode, got '{class}'");
                return raised("TypeError", text);
            };
            match &attribute {
                None if self.edit.tree.text(id).as_ref() != Some(text) => {
                    self.edit.tree.set_text(id, text);
                }
                None => {}
                Some(name) => {
                    let full = self.edit.full_name(name)?;
                    self.edit.set_attribute(id, &full, text);
                }
            }
        }
        Ok(())
    }

    fn ensure(&mut self, xpath: &str) -> Result<(), Stop> {
        match self.edit.is_top_node(xpath)? {
            true => Ok(()),
            false => self.edit.make(xpath),
        }
    }

    fn finish(&mut self, xpath: &str, told: Told) -> Result<Outcome, Failure> {
        let args = self.args;
        let tree = &self.edit.tree;
        let changed = write::essence(&self.before) != write::essence(tree);
        let mut actions = Map::new();
        actions.insert("xpath".into(), xpath.into());
        actions.insert(
            "namespaces".into(),
            args.dict("namespaces").cloned().unwrap_or_default().into(),
        );
        actions.insert("state".into(), args.req("state").into());
        let mut outcome = Outcome::new(changed).with("actions", actions);
        if args.bool("count") || told.hits > 0 {
            outcome = outcome.with("count", told.hits);
        }
        if args.bool("print_match") || !told.matches.is_empty() {
            outcome = outcome.with("matches", told.matches);
        }
        if let Some(msg) = told.msg {
            outcome = outcome.with("msg", msg);
        }
        let text = write::document(tree, args.bool("pretty_print"));
        if changed {
            if self.cx.diff {
                let before = write::document(&self.before, true);
                outcome = outcome.diff(Diff::of(before, write::document(tree, true)));
            }
            if let Some(backup) = self.save(&text)? {
                outcome = outcome.with("backup_file", backup);
            }
        }
        Ok(match args.str("xmlstring").is_some_and(|text| !text.is_empty()) {
            true => outcome.with("xmlstring", text),
            false => outcome,
        })
    }

    /// Writes the file, if that is what was asked for; the name of the backup.
    fn save(&mut self, text: &str) -> Result<Option<String>, Failure> {
        let Some(path) = self.args.str("path").filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        if self.cx.check {
            return Ok(None);
        }
        let path = Path::new(path);
        let backup = match self.args.bool("backup") {
            true => Some(self.cx.backup(path)?),
            false => None,
        };
        let real = self.cx.target.realpath(path);
        self.cx.write(Write::bytes(&real, text.as_bytes()))?;
        Ok(backup)
    }

    /// No expression: only the layout is changed.
    fn prettify(&mut self, old: &[u8]) -> Result<Outcome, Failure> {
        let text = write::document(&self.edit.tree, true);
        if self.args.str("xmlstring").is_some_and(|text| !text.is_empty()) {
            // ansible compares bytes with text: they always differ.
            return Ok(Outcome::new(true).with("xmlstring", text));
        }
        let changed = text.as_bytes() != old;
        let mut outcome = Outcome::new(changed);
        if changed && let Some(backup) = self.save(&text)? {
            outcome = outcome.with("backup_file", backup);
        }
        Ok(outcome)
    }
}

fn described(edit: &Editor, id: usize, attributes: bool) -> Data {
    if !attributes {
        return edit.tree.text(id).map_or(Data::Null, Data::from);
    }
    let element = edit.tree.element(id);
    let all = element.map(|element| element.attributes.as_slice()).unwrap_or_default();
    let map: Map = all.iter().map(|(name, value)| (name.full(), value.as_str().into())).collect();
    map.into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{eval, parse, write};
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const SHOP: &str = "<shop type=\"bar\">\n  <beers>\n    <beer>Old</beer>\n    <beer n='2'>New</beer>\n  </beers>\n  <x:tax xmlns:x=\"urn:x\" x:rate=\"19\"/>\n</shop>";

    #[test]
    fn expressions() {
        let tree = parse::parse(SHOP.as_bytes()).unwrap();
        let prefixes = [("t".to_owned(), "urn:x".to_owned())];
        let at = tree.root().unwrap_or(0);
        for (xpath, expected) in [
            ("count(//beer)", "Number(2.0)"),
            ("string(/shop/beers/beer[2])", "Text(\"New\")"),
            ("string(beers/beer[@n='2'])", "Text(\"New\")"),
            ("string(//beer[last()-1])", "Text(\"Old\")"),
            ("//beer[text()='New']/@n = 2", "Bool(true)"),
            ("count(//beer[not(@n)] | //beers | //beers)", "Number(2.0)"),
            ("string(//t:tax/@t:rate)", "Text(\"19\")"),
            ("name(//*[local-name()='tax'])", "Text(\"x:tax\")"),
            ("count(//beer[1]/following-sibling::*)", "Number(1.0)"),
            ("count(//beer/ancestor::*)", "Number(2.0)"),
            ("normalize-space(' a  b ')", "Text(\"a b\")"),
            ("substring('12345', 2, 3)", "Text(\"234\")"),
            ("1 + 2 * 3 - 4 div 2", "Number(5.0)"),
            ("concat('a', translate('bar', 'ab', 'c'))", "Text(\"acr\")"),
            ("//beer[contains(., 'w') and position() > 1] = 'New'", "Bool(true)"),
        ] {
            let value = eval::value(&tree, xpath, at, &prefixes);
            assert_eq!(format!("{:?}", value.unwrap()), expected);
        }
        for (xpath, why) in [
            ("//beer[", "Invalid expression"),
            ("/shop/nowhere:x", "Undefined namespace prefix"),
            ("foo(1)", "Unregistered function"),
            ("id('x')", "the function id() is not known here"),
            ("namespace::x", "the axis namespace is not known here"),
        ] {
            assert_eq!(eval::value(&tree, xpath, at, &[]).err().as_deref(), Some(why), "{xpath}");
        }
    }

    #[test]
    fn documents_are_written_as_they_were_read() {
        let text = "<?xml version='1.0' encoding='UTF-8'?>\n<!DOCTYPE a SYSTEM \"a.dtd\">\n<!--c--><a b=\"&lt;&quot;&#10;\"><![CDATA[<x>]]>t &amp; ü<?p q?><e/></a><!--d-->";
        let tree = parse::parse(text.as_bytes()).unwrap();
        assert_eq!(write::document(&tree, false), text);
        for wrong in [
            "",
            "<a>",
            "<a></b>",
            "<a b></a>",
            "<a>&x;</a>",
            "<a/><b/>",
            "x<a/>",
            "<a:b/>",
            "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
            &"<a>".repeat(100_000),
        ] {
            assert!(parse::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    fn edited(args: Value) -> (Value, String) {
        let mut fake = Fake::new().file("/f", SHOP);
        let mut all = json!({"path": "/f"});
        if let (Value::Object(all), Value::Object(args)) = (&mut all, args) {
            all.extend(args);
        }
        let result = Call::new("xml", all).run_on(&mut fake).into();
        (result, fake.text("/f"))
    }

    #[test]
    fn changes() {
        for (args, new) in [
            (json!({"xpath": "/shop/beers/beer[1]", "value": "Older"}), "<beer>Older</beer>"),
            (json!({"xpath": "/shop", "attribute": "type", "value": "pub"}), "<shop type=\"pub\">"),
            (json!({"xpath": "/shop/rating/@subjective", "state": "present", "value": "x"}), "no"),
            (
                json!({"xpath": "/shop/beers", "add_children": [{"beer": {"n": "3", "_": ["a"]}}]}),
                "<beer n=\"3\"><a/></beer></beers>",
            ),
            (
                json!({"xpath": "/shop/beers", "set_children": ["one"]}),
                "<beers>\n    <one/></beers>",
            ),
            (
                json!({"xpath": "//beer[@n]", "insertbefore": true, "add_children": ["b"]}),
                "<b/><beer n=\"2\">",
            ),
            (
                json!({"xpath": "//t:tax", "namespaces": {"t": "urn:x"}, "attribute": "t:rate", "value": "7"}),
                "x:rate=\"7\"",
            ),
        ] {
            let (result, text) = edited(args.clone());
            match new {
                "no" => assert_eq!(result["failed"], true, "{args}"),
                new => assert!(text.contains(new), "{args}: {result} {text}"),
            }
        }
        let (result, text) =
            edited(json!({"xpath": "/shop/@type", "state": "absent", "pretty_print": true}));
        assert!(text.contains("<shop>\n  <beers>\n    <beer>Old</beer>\n"), "{result} {text}");
        let (result, _) = edited(json!({"xpath": "//beer", "content": "text"}));
        assert_eq!(result["matches"], json!([{"beer": "Old"}, {"beer": "New"}]));
        let (result, _) = edited(json!({"xpath": "/shop/beers/beer", "count": true}));
        assert_eq!(result["count"], 2);
        let (result, _) = edited(json!({"xpath": "//beer", "print_match": true}));
        let places = "selector '//beer' match: [\"/shop/beers/beer[1]\", \"/shop/beers/beer[2]\"]";
        assert_eq!(result["msg"], places);
    }
}
