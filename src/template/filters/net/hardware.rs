//! Hardware addresses: `hwaddr`, `macaddr`, `slaac`.

use super::{
    super::{
        Filter,
        schema::{Kind, checked, optional},
    },
    Net,
    query::ipaddr,
};
use crate::template::{CallArgs, FilterContext};
use crate::value::{PyError, PyResult, Value, repr::to_text};

pub(in crate::template::filters) static FILTERS: &[Filter] = &[
    Filter::redirected("ansible.utils", "hwaddr", "A hardware address in a form.", hwaddr_filter),
    Filter::collection("ansible.utils", "macaddr", "A hardware address in a form.", macaddr),
    Filter::redirected("ansible.utils", "slaac", "The address that a host gives itself.", slaac),
];

/// The 48 bits that `text` writes in one of the usual forms.
fn parse(text: &str) -> Option<u64> {
    let hex = |part: &str, most: usize| -> Option<u64> {
        let fits =
            !part.is_empty() && part.len() <= most && part.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { u64::from_str_radix(part, 16).ok() } else { None }
    };
    for separator in [':', '-', '.'] {
        let parts: Vec<&str> = text.split(separator).collect();
        let (digits, bits) = match (parts.len(), separator) {
            (6, ':' | '-') => (2, 8),
            (3, _) => (4, 16),
            (2, ':' | '-') => (6, 24),
            _ => continue,
        };
        if digits == 6 && parts.iter().any(|p| p.len() < 5) {
            continue;
        }
        return parts.iter().try_fold(0, |all, part| Some(all << bits | hex(part, digits)?));
    }
    if (11..=12).contains(&text.len()) { hex(text, 12) } else { None }
}

/// The words of an address, `digits` wide at least.
fn words(address: u64, bits: u32, separator: &str, digits: usize, upper: bool) -> String {
    let count = 48 / bits;
    let mask = (1_u64 << bits) - 1;
    let parts: Vec<String> = (0..count)
        .rev()
        .map(|i| {
            let word = address >> (i * bits) & mask;
            if upper { format!("{word:0digits$X}") } else { format!("{word:0digits$x}") }
        })
        .collect();
    parts.join(separator)
}

fn hwaddr(value: &Value, query: &str, alias: &str) -> PyResult<Value> {
    let parsed = match value {
        Value::Int(n) => u64::try_from(*n).ok().filter(|n| *n < 1 << 48),
        other => parse(&to_text(other)?),
    };
    let Some(address) = parsed else {
        if !query.is_empty() && query != "bool" {
            return Err(PyError::filter(format!(
                "{alias}: not a hardware address: {}",
                to_text(value)?
            )));
        }
        return Ok(Value::None);
    };
    Ok(match query {
        // An address of zeros is none.
        "" => {
            if address == 0 {
                Value::None
            } else {
                value.clone()
            }
        }
        "bool" => {
            if address == 0 {
                Value::None
            } else {
                Value::Bool(true)
            }
        }
        "int" => Value::Int(i64::try_from(address).unwrap_or(i64::MAX)),
        "bare" => Value::from(words(address, 48, "", 12, true)),
        "cisco" => Value::from(words(address, 16, ".", 4, false)),
        "linux" => Value::from(words(address, 8, ":", 2, false)),
        "unix" => Value::from(words(address, 8, ":", 1, false)),
        "eui48" | "win" => Value::from(words(address, 8, "-", 2, true)),
        "pgsql" | "postgresql" | "psql" => Value::from(words(address, 24, ":", 6, false)),
        other => return Err(PyError::filter(format!("{alias}: unknown filter type: {other}"))),
    })
}

fn query_of(query: Option<Value>) -> PyResult<String> {
    query.filter(|q| !q.is_none()).map_or_else(|| Ok(String::new()), |q| to_text(&q))
}

fn hwaddr_filter(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options =
        [optional("query", Kind::Str).with_default(), optional("alias", Kind::Str).with_default()];
    let (value, [query, alias]) = checked(value, args, ("value", Kind::Str), options)?;
    let alias = alias.map_or_else(|| Ok("hwaddr".to_owned()), |a| to_text(&a))?;
    hwaddr(&value, &query_of(query)?, &alias)
}

fn macaddr(_cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let (value, [query]) =
        checked(value, args, ("value", Kind::Str), [optional("query", Kind::Str).with_default()])?;
    hwaddr(&value, &query_of(query)?, "macaddr")
}

fn slaac(cx: &mut dyn FilterContext, value: Value, args: CallArgs) -> PyResult<Value> {
    let options = [optional("query", Kind::Str)];
    let (value, [query]) = checked(value, args, ("value", Kind::Str), options)?;
    let query = query_of(query)?;
    let subnet = ipaddr(cx, &value, "subnet", None, "ipaddr")?;
    let net = subnet.as_str().and_then(Net::parse).filter(|n| n.version == 6);
    let (Some(net), Some(mac)) = (net, parse(&query)) else { return Ok(Value::Bool(false)) };
    // The address with `fffe` in its middle and the bit of universality turned.
    let (high, low) = (mac >> 24, mac & 0xff_ffff);
    let interface = (high << 40 | 0xff_fe00_0000 | low) ^ 0x0200_0000_0000_0000;
    Ok(Value::from(net.address(net.first() + u128::from(interface))))
}
