//! What the doctor finds in answers of gateways, good and bad.

use super::*;

use http::HeaderMap;

fn answer(status: u16, headers: &[(&'static str, &str)], body: &Value) -> Answer {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        })
        .collect();
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: body.to_string().into(),
    }
}

/// The states that a readiness gives, and what is found and advised.
fn found(ready: &Answer) -> Vec<(State, String)> {
    let findings = readiness(ready).into_iter();
    findings
        .map(|finding| {
            let advice = finding.advice.unwrap_or_default();
            (finding.state, format!("{} -> {advice}", finding.found))
        })
        .collect()
}

fn dependencies(facts: &str, record: &str) -> Value {
    json!({
        "status": "ready",
        "dependencies": { "configuration": "ready", "facts": facts, "ledger": "ready", "record": record },
        "unheeded_variables": [],
        "client_addresses": "readable",
    })
}

#[test]
fn a_ready_gateway() {
    let ready = answer(200, &[], &dependencies("ready", "ready"));
    let expected = (State::Good, "all parts are ready -> ".to_owned());
    assert_eq!(found(&ready), [expected]);
}

#[test]
fn parts_that_do_not_answer() {
    let broken = State::Broken(Kind::Unavailable);
    let ready = answer(503, &[], &dependencies("ready", "unavailable"));
    let [(state, text)] = &found(&ready)[..] else {
        panic!("one finding");
    };
    assert_eq!(*state, broken);
    assert!(text.contains("the D1 database does not answer") && text.contains("migrations apply"));

    // KV alone breaks nothing.
    let ready = answer(200, &[], &dependencies("unavailable", "ready"));
    let [(state, text)] = &found(&ready)[..] else {
        panic!("one finding");
    };
    assert_eq!(*state, State::Odd);
    assert!(text.contains("FACTS"));
}

#[test]
fn variables_that_are_not_heeded() {
    let mut body = dependencies("ready", "ready");
    body["unheeded_variables"] = json!(["A", "B"]);
    let findings = found(&answer(200, &[], &body));
    let expected = "the gateway ignores A, B -> another variable overrides them: unset them";
    assert_eq!(findings[1], (State::Odd, expected.to_owned()));
}

#[test]
fn addresses_that_cannot_be_read() {
    let mut body = dependencies("ready", "ready");
    body["client_addresses"] = json!("unreadable");
    let findings = found(&answer(200, &[], &body));
    let (state, text) = &findings[1];
    assert_eq!(*state, State::Odd);
    assert!(text.contains("TRUSTED_IP_HEADER"), "{text}");
}

#[test]
fn a_wrong_configuration_is_told_in_full() {
    let body = json!({
        "code": "misconfigured", "detail": "wrong", "request_id": "r",
        "problems": ["ORIGIN_URL must begin with https://"],
    });
    let problem = [("content-type", "application/problem+json")];
    let findings = found(&answer(503, &problem, &body));
    let [(state, text)] = &findings[..] else {
        panic!("one finding");
    };
    assert_eq!(*state, State::Broken(Kind::Unavailable));
    assert!(
        text.contains("ORIGIN_URL must begin with https://"),
        "{text}"
    );
    assert!(text.contains("-> mend the gateway's variables"), "{text}");
}

#[test]
fn strangers_are_recognised() {
    for status in [200, 404, 502] {
        let findings = found(&answer(
            status,
            &[("content-type", "text/html")],
            &json!("x"),
        ));
        assert_eq!(findings[0].0, State::Broken(Kind::Unavailable));
        assert!(findings[0].1.contains("not an answer of a Postern gateway"));
    }
}

#[test]
fn clocks() {
    let check = |date: &str, state: State, text: &str| {
        let theirs = DateTime::parse_from_rfc2822("Sun, 22 Nov 2026 03:00:00 GMT").unwrap();
        let began = SystemTime::from(theirs);
        let ended = began + Duration::from_secs(2);
        let finding = clock(&answer(200, &[("date", date)], &json!(null)), began, ended);
        assert_eq!((finding.state, finding.found.as_str()), (state, text));
    };
    let same = "this machine's is the gateway's, to the second";
    check("Sun, 22 Nov 2026 03:00:01 GMT", State::Good, same);
    let near = "this machine is 30 s behind the gateway";
    check("Sun, 22 Nov 2026 03:00:31 GMT", State::Good, near);
    let near = "this machine is 3 s ahead of the gateway";
    check("Sun, 22 Nov 2026 02:59:58 GMT", State::Good, near);
    let behind = "this machine is 99 s behind the gateway";
    check("Sun, 22 Nov 2026 03:01:40 GMT", State::Odd, behind);
    let ahead = "this machine is 61 s ahead of the gateway";
    check("Sun, 22 Nov 2026 02:59:00 GMT", State::Odd, ahead);
    check("yesterday", State::Odd, "the answer has no date");
}

#[test]
fn versions() {
    let of = |version: &str| version_state(json!({ "info": { "version": version } }));
    fn version_state(description: Value) -> State {
        version(Ok(description)).state
    }
    assert_eq!(of(env!("CARGO_PKG_VERSION")), State::Good);
    assert_eq!(of("99.0.0"), State::Odd);
    let failure = Failure::new(Kind::Unavailable, "no");
    assert_eq!(
        version(Err(failure)).state,
        State::Broken(Kind::Unavailable)
    );
}
