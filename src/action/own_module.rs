//! Modules of people's own in `library/`: programs in any language that take their arguments from a file
//! and answer with JSON. Those written against ansible's own library for Python are refused when the
//! playbook is loaded.

use std::path::Path;

use super::{ActionContext, ActionError, Outcome};
use crate::{
    connection::{Output, quote},
    diagnostic::{Error, Kind},
    run::TaskResult,
    template::RenderOptions,
    value::{
        Dict, Value,
        json::{self, Layout},
    },
};

/// Runs the module in the file `path` of the controller's on the host.
pub async fn run(cx: &mut ActionContext<'_>, path: &str) -> Outcome {
    let path = Path::new(path);
    let bytes = cx.worker.play.run.loader.read_bytes(path, false)?;
    let program = Program::of(&bytes);
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let argv = match &program {
        Program::Binary => Vec::new(),
        Program::Script { interpreter: None, .. } => {
            let message =
                format!("module ({}) is missing interpreter line", cx.worker.task.action.written);
            return Err(Error::new(Kind::Action, message).into());
        }
        Program::Script { interpreter: Some(words), .. } => interpreter(cx, words)?,
    };
    let arguments = arguments(cx)?;
    let text =
        if program.wants_json() { dumps(&Value::Dict(arguments))? } else { pairs(&arguments) };
    let staged = cx.remote.stage(cx, &name, bytes).await?;
    let ran = match cx.remote.stage_beside(cx, &staged, "args", text.into_bytes()).await {
        Ok(args) => {
            let argv = argv.into_iter().chain([staged.path.clone(), args]).collect();
            cx.remote.exec(cx, argv).await
        }
        Err(e) => Err(e),
    };
    cx.remote.unstage(cx, staged).await;
    Ok(answer(&ran?))
}

/// What sort of program a module is.
#[derive(Debug, PartialEq, Eq)]
enum Program {
    Binary,
    Script { interpreter: Option<Vec<String>>, json: bool },
}

impl Program {
    fn of(bytes: &[u8]) -> Self {
        if bytes.iter().take(1024).any(|byte| *byte == 0) {
            return Self::Binary;
        }
        let text = String::from_utf8_lossy(bytes);
        let first = text.lines().next().and_then(|line| line.strip_prefix("#!"));
        let interpreter = first
            .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .filter(|words| !words.is_empty());
        Self::Script { interpreter, json: text.contains("WANT_JSON") }
    }

    fn wants_json(&self) -> bool {
        matches!(self, Self::Binary | Self::Script { json: true, .. })
    }
}

/// The interpreter's command line: what `ansible_<name>_interpreter` says goes first.
fn interpreter(cx: &ActionContext<'_>, words: &[String]) -> Result<Vec<String>, ActionError> {
    let named = match words {
        [env, name, ..] if env.ends_with("/env") => name,
        [name, ..] => name,
        [] => return Ok(Vec::new()),
    };
    let base = named.rsplit('/').next().unwrap_or(named);
    let language = if base.starts_with("python") { "python" } else { base };
    let chosen = match cx.scope.get(&format!("ansible_{language}_interpreter")) {
        Some(written) => cx.templar.render(&written, &RenderOptions::default())?.to_text(),
        None => String::new(),
    };
    Ok(match Some(chosen.trim()).filter(|path| !path.is_empty() && !path.starts_with("auto")) {
        Some(path) => path.split_whitespace().map(str::to_owned).collect(),
        // Hosts have it under this name if they have it at all.
        None if language == "python" => vec!["/usr/bin/env".to_owned(), "python3".to_owned()],
        None => words.to_vec(),
    })
}

