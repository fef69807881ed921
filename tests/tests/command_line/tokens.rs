//! The life of a token from the terminal, and what is said when something is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use postern_system_tests::forge;
use postern_system_tests::life::accepted;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::program::Postern;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, random_name};
use serde_json::json;

use crate::support::{FOR_RELEASE, administrator};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        a_token_from_mint_to_revoke,
        r39_a_token_of_the_origin_is_adopted,
        a_bad_token,
        a_configuration_file_that_others_may_read,
        a_gateway_that_is_not_there,
        leaks_are_reported,
        what_is_meant_is_found_by_id_or_name,
    ]
}

async fn lives(suite: &Suite, token: &str) -> bool {
    accepted(&suite.gateway, 0, token).await
}

async fn a_token_from_mint_to_revoke(suite: &Suite) {
    let name = random_name("cli");
    let postern = administrator(suite, &name);
    let created = postern.run(&["org", "create", &name, "-o", "json"]).await;
    assert_eq!(created.json()["name"], name.as_str());
    postern.run(&["project", "create", SHOP]).await.done();
    let words = ["workflow", "create", RELEASE, "--project", SHOP];
    postern.run(&words).await.done();
    let workflows = ["workflow", "list", "--project", SHOP, "-o", "json"];
    let workflows = postern.run(&workflows).await.json();
    assert_eq!(workflows[0]["name"], RELEASE);

    let create = ["api-token", "create", "--name", "ci", "--expiration", "1h"];
    let create: Vec<_> = create.iter().chain(&FOR_RELEASE).copied().collect();
    let made = [&create[..], &["-o", "json"]].concat();
    let made = postern.run(&made).await.json();
    let (id, token) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    assert!(lives(suite, token).await);
    let again = postern.run(&create).await;
    again.failed(7, "name_taken");

    let listed = ["api-token", "list", "-o", "json"];
    assert_eq!(postern.run(&listed).await.json()[0]["id"], id);
    let shown = postern.run(&["api-token", "show", "--id", id]).await.done();
    assert!(
        shown.contains("SCOPE           workflow/shop/release\n"),
        "{shown}"
    );
    assert!(!shown.contains(token), "{shown}");

    let rotate = ["api-token", "rotate", "--id", id, "-o", "token"];
    let rotated = postern.run(&rotate).await;
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    assert_eq!(rotated.stderr, format!("The old token {id} is revoked.\n"));
    let successor = rotated.stdout.trim_end();
    assert!(!lives(suite, token).await, "rotated out");
    assert!(lives(suite, successor).await);

    let live = postern.run(&listed).await.json();
    let next = live[0]["id"].as_str().unwrap();
    assert_ne!(next, id);
    let revoke = ["api-token", "revoke", "--id", next];
    let revoked = postern.run(&revoke).await.done();
    let line = format!("API token revoked! {next}, ");
    assert!(revoked.starts_with(&line), "{revoked}");
    assert!(!lives(suite, successor).await);
    let again = postern.run(&revoke).await.done();
    let first = |line: &str| {
        line.split_once(", final ")
            .expect("when it is final")
            .0
            .to_owned()
    };
    assert_eq!(first(&again), first(&revoked), "the first time counts");
    let table = postern.run(&["api-token", "list", "--all"]).await.done();
    assert_eq!(table.lines().count(), 3, "{table}");
    let unknown = [
        "api-token",
        "show",
        "--id",
        "00000000-0000-4000-8000-000000000000",
    ];
    postern.run(&unknown).await.failed(6, "not_found");
}

