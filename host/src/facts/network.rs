//! Network interfaces, their addresses, and the way out.

use std::net::Ipv4Addr;

use serde_json::json;

use super::{Collector, content, names, output};
use crate::context::Context;
use crate::data::{Data, Map};

pub static COLLECTOR: Collector = Collector { name: "network", subsets: &["network"], collect };

fn collect(cx: &mut Context<'_>, facts: &mut Map) {
    if cx.target.find_program("ip", &[]).is_none() {
        return;
    }
    // Nothing is sent: the kernel is asked which way a packet would go.
    let mut default4 = default_route(cx, "-4", "8.8.8.8");
    let mut default6 = default_route(cx, "-6", "2404:6800:400a:800::1012");
    let mut all = Vec::new();
    let addresses = addresses(cx);
    for name in names(cx, "/sys/class/net") {
        let folder = format!("/sys/class/net/{name}");
        if cx.target.is_dir(folder.as_ref()) {
            all.push((name.clone(), interface(cx, &name, &folder)));
        }
    }
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for address in &addresses {
        address.add_to(&mut all);
        let device = all.iter().find(|(name, _)| *name == address.device).map(|(_, d)| d.clone());
        let Some(device) = device else { continue };
        let default = if address.six { &mut default6 } else { &mut default4 };
        if default.get("address").and_then(Data::as_str) == Some(&address.address) {
            address.add_to_default(default, &device);
        }
        if address.six {
            if address.address != "::1" {
                ipv6.push(address.address.clone());
            }
        } else if !address.address.starts_with("127.") {
            ipv4.push(address.address.clone());
        }
    }
    let names: Vec<String> = all.iter().map(|(name, _)| name.clone()).collect();
    facts.insert("interfaces".into(), names.into());
    for (name, device) in all {
        // Names with these characters could not be written in a template.
        let name = name.replace(['-', ':', '.'], "_");
        facts.insert(name, device.into());
    }
    facts.insert("default_ipv4".into(), default4.into());
    facts.insert("default_ipv6".into(), default6.into());
    facts.insert("all_ipv4_addresses".into(), ipv4.into());
    facts.insert("all_ipv6_addresses".into(), ipv6.into());
}

fn default_route(cx: &mut Context<'_>, family: &str, to: &str) -> Map {
    let mut route = Map::new();
    let text = output(cx, "ip", &[family, "route", "get", to]).unwrap_or_default();
    let words: Vec<&str> = text.lines().next().unwrap_or_default().split_whitespace().collect();
    if words.first() != Some(&to) {
        return route;
    }
    for pair in words.windows(2) {
        let name = match pair[0] {
            "dev" => "interface",
            "src" => "address",
            "via" if pair[1] != to => "gateway",
            _ => continue,
        };
        route.insert(name.into(), pair[1].into());
    }
    route
}

const TYPES: &[(&str, &str)] = &[
    ("1", "ether"),
    ("32", "infiniband"),
    ("512", "ppp"),
    ("772", "loopback"),
    ("65534", "tunnel"),
];

