//! `ORIGIN_HEADERS`: headers that every request to the origin carries, by which whatever stands in
//! front of it knows the gateway and lets nobody else through (R44).

use core::fmt;

use super::Config;
use super::origin_auth::web_origin;
use postern_domain::secret::Secret;
use postern_wire::forwarding::HOP_BY_HOP;

/// Most headers.
pub const MAX_ORIGIN_HEADERS: usize = 4;

/// Longest value of one, in bytes.
pub const MAX_ORIGIN_HEADER: usize = 1_024;

/// Beginnings of names that say something of the call itself.
const OF_CALLS: [&str; 12] = [
    "accept",
    "authorization",
    "chainloop-",
    "connect-",
    "content-",
    "cookie",
    "grpc-",
    "host",
    "postern-",
    "trace",
    "x-forwarded",
    "x-request-id",
];

/// A header for the origin.
pub struct OriginHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

impl fmt::Debug for OriginHeader {
    /// Without its value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OriginHeader")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// The headers for a request to this URL: of the origin's own scheme, host and port, or none.
    pub fn headers_for(&self, url: &str) -> &[OriginHeader] {
        match web_origin(url) == web_origin(&self.origin_url) {
            true => &self.origin_headers,
            false => &[],
        }
    }
}

/// Reads `Name:value` pairs, one a comma.
pub(super) fn read(text: Option<&str>, problems: &mut Vec<String>) -> Vec<OriginHeader> {
    let pairs = text.into_iter().flat_map(|text| text.split(','));
    let headers: Option<Vec<OriginHeader>> = pairs.map(one).collect();
    let headers = headers.filter(|headers| {
        let is_twice = |(at, own): (usize, &OriginHeader)| {
            headers
                .iter()
                .skip(at + 1)
                .any(|other| other.name == own.name)
        };
        headers.len() <= MAX_ORIGIN_HEADERS && !headers.iter().enumerate().any(is_twice)
    });
    headers.unwrap_or_else(|| {
        problems.push(format!(
            "ORIGIN_HEADERS must be at most {MAX_ORIGIN_HEADERS} different headers, \
             `Name:value,Name:value`: names that no call uses, and values of at most \
             {MAX_ORIGIN_HEADER} visible ASCII characters without `,`"
        ));
        Vec::new()
    })
}

fn one(pair: &str) -> Option<OriginHeader> {
    let (name, value) = pair.split_once(':')?;
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_of_calls = OF_CALLS.iter().any(|beginning| name.starts_with(beginning));
    let is_free = !is_of_calls && !HOP_BY_HOP.contains(&name.as_str());
    let is_value = (1..=MAX_ORIGIN_HEADER).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_graphic());
    (is_name && is_free && is_value).then(|| OriginHeader {
        name,
        value: Secret::new(value.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<(String, String)>, String> {
        let mut problems = Vec::new();
        let read = read(Some(text), &mut problems);
        match problems.pop() {
            Some(problem) => Err(problem),
            None => Ok(read
                .into_iter()
                .map(|header| (header.name, header.value.expose().to_owned()))
                .collect()),
        }
    }

    #[test]
    fn headers_for_the_origin_are_pairs_that_no_call_uses() {
        let longest = format!("a:{}", "v".repeat(MAX_ORIGIN_HEADER));
        let too_long = format!("{longest}v");
        for (text, expected) in [
            (
                "CF-Access-Client-Id:a.access, CF-Access-Client-Secret: b:c=",
                Some(vec![
                    ("cf-access-client-id", "a.access"),
                    ("cf-access-client-secret", "b:c="),
                ]),
            ),
            (
                "a:1,b:2,c:3,d:4",
                Some(vec![("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]),
            ),
            ("a:1,b:2,c:3,d:4,e:5", None),
            ("a:1,A:2", None),
            ("a", None),
            ("a:", None),
            (":v", None),
            ("a_b:v", None),
            ("a:v w", None),
            ("a:1,", None),
            ("Authorization:Bearer", None),
            ("Cookie:a=b", None),
            ("Connection:a", None),
            ("Postern-Assertion:a", None),
            ("X-Forwarded-For:1", None),
            (&too_long, None),
        ] {
            let expected = expected.map(|pairs| {
                let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
                pairs.into_iter().map(owned).collect::<Vec<_>>()
            });
            assert_eq!(names(text).ok(), expected, "{text}");
        }
        assert!(names(&longest).is_ok());
        let problem = names("secret-value").expect_err("no pair");
        assert!(problem.starts_with("ORIGIN_HEADERS must"), "{problem}");
        assert!(!problem.contains("secret-value"), "{problem}");
    }

    #[test]
    fn they_go_to_the_origin_and_nowhere_else() {
        let config = Config {
            origin_url: "https://origin.example/base".to_owned(),
            origin_headers: read(Some("a:v"), &mut Vec::new()),
            ..crate::testing::config()
        };
        for (url, count) in [
            ("https://origin.example/session", 1),
            ("https://Origin.example:443/session", 1),
            ("http://origin.example/session", 0),
            ("https://origin.example:8443/session", 0),
            ("https://origin.example.evil/session", 0),
            ("https://other.example/session", 0),
        ] {
            assert_eq!(config.headers_for(url).len(), count, "{url}");
        }
    }

    #[test]
    fn their_values_are_never_shown() {
        let shown = format!("{:?}", read(Some("a:secret"), &mut Vec::new()));
        assert!(shown.contains('a') && !shown.contains("secret"), "{shown}");
    }
}
