//! Addresses of host names.
//!
//! libc's `getaddrinfo` is never called: in a static program it crashes where
//! nsswitch names a service it must load. /etc/hosts is read, then `getent`
//! asked, which knows DNS and the directory services.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use crate::target::{Run, Target};

/// How long a name server may take to say why there is no address.
const ASK: Duration = Duration::from_secs(2);

/// Why a name has no address, as Python's `socket.gaierror` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unresolved {
    /// Nobody knows the name.
    Unknown,
    /// Who might know could not be asked.
    Temporary,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unresolved::Unknown => "[Errno -2] Name or service not known",
            Unresolved::Temporary => "[Errno -3] Temporary failure in name resolution",
        })
    }
}

/// The addresses of a name or the address that it is, in the order in which to try them.
pub fn addresses(target: &mut dyn Target, host: &str) -> Result<Vec<IpAddr>, Unresolved> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Some(address) = literal(bare) {
        return Ok(vec![address]);
    }
    if !is_name(host) {
        return Err(Unresolved::Unknown);
    }
    let known = target.read_text(Path::new("/etc/hosts")).unwrap_or_default();
    let known = listed(&known, host);
    if !known.is_empty() {
        return Ok(known);
    }
    if let Some(program) = target.find_program("getent", &[]) {
        let ran = target.run(&Run::argv([program.as_os_str()]).args(["ahosts", host]));
        if let Ok(ran) = ran.as_ref()
            && ran.ok()
        {
            let mut found = Vec::new();
            for line in ran.out().lines() {
                let address = line.split_whitespace().next().and_then(|text| text.parse().ok());
                found.extend(address.filter(|address| !found.contains(address)));
            }
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }
    Err(if knows_that_there_is_none(target, host) {
        Unresolved::Unknown
    } else {
        Unresolved::Temporary
    })
}

/// An address in digits, also with fewer than four parts (`127.1`), as the C library reads it.
fn literal(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let parts: Vec<u32> = text.split('.').map(part).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 255) {
        return None;
    }
    let room = 32 - 8 * first.len() as u32;
    if room < 32 && *last >> room != 0 {
        return None;
    }
    let high = first.iter().enumerate().fold(0, |all, (at, part)| all | part << (24 - 8 * at));
    Some(IpAddr::V4(Ipv4Addr::from(high | last)))
}

/// A number in decimal, octal or hexadecimal digits.
fn part(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let plain = digits.chars().all(|char| char.is_ascii_alphanumeric());
    plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

/// A leading dash would be read as an option by `getent`.
fn is_name(host: &str) -> bool {
    !host.is_empty()
        && !host.starts_with('-')
        && host.chars().all(|char| !char.is_whitespace() && !char.is_control())
}

/// The addresses that /etc/hosts gives a name, IPv6 first.
fn listed(hosts: &str, name: &str) -> Vec<IpAddr> {
    let wanted = name.strip_suffix('.').unwrap_or(name);
    let mut found: Vec<IpAddr> = Vec::new();
    for line in hosts.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse().ok()) else { continue };
        if words.any(|word| word.eq_ignore_ascii_case(wanted)) && !found.contains(&address) {
            found.push(address);
        }
    }
    found.sort_by_key(IpAddr::is_ipv4);
    found
}

/// Whether a name server says that a name has no address; `getent` does not tell that from silence.
fn knows_that_there_is_none(target: &mut dyn Target, host: &str) -> bool {
    if target.may_connect().is_err() {
        return false;
    }
    let settings = target.read_text(Path::new("/etc/resolv.conf")).unwrap_or_default();
    let servers: Vec<IpAddr> = settings
        .lines()
        .filter_map(|line| line.strip_prefix("nameserver")?.trim().parse().ok())
        .collect();
    servers.iter().take(3).any(|server| denies(*server, host).unwrap_or(false))
}

fn denies(server: IpAddr, host: &str) -> std::io::Result<bool> {
    let any: SocketAddr = match server {
        IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        IpAddr::V6(_) => ([0u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_read_timeout(Some(ASK))?;
    socket.connect((server, 53))?;
    let mut query = vec![0x5a, 0x17, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in host.trim_end_matches('.').split('.') {
        // A label that doesn't fit into DNS is no name there.
        let Some(length) = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length))
        else {
            return Ok(true);
        };
        query.push(length);
        query.extend_from_slice(label.as_bytes());
    }
    query.extend_from_slice(&[0, 0, 1, 0, 1]);
    socket.send(&query)?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    // No error (but no address, or `getent` had found it), or no such name.
    Ok(length > 3 && answer[..2] == query[..2] && matches!(answer[3] & 15, 0 | 3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Ran;
    use crate::target::fake::Fake;

    #[test]
    fn digits_are_addresses() {
        let read = |text| literal(text).map(|address| address.to_string());
        assert_eq!(read("127.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(read("10.0x10.258").as_deref(), Some("10.16.1.2"));
        assert_eq!(read("0177.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(read("2130706433").as_deref(), Some("127.0.0.1"));
        assert_eq!(read("::1").as_deref(), Some("::1"));
        assert_eq!(read("256.1"), None);
        assert_eq!(read("a.b"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn the_file_before_getent() {
        let hosts = "127.0.0.1 localhost me # other\n::1 localhost\n10.0.0.9 Me.lan me.lan\n";
        let mut fake = Fake::new()
            .file("/etc/hosts", hosts)
            .program("getent")
            .on(
                "/usr/bin/getent ahosts far",
                Ran::of(0, "10.1.1.1 STREAM far\n10.1.1.1 DGRAM\n", ""),
            )
            .on("/usr/bin/getent ahosts nowhere", Ran::of(2, "", ""));
        let mut ask = |name: &str| {
            addresses(&mut fake, name)
                .map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(ask("localhost").as_deref(), Ok("::1 127.0.0.1"));
        assert_eq!(ask("ME.LAN").as_deref(), Ok("10.0.0.9"));
        assert_eq!(ask("far").as_deref(), Ok("10.1.1.1"));
        assert_eq!(ask("nowhere"), Err(Unresolved::Temporary));
        assert_eq!(ask("-s"), Err(Unresolved::Unknown));
    }
}
