//! `url`: what web servers answer.

use std::{path::PathBuf, time::Duration};

use vmstation_host::{
    http::{self, Follow, Request},
    target::system::System,
};

use super::{
    Call, Lookup,
    call::into_text,
    lines::lines,
    options::{Default, Opt, Options, Type},
};
use crate::{
    template::templar::ansible,
    value::{PyError, PyErrorKind, PyResult, Value, access, repr::to_text},
};

pub(super) static LOOKUP: Lookup = Lookup::builtin(
    "url",
    "The contents of web addresses, line by line.",
    &[
        Opt::new("validate_certs", Type::Bool).default(Default::Bool(true)),
        Opt::new("split_lines", Type::Bool).default(Default::Bool(true)),
        Opt::new("use_proxy", Type::Bool).default(Default::Bool(true)),
        Opt::new("username", Type::Text),
        Opt::new("password", Type::Text),
        Opt::new("headers", Type::Dict).default(Default::Dict),
        Opt::new("force", Type::Bool)
            .default(Default::Bool(false))
            .elsewhere("ansible_lookup_url_force", "ANSIBLE_LOOKUP_URL_FORCE"),
        Opt::new("timeout", Type::Float)
            .default(Default::Int(10))
            .elsewhere("ansible_lookup_url_timeout", "ANSIBLE_LOOKUP_URL_TIMEOUT"),
        Opt::new("http_agent", Type::Text)
            .default(Default::Text("ansible-httpget"))
            .elsewhere("ansible_lookup_url_agent", "ANSIBLE_LOOKUP_URL_AGENT"),
        // ansible-core 2.14 reads this one where it reads the agent.
        Opt::new("force_basic_auth", Type::Bool)
            .default(Default::Bool(false))
            .elsewhere("ansible_lookup_url_agent", "ANSIBLE_LOOKUP_URL_AGENT"),
        Opt::new("follow_redirects", Type::Text).default(Default::Text("urllib2")).elsewhere(
            "ansible_lookup_url_follow_redirects",
            "ANSIBLE_LOOKUP_URL_FOLLOW_REDIRECTS",
        ),
        Opt::new("use_gssapi", Type::Bool)
            .default(Default::Bool(false))
            .elsewhere("ansible_lookup_url_use_gssapi", "ANSIBLE_LOOKUP_URL_USE_GSSAPI"),
        Opt::new("use_netrc", Type::Bool)
            .default(Default::Bool(true))
            .elsewhere("ansible_lookup_url_use_netrc", "ANSIBLE_LOOKUP_URL_USE_NETRC"),
        Opt::new("unix_socket", Type::Text)
            .elsewhere("ansible_lookup_url_unix_socket", "ANSIBLE_LOOKUP_URL_UNIX_SOCKET"),
        Opt::new("ca_path", Type::Text)
            .elsewhere("ansible_lookup_url_ca_path", "ANSIBLE_LOOKUP_URL_CA_PATH"),
        Opt::new("unredirected_headers", Type::List)
            .elsewhere("ansible_lookup_url_unredir_headers", "ANSIBLE_LOOKUP_URL_UNREDIR_HEADERS"),
        Opt::new("ciphers", Type::List)
            .elsewhere("ansible_lookup_url_ciphers", "ANSIBLE_LOOKUP_URL_CIPHERS"),
    ],
    run,
);

fn run(call: &Call<'_>) -> PyResult<Vec<Value>> {
    let options = call.options()?;
    for (name, given) in
        [("ciphers", !options.get("ciphers").is_none()), ("use_gssapi", options.is("use_gssapi"))]
    {
        if given {
            return Err(ansible(format!("the url lookup's `{name}` is not supported yet")));
        }
    }
    let mut found = Vec::new();
    for term in call.each()? {
        let url = to_text(&term)?;
        let mut response = http::open(&mut System::new(), request(&url, &options)?)
            .map_err(|e| failure(&url, &e))?;
        let content = response.body.read_all().map_err(|e| {
            PyError::new(PyErrorKind::OSError, crate::diagnostic::ansible::os_error(&e, None))
        })?;
        if options.is("split_lines") {
            found.extend(lines(&content));
        } else {
            found.push(Value::from(into_text(content)));
        }
    }
    Ok(found)
}

fn request(url: &str, options: &Options) -> PyResult<Request> {
    let path = |name: &str| options.text(name).map(|text| text.map(PathBuf::from));
    let mut headers = Vec::new();
    if let Some(given) = access::as_dict(&options.get("headers")) {
        for (name, value) in given.snapshot() {
            headers.push((to_text(name.value())?, to_text(&value)?));
        }
    }
    let unredirected = match options.get("unredirected_headers") {
        Value::None => Vec::new(),
        names => access::iterate(&names)?.iter().map(to_text).collect::<PyResult<_>>()?,
    };
    let seconds = crate::template::args::to_float(&options.get("timeout"))?;
    let follow = options.text("follow_redirects")?.unwrap_or_default();
    Ok(Request {
        headers,
        unredirected,
        agent: options.text("http_agent")?,
        force: options.is("force"),
        timeout: Duration::try_from_secs_f64(seconds).ok(),
        follow: Follow::named(&follow),
        use_proxy: options.is("use_proxy"),
        username: options.text("username")?,
        password: options.text("password")?,
        force_basic_auth: options.is("force_basic_auth"),
        use_netrc: options.is("use_netrc"),
        validate_certs: options.is("validate_certs"),
        ca_path: path("ca_path")?,
        unix_socket: path("unix_socket")?,
        ..Request::get(url)
    })
}

/// What ansible makes of an error.
fn failure(url: &str, error: &http::Error) -> PyError {
    match error {
        http::Error::Status(_) => ansible(format!("Received HTTP error for {url} : {error}")),
        http::Error::Url(_) => ansible(format!("Failed lookup url for {url} : {error}")),
        http::Error::Socket(_) => PyError::new(PyErrorKind::OSError, error.to_string()),
        http::Error::BadStatusLine(_) => {
            PyError::new(PyErrorKind::Other("http.client.BadStatusLine"), error.to_string())
        }
        http::Error::Value(_) => PyError::value_error(error.to_string()),
        http::Error::Other("SSLValidationError", _) => {
            ansible(format!("Error validating the server's certificate for {url}: {error}"))
        }
        http::Error::Other("ConnectionError", _) => {
            ansible(format!("Error connecting to {url}: {error}"))
        }
        http::Error::Other(class, _) => PyError::new(PyErrorKind::Other(class), error.to_string()),
    }
}
