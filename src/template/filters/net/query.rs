//! `ipaddr`, `ipv4`, `ipv6` and `ipwrap`: what an address is, and its parts.

use super::{
    super::{
        Filter,
        schema::{Kind, checked, optional},
    },
    Net,
};
use crate::template::{CallArgs, FilterContext, args::to_float};
use crate::value::{
    Number, PyError, PyResult, Value, access,
    ops::{self, settle},
    repr::{repr, to_text},
    types::class_repr,
};

pub(in crate::template::filters) static FILTERS: &[Filter] = &[
    Filter::redirected("ansible.utils", "ipaddr", "An address, or a part of it.", ipaddr_filter),
    Filter::redirected("ansible.utils", "ipv4", "The same for version 4.", ipv4),
    Filter::redirected("ansible.utils", "ipv6", "The same for version 6.", ipv6),
    Filter::redirected("ansible.utils", "ipwrap", "Brackets around version 6.", ipwrap),
];

/// What was asked about: the network, how it was written, whether it had a prefix.
struct Asked {
    net: Net,
    value: Value,
    is_network: bool,
}

/// Stands where no alias was given.
const NO_ALIAS: &str = "\0";

const FALSE: Value = Value::Bool(false);

fn text(s: impl Into<String>) -> Value {
    Value::from(s.into())
}

fn int(n: u128) -> Value {
    Value::big(n.into())
}

/// Refuses what is neither text, list nor integer.
fn check_type(value: &Value, filter: &str) -> PyResult<()> {
    let fits = matches!(
        value,
        Value::Str(_)
            | Value::Vaulted(_)
            | Value::List(_)
            | Value::Int(_)
            | Value::BigInt(_)
            | Value::Bool(_)
    );
    if fits {
        return Ok(());
    }
    Err(PyError::filter(format!(
        "Unrecognized type <{}> for {filter} filter <value>",
        class_repr(value)
    )))
}

fn query_text(query: Option<Value>) -> PyResult<String> {
    match query {
        None | Some(Value::None) => Ok(String::new()),
        Some(q) => to_text(&q),
    }
}

fn ipaddr_filter(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    check_type(&value, "ipaddr")?;
    let options = [
        optional("query", Kind::Str).with_default(),
        optional("version", Kind::Int),
        optional("alias", Kind::Str),
    ];
    let (value, [query, version, alias]) = checked(value, args, ("value", Kind::Raw), options)?;
    let version = match version.as_ref().and_then(Number::of) {
        Some(Number::Int(n)) => u8::try_from(n).ok().filter(|v| *v != 0),
        _ => None,
    };
    let given = alias.filter(|a| !a.is_none()).map(|a| to_text(&a)).transpose()?;
    let found =
        ipaddr(cx, &value, &query_text(query)?, version, given.as_deref().unwrap_or(NO_ALIAS));
    // ansible.utils 2: without an alias the message of an unknown query can't be put together.
    found.map_err(|e| match e.message.starts_with(NO_ALIAS) {
        true => PyError::type_error("unsupported operand type(s) for +: 'NoneType' and 'str'"),
        false => e,
    })
}

fn ipv4(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    check_type(&value, "ipv4")?;
    let (value, [query]) =
        checked(value, args, ("value", Kind::Raw), [optional("query", Kind::Str).with_default()])?;
    ipaddr(cx, &value, &query_text(query)?, Some(4), "ipv4")
}

fn ipv6(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    check_type(&value, "ipv6")?;
    let (value, [query]) =
        checked(value, args, ("value", Kind::Raw), [optional("query", Kind::Str).with_default()])?;
    ipaddr(cx, &value, &query_text(query)?, Some(6), "ipv6")
}

fn ipwrap(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let (value, [query]) =
        checked(value, args, ("value", Kind::Raw), [optional("query", Kind::Str).with_default()])?;
    let query = query_text(query)?;
    let mut wrap = |item: &Value| -> PyResult<Value> {
        let found = ipaddr(cx, item, &query, None, "ipwrap")?;
        if ops::truth(&found)? {
            ipaddr(cx, item, "wrap", None, "ipaddr")
        } else {
            Ok(item.clone())
        }
    };
    if !access::is_sequence(&value) {
        // Whatever fails gives the value back.
        return Ok(wrap(&value).unwrap_or(value));
    }
    let wrapped: PyResult<Vec<Value>> = access::iterate(&value)?.iter().map(&mut wrap).collect();
    Ok(wrapped.map_or(value, Value::list))
}

