//! An sshd of the test's own: on the loopback, on a port of its own, with users of its own that the
//! machine does not have (in a mount namespace with its own account files).

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use vmstation_play::connection::{ConnectionSettings, Secret, SshOptions};

/// Runs as root in the server's mount namespace.
const START: &str = r#"
set -e
cd "$1"
mount --make-rprivate /
for f in passwd shadow group sudoers; do [ -e /etc/$f ] || continue; mount --bind $f /etc/$f; done
[ -d /etc/sudoers.d ] && mount -t tmpfs none /etc/sudoers.d
mkdir -p /run/sshd
exec "$2" -D -e -f "$1/sshd_config"
"#;

/// A running server; ends with its test.
pub struct Server {
    pub folder: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

/// Where sshd is, if this machine can run the tests.
fn sshd() -> Result<PathBuf, String> {
    if !rustix::process::getuid().is_root() {
        return Err("they need root".to_owned());
    }
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/lib/ssh/sshd"];
    let found = places.iter().map(PathBuf::from).find(|p| p.exists());
    found.ok_or_else(|| "there is no sshd (Debian: apt-get install openssh-server sudo)".to_owned())
}

impl Server {
    /// Starts a server with these additions to its configuration; `None`, loudly, where the machine
    /// can't. With `CI` set that is a failure.
    #[expect(clippy::print_stderr, reason = "a test that is not run must be seen")]
    pub fn start(more: &str) -> Option<Self> {
        let sshd = match sshd() {
            Ok(sshd) => sshd,
            Err(why) => {
                assert!(std::env::var_os("CI").is_none(), "the SSH tests can't be run: {why}");
                eprintln!("\n!!! NOT RUN: the SSH tests against a real sshd: {why}\n");
                return None;
            }
        };
        let folder =
            tempfile::Builder::new().prefix("vmstation-sshd-").tempdir().expect("a folder");
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).expect("its mode");
        let port =
            TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
        lay_out(folder.path(), port, more);
        let child = Command::new("unshare")
            .args(["--mount", "sh", "-c", START, "sh"])
            .arg(folder.path())
            .arg(sshd)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).expect("a log"))
            .spawn()
            .expect("unshare");
        let server = Self { folder, port, child };
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = server.log();
            assert!(Instant::now() < until, "sshd did not start: {log}");
            std::thread::sleep(Duration::from_millis(10));
        }
        Some(server)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path").to_owned()
    }

    /// What the server has said so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Settings that reach it as `user` by the key that it knows, with its own known_hosts file.
    pub fn settings(&self, user: &str) -> ConnectionSettings {
        let args = format!(
            "-F none -o UserKnownHostsFile={} -o GlobalKnownHostsFile=none -o IdentityAgent=none \
             -o ControlPersist=60s",
            self.text("known_hosts")
        );
        ConnectionSettings {
            port: Some(self.port),
            user: Some(user.to_owned()),
            private_key_file: Some(self.text("key")),
            ssh: SshOptions { args, ..SshOptions::default() },
            ..ConnectionSettings::ssh("127.0.0.1")
        }
    }

    /// The same by password.
    pub fn by_password(&self, user: &str, password: &str) -> ConnectionSettings {
        ConnectionSettings {
            password: Some(Secret::new(password)),
            private_key_file: None,
            ..self.settings(user)
        }
    }

    /// The line of known_hosts that names the server.
    pub fn known_host(&self, key: &str) -> String {
        let public = fs::read_to_string(self.path(&format!("{key}.pub"))).expect("a public key");
        let words: Vec<&str> = public.split_whitespace().take(2).collect();
        format!("[127.0.0.1]:{} {}\n", self.port, words.join(" "))
    }

    pub fn know(&self, lines: &str) {
        fs::write(self.path("known_hosts"), lines).expect("known_hosts");
    }

    /// Ends the server's sessions of a user, as if the host had failed.
    pub fn cut(&self, user: &str) {
        let title = format!("sshd: {user}@");
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
            let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            if command.starts_with(&title) && self.is_ours(pid) {
                kill(pid);
            }
        }
    }

    fn is_ours(&self, mut pid: i32) -> bool {
        let own = self.child.id().cast_signed();
        while pid > 1 {
            if pid == own {
                return true;
            }
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let Some(parent) = stat.rsplit(')').next().and_then(|s| s.split_whitespace().nth(1))
            else {
                return false;
            };
            pid = parent.parse().unwrap_or(0);
        }
        false
    }
}