/// The task's arguments and what ansible tells every module beside them.
fn arguments(cx: &ActionContext<'_>) -> Result<Dict, ActionError> {
    let args = cx.args.copy();
    let name = cx.worker.task.action.written.as_str();
    let told: [(&str, Value); 8] = [
        ("_ansible_check_mode", cx.fields.check_mode.into()),
        ("_ansible_no_log", cx.fields.no_log.into()),
        ("_ansible_debug", false.into()),
        ("_ansible_diff", cx.fields.diff.into()),
        ("_ansible_verbosity", Value::Int(i64::from(cx.worker.play.run.options.verbosity))),
        ("_ansible_version", "2.14.18".into()),
        ("_ansible_module_name", name.into()),
        ("_ansible_keep_remote_files", false.into()),
    ];
    for (key, value) in told {
        args.insert(key, value);
    }
    Ok(args)
}

fn dumps(value: &Value) -> Result<String, ActionError> {
    json::dumps(value, &Layout::default()).map_err(|e| ActionError::result(e.to_string()))
}

/// `key=value` words, as the oldest modules read them.
fn pairs(args: &Dict) -> String {
    let word = |value: &Value| quote(&value.to_text());
    args.snapshot().iter().map(|(k, v)| format!("{}={} ", k.value().to_text(), word(v))).collect()
}

/// The module's JSON, whatever it printed before and after.
fn answer(ran: &Output) -> TaskResult {
    let stdout = String::from_utf8_lossy(&ran.stdout);
    if let Some((text, junk)) = object(&stdout)
        && let Ok(json @ serde_json::Value::Object(_)) = serde_json::from_str(text)
        && let Value::Dict(data) = json::from_json(json, true)
    {
        let result = TaskResult::from_data(data);
        if !junk.is_empty() {
            let warning = format!("Module invocation had junk after the JSON data: {junk}");
            result.data.insert("warnings", vec![Value::unsafe_str(warning)]);
        }
        return result;
    }
    let stderr = String::from_utf8_lossy(&ran.stderr);
    let lost = ran.rc == 127 || stderr.contains("No such file or directory");
    let what = if lost {
        "The module failed to execute correctly, you probably need to set the interpreter."
    } else {
        "MODULE FAILURE"
    };
    TaskResult::of([
        ("failed", true.into()),
        ("module_stdout", Value::unsafe_str(stdout.into_owned())),
        ("module_stderr", Value::unsafe_str(stderr.into_owned())),
        ("msg", format!("{what}\nSee stdout/stderr for the exact error").into()),
        ("rc", Value::Int(i64::from(ran.rc))),
    ])
}

/// The lines from the first that opens an object to the last that closes one, and what follows.
fn object(text: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    let start = text.split_inclusive('\n').find_map(|line| {
        let here = at;
        at += line.len();
        let bare = line.trim_start();
        bare.starts_with('{').then_some(here + line.len() - bare.len())
    })?;
    let end = start + text[start..].rfind('}')? + 1;
    // The rest of the line of the last brace would make it no JSON.
    Some((&text[start..end], text[end..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_told_apart() {
        assert_eq!(Program::of(b"\x7fELF\0\0"), Program::Binary);
        let words = |text: &str| Some(text.split(' ').map(str::to_owned).collect());
        assert_eq!(
            Program::of(b"#!/usr/bin/env ruby\n# WANT_JSON\n"),
            Program::Script { interpreter: words("/usr/bin/env ruby"), json: true }
        );
        assert_eq!(Program::of(b"echo"), Program::Script { interpreter: None, json: false });
    }

    #[test]
    fn answers_are_found_among_other_lines() {
        assert_eq!(object("hello\n {\"a\": 1}\nbye\n"), Some(("{\"a\": 1}", "bye")));
        assert_eq!(object("nothing"), None);
        let ran = |text: &str| Output { rc: 1, stdout: text.into(), stderr: Vec::new() };
        let result = answer(&ran("{\"changed\": true}\nx"));
        assert!(result.data.get("changed").is_some_and(|v| v.is_true()));
        assert!(result.data.contains("warnings"));
        assert!(answer(&ran("no")).data.get("failed").is_some_and(|v| v.is_true()));
    }
}
