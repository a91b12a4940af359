//! Cookies, kept during one exchange.

use super::message::Headers;
use super::url::Url;

/// The cookies that servers have set.
#[derive(Debug, Clone, Default)]
pub(super) struct Jar(Vec<Cookie>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    /// Whether it is for hosts below the domain too.
    below: bool,
    path: String,
    secure: bool,
}

impl Jar {
    /// Keep what a response sets.
    pub(super) fn keep(&mut self, url: &Url, headers: &Headers) {
        for line in headers.all("set-cookie") {
            let mut parts = line.split(';');
            let first = parts.next().unwrap_or_default().trim();
            let (name, value) = first.split_once('=').unwrap_or((first, ""));
            let host = url.host();
            let mut cookie = Cookie {
                name: name.trim().to_owned(),
                value: value.trim().to_owned(),
                domain: host.clone(),
                below: false,
                path: default_path(&url.path),
                secure: false,
            };
            let mut gone = false;
            let mut foreign = false;
            for part in parts {
                let (key, value) = part.split_once('=').unwrap_or((part, ""));
                let value = value.trim();
                match key.trim().to_ascii_lowercase().as_str() {
                    "path" if value.starts_with('/') => cookie.path = value.to_owned(),
                    "secure" => cookie.secure = true,
                    "max-age" => gone |= value.parse::<i64>().is_ok_and(|age| age <= 0),
                    "expires" => gone |= is_over(value),
                    "domain" => {
                        let domain = value.trim_start_matches('.').to_ascii_lowercase();
                        foreign = host != domain && !host.ends_with(&format!(".{domain}"));
                        (cookie.domain, cookie.below) = (domain, true);
                    }
                    _ => {}
                }
            }
            if foreign || cookie.name.is_empty() {
                continue;
            }
            let same = |known: &Cookie| {
                known.name == cookie.name
                    && known.domain == cookie.domain
                    && known.path == cookie.path
            };
            match self.0.iter_mut().find(|known| same(known)) {
                Some(known) if !gone => *known = cookie,
                Some(_) => self.0.retain(|known| !same(known)),
                None if !gone => self.0.push(cookie),
                None => {}
            }
        }
    }

    /// The header for a request; longer paths come first.
    pub(super) fn header(&self, url: &Url) -> Option<String> {
        let host = url.host();
        let mut fitting: Vec<&Cookie> = self
            .0
            .iter()
            .filter(|cookie| {
                host == cookie.domain
                    || (cookie.below && host.ends_with(&format!(".{}", cookie.domain)))
            })
            .filter(|cookie| !cookie.secure || url.scheme == "https")
            .filter(|cookie| {
                let path = if url.path.is_empty() { "/" } else { &url.path };
                path.starts_with(&cookie.path)
            })
            .collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> =
            fitting.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Names and values.
    pub(super) fn pairs(&self) -> Vec<(String, String)> {
        self.0.iter().map(|cookie| (cookie.name.clone(), cookie.value.clone())).collect()
    }
}

fn default_path(path: &str) -> String {
    match path.rfind('/') {
        Some(0) | None => "/".into(),
        Some(end) => path[..end].to_owned(),
    }
}

/// Whether a date such as `Thu, 01 Jan 1970 00:00:00 GMT` has passed.
fn is_over(date: &str) -> bool {
    let numbers: Vec<i64> =
        date.split([' ', '-', ':', ',']).filter_map(|word| word.parse().ok()).collect();
    let month = MONTHS.iter().position(|name| date.to_ascii_lowercase().contains(name));
    let (Some(month), [day, year, hour, minute, second, ..]) = (month, numbers.as_slice()) else {
        return false;
    };
    let days = crate::clock::days_to(*year, month as u32 + 1, *day as u32);
    let at = days * 86_400 + hour * 3600 + minute * 60 + second;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.is_ok_and(|now| at < now.as_secs() as i64)
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_and_sent() {
        let mut jar = Jar::default();
        let url = Url::split("http://a.b/x/y");
        let headers = Headers::of(&[
            ("Set-Cookie", "one=1; Path=/"),
            ("Set-Cookie", "two=\"2 3\"; Path=/x; HttpOnly"),
            ("Set-Cookie", "gone=1; Max-Age=0"),
            ("Set-Cookie", "past=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
            ("Set-Cookie", "other=1; Domain=c.d"),
            ("Set-Cookie", "safe=1; Path=/; Secure"),
        ]);
        jar.keep(&url, &headers);
        assert_eq!(jar.header(&url).as_deref(), Some("two=\"2 3\"; one=1"));
        assert_eq!(jar.pairs().len(), 3);
        assert_eq!(jar.header(&Url::split("http://b/")), None);
    }
}
