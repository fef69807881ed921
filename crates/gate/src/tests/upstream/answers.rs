//! What the origin answers to a call with an upstream credential: a refusal of it is the gateway's
//! trouble, and its text reaches nobody.

use super::*;
use crate::testing::drive::{Got, frame, header};

/// What the origin's answer to a call with credential 1 becomes.
fn answered(path: &str, message: &[u8], answer: Answer) -> (World, Outcome) {
    let (world, credential) = world(0, narrow());
    world.upstreams.borrow_mut().push(given(1, "", ""));
    *world.origin.borrow_mut() = Ok(answer);
    let outcome = call(&world, &credential, path, message);
    assert!(outcome.forwarded.is_some());
    (world, outcome)
}

/// A refusal with status and message in the head, or in the trailers of its content.
fn refusal(status: u32, message: &str, in_head: bool) -> Answer {
    let mut answer = Answer::ended(status);
    match in_head {
        true => answer.headers.push(header("grpc-message", message)),
        false => {
            answer.headers.retain(|(name, _)| name == "content-type");
            let trailers = format!("grpc-status:{status}\r\ngrpc-message:{message}\r\n");
            answer.body = frame(0x80, trailers.as_bytes());
        }
    }
    answer
}

const INIT: &str = "/controlplane.v1.AttestationService/Init";

#[test]
fn r42_a_refused_credential_is_not_the_callers_trouble() {
    let http = Answer {
        status: 401,
        headers: vec![header("content-type", "application/json")],
        body: b"{}".to_vec(),
    };
    let init = names("shop", "release");
    let rows = [
        (CURRENT, &[][..], refusal(16, "revoked", true)),
        (INIT, &init, refusal(16, "revoked", true)),
        (INIT, &init, refusal(16, "revoked", false)),
        (CURRENT, &[], http),
    ];
    for (path, message, answer) in rows {
        let (world, outcome) = answered(path, message, answer);
        let error = outcome.got.expect_err("refused");
        assert_eq!(error.code(), "upstream_refused", "{path}");
        let cause = error.private();
        assert!(cause.contains(given(1, "", "").digest.as_str()), "{cause}");
        assert!(!cause.contains(&text(1)) && !error.public().contains("revoked"));
        let gate = world.gate.borrow();
        assert_eq!(gate.memory.upstream_trouble.state(world.now()), "refused");
    }
}

/// Only what was sent on with a credential says something of credentials.
#[test]
fn r42_no_refusal_of_another_call_is_one_of_a_credential() {
    let (world, credential) = world(0, narrow());
    world.upstreams.borrow_mut().push(given(1, "", ""));
    let state = || {
        let gate = world.gate.borrow();
        gate.memory.upstream_trouble.state(world.now())
    };
    *world.origin.borrow_mut() = Ok(refusal(16, "who are you", true));
    call(
        &world,
        &credential,
        "/controlplane.v1.StatusService/Statusz",
        b"",
    );
    assert_eq!(state(), "unused");
    *world.origin.borrow_mut() = Ok(refusal(5, "no such workflow", true));
    call(&world, &credential, CURRENT, b"");
    assert_eq!(state(), "accepted");
}

/// The refusal names what lacks a credential, and each path by which it would have one.
#[test]
fn r42_a_missing_credential_says_what_it_is_missing_for() {
    let rows = [
        ("", "", "this organization", "`PUT /org/upstream`"),
        (
            "shop",
            "",
            "project `shop`",
            "`PUT /org/projects/shop/upstream` or `PUT /org/upstream`",
        ),
        (
            "shop",
            "release",
            "workflow `release` of project `shop`",
            "`PUT /org/projects/shop/workflows/release/upstream` or \
             `PUT /org/projects/shop/upstream` or `PUT /org/upstream`",
        ),
    ];
    for (project, workflow, lacks, paths) in rows {
        let reach = Reach::of(Some(project), Some(workflow));
        let said = Error::UpstreamMissing { reach }.public();
        let expected = format!(
            "no credential for the origin is set for {lacks}: have an administrator set one with \
             {paths}"
        );
        assert_eq!(said, expected);
    }
}

/// The gateway's own questions too: a caller is not told that its run is unknown.
#[test]
fn r42_a_credential_that_is_refused_to_a_question_is_not_the_callers_trouble() {
    let (world, credential) = world(0, narrow());
    world.upstreams.borrow_mut().push(given(1, "", ""));
    *world.run_view.borrow_mut() = Ok(refusal(16, &text(1), true));
    let outcome = attestation(&world, &credential, "Store", &message::text(2, RUN));
    let error = outcome.got.expect_err("refused");
    assert_eq!(error.code(), "upstream_refused");
    assert!(
        error.private().contains("[credential]"),
        "{}",
        error.private()
    );
    assert!(!error.private().contains(&text(1)));
}

#[test]
fn r42_the_credentials_text_is_taken_out_of_a_refusal() {
    let echo = format!("no%20such%20{}%20here", text(1));
    let init = names("shop", "release");
    let rows = [
        (CURRENT, &[][..], refusal(3, &echo, true)),
        (INIT, &init, refusal(3, &echo, true)),
        (INIT, &init, refusal(3, &echo, false)),
    ];
    for (path, message, answer) in rows {
        let (_, outcome) = answered(path, message, answer);
        let Got {
            status,
            headers,
            body,
        } = outcome.got.expect("it passes");
        let value = |name: &str| {
            let found = headers.iter().find(|(own, _)| own == name);
            found.map(|(_, value)| value.clone())
        };
        assert_eq!((status, body.as_slice()), (200, &[][..]), "{path}");
        assert_eq!(value("grpc-status").as_deref(), Some("3"));
        let message = value("grpc-message").expect("a message");
        assert_eq!(message, "no such [credential] here");
        assert!(!format!("{headers:?}").contains(&text(1)));
    }
    // What repeats nothing passes as it came.
    let plain = refusal(3, "no%20such%20run", true);
    let (_, outcome) = answered(CURRENT, &[], plain.clone());
    let got = outcome.got.expect("it passes");
    let came = header("grpc-message", "no%20such%20run");
    assert!(got.headers.contains(&came));
}

#[test]
fn r42_connect_callers_read_no_credential_either() {
    let (world, credential) = world(0, narrow());
    world.upstreams.borrow_mut().push(given(1, "", ""));
    let echo = format!("no%20{}", text(1));
    for in_head in [true, false] {
        *world.origin.borrow_mut() = Ok(refusal(3, &echo, in_head));
        let mut sent = Sent::grpc_web(CURRENT, Some(&credential), b"");
        sent.headers = vec![
            header("content-type", "application/proto"),
            header("authorization", &credential),
        ];
        sent.body = Vec::new();
        let outcome = drive(&world, &sent).expect("a call");
        let body = String::from_utf8(outcome.got.expect("it passes").body).expect("JSON");
        assert!(body.contains("no [credential]"), "{body}");
    }
}
