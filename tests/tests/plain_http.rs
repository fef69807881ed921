//! HTTP as proxies, probes and ordinary clients speak it: HEAD, OPTIONS, conditional requests, a GET that says that it is
//! empty, addresses with ports, and names of headers in the spellings that servers read as one.

use std::process::ExitCode;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::scripted::Scripted;
use postern_system_tests::{cases, random_id, runner};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const READ: &str = "/v1/attestations/sha256:0?project=shop";
const STORE: &str = "/v1/projects/shop/workflows/release/attestations";

struct Rest {
    origin: Scripted,
    /// REST_ROUTES=open, TRUSTED_IP_HEADER=X-Edge-Address, assertions on.
    gateway: Gateway,
    token: Minted,
}

fn main() -> ExitCode {
    runner::run(
        async {
            let (keys, origin) = (Keys::random(), Scripted::start().await);
            let gateway = Serve::new(&origin.url, &keys)
                .set("REST_ROUTES", "open")
                .set("TRUSTED_IP_HEADER", "X-Edge-Address")
                .set("ORIGIN_AUTH", "assertion")
                .set("ASSERTION_KEYS", &format!("a1:{}", "A".repeat(43)))
                .start()
                .await;
            let organization = Organization::new(&gateway, &keys.admin).await;
            let token = organization.mint(&gateway, &json!({})).await;
            Rest {
                origin,
                gateway,
                token,
            }
        },
        cases![
            head_is_a_get_without_its_content,
            options_tells_what_there_is_and_lets_no_other_site_in,
            a_copy_that_is_still_good_is_not_sent_again,
            a_get_may_say_that_it_is_empty,
            r55_no_spelling_of_a_kept_name_reaches_the_origin,
            r55_no_credential_goes_on_where_none_is_needed,
            r28_addresses_come_with_ports_and_lists_are_told_of,
        ],
    )
}

impl Rest {
    fn call(&self, method: &str, path: &str) -> Call {
        self.gateway
            .call(method, path)
            .bearer(&self.token.token)
            .header("attestation-workflow", RELEASE)
    }

