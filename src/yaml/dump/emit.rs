//! libyaml's emitter behind a safe face.

use std::{
    borrow::Cow,
    ffi::{CString, c_void},
    mem::MaybeUninit,
    ptr,
};

use unsafe_libyaml as unsafe_sys;

use super::{DumpOptions, LineBreak, Style, astral::Astral};
use crate::{
    diagnostic::{Error, Kind, Result},
    yaml::tag::Tag,
};

/// Takes events, gives text.
pub(super) struct Emitter {
    // Boxed, because libyaml keeps pointers to them.
    raw: Box<MaybeUninit<unsafe_sys::yaml_emitter_t>>,
    output: Box<Output>,
    astral: Option<Astral>,
}

/// What was written so far.
#[derive(Default)]
struct Output(Vec<u8>);

/// libyaml hands over what it has written.
///
/// # Safety
/// `data` is the emitter's output, `buffer` has `size` bytes.
unsafe fn write(data: *mut c_void, buffer: *mut u8, size: u64) -> i32 {
    // SAFETY: as promised by the caller.
    let (output, bytes) = unsafe {
        let size = usize::try_from(size).unwrap_or(0);
        (&mut *data.cast::<Output>(), std::slice::from_raw_parts(buffer, size))
    };
    output.0.extend_from_slice(bytes);
    1
}

impl Emitter {
    pub fn new(options: &DumpOptions, astral: Option<Astral>) -> Self {
        let mut raw = Box::new(MaybeUninit::uninit());
        let mut output = Box::<Output>::default();
        // SAFETY: `initialize` fills the structure in; the output lives as long as the emitter.
        unsafe {
            let emitter = raw.as_mut_ptr();
            let _ = unsafe_sys::yaml_emitter_initialize(emitter);
            unsafe_sys::yaml_emitter_set_output(emitter, write, ptr::from_mut(&mut *output).cast());
            unsafe_sys::yaml_emitter_set_canonical(emitter, options.canonical);
            if let Some(indent) = options.indent {
                unsafe_sys::yaml_emitter_set_indent(emitter, indent);
            }
            if let Some(width) = options.width {
                unsafe_sys::yaml_emitter_set_width(emitter, width);
            }
            unsafe_sys::yaml_emitter_set_unicode(emitter, options.allow_unicode);
            let line_break = match options.line_break {
                LineBreak::Lf => unsafe_sys::YAML_LN_BREAK,
                LineBreak::Cr => unsafe_sys::YAML_CR_BREAK,
                LineBreak::CrLf => unsafe_sys::YAML_CRLN_BREAK,
            };
            unsafe_sys::yaml_emitter_set_break(emitter, line_break);
        }
        Self { raw, output, astral }
    }

    /// Initialises an event with `init` and emits it.
    fn emit(&mut self, init: impl FnOnce(*mut unsafe_sys::yaml_event_t) -> bool) -> Result<()> {
        let mut event = MaybeUninit::uninit();
        let ok = init(event.as_mut_ptr())
            // SAFETY: `init` has filled the event in; the emitter takes it over.
            && unsafe { unsafe_sys::yaml_emitter_emit(self.raw.as_mut_ptr(), event.as_mut_ptr()) }.ok;
        if ok {
            Ok(())
        } else {
            Err(Error::new(Kind::Internal, "libyaml refused to write a value"))
        }
    }

    pub fn stream_start(&mut self) -> Result<()> {
        // SAFETY: the event is only written to.
        self.emit(|e| unsafe {
            unsafe_sys::yaml_stream_start_event_initialize(e, unsafe_sys::YAML_UTF8_ENCODING).ok
        })
    }

    pub fn document_start(&mut self, implicit: bool) -> Result<()> {
        let none = ptr::null_mut;
        // SAFETY: the event is only written to; null means that there are no directives.
        self.emit(|e| unsafe {
            unsafe_sys::yaml_document_start_event_initialize(
                e,
                none(),
                ptr::null_mut(),
                ptr::null_mut(),
                implicit,
            )
            .ok
        })
    }

    pub fn document_end(&mut self, implicit: bool) -> Result<()> {
        // SAFETY: the event is only written to.
        self.emit(|e| unsafe { unsafe_sys::yaml_document_end_event_initialize(e, implicit).ok })
    }

    pub fn alias(&mut self, anchor: &str) -> Result<()> {
        let anchor = c_text(anchor);
        // SAFETY: the event is only written to, the string is copied.
        self.emit(|e| unsafe {
            unsafe_sys::yaml_alias_event_initialize(e, anchor.as_ptr().cast()).ok
        })
    }

