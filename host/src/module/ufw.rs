//! `ufw`: the uncomplicated firewall.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned, Rule};
use crate::regex::{Flags, Pattern};

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.ufw"],
    description: "Switches ufw on and off, sets its defaults and its rules. The host needs `ufw`.",
    options: &[
        Opt::str("state")
            .choices(&[
                Lit::Str("enabled"),
                Lit::Str("disabled"),
                Lit::Str("reloaded"),
                Lit::Str("reset"),
            ])
            .doc("Whether it is on, now and at every start; or that it reads its rules again, or forgets them."),
        Opt::str("default")
            .aliases(&["policy"])
            .choices(&[Lit::Str("allow"), Lit::Str("deny"), Lit::Str("reject")])
            .doc("What becomes of what no rule is about."),
        Opt::str("logging")
            .choices(&[
                Lit::Str("full"),
                Lit::Str("high"),
                Lit::Str("low"),
                Lit::Str("medium"),
                Lit::Str("off"),
                Lit::Str("on"),
            ])
            .doc("How much is logged."),
        Opt::str("direction")
            .choices(&[
                Lit::Str("in"),
                Lit::Str("incoming"),
                Lit::Str("out"),
                Lit::Str("outgoing"),
                Lit::Str("routed"),
            ])
            .doc("The direction of a rule (`in`, `out`) or of a default."),
        Opt::bool("delete").or(false).doc("Take the rule away."),
        Opt::bool("route").or(false).doc("The rule is about forwarded packets."),
        Opt::int("insert").doc("The number that the rule gets."),
        Opt::str("insert_relative_to")
            .or_str("zero")
            .choices(&[
                Lit::Str("zero"),
                Lit::Str("first-ipv4"),
                Lit::Str("last-ipv4"),
                Lit::Str("first-ipv6"),
                Lit::Str("last-ipv6"),
            ])
            .doc("What `insert` counts from."),
        Opt::str("rule")
            .choices(&[Lit::Str("allow"), Lit::Str("deny"), Lit::Str("limit"), Lit::Str("reject")])
            .doc("What becomes of packets."),
        Opt::str("interface").aliases(&["if"]).doc("The interface, in `direction`."),
        Opt::str("interface_in").aliases(&["if_in"]).since("0.2.0").doc("Where packets come in."),
        Opt::str("interface_out").aliases(&["if_out"]).since("0.2.0").doc("Where packets go out."),
        Opt::bool("log").or(false).doc("Log new connections of the rule."),
        Opt::str("from_ip").or_str("any").aliases(&["from", "src"]).doc("Where packets are from."),
        Opt::str("from_port").doc("The port that they are from."),
        Opt::str("to_ip").or_str("any").aliases(&["dest", "to"]).doc("Where packets go to."),
        Opt::str("to_port").aliases(&["port"]).doc("The port that they go to."),
        Opt::str("proto")
            .aliases(&["protocol"])
            .choices(&[
                Lit::Str("ah"),
                Lit::Str("any"),
                Lit::Str("esp"),
                Lit::Str("ipv6"),
                Lit::Str("tcp"),
                Lit::Str("udp"),
                Lit::Str("gre"),
                Lit::Str("igmp"),
            ])
            .doc("The protocol."),
        Opt::str("name").aliases(&["app"]).doc("A profile of /etc/ufw/applications.d."),
        Opt::str("comment").doc("A comment."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["name", "proto", "logging"]),
        Rule::MutuallyExclusive(&["direction", "interface_in"]),
        Rule::MutuallyExclusive(&["direction", "interface_out"]),
        Rule::RequiredOneOf(&["state", "default", "rule", "logging"]),
        Rule::RequiredBy { option: "interface", needs: &["direction"] },
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("commands", "list", "always", "What was run."),
        Returned::new("msg", "str", "something was run", "What `ufw status verbose` says."),
    ],
    examples: "- name: Only the proxy speaks to the shop\n  community.general.ufw:\n    rule: allow\n    proto: tcp\n    src: 192.0.2.7\n    port: '8080'\n",
    ..Module::builtin("ufw", "Manages the firewall ufw", run)
};

const IPV4: &str = r"((25[0-5]|(2[0-4]|1?[0-9])?[0-9])\.){3}(25[0-5]|(2[0-4]|1?[0-9])?[0-9])";

