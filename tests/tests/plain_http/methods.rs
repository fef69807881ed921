//! HEAD, OPTIONS, conditional requests, and a GET that says that it is empty.

use postern_system_tests::http::Answer;
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use postern_system_tests::{cases, random_id};

use crate::support::{READ, Rest, STORE, raw};

pub fn cases() -> Vec<Case<Rest>> {
    cases![
        head_is_a_get_without_its_content,
        options_tells_what_there_is_and_lets_no_other_site_in,
        a_copy_that_is_still_good_is_not_sent_again,
        a_get_may_say_that_it_is_empty,
    ]
}

/// Every GET: of ours, and of the origin's.
fn gets() -> Vec<String> {
    let mut paths: Vec<String> = [
        "/healthz",
        "/openapi.json",
        "/.well-known/jwks.json",
        "/dashboard/",
        "/dashboard/app.js",
        "/org/tokens",
        "/org/projects",
        "/org/projects/shop/workflows",
        "/org/audit/checkpoints",
        "/infoz",
        "/statusz",
        "/discover/sha256:0",
        READ,
    ]
    .map(str::to_owned)
    .to_vec();
    paths.push(format!("/org/tokens/{}", random_id()));
    paths
}

/// Headers that are of one answer alone.
fn lasting(answer: &Answer) -> Vec<(String, String)> {
    let own = [
        "date",
        "server-timing",
        "x-request-id",
        "content-length",
        "transfer-encoding",
        "connection",
    ];
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    headers.sort();
    headers
}

async fn head_is_a_get_without_its_content(rest: &Rest) {
    rest.json();
    for path in gets() {
        let get = rest.call("GET", &path).send().await;
        let head = rest.call("HEAD", &path).send().await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        assert_eq!(lasting(&head), lasting(&get), "{path}");
        assert!(!get.body.is_empty(), "{path}");
        if let Some(length) = head.header("content-length") {
            assert_eq!(length, get.body.len().to_string(), "{path}");
        }
    }
    // The origin is asked as for a GET, by the one method that was decided on.
    rest.origin.heads();
    assert_eq!(rest.call("HEAD", READ).send().await.status, 200);
    assert!(
        rest.origin
            .only_head()
            .starts_with("GET /v1/attestations/sha256:0?project=shop ")
    );
    // What a GET is refused for, HEAD is.
    let strange = rest.gateway.call("HEAD", "/org/tokens").send().await;
    assert_eq!((strange.status, strange.body.len()), (401, 0));
    let elsewhere = rest.call("HEAD", "/v1/attestations/sha256:0").send().await;
    assert_eq!((elsewhere.status, elsewhere.body.len()), (400, 0));
    // A write has no HEAD.
    for path in [
        "/oauth/revoke",
        "/explain",
        "/leaks",
        "/org/tokens/revoke",
        STORE,
        FIND_OR_CREATE,
    ] {
        let answer = rest
            .call("HEAD", path)
            .header("content-type", "application/proto")
            .send()
            .await;
        assert_eq!((answer.status, answer.body.len()), (405, 0), "{path}");
        assert_eq!(answer.header("allow"), Some("OPTIONS, POST"), "{path}");
    }
}

