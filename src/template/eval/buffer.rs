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
    /// The pieces one by one, where somebody asks for them.
    log: Option<Vec<Value>>,
    joins: bool,
    /// Whether the first piece becomes text at once, like all others.
    at_once: bool,
    /// Where the pieces become text at the end only: those that may change until then, by where
    /// in the text they belong.
    late: Option<Vec<(usize, Value)>>,
    /// Whether the pieces are captured, and not what the function around gives.
    captured: bool,
    /// What was handed past the captured pieces to the function around.
    leaked: Vec<Value>,
}

impl Buffer {
    /// A buffer that keeps the pieces too.
    pub fn logging() -> Self {
        Self { log: Some(Vec::new()), ..Self::default() }
    }

    /// The pieces of a buffer that keeps them.
    pub fn log(&self) -> Vec<Value> {
        self.log.clone().unwrap_or_default()
    }

    /// Has the next piece count as part of the last.
    pub fn join_next(&mut self) {
        self.joins = true;
    }

    fn note(&mut self, value: &Value) {
        let joins = std::mem::take(&mut self.joins);
        let Some(log) = &mut self.log else { return };
        match (log.last_mut(), value) {
            (Some(Value::Str(last)), Value::Str(more)) if joins => {
                *last = Str::new(format!("{last}{more}"));
            }
            _ => log.push(value.clone()),
        }
    }

    /// A buffer of pieces that are captured: by a macro, a filter, a variable.
    pub fn capturing() -> Self {
        Self { captured: true, late: Some(Vec::new()), ..Self::default() }
    }

    /// A buffer of what a function gives piece by piece to what will finish them by `concat`: for
    /// text they are joined as they come, otherwise the second is asked for before the first is
    /// looked at.
    pub fn given(concat: Concat) -> Self {
        Self { at_once: concat == Concat::Text, ..Self::default() }
    }

    /// Notes whether the pieces are captured; gives what was noted before.
    pub fn set_captured(&mut self, captured: bool) -> bool {
        std::mem::replace(&mut self.captured, captured)
    }

    /// Gives pieces to the function around, past whatever captures others.
    pub fn hand_on(&mut self, pieces: Vec<Value>) -> PyResult<()> {
        if self.captured {
            self.leaked.extend(pieces);
            return Ok(());
        }
        pieces.into_iter().try_for_each(|piece| self.push(piece))
    }

    /// What was handed past the captured pieces.
    pub fn leaked(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.leaked)
    }

    pub fn push(&mut self, value: Value) -> PyResult<()> {
        self.note(&value);
        match self.pieces {
            0 if self.at_once && !matches!(value, Value::Str(_)) => self.append(&value)?,
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
        if self.log.is_some() {
            self.note(&Value::Str(Str::new(std::sync::Arc::clone(text))));
        }
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
            Value::List(_) | Value::Dict(_) | Value::Tuple(_) | Value::Object(_)
                if let Some(late) = &mut self.late =>
            {
                late.push((self.rest.len(), value.clone()));
            }
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
                let text = Str::new(self.joined()?);
                if self.is_unsafe { text.into_unsafe() } else { text }
            }
        };
        Ok(match concat {
            Concat::Text => Value::Str(text),
            Concat::Convert => converted(text)?,
            Concat::Native => native(text)?,
        })
    }

    /// The text of all pieces.
    fn joined(&mut self) -> PyResult<String> {
        let text = std::mem::take(&mut self.rest);
        let late = self.late.take().unwrap_or_default();
        let mut joined = String::new();
        let mut done = 0;
        for (at, value) in late {
            joined.push_str(&text[done..at]);
            joined.push_str(&repr::to_text(&value)?);
            done = at;
        }
        joined.push_str(&text[done..]);
        Ok(joined)
    }

    fn single(&mut self, value: Value, concat: Concat) -> PyResult<Option<Single>> {
        Ok(Some(match value {
            Value::Str(s) if concat != Concat::Text && s.class() == StrClass::Native => {
                Single::Done(Value::Str(s))
            }
            // `str.join` makes plain text of one piece, too.
            Value::Str(s)
                if concat == Concat::Text
                    && matches!(s.class(), StrClass::Markup | StrClass::Native) =>
            {
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
