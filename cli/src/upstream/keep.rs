//! How long running attestations keep a replaced credential: a span such as `2h`, in seconds.

use postern_domain::upstream::MAX_KEEP_SECONDS;

/// Reads `0`, `90s`, `30m`, `2h` or `1d`.
///
/// # Errors
/// What is wrong with it, for a flag's error.
pub fn seconds(text: &str) -> Result<u32, String> {
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        Some(number) => (number, text.get(number.len()..).unwrap_or_default()),
        None => (text, ""),
    };
    let length = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        // A number alone could be meant in any unit.
        _ if number == "0" => 1,
        _ => return Err("give a span such as 30m, 2h or 1d, or 0".to_owned()),
    };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        return Err("give a span such as 30m, 2h or 1d, or 0".to_owned());
    }
    let seconds = number.parse::<u32>().ok();
    let seconds = seconds.and_then(|number| number.checked_mul(length));
    seconds
        .filter(|seconds| *seconds <= MAX_KEEP_SECONDS)
        .ok_or_else(|| "the longest span is 1d (24h)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_in_seconds() {
        for (text, meant) in [
            ("0", 0),
            ("0s", 0),
            ("90s", 90),
            ("30m", 1_800),
            ("2h", 7_200),
            ("24h", 86_400),
            ("1d", 86_400),
            ("1440m", 86_400),
            ("86400s", 86_400),
        ] {
            assert_eq!(seconds(text), Ok(meant), "{text}");
        }
    }

    #[test]
    fn what_no_span_is() {
        let form = Err("give a span such as 30m, 2h or 1d, or 0".to_owned());
        for text in [
            "", "2", "7200", "h", "-1h", "+1h", "1.5h", "2 h", "2H", "1w",
        ] {
            assert_eq!(seconds(text), form, "{text:?}");
        }
        let long = Err("the longest span is 1d (24h)".to_owned());
        for text in ["86401s", "25h", "2d", "4294967295h", "99999999999h"] {
            assert_eq!(seconds(text), long, "{text:?}");
        }
    }
}
