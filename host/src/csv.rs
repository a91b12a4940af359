//! Tables as text: comma-separated values and their kin, as Python's `csv` reads them.

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    pub delimiter: char,
    pub skip_initial_space: bool,
    pub strict: bool,
}

impl Dialect {
    /// By Python's name of it.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn named(name: &str) -> Result<Dialect, String> {
        let delimiter = match name {
            "excel" | "unix" => ',',
            "excel-tab" => '\t',
            other => {
                return Err(format!(
                    "Dialect '{other}' is not supported by your version of python."
                ));
            }
        };
        Ok(Dialect { delimiter, skip_initial_space: false, strict: false })
    }
}

/// The rows of a text.
///
/// # Errors
/// Strict dialects have quotes around whole cells only.
pub fn read(text: &str, dialect: &Dialect) -> Result<Vec<Vec<String>>, String> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut cell = String::new();
    let mut chars = text.chars().peekable();
    // Whether a cell has begun; an empty line has none.
    let mut begun = false;
    let mut quoted = false;
    while let Some(c) = chars.next() {
        if quoted {
            match c {
                '"' if chars.peek() == Some(&'"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' => {
                    quoted = false;
                    let next = chars.peek();
                    let ends =
                        next.is_none_or(|n| *n == dialect.delimiter || matches!(n, '\n' | '\r'));
                    if dialect.strict && !ends {
                        return Err(format!("'{}' expected after '\"'", dialect.delimiter));
                    }
                }
                c => cell.push(c),
            }
            continue;
        }
        match c {
            '\n' | '\r' => {
                if c == '\r' && chars.peek() == Some(&'\n') {
                    chars.next();
                }
                if begun || !row.is_empty() {
                    row.push(std::mem::take(&mut cell));
                }
                rows.push(std::mem::take(&mut row));
                begun = false;
            }
            c if c == dialect.delimiter => {
                row.push(std::mem::take(&mut cell));
                begun = true;
            }
            '"' if cell.is_empty() => {
                quoted = true;
                begun = true;
            }
            ' ' if cell.is_empty() && dialect.skip_initial_space => begun = true,
            c => {
                cell.push(c);
                begun = true;
            }
        }
    }
    if quoted && dialect.strict {
        return Err("unexpected end of data".to_owned());
    }
    if begun || !row.is_empty() || !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let dialect = Dialect { delimiter: ',', skip_initial_space: true, strict: false };
        let rows = read("a, \"b,\"\"c\"\r\n\n1,\n", &dialect);
        let texts = |row: &[&str]| row.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(rows, Ok(vec![texts(&["a", "b,\"c"]), texts(&[]), texts(&["1", ""])]));
        let strict = Dialect { strict: true, ..dialect };
        assert!(read("\"a\"b", &strict).is_err());
        assert!(Dialect::named("odd").is_err() && Dialect::named("unix").is_ok());
    }
}
