//! What a template prints, and what becomes of it at the end: ansible's concat functions.

use crate::value::{PyResult, Str, StrClass, Value, literal, repr};

/// What happens to the printed pieces at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::template) enum Concat {
    /// They are joined to text (template files).
    Text,
    /// They are joined to text, which is then read as data if it looks like a list, a dict or a
    /// bool (strings of playbooks).
    Convert,
    /// A single piece stays what it is; joined text is read as a Python literal if it is one
    /// (`jinja2_native`).
    Native,
}

/// The printed pieces. The first is kept as a value: alone, it may stay what it is.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    first: Option<Value>,
    rest: String,
    pieces: usize,
    is_unsafe: bool,
}

impl Buffer {
    pub fn push(&mut self, value: Value) -> PyResult<()> {
        match self.pieces {
            0 => self.first = Some(value),
            _ => {
                self.flatten()?;
                self.append(&value)?;
            }
        }
        self.pieces += 1;
        Ok(())
    }

    pub fn push_text(&mut self, text: &std::sync::Arc<str>) -> PyResult<()> {
        if self.pieces == 0 {
            self.first = Some(Value::Str(Str::new(std::sync::Arc::clone(text))));
        } else {
            self.flatten()?;
            self.rest.push_str(text);
        }
        self.pieces += 1;
        Ok(())
    }

    fn flatten(&mut self) -> PyResult<()> {
        match self.first.take() {
            Some(first) => self.append(&first),
            None => Ok(()),
        }
    }

    fn append(&mut self, value: &Value) -> PyResult<()> {
        match value {
            Value::Str(s) => {
                self.is_unsafe |= s.is_unsafe();
                self.rest.push_str(s);
            }
            // ansible's `to_text` decodes bytes where `str` would show their literal.
            Value::Bytes(b) => self.rest.push_str(&String::from_utf8_lossy(b)),
            other => self.rest.push_str(&repr::to_text(other)?),
        }
        Ok(())
    }

    /// The result.
    pub fn finish(mut self, concat: Concat) -> PyResult<Value> {
        if concat == Concat::Native && self.pieces == 0 {
            return Ok(Value::None);
        }
        let single = match self.first.take() {
            Some(value) => self.single(value, concat)?,
            None => None,
        };
        let text = match single {
            Some(Single::Done(value)) => return Ok(value),
            Some(Single::Text(text)) => text,
            None => {
                let text = Str::new(std::mem::take(&mut self.rest));
                if self.is_unsafe { text.into_unsafe() } else { text }
            }
        };
        Ok(match concat {
            Concat::Text => Value::Str(text),
            Concat::Convert => converted(text)?,
            Concat::Native => native(text)?,
        })
    }

    fn single(&mut self, value: Value, concat: Concat) -> PyResult<Option<Single>> {
        Ok(Some(match value {
            Value::Str(s) if concat != Concat::Text && s.class() == StrClass::Native => {
                Single::Done(Value::Str(s))
            }
            // `str.join` makes plain text of one piece, too.
            Value::Str(s) if concat == Concat::Text && s.class() == StrClass::Markup => {
                let plain = Str::new(s.as_str());
                Single::Text(if s.is_unsafe() { plain.into_unsafe() } else { plain })
            }
            Value::Str(s) => Single::Text(s),
            Value::Vaulted(v) if concat == Concat::Native => Single::Done(Value::str(v.plain()?)),
            other if concat == Concat::Native => Single::Done(other),
            other => {
                self.append(&other)?;
                return Ok(None);
            }
        }))
    }
}

enum Single {
    Done(Value),
    Text(Str),
}

/// Text that looks like a list, a dict or a bool becomes one.
fn converted(text: Str) -> PyResult<Value> {
    let candidate = text.starts_with(['{', '[']) || matches!(&*text, "True" | "False");
    Ok(match candidate.then(|| literal::literal_eval_json(&text)) {
        Some(Ok(value)) if text.is_unsafe() => value.into_unsafe(),
        Some(Ok(value)) => value,
        // ansible does not catch what a key that is a list or a dict raises.
        Some(Err(e)) if e.is_type_error() => return Err(e),
        _ => Value::Str(text),
    })
}

/// Text that is a Python literal becomes its value; a string literal keeps its quotes.
fn native(text: Str) -> PyResult<Value> {
    Ok(match literal::literal_eval_native(&text) {
        Ok(Value::Str(inner)) => {
            let quote = text.chars().next().unwrap_or('\'');
            Value::Str(text.derive(format!("{quote}{inner}{quote}")))
        }
        Ok(value) if text.is_unsafe() => value.into_unsafe(),
        Ok(value) => value,
        Err(e) if e.is_type_error() => return Err(e),
        Err(_) => Value::Str(text),
    })
}
