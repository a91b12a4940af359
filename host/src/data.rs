//! Plain data: what arguments and results are made of.

/// A value of an argument or a result.
pub type Data = serde_json::Value;
/// A dictionary that keeps the order of its keys.
pub type Map = serde_json::Map<String, Data>;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .enumerate()
            .fold(0u32, |word, (at, byte)| word | u32::from(*byte) << (16 - 8 * at));
        for at in 0..4 {
            if at <= chunk.len() {
                out.push(char::from(BASE64[(word >> (18 - 6 * at)) as usize & 63]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

/// Bytes of standard base64; line breaks are skipped. `None` if it is not base64.
pub fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0u32, 0u32);
    for byte in text.bytes() {
        if byte == b'=' || byte.is_ascii_whitespace() {
            continue;
        }
        let value = BASE64.iter().position(|known| *known == byte)? as u32;
        word = (word << 6 | value) & 0x00ff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
        }
    }
    Some(out)
}

/// The key of what stands for a whole number that [`Data`] can't hold: its digits are the value. The controller makes it a
/// number again.
pub const WHOLE_NUMBER: &str = "\u{1}whole number";

/// A whole number that is not negative, from its bytes, the highest first.
pub fn whole_number(bytes: &[u8]) -> Data {
    let mut value: Vec<u8> = bytes.iter().skip_while(|byte| **byte == 0).copied().collect();
    if value.len() <= 8 {
        return value.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte)).into();
    }
    let mut groups = Vec::new();
    while !value.is_empty() {
        let mut rest = 0u64;
        for byte in &mut value {
            rest = rest << 8 | u64::from(*byte);
            *byte = (rest / 1_000_000_000) as u8;
            rest %= 1_000_000_000;
        }
        groups.push(format!("{rest:09}"));
        value.drain(..value.iter().take_while(|byte| **byte == 0).count());
    }
    let digits: String = groups.into_iter().rev().collect();
    let digits = digits.trim_start_matches('0').to_owned();
    Data::Object(Map::from_iter([(WHOLE_NUMBER.to_owned(), digits.into())]))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a shell pattern (`*`, `?`, `[a-z]`, `[!x]`) matches a whole text, as Python's `fnmatch` has it.
pub fn glob(pattern: &str, text: &str) -> bool {
    fn class(rest: &[char], c: char) -> Option<(bool, usize)> {
        let negated = matches!(rest.first(), Some('!'));
        let begin = usize::from(negated);
        let end = (begin + 1..rest.len()).find(|i| rest[*i] == ']')?;
        let mut i = begin;
        let mut found = false;
        while i < end {
            if i + 2 < end && rest[i + 1] == '-' {
                found |= (rest[i]..=rest[i + 2]).contains(&c);
                i += 3;
            } else {
                found |= rest[i] == c;
                i += 1;
            }
        }
        Some((found != negated, end + 1))
    }
    fn run(pattern: &[char], text: &[char]) -> bool {
        let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
        match (first, text.split_first()) {
            ('*', _) => (0..=text.len()).any(|n| run(rest, &text[n..])),
            ('?', Some((_, more))) => run(rest, more),
            ('[', Some((c, more))) => match class(rest, *c) {
                Some((found, used)) => found && run(&rest[used..], more),
                None => *c == '[' && run(rest, more),
            },
            (p, Some((c, more))) => p == c && run(rest, more),
            (_, None) => false,
        }
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    run(&pattern, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(whole_number(&[0, 1, 0, 1]), 65537);
        assert_eq!(whole_number(&[0xff; 8]), u64::MAX);
        let large = whole_number(&[1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(large[WHOLE_NUMBER], "18446744073709551616");
    }

    #[test]
    fn base64_in_both_directions() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64_encode(plain.as_bytes()), coded);
            assert_eq!(base64_decode(coded).as_deref(), Some(plain.as_bytes()));
        }
        assert_eq!(base64_decode("a*"), None);
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(base64_decode(&base64_encode(&all)), Some(all));
    }
}
