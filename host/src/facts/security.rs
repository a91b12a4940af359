//! AppArmor, capabilities, FIPS, chroot.

use serde_json::json;

use super::{Collector, content, output};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "security", subsets: &["min"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let apparmor = cx.target.exists("/sys/kernel/security/apparmor".as_ref());
    let status = if apparmor { "enabled" } else { "disabled" };
    facts.insert("apparmor".into(), json!({"status": status}));
    let fips = content(cx, "/proc/sys/crypto/fips_enabled").as_deref() == Some("1");
    facts.insert("fips".into(), fips.into());
    capabilities(cx, facts);
    facts.insert("is_chroot".into(), is_chroot(cx).into());
}

fn capabilities(cx: &mut Context<'_>, facts: &mut Map) {
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

fn is_chroot(cx: &mut Context<'_>) -> bool {
    if cx.target.env("debian_chroot").is_some_and(|name| !name.is_empty()) {
        return true;
    }
    let Ok(own) = cx.target.stat("/".as_ref()) else { return false };
    match cx.target.stat("/proc/1/root/.".as_ref()) {
        Ok(init) => (own.inode, own.dev) != (init.inode, init.dev),
        // Without /proc: the root of most file systems is inode 2.
        Err(_) => own.inode != 2,
    }
}
