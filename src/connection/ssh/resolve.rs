//! What `ssh` would do for a host: resolved by `ssh -G`, so by OpenSSH's own reading of its
//! configuration files; by our own reading of the basics where there is no `ssh`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, LazyLock},
};

use parking_lot::Mutex;
use tokio::process::Command;

use super::{arguments::home, config};
use crate::{
    connection::{ConnectionSettings, unreachable},
    diagnostic::{Error, Kind, Result},
};

/// Options by their lower-case names; each may have several values.
pub(super) type Options = HashMap<String, Vec<String>>;

/// What is needed to connect, and whether we can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub identity_files: Vec<PathBuf>,
    pub identities_only: bool,
    /// `none`, or a socket; the environment's agent where not said.
    pub identity_agent: Option<String>,
    pub user_known_hosts: Vec<PathBuf>,
    pub global_known_hosts: Vec<PathBuf>,
    pub host_key_alias: Option<String>,
    pub hash_known_hosts: bool,
    pub check: Check,
    pub pubkey: bool,
    pub password: bool,
    pub keyboard: bool,
    pub alive_interval: u32,
    pub alive_count: u32,
    pub family: Family,
    /// `SendEnv` patterns and `SetEnv` assignments.
    pub send_env: Vec<String>,
    pub set_env: Vec<(String, String)>,
    pub algorithms: Algorithms,
    pub attempts: u32,
    pub no_localhost_check: bool,
    /// The machine that answers first.
    pub door: String,
    /// What of it ssh2 can't do.
    pub beyond: Option<String>,
}

/// `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Check {
    /// Ask the user about unknown keys.
    #[default]
    Ask,
    /// Refuse unknown keys.
    Strict,
    /// Take unknown keys, refuse changed ones.
    AcceptNew,
    /// Take any.
    No,
}

/// `AddressFamily`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Family {
    #[default]
    Any,
    Inet,
    Inet6,
}

/// Lists of algorithms, where the user chose them; empty where not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Algorithms {
    pub kex: Vec<String>,
    pub ciphers: Vec<String>,
    pub macs: Vec<String>,
    pub host_keys: Vec<String>,
}

/// Answers of `ssh -G`, by executable, arguments and host.
static KNOWN: LazyLock<Mutex<HashMap<Vec<String>, Arc<Options>>>> = LazyLock::new(Mutex::default);

/// Resolves a connection's settings; `args` are ansible's arguments for `ssh`.
pub(super) async fn resolve(settings: &ConnectionSettings, args: &[String]) -> Result<Resolved> {
    let executable = &settings.ssh.executable;
    let options = ask(executable, args, &settings.host).await?;
    let defaults = match &options {
        // What `ssh` does without any configuration: to see what the user has changed.
        Some(_) => ask(executable, &["-F".into(), "none".into()], "localhost").await?,
        None => None,
    };
    let own = || Arc::new(config::read(args, &settings.host));
    let options = options.unwrap_or_else(own);
    Ok(interpret(&options, defaults.as_deref(), settings))
}

/// Runs `ssh -G`; `None` if there is no `ssh`.
async fn ask(executable: &str, args: &[String], host: &str) -> Result<Option<Arc<Options>>> {
    let mut key = vec![executable.to_owned()];
    key.extend_from_slice(args);
    key.push(host.to_owned());
    if let Some(known) = KNOWN.lock().get(&key) {
        return Ok(Some(Arc::clone(known)));
    }
    let mut command = Command::new(executable);
    // After `--` a host that begins with a dash is no option.
    command.arg("-G").args(args).arg("--").arg(host).stdin(Stdio::null());
    let output = match command.output().await {
        Ok(output) => output,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => {
            let text = format!("Unable to execute ssh command line on a controller due to: {e}");
            return Err(Error::new(Kind::Action, text));
        }
    };
    if !output.status.success() {
        return Err(unreachable(String::from_utf8_lossy(&output.stderr)));
    }
    let options = Arc::new(parse(&String::from_utf8_lossy(&output.stdout)));
    KNOWN.lock().insert(key, Arc::clone(&options));
    Ok(Some(options))
}

fn parse(text: &str) -> Options {
    let mut options = Options::new();
    for line in text.lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        options.entry(name.to_ascii_lowercase()).or_default().push(value.trim().to_owned());
    }
    options
}

/// Reads what an option says.
struct Reader<'o>(&'o Options);

