//! Names of headers in every spelling, credentials where none is needed, and addresses.

use postern_system_tests::cases;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::runner::Case;
use serde_json::{Value, json};

use crate::support::{READ, Rest, STORE, raw};

pub fn cases() -> Vec<Case<Rest>> {
    cases![
        r55_no_spelling_of_a_kept_name_reaches_the_origin,
        r55_no_credential_goes_on_where_none_is_needed,
        r28_addresses_come_with_ports_and_lists_are_told_of,
    ]
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
