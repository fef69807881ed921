//! The commands beside those about tokens, on a gateway of fixed answers.

use serde_json::{Value, json};

use crate::commands::{ID, check};
use crate::gateway::{Gateway, Output, SECRET, json, problem, run};
use crate::golden;

#[tokio::test]
async fn organizations_projects_and_workflows() {
    let entry = json!({ "id": ID, "name": "shop", "created_at": "2026-11-22T01:14:20.571Z" });
    let mut organization = entry.clone();
    organization["mint_ceiling"] = Value::Null;
    organization["max_idle_days"] = 0.into();
    organization["on_leak"] = "revoke".into();

    let words = [
        "org",
        "create",
        "acme",
        "--mint-ceiling",
        "5",
        "--max-idle-days",
        "90",
        "--on-leak",
        "quarantine",
    ];
    let gateway = check("org-create", vec![json(201, &organization)], &words).await;
    let expected =
        json!({ "name": "acme", "mint_ceiling": 5, "max_idle_days": 90, "on_leak": "quarantine" });
    assert_eq!(gateway.came.lock().unwrap()[0].json(), expected);
    assert_eq!(gateway.asked(), ["POST /orgs"]);
    organization["federated_only"] = true.into();
    organization["max_lifetime_days"] = 90.into();
    organization["default_expires_in"] = "30d".into();
    organization["trusted_issuers"] = json!(["https://a.example", "https://b.example"]);
    let words = [
        "org",
        "create",
        "acme",
        "--federated-only",
        "true",
        "--max-lifetime-days",
        "90",
        "--default-expires-in",
        "30d",
        "--trusted-issuers",
        "https://a.example,https://b.example",
    ];
    let gateway = check("org-create-policy", vec![json(201, &organization)], &words).await;
    let expected = json!({
        "name": "acme", "federated_only": true, "max_lifetime_days": 90, "default_expires_in": "30d",
        "trusted_issuers": ["https://a.example", "https://b.example"],
    });
    assert_eq!(gateway.came.lock().unwrap()[0].json(), expected);

    let page = json!({ "organizations": [organization], "next_cursor": null });
    let gateway = check(
        "org-list",
        vec![json(200, &page)],
        &["org", "list", "-o", "json"],
    )
    .await;
    assert_eq!(gateway.asked(), ["GET /orgs?limit=500"]);

    let words = ["project", "create", "shop", "--id", ID];
    let gateway = check("project-create", vec![json(201, &entry)], &words).await;
    assert_eq!(gateway.asked(), ["POST /org/projects"]);
    assert_eq!(
        gateway.came.lock().unwrap()[0].json(),
        json!({ "name": "shop", "id": ID })
    );

    let page = json!({ "projects": [entry], "next_cursor": null });
    check("project-list", vec![json(200, &page)], &["project", "ls"]).await;

    let words = ["workflow", "create", "--project", "a/b", "release"];
    let gateway = check("workflow-create", vec![json(201, &entry)], &words).await;
    assert_eq!(gateway.asked(), ["POST /org/projects/a%2Fb/workflows"]);

    let gateway = Gateway::start(vec![json(
        200,
        &json!({ "workflows": [], "next_cursor": null }),
    )])
    .await;
    let output = gateway
        .run(&["workflow", "list", "--project", "shop"])
        .await;
    assert_eq!((output.code, output.stdout.as_str()), (0, ""));
    assert_eq!(output.stderr, "there are no workflows\n");
}

#[tokio::test]
async fn leaks() {
    let received = || json(202, &json!({ "status": "received" }));
    let report = async |gateway: &Gateway, text: &str| -> Output {
        gateway.run_with(&["leaks", "report", "-"], text).await
    };
    let gateway = Gateway::start(vec![received()]).await;
    let output = report(&gateway, &format!("found: {SECRET}!\n{SECRET}\n")).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(
        output.stdout.starts_with("1 reported of 1 looked at. "),
        "{}",
        output.stdout
    );
    assert!(!output.stdout.contains("pst_"), "{}", output.stdout);
    {
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].what, "POST /leaks");
        assert_eq!(came[0].json(), json!({ "tokens": [SECRET] }));
        // Who reports a leak does not say who it is.
        assert!(!came[0].headers.contains_key("authorization"));
        assert!(!came[0].headers.contains_key("postern-organization"));
    }

    // Among escapes and colours; look-alikes stay here.
    let mistyped = SECRET.replacen("1613", "1614", 1);
    let foreign = "eyJhbGciOiJSUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln";
    let gateway = Gateway::start(vec![received()]).await;
    let text =
        format!("{{\"log\":\"TOKEN=\\n{SECRET}\"}} %3D{mistyped} \u{1b}[32m{foreign}\u{1b}[0m");
    let output = report(&gateway, &text).await;
    assert_eq!(output.code, 0);
    let told = "1 reported of 3 looked at, 2 left out: keys whose checksum does not fit, or JWTs of another kind than a \
                gateway's. ";
    assert!(output.stdout.starts_with(told), "{}", output.stdout);
    assert_eq!(
        gateway.came.lock().unwrap()[0].json(),
        json!({ "tokens": [SECRET] })
    );
    let output = report(&gateway, &mistyped).await;
    assert_eq!(output.code, 2);
    assert!(
        output
            .stderr
            .starts_with("postern: -: 1 looked at, 1 left out: "),
        "{}",
        output.stderr
    );

    let gateway = Gateway::start(Vec::new()).await;
    let output = report(&gateway, "nothing").await;
    assert_eq!(output.code, 2);
    assert_eq!(
        output.stderr,
        "postern: - holds nothing that looks like a token\n"
    );
}

