//! Headers for a proxy or login in front of the gateway, such as the two of a service token
//! of Cloudflare Access: sent with every call of the gateway's API, to the gateway and nowhere else.

use http::{HeaderName, HeaderValue};

use crate::fail::{Failure, Kind, Outcome};

/// Most headers.
const MAX_HEADERS: usize = 4;
/// Longest value of one, in bytes.
const MAX_VALUE: usize = 1_024;
/// Beginnings of names that the calls themselves use, or that say how a message is read.
const OF_CALLS: [&str; 14] = [
    "accept",
    "authorization",
    "connection",
    "content-",
    "expect",
    "host",
    "keep-alive",
    "postern-",
    "prefer",
    "proxy-",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads `Name:value,Name:value`. An error never repeats a value.
///
/// # Errors
/// `Configuration`, with the form that was expected.
pub(super) fn parse(text: &str) -> Outcome<Vec<(HeaderName, HeaderValue)>> {
    let headers: Option<Vec<_>> = text.split(',').map(one).collect();
    let headers = headers.filter(|headers| {
        let is_twice = |(at, (name, _)): (usize, &(HeaderName, HeaderValue))| {
            headers.iter().skip(at + 1).any(|(other, _)| other == name)
        };
        headers.len() <= MAX_HEADERS && !headers.iter().enumerate().any(is_twice)
    });
    headers.ok_or_else(|| {
        let message = format!(
            "the headers for the gateway must be at most {MAX_HEADERS} different ones, \
             `Name:value,Name:value`, that no call uses itself"
        );
        Failure::new(Kind::Configuration, message)
            .hint("POSTERN_HEADERS, or `headers` in the configuration file")
    })
}

fn one(pair: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = pair.split_once(':')?;
    let name = HeaderName::try_from(name.trim()).ok()?;
    let of_calls = |start: &&str| match start.ends_with('-') || *start == "accept" {
        true => name.as_str().starts_with(*start),
        false => name.as_str() == *start,
    };
    let value = value.trim();
    let is_usable = (1..=MAX_VALUE).contains(&value.len())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if OF_CALLS.iter().any(of_calls) || !is_usable {
        return None;
    }
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read() {
        let found =
            parse("CF-Access-Client-Id: a.access ,CF-Access-Client-Secret:5ecret:x").unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let expected = [
            ("cf-access-client-id", "a.access"),
            ("cf-access-client-secret", "5ecret:x"),
        ];
        assert_eq!(found, expected);
        assert_eq!(parse("Cookie:CF_Authorization=x").unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_header_for_this_is_refused_without_its_value() {
        let long = format!("X-A:{}", "v".repeat(MAX_VALUE + 1));
        let rows = [
            "",
            "X-A",
            "X-A:",
            ":5ecret",
            "X A:5ecret",
            "X-A:5ecret,",
            "X-A:5ecret,x-a:5ecret",
            "X-A:1,X-B:2,X-C:3,X-D:4,X-E:5ecret",
            "X-A:5e\ncret",
            "X-A:5ecret\u{e9}",
            "Authorization:5ecret",
            "Host:5ecret",
            "Content-Type:5ecret",
            "Accept-Encoding:5ecret",
            "Postern-Organization:5ecret",
            "Transfer-Encoding:5ecret",
            &long,
        ];
        for row in rows {
            let failure = parse(row).expect_err(row);
            let shown = failure.to_string();
            assert!(shown.contains("Name:value"), "{shown}");
            assert!(
                !shown.contains("5ecret") && !shown.contains("vvv"),
                "{shown}"
            );
        }
    }
}
