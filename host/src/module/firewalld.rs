//! `firewalld`: zones, and what they let through.

use crate::data::Data;
use crate::module::{
    Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned, Rule,
};
use crate::spec;
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "ansible.posix",
    aliases: &["ansible.builtin.firewalld"],
    description: "Opens and closes services, ports and the like of firewalld's zones, and makes zones.\n\
                  It asks `firewall-cmd`, or `firewall-offline-cmd` where the daemon does not run.",
    options: &[
        Opt::str("icmp_block").doc("An ICMP type to block."),
        Opt::str("icmp_block_inversion").doc("Whether the blocks are what is let through."),
        Opt::str("service").doc("A service, as `firewall-cmd --get-services` knows it."),
        Opt::str("protocol").doc("A protocol, as /etc/protocols knows it."),
        Opt::str("port").doc("A port or a range with its protocol, such as `8080/tcp`."),
        Opt::list("port_forward", Kind::Dict)
            .doc("A port to forward: `port`, `proto`, `toport`, `toaddr`."),
        Opt::str("rich_rule").doc("A rule in firewalld's rich language."),
        Opt::str("source").doc("A network whose packets the zone is for."),
        Opt::str("interface").doc("An interface whose packets the zone is for."),
        Opt::str("zone").doc("The zone; firewalld's default if nothing is said."),
        Opt::bool("permanent").doc("Whether it is kept for every start."),
        Opt::bool("immediate")
            .or(false)
            .doc("Whether it is done now; that is so if it is not permanent."),
        Opt::str("state")
            .required()
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("disabled"),
                Lit::Str("enabled"),
                Lit::Str("present"),
            ])
            .doc("`enabled` or `disabled`; of zones and their targets `present` or `absent`."),
        Opt::int("timeout").or_int(0).doc("Seconds that it is there, if it is not permanent."),
        Opt::str("masquerade").doc("Whether packets that leave have the zone's address."),
        Opt::bool("offline").doc("Not used: whether the daemon runs is found out."),
        Opt::str("target")
            .choices(&[
                Lit::Str("default"),
                Lit::Str("ACCEPT"),
                Lit::Str("DROP"),
                Lit::Str("%%REJECT%%"),
            ])
            .since("1.2.0")
            .doc("What becomes of packets that nothing else is about."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&[
            "icmp_block",
            "icmp_block_inversion",
            "service",
            "protocol",
            "port",
            "port_forward",
            "rich_rule",
            "interface",
            "masquerade",
            "source",
            "target",
        ]),
        Rule::RequiredBy { option: "interface", needs: &["zone"] },
        Rule::RequiredBy { option: "target", needs: &["zone"] },
        Rule::RequiredBy { option: "source", needs: &["permanent"] },
    ],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("msg", "str", "success", "What was done.")],
    examples: "- name: The web is reached, now and after a restart\n  ansible.posix.firewalld:\n    service: https\n    permanent: true\n    immediate: true\n    state: enabled\n",
    version_added: "1.0.0",
    ..Module::builtin("firewalld", "Manages zones and rules of firewalld", run)
};

/// What a zone has or has not.
struct Thing {
    /// The option of firewall-cmd, without `--add-` and the like.
    stem: &'static str,
    value: Option<String>,
    /// Whether it may be there for a while only.
    lapses: bool,
    /// Added to the message if something changed.
    told: Option<String>,
    enabled_msg: Option<String>,
    disabled_msg: Option<String>,
}

impl Thing {
    fn of(stem: &'static str, value: &str) -> Thing {
        let value = Some(value.to_owned());
        Thing { stem, value, lapses: true, told: None, enabled_msg: None, disabled_msg: None }
    }

    fn flag(stem: &'static str) -> Thing {
        Thing { value: None, lapses: false, ..Thing::of(stem, "") }
    }

    fn told(mut self, shown: &str, state: &str) -> Thing {
        self.told = Some(format!("Changed {shown} to {state}"));
        self
    }

