//! The lines of time that the profiling callbacks write between tasks.

use std::time::{Duration, Instant};

use super::Display;

/// Measures a run and the time since it was last asked.
pub struct Stopwatch {
    began: Instant,
    asked: Instant,
}

impl Stopwatch {
    /// Begins now.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { began: now, asked: now }
    }

    /// Shows the time of day, that since the last line and that since the run began.
    pub fn show(&mut self, display: &Display) {
        let now = Instant::now();
        let text = format!(
            "{} ({}){}{}",
            chrono::Local::now().format("%A %d %B %Y  %H:%M:%S %z"),
            clock(now - self.asked),
            " ".repeat(7),
            clock(now - self.began)
        );
        self.asked = now;
        display.line(&filled(&text, '*'), None, false);
    }
}

/// `0:00:01.042`.
fn clock(time: Duration) -> String {
    let millis = time.as_millis();
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    format!("{hours}:{minutes:02}:{:02}.{:03}", millis / 1000 % 60, millis % 1000)
}

/// Text with a line of `fill` to column 79 after it.
pub fn filled(text: &str, fill: char) -> String {
    let text = if text.is_empty() { String::new() } else { format!("{text} ") };
    let rest = 79_usize.saturating_sub(text.chars().count()).max(3);
    format!("{text}{} ", fill.to_string().repeat(rest))
}

/// `name -------- 1.23s`, over `width` columns.
pub fn entry(name: &str, time: Duration, width: usize) -> String {
    let took = format!(" {:.2}s", time.as_secs_f64());
    format!("{:-<width$}{took:->9}", format!("{name} "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_know_them() {
        assert_eq!(clock(Duration::from_millis(3_723_045)), "1:02:03.045");
        assert_eq!(filled("", '=').len(), 80);
        assert_eq!(filled("a", '*'), format!("a {} ", "*".repeat(77)));
        let line = entry("r : t", Duration::from_millis(1234), 70);
        assert_eq!(line, format!("r : t {} 1.23s", "-".repeat(67)));
        assert_eq!(line.len(), 79);
    }
}
