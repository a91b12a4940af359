//! Our own reading of ssh's arguments and configuration files, for machines without `ssh`: the
//! options that `resolve` looks at, `Host` blocks with patterns, no `Match` and no `Include`.

use super::{arguments::home, resolve::Options};

/// What the arguments and `~/.ssh/config` say about a host, with OpenSSH's defaults under it.
pub(super) fn read(args: &[String], host: &str) -> Options {
    let mut found = Found { options: Options::new(), host };
    let mut file = Some(home("~/.ssh/config"));
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (flag, rest) = arg.split_at(arg.len().min(2));
        let mut value = || {
            if rest.is_empty() { args.next().cloned() } else { Some(rest.to_owned()) }
                .unwrap_or_default()
        };
        match flag {
            "-o" => {
                let value = value();
                if let Some((name, value)) = value.split_once(['=', ' ']) {
                    found.set(name, value);
                }
            }
            "-p" => found.set("port", &value()),
            "-l" => found.set("user", &value()),
            "-i" => found.set("identityfile", &value()),
            "-J" => found.set("proxyjump", &value()),
            "-F" => file = Some(value()).filter(|f| f != "none"),
            "-A" => found.set("forwardagent", "yes"),
            "-4" => found.set("addressfamily", "inet"),
            "-6" => found.set("addressfamily", "inet6"),
            _ => {}
        }
    }
    for file in [file, Some("/etc/ssh/ssh_config".to_owned())].into_iter().flatten() {
        found.file(&std::fs::read_to_string(home(&file)).unwrap_or_default());
    }
    found.defaults();
    found.options
}

struct Found<'h> {
    options: Options,
    host: &'h str,
}

impl Found<'_> {
    /// The first value of an option counts; keys and variables are collected.
    fn set(&mut self, name: &str, value: &str) {
        let name = name.trim().to_ascii_lowercase();
        let value = value.trim().trim_matches('"').to_owned();
        let several =
            matches!(name.as_str(), "identityfile" | "sendenv" | "setenv" | "certificatefile");
        let values = self.options.entry(name).or_default();
        if several || values.is_empty() {
            values.push(value);
        }
    }

    fn file(&mut self, text: &str) {
        let mut applies = true;
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let Some((name, value)) = line.split_once(|c: char| c.is_whitespace() || c == '=')
            else {
                continue;
            };
            match name.to_ascii_lowercase().as_str() {
                "host" => applies = matches(value, self.host),
                "match" => applies = value.trim() == "all",
                _ if applies => self.set(name, value.trim_start_matches([' ', '\t', '='])),
                _ => {}
            }
        }
    }

    fn defaults(&mut self) {
        if !self.options.contains_key("identityfile") {
            for key in ["id_rsa", "id_ecdsa", "id_ed25519"] {
                self.set("identityfile", &format!("~/.ssh/{key}"));
            }
        }
        self.set("userknownhostsfile", &home("~/.ssh/known_hosts"));
        self.set("globalknownhostsfile", "/etc/ssh/ssh_known_hosts");
    }
}

/// Whether a host matches a list of patterns of which none that is negated matches.
fn matches(patterns: &str, host: &str) -> bool {
    let mut found = false;
    for pattern in patterns.split_whitespace() {
        match pattern.strip_prefix('!') {
            Some(negated) if super::known_hosts::glob(negated, host) => return false,
            Some(_) => {}
            None => found |= super::known_hosts::glob(pattern, host),
        }
    }
    found
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn blocks_apply_by_pattern_and_the_first_value_counts() {
        let path =
            std::env::temp_dir().join(format!("vmstation-ssh-config-{}", std::process::id()));
        std::fs::write(
            &path,
            "# x\nHost web* !web9\n  User bob\n  Port=2222\n  IdentityFile ~/a\nHost *\n User eve\n IdentityFile /b\n",
        )
        .unwrap();
        let file = path.to_str().unwrap().to_owned();
        let args = |more: &[&str]| -> Vec<String> {
            let mut args = vec!["-F".to_owned(), file.clone()];
            args.extend(more.iter().map(|a| (*a).to_owned()));
            args
        };
        let options = read(&args(&[]), "web1");
        assert_eq!((options["user"][0].as_str(), options["port"][0].as_str()), ("bob", "2222"));
        assert_eq!(options["identityfile"], ["~/a", "/b"]);
        assert_eq!(read(&args(&[]), "web9")["user"][0], "eve");
        let options = read(&args(&["-o", "User=\"me\"", "-p", "9", "-oPort=8", "-i/k"]), "web1");
        assert_eq!((options["user"][0].as_str(), options["port"][0].as_str()), ("me", "9"));
        assert_eq!(options["identityfile"][0], "/k");
        std::fs::remove_file(path).unwrap();
    }
}
