//! The commands that create and find tokens, on a gateway of fixed answers: what they ask, and what they write, as
//! golden files.

use serde_json::{Value, json};

use crate::gateway::{Gateway, Reply, SECRET, TOKEN, json, run};
use crate::golden;

pub const ID: &str = "1e217d87-0e6f-4d57-aa1b-616722c1c5d6";

/// Two more.
pub const A: &str = "00000000-0000-4000-8000-00000000000a";

pub const B: &str = "00000000-0000-4000-8000-00000000000b";

pub fn token(name: &str) -> Value {
    json!({
        "id": ID, "name": name, "description": "release pipeline", "format": "opaque",
        "prefix": "pst_0ur4e3zI",
        "organization": { "id": "48507561-55cb-400d-b62c-05475945ca0d", "name": "acme" },
        "project": { "id": "94069568-e642-4167-b040-c591e68f7402", "name": "shop" },
        "workflow": { "id": "213ae83d-a412-437c-89d7-78caa817214b", "name": "release" },
        "policies": ["workflow_run:list", "workflow_run:read"], "is_system": false,
        "created_at": "2026-11-22T01:14:20.641Z", "created_by": "admin-token",
        "expires_at": "2027-02-20T01:14:20Z", "minted_by": null,
        "last_used_at": "2026-11-22T01:15:20.927Z", "uses": 3,
        "revoked_at": null, "quarantined_at": null,
    })
}

/// The job of a CI token.
pub fn ci_job() -> Value {
    json!({
        "rule": "r-1", "issuer": "github", "repository": "acme/shop", "run_id": "9", "run_attempt": "1",
        "commit": "0123456789abcdef0123456789abcdef01234567", "ref": "refs/heads/main\u{1b}[2J", "event": "push",
        "environment": "production", "actor": "kim",
        "workflow": "acme/shop/.github/workflows/release.yml@refs/heads/main",
    })
}

pub fn minted(name: &str) -> Value {
    let mut token = token(name);
    for absent in [
        "minted_by",
        "last_used_at",
        "uses",
        "revoked_at",
        "quarantined_at",
    ] {
        token.as_object_mut().unwrap().remove(absent);
    }
    token["token"] = SECRET.into();
    token["warning"] = "copy the token now".into();
    token
}

/// Runs a command that succeeds, and compares what it writes.
pub async fn check(name: &str, replies: Vec<Reply>, arguments: &[&str]) -> Gateway {
    let gateway = Gateway::start(replies).await;
    let output = gateway.run(arguments).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{name}");
    golden::check(&format!("output/{name}.txt"), &output.stdout);
    gateway
}

