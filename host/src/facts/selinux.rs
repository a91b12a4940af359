//! SELinux: whether it is there, and what it does.

use super::{Collector, content, lines};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "selinux", subsets: &["selinux"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let mut all = Map::new();
    if cx.selinux_enabled() {
        let config = |cx: &mut Context<'_>, name: &str| {
            lines(cx, "/etc/selinux/config")
                .iter()
                .find_map(|l| l.strip_prefix(name)?.strip_prefix('=').map(|v| v.trim().to_owned()))
                .unwrap_or_else(|| "unknown".to_owned())
        };
        all.insert("status".into(), "enabled".into());
        let version = content(cx, "/sys/fs/selinux/policyvers");
        let version = version.and_then(|v| v.parse::<i64>().ok());
        all.insert("policyvers".into(), version.map_or_else(|| "unknown".into(), Into::into));
        all.insert("config_mode".into(), config(cx, "SELINUX").into());
        let mode = match content(cx, "/sys/fs/selinux/enforce").as_deref() {
            Some("1") => "enforcing",
            Some("0") => "permissive",
            _ => "unknown",
        };
        all.insert("mode".into(), mode.into());
        all.insert("type".into(), config(cx, "SELINUXTYPE").into());
    } else {
        all.insert("status".into(), "disabled".into());
    }
    facts.insert("selinux".into(), all.into());
    // Playbooks install libraries of Python's for modules of Python's; ours need none.
    facts.insert("selinux_python_present".into(), true.into());
}
