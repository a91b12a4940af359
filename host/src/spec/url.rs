//! Options of every module that speaks HTTP.

use crate::spec::Opt;

/// How a server is reached, and who asks; [`crate::context::request`] reads them.
pub static URL_OPTIONS: &[Opt] = &[
    Opt::str("url").doc("The address, beginning with `http://`, `https://` or `file://`."),
    Opt::bool("force").or(false).doc("Ask for a fresh copy, whatever is there already."),
    Opt::str("http_agent")
        .or_str("ansible-httpget")
        .doc("What the request says of its client (`User-Agent`)."),
    Opt::bool("use_proxy")
        .or(true)
        .doc("Whether the proxies that the host's environment names are used."),
    Opt::bool("validate_certs").or(true).doc("Whether a server must prove who it is."),
    Opt::str("url_username").doc("The user for authentication."),
    Opt::str("url_password").no_log().doc("The password for authentication."),
    Opt::bool("force_basic_auth")
        .or(false)
        .doc("Send the credentials before the server asks for them."),
    Opt::path("client_cert")
        .doc("A file with the certificate that proves who asks, and perhaps its key."),
    Opt::path("client_key").doc("A file with the key of that certificate."),
    Opt::bool("use_gssapi").or(false).doc("Authenticate by Kerberos; not supported yet."),
];