/// Where ufw keeps its rules, by version.
const RULES: &str = "/lib/ufw/user.rules /lib/ufw/user6.rules /etc/ufw/user.rules /etc/ufw/user6.rules \
                     /var/lib/ufw/user.rules /var/lib/ufw/user6.rules";

struct Ufw {
    ufw: String,
    grep: String,
    commands: Vec<String>,
}

impl Ufw {
    fn line(
        &mut self,
        cx: &mut Context<'_>,
        line: &str,
        may_fail: bool,
    ) -> Result<String, Failure> {
        self.commands.push(line.to_owned());
        let run = cx.words(line)?.env("LANG", "C");
        let ran = cx.run(&run)?;
        if !ran.ok() && !may_fail {
            let msg = if ran.stderr.is_empty() { ran.out() } else { ran.err() };
            return Err(Failure::new(msg).with("commands", self.commands.clone()));
        }
        Ok(ran.out().into_owned())
    }

    /// A line of ufw's.
    fn ufw(&mut self, cx: &mut Context<'_>, words: &str) -> Result<String, Failure> {
        let line = format!("{}{}{words}", self.ufw, if cx.check { " --dry-run " } else { " " });
        self.line(cx, &line, false)
    }

    fn rules(&mut self, cx: &mut Context<'_>) -> Result<String, Failure> {
        let line = format!("{} -h '^### tuple' {RULES}", self.grep);
        self.line(cx, &line, true)
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let program = |cx: &mut Context<'_>, name: &str| {
        Ok::<_, Failure>(cx.program(name)?.to_string_lossy().into_owned())
    };
    let mut ufw =
        Ufw { ufw: program(cx, "ufw")?, grep: program(cx, "grep")?, commands: Vec::new() };
    let status = format!("{} status verbose", ufw.ufw);
    let state = ufw.line(cx, &status, false)?;
    let rules = ufw.rules(cx)?;
    let mut changed = false;
    if let Some(wanted) = args.str("state") {
        changed |= switch(cx, &mut ufw, wanted, &state)?;
    }
    if let Some(wanted) = args.str("default") {
        changed |= default(cx, args, &mut ufw, wanted, &state)?;
    }
    if args.is_given("rule") {
        changed |= rule(cx, args, &mut ufw, &rules)?;
    }
    if let Some(wanted) = args.str("logging") {
        changed |= logging(cx, &mut ufw, wanted, &state)?;
    }
    if cx.check {
        return Ok(Outcome::new(changed).with("commands", ufw.commands));
    }
    let after = ufw.line(cx, &status, false)?;
    if !changed {
        changed = state != after || rules != ufw.rules(cx)?;
    }
    Ok(Outcome::new(changed).with("commands", ufw.commands).msg(after.trim_end()))
}

fn switch(cx: &mut Context<'_>, ufw: &mut Ufw, wanted: &str, state: &str) -> Result<bool, Failure> {
    let verb = match wanted {
        "enabled" => "enable",
        "disabled" => "disable",
        "reloaded" => "reload",
        _ => "reset",
    };
    let always = matches!(wanted, "reloaded" | "reset");
    if cx.check {
        // With its space, so that it is not found in "inactive".
        let active = state.contains(" active");
        return Ok(always || active == (wanted == "disabled"));
    }
    ufw.ufw(cx, &format!("-f {verb}"))?;
    Ok(always)
}

fn logging(
    cx: &mut Context<'_>,
    ufw: &mut Ufw,
    wanted: &str,
    state: &str,
) -> Result<bool, Failure> {
    let pattern = Pattern::new(r"Logging: (on|off)(?: \(([a-z]+)\))?", Flags::default())?;
    let changed = match pattern.search(state)? {
        None => true,
        Some(found) => {
            let on = found.group(state, 1) == Some("on");
            match wanted {
                "off" => on,
                "on" => !on,
                level => !on || found.group(state, 2) != Some(level),
            }
        }
    };
    if !cx.check {
        ufw.ufw(cx, &format!("logging {wanted}"))?;
    }
    Ok(changed)
}

