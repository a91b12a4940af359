//! `search_regex`: Python's regular expressions on bytes.

use crate::data::{Data, Map};
use crate::module::Failure;
use crate::regex::{BytesPattern, Flags};

/// What the groups of a pattern found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub groups: Vec<Data>,
    pub named: Map,
}

/// A compiled pattern.
pub(super) struct Pattern(BytesPattern);

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Pattern, String> {
        let flags = Flags { multiline: true, ..Flags::default() };
        BytesPattern::new(text, flags).map(Pattern).map_err(|error| error.message)
    }

    /// Whether it is found; then its groups are noted.
    pub(super) fn search(&self, bytes: &[u8], found: &mut Found) -> Result<bool, Failure> {
        let searched = self.0.search(bytes);
        let Some(hit) = searched.map_err(|error| Failure::crash(error.class, error.message))?
        else {
            return Ok(false);
        };
        let text = |group: usize| {
            let bytes = hit.group(group);
            bytes.map_or(Data::Null, |bytes| String::from_utf8_lossy(&bytes).into())
        };
        found.groups = (1..=hit.groups()).map(text).collect();
        found.named = hit.names().map(|(name, group)| (name.to_owned(), text(group))).collect();
        Ok(true)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups() {
        let pattern = Pattern::new(r"^key=(?P<k>\w+)(x)? (\d+)$").unwrap();
        let mut found = Found::default();
        assert!(!pattern.search(b"nothing", &mut found).unwrap());
        assert!(pattern.search(b"a\nkey=v 42\nb", &mut found).unwrap());
        assert_eq!(found.groups, [json!("v"), json!(null), json!("42")]);
        assert_eq!(found.named["k"], "v");
        assert!(Pattern::new("(").is_err());
    }
}