/// Reads an address, a network, or a number as one.
fn ask(value: &Value, version: Option<u8>) -> PyResult<Option<Asked>> {
    let shown = to_text(value)?;
    if !shown.is_empty() && shown.bytes().all(|b| b.is_ascii_digit()) {
        let n: Option<u128> = shown.parse().ok();
        let as_version = |v: u8| n.and_then(|n| Net::new(v, n, if v == 4 { 32 } else { 128 }));
        let net = if version == Some(6) {
            as_version(6)
        } else {
            as_version(4).or_else(|| as_version(6))
        };
        return Ok(net.map(|net| Asked { net, value: text(net.to_string()), is_network: false }));
    }
    if let Some(net) = Net::parse(&shown) {
        let is_network = shown.split('/').count() == 2;
        return Ok(Some(Asked { net, value: value.clone(), is_network }));
    }
    // An address written as a number, with a prefix.
    let Some((address, prefix)) = shown.split_once('/') else { return Ok(None) };
    let (Ok(address), Ok(prefix)) = (address.parse::<u128>(), prefix.parse::<u32>()) else {
        return Ok(None);
    };
    let net = Net::new(4, address, prefix).or_else(|| Net::new(6, address, prefix));
    Ok(net.map(|net| Asked { net, value: text(net.to_string()), is_network: true }))
}

/// The whole of `ipaddr`: what `query` asks about `value`.
pub(super) fn ipaddr(
    cx: &mut dyn FilterContext,
    value: &Value,
    query: &str,
    version: Option<u8>,
    alias: &str,
) -> PyResult<Value> {
    if let Value::List(_) | Value::Tuple(_) = value {
        let mut out = Vec::new();
        for item in access::iterate(value)? {
            let found = ipaddr(cx, &item, query, version, "ipaddr")?;
            if ops::truth(&found)? {
                out.push(found);
            }
        }
        return Ok(Value::list(out));
    }
    let settled = settle(value)?;
    if matches!(settled.as_ref(), Value::Bool(true)) || !ops::truth(&settled)? {
        cx.warn(&format!(
            "The value '{}' is not a valid IP address or network, passing this value to ipaddr \
             filter might result in breaking change in future.",
            to_text(&settled)?
        ));
        return Ok(FALSE);
    }
    let Some(asked) = ask(&settled, version)? else { return Ok(FALSE) };
    let known = is_known(query);
    let network = if known || query.is_empty() || query.bytes().all(|b| b.is_ascii_digit()) {
        None
    } else {
        // A query that is a network asks whether the address lies in it.
        ask(&Value::str(query), None)?
            .filter(|q| q.net.value == q.net.first() || q.net.is_larger(1))
    };
    if version.is_some_and(|v| v != asked.net.version) {
        return Ok(FALSE);
    }
    if let Some(outer) = network {
        return Ok(if asked.net.is_within(&outer.net.cidr()) { asked.value } else { Value::None });
    }
    if known {
        return answer(cx, &asked, query);
    }
    if query.is_empty() {
        return Ok(text(if asked.is_network { asked.net.to_string() } else { asked.net.ip() }));
    }
    if to_float(&Value::str(query)).is_err() {
        return Err(PyError::filter(format!("{alias}: unknown filter type: {query}")));
    }
    if !asked.net.is_larger(1) {
        return Ok(text(if asked.is_network { asked.net.to_string() } else { asked.net.ip() }));
    }
    let nth = query.parse::<i128>().ok().and_then(|n| asked.net.nth(n));
    Ok(match nth {
        Some(n) => text(format!("{}/{}", asked.net.address(n), asked.net.prefix)),
        None => FALSE,
    })
}

