//! What a look at a file found: a sentence, its place with an excerpt, and advice.

use std::{fmt, sync::Arc};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::Span;

/// Something that will go wrong when the text is used, though it can be loaded.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What is wrong, in a sentence without its full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// A finding without advice.
    pub fn new(message: impl Into<String>, span: &Span) -> Self {
        Self { message: message.into(), span: span.clone(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn helped(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// The text for people: the sentence, the file's lines with the place marked, the advice. The text of a
    /// decrypted file is never shown.
    pub fn render(&self, colour: bool) -> String {
        let theme =
            if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler =
            GraphicalReportHandler::new_themed(theme).with_context_lines(1).with_width(120);
        let shown = Shown::new(self);
        let mut text = String::new();
        match handler.render_report(&mut text, &shown) {
            Ok(()) => text.trim_end().to_owned(),
            // A `String` takes all that is written to it; should the excerpt fail, the sentence does not.
            Err(fmt::Error) => format!("{}: {}", self.span, self.message),
        }
    }
}

/// The form that the renderer takes.
struct Shown<'a> {
    finding: &'a Finding,
    source: Option<NamedSource<Arc<str>>>,
    label: LabeledSpan,
}

impl<'a> Shown<'a> {
    fn new(finding: &'a Finding) -> Self {
        let span = &finding.span;
        let hidden = span.source.is_hidden();
        let text = span.source.text();
        let name = span.path().display().to_string();
        // One line is marked: what follows it is not what is wrong.
        let marked = span.text().lines().next().map_or(0, |line| line.trim_end().len());
        Self {
            finding,
            source: (!hidden).then(|| NamedSource::new(name, Arc::from(text))),
            label: LabeledSpan::new(None, span.start as usize, marked.max(1)),
        }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.finding, f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Some(_) => f.write_str(&self.finding.message),
            None => write!(f, "{}: {}", self.finding.span, self.finding.message),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        let help = self.finding.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|s| s as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Source;

    #[test]
    fn a_finding_shows_its_line_and_what_to_do() {
        let text = "- copy:\n    src: a\n    dst: /b\n";
        let source = Source::new("site.yml", text);
        let span = Span::new(&source, 23, 26);
        let finding = Finding::new("copy has no argument `dst`", &span)
            .helped(Some("did you mean `dest`?".to_owned()));
        let shown = finding.render(false);
        for piece in
            ["copy has no argument `dst`", "site.yml:3:5", "dst: /b", "did you mean `dest`?"]
        {
            assert!(shown.contains(piece), "{piece} is not in:\n{shown}");
        }
    }

    #[test]
    fn decrypted_text_is_never_shown() {
        let source = Source::new_hidden("vault.yml", "secret: hunter2\n");
        let shown = Finding::new("a mistake", &Span::new(&source, 0, 6)).render(false);
        assert!(shown.contains("vault.yml:1:1: a mistake"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