async fn r39_a_token_of_the_origin_is_adopted(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = json!({
        "jti": random_id(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"],
        "token_name": "upstream", "org_id": organization.id, "org_name": organization.name,
        "project_id": organization.shop, "project_name": SHOP,
        "workflow_id": organization.release, "workflow_name": RELEASE,
    });
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let token = forge::jwt(&header, &claims.to_string(), &suite.keys.origin);
    assert!(!lives(suite, &token).await, "before it is adopted");
    let postern = administrator(suite, &organization.name);
    let adopt = ["api-token", "adopt", "--name", "ci", "-o", "json"];
    let output = postern.run_with(&adopt, &format!("{token}\n")).await;
    assert!(!output.stdout.contains(&token), "{output:?}");
    let adopted = output.json();
    assert_eq!(adopted["id"], claims["jti"]);
    assert_eq!(adopted["name"], "ci");
    assert!(lives(suite, &token).await);
    let again = postern.run_with(&adopt, &token).await;
    again.failed(7, "(already_adopted, request ");
    let nonsense = postern.run_with(&adopt, "not.a.jwt").await;
    nonsense.failed(7, "(jwt_invalid, request ");
}

async fn a_bad_token(suite: &Suite) {
    let url = suite.gateway.url(0);
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    organization.revoke(&suite.gateway, &minted.id).await;
    for (token, message) in [
        (minted.token.as_str(), "(credential_refused, request "),
        ("pst_nonsense", "(credential_"),
    ] {
        let postern = Postern::new(&[("POSTERN_URL", &url), ("POSTERN_TOKEN", token)]);
        let output = postern.run(&["api-token", "list"]).await;
        assert!(!output.stderr.contains(token), "{output:?}");
        output.failed(4, message);
    }
    // Without any, the hint says where one goes.
    let postern = Postern::new(&[("POSTERN_URL", &url)]);
    let output = postern.run(&["api-token", "list"]).await;
    output.failed(4, "hint: give a credential: POSTERN_TOKEN");
}

async fn a_configuration_file_that_others_may_read(suite: &Suite) {
    let postern = Postern::new(&[]);
    let folder = postern.home().join(".config/postern");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.toml");
    let (url, admin) = (suite.gateway.url(0), &suite.keys.admin);
    fs::write(&file, format!("url = \"{url}\"\ntoken = \"{admin}\"\n")).unwrap();
    let list = ["org", "list", "-o", "json"];
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = postern.run(&list).await;
    assert!(!refused.stderr.contains(admin.as_str()), "{refused:?}");
    refused.failed(3, "hint: chmod 600 ");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(postern.run(&list).await.json().is_array());
}

async fn a_gateway_that_is_not_there(_: &Suite) {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let postern = Postern::new(&[("POSTERN_URL", &url), ("POSTERN_TOKEN", "any")]);
    let message = format!("the gateway {url} cannot be reached: ");
    postern
        .run(&["api-token", "list"])
        .await
        .failed(9, &message);
    let output = postern.run(&["doctor"]).await;
    assert_eq!(output.code, 9);
    assert!(output.stdout.contains(&message), "{output:?}");
}

/// Ids, names and prefixes, wherever one is taken; and where to look after a wrong one.
async fn what_is_meant_is_found_by_id_or_name(suite: &Suite) {
    let organization = suite.organization().await;
    let postern = administrator(suite, &organization.name);
    let made = postern
        .run(&[
            "api-token",
            "create",
            "--name",
            "caf\u{e9}",
            "--expiration",
            "876000h",
            "-o",
            "json",
        ])
        .await
        .json();
    let (id, prefix) = (
        made["id"].as_str().unwrap(),
        made["prefix"].as_str().unwrap(),
    );
    for meant in [id, prefix, "cafe\u{301}"] {
        let shown = postern
            .run(&["api-token", "show", "--id", meant])
            .await
            .done();
        assert!(shown.contains(id), "{meant}: {shown}");
        // A life of a hundred years does not read as one that is over.
        let year = made["expires_at"].as_str().unwrap().get(..4).unwrap();
        assert!(
            shown.contains(&format!("EXPIRES AT      {year}-")),
            "{shown}"
        );
    }
    let rotated = postern
        .run(&["api-token", "rotate", "--id", prefix, "--overlap", "10m"])
        .await
        .done();
    let old = made["created_at"].as_str().unwrap().get(..10).unwrap();
    let line = format!(
        "The old token {id} is accepted until {}",
        old.get(..8).unwrap()
    );
    assert!(rotated.contains(&line), "{rotated}");

    for project in [SHOP, &organization.shop] {
        let list = postern
            .run(&["workflow", "list", "--project", project, "-o", "json"])
            .await
            .json();
        assert!(!list.as_array().unwrap().is_empty(), "{list}");
        postern
            .run(&[
                "api-token",
                "create",
                "--project",
                project,
                "--workflow",
                &organization.release,
            ])
            .await
            .done();
    }
    let list = postern
        .run(&[
            "api-token",
            "list",
            "--project",
            &organization.shop,
            "-o",
            "json",
        ])
        .await
        .json();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    for (words, code, hint) in [
        (
            &["api-token", "list", "--project", "shpo"][..],
            6,
            "see what there is: postern project list",
        ),
        (
            &["api-token", "create", "--project", "shpo"],
            6,
            "see what there is: postern project list",
        ),
        (
            &["workflow", "list", "--project", "shpo"],
            6,
            "see what there is: postern project list",
        ),
        (
            &[
                "api-token",
                "create",
                "--project",
                SHOP,
                "--workflow",
                "rlease",
            ],
            6,
            "see what there is: postern workflow list --project PROJECT",
        ),
        (
            &["api-token", "show", "--id", "cafee"],
            6,
            "did you mean `caf\u{e9}`?",
        ),
        (
            &["api-token", "revoke", "--id", "nobodys"],
            6,
            "search: postern token list --search nobodys",
        ),
        (
            &["api-token", "list", "--organization", "acmee"],
            6,
            "see what there is: postern org list",
        ),
    ] {
        let hint = format!("hint: {hint}");
        postern.run(words).await.failed(code, &hint);
    }
}

async fn leaks_are_reported(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    assert!(lives(suite, &minted.token).await);
    let postern = Postern::new(&[("POSTERN_URL", &suite.gateway.url(0))]);
    // As a log has it: behind an escape, and a second time in a colour.
    let token = &minted.token;
    let text = format!("{{\"log\":\"export TOKEN=\\n{token}\"}} \u{1b}[32m{token}\u{1b}[0m\n");
    let reported = postern.run_with(&["leaks", "report", "-"], &text).await;
    assert!(reported.done().starts_with("1 reported of 1 looked at. "));
    // The answer comes before the deed, so that it tells nothing.
    for _ in 0..200 {
        if !lives(suite, &minted.token).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the reported token lives on");
}
