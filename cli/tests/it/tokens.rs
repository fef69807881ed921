//! The commands about one token, on a gateway of fixed answers: rotate, revoke, adopt and explain, as golden files.

use serde_json::{Value, json};

use crate::commands::{A, B, ID, check, minted, revoked};
use crate::gateway::{Gateway, SECRET, json, problem};
use crate::golden;

#[tokio::test]
async fn rotate() {
    let words = [
        "api-token",
        "rotate",
        "--id",
        ID,
        "--overlap",
        "10m",
        "--expiration",
        "30d",
    ];
    let mut successor = minted("ci");
    successor["replaces"] = json!({ "id": ID, "revoked_at": "2026-11-22T01:24:20.641Z" });
    let gateway = check("rotate-table", vec![json(201, &successor)], &words).await;
    assert_eq!(gateway.asked(), [format!("POST /org/tokens/{ID}/rotate")]);
    let body = gateway.came.lock().unwrap()[0].json();
    assert_eq!(body, json!({ "overlap": "10m", "expires_in": "30d" }));
    // Beside the token alone, on stderr; and without an overlap there is nothing to wait for.
    for (at, told) in [
        (
            "2026-11-22T01:24:20.641Z",
            format!("The old token {ID} is accepted until 2026-11-22 01:24:20 UTC.\n"),
        ),
        (
            "2026-11-22T01:14:20.641Z",
            format!("The old token {ID} is revoked.\n"),
        ),
    ] {
        successor["replaces"]["revoked_at"] = at.into();
        let gateway = Gateway::start(vec![json(201, &successor)]).await;
        let output = gateway
            .run(&["api-token", "rotate", "--id", ID, "-o", "token"])
            .await;
        assert_eq!((output.code, output.stderr), (0, told));
        assert_eq!(output.stdout, format!("{SECRET}\n"));
    }
}

#[tokio::test]
async fn revoke() {
    let gateway = check(
        "revoke-table",
        vec![revoked(ID)],
        &["api-token", "revoke", "--id", ID],
    )
    .await;
    assert_eq!(gateway.asked(), [format!("DELETE /org/tokens/{ID}")]);
    let words = ["api-token", "revoke", "--id", A, "--id", B, "-o", "json"];
    check("revoke-json", vec![revoked(A), revoked(B)], &words).await;
    assert!(
        !gateway.came.lock().unwrap()[0]
            .headers
            .contains_key("prefer")
    );
}

#[tokio::test]
async fn release() {
    let released = |id: &str| json(200, &json!({ "id": id }));
    let words = ["api-token", "release", "--id", A, "--id", B];
    let gateway = check("release-table", vec![released(A), released(B)], &words).await;
    let asked = [A, B].map(|id| format!("POST /org/tokens/{id}/release"));
    assert_eq!(gateway.asked(), asked);
    let words = ["api-token", "release", "--id", A, "-o", "json"];
    check("release-json", vec![released(A)], &words).await;

    let gateway = Gateway::start(vec![released(A), problem(409, "token_not_held")]).await;
    let output = gateway
        .run(&["api-token", "release", "--id", A, "--id", B])
        .await;
    assert_eq!(output.stdout, format!("API token released! {A}\n"));
    let expected = format!("1 of 2 released, then {B}: ");
    assert!(output.stderr.contains(&expected), "{}", output.stderr);
}

#[tokio::test]
async fn a_revoke_that_is_not_waited_for_says_by_when_it_is_final() {
    const FIRST: &str = "2026-11-22T01:14:32.384Z";
    let told = json!({ "id": ID, "revoked_at": FIRST, "final_at": "2026-11-22T01:14:33.444Z" });
    let words = ["api-token", "revoke", "--id", ID, "--no-wait"];
    let gateway = check("revoke-no-wait", vec![json(202, &told)], &words).await;
    assert_eq!(
        gateway.came.lock().unwrap()[0].headers["prefer"],
        "respond-async"
    );
    // One that waits all the same, and one of an earlier release, which knows no `final_at`.
    let old = json!({ "id": ID, "revoked_at": FIRST });
    for (told, end) in [(told, ", final 2026-11-22 01:14:34 UTC"), (old, "")] {
        let gateway = Gateway::start(vec![json(200, &told)]).await;
        let output = gateway.run(&words).await;
        let line = format!("API token revoked! {ID}, 2026-11-22 01:14:32 UTC{end}\n");
        assert_eq!((output.code, output.stdout), (0, line), "{}", output.stderr);
    }
}

#[tokio::test]
async fn a_revoke_that_breaks_off_says_how_far_it_got() {
    for (format, done) in [
        (
            "table",
            format!(
                "API token revoked! {A}, 2026-11-22 01:14:32 UTC, final 2026-11-22 01:14:33 UTC\n"
            ),
        ),
        (
            "json",
            format!(
                "{:#}\n",
                json!([{
                    "id": A, "revoked_at": "2026-11-22T01:14:32.384Z",
                    "final_at": "2026-11-22T01:14:32.409Z",
                }])
            ),
        ),
    ] {
        let gateway = Gateway::start(vec![revoked(A), problem(503, "unavailable")]).await;
        let words = [
            "api-token",
            "revoke",
            "--id",
            A,
            "--id",
            B,
            "--id",
            ID,
            "-o",
            format,
        ];
        let output = gateway.run(&words).await;
        assert_eq!(output.code, 9);
        assert_eq!(output.stdout, done);
        let message =
            format!("postern: 1 of 3 revoked, then {B}: it is so (unavailable, request r1)\n");
        assert!(output.stderr.starts_with(&message), "{}", output.stderr);
        assert_eq!(gateway.asked().len(), 2);
    }
}

