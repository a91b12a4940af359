//! Tests of addresses, as `ansible.utils` brings them.

use super::Test;
use crate::template::{
    CallArgs, FilterContext,
    filters::{Net, parse_ip},
};
use crate::value::{
    PyError, PyResult, Value, access,
    ops::settle,
    regex::{Flags, Pattern},
    repr::to_text,
    types::type_name,
};

pub(super) static TESTS: &[Test] = &[
    Test::collection("ansible.utils", "ip", "An address or network.", ip),
    Test::collection("ansible.utils", "ip_address", "An address.", ip_address),
    Test::collection("ansible.utils", "ipv4", "An address or network of version 4.", ipv4),
    Test::collection("ansible.utils", "ipv6", "An address or network of version 6.", ipv6),
    Test::collection("ansible.utils", "ipv4_address", "An address of version 4.", ipv4_address),
    Test::collection("ansible.utils", "ipv6_address", "An address of version 6.", ipv6_address),
    Test::collection("ansible.utils", "ipv4_netmask", "A netmask of version 4.", ipv4_netmask),
    Test::collection("ansible.utils", "ipv4_hostmask", "A hostmask of version 4.", ipv4_hostmask),
    Test::collection("ansible.utils", "ipv6_ipv4_mapped", "A mapped address.", ipv4_mapped),
    Test::collection("ansible.utils", "ipv6_sixtofour", "A 6to4 address.", sixtofour),
    Test::collection("ansible.utils", "ipv6_teredo", "A Teredo address.", teredo),
    Test::collection("ansible.utils", "loopback", "The machine itself.", loopback),
    Test::collection("ansible.utils", "multicast", "A multicast address.", multicast),
    Test::collection("ansible.utils", "private", "An address for local use.", private),
    Test::collection("ansible.utils", "public", "An address for all the world.", public),
    Test::collection("ansible.utils", "reserved", "A reserved address.", reserved),
    Test::collection("ansible.utils", "unspecified", "The address of zeros.", unspecified),
    Test::collection("ansible.utils", "in_network", "In a network.", in_network),
    Test::collection("ansible.utils", "subnet_of", "In a network.", subnet_of),
    Test::collection("ansible.utils", "supernet_of", "A network around another.", supernet_of),
    Test::collection("ansible.utils", "in_any_network", "In one of several.", in_any_network),
    Test::collection("ansible.utils", "in_one_network", "In just one of several.", in_one_network),
    Test::collection("ansible.utils", "mac", "A hardware address.", mac),
];

/// A network without bits of a host, as Python's `ipaddress` reads it.
fn network(value: &Value) -> PyResult<Option<Net>> {
    let text = to_text(value)?;
    let address = text.split('/').next().unwrap_or("");
    if parse_ip(address).is_none() {
        return Ok(None);
    }
    Ok(Net::parse(&text).filter(|n| n.value == n.first()))
}

/// An address alone, as a network of one.
fn address(value: &Value) -> PyResult<Option<Net>> {
    Ok(parse_ip(&to_text(value)?)
        .and_then(|(version, value)| Net::new(version, value, if version == 4 { 32 } else { 128 })))
}

fn of_network(value: &Value, args: CallArgs, check: impl Fn(&Net) -> bool) -> PyResult<Value> {
    let [] = args.bind("_ip", &["ip"], &[], 0)?;
    Ok(Value::Bool(network(value)?.is_some_and(|n| check(&n))))
}

fn of_address(value: &Value, args: CallArgs, check: impl Fn(&Net) -> bool) -> PyResult<Value> {
    let [] = args.bind("_ip", &["ip"], &[], 0)?;
    Ok(Value::Bool(address(value)?.is_some_and(|n| check(&n))))
}

fn ip(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_network(&value, args, |_| true)
}

fn ip_address(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |_| true)
}

fn ipv4(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_network(&value, args, |n| n.version == 4)
}

fn ipv6(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_network(&value, args, |n| n.version == 6)
}

fn ipv4_address(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| n.version == 4)
}

fn ipv6_address(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| n.version == 6)
}

