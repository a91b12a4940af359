//! Networks in networks: `ipsubnet`, `nthhost`, `cidr_merge` and their kin.

use num_bigint::BigInt;

use super::{
    super::{
        Filter,
        schema::{Kind, checked, optional},
    },
    Net,
    query::{ipaddr, usable},
};
use crate::template::{
    CallArgs, FilterContext,
    args::{index, to_int},
};
use crate::value::{
    Dict, PyError, PyResult, Value, access,
    ops::{self, CmpOp},
    repr::{repr, to_text},
    types::class_repr,
};

pub(in crate::template::filters) static FILTERS: &[Filter] = &[
    Filter::redirected("ansible.utils", "ipsubnet", "Subnets of a network.", ipsubnet),
    Filter::redirected("ansible.utils", "ipmath", "An address so much further on.", ipmath),
    Filter::redirected("ansible.utils", "nthhost", "An address of a network.", nthhost),
    Filter::redirected("ansible.utils", "next_nth_usable", "A later address.", next_nth_usable),
    Filter::redirected(
        "ansible.utils",
        "previous_nth_usable",
        "An earlier one.",
        previous_nth_usable,
    ),
    Filter::redirected("ansible.utils", "network_in_network", "Whether it lies in it.", in_network),
    Filter::redirected(
        "ansible.utils",
        "network_in_usable",
        "The same without the ends.",
        in_usable,
    ),
    Filter::redirected("ansible.utils", "reduce_on_network", "Those that lie in it.", reduce),
    Filter::redirected("ansible.utils", "cidr_merge", "The fewest networks for all.", cidr_merge),
    Filter::redirected("ansible.utils", "ip4_hex", "The address in hexadecimal.", ip4_hex),
    Filter::collection("ansible.utils", "usable_range", "All usable addresses.", usable_range),
];

const FALSE: Value = Value::Bool(false);

fn text(s: impl Into<String>) -> Value {
    Value::from(s.into())
}

/// The network of an address, or the network itself, without the host's bits.
fn normal(cx: &mut dyn FilterContext, value: &Value) -> PyResult<Option<Net>> {
    let kind = ipaddr(cx, value, "type", None, "ipaddr")?;
    let query = match kind.as_str() {
        Some("address") => "cidr",
        Some("network") => "subnet",
        _ => return Ok(None),
    };
    let found = ipaddr(cx, value, query, None, "ipaddr")?;
    Ok(found.as_str().and_then(Net::parse))
}

fn ipsubnet(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("query", Kind::Str).with_default(), optional("index", Kind::Int)];
    let (value, [query, at]) = checked(value, args, ("value", Kind::Str), options)?;
    let Some(net) = normal(cx, &value)? else { return Ok(FALSE) };
    let net = net.cidr();
    let query = query.map_or_else(|| Ok(String::new()), |q| to_text(&q))?;
    if query.is_empty() {
        return Ok(text(net.to_string()));
    }
    let at = match at.filter(|a| !a.is_none()) {
        Some(a) => Some(index(&to_int(&a)?)?),
        None => None,
    };
    let is_single = !net.is_larger(1);
    let Ok(prefix) = query.parse::<u32>() else { return rank(cx, &net, &query) };
    if prefix > net.width() {
        return Ok(FALSE);
    }
    if is_single {
        let width = i64::from(net.width());
        // The networks around an address, largest first.
        let Some(at) = at else {
            return Ok(text(Net { prefix, ..net }.cidr().to_string()));
        };
        if at > width + 1 - at || at < i64::from(prefix) - width {
            return Ok(FALSE);
        }
        let count = width - i64::from(prefix);
        let place = if at < 0 { at + count } else { at };
        let chosen = u32::try_from(i64::from(prefix) + place).ok();
        let Some(chosen) = chosen.filter(|_| (0..count).contains(&place)) else {
            return Err(PyError::new(
                crate::value::PyErrorKind::IndexError,
                "list index out of range",
            ));
        };
        return Ok(text(Net { prefix: chosen, ..net }.cidr().to_string()));
    }
    let Some(bits) = prefix.checked_sub(net.prefix) else {
        return match at {
            None => Err(PyError::filter(format!("Requested subnet size of {prefix} is invalid"))),
            Some(_) => Ok(FALSE),
        };
    };
    let subnets = BigInt::from(1) << bits;
    let Some(at) = at else { return Ok(text(subnets.to_string())) };
    let at = if at < 0 { BigInt::from(at) + &subnets } else { BigInt::from(at) };
    if at < BigInt::from(0) || at >= subnets {
        return Ok(FALSE);
    }
    let offset = u128::try_from(&at).unwrap_or(0);
    let shift = net.width() - prefix;
    let value = net.first() + if shift == 128 { 0 } else { offset << shift };
    Ok(text(Net { value, prefix, ..net }.to_string()))
}