fn is_known(query: &str) -> bool {
    matches!(
        query,
        "6to4"
            | "address"
            | "address/prefix"
            | "bool"
            | "broadcast"
            | "cidr"
            | "first_usable"
            | "gateway"
            | "gw"
            | "host"
            | "host/prefix"
            | "hostmask"
            | "hostnet"
            | "int"
            | "ip"
            | "ip/prefix"
            | "ip_netmask"
            | "ipv4"
            | "ipv6"
            | "last_usable"
            | "link-local"
            | "lo"
            | "loopback"
            | "multicast"
            | "net"
            | "next_usable"
            | "netmask"
            | "network"
            | "network_id"
            | "network/prefix"
            | "network_netmask"
            | "network_wildcard"
            | "peer"
            | "prefix"
            | "previous_usable"
            | "private"
            | "public"
            | "range_usable"
            | "revdns"
            | "router"
            | "size"
            | "size_usable"
            | "subnet"
            | "type"
            | "unicast"
            | "v4"
            | "v6"
            | "version"
            | "wildcard"
            | "wrap"
    )
}

/// The first and last address that a host may have.
pub(super) fn usable(net: &Net) -> Option<(u128, u128)> {
    match (net.is_larger(1), net.is_larger(2)) {
        (true, true) => Some((net.first() + 1, net.last() - 1)),
        (true, false) => Some((net.first(), net.last())),
        _ => None,
    }
}

fn not_a_network() -> PyError {
    PyError::filter("Not a network address")
}

fn answer(cx: &mut dyn FilterContext, asked: &Asked, query: &str) -> PyResult<Value> {
    let net = &asked.net;
    let is_host = net.value != net.first();
    let is_single = !net.is_larger(1);
    let when = |yes: bool| if yes { asked.value.clone() } else { Value::None };
    let maybe = |yes: bool, shown: String| if yes { text(shown) } else { Value::None };
    Ok(match query {
        "bool" => Value::Bool(true),
        "address" | "ip" => {
            let shown = is_single || is_host || net.broadcast().is_none() || net.version == 6;
            maybe(shown, net.ip())
        }
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            let is_end = net.value == net.first() || Some(net.value) == net.broadcast();
            if net.is_larger(2) && is_end { FALSE } else { text(net.to_string()) }
        }
        "broadcast" => match net.broadcast().filter(|_| net.is_larger(2)) {
            Some(b) => text(net.address(b)),
            None => Value::None,
        },
        "cidr" => text(net.to_string()),
        "host" => maybe(is_single || is_host || net.broadcast().is_none(), net.to_string()),
        "hostmask" | "wildcard" => text(net.address(net.hostmask())),
        "netmask" => text(net.address(net.netmask())),
        "int" if asked.is_network => text(format!("{}/{}", net.value, net.prefix)),
        "int" => int(net.value),
        "ip/prefix" => maybe(!is_single && (is_host || !net.is_larger(2)), net.to_string()),
        "ip_netmask" => maybe(
            !is_single && (is_host || !net.is_larger(2)),
            format!("{} {}", net.ip(), net.address(net.netmask())),
        ),
        "net" => maybe(!is_single && !is_host, net.to_string()),
        "network" | "network_id" => text(net.address(net.first())),
        "network/prefix" | "subnet" => text(net.cidr().to_string()),
        "network_netmask" => {
            text(format!("{} {}", net.address(net.first()), net.address(net.netmask())))
        }
        "network_wildcard" => {
            text(format!("{} {}", net.address(net.first()), net.address(net.hostmask())))
        }
        "prefix" => Value::Int(i64::from(net.prefix)),
        "version" => Value::Int(i64::from(net.version)),
        "size" => Value::big(net.size()),
        "size_usable" => match (is_single, net.is_larger(2)) {
            (true, _) => Value::Int(0),
            (_, false) => Value::Int(2),
            _ => Value::big(net.size() - 2),
        },
        "type" => text(if is_single || is_host { "address" } else { "network" }),
        "revdns" => text(net.reverse_name()),
        "link-local" => {
            let address = Net { prefix: net.width(), ..*net };
            when(address.is_in(&["169.254.0.0/16", "fe80::/10"]))
        }
        "loopback" | "lo" => when(Net { prefix: net.width(), ..*net }.is_loopback()),
        "multicast" => when(net.is_multicast()),
        "unicast" => when(!net.is_multicast()),
        "private" => when(net.is_private()),
        "public" => {
            let address = Net { prefix: net.width(), ..*net };
            when(
                !address.is_multicast()
                    && !address.is_private()
                    && !address.is_loopback()
                    && !address.is_mask(),
            )
        }
        "wrap" if net.version == 4 => asked.value.clone(),
        "wrap" if asked.is_network => text(format!("[{}]/{}", net.ip(), net.prefix)),
        "wrap" => text(format!("[{}]", net.ip())),
        "ipv4" | "v4" => other_version(asked, 4),
        "ipv6" | "v6" => other_version(asked, 6),
        "6to4" => return six_to_four(cx, asked),
        _ => return within(asked, query),
    })
}