impl<'o> Reader<'o> {
    fn one(&self, name: &str) -> Option<&'o str> {
        let value = self.0.get(name)?.first()?.as_str();
        (!value.is_empty() && value != "none").then_some(value)
    }

    fn yes(&self, name: &str) -> bool {
        matches!(self.one(name), Some("yes" | "true"))
    }

    fn not_no(&self, name: &str) -> bool {
        !matches!(self.one(name), Some("no" | "false"))
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.one(name)?.parse().ok()
    }

    fn words(&self, name: &str) -> Vec<&'o str> {
        self.0
            .get(name)
            .map(|v| v.iter().flat_map(|v| v.split_whitespace()).collect())
            .unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.one(name).map(|v| v.split(',').map(str::to_owned).collect()).unwrap_or_default()
    }
}

fn interpret(
    options: &Options,
    defaults: Option<&Options>,
    settings: &ConnectionSettings,
) -> Resolved {
    let o = Reader(options);
    let host = o.one("hostname").unwrap_or(&settings.host).to_owned();
    let port = o.one("port").and_then(|p| p.parse().ok()).unwrap_or(22);
    let user = o.one("user").map_or_else(local_user, str::to_owned);
    let path = |text: &str| PathBuf::from(tokens(&home(text), &host, port, &user));
    let preferred = o.list("preferredauthentications");
    let wants = |name: &str| preferred.is_empty() || preferred.iter().any(|p| p == name);
    let chosen = |name: &str| {
        let list = o.list(name);
        let usual = defaults.map(|d| Reader(d).list(name)).unwrap_or_default();
        if list == usual { Vec::new() } else { list }
    };
    Resolved {
        identity_files: o.0.get("identityfile").into_iter().flatten().map(|f| path(f)).collect(),
        identities_only: o.yes("identitiesonly"),
        identity_agent: o.0.get("identityagent").and_then(|v| v.first()).map(|v| home(v)),
        user_known_hosts: o
            .words("userknownhostsfile")
            .into_iter()
            .filter(|f| *f != "none")
            .map(path)
            .collect(),
        global_known_hosts: o
            .words("globalknownhostsfile")
            .into_iter()
            .filter(|f| *f != "none")
            .map(path)
            .collect(),
        host_key_alias: o.one("hostkeyalias").map(str::to_owned),
        hash_known_hosts: o.yes("hashknownhosts"),
        check: match o.one("stricthostkeychecking") {
            Some("yes" | "true") => Check::Strict,
            Some("accept-new") => Check::AcceptNew,
            Some("no" | "false" | "off") => Check::No,
            _ => Check::Ask,
        },
        pubkey: o.not_no("pubkeyauthentication") && wants("publickey"),
        password: o.not_no("passwordauthentication") && wants("password"),
        keyboard: o.not_no("kbdinteractiveauthentication") && wants("keyboard-interactive"),
        alive_interval: o.number("serveraliveinterval").unwrap_or(0),
        alive_count: o.number("serveralivecountmax").unwrap_or(3),
        family: match o.one("addressfamily") {
            Some("inet") => Family::Inet,
            Some("inet6") => Family::Inet6,
            _ => Family::Any,
        },
        send_env: o.words("sendenv").into_iter().map(str::to_owned).collect(),
        set_env: assignments(&o.words("setenv")),
        algorithms: Algorithms {
            kex: chosen("kexalgorithms"),
            ciphers: chosen("ciphers"),
            macs: chosen("macs"),
            host_keys: chosen("hostkeyalgorithms"),
        },
        attempts: o.number("connectionattempts").unwrap_or(1).max(1),
        no_localhost_check: o.yes("nohostauthenticationforlocalhost"),
        door: o.one("proxyjump").unwrap_or(&host).to_owned(),
        beyond: beyond(&o, &preferred, &path),
        host,
        port,
        user,
    }
}

