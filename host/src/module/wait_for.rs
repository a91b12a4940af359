//! `wait_for`: ports, files and their contents, connections that end; or just time.

mod connections;
mod pattern;

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::data::Data;
use crate::module::{Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned};
use crate::python;
use crate::resolve;
use crate::target::{Access, Time};
use pattern::{Found, Pattern};

pub static MODULE: Module = Module {
    description: "Waits until a port answers or does not, a file is there or is gone, a text appears, \
                  or the connections to a port have ended.\n\
                  With neither `port` nor `path` it waits for `timeout` seconds.",
    options: &[
        Opt::str("host").or_str("127.0.0.1").doc("The name or address to connect to."),
        Opt::int("timeout").or_int(300).doc("How many seconds to wait at most."),
        Opt::int("connect_timeout").or_int(5).doc("How many seconds one attempt to connect may take."),
        Opt::int("delay").or_int(0).doc("Seconds before the first look."),
        Opt::int("port").doc("The port to ask. Not together with `path`."),
        Opt::list("active_connection_states", Kind::Str)
            .default(Lit::List(&[
                "ESTABLISHED",
                "FIN_WAIT1",
                "FIN_WAIT2",
                "SYN_RECV",
                "SYN_SENT",
                "TIME_WAIT",
            ]))
            .since("2.3")
            .doc("The states of TCP in which a connection counts as one for `state=drained`."),
        Opt::path("path").since("1.4").doc("The file to look for. Not together with `port`."),
        Opt::str("search_regex")
            .since("1.4")
            .doc("What must be found in the file, or in what the port says."),
        Opt::str("state")
            .or_str("started")
            .choices(&[
                Lit::Str("absent"),
                Lit::Str("drained"),
                Lit::Str("present"),
                Lit::Str("started"),
                Lit::Str("stopped"),
            ])
            .doc(
                "`started` and `present`: the port answers, the file is there; `stopped` and `absent` the \
                 opposite; `drained`: the port has no connections any more.",
            ),
        Opt::list("exclude_hosts", Kind::Str)
            .since("1.8")
            .doc("Hosts whose connections don't count for `state=drained`."),
        Opt::int("sleep").or_int(1).since("2.3").doc("Seconds between two looks."),
        Opt::str("msg").since("2.4").doc("The message if it takes too long."),
    ],
    check_mode: CheckMode::None,
    returns: &[
        Returned::new("elapsed", "int", "always", "Seconds that passed.").sample("23"),
        Returned::new("match_groups", "list", "success", "What the groups of `search_regex` found.")
            .sample("['val1', 'val2']"),
        Returned::new("match_groupdict", "dict", "success", "The same of named groups.")
            .sample("{group: val}"),
    ],
    examples: "- name: Wait until the web server listens\n  ansible.builtin.wait_for:\n    port: 8000\n    delay: 2\n\n\
               - name: Wait until the lock is gone\n  ansible.builtin.wait_for:\n    path: /var/lock/file.lock\n    state: absent\n",
    version_added: "0.7",
    ..Module::builtin("wait_for", "Waits for a condition before continuing", run)
};

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let pattern = match args.str("search_regex") {
        Some(text) => Some(
            Pattern::new(text)
                .map_err(|error| Failure::new(format!("Invalid regular expression: {error}")))?,
        ),
        None => None,
    };
    check(args)?;
    let start = cx.target.now();
    if let Some(delay) = args.int("delay").filter(|delay| *delay != 0) {
        sleep(cx, delay)?;
    }
    let mut found = Found::default();
    let port = args.int("port").filter(|port| *port != 0);
    let path = args.str("path").filter(|path| !path.is_empty()).map(String::from);
    let state = args.string("state");
    if port.is_some() && state != "drained" {
        cx.target.may_connect().map_err(|error| Failure::new(format!("wait_for: {error}")))?;
    }
    let wait = Wait { start, args };
    match (state.as_str(), path, port) {
        ("drained", ..) => wait.drained(cx)?,
        (_, None, None) => sleep(cx, args.int("timeout").unwrap_or(0))?,
        ("absent" | "stopped", path, port) => wait.stopped(cx, path.as_deref(), port)?,
        (_, Some(path), _) => wait.file(cx, &path, pattern.as_ref(), &mut found)?,
        (_, None, Some(port)) => wait.port(cx, port, pattern.as_ref(), &mut found)?,
    }
    let given = |name: &str| args.get(name).cloned().unwrap_or(Data::Null);
    Ok(Outcome::silent()
        .with("state", state)
        .with("port", given("port"))
        .with("search_regex", given("search_regex"))
        .with("match_groups", found.groups)
        .with("match_groupdict", found.named)
        .with("path", given("path"))
        .with("elapsed", elapsed(cx, start)))
}

