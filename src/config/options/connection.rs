//! Options of connections.

/// Connections by SSH.
pub mod ssh {
    use super::super::{
        Default::{Flag, Int, Text, Unset},
        Old, Opt, Spec, WHY_TRANSFER_METHOD, any, flag, int,
    };

    plugin_options! { ALL, "connection", "ssh";
        CONTROL_PATH ("control_path"): Option<String> = any(Unset)
            .ini(&["ssh_connection.control_path"])
            .env(&["ANSIBLE_SSH_CONTROL_PATH"])
            .vars(&["ansible_control_path"]);
        CONTROL_PATH_DIR ("control_path_dir"): String = any(Text("~/.ansible/cp"))
            .ini(&["ssh_connection.control_path_dir"])
            .env(&["ANSIBLE_SSH_CONTROL_PATH_DIR"])
            .vars(&["ansible_control_path_dir"]);
        HOST ("host"): String = any(Text("inventory_hostname"))
            .vars(&["inventory_hostname", "ansible_host", "ansible_ssh_host",
                "delegated_vars['ansible_host']", "delegated_vars['ansible_ssh_host']"]);
        HOST_KEY_CHECKING ("host_key_checking"): bool = flag(Flag(true))
            .ini(&["defaults.host_key_checking", "ssh_connection.host_key_checking"])
            .env(&["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"])
            .vars(&["ansible_host_key_checking", "ansible_ssh_host_key_checking"]);
        PASSWORD ("password"): Option<String> = any(Unset)
            .vars(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"]);
        PIPELINING ("pipelining"): bool = flag(Flag(false))
            .ini(&["defaults.pipelining", "connection.pipelining", "ssh_connection.pipelining"])
            .env(&["ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"])
            .vars(&["ansible_pipelining", "ansible_ssh_pipelining"]);
        PKCS11_PROVIDER ("pkcs11_provider"): String = any(Text(""))
            .ini(&["ssh_connection.pkcs11_provider"])
            .env(&["ANSIBLE_PKCS11_PROVIDER"])
            .vars(&["ansible_ssh_pkcs11_provider"]);
        PORT ("port"): Option<i64> = int(Unset)
            .ini(&["defaults.remote_port"])
            .env(&["ANSIBLE_REMOTE_PORT"])
            .vars(&["ansible_port", "ansible_ssh_port"])
            .keyword("port");
        PRIVATE_KEY_FILE ("private_key_file"): Option<String> = any(Unset)
            .ini(&["defaults.private_key_file"])
            .env(&["ANSIBLE_PRIVATE_KEY_FILE"])
            .vars(&["ansible_private_key_file", "ansible_ssh_private_key_file"])
            .flag_name("private_key_file");
        RECONNECTION_RETRIES ("reconnection_retries"): i64 = int(Int(0))
            .ini(&["connection.retries", "ssh_connection.retries"])
            .env(&["ANSIBLE_SSH_RETRIES"])
            .vars(&["ansible_ssh_retries"]);
        REMOTE_USER ("remote_user"): Option<String> = any(Unset)
            .ini(&["defaults.remote_user"])
            .env(&["ANSIBLE_REMOTE_USER"])
            .vars(&["ansible_user", "ansible_ssh_user"])
            .keyword("remote_user")
            .flag_name("user");
        SCP_EXECUTABLE ("scp_executable"): String = any(Text("scp"))
            .ini(&["ssh_connection.scp_executable"])
            .env(&["ANSIBLE_SCP_EXECUTABLE"])
            .vars(&["ansible_scp_executable"]);
        SCP_EXTRA_ARGS ("scp_extra_args"): String = any(Text(""))
            .ini(&["ssh_connection.scp_extra_args"])
            .env(&["ANSIBLE_SCP_EXTRA_ARGS"])
            .vars(&["ansible_scp_extra_args"])
            .flag_name("scp_extra_args");
        SCP_IF_SSH ("scp_if_ssh"): String = any(Text("smart"))
            .ini(&["ssh_connection.scp_if_ssh"])
            .env(&["ANSIBLE_SCP_IF_SSH"])
            .vars(&["ansible_scp_if_ssh"])
            .old(&[
                Old {
                    source: "scp_if_ssh",
                    why: WHY_TRANSFER_METHOD,
                    instead: Some("ssh_transfer_method"),
                    version: "2.17",
                },
            ]);
        SFTP_BATCH_MODE ("sftp_batch_mode"): bool = flag(Text("yes"))
            .ini(&["ssh_connection.sftp_batch_mode"])
            .env(&["ANSIBLE_SFTP_BATCH_MODE"])
            .vars(&["ansible_sftp_batch_mode"]);
        SFTP_EXECUTABLE ("sftp_executable"): String = any(Text("sftp"))
            .ini(&["ssh_connection.sftp_executable"])
            .env(&["ANSIBLE_SFTP_EXECUTABLE"])
            .vars(&["ansible_sftp_executable"]);
        SFTP_EXTRA_ARGS ("sftp_extra_args"): String = any(Text(""))
            .ini(&["ssh_connection.sftp_extra_args"])
            .env(&["ANSIBLE_SFTP_EXTRA_ARGS"])
            .vars(&["ansible_sftp_extra_args"])
            .flag_name("sftp_extra_args");
        SSH_ARGS ("ssh_args"): String = any(Text("-C -o ControlMaster=auto -o ControlPersist=60s"))
            .ini(&["ssh_connection.ssh_args"])
            .env(&["ANSIBLE_SSH_ARGS"])
            .vars(&["ansible_ssh_args"]);
        SSH_COMMON_ARGS ("ssh_common_args"): String = any(Text(""))
            .ini(&["ssh_connection.ssh_common_args"])
            .env(&["ANSIBLE_SSH_COMMON_ARGS"])
            .vars(&["ansible_ssh_common_args"])
            .flag_name("ssh_common_args");
        SSH_EXECUTABLE ("ssh_executable"): String = any(Text("ssh"))
            .ini(&["ssh_connection.ssh_executable"])
            .env(&["ANSIBLE_SSH_EXECUTABLE"])
            .vars(&["ansible_ssh_executable"]);
        SSH_EXTRA_ARGS ("ssh_extra_args"): String = any(Text(""))
            .ini(&["ssh_connection.ssh_extra_args"])
            .env(&["ANSIBLE_SSH_EXTRA_ARGS"])
            .vars(&["ansible_ssh_extra_args"])
            .flag_name("ssh_extra_args");
        SSH_TRANSFER_METHOD ("ssh_transfer_method"): Option<String> = any(Unset)
            .ini(&["ssh_connection.transfer_method"])
            .env(&["ANSIBLE_SSH_TRANSFER_METHOD"])
            .vars(&["ansible_ssh_transfer_method"])
            .choices(&["sftp", "scp", "piped", "smart"]);
        SSHPASS_PROMPT ("sshpass_prompt"): String = any(Text(""))
            .ini(&["ssh_connection.sshpass_prompt"])
            .env(&["ANSIBLE_SSHPASS_PROMPT"])
            .vars(&["ansible_sshpass_prompt"]);
        TIMEOUT ("timeout"): i64 = int(Int(10))
            .ini(&["defaults.timeout", "ssh_connection.timeout"])
            .env(&["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"])
            .vars(&["ansible_ssh_timeout"])
            .flag_name("timeout");
        USE_TTY ("use_tty"): bool = flag(Text("yes"))
            .ini(&["ssh_connection.usetty"])
            .env(&["ANSIBLE_SSH_USETTY"])
            .vars(&["ansible_ssh_use_tty"]);
    }
}

/// Settings that people make for paramiko; read where they mean the same to ours.
pub mod paramiko {
    use super::super::{
        Default::{Flag, Int, Text, Unset},
        Opt, Spec, any, flag, float,
    };

