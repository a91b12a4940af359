//! Becoming another user: the command that does it, and the talk about the password.

use std::sync::LazyLock;

use vmstation_host::regex::{self, BytesPattern, Flags};

use crate::{
    connection::{Secret, quote},
    diagnostic::{Error, Kind, Result},
};

impl Become {
    /// By a method with its usual program and flags.
    pub fn by(method: Method, user: impl Into<String>, password: Option<Secret>) -> Self {
        let flags = method.default_flags().to_owned();
        Self {
            method,
            user: user.into(),
            password,
            exe: String::new(),
            flags,
            prompts: Vec::new(),
            same_user: false,
        }
    }
}

/// Who to become and how. Equal ones share an agent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Become {
    /// By which program.
    pub method: Method,
    /// The user (`become_user`).
    pub user: String,
    /// `become_pass`.
    pub password: Option<Secret>,
    /// `become_exe`; the method's name if it is empty.
    pub exe: String,
    /// `become_flags`.
    pub flags: String,
    /// What su's prompt begins with in other languages than it is known in.
    pub prompts: Vec<String>,
    /// Whether that is who logs in already, so that no program is needed.
    pub same_user: bool,
}

/// The programs that can change users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `sudo`.
    Sudo,
    /// `su`.
    Su,
}

impl Method {
    /// The method that a `become_method:` names.
    ///
    /// # Errors
    /// There is none of that name; ansible's text.
    pub fn from_name(name: &str) -> Result<Self> {
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "sudo" => Ok(Self::Sudo),
            "su" => Ok(Self::Su),
            _ => Err(Error::new(
                Kind::User,
                format!(
                    "Invalid become method specified, could not find matching plugin: '{name}'. Use \
                     `ansible-doc -t become -l` to list available plugins."
                ),
            )),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sudo => "sudo",
            Self::Su => "su",
        }
    }

    /// The flags that it is given where nobody says others.
    pub fn default_flags(self) -> &'static str {
        match self {
            Self::Sudo => "-H -S -n",
            Self::Su => "",
        }
    }
}

/// What sudo and su say is a refusal.
const INCORRECT: [(Method, &str); 2] =
    [(Method::Sudo, "Sorry, try again."), (Method::Su, "Authentication failure")];
const MISSING: [&str; 2] =
    ["Sorry, a password is required to run sudo", "sudo: a password is required"];
/// They want a terminal and will say so instead of asking.
const TERMINAL: [&str; 4] = [
    "you must have a tty to run sudo",
    "a terminal is required to read the password",
    "must be run from a terminal",
    "standard in must be a tty",
];

/// The word before the colon of su's prompt in the languages that it is translated to.
const SU_PROMPTS: &str = "Password|암호|パスワード|Adgangskode|Contraseña|Contrasenya|Hasło|Heslo|Jelszó|\
    Lösenord|Mật khẩu|Mot de passe|Parola|Parool|Pasahitza|Passord|Passwort|Salasana|Sandi|Senha|\
    Wachtwoord|ססמה|Лозинка|Парола|Пароль|गुप्तशब्द|शब्दकूट|సంకేతపదము|හස්පදය|密码|密碼|口令";

static SU_PROMPT: LazyLock<BytesPattern> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the pattern is a constant")]
    su_prompt(SU_PROMPTS).unwrap()
});

fn su_prompt(words: &str) -> Result<BytesPattern, regex::Error> {
    let flags = Flags { ignore_case: true, ..Flags::default() };
    BytesPattern::new(&format!(r"^(?:\w+'s )?(?:{words}) ?(?::|：)"), flags)
}

/// What the escalation has said so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing of note.
    Nothing,
    /// It asks for the password.
    Prompt,
    /// The password was wrong.
    Incorrect,
    /// It needs a password and none was given.
    Missing,
    /// It works on a terminal only.
    WantsTerminal,
}

impl Become {
    /// How another user is become, for people who look at `-vvv`: no password is in it.
    pub(super) fn shown(&self) -> String {
        Escalation::new(self, "").command("/bin/sh -c agent")
    }
}

/// One escalation under way.
pub(super) struct Escalation<'a> {
    settings: &'a Become,
    prompt: String,
    su_prompt: Option<BytesPattern>,
    seen: Vec<u8>,
}

impl<'a> Escalation<'a> {
    /// An escalation whose prompt can be told by `key`.
    pub fn new(settings: &'a Become, key: &str) -> Self {
        let own: Vec<String> = settings.prompts.iter().map(|p| regex::escape(p)).collect();
        Self {
            settings,
            prompt: format!("[sudo via vmstation, key={key}] password:"),
            su_prompt: (!own.is_empty()).then(|| su_prompt(&own.join("|")).ok()).flatten(),
            seen: Vec::new(),
        }
    }