    pub fn scalar(
        &mut self,
        anchor: Option<&str>,
        tag: &Tag,
        text: &str,
        plain_implicit: bool,
        quoted_implicit: bool,
        style: Option<Style>,
    ) -> Result<()> {
        let style = match style {
            None => unsafe_sys::YAML_PLAIN_SCALAR_STYLE,
            Some(Style::SingleQuoted) => unsafe_sys::YAML_SINGLE_QUOTED_SCALAR_STYLE,
            Some(Style::DoubleQuoted) => unsafe_sys::YAML_DOUBLE_QUOTED_SCALAR_STYLE,
            Some(Style::Literal) => unsafe_sys::YAML_LITERAL_SCALAR_STYLE,
            Some(Style::Folded) => unsafe_sys::YAML_FOLDED_SCALAR_STYLE,
        };
        let text = match &mut self.astral {
            Some(astral) => astral.hide(text),
            None => Cow::Borrowed(text),
        };
        let Ok(length) = i32::try_from(text.len()) else {
            return Err(Error::new(Kind::User, "a text of over 2 GiB cannot be written as YAML"));
        };
        let (anchor, tag) = (anchor.map(c_text), c_text(&tag.to_string()));
        // SAFETY: the event is only written to, the strings are copied.
        self.emit(|e| unsafe {
            unsafe_sys::yaml_scalar_event_initialize(
                e,
                or_null(anchor.as_ref()),
                tag.as_ptr().cast(),
                text.as_ptr(),
                length,
                plain_implicit,
                quoted_implicit,
                style,
            )
            .ok
        })
    }

    pub fn seq_start(
        &mut self,
        anchor: Option<&str>,
        tag: &Tag,
        implicit: bool,
        flow: bool,
    ) -> Result<()> {
        let style = if flow {
            unsafe_sys::YAML_FLOW_SEQUENCE_STYLE
        } else {
            unsafe_sys::YAML_BLOCK_SEQUENCE_STYLE
        };
        let (anchor, tag) = (anchor.map(c_text), c_text(&tag.to_string()));
        // SAFETY: the event is only written to, the strings are copied.
        self.emit(|e| unsafe {
            let (anchor, tag) = (or_null(anchor.as_ref()), tag.as_ptr().cast());
            unsafe_sys::yaml_sequence_start_event_initialize(e, anchor, tag, implicit, style).ok
        })
    }

    pub fn seq_end(&mut self) -> Result<()> {
        // SAFETY: the event is only written to.
        self.emit(|e| unsafe { unsafe_sys::yaml_sequence_end_event_initialize(e).ok })
    }

    pub fn map_start(
        &mut self,
        anchor: Option<&str>,
        tag: &Tag,
        implicit: bool,
        flow: bool,
    ) -> Result<()> {
        let style = if flow {
            unsafe_sys::YAML_FLOW_MAPPING_STYLE
        } else {
            unsafe_sys::YAML_BLOCK_MAPPING_STYLE
        };
        let (anchor, tag) = (anchor.map(c_text), c_text(&tag.to_string()));
        // SAFETY: the event is only written to, the strings are copied.
        self.emit(|e| unsafe {
            let (anchor, tag) = (or_null(anchor.as_ref()), tag.as_ptr().cast());
            unsafe_sys::yaml_mapping_start_event_initialize(e, anchor, tag, implicit, style).ok
        })
    }

    pub fn map_end(&mut self) -> Result<()> {
        // SAFETY: the event is only written to.
        self.emit(|e| unsafe { unsafe_sys::yaml_mapping_end_event_initialize(e).ok })
    }

    /// Ends the stream and gives all of its text.
    pub fn finish(mut self) -> Result<String> {
        // SAFETY: the event is only written to.
        self.emit(|e| unsafe { unsafe_sys::yaml_stream_end_event_initialize(e).ok })?;
        let text = String::from_utf8(std::mem::take(&mut self.output.0))
            .map_err(|e| Error::new(Kind::Internal, format!("libyaml wrote no UTF-8: {e}")))?;
        Ok(match &mut self.astral {
            Some(astral) => astral.restore(&text),
            None => text,
        })
    }
}

impl Drop for Emitter {
    fn drop(&mut self) {
        // SAFETY: initialised in `new`, deleted once.
        unsafe { unsafe_sys::yaml_emitter_delete(self.raw.as_mut_ptr()) }
    }
}

fn c_text(text: &str) -> CString {
    // Anchors and tags are made by this room and hold no NUL.
    CString::new(text).unwrap_or_default()
}

fn or_null(text: Option<&CString>) -> *const u8 {
    text.map_or(ptr::null(), |t| t.as_ptr().cast())
}
