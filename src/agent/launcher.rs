//! The shell script that starts the agent on a host, whoever it runs as and whatever is there.
//!
//! It looks for the program under its name (which comes from its content) in several places and
//! becomes it. If it is nowhere, it finds a place where programs can be run, says so, reads the
//! program from its input, and becomes that. The script is one line without exclamation marks, so
//! that it survives the quoting of every login shell (csh takes neither in quotes).

use super::embedded::Program;
use crate::connection::quote;

/// What a launcher is made for.
#[derive(Clone, Debug)]
pub(super) struct Launcher<'a> {
    /// Marks the launcher's own lines among what else a login prints.
    pub token: &'a str,
    /// The programs to choose from by `uname -m`.
    pub programs: &'a [Program],
    /// `remote_tmp`: the first place.
    pub remote_tmp: &'a str,
    /// A program of the right content that is there already (another user put it there).
    pub known: Option<&'a str>,
    /// Ignore what is there: it did not start.
    pub fresh: bool,
    /// How many places to leave out: writing there failed.
    pub skip: usize,
    /// Make the terminal pass every byte.
    pub terminal: bool,
}

/// What the launcher has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// Send a program for this machine; gzip is there or not.
    Need { machine: String, gzip: bool },
    /// There is no program for this machine.
    Alien { machine: String },
    /// Nowhere on the host can a program be put and run.
    NoPlace,
    /// The program could not be written or started.
    Failed,
}

impl Note {
    /// Reads the launcher's lines out of what came.
    pub fn find(token: &str, text: &[u8]) -> Vec<Self> {
        let text = String::from_utf8_lossy(text);
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete
            .lines()
            .filter_map(|line| line.split_once(token).map(|(_, rest)| rest))
            .filter_map(|rest| {
                let words: Vec<&str> = rest.split_whitespace().collect();
                match words[..] {
                    ["need", machine, codec] => {
                        Some(Self::Need { machine: machine.to_owned(), gzip: codec == "gzip" })
                    }
                    ["alien", machine] => Some(Self::Alien { machine: machine.to_owned() }),
                    ["noplace"] => Some(Self::NoPlace),
                    ["failed"] => Some(Self::Failed),
                    _ => None,
                }
            })
            .collect()
    }
}

/// The places after `remote_tmp`. `$_u` is the user's number.
const PLACES: [&str; 6] = [
    "$_H/.cache/vmstation",
    "/var/tmp/.vmstation-$_u",
    "/run/user/$_u",
    "/dev/shm/.vmstation-$_u",
    "/tmp/.vmstation-$_u",
    "/run/vmstation",
];

impl Launcher<'_> {
    /// The script as one command for any login shell.
    pub fn command(&self) -> String {
        format!("/bin/sh -c {}", quote(&self.script()))
    }

    fn script(&self) -> String {
        let token = self.token;
        let mut steps = Vec::new();
        if self.terminal {
            steps.push("stty raw -echo 2>/dev/null".to_owned());
        }
        let hashes: String =
            self.programs.iter().map(|p| format!("{}) _h={};; ", p.machine, p.hash)).collect();
        steps.push(format!("_m=$(uname -m); case $_m in {hashes}*) _h=;; esac"));
        steps.push(format!("[ -n \"$_h\" ] || {{ echo \"{token} alien $_m\"; exit 0; }}"));
        steps.push("_f=vmstation-agent-$_h; _H=${HOME:-/var/tmp/.vmstation-$(id -u)}".to_owned());
        let first = shell_path(self.remote_tmp);
        let places = PLACES.map(|p| format!("\"{p}\"")).join(" ");
        if !self.fresh {
            if let Some(known) = self.known {
                let known = literal(known);
                steps.push(format!("[ -x {known} ] && exec {known}"));
            }
            steps.push(format!(
                "_d={first}; [ -O \"$_d/$_f\" ] && [ -x \"$_d/$_f\" ] && exec \"$_d/$_f\""
            ));
        }
        steps.push("_u=$(id -u)".to_owned());
        if !self.fresh {
            steps.push(format!(
                "for _d in {places}; do [ -O \"$_d/$_f\" ] && [ -x \"$_d/$_f\" ] && exec \"$_d/$_f\"; done"
            ));
        }
        steps.push(format!(
            "_t=; _s={}; for _d in {first} {places}; do {}; done",
            self.skip, TRY_PLACE
        ));
        steps.push("_c=plain; command -v gzip >/dev/null 2>&1 && _c=gzip".to_owned());
        steps.push(format!("if [ -n \"$_t\" ]; then echo \"{token} need $_m $_c\"; read -r _n; {TAKE}; rm -f \"$_t\"; echo \"{token} failed\"; exit 1; fi"));
        steps.push(format!(
            "for _p in python3 python perl; do command -v $_p >/dev/null 2>&1 || continue; \
             echo \"{token} need $_m gzip\"; read -r _n; case $_p in perl) {PERL};; *) {};; esac; \
             echo \"{token} failed\"; exit 1; done",
            PYTHON.replace("PROGRAM", "$_p"),
        ));
        steps.push(format!("echo \"{token} noplace\""));
        steps.join("; ")
    }
}

