//! One exchange: a request and those that follow from its answers.

use std::collections::HashMap;

use crate::http::auth::Credentials;
use crate::http::cookies::Jar;
use crate::http::message::Response;
use crate::http::url::{self, Url};
use crate::http::{Error, Follow, Request};

/// The request that is made next, and what led to it.
pub(super) struct Exchange {
    pub url: String,
    pub method: String,
    pub body: Option<Vec<u8>>,
    /// Headers that redirected requests carry too.
    pub headers: Vec<(String, String)>,
    /// Headers of this request alone.
    pub own: Vec<(String, String)>,
    pub cookies: Jar,
    credentials: Option<Credentials>,
    visited: HashMap<String, u32>,
}

/// What to do after a response that is not a good one.
pub(super) enum Next {
    /// The exchange has been set to another request.
    Again,
    /// It is the end, with another reason where there is one.
    Fail(Option<String>),
    Refuse(Error),
}

/// Python's limits.
const MOST_REDIRECTS: usize = 10;
const MOST_TO_ONE: u32 = 4;

const LOOP: &str = "The HTTP server returned a redirect error that would lead to an infinite loop.\n\
                    The last 30x error message was:\n";

/// Set a header, whatever the case of its name was before.
fn set(headers: &mut Vec<(String, String)>, name: &str, value: &str) {
    match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, known)) => value.clone_into(known),
        None => headers.push((name.into(), value.into())),
    }
}

impl Exchange {
    pub(super) fn new(
        request: &Request,
        url: String,
        credentials: Option<Credentials>,
    ) -> Exchange {
        let mut headers = Vec::new();
        if let Some(agent) = request.agent.as_deref().filter(|agent| !agent.is_empty()) {
            set(&mut headers, "User-agent", agent);
        }
        if request.force {
            set(&mut headers, "Cache-control", "no-cache");
        } else if let Some(time) = request.newer_than {
            set(&mut headers, "If-modified-since", &date(time));
        }
        let mut own = Vec::new();
        let alone =
            |name: &str| request.unredirected.iter().any(|known| known.eq_ignore_ascii_case(name));
        let forced = credentials.as_ref().and_then(Credentials::unasked);
        let forced = forced.map(|value| ("Authorization".to_owned(), value));
        for (name, value) in request.headers.iter().chain(&forced) {
            set(if alone(name) { &mut own } else { &mut headers }, name, value);
        }
        Exchange {
            url,
            method: request.method.clone(),
            body: request.body.clone(),
            headers,
            own,
            cookies: Jar::default(),
            credentials,
            visited: HashMap::new(),
        }
    }

    /// What follows from a response.
    pub(super) fn next(&mut self, request: &Request, response: &Response) -> Next {
        match response.status {
            401 => self.authorize(response),
            301 | 302 | 303 | 307 | 308 => self.redirect(request.follow, response),
            _ => Next::Fail(None),
        }
    }

    fn authorize(&mut self, response: &Response) -> Next {
        let Some(credentials) = &self.credentials else { return Next::Fail(None) };
        let tried = |(name, _): &(String, String)| name == "Authorization";
        if self.own.iter().any(tried) {
            return Next::Fail(None);
        }
        match credentials.answer(&self.method, &Url::split(&self.url), response) {
            Ok(Some(header)) => {
                set(&mut self.own, "Authorization", &header);
                Next::Again
            }
            Ok(None) => Next::Fail(None),
            Err(text) => Next::Refuse(Error::Value(text)),
        }
    }

    fn redirect(&mut self, follow: Follow, response: &Response) -> Next {
        let Some(location) =
            response.headers.get("location").or_else(|| response.headers.get("uri"))
        else {
            return Next::Fail(None);
        };
        let mut to = Url::split(location);
        if !matches!(to.scheme.as_str(), "http" | "https" | "ftp" | "") {
            return Next::Fail(Some(format!(
                "{} - Redirection to url '{location}' is not allowed",
                response.reason
            )));
        }
        if to.path.is_empty() && !to.netloc.is_empty() {
            to.path = "/".into();
        }
        // Headers are Latin-1: each letter is the byte that came.
        let bytes: Vec<u8> = to.join().chars().map(|char| char as u8).collect();
        let punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
        let new = url::resolved(&self.url, &url::quoted(&bytes, punctuation));
        let status = response.status;
        let quiet = matches!(self.method.as_str(), "GET" | "HEAD");
        let allowed = match follow {
            Follow::None => false,
            Follow::All => true,
            Follow::Safe => quiet,
            Follow::Urllib => quiet || (self.method == "POST" && matches!(status, 301..=303)),
        };
        if !allowed {
            return Next::Fail(None);
        }
        let times = self.visited.get(&new).copied().unwrap_or(0);
        if times >= MOST_TO_ONE || self.visited.len() >= MOST_REDIRECTS {
            return Next::Fail(Some(format!("{LOOP}{}", response.reason)));
        }
        self.visited.insert(new.clone(), times + 1);
        self.follow(follow, status);
        self.url = new;
        Next::Again
    }

    /// Set the method, and leave aside what the next request must not carry.
    fn follow(&mut self, follow: Follow, status: u16) {
        self.own.clear();
        let payload = follow != Follow::Urllib && matches!(status, 307 | 308);
        if payload {
            return;
        }
        self.body = None;
        self.headers.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            let framing = follow != Follow::Urllib && name == "transfer-encoding";
            !matches!(name.as_str(), "content-length" | "content-type") && !framing
        });
        let becomes_get = match follow {
            Follow::Urllib => true,
            _ => {
                (matches!(status, 302 | 303) && self.method != "HEAD")
                    || (status == 301 && self.method == "POST")
            }
        };
        if becomes_get {
            self.method = "GET".into();
        }
    }
}

/// `Fri, 09 Nov 2001 01:08:47 GMT`
fn date(time: i64) -> String {
    let at = crate::clock::Calendar::at(crate::target::Time::at(time), 0);
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let months =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        days.get(at.weekday as usize).unwrap_or(&""),
        at.day,
        months.get(at.month as usize - 1).unwrap_or(&""),
        at.year,
        at.hour,
        at.minute,
        at.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(1_005_268_127), "Fri, 09 Nov 2001 01:08:47 GMT");
    }
}
