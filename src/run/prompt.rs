//! Questions to the person at the terminal: `vars_prompt` and `--step`.

use std::sync::Arc;

use super::{Run, play::PlayRun};
use crate::{
    diagnostic::{Error, Kind, Result},
    event::Event,
    playbook::{Play, Task, keywords},
    template::{RenderOptions, Templar},
    terminal,
    value::{Dict, Value},
};

impl PlayRun {
    /// `--step`: whether to run a task. `c` ends the asking.
    pub fn ask_step(&mut self, task: &Arc<Task>) -> Result<bool> {
        let host = self.play.batch.first().cloned().unwrap_or_else(|| Arc::from(""));
        let name = self.info(task, &host).name.clone();
        let question = format!("Perform task: TASK: {name} (N)o/(y)es/(c)ontinue: ");
        let answer = terminal::ask(&question)?.to_lowercase();
        let yes = match answer.as_str() {
            "y" | "yes" => true,
            "c" | "continue" => {
                self.step = false;
                true
            }
            _ => false,
        };
        self.send(Event::Banner(question));
        Ok(yes)
    }
}

/// Asks for the play's `vars_prompt`; answers given by `-e` are not asked for.
///
/// # Errors
/// A malformed entry, or a question that can't be answered.
pub fn vars_prompt(run: &Run, play: &Play, templar: &Templar) -> Result<Dict> {
    let answers = Dict::new();
    let Some(written) = play.level.own(crate::playbook::Keyword::VarsPrompt) else {
        return Ok(answers);
    };
    let rendered = templar.render(&written.value, &RenderOptions::default())?;
    let entries = match rendered {
        Value::List(items) => items.snapshot(),
        Value::None => Vec::new(),
        other => vec![other],
    };
    for entry in entries {
        let Value::Dict(entry) = entry else { continue };
        let Some(name) = entry.get("name").map(|v| v.to_text()) else {
            return Err(Error::parser(
                "Invalid vars_prompt data structure, missing 'name' key",
                written.span.clone(),
            ));
        };
        if run.world.extra_vars().contains(&name) {
            continue;
        }
        let answer = ask(run, &name, &entry)?;
        answers.insert(name, answer);
    }
    Ok(answers)
}

fn ask(run: &Run, name: &str, entry: &Dict) -> Result<Value> {
    let truth = |key: &str, default: bool| -> Result<bool> {
        entry.get(key).map_or(Ok(default), |v| keywords::to_bool(&v))
    };
    let prompt = entry.get("prompt").map_or_else(|| name.to_owned(), |v| v.to_text());
    let default = entry.get("default").filter(|v| !v.is_none());
    let (private, confirm) = (truth("private", true)?, truth("confirm", false)?);
    let mut answer = String::new();
    if run.options.interactive {
        let question = match &default {
            Some(d) if !prompt.is_empty() => format!("{prompt} [{}]: ", d.to_text()),
            _ if !prompt.is_empty() => format!("{prompt}: "),
            _ => format!("input for {name}: "),
        };
        loop {
            answer = terminal::prompt(&question, private)?;
            if !confirm || terminal::prompt(&format!("confirm {question}"), private)? == answer {
                break;
            }
            run.events.send(Event::Line("***** VALUES ENTERED DO NOT MATCH ****".to_owned()));
        }
    } else {
        run.events
            .send(Event::Warning("Not prompting as we are not in interactive mode".to_owned()));
    }
    let mut value = match (&default, answer.is_empty()) {
        (Some(d), true) => Value::str(d.to_text()),
        // Without a terminal and without a default, ansible-core 2.14 stores the text of None.
        (None, true) if !run.options.interactive => Value::str("None"),
        _ => Value::str(answer),
    };
    if let Some(scheme) = entry.get("encrypt").filter(|v| v.is_true()) {
        let hashed = crate::template::encrypt(
            &value.to_text(),
            &scheme.to_text(),
            entry.get("salt").map(|v| v.to_text()),
            entry.get("salt_size").map(|v| v.to_text()),
        );
        value = Value::str(hashed.map_err(|e| e.with_kind(Kind::User))?);
    }
    if entry.get("unsafe").is_some_and(|v| v.is_true()) {
        value = value.into_unsafe();
    }
    Ok(value)
}