/// Whether the text is the mask that a network with it behind the slash has.
fn mask(value: &Value, args: CallArgs, mask: impl Fn(&Net) -> u128) -> PyResult<Value> {
    let [] = args.bind("_ipv4_mask", &["mask"], &[], 0)?;
    let text = to_text(value)?;
    let net = Net::parse(&format!("10.0.0.0/{text}")).filter(|n| n.value == n.first());
    Ok(Value::Bool(net.is_some_and(|n| n.address(mask(&n)) == text)))
}

fn ipv4_netmask(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    mask(&value, args, Net::netmask)
}

fn ipv4_hostmask(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    mask(&value, args, Net::hostmask)
}

fn ipv4_mapped(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| n.is_in(&["::ffff:0:0/96"]))
}

fn sixtofour(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| n.is_in(&["2002::/16"]))
}

fn teredo(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| n.is_in(&["2001::/32"]))
}

fn loopback(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, Net::is_loopback)
}

fn multicast(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, Net::is_multicast)
}

/// Python 3.11's `is_private`.
fn is_private(net: &Net) -> bool {
    net.is_in(&[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/29",
        "192.0.0.170/31",
        "192.0.2.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "::1/128",
        "::/128",
        "::ffff:0:0/96",
        "100::/64",
        "2001::/23",
        "2001:2::/48",
        "2001:db8::/32",
        "2001:10::/28",
        "fc00::/7",
        "fe80::/10",
    ])
}

fn private(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, is_private)
}

fn public(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| !is_private(n) && !n.is_in(&["100.64.0.0/10"]))
}

fn reserved(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| {
        n.is_in(&[
            "240.0.0.0/4",
            "::/8",
            "100::/8",
            "200::/7",
            "400::/6",
            "800::/5",
            "1000::/4",
            "4000::/3",
            "6000::/3",
            "8000::/3",
            "a000::/3",
            "c000::/3",
            "e000::/4",
            "f000::/5",
            "f800::/6",
            "fe00::/9",
        ])
    })
}

fn unspecified(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    of_address(&value, args, |n| n.value == 0)
}

fn lies_in(inner: &Value, outer: &Value) -> PyResult<bool> {
    Ok(match (network(inner)?, network(outer)?) {
        (Some(inner), Some(outer)) => inner.is_within(&outer),
        _ => false,
    })
}

fn in_network(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [outer] = args.bind("_in_network", &["ip"], &["network"], 1)?;
    lies_in(&value, &outer.unwrap_or(Value::None)).map(Value::Bool)
}

fn subnet_of(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [outer] = args.bind("_subnet_of", &["network_a"], &["network_b"], 1)?;
    lies_in(&value, &outer.unwrap_or(Value::None)).map(Value::Bool)
}

fn supernet_of(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [inner] = args.bind("_supernet_of", &["network_a"], &["network_b"], 1)?;
    lies_in(&inner.unwrap_or(Value::None), &value).map(Value::Bool)
}

fn count(value: &Value, args: CallArgs, function: &str) -> PyResult<usize> {
    let [networks] = args.bind(function, &["ip"], &["networks"], 1)?;
    let mut found = 0;
    for outer in access::iterate(&networks.unwrap_or(Value::None))? {
        found += usize::from(lies_in(value, &outer)?);
    }
    Ok(found)
}

fn in_any_network(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(Value::Bool(count(&value, args, "_in_any_network")? > 0))
}

fn in_one_network(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    Ok(Value::Bool(count(&value, args, "_in_one_network")? == 1))
}

fn mac(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("_mac", &["mac"], &[], 0)?;
    let settled = settle(&value)?;
    let text = match settled.as_ref() {
        Value::Str(text) => text,
        Value::Bytes(_) => {
            let why = "cannot use a string pattern on a bytes-like object";
            return Err(PyError::type_error(why));
        }
        other => {
            let class = type_name(other);
            let why = format!("expected string or bytes-like object, got '{class}'");
            return Err(PyError::type_error(why));
        }
    };
    let forms =
        r"^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}$|^[0-9a-f]{12}$";
    let flags = Flags { ignore_case: true, ..Flags::default() };
    Ok(Value::Bool(Pattern::new(forms, flags)?.match_start(text)?.is_some()))
}