fn assignments(words: &[&str]) -> Vec<(String, String)> {
    words.iter().filter_map(|w| w.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect()
}

/// The first thing that only the system's `ssh` can do.
fn beyond(o: &Reader<'_>, preferred: &[String], path: &dyn Fn(&str) -> PathBuf) -> Option<String> {
    for name in [
        "proxyjump",
        "proxycommand",
        "pkcs11provider",
        "certificatefile",
        "localforward",
        "remoteforward",
        "dynamicforward",
        "knownhostscommand",
        "revokedhostkeys",
        "bindaddress",
        "bindinterface",
        "remotecommand",
    ] {
        if o.one(name).is_some() {
            return Some(name.to_owned());
        }
    }
    for name in
        ["forwardagent", "forwardx11", "hostbasedauthentication", "verifyhostkeydns", "stdinnull"]
    {
        // ForwardAgent may also name a socket.
        if o.one(name).is_some_and(|v| !matches!(v, "no" | "false")) {
            return Some(name.to_owned());
        }
    }
    if o.yes("permitlocalcommand") && o.one("localcommand").is_some() {
        return Some("localcommand".to_owned());
    }
    if o.one("tunnel").is_some_and(|v| !matches!(v, "no" | "false")) {
        return Some("tunnel".to_owned());
    }
    if o.one("sessiontype").is_some_and(|v| v != "default") {
        return Some("sessiontype".to_owned());
    }
    // With a ticket at hand gssapi is meant; without one it would not get anyone in anyway.
    let gssapi = preferred.is_empty() || preferred.iter().any(|p| p.starts_with("gssapi"));
    if gssapi && o.yes("gssapiauthentication") && has_ticket() {
        return Some("gssapiauthentication".to_owned());
    }
    // A master that the user keeps running is used, as `ssh` would.
    if let Some(socket) = o.one("controlpath").map(path)
        && socket.exists()
    {
        return Some("controlpath".to_owned());
    }
    o.0.get("identityfile").into_iter().flatten().find_map(|file| special_key(&path(file)))
}

fn has_ticket() -> bool {
    std::env::var_os("KRB5CCNAME").is_some()
        || Path::new(&format!("/tmp/krb5cc_{}", rustix::process::getuid().as_raw())).exists()
}

/// Keys on hardware, and certificates.
fn special_key(file: &Path) -> Option<String> {
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", file.display()));
    if beside("-cert.pub").exists() {
        return Some(format!("the certificate of {}", file.display()));
    }
    let public = std::fs::read_to_string(beside(".pub")).ok()?;
    (file.exists() && public.starts_with("sk-"))
        .then(|| format!("the hardware key {}", file.display()))
}

/// Expands `%h` and its kin, as far as paths of keys use them.
fn tokens(text: &str, host: &str, port: u16, user: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('h' | 'n' | 'k') => out += host,
            Some('p') => out += &port.to_string(),
            Some('r') => out += user,
            Some('u') => out += &local_user(),
            Some('d') => out += &home("~"),
            Some('i') => out += &rustix::process::getuid().as_raw().to_string(),
            Some(c) => out.push(c),
            None => out.push('%'),
        }
    }
    out
}

/// The name of the user who runs this.
pub(super) fn local_user() -> String {
    let uid = rustix::process::getuid().as_raw();
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let own = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    own.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Resolved {
        interpret(
            &parse(text),
            Some(&parse("ciphers a,b\nmacs x\n")),
            &ConnectionSettings::ssh("h"),
        )
    }

    #[test]
    fn answers_are_understood() {
        let r = resolved(
            "hostname 10.0.0.1\nport 2222\nuser bob\nidentityfile /k/%h-%r\nidentityfile ~/x\n\
             userknownhostsfile /a /b\nglobalknownhostsfile none\nstricthostkeychecking accept-new\n\
             passwordauthentication no\npreferredauthentications publickey,password\n\
             serveraliveinterval 5\nsendenv LANG LC_*\nsetenv A=b\nciphers a,b\nmacs y,z\n\
             addressfamily inet6\nproxycommand none\ngssapiauthentication no\nforwardagent no\n",
        );
        assert_eq!((r.host.as_str(), r.port, r.user.as_str()), ("10.0.0.1", 2222, "bob"));
        assert_eq!(r.identity_files[0], PathBuf::from("/k/10.0.0.1-bob"));
        assert!(!r.identity_files[1].starts_with("~"));
        assert_eq!(r.user_known_hosts, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert!(r.global_known_hosts.is_empty());
        assert_eq!((r.check, r.family, r.alive_interval), (Check::AcceptNew, Family::Inet6, 5));
        assert_eq!((r.pubkey, r.password, r.keyboard), (true, false, false));
        assert_eq!(r.send_env, ["LANG", "LC_*"]);
        assert_eq!((r.algorithms.ciphers.len(), r.algorithms.macs.len()), (0, 2));
        assert_eq!(r.beyond, None);
    }

    #[test]
    fn what_ssh2_cannot_do_is_seen() {
        for (line, reason) in [
            ("proxyjump bastion", "proxyjump"),
            ("proxycommand nc %h %p", "proxycommand"),
            ("forwardagent yes", "forwardagent"),
            ("forwardagent /tmp/agent", "forwardagent"),
            ("localforward 80 [x]:80", "localforward"),
            ("hostbasedauthentication true", "hostbasedauthentication"),
            ("controlpath /proc/self", "controlpath"),
        ] {
            assert_eq!(resolved(line).beyond.as_deref(), Some(reason), "{line}");
        }
        for line in [
            "controlpath /does/not/exist",
            "forwardx11 no",
            "tunnel false",
            "gssapiauthentication no",
        ] {
            assert_eq!(resolved(line).beyond, None, "{line}");
        }
    }
}
