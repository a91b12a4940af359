//! Inventory sources and the variables beside them.

use std::path::PathBuf;

use super::{
    Default::{Flag, Int, List, Text, Unset},
    Opt, Spec, any, flag, list, pathlist, text,
};

options! { ALL;
    DEFAULT_HOST_LIST: Vec<PathBuf> = pathlist(Text("/etc/ansible/hosts"))
        .ini(&["defaults.inventory"])
        .env(&["ANSIBLE_INVENTORY"]);
    HOST_PATTERN_MISMATCH: String = any(Text("warning"))
        .ini(&["inventory.host_pattern_mismatch"])
        .env(&["ANSIBLE_HOST_PATTERN_MISMATCH"])
        .choices(&["error", "warning", "ignore"]);
    TRANSFORM_INVALID_GROUP_CHARS: String = text(Text("never"))
        .ini(&["defaults.force_valid_group_names"])
        .env(&["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"])
        .choices(&["always", "never", "ignore", "silently"]);
    INVENTORY_ANY_UNPARSED_IS_FAILED: bool = flag(Flag(false))
        .ini(&["inventory.any_unparsed_is_failed"])
        .env(&["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"]);
    INVENTORY_CACHE_ENABLED: bool = flag(Flag(false))
        .ini(&["inventory.cache"])
        .env(&["ANSIBLE_INVENTORY_CACHE"]);
    INVENTORY_CACHE_PLUGIN: Option<String> = any(Unset)
        .ini(&["inventory.cache_plugin"])
        .env(&["ANSIBLE_INVENTORY_CACHE_PLUGIN"]);
    INVENTORY_CACHE_PLUGIN_CONNECTION: Option<String> = any(Unset)
        .ini(&["inventory.cache_connection"])
        .env(&["ANSIBLE_INVENTORY_CACHE_CONNECTION"]);
    INVENTORY_CACHE_PLUGIN_PREFIX: String = any(Text("ansible_inventory_"))
        .ini(&["inventory.cache_prefix"])
        .env(&["ANSIBLE_INVENTORY_CACHE_PLUGIN_PREFIX"]);
    INVENTORY_CACHE_TIMEOUT: i64 = any(Int(3600))
        .ini(&["inventory.cache_timeout"])
        .env(&["ANSIBLE_INVENTORY_CACHE_TIMEOUT"]);
    INVENTORY_ENABLED: Vec<String> = list(List(&["host_list", "script", "auto", "yaml", "ini",
        "toml"]))
        .ini(&["inventory.enable_plugins"])
        .env(&["ANSIBLE_INVENTORY_ENABLED"]);
    INVENTORY_EXPORT: bool = flag(Flag(false))
        .ini(&["inventory.export"])
        .env(&["ANSIBLE_INVENTORY_EXPORT"]);
    INVENTORY_IGNORE_EXTS: Vec<String> = list(List(&[".pyc", ".pyo", ".swp", ".bak", "~", ".rpm",
        ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"]))
        .ini(&["defaults.inventory_ignore_extensions", "inventory.ignore_extensions"])
        .env(&["ANSIBLE_INVENTORY_IGNORE"]);
    INVENTORY_IGNORE_PATTERNS: Vec<String> = list(List(&[]))
        .ini(&["defaults.inventory_ignore_patterns", "inventory.ignore_patterns"])
        .env(&["ANSIBLE_INVENTORY_IGNORE_REGEX"]);
    INVENTORY_UNPARSED_IS_FAILED: bool = flag(Flag(false))
        .ini(&["inventory.unparsed_is_failed"])
        .env(&["ANSIBLE_INVENTORY_UNPARSED_FAILED"]);
    PLAYBOOK_VARS_ROOT: String = any(Text("top"))
        .ini(&["defaults.playbook_vars_root"])
        .env(&["ANSIBLE_PLAYBOOK_VARS_ROOT"])
        .choices(&["top", "bottom", "all"]);
    RUN_VARS_PLUGINS: String = text(Text("demand"))
        .ini(&["defaults.run_vars_plugins"])
        .env(&["ANSIBLE_RUN_VARS_PLUGINS"])
        .choices(&["demand", "start"]);
    VARIABLE_PLUGINS_ENABLED: Vec<String> = list(List(&["host_group_vars"]))
        .ini(&["defaults.vars_plugins_enabled"])
        .env(&["ANSIBLE_VARS_ENABLED"]);
    VARIABLE_PRECEDENCE: Vec<String> = list(List(&["all_inventory", "groups_inventory",
        "all_plugins_inventory", "all_plugins_play", "groups_plugins_inventory",
        "groups_plugins_play"]))
        .ini(&["defaults.precedence"])
        .env(&["ANSIBLE_PRECEDENCE"]);
}
