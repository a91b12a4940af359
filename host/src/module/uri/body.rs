//! Bodies of requests: JSON, forms, several parts, or as they are.

use std::path::Path;

use crate::data::{Data, base64_encode};
use crate::http::url::quoted;
use crate::module::{Args, Context, Failure};
use crate::python::{self, Subject};
use crate::spec::dumps;

type Headers = Vec<(String, String)>;

/// The body as it is sent, and the header that says what it is.
pub(super) fn encoded(
    cx: &mut Context<'_>,
    args: &Args,
    headers: &mut Headers,
) -> Result<Option<Vec<u8>>, Failure> {
    let body = args.get("body").cloned().unwrap_or(Data::Null);
    let format = args.req("body_format").to_lowercase();
    let text = match format.as_str() {
        "json" => {
            let text = match body {
                Data::String(text) => text,
                other => dumps(&other),
            };
            usual(headers, "application/json");
            Some(text)
        }
        "form-urlencoded" => {
            let text = form(args, &body)?;
            usual(headers, "application/x-www-form-urlencoded");
            text
        }
        "form-multipart" => {
            let boundary = format!("{:=<15}{:019}==", "", cx.target.random() % 10u64.pow(19));
            let content = multipart(cx, &body, &boundary)?;
            headers.retain(|(name, _)| name != "Content-Type");
            let kind = format!("multipart/form-data; boundary=\"{boundary}\"");
            headers.push(("Content-Type".into(), kind));
            return Ok(Some(content));
        }
        _ => return raw(args, body),
    };
    Ok(text.map(String::into_bytes))
}

fn usual(headers: &mut Headers, kind: &str) {
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("Content-Type".into(), kind.into()));
    }
}

/// Python sends texts only, and finds out late.
fn raw(args: &Args, body: Data) -> Result<Option<Vec<u8>>, Failure> {
    let failed = |text: String| {
        let wanted = args.get("status_code").map(python::repr).unwrap_or_default();
        Err(Failure::new(format!(
            "Status code was -1 and not {wanted}: An unknown error occurred: {text}"
        ))
        .with("elapsed", 0)
        .with("exception", format!("Traceback (most recent call last):\nTypeError: {text}\n"))
        .with("redirected", false)
        .with("status", -1)
        .with("url", args.req("url")))
    };
    match body {
        Data::Null => Ok(None),
        Data::String(text) => Ok(Some(text.into_bytes())),
        Data::Array(items) if items.is_empty() => Ok(Some(Vec::new())),
        Data::Array(_) | Data::Object(_) => failed("can't concat str to bytes".into()),
        other => failed(format!(
            "message_body should be a bytes-like object or an iterable, got {}",
            python::type_text(&other)
        )),
    }
}

/// A form of names and values.
fn form(args: &Args, body: &Data) -> Result<Option<String>, Failure> {
    let pairs: Vec<(Data, Data)> = match body {
        Data::String(text) => return Ok(Some(text.clone())),
        Data::Object(map) => {
            map.iter().map(|(key, value)| (Data::from(key.as_str()), value.clone())).collect()
        }
        Data::Array(items) => items.iter().map(pair).collect::<Result<_, _>>()?,
        Data::Null => return Ok(None),
        other => return raw(args, other.clone()).map(|_| None),
    };
    let plus = |value: &Data| quoted(python::text(value).as_bytes(), " ").replace(' ', "+");
    let mut out = Vec::new();
    for (key, values) in pairs {
        let values: Vec<Data> = match values {
            Data::Array(items) => items,
            Data::Object(map) => map.keys().map(|key| Data::from(key.as_str())).collect(),
            single => vec![single],
        };
        for value in values.iter().filter(|value| !value.is_null()) {
            out.push(format!("{}={}", plus(&key), plus(value)));
        }
    }
    Ok(Some(out.join("&")))
}

fn pair(item: &Data) -> Result<(Data, Data), Failure> {
    let parts: Vec<Data> = match item {
        Data::Array(parts) => parts.clone(),
        Data::String(text) => text.chars().map(|char| char.to_string().into()).collect(),
        Data::Object(map) => map.keys().map(|key| Data::from(key.as_str())).collect(),
        other => {
            let kind = python::type_text(other);
            let kind = kind.trim_start_matches("<class '").trim_end_matches("'>");
            let text = format!("cannot unpack non-iterable {kind} object");
            return Err(Failure::crash("TypeError", text));
        }
    };
    match <[Data; 2]>::try_from(parts) {
        Ok([key, value]) => Ok((key, value)),
        Err(parts) => {
            let why = match parts.len() {
                0 | 1 => format!("not enough values to unpack (expected 2, got {})", parts.len()),
                _ => "too many values to unpack (expected 2)".into(),
            };
            Err(Failure::new(format!("failed to parse body as form_urlencoded: {why}"))
                .with("elapsed", 0))
        }
    }
}

