//! `seport`: ports and the types that SELinux gives them.

use std::collections::BTreeMap;

use crate::module::{Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome};
use crate::target::Run;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.seport"],
    description: "Gives ports a type in SELinux's policy, or takes it away, by `semanage`.",
    options: &[
        Opt::bool("ignore_selinux_state")
            .or(false)
            .doc("Go on where SELinux does not run, as in a changed root."),
        Opt::list("ports", Kind::Str).required().doc("Ports and ranges such as `8000-8100`."),
        Opt::str("proto")
            .required()
            .choices(&[Lit::Str("tcp"), Lit::Str("udp")])
            .doc("The protocol."),
        Opt::str("setype").required().doc("The type, such as `http_port_t`."),
        Opt::str("state")
            .or_str("present")
            .choices(&[Lit::Str("absent"), Lit::Str("present")])
            .doc("Whether they are to have it."),
        Opt::bool("reload").or(true).doc("Whether the policy is loaded anew."),
        Opt::bool("local").or(false).since("5.6.0").doc("Look at changes of the policy only."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: The shop's port\n  community.general.seport:\n    ports: 8088\n    proto: tcp\n    setype: http_port_t\n",
    version_added: "2.0",
    ..Module::builtin("seport", "Manages types of ports in SELinux", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    if !args.bool("ignore_selinux_state") && !cx.selinux_enabled() {
        return Err(Failure::new("SELinux is disabled on this host."));
    }
    let program = cx.program("semanage")?.to_string_lossy().into_owned();
    let (ports, proto, kind) = (args.strings("ports"), args.string("proto"), args.string("setype"));
    let present = args.req("state") == "present";
    let all = known(cx, &program, false)?;
    let of_type = match args.bool("local") {
        true => known(cx, &program, true)?,
        false => all.clone(),
    };
    let key = |kind: &str| (kind.to_owned(), proto.clone());
    let listed = of_type.get(&key(&kind)).cloned().unwrap_or_default();
    let mut changed = false;
    for port in ports.iter().filter(|port| listed.contains(port) != present) {
        changed = true;
        if cx.check {
            continue;
        }
        // A port that has another type keeps it in the policy; the new one is laid over it.
        let typed = all.iter().any(|((_, of), ports)| *of == proto && ports.contains(port));
        let verb = match (present, typed) {
            (true, false) => "--add",
            (true, true) => "--modify",
            (false, _) => "--delete",
        };
        let mut words = vec!["port", verb];
        if !args.bool("reload") {
            words.push("--noreload");
        }
        if present {
            words.extend(["--type", &kind, "--range", "s0"]);
        }
        words.extend(["--proto", &proto, port]);
        let ran = cx.run(&Run::argv([program.as_str()]).args(words).c_locale())?;
        if !ran.ok() {
            let why = ran.err();
            let why = why.trim();
            let why = why.strip_prefix("ValueError: ").unwrap_or(why);
            return Err(Failure::new(format!("ValueError: {why}\n")));
        }
    }
    Ok(Outcome::new(changed)
        .with("ports", ports)
        .with("proto", proto)
        .with("setype", kind)
        .with("state", args.req("state")))
}

type Ports = BTreeMap<(String, String), Vec<String>>;

/// Ports by type and protocol; only local changes of the policy, if asked for.
fn known(cx: &mut Context<'_>, program: &str, local: bool) -> Result<Ports, Failure> {
    let mut run = Run::argv([program, "port", "-l", "-n"]);
    if local {
        run = run.arg("-C");
    }
    let ran = cx.run_ok(&run.c_locale())?;
    let mut all = Ports::new();
    for line in ran.out().lines() {
        // `http_port_t    tcp    80, 81, 8000-8100`
        let mut words = line.split_whitespace();
        let (Some(kind), Some(proto)) = (words.next(), words.next()) else { continue };
        let ports = words.map(|word| word.trim_end_matches(',').to_owned());
        all.entry((kind.to_owned(), proto.to_owned())).or_default().extend(ports);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> (Value, Vec<String>) {
        let list = "http_port_t                    tcp      80, 81, 8000-8100\nssh_port_t                     tcp      22\n";
        let mut fake = Fake::new()
            .file("/sys/fs/selinux/enforce", "1")
            .program("semanage")
            .on("/usr/bin/semanage port -l", Ran::of(0, list, ""))
            .on(
                "/usr/bin/semanage port --delete",
                Ran::of(1, "", "ValueError: Port tcp/80 is defined in policy, cannot be deleted\n"),
            )
            .on("/usr/bin/semanage", Ran::of(0, "", ""));
        let result = Call::new("seport", args).run_on(&mut fake).into();
        (result, fake.runs)
    }

    #[test]
    fn ports() {
        let (result, _) =
            call(json!({"ports": ["80", "8000-8100"], "proto": "tcp", "setype": "http_port_t"}));
        assert_eq!(result["changed"], false, "{result}");
        let (_, runs) = call(
            json!({"ports": "22,88", "proto": "tcp", "setype": "http_port_t", "reload": false}),
        );
        assert_eq!(
            runs[1..],
            [
                "/usr/bin/semanage port --modify --noreload --type http_port_t --range s0 --proto tcp 22",
                "/usr/bin/semanage port --add --noreload --type http_port_t --range s0 --proto tcp 88"
            ]
        );
        let gone =
            json!({"ports": "80", "proto": "tcp", "setype": "http_port_t", "state": "absent"});
        let (result, _) = call(gone);
        assert_eq!(
            result["msg"],
            "ValueError: Port tcp/80 is defined in policy, cannot be deleted\n"
        );
    }
}
