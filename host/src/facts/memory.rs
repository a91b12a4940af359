//! Memory and swap, in MiB.

use serde_json::json;

use super::{Collector, lines};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "memory", subsets: &["hardware"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let text = lines(cx, "/proc/meminfo");
    if text.is_empty() {
        return;
    }
    let get = |name: &str| -> Option<i64> {
        text.iter().find_map(|line| {
            let value = line.strip_prefix(name)?.strip_prefix(':')?;
            let kib: i64 = value.split_whitespace().next()?.parse().ok()?;
            Some(kib / 1024)
        })
    };
    let (total, free) = (get("MemTotal"), get("MemFree"));
    let (swap_total, swap_free) = (get("SwapTotal"), get("SwapFree"));
    for (name, value) in [
        ("memtotal_mb", total),
        ("memfree_mb", free),
        ("swaptotal_mb", swap_total),
        ("swapfree_mb", swap_free),
    ] {
        if let Some(value) = value {
            facts.insert(name.into(), value.into());
        }
    }
    let less = |a: Option<i64>, b: Option<i64>| Some(a? - b?);
    let cached = (|| Some(get("Cached")? + free? + get("Buffers")?))();
    facts.insert(
        "memory_mb".into(),
        json!({
            "real": {"total": total, "used": less(total, free), "free": free},
            "nocache": {"free": cached, "used": less(total, cached)},
            "swap": {
                "total": swap_total,
                "free": swap_free,
                "used": less(swap_total, swap_free),
                "cached": get("SwapCached"),
            },
        }),
    );
}
