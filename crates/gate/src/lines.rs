//! Heads and plans as text, one line for each header, for a driver in another language: what crosses
//! to it and back is one string.

use postern_wire::headers::{Headers, Names, Plan};

use crate::onward::{Outbound, Outgoing};

/// Headers of a call whose values are read. The configured header with the client's address is one
/// more.
pub const READ_OF_CALLS: [&str; 12] = [
    "authorization",
    "connect-protocol-version",
    "connect-timeout-ms",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "grpc-encoding",
    "grpc-timeout",
    "postern-organization",
    "traceparent",
    "user-agent",
];

/// Headers of an answer to a call whose values are read.
pub const READ_OF_ANSWERS: [&str; 4] = [
    "content-type",
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
];

/// Headers that stand one a line: `name`, or `name:value` where the value is one that is read. Names
/// are in lower case; neither has a line end in it (RFC 9110, section 5.5).
#[derive(Debug)]
pub struct Lines<'a> {
    names: Names,
    values: Vec<(&'a str, &'a str)>,
}

impl<'a> Lines<'a> {
    /// Reads headers.
    pub fn read(lines: core::str::Split<'a, char>) -> Self {
        let mut values = Vec::with_capacity(READ_OF_CALLS.len());
        let name = |line: &'a str| match line.split_once(':') {
            Some((name, value)) => {
                values.push((name, value));
                name
            }
            None => line,
        };
        let lines = lines.filter(|line| !line.is_empty());
        let names = lines.map(name).collect();
        Self { names, values }
    }
}

impl Headers for Lines<'_> {
    fn names(&self) -> Names {
        self.names.clone()
    }

    fn value(&self, name: &str) -> Option<String> {
        let mut known = self.values.iter();
        let (_, value) = known.find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    }
}

/// A request for the origin whose body is the call's own: URL, method, milliseconds that it may
/// take, `1` where the platform is to convert gRPC-Web, `1` where it is to be cancelled when its time
/// is over, because its caller waits no longer, and then the [`edits`]. `None` = its body is another
/// one, or a value has a line end in it.
pub fn outbound(outbound: &Outbound, origin_url: &str) -> Option<String> {
    if *outbound.body() != Outgoing::AsItCame {
        return None;
    }
    let (method, target) = (outbound.method(), outbound.target());
    let patience = outbound.patience();
    let (ms, ends) = (patience.ms, u8::from(patience.callers));
    let converts = u8::from(outbound.converts());
    let edits = edits(outbound.headers())?;
    Some(format!(
        "{origin_url}{target}\n{method}\n{ms}\n{converts}\n{ends}{edits}"
    ))
}

/// What becomes of headers, a line each after a line end: `-name` is dropped, `=name:value` set, and
/// `+name:value` added. `None` = a value has a line end in it.
pub fn edits(plan: &Plan) -> Option<String> {
    let mut text = String::with_capacity(512);
    let mut line = |parts: [&str; 4]| {
        text.push('\n');
        parts.iter().for_each(|part| text.push_str(part));
    };
    for name in &plan.drop {
        line(["-", name, "", ""]);
    }
    let set = plan.set.iter();
    let set = set.map(|(name, value)| ("=", name.as_ref(), value.as_ref()));
    let append = plan.append.iter();
    let append = append.map(|(name, value)| ("+", name.as_str(), value.as_str()));
    for (kind, name, value) in set.chain(append) {
        if name.contains([':', '\n', '\r']) || value.contains(['\n', '\r']) {
            return None;
        }
        line([kind, name, ":", value]);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_with_the_values_that_came_along() {
        let lines = Lines::read("accept\ncontent-type:a/b; c=\"d:e\"\nx-empty:\n".split('\n'));
        let names = lines.names();
        let all: Vec<&str> = names.iter().collect();
        assert_eq!(all, ["accept", "content-type", "x-empty"]);
        assert_eq!(lines.value("accept"), None);
        assert_eq!(
            lines.value("content-type").as_deref(),
            Some("a/b; c=\"d:e\"")
        );
        assert_eq!(lines.value("x-empty").as_deref(), Some(""));
        assert_eq!(lines.value("x-absent"), None);
    }

    #[test]
    fn edits_are_lines_and_no_value_makes_two_of_one() {
        let mut plan = Plan {
            drop: vec!["cookie".to_owned()],
            ..Plan::default()
        };
        plan.set("x-request-id", "r1");
        plan.append
            .push(("server-timing".to_owned(), "gate;dur=1".to_owned()));
        assert_eq!(
            edits(&plan).as_deref(),
            Some("\n-cookie\n=x-request-id:r1\n+server-timing:gate;dur=1")
        );
        assert_eq!(edits(&Plan::default()).as_deref(), Some(""));
        for bad in ["a\nb", "a\rb", "a\r\n-authorization"] {
            let mut plan = Plan::default();
            plan.set("x-a", bad);
            assert_eq!(edits(&plan), None, "{bad:?}");
            let append = vec![("x-a".to_owned(), bad.to_owned())];
            let plan = Plan {
                append,
                ..Plan::default()
            };
            assert_eq!(edits(&plan), None, "{bad:?}");
        }
        let mut plan = Plan::default();
        plan.set("x:a", "b");
        assert_eq!(edits(&plan), None);
    }
}
