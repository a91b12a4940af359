//! Texts of scalars → values, as PyYAML's constructors do it, with Python's errors.

use chrono::{NaiveDate, NaiveDateTime};
use num_bigint::BigInt;

use crate::value::{Value, repr::str_repr};

/// Why a scalar could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// PyYAML complains, with the place.
    Yaml(String),
    /// An exception of Python itself escapes (ansible calls it unexpected).
    Python(String),
}

/// `!!bool`.
pub(super) fn boolean(text: &str) -> Result<Value, Bad> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Ok(Value::Bool(true)),
        "no" | "false" | "off" => Ok(Value::Bool(false)),
        other => Err(Bad::Python(str_repr(other))),
    }
}

/// `!!int`: decimal, octal with a leading zero, hexadecimal, binary, base 60, underscores.
pub(super) fn integer(text: &str) -> Result<Value, Bad> {
    let text = text.replace('_', "");
    let (negative, digits) = signed(&text)?;
    let n = if digits == "0" {
        BigInt::ZERO
    } else if let Some(binary) = digits.strip_prefix("0b") {
        python_int(binary, 2)?
    } else if let Some(hex) = digits.strip_prefix("0x") {
        python_int(hex, 16)?
    } else if digits.is_empty() {
        return Err(Bad::Python("string index out of range".into()));
    } else if digits.starts_with('0') {
        python_int(digits, 8)?
    } else if digits.contains(':') {
        let mut n = BigInt::ZERO;
        for part in digits.split(':') {
            n = n * 60 + python_int(part, 10)?;
        }
        n
    } else {
        python_int(digits, 10)?
    };
    Ok(Value::big(if negative { -n } else { n }))
}

/// `!!float`: also infinities, NaN and base 60.
pub(super) fn float(text: &str) -> Result<Value, Bad> {
    let text = text.replace('_', "").to_lowercase();
    let (negative, digits) = signed(&text)?;
    let n = match digits {
        ".inf" => f64::INFINITY,
        ".nan" => return Ok(Value::Float(f64::NAN)),
        _ if digits.contains(':') => {
            // The same order of additions as PyYAML, for the same rounding.
            let parts = digits.split(':').map(python_float).collect::<Result<Vec<_>, _>>()?;
            let mut base = 1.0;
            let mut n = 0.0;
            for part in parts.into_iter().rev() {
                n += part * base;
                base *= 60.0;
            }
            n
        }
        _ => python_float(digits)?,
    };
    Ok(Value::Float(if negative { -n } else { n }))
}

fn signed(text: &str) -> Result<(bool, &str), Bad> {
    match text.as_bytes().first() {
        None => Err(Bad::Python("string index out of range".into())),
        Some(b'-') => Ok((true, &text[1..])),
        Some(b'+') => Ok((false, &text[1..])),
        Some(_) => Ok((false, text)),
    }
}

fn python_int(text: &str, radix: u32) -> Result<BigInt, Bad> {
    let bare = text.trim();
    // Python takes `0o7` as an octal number when asked for base 8.
    let bare = match radix {
        8 => bare.strip_prefix("0o").or_else(|| bare.strip_prefix("0O")).unwrap_or(bare),
        _ => bare,
    };
    BigInt::parse_bytes(bare.as_bytes(), radix).ok_or_else(|| {
        Bad::Python(format!("invalid literal for int() with base {radix}: {}", str_repr(text)))
    })
}

fn python_float(text: &str) -> Result<f64, Bad> {
    text.trim()
        .parse()
        .map_err(|_| Bad::Python(format!("could not convert string to float: {}", str_repr(text))))
}

