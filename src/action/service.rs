//! `service`: the host's own service manager, whatever it is.

use super::{Action, ActionContext, ActionFuture, package};
use crate::event::Event;

/// Hands on to the host's service manager.
pub static ACTION: Action = Action { name: "service", bypass_host_loop: false, run };

/// Options of `service` that mean nothing to systemd.
const UNUSED_BY_SYSTEMD: &[&str] = &["pattern", "runlevel", "sleep", "arguments", "args"];

fn run<'a>(cx: &'a mut ActionContext<'_>) -> ActionFuture<'a> {
    Box::pin(async move {
        let mut module = cx.text("use").unwrap_or_else(|| "auto".to_owned()).to_lowercase();
        if module == "auto" {
            module = package::fact(cx, "service_mgr").await?;
        }
        if module == "auto" || vmstation_host::module::find(&module).is_none() {
            "service".clone_into(&mut module);
        }
        let args = cx.args.copy();
        args.remove("use");
        if module == "systemd" {
            for unused in UNUSED_BY_SYSTEMD {
                if args.remove(unused).is_some() {
                    cx.worker.play.run.events.send(Event::Warning(format!(
                        "Ignoring \"{unused}\" as it is not used in \"systemd\""
                    )));
                }
            }
        }
        package::hand_on(cx, &module, args).await
    })
}
