//! Calendar times of the host.

use crate::target::{Target, Time};

/// A time of day in some zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    pub year: i64,
    pub month: u32,
    pub day: u32,
    pub hour: u32,
    pub minute: u32,
    pub second: u32,
    pub nanos: u32,
    /// Monday is 0.
    pub weekday: u32,
    /// The first of January is 1.
    pub yearday: u32,
    /// Seconds east of Greenwich.
    pub offset: i32,
}

impl Calendar {
    /// A time in a zone that is so many seconds east of Greenwich.
    pub fn at(time: Time, offset: i32) -> Calendar {
        let local = time.secs + i64::from(offset);
        let (days, of_day) = (local.div_euclid(86_400), local.rem_euclid(86_400) as u32);
        let (year, month, day) = date_of(days);
        Calendar {
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            nanos: time.nanos,
            // The epoch was a Thursday.
            weekday: (days + 3).rem_euclid(7) as u32,
            yearday: (days - days_to(year, 1, 1)) as u32 + 1,
            offset,
        }
    }

    /// `2024-01-02@12:00:00`, as backups are named.
    pub fn backup_stamp(&self) -> String {
        format!(
            "{:04}-{:02}-{:02}@{:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        )
    }

    /// Python's `str()` of a datetime without zone: `2024-01-02 12:00:00.000123`.
    pub fn python_text(&self) -> String {
        let micros = self.nanos / 1000;
        let text = format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            self.year, self.month, self.day, self.hour, self.minute, self.second
        );
        if micros == 0 { text } else { format!("{text}.{micros:06}") }
    }
}

/// A time in the host's zone.
pub fn local(target: &mut dyn Target, time: Time) -> Calendar {
    Calendar::at(time, target.utc_offset(time.secs))
}

/// Seconds of a date and time of day in the host's zone (`mktime`).
pub fn from_local(target: &mut dyn Target, days: i64, of_day: i64) -> i64 {
    let naive = days * 86_400 + of_day;
    // The offset at the naive time is at most one change of clocks away from the right one.
    let guess = naive - i64::from(target.utc_offset(naive));
    naive - i64::from(target.utc_offset(guess))
}

/// Python's `str()` of a timedelta: `0:00:01.500000`.
pub fn duration_text(time: std::time::Duration) -> String {
    let secs = time.as_secs();
    let (days, micros) = (secs / 86_400, time.subsec_micros());
    let mut text = match days {
        0 => String::new(),
        1 => "1 day, ".into(),
        days => format!("{days} days, "),
    };
    text.push_str(&format!("{}:{:02}:{:02}", secs / 3600 % 24, secs / 60 % 60, secs % 60));
    if micros != 0 {
        text.push_str(&format!(".{micros:06}"));
    }
    text
}

/// Days since 1970 of a date of the Gregorian calendar.
pub fn days_to(year: i64, month: u32, day: u32) -> i64 {
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date_of(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = (if month < 10 { month + 3 } else { month - 9 }) as u32;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates() {
        let at = |secs, offset| Calendar::at(Time::at(secs), offset).python_text();
        assert_eq!(at(0, 0), "1970-01-01 00:00:00");
        assert_eq!(at(951_782_400, 0), "2000-02-29 00:00:00");
        assert_eq!(at(-1, 0), "1969-12-31 23:59:59");
        assert_eq!(at(1_704_196_800, 5400), "2024-01-02 13:30:00");
        let day = Calendar::at(Time::at(1_704_196_800), 0);
        assert_eq!((day.weekday, day.yearday), (1, 2));
        for days in (-200_000..200_000).step_by(37) {
            let (year, month, day) = date_of(days);
            assert_eq!(days_to(year, month, day), days);
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration_text(Duration::from_millis(1500)), "0:00:01.500000");
        assert_eq!(duration_text(Duration::from_secs(90_061)), "1 day, 1:01:01");
    }
}