fn kill(pid: i32) {
    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for user in ["root", "tester", "other"] {
            self.cut(user);
        }
        kill(self.child.id().cast_signed());
        let _ = self.child.wait();
    }
}

pub fn keygen(path: &Path, kind: &str, passphrase: &str) {
    let done = Command::new("ssh-keygen")
        .args(["-q", "-t", kind, "-N", passphrase, "-f"])
        .arg(path)
        .status()
        .expect("ssh-keygen");
    assert!(done.success());
}

/// Users: `tester` (password `pass word`, may become root with it), `other` (password `other`).
fn lay_out(folder: &Path, port: u16, more: &str) {
    let write = |name: &str, mode: u32, text: String| {
        fs::write(folder.join(name), text).expect("a file");
        fs::set_permissions(folder.join(name), PermissionsExt::from_mode(mode)).expect("its mode");
    };
    for (name, kind, passphrase) in [
        ("host", "ed25519", ""),
        ("key", "ed25519", ""),
        ("locked", "ed25519", "pass phrase"),
        ("strange", "ecdsa", ""),
        ("rsa", "rsa", ""),
    ] {
        keygen(&folder.join(name), kind, passphrase);
    }
    let keys: String = ["key", "locked", "rsa"]
        .iter()
        .map(|k| fs::read_to_string(folder.join(format!("{k}.pub"))).expect("a public key"))
        .collect();
    write("authorized", 0o644, keys);
    let system = |name: &str| fs::read_to_string(format!("/etc/{name}")).unwrap_or_default();
    let homes = folder.join("home");
    for (user, id) in [("tester", 64001), ("other", 64002)] {
        let home = homes.join(user);
        fs::create_dir_all(&home).expect("a home");
        std::os::unix::fs::chown(&home, Some(id), Some(id)).expect("its owner");
        fs::set_permissions(&home, PermissionsExt::from_mode(0o700)).expect("its mode");
    }
    let homes = homes.display();
    write(
        "passwd",
        0o644,
        format!(
            "{}tester:x:64001:64001::{homes}/tester:/bin/bash\nother:x:64002:64002::{homes}/other:/bin/sh\n",
            system("passwd")
        ),
    );
    write("group", 0o644, format!("{}tester:x:64001:\nother:x:64002:\n", system("group")));
    let hash = |password: &str| {
        let done =
            Command::new("openssl").args(["passwd", "-6", password]).output().expect("openssl");
        String::from_utf8(done.stdout).expect("text").trim().to_owned()
    };
    let shadow: String = system("shadow")
        .lines()
        .filter(|l| !l.starts_with("root:"))
        .map(|l| format!("{l}\n"))
        .collect();
    let (root, tester, other) = (hash("toor"), hash("pass word"), hash("other"));
    write(
        "shadow",
        0o640,
        format!(
            "root:{root}:19000::::::\n{shadow}tester:{tester}:19000::::::\nother:{other}:19000::::::\n"
        ),
    );
    write(
        "sudoers",
        0o440,
        "Defaults !lecture\nDefaults:other requiretty\nroot ALL=(ALL) ALL\ntester ALL=(ALL) ALL\n\
         tester ALL=(other) NOPASSWD: ALL\nother ALL=(ALL) NOPASSWD: ALL\n"
            .to_owned(),
    );
    let folder = folder.display();
    write(
        "sshd_config",
        0o600,
        format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n\
             PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n{more}\n"
        ),
    );
}
