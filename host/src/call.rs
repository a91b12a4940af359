//! A call: one module, its arguments and the task's settings; run on any target.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::context::Context;
use crate::data::{Data, Map};
use crate::files::{AtHand, Content, Files, NoFiles, Travelling};
use crate::job::{self, Job};
use crate::module::{self, Args, CheckMode, Module};
use crate::outcome::Failure;
use crate::spec::{self, Secrets};
use crate::target::Target;
use crate::target::system::System;

/// One call of a module.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The name as the task has it; failure texts show it.
    pub module: String,
    pub args: Map,
    pub check: bool,
    pub diff: bool,
    pub no_log: bool,
    pub verbosity: u8,
    /// `environment:` of the task.
    pub environment: Vec<(String, String)>,
    /// `LANG` for programs, if the configuration asks for one.
    pub language: Option<String>,
    /// Where relative paths start; the agent's own directory if not said.
    pub cwd: Option<String>,
    /// Where temporary files go, `~` and variables unexpanded.
    pub remote_tmp: Option<String>,
    /// The shell of `command` and `shell` where the task names none.
    pub shell: Option<String>,
    /// The host's Python, or `auto` and the like, as the task's variables have it.
    pub interpreter: Option<String>,
    /// File systems on which SELinux contexts can't be set.
    pub selinux_special_fs: Vec<String>,
    pub files: Vec<Travelling>,
    /// Go on by itself, in a process of its own.
    pub job: Option<Job>,
}

impl Call {
    /// A call with the usual settings.
    pub fn new(module: &str, args: Data) -> Call {
        let args = match args {
            Data::Object(args) => args,
            _ => Map::new(),
        };
        Call { module: module.into(), args, ..Call::default() }
    }

    #[must_use]
    pub fn check(mut self) -> Call {
        self.check = true;
        self
    }

    #[must_use]
    pub fn diff(mut self) -> Call {
        self.diff = true;
        self
    }

    /// What is set over the machine's environment.
    pub fn variables(&self) -> Vec<(String, String)> {
        let language = self.language.iter().flat_map(|language| {
            ["LANG", "LC_ALL", "LC_MESSAGES"].map(|name| (name.to_owned(), language.clone()))
        });
        language.chain(self.environment.iter().cloned()).collect()
    }

    /// Run without travelling files; the result is ansible's dictionary.
    pub fn run_on(&self, target: &mut dyn Target) -> Map {
        self.run(target, &mut NoFiles)
    }

    /// Run on any target. The result is ansible's dictionary; a module that panics gives a failed one.
    pub fn run(&self, target: &mut dyn Target, files: &mut dyn Files) -> Map {
        let Some(module) = module::find(&self.module) else {
            return Failure::new(format!("The module {} was not found on the host", self.module))
                .into_result();
        };
        if let Some(job) = &self.job {
            return job::start(self, job, target, files);
        }
        // What a panic could leave half-changed (target, files) is dropped with this call.
        match catch_unwind(AssertUnwindSafe(|| self.run_module(module, target, files))) {
            Ok(result) => result,
            Err(payload) => {
                let text = payload.downcast_ref::<String>().map(String::as_str);
                let text = text
                    .or_else(|| payload.downcast_ref::<&str>().copied())
                    .unwrap_or("no message");
                Failure::new("MODULE FAILURE\nSee stdout/stderr for the exact error")
                    .with("module_stdout", "")
                    .with("module_stderr", format!("{}: internal error: {text}", self.module))
                    .with("rc", 1)
                    .into_result()
            }
        }
    }

    fn run_module(
        &self,
        module: &'static Module,
        target: &mut dyn Target,
        files: &mut dyn Files,
    ) -> Map {
        let checked = spec::check(
            &self.module,
            &module.all_options(),
            module.rules,
            self.args.clone(),
            &mut OnTarget(target),
        );
        let secrets = checked.secrets.clone();
        let mut args = Args::new(checked.values);
        let mut cx = Context::new(target, files, self);
        cx.secrets = checked.secrets;
        checked.warnings.into_iter().for_each(|warning| cx.warn(warning));
        checked.deprecations.into_iter().for_each(|deprecation| cx.deprecate(deprecation));
        let mut result = if let Some(error) = checked.error {
            Failure::new(error).into_result()
        } else if self.check && module.check_mode == CheckMode::None {
            let mut skipped = Map::new();
            skipped.insert("skipped".into(), true.into());
            skipped.insert(
                "msg".into(),
                format!("remote module ({}) does not support check mode", self.module).into(),
            );
            skipped
        } else {
            match (module.run)(&mut cx, &mut args) {
                Ok(outcome) => outcome.into_result(),
                Err(failure) => failure.into_result(),
            }
        };
        cx.finish(&mut result);
        // A module that an exception ended says nothing of its arguments.
        if !result.contains_key("invocation") && !result.contains_key("module_stderr") {
            let mut invocation = Map::new();
            invocation.insert("module_args".into(), args.into_values().into());
            result.insert("invocation".into(), invocation.into());
        }
        hidden(result, &secrets)
    }
}

fn hidden(result: Map, secrets: &Secrets) -> Map {
    let mut result = Data::Object(result);
    secrets.hide(&mut result);
    match result {
        Data::Object(result) => result,
        // A dictionary stays one: only texts and numbers in it are replaced.
        _ => Map::new(),
    }
}

/// Run a call on this machine, in this process, with files that are at hand.
pub fn run_local(call: &Call, files: &mut AtHand) -> Map {
    call.run(&mut local_system(call), files)
}

/// The machine of this process as a call sees it.
pub fn local_system(call: &Call) -> System {
    System::new().with_cwd(call.cwd.clone().map(Into::into)).with_env(call.variables())
}

/// A travelling file of bytes, and its entry for [`Call::files`].
pub fn travelling(path: &str, bytes: &[u8], files: &mut AtHand) -> Travelling {
    let sha1 = {
        use sha1::Digest;
        crate::data::hex(&sha1::Sha1::digest(bytes))
    };
    files.add(sha1.clone(), Content::Bytes(bytes.into()));
    Travelling { path: path.into(), sha1, len: bytes.len() as u64 }
}

struct OnTarget<'a>(&'a mut dyn Target);

impl spec::Expand for OnTarget<'_> {
    fn expand(&mut self, text: &str) -> String {
        self.0.expand(text)
    }

    fn env(&self, name: &str) -> Option<String> {
        self.0.env(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::fake::Fake;
    use serde_json::json;

    #[test]
    fn mistakes_in_arguments_are_results() {
        let result = Call::new("ansible.builtin.ping", json!({"odd": 1})).run_on(&mut Fake::new());
        assert_eq!(result["failed"], true);
        assert_eq!(
            result["msg"],
            "Unsupported parameters for (ansible.builtin.ping) module: odd. Supported parameters include: data."
        );
        assert_eq!(result["invocation"], json!({"module_args": {"odd": 1, "data": "pong"}}));
    }

    #[test]
    fn an_unknown_module_is_named() {
        let result = Call::new("no.such.thing", json!({})).run_on(&mut Fake::new());
        assert_eq!(result["msg"], "The module no.such.thing was not found on the host");
    }
}
