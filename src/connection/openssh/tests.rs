//! The transport over a fake `ssh` whose behaviour is chosen by the command line.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::path::PathBuf;

use super::*;
use crate::connection::{Output, SshOptions, exec};

/// Answers `-G` for nobody; runs the command here, or fails as `FAKE_SSH` in the options says.
const FAKE: &str = r#"#!/bin/sh
case "$*" in
*fail=refused*) echo "ssh: connect to host h port 22: Connection refused" >&2; exit 255;;
*fail=denied*)
  answer=$("$SSH_ASKPASS" "bob@h's password: ") || answer=
  [ "$answer" = "right 'one'" ] || { echo "bob@h: Permission denied (publickey,password)." >&2; exit 255; };;
*fail=drop*) echo part; echo "Connection to h closed by remote host." >&2; exit 255;;
*fail=python*) echo "Traceback (most recent call last):" >&2; exit 255;;
esac
while [ "$1" != -- ]; do shift; done
exec /bin/sh -c "$3"
"#;

struct Fake {
    folder: tempfile::TempDir,
}

impl Fake {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fake = Self { folder };
        std::fs::write(fake.program(), FAKE).unwrap();
        std::fs::set_permissions(fake.program(), PermissionsExt::from_mode(0o755)).unwrap();
        fake
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("ssh")
    }

    fn connection(&self, fail: &str, password: Option<&str>) -> OpenSsh {
        let executable = self.program().to_str().unwrap().to_owned();
        let settings = ConnectionSettings {
            password: password.map(Secret::new),
            ssh: SshOptions { executable, ..SshOptions::default() },
            ..ConnectionSettings::ssh("h")
        };
        OpenSsh::new(&settings, vec!["-o".into(), format!("fail={fail}")], "h".into())
    }
}

#[tokio::test]
async fn commands_pass_and_their_status_comes_back() {
    let fake = Fake::new();
    let output =
        exec(&fake.connection("", None), "cat; echo err >&2; exit 7", b"in").await.unwrap();
    assert_eq!(output, Output { rc: 7, stdout: b"in".to_vec(), stderr: b"err\n".to_vec() });
}

#[tokio::test]
async fn failures_of_ssh_are_unreachable_hosts_in_its_words() {
    let fake = Fake::new();
    for (fail, message) in [
        (
            "refused",
            "Failed to connect to the host via ssh: ssh: connect to host h port 22: Connection refused",
        ),
        ("drop", "Failed to connect to the host via ssh: Connection to h closed by remote host."),
    ] {
        let error = exec(&fake.connection(fail, None), "true", b"").await.unwrap_err();
        assert_eq!((error.kind(), error.message()), (Kind::Unreachable, message));
    }
    // What the command itself ended with is no failure of ssh.
    let output = exec(&fake.connection("python", None), "true", b"").await.unwrap();
    assert_eq!(output.rc, 255);
}

#[tokio::test]
async fn passwords_are_handed_over_when_asked_for() {
    let fake = Fake::new();
    let ok = exec(&fake.connection("denied", Some("right 'one'")), "echo in", b"").await.unwrap();
    assert_eq!(ok.stdout, b"in\n");
    let error = exec(&fake.connection("denied", Some("wrong")), "true", b"").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (Kind::Unreachable, "Invalid/incorrect password: Permission denied, please try again.")
    );
}

#[test]
fn the_script_answers_once_and_no_host_keys() {
    let ask = AskPass::new(&Secret::new("p w\\n")).unwrap();
    let run = |prompt: &str| {
        let script = ask.folder.path().join("askpass");
        std::process::Command::new(script).arg(prompt).output().unwrap()
    };
    let question = "Are you sure you want to continue connecting (yes/no/[fingerprint])? ";
    assert_eq!(run(question).stdout, b"no\n");
    assert_eq!(run("password: ").stdout, b"p w\\n\n");
    assert!(!run("password: ").status.success());
    let mode = std::fs::metadata(ask.folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}