/// Which subnet of `query` the network is, from 1.
fn rank(cx: &mut dyn FilterContext, net: &Net, query: &str) -> PyResult<Value> {
    let Some(outer) = normal(cx, &Value::str(query))? else {
        return Err(PyError::filter(format!(
            "You must pass a valid subnet or IP address; {query} is invalid"
        )));
    };
    let width = net.width();
    let high =
        |n: u128, prefix: u32| if prefix == 0 { 0 } else { n >> (width - prefix.min(width)) };
    if high(net.value, outer.prefix) != high(outer.value, outer.prefix) {
        return Err(PyError::filter(format!(
            "{} is not in the subnet {}",
            net.cidr(),
            outer.cidr()
        )));
    }
    let inner = net.prefix.saturating_sub(outer.prefix);
    let mask = if inner >= 128 { u128::MAX } else { (1 << inner) - 1 };
    Ok(text((high(net.value, net.prefix) & mask).saturating_add(1).to_string()))
}

fn ipmath(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    if value.is_none() {
        return Err(PyError::type_error("argument of type 'NoneType' is not iterable"));
    }
    let options = [optional("amount", Kind::Int)];
    let (value, [amount]) = checked(value, args, ("value", Kind::Str), options)?;
    let shown = to_text(&value)?;
    let net = if shown.contains('/') {
        Net::parse(&shown)
    } else {
        super::parse_ip(&shown).and_then(|(version, value)| {
            Net::new(version, value, if version == 4 { 32 } else { 128 })
        })
    };
    let Some(net) = net else {
        return Err(PyError::filter(format!(
            "You must pass a valid IP address; {shown} is invalid"
        )));
    };
    let amount = amount.unwrap_or(Value::None);
    let number = match to_int(&amount) {
        Ok(Value::Int(n)) => i128::from(n),
        _ => {
            return Err(PyError::filter(format!(
                "You must pass an integer for arithmetic; {} is not a valid integer",
                to_text(&amount)?
            )));
        }
    };
    let moved = if number < 0 {
        net.value.checked_sub(number.unsigned_abs())
    } else {
        net.value.checked_add(number.unsigned_abs())
    };
    match moved.and_then(|value| Net::new(net.version, value, 0)) {
        Some(moved) => Ok(text(moved.ip())),
        None => Err(PyError::new(
            crate::value::PyErrorKind::IndexError,
            "result outside valid IP address boundary!",
        )),
    }
}

fn nthhost(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("query", Kind::Str)];
    let (value, [query]) = checked(value, args, ("value", Kind::Str), options)?;
    let (Some(net), Some(query)) = (normal(cx, &value)?, query) else { return Ok(FALSE) };
    let query = to_text(&query)?;
    let Some(n) = query.trim().parse::<i128>().ok() else { return Ok(FALSE) };
    if BigInt::from(n) >= net.size() {
        return Ok(FALSE);
    }
    match net.nth(n) {
        Some(address) => Ok(text(net.address(address))),
        None => Err(PyError::new(
            crate::value::PyErrorKind::IndexError,
            "index out range for address range size!",
        )),
    }
}

/// The address `offset` from the one written, if a host may have it.
fn near(
    cx: &mut dyn FilterContext,
    value: &Value,
    offset: Option<Value>,
    sign: i128,
) -> PyResult<Value> {
    let Some(net) = normal(cx, value)? else { return Ok(FALSE) };
    let offset = match to_int(&offset.unwrap_or(Value::None)) {
        Ok(Value::Int(n)) => i128::from(n) * sign,
        _ => return Err(PyError::filter("Must pass in an integer")),
    };
    let Some((first, last)) = usable(&net) else { return Ok(Value::None) };
    let moved = if offset < 0 {
        net.value.checked_sub(offset.unsigned_abs())
    } else {
        net.value.checked_add(offset.unsigned_abs())
    };
    Ok(match moved.filter(|n| (first..=last).contains(n)) {
        Some(n) => text(net.address(n)),
        None => Value::None,
    })
}

