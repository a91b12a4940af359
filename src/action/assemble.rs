//! `assemble`: one file out of the fragments in a folder, the controller's or the host's.

use std::path::Path;

use vmstation_host::fragments::Fragments;

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, copy};
use crate::{
    diagnostic::{Error, Kind},
    playbook::keywords,
    value::regex::{Flags, Pattern},
};

/// Makes one file of fragments.
pub static ACTION: Action = Action { name: "assemble", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        if cx.check() {
            return Err(ActionError::skip("check mode is not supported for this task."));
        }
        match assemble(cx).await {
            // Refusals are results like others: `failed_when` judges them.
            Err(ActionError::Done(result)) => Ok(*result),
            done => done,
        }
    })
}

async fn assemble(cx: &mut ActionContext<'_>) -> Outcome {
    let (Some(src), Some(_)) = (cx.text("src"), cx.text("dest")) else {
        return Err(ActionError::fail("src and dest are required"));
    };
    let lenient = |name: &str, default: bool| {
        cx.arg(name).map_or(default, |v| keywords::to_bool(&v).unwrap_or(false))
    };
    let args = cx.args.copy();
    args.remove("decrypt");
    if lenient("remote_src", true) {
        return cx.module("ansible.builtin.assemble", args).await;
    }
    let folder = cx.find("files", &src).map_err(|e| match e {
        ActionError::Error(e) => ActionError::caught(crate::diagnostic::ansible_text(&e), &e),
        other => other,
    })?;
    if !folder.is_dir() {
        return Err(ActionError::fail(format!("Source ({}) is not a directory", folder.display())));
    }
    let text = fragments(cx, &folder, lenient("ignore_hidden", false), lenient("decrypt", true))?;
    for own in ["remote_src", "regexp", "delimiter", "ignore_hidden"] {
        args.remove(own);
    }
    copy::send_always(cx, &args, text).await
}

/// The fragments in the order of their names, with delimiters between them.
fn fragments(
    cx: &ActionContext<'_>,
    folder: &Path,
    ignore_hidden: bool,
    decrypt: bool,
) -> Result<Vec<u8>, ActionError> {
    let regexp = cx.text("regexp").map(|text| Pattern::new(&text, Flags::default()));
    let regexp = regexp.transpose().map_err(|e| raised(&e.message))?;
    let fail = |e: std::io::Error| ActionError::fail(e.to_string());
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .map_err(fail)?
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    // ansible-core 2.14 compares a number with a byte here, and so always adds a line break.
    let mut all = Fragments::new(cx.text("delimiter").as_deref()).always_newline();
    for name in names {
        let path = folder.join(&name);
        if let Some(regexp) = &regexp
            && regexp.search(&name).map_err(|e| raised(&e.message))?.is_none()
        {
            continue;
        }
        if !path.is_file() || (ignore_hidden && name.starts_with('.')) {
            continue;
        }
        let content = cx.worker.play.run.loader.read_bytes(&path, decrypt)?;
        all.add(&content).map_err(|e| raised(&e))?;
    }
    Ok(all.into_bytes())
}

/// An exception that nothing in the action catches.
fn raised(message: &str) -> ActionError {
    ActionError::Error(Error::new(Kind::Action, message).of_class("re.error"))
}