fn interface(cx: &mut Context<'_>, name: &str, folder: &str) -> Map {
    let mut device = Map::new();
    device.insert("device".into(), name.into());
    let get = |cx: &mut Context<'_>, file: &str| content(cx, format!("{folder}/{file}"));
    if let Some(mac) = get(cx, "address").filter(|mac| mac != "00:00:00:00:00:00") {
        device.insert("macaddress".into(), mac.into());
    }
    if let Some(mtu) = get(cx, "mtu").and_then(|m| m.parse::<i64>().ok()) {
        device.insert("mtu".into(), mtu.into());
    }
    if let Some(state) = get(cx, "operstate") {
        device.insert("active".into(), (state != "down").into());
    }
    let module = cx.target.realpath(format!("{folder}/device/driver/module").as_ref());
    if cx.target.exists(format!("{folder}/device/driver/module").as_ref())
        && let Some(module) = module.file_name()
    {
        device.insert("module".into(), module.to_string_lossy().into_owned().into());
    }
    if let Some(number) = get(cx, "type") {
        let kind = TYPES.iter().find(|(n, _)| *n == number).map_or("unknown", |(_, kind)| kind);
        device.insert("type".into(), kind.into());
    }
    if cx.target.exists(format!("{folder}/bridge").as_ref()) {
        device.insert("type".into(), "bridge".into());
        device.insert("interfaces".into(), names(cx, format!("{folder}/brif")).into());
        device.insert("id".into(), get(cx, "bridge/bridge_id").unwrap_or_default().into());
        let stp = get(cx, "bridge/stp_state").as_deref() == Some("1");
        device.insert("stp".into(), stp.into());
    }
    if cx.target.exists(format!("{folder}/bonding").as_ref()) {
        bonding(cx, folder, &mut device);
    }
    if let Some(mac) = get(cx, "bonding_slave/perm_hwaddr") {
        device.insert("perm_macaddress".into(), mac.into());
    }
    if let Ok(link) = cx.target.read_link(format!("{folder}/device").as_ref())
        && let Some(id) = link.file_name()
    {
        device.insert("pciid".into(), id.to_string_lossy().into_owned().into());
    }
    if let Some(speed) = get(cx, "speed").and_then(|s| s.parse::<i64>().ok()) {
        device.insert("speed".into(), speed.into());
    }
    if let Some(flags) = get(cx, "flags") {
        let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).unwrap_or(0);
        device.insert("promisc".into(), (flags & 0x100 != 0).into());
    }
    device
}

fn bonding(cx: &mut Context<'_>, folder: &str, device: &mut Map) {
    let get = |cx: &mut Context<'_>, file: &str| {
        content(cx, format!("{folder}/bonding/{file}")).unwrap_or_default()
    };
    device.insert("type".into(), "bonding".into());
    let slaves: Vec<String> = get(cx, "slaves").split_whitespace().map(str::to_owned).collect();
    device.insert("slaves".into(), slaves.into());
    for name in ["mode", "miimon", "lacp_rate"] {
        let value = get(cx, name);
        let first = value.split_whitespace().next().unwrap_or_default();
        device.insert(name.into(), first.into());
    }
    let primary = get(cx, "primary");
    if !primary.is_empty() {
        device.insert("primary".into(), primary.into());
        let all = get(cx, "all_slaves_active") == "1";
        device.insert("all_slaves_active".into(), all.into());
    }
}

/// An address as `ip -o addr` tells it.
struct Address {
    device: String,
    /// The name under which it is kept: the device's, or a label of its own.
    label: String,
    six: bool,
    address: String,
    prefix: String,
    broadcast: String,
    scope: String,
    secondary: bool,
}

fn addresses(cx: &mut Context<'_>) -> Vec<Address> {
    let text = output(cx, "ip", &["-o", "addr", "show"]).unwrap_or_default();
    let mut all: Vec<Address> = text.lines().filter_map(Address::parse).collect();
    // Secondary addresses come after all primary ones of their device.
    all.sort_by_key(|a| a.secondary);
    all
}

impl Address {
    fn parse(line: &str) -> Option<Address> {
        let line = line.split('\\').next().unwrap_or(line);
        let words: Vec<&str> = line.split_whitespace().collect();
        let device = words.get(1)?.split('@').next()?.to_owned();
        let six = match *words.get(2)? {
            "inet" => false,
            "inet6" => true,
            _ => return None,
        };
        let after = |word: &str| {
            let at = words.iter().position(|w| *w == word)?;
            words.get(at + 1).map(|w| (*w).to_owned())
        };
        let whole = words.get(3)?;
        let peer = after("peer");
        let (address, prefix) = match whole.split_once('/') {
            Some((address, prefix)) => (address, prefix.to_owned()),
            // A point to point address has its prefix at the other end.
            None => {
                let prefix = peer.as_deref().and_then(|p| p.split_once('/')).map(|(_, p)| p);
                (*whole, if six { prefix.unwrap_or("128") } else { "32" }.to_owned())
            }
        };
        let label = if six { device.as_str() } else { words.last()? };
        let label = if label.starts_with(&device) { label } else { &device };
        Some(Address {
            label: label.to_owned(),
            six,
            address: address.to_owned(),
            prefix,
            broadcast: after("brd").unwrap_or_default(),
            scope: after("scope").unwrap_or_default(),
            secondary: words.contains(&"secondary"),
            device,
        })
    }

