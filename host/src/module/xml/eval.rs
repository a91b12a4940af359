//! XPath 1.0: what expressions give.

use std::collections::HashMap;

use super::path::{Axis, Expr, Operator, Step, Test, parse};
use super::tree::{Id, Kind, Name, Tree};

/// A node or an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    Node(Id),
    /// An attribute, by its place in its element.
    Attribute(Id, usize),
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Items(Vec<Item>),
    Bool(bool),
    Number(f64),
    Text(String),
}

/// What an expression gives at a node. The error is libxml2's word for what is wrong.
pub(super) fn value(
    tree: &Tree,
    text: &str,
    at: Id,
    prefixes: &[(String, String)],
) -> Result<Value, String> {
    let expr = parse(text)?;
    let mut order = HashMap::new();
    number(tree, 0, &mut order);
    let eval = Eval { tree, prefixes, order };
    eval.expr(&expr, At { item: Item::Node(at), position: 1, size: 1 })
}

fn number(tree: &Tree, id: Id, order: &mut HashMap<Id, usize>) {
    order.insert(id, order.len());
    for child in tree.children(id) {
        number(tree, *child, order);
    }
}

struct Eval<'a> {
    tree: &'a Tree,
    prefixes: &'a [(String, String)],
    /// Where nodes stand in the document.
    order: HashMap<Id, usize>,
}

#[derive(Clone, Copy)]
struct At {
    item: Item,
    position: usize,
    size: usize,
}

type Answer = Result<Value, String>;

