//! `postern setup` on a stand-in of wrangler: what it calls, what it hands over and how, what a second run finds, and
//! what is said when a step fails. `postern preflight` on what it leaves.

use std::fs;

use serde_json::{Value, json as value};

use crate::gateway::{Gateway, Output, Reply, json, run_plain};
use crate::golden;
use crate::standin::{DATABASE_ID, Folder, NAMESPACE_ID};

const ORIGIN: &str = "https://attestation.acme.dev";
const ISSUED: &str = "pst_issued-by-the-gateway-of-this-test";

const FLAGS: [&str; 8] = [
    "--origin-url",
    ORIGIN,
    "--organization",
    "acme",
    "--project",
    "shop",
    "--workflow",
    "release",
];

/// Every call of a first run, in order.
const FIRST_RUN: [&str; 12] = [
    "whoami --json",
    "secret list --name postern --format json",
    "d1 list --json",
    "d1 create postern",
    "d1 list --json",
    "kv namespace list",
    "kv namespace create postern-facts",
    "kv namespace list",
    "d1 migrations apply DB --remote",
    "secret list --format json",
    "secret bulk",
    "deploy",
];

/// Those of a run that finds everything.
const SECOND_RUN: [&str; 6] = [
    "whoami --json",
    "d1 list --json",
    "kv namespace list",
    "d1 migrations apply DB --remote",
    "secret list --format json",
    "deploy",
];

fn ready() -> Reply {
    json(
        200,
        &value!({ "status": "ready", "dependencies": { "record": "ready" } }),
    )
}

fn diagnosis() -> [Reply; 3] {
    let version = env!("CARGO_PKG_VERSION");
    let description = json(200, &value!({ "info": { "version": version } }));
    [ready(), description, json(200, &value!({ "tokens": [] }))]
}

/// A gateway that has nothing yet, or everything.
async fn gateway(has: bool) -> Gateway {
    let mut replies = vec![ready()];
    let lists = [
        ("organizations", "acme"),
        ("projects", "shop"),
        ("workflows", "release"),
        ("tokens", "first"),
    ];
    for (member, name) in lists {
        let rows = if has {
            value!([{ "name": name }])
        } else {
            value!([])
        };
        replies.push(json(200, &value!({ member: rows })));
        if !has {
            replies.push(json(
                201,
                &value!({ "id": "t-1", "name": name, "token": ISSUED }),
            ));
        }
    }
    replies.extend(diagnosis());
    Gateway::start(replies).await
}

async fn setup(folder: &Folder, url: &str, variables: &[(&str, &str)]) -> Output {
    let flags: Vec<&str> = FLAGS.into_iter().chain(["--gateway", url]).collect();
    folder.setup(&flags, variables).await
}

/// The keys that the stand-in was given.
fn keys(folder: &Folder) -> Vec<(String, String)> {
    let text = folder.text("stdin");
    let mut lines = text.lines();
    let given: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(lines.next(), None, "keys were set once");
    let keys = given.as_object().unwrap().iter();
    keys.map(|(name, key)| (name.clone(), key.as_str().unwrap().to_owned()))
        .collect()
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

#[tokio::test]
async fn r51_a_new_folder_is_not_deployed_over_a_worker_of_the_name() {
    let folder = Folder::new();
    let before = folder.config();
    fs::write(folder.file("secrets"), r#"[{"name":"ADMIN_TOKEN"}]"#).unwrap();
    let output = setup(&folder, "http://127.0.0.1:9", &[]).await;
    assert_eq!(output.code, 2, "{}", output.stderr);
    let expected = "the account has a Worker `postern` already";
    assert!(output.stderr.contains(expected), "{}", output.stderr);
    assert_eq!(folder.calls(), FIRST_RUN[..2]);
    assert_eq!(folder.config(), before, "nothing was changed");
}

#[tokio::test]
async fn r51_a_first_run_makes_everything_and_a_second_finds_it() {
    let folder = Folder::new();
    let before = folder.config();
    let first = gateway(false).await;
    let output = setup(&folder, &first.url, &[]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    let calls = folder.calls();
    assert_eq!(calls, FIRST_RUN);

    let keys = keys(&folder);
    let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["ADMIN_TOKEN", "ROOT_KEYS", "TOKEN_KEYS"]);
    for (name, key) in &keys {
        assert!(
            output.stdout.contains(&format!("  {name}={key}\n")),
            "shown once"
        );
        assert!(!output.stderr.contains(key) && !calls.concat().contains(key));
        assert!(!folder.config().contains(key), "no key is kept in a file");
    }
    assert!(output.stdout.contains(&format!("\n  {ISSUED}\n")));
    assert!(
        output.stdout.contains("postern bridge -- "),
        "{}",
        output.stdout
    );
    let authorization = format!("Bearer {}", keys[0].1);
    for came in first.came.lock().unwrap().iter() {
        assert_eq!(came.headers["authorization"], authorization.as_str());
    }
    let asked = first.asked();
    let made: Vec<&String> = asked
        .iter()
        .filter(|what| what.starts_with("POST"))
        .collect();
    let expected = [
        "POST /orgs",
        "POST /org/projects",
        "POST /org/projects/shop/workflows",
        "POST /org/tokens",
    ];
    assert_eq!(made, expected.each_ref());

    // The file is as it was but for the values.
    let expected = before
        .replace("00000000-0000-4000-8000-000000000001", DATABASE_ID)
        .replace("00000000000040008000000000000002", NAMESPACE_ID)
        .replace("http://127.0.0.1:9090", ORIGIN);
    assert_eq!(folder.config(), expected);
    let config = folder.path().join("wrangler.jsonc");
    let checked = run_plain(&["preflight", "--config", config.to_str().unwrap()]).await;
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));

    let second = gateway(true).await;
    let output = setup(&folder, &second.url, &[("POSTERN_TOKEN", &keys[0].1)]).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(folder.calls(), SECOND_RUN);
    assert_eq!(lines(&folder.text("stdin")), 1, "no key is set again");
    assert_eq!(folder.text("leaked"), "", "wrangler does not see the key");
    assert_eq!(folder.config(), expected);
    let posted = second.asked().iter().any(|what| what.starts_with("POST"));
    assert!(!posted, "nothing is created again");
}

