//! `postern attest`: what it sends, to whom, with which credential, and how it ends.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::gateway::{Gateway, Output, Reply, TOKEN, run};
use crate::jobs::{CREDENTIAL, GIVEN, as_job, given, of_github, runner};
use crate::support::{Bridge, origin};

const ENVELOPE: &str = r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"k","sig":"AAAA"}]}"#;
const WORDS: [&str; 5] = ["attest", "--project", "shop", "--workflow", "release"];

/// Attests at this origin, with a token.
async fn attest(url: &str, words: &[&str], stdin: &str) -> Output {
    let variables = [("POSTERN_URL", url), ("POSTERN_TOKEN", TOKEN)];
    run(&[&WORDS, words].concat(), &variables, stdin).await
}

/// The runs of an origin, with what was stored for each.
async fn runs(url: &str) -> Vec<Value> {
    let output = run(&["--version"], &[], "").await;
    assert_eq!(output.code, 0);
    let url = url.to_owned();
    let told = tokio::task::spawn_blocking(move || {
        use std::io::{Read as _, Write as _};
        let address = url.strip_prefix("http://").unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head =
            format!("GET /debug/runs HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    });
    serde_json::from_str(&told.await.unwrap()).unwrap()
}

#[tokio::test]
async fn what_others_have_signed_is_handed_in_by_either_protocol() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("envelope.json");
    fs::write(&file, ENVELOPE).unwrap();
    let file = file.to_str().unwrap();
    let origin = origin().await;
    let bridge = Bridge::start(&origin, &[]).await;
    let address = bridge.address.to_string();
    for (words, stdin) in [
        (&["--envelope", file][..], ""),
        (&["--envelope", "-"], ENVELOPE),
        (&["--envelope", file, "--bridge", &address], ""),
    ] {
        let output = attest(&origin, &[words, &["-o", "json"]].concat(), stdin).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{words:?}");
        let told: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(told["signed"], true);
        let all = runs(&origin).await;
        let run = all.iter().find(|run| run["id"] == told["workflow_run"]);
        let run = run.expect("the run");
        assert_eq!(
            (&run["digest"], &run["status"]),
            (&told["digest"], &json!("SUCCEEDED")),
            "{run}"
        );
    }
    assert_eq!(bridge.log(3).await.len(), 3, "native calls, and no others");
    // A bridge's command finds it.
    let variables = [
        ("POSTERN_BRIDGE", address.as_str()),
        ("POSTERN_TOKEN", TOKEN),
    ];
    let output = run(
        &[&WORDS[..], &["--envelope", "-"]].concat(),
        &variables,
        ENVELOPE,
    )
    .await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert!(
        lines[0].starts_with("run     ") && lines[1].starts_with("stored  sha256:"),
        "{lines:?}"
    );
    assert_eq!(bridge.log(6).await.len(), 6);
}

#[tokio::test]
async fn what_nobody_has_signed_goes_only_where_that_is_said() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("app");
    fs::write(&file, "app").unwrap();
    let file = file.to_str().unwrap();
    let origin = origin().await;
    let unsigned = r#"{"payload":"e30=","payloadType":"x","signatures":[]}"#;
    let subject = format!("app=sha256:{}", "0".repeat(64));
    for (words, stdin) in [
        (&["--unsigned", file][..], ""),
        (&["--unsigned", "--subject", &subject, file], ""),
        (&["--unsigned", "--envelope", "-"], unsigned),
    ] {
        let output = attest(&origin, words, stdin).await;
        assert_eq!(output.code, 0, "{words:?}: {}", output.stderr);
        assert_eq!(
            output.stderr,
            "unsigned: nobody has signed this attestation, so it proves nothing\n"
        );
    }
    let before = runs(&origin).await.len();
    for (words, stdin, code, why) in [
        (
            &["--envelope", "-"][..],
            unsigned,
            3,
            "nobody has signed this envelope",
        ),
        (
            &["--unsigned", "--envelope", "-"],
            ENVELOPE,
            2,
            "leave --unsigned out",
        ),
        (&["--unsigned"], "", 2, "there is nothing to attest"),
        (&["--envelope", "-"], "{}", 3, "neither a DSSE envelope nor"),
        (&["--envelope", "/no/such/file"], "", 3, "/no/such/file: "),
        (&["--unsigned", "/no/such/file"], "", 3, "/no/such/file: "),
        (&[file], "", 2, "--unsigned"),
        (&["--subject", &subject], "", 2, "--unsigned"),
        (&["--unsigned", "--subject", "app"], "", 2, "NAME=sha256:"),
        (
            &["--unsigned", file, "--audience", "a"],
            "",
            2,
            "give --ci too",
        ),
        (&[], "", 2, "--envelope"),
    ] {
        let output = attest(&origin, words, stdin).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{words:?}"
        );
        assert!(output.stderr.contains(why), "{words:?}: {}", output.stderr);
    }
    assert_eq!(
        runs(&origin).await.len(),
        before,
        "no run was begun for them"
    );
}

