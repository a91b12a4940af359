//! `setup`: what is known of a host.

use std::collections::BTreeSet;

use crate::data::Map;
use crate::facts::{COLLECTORS, Collector};
use crate::module::{Args, CheckMode, Context, Failure, Kind, Module, Opt, Outcome};

pub static MODULE: Module = Module {
    description: "Gathers facts of a host. Plays run it by themselves on their first task.",
    options: &[
        Opt::list("gather_subset", Kind::Str).doc(
            "What to gather: `all`, `min`, `hardware`, `network`, `virtual` and the like; with `!` before it what to leave out. A little is always gathered unless `!min` says otherwise.",
        ),
        Opt::int("gather_timeout").or_int(10).doc("Seconds for slow parts."),
        Opt::list("filter", Kind::Str).doc("Only facts whose names match one of these shell patterns."),
        Opt::path("fact_path").or_str("/etc/ansible/facts.d").doc("Where the host's own `*.fact` files are."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: Look at the hardware only\n  ansible.builtin.setup:\n    gather_subset: ['!all', hardware]\n",
    ..Module::builtin("setup", "Gathers facts of a host", run)
};

/// What `min` stands for.
const MINIMAL: &[&str] = &[
    "apparmor",
    "caps",
    "cmdline",
    "date_time",
    "distribution",
    "dns",
    "env",
    "fips",
    "local",
    "lsb",
    "pkg_mgr",
    "platform",
    "python",
    "selinux",
    "service_mgr",
    "ssh_pub_keys",
    "user",
];

/// Every subset, each with the facts that name it too.
const SUBSETS: &[(&str, &[&str])] = &[
    ("apparmor", &[]),
    ("caps", &["system_capabilities", "system_capabilities_enforced"]),
    ("chroot", &["is_chroot"]),
    ("cmdline", &[]),
    ("date_time", &[]),
    (
        "distribution",
        &[
            "distribution_major_version",
            "distribution_release",
            "distribution_version",
            "os_family",
        ],
    ),
    ("dns", &[]),
    ("env", &[]),
    ("facter", &[]),
    ("fibre_channel_wwn", &[]),
    ("fips", &[]),
    ("hardware", &["devices", "mounts", "processor", "processor_cores", "processor_count"]),
    ("iscsi", &[]),
    ("loadavg", &[]),
    ("local", &[]),
    ("lsb", &[]),
    (
        "network",
        &["all_ipv4_addresses", "all_ipv6_addresses", "default_ipv4", "default_ipv6", "interfaces"],
    ),
    ("nvme", &[]),
    ("ohai", &[]),
    ("pkg_mgr", &[]),
    (
        "platform",
        &[
            "architecture",
            "kernel",
            "kernel_version",
            "machine",
            "machine_id",
            "python_version",
            "system",
        ],
    ),
    ("python", &[]),
    ("selinux", &[]),
    ("service_mgr", &[]),
    (
        "ssh_pub_keys",
        &[
            "ssh_host_key_dsa_public",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ed25519_public",
            "ssh_host_key_rsa_public",
            "ssh_host_pub_keys",
        ],
    ),
    (
        "user",
        &[
            "effective_group_ids",
            "effective_user_id",
            "real_user_id",
            "user_dir",
            "user_gecos",
            "user_gid",
            "user_id",
            "user_shell",
            "user_uid",
        ],
    ),
    (
        "virtual",
        &[
            "virtualization_role",
            "virtualization_tech_guest",
            "virtualization_tech_host",
            "virtualization_type",
        ],
    ),
];

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let subsets = args.is_given("gather_subset").then(|| args.strings("gather_subset"));
    let mut subsets = subsets.unwrap_or_default();
    if subsets.is_empty() {
        subsets.push("all".into());
    }
    let chosen = choose(&subsets)?;
    let mut facts = Map::new();
    for collector in chosen {
        (collector.collect)(cx, &mut facts);
    }
    let patterns = args.strings("filter");
    let mut all = Map::new();
    for (name, value) in facts {
        let name = format!("ansible_{name}");
        if wanted(&patterns, &name) {
            all.insert(name, value);
        }
    }
    // What was gathered passes the filter as well.
    for (name, value) in [("gather_subset", subsets.into()), ("module_setup", true.into())] {
        if wanted(&patterns, name) {
            all.insert(name.into(), value);
        }
    }
    Ok(Outcome::silent().facts(all))
}

fn wanted(patterns: &[String], name: &str) -> bool {
    patterns.is_empty()
        || patterns.iter().any(|p| {
            p.is_empty()
                || crate::data::glob(p, name)
                || crate::data::glob(p, name.strip_prefix("ansible_").unwrap_or(name))
        })
}

/// Subsets that need others gathered with them, whatever is left out.
const NEEDED: &[(&str, &[&str])] = &[
    ("hardware", &["platform"]),
    ("network", &["distribution", "platform"]),
    ("pkg_mgr", &["distribution"]),
    ("service_mgr", &["distribution", "platform"]),
];

/// Every name that may stand in `gather_subset`, but for `all` and `min`.
fn names() -> impl Iterator<Item = &'static str> {
    SUBSETS.iter().flat_map(|(name, facts)| std::iter::once(*name).chain(facts.iter().copied()))
}

