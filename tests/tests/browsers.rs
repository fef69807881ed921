//! What a browser could make of the gate's own origin (R45): whatever the origin behind it answers, on every way there
//! is, no page of it acts, and no cookie, report or worker stays. With the dashboard under a host of its own, and without.

use std::process::ExitCode;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::scripted::Scripted;
use postern_system_tests::{cases, runner};
use serde_json::{Value, json};

const STORE: &str = "/v1/projects/shop/workflows/release/attestations";
const READ: &str = "/v1/attestations/sha256:0?project=shop";
const PAGE: &[u8] = b"<!doctype html><script>document.title = 'acted'</script>";
const OK: &str = "0";

/// Headers that make a browser act, or the client take the origin for the gate.
const HOSTILE: [(&str, &str); 24] = [
    ("Access-Control-Allow-Origin", "https://evil.example"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Alt-Svc", "h3=\"evil.example:443\""),
    ("Clear-Site-Data", "\"*\""),
    (
        "Content-Security-Policy",
        "sandbox allow-scripts allow-same-origin",
    ),
    (
        "Content-Security-Policy-Report-Only",
        "default-src 'none'; report-to e",
    ),
    ("Cross-Origin-Resource-Policy", "cross-origin"),
    ("Link", "</evil.js>; rel=preload"),
    ("NEL", "{\"report_to\":\"e\",\"max_age\":1}"),
    ("Origin-Trial", "x"),
    ("Postern-Revocation-Bound", "0"),
    ("Refresh", "0; url=https://evil.example"),
    (
        "Report-To",
        "{\"group\":\"e\",\"max_age\":1,\"endpoints\":[{\"url\":\"https://evil.example\"}]}",
    ),
    ("Reporting-Endpoints", "e=\"https://evil.example\""),
    ("Service-Worker-Allowed", "/"),
    ("Set-Cookie", "session=evil; Path=/"),
    ("set-cookie", "second=evil"),
    ("SourceMap", "/evil.map"),
    ("Strict-Transport-Security", "max-age=1"),
    ("Timing-Allow-Origin", "*"),
    ("WWW-Authenticate", "Basic realm=\"gate\""),
    ("X-Content-Type-Options", "sniff"),
    ("X-Request-Id", "evil"),
    ("X-SourceMap", "/evil.map"),
];

const SANDBOX: [(&str, &str); 3] = [
    (
        "content-security-policy",
        "sandbox; default-src 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-resource-policy", "same-origin"),
];

struct Browsing {
    keys: Keys,
    origin: Scripted,
    sessions: Scripted,
    gateway: Gateway,
    token: Minted,
}

fn main() -> ExitCode {
    runner::run(
        async {
            let (keys, origin) = (Keys::random(), Scripted::start().await);
            let sessions = Scripted::start().await;
            let gateway = Serve::new(&origin.url, &keys)
                .set("REST_ROUTES", "open")
                .set("SESSION_VERIFY_URL", &sessions.url)
                .start()
                .await;
            let organization = Organization::new(&gateway, &keys.admin).await;
            let token = organization.mint(&gateway, &json!({})).await;
            Browsing {
                keys,
                origin,
                sessions,
                gateway,
                token,
            }
        },
        cases![
            r45_what_a_browser_could_show_is_sandboxed_and_nothing_else_is_changed,
            r45_the_open_routes_answer_json_or_nothing,
            r45_calls_lose_what_browsers_act_on,
            r45_no_service_worker_comes_from_here,
            r45_the_dashboard_has_a_host_of_its_own,
        ],
    )
}

impl Browsing {
    fn call(&self, method: &str, path: &str) -> Call {
        self.gateway
            .call(method, path)
            .bearer(&self.token.token)
            .header("attestation-workflow", RELEASE)
            .from("10.9.8.7")
    }

    /// Answers so from now on, with every hostile header and some that must pass.
    fn answer(&self, status: &str, media: Option<&str>, body: &[u8], more: &[(&str, &str)]) {
        let mut headers = HOSTILE.to_vec();
        headers.extend([
            ("ETag", "\"e\""),
            ("X-Kept", "1"),
            ("Cache-Control", "no-cache"),
        ]);
        headers.extend(media.map(|media| ("Content-Type", media)));
        headers.extend(more);
        self.origin.answer(status, &headers, body);
    }
}

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

/// Under the dashboard's host there is nothing of the origin's, and nowhere else a dashboard or a session.
async fn r45_the_dashboard_has_a_host_of_its_own(browsing: &Browsing) {
    browsing.answer("200 OK", Some("application/json"), b"{}", &[]);
    let gateway = Serve::new(&browsing.origin.url, &browsing.keys)
        .set("REST_ROUTES", "open")
        .set("SESSION_VERIFY_URL", &browsing.sessions.url)
        .set("DASHBOARD_HOST", "Dash.Example:8443")
        .start()
        .await;
    let organization = Organization::new(&gateway, &browsing.keys.admin).await;
    let token = organization.mint(&gateway, &json!({})).await;
    let person = json!({ "user_id": "kim", "organizations": [{ "name": organization.name, "role": "admin" }] });
    let media = [("content-type", "application/json")];
    browsing
        .sessions
        .answer("200 OK", &media, person.to_string().as_bytes());

    let at = |host: &str, method: &str, path: &str| {
        gateway
            .call(method, path)
            .header("host", host)
            .from("10.9.8.7")
    };
    let session = |host: &str| {
        at(host, "GET", "/org/tokens")
            .header("cookie", "session=kim")
            .header("sec-fetch-site", "same-origin")
            .organization(&organization.name)
            .send()
    };
    let here = "dash.example:8443";
    for path in ["/dashboard", "/dashboard/", "/dashboard/app.js"] {
        let answer = at(here, "GET", path).send().await;
        assert!([200, 308].contains(&answer.status), "{}", answer.text());
        for host in [
            "gate.example",
            "dash.example",
            "127.0.0.1",
            "dash.example.:8443",
        ] {
            at(host, "GET", path).send().await.problem(404, "not_found");
        }
    }
    assert_eq!(session(here).await.status, 200);
    session("gate.example")
        .await
        .problem(401, "credential_missing");
    // Credentials of their own open the gate's routes under every host, and health is told.
    for host in [here, "gate.example"] {
        let call = at(host, "GET", "/org/tokens").bearer(&token.token);
        assert_eq!(call.send().await.status, 200, "{host}");
        assert_eq!(
            at(host, "GET", "/readyz").send().await.status,
            200,
            "{host}"
        );
    }
    browsing.origin.heads();
    for path in ["/infoz", "/statusz", "/discover/sha256:0", READ] {
        let call = || {
            let call = at(here, "GET", path).bearer(&token.token);
            call.header("attestation-workflow", RELEASE)
        };
        call().send().await.problem(404, "not_found");
    }
    let call = rpc::call(
        &gateway,
        FIND_OR_CREATE,
        &token.token,
        &rpc::names(SHOP, RELEASE),
    );
    call.clone()
        .header("host", here)
        .send()
        .await
        .refused(12, "no such route");
    assert_eq!(
        browsing.origin.heads(),
        Vec::<String>::new(),
        "nothing of the origin's is there"
    );
    let answer = at("gate.example", "GET", "/infoz").send().await;
    assert_eq!(answer.json(200), Value::Object(serde_json::Map::default()));
}
