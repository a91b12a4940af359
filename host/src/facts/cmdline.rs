//! The kernel's command line, each name once and with all of its values.

use super::{Collector, content};
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "cmdline", subsets: &["cmdline"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let Some(text) = content(cx, "/proc/cmdline") else { return };
    let (mut last, mut all) = (Map::new(), Map::new());
    for word in crate::python::shell_split(&text).unwrap_or_default() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Data::from(value)),
            None => (word, Data::Bool(true)),
        };
        last.insert(name.clone(), value.clone());
        match all.get_mut(&name) {
            None => drop(all.insert(name, value)),
            Some(Data::Array(values)) => values.push(value),
            Some(one) => *one = Data::Array(vec![one.take(), value]),
        }
    }
    facts.insert("cmdline".into(), last.into());
    facts.insert("proc_cmdline".into(), all.into());
}
