//! What must fit together in a description.

use std::collections::BTreeMap;

use super::{
    description::{Description, Host, Os, Role},
    fields::{At, Mistakes},
    setting::Network,
    variables::{default_text, in_file},
};
use crate::value::Value;

/// Notes what does not fit. Hosts are counted only if all of them could be read.
pub fn fits(description: &Description, whole: bool, mistakes: &Mistakes) {
    if whole {
        control_planes(description, mistakes);
        applications(description, mistakes);
        servers(description, mistakes);
    }
    systems(description, mistakes);
    addresses(description, mistakes);
    networks(description, mistakes);
}

fn control_planes(description: &Description, mistakes: &Mistakes) {
    let planes = description.hosts_of(&[Role::ControlPlane]);
    match planes.as_slice() {
        [] => mistakes.hinted(
            &description.hosts[0].name.span,
            "no host is a control plane",
            "one host (or three) needs `role: control_plane`",
        ),
        [_] => {}
        [_, second] => mistakes.hinted(
            &second.role.span,
            "two control planes are less than one: etcd stands still when either is away",
            "make it one or three",
        ),
        [_, _, third] => balanced(description, third, mistakes),
        [_, _, _, more @ ..] => {
            for host in more {
                mistakes.at(&host.role.span, "there are three control planes already");
            }
        }
    }
    if planes.len() < 3
        && let Some(balancer) = described_balancer(description)
        && description.said("api_virtual_address").is_none()
    {
        mistakes.hinted(
            &balancer.span,
            "a load balancer needs `networks.api_address`",
            "a free address of the subnet",
        );
    }
}

fn described_balancer(description: &Description) -> Option<&At<Value>> {
    description.said("api_load_balancer").filter(|b| b.value.as_str() != Some("none"))
}

fn balanced(description: &Description, third: &Host, mistakes: &Mistakes) {
    if let Some(balancer) = description.said("api_load_balancer")
        && balancer.value.as_str() == Some("none")
    {
        mistakes.hinted(
            &balancer.span,
            "three control planes need a load balancer before them",
            "kube_vip or haproxy",
        );
    }
    if description.said("api_virtual_address").is_none() {
        mistakes.hinted(
            &third.role.span,
            "three control planes need `networks.api_address`",
            "a free address of the subnet, at which nodes find whichever of them is up",
        );
    }
}

fn systems(description: &Description, mistakes: &Mistakes) {
    for host in &description.hosts {
        if host.os.value == Os::Rhel && !host.role.value.is_rke2() {
            mistakes.hinted(
                &host.role.span,
                "hosts of RHEL's kind run RKE2, not kubeadm",
                "`role: rke2`, or `os: debian-12`",
            );
        }
    }
}

fn servers(description: &Description, mistakes: &Mistakes) {
    let servers = description.hosts_of(&[Role::Rke2]);
    if let [_, second] | [_, second, _, _, ..] = servers.as_slice() {
        mistakes.hinted(
            &second.role.span,
            format!("{} servers of RKE2: make it one or three", servers.len()),
            "`role: rke2_agent` is for the others",
        );
    }
    if let ([], [agent, ..]) =
        (servers.as_slice(), description.hosts_of(&[Role::Rke2Agent]).as_slice())
    {
        mistakes.hinted(&agent.role.span, "an agent of RKE2 without a server", "`role: rke2`");
    }
    let agent_first = description.hosts.iter().find(|h| h.role.value.is_rke2());
    if let Some(first) =
        agent_first.filter(|h| h.role.value == Role::Rke2Agent && !servers.is_empty())
    {
        mistakes.at(&first.name.span, "the first host of RKE2 must be a server: put it below");
    }
}

fn addresses(description: &Description, mistakes: &Mistakes) {
    let mut seen: BTreeMap<_, &Host> = BTreeMap::new();
    for host in &description.hosts {
        match seen.get(&host.address.value) {
            Some(other) => mistakes.at(
                &host.address.span,
                format!("{} is the address of `{}` already", host.address.value, other.name.value),
            ),
            None => {
                seen.insert(host.address.value, host);
            }
        }
    }
    if let Some(virtual_address) = description.said("api_virtual_address")
        && let Some(address) = virtual_address.value.as_str().and_then(|a| a.parse().ok())
        && let Some(other) = seen.get(&address)
    {
        let name = &other.name.value;
        let text = format!("{address} is the address of `{name}`: the API needs one of its own");
        mistakes.at(&virtual_address.span, text);
    }
}

/// A network that was said, or the one that would be.
fn network(description: &Description, variable: &str) -> Option<Network> {
    match description.said(variable) {
        Some(said) => Network::parse(said.value.as_str()?),
        None => Network::parse(default_text(variable)),
    }
}

fn networks(description: &Description, mistakes: &Mistakes) {
    let first = description.hosts_of(&[Role::ControlPlane]).first().map(|h| h.address.value);
    let said = description.said("cluster_subnet");
    let subnet = match said {
        Some(said) => said.value.as_str().and_then(Network::parse),
        None => first.map(Network::around),
    };
    let Some(subnet) = subnet else { return };
    for host in &description.hosts {
        if !subnet.contains(host.address.value) {
            let text = format!("{} is not in the subnet {subnet}", host.address.value);
            let hint = "`networks.subnet` is the network that all hosts are in";
            mistakes.hinted(&host.address.span, text, hint);
        }
    }
    if let Some(virtual_address) = description.said("api_virtual_address")
        && let Some(address) = virtual_address.value.as_str().and_then(|a| a.parse().ok())
        && !subnet.contains(address)
    {
        mistakes.at(&virtual_address.span, format!("{address} is not in the subnet {subnet}"));
    }
    overlaps(description, subnet, mistakes);
}

fn overlaps(description: &Description, subnet: Network, mistakes: &Mistakes) {
    let pods = network(description, "pod_network_cidr");
    let services = network(description, "service_cidr");
    for (variable, own, others) in [
        ("pod_network_cidr", pods, vec![("the hosts' subnet", Some(subnet))]),
        (
            "service_cidr",
            services,
            vec![("the hosts' subnet", Some(subnet)), ("the pods' network", pods)],
        ),
    ] {
        for (what, other) in others {
            if let (Some(own), Some(other)) = (own, other)
                && own.overlaps(other)
            {
                let span = description.said(variable).or(description.said("cluster_subnet"));
                let span = span.map_or(&description.span, |s| &s.span);
                mistakes.at(span, format!("{own} and {what} {other} share addresses"));
            }
        }
    }
    let rke2 = description.hosts.iter().find(|h| h.role.value.is_rke2());
    for variable in ["pod_network_cidr", "service_cidr"] {
        let own = in_file("inventory/group_vars/rke2_nodes.yml", variable);
        let own = own.as_ref().and_then(Value::as_str).and_then(Network::parse);
        if let (Some(host), Some(own)) = (rke2, own)
            && own.overlaps(subnet)
        {
            let text =
                format!("RKE2's {variable} {own} and the hosts' subnet {subnet} share addresses");
            mistakes.at(&host.role.span, text);
        }
    }
}

fn applications(description: &Description, mistakes: &Mistakes) {
    if let Some(jellyfin) = description.said("jellyfin_enabled")
        && matches!(jellyfin.value, Value::Bool(true))
        && description.hosts_of(&[Role::Storage]).is_empty()
    {
        mistakes.hinted(
            &jellyfin.span,
            "Jellyfin runs where the media are, and no host has `role: storage`",
            "give one host that role, or say `jellyfin: false`",
        );
    }
}
