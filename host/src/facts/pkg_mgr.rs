//! What manages the host's packages.

use super::Collector;
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "pkg_mgr", subsets: &["pkg_mgr"], collect };

/// Programs and the modules that use them; the last that is there counts.
const MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/rpm-ostree", "atomic_container"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/zypper", "zypper"),
    ("/usr/sbin/urpmi", "urpmi"),
    ("/usr/bin/pacman", "pacman"),
    ("/bin/opkg", "opkg"),
    ("/sbin/apk", "apk"),
    ("/usr/sbin/pkg", "pkgng"),
    ("/usr/bin/emerge", "portage"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/bin/swupd", "swupd"),
];

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let there = |cx: &mut Context<'_>, name: &str| {
        MANAGERS.iter().any(|(path, known)| *known == name && cx.target.exists(path.as_ref()))
    };
    let mut found = "unknown";
    for (path, name) in MANAGERS {
        if cx.target.exists(path.as_ref()) {
            found = name;
        }
    }
    let text = |name: &str| facts.get(name).and_then(Data::as_str).unwrap_or_default().to_owned();
    let (family, distribution) = (text("os_family"), text("distribution"));
    let major: u32 = text("distribution_major_version").parse().unwrap_or(u32::MAX);
    // A machine of one family may have the other's programs too.
    match family.as_str() {
        "RedHat" => {
            let old = match distribution.as_str() {
                "Fedora" => major < 23,
                "Amazon" => major < 2022,
                _ => major < 8,
            };
            let order = if old { ["yum", "dnf"] } else { ["dnf", "yum"] };
            if cx.target.exists("/run/ostree-booted".as_ref()) {
                found = "atomic_container";
            } else if let Some(name) = order.into_iter().find(|name| there(cx, name)) {
                found = name;
            }
        }
        "Debian" if there(cx, "apt") => found = "apt",
        _ => {}
    }
    facts.insert("pkg_mgr".into(), found.into());
}
