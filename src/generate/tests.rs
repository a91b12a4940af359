//! Descriptions that are wrong, and what good ones come to.

use super::{
    description::Description,
    plan,
    record::{Record, hash},
    secrets,
    tree::{State, Writer, compare},
};
use crate::{diagnostic::Source, value::Value, yaml};

const GOOD: &str = "\
name: lab
hosts:
  one: {address: 10.9.0.11, os: debian-12, role: control_plane}
  two: {address: 10.9.0.12, os: debian-12, role: storage}
";

/// `LINE:COLUMN message (hint; hint)` for each mistake.
fn mistakes(text: &str) -> Vec<String> {
    let errors = Description::read(&Source::new("cluster.yaml", text)).unwrap_err();
    errors
        .iter()
        .map(|e| {
            let at = e.span().unwrap().position();
            let hints = e.hints().join("; ");
            let hints = if hints.is_empty() { hints } else { format!(" ({hints})") };
            format!("{}:{} {}{hints}", at.line, at.column, e.message())
        })
        .collect()
}

fn described(text: &str) -> Description {
    Description::read(&Source::new("cluster.yaml", text)).unwrap()
}

/// A file of the tree of a description, as a value.
fn file(text: &str, path: &str) -> Value {
    let plan = plan(&described(text)).unwrap();
    yaml::safe_load(&plan[path].content).unwrap()
}

