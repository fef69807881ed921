//! `postern audit` on a gateway of fixed answers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use postern_domain::audit::checkpoint::Checkpoint;
use postern_domain::audit::{GENESIS, hex, link};
use postern_domain::id::OrganizationId;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::time::Timestamp;
use serde_json::json;
use tempfile::TempDir;

use crate::commands::ID;
use crate::gateway::{Gateway, Reply, json, problem, run};
use crate::golden;

const ROW: &str = "{\"content\":\"{}\",\"previous\":\"00\",\"link\":\"01\",\"kid\":\"r1\"}\n";
const END: &str = "{\"checkpoint\":\"{}\",\"kid\":\"r1\",\"mac\":\"77\"}\n";

fn ndjson(body: &str) -> Reply {
    Reply {
        status: 200,
        headers: vec![("content-type", "application/x-ndjson".to_owned())],
        body: body.to_owned(),
    }
}

#[tokio::test]
async fn list() {
    let event = json!({
        "organization_id": "48507561-55cb-400d-b62c-05475945ca0d", "sequence": 12,
        "at": "2026-11-22T01:14:20.641Z", "action": "token.mint", "actor": "admin-token",
        "tier": "administrator-key", "token_id": "1e217d87-0e6f-4d57-aa1b-616722c1c5d6",
        "token_prefix": "pst_0ur4e3zI", "replaces": null, "target": null, "outcome": "ok",
        "count": null, "changes": null, "address": "192.0.2.7", "user_agent": "curl/7.88.1",
        "request_id": "ba0ecd2b5de1c6b1bd9b1e0ab2a3d5a1", "previous": "6f0c", "link": "1d9a",
        "kid": "r1",
    });
    let page = |cursor: Option<&str>| {
        let events = vec![event.clone(); 2];
        json(200, &json!({ "events": events, "next_cursor": cursor }))
    };
    let gateway = Gateway::start(vec![page(Some("c")), page(Some("d"))]).await;
    let words = [
        "audit",
        "list",
        "--limit",
        "3",
        "--action",
        "token.mint",
        "--actor",
        "admin-token",
        "--since",
        "2026-11-22T00:00:00Z",
        "--until",
        "2026-11-23T00:00:00Z",
        "--token-id",
        ID,
    ];
    let output = gateway.run(&words).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    golden::check("output/audit-list-table.txt", &output.stdout);
    let query = format!(
        "limit=500&action=token.mint&actor=admin-token&token={ID}&since=2026-11-22T00%3A00%3A00Z&until=2026-11-23T00%3A00%3A00Z"
    );
    assert_eq!(
        gateway.asked(),
        [
            format!("GET /org/audit?{query}"),
            format!("GET /org/audit?{query}&cursor=c"),
        ]
    );
    let gateway = Gateway::start(vec![page(None)]).await;
    let output = gateway.run(&["audit", "ls", "-o", "json"]).await;
    golden::check("output/audit-list-json.txt", &output.stdout);
}