/// What options exclude each other.
fn check(args: &Args) -> Result<(), Failure> {
    let refuse = |msg: String| Err(Failure::new(msg).with("elapsed", 0));
    let path = args.str("path").is_some_and(|path| !path.is_empty());
    let state = args.req("state");
    if args.int("port").is_some_and(|port| port != 0) && path {
        return refuse("port and path parameter can not both be passed to wait_for".into());
    }
    if path && matches!(state, "stopped" | "drained") {
        return refuse(format!(
            "state={state} should only be used for checking a port in the wait_for module"
        ));
    }
    if args.is_given("exclude_hosts") && state != "drained" {
        return refuse("exclude_hosts should only be with state=drained".into());
    }
    for state in args.strings("active_connection_states") {
        if connections::state_number(&state).is_none() {
            return refuse(format!("unknown active_connection_state ({state}) defined"));
        }
    }
    Ok(())
}

fn sleep(cx: &mut Context<'_>, seconds: i64) -> Result<(), Failure> {
    let Ok(seconds) = u64::try_from(seconds) else {
        return Err(Failure::crash("ValueError", "sleep length must be non-negative"));
    };
    cx.target.sleep(Duration::from_secs(seconds));
    match cx.target.cancelled() {
        true => Err(Failure::new("the call was cancelled while it waited")),
        false => Ok(()),
    }
}

/// Whole seconds, those of full days left out, as ansible reads them from a difference of times.
fn elapsed(cx: &mut Context<'_>, start: Time) -> i64 {
    (cx.target.now().as_f64() - start.as_f64()).floor().rem_euclid(86_400.0) as i64
}

struct Wait<'a> {
    start: Time,
    args: &'a Args,
}

