//! The environment of the user that tasks run as.

use super::Collector;
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "env", subsets: &["env"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let env: Map = cx.target.environ().into_iter().map(|(k, v)| (k, Data::from(v))).collect();
    facts.insert("env".into(), env.into());
}