#[tokio::test]
async fn r51_without_the_key_a_second_run_creates_nothing_and_says_so() {
    let folder = Folder::new();
    assert_eq!(setup(&folder, &gateway(false).await.url, &[]).await.code, 0);
    let gateway = Gateway::start(vec![ready()]).await;
    let output = setup(&folder, &gateway.url, &[]).await;
    assert_eq!(output.code, 4, "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("set POSTERN_TOKEN to the administrator key"),
        "{}",
        output.stderr
    );
    assert_eq!(gateway.asked(), ["GET /readyz"]);
}

#[tokio::test]
async fn r51_each_step_that_fails_is_named_and_the_next_run_goes_on() {
    // The listings come twice in a first run; the first of them fails.
    let steps: std::collections::BTreeSet<&str> = FIRST_RUN.into_iter().collect();
    for step in steps {
        let folder = Folder::new();
        fs::write(folder.file("fail"), step).unwrap();
        let output = setup(&folder, "http://127.0.0.1:1", &[]).await;
        let expected = if step.starts_with("whoami") { 4 } else { 1 };
        assert_eq!(output.code, expected, "{step}: {}", output.stderr);
        assert!(
            output
                .stderr
                .contains("[ERROR] A request to the Cloudflare API failed"),
            "{step}"
        );
        assert!(
            output.stderr.contains(&format!("`npx wrangler {step}`")),
            "{step}: {}",
            output.stderr
        );
        assert!(
            output.stderr.contains("\n  hint: "),
            "{step}: {}",
            output.stderr
        );
        let calls = folder.calls();
        assert_eq!(
            calls.last().map(String::as_str),
            Some(step),
            "nothing runs behind a failure"
        );
        assert_eq!(
            output.stdout.contains("TOKEN_KEYS="),
            ["secret bulk", "deploy"].contains(&step)
        );
        if step == "secret bulk" {
            assert!(
                output
                    .stderr
                    .contains("keep the keys above: they may be in force"),
                "{}",
                output.stderr
            );
        }

        fs::remove_file(folder.file("fail")).unwrap();
        let _ = fs::remove_file(folder.file("stdin"));
        let made = folder.text("secrets");
        let has_keys = !made.is_empty();
        let gateway = match has_keys {
            true => Gateway::start(vec![ready()]).await,
            false => gateway(false).await,
        };
        let output = setup(&folder, &gateway.url, &[]).await;
        // Whoever has not kept the keys that were shown cannot go on with them.
        let expected = if has_keys { 4 } else { 0 };
        assert_eq!(output.code, expected, "{step}: {}", output.stderr);
        assert_eq!(
            folder.text("stdin").is_empty(),
            has_keys,
            "{step}: keys are set once"
        );
        assert!(folder.config().contains(DATABASE_ID) && folder.config().contains(NAMESPACE_ID));
    }
}