/// The address in the other version: version 4 is mapped into `::ffff:0:0/96`.
fn other_version(asked: &Asked, version: u8) -> Value {
    const MAPPED: u128 = 0xffff_0000_0000;
    let net = &asked.net;
    match (net.version, version) {
        (4, 6) => {
            text(Net { version: 6, value: net.value | MAPPED, prefix: net.prefix + 96 }.to_string())
        }
        (6, 4) => {
            let low = net.value & u128::from(u32::MAX);
            let is_mapped = net.value == low | MAPPED || net.value == low;
            let prefix = net.prefix.checked_sub(96).filter(|_| is_mapped);
            match prefix.and_then(|prefix| Net::new(4, low, prefix)) {
                Some(v4) => text(v4.to_string()),
                None => FALSE,
            }
        }
        _ => asked.value.clone(),
    }
}

fn six_to_four(cx: &mut dyn FilterContext, asked: &Asked) -> PyResult<Value> {
    let net = &asked.net;
    if net.version == 4 {
        if net.is_larger(1) && net.value == net.first() {
            return Ok(FALSE);
        }
        let ip = text(net.ip());
        let public = ipaddr(cx, &ip, "public", None, "ipaddr")?;
        let private = ipaddr(cx, &ip, "private", None, "ipaddr")?;
        if !ops::truth(&public)? && !ops::truth(&private)? {
            return Ok(FALSE);
        }
        let v = net.value;
        return Ok(text(format!(
            "2002:{:02x}{:02x}:{:02x}{:02x}::1/48",
            v >> 24 & 0xff,
            v >> 16 & 0xff,
            v >> 8 & 0xff,
            v & 0xff
        )));
    }
    let address = Net { prefix: 128, ..*net };
    let fits = address.is_in(&["2002::/16"]);
    let asked_for_one = !asked.is_network || net.value != net.first();
    Ok(if fits && asked_for_one { asked.value.clone() } else { FALSE })
}

/// Queries about the addresses that hosts in a network may have.
fn within(asked: &Asked, query: &str) -> PyResult<Value> {
    if !asked.is_network {
        return Err(not_a_network());
    }
    let net = &asked.net;
    if query == "peer" {
        let peer = match (net.width() - net.prefix, net.value % 4) {
            (1, _) => net.value ^ 1,
            (2, 0) => return Err(PyError::filter("Network address of /30 has no peer")),
            (2, 3) => return Err(PyError::filter("Broadcast address of /30 has no peer")),
            (2, _) => net.value ^ 3,
            _ => return Err(PyError::filter("Not a point-to-point network")),
        };
        return Ok(text(net.address(peer)));
    }
    let Some((first, last)) = usable(net) else { return Ok(Value::None) };
    let near = |n: Option<u128>| match n.filter(|n| (first..=last).contains(n)) {
        Some(n) => text(net.address(n)),
        None => Value::None,
    };
    Ok(match query {
        "first_usable" => text(net.address(first)),
        "last_usable" => text(net.address(last)),
        "next_usable" => near(net.value.checked_add(1)),
        "previous_usable" => near(net.value.checked_sub(1)),
        "range_usable" => text(format!("{}-{}", net.address(first), net.address(last))),
        other => {
            return Err(PyError::filter(format!(
                "ipaddr: unknown filter type: {}",
                repr(&Value::str(other))?
            )));
        }
    })
}
