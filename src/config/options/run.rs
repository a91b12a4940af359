//! How playbooks are read and run.

use std::path::PathBuf;

use super::{
    Default::{Flag, Float, Int, List, Map, Text, Unset},
    Old, Opt, Spec, WHY_MODULE_DEFAULTS, WHY_NORMALIZE, any, dict, flag, float, int, list, path,
    text,
};
use crate::value::Dict;

options! { ALL;
    ANSIBLE_HOME: PathBuf = path(Text("~/.ansible")).ini(&["defaults.home"]).env(&["ANSIBLE_HOME"]);
    ANSIBLE_CONNECTION_PATH: Option<PathBuf> = path(Unset)
        .ini(&["persistent_connection.ansible_connection_path"])
        .env(&["ANSIBLE_CONNECTION_PATH"]);
    ANSIBLE_PIPELINING: bool = flag(Flag(false))
        .ini(&["defaults.pipelining", "connection.pipelining"])
        .env(&["ANSIBLE_PIPELINING"]);
    ANY_ERRORS_FATAL: bool = flag(Flag(false))
        .ini(&["defaults.any_errors_fatal"])
        .env(&["ANSIBLE_ANY_ERRORS_FATAL"]);
    BECOME_ALLOW_SAME_USER: bool = flag(Flag(false))
        .ini(&["privilege_escalation.become_allow_same_user"])
        .env(&["ANSIBLE_BECOME_ALLOW_SAME_USER"]);
    BECOME_PASSWORD_FILE: Option<PathBuf> = path(Unset)
        .ini(&["defaults.become_password_file"])
        .env(&["ANSIBLE_BECOME_PASSWORD_FILE"]);
    AGNOSTIC_BECOME_PROMPT: bool = flag(Flag(true))
        .ini(&["privilege_escalation.agnostic_become_prompt"])
        .env(&["ANSIBLE_AGNOSTIC_BECOME_PROMPT"]);
    CACHE_PLUGIN: String = any(Text("memory"))
        .ini(&["defaults.fact_caching"])
        .env(&["ANSIBLE_CACHE_PLUGIN"]);
    CACHE_PLUGIN_CONNECTION: Option<String> = any(Unset)
        .ini(&["defaults.fact_caching_connection"])
        .env(&["ANSIBLE_CACHE_PLUGIN_CONNECTION"]);
    CACHE_PLUGIN_PREFIX: String = any(Text("ansible_facts"))
        .ini(&["defaults.fact_caching_prefix"])
        .env(&["ANSIBLE_CACHE_PLUGIN_PREFIX"]);
    CACHE_PLUGIN_TIMEOUT: i64 = int(Int(86400))
        .ini(&["defaults.fact_caching_timeout"])
        .env(&["ANSIBLE_CACHE_PLUGIN_TIMEOUT"]);
    COLLECTIONS_SCAN_SYS_PATH: bool = flag(Flag(true))
        .ini(&["defaults.collections_scan_sys_path"])
        .env(&["ANSIBLE_COLLECTIONS_SCAN_SYS_PATH"]);
    COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH: String = any(Text("warning"))
        .ini(&["defaults.collections_on_ansible_version_mismatch"])
        .env(&["ANSIBLE_COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH"])
        .choices(&["error", "warning", "ignore"]);
    CONNECTION_PASSWORD_FILE: Option<PathBuf> = path(Unset)
        .ini(&["defaults.connection_password_file"])
        .env(&["ANSIBLE_CONNECTION_PASSWORD_FILE"]);
    COVERAGE_REMOTE_OUTPUT: Option<String> = text(Unset)
        .env(&["_ANSIBLE_COVERAGE_REMOTE_OUTPUT"])
        .vars(&["_ansible_coverage_remote_output"]);
    COVERAGE_REMOTE_PATHS: String = text(Text("*")).env(&["_ANSIBLE_COVERAGE_REMOTE_PATH_FILTER"]);
    DEFAULT_ALLOW_UNSAFE_LOOKUPS: bool = flag(Flag(false)).ini(&["defaults.allow_unsafe_lookups"]);
    DEFAULT_ASK_PASS: bool = flag(Flag(false))
        .ini(&["defaults.ask_pass"])
        .env(&["ANSIBLE_ASK_PASS"]);
    DEFAULT_ASK_VAULT_PASS: bool = flag(Flag(false))
        .ini(&["defaults.ask_vault_pass"])
        .env(&["ANSIBLE_ASK_VAULT_PASS"]);
    DEFAULT_BECOME: bool = flag(Flag(false))
        .ini(&["privilege_escalation.become"])
        .env(&["ANSIBLE_BECOME"]);
    DEFAULT_BECOME_ASK_PASS: bool = flag(Flag(false))
        .ini(&["privilege_escalation.become_ask_pass"])
        .env(&["ANSIBLE_BECOME_ASK_PASS"]);
    DEFAULT_BECOME_METHOD: String = any(Text("sudo"))
        .ini(&["privilege_escalation.become_method"])
        .env(&["ANSIBLE_BECOME_METHOD"]);
    DEFAULT_BECOME_EXE: Option<String> = any(Unset)
        .ini(&["privilege_escalation.become_exe"])
        .env(&["ANSIBLE_BECOME_EXE"]);
    DEFAULT_BECOME_FLAGS: Option<String> = any(Unset)
        .ini(&["privilege_escalation.become_flags"])
        .env(&["ANSIBLE_BECOME_FLAGS"]);
    DEFAULT_BECOME_USER: String = any(Text("root"))
        .ini(&["privilege_escalation.become_user"])
        .env(&["ANSIBLE_BECOME_USER"]);
    CALLBACKS_ENABLED: Vec<String> = list(List(&[]))
        .ini(&["defaults.callback_whitelist", "defaults.callbacks_enabled"])
        .env(&["ANSIBLE_CALLBACK_WHITELIST", "ANSIBLE_CALLBACKS_ENABLED"])
        .old(&[
            Old {
                source: "ANSIBLE_CALLBACK_WHITELIST",
                why: WHY_NORMALIZE,
                instead: Some("ANSIBLE_CALLBACKS_ENABLED"),
                version: "2.15",
            },
            Old {
                source: "[defaults]callback_whitelist",
                why: WHY_NORMALIZE,
                instead: Some("callbacks_enabled"),
                version: "2.15",
            },
        ]);
    DEFAULT_DEBUG: bool = flag(Flag(false)).ini(&["defaults.debug"]).env(&["ANSIBLE_DEBUG"]);
    DEFAULT_EXECUTABLE: String = any(Text("/bin/sh"))
        .ini(&["defaults.executable"])
        .env(&["ANSIBLE_EXECUTABLE"]);
    DEFAULT_FACT_PATH: Option<String> = text(Unset)
        .ini(&["defaults.fact_path"])
        .env(&["ANSIBLE_FACT_PATH"])
        .old(&[
            Old {
                source: "DEFAULT_FACT_PATH",
                why: WHY_MODULE_DEFAULTS,
                instead: Some("module_defaults"),
                version: "2.18",
            },
        ]);
    DEFAULT_FORCE_HANDLERS: bool = flag(Flag(false))
        .ini(&["defaults.force_handlers"])
        .env(&["ANSIBLE_FORCE_HANDLERS"]);
    DEFAULT_FORKS: i64 = int(Int(5)).ini(&["defaults.forks"]).env(&["ANSIBLE_FORKS"]);
    DEFAULT_GATHERING: String = any(Text("implicit"))
        .ini(&["defaults.gathering"])
        .env(&["ANSIBLE_GATHERING"])
        .choices(&["implicit", "explicit", "smart"]);
    DEFAULT_GATHER_SUBSET: Option<Vec<String>> = list(Unset)
        .ini(&["defaults.gather_subset"])
        .env(&["ANSIBLE_GATHER_SUBSET"])
        .old(&[
            Old {
                source: "DEFAULT_GATHER_SUBSET",
                why: WHY_MODULE_DEFAULTS,
                instead: Some("module_defaults"),
                version: "2.18",
            },
        ]);
    DEFAULT_GATHER_TIMEOUT: Option<i64> = int(Unset)
        .ini(&["defaults.gather_timeout"])
        .env(&["ANSIBLE_GATHER_TIMEOUT"])
        .old(&[
            Old {
                source: "DEFAULT_GATHER_TIMEOUT",
                why: WHY_MODULE_DEFAULTS,
                instead: Some("module_defaults"),
                version: "2.18",
            },
        ]);
    DEFAULT_HASH_BEHAVIOUR: String = text(Text("replace"))
        .ini(&["defaults.hash_behaviour"])
        .env(&["ANSIBLE_HASH_BEHAVIOUR"])
        .choices(&["replace", "merge"]);
    DEFAULT_INTERNAL_POLL_INTERVAL: f64 = float(Float(0.001))
        .ini(&["defaults.internal_poll_interval"]);
    DEFAULT_JINJA2_EXTENSIONS: Vec<String> = any(List(&[]))
        .ini(&["defaults.jinja2_extensions"])
        .env(&["ANSIBLE_JINJA2_EXTENSIONS"]);
    DEFAULT_JINJA2_NATIVE: bool = flag(Flag(false))
        .ini(&["defaults.jinja2_native"])
        .env(&["ANSIBLE_JINJA2_NATIVE"]);
    DEFAULT_KEEP_REMOTE_FILES: bool = flag(Flag(false))
        .ini(&["defaults.keep_remote_files"])
        .env(&["ANSIBLE_KEEP_REMOTE_FILES"]);
    DEFAULT_LIBVIRT_LXC_NOSECLABEL: bool = flag(Flag(false))
        .ini(&["selinux.libvirt_lxc_noseclabel"])
        .env(&["ANSIBLE_LIBVIRT_LXC_NOSECLABEL"]);
    DEFAULT_LOAD_CALLBACK_PLUGINS: bool = flag(Flag(false))
        .ini(&["defaults.bin_ansible_callbacks"])
        .env(&["ANSIBLE_LOAD_CALLBACK_PLUGINS"]);
    DEFAULT_LOG_PATH: Option<PathBuf> = path(Unset)
        .ini(&["defaults.log_path"])
        .env(&["ANSIBLE_LOG_PATH"]);
    DEFAULT_LOG_FILTER: Vec<String> = list(List(&[]))
        .ini(&["defaults.log_filter"])
        .env(&["ANSIBLE_LOG_FILTER"]);
    DEFAULT_MANAGED_STR: String = any(Text("Ansible managed")).ini(&["defaults.ansible_managed"]);
    DEFAULT_MODULE_ARGS: Option<String> = any(Unset)
        .ini(&["defaults.module_args"])
        .env(&["ANSIBLE_MODULE_ARGS"]);
    DEFAULT_MODULE_COMPRESSION: String = any(Text("ZIP_DEFLATED"))
        .ini(&["defaults.module_compression"]);
    DEFAULT_MODULE_NAME: String = any(Text("command")).ini(&["defaults.module_name"]);
    DEFAULT_NO_LOG: bool = flag(Flag(false)).ini(&["defaults.no_log"]).env(&["ANSIBLE_NO_LOG"]);
    DEFAULT_NO_TARGET_SYSLOG: bool = flag(Flag(false))
        .ini(&["defaults.no_target_syslog"])
        .env(&["ANSIBLE_NO_TARGET_SYSLOG"])
        .vars(&["ansible_no_target_syslog"]);
    DEFAULT_NULL_REPRESENTATION: Option<String> = any(Unset)
        .ini(&["defaults.null_representation"])
        .env(&["ANSIBLE_NULL_REPRESENTATION"]);
    DEFAULT_POLL_INTERVAL: i64 = int(Int(15))
        .ini(&["defaults.poll_interval"])
        .env(&["ANSIBLE_POLL_INTERVAL"]);
    DEFAULT_PRIVATE_KEY_FILE: Option<PathBuf> = path(Unset)
        .ini(&["defaults.private_key_file"])
        .env(&["ANSIBLE_PRIVATE_KEY_FILE"]);
    DEFAULT_PRIVATE_ROLE_VARS: bool = flag(Flag(false))
        .ini(&["defaults.private_role_vars"])
        .env(&["ANSIBLE_PRIVATE_ROLE_VARS"]);
    DEFAULT_REMOTE_PORT: Option<i64> = int(Unset)
        .ini(&["defaults.remote_port"])
        .env(&["ANSIBLE_REMOTE_PORT"]);
    DEFAULT_REMOTE_USER: Option<String> = any(Unset)
        .ini(&["defaults.remote_user"])
        .env(&["ANSIBLE_REMOTE_USER"]);
    DEFAULT_SELINUX_SPECIAL_FS: Vec<String> = list(Text("fuse, nfs, vboxsf, ramfs, 9p, vfat"))
        .ini(&["selinux.special_context_filesystems"])
        .env(&["ANSIBLE_SELINUX_SPECIAL_FS"]);
    DEFAULT_STDOUT_CALLBACK: String = any(Text("default"))
        .ini(&["defaults.stdout_callback"])
        .env(&["ANSIBLE_STDOUT_CALLBACK"]);
    ENABLE_TASK_DEBUGGER: bool = flag(Flag(false))
        .ini(&["defaults.enable_task_debugger"])
        .env(&["ANSIBLE_ENABLE_TASK_DEBUGGER"]);
    TASK_DEBUGGER_IGNORE_ERRORS: bool = flag(Flag(true))
        .ini(&["defaults.task_debugger_ignore_errors"])
        .env(&["ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"]);
    DEFAULT_STRATEGY: String = any(Text("linear"))
        .ini(&["defaults.strategy"])
        .env(&["ANSIBLE_STRATEGY"]);
    DEFAULT_SU: bool = flag(Flag(false)).ini(&["defaults.su"]).env(&["ANSIBLE_SU"]);
    DEFAULT_SYSLOG_FACILITY: String = any(Text("LOG_USER"))
        .ini(&["defaults.syslog_facility"])
        .env(&["ANSIBLE_SYSLOG_FACILITY"]);
    DEFAULT_TIMEOUT: i64 = int(Int(10)).ini(&["defaults.timeout"]).env(&["ANSIBLE_TIMEOUT"]);
    DEFAULT_TRANSPORT: String = any(Text("smart"))
        .ini(&["defaults.transport"])
        .env(&["ANSIBLE_TRANSPORT"]);
    DEFAULT_UNDEFINED_VAR_BEHAVIOR: bool = flag(Flag(true))
        .ini(&["defaults.error_on_undefined_vars"])
        .env(&["ANSIBLE_ERROR_ON_UNDEFINED_VARS"]);
    DEFAULT_VAULT_ID_MATCH: bool = any(Flag(false))
        .ini(&["defaults.vault_id_match"])
        .env(&["ANSIBLE_VAULT_ID_MATCH"]);
    DEFAULT_VAULT_IDENTITY: String = any(Text("default"))
        .ini(&["defaults.vault_identity"])
        .env(&["ANSIBLE_VAULT_IDENTITY"]);
    DEFAULT_VAULT_ENCRYPT_IDENTITY: Option<String> = any(Unset)
        .ini(&["defaults.vault_encrypt_identity"])
        .env(&["ANSIBLE_VAULT_ENCRYPT_IDENTITY"]);
    DEFAULT_VAULT_IDENTITY_LIST: Vec<String> = list(List(&[]))
        .ini(&["defaults.vault_identity_list"])
        .env(&["ANSIBLE_VAULT_IDENTITY_LIST"]);
    DEFAULT_VAULT_PASSWORD_FILE: Option<PathBuf> = path(Unset)
        .ini(&["defaults.vault_password_file"])
        .env(&["ANSIBLE_VAULT_PASSWORD_FILE"]);
    DEFAULT_VERBOSITY: i64 = int(Int(0)).ini(&["defaults.verbosity"]).env(&["ANSIBLE_VERBOSITY"]);
    DIFF_ALWAYS: bool = flag(Flag(false)).ini(&["diff.always"]).env(&["ANSIBLE_DIFF_ALWAYS"]);
    DIFF_CONTEXT: i64 = int(Int(3)).ini(&["diff.context"]).env(&["ANSIBLE_DIFF_CONTEXT"]);
    DOCSITE_ROOT_URL: String = any(Text("https://docs.ansible.com/ansible-core/"))
        .ini(&["defaults.docsite_root_url"]);
    DUPLICATE_YAML_DICT_KEY: String = text(Text("warn"))
        .ini(&["defaults.duplicate_dict_key"])
        .env(&["ANSIBLE_DUPLICATE_YAML_DICT_KEY"])
        .choices(&["error", "warn", "ignore"]);
    ERROR_ON_MISSING_HANDLER: bool = flag(Flag(true))
        .ini(&["defaults.error_on_missing_handler"])
        .env(&["ANSIBLE_ERROR_ON_MISSING_HANDLER"]);
    CONNECTION_FACTS_MODULES: Dict = dict(Map(&[("asa", "ansible.legacy.asa_facts"),
        ("cisco.asa.asa", "cisco.asa.asa_facts"), ("eos", "ansible.legacy.eos_facts"),
        ("arista.eos.eos", "arista.eos.eos_facts"), ("frr", "ansible.legacy.frr_facts"),
        ("frr.frr.frr", "frr.frr.frr_facts"), ("ios", "ansible.legacy.ios_facts"),
        ("cisco.ios.ios", "cisco.ios.ios_facts"), ("iosxr", "ansible.legacy.iosxr_facts"),
        ("cisco.iosxr.iosxr", "cisco.iosxr.iosxr_facts"), ("junos", "ansible.legacy.junos_facts"),
        ("junipernetworks.junos.junos", "junipernetworks.junos.junos_facts"), ("nxos",
        "ansible.legacy.nxos_facts"), ("cisco.nxos.nxos", "cisco.nxos.nxos_facts"), ("vyos",
        "ansible.legacy.vyos_facts"), ("vyos.vyos.vyos", "vyos.vyos.vyos_facts"), ("exos",
        "ansible.legacy.exos_facts"), ("extreme.exos.exos", "extreme.exos.exos_facts"), ("slxos",
        "ansible.legacy.slxos_facts"), ("extreme.slxos.slxos", "extreme.slxos.slxos_facts"),
        ("voss", "ansible.legacy.voss_facts"), ("extreme.voss.voss", "extreme.voss.voss_facts"),
        ("ironware", "ansible.legacy.ironware_facts"), ("community.network.ironware",
        "community.network.ironware_facts")]));
    FACTS_MODULES: Vec<String> = list(List(&["smart"]))
        .ini(&["defaults.facts_modules"])
        .env(&["ANSIBLE_FACTS_MODULES"])
        .vars(&["ansible_facts_modules"]);
    HOST_KEY_CHECKING: bool = flag(Flag(true))
        .ini(&["defaults.host_key_checking"])
        .env(&["ANSIBLE_HOST_KEY_CHECKING"]);
    INTERPRETER_PYTHON: String = any(Text("auto"))
        .ini(&["defaults.interpreter_python"])
        .env(&["ANSIBLE_PYTHON_INTERPRETER"])
        .vars(&["ansible_python_interpreter"]);
    INTERPRETER_PYTHON_FALLBACK: Vec<String> = list(List(&["python3.11", "python3.10", "python3.9",
        "python3.8", "python3.7", "python3.6", "python3.5", "/usr/bin/python3",
        "/usr/libexec/platform-python", "python2.7", "/usr/bin/python", "python"]))
        .vars(&["ansible_interpreter_python_fallback"]);
    INVALID_TASK_ATTRIBUTE_FAILED: bool = flag(Flag(true))
        .ini(&["defaults.invalid_task_attribute_failed"])
        .env(&["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"]);
    MAX_FILE_SIZE_FOR_DIFF: i64 = int(Int(104448))
        .ini(&["defaults.max_diff_size"])
        .env(&["ANSIBLE_MAX_DIFF_SIZE"]);
    NETWORK_GROUP_MODULES: Vec<String> = list(List(&["eos", "nxos", "ios", "iosxr", "junos",
        "enos", "ce", "vyos", "sros", "dellos9", "dellos10", "dellos6", "asa", "aruba", "aireos",
        "bigip", "ironware", "onyx", "netconf", "exos", "voss", "slxos"]))
        .ini(&["defaults.network_group_modules"])
        .env(&["ANSIBLE_NETWORK_GROUP_MODULES"]);
    INJECT_FACTS_AS_VARS: bool = flag(Flag(true))
        .ini(&["defaults.inject_facts_as_vars"])
        .env(&["ANSIBLE_INJECT_FACT_VARS"]);
    MODULE_IGNORE_EXTS: Vec<String> = list(List(&[".pyc", ".pyo", ".swp", ".bak", "~", ".rpm",
        ".md", ".txt", ".rst", ".yaml", ".yml", ".ini"]))
        .ini(&["defaults.module_ignore_exts"])
        .env(&["ANSIBLE_MODULE_IGNORE_EXTS"]);
    OLD_PLUGIN_CACHE_CLEARING: bool = flag(Flag(false))
        .ini(&["defaults.old_plugin_cache_clear"])
        .env(&["ANSIBLE_OLD_PLUGIN_CACHE_CLEAR"]);
    PARAMIKO_HOST_KEY_AUTO_ADD: bool = flag(Flag(false))
        .ini(&["paramiko_connection.host_key_auto_add"])
        .env(&["ANSIBLE_PARAMIKO_HOST_KEY_AUTO_ADD"]);
    PARAMIKO_LOOK_FOR_KEYS: bool = flag(Flag(true))
        .ini(&["paramiko_connection.look_for_keys"])
        .env(&["ANSIBLE_PARAMIKO_LOOK_FOR_KEYS"]);
    PERSISTENT_CONNECT_TIMEOUT: i64 = int(Int(30))
        .ini(&["persistent_connection.connect_timeout"])
        .env(&["ANSIBLE_PERSISTENT_CONNECT_TIMEOUT"]);
    PERSISTENT_CONNECT_RETRY_TIMEOUT: i64 = int(Int(15))
        .ini(&["persistent_connection.connect_retry_timeout"])
        .env(&["ANSIBLE_PERSISTENT_CONNECT_RETRY_TIMEOUT"]);
    PERSISTENT_COMMAND_TIMEOUT: i64 = int(Int(30))
        .ini(&["persistent_connection.command_timeout"])
        .env(&["ANSIBLE_PERSISTENT_COMMAND_TIMEOUT"]);
    PLAYBOOK_DIR: Option<PathBuf> = path(Unset)
        .ini(&["defaults.playbook_dir"])
        .env(&["ANSIBLE_PLAYBOOK_DIR"]);
    PLUGIN_FILTERS_CFG: Option<PathBuf> = path(Unset).ini(&["defaults.plugin_filters_cfg"]);
    PYTHON_MODULE_RLIMIT_NOFILE: i64 = any(Int(0))
        .ini(&["defaults.python_module_rlimit_nofile"])
        .env(&["ANSIBLE_PYTHON_MODULE_RLIMIT_NOFILE"])
        .vars(&["ansible_python_module_rlimit_nofile"]);
    RETRY_FILES_ENABLED: bool = flag(Flag(false))
        .ini(&["defaults.retry_files_enabled"])
        .env(&["ANSIBLE_RETRY_FILES_ENABLED"]);
    RETRY_FILES_SAVE_PATH: Option<PathBuf> = path(Unset)
        .ini(&["defaults.retry_files_save_path"])
        .env(&["ANSIBLE_RETRY_FILES_SAVE_PATH"]);
    STRING_TYPE_FILTERS: Vec<String> = list(List(&["string", "to_json", "to_nice_json", "to_yaml",
        "to_nice_yaml", "ppretty", "json"]))
        .ini(&["jinja2.dont_type_filters"])
        .env(&["ANSIBLE_STRING_TYPE_FILTERS"]);
    TAGS_RUN: Vec<String> = list(List(&[])).ini(&["tags.run"]).env(&["ANSIBLE_RUN_TAGS"]);
    TAGS_SKIP: Vec<String> = list(List(&[])).ini(&["tags.skip"]).env(&["ANSIBLE_SKIP_TAGS"]);
    TASK_TIMEOUT: i64 = int(Int(0)).ini(&["defaults.task_timeout"]).env(&["ANSIBLE_TASK_TIMEOUT"]);
    WORKER_SHUTDOWN_POLL_COUNT: i64 = int(Int(0)).env(&["ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT"]);
    WORKER_SHUTDOWN_POLL_DELAY: f64 = float(Float(0.1))
        .env(&["ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY"]);
    USE_PERSISTENT_CONNECTIONS: bool = flag(Flag(false))
        .ini(&["defaults.use_persistent_connections"])
        .env(&["ANSIBLE_USE_PERSISTENT_CONNECTIONS"]);
    WIN_ASYNC_STARTUP_TIMEOUT: i64 = int(Int(5))
        .ini(&["defaults.win_async_startup_timeout"])
        .env(&["ANSIBLE_WIN_ASYNC_STARTUP_TIMEOUT"])
        .vars(&["ansible_win_async_startup_timeout"]);
    YAML_FILENAME_EXTENSIONS: Vec<String> = list(List(&[".yml", ".yaml", ".json"]))
        .ini(&["defaults.yaml_valid_extensions"])
        .env(&["ANSIBLE_YAML_FILENAME_EXT"]);
    NETCONF_SSH_CONFIG: Option<String> = any(Unset)
        .ini(&["netconf_connection.ssh_config"])
        .env(&["ANSIBLE_NETCONF_SSH_CONFIG"]);
    STRING_CONVERSION_ACTION: String = text(Text("warn"))
        .ini(&["defaults.string_conversion_action"])
        .env(&["ANSIBLE_STRING_CONVERSION_ACTION"]);
    VALIDATE_ACTION_GROUP_METADATA: bool = flag(Flag(true))
        .ini(&["defaults.validate_action_group_metadata"])
        .env(&["ANSIBLE_VALIDATE_ACTION_GROUP_METADATA"]);
}