/// A gRPC-Web answer without a message.
fn refusal(status: u8, message: &str) -> Reply {
    Reply {
        status: 200,
        headers: vec![
            ("content-type", "application/grpc-web+proto".to_owned()),
            ("grpc-status", status.to_string()),
            ("grpc-message", message.to_owned()),
        ],
        body: String::new(),
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_call_and_an_exit_code() {
    for (status, code, told) in [
        (16, 4, "FindOrCreateWorkflow: UNAUTHENTICATED (16): no %"),
        (7, 5, "FindOrCreateWorkflow: PERMISSION_DENIED (7): no %"),
        (8, 8, "FindOrCreateWorkflow: RESOURCE_EXHAUSTED (8): no %"),
        (14, 9, "FindOrCreateWorkflow: UNAVAILABLE (14): no %"),
    ] {
        let gateway = Gateway::start(vec![refusal(status, "no%20%25")]).await;
        let output = gateway
            .run_with(&[&WORDS[..], &["--envelope", "-"]].concat(), ENVELOPE)
            .await;
        assert_eq!((output.code, output.stdout.as_str()), (code, ""));
        let first = output.stderr.lines().next().unwrap();
        assert_eq!(first, format!("postern: {told}"));
        let asked = "POST /controlplane.v1.AttestationService/FindOrCreateWorkflow";
        assert_eq!(gateway.asked(), [asked]);
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(
            came[0].headers["content-type"],
            "application/grpc-web+proto"
        );
    }
    // A page, and nobody.
    let page = Reply {
        status: 200,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html>".to_owned(),
    };
    let gateway = Gateway::start(vec![page]).await;
    let output = attest(&gateway.url, &["--envelope", "-"], ENVELOPE).await;
    assert_eq!(output.code, 9);
    assert!(
        output.stderr.contains("not an answer of a Postern gateway"),
        "{}",
        output.stderr
    );
    for words in [
        &["--envelope", "-"][..],
        &["--envelope", "-", "--bridge", "127.0.0.1:1"],
    ] {
        let output = attest("http://127.0.0.1:1", words, ENVELOPE).await;
        assert_eq!(output.code, 9);
        assert!(
            output.stderr.contains("gave no answer: "),
            "{}",
            output.stderr
        );
    }
    let variables = [("POSTERN_URL", "http://127.0.0.1:1")];
    let output = run(
        &[&WORDS[..], &["--envelope", "-"]].concat(),
        &variables,
        ENVELOPE,
    )
    .await;
    assert_eq!(output.code, 4);
    assert!(
        output.stderr.contains("there is no credential"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn a_job_attests_with_what_its_token_becomes() {
    let gateway = Gateway::start(vec![given(), refusal(7, "no")]).await;
    let github = runner(&of_github(&format!("{}/acme", gateway.url))).await;
    let variables = [
        ("POSTERN_URL", gateway.url.as_str()),
        ("POSTERN_ORGANIZATION", "acme"),
        // A stored credential that is still there is not sent.
        ("POSTERN_TOKEN", TOKEN),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", github.url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CREDENTIAL),
    ];
    let words = [&WORDS[..], &["--ci", "--envelope", "-"]].concat();
    let output = as_job(&words, &variables, ENVELOPE).await;
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (5, ""),
        "{}",
        output.stderr
    );
    let asked = gateway.asked();
    let call = "POST /controlplane.v1.AttestationService/FindOrCreateWorkflow";
    assert_eq!(asked, ["POST /oauth/token", call]);
    let came = gateway.came.lock().unwrap();
    assert!(!came[0].headers.contains_key("authorization"));
    assert_eq!(came[1].headers["authorization"], format!("Bearer {GIVEN}"));
    assert!(!output.stderr.contains(GIVEN));
}
