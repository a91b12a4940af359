//! Whether cryptography keeps to FIPS 140.

use super::{Collector, content};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "fips", subsets: &["fips"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let fips = content(cx, "/proc/sys/crypto/fips_enabled").as_deref() == Some("1");
    facts.insert("fips".into(), fips.into());
}
