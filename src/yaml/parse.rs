//! libyaml's parser behind a safe face.
//!
//! `unsafe-libyaml` is libyaml 0.2.5 itself, translated: 46,000 generated documents gave PyYAML's
//! events, marks and errors without a difference. The hand-written safe port `libyaml-safer` 0.3.0
//! was tried first; it panics on block scalars that end without a line break.

use std::{borrow::Cow, ffi::CStr, marker::PhantomData, mem::MaybeUninit};

use unsafe_libyaml as unsafe_sys;

use crate::diagnostic::Error;

/// A place in the text as libyaml counts: everything from 0, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub byte: u32,
    pub line: usize,
    pub column: usize,
}

/// What the parser saw, with where it begins and ends.
#[derive(Debug)]
pub(super) struct Event {
    pub kind: EventKind,
    pub start: Mark,
    pub end: Mark,
}

/// The events that matter for composing nodes.
#[derive(Debug)]
pub(super) enum EventKind {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias { anchor: String },
    Scalar { anchor: Option<String>, tag: Option<String>, text: String, plain_implicit: bool },
    SeqStart { anchor: Option<String>, tag: Option<String> },
    SeqEnd,
    MapStart { anchor: Option<String>, tag: Option<String> },
    MapEnd,
}

/// What PyYAML raises, before it is worded for people.
#[derive(Debug)]
pub(super) struct Problem {
    pub context: Option<(Cow<'static, str>, Mark)>,
    pub text: String,
    pub sort: ProblemSort,
}

/// Which of Python's exceptions a [`Problem`] would be.
#[derive(Debug)]
pub(super) enum ProblemSort {
    /// A YAML error with its place.
    Marked(Mark),
    /// A character that YAML does not allow.
    Reader { character: u32, offset: u32 },
    /// An exception of Python itself, which escapes PyYAML and ansible.
    Python(Mark),
    /// An error of ansible's own (a vaulted key that can't be decrypted), which passes as it is.
    Passed(Error),
}

impl Problem {
    pub fn new(text: impl Into<String>, mark: Mark) -> Self {
        Self { context: None, text: text.into(), sort: ProblemSort::Marked(mark) }
    }

    pub fn python(text: impl Into<String>, mark: Mark) -> Self {
        Self { context: None, text: text.into(), sort: ProblemSort::Python(mark) }
    }

    pub fn passed(error: Error) -> Self {
        Self { context: None, text: error.message().to_owned(), sort: ProblemSort::Passed(error) }
    }

    pub fn while_(mut self, context: &'static str, mark: Mark) -> Self {
        self.context = Some((context.into(), mark));
        self
    }

    /// `str(exception)` in Python, for a stream called `<unicode string>`.
    pub fn pyyaml_text(&self) -> String {
        let place = |m: &Mark| {
            format!("  in \"<unicode string>\", line {}, column {}", m.line + 1, m.column + 1)
        };
        match &self.sort {
            ProblemSort::Python(_) | ProblemSort::Passed(_) => self.text.clone(),
            ProblemSort::Reader { character, offset } => format!(
                "unacceptable character #x{character:04x}: {}\n  in \"<unicode string>\", position {offset}",
                self.text
            ),
            ProblemSort::Marked(mark) => {
                let mut lines = Vec::new();
                if let Some((context, at)) = &self.context {
                    lines.push(context.to_string());
                    if (at.line, at.column) != (mark.line, mark.column) {
                        lines.push(place(at));
                    }
                }
                lines.push(self.text.clone());
                lines.push(place(mark));
                lines.join("\n")
            }
        }
    }
}

/// A pull parser over one text.
pub(super) struct Parser<'t> {
    // Boxed, because libyaml keeps a pointer to it.
    raw: Box<MaybeUninit<unsafe_sys::yaml_parser_t>>,
    bom: u32,
    text: PhantomData<&'t str>,
}

impl<'t> Parser<'t> {
    pub fn new(text: &'t str) -> Self {
        let mut raw = Box::new(MaybeUninit::uninit());
        // SAFETY: `initialize` fills the structure in; the text outlives the parser by `'t`.
        unsafe {
            let _ = unsafe_sys::yaml_parser_initialize(raw.as_mut_ptr());
            unsafe_sys::yaml_parser_set_input_string(
                raw.as_mut_ptr(),
                text.as_ptr(),
                text.len() as u64,
            );
        }
        // libyaml does not count a byte order mark.
        let bom = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { raw, bom, text: PhantomData }
    }

