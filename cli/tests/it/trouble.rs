//! What goes wrong around a command: answers of strangers, silence, files that others may read,
//! readers that have gone.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::commands::ID;
use crate::gateway::{Gateway, Output, Reply, SECRET, TOKEN, json, problem, program, run};

const LIST: [&str; 2] = ["api-token", "list"];

fn html(status: u16) -> Reply {
    Reply {
        status,
        headers: vec![("content-type", "text/html".to_owned())],
        body: "<html>".to_owned(),
    }
}

fn check(output: &Output, code: i32, lines: &[&str]) {
    let found: Vec<_> = output.stderr.lines().collect();
    assert_eq!((output.code, &found[..]), (code, lines));
    assert_eq!(output.stdout, "");
}

#[tokio::test]
async fn refusals_are_one_line_and_a_hint() {
    let limited = Reply {
        headers: vec![
            ("content-type", "application/problem+json".to_owned()),
            ("retry-after", "42".to_owned()),
        ],
        ..problem(429, "mint_rate_exceeded")
    };
    let refused = "check POSTERN_TOKEN: the token may be revoked, or belong to another gateway";
    let stranger = "check the address, and what stands before the gateway";
    for (reply, code, message, hint) in [
        (
            problem(401, "credential_refused"),
            4,
            "it is so (credential_refused, request r1)",
            refused,
        ),
        (
            limited,
            8,
            "it is so (mint_rate_exceeded, request r1)",
            "try again in 42 s",
        ),
        (
            problem(503, "unavailable"),
            9,
            "it is so (unavailable, request r1)",
            "see what is wrong: postern doctor",
        ),
        (
            html(200),
            9,
            "not an answer of a Postern gateway: HTTP 200 (text/html)",
            stranger,
        ),
        (
            html(502),
            9,
            "not an answer of a Postern gateway: HTTP 502 (text/html)",
            stranger,
        ),
        (
            // A redirect is not followed: the token goes to no other address.
            Reply {
                headers: vec![("location", "http://127.0.0.1:1/".to_owned())],
                ..html(307)
            },
            9,
            "not an answer of a Postern gateway: HTTP 307 (no content type)",
            stranger,
        ),
    ] {
        let gateway = Gateway::start(vec![reply]).await;
        let output = gateway.run(&LIST).await;
        let (message, hint) = (format!("postern: {message}"), format!("  hint: {hint}"));
        check(&output, code, &[&message, &hint]);
    }
}

#[tokio::test]
async fn no_gateway() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let output = run(&LIST, &[("POSTERN_URL", &url)], "").await;
    assert_eq!(output.code, 9);
    let message = format!("postern: the gateway {url} cannot be reached: ");
    assert!(output.stderr.starts_with(&message), "{}", output.stderr);
    let hint = "\n  hint: check POSTERN_URL, and that the gateway can be reached from here\n";
    assert!(output.stderr.ends_with(hint), "{}", output.stderr);

    let output = run(&LIST, &[], "").await;
    let hint = "  hint: set POSTERN_URL, or `url` in ~/.config/postern/config.toml";
    check(&output, 3, &["postern: which gateway?", hint]);
}

#[tokio::test]
async fn a_gateway_that_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let words = ["api-token", "list", "--timeout", "1"];
    for (scheme, message) in [
        ("http", "postern: no answer within 1 s".to_owned()),
        ("https", String::new()),
    ] {
        let url = format!("{scheme}://{address}");
        let output = run(&words, &[("POSTERN_URL", &url)], "").await;
        assert_eq!(output.code, 9, "{}", output.stderr);
        assert!(output.stderr.starts_with(&message), "{}", output.stderr);
        assert!(output.stderr.contains("within 1 s"), "{}", output.stderr);
    }
}

#[tokio::test]
async fn a_configuration_file() {
    let page = json(200, &json!({ "tokens": [], "next_cursor": null }));
    let gateway = Gateway::start(vec![page]).await;
    let home = TempDir::new().unwrap();
    let folder = home.path().join(".config/postern");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.toml");
    let text = format!("url = \"{}\"\ntoken = \"{TOKEN}\"\n", gateway.url);
    fs::write(&file, text).unwrap();
    let home = home.path().to_str().unwrap();

    for (mode, code) in [(0o644, 3), (0o640, 3), (0o600, 0)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let output = run(&LIST, &[("HOME", home)], "").await;
        assert_eq!(output.code, code, "{mode:o}: {}", output.stderr);
        if code != 0 {
            let why = "others than its owner may use it";
            assert!(output.stderr.contains(why), "{}", output.stderr);
            assert!(output.stderr.contains("chmod 600"), "{}", output.stderr);
        }
    }
    let came = gateway.came.lock().unwrap();
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].headers["authorization"], format!("Bearer {TOKEN}"));
}

/// Runs with a stdout that nobody reads any more.
async fn run_closed(gateway: &Gateway, arguments: &[&str]) -> (i32, String) {
    let mut command = program(arguments);
    command
        .env("POSTERN_URL", &gateway.url)
        .env("POSTERN_TOKEN", TOKEN);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap());
    let output = output.await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), stderr)
}

