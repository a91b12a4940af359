//! What is needed to reach a host; also what tells two connections apart.

use super::Secret;

/// How bytes get to a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// They stay on this machine.
    Local,
    /// SSH: natively, or by the system's `ssh` where that can do what we can't.
    #[default]
    Ssh,
    /// SSH by the system's `ssh` in any case.
    OpenSsh,
    /// A way that ansible knows and we don't: hosts are told of, and never reached. The settings'
    /// `host` is its name.
    Unsupported,
}

impl Transport {
    /// The transport that a `connection:` names.
    pub fn from_name(name: &str) -> Option<Self> {
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "local" => Some(Self::Local),
            "ssh" | "smart" | "paramiko" | "paramiko_ssh" | "ansible.netcommon.paramiko" => {
                Some(Self::Ssh)
            }
            "openssh" => Some(Self::OpenSsh),
            "winrm" | "psrp" => Some(Self::Unsupported),
            // Plugins of collections.
            other if other.split('.').count() >= 3 => Some(Self::Unsupported),
            _ => None,
        }
    }
}

/// Everything about a connection. Equal settings share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionSettings {
    /// How bytes get there.
    pub transport: Transport,
    /// The address (`ansible_host`).
    pub host: String,
    /// `ansible_port`.
    pub port: Option<u16>,
    /// `ansible_user`.
    pub user: Option<String>,
    /// `ansible_password`.
    pub password: Option<Secret>,
    /// `ansible_ssh_private_key_file`.
    pub private_key_file: Option<String>,
    /// What decrypts private keys that are encrypted; asked for on the terminal where not given.
    pub passphrase: Option<Secret>,
    /// Arguments for `ssh`.
    pub ssh: SshOptions,
    /// `host_key_checking`.
    pub host_key_checking: bool,
    /// Seconds for making the connection (`timeout`).
    pub timeout: u64,
    /// How often a failed attempt is repeated (`ssh_connection.retries`).
    pub retries: u32,
}

/// Arguments that users write for `ssh`, as they write them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SshOptions {
    /// `ssh_executable`.
    pub executable: String,
    /// `ssh_args`.
    pub args: String,
    /// `ssh_common_args`.
    pub common_args: String,
    /// `ssh_extra_args`.
    pub extra_args: String,
}

impl Default for SshOptions {
    fn default() -> Self {
        Self {
            executable: "ssh".into(),
            args: "-C -o ControlMaster=auto -o ControlPersist=60s".into(),
            common_args: String::new(),
            extra_args: String::new(),
        }
    }
}

impl ConnectionSettings {
    /// This machine.
    pub fn local() -> Self {
        Self { transport: Transport::Local, host: "localhost".into(), ..Self::default() }
    }

    /// A host by SSH, with ansible's defaults.
    pub fn ssh(host: impl Into<String>) -> Self {
        Self { host: host.into(), ..Self::default() }
    }
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            host: String::new(),
            port: None,
            user: None,
            password: None,
            private_key_file: None,
            passphrase: None,
            ssh: SshOptions::default(),
            host_key_checking: true,
            timeout: 10,
            retries: 0,
        }
    }
}