#[tokio::test]
async fn r51_a_dry_run_prints_every_command_and_changes_nothing() {
    let folder = Folder::new();
    let before = folder.config();
    let flags: Vec<&str> = FLAGS
        .into_iter()
        .chain(["--origin-auth", "assertion", "--dry-run"])
        .collect();
    let output = folder.setup(&flags, &[]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert_eq!(folder.calls(), Vec::<String>::new());
    assert_eq!(folder.config(), before);
    golden::check("setup-dry-run.txt", &output.stdout);
}

#[tokio::test]
async fn r51_an_answer_that_is_not_understood_makes_no_new_store_and_no_new_key() {
    for (file, text, told) in [
        ("d1", "an error page", "did not answer with JSON"),
        ("kv", "", "did not answer with JSON"),
        (
            "secrets",
            "{\"result\":[]}",
            "wrangler's list of secrets was not understood",
        ),
    ] {
        let folder = Folder::new();
        fs::write(folder.file(file), text).unwrap();
        let output = setup(&folder, "http://127.0.0.1:1", &[]).await;
        assert_eq!(output.code, 1, "{}", output.stderr);
        assert!(output.stderr.contains(told), "{}", output.stderr);
        assert_eq!(folder.text("stdin"), "");
    }
}

#[tokio::test]
async fn r51_a_store_of_another_account_is_not_replaced() {
    let folder = Folder::new();
    let config = folder
        .config()
        .replace("00000000-0000-4000-8000-000000000001", DATABASE_ID);
    fs::write(folder.path().join("wrangler.jsonc"), &config).unwrap();
    let output = setup(&folder, "http://127.0.0.1:1", &[]).await;
    assert_eq!(output.code, 3);
    assert!(
        output.stderr.contains("is not in the account"),
        "{}",
        output.stderr
    );
    assert_eq!(folder.calls(), ["whoami --json", "d1 list --json"]);
    assert_eq!(folder.config(), config);
}

#[tokio::test]
async fn r51_what_setup_refuses_before_it_calls_anything() {
    let rows: [(&[&str], i32, &str); 5] = [
        (&[], 2, "--origin-url is missing"),
        (
            &["--origin-url", "http://127.0.0.1:9090"],
            2,
            "--origin-url leads to this machine",
        ),
        (
            &["--origin-url", "https://origin.example.com"],
            2,
            "--origin-url is an example's",
        ),
        (
            &["--origin-url", ORIGIN, "--name", "My_Gateway"],
            2,
            "--name must be",
        ),
        (&["--origin-url", ORIGIN], 2, "--organization is missing"),
    ];
    let folder = Folder::new();
    for (flags, code, told) in rows {
        let output = folder.setup(flags, &[]).await;
        assert_eq!(output.code, code, "{flags:?}: {}", output.stderr);
        assert!(output.stderr.contains(told), "{flags:?}: {}", output.stderr);
    }
    assert_eq!(folder.calls(), Vec::<String>::new());
    fs::remove_file(folder.file("wrangler")).unwrap();
    let output = folder.setup(&FLAGS, &[]).await;
    assert_eq!(output.code, 3);
    assert!(
        output.stderr.contains("run `npm ci` there"),
        "{}",
        output.stderr
    );
    fs::remove_file(folder.path().join("wrangler.jsonc")).unwrap();
    let output = folder.setup(&FLAGS, &[]).await;
    assert_eq!(output.code, 3);
    assert!(
        output.stderr.contains("run it in a folder with a release"),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn r51_preflight_refuses_the_examples() {
    let folder = Folder::new();
    let config = folder.path().join("wrangler.jsonc");
    let output = run_plain(&["preflight", "--config", config.to_str().unwrap()]).await;
    assert_eq!((output.code, output.stdout.as_str()), (3, ""));
    let refused: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(
        refused,
        [
            "refused  d1_databases, binding DB: the id is the example's placeholder: create the store, and put its id here",
            "refused  kv_namespaces, binding FACTS: the id is the example's placeholder: create the store, and put its id here",
            "refused  ORIGIN_URL leads to this machine: give the URL of the attestation API",
            "postern: this may not be deployed: 3 of its settings are wrong",
            "  hint: mend them, or let `postern setup` fill them in",
        ]
    );
    let nowhere = run_plain(&["preflight", "--config", "not-there.jsonc"]).await;
    assert_eq!(nowhere.code, 3);
}
