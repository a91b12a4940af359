//! The kernel, the names of the machine, its processor's architecture.

use super::{Collector, content, output};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector = Collector { name: "platform", subsets: &["platform"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let uname = cx.target.uname().unwrap_or_default();
    let fqdn = fqdn(cx, &uname.nodename);
    let hostname = uname.nodename.split('.').next().unwrap_or_default();
    let domain = fqdn.split_once('.').map_or("", |(_, domain)| domain);
    let (architecture, bits) = architecture(&uname.machine);
    for (name, value) in [
        ("system", uname.sysname.as_str()),
        ("kernel", &uname.release),
        ("kernel_version", &uname.version),
        ("machine", &uname.machine),
        ("fqdn", &fqdn),
        ("hostname", hostname),
        ("nodename", &uname.nodename),
        ("domain", domain),
        ("userspace_bits", bits),
        ("architecture", architecture),
        ("userspace_architecture", architecture),
    ] {
        facts.insert(name.into(), value.into());
    }
    facts.extend(super::python::version(cx).map(|version| ("python_version".to_owned(), version)));
    for path in ["/var/lib/dbus/machine-id", "/etc/machine-id"] {
        if let Some(id) = content(cx, path) {
            facts.insert("machine_id".into(), id.lines().next().unwrap_or_default().into());
            break;
        }
    }
}

/// What the name service calls this machine: the first of its names with a dot, else the first.
pub fn fqdn(cx: &mut Context<'_>, nodename: &str) -> String {
    let address = output(cx, "getent", &["hosts", nodename]).unwrap_or_default();
    let address = address.split_whitespace().next().unwrap_or(nodename).to_owned();
    let found = output(cx, "getent", &["hosts", &address]).unwrap_or_default();
    let mut names = found.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let Some(first) = names.next() else { return nodename.to_owned() };
    if first.contains('.') {
        return first.to_owned();
    }
    names.find(|n| n.contains('.')).unwrap_or(first).to_owned()
}

/// ansible's word for an architecture, and how many bits its programs have.
fn architecture(machine: &str) -> (&str, &'static str) {
    match machine {
        "i386" | "i486" | "i586" | "i686" => ("i386", "32"),
        m if m.starts_with("armv") => (m, "32"),
        m => (m, "64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_processors_are_one_architecture() {
        assert_eq!(architecture("i686"), ("i386", "32"));
        assert_eq!(architecture("x86_64"), ("x86_64", "64"));
    }
}
