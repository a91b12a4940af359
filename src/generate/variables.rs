//! Which variables there are, and which a description sets.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{
    description::{Description, Os, Role, Variable, plain},
    embedded::{self, ALL, FILES},
    fields::{At, Mistakes, kind_of, text_of, unknown},
    patch::Document,
    setting::{Network, SETTINGS},
};
use crate::{
    diagnostic::Result,
    value::Value,
    yaml::{Node, NodeKind},
};

/// Where roles' own variables go that `inventory/group_vars/all/` has no line for.
pub const OPTIONS: &str = "inventory/group_vars/all/options.yml";

/// Every variable that the inventory and the roles define, with the file and the value.
static DEFINED: LazyLock<BTreeMap<String, (&'static str, Value)>> = LazyLock::new(|| {
    let mut defined = BTreeMap::new();
    let defaults = |p: &str| p.starts_with("roles/") && p.ends_with("/defaults/main.yml");
    let files =
        FILES.iter().filter(|f| f.path.starts_with("inventory/group_vars/") || defaults(f.path));
    // group_vars come first by the order of their names, and win.
    for file in files {
        // A file that can't be read defines nothing; the tests of this repository read them all.
        let Ok(root) = Document::new(file.path, file.content).root() else { continue };
        for (key, value) in root.as_map().unwrap_or_default() {
            let Some(name) = key.as_str() else { continue };
            defined.entry(name.to_owned()).or_insert_with(|| (file.path, value.to_value()));
        }
    }
    defined
});

/// The value that the repository's own files give a variable.
pub fn default_of(name: &str) -> Option<&'static Value> {
    DEFINED.get(name).map(|(_, value)| value)
}

/// The same, as text.
pub fn default_text(name: &str) -> &'static str {
    default_of(name).and_then(Value::as_str).unwrap_or("")
}

/// Judges names that people wrote.
pub struct Known(());

impl Known {
    /// A judge.
    pub fn new() -> Self {
        Self(())
    }

    /// A variable under `options`.
    pub fn option(
        &self,
        name: &str,
        key: &Node,
        value: &Node,
        mistakes: &Mistakes,
    ) -> Option<Variable> {
        if let Some(setting) = SETTINGS.iter().find(|s| s.variable == name) {
            let path = setting.path();
            mistakes.hinted(
                &key.span,
                format!("`{name}` has a key of its own"),
                format!("say `{path}`"),
            );
            return None;
        }
        let Some((path, default)) = DEFINED.get(name) else {
            let names = DEFINED.iter().filter(|(_, (p, _))| is_for_all(p)).map(|(n, _)| n.as_str());
            mistakes.add(unknown(&key.span, "variable", name, names));
            return None;
        };
        if !is_for_all(path) {
            mistakes.hinted(
                &key.span,
                format!("`{name}` is a variable of a group ({path})"),
                "say it in the `variables` of a host",
            );
            return None;
        }
        if let Some(must) = misfit(default, value) {
            mistakes.at(
                &value.span,
                format!("`options.{name}` must be {must}, not {}", kind_of(value)),
            );
            return None;
        }
        Some(variable(name, key, typed(default, value)))
    }

    /// A variable under a host's `variables`.
    pub fn of_host(
        &self,
        name: &str,
        key: &Node,
        value: &Node,
        mistakes: &Mistakes,
    ) -> Option<Variable> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(word) || name.starts_with(|c: char| c.is_ascii_digit()) {
            mistakes.at(&key.span, format!("`{name}` is no name of a variable"));
            return None;
        }
        if name == "ansible_host" || name == "ansible_user" {
            let field = if name == "ansible_host" { "address" } else { "user" };
            mistakes.hinted(
                &key.span,
                format!("`{name}` has a key of its own"),
                format!("say `{field}`"),
            );
            return None;
        }
        // Some are only asked for with `default()`, so that what counts is whether anything reads them.
        if !name.starts_with("ansible_") && !DEFINED.contains_key(name) && !mentioned(name) {
            mistakes.add(unknown(&key.span, "variable", name, DEFINED.keys().map(String::as_str)));
            return None;
        }
        Some(variable(name, key, plain(value)))
    }
}

fn variable(name: &str, key: &Node, value: Value) -> Variable {
    Variable { name: At { value: name.to_owned(), span: key.span.clone() }, value }
}

fn is_for_all(path: &str) -> bool {
    path.starts_with(ALL) || path.starts_with("roles/")
}

/// Whether any file of the tree has this word.
fn mentioned(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    FILES.iter().any(|f| {
        f.content.match_indices(name).any(|(at, _)| {
            !f.content[..at].ends_with(word) && !f.content[at + name.len()..].starts_with(word)
        })
    })
}

/// What a value must be to stand in another's place, if it is not that.
fn misfit(default: &Value, node: &Node) -> Option<&'static str> {
    let is_template = node.as_str().is_some_and(|t| t.contains("{{"));
    match default {
        _ if is_template => None,
        Value::Bool(_) => {
            (!matches!(node.kind, NodeKind::Scalar(Value::Bool(_)))).then_some("true or false")
        }
        Value::Int(_) => {
            (!matches!(node.kind, NodeKind::Scalar(Value::Int(_)))).then_some("a number")
        }
        Value::List(_) => node.as_seq().is_none().then_some("a list"),
        Value::Dict(_) => node.as_map().is_none().then_some("a mapping"),
        // A template may come to anything.
        Value::Str(text) if text.as_str().contains("{{") => None,
        _ => text_of(node).is_none().then_some("text"),
    }
}

