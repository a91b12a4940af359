//! Times of certificates, as texts of one form: `20240131235959Z`.

use super::der::{self, GENERALIZED_TIME, Tlv, UTC_TIME};
use crate::clock::{Calendar, days_to};
use crate::outcome::Failure;
use crate::regex::{Flags, Pattern};
use crate::target::Time;

/// What a certificate says.
pub(super) fn read(tlv: Tlv<'_>) -> Option<String> {
    let text = std::str::from_utf8(tlv.body).ok()?;
    let known = text.len() > 2 && text.bytes().all(|b| b.is_ascii_digit() || b == b'Z');
    match tlv.tag {
        UTC_TIME if known => Some(format!("{}{text}", if text < "50" { 20 } else { 19 })),
        GENERALIZED_TIME if known => Some(text.to_owned()),
        _ => None,
    }
}

/// As certificates have it: two digits of the year as long as they are enough.
pub(super) fn write(text: &str) -> Vec<u8> {
    match text {
        short if ("1950".."2050").contains(&&short[..4]) => {
            der::tlv(UTC_TIME, &short.as_bytes()[2..])
        }
        long => der::tlv(GENERALIZED_TIME, long.as_bytes()),
    }
}

fn text(seconds: i64) -> String {
    let at = Calendar::at(Time::at(seconds), 0);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}Z",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

/// The seconds since 1970 of such a text.
pub fn seconds_of(text: &str) -> Option<i64> {
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let days = days_to(part(0, 4)?, part(4, 6)? as u32, part(6, 8)? as u32);
    Some(days * 86_400 + part(8, 10)? * 3600 + part(10, 12)? * 60 + part(12, 14)?)
}

/// The time that a person gave: from now on (`+3w2d`), or with all its digits.
pub fn spec_time(spec: &str, option: &str, now: i64) -> Result<String, Failure> {
    if spec.starts_with(['+', '-']) {
        // Python's builder of certificates is handed None.
        let moved = relative(spec, now)?;
        let moved = moved.ok_or_else(|| Failure::crash("TypeError", "Expecting datetime object."));
        return moved.map(text);
    }
    absolute(spec)?
        .ok_or_else(|| Failure::new(format!("The time spec \"{spec}\" for {option} is invalid")))
}

fn relative(spec: &str, now: i64) -> Result<Option<i64>, Failure> {
    let units = r"^[+-](?:(\d+)[wW])?(?:(\d+)[dD])?(?:(\d+)[hH])?(?:(\d+)[mM])?(?:(\d+)[sS]?)?$";
    let units = Pattern::new(units, Flags::default())?;
    let Some(found) = units.search(spec)?.filter(|_| spec.len() > 1) else { return Ok(None) };
    let sign = if spec.starts_with('-') { -1 } else { 1 };
    let lengths = [604_800, 86_400, 3600, 60, 1];
    let parts = lengths.iter().enumerate().filter_map(|(at, length)| {
        found.group(spec, at + 1)?.parse::<i64>().ok()?.checked_mul(*length)
    });
    let moved = parts.fold(0i64, i64::saturating_add);
    let last = days_to(9999, 12, 31) * 86_400;
    match now.checked_add(sign * moved).filter(|at| (0..last).contains(at)) {
        Some(at) => Ok(Some(at)),
        None => Err(Failure::crash("OverflowError", "date value out of range")),
    }
}

/// The digits of a date and time; minutes and seconds may have one digit only, as in Python.
fn absolute(spec: &str) -> Result<Option<String>, Failure> {
    let form = r"^(\d{4})(1[0-2]|0[1-9])(3[01]|[12]\d|0[1-9])(2[0-3]|[01]\d)([0-5]\d|\d)(6[01]|[0-5]\d|\d)(?:Z|([+-])(\d\d):?(\d\d))$";
    let Some(found) = Pattern::new(form, Flags::default())?.search(spec)? else { return Ok(None) };
    let part = |at: usize| found.group(spec, at).and_then(|digits| digits.parse::<i64>().ok());
    let part = |at: usize| part(at).unwrap_or_default();
    let days = days_to(part(1), part(2) as u32, part(3) as u32);
    let offset = part(8) * 3600 + part(9) * 60;
    let offset = if found.group(spec, 7) == Some("-") { -offset } else { offset };
    Ok(Some(text(days * 86_400 + part(4) * 3600 + part(5) * 60 + part(6) - offset)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let now = seconds_of("20240102120000Z").unwrap();
        assert_eq!(now, 1_704_196_800);
        let at = |spec: &str| spec_time(spec, "x", now).map_err(|failure| failure.msg);
        assert_eq!(at("+1w1d1h1m1s").unwrap(), "20240110130101Z");
        assert_eq!(at("-5").unwrap(), "20240102115955Z");
        assert_eq!(at("20300102030405Z").unwrap(), "20300102030405Z");
        // As in Python, whose minutes and seconds may have one digit.
        assert_eq!(at("203001020304Z").unwrap(), "20300102030004Z");
        assert_eq!(at("20300102030405+0100").unwrap(), "20300102020405Z");
        assert_eq!(at("soon").unwrap_err(), "The time spec \"soon\" for x is invalid");
        assert!(at("+x").is_err());
        for text in ["20491231235959Z", "20500101000000Z"] {
            let written = write(text);
            assert_eq!(read(der::Reader(&written).next().unwrap()).as_deref(), Some(text));
        }
    }
}
