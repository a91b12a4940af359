//! Paths with `*`, `?` and `[…]`, as Python's `glob.glob` reads them.

use std::path::{Path, PathBuf};

use crate::data;
use crate::target::Target;

/// The paths that a pattern means; a pattern without wildcards means itself if it is there.
/// Relative patterns start at `base`, which the answers don't show.
pub fn glob<T: Target + ?Sized>(target: &mut T, base: &Path, pattern: &str) -> Vec<PathBuf> {
    let path = Path::new(pattern);
    if !has_magic(pattern) {
        let there = match pattern.ends_with('/') {
            true => target.is_dir(&base.join(path)),
            false => target.lexists(&base.join(path)),
        };
        return there.then(|| path.to_owned()).into_iter().collect();
    }
    let (parent, name) = match pattern.rsplit_once('/') {
        Some((parent, name)) if parent.trim_matches('/').is_empty() => ("/", name),
        Some((parent, name)) => (parent.trim_end_matches('/'), name),
        None => ("", pattern),
    };
    let parents = match has_magic(parent) {
        true => glob(target, base, parent),
        false => vec![parent.into()],
    };
    parents.into_iter().flat_map(|parent| within(target, base, &parent, name)).collect()
}

/// The entries of one folder that the last part of a pattern means.
fn within<T: Target + ?Sized>(
    target: &mut T,
    base: &Path,
    parent: &Path,
    name: &str,
) -> Vec<PathBuf> {
    let folder = base.join(parent);
    if !has_magic(name) {
        let found = match name.is_empty() {
            true => target.is_dir(&folder),
            false => target.lexists(&folder.join(name)),
        };
        return found.then(|| parent.join(name)).into_iter().collect();
    }
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    target
        .read_dir(&folder)
        .unwrap_or_default()
        .into_iter()
        .map(|entry| entry.name.to_string_lossy().into_owned())
        // Hidden names are meant only by patterns that begin with a dot.
        .filter(|entry| name.starts_with('.') || !entry.starts_with('.'))
        .filter(|entry| data::glob(name, entry))
        .map(|entry| parent.join(entry))
        .collect()
}

fn has_magic(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::fake::Fake;

    #[test]
    fn wildcards_in_any_part() {
        let mut fake = Fake::new().file("/g/a1/x", "").file("/g/a2/y", "").file("/g/.h/x", "");
        let mut all = |pattern: &str| -> Vec<String> {
            let found = glob(&mut fake, Path::new("/g"), pattern);
            let mut found: Vec<String> = found.iter().map(|p| p.display().to_string()).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(all("/g/*/x"), ["/g/a1/x"]);
        assert_eq!(all("a[12]"), ["a1", "a2"]);
        assert_eq!(all("a?/*"), ["a1/x", "a2/y"]);
        assert_eq!(all(".*"), [".h"]);
        assert_eq!(all("*/"), ["a1/", "a2/"]);
        assert_eq!(all("a1"), ["a1"]);
        assert_eq!(all("a1/x/"), [""; 0]);
        assert_eq!(all("/nowhere/*"), [""; 0]);
        assert_eq!(all("/*/a1"), ["/g/a1"]);
    }
}