fn next_nth_usable(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("offset", Kind::Int)];
    let (value, [offset]) = checked(value, args, ("value", Kind::Str), options)?;
    near(cx, &value, offset, 1)
}

fn previous_nth_usable(
    cx: &mut dyn FilterContext,
    value: Value,
    args: CallArgs,
) -> PyResult<Value> {
    let options = [optional("offset", Kind::Int)];
    let (value, [offset]) = checked(value, args, ("value", Kind::Str), options)?;
    near(cx, &value, offset, -1)
}

/// The ends of a network as numbers; what is no network fails as comparing booleans would.
fn ends(cx: &mut dyn FilterContext, value: &Value) -> PyResult<Option<(Net, u128, u128)>> {
    Ok(normal(cx, value)?.map(|net| {
        let net = net.cidr();
        let last = if net.is_larger(2) { net.last() } else { net.first() };
        (net, net.first(), last)
    }))
}

fn in_network(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("test", Kind::Str)];
    let (value, [test]) = checked(value, args, ("value", Kind::Str), options)?;
    let outer = ends(cx, &value)?;
    let inner = ends(cx, &test.unwrap_or(Value::None))?;
    Ok(Value::Bool(match (outer, inner) {
        (Some((_, first, last)), Some((_, a, b))) => {
            (first..=last).contains(&a) && (first..=last).contains(&b)
        }
        // Neither is an address: both are false, and so within each other.
        (None, None) => true,
        _ => false,
    }))
}

fn in_usable(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("test", Kind::Str)];
    let (value, [test]) = checked(value, args, ("value", Kind::Str), options)?;
    let Some(outer) = normal(cx, &value)? else { return Ok(FALSE) };
    let (first, last) = usable(&outer.cidr()).unwrap_or((outer.value, outer.value));
    Ok(Value::Bool(match ends(cx, &test.unwrap_or(Value::None))? {
        Some((_, a, b)) => (first..=last).contains(&a) && (first..=last).contains(&b),
        None => false,
    }))
}

