//! The Linux Standard Base's words for the distribution.

use super::{Collector, lines, output};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "lsb", subsets: &["lsb"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let mut lsb = Map::new();
    let mut set = |key: &str, value: &str| {
        let value = value.trim().trim_matches(['\'', '"', '\\']);
        lsb.insert(key.to_owned(), value.into());
    };
    if let Some(text) = output(cx, "lsb_release", &["-a"]) {
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            match name.trim() {
                "LSB Version" | "Release" => set("release", value),
                "Distributor ID" => set("id", value),
                "Description" => set("description", value),
                "Codename" => set("codename", value),
                _ => {}
            }
        }
    } else {
        for line in lines(cx, "/etc/lsb-release") {
            let Some((name, value)) = line.split_once('=') else { continue };
            match name.trim() {
                "DISTRIB_ID" => set("id", value),
                "DISTRIB_RELEASE" => set("release", value),
                "DISTRIB_DESCRIPTION" => set("description", value),
                "DISTRIB_CODENAME" => set("codename", value),
                _ => {}
            }
        }
    }
    if let Some(release) = lsb.get("release").and_then(|r| r.as_str()) {
        let major = release.split('.').next().unwrap_or_default().to_owned();
        lsb.insert("major_release".into(), major.into());
    }
    facts.insert("lsb".into(), lsb.into());
}
