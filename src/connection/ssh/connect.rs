//! From an address to a session that may open channels: TCP, key exchange, the host's key, login.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs},
    path::PathBuf,
    time::{Duration, Instant},
};

use ssh2::{HostKeyType, MethodType, Session};

use super::{
    auth,
    known_hosts::{self, KnownHosts, Verdict},
    resolve::{Check, Family, Resolved},
};
use crate::{
    connection::{ConnectionSettings, Log, ask, reason, unreachable},
    diagnostic::{Error, Kind, Result},
};

/// Why there is no session.
pub(super) enum Failure {
    /// For the user.
    Error(Error),
    /// The server let the connection drop before it said who it is; another attempt may do.
    Dropped(Error),
    /// Only the system's `ssh` can go on.
    Beyond(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Connects, checks who is there, and logs in.
pub(super) fn connect(
    resolved: &Resolved,
    settings: &ConnectionSettings,
    log: &Log,
) -> Result<(Session, TcpStream), Failure> {
    let deadline = Instant::now() + Duration::from_secs(settings.timeout.max(1));
    let socket = dial(resolved, deadline)?;
    let host = Host::of(resolved);
    let mut session = Session::new().map_err(|e| unreachable(e.message()))?;
    let clone = socket.try_clone().map_err(|e| unreachable(reason(&e)))?;
    session.set_tcp_stream(clone);
    session.set_timeout(milliseconds(deadline));
    let known = KnownHosts::read(&host.files);
    prefer(&session, resolved, &known, &host)?;
    session.handshake().map_err(|e| host.handshake_failed(&e))?;
    check(&session, &socket, resolved, settings, &known, &host)?;
    // A person may be asked for a passphrase, which is not the network's time.
    session
        .set_timeout(milliseconds(Instant::now() + Duration::from_secs(settings.timeout.max(30))));
    auth::log_in(&session, resolved, settings, log)?;
    Ok((session, socket))
}

fn milliseconds(deadline: Instant) -> u32 {
    let left = deadline.saturating_duration_since(Instant::now());
    // 0 would be no limit.
    u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
}

fn dial(resolved: &Resolved, deadline: Instant) -> Result<TcpStream> {
    let Resolved { host, port, family, .. } = resolved;
    let addresses = (host.as_str(), *port).to_socket_addrs().map_err(|e| {
        let text = e.to_string();
        // Rust puts words of its own before those of the system.
        let why = text.rsplit(": ").next().unwrap_or(&text);
        unreachable(format!("ssh: Could not resolve hostname {host}: {why}"))
    })?;
    let wanted = |a: &SocketAddr| match family {
        Family::Any => true,
        Family::Inet => a.is_ipv4(),
        Family::Inet6 => a.is_ipv6(),
    };
    let mut why = "Address family not supported by protocol".to_owned();
    for address in addresses.filter(wanted) {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&address, left) {
            Ok(socket) => {
                // Without it each small frame waits for the other side's delayed acknowledgement.
                let _ = socket.set_nodelay(true);
                return Ok(socket);
            }
            Err(e) if e.kind() == ErrorKind::TimedOut => {
                "Connection timed out".clone_into(&mut why)
            }
            Err(e) => why = reason(&e),
        }
    }
    Err(unreachable(format!("ssh: connect to host {host} port {port}: {why}")))
}

/// A host as known_hosts files and messages name it.
struct Host {
    name: String,
    /// Its name without the port, where the port is unusual.
    plain: Option<String>,
    files: Vec<PathBuf>,
    address: String,
    port: u16,
}

impl Host {
    fn of(resolved: &Resolved) -> Self {
        let Resolved { host, port, host_key_alias, .. } = resolved;
        let files = [&resolved.user_known_hosts[..], &resolved.global_known_hosts[..]].concat();
        let (name, plain) = match host_key_alias {
            Some(alias) => (alias.clone(), None),
            None => (
                known_hosts::name_of(host, *port),
                (*port != 22).then(|| host.to_ascii_lowercase()),
            ),
        };
        Self { name, plain, files, address: host.clone(), port: *port }
    }

