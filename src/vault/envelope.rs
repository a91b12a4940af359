//! The lines around a payload: `$ANSIBLE_VAULT;1.2;AES256;label`.

const HEADER: &[u8] = b"$ANSIBLE_VAULT";

/// A vault text taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    pub cipher: String,
    /// The label, if the header has one.
    pub id: Option<String>,
    pub payload: Vec<u8>,
}

/// Whether bytes are a vault text: ASCII that begins with the header.
pub fn is_encrypted(data: &[u8]) -> bool {
    data.starts_with(HEADER) && data.is_ascii()
}

fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    // `\r\n` gives an empty line more, which adds nothing to a payload.
    data.split(|b| matches!(b, b'\n' | b'\r'))
}

/// Takes a vault text apart; the error is Python's about the header.
pub(super) fn parse(data: &[u8]) -> Result<Envelope, &'static str> {
    let mut lines = lines(data);
    let header = lines.next().unwrap_or_default().trim_ascii();
    let fields: Vec<String> = header
        .split(|b| *b == b';')
        .map(|f| String::from_utf8_lossy(f.trim_ascii()).into_owned())
        .collect();
    let [_, _, cipher, rest @ ..] = fields.as_slice() else {
        return Err("list index out of range");
    };
    Ok(Envelope {
        cipher: cipher.clone(),
        id: rest.first().cloned(),
        payload: lines.flatten().copied().collect(),
    })
}

/// The text around a payload: format 1.2 with a label of its own, 1.1 without.
pub(super) fn format(payload: &str, id: Option<&str>) -> String {
    let mut out = match id.filter(|id| !id.is_empty() && *id != "default") {
        Some(id) => format!("$ANSIBLE_VAULT;1.2;AES256;{id}\n"),
        None => "$ANSIBLE_VAULT;1.1;AES256\n".to_owned(),
    };
    let mut rest = payload;
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(80));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let id = |text: &str| parse(text.as_bytes()).map(|e| (e.cipher, e.id));
        assert_eq!(id("$ANSIBLE_VAULT;1.1;AES256\n61"), Ok(("AES256".into(), None)));
        let with = Ok(("AES256".into(), Some("dev".into())));
        assert_eq!(id(" $ANSIBLE_VAULT;1.2; AES256 ;dev \r\n61\r\n62"), with);
        assert_eq!(id("$ANSIBLE_VAULT;1.1"), Err("list index out of range"));
        let parsed = parse(b"$ANSIBLE_VAULT;1.1;AES256\r\n61\r\n62\n").map(|e| e.payload);
        assert_eq!(parsed, Ok(b"6162".to_vec()));
        assert!(!is_encrypted("$ANSIBLE_VAULT é".as_bytes()));
    }

    #[test]
    fn lines_of_eighty() {
        let text = format(&"a".repeat(81), Some("dev"));
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(widths, [29, 80, 1]);
        assert!(format("", Some("default")).starts_with("$ANSIBLE_VAULT;1.1;AES256\n"));
    }
}
