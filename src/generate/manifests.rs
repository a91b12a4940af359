//! Values in manifests, and in the tasks that say which of a manifest's texts stand for which variable.
//!
//! The manifests of the repository are whole: they name the homelab's networks, versions and folders. What another cluster
//! has in their place is put there, so that `kubectl apply -f` is right for it, too.

use std::collections::BTreeMap;

use super::{
    description::{Description, Role},
    variables::{self, default_of, default_text, final_text, in_file},
};
use crate::value::Value;

/// Variables whose values stand in manifests as they are.
const AS_THEY_ARE: &[&str] =
    &["cluster_subnet", "pod_network_cidr", "ingress_domain", "vmstation_data_dir"];

/// Environment variables of containers, the variables that they tell, and what follows the number.
const ENVIRONMENT: &[(&str, &str, &str, i64)] = &[
    ("CLUSTER_NAME", "cluster_name", "", 0),
    ("METRICS_RETENTION", "metrics_retention_days", "d", 1),
    ("LOG_RETENTION", "log_retention_days", "h", 24),
];

/// What stands in place of what.
pub struct Filling {
    texts: BTreeMap<String, String>,
}

impl Filling {
    /// What this cluster changes.
    pub fn of(description: &Description) -> Self {
        let mut texts = BTreeMap::new();
        let mut put = |from: String, to: String| {
            if from != to && !from.is_empty() && !to.is_empty() {
                texts.insert(from, to);
            }
        };
        for name in AS_THEY_ARE {
            put(default_text(name).to_owned(), final_text(description, name));
        }
        let media = "jellyfin_media_dir";
        let storage = description.hosts_of(&[Role::Storage]);
        let said = storage.first().and_then(|h| h.variables.iter().find(|v| v.name.value == media));
        if let Some(variable) = said {
            put("/srv/media".to_owned(), variable.value.to_text());
        }
        for (name, variable, unit, factor) in ENVIRONMENT {
            let line = |value: String| {
                let number = value.parse::<i64>().ok().filter(|_| *factor > 0);
                let shown = number.map_or(value, |n| (n * factor).to_string());
                format!("- name: {name}\n              value: {shown}{unit}\n")
            };
            let before = default_of(variable).map(Value::to_text).unwrap_or_default();
            put(line(before), line(final_text(description, variable)));
        }
        for (image, before, after) in images(description) {
            put(format!("image: {image}:{before}\n"), format!("image: {image}:{after}\n"));
        }
        Self { texts }
    }

    /// A file with this cluster's values. What was put there is not looked at again.
    pub fn fill(&self, path: &str, content: &str) -> String {
        if self.texts.is_empty() || !(path.starts_with("manifests/") || path.starts_with("roles/"))
        {
            return content.to_owned();
        }
        let mut filled = String::with_capacity(content.len());
        let mut rest = content;
        while let Some(first) = rest.chars().next() {
            // The longest text wins: `/srv/vmstation` stands in longer ones.
            let found = self.texts.iter().rev().find(|(from, _)| rest.starts_with(from.as_str()));
            match found {
                Some((from, to)) => {
                    filled.push_str(to);
                    rest = &rest[from.len()..];
                }
                None => {
                    filled.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        filled
    }
}

/// Images whose tags are others: name, the repository's tag, this cluster's.
fn images(description: &Description) -> Vec<(String, String, String)> {
    let Some(Value::Dict(defaults)) =
        in_file("inventory/group_vars/all/versions.yml", "image_tags")
    else {
        return Vec::new();
    };
    let set = variables::assignments(description);
    let said = set.iter().rev().find(|(n, _)| n == "image_tags").and_then(|(_, v)| v.as_dict());
    let flannel =
        |version: String, tag: &Value| tag.to_text().replace("{{ flannel_version }}", &version);
    defaults
        .snapshot()
        .iter()
        .map(|(name, tag)| {
            let name = name.value().to_text();
            let other = said.and_then(|s| s.get(&name)).unwrap_or_else(|| tag.clone());
            let before = flannel(default_text("flannel_version").to_owned(), tag);
            let after = flannel(final_text(description, "flannel_version"), &other);
            (name, before, after)
        })
        .collect()
}
