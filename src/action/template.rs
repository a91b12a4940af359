//! `template`: renders a file on the controller and copies the text to the host.

use std::{os::unix::fs::PermissionsExt, path::Path};

use indexmap::IndexMap;

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, copy};
use crate::{
    diagnostic::{Kind, Source},
    playbook::keywords,
    template::{FileOptions, template_vars},
    value::{Dict, Value, codec},
};

/// Renders a file onto the host.
pub static ACTION: Action = Action { name: "template", bypass_host_loop: false, run };

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        match template(cx).await {
            // Refusals are results like others: `failed_when` judges them.
            Err(ActionError::Done(result)) => Ok(*result),
            done => done,
        }
    })
}

const OWN: &[&str] = &[
    "newline_sequence",
    "block_start_string",
    "block_end_string",
    "variable_start_string",
    "variable_end_string",
    "comment_start_string",
    "comment_end_string",
    "trim_blocks",
    "lstrip_blocks",
    "output_encoding",
];

async fn template(cx: &mut ActionContext<'_>) -> Outcome {
    if cx.arg("state").is_some() {
        return Err(ActionError::fail("'state' cannot be specified on a template"));
    }
    let (Some(src), Some(dest)) = (cx.text("src"), cx.text("dest")) else {
        return Err(ActionError::fail("src and dest are required"));
    };
    let options = options(cx)?;
    let source = cx.find("templates", &src).map_err(|e| match e {
        ActionError::Error(e) => ActionError::caught(crate::diagnostic::ansible_text(&e), &e),
        other => other,
    })?;
    let text = render(cx, &src, &source, &dest, options)?;
    let bytes = encode(cx, &text)?;
    let args = cx.args.copy();
    OWN.iter().for_each(|name| drop(args.remove(name)));
    if args.get("mode").is_some_and(|m| m.as_str() == Some("preserve")) {
        let meta = std::fs::metadata(&source).map_err(|e| ActionError::fail(e.to_string()))?;
        args.insert("mode", format!("0{:03o}", meta.permissions().mode() & 0o7777));
    }
    let follow = cx.arg("follow").is_some_and(|v| keywords::to_bool(&v).unwrap_or(false));
    args.insert("follow", follow);
    args.insert("src", source.display().to_string());
    args.insert("dest", dest);
    send(cx, args, &source, bytes).await
}

async fn send(cx: &ActionContext<'_>, args: Dict, source: &Path, bytes: Vec<u8>) -> Outcome {
    let name = source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    copy::send_bytes(cx, args, bytes, &name).await
}

fn encode(cx: &ActionContext<'_>, text: &str) -> Result<Vec<u8>, ActionError> {
    let name = cx.text("output_encoding").filter(|e| !e.is_empty()).unwrap_or("utf-8".to_owned());
    if matches!(name.to_lowercase().as_str(), "utf-8" | "utf8" | "utf_8") {
        return Ok(codec::to_utf8(text));
    }
    let encoding = encoding_rs::Encoding::for_label(name.as_bytes())
        .ok_or_else(|| ActionError::fail(format!("unknown encoding: {name}")))?;
    let little = encoding == encoding_rs::UTF_16LE;
    if little || encoding == encoding_rs::UTF_16BE {
        let marked = name.to_lowercase().replace('_', "-") == "utf-16";
        let units = marked.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        return Ok(units
            .flat_map(|u| if little { u.to_le_bytes() } else { u.to_be_bytes() })
            .collect());
    }
    let (bytes, _, lost) = encoding.encode(text);
    if lost {
        return Err(ActionError::fail(format!(
            "the text has characters that the encoding {name} lacks"
        )));
    }
    Ok(bytes.into_owned())
}

fn options(cx: &ActionContext<'_>) -> Result<FileOptions, ActionError> {
    let newline = cx.text("newline_sequence").unwrap_or_else(|| "\n".to_owned());
    let newline = match newline.as_str() {
        "\n" | "\\n" => "\n",
        "\r" | "\\r" => "\r",
        "\r\n" | "\\r\\n" => "\r\n",
        _ => {
            return Err(ActionError::fail("newline_sequence needs to be one of: \n, \r or \r\n"));
        }
    };
    let truth = |name: &str, default: bool| {
        cx.arg(name).map_or(default, |v| keywords::to_bool(&v).unwrap_or(false))
    };
    Ok(FileOptions {
        newline_sequence: newline.to_owned(),
        block_start: cx.text("block_start_string"),
        block_end: cx.text("block_end_string"),
        variable_start: cx.text("variable_start_string"),
        variable_end: cx.text("variable_end_string"),
        comment_start: cx.text("comment_start_string"),
        comment_end: cx.text("comment_end_string"),
        trim_blocks: truth("trim_blocks", true),
        lstrip_blocks: truth("lstrip_blocks", false),
        search_paths: Vec::new(),
    })
}

fn render(
    cx: &ActionContext<'_>,
    src: &str,
    source: &Path,
    dest: &str,
    mut options: FileOptions,
) -> Result<String, ActionError> {
    let loader = &cx.worker.play.run.loader;
    let bytes = loader.read_bytes(source, true).map_err(|e| match e.kind() {
        Kind::Parser => ActionError::Error(e),
        _ => ActionError::fail(format!("could not find src={}, {e}", source.display())),
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| ActionError::fail("Template source files must be utf-8 encoded"))?;
    let mut dirs: Vec<String> = match cx.scope.get("ansible_search_path") {
        Some(Value::List(dirs)) => dirs.read().iter().map(Value::to_text).collect(),
        _ => Vec::new(),
    };
    dirs.push(cx.worker.play.play.basedir.display().to_string());
    dirs.extend(source.parent().map(|p| p.display().to_string()));
    options.search_paths =
        dirs.into_iter().flat_map(|d| [format!("{d}/templates").into(), d.into()]).collect();
    let mut names: IndexMap<std::sync::Arc<str>, Value> = IndexMap::new();
    for (key, value) in template_vars(src, source, dest, &cx.templar) {
        names.insert(key.into(), value);
    }
    let templar = cx.templar.with_locals(names);
    templar.render_file(&Source::new(source, text), &options).map_err(|e| {
        // ansible-core 2.14 puts the exception's class before its text.
        let text = format!("{}: {}", class(&e), crate::diagnostic::ansible_text(&e));
        ActionError::caught(text, &e)
    })
}

/// The class of the exception that ansible raises here.
fn class(error: &crate::diagnostic::Error) -> &'static str {
    if let Some(path) = error.class().filter(|_| error.kind() != crate::diagnostic::Kind::Undefined)
    {
        return path.rsplit('.').next().unwrap_or(path);
    }
    match error.kind() {
        crate::diagnostic::Kind::Undefined => "AnsibleUndefinedVariable",
        _ => "AnsibleError",
    }
}
