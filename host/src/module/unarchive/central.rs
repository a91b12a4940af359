//! The directory at the end of a zip file: names and checksums of its members.

/// A member of a zip file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub name: String,
    pub crc: u32,
}

const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const ENTRY: &[u8] = b"PK\x01\x02";
/// The bit of a member that says its name is UTF-8.
const UTF8: u16 = 0x800;

/// The upper half of code page 437, in which other names are written.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The members in the order of the directory.
pub(super) fn members(zip: &[u8]) -> Result<Vec<Member>, &'static str> {
    const NONE: &str = "File is not a zip file";
    let end = last(zip, END).ok_or(NONE)?;
    let (mut count, mut size, mut offset) = (
        u64::from(short(zip, end + 10).ok_or(NONE)?),
        u64::from(word(zip, end + 12).ok_or(NONE)?),
        u64::from(word(zip, end + 16).ok_or(NONE)?),
    );
    let mut directory_end = end;
    if let Some(locator) = end.checked_sub(20)
        && zip[locator..].starts_with(LOCATOR_64)
        && let Some(at) = last(&zip[..locator], END_64)
    {
        count = long(zip, at + 32).ok_or(NONE)?;
        size = long(zip, at + 40).ok_or(NONE)?;
        offset = long(zip, at + 48).ok_or(NONE)?;
        directory_end = at;
    }
    // Something may stand before the archive, as in those that unpack themselves.
    let mut at = directory_end.checked_sub(size as usize).ok_or(NONE)?;
    if (at as u64) < offset {
        return Err("Bad offset for central directory");
    }
    let mut found = Vec::new();
    for _ in 0..count {
        if !zip.get(at..).is_some_and(|rest| rest.starts_with(ENTRY)) {
            return Err("Bad magic number for central directory");
        }
        let damaged = "Truncated central directory";
        let flags = short(zip, at + 8).ok_or(damaged)?;
        let crc = word(zip, at + 16).ok_or(damaged)?;
        let lengths = [28, 30, 32].map(|field| short(zip, at + field).map(usize::from));
        let [Some(name), Some(extra), Some(comment)] = lengths else { return Err(damaged) };
        let bytes = zip.get(at + 46..at + 46 + name).ok_or(damaged)?;
        found.push(Member { name: decoded(bytes, flags & UTF8 != 0), crc });
        at += 46 + name + extra + comment;
    }
    Ok(found)
}

fn decoded(bytes: &[u8], utf8: bool) -> String {
    if utf8 {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let letter = |byte: &u8| match byte {
        0..=0x7f => Some(char::from(*byte)),
        byte => CP437.chars().nth(usize::from(byte - 0x80)),
    };
    // A name ends at a null byte.
    bytes.iter().take_while(|byte| **byte != 0).filter_map(letter).collect()
}

fn last(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).rposition(|window| window == mark)
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    number(bytes, at).map(u16::from_le_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at).map(u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    number(bytes, at).map(u64::from_le_bytes)
}

/// The checksum that zip keeps of a member.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let table: [u32; 256] = std::array::from_fn(|at| {
        (0..8).fold(at as u32, |crc, _| match crc & 1 {
            1 => 0xedb8_8320 ^ (crc >> 1),
            _ => crc >> 1,
        })
    });
    !bytes.iter().fold(!0, |crc: u32, byte| table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_directory() {
        let mut zip = b"before".to_vec();
        let start = zip.len();
        for (name, flags) in [(&b"a/b"[..], 0u16), (b"\x84", 0), ("ö".as_bytes(), UTF8)] {
            let mut entry = vec![0; 46];
            entry[..4].copy_from_slice(ENTRY);
            entry[8..10].copy_from_slice(&flags.to_le_bytes());
            entry[16..20].copy_from_slice(&7u32.to_le_bytes());
            entry[28..30].copy_from_slice(&(name.len() as u16).to_le_bytes());
            zip.extend(entry);
            zip.extend(name);
        }
        let size = (zip.len() - start) as u32;
        let mut end = vec![0; 22];
        end[..4].copy_from_slice(END);
        end[10..12].copy_from_slice(&3u16.to_le_bytes());
        end[12..16].copy_from_slice(&size.to_le_bytes());
        zip.extend(end);
        let names: Vec<String> = members(&zip).unwrap().into_iter().map(|m| m.name).collect();
        assert_eq!(names, ["a/b", "ä", "ö"]);
        assert!(members(b"no zip").is_err());
    }
}
