//! Whether the machine is virtual, or makes others.

use super::{Collector, content, lines};
use crate::context::Context;
use crate::data::Map;

pub static COLLECTOR: Collector =
    Collector { name: "virtualization", subsets: &["virtual"], collect };

#[derive(Default)]
struct Found {
    kind: Option<String>,
    role: Option<&'static str>,
    guest: Vec<String>,
    host: Vec<String>,
}

impl Found {
    fn guest(&mut self, tech: &str) {
        self.add_guest(tech);
        self.first(tech, "guest");
    }

    fn add_guest(&mut self, tech: &str) {
        if !self.guest.iter().any(|t| t == tech) {
            self.guest.push(tech.to_owned());
        }
    }

    fn host(&mut self, tech: &str) {
        if !self.host.iter().any(|t| t == tech) {
            self.host.push(tech.to_owned());
        }
        self.first(tech, "host");
    }

    /// What is found first names the machine.
    fn first(&mut self, tech: &str, role: &'static str) {
        if self.kind.is_none() {
            self.kind = Some(tech.to_owned());
            self.role = Some(role);
        }
    }
}

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    let mut found = Found::default();
    containers(cx, &mut found);
    if cx.target.exists("/proc/xen".as_ref()) {
        let host = lines(cx, "/proc/xen/capabilities").iter().any(|l| l.contains("control_d"));
        if host { found.host("xen") } else { found.first("xen", "guest") }
    }
    firmware(cx, &mut found);
    for line in lines(cx, "/proc/cpuinfo") {
        if line.starts_with("model name") && line.contains("QEMU Virtual CPU") {
            found.guest("kvm");
        } else if line.starts_with("vendor_id") && line.contains("User Mode Linux") {
            found.guest("uml");
        }
    }
    kernel_modules(cx, &mut found);
    let none = found.kind.is_none();
    facts.insert("virtualization_type".into(), found.kind.unwrap_or_else(|| "NA".into()).into());
    facts.insert(
        "virtualization_role".into(),
        if none { "NA" } else { found.role.unwrap_or("guest") }.into(),
    );
    facts.insert("virtualization_tech_guest".into(), found.guest.into());
    facts.insert("virtualization_tech_host".into(), found.host.into());
}

fn containers(cx: &mut Context<'_>, found: &mut Found) {
    for line in lines(cx, "/proc/1/cgroup") {
        if line.contains("/docker/") || line.contains("/docker-") {
            found.guest("docker");
        }
        if line.contains("/lxc/") || line.contains("/machine.slice/machine-lxc") {
            found.guest("lxc");
        }
        if line.contains("/system.slice/containerd.service") {
            found.guest("containerd");
        }
    }
    let environ = cx.target.read("/proc/1/environ".as_ref()).unwrap_or_default();
    for entry in environ.split(|b| *b == 0) {
        let entry = String::from_utf8_lossy(entry);
        if entry.contains("container=lxc") {
            found.guest("lxc");
        }
        if entry.contains("container=podman") {
            found.guest("podman");
        }
        if entry.strip_prefix("container=").is_some_and(|v| !v.is_empty()) {
            found.guest("container");
        }
    }
    if cx.target.exists("/proc/vz".as_ref()) && !cx.target.exists("/proc/lve".as_ref()) {
        if cx.target.exists("/proc/bc".as_ref()) {
            found.host("openvz");
        } else {
            found.guest("openvz");
        }
    }
    let systemd = content(cx, "/run/systemd/container");
    if let Some(kind) = &systemd {
        found.guest(kind);
    }
    if ["/.dockerenv", "/.dockerinit"].iter().any(|p| cx.target.exists(p.as_ref())) {
        found.guest("docker");
    }
    let known = ["docker", "lxc", "podman", "openvz", "containerd"];
    if systemd.is_some() || found.guest.iter().any(|t| known.contains(&t.as_str())) {
        found.add_guest("container");
    }
}

fn firmware(cx: &mut Context<'_>, found: &mut Found) {
    let dmi = |cx: &mut Context<'_>, name: &str| {
        content(cx, format!("/sys/devices/virtual/dmi/id/{name}")).unwrap_or_default()
    };
    let (product, vendor) = (dmi(cx, "product_name"), dmi(cx, "sys_vendor"));
    let (family, bios) = (dmi(cx, "product_family"), dmi(cx, "bios_vendor"));
    match product.as_str() {
        "KVM" | "KVM Server" | "Bochs" | "AHV" => found.guest("kvm"),
        "VMware Virtual Platform" | "VMware7,1" => found.guest("VMware"),
        "OpenStack Compute" | "OpenStack Nova" => found.guest("openstack"),
        _ => {}
    }
    match (vendor.as_str(), family.as_str(), product.as_str()) {
        ("oVirt", _, _) => found.guest("oVirt"),
        ("Red Hat", "RHV", _) => found.guest("RHV"),
        ("Red Hat", _, "RHEV Hypervisor") => found.guest("RHEV"),
        _ => {}
    }
    match bios.as_str() {
        "Xen" => found.guest("xen"),
        "innotek GmbH" => found.guest("virtualbox"),
        "Amazon EC2" | "DigitalOcean" | "Hetzner" => found.guest("kvm"),
        _ => {}
    }
    match vendor.as_str() {
        "QEMU" | "Amazon EC2" | "DigitalOcean" | "Google" | "Scaleway" | "Nutanix" => {
            found.guest("kvm");
        }
        "KubeVirt" => found.guest("KubeVirt"),
        "Microsoft Corporation" => found.guest("VirtualPC"),
        "Parallels Software International Inc." => found.guest("parallels"),
        "OpenStack Foundation" => found.guest("openstack"),
        _ => {}
    }
}

fn kernel_modules(cx: &mut Context<'_>, found: &mut Found) {
    let modules: Vec<String> = lines(cx, "/proc/modules")
        .iter()
        .filter_map(|l| l.split(' ').next().map(str::to_owned))
        .collect();
    let has = |name: &str| modules.iter().any(|m| m == name);
    if has("kvm") || cx.target.exists("/dev/kvm".as_ref()) {
        found.host("kvm");
    }
    if has("vboxdrv") {
        found.host("virtualbox");
    }
    if has("virtio") {
        found.guest("kvm");
    }
}