    fn messages(mut self, enabled: String, disabled: String) -> Thing {
        (self.enabled_msg, self.disabled_msg) = (Some(enabled), Some(disabled));
        self.lapses = false;
        self
    }
}

/// firewalld, by its programs.
struct Firewall {
    program: String,
    offline: bool,
    zone: String,
    timeout: i64,
    messages: Vec<String>,
}

const NOT_PERMANENT: &str = "Zone operations must be permanent. Make sure you didn't set the 'permanent' flag to 'false' or the 'immediate' flag to 'true'.";

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let permanent = args.bool("permanent");
    let immediate = args.bool("immediate") || !permanent;
    let firewall = Firewall::find(cx, args)?;
    if immediate && firewall.offline {
        return Err(Failure::new(
            "firewall is not currently running, unable to perform immediate actions without a running firewall daemon",
        ));
    }
    let state = args.string("state");
    let thing = thing(cx, args, &firewall.zone)?;
    let is_zone = thing.is_none() || args.is_given("target");
    if !is_zone && matches!(state.as_str(), "absent" | "present") {
        return Err(Failure::new(
            "absent and present state can only be used in zone level operations",
        ));
    }
    let Some((thing, enabled)) = thing else {
        // Without anything in it the zone itself is meant; other states are about nothing.
        let wanted = match state.as_str() {
            "present" => true,
            "absent" => false,
            _ => return Ok(firewall.done(false)),
        };
        let zone = args.string("zone");
        let told = (firewall.zone.clone(), zone);
        let thing = Thing::flag("zone")
            .messages(format!("Added zone {}", told.0), format!("Removed zone {}", told.0))
            .told(&format!("zone {}", if told.1.is_empty() { "None" } else { &told.1 }), &state);
        return firewall.bring(cx, &thing, wanted, (immediate, permanent));
    };
    firewall.bring(cx, &thing, enabled, (immediate, permanent))
}

/// What the task is about, and whether it is to be there.
fn thing(cx: &mut Context<'_>, args: &Args, zone: &str) -> Result<Option<(Thing, bool)>, Failure> {
    let state = args.req("state");
    let enabled = state == "enabled";
    for (option, stem) in
        [("icmp_block", "icmp-block"), ("service", "service"), ("protocol", "protocol")]
    {
        if let Some(value) = args.str(option) {
            return Ok(Some((
                Thing::of(stem, value).told(&format!("{stem} {value}"), state),
                enabled,
            )));
        }
    }
    if let Some(value) = args.str("port") {
        let Some((port, protocol)) =
            value.trim().split_once('/').filter(|(_, protocol)| !protocol.is_empty())
        else {
            return Err(Failure::new("improper port format (missing protocol?)"));
        };
        let value = format!("{port}/{protocol}");
        return Ok(Some((
            Thing::of("port", &value).told(&format!("port {value}"), state),
            enabled,
        )));
    }
    if let Some(all) = args.list("port_forward") {
        let (value, shown) = forward(all)?;
        let thing = Thing::of("forward-port", &value).told(&format!("port_forward {shown}"), state);
        return Ok(Some((thing, enabled)));
    }
    if let Some(rule) = args.str("rich_rule") {
        let thing = Thing::of("rich-rule", rule).told(&format!("rich_rule {rule}"), state);
        return Ok(Some((thing, enabled)));
    }
    if let Some(source) = args.str("source") {
        let thing = Thing::of("source", source).messages(
            format!("Added {source} to zone {zone}"),
            format!("Removed {source} from zone {zone}"),
        );
        return Ok(Some((thing, enabled)));
    }
    if let Some(interface) = args.str("interface") {
        let thing = Thing::of("interface", interface).messages(
            format!("Changed {interface} to zone {zone}"),
            format!("Removed {interface} from zone {zone}"),
        );
        return Ok(Some((thing, enabled)));
    }
    if let Some(target) = args.str("target") {
        let thing = Thing::of("target", target).messages(
            format!("Set zone {zone} target to {target}"),
            format!("Reset zone {zone} target to default"),
        );
        return Ok(Some((thing, matches!(state, "present" | "enabled"))));
    }
    for (option, stem) in
        [("icmp_block_inversion", "icmp-block-inversion"), ("masquerade", "masquerade")]
    {
        let Some(value) = args.str(option) else { continue };
        let on = spec::boolean(&value.into()).unwrap_or_else(|_| {
            cx.warn(format!("The value of the {option} option is \"{value}\". The type of the option will be changed from string to boolean in a future release. To avoid unexpected behavior, please change the value to boolean."));
            true
        });
        let thing = match stem {
            "masquerade" => Thing::flag(stem).messages(
                format!("Added masquerade to zone {zone}"),
                format!("Removed masquerade from zone {zone}"),
            ),
            _ => Thing::flag(stem).told(&format!("{stem} {value}"), state),
        };
        return Ok(Some((thing, enabled == on)));
    }
    Ok(None)
}

