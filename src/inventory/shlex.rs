//! A line's words as Python's `shlex.split(line, comments=True)` takes them apart.

/// The words; the error is Python's text.
pub(super) fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut chars = line.chars();
    let mut word: Option<String> = None;
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            // In the middle of a word too.
            '#' => break,
            '\\' => {
                let escaped = chars.next().ok_or("No escaped character")?;
                word.get_or_insert_default().push(escaped);
            }
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or("No closing quotation")? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => double_quoted(&mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn double_quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or("No closing quotation")? {
            '"' => return Ok(()),
            '\\' => {
                let c = chars.next().ok_or("No escaped character")?;
                if !matches!(c, '"' | '\\') {
                    word.push('\\');
                }
                word.push(c);
            }
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let table: [(&str, &[&str]); 8] = [
            ("a b=c", &["a", "b=c"]),
            ("a x='b c' y=\"d e\"", &["a", "x=b c", "y=d e"]),
            ("a # b", &["a"]),
            ("a#b c", &["a"]),
            (r#"a x="\"q\" \n" y='\n'"#, &["a", r#"x="q" \n"#, r"y=\n"]),
            (r"a\ b", &["a b"]),
            ("'' b", &["", "b"]),
            ("a x='#' # c", &["a", "x=#"]),
        ];
        for (line, words) in table {
            assert_eq!(split(line), Ok(words.iter().map(|s| (*s).to_owned()).collect()), "{line}");
        }
        assert_eq!(split("a 'b"), Err("No closing quotation"));
        assert_eq!(split("a \\"), Err("No escaped character"));
    }
}