#[tokio::test]
async fn an_empty_filter_is_a_mistake() {
    let gateway = Gateway::start(Vec::new()).await;
    let value = |name| format!("`{name}` is empty: give it a value, or leave it out");
    let token = || "the token to look for is empty: give its name, prefix or id".to_owned();
    for (words, told) in [
        (["audit", "list", "--action", ""], value("action")),
        (["audit", "list", "--token-id", ""], token()),
        (["audit", "list", "--token-id", " "], token()),
        (["api-token", "list", "--project", ""], value("project")),
        (["api-token", "list", "--minted-by", ""], token()),
    ] {
        let output = gateway.run(&words).await;
        assert_eq!(
            (output.code, output.stderr),
            (2, format!("postern: {told}\n"))
        );
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn list_says_what_does_not_fit() {
    let fault = json!({
        "sequence": 7, "problem": "changed",
        "detail": "row 7 was changed: its link does not fit\u{1b}[2J",
    });
    let page = json!({ "events": [], "faults": [fault], "next_cursor": null });
    let gateway = Gateway::start(vec![json(200, &page)]).await;
    let output = gateway.run(&["audit", "list"]).await;
    let told = "the log does not fit: row 7 was changed: its link does not fit";
    assert!(output.stderr.starts_with(told), "{}", output.stderr);
    assert!(!output.stderr.contains('\u{1b}'), "{}", output.stderr);
}

#[tokio::test]
async fn a_whole_export() {
    let body = format!("{ROW}{ROW}{END}");
    let gateway = Gateway::start(vec![ndjson(&body), ndjson(&body), ndjson(&body)]).await;
    let output = gateway.run(&["audit", "export"]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(output.stdout, body);
    assert_eq!(gateway.asked(), ["GET /org/audit"]);
    assert_eq!(
        gateway.came.lock().unwrap()[0].headers["accept"],
        "application/x-ndjson"
    );

    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.ndjson");
    let path = file.to_str().unwrap();
    let output = gateway.run(&["audit", "export", path]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert_eq!(fs::read_to_string(&file).unwrap(), body);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    // One that is there stays as it is.
    fs::write(&file, "kept").unwrap();
    let output = gateway.run(&["audit", "export", path]).await;
    assert_eq!(output.code, 3);
    assert!(output.stderr.contains("File exists"), "{}", output.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "kept");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn an_export_that_breaks_off_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.ndjson");
    let path = file.to_str().unwrap();
    for (reply, code, why) in [
        (
            ndjson(&format!("{ROW}{ROW}")),
            9,
            "it ends without a checkpoint",
        ),
        (ndjson(""), 9, "it ends without a checkpoint"),
        (
            problem(403, "operation_not_allowed"),
            5,
            "operation_not_allowed",
        ),
        (
            json(200, &json!({ "events": [] })),
            9,
            "not an answer of a Postern gateway",
        ),
    ] {
        let gateway = Gateway::start(vec![reply]).await;
        let output = gateway.run(&["audit", "export", path]).await;
        assert_eq!(output.code, code, "{}", output.stderr);
        assert!(output.stderr.contains(why), "{}", output.stderr);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// An export of one row that is whole.
fn whole() -> String {
    let audit = RootKeys::from_root(&KeyRing::parse(KEY).unwrap()).audit;
    let organization = "48507561-55cb-400d-b62c-05475945ca0d";
    let content = json!({ "organization_id": organization, "sequence": 1 }).to_string();
    let link = hex(&link(audit.signing(), &GENESIS, &content));
    let row = json!({ "content": content, "previous": hex(&GENESIS), "link": link, "kid": "k1" });
    let checkpoint = Checkpoint {
        organization_id: OrganizationId::parse(organization).unwrap(),
        sequence: 1,
        link,
        at: Timestamp::from_millis(2_000),
    };
    let checkpoint = serde_json::to_string(&checkpoint.sign(&audit).unwrap()).unwrap();
    format!("{row}\n{checkpoint}\n")
}

#[tokio::test]
async fn an_export_from_an_editor_of_another_system_is_whole() {
    let export = whole();
    for mark in ["", "\u{feff}"] {
        for end in ["\n", "\r\n"] {
            let text = format!("{mark}{}", export.replace('\n', end));
            let output = run(&["audit", "verify", "-"], &[("ROOT_KEYS", KEY)], &text).await;
            assert_eq!(
                (output.code, output.stderr.as_str()),
                (0, ""),
                "{mark:?} {end:?}: {}",
                output.stdout
            );
            assert!(
                output.stdout.starts_with("1 row of organization 4850"),
                "{}",
                output.stdout
            );
        }
    }
    // What was changed is told as before.
    let changed = export.replacen("\\\"sequence\\\":1", "\\\"sequence\\\":2", 1);
    assert_ne!(changed, export);
    let output = run(&["audit", "verify", "-"], &[("ROOT_KEYS", KEY)], &changed).await;
    assert_eq!(output.code, 1);
    assert!(
        output.stderr.starts_with("postern: the log is not whole"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn a_file_that_is_no_export_says_so() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("log.json");
    let utf_16 = whole()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect::<Vec<_>>();
    let lines = "no line of it is a row or a checkpoint";
    for (bytes, why) in [
        (Vec::new(), lines),
        (b"hello\nworld\n".to_vec(), lines),
        // What `audit list -o json` prints.
        (b"[\n  {\n    \"sequence\": 1\n  }\n]\n".to_vec(), lines),
        (b"\x1f\x8b\x08\x00".to_vec(), lines),
        (
            [b"\xff\xfe".as_slice(), &utf_16].concat(),
            "it is UTF-16 text",
        ),
    ] {
        fs::write(&file, bytes).unwrap();
        let path = file.to_str().unwrap();
        let output = run(&["audit", "verify", path], &[("ROOT_KEYS", KEY)], "").await;
        assert_eq!((output.code, output.stdout.as_str()), (3, ""));
        let message = format!("postern: {path} is not an export of the audit log: {why}\n");
        assert!(output.stderr.starts_with(&message), "{}", output.stderr);
    }
}