    fn handshake_failed(&self, error: &ssh2::Error) -> Failure {
        let Self { address, port, .. } = self;
        match error.code() {
            // TIMEOUT, SOCKET_TIMEOUT, and what polling in vain gives.
            ssh2::ErrorCode::Session(-9 | -30 | -37) => Failure::Error(unreachable(format!(
                "Connection timed out during banner exchange\r\nConnection to {address} port {port} timed out"
            ))),
            // SOCKET_NONE, BANNER_RECV, SOCKET_DISCONNECT, SOCKET_RECV
            ssh2::ErrorCode::Session(-1 | -2 | -13 | -43) => {
                Failure::Dropped(unreachable(format!(
                    "kex_exchange_identification: Connection closed by remote host\r\n\
                 Connection closed by {address} port {port}"
                )))
            }
            // METHOD_NONE, KEX_FAILURE: no algorithm in common that libssh2 knows.
            ssh2::ErrorCode::Session(-17 | -5 | -8) => {
                Failure::Beyond(format!("key exchange: {}", error.message()))
            }
            _ => Failure::Error(unreachable(format!(
                "Unable to negotiate with {address} port {port}: {}",
                error.message()
            ))),
        }
    }
}

/// Asks for algorithms: the user's, and of the host's keys those that are known.
fn prefer(
    session: &Session,
    resolved: &Resolved,
    known: &KnownHosts,
    host: &Host,
) -> Result<(), Failure> {
    let chosen = &resolved.algorithms;
    for (method, wanted) in [
        (MethodType::Kex, &chosen.kex),
        (MethodType::CryptCs, &chosen.ciphers),
        (MethodType::CryptSc, &chosen.ciphers),
        (MethodType::MacCs, &chosen.macs),
        (MethodType::MacSc, &chosen.macs),
    ] {
        if wanted.is_empty() {
            continue;
        }
        let supported = session.supported_algs(method).unwrap_or_default();
        let both: Vec<&str> =
            wanted.iter().map(String::as_str).filter(|w| supported.contains(w)).collect();
        if both.is_empty() {
            return Err(Failure::Beyond(format!("the algorithms {}", wanted.join(","))));
        }
        session.method_pref(method, &both.join(",")).map_err(|e| unreachable(e.message()))?;
    }
    let supported = session.supported_algs(MethodType::HostKey).unwrap_or_default();
    let mut kinds = known.kinds(&host.name);
    if kinds.is_empty()
        && let Some(plain) = &host.plain
    {
        kinds = known.kinds(plain);
    }
    let is_known = |algorithm: &&str| {
        let kind = if algorithm.starts_with("rsa-sha2-") { "ssh-rsa" } else { algorithm };
        kinds.contains(&kind)
    };
    let allowed =
        |a: &&&str| chosen.host_keys.is_empty() || chosen.host_keys.iter().any(|h| h == **a);
    let mut order: Vec<&str> = supported.iter().filter(allowed).copied().collect();
    // `false` comes first: the known ones.
    order.sort_by_key(|a| !is_known(a));
    if order.is_empty() {
        return Err(Failure::Beyond(format!(
            "the host key algorithms {}",
            chosen.host_keys.join(",")
        )));
    }
    session
        .method_pref(MethodType::HostKey, &order.join(","))
        .map_err(|e| unreachable(e.message()).into())
}

/// Checks the host's key against what is known.
fn check(
    session: &Session,
    socket: &TcpStream,
    resolved: &Resolved,
    settings: &ConnectionSettings,
    known: &KnownHosts,
    host: &Host,
) -> Result<(), Failure> {
    let Some((key, kind)) = session.host_key() else {
        return Err(unreachable("the host has no key").into());
    };
    let (algorithm, label) = kind_of(key, kind);
    if resolved.no_localhost_check && peer(socket).is_some_and(|a| a.is_loopback()) {
        return Ok(());
    }
    let mut verdict = known.check(&host.name, &algorithm, key);
    if verdict == Verdict::New
        && let Some(plain) = &host.plain
        && known.check(plain, &algorithm, key) == Verdict::Known
    {
        verdict = Verdict::Known;
    }
    let name = &host.name;
    let refused =
        |text: String| Err(unreachable(format!("{text}\r\nHost key verification failed.")).into());
    match (verdict, resolved.check) {
        (Verdict::Known, _) => Ok(()),
        // ssh goes on with a warning, and without passwords.
        (Verdict::Changed(..) | Verdict::Revoked, Check::No) if settings.password.is_none() => Ok(()),
        (Verdict::Authority, _) => Err(Failure::Beyond("a certificate of the host".to_owned())),
        (Verdict::Revoked, _) => refused(format!(
            "{}\r\nThe {label} host key for {name} is marked as revoked.\r\n\
             This could mean that a stolen key is being used to\r\nimpersonate this host.\r\n\
             {label} host key for {name} was revoked and you have requested strict checking.",
            banner("       WARNING: REVOKED HOST KEY DETECTED!               ")
        )),
        (Verdict::Changed(file, line), _) => refused(changed(name, label, key, &file, line)),
        (Verdict::New, Check::Strict) => refused(format!(
            "No {label} host key is known for {name} and you have requested strict checking."
        )),
        (Verdict::New, Check::Ask) if settings.password.is_some() => Err(Error::new(
            Kind::Action,
            "Using a SSH password instead of a key is not possible because Host Key checking is enabled and \
             sshpass does not support this.  Please add this host's fingerprint to your known_hosts file to \
             manage this host.",
        )
        .into()),
        (Verdict::New, Check::Ask) if !confirmed(socket, name, label, key) => {
            Err(unreachable("Host key verification failed.").into())
        }
        (Verdict::New, _) => {
            if let Some(file) = resolved.user_known_hosts.first() {
                // ssh only complains if it can't.
                let _ = known_hosts::add(file, name, &algorithm, key, resolved.hash_known_hosts);
            }
            Ok(())
        }
    }
}

/// The key's kind in known_hosts files, and in ssh's messages.
fn kind_of(key: &[u8], kind: HostKeyType) -> (String, &'static str) {
    let label = match kind {
        HostKeyType::Rsa => "RSA",
        HostKeyType::Dss => "DSA",
        HostKeyType::Ecdsa256 | HostKeyType::Ecdsa384 | HostKeyType::Ecdsa521 => "ECDSA",
        HostKeyType::Ed25519 => "ED25519",
        HostKeyType::Unknown => "unknown",
    };
    // A key begins with the length and the name of its kind.
    let name = key
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?));
    (String::from_utf8_lossy(name.unwrap_or_default()).into_owned(), label)
}

