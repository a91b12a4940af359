//! `iptables`: rules, chains and policies of the packet filter.

mod rule;

use crate::module::{Args, Context, Failure, Kind, Lit, Module, Opt, Outcome, Rule};
use crate::target::{Ran, Run};

const LEVELS: &[Lit] = &[
    Lit::Str("0"),
    Lit::Str("1"),
    Lit::Str("2"),
    Lit::Str("3"),
    Lit::Str("4"),
    Lit::Str("5"),
    Lit::Str("6"),
    Lit::Str("7"),
    Lit::Str("emerg"),
    Lit::Str("alert"),
    Lit::Str("crit"),
    Lit::Str("error"),
    Lit::Str("warning"),
    Lit::Str("notice"),
    Lit::Str("info"),
    Lit::Str("debug"),
];

const TCP_FLAGS: &[Opt] = &[
    Opt::list("flags", Kind::Str).doc("The flags that are looked at."),
    Opt::list("flags_set", Kind::Str).doc("Those of them that must be set."),
];

pub static MODULE: Module = Module {
    description: "Changes the packet filter in memory, a rule at a time. Nothing is kept for the next start.",
    options: &[
        Opt::str("table")
            .or_str("filter")
            .choices(&[
                Lit::Str("filter"),
                Lit::Str("nat"),
                Lit::Str("mangle"),
                Lit::Str("raw"),
                Lit::Str("security"),
            ])
            .doc("The table of the chain."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether the rule (or with `chain_management` and no rule, the chain) is to be there."),
        Opt::str("action")
            .or_str("append")
            .choices(&[Lit::Str("append"), Lit::Str("insert")])
            .doc("Whether a new rule comes last or first."),
        Opt::str("ip_version")
            .or_str("ipv4")
            .choices(&[Lit::Str("ipv4"), Lit::Str("ipv6")])
            .doc("Whether iptables or ip6tables is used."),
        Opt::str("chain").doc("The chain."),
        Opt::str("rule_num").doc("The number that an inserted rule gets."),
        Opt::str("protocol").doc("`tcp`, `udp`, `icmp`, …; `!` before it means all others."),
        Opt::str("wait").doc("Seconds to wait for other programs that change the filter."),
        Opt::str("source").doc("Address or network of the sender."),
        Opt::str("to_source").doc("The new address of the sender, with jump SNAT."),
        Opt::str("destination").doc("Address or network of the receiver."),
        Opt::str("to_destination").doc("The new address of the receiver, with jump DNAT."),
        Opt::list("match", Kind::Str).default(Lit::List(&[])).doc("Extensions to match with."),
        Opt::dict("tcp_flags").options(TCP_FLAGS).doc("Flags of TCP."),
        Opt::str("jump").doc("What happens to the packet: ACCEPT, DROP, another chain, …"),
        Opt::str("gateway").doc("Where copies go, with jump TEE."),
        Opt::str("log_prefix").doc("What lines of the log begin with; the jump is then LOG."),
        Opt::str("log_level").choices(LEVELS).doc("The level of lines of the log."),
        Opt::str("goto").doc("The chain to go on in, without coming back."),
        Opt::str("in_interface").doc("Where the packet came in."),
        Opt::str("out_interface").doc("Where the packet goes out."),
        Opt::str("fragment").doc("Second and further fragments only."),
        Opt::str("set_counters").doc("Where the rule's counters begin."),
        Opt::str("source_port").doc("Port or range of the sender."),
        Opt::str("destination_port").doc("Port or range of the receiver."),
        Opt::list("destination_ports", Kind::Str)
            .default(Lit::List(&[]))
            .doc("Several ports or ranges of the receiver."),
        Opt::str("to_ports").doc("The new ports, with jump REDIRECT."),
        Opt::str("set_dscp_mark").doc("The DSCP mark to set, with jump DSCP."),
        Opt::str("set_dscp_mark_class").doc("The same by its class."),
        Opt::str("comment").doc("A comment of the rule."),
        Opt::list("ctstate", Kind::Str).default(Lit::List(&[])).doc("States of the connection."),
        Opt::str("src_range").doc("Range of addresses of the sender."),
        Opt::str("dst_range").doc("Range of addresses of the receiver."),
        Opt::str("match_set").doc("The ipset that must have the address."),
        Opt::str("match_set_flags")
            .choices(&[
                Lit::Str("src"),
                Lit::Str("dst"),
                Lit::Str("src,dst"),
                Lit::Str("dst,src"),
            ])
            .doc("Which addresses are looked up in the ipset."),
        Opt::str("limit").doc("How often at most the rule matches, on average."),
        Opt::str("limit_burst").doc("How often before that limit counts."),
        Opt::str("uid_owner").doc("The user whose program made the packet."),
        Opt::str("gid_owner").doc("The group whose program made the packet."),
        Opt::str("reject_with").doc("The answer to rejected packets; the jump is then REJECT."),
        Opt::str("icmp_type").doc("The kind of ICMP message."),
        Opt::str("syn")
            .or_str("ignore")
            .choices(&[Lit::Str("ignore"), Lit::Str("match"), Lit::Str("negate")])
            .doc("Only packets that begin a connection, or only others."),
        Opt::bool("flush").or(false).doc("Empty the chain, or all chains of the table."),
        Opt::str("policy")
            .choices(&[
                Lit::Str("ACCEPT"),
                Lit::Str("DROP"),
                Lit::Str("QUEUE"),
                Lit::Str("RETURN"),
            ])
            .doc("What happens to packets that no rule of the chain takes."),
        Opt::bool("chain_management").or(false).doc("Make and delete chains too."),
    ],
    rules: &[
        Rule::MutuallyExclusive(&["set_dscp_mark", "set_dscp_mark_class"]),
        Rule::MutuallyExclusive(&["flush", "policy"]),
        Rule::RequiredIf { option: "jump", is: Lit::Str("TEE"), needs: &["gateway"], any: false },
        Rule::RequiredIf { option: "jump", is: Lit::Str("tee"), needs: &["gateway"], any: false },
    ],
    examples: "- name: The API can be reached\n  ansible.builtin.iptables:\n    chain: INPUT\n    protocol: tcp\n    destination_port: '6443'\n    jump: ACCEPT\n",
    ..Module::builtin("iptables", "Changes rules of the packet filter", run)
};

/// The program, and the words that say where in the filter.
struct Filter {
    program: std::ffi::OsString,
    table: String,
    chain: Option<String>,
    rule_num: Option<String>,
}

impl Filter {
    fn command(&self, action: &str) -> Result<Run, Failure> {
        let mut run = Run::argv([&self.program]).args(["-t", self.table.as_str(), action]);
        // Flushing without a chain flushes all.
        if let Some(chain) = &self.chain {
            run = run.arg(chain);
        }
        if let Some(number) = self.rule_num.as_ref().filter(|_| action == "-I") {
            run = run.arg(number);
        }
        Ok(run)
    }

    fn ask(&self, cx: &mut Context<'_>, action: &str, words: &[String]) -> Result<Ran, Failure> {
        let run = self.command(action)?.args(words);
        cx.run(&run)
    }

    fn act(&self, cx: &mut Context<'_>, action: &str, words: &[String]) -> Result<Ran, Failure> {
        let run = self.command(action)?.args(words);
        cx.run_ok(&run)
    }
}

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    // ansible-core makes the rule that it returns before it settles jump and wait.
    let shown = rule::words(args).join(" ");
    let program = match args.req("ip_version") {
        "ipv6" => "ip6tables",
        _ => "iptables",
    };
    let filter = Filter {
        program: cx.program(program)?.into_os_string(),
        table: args.string("table"),
        chain: args.str("chain").map(str::to_owned),
        rule_num: args.str("rule_num").filter(|number| !number.is_empty()).map(str::to_owned),
    };
    let flush = args.bool("flush");
    if !flush && filter.chain.is_none() {
        return Err(Failure::new("Either chain or flush parameter must be specified."));
    }
    settle_logging(args)?;
    settle_wait(cx, args, &filter)?;
    let present = args.req("state") == "present";
    let changed = if flush {
        if !cx.check {
            filter.act(cx, "-F", &[])?;
        }
        true
    } else if let Some(policy) = args.str("policy") {
        set_policy(cx, &filter, policy)?
    } else if !present && shown.is_empty() {
        let there = filter.ask(cx, "-L", &[])?.ok();
        if there && args.bool("chain_management") && !cx.check {
            filter.act(cx, "-X", &[])?;
        }
        there
    } else {
        set_rule(cx, args, &filter, present)?
    };
    let chain = filter.chain.map_or(crate::data::Data::Null, Into::into);
    Ok(Outcome::new(changed)
        .with("failed", false)
        .with("ip_version", args.string("ip_version"))
        .with("table", filter.table)
        .with("chain", chain)
        .with("flush", flush)
        .with("rule", shown)
        .with("state", args.string("state"))
        .with("chain_management", args.bool("chain_management")))
}

