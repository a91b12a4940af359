//! Python's `glob.glob`.

use std::path::Path;

/// The paths that match `pattern`, in the order in which folders list them.
pub fn glob(pattern: &str) -> Vec<String> {
    if !has_magic(pattern) {
        let exists = if pattern.ends_with('/') {
            Path::new(pattern).is_dir()
        } else {
            Path::new(pattern).symlink_metadata().is_ok()
        };
        return if exists { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let (head, name) = pattern.rfind('/').map_or(("", pattern), |at| pattern.split_at(at + 1));
    let folder = if head.chars().all(|c| c == '/') { head } else { head.trim_end_matches('/') };
    let folders = if has_magic(folder) { glob(folder) } else { vec![folder.to_owned()] };
    let mut found = Vec::new();
    for folder in folders {
        let prefix = match folder.as_str() {
            "" => String::new(),
            f if f.ends_with('/') => f.to_owned(),
            f => format!("{f}/"),
        };
        let listed = if folder.is_empty() { "." } else { folder.as_str() };
        if name.is_empty() {
            if Path::new(listed).is_dir() {
                found.push(prefix);
            }
        } else if has_magic(name) {
            let Ok(entries) = std::fs::read_dir(listed) else { continue };
            for entry in entries.flatten() {
                let entry = entry.file_name().to_string_lossy().into_owned();
                if (name.starts_with('.') || !entry.starts_with('.')) && matches(&entry, name) {
                    found.push(format!("{prefix}{entry}"));
                }
            }
        } else if Path::new(&format!("{prefix}{name}")).symlink_metadata().is_ok() {
            found.push(format!("{prefix}{name}"));
        }
    }
    found
}

fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Python's `fnmatch.fnmatchcase`.
pub fn matches(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    matches_at(&name, &pattern)
}

fn matches_at(name: &[char], pattern: &[char]) -> bool {
    let (mut n, mut p) = (0, 0);
    // Where the last `*` stood, and how much of the name it had taken.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some(_) if n < name.len() => one(name[n], pattern, p),
            None if n == name.len() => return true,
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => {
                n += 1;
                p = next;
            }
            (None, Some((at, taken))) if taken < name.len() => {
                star = Some((at, taken + 1));
                n = taken + 1;
                p = at + 1;
            }
            _ => return false,
        }
    }
}

/// Where the pattern goes on if its item at `p` matches `c`.
fn one(c: char, pattern: &[char], p: usize) -> Option<usize> {
    match pattern[p] {
        '?' => Some(p + 1),
        '[' => {
            let first = p + 1 + usize::from(pattern.get(p + 1) == Some(&'!'));
            // A bracket that stands first is a member.
            let end = pattern[first + usize::from(pattern.get(first) == Some(&']'))..]
                .iter()
                .position(|x| *x == ']')
                .map(|at| at + first + usize::from(pattern.get(first) == Some(&']')));
            let Some(end) = end else { return (c == '[').then_some(p + 1) };
            let members = &pattern[first..end];
            let mut found = false;
            let mut i = 0;
            while i < members.len() {
                if members.get(i + 1) == Some(&'-') && i + 2 < members.len() {
                    found |= (members[i]..=members[i + 2]).contains(&c);
                    i += 3;
                } else {
                    found |= members[i] == c;
                    i += 1;
                }
            }
            (found != (first == p + 2)).then_some(end + 1)
        }
        literal => (literal == c).then_some(p + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_patterns() {
        for (name, pattern, expected) in [
            ("a.txt", "*.txt", true),
            ("a.txt", "?.t*t", true),
            ("abc", "a[bx]c", true),
            ("abc", "a[!b]c", false),
            ("a]c", "a[]]c", true),
            ("a[c", "a[c", true),
            ("a5", "a[0-9]", true),
            ("abab", "*ab", true),
            ("", "*", true),
            ("x", "", false),
        ] {
            assert_eq!(matches(name, pattern), expected, "{name} {pattern}");
        }
    }
}