/// A port to forward, for firewall-cmd and for people.
fn forward(all: &[Data]) -> Result<(String, String), Failure> {
    let [one] = all else {
        return Err(Failure::new("Only one port forward supported at a time"));
    };
    let part = |name: &str| one.get(name).map(crate::python::text);
    let needed = |name: &str, what: &str| {
        part(name).ok_or_else(|| Failure::new(format!("{what} must be specified for port forward")))
    };
    let port = needed("port", "port")?;
    let proto = needed("proto", "proto udp/tcp")?;
    let toport = needed("toport", "toport")?;
    let toaddr = part("toaddr").unwrap_or_default();
    let mut value = format!("port={port}:proto={proto}:toport={toport}");
    let shown = format!("{value}:toaddr={toaddr}");
    if !toaddr.is_empty() {
        value.clone_from(&shown);
    }
    Ok((value, shown))
}

impl Firewall {
    fn find(cx: &mut Context<'_>, args: &Args) -> Result<Firewall, Failure> {
        let online = cx.program("firewall-cmd")?;
        let runs = cx.run(&Run::argv([&online]).arg("--state"))?.ok();
        let program = if runs { online } else { cx.program("firewall-offline-cmd")? };
        let mut firewall = Firewall {
            program: program.to_string_lossy().into_owned(),
            offline: !runs,
            zone: args.string("zone"),
            timeout: args.int("timeout").unwrap_or(0),
            messages: Vec::new(),
        };
        if firewall.zone.is_empty() {
            let ran = cx.run_ok(&Run::argv([&firewall.program]).arg("--get-default-zone"))?;
            firewall.zone = ran.out().trim().to_owned();
        }
        Ok(firewall)
    }

    fn done(mut self, changed: bool) -> Outcome {
        if self.offline {
            self.messages.push("(offline operation: only on-disk configs were altered)".into());
        }
        Outcome::new(changed).msg(self.messages.join(", "))
    }

    /// Ask or tell firewalld; whether it says yes.
    fn call(
        &mut self,
        cx: &mut Context<'_>,
        permanent: bool,
        words: Vec<String>,
    ) -> Result<(bool, String), Failure> {
        let mut run = Run::argv([&self.program]);
        if permanent && !self.offline {
            run = run.arg("--permanent");
        }
        let asks = words.iter().any(|word| word.starts_with("--query-"));
        let ran = cx.run(&run.args(words).c_locale())?;
        // 1 is the answer "no" of a question; all else that is not 0 is trouble.
        if ran.ok() || asks && ran.rc == 1 {
            return Ok((ran.ok(), ran.out().into_owned()));
        }
        let why = ran.err();
        let why = why.trim().strip_prefix("Error: ").unwrap_or(why.trim());
        if why.contains("INVALID_SERVICE") {
            self.messages.push("Services are defined by port/tcp relationship and named as they are in /etc/services (on most systems)".into());
        }
        let more = match self.messages.is_empty() {
            true => String::new(),
            false => format!(" {}", self.messages.join(", ")),
        };
        Err(Failure::new(format!("ERROR: Exception caught: {why}{more}")))
    }

