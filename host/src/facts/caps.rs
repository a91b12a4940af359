//! Capabilities.

use super::{Collector, output};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "caps", subsets: &["caps"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let (mut enforced, mut all) = ("NA", Vec::new());
    if let Some(text) = output(cx, "capsh", &["--print"]) {
        for line in text.lines() {
            let Some(current) = line.strip_prefix("Current:") else { continue };
            if current.trim() == "=ep" {
                enforced = "False";
            } else {
                enforced = "True";
                let list = current.split_once('=').map_or("", |(_, list)| list);
                all = list.split(',').map(|c| c.trim().to_owned()).collect();
            }
        }
        facts.insert("system_capabilities_enforced".into(), enforced.into());
        facts.insert("system_capabilities".into(), all.into());
    }
}
