//! `dpkg_selections`: what dpkg is to do with packages.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome};
use crate::target::Run;

pub static MODULE: Module = Module {
    description: "Changes the selection of packages: whether dpkg installs, holds, removes or purges them.",
    options: &[
        Opt::str("name").required().doc("The package."),
        Opt::str("selection")
            .required()
            .choices(&[
                Lit::Str("install"),
                Lit::Str("hold"),
                Lit::Str("deinstall"),
                Lit::Str("purge"),
            ])
            .doc("What dpkg is to do with it."),
    ],
    check_mode: CheckMode::Full,
    examples: "- name: Kubernetes is upgraded by hand\n  ansible.builtin.dpkg_selections:\n    name: kubelet\n    selection: hold\n",
    ..Module::builtin("dpkg_selections", "Selects packages for dpkg", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let (name, wanted) = (args.req("name").to_owned(), args.req("selection").to_owned());
    let dpkg = cx.program("dpkg")?;
    let run = Run::argv([dpkg.clone().into_os_string()])
        .args(["--get-selections", name.as_str()])
        .c_locale();
    let ran = cx.run_ok(&run)?;
    let current = match ran.out().split_whitespace().nth(1) {
        None => "not present".to_owned(),
        Some(current) => current.to_owned(),
    };
    let changed = current != wanted;
    if changed && !cx.check {
        if current == "not present" {
            return Err(Failure::new(format!(
                "Failed to find package '{name}' to perform selection '{wanted}'."
            )));
        }
        let run = Run::argv([dpkg.into_os_string()])
            .arg("--set-selections")
            .stdin(format!("{name} {wanted}").into_bytes());
        cx.run_ok(&run)?;
    }
    Ok(Outcome::new(changed).with("before", current).with("after", wanted))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::Ran;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn a_held_package_stays_held() {
        let host = || {
            Fake::new()
                .program("dpkg")
                .on("/usr/bin/dpkg --get-selections", Ran::of(0, "kubelet\thold\n", ""))
                .on("/usr/bin/dpkg", Ran::of(0, "", ""))
        };
        let call = |selection: &str| {
            Call::new("dpkg_selections", json!({"name": "kubelet", "selection": selection}))
                .run_on(&mut host())
        };
        assert_eq!(call("hold")["changed"], false);
        assert_eq!(call("install")["changed"], true);
    }
}
