//! Python's `time.strptime`, and `time.mktime` of what it reads.

use crate::clock;
use crate::target::Target;

/// A time without zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fields {
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    afternoon: Option<bool>,
    yearday: Option<u32>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Seconds of a time of the host's zone, written in a format; the error is Python's text.
pub fn seconds(target: &mut dyn Target, text: &str, format: &str) -> Result<i64, String> {
    let fields = parse(text, format)?;
    let of_day = i64::from(fields.hour * 3600 + fields.minute * 60 + fields.second);
    let days = match fields.yearday {
        Some(day) => clock::days_to(fields.year, 1, 1) + i64::from(day) - 1,
        None => clock::days_to(fields.year, fields.month, fields.day),
    };
    Ok(clock::from_local(target, days, of_day))
}

fn parse(text: &str, format: &str) -> Result<Fields, String> {
    let parts = parts(format)?;
    let begin = Fields {
        year: 1900,
        month: 1,
        day: 1,
        hour: 0,
        minute: 0,
        second: 0,
        afternoon: None,
        yearday: None,
    };
    let mismatch = || {
        let quote = crate::python::repr_str;
        format!("time data {} does not match format {}", quote(text), quote(format))
    };
    let (mut fields, rest) = read(&parts, text, begin).ok_or_else(mismatch)?;
    if !rest.is_empty() {
        return Err(format!("unconverted data remains: {rest}"));
    }
    if let Some(afternoon) = fields.afternoon {
        fields.hour = fields.hour % 12 + if afternoon { 12 } else { 0 };
    }
    let month_end = match fields.month {
        12 => clock::days_to(fields.year + 1, 1, 1),
        month => clock::days_to(fields.year, month + 1, 1),
    };
    if i64::from(fields.day) > month_end - clock::days_to(fields.year, fields.month, 1) {
        return Err("day is out of range for month".into());
    }
    Ok(fields)
}

/// A piece of a format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Space,
    Literal(char),
    Directive(char),
}

fn parts(format: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        match char {
            '%' => match chars.next() {
                None => return Err(format!("stray % in format '{format}'")),
                Some('%') => parts.push(Part::Literal('%')),
                Some('D') => parts.extend(self::parts("%m/%d/%y")?),
                Some('T' | 'X') => parts.extend(self::parts("%H:%M:%S")?),
                Some('x') => parts.extend(self::parts("%m/%d/%y")?),
                Some('R') => parts.extend(self::parts("%H:%M")?),
                Some('c') => parts.extend(self::parts("%a %b %d %H:%M:%S %Y")?),
                Some(known) if "YmdHMSyjbBaApIfw".contains(known) => {
                    parts.push(Part::Directive(known));
                }
                Some(other) => {
                    return Err(format!("'{other}' is a bad directive in format '{format}'"));
                }
            },
            char if char.is_whitespace() => {
                if parts.last() != Some(&Part::Space) {
                    parts.push(Part::Space);
                }
            }
            char => parts.push(Part::Literal(char)),
        }
    }
    Ok(parts)
}

/// Reads as a regular expression would: the longest piece first, shorter ones where the rest does not fit.
fn read<'t>(parts: &[Part], text: &'t str, fields: Fields) -> Option<(Fields, &'t str)> {
    let Some((part, parts)) = parts.split_first() else { return Some((fields, text)) };
    match part {
        Part::Space => {
            let rest = text.trim_start();
            if rest.len() == text.len() { None } else { read(parts, rest, fields) }
        }
        Part::Literal(wanted) => {
            let found = text.chars().next()?;
            let same = found.to_lowercase().eq(wanted.to_lowercase());
            if same { read(parts, &text[found.len_utf8()..], fields) } else { None }
        }
        Part::Directive(directive) => {
            candidates(*directive, text).into_iter().find_map(|(length, value)| {
                read(parts, &text[length..], with(fields, *directive, value))
            })
        }
    }
}

