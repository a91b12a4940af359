//! `ping`: is there an agent that can act?

use crate::module::{Args, CheckMode, Context, Failure, Module, Opt, Outcome, Returned};

pub static MODULE: Module = Module {
    description: "Answers `pong`, which shows that the host can be reached and that modules run there.\n\
                  This is no ICMP ping.",
    options: &[Opt::str("data")
        .or_str("pong")
        .doc("What to answer. `crash` makes the module fail on purpose.")],
    check_mode: CheckMode::Full,
    returns: &[Returned::new("ping", "str", "success", "The value of `data`.").sample("pong")],
    examples: "- name: See whether the host answers\n  ansible.builtin.ping:\n",
    ..Module::builtin("ping", "Try to connect to a host and get an answer from it", run)
};

fn run(_cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    match args.req("data") {
        "crash" => Err(Failure::crash("Exception", "boom")),
        data => Ok(Outcome::silent().with("ping", data)),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn answers() {
        let call = Call::new("ping", json!({}));
        assert_eq!(call.run_on(&mut Fake::new())["ping"], "pong");
        let call = Call::new("ping", json!({"data": "hi"}));
        assert_eq!(call.run_on(&mut Fake::new())["ping"], "hi");
        let result = Call::new("ping", json!({"data": "crash"})).run_on(&mut Fake::new());
        let trace = "Traceback (most recent call last):\nException: boom\n";
        assert_eq!(result.get("module_stderr").unwrap(), trace);
        assert_eq!(result["failed"], true);
    }
}
