//! DER, in which keys and certificates are written.

/// One value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    pub tag: u8,
    /// What is in it.
    pub body: &'a [u8],
    /// Tag and length too.
    pub whole: &'a [u8],
}

pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const BIT_STRING: u8 = 0x03;
pub const OCTET_STRING: u8 = 0x04;
pub const OID: u8 = 0x06;
pub const UTF8: u8 = 0x0c;
pub const PRINTABLE: u8 = 0x13;
pub const IA5: u8 = 0x16;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// A value that stands in for a member of this number; made of others or not.
pub const fn context(number: u8, made_of_others: bool) -> u8 {
    0x80 | number | if made_of_others { 0x20 } else { 0 }
}

/// Values one after the other. It ends where no DER follows.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value, if it has this tag.
    pub fn next_of(&mut self, tag: u8) -> Option<Tlv<'a>> {
        let (mut ahead, before) = (*self, *self);
        let found = ahead.next().filter(|found| found.tag == tag);
        *self = if found.is_some() { ahead } else { before };
        found
    }

    /// The values in the next one, which has this tag.
    pub fn enter(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.next_of(tag).map(|found| Reader(found.body))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let (&[tag, first], mut rest) = self.0.split_first_chunk::<2>()?;
        let mut length = usize::from(first);
        if first & 0x80 != 0 {
            let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            // Longer ones don't fit into memory, and 0 is BER.
            if tag & 0x1f == 0x1f || bytes.is_empty() || bytes.len() > 4 {
                return None;
            }
            length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            rest = after;
        }
        let (body, after) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some(Tlv { tag, body, whole })
    }
}

/// A value of this tag.
pub fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match body.len() {
        short @ 0..0x80 => out.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let bytes = strip(&bytes);
            out.push(0x80 | bytes.len() as u8);
            out.extend(bytes);
        }
    }
    out.extend(body);
    out
}

/// Values in another.
pub fn of(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(tag, &parts.concat())
}

/// A number that is not negative, from its bytes, the highest first.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let mut body = strip(bytes).to_vec();
    if body.first().is_none_or(|first| first & 0x80 != 0) {
        body.insert(0, 0);
    }
    tlv(INTEGER, &body)
}

/// Bits that fill their last byte.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(BIT_STRING, &[&[0], bytes].concat())
}

/// Without zeros in front.
pub fn strip(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..]
}

/// An object identifier, from numbers with dots between.
pub fn oid(text: &str) -> Option<Vec<u8>> {
    let numbers: Option<Vec<u64>> = text.split('.').map(|number| number.parse().ok()).collect();
    let (first, rest) = numbers.as_deref()?.split_first_chunk::<2>()?;
    if first[0] > 2 || first[0] < 2 && first[1] > 39 {
        return None;
    }
    let mut body = Vec::new();
    for number in [first[0].checked_mul(40)?.checked_add(first[1])?].iter().chain(rest) {
        let groups = (64 - number.leading_zeros()).div_ceil(7).max(1);
        for at in (0..groups).rev() {
            let more = if at > 0 { 0x80 } else { 0 };
            body.push((number >> (7 * at)) as u8 & 0x7f | more);
        }
    }
    Some(tlv(OID, &body))
}

/// The numbers of an object identifier.
pub fn oid_text(body: &[u8]) -> String {
    let (mut numbers, mut number) = (Vec::new(), 0u64);
    for byte in body {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if numbers.is_empty() {
            let first = (number / 40).min(2);
            numbers.push(first);
            number -= first * 40;
        }
        numbers.push(number);
        number = 0;
    }
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_identifiers() {
        for text in ["2.5.4.3", "1.2.840.113549.1.1.11", "2.999.1", "0.9.2342.19200300.100.1.25"] {
            let written = oid(text).unwrap_or_default();
            let read = Reader(&written).next_of(OID).map(|read| oid_text(read.body));
            assert_eq!(read.as_deref(), Some(text));
        }
        for bad in ["", "1", "3.1", "1.40", "a.b"] {
            assert_eq!(oid(bad), None, "{bad}");
        }
    }

    #[test]
    fn values() {
        let long = tlv(OCTET_STRING, &[7; 300]);
        assert_eq!(long[..4], [OCTET_STRING, 0x82, 1, 44]);
        let both = of(SEQUENCE, &[integer(&[0, 0x80]), long]);
        let mut inner = Reader(&both).enter(SEQUENCE).unwrap_or(Reader(&[]));
        assert!(inner.next_of(OCTET_STRING).is_none());
        assert_eq!(inner.next_of(INTEGER).map(|number| number.body), Some(&[0, 0x80][..]));
        assert_eq!(inner.next_of(OCTET_STRING).map(|text| text.body.len()), Some(300));
        assert!(inner.is_empty() && inner.next().is_none());
        assert_eq!(Reader(&[0x30, 0x85, 1, 1, 1, 1, 1]).next(), None);
        assert_eq!(Reader(&[0x04, 9, 1]).next(), None);
    }
}
