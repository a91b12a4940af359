//! `slack`: messages in channels of Slack.

use crate::data::{Data, Map};
use crate::http::Request;
use crate::module::{Args, CheckMode, Context, Failure, Kind, Lit, Module, Opt, Outcome, Returned};
use crate::python::{self, Subject};
use crate::spec::dumps;

pub static MODULE: Module = Module {
    collection: "community.general",
    aliases: &["ansible.builtin.slack"],
    description: "Sends a message to a channel of Slack, by a webhook or by the web API; the latter can change one too.",
    options: &[
        Opt::str("domain").doc("The team's domain, for tokens of old."),
        Opt::str("token")
            .required()
            .no_log()
            .doc("The webhook's (`A/B/C`), or one of the web API (`xoxb-…`)."),
        Opt::str("msg").doc("The text."),
        Opt::str("channel").doc("The channel, if not the webhook's own."),
        Opt::str("thread_id").doc("The message that this one answers."),
        Opt::str("message_id").since("1.2.0").doc("The message to change."),
        Opt::str("username").or_str("Ansible").doc("Who says it."),
        Opt::str("icon_url")
            .or_str("https://docs.ansible.com/favicon.ico")
            .doc("The face beside it."),
        Opt::str("icon_emoji").doc("The face beside it, an emoji."),
        Opt::int("link_names")
            .or_int(1)
            .choices(&[Lit::Int(0), Lit::Int(1)])
            .doc("Make links of names of channels and people."),
        Opt::str("parse")
            .choices(&[Lit::Str("full"), Lit::Str("none")])
            .doc("What Slack makes of the text."),
        Opt::bool("validate_certs").or(true).doc("Whether the certificate must be right."),
        Opt::str("color")
            .or_str("normal")
            .doc("`good`, `warning`, `danger`, or `#rrggbb`: a stripe beside the text."),
        Opt::list("attachments", Kind::Dict).doc("What else is shown."),
        Opt::list("blocks", Kind::Dict).since("1.0.0").doc("What else is shown, as blocks."),
        Opt::str("prepend_hash")
            .or_str("auto")
            .choices(&[Lit::Str("always"), Lit::Str("auto"), Lit::Str("never")])
            .since("6.1.0")
            .doc("Whether a `#` is put before the channel."),
    ],
    check_mode: CheckMode::Full,
    returns: &[
        Returned::new("ts", "str", "by the web API", "The message's id."),
        Returned::new("channel", "str", "by the web API", "The channel's id."),
        Returned::new("api", "dict", "by the web API", "The answer."),
        Returned::new("payload", "str", "by the web API", "What was sent."),
    ],
    examples: "- name: Tell the others\n  community.general.slack:\n    token: \"{{ slack_token }}\"\n    msg: '{{ inventory_hostname }} is deployed'\n",
    ..Module::builtin("slack", "Sends messages to Slack", run)
};

const API: &str = "https://slack.com/api";

fn run(cx: &mut Context<'_>, args: &mut Args) -> Result<Outcome, Failure> {
    let color = args.req("color");
    if !["normal", "good", "warning", "danger"].contains(&color) && !is_hex_color(color) {
        return Err(Failure::new(
            "Color value specified should be either one of ['normal', 'good', 'warning', 'danger'] \
             or any valid hex value with length 3 or 6.",
        ));
    }
    let mut changed = true;
    if let Some(id) = args.str("message_id") {
        let message = message(cx, args, id)?;
        let compared = ["icon_url", "icon_emoji", "link_names", "color", "attachments", "blocks"];
        changed = compared.iter().any(|key| {
            message.get(*key).unwrap_or(&Data::Null) != args.get(key).unwrap_or(&Data::Null)
        });
        if cx.check || !changed {
            let told = |key: &str| message.get(key).cloned().unwrap_or_default();
            return Ok(Outcome::new(changed)
                .with("ts", told("ts"))
                .with("channel", told("channel")));
        }
    } else if cx.check {
        return Ok(Outcome::new(true));
    }
    let payload = payload(args)?;
    let answer = send(cx, args, &payload)?;
    let Some(answer) = answer else { return Ok(Outcome::silent().msg("OK")) };
    if answer["ok"] != Data::Bool(true) {
        return Err(Failure::new("Slack API error").with("error", answer["error"].clone()));
    }
    Ok(Outcome::new(changed)
        .with("ts", answer["ts"].clone())
        .with("channel", answer["channel"].clone())
        .with("payload", dumps(&Data::Object(payload)))
        .with("api", answer))
}