impl Eval<'_> {
    fn expr(&self, expr: &Expr, at: At) -> Answer {
        match expr {
            Expr::Number(number) => Ok(Value::Number(*number)),
            Expr::Text(text) => Ok(Value::Text(text.clone())),
            Expr::Negative(inner) => Ok(Value::Number(-self.number(&self.expr(inner, at)?))),
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right, at),
            Expr::Call(name, arguments) => self.call(name, arguments, at),
            Expr::Path(absolute, steps) => {
                let start = if *absolute { Item::Node(0) } else { at.item };
                self.steps(vec![start], steps).map(Value::Items)
            }
            Expr::Chosen(base, predicates, steps) => {
                let mut items = self.items(self.expr(base, at)?)?;
                for predicate in predicates {
                    items = self.chosen(items, predicate)?;
                }
                self.steps(items, steps).map(Value::Items)
            }
        }
    }

    fn items(&self, value: Value) -> Result<Vec<Item>, String> {
        match value {
            Value::Items(items) => Ok(items),
            _ => Err("Invalid type".into()),
        }
    }

    fn binary(&self, operator: Operator, left: &Expr, right: &Expr, at: At) -> Answer {
        let a = self.expr(left, at)?;
        match operator {
            Operator::Or if self.truth(&a) => return Ok(Value::Bool(true)),
            Operator::And if !self.truth(&a) => return Ok(Value::Bool(false)),
            _ => {}
        }
        let b = self.expr(right, at)?;
        let numbers = || (self.number(&a), self.number(&b));
        Ok(match operator {
            Operator::Or | Operator::And => Value::Bool(self.truth(&b)),
            Operator::Plus => Value::Number(numbers().0 + numbers().1),
            Operator::Minus => Value::Number(numbers().0 - numbers().1),
            Operator::Times => Value::Number(numbers().0 * numbers().1),
            Operator::Divided => Value::Number(numbers().0 / numbers().1),
            Operator::Modulo => Value::Number(numbers().0 % numbers().1),
            Operator::Union => {
                let mut all = self.items(a)?;
                all.extend(self.items(b)?);
                Value::Items(self.sorted(all))
            }
            _ => Value::Bool(self.compares(operator, &a, &b)),
        })
    }

    /// Comparisons: of sets of nodes, one that fits is enough.
    fn compares(&self, operator: Operator, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Items(items), Value::Bool(_)) | (Value::Bool(_), Value::Items(items)) => {
                let known = Value::Bool(!items.is_empty());
                match matches!(a, Value::Items(_)) {
                    true => self.compare(operator, &known, b),
                    false => self.compare(operator, a, &known),
                }
            }
            (Value::Items(items), other) => items
                .iter()
                .any(|item| self.compares(operator, &Value::Text(self.text_of(*item)), other)),
            (other, Value::Items(items)) => items
                .iter()
                .any(|item| self.compares(operator, other, &Value::Text(self.text_of(*item)))),
            (a, b) => self.compare(operator, a, b),
        }
    }

    fn compare(&self, operator: Operator, a: &Value, b: &Value) -> bool {
        let equality = matches!(operator, Operator::Equal | Operator::Unequal);
        if equality {
            let same = match (a, b) {
                (Value::Bool(_), _) | (_, Value::Bool(_)) => self.truth(a) == self.truth(b),
                (Value::Number(_), _) | (_, Value::Number(_)) => self.number(a) == self.number(b),
                _ => self.text(a) == self.text(b),
            };
            return same == (operator == Operator::Equal);
        }
        let (a, b) = (self.number(a), self.number(b));
        match operator {
            Operator::Less => a < b,
            Operator::AtMost => a <= b,
            Operator::Greater => a > b,
            _ => a >= b,
        }
    }

    fn truth(&self, value: &Value) -> bool {
        match value {
            Value::Items(items) => !items.is_empty(),
            Value::Bool(value) => *value,
            Value::Number(number) => *number != 0.0 && !number.is_nan(),
            Value::Text(text) => !text.is_empty(),
        }
    }

    fn number(&self, value: &Value) -> f64 {
        match value {
            Value::Bool(value) => f64::from(u8::from(*value)),
            Value::Number(number) => *number,
            other => {
                let text = self.text(other);
                let text = text.trim();
                let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '.'));
                if plain { text.parse().unwrap_or(f64::NAN) } else { f64::NAN }
            }
        }
    }

    fn text(&self, value: &Value) -> String {
        match value {
            Value::Items(items) => {
                items.first().map(|item| self.text_of(*item)).unwrap_or_default()
            }
            Value::Bool(value) => value.to_string(),
            Value::Number(number) if number.is_nan() => "NaN".into(),
            Value::Number(number) if number.is_infinite() => {
                if *number > 0.0 {
                    "Infinity".into()
                } else {
                    "-Infinity".into()
                }
            }
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
        }
    }

    fn text_of(&self, item: Item) -> String {
        match item {
            Item::Node(id) => self.tree.all_text(id),
            Item::Attribute(id, at) => {
                let element = self.tree.element(id);
                element.and_then(|e| e.attributes.get(at)).map(|a| a.1.clone()).unwrap_or_default()
            }
        }
    }

    fn name_of(&self, item: Item) -> Option<&Name> {
        match item {
            Item::Node(id) => self.tree.element(id).map(|element| &element.name),
            Item::Attribute(id, at) => Some(&self.tree.element(id)?.attributes.get(at)?.0),
        }
    }

    fn sorted(&self, mut items: Vec<Item>) -> Vec<Item> {
        let key = |item: &Item| match item {
            Item::Node(id) => (self.order.get(id).copied().unwrap_or_default(), 0),
            Item::Attribute(id, at) => (self.order.get(id).copied().unwrap_or_default(), at + 1),
        };
        items.sort_by_key(key);
        items.dedup();
        items
    }

    fn steps(&self, mut items: Vec<Item>, steps: &[Step]) -> Result<Vec<Item>, String> {
        for step in steps {
            let mut next = Vec::new();
            for item in items {
                let mut found = Vec::new();
                for candidate in self.along(item, step.axis) {
                    if self.fits(candidate, step)? {
                        found.push(candidate);
                    }
                }
                for predicate in &step.predicates {
                    found = self.chosen(found, predicate)?;
                }
                next.extend(found);
            }
            items = self.sorted(next);
        }
        Ok(items)
    }

    /// Those for which the predicate holds; a number is a position.
    fn chosen(&self, items: Vec<Item>, predicate: &Expr) -> Result<Vec<Item>, String> {
        let size = items.len();
        let mut kept = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let position = at + 1;
            let holds = match self.expr(predicate, At { item, position, size })? {
                Value::Number(number) => number == position as f64,
                other => self.truth(&other),
            };
            if holds {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    fn fits(&self, item: Item, step: &Step) -> Result<bool, String> {
        let kind = match item {
            Item::Node(id) => Some(self.tree.kind(id)),
            Item::Attribute(..) => None,
        };
        Ok(match (&step.test, kind) {
            (Test::Node, _) => true,
            (Test::Text, Some(Kind::Text(_) | Kind::Cdata(_))) => true,
            (Test::Comment, Some(Kind::Comment(_))) => true,
            (Test::Instruction(wanted), Some(Kind::Instruction(target, _))) => {
                wanted.as_ref().is_none_or(|wanted| wanted == target)
            }
            (Test::Name(prefix, local), _) => {
                let uri = match prefix.as_deref() {
                    None => None,
                    Some("xml") => Some(super::tree::XML),
                    Some(prefix) => {
                        let known = self.prefixes.iter().find(|(known, _)| known == prefix);
                        Some(
                            known
                                .map(|(_, uri)| uri.as_str())
                                .ok_or("Undefined namespace prefix")?,
                        )
                    }
                };
                let Some(name) = self.name_of(item) else { return Ok(false) };
                let any = prefix.is_none() && local.is_none();
                (any || name.uri.as_deref() == uri)
                    && local.as_ref().is_none_or(|local| *local == name.local)
            }
            _ => false,
        })
    }

    /// The items of an axis, nearest first.
    fn along(&self, item: Item, axis: Axis) -> Vec<Item> {
        let id = match (item, axis) {
            (Item::Attribute(id, _), Axis::Parent) => return vec![Item::Node(id)],
            (Item::Attribute(id, _), Axis::Ancestor) => {
                return self.up(Some(id)).map(Item::Node).collect();
            }
            (Item::Attribute(id, _), Axis::AncestorOrSelf) => {
                return [item].into_iter().chain(self.up(Some(id)).map(Item::Node)).collect();
            }
            (Item::Attribute(..), Axis::Itself | Axis::DescendantOrSelf) => return vec![item],
            (Item::Attribute(..), _) => return Vec::new(),
            (Item::Node(id), _) => id,
        };
        let tree = self.tree;
        let nodes: Vec<Id> = match axis {
            Axis::Attribute => {
                let count = tree.element(id).map_or(0, |element| element.attributes.len());
                return (0..count).map(|at| Item::Attribute(id, at)).collect();
            }
            Axis::Child => tree.children(id).to_vec(),
            Axis::Itself => vec![id],
            Axis::Parent => tree.parent(id).into_iter().collect(),
            Axis::Ancestor => self.up(tree.parent(id)).collect(),
            Axis::AncestorOrSelf => self.up(Some(id)).collect(),
            Axis::Descendant => self.down(id).split_off(1),
            Axis::DescendantOrSelf => self.down(id),
            Axis::FollowingSibling | Axis::PrecedingSibling => self.beside(id, axis),
            Axis::Following | Axis::Preceding => {
                let side = match axis {
                    Axis::Following => Axis::FollowingSibling,
                    _ => Axis::PrecedingSibling,
                };
                let all = self.up(Some(id)).flat_map(|above| self.beside(above, side));
                let within = |sibling: Id| {
                    let mut nodes = self.down(sibling);
                    if axis.goes_back() {
                        nodes.reverse();
                    }
                    nodes
                };
                all.flat_map(within).collect()
            }
        };
        nodes.into_iter().map(Item::Node).collect()
    }

    fn up(&self, from: Option<Id>) -> impl Iterator<Item = Id> {
        std::iter::successors(from, |id| self.tree.parent(*id))
    }

    fn down(&self, id: Id) -> Vec<Id> {
        let mut all = vec![id];
        for child in self.tree.children(id) {
            all.extend(self.down(*child));
        }
        all
    }

    fn beside(&self, id: Id, side: Axis) -> Vec<Id> {
        let Some((parent, at)) = self.tree.place(id) else { return Vec::new() };
        let siblings = self.tree.children(parent);
        match side {
            Axis::FollowingSibling => siblings[at + 1..].to_vec(),
            _ => siblings[..at].iter().rev().copied().collect(),
        }
    }

    fn call(&self, name: &str, arguments: &[Expr], at: At) -> Answer {
        let values: Vec<Value> =
            arguments.iter().map(|argument| self.expr(argument, at)).collect::<Result<_, _>>()?;
        let own = || Value::Items(vec![at.item]);
        let text = |n: usize| self.text(&values.get(n).cloned().unwrap_or_else(own));
        let count = |least: usize, most: usize| match (least..=most).contains(&values.len()) {
            true => Ok(()),
            false => Err("Invalid number of arguments".to_owned()),
        };
        let (least, most) = match name {
            "position" | "last" | "true" | "false" => (0, 0),
            "not" | "boolean" | "count" | "sum" | "floor" | "ceiling" | "round" => (1, 1),
            "string" | "number" | "name" | "local-name" | "namespace-uri" | "string-length"
            | "normalize-space" => (0, 1),
            "contains" | "starts-with" | "substring-before" | "substring-after" => (2, 2),
            "substring" => (2, 3),
            "translate" => (3, 3),
            "concat" => (2, usize::MAX),
            "id" | "lang" => return Err(format!("the function {name}() is not known here")),
            _ => return Err("Unregistered function".into()),
        };
        count(least, most)?;
        let number = |n: usize| self.number(&values.get(n).cloned().unwrap_or_else(own));
        Ok(match name {
            "position" => Value::Number(at.position as f64),
            "last" => Value::Number(at.size as f64),
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "not" => Value::Bool(!self.truth(&values[0])),
            "boolean" => Value::Bool(self.truth(&values[0])),
            "count" => Value::Number(self.items(values[0].clone())?.len() as f64),
            "sum" => {
                let items = self.items(values[0].clone())?;
                let number = |item: Item| self.number(&Value::Text(self.text_of(item)));
                Value::Number(items.into_iter().map(number).sum())
            }
            "floor" => Value::Number(number(0).floor()),
            "ceiling" => Value::Number(number(0).ceil()),
            "round" => Value::Number((number(0) + 0.5).floor()),
            "number" => Value::Number(number(0)),
            "string-length" => Value::Number(text(0).chars().count() as f64),
            "contains" => Value::Bool(text(0).contains(&text(1))),
            "starts-with" => Value::Bool(text(0).starts_with(&text(1))),
            "name" | "local-name" | "namespace-uri" => {
                let items = self.items(values.first().cloned().unwrap_or_else(own))?;
                let named = items.first().and_then(|item| self.name_of(*item));
                Value::Text(named.map_or_else(String::new, |known| match name {
                    "name" => known.written(),
                    "local-name" => known.local.clone(),
                    _ => known.uri.clone().unwrap_or_default(),
                }))
            }
            _ => Value::Text(self.text_function(name, &text, &number, values.len())),
        })
    }

    fn text_function(
        &self,
        name: &str,
        text: &dyn Fn(usize) -> String,
        number: &dyn Fn(usize) -> f64,
        count: usize,
    ) -> String {
        match name {
            "string" => text(0),
            "normalize-space" => {
                let text = text(0);
                text.split([' ', '\t', '\n', '\r'])
                    .filter(|word| !word.is_empty())
                    .collect::<Vec<_>>()
                    .join(" ")
            }
            "substring-before" => {
                text(0).split_once(&text(1)).map(|parts| parts.0.to_owned()).unwrap_or_default()
            }
            "substring-after" => {
                text(0).split_once(&text(1)).map(|parts| parts.1.to_owned()).unwrap_or_default()
            }
            "substring" => {
                let from = (number(1) + 0.5).floor();
                let end = if count > 2 { from + (number(2) + 0.5).floor() } else { f64::INFINITY };
                let within = |(at, _): &(usize, char)| {
                    let place = (*at + 1) as f64;
                    place >= from && place < end
                };
                text(0).chars().enumerate().filter(within).map(|(_, c)| c).collect()
            }
            "translate" => {
                let (from, to): (Vec<char>, Vec<char>) =
                    (text(1).chars().collect(), text(2).chars().collect());
                let translated = |c: char| match from.iter().position(|known| *known == c) {
                    Some(at) => to.get(at).copied(),
                    None => Some(c),
                };
                text(0).chars().filter_map(translated).collect()
            }
            // `concat`: the only one that is left.
            _ => (0..count).map(text).collect(),
        }
    }
}