/// `!!timestamp`: a date, or a date with time and perhaps an offset.
pub(super) fn timestamp(text: &str) -> Result<Value, Bad> {
    let no_match = || Bad::Python("'NoneType' object has no attribute 'groupdict'".into());
    let mut scan = Scan(text.strip_suffix('\n').unwrap_or(text));
    let t = (|| {
        let year = scan.number(4, 4)?;
        let month = scan.byte(b"-").and_then(|_| scan.number(1, 2))?;
        let day = scan.byte(b"-").and_then(|_| scan.number(1, 2))?;
        if scan.0.is_empty() {
            return Some((year, month, day, None));
        }
        if scan.byte(b"Tt").is_none() && scan.blanks() == 0 {
            return None;
        }
        let hour = scan.number(1, 2)?;
        let minute = scan.byte(b":").and_then(|_| scan.number(2, 2))?;
        let second = scan.byte(b":").and_then(|_| scan.number(2, 2))?;
        let micro = if scan.byte(b".").is_some() { scan.fraction() } else { 0 };
        let zone = scan.zone()?;
        Some((year, month, day, Some((hour, minute, second, micro, zone))))
    })();
    let (year, month, day, time) = t.ok_or_else(no_match)?;
    let range = |ok: bool, text: String| if ok { Ok(()) } else { Err(Bad::Python(text)) };
    if let Some((.., Some(offset))) = time
        && offset.abs() >= 86_400
    {
        return Err(Bad::Python(format!(
            "offset must be a timedelta strictly between -timedelta(hours=24) and \
             timedelta(hours=24), not {}.",
            timedelta(offset)
        )));
    }
    range(year >= 1, format!("year {year} is out of range"))?;
    range((1..=12).contains(&month), "month must be in 1..12".into())?;
    let date = NaiveDate::from_ymd_opt(year.cast_signed(), month, day)
        .ok_or_else(|| Bad::Python("day is out of range for month".into()))?;
    let Some((hour, minute, second, micro, zone)) = time else { return Ok(Value::Date(date)) };
    range(hour <= 23, "hour must be in 0..23".into())?;
    range(minute <= 59, "minute must be in 0..59".into())?;
    range(second <= 59, "second must be in 0..59".into())?;
    let time: NaiveDateTime = date
        .and_hms_micro_opt(hour, minute, second, micro)
        .ok_or_else(|| Bad::Python("second must be in 0..59".into()))?;
    Ok(Value::DateTime(time, zone))
}

fn timedelta(seconds: i32) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    match rest {
        0 => format!("datetime.timedelta(days={days})"),
        _ => format!("datetime.timedelta(days={days}, seconds={rest})"),
    }
}

/// What is left of a timestamp to read.
struct Scan<'t>(&'t str);

impl Scan<'_> {
    fn byte(&mut self, any: &[u8]) -> Option<u8> {
        let first = *self.0.as_bytes().first().filter(|b| any.contains(b))?;
        self.0 = &self.0[1..];
        Some(first)
    }

    fn number(&mut self, min: usize, max: usize) -> Option<u32> {
        let digits = self.0.bytes().take(max).take_while(u8::is_ascii_digit).count();
        if digits < min {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        number.parse().ok()
    }

    fn blanks(&mut self) -> usize {
        let rest = self.0.trim_start_matches([' ', '\t']);
        let n = self.0.len() - rest.len();
        self.0 = rest;
        n
    }

    /// Microseconds from any number of digits.
    fn fraction(&mut self) -> u32 {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = self.0.split_at(digits);
        self.0 = rest;
        fraction
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(6)
            .fold(0, |n, b| n * 10 + u32::from(b - b'0'))
    }

    /// The offset in seconds, if there is one; `None` if what follows is no offset.
    #[expect(clippy::option_option, reason = "no match, no zone and a zone are three things")]
    fn zone(&mut self) -> Option<Option<i32>> {
        if self.0.is_empty() {
            return Some(None);
        }
        self.blanks();
        let offset = match self.byte(b"Z+-") {
            // Blanks without a zone match too.
            None => None,
            Some(b'Z') => Some(0),
            Some(sign) => {
                let hours = self.number(1, 2)?;
                let minutes = match self.byte(b":") {
                    Some(_) => self.number(2, 2)?,
                    None => 0,
                };
                let seconds = (hours * 3600 + minutes * 60).cast_signed();
                Some(if sign == b'-' { -seconds } else { seconds })
            }
        };
        self.0.is_empty().then_some(offset)
    }
}

/// `!!binary`: base 64 as Python's lenient decoder reads it.
pub(super) fn binary(text: &str) -> Result<Value, Bad> {
    ascii(text)?;
    let (mut out, mut quad, mut left, mut pads) = (Vec::new(), 0u8, 0u8, 0u8);
    for byte in text.bytes() {
        let six = match byte {
            b'=' => {
                if quad >= 2 {
                    pads += 1;
                    if quad + pads >= 4 {
                        return Ok(Value::Bytes(out.into()));
                    }
                }
                continue;
            }
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        pads = 0;
        match quad {
            0 => {}
            1 => out.push((left << 2) | (six >> 4)),
            2 => out.push((left << 4) | (six >> 2)),
            _ => out.push((left << 6) | six),
        }
        left = match quad {
            0 => six,
            1 => six & 0xf,
            2 => six & 3,
            _ => 0,
        };
        quad = (quad + 1) % 4;
    }
    let problem = match quad {
        0 => return Ok(Value::Bytes(out.into())),
        1 => format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
            out.len() / 3 * 4 + 1
        ),
        _ => "Incorrect padding".to_owned(),
    };
    Err(Bad::Yaml(format!("failed to decode base64 data: {problem}")))
}

