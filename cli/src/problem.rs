//! Answers that are no success: one line and, where something can be done about it, a hint. Reads
//! the gateway's problem documents (RFC 9457), and says so when it was not the gateway that
//! answered.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::fail::{Failure, Kind};
use crate::text::{member, plain};

/// What to end with after this answer.
pub fn failure(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failure {
    let document: Option<Value> = content_type(headers)
        .starts_with("application/problem+json")
        .then(|| serde_json::from_slice(body).ok())
        .flatten();
    match document {
        Some(document) => of_document(status, headers, &document),
        None => of_stranger(status, headers),
    }
}

/// What to end with when a success is none that the gateway would give.
pub fn of_stranger(status: StatusCode, headers: &HeaderMap) -> Failure {
    let what = match content_type(headers).as_str() {
        "" => "no content type".to_owned(),
        some => plain(some),
    };
    let message = format!(
        "not an answer of a Postern gateway: HTTP {} ({what})",
        status.as_u16()
    );
    Failure::new(Kind::Unavailable, message)
        .hint("check the address, and what stands before the gateway")
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_ascii_lowercase()
}

fn of_document(status: StatusCode, headers: &HeaderMap, document: &Value) -> Failure {
    let code = member(document, "code");
    let mut message = member(document, "detail");
    for problem in document
        .get("problems")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let problem = problem.as_str().unwrap_or_default();
        message = format!("{message}; {}", plain(problem));
    }
    let request = member(document, "request_id");
    let message = format!("{message} ({code}, request {request})");
    let failure = Failure::new(kind(status), message);
    let detail = member(document, "detail");
    let hint = hint(&code, &detail).map(str::to_owned).or_else(|| {
        let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
        let seconds: u64 = seconds.parse().ok()?;
        Some(format!("try again in {seconds} s"))
    });
    Failure {
        hint,
        code: Some(code),
        ..failure
    }
}

fn kind(status: StatusCode) -> Kind {
    match status.as_u16() {
        401 => Kind::Credential,
        403 => Kind::NotAllowed,
        404 => Kind::NotFound,
        429 => Kind::Limit,
        400..500 => Kind::Refused,
        _ => Kind::Unavailable,
    }
}

/// What a person at a terminal can do about it.
fn hint(code: &str, detail: &str) -> Option<&'static str> {
    Some(match code {
        "not_found" => return where_to_look(detail),
        "workflow_of_other_project" => WORKFLOWS,
        "credential_missing" => {
            "give a credential: POSTERN_TOKEN, or `token` in the configuration file"
        }
        "credential_malformed" => {
            "check POSTERN_TOKEN: it must be the whole token and nothing else"
        }
        "credential_refused" => {
            "check POSTERN_TOKEN: the token may be revoked, or belong to another gateway"
        }
        "job_token_refused" => {
            "whoever has the policy `trust_rule:read` sees why: postern trust test"
        }
        "token_expired" | "token_stale" => {
            "create a new token; in a CI job, exchange a new job token: postern token exchange"
        }
        "organization_required" => "name it: --organization, or POSTERN_ORGANIZATION",
        "project_required" => "name a project: --project",
        "name_taken" => "choose another name, or revoke the token that has this one",
        "token_not_live" => "create a new token: postern token create",
        "federated_only" => {
            "this organization gives new tokens to CI jobs only: postern trust add, or postern org update \
             NAME --federated-only false"
        }
        "organization_paused" => {
            "whoever administers the organization can resume it: postern org resume NAME"
        }
        "address_not_allowed" => {
            "call from one of the token's ranges: whoever may list tokens sees them with postern token show TOKEN"
        }
        "lifetime_too_long" | "expiry_required" => "give an earlier end: --expiration 30d",
        "mint_ceiling_reached" => "see what can go: postern token list",
        "unavailable" | "origin_unavailable" | "misconfigured" => {
            "see what is wrong: postern doctor"
        }
        _ => return None,
    })
}

const WORKFLOWS: &str = "see what there is: postern workflow list --project PROJECT";

