//! `slurp`: the content of a file of the host, as base64.

use crate::data;
use crate::module::{Args, CheckMode, Context, Failure, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    description: "Brings the content of a file of the host, in base64. All of it is held in memory, more than once: not for large files.",
    options: &[Opt::path("src")
        .required()
        .aliases(&["path"])
        .doc("The file. It must be one, not a directory.")],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("content", "str", "success", "What is in the file."),
        Returned::new("encoding", "str", "success", "How: `base64`."),
        Returned::new("source", "str", "success", "The file's path."),
    ],
    examples: "- name: Which number has the server?\n  ansible.builtin.slurp:\n    src: /var/run/sshd.pid\n  register: pid\n\n- ansible.builtin.debug:\n    msg: \"{{ pid.content | b64decode }}\"\n",
    ..Module::builtin("slurp", "Brings the content of a file of the host", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let path = args.path("src");
    let content = cx.target.read(&path).map_err(|error| {
        let shown = path.display();
        Failure::new(match error.raw_os_error() {
            Some(libc::ENOENT) => format!("file not found: {shown}"),
            Some(libc::EACCES) => format!("file is not readable: {shown}"),
            Some(libc::EISDIR) => format!("source is a directory and must be a file: {shown}"),
            _ => {
                format!("unable to slurp file: {}", python::os_error(&error, Subject::Text(&path)))
            }
        })
    })?;
    Ok(Outcome::silent()
        .with("content", data::base64_encode(&content))
        .with("source", args.req("src"))
        .with("encoding", "base64"))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn content_or_why_not() {
        let mut fake = Fake::new().file("/f", "hello").dir("/d");
        let result = Call::new("slurp", json!({"src": "/f"})).run_on(&mut fake);
        assert_eq!(result["content"], "aGVsbG8=");
        assert_eq!((&result["source"], &result["encoding"]), (&json!("/f"), &json!("base64")));
        for (path, msg) in
            [("/x", "file not found: /x"), ("/d", "source is a directory and must be a file: /d")]
        {
            let result = Call::new("slurp", json!({"path": path})).run_on(&mut fake);
            assert_eq!(result["msg"], msg);
        }
    }
}
