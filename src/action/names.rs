//! Which actions and modules exist, by their full names.

use std::{collections::HashMap, sync::OnceLock};

/// Actions that the engine carries out itself.
const ENGINE: &[&str] = &[
    "include",
    "include_tasks",
    "include_role",
    "import_tasks",
    "import_role",
    "meta",
    "async_status",
];

/// What ansible-core 2.14 ships.
const CORE: &[&str] = &[
    "add_host",
    "apt",
    "apt_key",
    "apt_repository",
    "assemble",
    "assert",
    "async_status",
    "blockinfile",
    "command",
    "copy",
    "cron",
    "debconf",
    "debug",
    "dnf",
    "dpkg_selections",
    "expect",
    "fail",
    "fetch",
    "file",
    "find",
    "gather_facts",
    "get_url",
    "getent",
    "git",
    "group",
    "group_by",
    "hostname",
    "include_vars",
    "iptables",
    "known_hosts",
    "lineinfile",
    "package",
    "package_facts",
    "pause",
    "ping",
    "pip",
    "raw",
    "reboot",
    "replace",
    "rpm_key",
    "script",
    "service",
    "service_facts",
    "set_fact",
    "set_stats",
    "setup",
    "shell",
    "slurp",
    "stat",
    "subversion",
    "systemd",
    "systemd_service",
    "sysvinit",
    "tempfile",
    "template",
    "unarchive",
    "uri",
    "user",
    "validate_argument_spec",
    "wait_for",
    "wait_for_connection",
    "yum",
    "yum_repository",
];

fn builtin(name: &str) -> String {
    format!("ansible.builtin.{name}")
}

/// Every name that we have, to the name that it stands for.
fn table() -> &'static HashMap<String, String> {
    static TABLE: OnceLock<HashMap<String, String>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = HashMap::new();
        for module in vmstation_host::module::MODULES {
            let full = format!("{}.{}", module.collection, module.name);
            for alias in module.aliases {
                let alias = if alias.contains('.') {
                    (*alias).to_owned()
                } else {
                    format!("{}.{alias}", module.collection)
                };
                table.insert(alias, full.clone());
            }
            table.insert(full.clone(), full);
        }
        let actions = super::ACTIONS.iter().map(|a| a.name);
        for name in actions.chain(ENGINE.iter().copied()) {
            // What lives in a collection keeps the name that it has there.
            table.entry(builtin(name)).or_insert_with(|| builtin(name));
        }
        table
    })
}

/// The full name that a full name stands for, if we have that action or module.
pub fn known(full: &str) -> Option<&'static str> {
    table().get(full).map(String::as_str)
}

/// Whether ansible-core ships a module or action of this full name.
pub fn is_core(full: &str) -> bool {
    full.strip_prefix("ansible.builtin.").is_some_and(|short| CORE.contains(&short))
}

/// Every short name that we have.
pub fn short_names() -> impl Iterator<Item = &'static str> {
    table().keys().map(|full| full.rsplit('.').next().unwrap_or(full))
}