#[tokio::test]
async fn create() {
    for (format, arguments) in [
        ("table", &[][..]),
        ("json", &["-o", "json"]),
        ("token", &["-o", "token"]),
    ] {
        let words = [
            "api-token",
            "create",
            "--name",
            "ci",
            "--description",
            "release pipeline",
            "--expiration",
            "90d",
            "--project",
            "shop",
            "--workflow",
            "release",
            "--format",
            "opaque",
            "--policy",
            "workflow_run:list",
            "--policy",
            "workflow_run:read",
        ];
        let words: Vec<_> = words.iter().chain(arguments).copied().collect();
        let gateway = check(
            &format!("create-{format}"),
            vec![json(201, &minted("ci"))],
            &words,
        )
        .await;
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].what, "POST /org/tokens");
        assert_eq!(
            came[0].json(),
            json!({
                "name": "ci", "description": "release pipeline", "expires_in": "90d",
                "project": "shop", "workflow": "release", "format": "opaque",
                "policies": ["workflow_run:list", "workflow_run:read"],
            })
        );
        let headers = &came[0].headers;
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(headers["postern-organization"], "acme");
        assert_eq!(headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn what_stands_in_front_gets_its_headers() {
    let gateway = Gateway::start(vec![json(201, &minted("ci"))]).await;
    let variables = [
        ("POSTERN_URL", gateway.url.as_str()),
        ("POSTERN_TOKEN", TOKEN),
        ("POSTERN_HEADERS", "CF-Access-Client-Id:a,User-Agent:b"),
    ];
    let words = ["token", "create", "-o", "token"];
    let output = run(&words, &variables, "").await;
    assert_eq!(output.stdout, format!("{SECRET}\n"));
    let came = gateway.came.lock().unwrap();
    let headers = &came[0].headers;
    assert_eq!(headers["cf-access-client-id"], "a");
    assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
    let agents: Vec<_> = headers.get_all("user-agent").iter().collect();
    assert!(agents.len() == 1 && agents[0].to_str().unwrap().starts_with("postern-cli/"));
}

#[tokio::test]
async fn create_asks_for_nothing_that_was_not_asked_for() {
    let gateway = Gateway::start(vec![json(201, &minted("ci"))]).await;
    let words = ["token", "create", "--expiration", "0", "-o", "token"];
    let output = gateway.run(&words).await;
    assert_eq!(output.stdout, format!("{SECRET}\n"));
    assert_eq!(gateway.came.lock().unwrap()[0].json(), json!({}));
}

#[tokio::test]
async fn list_reads_all_pages() {
    let mut held = token("held");
    held["quarantined_at"] = "2026-11-22T01:16:00Z".into();
    let mut ended = token("\u{1b}[2Jended\u{202e}");
    ended["workflow"] = Value::Null;
    ended["revoked_at"] = "2026-11-22T01:17:00Z".into();
    let mut wide = token("wide");
    (wide["project"], wide["workflow"]) = (Value::Null, Value::Null);
    (wide["description"], wide["expires_at"]) = (Value::Null, Value::Null);
    wide["created_by"] = "org-token:pst_7aBcDeFg".into();
    let pages = || {
        vec![
            json(
                200,
                &json!({ "tokens": [token("ci"), held.clone()], "next_cursor": "a+b" }),
            ),
            json(
                200,
                &json!({ "tokens": [ended.clone(), wide.clone()], "next_cursor": null }),
            ),
        ]
    };
    let gateway = check(
        "list-table",
        pages(),
        &[
            "api-token",
            "list",
            "--all",
            "--scope",
            "global",
            "--project",
            "a&b",
            "--minted-by",
            ID,
        ],
    )
    .await;
    let query = format!("status=all&scope=organization&project=a%26b&minted_by={ID}");
    assert_eq!(
        gateway.asked(),
        [
            format!("GET /org/tokens?limit=500&{query}"),
            format!("GET /org/tokens?limit=500&{query}&cursor=a%2Bb"),
        ]
    );
    check("list-json", pages(), &["api-token", "ls", "-o", "json"]).await;
}

#[tokio::test]
async fn an_empty_list() {
    let empty = || vec![json(200, &json!({ "tokens": [], "next_cursor": null }))];
    let gateway = Gateway::start(empty()).await;
    let output = gateway.run(&["api-token", "list"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    let told = "no active API token in this organization matches; --all looks among revoked and expired ones too\n";
    assert_eq!(output.stderr, told);
    assert_eq!(gateway.asked(), ["GET /org/tokens?limit=500&status=active"]);
    let gateway = Gateway::start(empty()).await;
    assert_eq!(
        gateway
            .run(&["api-token", "list", "-o", "json"])
            .await
            .stdout,
        "[]\n"
    );
}

#[tokio::test]
async fn show() {
    let gateway = check(
        "show-table",
        vec![json(200, &token("ci"))],
        &["api-token", "show", "--id", ID],
    )
    .await;
    assert_eq!(gateway.asked(), [format!("GET /org/tokens/{ID}")]);
    let words = ["api-token", "show", "--id", ID, "-o", "json"];
    check("show-json", vec![json(200, &token("ci"))], &words).await;
    let mut of_job = token("ci");
    of_job["ci_job"] = ci_job();
    let words = ["token", "show", "--id", ID];
    check("show-job", vec![json(200, &of_job)], &words).await;
}

pub fn page(tokens: &[Value]) -> Reply {
    json(200, &json!({ "tokens": tokens, "next_cursor": null }))
}

pub fn revoked(id: &str) -> Reply {
    json(
        200,
        &json!({ "id": id, "revoked_at": "2026-11-22T01:14:32.384Z", "final_at": "2026-11-22T01:14:32.409Z" }),
    )
}
