//! `inventory/hosts.yml` and `inventory/host_vars/`.

use super::{
    description::{Description, Host, Os, Role},
    embedded,
    patch::Document,
    variables::in_file,
    write,
};
use crate::{
    diagnostic::{Error, Kind, Result},
    value::{Dict, Value},
};

/// The inventory.
pub const HOSTS: &str = "inventory/hosts.yml";

/// The groups that hosts are members of by their roles, as far as systems are concerned in this order.
const BY_ROLE: &[(&str, &[Role])] = &[
    ("rke2_nodes", &[Role::Rke2, Role::Rke2Agent]),
    ("monitoring_nodes", &[Role::ControlPlane]),
    ("storage_nodes", &[Role::Storage]),
    ("compute_nodes", &[Role::Compute, Role::Rke2, Role::Rke2Agent]),
];

/// The file with all hosts and their groups.
pub fn hosts(description: &Description) -> Result<String> {
    let file = embedded::file(HOSTS)
        .ok_or_else(|| Error::new(Kind::Internal, format!("{HOSTS} is not embedded")))?;
    let mut document = Document::new(HOSTS, file.content);
    for (group, roles) in BY_ROLE {
        let hosts: Dict = description
            .hosts_of(roles)
            .into_iter()
            .map(|host| {
                let address = [("ansible_host", Value::from(host.address.value.to_string()))];
                // Where a host is told by another group already, its name will do.
                let own = *group != "rke2_nodes";
                let about =
                    if own { Value::Dict(address.into_iter().collect()) } else { Value::None };
                (host.name.value.as_str(), about)
            })
            .collect();
        document.replace(&["all", "children", group, "hosts"], &Value::Dict(hosts))?;
    }
    for (group, os) in [("debian_nodes", Os::Debian), ("rhel_nodes", Os::Rhel)] {
        document.replace(&["all", "children", group], &of_system(description, os))?;
    }
    Ok(document.into_text())
}

/// The members of a system's group: whole groups where those are of this system, else hosts.
fn of_system(description: &Description, os: Os) -> Value {
    let mut missing: Vec<&Host> = description.hosts.iter().filter(|h| h.os.value == os).collect();
    let children = Dict::new();
    for (group, roles) in BY_ROLE {
        let members = description.hosts_of(roles);
        let new = missing.iter().any(|h| roles.contains(&h.role.value));
        if new && members.iter().all(|h| h.os.value == os) {
            children.insert(*group, Value::None);
            missing.retain(|h| !roles.contains(&h.role.value));
        }
    }
    let hosts: Dict = missing.iter().map(|h| (h.name.value.as_str(), Value::None)).collect();
    let group = Dict::new();
    if !children.is_empty() {
        group.insert("children", children);
    }
    if !hosts.is_empty() || group.is_empty() {
        group.insert("hosts", hosts);
    }
    Value::Dict(group)
}

/// Whether a host becomes root with the password of Debian's hosts.
pub fn is_debian_with_sudo(host: &Host) -> bool {
    host.os.value == Os::Debian && host.user != "root"
}

/// The path and the text of a host's own variables, if it has any.
pub fn host_variables(host: &Host) -> Option<(String, String)> {
    let mut text = String::new();
    if let Some(about) = &host.about {
        text.push_str(&write::comment(about));
    }
    let group = match host.role.value {
        Role::ControlPlane => "monitoring_nodes",
        Role::Storage => "storage_nodes",
        Role::Compute | Role::Rke2 | Role::Rke2Agent => "compute_nodes",
    };
    let of_group = in_file(&format!("inventory/group_vars/{group}.yml"), "ansible_user");
    let mut put = |name: &str, value: &Value| text.push_str(&write::entry(name, value, 0));
    if of_group.as_ref().and_then(Value::as_str) != Some(host.user.as_str()) {
        put("ansible_user", &Value::from(host.user.as_str()));
    }
    if is_debian_with_sudo(host) {
        put("ansible_become", &Value::Bool(true));
        put("ansible_become_password", &Value::from("{{ vault_debian_become_password }}"));
    }
    if host.role.value == Role::Rke2Agent {
        put("rke2_type", &Value::from("agent"));
    }
    host.variables.iter().for_each(|v| put(&v.name.value, &v.value));
    let path = format!("inventory/host_vars/{}.yml", host.name.value);
    (!text.is_empty()).then(|| (path, format!("---\n{text}")))
}