/// Where what was named wrongly can be found.
fn where_to_look(detail: &str) -> Option<&'static str> {
    Some(match detail.strip_prefix("no such ")? {
        "organization" => "see what there is: postern org list",
        "project" => "see what there is: postern project list",
        "workflow" => WORKFLOWS,
        "token" => "see what there is: postern token list --all",
        "trust rule" => "see what there is: postern trust list",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(status: u16, headers: &[(&'static str, &str)], body: &str) -> Failure {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, value.parse().unwrap())
            })
            .collect();
        failure(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
        )
    }

    const PROBLEM: (&str, &str) = ("content-type", "application/problem+json");

    #[test]
    fn documents_of_the_gateway() {
        for (status, code, kind, exit) in [
            (400, "name_invalid", Kind::Refused, 7),
            (401, "credential_refused", Kind::Credential, 4),
            (403, "other_project", Kind::NotAllowed, 5),
            (404, "not_found", Kind::NotFound, 6),
            (409, "name_taken", Kind::Refused, 7),
            (413, "body_too_large", Kind::Refused, 7),
            (429, "mint_rate_exceeded", Kind::Limit, 8),
            (502, "origin_unavailable", Kind::Unavailable, 9),
            (503, "unavailable", Kind::Unavailable, 9),
        ] {
            let body = json!({ "detail": "it is so", "code": code, "request_id": "r1" });
            let failure = of(status, &[PROBLEM], &body.to_string());
            assert_eq!(failure.kind, kind, "{code}");
            assert_eq!(failure.kind.code(), exit, "{code}");
            assert_eq!(failure.message, format!("it is so ({code}, request r1)"));
        }
    }

    #[test]
    fn hints() {
        let body = |code: &str| json!({ "detail": "d", "code": code }).to_string();
        let wait = ("retry-after", "42");
        let failure = of(429, &[PROBLEM, wait], &body("mint_rate_exceeded"));
        assert_eq!(failure.hint.as_deref(), Some("try again in 42 s"));
        let date = ("retry-after", "Sun, 22 Nov 2026 03:38:04 GMT");
        assert_eq!(of(429, &[PROBLEM, date], &body("x")).hint, None);
        let failure = of(503, &[PROBLEM, wait], &body("unavailable"));
        assert!(failure.hint.unwrap().contains("postern doctor"));
    }

    #[test]
    fn what_is_not_there_points_to_the_list() {
        for (what, hint) in [
            ("organization", Some("see what there is: postern org list")),
            ("project", Some("see what there is: postern project list")),
            ("workflow", Some(WORKFLOWS)),
            ("token", Some("see what there is: postern token list --all")),
            ("route", None),
        ] {
            let body = json!({ "detail": format!("no such {what}"), "code": "not_found" });
            let failure = of(404, &[PROBLEM], &body.to_string());
            assert_eq!(failure.hint.as_deref(), hint, "{what}");
        }
        let body = json!({ "detail": "d", "code": "workflow_of_other_project" });
        assert_eq!(
            of(400, &[PROBLEM], &body.to_string()).hint.as_deref(),
            Some(WORKFLOWS)
        );
    }

    #[test]
    fn all_problems_are_named_and_none_drives_the_terminal() {
        let body = json!({ "detail": "a\u{1b}b", "code": "c", "problems": ["p1", "p\n2"] });
        let failure = of(503, &[PROBLEM], &body.to_string());
        assert_eq!(failure.message, "a\\u{1b}b; p1; p\\u{a}2 (c, request )");
    }

    #[test]
    fn answers_of_strangers() {
        for (status, headers, body) in [
            (502, [("content-type", "text/html")], "<html>"),
            (404, [("content-type", "application/json")], "{}"),
            (500, [PROBLEM], "{cut"),
        ] {
            let failure = of(status, &headers, body);
            assert_eq!(failure.kind, Kind::Unavailable);
            let message = format!("not an answer of a Postern gateway: HTTP {status} (");
            assert!(failure.message.starts_with(&message), "{failure:?}");
        }
    }
}
