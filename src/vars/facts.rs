//! What is known of a host from the host itself.

use crate::{
    diagnostic::Notices,
    value::{Dict, Key, Value},
};

/// Facts in the two forms in which playbooks read them.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// As the modules gave them, `ansible_` in front.
    raw: Dict,
    /// What they add to the variables: `ansible_facts`, and each by its own name.
    pub vars: Dict,
}

/// Variables that tell how to reach a host: no host may set them by its facts.
const CONNECTION_VARS: [&str; 36] = [
    "ansible_connection",
    "ansible_host",
    "ansible_user",
    "ansible_shell_executable",
    "ansible_port",
    "ansible_pipelining",
    "ansible_password",
    "ansible_timeout",
    "ansible_shell_type",
    "ansible_module_compression",
    "ansible_private_key_file",
    "ansible_ssh_host",
    "ansible_ssh_user",
    "ansible_ssh_pass",
    "ansible_ssh_port",
    "ansible_ssh_pipelining",
    "ansible_ssh_timeout",
    "ansible_ssh_private_key_file",
    "ansible_network_os",
    "ansible_connection_user",
    "ansible_ssh_executable",
    "ansible_ssh_common_args",
    "ansible_sftp_extra_args",
    "ansible_scp_extra_args",
    "ansible_ssh_extra_args",
    "ansible_ssh_transfer_method",
    "ansible_docker_extra_args",
    "ansible_become",
    "ansible_become_method",
    "ansible_become_user",
    "ansible_become_password",
    "ansible_become_pass",
    "ansible_become_exe",
    "ansible_become_flags",
    "ansible_rsync_path",
    "ansible_playbook_python",
];

/// Kinds of connections whose own settings no host may set by its facts.
const CONNECTIONS: [&str; 5] = ["local", "paramiko_ssh", "psrp", "ssh", "winrm"];

impl Facts {
    /// The facts of a host that told none.
    pub fn none(inject: bool) -> Self {
        Self::new(Dict::new(), inject, None)
    }

    /// `raw`, marked as data; what no host may set is left out of the variables.
    fn new(raw: Dict, inject: bool, notices: Option<&dyn Notices>) -> Self {
        let namespaced = Dict::new();
        for (key, value) in raw.snapshot() {
            let bare = key.as_str().filter(|k| *k != "ansible_local");
            let bare = bare.and_then(|k| k.strip_prefix("ansible_")).map(Key::from);
            namespaced.write().insert(bare.map_or(key, Key::into_unsafe), copied(&value));
        }
        let vars = Dict::new();
        vars.insert("ansible_facts", namespaced);
        if inject {
            for (key, value) in raw.snapshot() {
                let name = key.as_str().unwrap_or_default();
                if name.starts_with("_ansible_") {
                    continue;
                }
                if restricted(name) {
                    let text = format!("Removed restricted key from module data: {name}");
                    notices.iter().for_each(|n| n.warning(text.clone()));
                    continue;
                }
                vars.write().insert(key, without_internal_keys(&value));
            }
        } else {
            let local = raw.get("ansible_local").unwrap_or_else(|| Dict::new().into());
            vars.insert("ansible_local", local);
        }
        Self { raw, vars }
    }

    /// These facts with others laid over them.
    pub fn updated(&self, news: &Dict, inject: bool, notices: &dyn Notices) -> Self {
        let raw = self.raw.copy();
        for (key, value) in news.snapshot() {
            raw.write().insert(key.into_unsafe(), value.into_unsafe());
        }
        Self::new(raw, inject, Some(notices))
    }

    /// As the modules gave them.
    pub fn raw(&self) -> &Dict {
        &self.raw
    }
}

fn restricted(name: &str) -> bool {
    if name.starts_with("ansible_ssh_host_key_") {
        return false;
    }
    let bridge = name.ends_with("_bridge") || name.ends_with("_gwbridge");
    let of_connection =
        CONNECTIONS.iter().any(|c| name.strip_prefix("ansible_").is_some_and(|n| has_prefix(n, c)));
    CONNECTION_VARS.contains(&name)
        || (of_connection && !bridge)
        || name.starts_with("ansible_become_")
        || matches!(name, "ansible_facts" | "add_host" | "add_group")
        || (name.starts_with("ansible_") && name.ends_with("_interpreter") && name.len() >= 20)
}

fn has_prefix(name: &str, connection: &str) -> bool {
    name.strip_prefix(connection).is_some_and(|rest| rest.starts_with('_'))
}

/// A copy that shares no list or dict with the original.
fn copied(value: &Value) -> Value {
    match value {
        Value::Dict(d) => {
            Value::Dict(d.snapshot().iter().map(|(k, v)| (k.clone(), copied(v))).collect::<Dict>())
        }
        Value::List(l) => l.snapshot().iter().map(copied).collect(),
        other => other.clone(),
    }
}

/// A copy without the keys that ansible uses inside results.
fn without_internal_keys(value: &Value) -> Value {
    let internal = |k: &Key| k.as_str().is_some_and(|k| k.starts_with("_ansible_"));
    match value {
        Value::Dict(d) => Value::Dict(
            d.snapshot()
                .iter()
                .filter(|(k, _)| !internal(k))
                .map(|(k, v)| (k.clone(), without_internal_keys(v)))
                .collect::<Dict>(),
        ),
        Value::List(l) => l.snapshot().iter().map(without_internal_keys).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Collected;

    #[test]
    fn connection_variables_stay_out() {
        let told = Collected::default();
        let raw: Dict = [
            ("ansible_hostname", Value::str("a")),
            ("ansible_host", Value::str("evil")),
            ("ansible_ssh_host_key_rsa_public", Value::str("k")),
            ("ansible_ssh_args", Value::str("evil")),
            ("ansible_ssh_bridge", Value::str("br")),
            ("ansible_python_interpreter", Value::str("evil")),
            ("ansible_become_x", Value::str("evil")),
            ("_ansible_x", Value::str("evil")),
            ("mine", Value::str("{{ x }}")),
        ]
        .into_iter()
        .collect();
        let facts = Facts::none(true).updated(&raw, true, &told);
        let names: Vec<String> = facts
            .vars
            .snapshot()
            .iter()
            .filter_map(|(k, _)| k.as_str().map(str::to_owned))
            .collect();
        assert_eq!(
            names,
            [
                "ansible_facts",
                "ansible_hostname",
                "ansible_ssh_host_key_rsa_public",
                "ansible_ssh_bridge",
                "mine"
            ]
        );
        assert_eq!(told.warnings().len(), 4);
        let Some(Value::Str(mine)) = facts.vars.get("mine") else { unreachable!("no such fact") };
        assert!(mine.is_unsafe());
        let namespaced = facts.vars.get("ansible_facts").and_then(|v| v.as_dict().cloned());
        assert!(namespaced.is_some_and(|d| d.contains("hostname") && d.contains("host")));
    }

    #[test]
    fn without_injection_only_local_facts_have_names() {
        let told = Collected::default();
        let raw: Dict = [("ansible_hostname", Value::str("a"))].into_iter().collect();
        let facts = Facts::none(false).updated(&raw, false, &told);
        assert_eq!(facts.vars.len(), 2);
        assert!(facts.vars.contains("ansible_local"));
    }
}