    fn four(&self) -> Data {
        let (netmask, network) = network_of(&self.address, &self.prefix);
        json!({
            "address": self.address,
            "broadcast": self.broadcast,
            "netmask": netmask,
            "network": network,
            "prefix": self.prefix,
        })
    }

    fn add_to(&self, all: &mut Vec<(String, Map)>) {
        if self.six {
            let entry =
                json!({"address": self.address, "prefix": self.prefix, "scope": self.scope});
            if let Some((_, device)) = all.iter_mut().find(|(name, _)| *name == self.device) {
                push(device, "ipv6", entry);
            }
            return;
        }
        if !all.iter().any(|(name, _)| *name == self.label) {
            all.push((self.label.clone(), Map::new()));
        }
        if let Some((_, device)) = all.iter_mut().find(|(name, _)| *name == self.label) {
            if self.secondary || device.contains_key("ipv4") {
                push(device, "ipv4_secondaries", self.four());
            } else {
                device.insert("ipv4".into(), self.four());
            }
        }
        if self.secondary
            && self.label != self.device
            && let Some((_, device)) = all.iter_mut().find(|(name, _)| *name == self.device)
        {
            push(device, "ipv4_secondaries", self.four());
        }
    }

    fn add_to_default(&self, default: &mut Map, device: &Map) {
        if self.six {
            default.insert("prefix".into(), self.prefix.as_str().into());
            default.insert("scope".into(), self.scope.as_str().into());
        } else if let Data::Object(four) = self.four() {
            default.extend(four);
            default.insert("alias".into(), self.label.as_str().into());
        }
        for name in ["macaddress", "mtu", "type"] {
            if let Some(value) = device.get(name) {
                default.insert(name.into(), value.clone());
            }
        }
    }
}

fn push(map: &mut Map, key: &str, value: Data) {
    let list = map.entry(key).or_insert_with(|| json!([]));
    if let Data::Array(list) = list {
        list.push(value);
    }
}

/// Netmask and network of an address.
fn network_of(address: &str, prefix: &str) -> (String, String) {
    let prefix: u32 = prefix.parse().unwrap_or(32);
    let mask = u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0);
    let address: Ipv4Addr = address.parse().unwrap_or(Ipv4Addr::UNSPECIFIED);
    let network = Ipv4Addr::from(u32::from(address) & mask);
    (Ipv4Addr::from(mask).to_string(), network.to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        assert_eq!(network_of("192.0.2.7", "24"), ("255.255.255.0".into(), "192.0.2.0".into()));
        assert_eq!(network_of("10.0.0.1", "0"), ("0.0.0.0".into(), "0.0.0.0".into()));
        assert_eq!(network_of("10.0.0.1", "32").1, "10.0.0.1");
    }

    #[test]
    fn lines_of_ip() {
        let a = Address::parse("2: eth0    inet 192.0.2.2/24 brd 192.0.2.255 scope global eth0\\       valid_lft forever").unwrap();
        assert_eq!(
            (a.device.as_str(), a.address.as_str(), a.prefix.as_str()),
            ("eth0", "192.0.2.2", "24")
        );
        assert_eq!((a.broadcast.as_str(), a.label.as_str()), ("192.0.2.255", "eth0"));
        let a = Address::parse("3: v@if2    inet6 fe80::1/64 scope link \\ valid").unwrap();
        assert!(a.six && a.scope == "link" && a.device == "v");
    }
}
