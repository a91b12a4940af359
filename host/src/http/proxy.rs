//! Proxies that the environment names, as `urllib` reads it.

use crate::http::auth;
use crate::http::url::{Url, unquote};
use crate::target::Target;

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Proxy {
    pub host: String,
    pub port: Option<u16>,
    /// Whether the proxy itself is spoken to through TLS.
    pub tls: bool,
    /// `Proxy-authorization`.
    pub authorization: Option<String>,
}

/// The proxy for an address, if there is one.
pub(super) fn of(target: &dyn Target, url: &Url) -> Option<Proxy> {
    let named =
        variable(target, &format!("{}_proxy", url.scheme)).filter(|text| !text.is_empty())?;
    if bypassed(&variable(target, "no_proxy").unwrap_or_default(), url.authority()) {
        return None;
    }
    let full = if named.contains("://") { named } else { format!("{}://{named}", url.scheme) };
    let proxy = Url::split(&full);
    let authorization = proxy.netloc.rsplit_once('@').and_then(|(credentials, _)| {
        let (user, password) = credentials.split_once(':')?;
        Some(auth::basic(&unquote(user), &unquote(password)))
    });
    Some(Proxy {
        host: proxy.host(),
        port: proxy.port_text().and_then(|port| port.parse().ok()),
        tls: url.scheme == "http" && proxy.scheme == "https",
        authorization,
    })
}

/// The lower-case name wins.
fn variable(target: &dyn Target, name: &str) -> Option<String> {
    target.env(name).or_else(|| target.env(&name.to_ascii_uppercase()))
}

fn bypassed(no_proxy: &str, authority: &str) -> bool {
    if no_proxy == "*" {
        return true;
    }
    let authority = authority.to_ascii_lowercase();
    let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, port)| {
        if port.chars().all(|char| char.is_ascii_digit()) { host } else { &authority }
    });
    no_proxy.split(',').map(|name| name.trim().trim_start_matches('.').to_ascii_lowercase()).any(
        |name| {
            let below = format!(".{name}");
            !name.is_empty()
                && [host, &authority].iter().any(|known| **known == name || known.ends_with(&below))
        },
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::target::fake::Fake;

    #[test]
    fn the_environment_names_them() {
        let fake = Fake::new()
            .with_env("http_proxy", "http://u:p%20w@proxy:3128")
            .with_env("HTTPS_PROXY", "proxy2")
            .with_env("no_proxy", "localhost, .inner.lan,10.0.0.1:81");
        let of = |url| of(&fake, &Url::split(url));
        let proxy = of("http://x/").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy", Some(3128)));
        assert_eq!(proxy.authorization, Some(auth::basic("u", "p w")));
        assert_eq!(of("https://x/").unwrap().host, "proxy2");
        for url in ["http://localhost:8/", "http://a.inner.lan/", "http://10.0.0.1:81/"] {
            assert_eq!(of(url), None, "{url}");
        }
        assert!(of("http://10.0.0.1/").is_some());
    }
}
