//! The description of a cluster, read from `cluster.yaml`.
//!
//! It is read from nodes of our own YAML loader, not by serde: each value keeps its place, and all
//! mistakes are told at once.

use std::{net::Ipv4Addr, sync::Arc};

use super::{
    check, embedded,
    fields::{At, Mistakes, Section, kind_of, unknown},
    setting::{SETTINGS, Setting, is_label},
    variables::Known,
};
use crate::{
    diagnostic::{Error, Source, Span},
    value::Value,
    yaml::{self, Node, NodeKind},
};

/// A cluster, as a person describes it.
#[derive(Debug)]
pub struct Description {
    /// The machines, in the order of the file: the first control plane is the one that initialises.
    pub hosts: Vec<Host>,
    /// What was said about the whole.
    pub settings: Vec<(&'static Setting, At<Value>)>,
    /// Other variables, by their own names.
    pub options: Vec<Variable>,
    /// Where everything begins.
    pub span: Span,
}

/// A variable with the place of its name.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: At<String>,
    /// Its value.
    pub value: Value,
}

/// A machine.
#[derive(Debug)]
pub struct Host {
    /// What it is called by everywhere.
    pub name: At<String>,
    /// Where it is reached, and what its node's address is.
    pub address: At<Ipv4Addr>,
    /// Its operating system.
    pub os: At<Os>,
    /// What it does.
    pub role: At<Role>,
    /// Who logs in.
    pub user: String,
    /// What it is there for, for people.
    pub about: Option<String>,
    /// Variables of its own.
    pub variables: Vec<Variable>,
}

/// A family of operating systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Os {
    /// Debian.
    Debian,
    /// RHEL and its likes.
    Rhel,
}

/// What a host does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A control plane of the kubeadm cluster, and its monitoring.
    ControlPlane,
    /// A worker of it with the media disks.
    Storage,
    /// Another worker of it.
    Compute,
    /// A server of the RKE2 cluster.
    Rke2,
    /// An agent of the RKE2 cluster.
    Rke2Agent,
}

impl Role {
    /// As people write it.
    pub const NAMES: &[(&str, Self)] = &[
        ("control_plane", Self::ControlPlane),
        ("storage", Self::Storage),
        ("compute", Self::Compute),
        ("rke2", Self::Rke2),
        ("rke2_agent", Self::Rke2Agent),
    ];

    /// Whether it is in the RKE2 cluster.
    pub fn is_rke2(self) -> bool {
        matches!(self, Self::Rke2 | Self::Rke2Agent)
    }
}

/// Distributions, their families, and the first version that the roles are for.
const DISTRIBUTIONS: &[(&str, Os, u32)] = &[
    ("debian", Os::Debian, 12),
    ("rhel", Os::Rhel, 9),
    ("centos", Os::Rhel, 9),
    ("rocky", Os::Rhel, 9),
    ("almalinux", Os::Rhel, 9),
];

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn read(source: &Arc<Source>) -> Result<Self, Vec<Error>> {
        let loaded = yaml::load(source, None).map_err(|e| vec![e])?;
        let mistakes = Mistakes::default();
        for (_, span) in &loaded.warnings {
            mistakes.at(span, "a key stands twice in one mapping");
        }
        let whole = Span::new(source, 0, 0);
        let described = match loaded.documents.as_slice() {
            [one] => Self::from(one, &mistakes),
            [] => {
                mistakes.add(empty(&whole));
                None
            }
            [_, second, ..] => {
                mistakes.at(&second.span, "a description is one YAML document");
                None
            }
        };
        let errors = mistakes.take();
        match described {
            Some(description) if errors.is_empty() => Ok(description),
            _ => Err(errors),
        }
    }

    fn from(node: &Node, mistakes: &Mistakes) -> Option<Self> {
        if node.is_null() {
            mistakes.add(empty(&node.span));
            return None;
        }
        if node.as_map().is_none() {
            let what = kind_of(node);
            mistakes.at(&node.span, format!("a description is a mapping, not {what}"));
            return None;
        }
        let mut top = Section::open(node, "", mistakes)?;
        top.span = start(&node.span);
        if top.node("name").is_none() {
            top.miss("name", "mycluster");
        }
        let mut settings = read_settings(&mut top, "", mistakes);
        let (hosts, whole) = read_hosts(&mut top, mistakes);
        for section in ["versions", "networks", "applications"] {
            if let Some(mut inner) = top.section(section) {
                settings.extend(read_settings(&mut inner, section, mistakes));
                inner.close();
            }
        }
        let known = Known::new();
        let options = top.section("options").map_or_else(Vec::new, |section| {
            section
                .entries()
                .filter_map(|(name, key, value)| known.option(name, key, value, mistakes))
                .collect()
        });
        top.close();
        let description = Self { hosts, settings, options, span: start(&node.span) };
        check::fits(&description, whole, mistakes);
        Some(description)
    }

    /// What was said for a variable.
    pub fn said(&self, variable: &str) -> Option<&At<Value>> {
        self.settings.iter().find(|(s, _)| s.variable == variable).map(|(_, v)| v)
    }

    /// The hosts of these roles, in order.
    pub fn hosts_of(&self, roles: &[Role]) -> Vec<&Host> {
        self.hosts.iter().filter(|h| roles.contains(&h.role.value)).collect()
    }
}