/// Without what differs from run to run, and from release to release.
fn shown(gateway: &Gateway, output: &Output) -> String {
    let shown = output.stdout.replace(&gateway.url, "URL");
    shown.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[tokio::test]
async fn doctor() {
    let ready = json(
        200,
        &json!({ "status": "ready", "dependencies": { "record": "ready" }, "unheeded_variables": [] }),
    );
    let about = json(
        200,
        &json!({ "info": { "version": env!("CARGO_PKG_VERSION") } }),
    );
    let list = json(200, &json!({ "tokens": [], "next_cursor": null }));
    let gateway = Gateway::start(vec![ready.clone(), about.clone(), list]).await;
    let output = gateway.run(&["doctor"]).await;
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (0, ""),
        "{}",
        output.stdout
    );
    let text = shown(&gateway, &output);
    golden::check("output/doctor-table.txt", &text);

    let refused = problem(401, "credential_refused");
    let gateway = Gateway::start(vec![ready.clone(), about.clone(), refused]).await;
    let output = gateway.run(&["doctor", "-o", "json"]).await;
    assert_eq!(output.code, 4);
    assert_eq!(output.stderr, "postern: broken: credential\n");
    let text = shown(&gateway, &output);
    golden::check("output/doctor-json.txt", &text);
}

/// An administrator key is good whatever the organization is.
#[tokio::test]
async fn doctor_tells_the_credential_from_the_organization() {
    let ready = json(
        200,
        &json!({ "dependencies": { "record": "ready" }, "unheeded_variables": [] }),
    );
    let about = json(
        200,
        &json!({ "info": { "version": env!("CARGO_PKG_VERSION") } }),
    );
    let organizations =
        |some: &[Value]| json(200, &json!({ "organizations": some, "next_cursor": null }));
    let one = [json!({ "name": "acme" })];
    let unnamed = problem(400, "organization_required");
    let unknown = problem(404, "not_found");
    let good = "good    credential    accepted; can manage organizations\n";
    for (tokens, orgs, named, code, line) in [
        (
            unnamed.clone(),
            organizations(&one),
            "",
            0,
            "odd     organization  none is named, but managing tokens needs one\n",
        ),
        (
            unnamed.clone(),
            organizations(&[]),
            "",
            0,
            "odd     organization  there is none yet\n",
        ),
        (
            unknown.clone(),
            organizations(&one),
            "acme",
            6,
            "broken  organization  there is none named `acme`\n",
        ),
        (
            unknown.clone(),
            organizations(&[]),
            "acme",
            6,
            "-> create the first one: postern org create NAME\n",
        ),
    ] {
        let gateway = Gateway::start(vec![ready.clone(), about.clone(), tokens, orgs]).await;
        let variables = [
            ("POSTERN_URL", gateway.url.as_str()),
            ("POSTERN_TOKEN", "key"),
            ("POSTERN_ORGANIZATION", named),
        ];
        let output = run(&["doctor"], &variables, "").await;
        assert_eq!(output.code, code, "{}", output.stdout);
        assert!(output.stdout.contains(good), "{}", output.stdout);
        assert!(output.stdout.contains(line), "{}", output.stdout);
    }
    // A token that is known and can be used for nothing is not good.
    for (status, problems, code, told) in [
        (
            403,
            "operation_not_allowed",
            0,
            "good    credential    accepted; cannot list tokens\n",
        ),
        (
            403,
            "address_not_allowed",
            5,
            "broken  credential    it is so (address_not_allowed, request r1)\n",
        ),
        (
            403,
            "organization_paused",
            5,
            "-> whoever administers the organization can resume it: postern org resume NAME\n",
        ),
        (403, "workflow_replaced", 5, "broken  credential "),
        (403, "other_organization", 5, "broken  credential "),
        (429, "calls_exceeded", 8, "broken  credential "),
    ] {
        let replies = vec![ready.clone(), about.clone(), problem(status, problems)];
        let output = Gateway::start(replies).await.run(&["doctor"]).await;
        assert_eq!(output.code, code, "{problems}: {}", output.stdout);
        assert!(
            output.stdout.contains(told),
            "{problems}: {}",
            output.stdout
        );
        assert_eq!(output.stdout.contains("good    credential"), code == 0);
    }
    // An administrator is told of a pause, which the credential stands above.
    let page = json(200, &json!({ "tokens": [], "next_cursor": null }));
    let overview = |pause: Value| json(200, &json!({ "tokens": {}, "pause": pause }));
    let pause = json!({ "at": "2026-11-22T01:14:32.384Z", "by": "admin-token", "reason": null });
    for (pause, is_told) in [(pause, true), (Value::Null, false)] {
        let pages = [page.clone(), page.clone(), page.clone(), overview(pause)];
        let replies = [ready.clone(), about.clone()].into_iter().chain(pages);
        let gateway = Gateway::start(replies.collect()).await;
        let output = gateway.run(&["doctor"]).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        let told = "odd     organization  `acme` is paused since 2026-11-22 01:14:32 UTC: every call of its tokens is refused\n\
                    \u{20}                     -> resume it: postern org resume acme\n";
        assert_eq!(output.stdout.contains(told), is_told, "{}", output.stdout);
        assert_eq!(gateway.asked()[5], "GET /org/overview");
    }
    // A token that may list no organizations has another trouble.
    let denied = problem(403, "operation_not_allowed");
    let gateway = Gateway::start(vec![ready, about, unnamed, denied]).await;
    let output = gateway.run(&["doctor"]).await;
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (7, "postern: broken: credential\n")
    );
}
