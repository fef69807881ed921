//! `grpc-timeout`: how long the caller waits. What the gRPC protocol does not define is an error.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::status::{Code, Status};

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The timeout in these headers: 1 to 8 digits and a unit (`H`, `M`, `S`, `m`, `u`, `n`).
pub fn of(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let mut all = headers.get_all(GRPC_TIMEOUT).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    let parsed = value.to_str().ok().and_then(parse);
    match (parsed, all.next()) {
        (Some(timeout), None) => Ok(Some(timeout)),
        _ => Err(Status::new(
            Code::INVALID_ARGUMENT,
            "grpc-timeout must be 1 to 8 digits and one of H, M, S, m, u, n",
        )),
    }
}

fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    // 8 digits of hours are 3.6e11 s: no overflow.
    match unit {
        'H' => Some(Duration::from_secs(number * 3600)),
        'M' => Some(Duration::from_secs(number * 60)),
        'S' => Some(Duration::from_secs(number)),
        'm' => Some(Duration::from_millis(number)),
        'u' => Some(Duration::from_micros(number)),
        'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts() {
        for (text, milliseconds) in [
            ("1H", Some(3_600_000)),
            ("2M", Some(120_000)),
            ("3S", Some(3000)),
            ("250m", Some(250)),
            ("5000u", Some(5)),
            ("7000000n", Some(7)),
            ("0S", Some(0)),
            ("99999999H", Some(359_999_996_400_000)),
            ("100000000H", None),
            ("1", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("1s", None),
            ("1 S", None),
            ("1.5S", None),
            ("1\u{e9}", None),
        ] {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn two_timeouts_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), Ok(None));
        headers.append(GRPC_TIMEOUT, "1S".parse().unwrap());
        assert_eq!(of(&headers), Ok(Some(Duration::from_secs(1))));
        headers.append(GRPC_TIMEOUT, "2S".parse().unwrap());
        assert_eq!(of(&headers).unwrap_err().code, Code::INVALID_ARGUMENT);
    }
}
