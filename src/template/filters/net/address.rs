//! Addresses with a prefix, of both versions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address in its network: `192.168.1.5/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    /// 4 or 6.
    pub version: u8,
    /// The address.
    pub value: u128,
    /// Bits of the network's part.
    pub prefix: u32,
}

/// The text of an address.
pub fn show(version: u8, value: u128) -> String {
    if version == 4 {
        // An address of version 4 has 32 bits.
        Ipv4Addr::from(u32::try_from(value).unwrap_or(u32::MAX)).to_string()
    } else {
        Ipv6Addr::from(value).to_string()
    }
}

/// The address that `text` writes in full.
pub fn parse_ip(text: &str) -> Option<(u8, u128)> {
    match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(a) => Some((4, u128::from(u32::from(a)))),
        IpAddr::V6(a) => Some((6, u128::from(a))),
    }
}

/// An address of version 4 with less than four parts: `10` is `10.0.0.0`.
fn partial(text: &str) -> Option<u128> {
    let mut parts: Vec<u8> =
        text.split('.').map(|p| p.trim().parse().ok()).collect::<Option<_>>()?;
    if parts.len() > 4 {
        return None;
    }
    parts.resize(4, 0);
    let bytes: [u8; 4] = parts.try_into().ok()?;
    Some(u128::from(u32::from_be_bytes(bytes)))
}

impl Net {
    /// A network of `value` with `prefix`, if both are in range.
    pub fn new(version: u8, value: u128, prefix: u32) -> Option<Self> {
        let net = Self { version, value, prefix };
        (prefix <= net.width() && value <= net.most()).then_some(net)
    }

    /// The network that `text` writes: an address, perhaps a prefix or mask behind a slash.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, rest) = match text.split_once('/') {
            Some((address, rest)) => (address, Some(rest)),
            None => (text, None),
        };
        let (version, value) = parse_ip(address).or_else(|| Some((4, partial(address)?)))?;
        let width = if version == 4 { 32 } else { 128 };
        let prefix = match rest {
            None => width,
            Some(rest) => match rest.trim().parse::<u32>() {
                Ok(n) => n,
                Err(_) => mask_prefix(version, rest)?,
            },
        };
        Self::new(version, value, prefix)
    }

    /// Bits of an address.
    pub fn width(&self) -> u32 {
        if self.version == 4 { 32 } else { 128 }
    }

    fn most(&self) -> u128 {
        if self.version == 4 { u128::from(u32::MAX) } else { u128::MAX }
    }

    /// The bits of the host's part, as a mask.
    pub fn hostmask(&self) -> u128 {
        let bits = self.width() - self.prefix;
        if bits == 128 { u128::MAX } else { (1 << bits) - 1 }
    }

    /// The bits of the network's part, as a mask.
    pub fn netmask(&self) -> u128 {
        self.most() & !self.hostmask()
    }

    /// The first address.
    pub fn first(&self) -> u128 {
        self.value & self.netmask()
    }

    /// The last address.
    pub fn last(&self) -> u128 {
        self.value | self.hostmask()
    }

    /// The broadcast address, if there is one.
    pub fn broadcast(&self) -> Option<u128> {
        (self.version == 6 || self.width() - self.prefix > 1).then(|| self.last())
    }

    /// How many addresses there are.
    pub fn size(&self) -> num_bigint::BigInt {
        num_bigint::BigInt::from(1) << (self.width() - self.prefix)
    }

    /// Whether there are more than `n` addresses, for a small `n`.
    pub fn is_larger(&self, n: u128) -> bool {
        self.hostmask() >= n
    }

    /// The text of one of its addresses.
    pub fn address(&self, value: u128) -> String {
        show(self.version, value)
    }

    /// The text of the address.
    pub fn ip(&self) -> String {
        self.address(self.value)
    }

    /// The network itself, with the host's bits cleared.
    pub fn cidr(&self) -> Self {
        Self { value: self.first(), ..*self }
    }

    /// Whether all of it lies in `outer`.
    pub fn is_within(&self, outer: &Self) -> bool {
        self.version == outer.version
            && outer.first() <= self.first()
            && self.last() <= outer.last()
    }

    /// Whether all of it lies in one of `networks`, written as text.
    pub fn is_in(&self, networks: &[&str]) -> bool {
        networks.iter().filter_map(|n| Self::parse(n)).any(|n| self.is_within(&n))
    }

    /// The address at `index`, from the end if negative.
    pub fn nth(&self, index: i128) -> Option<u128> {
        let offset = index.unsigned_abs();
        if index < 0 {
            (offset - 1 <= self.hostmask()).then(|| self.last() - (offset - 1))
        } else {
            (offset <= self.hostmask()).then(|| self.first() + offset)
        }
    }

    /// Whether it is multicast.
    pub fn is_multicast(&self) -> bool {
        self.is_in(&["224.0.0.0/4", "ff00::/8"])
    }

    /// Whether it is the machine itself.
    pub fn is_loopback(&self) -> bool {
        self.is_in(&["127.0.0.0/8", "::1/128"])
    }

    /// Whether it is for local use, in the sense of `ipaddr('private')`.
    pub fn is_private(&self) -> bool {
        self.is_in(&[
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "198.18.0.0/15",
            "239.0.0.0/8",
            "169.254.0.0/16",
            "fc00::/7",
            "fec0::/10",
            "fe80::/10",
        ])
    }

    /// Whether the address alone has the form of a netmask or hostmask.
    pub fn is_mask(&self) -> bool {
        let is_low = |n: u128| n & n.wrapping_add(1) == 0;
        is_low(self.value) || is_low(self.value ^ self.most())
    }

    /// The name of the address in the reverse zone.
    pub fn reverse_name(&self) -> String {
        if self.version == 4 {
            let ip = self.ip();
            let parts: Vec<&str> = ip.split('.').rev().collect();
            return format!("{}.in-addr.arpa.", parts.join("."));
        }
        let nibbles: Vec<String> =
            format!("{:032x}", self.value).chars().rev().map(String::from).collect();
        format!("{}.ip6.arpa.", nibbles.join("."))
    }
}

/// The prefix that a netmask or hostmask stands for.
fn mask_prefix(version: u8, text: &str) -> Option<u32> {
    let (mask_version, mask) = parse_ip(text)?;
    if mask_version != version {
        return None;
    }
    let width = if version == 4 { 32 } else { 128 };
    let bits = if version == 4 { mask << 96 } else { mask };
    let ones = bits.leading_ones().min(width);
    let full = if ones == 0 { 0 } else { u128::MAX << (128 - ones) };
    if bits == full {
        return Some(ones);
    }
    // A hostmask: zeros, then ones.
    (mask & mask.wrapping_add(1) == 0).then(|| width - (128 - mask.leading_zeros()))
}

impl std::fmt::Display for Net {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.ip(), self.prefix)
    }
}
