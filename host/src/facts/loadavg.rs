//! How busy the host is.

use serde_json::json;

use super::{Collector, content};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "loadavg", subsets: &["loadavg"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    if let Some(text) = content(cx, "/proc/loadavg") {
        let loads: Vec<f64> = text.split(' ').take(3).filter_map(|w| w.parse().ok()).collect();
        if let [one, five, fifteen] = loads[..] {
            facts.insert("loadavg".into(), json!({"1m": one, "5m": five, "15m": fifteen}));
        }
    }
}
