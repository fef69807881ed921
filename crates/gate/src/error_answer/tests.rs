//! Every error with its statuses, held to the table of docs/API.md, and what each form adds.

use postern_domain::decide::Denial;
use postern_domain::upstream::Reach;

use super::*;
use crate::error::{AuditTreeFault, JobFault};

const REQUEST: RefusedRequest<'_> = RefusedRequest {
    path: "/org/tokens",
    request_id: "r1",
};

/// One of each kind, with its HTTP and its gRPC status.
fn rows() -> Vec<(Error, u16, u8)> {
    let cause = || "a cause".to_owned();
    let (limit, retry_after_seconds) = (10, 60);
    vec![
        (CredentialError::Missing.into(), 401, 16),
        (CredentialError::Malformed("two").into(), 401, 16),
        (CredentialError::NoForm.into(), 401, 16),
        (CredentialError::Expired("row").into(), 401, 16),
        (CredentialError::Stale.into(), 401, 16),
        (CredentialError::Refused("unknown").into(), 401, 16),
        (Error::JobToken(JobFault::Off), 401, 16),
        (
            Error::TooManyFailures {
                cause: CredentialError::Stale,
                retry_after_seconds,
            },
            429,
            16,
        ),
        (Denial::Operation.into(), 403, 7),
        (Denial::UnknownRun.into(), 403, 7),
        (Error::CrossSite, 403, 7),
        (Error::ServiceWorker, 403, 7),
        (
            Error::invalid("limit_invalid", "`limit` must be 1 to 500"),
            400,
            3,
        ),
        (Error::NotFound { what: "token" }, 404, 12),
        (Error::Misdirected { cause: cause() }, 404, 12),
        (Error::Unregistered { detail: cause() }, 404, 12),
        (Error::MethodNotAllowed { allow: "GET, POST" }, 405, 12),
        (
            Error::Conflict {
                code: "name_taken",
                detail: cause(),
            },
            409,
            12,
        ),
        (Error::UpstreamUnset, 404, 12),
        (
            Error::UpstreamMissing {
                reach: Reach::Organization,
            },
            409,
            9,
        ),
        (Error::UpstreamRefused { cause: cause() }, 503, 14),
        (Error::BodyTimeout { seconds: 10 }, 408, 4),
        (Error::BodyTooLarge { limit: 9 }, 413, 8),
        (
            Error::MediaType {
                expected: "application/json",
            },
            415,
            3,
        ),
        (Error::Compressed { coding: None }, 415, 12),
        (Error::NativeGrpc, 415, 12),
        (Error::ConnectJson, 415, 12),
        (
            Error::MintRate {
                limit,
                retry_after_seconds,
            },
            429,
            8,
        ),
        (
            Error::MinterRate {
                limit,
                retry_after_seconds,
            },
            429,
            8,
        ),
        (
            Error::ReportRate {
                limit,
                retry_after_seconds,
            },
            429,
            8,
        ),
        (
            Error::CiTokenRate {
                limit,
                retry_after_seconds,
            },
            429,
            8,
        ),
        (
            Error::CallsExceeded {
                limit,
                retry_after_seconds,
            },
            429,
            8,
        ),
        (Error::AddressNotAllowed, 403, 7),
        (Error::MintCeiling { ceiling: 3 }, 429, 8),
        (Error::Origin { cause: cause() }, 502, 14),
        (Error::Unavailable { cause: cause() }, 503, 14),
        (Error::Forge { cause: cause() }, 503, 14),
        (Error::AuditTree(AuditTreeFault::KeysNotSet), 404, 12),
        (
            Error::AuditTree(AuditTreeFault::Behind { size: 1, log: 2 }),
            503,
            14,
        ),
        (
            Error::Misconfigured {
                problems: vec![cause()],
            },
            503,
            14,
        ),
        (Error::Deadline, 504, 4),
    ]
}

fn header<'a>(answer: &'a ErrorAnswer, name: &str) -> Option<&'a str> {
    let found = answer.headers.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.as_str())
}

fn grpc(error: &Error) -> ErrorAnswer {
    let form = RefusalForm::Grpc("application/grpc-web+proto");
    refusal(error, form, REQUEST)
}