    plugin_options! { ALL, "connection", "paramiko_ssh";
        BANNER_TIMEOUT ("banner_timeout"): f64 = float(Int(30))
            .ini(&["paramiko_connection.banner_timeout"])
            .env(&["ANSIBLE_PARAMIKO_BANNER_TIMEOUT"]);
        HOST_KEY_AUTO_ADD ("host_key_auto_add"): Option<bool> = flag(Unset)
            .ini(&["paramiko_connection.host_key_auto_add"])
            .env(&["ANSIBLE_PARAMIKO_HOST_KEY_AUTO_ADD"]);
        HOST_KEY_CHECKING ("host_key_checking"): bool = flag(Flag(true))
            .ini(&["defaults.host_key_checking", "paramiko_connection.host_key_checking"])
            .env(&["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING",
                "ANSIBLE_PARAMIKO_HOST_KEY_CHECKING"])
            .vars(&["ansible_host_key_checking", "ansible_ssh_host_key_checking",
                "ansible_paramiko_host_key_checking"]);
        LOOK_FOR_KEYS ("look_for_keys"): bool = flag(Flag(true))
            .ini(&["paramiko_connection.look_for_keys"])
            .env(&["ANSIBLE_PARAMIKO_LOOK_FOR_KEYS"]);
        PASSWORD ("password"): Option<String> = any(Unset)
            .vars(&["ansible_password", "ansible_ssh_pass", "ansible_ssh_password",
                "ansible_paramiko_pass", "ansible_paramiko_password"]);
        PROXY_COMMAND ("proxy_command"): String = any(Text(""))
            .ini(&["paramiko_connection.proxy_command"])
            .env(&["ANSIBLE_PARAMIKO_PROXY_COMMAND"]);
        PTY ("pty"): bool = flag(Flag(true)).ini(&["paramiko_connection.pty"]).env(&["ANSIBLE_PARAMIKO_PTY"]);
        RECORD_HOST_KEYS ("record_host_keys"): bool = flag(Flag(true))
            .ini(&["paramiko_connection.record_host_keys"])
            .env(&["ANSIBLE_PARAMIKO_RECORD_HOST_KEYS"]);
        REMOTE_ADDR ("remote_addr"): String = any(Text("inventory_hostname"))
            .vars(&["inventory_hostname", "ansible_host", "ansible_ssh_host", "ansible_paramiko_host"]);
        REMOTE_USER ("remote_user"): Option<String> = any(Unset)
            .ini(&["defaults.remote_user", "paramiko_connection.remote_user"])
            .env(&["ANSIBLE_REMOTE_USER", "ANSIBLE_PARAMIKO_REMOTE_USER"])
            .vars(&["ansible_user", "ansible_ssh_user", "ansible_paramiko_user"])
            .keyword("remote_user");
        SSH_ARGS ("ssh_args"): String = any(Text(""))
            .ini(&["ssh_connection.ssh_args"])
            .env(&["ANSIBLE_SSH_ARGS"])
            .vars(&["ansible_ssh_args"]);
        SSH_COMMON_ARGS ("ssh_common_args"): String = any(Text(""))
            .ini(&["ssh_connection.ssh_common_args"])
            .env(&["ANSIBLE_SSH_COMMON_ARGS"])
            .vars(&["ansible_ssh_common_args"])
            .flag_name("ssh_common_args");
        SSH_EXTRA_ARGS ("ssh_extra_args"): String = any(Text(""))
            .ini(&["ssh_connection.ssh_extra_args"])
            .env(&["ANSIBLE_SSH_EXTRA_ARGS"])
            .vars(&["ansible_ssh_extra_args"])
            .flag_name("ssh_extra_args");
        USE_PERSISTENT_CONNECTIONS ("use_persistent_connections"): bool = flag(Flag(false))
            .ini(&["defaults.use_persistent_connections"])
            .env(&["ANSIBLE_USE_PERSISTENT_CONNECTIONS"]);
        USE_RSA_SHA2_ALGORITHMS ("use_rsa_sha2_algorithms"): bool = flag(Flag(true))
            .ini(&["paramiko_connection.use_rsa_sha2_algorithms"])
            .env(&["ANSIBLE_PARAMIKO_USE_RSA_SHA2_ALGORITHMS"])
            .vars(&["ansible_paramiko_use_rsa_sha2_algorithms"]);
    }
}

/// Connections to the controller itself.
pub mod local {
    use super::super::{Default::Flag, Opt, Spec, flag};

    plugin_options! { ALL, "connection", "local";
        PIPELINING ("pipelining"): bool = flag(Flag(false))
            .ini(&["defaults.pipelining", "connection.pipelining"])
            .env(&["ANSIBLE_PIPELINING"])
            .vars(&["ansible_pipelining"]);
    }
}