async fn options_tells_what_there_is_and_lets_no_other_site_in(rest: &Rest) {
    rest.json();
    rest.origin.heads();
    let token = format!("/org/tokens/{}", random_id());
    for (path, allow) in [
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/readyz", "GET, HEAD, OPTIONS"),
        ("/openapi.json", "GET, HEAD, OPTIONS"),
        ("/.well-known/jwks.json", "GET, HEAD, OPTIONS"),
        ("/dashboard/", "GET, HEAD, OPTIONS"),
        ("/orgs", "GET, HEAD, OPTIONS, POST"),
        ("/orgs/acme", "OPTIONS, PATCH"),
        ("/org/tokens", "GET, HEAD, OPTIONS, POST"),
        (&token, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/org/audit", "GET, HEAD, OPTIONS"),
        ("/org/upstream", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/explain", "OPTIONS, POST"),
        ("/leaks", "OPTIONS, POST"),
        ("/oauth/introspect", "OPTIONS, POST"),
        ("/oauth/revoke", "OPTIONS, POST"),
        ("/infoz", "GET, HEAD, OPTIONS"),
        ("/statusz", "GET, HEAD, OPTIONS"),
        ("/discover/sha256:0", "GET, HEAD, OPTIONS"),
        ("/v1/runs", "OPTIONS, POST"),
        (READ, "GET, HEAD, OPTIONS"),
        (FIND_OR_CREATE, "OPTIONS, POST"),
    ] {
        let call = || {
            let call = rest
                .gateway
                .call("OPTIONS", path)
                .header("origin", "https://evil.example");
            let call = call.header("access-control-request-method", "POST");
            call.header(
                "access-control-request-headers",
                "authorization, x-grpc-web",
            )
        };
        for call in [
            call(),
            call().header("content-type", rpc::BINARY),
            call().bearer("x"),
        ] {
            let answer = call.send().await;
            assert_eq!((answer.status, answer.body.len()), (204, 0), "{path}");
            assert_eq!(answer.header("allow"), Some(allow), "{path}");
            let cors = answer
                .headers
                .keys()
                .find(|name| name.as_str().starts_with("access-control"));
            assert_eq!(cors, None, "{path}");
        }
    }
    for path in ["/nowhere", "/", "/org", "/v1/nothing"] {
        let answer = rest.gateway.call("OPTIONS", path).send().await;
        answer.problem(404, "not_found");
    }
    assert_eq!(rest.origin.heads(), Vec::<String>::new());
}

async fn a_copy_that_is_still_good_is_not_sent_again(rest: &Rest) {
    for path in ["/dashboard/", "/dashboard/app.js", "/openapi.json"] {
        let whole = rest.gateway.call("GET", path).send().await;
        assert_eq!(whole.status, 200, "{path}");
        let etag = whole.header("etag").expect("a tag").to_owned();
        let weak = format!("W/{}", etag.trim_start_matches("W/"));
        let strong = etag.trim_start_matches("W/").to_owned();
        let list = format!("\"other\", {weak}");
        for method in ["GET", "HEAD"] {
            for known in [etag.as_str(), &weak, &strong, &list, "*"] {
                let call = rest
                    .gateway
                    .call(method, path)
                    .header("if-none-match", known);
                let answer = call.send().await;
                assert_eq!(
                    (answer.status, answer.body.len()),
                    (304, 0),
                    "{path} {known}"
                );
                for name in [
                    "etag",
                    "cache-control",
                    "content-security-policy",
                    "x-content-type-options",
                ] {
                    assert_eq!(answer.header(name), whole.header(name), "{path} {name}");
                }
            }
        }
        for other in ["\"other\"", "other", "", "W/\"\""] {
            let call = rest
                .gateway
                .call("GET", path)
                .header("if-none-match", other);
            let answer = call.send().await;
            assert_eq!(
                (answer.status, answer.body),
                (200, whole.body.clone()),
                "{path} {other}"
            );
        }
    }
}

async fn a_get_may_say_that_it_is_empty(rest: &Rest) {
    rest.json();
    let token = &rest.token.token;
    for path in [
        "/infoz",
        "/statusz",
        "/discover/sha256:0",
        READ,
        "/org/tokens",
        "/healthz",
        "/dashboard/",
    ] {
        for method in ["GET", "HEAD"] {
            for (framing, body) in [
                ("content-length: 0", ""),
                ("transfer-encoding: chunked", "0\r\n\r\n"),
            ] {
                rest.origin.heads();
                let head = format!(
                    "{method} {path} HTTP/1.1\nauthorization: Bearer {token}\nattestation-workflow: release\n{framing}\n"
                );
                let (status, _) = raw(&rest.gateway, &head, body).await;
                assert_eq!(status, 200, "{method} {path} {framing}");
                for head in rest.origin.heads() {
                    let head = head.to_ascii_lowercase();
                    assert!(head.starts_with("get "), "{head}");
                    assert!(
                        !head.contains("chunked") && !head.contains("content-length: 1"),
                        "{head}"
                    );
                }
            }
        }
    }
    rest.origin.heads();
    for (framing, body) in [
        ("content-length: 1", "x"),
        ("transfer-encoding: chunked", "1\r\nx\r\n0\r\n\r\n"),
    ] {
        for path in ["/statusz", READ] {
            let head = format!(
                "GET {path} HTTP/1.1\nauthorization: Bearer {token}\nattestation-workflow: release\n{framing}\n"
            );
            let (status, text) = raw(&rest.gateway, &head, body).await;
            assert_eq!(status, 400, "{path} {framing}: {text}");
            assert!(text.contains("body_unexpected"), "{path} {framing}: {text}");
        }
    }
    assert_eq!(rest.origin.heads(), Vec::<String>::new());
}