fn settle_logging(args: &mut Args) -> Result<(), Failure> {
    let given = |name: &str| args.str(name).is_some_and(|text| !text.is_empty());
    if !given("log_prefix") && !given("log_level") {
        return Ok(());
    }
    match args.str("jump") {
        None => args.set("jump", "LOG"),
        Some("LOG") => {}
        Some(_) => {
            return Err(Failure::new("Logging options can only be used with the LOG jump target."));
        }
    }
    Ok(())
}

/// Old releases know no waiting, or none of a certain time.
fn settle_wait(cx: &mut Context<'_>, args: &mut Args, filter: &Filter) -> Result<(), Failure> {
    let ran = cx.run_ok(&Run::argv([&filter.program]).arg("--version"))?;
    let out = ran.out();
    let version: Vec<u32> = out
        .split('v')
        .nth(1)
        .unwrap_or_default()
        .split(|c: char| !c.is_ascii_digit())
        .take(3)
        .filter_map(|part| part.parse().ok())
        .collect();
    if version < vec![1, 4, 20] {
        args.set("wait", crate::data::Data::Null);
    } else if version < vec![1, 6, 0] {
        args.set("wait", "");
    }
    Ok(())
}

fn set_policy(cx: &mut Context<'_>, filter: &Filter, policy: &str) -> Result<bool, Failure> {
    let ran = filter.act(cx, "-L", &[])?;
    let out = ran.out();
    let head = out.lines().next().unwrap_or_default();
    let current = head
        .split_once("(policy ")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(policy, _)| policy)
        .filter(|policy| !policy.is_empty() && policy.chars().all(|c| c.is_ascii_uppercase()));
    let Some(current) = current else {
        return Err(Failure::new("Can't detect current policy"));
    };
    if current == policy {
        return Ok(false);
    }
    if !cx.check {
        filter.act(cx, "-P", &[policy.to_owned()])?;
    }
    Ok(true)
}

