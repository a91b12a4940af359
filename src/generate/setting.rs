//! What a description may say about a whole cluster: one table of keys, the variables that they set, and their forms.

use std::net::Ipv4Addr;

use super::fields::text_of;
use crate::{
    value::Value,
    yaml::{Node, NodeKind},
};

/// One key of a section of the description.
#[derive(Debug)]
pub struct Setting {
    /// The section: `versions`, `networks`, `applications`; empty for keys at the top.
    pub section: &'static str,
    /// Its key there.
    pub key: &'static str,
    /// The variable in `inventory/group_vars/all/` that it sets.
    pub variable: &'static str,
    /// What it must look like.
    pub form: Form,
}

/// What a value must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A name as DNS takes it.
    Domain,
    /// `1.29.15`, perhaps with more behind it.
    Version,
    /// `v1.29.15+rke2r1`.
    Rke2Version,
    /// `192.168.4.0/24`.
    Network,
    /// `192.168.4.60`.
    Address,
    /// A port.
    Port,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

const fn setting(
    section: &'static str,
    key: &'static str,
    variable: &'static str,
    form: Form,
) -> Setting {
    Setting { section, key, variable, form }
}

/// What may stand before the API of several control planes.
pub const LOAD_BALANCERS: &[&str] = &["none", "kube_vip", "haproxy"];

/// All of them, in the order in which they are read.
pub const SETTINGS: &[Setting] = &[
    setting("", "name", "cluster_name", Form::Domain),
    setting("", "domain", "cluster_domain", Form::Domain),
    setting("versions", "kubernetes", "kubernetes_version", Form::Version),
    setting("versions", "kubernetes_client", "kubernetes_client_version", Form::Version),
    setting("versions", "containerd", "containerd_version", Form::Version),
    setting("versions", "flannel", "flannel_version", Form::Version),
    setting("versions", "rke2", "rke2_version", Form::Rke2Version),
    setting("networks", "subnet", "cluster_subnet", Form::Network),
    setting("networks", "pods", "pod_network_cidr", Form::Network),
    setting("networks", "services", "service_cidr", Form::Network),
    setting("networks", "api_port", "api_server_port", Form::Port),
    setting("networks", "api_load_balancer", "api_load_balancer", Form::OneOf(LOAD_BALANCERS)),
    setting("networks", "api_address", "api_virtual_address", Form::Address),
    setting("networks", "ingress_domain", "ingress_domain", Form::Domain),
    setting("applications", "monitoring", "monitoring_enabled", Form::Flag),
    setting("applications", "ingress", "ingress_enabled", Form::Flag),
    setting("applications", "network_policies", "network_policies_enabled", Form::Flag),
    setting("applications", "backup", "backup_enabled", Form::Flag),
    setting("applications", "jellyfin", "jellyfin_enabled", Form::Flag),
    setting("applications", "tracing", "tracing_enabled", Form::Flag),
];

impl Setting {
    /// How people write it: `versions.kubernetes`.
    pub fn path(&self) -> String {
        if self.section.is_empty() {
            self.key.to_owned()
        } else {
            format!("{}.{}", self.section, self.key)
        }
    }
}

impl Form {
    /// The value of a node of this form, or what it must be.
    pub fn read(self, node: &Node) -> Result<Value, String> {
        if self == Self::Flag {
            return match &node.kind {
                NodeKind::Scalar(Value::Bool(b)) => Ok(Value::Bool(*b)),
                _ => Err("true or false".to_owned()),
            };
        }
        let text = text_of(node).ok_or_else(|| self.example())?;
        let good = match self {
            Self::Domain => is_domain(&text),
            Self::Version => is_version(&text),
            Self::Rke2Version => text
                .strip_prefix('v')
                .and_then(|t| t.split_once("+rke2r"))
                .is_some_and(|(v, r)| is_version(v) && r.parse::<u32>().is_ok()),
            Self::Network => Network::parse(&text).is_some(),
            Self::Address => text.parse::<Ipv4Addr>().is_ok(),
            Self::Port => text.parse::<u16>().is_ok_and(|p| p > 0),
            Self::OneOf(words) => words.contains(&text.as_str()),
            Self::Flag => false,
        };
        match (good, self) {
            (false, _) => Err(self.example()),
            (true, Self::Port) => Ok(Value::Int(text.parse().map_err(|_| self.example())?)),
            (true, _) => Ok(Value::str(text)),
        }
    }