/// What a directive may take of a text: lengths and values, the preferred first.
fn candidates(directive: char, text: &str) -> Vec<(usize, u32)> {
    let number = |widths: &[usize], range: std::ops::RangeInclusive<u32>| -> Vec<(usize, u32)> {
        widths
            .iter()
            .filter_map(|width| {
                let digits = text.get(..*width)?;
                let padded = directive == 'd' && digits.starts_with(' ');
                let digits = if padded { &digits[1..] } else { digits };
                let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
                let value: u32 = all.then(|| digits.parse().ok())??;
                range.contains(&value).then_some((*width, value))
            })
            .collect()
    };
    let names = |names: &[&str], short: bool| -> Vec<(usize, u32)> {
        let lower = text.to_lowercase();
        let cut = |name: &'_ str| if short { name[..3].to_owned() } else { name.to_owned() };
        let found = names.iter().enumerate().find(|(_, name)| lower.starts_with(&cut(name)));
        found.map(|(at, name)| (cut(name).len(), at as u32)).into_iter().collect()
    };
    match directive {
        'Y' => number(&[4], 0..=9999),
        'm' => number(&[2, 1], 1..=12),
        'd' => number(&[2, 1], 1..=31),
        'H' => number(&[2, 1], 0..=23),
        'I' => number(&[2, 1], 1..=12),
        'M' => number(&[2, 1], 0..=59),
        'S' => number(&[2, 1], 0..=61),
        'y' => number(&[2], 0..=99),
        'j' => number(&[3, 2, 1], 1..=366),
        'f' => number(&[6, 5, 4, 3, 2, 1], 0..=999_999),
        'w' => number(&[1], 0..=6),
        'b' => names(&MONTHS, true),
        'B' => names(&MONTHS, false),
        'a' => names(&DAYS, true),
        'A' => names(&DAYS, false),
        'p' => names(&["am", "pm"], false),
        _ => Vec::new(),
    }
}

fn with(mut fields: Fields, directive: char, value: u32) -> Fields {
    match directive {
        'Y' => fields.year = value.into(),
        // Python's pivot is POSIX's.
        'y' => fields.year = i64::from(value) + if value <= 68 { 2000 } else { 1900 },
        'm' => fields.month = value,
        'b' | 'B' => fields.month = value + 1,
        'd' => fields.day = value,
        'H' | 'I' => fields.hour = value,
        'M' => fields.minute = value,
        'S' => fields.second = value,
        'j' => fields.yearday = Some(value),
        'p' => fields.afternoon = Some(value == 1),
        // Days of the week and fractions of seconds don't move `mktime`.
        _ => {}
    }
    fields
}

#[cfg(test)]
mod tests {
    use crate::target::fake::Fake;

    #[test]
    fn formats() {
        let usual = "%Y%m%d%H%M.%S";
        for (text, format, seconds) in [
            ("202401021200.00", usual, 1_704_196_800),
            ("2024-01-02 12:00:00", "%Y-%m-%d %H:%M:%S", 1_704_196_800),
            ("2 Jan 24  12:00 PM", "%d %b %y %I:%M %p", 1_704_196_800),
            ("Tuesday, January 2 2024", "%A, %B %d %Y", 1_704_153_600),
            ("2024 366", "%Y %j", 1_735_603_200),
            ("1:2:3 1/2/1970", "%H:%M:%S %m/%d/%Y", 90_123),
            ("20240102121", "%Y%m%d%H%M", 1_704_196_860),
        ] {
            let mut fake = Fake::new();
            assert_eq!(super::seconds(&mut fake, text, format), Ok(seconds), "{text}");
        }
        for (text, format, error) in [
            ("tomorrow", usual, "time data 'tomorrow' does not match format '%Y%m%d%H%M.%S'"),
            ("2024x", "%Y", "unconverted data remains: x"),
            ("2024", "%Q", "'Q' is a bad directive in format '%Q'"),
            ("2024", "%Y%", "stray % in format '%Y%'"),
            ("2024-02-30", "%Y-%m-%d", "day is out of range for month"),
        ] {
            assert_eq!(super::seconds(&mut Fake::new(), text, format), Err(error.into()));
        }
    }
}
