//! Facts that outlive a run: `fact_caching = jsonfile`.

use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    config::{Machine, Settings, expand_path, options},
    diagnostic::{Error, Kind, Notices, Result, ansible::os_error},
    value::{Dict, Value, json},
};

/// A folder with a file of facts a host.
pub struct FactCache {
    folder: PathBuf,
    prefix: String,
    /// How long facts are good; for ever if it is none.
    timeout: Option<Duration>,
    notices: Arc<dyn Notices>,
}

impl std::fmt::Debug for FactCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FactCache({})", self.folder.display())
    }
}

impl FactCache {
    /// The cache that the settings name; none for `memory`. One that cannot be had is warned of,
    /// and facts last for the run only.
    pub fn from_settings(
        settings: &Settings,
        machine: &dyn Machine,
        notices: &Arc<dyn Notices>,
    ) -> Option<Self> {
        let name = settings.get(&options::CACHE_PLUGIN);
        let opened = match name.strip_prefix("ansible.builtin.").unwrap_or(&name) {
            "memory" => return None,
            "jsonfile" => Self::open(settings, machine, Arc::clone(notices)),
            _ => Err(user(format!("Unable to load the facts cache plugin ({name})."))),
        };
        opened.inspect_err(|e| notices.warning(e.to_string())).ok()
    }

    fn open(settings: &Settings, machine: &dyn Machine, notices: Arc<dyn Notices>) -> Result<Self> {
        let Some(folder) =
            settings.get(&options::CACHE_PLUGIN_CONNECTION).filter(|f| !f.is_empty())
        else {
            return Err(user(
                "error, 'jsonfile' cache plugin requires the 'fact_caching_connection' config \
                 option to be set (to a writeable directory path)",
            ));
        };
        let folder = expand_path(&folder, None, machine);
        let seconds = u64::try_from(settings.get(&options::CACHE_PLUGIN_TIMEOUT)).unwrap_or(0);
        let prefix = settings.get(&options::jsonfile::PREFIX).unwrap_or_default();
        let timeout = (seconds > 0).then(|| Duration::from_secs(seconds));
        std::fs::create_dir_all(&folder).map_err(|e| {
            user(format!(
                "error in 'jsonfile' cache plugin while trying to create cache dir {} : b\"{}\"",
                folder.display(),
                os_error(&e, Some(&folder))
            ))
        })?;
        Ok(Self { folder, prefix, timeout, notices })
    }

    fn file(&self, host: &str) -> PathBuf {
        // As ansible does: a name with slashes is a path below the folder.
        PathBuf::from(format!("{}/{}{host}", self.folder.display(), self.prefix))
    }

    fn warn(&self, doing: &str, path: &Path, error: &str) {
        let path = path.display();
        self.notices.warning(format!(
            "error in 'jsonfile' cache plugin while trying to {doing} {path} : b\"{error}\""
        ));
    }

    /// The facts of a host, unless there are none or they are too old. A damaged file is removed,
    /// and is an error.
    pub fn get(&self, host: &str) -> Result<Option<Dict>> {
        let path = self.file(host);
        if host.is_empty() || self.is_expired(&path) {
            return Ok(None);
        }
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                self.warn("read", &path, &os_error(&e, Some(&path)));
                return Ok(None);
            }
        };
        match json::loads(&text) {
            Ok(Value::Dict(facts)) => Ok(Some(facts)),
            Ok(_) => self.corrupt(&path, "not a dictionary"),
            Err(e) => self.corrupt(&path, &e.message),
        }
    }

    fn corrupt(&self, path: &Path, why: &str) -> Result<Option<Dict>> {
        let shown = path.display();
        self.notices.warning(format!(
            "error in 'jsonfile' cache plugin while trying to read {shown} : b'{why}'. Most likely \
             a corrupt file, so erasing and failing."
        ));
        // If it cannot be removed, the next run says the same.
        let _ = std::fs::remove_file(path);
        Err(user(format!(
            "The cache file {shown} was corrupt, or did not otherwise contain valid data. It has \
             been removed, so you can re-run your command now."
        )))
    }

    fn is_expired(&self, path: &Path) -> bool {
        let age = |at: SystemTime| SystemTime::now().duration_since(at).ok();
        let written = std::fs::metadata(path).and_then(|m| m.modified()).ok().and_then(age);
        matches!((written, self.timeout), (Some(age), Some(most)) if age > most)
    }

    /// Keeps the facts of a host. What goes wrong is warned of: the run has its facts anyway.
    pub fn set(&self, host: &str, facts: &Dict) {
        let path = self.file(host);
        let layout = json::Layout {
            sort_keys: true,
            indent: Some("    ".into()),
            item_separator: ",".into(),
            ..json::Layout::default()
        };
        let text = match json::dumps(&Value::Dict(facts.clone()), &layout) {
            Ok(text) => text,
            Err(e) => return self.warn("write to", &path, &e.message),
        };
        let temporary = path.with_file_name(format!(".{}.{}", std::process::id(), uniquely()));
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&temporary, &path));
        if let Err(e) = written {
            let _ = std::fs::remove_file(&temporary);
            self.warn("write to", &path, &os_error(&e, Some(&path)));
        }
    }

    /// Forgets the facts of a host.
    pub fn delete(&self, host: &str) {
        // There may be none.
        let _ = std::fs::remove_file(self.file(host));
    }
}

fn user(message: impl Into<String>) -> Error {
    Error::new(Kind::User, message)
}

/// Part of a file's name that no other file of this process has.
fn uniquely() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Collected;

    #[test]
    fn facts_outlive_the_cache() {
        let folder = std::env::temp_dir().join(format!("facts-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("writable");
        let told = Arc::new(Collected::default());
        let open = |timeout| FactCache {
            folder: folder.clone(),
            prefix: "p_".into(),
            timeout,
            notices: Arc::clone(&told) as Arc<dyn Notices>,
        };
        let facts: Dict =
            [("b", Value::unsafe_str("ü")), ("a", Value::Int(1))].into_iter().collect();
        open(None).set("web1", &facts);
        let text = std::fs::read_to_string(folder.join("p_web1")).expect("written");
        assert_eq!(text, "{\n    \"a\": 1,\n    \"b\": \"\\u00fc\"\n}");
        let read = open(Some(Duration::from_secs(60))).get("web1").expect("good").expect("there");
        assert_eq!(read.len(), 2);
        let none = open(Some(Duration::ZERO)).get("web1").expect("good");
        assert!(none.is_none(), "too old");
        assert!(open(None).get("web2").expect("good").is_none());
        std::fs::write(folder.join("p_web2"), "{").expect("writable");
        assert!(open(None).get("web2").is_err());
        assert!(open(None).get("web2").expect("removed").is_none());
        assert_eq!(told.warnings().len(), 1);
        open(None).delete("web1");
        assert!(open(None).get("web1").expect("good").is_none());
        let _ = std::fs::remove_dir_all(&folder);
    }
}
