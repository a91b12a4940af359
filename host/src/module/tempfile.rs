//! `tempfile`: a file or directory of a name that nothing else has.

use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    description: "Makes an empty file, or a directory, under a name that nothing else has; only its user may look into it. \
        Nobody removes it: do that with `file` when it is no longer needed.",
    options: &[
        Opt::str("state")
            .or_str("file")
            .choices(&[Lit::Str("file"), Lit::Str("directory")])
            .doc("What to make."),
        Opt::path("path").doc("Where; the system's folder for such things if not said."),
        Opt::str("prefix").or_str("ansible.").doc("How the name begins."),
        Opt::str("suffix").or_str("").doc("How the name ends."),
    ],
    check_mode: CheckMode::None,
    returns: &[Returned::new("path", "str", "success", "What was made.")],
    examples: "- name: A place to build in\n  ansible.builtin.tempfile:\n    state: directory\n    suffix: build\n  register: place\n",
    version_added: "2.3",
    ..Module::builtin("tempfile", "Makes temporary files and directories", run)
};

/// Of these are the eight letters in the middle of a name.
const LETTERS: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";

/// Names that are tried before it is given up; all taken means that something else is wrong.
const TRIES: u32 = 1000;

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let folder = match args.str("path") {
        Some(path) => cx.target.cwd().unwrap_or_default().join(path),
        None => cx.system_tmp(),
    };
    let is_file = args.req("state") == "file";
    let mut left = TRIES;
    loop {
        let mut random = cx.target.random();
        let mut name = args.string("prefix");
        for _ in 0..8 {
            name.push(char::from(LETTERS[(random % 37) as usize]));
            random /= 37;
        }
        name.push_str(args.req("suffix"));
        let path = folder.join(name);
        let made = match is_file {
            true => cx.target.create(&path, b"", 0o600),
            false => cx.target.mkdir(&path, 0o700),
        };
        left -= 1;
        match made {
            Ok(()) => return Ok(Outcome::new(true).with("path", path.to_string_lossy())),
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) && left > 0 => {}
            Err(error) => {
                let text = python::os_error(&error, Subject::Text(&path));
                let class = python::os_class(&error);
                let trace = format!("Traceback (most recent call last):\n{class}: {text}\n");
                return Err(Failure::new(text).with("exception", trace));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn names_have_their_ends_and_modes_are_closed() {
        let mut fake = Fake::new().dir("/d");
        for (state, mode) in [("file", 0o600), ("directory", 0o700)] {
            let args = json!({"path": "/d", "state": state, "prefix": "a.", "suffix": ".z"});
            let result = Call::new("tempfile", args).run_on(&mut fake);
            let path = result["path"].as_str().unwrap_or_default();
            assert!(path.starts_with("/d/a.") && path.ends_with(".z"), "{path}");
            assert_eq!(path.len(), "/d/a.12345678.z".len());
            assert_eq!(fake.mode_of(path), mode);
        }
    }

    #[test]
    fn a_folder_that_is_missing() {
        let args = json!({"path": "/nowhere"});
        let result = Call::new("tempfile", args).run_on(&mut Fake::new());
        let msg = result["msg"].as_str().unwrap_or_default();
        assert!(
            msg.starts_with("[Errno 2] No such file or directory: '/nowhere/ansible."),
            "{msg}"
        );
    }
}
