//! Whatever the origin answers, no page of it acts in a browser.

use postern_system_tests::cases;
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;

use crate::support::{Browsing, HOSTILE, OK, READ};

pub fn cases() -> Vec<Case<Browsing>> {
    cases![
        r45_what_a_browser_could_show_is_sandboxed_and_nothing_else_is_changed,
        r45_the_open_routes_answer_json_or_nothing,
        r45_calls_lose_what_browsers_act_on,
        r45_no_service_worker_comes_from_here,
    ]
}

const STORE: &str = "/v1/projects/shop/workflows/release/attestations";

const PAGE: &[u8] = b"<!doctype html><script>document.title = 'acted'</script>";

const SANDBOX: [(&str, &str); 3] = [
    (
        "content-security-policy",
        "sandbox; default-src 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Nothing of the hostile headers is left, and what must pass has passed.
#[track_caller]
fn harmless(answer: &Answer, sandboxed: bool) {
    for (name, value) in HOSTILE {
        let found: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert!(
            found.iter().all(|found| *found != value),
            "{}: {name}: {found:?}",
            answer.what
        );
    }
    let ours = SANDBOX.map(|(name, value)| (name, Some(value)));
    let none = SANDBOX.map(|(name, _)| (name, None));
    for (name, value) in if sandboxed { ours } else { none } {
        assert_eq!(answer.header(name), value, "{}: {name}", answer.what);
    }
    for name in [
        "set-cookie",
        "www-authenticate",
        "access-control-allow-origin",
    ] {
        assert_eq!(answer.header(name), None, "{}", answer.what);
    }
    assert_eq!(answer.header("x-kept"), Some("1"), "{}", answer.what);
    assert_eq!(answer.header("etag"), Some("\"e\""), "{}", answer.what);
}

async fn r45_what_a_browser_could_show_is_sandboxed_and_nothing_else_is_changed(
    browsing: &Browsing,
) {
    let rows: [(&str, Option<&str>, &[u8]); 12] = [
        ("200 OK", Some("text/html"), PAGE),
        ("200 OK", None, PAGE),
        ("200 OK", Some("image/svg+xml"), b"<svg onload='x()'/>"),
        ("200 OK", Some("text/javascript"), b"self.x = 1"),
        ("200 OK", Some("application/json"), b"{}"),
        ("200 OK", Some("application/grpc-web, text/html"), PAGE),
        ("201 Created", Some("text/html"), PAGE),
        ("204 No Content", None, b""),
        ("400 Bad Request", Some("text/html"), PAGE),
        ("401 Unauthorized", Some("text/html"), PAGE),
        ("404 Not Found", Some("text/html"), PAGE),
        ("500 Internal Server Error", Some("text/html"), PAGE),
    ];
    for (status, media, body) in rows {
        browsing.answer(status, media, body, &[]);
        for (method, path) in [("GET", READ), ("POST", STORE)] {
            let answer = browsing.call(method, path).send().await;
            let told = format!("{method} {status} {media:?}");
            assert_eq!(answer.status.to_string(), status[..3], "{told}");
            assert_eq!(answer.header("content-type"), media, "{told}");
            assert_eq!(answer.body, body, "{told}");
            harmless(&answer, true);
        }
    }
    // A copy that the client keeps gets its headers anew.
    browsing.answer("304 Not Modified", None, b"", &[]);
    let call = browsing.call("GET", READ).header("if-none-match", "\"e\"");
    let answer = call.send().await;
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    harmless(&answer, true);
    // A redirect is the gate's own refusal, with nothing of the origin's.
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
    ] {
        let location = [("Location", "https://evil.example/")];
        browsing.answer(status, Some("text/html"), PAGE, &location);
        let answer = browsing.call("GET", READ).send().await;
        answer.problem(502, "origin_unavailable");
        assert_eq!(answer.header("location"), None);
        assert_eq!(answer.header("set-cookie"), None);
    }
}

async fn r45_the_open_routes_answer_json_or_nothing(browsing: &Browsing) {
    let discover = "/discover/sha256:0";
    for path in ["/infoz", "/statusz", "/statusz?readiness=1", discover] {
        let call = || match path == discover {
            true => browsing.call("GET", path),
            false => browsing.gateway.call("GET", path),
        };
        for (status, media) in [
            ("200 OK", Some("application/json")),
            ("200 OK", Some("Application/JSON; charset=utf-8")),
            ("404 Not Found", Some("application/problem+json")),
            ("503 Service Unavailable", Some("application/json")),
            ("204 No Content", None),
        ] {
            browsing.answer(
                status,
                media,
                if media.is_some() { b"{}" } else { b"" },
                &[],
            );
            let answer = call().send().await;
            assert_eq!(answer.status.to_string(), status[..3], "{path} {media:?}");
            harmless(&answer, true);
        }
        for (status, media) in [
            ("200 OK", Some("text/html")),
            ("200 OK", None),
            ("200 OK", Some("text/javascript")),
            ("200 OK", Some("application/json, text/html")),
            ("200 OK", Some("application/json; x=1, text/html")),
            ("200 OK", Some("text/html; application/json")),
            ("200 OK", Some("image/svg+xml")),
            ("404 Not Found", Some("text/html")),
            ("500 Internal Server Error", Some("text/html")),
        ] {
            browsing.answer(status, media, PAGE, &[]);
            let answer = call().send().await;
            answer.problem(502, "origin_unavailable");
            let line = browsing
                .gateway
                .log_line(answer.header("x-request-id").expect("an id"));
            let cause = line.await["cause"].clone();
            let cause = cause.as_str().expect("a cause");
            assert!(cause.ends_with("without JSON"), "{path} {media:?}: {cause}");
        }
        // Two headers are one list to a browser, and the last counts.
        let more = [("Content-Type", "text/html")];
        browsing.answer("200 OK", Some("application/json"), PAGE, &more);
        call().send().await.problem(502, "origin_unavailable");
    }
}

async fn r45_calls_lose_what_browsers_act_on(browsing: &Browsing) {
    let message = rpc::names(SHOP, RELEASE);
    let trailers = rpc::frame(0x80, b"grpc-status:0\r\n");
    let frames = [rpc::frame(0, b""), trailers].concat();
    let call = || {
        rpc::call(
            &browsing.gateway,
            FIND_OR_CREATE,
            &browsing.token.token,
            &message,
        )
    };
    let connect = || {
        let call = browsing.gateway.call("POST", FIND_OR_CREATE);
        let call = call.bearer(&browsing.token.token).from("10.9.8.7");
        call.header("content-type", "application/proto")
            .body(message.clone())
    };
    browsing.answer("200 OK", Some(rpc::BINARY), &frames, &[]);
    let answer = call().send().await;
    assert_eq!(answer.body, frames);
    harmless(&answer, false);
    let answer = connect().send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/proto"));
    harmless(&answer, false);

    // A status in the headers makes an answer of any media type one of the call's.
    let more = [("grpc-status", OK), ("grpc-message", "x")];
    browsing.answer("200 OK", Some("text/html"), PAGE, &more);
    let answer = call().send().await;
    assert_eq!(answer.header("grpc-status"), Some(OK));
    harmless(&answer, true);

    // An error in Connect is JSON with words of the origin's.
    browsing.answer(
        "200 OK",
        Some(rpc::BINARY),
        b"",
        &[("grpc-status", "5"), ("grpc-message", "<b>")],
    );
    let answer = connect().send().await;
    assert_eq!(answer.json(404)["message"], "<b>");
    harmless(&answer, true);
    assert_eq!(answer.header("grpc-status"), None);
}

async fn r45_no_service_worker_comes_from_here(browsing: &Browsing) {
    browsing.answer("200 OK", Some("application/json"), b"{}", &[]);
    browsing.origin.heads();
    for path in [
        "/",
        "/infoz",
        "/statusz",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/.well-known/jwks.json",
        "/dashboard",
        "/dashboards/x",
        "/org/tokens",
        "/orgs",
        "/explain",
        "/oauth/revoke",
        READ,
        "/nowhere",
        "/sw.js",
        "/discover/sha256:0",
    ] {
        for method in ["GET", "POST", "HEAD", "OPTIONS"] {
            let call = browsing
                .call(method, path)
                .header("service-worker", "script");
            let answer = call.send().await;
            assert_eq!(answer.status, 403, "{}", answer.what);
            if method != "HEAD" {
                answer.problem(403, "service_worker");
            }
        }
    }
    let call = rpc::anonymous(&browsing.gateway, 0, FIND_OR_CREATE, Vec::new());
    let answer = call.header("service-worker", "script").send().await;
    answer.refused(
        7,
        "no service worker comes from here: leave `Service-Worker` out",
    );
    assert_eq!(browsing.origin.heads(), Vec::<String>::new());
    let call = browsing.gateway.call("GET", "/dashboard/app.js");
    let own = call.header("service-worker", "script").send().await;
    assert_eq!(own.status, 200, "{}", own.text());
}