    /// The command that runs `inner` as the other user.
    pub fn command(&self, inner: &str) -> String {
        let Become { method, user, password, exe, flags, .. } = self.settings;
        let exe = if exe.is_empty() { method.name() } else { exe.as_str() };
        let words: Vec<String> = match method {
            Method::Sudo => {
                let (flags, prompt) = match password {
                    Some(_) => (interactive(flags), format!("-p \"{}\"", self.prompt)),
                    None => (flags.clone(), String::new()),
                };
                let user =
                    if user.is_empty() { String::new() } else { format!("-u {}", quote(user)) };
                vec![exe.to_owned(), flags, prompt, user, inner.to_owned()]
            }
            Method::Su => vec![
                exe.to_owned(),
                flags.clone(),
                if user.is_empty() { String::new() } else { quote(user) },
                "-c".to_owned(),
                quote(inner),
            ],
        };
        words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// What is meant by what came since the last thing of note.
    pub fn hear(&mut self, bytes: &[u8]) -> Said {
        self.seen.extend_from_slice(bytes);
        let said = self.judge();
        if said == Said::Prompt {
            self.seen.clear();
        }
        said
    }

    fn judge(&self) -> Said {
        let has =
            |text: &str| self.seen.windows(text.len()).any(|window| window == text.as_bytes());
        if TERMINAL.iter().any(|t| has(t)) {
            return Said::WantsTerminal;
        }
        if INCORRECT.iter().any(|(m, t)| *m == self.settings.method && has(t)) {
            return Said::Incorrect;
        }
        if self.settings.method == Method::Sudo && MISSING.iter().any(|t| has(t)) {
            return Said::Missing;
        }
        let asks = match self.settings.method {
            Method::Sudo => has(&self.prompt),
            Method::Su => {
                let prompt = self.su_prompt.as_ref().unwrap_or(&SU_PROMPT);
                self.seen
                    .split(|b| matches!(b, b'\n' | b'\r'))
                    .any(|line| matches!(prompt.search(line), Ok(Some(_))))
            }
        };
        if asks { Said::Prompt } else { Said::Nothing }
    }

    /// ansible's error for a refusal.
    pub fn refusal(&self, said: Said) -> Error {
        let name = self.settings.method.name();
        let text = match said {
            Said::Missing => format!("Missing {name} password"),
            _ => format!("Incorrect {name} password"),
        };
        Error::new(Kind::Action, text)
    }

    /// The password as it is answered to the prompt.
    pub fn answer(&self) -> Option<Vec<u8>> {
        let password = self.settings.password.as_ref()?;
        Some(format!("{}\n", password.reveal()).into_bytes())
    }
}

/// sudo's flags without `-n`, which would refuse to ask.
fn interactive(flags: &str) -> String {
    let kept = |flag: &str| match flag {
        "-n" | "--non-interactive" => None,
        long if long.starts_with("--") => Some(long.to_owned()),
        short if short.starts_with('-') => Some(short.replacen('n', "", 1)),
        word => Some(word.to_owned()),
    };
    flags.split_whitespace().filter_map(kept).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn become_(method: Method, password: Option<&str>) -> Become {
        Become::by(method, "root", password.map(Secret::new))
    }

    #[test]
    fn what_is_shown_has_no_password() {
        let shown = become_(Method::Sudo, Some("hush")).shown();
        assert!(shown.starts_with("sudo -H -S -p ") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn commands_are_ansibles() {
        for (settings, command) in [
            (become_(Method::Sudo, None), "sudo -H -S -n -u root /bin/sh -c 'x y'"),
            (
                become_(Method::Sudo, Some("p")),
                "sudo -H -S -p \"[sudo via vmstation, key=k] password:\" -u root /bin/sh -c 'x y'",
            ),
            (become_(Method::Su, None), r"su root -c '/bin/sh -c '\''x y'\'''"),
            (
                Become { flags: "-".into(), ..become_(Method::Su, Some("p")) },
                r"su - root -c '/bin/sh -c '\''x y'\'''",
            ),
            (
                Become {
                    exe: "/opt/sudo".into(),
                    flags: "-nHE --non-interactive".into(),
                    ..become_(Method::Sudo, Some("p"))
                },
                "/opt/sudo -HE -p \"[sudo via vmstation, key=k] password:\" -u root /bin/sh -c 'x y'",
            ),
        ] {
            assert_eq!(Escalation::new(&settings, "k").command("/bin/sh -c 'x y'"), command);
        }
    }

    #[test]
    fn what_they_say_is_understood() {
        let sudo = become_(Method::Sudo, Some("secret"));
        let mut talk = Escalation::new(&sudo, "k");
        assert_eq!(talk.hear(b"Hello\n[sudo via vmst"), Said::Nothing);
        assert_eq!(talk.hear(b"ation, key=k] password:"), Said::Prompt);
        assert_eq!(talk.hear(b"\n"), Said::Nothing);
        assert_eq!(talk.hear(b"Sorry, try again.\n"), Said::Incorrect);
        assert_eq!(talk.refusal(Said::Incorrect).message(), "Incorrect sudo password");
        let mut talk = Escalation::new(&sudo, "k");
        assert_eq!(talk.hear(b"sudo: a password is required\n"), Said::Missing);
        assert_eq!(talk.refusal(Said::Missing).message(), "Missing sudo password");
        let mut talk = Escalation::new(&sudo, "k");
        assert_eq!(
            talk.hear(b"sudo: sorry, you must have a tty to run sudo\n"),
            Said::WantsTerminal
        );
        let su = become_(Method::Su, Some("secret"));
        for prompt in ["Password: ", "Passwort: ", "root's password:", "パスワード："] {
            assert_eq!(Escalation::new(&su, "k").hear(prompt.as_bytes()), Said::Prompt, "{prompt}");
        }
        assert_eq!(
            Escalation::new(&su, "k").hear(b"su: Authentication failure\n"),
            Said::Incorrect
        );
        let own = Become { prompts: vec!["Geheim".into()], ..su };
        assert_eq!(Escalation::new(&own, "k").hear(b"Geheim: "), Said::Prompt);
        assert_eq!(Escalation::new(&own, "k").hear(b"Password: "), Said::Nothing);
    }

    #[test]
    fn unknown_methods_are_named() {
        let error = Method::from_name("pfexec").unwrap_err();
        assert!(error.message().contains("could not find matching plugin: 'pfexec'"));
    }
}