fn start(span: &Span) -> Span {
    let end =
        span.start + u32::try_from(span.text().lines().next().unwrap_or("").len()).unwrap_or(0);
    Span::new(&span.source, span.start, end)
}

fn empty(span: &Span) -> Error {
    Error::parser("the description is empty", span.clone())
        .hinted(format!("the smallest one is:\n\n{}", embedded::SMALLEST.trim_end()))
}

fn read_settings(
    section: &mut Section<'_>,
    name: &str,
    mistakes: &Mistakes,
) -> Vec<(&'static Setting, At<Value>)> {
    let mut read = Vec::new();
    for setting in SETTINGS.iter().filter(|s| s.section == name) {
        let Some(node) = section.node(setting.key) else { continue };
        match setting.form.read(node) {
            Ok(value) => read.push((setting, At { value, span: node.span.clone() })),
            Err(must) => {
                let path = setting.path();
                mistakes.at(&node.span, format!("`{path}` must be {must}"));
            }
        }
    }
    read
}

/// The hosts, and whether each of them could be read.
fn read_hosts(top: &mut Section<'_>, mistakes: &Mistakes) -> (Vec<Host>, bool) {
    let Some(section) = top.section("hosts") else {
        if top.node("hosts").is_none() {
            top.miss("hosts", "{…}");
        }
        return (Vec::new(), false);
    };
    let all: Vec<Option<Host>> =
        section.entries().map(|(name, key, node)| read_host(name, key, node, mistakes)).collect();
    if all.is_empty() {
        mistakes.hinted(&section.span, "a cluster without hosts", "one control plane at least");
    }
    let whole = !all.is_empty() && all.iter().all(Option::is_some);
    (all.into_iter().flatten().collect(), whole)
}

fn read_host(name: &str, key: &Node, node: &Node, mistakes: &Mistakes) -> Option<Host> {
    if !is_label(name) {
        mistakes.at(
            &key.span,
            format!("`{name}` is no name of a host: small letters, digits and `-` make one"),
        );
    } else if let Some(group) = embedded::group_names().find(|g| *g == name) {
        mistakes.at(&key.span, format!("`{group}` is the name of a group already"));
    }
    let path = format!("hosts.{name}");
    let mut section = Section::open(node, &path, mistakes)?;
    // What is missing is missed at the host's name.
    section.span = key.span.clone();
    let address = section.required("address", "192.168.4.63").and_then(|text| {
        let Ok(value) = text.value.parse() else {
            mistakes.at(&text.span, format!("`{}` is no IPv4 address", text.value));
            return None;
        };
        Some(At { value, span: text.span })
    });
    let os = section.required("os", "debian-12").and_then(|text| read_os(&text, mistakes));
    let roles = Role::NAMES.iter().map(|(n, _)| *n);
    let role = section.required("role", "compute").and_then(|text| {
        let found = Role::NAMES.iter().find(|(n, _)| *n == text.value);
        if found.is_none() {
            mistakes.add(unknown(&text.span, "role", &text.value, roles.clone()));
        }
        found.map(|(_, role)| At { value: *role, span: text.span })
    });
    let user = section.text("user");
    let about = section.text("about").map(|t| t.value);
    let known = Known::new();
    let variables = section.section("variables").map_or_else(Vec::new, |section| {
        section
            .entries()
            .filter_map(|(name, key, value)| known.of_host(name, key, value, mistakes))
            .collect()
    });
    section.close();
    let (address, os, role) = (address?, os?, role?);
    if user.is_none() && os.value == Os::Rhel {
        mistakes.hinted(
            &key.span,
            format!("`{path}.user` is missing"),
            "RHEL's hosts are logged in to as somebody who may use sudo: `user: admin`",
        );
    }
    Some(Host {
        name: At { value: name.to_owned(), span: key.span.clone() },
        address,
        os,
        role,
        user: user.map_or_else(|| "root".to_owned(), |u| u.value),
        about,
        variables,
    })
}

fn read_os(text: &At<String>, mistakes: &Mistakes) -> Option<At<Os>> {
    let (name, version) = match text.value.split_once('-') {
        Some((name, version)) => (name, Some(version)),
        None => (text.value.as_str(), None),
    };
    let Some((_, os, least)) = DISTRIBUTIONS.iter().find(|(n, _, _)| *n == name) else {
        let known = DISTRIBUTIONS.iter().map(|(n, _, _)| *n);
        mistakes.add(unknown(&text.span, "operating system", name, known));
        return None;
    };
    if let Some(version) = version {
        match version.split('.').next().and_then(|v| v.parse::<u32>().ok()) {
            None => mistakes.at(&text.span, format!("`{version}` is no version of {name}")),
            Some(v) if v < *least => mistakes
                .at(&text.span, format!("{name} {version} is too old: {least} or later will do")),
            Some(_) => {}
        }
    }
    Some(At { value: *os, span: text.span.clone() })
}

/// The plain value of a node; text that YAML takes for a date is text.
pub fn plain(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Scalar(Value::Date(_) | Value::DateTime(..)) => Value::str(node.span.text()),
        _ => node.to_value(),
    }
}
