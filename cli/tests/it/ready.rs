//! What a bridge asks the gateway before it says that it is ready, and what it does about the answers.

use serde_json::json;

use crate::gateway::{Gateway, Output, Reply, SECRET, json, problem, ready, run};

const RUN: [&str; 4] = ["--", "sh", "-c", "echo started"];

fn active(active: bool) -> Reply {
    json(200, &json!({ "active": active }))
}

fn unready() -> Reply {
    let parts = json!({ "record": "unavailable" });
    json(
        503,
        &json!({ "status": "unavailable", "dependencies": parts }),
    )
}

fn page() -> Reply {
    Reply {
        status: 404,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html>".to_owned(),
    }
}

async fn bridge(url: &str, flags: &[&str], variables: &[(&str, &str)]) -> Output {
    let path = std::env::var("PATH").unwrap();
    let words = [&["bridge", "--gateway", url], flags, &RUN].concat();
    run(&words, &[variables, &[("PATH", &path)]].concat(), "").await
}

#[tokio::test]
async fn a_command_runs_where_the_gateway_and_the_token_are_good() {
    let with = [
        ("CHAINLOOP_TOKEN", SECRET),
        ("POSTERN_TOKEN", "an-administrator-key-of-this-test"),
    ];
    let own = [("POSTERN_TOKEN", SECRET)];
    // No token of a gateway: there is nothing to ask about.
    let key = [("POSTERN_TOKEN", "an-administrator-key-of-this-test")];
    let introspected = ["GET /readyz", "POST /oauth/introspect"];
    for (variables, asked) in [
        (&[][..], &introspected[..1]),
        (&with, &introspected),
        (&own, &introspected),
        (&key, &introspected[..1]),
    ] {
        let gateway = Gateway::start(vec![ready(), active(true)]).await;
        let output = bridge(&gateway.url, &[], variables).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "started\n"),
            "{}",
            output.stderr
        );
        assert_eq!(gateway.asked(), asked);
        let came = gateway.came.lock().unwrap();
        assert!(
            !came[0].headers.contains_key("authorization"),
            "before it is known to be a gateway"
        );
        if let Some(second) = came.get(1) {
            assert_eq!(second.headers["authorization"], format!("Bearer {SECRET}"));
            assert_eq!(second.body, format!("token={SECRET}"));
        }
    }
}

#[tokio::test]
async fn nothing_runs_where_no_gateway_answers_or_the_token_is_refused() {
    let with = [("CHAINLOOP_TOKEN", SECRET)];
    for (replies, code, why) in [
        (
            vec![page()],
            9,
            "not an answer of a Postern gateway: HTTP 404",
        ),
        (
            vec![problem(503, "misconfigured")],
            9,
            "(misconfigured, request r1)",
        ),
        (
            vec![ready(), problem(401, "credential_refused")],
            4,
            "the gateway refuses the token in CHAINLOOP_TOKEN: it is so",
        ),
        (
            vec![ready(), active(false)],
            4,
            "the gateway refuses the token in CHAINLOOP_TOKEN: it is not active",
        ),
    ] {
        let gateway = Gateway::start(replies).await;
        let output = bridge(&gateway.url, &[], &with).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains(why), "{}", output.stderr);
        assert!(
            output.stderr.contains("--no-check starts the bridge"),
            "{}",
            output.stderr
        );
    }
    let output = bridge("http://127.0.0.1:1", &[], &with).await;
    assert_eq!((output.code, output.stdout.as_str()), (9, ""));
    assert!(
        output.stderr.contains("cannot be reached"),
        "{}",
        output.stderr
    );
    let output = bridge("http://127.0.0.1:1", &["--no-check"], &with).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, "started\n"));
}

#[tokio::test]
async fn what_calls_may_not_need_keeps_no_bridge_from_starting() {
    let with = [("CHAINLOOP_TOKEN", SECRET)];
    for (replies, told) in [
        (vec![unready(), active(true)], "the gateway is not ready: "),
        (
            vec![ready(), problem(503, "unavailable")],
            "the token in CHAINLOOP_TOKEN was not checked: the gateway answered HTTP 503",
        ),
        (
            vec![ready(), page()],
            "the token in CHAINLOOP_TOKEN was not checked: the gateway answered HTTP 404",
        ),
    ] {
        let gateway = Gateway::start(replies).await;
        let output = bridge(&gateway.url, &[], &with).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "started\n"),
            "{}",
            output.stderr
        );
        assert!(output.stderr.starts_with(told), "{}", output.stderr);
    }
}

#[tokio::test]
async fn a_gateway_is_waited_for() {
    for first in [page(), unready()] {
        let gateway = Gateway::start(vec![first, ready()]).await;
        let output = bridge(&gateway.url, &["--wait"], &[]).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (0, "started\n"),
            "{}",
            output.stderr
        );
        assert_eq!((gateway.asked().len(), output.stderr.as_str()), (2, ""));
    }
    let output = bridge("http://127.0.0.1:1", &["--wait=1"], &[]).await;
    assert_eq!((output.code, output.stdout.as_str()), (9, ""));
    assert!(output.stderr.contains(", after 1 s"), "{}", output.stderr);
    let output = bridge("http://127.0.0.1:1", &["--wait=1", "--no-check"], &[]).await;
    assert_eq!(output.code, 2);
}

#[tokio::test]
async fn a_silent_gateway_is_waited_for_as_long_as_was_said() {
    // Connections are taken, and nothing is answered.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let output = bridge(&url, &["--wait=1"], &[]).await;
    assert_eq!((output.code, output.stdout.as_str()), (9, ""));
    assert_eq!(
        output.stderr,
        "postern: the gateway does not answer, after 1 s\n"
    );
}

#[tokio::test]
async fn a_command_that_is_not_there_is_no_bridge_for_everybody() {
    let gateway = Gateway::start(Vec::new()).await;
    let output = run(&["bridge", "--gateway", &gateway.url, "--"], &[], "").await;
    assert_eq!((output.code, output.stdout.as_str()), (2, ""));
    let told = "postern: there is no command after `--`\n  \
                hint: name one; to serve every client that connects, leave out `--`\n";
    assert_eq!(output.stderr, told);
    assert!(gateway.asked().is_empty());
}
