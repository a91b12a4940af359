//! `synchronize`: rsync between the controller, or the host that the task is delegated to, and the
//! task's own host.

use super::{Action, ActionContext, ActionError, ActionFuture, Outcome, Remote};
use crate::{
    connection::Transport,
    playbook::keywords,
    value::{Dict, Value},
};

/// Has rsync run beside the files.
pub static ACTION: Action = Action { name: "synchronize", bypass_host_loop: false, run };

/// Names of the machine itself.
const LOCALHOST: &[&str] = &["127.0.0.1", "localhost", "::1"];

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(synchronize(cx))
}

/// The two machines, and how one gets to the other.
struct Way {
    /// The task's host as rsync's ssh calls it.
    host: String,
    user: Option<String>,
    port: i64,
    /// Whether rsync runs on the machine whose files it writes or reads.
    local: bool,
    /// Whether ansible itself reaches the task's host, or its delegate, without ssh.
    transport_local: bool,
}

async fn synchronize(cx: &mut ActionContext<'_>) -> Outcome {
    let args = cx.args.copy();
    let delegate = cx.fields.delegate_to.clone();
    let transport_local = cx.remote.is_local();
    let name = cx.worker.host.to_string();
    let variable = |name: &str| rendered(cx, name);
    let address = variable("ansible_host")?;
    let ids: Vec<&str> = std::iter::once(name.as_str()).chain(address.as_deref()).collect();
    let itself = delegate.as_deref().is_some_and(|to| ids.contains(&to));
    let local = match &delegate {
        None => transport_local,
        Some(_) => itself,
    };
    let on_delegate = itself || delegate.is_some() && !transport_local;
    let own = cx.host_endpoint()?;
    let port = i64::from(own.connection.port.unwrap_or(22));
    let host = match itself {
        true => "127.0.0.1".to_owned(),
        false => address.clone().unwrap_or_else(|| name.clone()),
    };
    let set_user = cx.truth("set_remote_user", true).unwrap_or(true);
    let user = own.connection.user.clone().filter(|_| set_user && !local);
    if args.get("dest_port").is_none_or(|port| port.is_none()) {
        args.insert("dest_port", Value::Int(port));
    }
    args.insert(
        "_local_rsync_path",
        variable("ansible_rsync_path")?.unwrap_or_else(|| "rsync".into()),
    );
    if args.remove("use_ssh_args").is_some_and(|on| keywords::to_bool(&on).unwrap_or(false))
        && own.connection.transport != Transport::Local
    {
        let ssh = &own.connection.ssh;
        let all = [&ssh.args, &ssh.common_args, &ssh.extra_args];
        let all: Vec<&str> = all.iter().map(|a| a.as_str()).filter(|a| !a.is_empty()).collect();
        args.insert("ssh_args", all.join(" "));
    }
    let (Some(src), Some(dest)) = (cx.text("src"), cx.text("dest")) else {
        return Err(ActionError::result(
            "synchronize requires both src and dest parameters are set",
        ));
    };
    let way = Way { host, user, port, local, transport_local };
    paths(cx, &args, &way, &src, &dest);
    if !local {
        let given = args.get("private_key").filter(|key| !key.is_none());
        let key = given.or_else(|| own.connection.private_key_file.as_deref().map(Value::str));
        args.insert("private_key", key.unwrap_or(Value::None));
    }
    if let Some(password) = &own.connection.password {
        args.insert("_local_rsync_password", password.reveal());
    }
    if !local
        && args.get("rsync_path").is_none_or(|path| path.is_none())
        && let Some(becoming) = &own.r#become
        && cx.fields.become_method == "sudo"
    {
        args.insert("rsync_path", format!("sudo -u {} rsync", becoming.user));
    }
    let remote = match (on_delegate || transport_local, local) {
        // rsync's own end is where privileges are needed, and it gets them by `rsync_path`.
        (true, false) => cx.remote.without_become(),
        (true, true) => cx.remote.clone(),
        (false, _) => Remote::controller(&cx.remote),
    };
    remote.module(cx, "ansible.posix.synchronize", args, Vec::new()).await
}

/// A variable of the task's host as text; none if it is not set.
fn rendered(cx: &ActionContext<'_>, name: &str) -> Result<Option<String>, ActionError> {
    let Some(raw) = cx.templar.raw(name) else { return Ok(None) };
    let value = cx.templar.render(&raw, &crate::template::RenderOptions::default())?;
    Ok((!value.is_none()).then(|| value.to_text()))
}

/// Source and destination as rsync is to see them.
fn paths(cx: &ActionContext<'_>, args: &Dict, way: &Way, src: &str, dest: &str) {
    let (src, dest) = if way.local {
        (absolute(cx, src), absolute(cx, dest))
    } else if args.get("mode").is_some_and(|mode| mode.to_text() == "pull") {
        (there(cx, args, way, src), absolute(cx, dest))
    } else {
        (absolute(cx, src), there(cx, args, way, dest))
    };
    args.insert("src", src);
    args.insert("dest", dest);
}

/// A path on the task's host.
fn there(cx: &ActionContext<'_>, args: &Dict, way: &Way, path: &str) -> String {
    let is_localhost = LOCALHOST.contains(&way.host.as_str());
    if is_localhost && way.transport_local && way.port == 22 {
        return absolute(cx, path);
    }
    if is_localhost && way.port == 22 {
        args.insert("_substitute_controller", true);
    }
    if path.starts_with("rsync://") {
        return path.to_owned();
    }
    let user = way.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    match way.host.contains(':') {
        true => format!("[{user}{}]:{path}", way.host),
        false => format!("{user}{}:{path}", way.host),
    }
}

/// A local path: relative ones are looked for among the playbook's or the role's files.
fn absolute(cx: &ActionContext<'_>, path: &str) -> String {
    if path.contains(':') || path.starts_with('/') {
        return path.to_owned();
    }
    let found = cx.find("files", path.trim_end_matches('/'));
    let base = || cx.worker.play.play.basedir.join(path);
    let found = found.unwrap_or_else(|_| base()).display().to_string();
    match path.ends_with('/') && !found.ends_with('/') {
        true => format!("{found}/"),
        false => found,
    }
}