/// A form whose parts are texts and files, sorted by name.
fn multipart(cx: &mut Context<'_>, body: &Data, boundary: &str) -> Result<Vec<u8>, Failure> {
    let failed =
        |why: String| Failure::new(format!("failed to parse body as form-multipart: {why}"));
    let kind = |value: &Data| {
        let kind = python::type_text(value);
        kind.trim_start_matches("<class '").trim_end_matches("'>").to_owned()
    };
    let Data::Object(fields) = body else {
        return Err(failed(format!("Mapping is required, cannot be type {}", kind(body))));
    };
    let mut fields: Vec<(&String, &Data)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    let mut out = Vec::new();
    for (name, value) in fields {
        let part = match value {
            Data::String(text) => Part::text(text),
            Data::Object(map) => {
                let text =
                    |key: &str| map.get(key).filter(|value| !value.is_null()).map(python::text);
                let filename = text("filename").filter(|name| !name.is_empty());
                let content = text("content").filter(|content| !content.is_empty());
                let mime = text("mime_type").filter(|mime| !mime.is_empty());
                let mime = mime.unwrap_or_else(|| guessed(filename.as_deref().unwrap_or("")));
                match (content, filename) {
                    (None, None) => {
                        return Err(failed(
                            "at least one of filename or content must be provided".into(),
                        ));
                    }
                    (Some(content), filename) => Part { mime, filename, file: None, content },
                    (None, Some(path)) => {
                        let on_disk = cx.on_disk(&path)?;
                        let file = cx.target.read(&on_disk).map_err(|error| {
                            Failure::crash(
                                "FileNotFoundError",
                                python::os_error(&error, Subject::Bytes(&on_disk)),
                            )
                        })?;
                        Part {
                            mime,
                            filename: Some(path),
                            file: Some(file),
                            content: String::new(),
                        }
                    }
                }
            }
            other => {
                return Err(failed(format!(
                    "value must be a string, or mapping, cannot be type {}",
                    kind(other)
                )));
            }
        };
        part.write(name, boundary, &mut out);
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(out)
}

struct Part {
    mime: String,
    filename: Option<String>,
    /// The bytes of a file, which travel as base64.
    file: Option<Vec<u8>>,
    content: String,
}

impl Part {
    fn text(text: &str) -> Part {
        Part { mime: "text/plain".into(), filename: None, file: None, content: text.into() }
    }

    fn write(&self, name: &str, boundary: &str, out: &mut Vec<u8>) {
        let mut head = format!("--{boundary}\r\n");
        if self.file.is_some() {
            head.push_str("Content-Transfer-Encoding: base64\r\n");
        }
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        head.push_str(&format!(
            "Content-Type: {}\r\nContent-Disposition: form-data; name=\"{name}\"",
            self.mime
        ));
        if let Some(path) = &self.filename {
            let base = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
            head.push_str(&format!("; filename=\"{base}\""));
        }
        head.push_str("\r\n\r\n");
        out.extend_from_slice(head.as_bytes());
        match &self.file {
            Some(file) => {
                let coded = base64_encode(file);
                for line in coded.as_bytes().chunks(76) {
                    out.extend_from_slice(line);
                    out.extend_from_slice(b"\r\n");
                }
            }
            None => {
                let unix = self.content.replace("\r\n", "\n").replace('\r', "\n");
                out.extend_from_slice(unix.replace('\n', "\r\n").as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// What Python takes a file of this name for.
fn guessed(name: &str) -> String {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    let kind = match end.as_str() {
        "txt" | "c" | "h" | "bat" | "ksh" | "pl" => "text/plain",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "py" => "text/x-python",
        "xml" => "text/xml",
        "js" | "mjs" => "application/javascript",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "tar" => "application/x-tar",
        "sh" => "application/x-sh",
        "gif" => "image/gif",
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "ico" => "image/vnd.microsoft.icon",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    };
    kind.into()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms() {
        let args = Args::default();
        let form = |body| form(&args, &body).unwrap();
        assert_eq!(
            form(json!({"a": "x y", "b": [1, true, null], "c": null})).as_deref(),
            Some("a=x+y&b=1&b=True")
        );
        assert_eq!(form(json!([["k", "v&"], ["k", "ä"]])).as_deref(), Some("k=v%26&k=%C3%A4"));
        assert_eq!(form(json!(null)), None);
        assert!(super::form(&args, &json!([["k"]])).is_err());
    }

    #[test]
    fn parts() {
        let mut out = Vec::new();
        Part::text("a\nb").write("t", "B", &mut out);
        let file = Part {
            mime: "x/y".into(),
            filename: Some("/d/f".into()),
            file: Some(b"abc".to_vec()),
            content: String::new(),
        };
        file.write("u", "B", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "--B\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\na\r\nb\r\n\
             --B\r\nContent-Transfer-Encoding: base64\r\nContent-Type: x/y\r\n\
             Content-Disposition: form-data; name=\"u\"; filename=\"f\"\r\n\r\nYWJj\r\n\r\n"
        );
    }
}
