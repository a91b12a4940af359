//! How long the host has been up, and how busy it is.

use serde_json::json;

use super::{Collector, content};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "uptime", subsets: &["hardware"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    if let Some(text) = content(cx, "/proc/uptime")
        && let Some(seconds) = text.split(['.', ' ']).next().and_then(|s| s.parse::<i64>().ok())
    {
        facts.insert("uptime_seconds".into(), seconds.into());
    }
    if let Some(text) = content(cx, "/proc/loadavg") {
        let loads: Vec<f64> = text.split(' ').take(3).filter_map(|w| w.parse().ok()).collect();
        if let [one, five, fifteen] = loads[..] {
            facts.insert("loadavg".into(), json!({"1m": one, "5m": five, "15m": fifteen}));
        }
    }
}