#[test]
fn r34_every_error_has_its_statuses_and_the_document_says_so() {
    let api = std::fs::read_to_string("../../docs/API.md").expect("docs/API.md");
    for (error, http, status) in rows() {
        let problem = refusal(&error, RefusalForm::Problem, REQUEST);
        assert_eq!(
            (problem.status, problem.grpc_status),
            (http, None),
            "{error:?}"
        );
        let answer = grpc(&error);
        assert_eq!(
            (answer.status, answer.grpc_status),
            (200, Some(status)),
            "{error:?}"
        );
        assert_eq!(
            header(&answer, "grpc-status"),
            Some(status.to_string().as_str())
        );
        let connect = refusal(&error, RefusalForm::Connect, REQUEST);
        assert_eq!(connect.grpc_status, Some(status), "{error:?}");

        let code = match error {
            Error::Invalid { .. } => "one of the codes below".to_owned(),
            _ => format!("`{}`", error.code()),
        };
        let row = format!("| {code} | {http} | {status} |");
        assert!(api.contains(&row), "docs/API.md has no row `{row}`");
    }
}

#[test]
fn r34_no_form_has_a_status_that_stock_clients_repeat_for_minutes() {
    for (error, ..) in rows() {
        for form in [
            RefusalForm::Grpc("application/grpc-web"),
            RefusalForm::Connect,
        ] {
            assert_ne!(
                refusal(&error, form, REQUEST).grpc_status,
                Some(13),
                "{error:?}"
            );
        }
    }
}

#[test]
fn a_problem_document_says_what_is_wrong_and_is_kept_nowhere() {
    let answer = refusal(
        &Error::NotFound { what: "token" },
        RefusalForm::Problem,
        REQUEST,
    );
    assert_eq!(
        header(&answer, "content-type"),
        Some("application/problem+json")
    );
    assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    assert_eq!(
        answer.body.as_deref(),
        Some(
            r#"{"type":"urn:postern:problem:not_found","title":"Not Found","status":404,"detail":"no such token","code":"not_found","request_id":"r1"}"#
        )
    );
}

#[test]
fn headers_of_a_problem_document_follow_from_the_error() {
    let rows: [(Error, &str, &str); 9] = [
        (
            CredentialError::Missing.into(),
            "www-authenticate",
            r#"Bearer realm="postern""#,
        ),
        (
            CredentialError::Refused("revoked token").into(),
            "www-authenticate",
            r#"Bearer realm="postern", error="invalid_token", error_description="the credential was refused""#,
        ),
        (
            Error::MethodNotAllowed { allow: "GET" },
            "allow",
            "GET, HEAD, OPTIONS",
        ),
        (
            Error::Compressed { coding: None },
            "accept-encoding",
            "identity",
        ),
        (
            Error::MintRate {
                limit: 10,
                retry_after_seconds: 60,
            },
            "ratelimit-policy",
            r#""mint";q=10;w=3600"#,
        ),
        (
            Error::MinterRate {
                limit: 10,
                retry_after_seconds: 60,
            },
            "ratelimit",
            r#""minter";r=0;t=60"#,
        ),
        (
            Error::ReportRate {
                limit: 10,
                retry_after_seconds: 61,
            },
            "retry-after",
            "61",
        ),
        (
            Error::TooManyFailures {
                cause: CredentialError::Stale,
                retry_after_seconds: 7,
            },
            "retry-after",
            "7",
        ),
        (Error::unavailable("D1"), "retry-after", "1"),
    ];
    for (error, name, value) in rows {
        let answer = refusal(&error, RefusalForm::Problem, REQUEST);
        assert_eq!(header(&answer, name), Some(value), "{error:?}");
    }
}

#[test]
fn a_challenge_has_no_quote_of_its_own() {
    let error = CredentialError::Missing;
    for error in [
        error,
        CredentialError::Malformed("x"),
        CredentialError::Stale,
    ] {
        let answer = refusal(&error.into(), RefusalForm::Problem, REQUEST);
        let challenge = header(&answer, "www-authenticate").expect("a challenge");
        assert_eq!(challenge.matches('"').count() % 2, 0, "{challenge}");
        assert!(!challenge.contains('`'), "{challenge}");
    }
}

