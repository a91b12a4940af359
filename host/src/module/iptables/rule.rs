//! The words of a rule, in the order in which ansible writes them.

use crate::module::Args;

/// A rule being written.
struct Words<'a> {
    args: &'a Args,
    out: Vec<String>,
}

impl Words<'_> {
    fn push(&mut self, words: &[&str]) {
        self.out.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// A value after its flag; `!` before the value goes before the flag.
    fn value(&mut self, value: &str, flag: &str) {
        match value.strip_prefix('!') {
            Some(rest) => self.push(&["!", flag, rest]),
            None => self.push(&[flag, value]),
        }
    }

    fn param(&mut self, option: &str, flag: &str) {
        if let Some(value) = self.args.str(option) {
            self.value(value, flag);
        }
    }

    fn given(&self, option: &str) -> bool {
        match self.args.list(option) {
            Some(list) => !list.is_empty(),
            None => self.args.str(option).is_some_and(|text| !text.is_empty()),
        }
    }

    /// The extension, if the option is given.
    fn extension(&mut self, option: &str, name: &str) {
        if self.given(option) {
            self.push(&["-m", name]);
        }
    }

    fn commas(&mut self, option: &str, flag: &str) {
        if self.given(option) {
            let list = self.args.strings(option).join(",");
            self.push(&[flag, &list]);
        }
    }
}

/// The words of the rule that the options make.
pub fn words(args: &Args) -> Vec<String> {
    let mut words = Words { args, out: Vec::new() };
    addresses(&mut words);
    target(&mut words);
    ports(&mut words);
    states(&mut words);
    limits(&mut words);
    words.extension("comment", "comment");
    words.param("comment", "--comment");
    words.out
}

fn addresses(words: &mut Words<'_>) {
    if words.given("wait") {
        words.param("wait", "-w");
    }
    words.param("protocol", "-p");
    words.param("source", "-s");
    words.param("destination", "-d");
    for extension in words.args.strings("match") {
        words.value(&extension, "-m");
    }
    let flags = |key: &str| {
        let list = words.args.dict("tcp_flags")?.get(key)?.as_array()?;
        let list: Vec<String> = list.iter().map(crate::python::text).collect();
        Some(list.join(","))
    };
    if let (Some(mask), Some(set)) = (flags("flags"), flags("flags_set")) {
        words.push(&["--tcp-flags", &mask, &set]);
    }
}

fn target(words: &mut Words<'_>) {
    words.param("jump", "-j");
    if words.args.str("jump").is_some_and(|jump| jump.eq_ignore_ascii_case("tee")) {
        words.param("gateway", "--gateway");
    }
    words.param("log_prefix", "--log-prefix");
    words.param("log_level", "--log-level");
    words.param("to_destination", "--to-destination");
    words.extension("destination_ports", "multiport");
    words.commas("destination_ports", "--dports");
    words.param("to_source", "--to-source");
    words.param("goto", "-g");
}

fn ports(words: &mut Words<'_>) {
    for (option, flag) in [
        ("in_interface", "-i"),
        ("out_interface", "-o"),
        ("fragment", "-f"),
        ("set_counters", "-c"),
        ("source_port", "--source-port"),
        ("destination_port", "--destination-port"),
        ("to_ports", "--to-ports"),
        ("set_dscp_mark", "--set-dscp"),
        ("set_dscp_mark_class", "--set-dscp-class"),
    ] {
        words.param(option, flag);
    }
    match words.args.req("syn") {
        "match" => words.push(&["--syn"]),
        "negate" => words.push(&["!", "--syn"]),
        _ => {}
    }
}

fn states(words: &mut Words<'_>) {
    let extensions = words.args.strings("match");
    let has = |name: &str| extensions.iter().any(|extension| extension == name);
    if has("conntrack") {
        words.commas("ctstate", "--ctstate");
    } else if has("state") {
        words.commas("ctstate", "--state");
    } else {
        words.extension("ctstate", "conntrack");
        words.commas("ctstate", "--ctstate");
    }
    let ranges = words.given("src_range") || words.given("dst_range");
    if has("iprange") || ranges {
        if !has("iprange") {
            words.push(&["-m", "iprange"]);
        }
        words.param("src_range", "--src-range");
        words.param("dst_range", "--dst-range");
    }
    if has("set") || words.given("match_set") {
        if !has("set") {
            words.push(&["-m", "set"]);
        }
        words.param("match_set", "--match-set");
        if let Some(flags) = words.args.str("match_set_flags") {
            words.push(&[flags]);
        }
    }
}

fn limits(words: &mut Words<'_>) {
    if words.given("limit") || words.given("limit_burst") {
        words.push(&["-m", "limit"]);
    }
    words.param("limit", "--limit");
    words.param("limit_burst", "--limit-burst");
    for (option, flag) in [("uid_owner", "--uid-owner"), ("gid_owner", "--gid-owner")] {
        words.extension(option, "owner");
        match words.args.str(option) {
            // ansible-core takes these words for the flag itself, too.
            Some("match") => words.push(&[flag]),
            Some("negate") => words.push(&["!", flag]),
            _ => {}
        }
        words.param(option, flag);
    }
    if words.args.str("jump").is_none() && words.given("reject_with") {
        words.push(&["-j", "REJECT"]);
    }
    words.param("reject_with", "--reject-with");
    let icmp = match words.args.req("ip_version") {
        "ipv6" => "--icmpv6-type",
        _ => "--icmp-type",
    };
    words.param("icmp_type", icmp);
}
