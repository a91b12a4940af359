//! Options of shells, callbacks, inventories, variables and caches.

/// The shell on hosts, and the folders that are used through it.
pub mod sh {
    use super::super::{
        Default::{Flag, List, Text, Unset},
        Opt, Spec, any, flag, list,
    };

    plugin_options! { ALL, "shell", "sh";
        ADMIN_USERS ("admin_users"): Vec<String> = list(List(&["root", "toor"]))
            .ini(&["defaults.admin_users"])
            .env(&["ANSIBLE_ADMIN_USERS"])
            .vars(&["ansible_admin_users"]);
        ASYNC_DIR ("async_dir"): String = any(Text("~/.ansible_async"))
            .ini(&["defaults.async_dir"])
            .env(&["ANSIBLE_ASYNC_DIR"])
            .vars(&["ansible_async_dir"]);
        COMMON_REMOTE_GROUP ("common_remote_group"): Option<String> = any(Unset)
            .ini(&["defaults.common_remote_group"])
            .env(&["ANSIBLE_COMMON_REMOTE_GROUP"])
            .vars(&["ansible_common_remote_group"]);
        REMOTE_TMP ("remote_tmp"): String = any(Text("~/.ansible/tmp"))
            .ini(&["defaults.remote_tmp"])
            .env(&["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"])
            .vars(&["ansible_remote_tmp"]);
        SYSTEM_TMPDIRS ("system_tmpdirs"): Vec<String> = list(List(&["/var/tmp", "/tmp"]))
            .ini(&["defaults.system_tmpdirs"])
            .env(&["ANSIBLE_SYSTEM_TMPDIRS"])
            .vars(&["ansible_system_tmpdirs"]);
        WORLD_READABLE_TEMP ("world_readable_temp"): bool = flag(Flag(false))
            .ini(&["defaults.allow_world_readable_tmpfiles"])
            .env(&["ANSIBLE_SHELL_ALLOW_WORLD_READABLE_TEMP"])
            .vars(&["ansible_shell_allow_world_readable_temp"]);
    }
}

/// The default callback.
pub mod callback {
    use super::super::{
        Default::{Flag, Text, Unset},
        Opt, Spec, flag, text,
    };

    plugin_options! { ALL, "callback", "default";
        CHECK_MODE_MARKERS ("check_mode_markers"): bool = flag(Flag(false))
            .ini(&["defaults.check_mode_markers"])
            .env(&["ANSIBLE_CHECK_MODE_MARKERS"]);
        DISPLAY_FAILED_STDERR ("display_failed_stderr"): bool = flag(Flag(false))
            .ini(&["defaults.display_failed_stderr"])
            .env(&["ANSIBLE_DISPLAY_FAILED_STDERR"]);
        DISPLAY_OK_HOSTS ("display_ok_hosts"): bool = flag(Flag(true))
            .ini(&["defaults.display_ok_hosts"])
            .env(&["ANSIBLE_DISPLAY_OK_HOSTS"]);
        DISPLAY_SKIPPED_HOSTS ("display_skipped_hosts"): bool = flag(Flag(true))
            .ini(&["defaults.display_skipped_hosts"])
            .env(&["ANSIBLE_DISPLAY_SKIPPED_HOSTS"]);
        PRETTY_RESULTS ("pretty_results"): Option<bool> = flag(Unset)
            .ini(&["defaults.callback_format_pretty"])
            .env(&["ANSIBLE_CALLBACK_FORMAT_PRETTY"]);
        RESULT_FORMAT ("result_format"): String = text(Text("json"))
            .ini(&["defaults.callback_result_format"])
            .env(&["ANSIBLE_CALLBACK_RESULT_FORMAT"])
            .choices(&["json", "yaml"]);
        SHOW_CUSTOM_STATS ("show_custom_stats"): bool = flag(Flag(false))
            .ini(&["defaults.show_custom_stats"])
            .env(&["ANSIBLE_SHOW_CUSTOM_STATS"]);
        SHOW_PER_HOST_START ("show_per_host_start"): bool = flag(Flag(false))
            .ini(&["defaults.show_per_host_start"])
            .env(&["ANSIBLE_SHOW_PER_HOST_START"]);
        SHOW_TASK_PATH_ON_FAILURE ("show_task_path_on_failure"): bool = flag(Flag(false))
            .ini(&["defaults.show_task_path_on_failure"])
            .env(&["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"]);
    }
}

/// The junit callback.
pub mod junit {
    use super::super::{
        Default::{Flag, Text},
        Opt, Spec, any,
    };

    plugin_options! { ALL, "callback", "junit";
        FAIL_ON_CHANGE ("fail_on_change"): bool = any(Flag(false)).env(&["JUNIT_FAIL_ON_CHANGE"]);
        FAIL_ON_IGNORE ("fail_on_ignore"): bool = any(Flag(false)).env(&["JUNIT_FAIL_ON_IGNORE"]);
        HIDE_TASK_ARGUMENTS ("hide_task_arguments"): bool = any(Flag(false)).env(&["JUNIT_HIDE_TASK_ARGUMENTS"]);
        INCLUDE_SETUP_TASKS_IN_REPORT ("include_setup_tasks_in_report"): bool = any(Flag(true))
            .env(&["JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT"]);
        OUTPUT_DIR ("output_dir"): String = any(Text("~/.ansible.log")).env(&["JUNIT_OUTPUT_DIR"]);
        REPLACE_OUT_OF_TREE_PATH ("replace_out_of_tree_path"): String = any(Text("none")).env(&["JUNIT_REPLACE_OUT_OF_TREE_PATH"]);
        TASK_CLASS ("task_class"): bool = any(Flag(false)).env(&["JUNIT_TASK_CLASS"]);
        TASK_RELATIVE_PATH ("task_relative_path"): String = any(Text("none")).env(&["JUNIT_TASK_RELATIVE_PATH"]);
        TEST_CASE_PREFIX ("test_case_prefix"): String = any(Text("<empty>")).env(&["JUNIT_TEST_CASE_PREFIX"]);
    }
}

