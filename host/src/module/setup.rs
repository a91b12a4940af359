//! `setup`: what is known of a host.

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

/// What `min` stands for, as ansible names it.
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
    "security",
    "selinux",
    "service_mgr",
    "ssh_pub_keys",
    "user",
];

/// Other names of ansible's for subsets, each with the collectors that it means here.
const OTHER_NAMES: &[(&str, &[&str])] = &[
    ("apparmor", &["security"]),
    ("caps", &["security"]),
    ("fips", &["security"]),
    ("is_chroot", &["security"]),
    ("chroot", &["security"]),
    ("system_capabilities", &["security"]),
    ("processor", &["cpu"]),
    ("memory", &["memory"]),
    ("loadavg", &["uptime"]),
    ("virtual", &["virtualization"]),
    ("virtualization_type", &["virtualization"]),
    ("virtualization_role", &["virtualization"]),
    ("default_ipv4", &["network"]),
    ("default_ipv6", &["network"]),
    ("all_ipv4_addresses", &["network"]),
    ("all_ipv6_addresses", &["network"]),
    ("iscsi", &["storage_ids"]),
    ("nvme", &["storage_ids"]),
    ("fibre_channel_wwn", &["storage_ids"]),
    ("lvm", &["devices"]),
    ("machine_id", &["platform"]),
    ("system", &["platform"]),
    ("kernel", &["platform"]),
    ("os_family", &["distribution"]),
    ("python_version", &["platform"]),
    ("facter", &[]),
    ("ohai", &[]),
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

/// The collectors that a subset names.
fn members(subset: &str) -> Option<Vec<&'static Collector>> {
    let by = |keep: &dyn Fn(&Collector) -> bool| -> Vec<&'static Collector> {
        COLLECTORS.iter().copied().filter(|c| keep(c)).collect()
    };
    if let Some((_, names)) = OTHER_NAMES.iter().find(|(name, _)| *name == subset) {
        return Some(by(&|c| names.contains(&c.name)));
    }
    let found = match subset {
        "all" => by(&|_| true),
        "min" => by(&|c| MINIMAL.contains(&c.name)),
        _ => by(&|c| c.name == subset || c.subsets.contains(&subset)),
    };
    (!found.is_empty()).then_some(found)
}

/// The collectors that these subsets ask for, in their own order.
fn choose(subsets: &[String]) -> Result<Vec<&'static Collector>, Failure> {
    let (mut add, mut exclude): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut explicit: Vec<&str> = Vec::new();
    let unknown = |name: &str| {
        let mut valid: Vec<&str> = COLLECTORS.iter().map(|c| c.name).collect();
        valid.extend(["all", "min", "hardware", "network", "virtual"]);
        valid.extend(OTHER_NAMES.iter().map(|(name, _)| *name));
        valid.sort_unstable();
        valid.dedup();
        Failure::new(format!(
            "Bad subset '{name}' given to Ansible. gather_subset options allowed: {}",
            valid.join(", ")
        ))
    };
    let mut all = false;
    for subset in subsets {
        let (name, out) = match subset.strip_prefix('!') {
            Some(name) => (name, true),
            None => (subset.as_str(), false),
        };
        let Some(found) = members(name) else { return Err(unknown(name)) };
        match (name, out) {
            ("all", false) => all = true,
            // Without everything, the minimum still is gathered.
            ("all", true) => {
                exclude.extend(found.iter().map(|c| c.name).filter(|n| !MINIMAL.contains(n)));
            }
            (_, true) => exclude.extend(found.iter().map(|c| c.name)),
            (_, false) => {
                explicit.extend(found.iter().map(|c| c.name));
                add.extend(found.iter().map(|c| c.name));
            }
        }
    }
    let only_exclusions = subsets.iter().all(|s| s.starts_with('!'));
    add.extend(MINIMAL);
    if all || only_exclusions {
        add.extend(COLLECTORS.iter().map(|c| c.name));
    }
    Ok(COLLECTORS
        .iter()
        .copied()
        .filter(|c| {
            add.contains(&c.name) && (!exclude.contains(&c.name) || explicit.contains(&c.name))
        })
        .collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn names(subsets: &[&str]) -> Vec<&'static str> {
        let subsets: Vec<String> = subsets.iter().map(|s| (*s).to_owned()).collect();
        choose(&subsets).unwrap().iter().map(|c| c.name).collect()
    }

    #[test]
    fn subsets_add_and_leave_out() {
        assert_eq!(names(&["all"]).len(), COLLECTORS.len());
        assert!(names(&["!all"]).contains(&"distribution"));
        assert!(!names(&["!all"]).contains(&"network"));
        assert!(!names(&["!all", "!min"]).contains(&"distribution"));
        assert!(names(&["!all", "network"]).contains(&"network"));
        assert!(names(&["min"]).contains(&"pkg_mgr") && !names(&["min"]).contains(&"cpu"));
        assert!(names(&["!hardware"]).contains(&"network"));
        assert!(!names(&["!hardware"]).contains(&"cpu"));
        assert!(choose(&["nope".to_owned()]).is_err());
    }

    #[test]
    fn facts_can_be_filtered() {
        assert!(wanted(&["ansible_pkg*".into()], "ansible_pkg_mgr"));
        assert!(wanted(&["pkg_mgr".into()], "ansible_pkg_mgr"));
        assert!(!wanted(&["x".into()], "ansible_pkg_mgr"));
    }
}