    fn json(&self) {
        let media = [("content-type", "application/json"), ("x-kept", "1")];
        self.origin
            .answer("200 OK", &media, b"{\"a\":\"0123456789\"}");
    }
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
        (&token, "DELETE, GET, HEAD, OPTIONS"),
        ("/org/audit", "GET, HEAD, OPTIONS"),
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

/// Sends a head as it is written, and a body; gives the status and what follows the head of the answer.
async fn raw(gateway: &Gateway, head: &str, body: &str) -> (u16, String) {
    let mut socket = TcpStream::connect(gateway.socket())
        .await
        .expect("it listens");
    let head = head.replace('\n', "\r\n");
    let request = format!(
        "{head}host: {}\r\nconnection: close\r\n\r\n{body}",
        gateway.socket()
    );
    socket
        .write_all(request.as_bytes())
        .await
        .expect("it reads");
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let (_, rest) = text.split_once("\r\n\r\n").unwrap_or_default();
    (
        status.unwrap_or_else(|| panic!("no answer: {text}")),
        rest.to_owned(),
    )
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

/// One of each kind; the unit test of the rules has them all.
const KEPT: [&str; 24] = [
    "Cf-Access-Jwt-Assertion",
    "Client-Cert",
    "Cookie",
    "Forwarded",
    "Grpc-Metadata-Authorization",
    "Postern-Assertion",
    "Postern-Organization",
    "Proxy",
    "Remote-User",
    "Ssl-Client-Verify",
    "Tailscale-User-Login",
    "True-Client-Ip",
    "Via",
    "X-Auth-Request-Email",
    "X-Client-Cert",
    "X-Email",
    "X-Envoy-External-Address",
    "X-Forwarded-For",
    "X-Goog-Iap-Jwt-Assertion",
    "X-Http-Method-Override",
    "X-Original-Url",
    "X-Real-Ip",
    "X-Request-Id",
    "X-User-Id",
];

async fn r55_no_spelling_of_a_kept_name_reaches_the_origin(rest: &Rest) {
    rest.json();
    let frames = [rpc::frame(0, b""), rpc::frame(0x80, b"grpc-status:0\r\n")].concat();
    let message = rpc::frame(0, &rpc::names(SHOP, RELEASE));
    let message = String::from_utf8(message).expect("letters");
    for (line, media, body) in [
        (
            format!("POST {STORE} HTTP/1.1"),
            "application/json",
            "{}".to_owned(),
        ),
        (format!("GET {READ} HTTP/1.1"), "", String::new()),
        ("GET /infoz HTTP/1.1".to_owned(), "", String::new()),
        (
            format!("POST {FIND_OR_CREATE} HTTP/1.1"),
            rpc::BINARY,
            message,
        ),
    ] {
        if media == rpc::BINARY {
            rest.origin
                .answer("200 OK", &[("content-type", rpc::BINARY)], &frames);
        }
        let mut head = format!(
            "{line}\nauthorization: Bearer {}\nattestation-workflow: release\nX-Kept: kept\nx-edge-address: 192.0.2.9\n",
            rest.token.token
        );
        if !media.is_empty() {
            head.push_str(&format!(
                "content-type: {media}\ncontent-length: {}\n",
                body.len()
            ));
        }
        for name in KEPT {
            for spelling in [
                name.to_owned(),
                name.to_ascii_lowercase(),
                name.to_ascii_uppercase(),
                name.replace('-', "_"),
                name.replace('-', "_").to_ascii_uppercase(),
                name.replace('-', "."),
            ] {
                head.push_str(&format!("{spelling}: forged\n"));
            }
        }
        head.push_str("X_Custom: forged\nX-Edge_Address: forged\nx.custom: forged\n");
        rest.origin.heads();
        let (status, text) = raw(&rest.gateway, &head, &body).await;
        assert_eq!(status, 200, "{line}: {text}");
        let arrived = rest.origin.only_head();
        assert!(!arrived.contains("forged"), "{arrived}");
        let lower = arrived.to_ascii_lowercase();
        assert!(lower.contains("x-kept: kept"), "{arrived}");
        assert!(lower.contains("x-forwarded-for: 192.0.2.9"), "{arrived}");
        let names: Vec<_> = lower
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .collect();
        for (name, _) in &names {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            assert!(name.bytes().all(plain), "{name}");
        }
        for (name, times) in [("x-request-id", 1), ("x-forwarded-for", 1)] {
            let found = names.iter().filter(|(found, _)| *found == name).count();
            assert_eq!(found, times, "{name}: {arrived}");
        }
    }
}

async fn r55_no_credential_goes_on_where_none_is_needed(rest: &Rest) {
    rest.json();
    for path in ["/infoz", "/statusz"] {
        rest.origin.heads();
        let call = rest.call("GET", path).header("cookie", "session=kim");
        assert_eq!(call.send().await.status, 200);
        let arrived = rest.origin.only_head().to_ascii_lowercase();
        assert!(
            !arrived.contains("authorization") && !arrived.contains("cookie"),
            "{arrived}"
        );
    }
    let frames = [rpc::frame(0, b""), rpc::frame(0x80, b"grpc-status:0\r\n")].concat();
    rest.origin
        .answer("200 OK", &[("content-type", rpc::BINARY)], &frames);
    for (path, goes) in [
        ("/controlplane.v1.StatusService/Infoz", false),
        (FIND_OR_CREATE, true),
    ] {
        rest.origin.heads();
        let message = if goes {
            rpc::names(SHOP, RELEASE)
        } else {
            Vec::new()
        };
        rpc::call(&rest.gateway, path, &rest.token.token, &message)
            .send()
            .await
            .accepted();
        let arrived = rest.origin.only_head().to_ascii_lowercase();
        assert_eq!(
            arrived.contains("\nauthorization: bearer "),
            goes,
            "{arrived}"
        );
    }
}

/// What `/readyz` says of addresses.
async fn state(rest: &Rest) -> Value {
    let ready = rest.gateway.call("GET", "/readyz").send().await;
    ready.json(200)["client_addresses"].clone()
}

/// The address that the origin is told when the trusted header has this value.
async fn forwarded(rest: &Rest, value: &str) -> Option<String> {
    rest.origin.heads();
    let call = rest.gateway.call("GET", "/infoz");
    let answer = call.header("x-edge-address", value).send().await;
    assert_eq!(answer.status, 200, "{value}: {}", answer.text());
    let head = rest.origin.only_head().to_ascii_lowercase();
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("x-forwarded-for: "));
    line.map(str::to_owned)
}

async fn r28_addresses_come_with_ports_and_lists_are_told_of(rest: &Rest) {
    let warned = || {
        rest.gateway
            .serve()
            .log()
            .matches("client_address_unread")
            .count()
    };
    rest.json();
    assert_eq!((state(rest).await, warned()), (json!("readable"), 0));
    for (value, address) in [
        ("203.0.113.3", "203.0.113.3"),
        ("203.0.113.3:51234", "203.0.113.3"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        let told = forwarded(rest, value).await;
        assert_eq!(told.as_deref(), Some(address), "{value}");
    }
    assert_eq!((state(rest).await, warned()), (json!("readable"), 0));
    for value in [
        "203.0.113.1, 10.0.0.1",
        "203.0.113.2, 10.0.0.1",
        "nobody",
        "203.0.113.3:",
    ] {
        assert_eq!(forwarded(rest, value).await, None, "{value}");
    }
    assert_eq!(state(rest).await, json!("unreadable"));
    assert_eq!(warned(), 1, "once a minute, whatever is sent");
    let log = rest.gateway.serve().log();
    let line = log
        .lines()
        .find(|line| line.contains("client_address_unread"));
    let line: Value = serde_json::from_str(line.expect("a line")).expect("JSON");
    assert_eq!(line["variable"], "TRUSTED_IP_HEADER");
    assert_eq!(
        line["advice"],
        "it has a list of addresses: name a header that has the client's alone"
    );
    assert!(
        !log.contains("203.0.113.1, "),
        "what the header holds is not repeated"
    );
}
