//! The connections of a port, from the kernel's tables.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use crate::module::{Args, Context, Failure};
use crate::resolve;

const STATES: [(&str, &str); 6] = [
    ("ESTABLISHED", "01"),
    ("SYN_SENT", "02"),
    ("SYN_RECV", "03"),
    ("FIN_WAIT1", "04"),
    ("FIN_WAIT2", "05"),
    ("TIME_WAIT", "06"),
];

const TABLES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// How the kernel's tables show a state of TCP.
pub(super) fn state_number(name: &str) -> Option<&'static str> {
    STATES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// Which connections count.
pub(super) struct Counted {
    /// Addresses as the tables show them, each with the table it may stand in.
    local: Vec<(usize, String)>,
    excluded: Vec<(usize, String)>,
    port: String,
    states: Vec<&'static str>,
}

impl Counted {
    pub(super) fn of(cx: &mut Context<'_>, args: &Args) -> Result<Counted, Failure> {
        let local = shown(cx, args.req("host"))?;
        let Some(port) = args.int("port") else {
            return Err(Failure::crash(
                "TypeError",
                "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            ));
        };
        let mut excluded = Vec::new();
        for host in args.strings("exclude_hosts") {
            excluded.extend(shown(cx, &host)?);
        }
        let states = args.strings("active_connection_states");
        Ok(Counted {
            local,
            excluded,
            port: format!("{port:04X}"),
            states: states.iter().filter_map(|name| state_number(name)).collect(),
        })
    }

    pub(super) fn count(&self, cx: &mut Context<'_>) -> usize {
        TABLES
            .iter()
            .enumerate()
            .map(|(table, path)| {
                let text = cx.target.read_text(Path::new(path)).unwrap_or_default();
                text.lines().filter(|line| self.counts(table, line)).count()
            })
            .sum()
    }

    fn counts(&self, table: usize, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(local), Some(remote), Some(state)) = (words.get(1), words.get(2), words.get(3))
        else {
            return false;
        };
        let (Some((address, port)), Some((remote, _))) =
            (local.split_once(':'), remote.split_once(':'))
        else {
            return false;
        };
        let any = if table == 0 { "00000000" } else { "00000000000000000000000000000000" };
        let has = |list: &[(usize, String)], address: &str| {
            list.iter().any(|(of, known)| *of == table && known == address)
        };
        self.states.contains(state)
            && port == self.port
            && !has(&self.excluded, remote)
            && (has(&self.local, address)
                || has(&self.local, any)
                || (address.starts_with("0000000000000000FFFF0000")
                    && has(&self.local, "0000000000000000FFFF000000000000")))
    }
}

/// A host's addresses as the tables show them; an IPv4 address may also stand in the table of IPv6.
fn shown(cx: &mut Context<'_>, host: &str) -> Result<Vec<(usize, String)>, Failure> {
    let found = resolve::addresses(cx.target, host)
        .map_err(|error| Failure::crash("socket.gaierror", format!("{error}")))?;
    let mut all = Vec::new();
    for address in found {
        match address {
            IpAddr::V4(address) => {
                all.push((0, words(&address.octets())));
                all.push((1, mapped(address.to_ipv6_mapped())));
            }
            IpAddr::V6(address) => all.push((1, words(&address.octets()))),
        }
    }
    Ok(all)
}

fn mapped(address: Ipv6Addr) -> String {
    words(&address.octets())
}

/// Four bytes at a time, the last one first.
fn words(bytes: &[u8]) -> String {
    bytes.chunks(4).flat_map(|word| word.iter().rev()).map(|byte| format!("{byte:02X}")).collect()
}
