//! Cookies and places of signing in, and what the session endpoint answers to a cookie.

use std::pin::pin;
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use url::Url;

use postern_domain::session::Person;
use postern_domain::time::Timestamp;
use postern_registry::error::Result;
use postern_registry::ports::{Clock, SessionAnswer, Sessions};
use postern_registry::session;
use postern_wire::sign_in::{COOKIE_PATH, COOKIES, for_browser, for_origin, is_end, is_place};

use crate::bytes::Bytes;
use crate::json::second;

const OWN: &str = "https://gate.example";

static HERE: LazyLock<Url> = LazyLock::new(|| Url::parse(OWN).expect("a URL"));

/// Nothing but the three cookies passes; a browser goes to no other place than a second reader of URLs says.
pub fn cookies(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    match bytes.below(4) {
        0 => came(&bytes.rest_text()),
        1 => set(&bytes.rest_text()),
        2 => places(&bytes.rest_text()),
        _ => {
            let status = [200, 204, 302, 401, 500, 599][bytes.below(6)];
            answered(status, bytes.rest());
        }
    }
}

fn is_cookie(pair: &str) -> bool {
    let octet = |b: u8| matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    pair.split_once('=')
        .is_some_and(|(name, value)| COOKIES.contains(&name) && value.bytes().all(octet))
}

fn came(header: &str) {
    let Some(kept) = for_origin(header) else {
        return;
    };
    let pairs: Vec<&str> = kept.split("; ").collect();
    assert!((1..=COOKIES.len()).contains(&pairs.len()), "{kept}");
    for pair in &pairs {
        assert!(is_cookie(pair), "{pair}");
        assert!(
            header.split(';').any(|piece| piece.trim() == *pair),
            "{pair} of {header}"
        );
    }
    assert_eq!(for_origin(&kept).as_deref(), Some(&*kept));
}

fn set(header: &str) {
    for is_https in [false, true] {
        let cookies = for_browser(header, is_https);
        assert!(cookies.len() <= COOKIES.len());
        for cookie in cookies {
            let mut parts = cookie.split("; ");
            let pair = parts.next().expect("a pair");
            assert!(
                is_cookie(pair) && header.contains(pair),
                "{pair} of {header}"
            );
            let attributes: Vec<&str> = parts.collect();
            let path = format!("Path={COOKIE_PATH}");
            assert_eq!(
                attributes[..4],
                [&*path, "Max-Age=600", "HttpOnly", "SameSite=Lax"]
            );
            assert!(!is_https || attributes[4..] == ["Secure"]);
        }
    }
}

/// As a browser on a page of the gateway reads it.
fn places(location: &str) {
    if is_place(location) {
        let url = HERE.join(location).unwrap_or_else(|_| HERE.clone());
        assert!(
            ["http", "https"].contains(&url.scheme()),
            "{location}: {url}"
        );
        if location.starts_with('/') {
            assert_eq!(url.origin(), HERE.origin(), "{location}: {url}");
        }
    }
    if is_end(location, OWN) {
        assert!(is_place(location));
        let Ok(url) = HERE.join(location) else {
            return;
        };
        let host = url.host_str().unwrap_or_default();
        let is_near = ["localhost", "127.0.0.1", "[::1]"].contains(&host);
        assert!(
            is_near || url.origin() == HERE.origin(),
            "{location}: {url}"
        );
    }
}

/// A world with one answer of the endpoint.
struct Answers(u16, Vec<u8>);

impl Clock for Answers {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_900_000_000_000)
    }
}

impl Sessions for Answers {
    fn remembered(&self, _: &[u8; 32]) -> Option<Rc<Person>> {
        None
    }

    fn remember(&self, _: [u8; 32], _: &Rc<Person>, until: Timestamp) {
        assert!(until > self.now());
    }

    async fn ask(&self, _: &str, _: &str) -> Result<SessionAnswer> {
        Ok(SessionAnswer {
            status: self.0,
            body: self.1.clone(),
        })
    }
}

fn answered(status: u16, body: &[u8]) {
    let world = Answers(status, body.to_vec());
    let mut verified = pin!(session::verify("https://cp.example/session", "a=b", &world));
    let Poll::Ready(told) = verified
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    else {
        panic!("it has no reason to wait");
    };
    let Ok(person) = told else {
        return;
    };
    assert_eq!(status, 200);
    let Some(read) = second::<Value>(body) else {
        return;
    };
    assert_eq!(read["user_id"], person.user.as_str());
    let organizations = read["organizations"].as_array().expect("a list");
    assert_eq!(organizations.len(), person.memberships.len());
    let mut names: Vec<&str> = Vec::new();
    for (told, found) in organizations.iter().zip(&person.memberships) {
        assert_eq!(told["name"], found.organization.as_str());
        assert_eq!(told["role"], found.role.as_str());
        names.push(&found.organization);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names.len(),
        person.memberships.len(),
        "two roles in one organization"
    );
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let rows: [(u8, &str); 18] = [
        (0, "oauthState=a; session=x; oauthCallback=b;longLived=true"),
        (0, "oauthState=a; oauthState=b; OauthState=c"),
        (0, "oauthState=\"a\"; oauthCallback=a,b"),
        (
            1,
            "oauthState=a; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT, longLived=x; Secure",
        ),
        (1, "session=a, oauthState=b; Domain=example.com"),
        (1, "oauthState=\"a, b\"; HttpOnly"),
        (2, "/auth/callback?code=a"),
        (2, "//evil.example/"),
        (2, "/\\evil.example"),
        (2, "https://gate.example/x"),
        (2, "https://gate.example@evil.example/"),
        (2, "http://localhost:8080/cb?t=1"),
        (2, "http://[::1]:80/"),
        (2, "http://127.0.0.1.evil.example/"),
        (2, "https:gate.example"),
        (2, "https://gate.example:443\u{9}/"),
        (
            3,
            "\u{0}{\"user_id\":\"u1\",\"organizations\":[{\"name\":\"acme\",\"role\":\"admin\"}]}",
        ),
        (
            3,
            "\u{0}{\"user_id\":\"u1\",\"user_id\":\"u2\",\"organizations\":[]}",
        ),
    ];
    rows.map(|(kind, text)| [&[kind], text.as_bytes()].concat())
        .to_vec()
}
