//! Agents of this machine: in this process, and as a program of its own.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{path::PathBuf, time::Duration};

use vmstation_host::{call::travelling, job::Job, wire::PIECE};

use super::*;
use crate::connection::{Connection, ConnectionSettings, Local, Log, Secret};

fn quiet() -> Log {
    Arc::new(|_, _, _| {})
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("vmstation-agent-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn sha1(bytes: &[u8]) -> String {
    travelling("", bytes, &mut AtHand::default()).sha1
}

async fn local_agent() -> (Arc<Pool>, Agent) {
    let pool = Pool::new(quiet());
    let agent =
        pool.agent(&ConnectionSettings::local(), None, &AgentSettings::default()).await.unwrap();
    (pool, agent)
}

/// An agent as a program of its own, by the launcher.
async fn launched(folder: &Folder) -> Agent {
    let settings = AgentSettings { remote_tmp: folder.path("tmp") };
    let started =
        start::start(&Local::default(), None, &settings, None, Duration::from_secs(60)).await;
    match started {
        Ok(opened) => Agent::new(Link::open(opened, "localhost", &quiet())),
        Err(start::Refusal::Error(e)) => unreachable!("{e}"),
        Err(start::Refusal::NoAgent(why)) => unreachable!("{why}"),
    }
}

async fn does_everything(agent: &Agent, folder: &Folder) {
    assert_eq!(agent.hello().machine, std::env::consts::ARCH);
    let pong =
        agent.call(Call::new("ping", json!({"data": "x"})), &AtHand::default()).await.unwrap();
    assert_eq!(pong["ping"], "x");
    let exec = Exec {
        argv: ["sh", "-c", "cat; echo err >&2; exit 3"].map(String::from).into(),
        stdin: Some(b"in".to_vec()),
        ..Exec::default()
    };
    let output = agent.exec(exec).await.unwrap();
    assert_eq!(output, Output { rc: 3, stdout: b"in".to_vec(), stderr: b"err\n".to_vec() });
    let content: Vec<u8> = (0..PIECE * 3 + 17).map(|i| (i % 251) as u8).collect();
    let source = folder.path("source");
    std::fs::write(&source, &content).unwrap();
    for (name, from) in [
        ("bytes", Content::Bytes(content.clone().into())),
        ("file", Content::File(source.into())),
        ("empty", Content::Bytes(Vec::new().into())),
    ] {
        let put = Put { path: folder.path(name), mode: Some(0o600), sha1: None };
        assert_eq!(agent.put(put, &from).await.unwrap(), folder.path(name));
    }
    let mut back = Vec::new();
    let took = |piece: &[u8]| {
        back.extend_from_slice(piece);
        Ok(())
    };
    let (length, sum) = agent.fetch(&folder.path("file"), took).await.unwrap();
    assert!(back == content);
    assert_eq!((length, sum), (content.len() as u64, sha1(&content)));
    assert!(std::fs::read(folder.path("empty")).unwrap().is_empty());
    let error = agent.fetch(&folder.path("nothing"), |_| Ok(())).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    let temp = agent.make_temp(&folder.path("a/b"), "x-").await.unwrap();
    assert!(std::path::Path::new(&temp).is_dir());
    agent.remove(vec![temp.clone()]).await.unwrap();
    assert!(!std::path::Path::new(&temp).exists());
    let expanded = agent.expand(vec!["~/x".into()]).await.unwrap();
    assert_eq!(expanded, [format!("{}/x", agent.hello().home)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_in_this_process_does_everything() {
    let folder = Folder::new("inside");
    let (_pool, agent) = local_agent().await;
    does_everything(&agent, &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_launched_agent_does_everything() {
    let folder = Folder::new("launched");
    does_everything(&launched(&folder).await, &folder).await;
    // The second start finds the program.
    let before = std::fs::read_dir(folder.0.join("tmp")).unwrap().count();
    does_everything(&launched(&folder).await, &folder).await;
    assert_eq!((before, std::fs::read_dir(folder.0.join("tmp")).unwrap().count()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_outlive_their_agent() {
    let folder = Folder::new("job");
    let agent = launched(&folder).await;
    let go = folder.path("go");
    let line = format!("while [ ! -e {go} ]; do sleep 0.05; done; echo done");
    let mut call = Call::new("command", json!({"_raw_params": line, "_uses_shell": true}));
    call.job = Some(Job { id: "j1".into(), dir: folder.path("jobs"), limit: 60 });
    let started = agent.call(call, &AtHand::default()).await.unwrap();
    assert_eq!((&started["started"], &started["finished"]), (&json!(1), &json!(0)));
    drop(agent);
    tokio::time::sleep(Duration::from_millis(100)).await;
    std::fs::write(&go, "").unwrap();
    let agent = launched(&folder).await;
    for _ in 0..1000 {
        let args = json!({"jid": started["ansible_job_id"], "_async_dir": folder.path("jobs")});
        let status = agent.call(Call::new("async_status", args), &AtHand::default()).await.unwrap();
        if status["finished"] == 1 {
            assert_eq!(status["stdout"], "done");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("the job did not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_run_side_by_side_and_end_when_dropped() {
    let (_pool, agent) = local_agent().await;
    let folder = Folder::new("cancel");
    let mark = folder.path("mark");
    let exec = |script: String| {
        let argv = vec!["sh".to_owned(), "-c".to_owned(), script];
        agent.exec(Exec { argv, ..Exec::default() })
    };
    let slow = exec(format!("echo $$ >{mark}.new; mv {mark}.new {mark}; sleep 60"));
    let quick = async {
        while !std::path::Path::new(&mark).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        exec("echo quick".into()).await.unwrap()
    };
    tokio::select! {
        _ = slow => unreachable!("it sleeps"),
        output = quick => assert_eq!(output.stdout, b"quick\n"),
    }
    let pid = std::fs::read_to_string(&mark).unwrap();
    let process = format!("/proc/{}", pid.trim());
    for _ in 0..1000 {
        if !std::path::Path::new(&process).exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("the program outlived its request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_channel_is_an_unreachable_host() {
    let folder = Folder::new("broken");
    let agent = launched(&folder).await;
    let kill = Exec {
        argv: ["sh", "-c", "kill -9 $PPID; sleep 5"].map(String::from).into(),
        ..Exec::default()
    };
    let error = agent.exec(kill).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(agent.is_closed());
    let again = agent.expand(Vec::new()).await.unwrap_err();
    assert_eq!(again.message(), error.message());
    assert!(error.message().contains("ended with status 137"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_shares_and_resets() {
    let (pool, first) = local_agent().await;
    let here = Endpoint {
        connection: ConnectionSettings::local(),
        r#become: None,
        remote_tmp: AgentSettings::default().remote_tmp,
        shell: None,
        interpreter: None,
        async_dir: String::new(),
    };
    let second = pool.at(&here).await.unwrap();
    assert!(Arc::ptr_eq(&first.link, &second.link));
    pool.reset(&here).await;
    assert!(first.is_closed());
    let pong = pool.call(&here, Call::new("ping", json!({})), AtHand::default()).await.unwrap();
    assert_eq!(pong["ping"], "pong");
    let third = pool.at(&here).await.unwrap();
    assert!(!third.is_closed());
    pool.close().await;
    assert!(third.is_closed());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_of_calls_are_asked_for() {
    // No module is needed to see that what is not at hand is refused and does not hang.
    let (_pool, agent) = local_agent().await;
    let mut files = AtHand::default();
    let file = travelling("/nowhere/source", &[7; 10], &mut files);
    let call = Call { files: vec![file], ..Call::new("ping", json!({})) };
    assert_eq!(agent.call(call, &files).await.unwrap()["ping"], "pong");
}

/// A `sudo` in shell: asks for the password `right`, or refuses with `-n`.
const FAKE_SUDO: &str = r#"#!/bin/sh
prompt="Password:"; ask=yes
while [ $# -gt 0 ]; do case $1 in -p) prompt=$2; shift 2;; -n) ask=no; shift;; -u) shift 2;; -*) shift;; *) break;; esac; done
if [ "$FAKE_TTY" = yes ] && ! [ -t 0 ]; then echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1; fi
if [ $ask = no ] && [ "$FAKE_OPEN" != yes ]; then echo "sudo: a password is required" >&2; exit 1; fi
if [ "$FAKE_OPEN" != yes ]; then
  for i in 1 2 3; do printf '%s' "$prompt" >&2; IFS= read -r p || exit 1; [ "$p" = right ] && break; echo "Sorry, try again." >&2; [ $i = 3 ] && exit 1; done
fi
exec "$@"
"#;

async fn with_sudo(folder: &Folder, environment: &str, password: Option<&str>) -> Result<Agent> {
    use std::os::unix::fs::PermissionsExt;
    let sudo = folder.path("sudo");
    std::fs::write(&sudo, FAKE_SUDO).unwrap();
    std::fs::set_permissions(&sudo, PermissionsExt::from_mode(0o755)).unwrap();
    let escalate = Become {
        exe: format!("{environment} {sudo}"),
        ..Become::by(Method::Sudo, "root", password.map(Secret::new))
    };
    let pool = Pool::new(quiet());
    let settings = AgentSettings { remote_tmp: folder.path("tmp") };
    pool.agent(&ConnectionSettings::local(), Some(&escalate), &settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn becoming_another_user_asks_and_answers() {
    let folder = Folder::new("become");
    let agent = with_sudo(&folder, "", Some("right")).await.unwrap();
    does_everything(&agent, &folder).await;
    assert!(with_sudo(&folder, "FAKE_OPEN=yes", None).await.is_ok());
    assert!(with_sudo(&folder, "FAKE_OPEN=yes", Some("unasked")).await.is_ok());
    for (environment, password, message) in
        [("", Some("wrong"), "Incorrect sudo password"), ("", None, "Missing sudo password")]
    {
        let error = with_sudo(&folder, environment, password).await.err().unwrap();
        assert_eq!((error.kind(), error.message()), (Kind::Action, message));
    }
    // On a terminal binary frames pass whole.
    let agent = with_sudo(&folder, "FAKE_TTY=yes", Some("right")).await.unwrap();
    does_everything(&agent, &folder).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_of_a_user_who_is_removed_leave() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("removed");
    let sudo = folder.path("sudo");
    std::fs::write(&sudo, FAKE_SUDO).unwrap();
    std::fs::set_permissions(&sudo, PermissionsExt::from_mode(0o755)).unwrap();
    let pool = Pool::new(quiet());
    let of = |user: &str| Endpoint {
        connection: ConnectionSettings::local(),
        r#become: Some(Become {
            exe: format!("FAKE_OPEN=yes {sudo}"),
            ..Become::by(Method::Sudo, user, None)
        }),
        remote_tmp: folder.path("tmp"),
        shell: None,
        interpreter: None,
        async_dir: String::new(),
    };
    let (leaves, stays) = (pool.at(&of("app")).await.unwrap(), pool.at(&of("web")).await.unwrap());
    let process = |agent: &Agent| {
        let call = Call::new("command", json!({"_raw_params": "sh -c 'echo $PPID'"}));
        let agent = agent.clone();
        async move {
            let result = agent.call(call, &AtHand::default()).await.unwrap();
            PathBuf::from(format!("/proc/{}", result["stdout"].as_str().unwrap()))
        }
    };
    let (gone, there) = (process(&leaves).await, process(&stays).await);
    assert!(gone.exists() && there.exists());
    pool.leave_user(&of("root"), "app").await;
    assert!(leaves.is_closed() && !stays.is_closed());
    assert!(!gone.exists() && there.exists());
    assert!(!pool.at(&of("app")).await.unwrap().is_closed());
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_go_to_the_shell_as_another_user() {
    let folder = Folder::new("shell");
    let pool = Pool::new(quiet());
    let at = |escalate: Option<Become>| Endpoint {
        connection: ConnectionSettings::local(),
        r#become: escalate,
        remote_tmp: folder.path("tmp"),
        shell: None,
        interpreter: None,
        async_dir: String::new(),
    };
    let output = pool.shell(&at(None), "echo a b; echo c >&2; exit 4", None).await.unwrap();
    assert_eq!(output, Output { rc: 4, stdout: b"a b\n".to_vec(), stderr: b"c\n".to_vec() });
    with_sudo(&folder, "", Some("right")).await.unwrap();
    let escalate = |password: &str| Become {
        exe: folder.path("sudo"),
        ..Become::by(Method::Sudo, "root", Some(Secret::new(password)))
    };
    let line = "printf 'a\\n'; echo it\\'s \\$HOME; exit 4";
    let output = pool.shell(&at(Some(escalate("right"))), line, Some("/bin/bash")).await.unwrap();
    assert_eq!((output.rc, output.stdout.as_slice()), (4, &b"a\nit's $HOME\n"[..]));
    let error = pool.shell(&at(Some(escalate("wrong"))), line, None).await.unwrap_err();
    assert_eq!(error, CallError::Failed("Incorrect sudo password".into()));
}

#[tokio::test]
async fn what_is_no_shell_is_named() {
    struct Silent;
    impl Connection for Silent {
        fn channel<'a>(
            &'a self,
            _: &'a str,
            _: bool,
        ) -> crate::connection::BoxFuture<'a, Result<crate::connection::Channel>> {
            Box::pin(async {
                Local::default().channel("echo This account is closed. >&2; exit 1", false).await
            })
        }
        fn is_closed(&self) -> bool {
            false
        }
        fn close(&self) {}
        fn transport(&self) -> &'static str {
            "silent"
        }
    }
    let settings = AgentSettings::default();
    let refused = start::start(&Silent, None, &settings, None, Duration::from_secs(5)).await;
    let Err(start::Refusal::Error(error)) = refused else { unreachable!("it can't start") };
    assert_eq!(error.kind(), Kind::Unreachable);
    assert!(error.message().contains("This account is closed."), "{error}");
}

async fn plain(escalate: Option<&Become>) -> Result<Agent> {
    let connection = Arc::new(Local::default());
    let opened = plain::start(connection, escalate, Duration::from_secs(10)).await?;
    Ok(Agent::new(Link::open(opened, "localhost", &quiet())))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_shell_does_everything() {
    let folder = Folder::new("plain");
    let agent = plain(None).await.unwrap();
    does_everything(&agent, &folder).await;
    with_sudo(&folder, "", Some("right")).await.unwrap();
    let escalate = |password: &str| Become {
        exe: folder.path("sudo"),
        ..Become::by(Method::Sudo, "root", Some(Secret::new(password)))
    };
    does_everything(&plain(Some(&escalate("right"))).await.unwrap(), &folder).await;
    let error = plain(Some(&escalate("wrong"))).await.err().unwrap();
    assert_eq!(error.message(), "Incorrect sudo password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_shell_ends_what_is_not_waited_for_and_tells_of_its_own_end() {
    let folder = Folder::new("plain-cancel");
    let agent = plain(None).await.unwrap();
    let mark = folder.path("mark");
    let exec = |script: String| {
        let argv = vec!["sh".to_owned(), "-c".to_owned(), script];
        agent.exec(Exec { argv, ..Exec::default() })
    };
    let slow = exec(format!("echo $$ >{mark}.new; mv {mark}.new {mark}; exec sleep 60"));
    assert!(tokio::time::timeout(Duration::from_secs(2), slow).await.is_err());
    let pid = std::fs::read_to_string(&mark).unwrap();
    assert_eq!(exec("echo again".into()).await.unwrap().stdout, b"again\n");
    // Whoever inherits it may take its time to bury it.
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.trim()));
    assert!(status.is_err() || status.is_ok_and(|s| s.contains("State:\tZ")));
    let error = exec("kill -9 $PPID".into()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable, "{error}");
    assert!(agent.is_closed());
}