#[tokio::test]
async fn a_reader_that_has_gone() {
    let page = json!({ "tokens": [{ "id": "1", "name": "n" }], "next_cursor": null });
    let gateway = Gateway::start(vec![json(200, &page)]).await;
    let (code, stderr) = run_closed(&gateway, &LIST).await;
    assert_eq!((code, stderr.as_str()), (0, ""));

    // A secret that nobody got is another matter.
    let made = json!({ "id": "t1", "token": SECRET });
    for words in [
        &["api-token", "create"][..],
        &["api-token", "rotate", "--id", ID],
    ] {
        let gateway = Gateway::start(vec![json(201, &made)]).await;
        let (code, stderr) = run_closed(&gateway, words).await;
        assert_eq!(code, 1);
        assert!(stderr.contains("cannot write to stdout"), "{stderr}");
        assert!(stderr.contains("postern token revoke t1"), "{stderr}");
        assert!(!stderr.contains(SECRET), "{stderr}");
    }
}

#[test]
fn arguments_that_are_not_utf_8() {
    let odd = OsStr::from_bytes(b"\xff");
    let words = [
        OsStr::new("api-token"),
        OsStr::new("show"),
        OsStr::new("--id"),
        odd,
    ];
    let output = program(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let mut command = program(&LIST);
    let output = command.env("POSTERN_URL", odd).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "postern: POSTERN_URL is not UTF-8\n");
}

/// What a person typed comes back in an error as it can be shown: one line, and no command for the
/// terminal.
#[tokio::test]
async fn arguments_in_errors_are_escaped() {
    let url = ("POSTERN_URL", "https://gate.example");
    for (words, variables, code) in [
        (
            &["api-token", "list", "--url", "http://x\u{1b}[2J"][..],
            &[][..],
            3,
        ),
        (
            &["api-token", "list"],
            &[("POSTERN_URL", "http://x\u{202e}y")],
            3,
        ),
        (
            &["api-token", "list", "--organization", "a\u{1b}b"],
            &[url],
            2,
        ),
        (&["api-token", "list", "--ca", "a\n\u{1b}b"], &[url], 3),
        (&["leaks", "report", "a\n\u{1b}b"], &[url], 3),
        (
            &["audit", "verify", "a\n\u{1b}b"],
            &[(
                "ROOT_KEYS",
                "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            )],
            3,
        ),
        (&["audit", "verify", "a"], &[("ROOT_KEYS", "k\u{1b}1")], 3),
        (&["bridge", "--listen", "a\n\u{1b}b"], &[url], 3),
        (&["bridge", "--gateway", "a\n\u{1b}b"], &[], 3),
        (&["man", "--into", "a\n\u{1b}b/c"], &[], 3),
        (&["api-token", "list", "--status", "a\n\u{1b}b"], &[], 2),
        (&["api-token", "list", "--\u{1b}[2J"], &[], 2),
        (&["a\n\u{61c}\u{1b}b"], &[], 2),
        (&["api-token", "list", "a\n\u{1b}b"], &[], 2),
        (&["audit", "list", "--limit", "a\n\u{1b}b"], &[], 2),
    ] {
        let output = run(words, variables, "").await;
        assert_eq!(output.code, code, "{words:?}: {}", output.stderr);
        assert!(
            !output.stderr.contains(['\u{1b}', '\u{202e}', '\u{61c}']),
            "{words:?}: {:?}",
            output.stderr
        );
        assert!(
            !output.stderr.contains("a\n"),
            "{words:?}: {:?}",
            output.stderr
        );
        let is_ours = output.stderr.starts_with("postern: ");
        assert!(
            !is_ours || output.stderr.lines().count() <= 2,
            "{words:?}: {:?}",
            output.stderr
        );
    }
    let output = run(&["api-token", "list", "--url", "http://x\u{1b}y"], &[], "").await;
    assert!(
        output.stderr.contains("`http://x\\u{1b}y`"),
        "{}",
        output.stderr
    );
    let output = run(&["doctor", "--url", "http://x\u{1b}y"], &[], "").await;
    assert!(
        output.stdout.contains("`http://x\\u{1b}y`"),
        "{}",
        output.stdout
    );
}

#[tokio::test]
async fn an_answer_without_end() {
    // More than is read whole.
    let reply = Reply {
        body: " ".repeat(33 << 20),
        ..json(200, &json!({}))
    };
    let gateway = Gateway::start(vec![reply]).await;
    let output = gateway.run(&LIST).await;
    assert_eq!(output.code, 9);
    assert!(
        output.stderr.contains("length limit exceeded"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn a_list_without_end() {
    let page = json(200, &json!({ "tokens": [], "next_cursor": "same" }));
    let gateway = Gateway::start(vec![page.clone(), page]).await;
    assert_eq!(gateway.run(&LIST).await.code, 0);
    assert_eq!(gateway.asked().len(), 2);
}
