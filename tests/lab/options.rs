//! The harness's command line and environment.

use std::path::PathBuf;

pub struct Options {
    filters: Vec<String>,
    pub list: bool,
    /// Leaves the lab and the scenarios' folders for a look.
    pub keep: bool,
    pub ci: bool,
    /// `LAB_ENGINE=real`: ansible-core plays the scenarios, which tests the scenarios.
    pub validate: bool,
    /// Where ansible-core's programs are, when `ORACLE_BIN` says so.
    pub real_bin: Option<PathBuf>,
}

impl Options {
    pub fn read() -> Result<Self, String> {
        let mut options = Self {
            filters: Vec::new(),
            list: false,
            keep: false,
            ci: std::env::var("CI").is_ok_and(|v| v == "true"),
            validate: match std::env::var("LAB_ENGINE").as_deref() {
                Ok("real") => true,
                Ok("ours") | Err(_) => false,
                Ok(other) => return Err(format!("LAB_ENGINE is `ours` or `real`, not `{other}`")),
            },
            real_bin: std::env::var_os("ORACLE_BIN").map(PathBuf::from),
        };
        for arg in std::env::args().skip(1) {
            match arg.as_str() {
                "--list" => options.list = true,
                "--keep" => options.keep = true,
                // What `cargo test -- --nocapture` adds for every harness.
                "--nocapture" => {}
                other if other.starts_with('-') => return Err(format!("unknown option `{other}`")),
                other => options.filters.push(other.to_string()),
            }
        }
        Ok(options)
    }

    pub fn chooses(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|f| name.contains(f.as_str()))
    }
}