fn at(value: &Value, path: &[&str]) -> Value {
    path.iter().fold(value.clone(), |v, key| {
        v.as_dict().and_then(|d| d.get(key)).unwrap_or_else(|| panic!("no {key} in {v:?}"))
    })
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let with = |more: &str| format!("{GOOD}{more}");
    let hosts = |lines: &str| format!("name: lab\nhosts:\n{lines}");
    let mut wrong = Vec::new();
    for (text, told) in [
        (
            with("version: {flannel: 0.27.4}\n"),
            "5:1 unknown key `version` (did you mean `versions`?)",
        ),
        (
            with("versions: {flanel: 0.27.4}\n"),
            "5:12 unknown key `flanel` (did you mean `flannel`?)",
        ),
        (
            with("versions: {kubernetes: 1.30}\n"),
            "5:24 `versions.kubernetes` must be a version such as 1.29.15, without `v`",
        ),
        (
            with("versions: {rke2: 1.29.15}\n"),
            "5:18 `versions.rke2` must be a version such as v1.29.15+rke2r1",
        ),
        (with("versions: [1]\n"), "5:11 `versions` must be a mapping, not a list"),
        (
            with("networks: {pods: 10.244.0.1/16}\n"),
            "5:18 `networks.pods` must be a network such as 192.168.4.0/24, its host part zero",
        ),
        (
            with("networks: {pods: 10.9.0.0/16}\n"),
            "5:18 10.9.0.0/16 and the hosts' subnet 10.9.0.0/24 share addresses",
        ),
        (
            with("networks: {pods: 10.100.0.0/16, services: 10.96.0.0/12}\n"),
            "5:43 10.96.0.0/12 and the pods' network 10.100.0.0/16 share addresses",
        ),
        (
            with("networks: {api_port: 65536}\n"),
            "5:22 `networks.api_port` must be a port, 1 to 65535",
        ),
        (
            with("networks: {api_load_balancer: nginx}\n"),
            "5:31 `networks.api_load_balancer` must be one of none, kube_vip, haproxy",
        ),
        (
            with("networks: {api_load_balancer: haproxy}\n"),
            "5:31 a load balancer needs `networks.api_address` (a free address of the subnet)",
        ),
        (
            with("networks: {api_address: 10.9.0.12}\n"),
            "5:25 10.9.0.12 is the address of `two`: the API needs one of its own",
        ),
        (
            with("networks: {api_address: 10.9.1.12}\n"),
            "5:25 10.9.1.12 is not in the subnet 10.9.0.0/24",
        ),
        (with("applications: {tracing: 1}\n"), "5:25 `applications.tracing` must be true or false"),
        (
            with("options: {log_retention_day: 1}\n"),
            "5:11 unknown variable `log_retention_day` (did you mean `log_retention_days`?)",
        ),
        (
            with("options: {log_retention_days: many}\n"),
            "5:31 `options.log_retention_days` must be a number, not text",
        ),
        (
            with("options: {flannel_version: 0.28.0}\n"),
            "5:11 `flannel_version` has a key of its own (say `versions.flannel`)",
        ),
        (
            with("options: {rke2_token: x}\n"),
            "5:11 `rke2_token` is a variable of a group (inventory/group_vars/rke2_nodes.yml) \
             (say it in the `variables` of a host)",
        ),
        (with("name: again\n"), "5:1 a key stands twice in one mapping"),
        (with("---\nname: x\n"), "6:1 a description is one YAML document"),
        ("- a\n".to_owned(), "1:1 a description is a mapping, not a list"),
        (
            "name: lab\nhosts: {}\n".to_owned(),
            "2:8 a cluster without hosts (one control plane at least)",
        ),
        ("name: lab\n".to_owned(), "1:1 `hosts` is missing (add `hosts: {…}`)"),
        (GOOD.replace("name: lab", "nam: lab"), "1:1 unknown key `nam` (did you mean `name`?)"),
        (
            GOOD.replace("name: lab", "name: My Lab"),
            "1:7 `name` must be a name of small letters, digits, `-` and `.`",
        ),
        (
            GOOD.replace("two:", "Two:"),
            "4:3 `Two` is no name of a host: small letters, digits and `-` make one",
        ),
        (GOOD.replace("two:", "all:"), "4:3 `all` is the name of a group already"),
        (
            GOOD.replace("storage", "stroage"),
            "4:50 unknown role `stroage` (did you mean `storage`?)",
        ),
        (GOOD.replace("10.9.0.12", "10.9.0.312"), "4:18 `10.9.0.312` is no IPv4 address"),
        (GOOD.replace("10.9.0.12", "10.9.0.11"), "4:18 10.9.0.11 is the address of `one` already"),
        (
            GOOD.replace("10.9.0.12", "10.9.1.12"),
            "4:18 10.9.1.12 is not in the subnet 10.9.0.0/24 (`networks.subnet` is the network that all hosts are in)",
        ),
        (
            GOOD.replace("12, role: s", "11, role: s"),
            "4:33 debian 11 is too old: 12 or later will do",
        ),
        (
            GOOD.replace("debian-12, role: s", "debain, role: s"),
            "4:33 unknown operating system `debain` (did you mean `debian`?)",
        ),
        (
            GOOD.replace("debian-12, role: storage", "rhel-10, role: storage, user: a"),
            "4:48 hosts of RHEL's kind run RKE2, not kubeadm (`role: rke2`, or `os: debian-12`)",
        ),
        (
            GOOD.replace("debian-12, role: storage", "rhel-10, role: rke2"),
            "4:3 `hosts.two.user` is missing (RHEL's hosts are logged in to as somebody who may use sudo: `user: admin`)",
        ),
        (
            GOOD.replace("storage}", "storage, variables: {etcd_backup_kep: 1}}"),
            "4:71 unknown variable `etcd_backup_kep`",
        ),
        (
            GOOD.replace("storage}", "storage, variables: {ansible_user: x}}"),
            "4:71 `ansible_user` has a key of its own (say `user`)",
        ),
        (
            hosts("  one: {address: 10.9.0.11, os: debian, role: compute}\n"),
            "3:3 no host is a control plane (one host (or three) needs `role: control_plane`)",
        ),
        (
            GOOD.replace("storage", "control_plane"),
            "4:50 two control planes are less than one: etcd stands still when either is away (make it one or three)",
        ),
        (
            with("applications: {jellyfin: true}\n").replace("role: storage", "role: compute"),
            "5:26 Jellyfin runs where the media are, and no host has `role: storage` \
             (give one host that role, or say `jellyfin: false`)",
        ),
        (
            GOOD.replace("debian-12, role: storage", "rhel, role: rke2_agent, user: a"),
            "4:45 an agent of RKE2 without a server (`role: rke2`)",
        ),
    ] {
        let found = mistakes(&text);
        if found != [told] {
            wrong.push(format!("{text}told: {found:?}\n not: {told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert_eq!(
        mistakes(
            "name: lab\nhosts:\n  one: {adress: 10.9.0.11, os: debian, role: control_plane}\n"
        ),
        ["3:9 unknown key `adress` (did you mean `address`?)"]
    );
    assert!(mistakes("")[0].starts_with("1:1 the description is empty (the smallest one is:"));
    assert!(mistakes("a: [\n")[0].contains("Syntax Error while loading YAML."));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text =
        "name: A\nhosts:\n  one: {address: x, os: y, role: z}\nnetworks: {api_port: 0}\nmore: 1\n";
    let lines: Vec<String> =
        mistakes(text).iter().map(|m| m.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["1:7", "3:18", "3:25", "3:34", "4:22", "5:1"]);
}

fn planes(count: usize, more: &str) -> String {
    let hosts: String = (1..=count)
        .map(|n| format!("  cp{n}: {{address: 10.9.0.1{n}, os: debian, role: control_plane}}\n"))
        .collect();
    format!("name: lab\nhosts:\n{hosts}{more}")
}

#[test]
fn three_control_planes_need_an_address_before_them() {
    assert_eq!(
        mistakes(&planes(3, "")),
        [
            "5:47 three control planes need `networks.api_address` (a free address of the subnet, at which nodes \
          find whichever of them is up)"
        ]
    );
    assert_eq!(
        mistakes(&planes(3, "networks: {api_load_balancer: none, api_address: 10.9.0.10}\n")),
        ["6:31 three control planes need a load balancer before them (kube_vip or haproxy)"]
    );
    assert_eq!(
        mistakes(&planes(4, "networks: {api_address: 10.9.0.10}\n")),
        ["6:47 there are three control planes already"]
    );
    let network = "inventory/group_vars/all/network.yml";
    let with = file(&planes(3, "networks: {api_address: 10.9.0.10}\n"), network);
    assert_eq!(at(&with, &["api_load_balancer"]).as_str(), Some("kube_vip"));
    assert_eq!(at(&with, &["api_virtual_address"]).as_str(), Some("10.9.0.10"));
    let one = file(&planes(1, ""), network);
    assert_eq!(at(&one, &["api_load_balancer"]).as_str(), Some("none"));
    assert_eq!(at(&one, &["api_virtual_address"]).as_str(), Some(""));
}

#[test]
fn a_version_brings_what_goes_with_it() {
    let versions = "inventory/group_vars/all/versions.yml";
    for (kubernetes, api, pause) in [
        ("1.21.9", "v1beta2", "3.4.1"),
        ("1.28.1", "v1beta3", "3.9"),
        ("1.32.0", "v1beta4", "3.10"),
    ] {
        let made = file(&format!("{GOOD}versions: {{kubernetes: {kubernetes}}}\n"), versions);
        assert_eq!(at(&made, &["kubeadm_api_version"]).as_str(), Some(api), "{kubernetes}");
        assert!(at(&made, &["pause_image"]).to_text().ends_with(&format!("/pause:{pause}")));
    }
    let said = format!("{GOOD}versions: {{kubernetes: 1.32.0}}\noptions: {{pause_image: x/y:1}}\n");
    assert_eq!(at(&file(&said, versions), &["pause_image"]).as_str(), Some("x/y:1"));
    let rke2 = format!("{GOOD}versions: {{rke2: v1.31.4+rke2r1}}\n");
    assert_eq!(at(&file(&rke2, versions), &["rke2_channel"]).as_str(), Some("v1.31"));
}

#[test]
fn options_are_written_where_they_belong() {
    let text = format!(
        "{GOOD}options:\n  worker_join_attempts: 9\n  flannel_mtu: 1400\n  image_tags: {{docker.io/grafana/grafana: 11.0}}\n"
    );
    let options = file(&text, "inventory/group_vars/all/options.yml");
    assert_eq!(options.as_dict().unwrap().len(), 1);
    assert_eq!(at(&options, &["worker_join_attempts"]).to_text(), "9");
    let network = file(&text, "inventory/group_vars/all/network.yml");
    assert_eq!(at(&network, &["flannel_mtu"]).to_text(), "1400");
    let tags = at(&file(&text, "inventory/group_vars/all/versions.yml"), &["image_tags"]);
    assert!(tags.as_dict().unwrap().len() > 1, "other images stay");
    assert!(!plan(&described(GOOD)).unwrap().contains_key("inventory/group_vars/all/options.yml"));
}

#[test]
fn manifests_and_the_tasks_that_change_them_have_the_values() {
    let text =
        format!("{GOOD}networks: {{pods: 10.200.0.0/16}}\noptions: {{log_retention_days: 2}}\n");
    let plan = plan(&described(&text)).unwrap();
    let has = |path: &str, what: &str| {
        assert!(plan[path].content.contains(what), "{path} lacks {what}");
    };
    has("manifests/cni/flannel.yaml", "\"Network\": \"10.200.0.0/16\"");
    has("manifests/network/monitoring.yaml", "cidr: 10.9.0.0/24");
    has("manifests/monitoring/loki.yaml", "value: 48h\n");
    has("manifests/monitoring/prometheus.yaml", "value: lab\n");
    has("manifests/ingress/grafana.yaml", "host: grafana.lab.home.arpa");
    // What the role looks for is what the manifest says.
    has("roles/ingress/tasks/main.yml", "lab.home.arpa: \"{{ ingress_domain }}\"");
    has("roles/network_policies/tasks/main.yml", "10.9.0.0/24: \"{{ cluster_subnet }}\"");
    for (path, planned) in &plan {
        assert!(!planned.content.contains("192.168.4.0/24"), "{path} has the homelab's subnet");
    }
}

#[test]
fn the_homelab_changes_no_embedded_file() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/cluster.yaml")).unwrap();
    let plan = plan(&described(&text)).unwrap();
    for file in super::embedded::FILES {
        assert_eq!(plan[file.path].content, file.content, "{}", file.path);
    }
}

#[test]
fn secrets_are_by_chance_and_those_of_people_are_asked_for() {
    let text = GOOD.replace("role: storage", "role: storage, user: admin");
    let example = secrets::example(&described(&text)).unwrap();
    assert!(example.contains("vault_debian_become_password"));
    assert!(
        !example.contains("vault_rhel_become_password") && !example.contains("vault_rke2_token")
    );
    assert!(example.starts_with("---\n# What"));
    let (one, two) = (secrets::fresh(&example).unwrap(), secrets::fresh(&example).unwrap());
    assert_ne!(one.text, two.text);
    assert_eq!(one.missing, ["vault_debian_become_password"]);
    let value = yaml::safe_load(&one.text).unwrap();
    assert_eq!(at(&value, &["vault_keepalived_password"]).to_text().len(), 8);
    assert_eq!(at(&value, &["vault_grafana_admin_password"]).to_text().len(), 32);
    assert_eq!(at(&value, &["vault_grafana_admin_user"]).as_str(), Some("admin"));
}

#[test]
fn a_run_that_was_cut_short_takes_nothing_for_edited() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let tree = |text: &str| plan(&described(text)).unwrap();
    let write = |text: &str, stop_after: usize| {
        let before = Record::load(root).unwrap();
        let steps = compare(root, tree(text), &before).unwrap();
        let writer = Writer::begin(root, &before, &steps, "now").unwrap();
        for step in steps.iter().filter(|s| s.state != State::Same).take(stop_after) {
            writer.carry_out(step).unwrap();
        }
        if stop_after == usize::MAX {
            writer.end(&before, &steps, &[]).unwrap();
        }
    };
    let states = |text: &str| {
        let steps = compare(root, tree(text), &Record::load(root).unwrap()).unwrap();
        let changes = steps.into_iter().filter(|s| s.state != State::Same);
        changes.map(|s| (s.path, s.state)).collect::<Vec<_>>()
    };
    write(GOOD, usize::MAX);
    assert_eq!(states(GOOD), []);
    let other = format!("{GOOD}networks: {{pods: 10.200.0.0/16, api_port: 7443}}\n");
    let wanted = states(&other).len();
    assert!(wanted > 1);
    write(&other, 1);
    let third = format!("{GOOD}networks: {{pods: 10.201.0.0/16, api_port: 7443}}\n");
    for text in [GOOD, &other, &third] {
        assert!(states(text).iter().all(|(_, s)| *s == State::Changed), "{:?}", states(text));
    }
    assert_eq!(states(&other).len(), wanted - 1);
    write(&other, usize::MAX);
    assert_eq!(states(&other), []);
    let record = Record::load(root).unwrap();
    assert!(record.has("deploy.sh", &hash(&std::fs::read(root.join("deploy.sh")).unwrap())));
    assert!(record.paths().all(|p| record.hashes(p).len() == 1), "one hash a file once it is done");
}

#[test]
fn a_record_names_only_files_of_the_tree() {
    let folder = tempfile::tempdir().unwrap();
    for bad in ["0  ../x", "0  /etc/passwd", "nonsense"] {
        std::fs::write(folder.path().join(super::record::FILE), format!("{bad}\n")).unwrap();
        assert!(Record::load(folder.path()).is_err(), "{bad}");
    }
}