#[tokio::test]
async fn adopt() {
    let mut adopted = minted("ci");
    adopted.as_object_mut().unwrap().remove("token");
    let gateway = Gateway::start(vec![json(201, &adopted)]).await;
    let words = [
        "api-token",
        "adopt",
        "--project",
        "shop",
        "--workflow",
        "release",
        "--name",
        "ci",
    ];
    let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln";
    let output = gateway
        .run_with(&words, &format!("\u{feff}{jwt}\r\n"))
        .await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    golden::check("output/adopt-table.txt", &output.stdout);
    let came = gateway.came.lock().unwrap();
    assert_eq!(came[0].what, "POST /org/tokens/adopt");
    let body = json!({ "token": jwt, "project": "shop", "workflow": "release", "name": "ci" });
    assert_eq!(came[0].json(), body);
}

#[tokio::test]
async fn adopt_without_a_token() {
    let gateway = Gateway::start(Vec::new()).await;
    for nothing in ["", " \n", "\u{feff}\r\n"] {
        let output = gateway.run_with(&["api-token", "adopt"], nothing).await;
        assert_eq!(output.code, 2);
        assert_eq!(output.stderr, "postern: standard input holds no token\n");
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn conditions_that_are_none_are_refused_before_anything_is_asked() {
    let gateway = Gateway::start(Vec::new()).await;
    for (flags, told) in [
        (
            &["--from", "10.0.0.0/8,192.0.2.0/24"][..],
            "invalid value '10.0.0.0/8,192.0.2.0/24' for '--from <CIDR>': one range for each flag: repeat it, --from A --from B",
        ),
        (
            &["--from", "10.0.0.0/8", "--from", "192.0.2.1/24"],
            "invalid value '192.0.2.1/24' for '--from <CIDR>': a range begins with its network: write `192.0.2.0/24`",
        ),
        (
            &["--from", "office"],
            "invalid value 'office' for '--from <CIDR>': it is no range",
        ),
        (&["--calls-per-minute", "0"], "0 is not in 1..=1000000"),
        (&["--calls-per-minute", "-1"], "-1 is not in 1..=1000000"),
        (
            &["--calls-per-minute", "1000001"],
            "1000001 is not in 1..=1000000",
        ),
    ] {
        for command in [
            &["token", "create"][..],
            &["token", "edit", "ci"],
            &["token", "adopt"],
        ] {
            let words = [command, flags].concat();
            let output = gateway.run(&words).await;
            assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{words:?}");
            assert!(output.stderr.contains(told), "{words:?}: {}", output.stderr);
        }
    }
    assert!(gateway.asked().is_empty());
}

fn explained(allowed: bool) -> Value {
    let refusal = json!({
        "code": "other_workflow",
        "detail": "API token is workflow-scoped and cannot create or look up other workflows",
    });
    json!({
        "operation": "AttestationService/Init",
        "allowed": allowed,
        "refusal": if allowed { Value::Null } else { refusal },
        "caller": { "tier": "token", "token": ID, "organization": "acme", "project": "shop", "workflow": "release" },
        "needs": { "access": "token", "policies": [{ "policy": "workflow:read", "held": allowed }], "narrow": "named" },
        "run": { "known": true, "project": "shop", "workflow": "release" },
    })
}

#[tokio::test]
async fn explain() {
    let words = [
        "explain",
        "--operation",
        "AttestationService/Init",
        "--project",
        "shop",
        "--workflow",
        "release",
    ];
    let json_words: Vec<_> = words.iter().chain(&["-o", "json"]).copied().collect();
    for (format, words) in [("table", &words[..]), ("json", &json_words[..])] {
        let replies = vec![json(200, &explained(true))];
        let gateway = check(&format!("explain-{format}"), replies, words).await;
        let asked = json!({
            "operation": "AttestationService/Init", "project": "shop", "workflow": "release",
        });
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].what, "POST /explain");
        assert_eq!(came[0].json(), asked);
    }
}

#[tokio::test]
async fn explain_ends_as_the_call_would() {
    let gateway = Gateway::start(vec![json(200, &explained(false))]).await;
    let output = gateway
        .run(&["explain", "--operation", "AttestationService/Init"])
        .await;
    assert_eq!(output.code, 5);
    assert!(
        output
            .stderr
            .contains("cannot create or look up other workflows (other_workflow)"),
        "{}",
        output.stderr
    );
    golden::check("output/explain-refused.txt", &output.stdout);
    // Who stands above tokens is called what it is, and is told what tokens would need.
    let told = json!({
        "operation": "token.list", "allowed": true, "refusal": null,
        "caller": { "tier": "admin", "token": null, "organization": null, "project": null, "workflow": null },
        "needs": { "access": "token", "policies": [{ "policy": "org_api_token:list", "held": false }], "narrow": "any" },
        "run": null,
    });
    let gateway = Gateway::start(vec![json(200, &told)]).await;
    let output = gateway.run(&["explain", "token.list"]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    golden::check("output/explain-administrator.txt", &output.stdout);
    let gateway = Gateway::start(vec![json(200, &json!({}))]).await;
    let output = gateway.run(&["explain", "--operation", "token.list"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (9, ""));
}