/// The tree callback.
pub mod tree {
    use std::path::PathBuf;

    use super::super::{Default::Text, Opt, Spec, path};

    plugin_options! { ALL, "callback", "tree";
        DIRECTORY ("directory"): PathBuf = path(Text("~/.ansible/tree"))
            .ini(&["callback_tree.directory"])
            .env(&["ANSIBLE_CALLBACK_TREE_DIR"]);
    }
}

/// The json callback.
pub mod json {
    use super::super::{Default::Int, Opt, Spec, int};

    plugin_options! { ALL, "callback", "json";
        INDENT ("json_indent"): i64 = int(Int(4))
            .ini(&["defaults.json_indent"])
            .env(&["ANSIBLE_JSON_INDENT"]);
    }
}

/// The log_plays callback.
pub mod log_plays {
    use std::path::PathBuf;

    use super::super::{Default::Text, Opt, Spec, path};

    plugin_options! { ALL, "callback", "log_plays";
        LOG_FOLDER ("log_folder"): PathBuf = path(Text("/var/log/ansible/hosts"))
            .ini(&["callback_log_plays.log_folder"])
            .env(&["ANSIBLE_LOG_FOLDER"]);
    }
}

/// The profile_tasks callback.
pub mod profile_tasks {
    use super::super::{Default::Text, Opt, Spec, any};

    plugin_options! { ALL, "callback", "profile_tasks";
        OUTPUT_LIMIT ("output_limit"): String = any(Text("20"))
            .ini(&["callback_profile_tasks.task_output_limit"])
            .env(&["PROFILE_TASKS_TASK_OUTPUT_LIMIT"]);
        SORT_ORDER ("sort_order"): String = any(Text("descending"))
            .ini(&["callback_profile_tasks.sort_order"])
            .env(&["PROFILE_TASKS_SORT_ORDER"])
            .choices(&["descending", "ascending", "none"]);
    }
}

/// YAML inventories.
pub mod yaml_inventory {
    use super::super::{Default::List, Opt, Spec, list};

    plugin_options! { ALL, "inventory", "yaml";
        YAML_EXTENSIONS ("yaml_extensions"): Vec<String> = list(List(&[".yaml", ".yml", ".json"]))
            .ini(&["defaults.yaml_valid_extensions", "inventory_plugin_yaml.yaml_valid_extensions"])
            .env(&["ANSIBLE_YAML_FILENAME_EXT", "ANSIBLE_INVENTORY_PLUGIN_EXTS"]);
    }
}

/// Inventory scripts.
pub mod script_inventory {
    use super::super::{Default::Flag, Opt, Spec, flag};

    plugin_options! { ALL, "inventory", "script";
        ALWAYS_SHOW_STDERR ("always_show_stderr"): bool = flag(Flag(true))
            .ini(&["inventory_plugin_script.always_show_stderr"])
            .env(&["ANSIBLE_INVENTORY_PLUGIN_SCRIPT_STDERR"]);
    }
}

/// Constructed inventories.
pub mod constructed {
    use super::super::{Default::Flag, Opt, Spec, flag};

    plugin_options! { ALL, "inventory", "constructed";
        USE_EXTRA_VARS ("use_extra_vars"): bool = flag(Flag(false))
            .ini(&["inventory_plugins.use_extra_vars"])
            .env(&["ANSIBLE_INVENTORY_USE_EXTRA_VARS"]);
    }
}

/// `group_vars/` and `host_vars/`.
pub mod host_group_vars {
    use super::super::{
        Default::{List, Unset},
        Opt, Spec, list, text,
    };

    plugin_options! { ALL, "vars", "host_group_vars";
        VALID_EXTENSIONS ("_valid_extensions"): Vec<String> = list(List(&[".yml", ".yaml", ".json"]))
            .ini(&["defaults.yaml_valid_extensions"])
            .env(&["ANSIBLE_YAML_FILENAME_EXT"]);
        STAGE ("stage"): Option<String> = text(Unset)
            .ini(&["vars_host_group_vars.stage"])
            .env(&["ANSIBLE_VARS_PLUGIN_STAGE"])
            .choices(&["all", "task", "inventory"]);
    }
}

/// The fact cache in files.
pub mod jsonfile {
    use std::path::PathBuf;

    use super::super::{
        Default::{Int, Unset},
        Opt, Spec, any, int, path,
    };

    plugin_options! { ALL, "cache", "jsonfile";
        PREFIX ("_prefix"): Option<String> = any(Unset)
            .ini(&["defaults.fact_caching_prefix"])
            .env(&["ANSIBLE_CACHE_PLUGIN_PREFIX"]);
        TIMEOUT ("_timeout"): i64 = int(Int(86400))
            .ini(&["defaults.fact_caching_timeout"])
            .env(&["ANSIBLE_CACHE_PLUGIN_TIMEOUT"]);
        URI ("_uri"): Option<PathBuf> = path(Unset)
            .ini(&["defaults.fact_caching_connection"])
            .env(&["ANSIBLE_CACHE_PLUGIN_CONNECTION"]);
    }
}