impl Wait<'_> {
    /// Seconds until the time is over.
    fn left(&self, cx: &mut Context<'_>) -> f64 {
        let timeout = self.args.int("timeout").unwrap_or(0) as f64;
        self.start.as_f64() + timeout - cx.target.now().as_f64()
    }

    /// Look until it is as wanted; false if the time was over before.
    fn until(
        &self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&mut Context<'_>) -> Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        while self.left(cx) > 0.0 {
            if look(cx)? {
                return Ok(true);
            }
            sleep(cx, self.args.int("sleep").unwrap_or(0))?;
        }
        Ok(false)
    }

    fn fail(&self, cx: &mut Context<'_>, usual: String) -> Failure {
        let own = self.args.str("msg").filter(|msg| !msg.is_empty());
        Failure::new(own.map_or(usual, String::from)).with("elapsed", elapsed(cx, self.start))
    }

    fn host(&self) -> &str {
        self.args.req("host")
    }

    fn stopped(
        &self,
        cx: &mut Context<'_>,
        path: Option<&str>,
        port: Option<i64>,
    ) -> Result<(), Failure> {
        let limit = self.args.int("connect_timeout").unwrap_or(5) as f64;
        let done = self.until(cx, |cx| {
            Ok(match (path, port) {
                (Some(path), _) => !cx.target.access(Path::new(path), Access::Exists),
                (None, port) => match connect(cx, self.host(), port.unwrap_or(0), limit) {
                    Ok(stream) => stream.shutdown(Shutdown::Both).is_err(),
                    Err(_) => true,
                },
            })
        })?;
        match (done, path) {
            (true, _) => Ok(()),
            (false, Some(path)) => {
                Err(self.fail(cx, format!("Timeout when waiting for {path} to be absent.")))
            }
            (false, None) => {
                let (host, port) = (self.host(), port.unwrap_or(0));
                Err(self.fail(cx, format!("Timeout when waiting for {host}:{port} to stop.")))
            }
        }
    }

    fn file(
        &self,
        cx: &mut Context<'_>,
        path: &str,
        pattern: Option<&Pattern>,
        found: &mut Found,
    ) -> Result<(), Failure> {
        let done = self.until(cx, |cx| {
            if let Err(error) = cx.target.stat(Path::new(path)) {
                if error.kind() == io::ErrorKind::NotFound {
                    return Ok(false);
                }
                let text = format!("Failed to stat {path}, {}", python::strerror(&error));
                return Err(self.fail(cx, text));
            }
            let Some(pattern) = pattern else { return Ok(true) };
            let Ok(content) = cx.target.read(Path::new(path)) else { return Ok(false) };
            if content.is_empty() {
                // ansible-core 2.14 `wait_for`: maps the file into memory, which nobody can with an empty one.
                return Err(Failure::crash("ValueError", "cannot mmap an empty file"));
            }
            pattern.search(&content, found)
        })?;
        match (done, self.args.str("search_regex").filter(|text| !text.is_empty())) {
            (true, _) => Ok(()),
            (false, Some(text)) => {
                Err(self
                    .fail(cx, format!("Timeout when waiting for search string {text} in {path}")))
            }
            (false, None) => Err(self.fail(cx, format!("Timeout when waiting for file {path}"))),
        }
    }

    fn port(
        &self,
        cx: &mut Context<'_>,
        port: i64,
        pattern: Option<&Pattern>,
        found: &mut Found,
    ) -> Result<(), Failure> {
        let limit = self.args.int("connect_timeout").unwrap_or(5) as f64;
        let done = self.until(cx, |cx| {
            let limit = limit.min(self.left(cx).ceil());
            let Ok(mut stream) = connect(cx, self.host(), port, limit) else { return Ok(false) };
            let said = match pattern {
                None => true,
                Some(pattern) => self.says(cx, &mut stream, pattern, found)?,
            };
            // The other side may have gone already, which is no failure of ours.
            let _ = stream.shutdown(Shutdown::Both);
            Ok(said)
        })?;
        let host = self.host();
        match (done, self.args.str("search_regex").filter(|text| !text.is_empty())) {
            (true, _) => Ok(()),
            (false, Some(text)) => Err(self.fail(
                cx,
                format!("Timeout when waiting for search string {text} in {host}:{port}"),
            )),
            (false, None) => Err(self.fail(cx, format!("Timeout when waiting for {host}:{port}"))),
        }
    }

    /// Whether the text comes before the other side closes or the time is over.
    fn says(
        &self,
        cx: &mut Context<'_>,
        stream: &mut TcpStream,
        pattern: &Pattern,
        found: &mut Found,
    ) -> Result<bool, Failure> {
        let failed = |error: io::Error| Failure::crash("OSError", format!("{error}"));
        // Short waits, so that a cancellation is seen.
        stream.set_read_timeout(Some(Duration::from_millis(200))).map_err(failed)?;
        let mut said = Vec::new();
        let mut piece = [0; 1024];
        while self.left(cx) > 0.0 && !cx.target.cancelled() {
            match stream.read(&mut piece) {
                Ok(0) => return Ok(false),
                Ok(length) => said.extend_from_slice(&piece[..length]),
                Err(error) if is_wait(&error) => continue,
                Err(error) => return Err(failed(error)),
            }
            if pattern.search(&said, found)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn drained(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        let counted = connections::Counted::of(cx, self.args)?;
        if self.until(cx, |cx| Ok(counted.count(cx) == 0))? {
            return Ok(());
        }
        let port = self.args.get("port").map_or_else(|| "None".into(), python::text);
        Err(self.fail(cx, format!("Timeout when waiting for {}:{port} to drain", self.host())))
    }
}

fn is_wait(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Connect to the first address that answers.
fn connect(cx: &mut Context<'_>, host: &str, port: i64, limit: f64) -> io::Result<TcpStream> {
    let port = u16::try_from(port).map_err(io::Error::other)?;
    let found =
        resolve::addresses(cx.target, host).map_err(|error| io::Error::other(error.to_string()))?;
    let limit = Duration::try_from_secs_f64(limit)
        .ok()
        .filter(|limit| !limit.is_zero())
        .ok_or_else(|| io::Error::other("no time to connect"))?;
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in found {
        match TcpStream::connect_timeout(&SocketAddr::from((address, port)), limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use crate::call::Call;
    use crate::data::Map;
    use crate::target::fake::Fake;
    use crate::target::system::System;
    use serde_json::json;

    fn on(fake: &mut Fake, args: serde_json::Value) -> Map {
        Call::new("wait_for", args).run_on(fake)
    }

    #[test]
    fn what_does_not_go_together() {
        for (args, msg) in [
            (
                json!({"port": 1, "path": "/x"}),
                "port and path parameter can not both be passed to wait_for",
            ),
            (
                json!({"path": "/x", "state": "drained"}),
                "state=drained should only be used for checking a port in the wait_for module",
            ),
            (
                json!({"port": 1, "exclude_hosts": ["a"]}),
                "exclude_hosts should only be with state=drained",
            ),
            (
                json!({"port": 1, "active_connection_states": ["ODD"]}),
                "unknown active_connection_state (ODD) defined",
            ),
        ] {
            let result = on(&mut Fake::new(), args);
            assert_eq!(result["msg"], msg);
            assert_eq!(result["elapsed"], 0);
        }
    }

    #[test]
    fn files_and_time() {
        let mut fake = Fake::new().file("/there", "a line\n");
        let result = on(&mut fake, json!({"path": "/there"}));
        assert_eq!((&result["elapsed"], &result["path"]), (&json!(0), &json!("/there")));
        let result = on(&mut fake, json!({"path": "/nowhere", "timeout": 7, "sleep": 2}));
        assert_eq!(result["msg"], "Timeout when waiting for file /nowhere");
        assert_eq!(result["elapsed"], 8);
        let result = on(&mut fake, json!({"path": "/there", "state": "absent", "timeout": 3}));
        assert_eq!(result["msg"], "Timeout when waiting for /there to be absent.");
        let result = on(&mut fake, json!({"timeout": 90, "delay": 10}));
        assert_eq!(result["elapsed"], 100);
        let result = on(&mut fake, json!({"path": "/nowhere", "timeout": 1, "msg": "never came"}));
        assert_eq!(result["msg"], "never came");
    }

    #[test]
    fn ports() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let on = |args| Call::new("wait_for", args).run_on(&mut System::new());
        assert_eq!(on(json!({"port": port}))["port"], port);
        let result = on(json!({"port": port, "state": "stopped", "timeout": 1}));
        assert_eq!(result["msg"], format!("Timeout when waiting for 127.0.0.1:{port} to stop."));
        drop(listener);
        assert_eq!(on(json!({"port": port, "state": "stopped"}))["state"], "stopped");
        let result = on(json!({"port": port, "timeout": 1}));
        assert_eq!(result["msg"], format!("Timeout when waiting for 127.0.0.1:{port}"));
    }

    #[test]
    fn connections_that_end() {
        let mut fake = Fake::new().file(
            "/proc/net/tcp",
            "  sl  local_address rem_address   st\n   0: 0100007F:1F90 0100007F:C000 01 x\n",
        );
        let result = on(&mut fake, json!({"port": 8080, "state": "drained", "timeout": 2}));
        assert_eq!(result["msg"], "Timeout when waiting for 127.0.0.1:8080 to drain");
        let args = json!({"port": 8080, "state": "drained", "exclude_hosts": ["127.0.0.1"]});
        assert_eq!(on(&mut fake, args)["state"], "drained");
        let args = json!({"port": 8081, "state": "drained"});
        assert_eq!(on(&mut fake, args)["state"], "drained");
    }
}