#[test]
fn r34_stock_clients_read_their_own_sentences() {
    for (error, message) in [
        (CredentialError::Missing, "JWT token is missing"),
        (CredentialError::Malformed("two"), "Token is invalid"),
        (CredentialError::NoForm, "Token is invalid"),
        (CredentialError::Expired("row"), "JWT token has expired"),
        (CredentialError::Stale, "Fail to parse JWT token%20"),
        (
            CredentialError::Refused("unknown"),
            "the credential was refused",
        ),
    ] {
        let answer = grpc(&error.into());
        assert_eq!(header(&answer, "grpc-message"), Some(message), "{error:?}");
        assert_eq!(answer.body, None);
    }
}

#[test]
fn a_denial_and_a_credential_have_a_detail_and_nothing_else_has() {
    for (error, ..) in rows() {
        let has = header(&grpc(&error), "grpc-status-details-bin").is_some();
        let expected = matches!(
            error,
            Error::Credential(_) | Error::JobToken(_) | Error::Denied(_) | Error::AddressNotAllowed
        );
        assert_eq!(has, expected, "{error:?}");
    }
    let malformed = detail(&CredentialError::NoForm.into()).expect("a detail");
    let named = grpc_status::error_info("UNAUTHORIZED", "credential_malformed");
    assert_eq!(malformed, named);
}

#[test]
fn connect_has_the_status_of_its_protocol_except_for_codec_and_method() {
    for (error, status) in [
        (Error::CrossSite, 403),
        (Error::NotFound { what: "route" }, 501),
        (Error::Compressed { coding: None }, 501),
        (Error::ConnectJson, 415),
        (Error::MethodNotAllowed { allow: "POST" }, 405),
        (
            Error::MediaType {
                expected: "application/proto",
            },
            415,
        ),
    ] {
        let answer = refusal(&error, RefusalForm::Connect, REQUEST);
        assert_eq!(answer.status, status, "{error:?}");
        assert_eq!(header(&answer, "content-type"), Some("application/json"));
    }
    let method = Error::MethodNotAllowed { allow: "POST" };
    let answer = refusal(&method, RefusalForm::Connect, REQUEST);
    assert_eq!(header(&answer, "allow"), Some("OPTIONS, POST"));
}

#[test]
fn options_is_told_the_methods_and_only_where_the_method_is_what_is_wrong() {
    let method = Error::MethodNotAllowed { allow: "GET" };
    let answer = options(&method, "OPTIONS").expect("an answer");
    assert_eq!((answer.status, answer.body.as_deref()), (204, None));
    assert_eq!(answer.headers, [("allow", "GET, HEAD, OPTIONS".to_owned())]);
    assert_eq!(options(&method, "POST"), None);
    assert_eq!(options(&Error::CrossSite, "OPTIONS"), None);
}

#[test]
fn routes_of_oauth_have_its_word_and_no_other_route_has() {
    let invalid = |code| Error::invalid(code, "");
    for (error, word) in [
        (CredentialError::Missing.into(), "invalid_client"),
        (Denial::Operation.into(), "unauthorized_client"),
        (invalid("unsupported_token_type"), "unsupported_token_type"),
        (invalid("body_invalid"), "invalid_request"),
        (Error::unavailable("D1"), "temporarily_unavailable"),
        (Error::JobToken(JobFault::Off), "invalid_grant"),
    ] {
        let word = format!(r#""error":"{word}""#);
        for (path, expected) in [("/oauth/introspect", true), ("/org/tokens", false)] {
            let request = RefusedRequest { path, ..REQUEST };
            let body = refusal(&error, RefusalForm::Problem, request).body;
            let body = body.expect("a body");
            assert_eq!(body.contains(&word), expected, "{path} {body}");
        }
    }
}

#[test]
fn readiness_names_every_problem_of_the_configuration() {
    let problems = vec!["A is wrong".to_owned(), "B is wrong".to_owned()];
    let answer = misconfigured(problems, "r1");
    assert_eq!(answer.status, 503);
    let body = answer.body.expect("a body");
    assert!(
        body.contains(r#""problems":["A is wrong","B is wrong"]"#),
        "{body}"
    );
    let elsewhere = Error::Misconfigured {
        problems: vec!["A is wrong".to_owned()],
    };
    let answer = refusal(&elsewhere, RefusalForm::Problem, REQUEST);
    assert!(!answer.body.expect("a body").contains("A is wrong"));
}