fn is_hex_color(color: &str) -> bool {
    let digits = color.strip_prefix('#').unwrap_or_default();
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// What is sent.
fn payload(args: &Args) -> Result<Map, Failure> {
    let mut all = Map::new();
    let mut attachments: Vec<Data> = Vec::new();
    match (args.str("msg"), args.req("color")) {
        (Some(text), "normal") => {
            all.insert("text".into(), text.into());
        }
        (Some(text), color) => {
            // Only attachments have colors.
            let entries = [
                ("text", Data::from(text)),
                ("color", color.into()),
                ("mrkdwn_in", vec!["text"].into()),
            ];
            let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value));
            attachments.push(entries.collect::<Map>().into());
            all.insert("attachments".into(), Data::Null);
        }
        (None, _) => {}
    }
    if let Some(channel) = args.str("channel") {
        let known = ["#", "@", "C0", "GF", "G0", "CP"];
        let hash = match args.req("prepend_hash") {
            "auto" => !known.iter().any(|start| channel.starts_with(start)),
            choice => choice == "always",
        };
        let hash = if hash { "#" } else { "" };
        all.insert("channel".into(), format!("{hash}{channel}").into());
    }
    let icon = if args.is_given("icon_emoji") { "icon_emoji" } else { "icon_url" };
    let others = [
        ("thread_ts", "thread_id"),
        ("username", "username"),
        (icon, icon),
        ("link_names", "link_names"),
        ("parse", "parse"),
        ("ts", "message_id"),
    ];
    for (key, option) in others {
        all.extend(args.get(option).map(|value| (key.to_owned(), value.clone())));
    }
    for attachment in args.list("attachments").unwrap_or_default() {
        let mut attachment = attachment.as_object().cloned().unwrap_or_default();
        if !attachment.contains_key("fallback") {
            let text = attachment.get("text").cloned();
            let text = text.ok_or_else(|| Failure::crash("KeyError", "'text'"))?;
            attachment.insert("fallback".into(), text);
        }
        attachments.push(attachment.into());
    }
    if !attachments.is_empty() || args.is_given("attachments") {
        all.insert("attachments".into(), attachments.into());
    }
    all.extend(args.get("blocks").map(|blocks| ("blocks".to_owned(), blocks.clone())));
    Ok(all)
}

fn headers(token: Option<&str>) -> Vec<(String, String)> {
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json; charset=UTF-8".to_owned()),
        ("Accept".to_owned(), "application/json".to_owned()),
    ];
    headers.extend(token.map(|token| ("Authorization".to_owned(), format!("Bearer {token}"))));
    headers
}

/// Send it; the web API's answer.
fn send(cx: &mut Context<'_>, args: &Args, payload: &Map) -> Result<Option<Data>, Failure> {
    let token = args.req("token");
    let by_api = ["xoxa-", "xoxb-", "xoxp-"].iter().any(|start| {
        token
            .strip_prefix(start)
            .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
    });
    let webhook = token.matches('/').count() >= 2;
    let url = match (webhook, by_api, args.str("domain")) {
        (true, ..) => format!("https://hooks.slack.com/services/{token}"),
        (_, true, _) if payload.contains_key("ts") => format!("{API}/chat.update"),
        (_, true, _) => format!("{API}/chat.postMessage"),
        (.., Some(domain)) if !domain.is_empty() => {
            format!("https://{domain}/services/hooks/incoming-webhook?token={token}")
        }
        _ => {
            return Err(Failure::new(
                "Slack has updated its webhook API.  You need to specify a token of the form \
                 XXXX/YYYY/ZZZZ in your playbook",
            ));
        }
    };
    let by_api = by_api && !webhook;
    let data = dumps(&Data::Object(payload.clone()));
    let shown = if by_api { url.as_str() } else { "https://hooks.slack.com/services/[obscured]" };
    let failed = format!(" failed to send {data} to {shown}");
    let request = Request {
        method: "POST".into(),
        body: Some(data.into_bytes()),
        headers: headers(by_api.then_some(token)),
        validate_certs: args.bool("validate_certs"),
        ..Request::get(url)
    };
    let mut fetched = cx.fetch(request)?;
    match (&mut fetched.response, fetched.status) {
        (Some(response), Some(200)) if by_api => Ok(Some(read(&mut response.body)?)),
        (_, Some(200)) => Ok(None),
        _ => Err(Failure::new(format!("{failed}: {}", fetched.msg()))),
    }
}

fn read(body: &mut crate::http::Body) -> Result<Data, Failure> {
    let bytes = body
        .read_all()
        .map_err(|error| Failure::crash("OSError", python::os_error(&error, Subject::None)))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::crash("json.decoder.JSONDecodeError", error))
}

/// The message that shall be changed.
fn message(cx: &mut Context<'_>, args: &Args, id: &str) -> Result<Data, Failure> {
    let quote = |text: &str| {
        let byte = |b: u8| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                char::from(b).to_string()
            }
            b' ' => "+".to_owned(),
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    let channel = quote(args.str("channel").unwrap_or("None"));
    let url = format!(
        "{API}/conversations.history?channel={channel}&ts={}&limit=1&inclusive=true",
        quote(id)
    );
    let request = Request {
        headers: headers(Some(args.req("token"))),
        validate_certs: args.bool("validate_certs"),
        ..Request::get(url)
    };
    let mut fetched = cx.fetch(request)?;
    let (Some(response), Some(200)) = (&mut fetched.response, fetched.status) else {
        return Err(Failure::new("failed to get slack message"));
    };
    let answer = read(&mut response.body)?;
    match answer["messages"].as_array().map(Vec::as_slice) {
        Some([one]) => Ok(one.clone()),
        Some([]) => Err(Failure::new(format!("no messages matching ts: {id}"))),
        Some(_) => Err(Failure::new(format!("more than 1 message matching ts: {id}"))),
        None => Err(Failure::crash("KeyError", "'messages'")),
    }
}

#[cfg(test)]
mod tests {
    use crate::call::Call;
    use crate::target::fake::Fake;
    use serde_json::{Value, json};

    fn call(args: Value) -> Value {
        Call::new("slack", args).check().run_on(&mut Fake::new()).into()
    }

    #[test]
    fn colors() {
        assert_eq!(call(json!({"token": "a/b/c", "color": "#12abCF"}))["changed"], true);
        let told = call(json!({"token": "a/b/c", "color": "#12"}));
        assert!(told["msg"].to_string().contains("valid hex value"), "{told}");
    }
}