/// Looks whether a program can be put into `$_d` and run there.
const TRY_PLACE: &str = concat!(
    "if [ $_s -gt 0 ]; then _s=$((_s-1)); continue; fi; ",
    "[ -d \"$_d\" ] || (umask 77; mkdir -p \"$_d\") 2>/dev/null; ",
    // In a folder that all may write to, nobody else may have been there first.
    "if [ -L \"$_d\" ]; then continue; fi; [ -d \"$_d\" ] && [ -O \"$_d\" ] || continue; ",
    "_t=\"$_d/.$_f.$$\"; (umask 77; : >\"$_t\") 2>/dev/null || { _t=; continue; }; ",
    "chmod 700 \"$_t\"; if [ -x \"$_t\" ]; then break; fi; rm -f \"$_t\"; _t="
);

/// Takes `$_n` bytes from the input and becomes what they are.
const TAKE: &str = concat!(
    "if [ $_c = gzip ]; then head -c \"$_n\" | gzip -dc >\"$_t\"; else head -c \"$_n\" >\"$_t\"; fi ",
    "&& chmod 755 \"$_t\" && mv -f \"$_t\" \"$_d/$_f\" && exec \"$_d/$_f\""
);

/// Where no folder can hold a program, memory can, if there is something that can ask for it.
const PYTHON: &str = concat!(
    r#"exec PROGRAM -c "exec('import os,sys,zlib\nn=$_n\nz=zlib.decompressobj(31)\n"#,
    r#"f=os.memfd_create(\"vmstation-agent\",0)\nwhile n:\n b=os.read(0,min(n,65536))\n"#,
    r#" if not b: sys.exit(1)\n n-=len(b)\n d=z.decompress(b)\n while d: d=d[os.write(f,d):]\n"#,
    r#"os.execv(\"/proc/self/fd/%d\"%f,[\"vmstation-agent\"])')""#,
);

/// The same by perl, which has the system call's number only.
const PERL: &str = concat!(
    "case $_m in x86_64) _k=319;; aarch64|riscv64) _k=279;; *) _k=0;; esac; ",
    r#"exec perl -e "my (\$n,\$b,\$a)=($_n,q(),q(vmstation-agent)); while(\$n){my \$g=sysread"#,
    r#"(STDIN,\$b,\$n,length(\$b)); exit 1 unless \$g; \$n-=\$g} my \$f=syscall($_k,\$a,0); "#,
    r#"exit 1 if \$f<0; open(my \$o,q(|-),qq(gzip -dc >/proc/\$\$/fd/\$f)) or exit 1; "#,
    r#"print \$o \$b; close(\$o) or exit 1; exec {qq(/proc/self/fd/\$f)} \$a""#,
);

/// A folder as users write it (`~/x`, `$HOME/x`), as a word of the script.
fn shell_path(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("\"$_H{}\"", escaped(rest))
        }
        Some(rest) => {
            let (user, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let user: String =
                user.chars().filter(|c| c.is_alphanumeric() || "-_.".contains(*c)).collect();
            format!("~{user}\"{}\"", escaped(rest))
        }
        None => double_quoted(path),
    }
}

fn double_quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A path that is known to the letter, as a word of the script.
fn literal(path: &str) -> String {
    format!("\"{}\"", escaped(path).replace("\\$(", "$(").replace('$', "\\$"))
}

/// Inside double quotes variables stay alive, as ansible expands them too; commands don't.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let command = c == '$' && chars.peek() == Some(&'(');
        if matches!(c, '"' | '\\' | '`') || command {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests;