/// Text stays text, though YAML reads `1.30` as a number.
fn typed(default: &Value, node: &Node) -> Value {
    match (default, &node.kind) {
        (Value::Str(text), NodeKind::Scalar(Value::Float(_) | Value::Int(_)))
            if !text.as_str().contains("{{") && !text.as_str().is_empty() =>
        {
            Value::str(node.span.text())
        }
        _ => plain(node),
    }
}

/// A version's first two numbers.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// What goes with a version of Kubernetes.
fn goes_with(version: (u32, u32)) -> Vec<(&'static str, Value)> {
    let api = match version {
        v if v <= (1, 21) => "v1beta2",
        v if v <= (1, 30) => "v1beta3",
        _ => "v1beta4",
    };
    let user = if version <= (1, 20) {
        "kubeadm alpha kubeconfig user"
    } else {
        "kubeadm kubeconfig user"
    };
    let role = if version <= (1, 23) { "master" } else { "control-plane" };
    let pause = match version {
        v if v <= (1, 20) => "3.2",
        (1, 21) => "3.4.1",
        (1, 22) => "3.5",
        (1, 23) => "3.6",
        (1, 24) => "3.7",
        (1, 25) => "3.8",
        v if v <= (1, 30) => "3.9",
        v if v <= (1, 33) => "3.10",
        _ => "3.10.1",
    };
    vec![
        ("kubeadm_api_version", Value::from(api)),
        ("kubeadm_user_command", Value::from(user)),
        ("kubernetes_control_plane_role", Value::from(format!("node-role.kubernetes.io/{role}"))),
        (
            "pause_image",
            Value::from(format!("{{{{ kubernetes_image_repository }}}}/pause:{pause}")),
        ),
    ]
}

/// The variables of all hosts that a description sets, later ones over earlier ones.
pub fn assignments(description: &Description) -> Vec<(String, Value)> {
    let mut set: Vec<(String, Value)> = Vec::new();
    let mut put = |name: &str, value: Value| set.push((name.to_owned(), value));
    let text = |name: &str| description.said(name).and_then(|v| v.value.as_str());

    let name = text("cluster_name").unwrap_or_default();
    put("ingress_domain", Value::from(format!("{name}.home.arpa")));
    if let Some(first) = description.hosts_of(&[Role::ControlPlane]).first() {
        put("cluster_subnet", Value::from(Network::around(first.address.value).to_string()));
    }
    put("api_virtual_address", Value::from(""));
    if description.hosts_of(&[Role::ControlPlane]).len() > 1 {
        put("api_load_balancer", Value::from("kube_vip"));
    }
    if description.hosts_of(&[Role::Storage]).is_empty() {
        put("jellyfin_enabled", Value::Bool(false));
    }
    // The repository's own files know best what goes with the version that they are for.
    if let Some(wanted) = text("kubernetes_version").and_then(minor)
        && Some(wanted) != minor(default_text("kubernetes_version"))
    {
        goes_with(wanted).into_iter().for_each(|(name, value)| put(name, value));
    }
    if let Some(wanted) = text("rke2_version").map(|v| v.trim_start_matches('v')).and_then(minor)
        && Some(wanted) != minor(default_text("rke2_version").trim_start_matches('v'))
    {
        put("rke2_channel", Value::from(format!("v{}.{}", wanted.0, wanted.1)));
    }
    for (setting, value) in &description.settings {
        put(setting.variable, value.value.clone());
    }
    for option in &description.options {
        put(&option.name.value, option.value.clone());
    }
    set
}

/// The value that a variable of all hosts has in the end, as text.
pub fn final_text(description: &Description, name: &str) -> String {
    let set = assignments(description);
    let found = set.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v);
    found.or_else(|| default_of(name)).map(Value::to_text).unwrap_or_default()
}

/// The files of `inventory/group_vars/`, filled in.
pub fn files(description: &Description) -> Result<Vec<(String, String)>> {
    let all = || FILES.iter().filter(|f| f.path.starts_with("inventory/group_vars/"));
    let mut documents: Vec<(&str, Document)> =
        all().map(|f| (f.path, Document::new(f.path, f.content))).collect();
    let mut others: Vec<(String, Value)> = Vec::new();
    for (name, value) in assignments(description) {
        let place = DEFINED.get(&name).map(|(path, _)| *path);
        match documents.iter_mut().find(|(p, _)| p.starts_with(ALL) && Some(*p) == place) {
            Some((_, document)) => document.set(&[&name], &value)?,
            None => others.push((name, value)),
        }
    }
    let mut files: Vec<(String, String)> = documents
        .into_iter()
        .filter(|(path, _)| is_needed(path, description))
        .map(|(path, document)| (path.to_owned(), document.into_text()))
        .collect();
    if !others.is_empty() {
        let mut text =
            "---\n# Variables of roles that cluster.yaml sets under `options`.\n".to_owned();
        others.iter().for_each(|(name, value)| text.push_str(&super::write::entry(name, value, 0)));
        files.push((OPTIONS.to_owned(), text));
    }
    Ok(files)
}

/// Whether a file of the repository has a place in the tree of this cluster.
pub fn is_needed(path: &str, description: &Description) -> bool {
    let rke2 = description.hosts.iter().any(|h| h.role.value.is_rke2());
    let rhel = description.hosts.iter().any(|h| h.os.value == Os::Rhel);
    match path {
        "inventory/group_vars/rke2_nodes.yml"
        | "playbooks/install-rke2.yaml"
        | "playbooks/uninstall-rke2.yaml" => rke2,
        "inventory/group_vars/rhel_nodes.yml" => rhel,
        path => rke2 || !path.starts_with("roles/rke2/"),
    }
}

/// The value of a variable in one of the repository's files.
pub fn in_file(path: &str, name: &str) -> Option<Value> {
    let file = embedded::file(path)?;
    Document::new(path, file.content).get(&[name]).ok().flatten()
}
