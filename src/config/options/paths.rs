//! Where plugins, roles and temporary files are.

use std::path::PathBuf;

use super::{Default::Text, Opt, Spec, path, pathspec, tmppath};

options! { ALL;
    COLLECTIONS_PATHS: Vec<PathBuf> = pathspec(Text("{{ANSIBLE_HOME}}/collections:/usr/share/ansible/collections"))
        .ini(&["defaults.collections_paths", "defaults.collections_path"])
        .env(&["ANSIBLE_COLLECTIONS_PATHS", "ANSIBLE_COLLECTIONS_PATH"]);
    DOC_FRAGMENT_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("doc_fragments")))
        .ini(&["defaults.doc_fragment_plugins"])
        .env(&["ANSIBLE_DOC_FRAGMENT_PLUGINS"]);
    DEFAULT_ACTION_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("action")))
        .ini(&["defaults.action_plugins"])
        .env(&["ANSIBLE_ACTION_PLUGINS"]);
    BECOME_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("become")))
        .ini(&["defaults.become_plugins"])
        .env(&["ANSIBLE_BECOME_PLUGINS"]);
    DEFAULT_CACHE_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("cache")))
        .ini(&["defaults.cache_plugins"])
        .env(&["ANSIBLE_CACHE_PLUGINS"]);
    DEFAULT_CALLBACK_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("callback")))
        .ini(&["defaults.callback_plugins"])
        .env(&["ANSIBLE_CALLBACK_PLUGINS"]);
    DEFAULT_CLICONF_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("cliconf")))
        .ini(&["defaults.cliconf_plugins"])
        .env(&["ANSIBLE_CLICONF_PLUGINS"]);
    DEFAULT_CONNECTION_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("connection")))
        .ini(&["defaults.connection_plugins"])
        .env(&["ANSIBLE_CONNECTION_PLUGINS"]);
    DEFAULT_FILTER_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("filter")))
        .ini(&["defaults.filter_plugins"])
        .env(&["ANSIBLE_FILTER_PLUGINS"]);
    DEFAULT_HTTPAPI_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("httpapi")))
        .ini(&["defaults.httpapi_plugins"])
        .env(&["ANSIBLE_HTTPAPI_PLUGINS"]);
    DEFAULT_INVENTORY_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("inventory")))
        .ini(&["defaults.inventory_plugins"])
        .env(&["ANSIBLE_INVENTORY_PLUGINS"]);
    DEFAULT_LOCAL_TMP: PathBuf = tmppath(Text("{{ANSIBLE_HOME}}/tmp"))
        .ini(&["defaults.local_tmp"])
        .env(&["ANSIBLE_LOCAL_TEMP"]);
    DEFAULT_LOOKUP_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("lookup")))
        .ini(&["defaults.lookup_plugins"])
        .env(&["ANSIBLE_LOOKUP_PLUGINS"]);
    DEFAULT_MODULE_PATH: Vec<PathBuf> = pathspec(Text(shared!("modules")))
        .ini(&["defaults.library"])
        .env(&["ANSIBLE_LIBRARY"]);
    DEFAULT_MODULE_UTILS_PATH: Vec<PathBuf> = pathspec(Text(shared!("module_utils")))
        .ini(&["defaults.module_utils"])
        .env(&["ANSIBLE_MODULE_UTILS"]);
    DEFAULT_NETCONF_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("netconf")))
        .ini(&["defaults.netconf_plugins"])
        .env(&["ANSIBLE_NETCONF_PLUGINS"]);
    DEFAULT_ROLES_PATH: Vec<PathBuf> = pathspec(Text("{{ANSIBLE_HOME}}/roles:/usr/share/ansible/roles:/etc/ansible/roles"))
        .ini(&["defaults.roles_path"])
        .env(&["ANSIBLE_ROLES_PATH"]);
    DEFAULT_STRATEGY_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("strategy")))
        .ini(&["defaults.strategy_plugins"])
        .env(&["ANSIBLE_STRATEGY_PLUGINS"]);
    DEFAULT_TERMINAL_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("terminal")))
        .ini(&["defaults.terminal_plugins"])
        .env(&["ANSIBLE_TERMINAL_PLUGINS"]);
    DEFAULT_TEST_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("test")))
        .ini(&["defaults.test_plugins"])
        .env(&["ANSIBLE_TEST_PLUGINS"]);
    DEFAULT_VARS_PLUGIN_PATH: Vec<PathBuf> = pathspec(Text(shared!("vars")))
        .ini(&["defaults.vars_plugins"])
        .env(&["ANSIBLE_VARS_PLUGINS"]);
    PERSISTENT_CONTROL_PATH_DIR: PathBuf = path(Text("{{ANSIBLE_HOME}}/pc"))
        .ini(&["persistent_connection.control_path_dir"])
        .env(&["ANSIBLE_PERSISTENT_CONTROL_PATH_DIR"]);
}