    fn has(
        &mut self,
        cx: &mut Context<'_>,
        thing: &Thing,
        permanent: bool,
    ) -> Result<bool, Failure> {
        let zone = format!("--zone={}", self.zone);
        if matches!(thing.stem, "zone" | "target") && !permanent {
            return Err(Failure::new(NOT_PERMANENT));
        }
        match thing.stem {
            "zone" => {
                let (_, out) = self.call(cx, true, vec!["--get-zones".into()])?;
                Ok(out.split_whitespace().any(|zone| zone == self.zone))
            }
            "target" => {
                let (_, out) = self.call(cx, true, vec![zone, "--get-target".into()])?;
                Ok(Some(out.trim()) == thing.value.as_deref())
            }
            stem => {
                let ask = match &thing.value {
                    Some(value) => format!("--query-{stem}={value}"),
                    None => format!("--query-{stem}"),
                };
                Ok(self.call(cx, permanent, vec![zone, ask])?.0)
            }
        }
    }

    fn set(
        &mut self,
        cx: &mut Context<'_>,
        thing: &Thing,
        on: bool,
        permanent: bool,
    ) -> Result<(), Failure> {
        let zone = format!("--zone={}", self.zone);
        let value = thing.value.clone().unwrap_or_default();
        let words = match (thing.stem, on) {
            ("zone", true) => vec![format!("--new-zone={}", self.zone)],
            ("zone", false) => vec![format!("--delete-zone={}", self.zone)],
            ("target", true) => vec![zone, format!("--set-target={value}")],
            ("target", false) => vec![zone, "--set-target=default".into()],
            // One that another zone has goes from there.
            ("interface", true) => vec![zone, format!("--change-interface={value}")],
            (stem, on) => {
                let verb = if on { "add" } else { "remove" };
                let mut words = vec![zone];
                words.push(match &thing.value {
                    Some(value) => format!("--{verb}-{stem}={value}"),
                    None => format!("--{verb}-{stem}"),
                });
                if on && !permanent && thing.lapses && self.timeout > 0 {
                    words.push(format!("--timeout={}", self.timeout));
                }
                words
            }
        };
        self.call(cx, permanent, words).map(drop)
    }