fn set_rule(
    cx: &mut Context<'_>,
    args: &Args,
    filter: &Filter,
    present: bool,
) -> Result<bool, Failure> {
    let words = rule::words(args);
    let there = filter.ask(cx, "-C", &words)?.ok();
    let has_chain = there || filter.ask(cx, "-L", &[])?.ok();
    if there == present {
        return Ok(false);
    }
    if cx.check {
        return Ok(true);
    }
    if !present {
        filter.act(cx, "-D", &words)?;
        return Ok(true);
    }
    if !has_chain && args.bool("chain_management") {
        filter.act(cx, "-N", &[])?;
    }
    let action = if args.req("action") == "insert" { "-I" } else { "-A" };
    filter.act(cx, action, &words)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    fn host(has_rule: bool) -> Fake {
        Fake::new()
            .program("iptables")
            .on("/usr/bin/iptables --version", Ran::of(0, "iptables v1.8.9 (nf_tables)\n", ""))
            .on("/usr/bin/iptables -t filter -C", Ran::of(i32::from(!has_rule), "", ""))
            .on("/usr/bin/iptables -t filter -L", Ran::of(0, "Chain INPUT (policy ACCEPT)\n", ""))
            .on("/usr/bin/iptables", Ran::of(0, "", ""))
    }

    #[test]
    fn a_rule_is_added_once() {
        let args = json!({"chain": "INPUT", "protocol": "tcp", "destination_port": 22,
                          "jump": "ACCEPT", "source": "!10.0.0.0/8"});
        let mut fake = host(false);
        let result = Call::new("iptables", args.clone()).run_on(&mut fake);
        assert_eq!(result["changed"], true, "{result:?}");
        let rule = "-p tcp ! -s 10.0.0.0/8 -j ACCEPT --destination-port 22";
        assert_eq!(result["rule"], rule);
        let added = "/usr/bin/iptables -t filter -A INPUT -p tcp '!' -s 10.0.0.0/8 -j ACCEPT --destination-port 22";
        assert_eq!(fake.runs.last().map(String::as_str), Some(added));
        assert_eq!(Call::new("iptables", args).run_on(&mut host(true))["changed"], false);
    }

    #[test]
    fn policies() {
        let set = |policy: &str| {
            let args = json!({"chain": "INPUT", "policy": policy});
            Call::new("iptables", args).run_on(&mut host(false))["changed"].clone()
        };
        assert_eq!((set("ACCEPT"), set("DROP")), (json!(false), json!(true)));
    }

    #[test]
    fn a_chain_or_flushing_must_be_said() {
        let result = Call::new("iptables", json!({"jump": "DROP"})).run_on(&mut host(false));
        assert_eq!(result["msg"], "Either chain or flush parameter must be specified.");
    }
}