    fn example(self) -> String {
        match self {
            Self::Domain => "a name of small letters, digits, `-` and `.`".to_owned(),
            Self::Version => "a version such as 1.29.15, without `v`".to_owned(),
            Self::Rke2Version => "a version such as v1.29.15+rke2r1".to_owned(),
            Self::Network => "a network such as 192.168.4.0/24, its host part zero".to_owned(),
            Self::Address => "an IPv4 address".to_owned(),
            Self::Port => "a port, 1 to 65535".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// Whether DNS takes it, label by label, in small letters.
pub fn is_domain(text: &str) -> bool {
    !text.is_empty() && text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether it is one label of a name in DNS, which is what hosts and nodes are called by.
pub fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

fn is_version(text: &str) -> bool {
    let (numbers, rest) = text.split_at(text.find(['-', '+', '~']).unwrap_or(text.len()));
    let more = |c: char| c.is_ascii_alphanumeric() || "-+~.".contains(c);
    numbers.split('.').count() == 3
        && numbers.split('.').all(|n| !n.is_empty() && n.chars().all(|c| c.is_ascii_digit()))
        && rest.chars().all(more)
}

/// A network of IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u32,
    bits: u32,
}

impl Network {
    /// `192.168.4.0/24`; `None` if it is nothing like that, or has bits behind its prefix.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let (first, bits) = (address.parse::<Ipv4Addr>().ok()?.to_bits(), bits.parse().ok()?);
        let network = Self { first, bits };
        (bits <= 32 && first & !network.mask() == 0).then_some(network)
    }

    /// The network of 256 addresses around one.
    pub fn around(address: Ipv4Addr) -> Self {
        Self { first: address.to_bits() & 0xffff_ff00, bits: 24 }
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - self.bits).unwrap_or(0)
    }

    /// Whether an address lies in it.
    pub fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask() == self.first
    }

    /// Whether two share addresses.
    pub fn overlaps(self, other: Self) -> bool {
        let mask = self.mask() & other.mask();
        self.first & mask == other.first & mask
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from_bits(self.first), self.bits)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed test may panic")]
mod tests {
    use super::*;

    #[test]
    fn networks_are_what_they_say() {
        let network = |t| Network::parse(t).unwrap();
        assert!(network("192.168.4.0/24").contains("192.168.4.63".parse().unwrap()));
        assert!(!network("192.168.4.0/24").contains("192.168.5.1".parse().unwrap()));
        assert!(network("10.96.0.0/12").overlaps(network("10.100.0.0/16")));
        assert!(!network("10.96.0.0/12").overlaps(network("10.244.0.0/16")));
        assert!(network("0.0.0.0/0").overlaps(network("10.0.0.1/32")));
        for wrong in ["192.168.4.1/24", "192.168.4.0", "192.168.4.0/33", "a/8", "1.2.3/8"] {
            assert!(Network::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(Network::around("10.1.2.3".parse().unwrap()).to_string(), "10.1.2.0/24");
    }

    #[test]
    fn versions_are_three_numbers() {
        for good in ["1.29.15", "1.7.28-1", "0.27.4"] {
            assert!(is_version(good), "{good}");
        }
        for wrong in ["v1.29.15", "1.29", "1.29.x", "1.29.1 5", ""] {
            assert!(!is_version(wrong), "{wrong}");
        }
    }
}