    fn bring(
        mut self,
        cx: &mut Context<'_>,
        thing: &Thing,
        on: bool,
        (immediate, permanent): (bool, bool),
    ) -> Result<Outcome, Failure> {
        let mut differ = Vec::new();
        for (kind, asked) in [(true, permanent), (false, immediate)] {
            if asked && self.has(cx, thing, kind)? != on {
                differ.push(kind);
            }
        }
        let how = match (immediate, permanent) {
            (true, true) => "Permanent and Non-Permanent(immediate) operation",
            (false, _) => "Permanent operation",
            (true, false) => "Non-permanent operation",
        };
        self.messages.push(how.into());
        if differ.is_empty() {
            return Ok(self.done(false));
        }
        if cx.check {
            return Ok(Outcome::new(true));
        }
        for kind in differ {
            self.set(cx, thing, on, kind)?;
        }
        let message = if on { &thing.enabled_msg } else { &thing.disabled_msg };
        self.messages.extend(message.iter().chain(&thing.told).cloned());
        Ok(self.done(true))
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn host(runs: bool) -> Fake {
        let answer = |line: &str| match line {
            line if line.contains("--query-service=ssh") => Ran::of(0, "yes\n", ""),
            line if line.contains("--query-service=nosuch") => {
                Ran::of(101, "", "Error: INVALID_SERVICE: nosuch\n")
            }
            line if line.contains("--query-") => Ran::of(1, "no\n", ""),
            line if line.contains("--get-zones") => Ran::of(0, "public home\n", ""),
            line if line.contains("--get-target") => Ran::of(0, "default\n", ""),
            line if line.contains("--get-default-zone") => Ran::of(0, "public\n", ""),
            _ => Ran::of(0, "success\n", ""),
        };
        Fake::new()
            .program("firewall-cmd")
            .program("firewall-offline-cmd")
            .on("/usr/bin/firewall-cmd --state", Ran::of(if runs { 0 } else { 252 }, "", ""))
            .on_call("/usr/bin/firewall-", move |run| answer(&run.line()))
    }

    fn call(fake: &mut Fake, args: Value) -> Value {
        Call::new("firewalld", args).run_on(fake).into()
    }

    #[test]
    fn services_and_ports() {
        let ssh = json!({"service": "ssh", "permanent": true, "state": "enabled"});
        let result = call(&mut host(true), ssh);
        assert_eq!(
            (&result["changed"], &result["msg"]),
            (&json!(false), &json!("Permanent operation"))
        );
        let mut fake = host(true);
        let web = json!({"port": "80/tcp", "permanent": true, "immediate": true, "state": "enabled", "timeout": 9});
        let result = call(&mut fake, web);
        assert_eq!(
            result["msg"],
            "Permanent and Non-Permanent(immediate) operation, Changed port 80/tcp to enabled"
        );
        assert_eq!(
            fake.runs[fake.runs.len() - 2..],
            [
                "/usr/bin/firewall-cmd --permanent --zone=public --add-port=80/tcp",
                "/usr/bin/firewall-cmd --zone=public --add-port=80/tcp --timeout=9"
            ]
        );
        let result = call(&mut host(true), json!({"service": "nosuch", "state": "enabled"}));
        assert_eq!(
            result["msg"],
            "ERROR: Exception caught: INVALID_SERVICE: nosuch Services are defined by port/tcp relationship and named as they are in /etc/services (on most systems)"
        );
        let result = call(&mut host(true), json!({"port": "80", "state": "enabled"}));
        assert_eq!(result["msg"], "improper port format (missing protocol?)");
    }

    #[test]
    fn zones() {
        let mut fake = host(true);
        let new = json!({"zone": "lab", "permanent": true, "state": "present"});
        let result = call(&mut fake, new);
        assert_eq!(
            result["msg"],
            "Permanent operation, Added zone lab, Changed zone lab to present"
        );
        let result = call(&mut host(true), json!({"zone": "lab", "state": "present"}));
        assert_eq!(result["msg"], super::NOT_PERMANENT);
        let target =
            json!({"zone": "home", "target": "DROP", "permanent": true, "state": "enabled"});
        let result = call(&mut host(true), target);
        assert_eq!(result["msg"], "Permanent operation, Set zone home target to DROP");
        let wrong = json!({"service": "ssh", "permanent": true, "state": "present"});
        let result = call(&mut host(true), wrong);
        assert_eq!(
            result["msg"],
            "absent and present state can only be used in zone level operations"
        );
    }

    #[test]
    fn without_the_daemon() {
        let mut fake = host(false);
        let web = json!({"service": "web", "zone": "home", "permanent": true, "state": "enabled"});
        let result = call(&mut fake, web);
        assert_eq!(
            result["msg"],
            "Permanent operation, Changed service web to enabled, (offline operation: only on-disk configs were altered)"
        );
        assert!(
            fake.runs
                .iter()
                .any(|run| run.starts_with("/usr/bin/firewall-offline-cmd --zone=home"))
        );
        let result = call(&mut host(false), json!({"service": "web", "state": "enabled"}));
        assert!(
            result["msg"].as_str().is_some_and(|msg| msg.starts_with("firewall is not currently"))
        );
    }
}
