//! The arguments that ansible gives to `ssh`, from a connection's settings.

use vmstation_host::python::shell_split;

use crate::{
    connection::{ConnectionSettings, unreachable},
    diagnostic::Result,
};

/// All arguments before the host, in ansible's order (the first of equal options wins).
pub(in crate::connection) fn arguments(settings: &ConnectionSettings) -> Result<Vec<String>> {
    let mut args = split(&settings.ssh.args)?;
    let mut option = |text: String| args.extend(["-o".to_owned(), text]);
    if !settings.host_key_checking {
        option("StrictHostKeyChecking=no".into());
    }
    if let Some(port) = settings.port {
        option(format!("Port={port}"));
    }
    if let Some(key) = &settings.private_key_file {
        option(format!("IdentityFile=\"{}\"", home(key)));
    }
    if settings.password.is_none() {
        option("KbdInteractiveAuthentication=no".into());
        option("PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey".into());
        option("PasswordAuthentication=no".into());
    }
    if let Some(user) = &settings.user {
        option(format!("User=\"{user}\""));
    }
    option(format!("ConnectTimeout={}", settings.timeout));
    args.extend(split(&settings.ssh.common_args)?);
    args.extend(split(&settings.ssh.extra_args)?);
    Ok(args)
}

fn split(args: &str) -> Result<Vec<String>> {
    let words =
        shell_split(args).map_err(|e| unreachable(format!("ssh arguments `{args}`: {e}")))?;
    Ok(words.into_iter().map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect())
}

/// A path with `~` expanded.
pub(super) fn home(path: &str) -> String {
    match (path.strip_prefix('~'), std::env::var("HOME")) {
        (Some(rest), Ok(home)) if rest.is_empty() || rest.starts_with('/') => {
            format!("{home}{rest}")
        }
        _ => path.to_owned(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::connection::{Secret, SshOptions};

    #[test]
    fn arguments_are_ansibles() {
        let settings = ConnectionSettings {
            port: Some(2222),
            user: Some("bob".into()),
            private_key_file: Some("/k y".into()),
            host_key_checking: false,
            ssh: SshOptions {
                args: "-C -o 'ProxyCommand=nc %h %p'".into(),
                common_args: "-F none".into(),
                extra_args: "-A".into(),
                ..SshOptions::default()
            },
            ..ConnectionSettings::ssh("h")
        };
        assert_eq!(
            arguments(&settings).unwrap().join("|"),
            "-C|-o|ProxyCommand=nc %h %p|-o|StrictHostKeyChecking=no|-o|Port=2222|-o|IdentityFile=\"/k y\"|\
             -o|KbdInteractiveAuthentication=no|-o|PreferredAuthentications=gssapi-with-mic,gssapi-keyex,\
             hostbased,publickey|-o|PasswordAuthentication=no|-o|User=\"bob\"|-o|ConnectTimeout=10|-F|none|-A"
        );
        let settings =
            ConnectionSettings { password: Some(Secret::new("p")), ..ConnectionSettings::ssh("h") };
        assert_eq!(
            arguments(&settings).unwrap().join("|"),
            "-C|-o|ControlMaster=auto|-o|ControlPersist=60s|-o|ConnectTimeout=10"
        );
        let broken = SshOptions { args: "'".into(), ..SshOptions::default() };
        assert!(arguments(&ConnectionSettings { ssh: broken, ..settings }).is_err());
    }
}