fn peer(socket: &TcpStream) -> Option<IpAddr> {
    socket.peer_addr().ok().map(|a| a.ip())
}

fn banner(middle: &str) -> String {
    let line = "@".repeat(59);
    format!("{line}\r\n@{middle}@\r\n{line}")
}

fn changed(name: &str, label: &str, key: &[u8], file: &std::path::Path, line: usize) -> String {
    let (file, print) = (file.display(), known_hosts::fingerprint(key));
    format!(
        "{}\r\nIT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\r\n\
         Someone could be eavesdropping on you right now (man-in-the-middle attack)!\r\n\
         It is also possible that a host key has just been changed.\r\n\
         The fingerprint for the {label} key sent by the remote host is\n{print}.\r\n\
         Please contact your system administrator.\r\n\
         Add correct host key in {file} to get rid of this message.\r\n\
         Offending {label} key in {file}:{line}\r\n  remove with:\r\n  \
         ssh-keygen -f \"{file}\" -R \"{name}\"\r\n\
         Host key for {name} has changed and you have requested strict checking.",
        banner("    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     ")
    )
}

/// Asks the user about a key that is not known.
fn confirmed(socket: &TcpStream, name: &str, label: &str, key: &[u8]) -> bool {
    let peer = peer(socket).map_or_else(String::new, |a| format!(" ({a})"));
    let print = known_hosts::fingerprint(key);
    let mut text = format!(
        "The authenticity of host '{name}{peer}' can't be established.\n{label} key fingerprint is {print}.\n\
         Are you sure you want to continue connecting (yes/no/[fingerprint])? "
    );
    loop {
        let Some(answer) = ask::question(&text) else { return false };
        match answer.trim() {
            "yes" => return true,
            "no" => return false,
            typed if typed == print => return true,
            _ => "Please type 'yes', 'no' or the fingerprint: ".clone_into(&mut text),
        }
    }
}
