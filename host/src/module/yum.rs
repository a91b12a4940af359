//! `yum`: packages of hosts that have yum 3. On all others the action hands on to `dnf`.

use super::dnf;
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome};

pub static MODULE: Module = Module {
    description: "Installs, upgrades and removes packages with the package manager of Fedora, RHEL and their kin.\n\
                  Where yum is dnf by another name, as everywhere since RHEL 8, `dnf` does the work. Hosts with yum 3 \
                  can't be managed.",
    options: &[Opt::str("use_backend")
        .or_str("auto")
        .choices(&[Lit::Str("auto"), Lit::Str("yum"), Lit::Str("yum4"), Lit::Str("dnf")])
        .doc("The generation of yum, if it is not to be found out.")],
    shared: &[dnf::OPTIONS],
    rules: dnf::RULES,
    check_mode: CheckMode::Full,
    examples: "- name: Tools for storage\n  ansible.builtin.yum:\n    name: [nfs-utils, iscsi-initiator-utils]\n",
    ..Module::builtin("yum", "Manages packages with yum", run)
};

fn run(_: &mut Context<'_>, _: &mut Args) -> Result<Outcome, Failure> {
    Err(Failure::new(
        "This host has yum 3, which can't be used from here: it can be driven by a module in Python alone. Install \
         dnf on the host and set use_backend=dnf, or use ansible.builtin.command.",
    ))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn yum_3_is_refused_by_name() {
        let result = Call::new("yum", json!({"name": "htop"})).run_on(&mut Fake::new());
        assert!(result["msg"].as_str().is_some_and(|msg| msg.contains("yum 3")), "{result:?}");
    }
}