fn ascii(text: &str) -> Result<(), Bad> {
    let Some((first, c)) = text.chars().enumerate().find(|(_, c)| !c.is_ascii()) else {
        return Ok(());
    };
    let run = text.chars().skip(first).take_while(|c| !c.is_ascii()).count();
    let what = if run == 1 {
        format!("character {} in position {first}", str_repr(&escaped(c)).replace("\\\\", "\\"))
    } else {
        format!("characters in position {first}-{}", first + run - 1)
    };
    Err(Bad::Yaml(format!(
        "failed to convert base64 data into ascii: 'ascii' codec can't encode {what}: ordinal not in range(128)"
    )))
}

fn escaped(c: char) -> String {
    match u32::from(c) {
        n @ 0..=0xff => format!("\\x{n:02x}"),
        n @ 0x100..=0xffff => format!("\\u{n:04x}"),
        n => format!("\\U{n:08x}"),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_notation() {
        for (text, n) in [
            ("0", 0),
            ("0644", 420),
            ("-0x1_F", -31),
            ("0b1_01", 5),
            ("1:30", 90),
            ("-1:30", -90),
            ("190:20:30", 685_230),
            ("1_000", 1000),
            ("+12", 12),
            ("0_", 0),
            ("0o17", 15),
        ] {
            assert!(matches!(integer(text), Ok(Value::Int(m)) if m == n), "{text}");
        }
        assert!(matches!(integer("123456789012345678901"), Ok(Value::BigInt(_))));
        let bad = |text: &str| match integer(text) {
            Err(Bad::Python(text)) => text,
            other => format!("{other:?}"),
        };
        assert_eq!(bad("x"), "invalid literal for int() with base 10: 'x'");
        assert_eq!(bad("0b_"), "invalid literal for int() with base 2: ''");
        assert_eq!(bad(""), "string index out of range");
    }

    #[test]
    fn floats_of_every_notation() {
        for (text, n) in [
            ("1.5", 1.5),
            ("-.inf", f64::NEG_INFINITY),
            ("1_0.5", 10.5),
            ("190:20:30.15", 685_230.15),
            ("6.8523015e+5", 685_230.15),
            ("1.", 1.0),
            ("1e3", 1000.0),
        ] {
            assert!(matches!(float(text), Ok(Value::Float(m)) if m == n), "{text}");
        }
        assert!(matches!(float(".nan"), Ok(Value::Float(n)) if n.is_nan()));
        assert_eq!(
            float("x").unwrap_err(),
            Bad::Python("could not convert string to float: 'x'".into())
        );
    }

    #[test]
    fn timestamps_with_and_without_zones() {
        let show = |text: &str| match timestamp(text) {
            Ok(Value::Date(d)) => d.to_string(),
            Ok(Value::DateTime(d, zone)) => format!("{d} {zone:?}"),
            Err(Bad::Python(e) | Bad::Yaml(e)) => e,
            other => format!("{other:?}"),
        };
        for (text, shown) in [
            ("2002-12-14", "2002-12-14"),
            ("2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.100 Some(-18000)"),
            ("2001-12-15 2:59:43.1234567", "2001-12-15 02:59:43.123456 None"),
            ("2001-12-15 2:59:43 Z", "2001-12-15 02:59:43 Some(0)"),
            ("2001-12-15 2:59:43 +1", "2001-12-15 02:59:43 Some(3600)"),
            ("2020-13-01", "month must be in 1..12"),
            ("2021-02-29", "day is out of range for month"),
            ("0000-01-01", "year 0 is out of range"),
            ("2020-01-01 25:00:00", "hour must be in 0..23"),
            (
                "2020-01-01T10:00:00 +25:00",
                "offset must be a timedelta strictly between -timedelta(hours=24) and \
                 timedelta(hours=24), not datetime.timedelta(days=1, seconds=3600).",
            ),
            ("x", "'NoneType' object has no attribute 'groupdict'"),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
    }

    #[test]
    fn base64_is_read_leniently() {
        let show = |text: &str| match binary(text) {
            Ok(Value::Bytes(b)) => format!("{b:?}"),
            Err(Bad::Python(e) | Bad::Yaml(e)) => e,
            other => format!("{other:?}"),
        };
        assert_eq!(show("aGVs\n bG8="), "[104, 101, 108, 108, 111]");
        assert_eq!(show("/w=="), "[255]");
        assert_eq!(show("/w="), "failed to decode base64 data: Incorrect padding");
        assert!(show("aGVsb").contains("number of data characters (5) cannot be 1 more"));
        assert!(
            show("é").ends_with(
                "can't encode character '\\xe9' in position 0: ordinal not in range(128)"
            )
        );
    }
}