fn default(
    cx: &mut Context<'_>,
    args: &Args,
    ufw: &mut Ufw,
    wanted: &str,
    state: &str,
) -> Result<bool, Failure> {
    let direction = args.str("direction");
    let group = match direction {
        None | Some("incoming") => 1,
        Some("outgoing") => 2,
        Some("routed") => 3,
        Some(_) => {
            return Err(Failure::new(
                "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be specified.",
            ));
        }
    };
    if !cx.check {
        let direction = direction.map(|direction| format!(" {direction}")).unwrap_or_default();
        ufw.ufw(cx, &format!("default {wanted}{direction}"))?;
        return Ok(false);
    }
    let pattern = Pattern::new(
        r"Default: (deny|allow|reject) \(incoming\), (deny|allow|reject) \(outgoing\), (deny|allow|reject|disabled) \(routed\)",
        Flags::default(),
    )?;
    let found = pattern.search(state)?;
    let now = found.and_then(|found| found.group(state, group));
    Ok(now.is_none_or(|now| now != wanted && now != "disabled"))
}

/// The words of a rule, in ufw's long form.
fn rule_words(cx: &mut Context<'_>, args: &Args, ufw: &mut Ufw) -> Result<String, Failure> {
    let mut words: Vec<String> = Vec::new();
    let given = |name: &str| args.str(name).filter(|text| !text.is_empty());
    if args.bool("route") {
        words.push("route".into());
    }
    if args.bool("delete") {
        words.push("delete".into());
    } else if let Some(insert) = args.int("insert")
        && let Some(number) = position(cx, args, ufw, insert)?
    {
        words.push(format!("insert {number}"));
    }
    words.push(args.string("rule"));
    words.extend(given("direction").map(str::to_owned));
    words.extend(given("interface").map(|name| format!("on {name}")));
    words.extend(given("interface_in").map(|name| format!("in on {name}")));
    words.extend(given("interface_out").map(|name| format!("out on {name}")));
    if args.bool("log") {
        words.push("log".into());
    }
    for (name, word) in [
        ("from_ip", "from"),
        ("from_port", "port"),
        ("to_ip", "to"),
        ("to_port", "port"),
        ("proto", "proto"),
    ] {
        words.extend(given(name).map(|value| format!("{word} {value}")));
    }
    words.extend(given("name").map(|name| format!("app '{name}'")));
    let version = format!("{} --version", ufw.ufw);
    let out = ufw.line(cx, &version, false)?;
    let first = out.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
    let pattern = Pattern::new(r"^ufw.+(\d+)\.(\d+)(?:\.(\d+))?.*$", Flags::default())?;
    let Some(found) = pattern.search(&first)? else {
        return Err(Failure::new("Failed to get ufw version.").with("rc", 0).with("out", out));
    };
    let number = |group| found.group(&first, group).and_then(|text| text.parse::<u32>().ok());
    if (number(1), number(2)) >= (Some(0), Some(35)) {
        words.extend(given("comment").map(|comment| format!("comment '{comment}'")));
    }
    Ok(words.join(" "))
}

/// The number that a rule is inserted at; none where it goes to the end.
fn position(
    cx: &mut Context<'_>,
    args: &Args,
    ufw: &Ufw,
    insert: i64,
) -> Result<Option<i64>, Failure> {
    let relative = args.req("insert_relative_to");
    if relative == "zero" {
        return Ok(Some(insert));
    }
    let run = cx.words(&format!("{} status numbered", ufw.ufw))?;
    let out = cx.run(&run)?.out().into_owned();
    let numbered: Vec<(i64, bool)> = out
        .lines()
        .filter_map(|line| {
            let number = line.strip_prefix('[')?.split(']').next()?.trim().parse().ok()?;
            Some((number, line.contains("(v6)")))
        })
        .collect();
    let last = numbered.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let last_v4 = numbered.iter().filter(|(_, v6)| !v6).map(|(number, _)| *number).max();
    let has_v6 = numbered.iter().any(|(_, v6)| *v6);
    let from = match relative {
        "first-ipv4" => 1,
        "last-ipv4" => last_v4.unwrap_or(1),
        "first-ipv6" => last_v4.map_or(1, |last| last + 1),
        _ if has_v6 => last,
        _ => last + 1,
    };
    Ok(Some(insert + from).filter(|number| *number <= last))
}

