//! Credentials, methods and targets, and a request behind a refused one.

use postern_system_tests::cases;
use postern_system_tests::rpc::FIND_OR_CREATE;
use postern_system_tests::runner::Case;

use crate::support::{CHUNKED, Fixture, MISSING, chunk, one_arrived};

pub fn cases() -> Vec<Case<Fixture>> {
    cases![
        credentials_that_come_by_the_back_door,
        r33_methods_as_they_are_written,
        targets_that_name_another_place,
        a_request_behind_a_refused_one_is_its_own,
    ]
}

async fn credentials_that_come_by_the_back_door(fixture: &Fixture) {
    let size = format!("{:x}", Fixture::frame().len());
    let header = format!("authorization: Bearer {}", fixture.token);
    let trailer = chunk(&size, &format!("\r\n0\r\n{header}\r\n\r\n"));
    let nameless = || fixture.good().nameless();
    let rows = [
        (
            "in a trailer",
            fixture
                .raw()
                .nameless()
                .with(CHUNKED)
                .with("trailer: authorization\r\n")
                .body(trailer)
                .bytes(),
        ),
        (
            "in the target",
            nameless()
                .line(&format!(
                    "POST http://x:{}@x{FIND_OR_CREATE} HTTP/1.1",
                    fixture.token
                ))
                .bytes(),
        ),
        (
            "in the target's fragment",
            nameless()
                .line(&format!(
                    "POST {FIND_OR_CREATE}#access_token={} HTTP/1.1",
                    fixture.token
                ))
                .bytes(),
        ),
        (
            "in the request behind it",
            [nameless().bytes(), Vec::new()].concat(),
        ),
    ];
    fixture.origin.reset().await;
    for (what, bytes) in rows {
        let bytes = [bytes, fixture.last()].concat();
        let heard = fixture.exchange(what, &bytes, false).await;
        let [first, second] = heard.as_slice() else {
            panic!("{what}: two answers, not {heard:#?}")
        };
        first.refused(what, "16", MISSING);
        second.refused(what, "16", MISSING);
    }
    fixture
        .origin
        .assert_untouched("credentials elsewhere")
        .await;
}

async fn r33_methods_as_they_are_written(fixture: &Fixture) {
    fixture.origin.reset().await;
    // The runtime knows no such method, or the gate takes no such method here.
    for method in ["post", "Post", "POSTED", "FOO"] {
        let line = format!("{method} {FIND_OR_CREATE} HTTP/1.1");
        let bytes = [fixture.good().line(&line).bytes(), fixture.last()].concat();
        let heard = fixture.exchange(method, &bytes, false).await;
        let [answer] = heard.as_slice() else {
            panic!("{method}: one answer, not {heard:#?}")
        };
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!((method, answer.status), (method, 501), "{text}");
        assert_eq!(text, "ERROR: Unrecognized request method.", "{method}");
    }
    for method in ["TRACE", "SEARCH", "PROPFIND", "GET", "PUT"] {
        let line = format!("{method} {FIND_OR_CREATE} HTTP/1.1");
        let bytes = [fixture.good().line(&line).bytes(), fixture.last()].concat();
        let heard = fixture.exchange(method, &bytes, false).await;
        let [first, second] = heard.as_slice() else {
            panic!("{method}: two answers, not {heard:#?}")
        };
        first.refused(method, "12", "use POST here");
        second.refused(method, "16", MISSING);
    }
    let line = "CONNECT x:80 HTTP/1.1";
    let bytes = fixture.good().line(line).bytes();
    let heard = fixture.exchange(line, &bytes, true).await;
    assert!(
        heard.iter().all(|answer| answer.status >= 400),
        "{heard:#?}"
    );
    fixture.origin.assert_untouched("methods").await;
}

