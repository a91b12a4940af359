use super::*;
use crate::target::fake::Fake;
use crate::target::system::System;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

/// A server that gives one answer after the other, and what it was asked.
fn serving(answers: Vec<&'static str>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let thread = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).expect("a line") == 0 {
                    break;
                }
            }
            asked.push(head);
            stream.write_all(answer.as_bytes()).expect("an answer");
        }
        asked
    });
    (format!("http://{address}"), thread)
}

fn request(url: String) -> Request {
    Request { use_proxy: false, use_netrc: false, ..Request::get(url) }
}

#[test]
fn a_plain_answer() {
    let (url, server) = serving(vec![
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello, more",
    ]);
    let mut headers = request(format!("{url}/a?b#c"));
    headers.headers = vec![("x-test".into(), "v".into())];
    let mut response = open(&mut System::new(), headers).expect("an answer");
    assert_eq!(response.body.read_all().expect("a body"), b"hello");
    assert_eq!(response.headers.all("x-a").collect::<Vec<_>>(), ["1", "2"]);
    let asked = server.join().expect("a server");
    assert!(asked[0].starts_with("GET /a?b HTTP/1.1\r\n"), "{asked:?}");
    for line in ["X-Test: v\r\n", "User-Agent: ansible-httpget\r\n", "Connection: close\r\n"] {
        assert!(asked[0].contains(line), "{asked:?}");
    }
}

#[test]
fn chunks_and_cookies_and_redirects() {
    let (url, server) = serving(vec![
        "HTTP/1.1 302 Found\r\nLocation: /b c\r\nSet-Cookie: k=v; Path=/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n",
    ]);
    let mut response = open(&mut System::new(), request(format!("{url}/a"))).expect("an answer");
    assert_eq!(response.body.read_all().expect("a body"), b"abcde");
    assert_eq!(response.url, format!("{url}/b%20c"));
    assert_eq!(response.cookies, [("k".to_owned(), "v".to_owned())]);
    assert!(server.join().expect("a server")[1].contains("Cookie: k=v\r\n"));
}

#[test]
fn credentials_wait_until_they_are_asked_for() {
    let (url, server) = serving(vec![
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 OK\r\n\r\n",
    ]);
    let mut asked = request(url);
    (asked.username, asked.password) = (Some("me".into()), Some("pw".into()));
    assert_eq!(open(&mut System::new(), asked).expect("an answer").status, 204);
    let asked = server.join().expect("a server");
    assert!(!asked[0].contains("Authorization"));
    assert!(asked[1].contains("Authorization: Basic bWU6cHc=\r\n"));
}

#[test]
fn failures_are_pythons() {
    let text = |url: &str| {
        open(&mut System::new(), request(url.into())).expect_err("a failure").to_string()
    };
    assert_eq!(text("http://127.0.0.1:1/"), "<urlopen error [Errno 111] Connection refused>");
    assert_eq!(text("odd"), "unknown url type: 'odd'");
    assert_eq!(text("odd://x"), "<urlopen error unknown url type: odd>");
    assert_eq!(
        text("http://127.0.0.1/a b"),
        "URL can't contain control characters. '/a b' (found at least ' ')"
    );
    assert_eq!(
        text("http://127.0.0.1/ä"),
        "'ascii' codec can't encode character '\\xe4' in position 5: ordinal not in range(128)"
    );
    assert_eq!(
        text("file:///no/such"),
        "<urlopen error [Errno 2] No such file or directory: '/no/such'>"
    );
    let (url, _server) = serving(vec!["HTTP/1.1 404 Not Found\r\n\r\nbody", "", "what\r\n"]);
    assert_eq!(text(&url), "HTTP Error 404: Not Found");
    assert_eq!(text(&url), "Remote end closed connection without response");
    assert_eq!(text(&url), "what\r\n");
}

#[test]
fn files() {
    let mut fake = Fake::new().file("/a b", "content");
    let mut response = open(&mut fake, request("file:///a%20b".into())).expect("a file");
    assert_eq!(response.body.read_all().expect("a body"), b"content");
    assert_eq!(response.headers.get("content-length"), Some("7"));
}
