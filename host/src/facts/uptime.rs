//! How long the host has been up.

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
}
