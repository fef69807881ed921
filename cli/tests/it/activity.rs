//! `postern activity`: calls per day, refused calls, and those that are refused from now on.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::commands::{A, ID, check, page, token};
use crate::gateway::{Gateway, Reply, TOKEN, json, problem, program};
use crate::support::ended;

fn call(request: &str, at: &str) -> Value {
    json!({
        "at": at, "operation": "AttestationService/Init", "reason": "not_confined",
        "token": { "id": ID, "name": "ci-release", "prefix": "pst_0ur4e3zI" }, "address": "192.0.2.7",
        "request_id": request, "user_agent": "chainloop/1.0",
    })
}

fn told(recent: &[Value]) -> Value {
    json!({
        "days": [
            { "date": "2026-11-28", "allowed": 12000, "refused": {}, "origin_trouble": 0 },
            { "date": "2026-11-29", "allowed": 600,
              "refused": { "not_confined": 320, "token_expired": 4 }, "origin_trouble": 80 },
        ],
        "recent": recent,
        "most_refused": [{ "token": { "id": ID, "name": "ci-release", "prefix": "pst_0ur4e3zI" }, "refused": 324 }],
        "callers": null,
        "offline_failures": { "today": 30, "yesterday": 2 },
    })
}

fn answer(recent: &[Value]) -> Reply {
    json(200, &told(recent))
}

#[tokio::test]
async fn days_and_refused_calls() {
    let mut nobody = call("r2", "2026-11-29T09:00:00Z");
    nobody["token"] = Value::Null;
    let recent = [call("r1", "2026-11-29T10:00:00Z"), nobody];
    for (name, words) in [
        ("activity-table", &[][..]),
        ("activity-csv", &["-o", "csv"]),
        ("activity-jsonl", &["-o", "jsonl", "--limit", "1"]),
    ] {
        let words: Vec<_> = ["activity"].iter().chain(words).copied().collect();
        let gateway = check(name, vec![answer(&recent)], &words).await;
        assert_eq!(gateway.asked(), ["GET /org/activity?days=30"]);
    }
    let gateway = Gateway::start(vec![answer(&recent)]).await;
    let output = gateway.run(&["activity", "-o", "json"]).await;
    assert_eq!(output.stdout, format!("{:#}\n", told(&recent)));
}

#[tokio::test]
async fn of_one_token() {
    let mut other = token("ci");
    other["id"] = A.into();
    let mut about = told(&[]);
    about["callers"] = json!([
        { "address": "192.0.2.7", "user_agent": "chainloop/1.0", "last_at": "2026-11-29T10:00:00Z", "calls": 1200 },
    ]);
    for words in [
        ["activity", "ci", "--days", "7"],
        ["activity", "--token-id=ci", "--days", "7"],
    ] {
        let gateway = Gateway::start(vec![page(&[other.clone()]), json(200, &about)]).await;
        let output = gateway.run(&words).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert_eq!(
            gateway.asked()[1],
            format!("GET /org/activity?days=7&token={A}")
        );
        let line = "192.0.2.7  1,200  2026-11-29 10:00:00 UTC  chainloop/1.0\n";
        assert!(output.stdout.contains(line), "{}", output.stdout);
        assert_eq!(output.stderr, "no call was refused\n");
    }
}

#[tokio::test]
async fn a_caller_without_the_policy_is_told_which() {
    let gateway = Gateway::start(vec![problem(403, "operation_not_allowed")]).await;
    let output = gateway.run(&["activity"]).await;
    assert_eq!(output.code, 5);
    assert!(output.stderr.contains("`audit:read`"), "{}", output.stderr);
}

#[tokio::test]
async fn following_writes_each_refused_call_once() {
    let (old, new, newer) = (
        call("r1", "2026-11-29T10:00:00Z"),
        call("r2", "2026-11-29T10:00:05Z"),
        call("r3", "2026-11-29T10:00:06Z"),
    );
    let replies = vec![
        answer(std::slice::from_ref(&old)),
        answer(&[new.clone(), old.clone()]),
        answer(&[newer, new, old]),
        // Whatever comes after what the test reads.
        answer(&[]),
        answer(&[]),
    ];
    let gateway = Gateway::start(replies).await;
    let mut command = program(&["activity", "--follow"]);
    command
        .env("POSTERN_URL", &gateway.url)
        .env("POSTERN_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let lines = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let lines: Vec<String> = lines.take(2).map(Result::unwrap).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        lines
    });
    let line = |at: &str, request: &str| {
        format!(
            "2026-11-29 10:00:{at} UTC  not_confined  ci-release (pst_0ur4e3zI)  AttestationService/Init  192.0.2.7  {request}"
        )
    };
    assert_eq!(lines.await.unwrap(), [line("05", "r2"), line("06", "r3")]);
    assert!(
        gateway
            .asked()
            .iter()
            .all(|what| what == "GET /org/activity?days=1")
    );
}

#[tokio::test]
async fn following_ends_when_nobody_reads() {
    // Behind `head -1`: the line after the last that is read.
    let calls: Vec<Value> = (0..4)
        .map(|at| call(&format!("r{at}"), &format!("2026-11-29T10:00:0{at}Z")))
        .collect();
    let replies = vec![
        answer(&calls[..1]),
        answer(&calls[..2]),
        answer(&calls[..3]),
        answer(&calls),
    ];
    let gateway = Gateway::start(replies).await;
    let mut command = program(&["activity", "--follow", "-o", "jsonl"]);
    command
        .env("POSTERN_URL", &gateway.url)
        .env("POSTERN_TOKEN", TOKEN)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let whole = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        drop(lines);
        ended(&mut child);
        (line, child.wait_with_output().unwrap())
    });
    let (line, output) = whole.await.unwrap();
    assert!(line.contains("\"r1\""), "{line}");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}