/// Whatever host a request names, the origin is where the gate says, and the path is the one that was decided on.
async fn targets_that_name_another_place(fixture: &Fixture) {
    let elsewhere = |target: &str| {
        let line = format!("POST {target} HTTP/1.1");
        fixture.good().line(&line).bytes()
    };
    let hosted = |host: &str| {
        let host = format!("host: {host}\r\n");
        fixture.good().without_host().with(&host).bytes()
    };
    let rows = [
        (
            "a target elsewhere",
            elsewhere(&format!("http://elsewhere.example{FIND_OR_CREATE}")),
        ),
        (
            "a target with a name",
            elsewhere(&format!("https://a:b@elsewhere.example{FIND_OR_CREATE}")),
        ),
        ("a host elsewhere", hosted("elsewhere.example")),
        ("a host with a name", hosted("a:b@elsewhere.example")),
    ];
    for (what, bytes) in rows {
        fixture.origin.reset().await;
        let bytes = [bytes, fixture.last()].concat();
        let heard = fixture.exchange(what, &bytes, false).await;
        let [first, second] = heard.as_slice() else {
            panic!("{what}: two answers, not {heard:#?}")
        };
        first.accepted(what);
        second.refused(what, "16", MISSING);
        one_arrived(fixture, what).await;
        let calls = fixture.origin.calls().await;
        let host = calls[0]["headers"]["host"].to_string();
        assert!(!host.contains("elsewhere"), "{what}: {host}");
    }
    // A host that reads as a path makes another path, which is what is decided on then.
    fixture.origin.reset().await;
    let what = "a host with a path";
    let bytes = [
        hosted("x/controlplane.v1.StatusService/Infoz?"),
        fixture.last(),
    ]
    .concat();
    let heard = fixture.exchange(what, &bytes, false).await;
    let [first, _] = heard.as_slice() else {
        panic!("{what}: two answers, not {heard:#?}")
    };
    first.refused(what, "7", "operation not allowed");
    let nowhere = "no host";
    let bytes = [fixture.good().without_host().bytes(), fixture.last()].concat();
    let heard = fixture.exchange(nowhere, &bytes, false).await;
    assert_eq!(
        heard.first().map(|answer| answer.status),
        Some(400),
        "{heard:#?}"
    );
    fixture.origin.assert_untouched(what).await;
}

async fn a_request_behind_a_refused_one_is_its_own(fixture: &Fixture) {
    let size = format!("{:x}", Fixture::frame().len());
    let nameless = || fixture.good().nameless();
    let smuggled = fixture.good().bytes();
    let inside = [
        &size.clone().into_bytes()[..],
        b"\r\n",
        &Fixture::frame(),
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let rows = [
        ("without a credential", nameless().bytes(), 16, MISSING),
        (
            "in chunks, without a credential",
            fixture.raw().nameless().with(CHUNKED).body(inside).bytes(),
            16,
            MISSING,
        ),
        (
            "a query",
            fixture
                .good()
                .line(&format!("POST {FIND_OR_CREATE}?x HTTP/1.1"))
                .bytes(),
            7,
            "operation not allowed",
        ),
        // A request in the body of another one is a body.
        (
            "with a request as its body",
            fixture
                .raw()
                .nameless()
                .with(&format!("content-length: {}\r\n", smuggled.len()))
                .body(smuggled.clone())
                .bytes(),
            16,
            MISSING,
        ),
        (
            "with a request as its body, and a credential",
            fixture
                .raw()
                .with(&format!("content-length: {}\r\n", smuggled.len()))
                .body(smuggled.clone())
                .bytes(),
            3,
            "the body ends before its message does",
        ),
    ];
    for (what, refused, code, sentence) in rows {
        fixture.origin.reset().await;
        let bytes = [refused, fixture.good().bytes(), fixture.last()].concat();
        let heard = fixture.exchange(what, &bytes, false).await;
        let [first, second, third] = heard.as_slice() else {
            panic!("{what}: three answers, not {heard:#?}")
        };
        first.refused(what, &code.to_string(), sentence);
        second.accepted(what);
        third.refused(what, "16", MISSING);
        one_arrived(fixture, what).await;
    }
    // Of a long body that is not wanted, nothing is read as a request: the connection ends.
    fixture.origin.reset().await;
    let what = "with many requests as its body";
    let many = smuggled.repeat(2000);
    let long = fixture
        .raw()
        .nameless()
        .with(&format!("content-length: {}\r\n", many.len()))
        .body(many)
        .bytes();
    let bytes = [long, fixture.last()].concat();
    let heard = fixture.exchange(what, &bytes, false).await;
    for answer in &heard {
        answer.refused(what, "16", MISSING);
    }
    assert!(!heard.is_empty(), "no answer");
    fixture.origin.assert_untouched(what).await;
}
