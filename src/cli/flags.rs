//! Flags that several commands share.

use clap::{ArgAction, Args};

/// Flags of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Base {
    /// say more; up to -vvvvvv. Start with -vvv, or -vvvv for trouble with connections
    #[arg(short = 'v', long = "verbose", action = ArgAction::Count)]
    pub verbosity: u8,
}

const CONNECTION: &str = "Connection Options: control as whom and how to connect to hosts";
const BECOME: &str =
    "Privilege Escalation Options: control how and which user you become as on target hosts";

/// How hosts are reached.
#[derive(Args, Clone, Debug, Default)]
pub struct Connection {
    /// log in with the key in this file
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "PRIVATE_KEY_FILE", help_heading = CONNECTION)]
    pub private_key_file: Option<String>,
    /// log in as this user
    #[arg(short = 'u', long = "user", value_name = "REMOTE_USER", help_heading = CONNECTION)]
    pub remote_user: Option<String>,
    /// the type of connection (default=smart)
    #[arg(short = 'c', long = "connection", value_name = "CONNECTION", help_heading = CONNECTION)]
    pub connection: Option<String>,
    /// give up connecting after so many seconds (default=10)
    #[arg(short = 'T', long = "timeout", value_name = "TIMEOUT", help_heading = CONNECTION)]
    pub timeout: Option<i64>,
    /// arguments for sftp, scp and ssh alike, such as ProxyCommand
    #[arg(long = "ssh-common-args", value_name = "SSH_COMMON_ARGS", allow_hyphen_values = true, help_heading = CONNECTION)]
    pub ssh_common_args: Option<String>,
    /// arguments for sftp alone
    #[arg(long = "sftp-extra-args", value_name = "SFTP_EXTRA_ARGS", allow_hyphen_values = true, help_heading = CONNECTION)]
    pub sftp_extra_args: Option<String>,
    /// arguments for scp alone
    #[arg(long = "scp-extra-args", value_name = "SCP_EXTRA_ARGS", allow_hyphen_values = true, help_heading = CONNECTION)]
    pub scp_extra_args: Option<String>,
    /// arguments for ssh alone
    #[arg(long = "ssh-extra-args", value_name = "SSH_EXTRA_ARGS", allow_hyphen_values = true, help_heading = CONNECTION)]
    pub ssh_extra_args: Option<String>,
    /// ask for the password to log in with
    #[arg(short = 'k', long = "ask-pass")]
    pub ask_pass: bool,
    /// the file that holds the password to log in with
    #[arg(
        long = "connection-password-file",
        visible_alias = "conn-pass-file",
        value_name = "CONNECTION_PASSWORD_FILE"
    )]
    pub connection_password_file: Option<String>,
}

/// Whom to become on hosts.
#[derive(Args, Clone, Debug, Default)]
pub struct Become {
    /// run tasks as the become user (causes no password prompting)
    #[arg(short = 'b', long = "become", help_heading = BECOME)]
    pub r#become: bool,
    /// how to become another user (default=sudo)
    #[arg(long = "become-method", value_name = "BECOME_METHOD", help_heading = BECOME)]
    pub become_method: Option<String>,
    /// the user to become (default=root)
    #[arg(long = "become-user", value_name = "BECOME_USER", help_heading = BECOME)]
    pub become_user: Option<String>,
    /// ask for the password to become another user with
    #[arg(short = 'K', long = "ask-become-pass")]
    pub become_ask_pass: bool,
    /// the file that holds the password to become another user with
    #[arg(
        long = "become-password-file",
        visible_alias = "become-pass-file",
        value_name = "BECOME_PASSWORD_FILE"
    )]
    pub become_password_file: Option<String>,
}

/// Check mode.
#[derive(Args, Clone, Debug, Default)]
pub struct Check {
    /// change nothing; tell what would change
    #[arg(short = 'C', long = "check")]
    pub check: bool,
    /// show how files and templates change; best together with --check
    #[arg(short = 'D', long = "diff")]
    pub diff: bool,
}

/// Hosts.
#[derive(Args, Clone, Debug, Default)]
pub struct Hosts {
    /// inventory: a path, or hosts with commas between. --inventory-file is deprecated
    #[arg(
        short = 'i',
        long = "inventory",
        visible_alias = "inventory-file",
        value_name = "INVENTORY"
    )]
    pub inventory: Vec<String>,
    /// list the hosts that match, and do nothing else
    #[arg(long = "list-hosts")]
    pub list_hosts: bool,
    /// only hosts that match this pattern too
    #[arg(short = 'l', long = "limit", value_name = "SUBSET")]
    pub limit: Option<String>,
}

/// Variables.
#[derive(Args, Clone, Debug, Default)]
pub struct Variables {
    /// variables: key=value, YAML or JSON, or @ and a file
    #[arg(short = 'e', long = "extra-vars", value_name = "EXTRA_VARS")]
    pub extra_vars: Vec<String>,
}

/// Vault passwords.
#[derive(Args, Clone, Debug, Default)]
pub struct Vault {
    /// a vault identity: label@source
    #[arg(long = "vault-id", value_name = "VAULT_IDS")]
    pub vault_ids: Vec<String>,
    /// ask for the vault password
    #[arg(long = "ask-vault-password", visible_alias = "ask-vault-pass")]
    pub ask_vault_pass: bool,
    /// the file that holds the vault password, or a script that prints it
    #[arg(
        long = "vault-password-file",
        visible_alias = "vault-pass-file",
        value_name = "VAULT_PASSWORD_FILES"
    )]
    pub vault_password_files: Vec<String>,
}

/// How many hosts at once.
#[derive(Args, Clone, Debug, Default)]
pub struct Forks {
    /// work on so many hosts at once (default=5)
    #[arg(short = 'f', long = "forks", value_name = "FORKS")]
    pub forks: Option<i64>,
}

/// Where modules are.
#[derive(Args, Clone, Debug, Default)]
pub struct Modules {
    /// folders with modules, colons between, searched before the configured ones
    #[arg(short = 'M', long = "module-path", value_name = "MODULE_PATH")]
    pub module_path: Vec<String>,
}

/// Flags that cannot be given together.
pub const EXCLUSIVE: super::arguments::Exclusive = &[
    &["ask_pass", "connection_password_file"],
    &["become_ask_pass", "become_password_file"],
    &["ask_vault_pass", "vault_password_files"],
];