fn rule(cx: &mut Context<'_>, args: &Args, ufw: &mut Ufw, before: &str) -> Result<bool, Failure> {
    if !matches!(args.str("direction"), None | Some("in" | "out")) {
        return Err(Failure::new(
            "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.",
        ));
    }
    if !args.bool("route") && args.is_given("interface_in") && args.is_given("interface_out") {
        return Err(Failure::new("Only route rules can combine interface_in and interface_out"));
    }
    let words = rule_words(cx, args, ufw)?;
    let out = ufw.ufw(cx, &words)?;
    if !cx.check {
        return Ok(false);
    }
    let lines = out.lines().count();
    let skipped = out.lines().filter(|line| line.contains("Skipping")).count();
    if skipped > 0 && skipped == lines {
        return Ok(false);
    }
    let tuples: Vec<&str> = out.lines().filter(|line| line.starts_with("### tuple")).collect();
    let old: Vec<&str> = before.lines().collect();
    // A dry run shows the rules of one family only, if the addresses are of one.
    let v4 = Pattern::new(IPV4, Flags::default())?;
    let (from, to) = (args.req("from_ip"), args.req("to_ip"));
    let begins_v4 = |text: &str| v4.match_start(text).map(|found| found.is_some());
    let is_v6 = |text: &str| {
        text.split(['/', '%', ' '])
            .next()
            .is_some_and(|word| word.parse::<std::net::Ipv6Addr>().is_ok())
    };
    if begins_v4(from)? || begins_v4(to)? {
        let of = |lines: &[&str]| -> Result<Vec<String>, Failure> {
            let mut kept = Vec::new();
            for line in lines {
                if v4.search(line)?.is_some() {
                    kept.push((*line).to_owned());
                }
            }
            Ok(kept)
        };
        return Ok(of(&old)? != of(&tuples)?);
    }
    if is_v6(from) || is_v6(to) {
        let of = |lines: &[&str]| -> Vec<String> {
            let has = |line: &&&str| line.split_whitespace().any(is_v6);
            lines.iter().filter(has).map(|line| (*line).to_owned()).collect()
        };
        return Ok(of(&old) != of(&tuples));
    }
    Ok(old != tuples)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    const STATUS: &str = "Status: active\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n";
    const TUPLE: &str = "### tuple ### allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in\n";

    fn host() -> Fake {
        Fake::new()
            .program("ufw")
            .program("grep")
            .on("/usr/bin/ufw status verbose", Ran::of(0, STATUS, ""))
            .on(
                "/usr/bin/ufw status numbered",
                Ran::of(0, "[ 1] 22 ALLOW IN\n[ 2] 22 (v6) ALLOW IN\n", ""),
            )
            .on("/usr/bin/ufw --version", Ran::of(0, "ufw 0.36.2\nCopyright\n", ""))
            .on("/usr/bin/ufw --dry-run allow from any to any port 80", Ran::of(0, TUPLE, ""))
            .on("/usr/bin/ufw", Ran::of(0, "ok\n", ""))
            .on("/usr/bin/grep", Ran::of(0, TUPLE, ""))
    }

    fn commands(args: Value) -> Value {
        let result = Call::new("ufw", args).run_on(&mut host());
        result["commands"].as_array().cloned().unwrap_or_default()[2..].to_vec().into()
    }

    #[test]
    fn rules_are_written_out() {
        let args = json!({"rule": "allow", "port": 80, "proto": "tcp", "src": "192.0.2.7",
            "comment": "the web", "log": true, "interface": "eth0", "direction": "in"});
        assert_eq!(
            commands(args)[1],
            "/usr/bin/ufw allow in on eth0 log from 192.0.2.7 to any port 80 proto tcp comment 'the web'"
        );
        let args = json!({"rule": "deny", "name": "OpenSSH", "insert": 0,
            "insert_relative_to": "first-ipv6"});
        assert_eq!(commands(args)[1], "/usr/bin/ufw insert 2 deny from any to any app 'OpenSSH'");
        assert_eq!(commands(json!({"state": "enabled"}))[0], "/usr/bin/ufw -f enable");
        let args = json!({"default": "allow", "direction": "outgoing"});
        assert_eq!(commands(args)[0], "/usr/bin/ufw default allow outgoing");
    }

    #[test]
    fn check_mode_compares() {
        let changed =
            |args: Value| Call::new("ufw", args).check().run_on(&mut host())["changed"] == true;
        assert!(!changed(json!({"rule": "allow", "port": "80"})));
        assert!(changed(json!({"rule": "deny", "port": "80"})));
        assert!(!changed(json!({"state": "enabled"})) && changed(json!({"state": "disabled"})));
        assert!(!changed(json!({"logging": "on"})) && changed(json!({"logging": "full"})));
        assert!(!changed(json!({"default": "deny"})) && changed(json!({"default": "reject"})));
    }
}