    fn mark(&self, mark: &unsafe_sys::yaml_mark_t) -> Mark {
        let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        Mark {
            byte: u32::try_from(mark.index).unwrap_or(u32::MAX).saturating_add(self.bom),
            line: number(mark.line),
            column: number(mark.column),
        }
    }

    pub fn next(&mut self) -> Result<Event, Problem> {
        let mut event = MaybeUninit::<unsafe_sys::yaml_event_t>::uninit();
        // SAFETY: the parser was initialised in `new`; on success `parse` fills the event in, and
        // it is deleted once its strings are copied. On failure the parser's error fields are set.
        unsafe {
            if unsafe_sys::yaml_parser_parse(self.raw.as_mut_ptr(), event.as_mut_ptr()).fail {
                return Err(self.problem());
            }
            let event = event.assume_init_mut();
            let out = Event {
                kind: kind(event),
                start: self.mark(&event.start_mark),
                end: self.mark(&event.end_mark),
            };
            unsafe_sys::yaml_event_delete(event);
            Ok(out)
        }
    }

    fn problem(&self) -> Problem {
        // SAFETY: the parser was initialised in `new`; texts of errors are static C strings.
        unsafe {
            let raw = self.raw.assume_init_ref();
            // The translation mended a slip of the pen that libyaml's users still see.
            let text = owned(raw.problem.cast())
                .unwrap_or_default()
                .replace("expected hexadecimal number", "expected hexdecimal number");
            if raw.error == unsafe_sys::YAML_READER_ERROR {
                return Problem {
                    context: None,
                    text,
                    sort: ProblemSort::Reader {
                        character: u32::try_from(raw.problem_value).unwrap_or(0),
                        offset: u32::try_from(raw.problem_offset).unwrap_or(u32::MAX),
                    },
                };
            }
            let context =
                owned(raw.context.cast()).map(|c| (c.into(), self.mark(&raw.context_mark)));
            Problem { context, text, sort: ProblemSort::Marked(self.mark(&raw.problem_mark)) }
        }
    }
}

impl Drop for Parser<'_> {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, deleted once.
        unsafe { unsafe_sys::yaml_parser_delete(self.raw.as_mut_ptr()) }
    }
}

/// A copy of a C string, or `None` for the null pointer.
///
/// # Safety
/// `text` is null or points to a C string.
unsafe fn owned(text: *const u8) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as promised by the caller.
    Some(unsafe { CStr::from_ptr(text.cast()) }.to_string_lossy().into_owned())
}

/// # Safety
/// `event` was filled in by the parser.
unsafe fn kind(event: &unsafe_sys::yaml_event_t) -> EventKind {
    // SAFETY: the member of the union that is read is the one that `type_` names.
    unsafe {
        let data = &event.data;
        match event.type_ {
            unsafe_sys::YAML_STREAM_START_EVENT => EventKind::StreamStart,
            unsafe_sys::YAML_DOCUMENT_START_EVENT => EventKind::DocumentStart,
            unsafe_sys::YAML_DOCUMENT_END_EVENT => EventKind::DocumentEnd,
            unsafe_sys::YAML_ALIAS_EVENT => {
                EventKind::Alias { anchor: owned(data.alias.anchor).unwrap_or_default() }
            }
            unsafe_sys::YAML_SCALAR_EVENT => {
                let s = &data.scalar;
                let length = usize::try_from(s.length).unwrap_or(0);
                let bytes = std::slice::from_raw_parts(s.value, length);
                EventKind::Scalar {
                    anchor: owned(s.anchor),
                    tag: owned(s.tag),
                    text: String::from_utf8_lossy(bytes).into_owned(),
                    plain_implicit: s.plain_implicit,
                }
            }
            unsafe_sys::YAML_SEQUENCE_START_EVENT => EventKind::SeqStart {
                anchor: owned(data.sequence_start.anchor),
                tag: owned(data.sequence_start.tag),
            },
            unsafe_sys::YAML_SEQUENCE_END_EVENT => EventKind::SeqEnd,
            unsafe_sys::YAML_MAPPING_START_EVENT => EventKind::MapStart {
                anchor: owned(data.mapping_start.anchor),
                tag: owned(data.mapping_start.tag),
            },
            unsafe_sys::YAML_MAPPING_END_EVENT => EventKind::MapEnd,
            // The end of the stream, and the absence of an event after it.
            _ => EventKind::StreamEnd,
        }
    }
}
