//! Connections and agents against a real sshd.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod server;

use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use serde_json::json;
use server::Server;
use vmstation_host::{
    call::Call,
    files::{AtHand, Content},
    wire::{Exec, Put},
};
use vmstation_play::{
    agent::{Agent, Become, CallError, Endpoint, Method, Pool},
    connection::{self, ConnectionSettings, Log, Secret, SshOptions, Transport},
    diagnostic::Kind,
};

fn quiet() -> Log {
    Arc::new(|_, _, _| {})
}

fn endpoint(connection: ConnectionSettings, escalate: Option<Become>) -> Endpoint {
    Endpoint {
        connection,
        r#become: escalate,
        remote_tmp: "~/.ansible/tmp".into(),
        async_dir: "~/.ansible_async".into(),
        shell: None,
        interpreter: None,
    }
}

fn sh(script: &str) -> Exec {
    Exec { argv: ["sh", "-c", script].map(String::from).into(), ..Exec::default() }
}

async fn said(agent: &Agent, script: &str) -> String {
    let output = agent.exec(sh(script)).await.unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The message of a connection that must not come about.
async fn refused(settings: &ConnectionSettings) -> String {
    let pool = Pool::new(quiet());
    match pool.at(&endpoint(settings.clone(), None)).await {
        Ok(_) => unreachable!("the host let us in"),
        Err(error) => {
            assert_eq!(error.kind(), Kind::Unreachable, "{error}");
            let text = "Failed to connect to the host via ssh: ";
            error.message().strip_prefix(text).unwrap_or(error.message()).to_owned()
        }
    }
}

/// Starts a server, or leaves the test where the machine can't.
macro_rules! server {
    ($more:expr) => {
        match Server::start($more) {
            Some(server) => {
                server.know(&server.known_host("host"));
                server
            }
            None => return,
        }
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_work_over_ssh() {
    let server = server!("");
    let pool = Pool::new(quiet());
    let at = endpoint(server.settings("tester"), None);
    let agent = pool.at(&at).await.unwrap();
    assert_eq!(agent.hello().user, "tester");
    let call = || Call::new("ping", json!({"data": "é"}));
    assert_eq!(pool.call(&at, call(), AtHand::default()).await.unwrap()["ping"], "é");
    // The program was put once, where ansible's things are.
    let name = said(&agent, "ls ~/.ansible/tmp").await;
    assert!(name.starts_with("vmstation-agent-") && !name.contains('\n'), "{name}");
    pool.reset(&at).await;
    assert!(agent.is_closed());
    let again = pool.at(&at).await.unwrap();
    assert_eq!(said(&again, "ls ~/.ansible/tmp").await, name);
    // Round trips are quick once the channel is warm: no delayed acknowledgements, no Nagle.
    let start = Instant::now();
    for _ in 0..50 {
        pool.call(&at, call(), AtHand::default()).await.unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn large_files_go_both_ways_at_once() {
    let server = server!("");
    let pool = Pool::new(quiet());
    let agent = pool.at(&endpoint(server.settings("tester"), None)).await.unwrap();
    let content: Vec<u8> =
        (0..30_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let put = |name: &str| {
        let put = Put { path: server.text(&format!("home/tester/{name}")), mode: None, sha1: None };
        let content = Content::Bytes(content.clone().into());
        let agent = agent.clone();
        async move { agent.put(put, &content).await.unwrap() }
    };
    let first = put("a").await;
    let mut back = Vec::new();
    let took = |piece: &[u8]| {
        back.extend_from_slice(piece);
        Ok(())
    };
    let echo = async {
        let output = agent.exec(Exec { stdin: Some(content.clone()), ..sh("cat") }).await.unwrap();
        assert!(output.stdout == content);
    };
    let (_, fetched, ()) = tokio::join!(put("b"), agent.fetch(&first, took), echo);
    assert_eq!(fetched.unwrap().0, 30_000_000);
    assert!(back == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_sort_let_in() {
    let server = server!("PasswordAuthentication no");
    for (key, passphrase) in [("key", None), ("rsa", None), ("locked", Some("pass phrase"))] {
        let settings = ConnectionSettings {
            private_key_file: Some(server.text(key)),
            passphrase: passphrase.map(Secret::new),
            ..server.settings("tester")
        };
        let pool = Pool::new(quiet());
        assert!(pool.at(&endpoint(settings, None)).await.is_ok(), "{key}");
    }
    let denied = "tester@127.0.0.1: Permission denied (publickey";
    let with = |key: &str, passphrase: Option<&str>| ConnectionSettings {
        private_key_file: Some(server.text(key)),
        passphrase: passphrase.map(Secret::new),
        ..server.settings("tester")
    };
    assert!(refused(&with("strange", None)).await.starts_with(denied));
    assert!(refused(&with("locked", Some("wrong"))).await.starts_with(denied));
    let missing = refused(&with("nothing", None)).await;
    let text = format!(
        "no such identity: {}: No such file or directory\r\n{denied}",
        server.text("nothing")
    );
    assert!(missing.starts_with(&text), "{missing}");
    std::fs::set_permissions(
        server.path("key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    let open = refused(&with("key", None)).await;
    assert!(open.contains("WARNING: UNPROTECTED PRIVATE KEY FILE!"), "{open}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_of_keys_is_asked() {
    let server = server!("PasswordAuthentication no");
    let socket = server.text("agent.sock");
    let mut keeper = std::process::Command::new("ssh-agent")
        .args(["-D", "-a", &socket])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while !std::path::Path::new(&socket).exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let add = std::process::Command::new("ssh-add")
        .arg("-q")
        .arg(server.path("key"))
        .env("SSH_AUTH_SOCK", &socket)
        .status()
        .unwrap();
    let usual = server.settings("tester");
    let args = usual.ssh.args.replace("IdentityAgent=none", &format!("IdentityAgent={socket}"));
    let settings = ConnectionSettings {
        private_key_file: None,
        ssh: SshOptions { args: format!("{args} -o IdentityFile=none"), ..SshOptions::default() },
        ..usual
    };
    let pool = Pool::new(quiet());
    let agent = pool.at(&endpoint(settings, None)).await.map(|a| a.hello().user.clone());
    keeper.kill().unwrap();
    keeper.wait().unwrap();
    assert!(add.success());
    assert_eq!(agent.unwrap(), "tester");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_let_in_or_are_named() {
    for (configuration, methods) in [
        ("KbdInteractiveAuthentication no", "password"),
        ("PasswordAuthentication yes\nKbdInteractiveAuthentication yes", "both"),
    ] {
        let server = server!(configuration);
        let pool = Pool::new(quiet());
        let at = endpoint(server.by_password("tester", "pass word"), None);
        assert_eq!(pool.at(&at).await.unwrap().hello().user, "tester", "{methods}");
        assert_eq!(
            refused(&server.by_password("tester", "wrong")).await,
            "Invalid/incorrect password: Permission denied, please try again."
        );
        server.know("");
        let error =
            pool.at(&endpoint(server.by_password("other", "other"), None)).await.err().unwrap();
        assert_eq!(error.kind(), Kind::Action);
        assert!(
            error.message().starts_with("Using a SSH password instead of a key is not possible")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn host_keys_are_checked() {
    let server = server!("");
    let with = |options: &str, checking: bool| {
        let usual = server.settings("tester");
        ConnectionSettings {
            ssh: SshOptions { extra_args: options.to_owned(), ..usual.ssh.clone() },
            host_key_checking: checking,
            ..usual
        }
    };
    let name = format!("[127.0.0.1]:{}", server.port);
    let wrong = server.known_host("key");
    let unknown = format!(
        "No ED25519 host key is known for {name} and you have requested strict checking.\r\nHost key verification failed."
    );
    server.know("");
    assert_eq!(refused(&with("-o StrictHostKeyChecking=yes", true)).await, unknown);
    server.know(&wrong);
    let changed = refused(&with("", true)).await;
    assert!(changed.contains("REMOTE HOST IDENTIFICATION HAS CHANGED!"), "{changed}");
    assert!(
        changed.contains(&format!("Offending ED25519 key in {}:1", server.text("known_hosts")))
    );
    assert!(changed.ends_with("requested strict checking.\r\nHost key verification failed."));
    assert!(
        refused(&with("-o StrictHostKeyChecking=accept-new", true)).await.contains("HAS CHANGED")
    );
    server.know(&format!("@revoked * {}", server.known_host("host").split_once(' ').unwrap().1));
    assert!(refused(&with("", true)).await.contains("REVOKED HOST KEY DETECTED"));
    let pool = Pool::new(quiet());
    // Nobody looks.
    server.know(&wrong);
    assert!(pool.at(&endpoint(with("", false), None)).await.is_ok());
    // The first time counts, hashed or not.
    server.know("");
    let new = with("-o StrictHostKeyChecking=accept-new -o HashKnownHosts=yes", true);
    assert!(pool.at(&endpoint(new, None)).await.is_ok());
    let known = std::fs::read_to_string(server.path("known_hosts")).unwrap();
    assert!(known.starts_with("|1|") && known.lines().count() == 1, "{known}");
    assert!(
        Pool::new(quiet())
            .at(&endpoint(with("-o StrictHostKeyChecking=yes", true), None))
            .await
            .is_ok()
    );
    // Another kind of key that is known of the host decides which one it is asked for.
    server.know(&format!(
        "{name} ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ==\n{}",
        server.known_host("host")
    ));
    assert!(Pool::new(quiet()).at(&endpoint(with("", true), None)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_named_in_sshs_words() {
    let server = server!("");
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = ConnectionSettings { port: Some(port), ..server.settings("tester") };
    assert_eq!(
        refused(&nobody).await,
        format!("ssh: connect to host 127.0.0.1 port {port}: Connection refused")
    );
    let nowhere =
        ConnectionSettings { host: "no-such-host.invalid".into(), ..server.settings("tester") };
    let text = refused(&nowhere).await;
    assert!(text.starts_with("ssh: Could not resolve hostname no-such-host.invalid: "), "{text}");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mute = ConnectionSettings { port: Some(port), timeout: 1, ..server.settings("tester") };
    let start = Instant::now();
    assert_eq!(
        refused(&mute).await,
        format!(
            "Connection timed out during banner exchange\r\nConnection to 127.0.0.1 port {port} timed out"
        )
    );
    assert!(start.elapsed() < Duration::from_secs(8));
    let odd = ConnectionSettings {
        ssh: SshOptions { args: "-o NoSuchOption=1".into(), ..SshOptions::default() },
        ..server.settings("tester")
    };
    assert!(refused(&odd).await.contains("Bad configuration option: nosuchoption"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_users_are_become_with_their_passwords() {
    let server = server!("");
    let pool = Pool::new(quiet());
    let settings = server.settings("tester");
    let by = |method, user: &str, password: Option<&str>| {
        endpoint(settings.clone(), Some(Become::by(method, user, password.map(Secret::new))))
    };
    for (at, user) in [
        (by(Method::Sudo, "root", Some("pass word")), "root"),
        (by(Method::Sudo, "other", None), "other"),
        (by(Method::Su, "root", Some("toor")), "root"),
        (by(Method::Su, "other", Some("other")), "other"),
    ] {
        let agent = pool.at(&at).await.unwrap();
        assert_eq!(
            (agent.hello().user.as_str(), said(&agent, "id -un").await.as_str()),
            (user, user)
        );
        let output = pool.shell(&at, "id -un", None).await.unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), user);
    }
    for (at, message) in [
        (by(Method::Sudo, "root", Some("wrong")), "Incorrect sudo password"),
        (by(Method::Sudo, "root", None), "Missing sudo password"),
        (by(Method::Su, "root", Some("wrong")), "Incorrect su password"),
    ] {
        let error = pool.at(&at).await.err().unwrap();
        assert_eq!((error.kind(), error.message()), (Kind::Action, message));
        let error =
            pool.call(&at, Call::new("ping", json!({})), AtHand::default()).await.unwrap_err();
        assert_eq!(error, CallError::Failed(message.to_owned()));
    }
    // `requiretty`: binary frames pass through a terminal whole.
    let other = endpoint(server.settings("other"), Some(Become::by(Method::Sudo, "root", None)));
    let agent = pool.at(&other).await.unwrap();
    let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let echo = agent.exec(Exec { stdin: Some(bytes.clone()), ..sh("cat") }).await.unwrap();
    assert!(echo.stdout == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_run_on_a_terminal_as_by_ansible() {
    let server = server!("");
    let pool = Pool::new(quiet());
    let output = pool
        .shell(&endpoint(server.settings("tester"), None), "echo a; exit 3", None)
        .await
        .unwrap();
    assert_eq!((output.rc, output.stdout.as_slice()), (3, &b"a\r\n"[..]));
    assert_eq!(output.stderr, b"Shared connection to 127.0.0.1 closed.\r\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_is_an_unreachable_host_and_a_new_one_is_made() {
    let server = server!("");
    let pool = Pool::new(quiet());
    let at = endpoint(server.settings("tester"), None);
    let agent = pool.at(&at).await.unwrap();
    let (cut, ()) = tokio::join!(agent.exec(sh("sleep 60")), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.cut("tester");
    });
    let error = cut.unwrap_err();
    assert_eq!(error.kind(), Kind::Unreachable);
    assert_eq!(
        error.message(),
        "Failed to connect to the host via ssh: Connection to 127.0.0.1 closed by remote host."
    );
    assert_eq!(said(&pool.at(&at).await.unwrap(), "echo back").await, "back");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sessions_than_one_connection_has_get_another() {
    let server = server!("MaxSessions 2");
    let connection = connection::open(&server.settings("tester"), &quiet()).await.unwrap();
    let mut channels = Vec::new();
    for _ in 0..5 {
        channels.push(connection.channel("cat", false).await.unwrap());
    }
    let output = connection::exec(&*connection, "echo six", b"").await.unwrap();
    assert_eq!(output.stdout, b"six\n");
    assert_eq!(connection.transport(), "ssh");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hosts_at_once_are_all_reached() {
    let server = server!("MaxStartups 10:30:100");
    let pool = Pool::new(quiet());
    let one = |n: u64| {
        // Different settings are different connections.
        let settings = ConnectionSettings { timeout: 60 + n, ..server.settings("tester") };
        let (pool, at) = (Arc::clone(&pool), endpoint(settings, None));
        tokio::spawn(async move { pool.at(&at).await.map(|a| a.hello().pid) })
    };
    let tasks: Vec<_> = (0..40).map(one).collect();
    let mut pids = Vec::new();
    for task in tasks {
        pids.push(task.await.unwrap().unwrap());
    }
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_ssh_does_what_libssh2_cannot() {
    let server = server!("");
    let remarks = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&remarks);
    let pool = Pool::new(Arc::new(move |level, _: &str, text| kept.lock().push((level, text))));
    let usual = server.settings("tester");
    let proxy = format!(
        "-o ProxyCommand='ssh {} -o Port={} -o IdentityFile={} -W %h:%p root@127.0.0.1'",
        usual.ssh.args,
        server.port,
        server.text("key")
    );
    let jump =
        ConnectionSettings { ssh: SshOptions { common_args: proxy, ..usual.ssh.clone() }, ..usual };
    let at = endpoint(jump, Some(Become::by(Method::Sudo, "root", Some(Secret::new("pass word")))));
    let agent = pool.at(&at).await.unwrap();
    assert_eq!(agent.hello().user, "root");
    assert!(
        remarks.lock().iter().any(|(l, t)| *l == 1 && t.contains("proxycommand")),
        "{remarks:?}"
    );
    let bytes: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let echo = agent.exec(Exec { stdin: Some(bytes.clone()), ..sh("cat") }).await.unwrap();
    assert!(echo.stdout == bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_systems_ssh_speaks_for_itself() {
    let server = server!("");
    let forced = |settings: ConnectionSettings| ConnectionSettings {
        transport: Transport::OpenSsh,
        ..settings
    };
    let pool = Pool::new(quiet());
    let by_password = forced(server.by_password("tester", "pass word"));
    assert_eq!(pool.at(&endpoint(by_password, None)).await.unwrap().hello().user, "tester");
    assert_eq!(
        refused(&forced(server.by_password("tester", "wrong"))).await,
        "Invalid/incorrect password: Permission denied, please try again."
    );
    let strange = ConnectionSettings {
        private_key_file: Some(server.text("strange")),
        ..server.settings("tester")
    };
    let text = refused(&forced(strange)).await;
    assert!(text.starts_with("tester@127.0.0.1: Permission denied (publickey"), "{text}");
    let at = endpoint(forced(server.settings("tester")), None);
    let agent = pool.at(&at).await.unwrap();
    let (cut, ()) = tokio::join!(agent.exec(sh("sleep 60")), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.cut("tester");
    });
    let error = cut.unwrap_err();
    assert!(error.message().contains("closed by remote host"), "{error}");
    let output = pool.shell(&at, "echo a; exit 3", None).await.unwrap();
    assert_eq!((output.rc, output.stdout.as_slice()), (3, &b"a\r\n"[..]));
}
