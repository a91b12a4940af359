//! `async_status`: how a job stands.

use std::path::Path;

use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Failure, Lit, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};

pub static MODULE: Module = Module {
    description: "Says how a task with `async` stands that was not waited for, or what it came to.",
    options: &[
        Opt::str("jid").required().doc("The job, as `ansible_job_id` of its task's result has it."),
        Opt::str("mode")
            .or_str("status")
            .choices(&[Lit::Str("cleanup"), Lit::Str("status")])
            .doc("Ask how it stands, or remove the file with its result."),
        Opt::path("_async_dir").required(),
    ],
    check_mode: CheckMode::None,
    returns: &[
        Returned::new("ansible_job_id", "str", "success", "The job.").sample("360874038559.4169"),
        Returned::new("finished", "int", "always", "Whether it has ended.").sample("1"),
        Returned::new("started", "int", "always", "Whether it has begun.").sample("1"),
        Returned::new("erased", "str", "with `mode=cleanup`", "The file that was removed."),
    ],
    examples: "- name: Wait for the job\n  ansible.builtin.async_status:\n    jid: '{{ started.ansible_job_id }}'\n  register: job\n  until: job.finished\n  retries: 100\n  delay: 10\n",
    version_added: "0.5",
    ..Module::builtin("async_status", "Obtains the status of an asynchronous task", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let jid = args.string("jid");
    let path = Path::new(args.req("_async_dir")).join(&jid);
    let shown = path.to_string_lossy().into_owned();
    let cleanup = args.req("mode") == "cleanup";
    let which = if cleanup { "erased" } else { "results_file" };
    if !cx.target.exists(&path) {
        return Err(Failure::new("could not find job")
            .with("ansible_job_id", jid)
            .with("started", 1)
            .with("finished", 1)
            .with(which, shown));
    }
    if cleanup {
        cx.target.unlink(&path).map_err(|error| {
            Failure::crash("OSError", python::os_error(&error, Subject::Text(&path)))
        })?;
        return Ok(Outcome::silent().with("ansible_job_id", jid).with("erased", shown));
    }
    let text = cx.target.read_text(&path).unwrap_or_default();
    let Ok(Data::Object(mut data)) = serde_json::from_str(&text) else {
        // Nothing is written yet: it runs.
        return Ok(Outcome::silent()
            .with("results_file", shown)
            .with("ansible_job_id", jid)
            .with("started", 1)
            .with("finished", 0));
    };
    if !data.contains_key("started") {
        data.insert("finished".into(), 1.into());
        data.insert("ansible_job_id".into(), jid.into());
    } else if !data.contains_key("finished") {
        data.insert("finished".into(), 0.into());
    }
    data.insert("results_file".into(), shown.into());
    Ok(Outcome::silent().with_all(data))
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn jobs_at_every_stage() {
        let mut fake = Fake::new()
            .file("/j/1.2", r#"{"started": 1, "finished": 0, "ansible_job_id": "1.2"}"#)
            .file("/j/3.4", r#"{"changed": true, "rc": 0}"#)
            .file("/j/5.6", "");
        let mut ask = |jid: &str, mode: &str| {
            let args = json!({"jid": jid, "mode": mode, "_async_dir": "/j"});
            Call::new("async_status", args).run_on(&mut fake)
        };
        assert_eq!(ask("1.2", "status")["finished"], 0);
        let done = ask("3.4", "status");
        assert_eq!((&done["finished"], &done["ansible_job_id"]), (&json!(1), &json!("3.4")));
        assert_eq!((&done["rc"], &done["results_file"]), (&json!(0), &json!("/j/3.4")));
        assert_eq!(ask("5.6", "status")["finished"], 0);
        assert_eq!(ask("3.4", "cleanup")["erased"], "/j/3.4");
        assert_eq!(ask("3.4", "status")["msg"], "could not find job");
    }
}
