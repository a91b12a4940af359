//! What manages the host's services.

use super::{Collector, content};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector =
    Collector { name: "service_mgr", subsets: &["service_mgr"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let name = manager(cx);
    facts.insert("service_mgr".into(), name.into());
}

fn manager(cx: &mut Context<'_>) -> String {
    let first = content(cx, "/proc/1/comm").or_else(|| {
        let link = cx.target.read_link("/sbin/init".as_ref()).ok()?;
        Some(link.file_name()?.to_string_lossy().into_owned())
    });
    // Many systems call it init, and a shell is what runs first in a container.
    let first = first.filter(|name| name != "init" && !name.ends_with("sh"));
    if let Some(first) = first {
        return match first.as_str() {
            "procd" => "openwrt_init".to_owned(),
            "runit-init" => "runit".to_owned(),
            "svscan" => "svc".to_owned(),
            "openrc-init" => "openrc".to_owned(),
            _ => first,
        };
    }
    if systemd_runs(cx) {
        return "systemd".to_owned();
    }
    let exists = |cx: &mut Context<'_>, path: &str| cx.target.exists(path.as_ref());
    if cx.target.find_program("initctl", &[]).is_some() && exists(cx, "/etc/init/") {
        return "upstart".to_owned();
    }
    if exists(cx, "/sbin/openrc") {
        return "openrc".to_owned();
    }
    let link = cx.target.read_link("/sbin/init".as_ref()).ok();
    if cx.target.find_program("systemctl", &[]).is_some()
        && link.is_some_and(|l| l.ends_with("systemd"))
    {
        return "systemd".to_owned();
    }
    if exists(cx, "/etc/init.d/") { "sysvinit".to_owned() } else { "service".to_owned() }
}

fn systemd_runs(cx: &mut Context<'_>) -> bool {
    cx.target.find_program("systemctl", &[]).is_some()
        && ["/run/systemd/system/", "/dev/.run/systemd/", "/dev/.systemd/"]
            .iter()
            .any(|path| cx.target.exists(path.as_ref()))
}