fn reduce(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("network", Kind::Str)];
    let (value, [network]) = checked(value, args, ("value", Kind::Texts), options)?;
    let Some((_, first, last)) = ends(cx, &network.unwrap_or(Value::None))? else {
        return Ok(Value::list(Vec::new()));
    };
    let mut kept = Vec::new();
    for item in access::iterate(&value)? {
        if let Some((_, a, b)) = ends(cx, &item)?
            && (first..=last).contains(&a)
            && (first..=last).contains(&b)
        {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn cidr_merge(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("action", Kind::Str).with_default()];
    let (value, [action]) = checked(value, args, ("value", Kind::Texts), options)?;
    if !access::is_iterable(&value)? {
        return Err(PyError::filter(format!(
            "cidr_merge: expected iterable, got {}",
            repr(&value)?
        )));
    }
    let action = action.map_or_else(|| Ok("merge".to_owned()), |a| to_text(&a))?;
    if !matches!(action.as_str(), "merge" | "span") {
        return Err(PyError::filter(format!("cidr_merge: invalid action '{action}'")));
    }
    let mut nets = Vec::new();
    for item in access::iterate(&value)? {
        let shown = to_text(&item)?;
        nets.push(Net::parse(&shown).ok_or_else(|| {
            PyError::filter(format!("cidr_merge: error in netaddr:\ninvalid IPNetwork {shown}"))
        })?);
    }
    if action == "merge" {
        return Ok(merged(nets).into_iter().map(|n| text(n.to_string())).collect());
    }
    match nets.as_slice() {
        [] => Ok(Value::None),
        [one] => Ok(text(one.to_string())),
        _ => span(&nets),
    }
}

/// The fewest networks that have just the same addresses.
fn merged(mut nets: Vec<Net>) -> Vec<Net> {
    nets.sort_by_key(|n| (n.version, n.last(), n.first()));
    // Ranges of addresses, with the network if it is still one as it was written.
    let mut ranges: Vec<(u8, u128, u128, Option<Net>)> =
        nets.iter().map(|n| (n.version, n.first(), n.last(), Some(*n))).collect();
    for i in (1..ranges.len()).rev() {
        let (before, this) = (&ranges[i - 1], &ranges[i]);
        if before.0 == this.0 && this.1.saturating_sub(1) <= before.2 {
            ranges[i - 1] = (this.0, before.1.min(this.1), this.2, None);
            ranges.remove(i);
        }
    }
    let mut out = Vec::new();
    for (version, first, last, net) in ranges {
        match net {
            Some(net) => out.push(net),
            None => out.extend(networks_of(version, first, last)),
        }
    }
    out
}

/// The networks that make up a range of addresses.
fn networks_of(version: u8, first: u128, last: u128) -> Vec<Net> {
    let width: u32 = if version == 4 { 32 } else { 128 };
    let mut out = Vec::new();
    let mut at = first;
    loop {
        let mut bits = at.trailing_zeros().min(width);
        // As large as it starts, but not beyond the end.
        while bits > 0 && (bits == 128 || last - at < (1 << bits) - 1) {
            if bits == 128 && at == 0 && last == u128::MAX {
                break;
            }
            bits -= 1;
        }
        out.extend(Net::new(version, at, width - bits));
        let size = if bits == 128 { u128::MAX } else { (1 << bits) - 1 };
        match at.checked_add(size).filter(|end| *end < last) {
            Some(end) => at = end + 1,
            None => return out,
        }
    }
}

/// The one network that holds all.
fn span(nets: &[Net]) -> PyResult<Value> {
    let key = |n: &&Net| (n.version, n.first(), std::cmp::Reverse(n.last()));
    let (Some(low), Some(high)) = (nets.iter().min_by_key(key), nets.iter().max_by_key(key)) else {
        return Ok(Value::None);
    };
    if low.version != high.version {
        return Err(PyError::filter(
            "cidr_merge: error in netaddr:\nIP sequence cannot contain both IPv4 and IPv6!",
        ));
    }
    let mut net = Net { value: high.last(), ..*high };
    while net.prefix > 0 && net.value > low.first() {
        net.prefix -= 1;
        net.value &= net.netmask();
    }
    Ok(text(net.to_string()))
}

fn ip4_hex(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("delimiter", Kind::Str).with_default()];
    let (value, [delimiter]) = checked(value, args, ("arg", Kind::Str), options)?;
    let delimiter = delimiter.map_or_else(|| Ok(String::new()), |d| to_text(&d))?;
    let mut parts = Vec::new();
    for part in to_text(&value)?.split('.').take(4) {
        let n = to_int(&Value::str(part))?;
        parts.push(crate::value::format::format_value(&n, "02x")?);
    }
    if parts.len() < 4 {
        return Err(PyError::new(
            crate::value::PyErrorKind::IndexError,
            format!("Replacement index {} out of range for positional args tuple", parts.len()),
        ));
    }
    Ok(text(parts.join(&delimiter)))
}

fn usable_range(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let [] = args.bind("_usable_range", &["ip"], &[], 0)?;
    let shown = to_text(&value)?;
    let failed =
        |why: String| PyError::filter(format!("Error while using plugin 'usable_range': {why}"));
    if !matches!(value, Value::Str(_) | Value::Bytes(_)) {
        return Err(failed(format!("not expecting type '{}'", class_repr(&value))));
    }
    let Some(net) = Net::parse(&shown) else {
        return Err(failed(format!("'{shown}' does not appear to be an IPv4 or IPv6 network")));
    };
    if net.value != net.first() {
        return Err(failed(format!("{shown} has host bits set")));
    }
    // More could not be held in memory.
    if ops::compare(&Value::big(net.size()), &Value::Int(1 << 24), CmpOp::Gt)? {
        return Err(failed(format!("{shown} has too many addresses to list")));
    }
    let addresses = (net.first()..=net.last()).map(|n| text(net.address(n))).collect();
    let out: Dict = [("usable_ips", addresses), ("number_of_ips", Value::big(net.size()))]
        .into_iter()
        .collect();
    Ok(out.into())
}