/// The names that these subsets come to: what is added, without what is left out, but for what is
/// asked for by its own name.
fn choose_names(subsets: &[String]) -> Result<BTreeSet<&'static str>, Failure> {
    let mut add: BTreeSet<&str> = MINIMAL.iter().copied().collect();
    let mut exclude: BTreeSet<&str> = BTreeSet::new();
    let mut explicit: BTreeSet<&str> = BTreeSet::new();
    for subset in subsets {
        let (name, out) = match subset.strip_prefix('!') {
            Some(name) => (name, true),
            None => (subset.as_str(), false),
        };
        match (name, out) {
            ("min", false) => add.extend(MINIMAL),
            ("min", true) => exclude.extend(MINIMAL),
            ("all", false) => add.extend(names()),
            // Without everything, the minimum still is gathered.
            ("all", true) => exclude.extend(names().filter(|n| !MINIMAL.contains(n))),
            (name, true) => {
                // What nobody gathers is easily left out. A single fact is not: its subset stays.
                exclude.extend(names().filter(|n| *n == name));
                let facts = SUBSETS.iter().find(|(n, _)| *n == name).map(|(_, facts)| facts);
                exclude.extend(facts.into_iter().copied().flatten());
            }
            (name, false) => {
                let Some(name) = names().find(|n| *n == name) else { return Err(unknown(name)) };
                explicit.insert(name);
                add.insert(name);
            }
        }
    }
    Ok(add.into_iter().filter(|n| !exclude.contains(n) || explicit.contains(n)).collect())
}

fn unknown(name: &str) -> Failure {
    let mut valid: Vec<&str> = names().collect();
    valid.sort_unstable();
    Failure::new(format!(
        "Bad subset '{name}' given to Ansible. gather_subset options allowed: all, {}",
        valid.join(", ")
    ))
}

/// The collectors that these subsets ask for, in their own order.
fn choose(subsets: &[String]) -> Result<Vec<&'static Collector>, Failure> {
    let chosen = choose_names(subsets)?;
    let mut gathered: BTreeSet<&str> = SUBSETS
        .iter()
        .filter(|(name, facts)| {
            std::iter::once(name).chain(facts.iter()).any(|n| chosen.contains(n))
        })
        .map(|(name, _)| *name)
        .collect();
    for (subset, needed) in NEEDED {
        if gathered.contains(subset) {
            gathered.extend(*needed);
        }
    }
    Ok(COLLECTORS
        .iter()
        .copied()
        .filter(|c| c.subsets.iter().any(|s| gathered.contains(s)))
        .collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn chosen(subsets: &[&str]) -> Vec<&'static str> {
        let subsets: Vec<String> = subsets.iter().map(|s| (*s).to_owned()).collect();
        choose(&subsets).unwrap().iter().map(|c| c.name).collect()
    }

    #[test]
    fn subsets_add_and_leave_out() {
        assert_eq!(chosen(&["all"]).len(), COLLECTORS.len());
        assert!(chosen(&["!all"]).contains(&"distribution"));
        assert!(!chosen(&["!all"]).contains(&"network"));
        assert!(chosen(&["!all", "!min"]).is_empty());
        assert!(chosen(&["!all", "network"]).contains(&"network"));
        assert!(chosen(&["min"]).contains(&"pkg_mgr") && !chosen(&["min"]).contains(&"cpu"));
        assert_eq!(chosen(&["!hardware"]), chosen(&["min"]));
        assert_eq!(chosen(&["!odd"]), chosen(&["min"]));
        assert!(choose(&["nope".to_owned()]).is_err());
    }

    #[test]
    fn a_fact_stands_for_its_subset() {
        assert_eq!(chosen(&["!all", "!min", "architecture"]), ["platform"]);
        assert_eq!(chosen(&["!all", "!min", "mounts"]), chosen(&["!all", "!min", "hardware"]));
        assert!(chosen(&["all", "!mounts"]).contains(&"mounts"));
        assert!(!chosen(&["all", "!hardware"]).contains(&"mounts"));
        assert!(chosen(&["all", "!hardware", "processor"]).contains(&"mounts"));
    }

    #[test]
    fn needed_subsets_come_along() {
        let network = chosen(&["!all", "!min", "network"]);
        assert_eq!(network, ["platform", "distribution", "network"]);
    }

    #[test]
    fn facts_can_be_filtered() {
        assert!(wanted(&["ansible_pkg*".into()], "ansible_pkg_mgr"));
        assert!(wanted(&["pkg_mgr".into()], "ansible_pkg_mgr"));
        assert!(!wanted(&["x".into()], "ansible_pkg_mgr"));
    }
}
