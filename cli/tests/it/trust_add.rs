//! `postern trust add` on a gateway of fixed answers: how it finds out which repository is meant, what it sends, and
//! what it refuses before it adds.

use serde_json::json;

use crate::gateway::{Gateway, json, problem};
use crate::golden;
use crate::jobs::{job_token, of_github, of_gitlab};
use crate::trust::{POLICIES, rule, rules};

#[tokio::test]
async fn add_asks_for_the_ids_says_them_and_adds() {
    let found =
        json!({ "repository": "acme/shop", "repository_id": "74", "repository_owner_id": "65" });
    let gateway = Gateway::start(vec![json(200, &found), json(201, &rule())]).await;
    let words = [
        "trust",
        "add",
        "--repository",
        "Acme/Shop",
        "--project",
        "shop",
        "--workflow",
        "release",
        "--workflow-file",
        "release.yml",
        "--ref",
        "refs/heads/main",
        "--protected-ref",
        "--event",
        "push",
        "--event",
        "release",
        "--life",
        "5m",
    ];
    let output = gateway.run(&words).await;
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(
        output.stderr,
        "found: acme/shop at github, repository 74, owner 65\n"
    );
    golden::check("output/trust-add.txt", &output.stdout);
    assert_eq!(
        gateway.asked(),
        ["POST /org/trust-rules/find", "POST /org/trust-rules"]
    );
    let came = gateway.came.lock().unwrap();
    assert_eq!(
        came[0].json(),
        json!({ "issuer": "github", "repository": "Acme/Shop" })
    );
    let expected = json!({
        "issuer": "github", "repository": "acme/shop", "repository_id": "74", "repository_owner_id": "65",
        "conditions": {
            "workflow": "release.yml", "ref": "refs/heads/main", "protected_ref": true, "events": ["push", "release"],
        },
        "project": "shop", "workflow": "release", "policies": POLICIES, "longest_life": "5m",
    });
    assert_eq!(came[1].json(), expected);
    assert_eq!(came[1].headers["postern-organization"], "acme");
}

#[tokio::test]
async fn add_reads_a_pasted_token_and_says_that_it_was_not_verified() {
    let other = job_token(&json!({ "iss": "https://ci.example.com", "sub": "pipeline:deploy" }));
    for (token, told, members) in [
        (
            of_github("any"),
            "acme/shop at github, repository 74, owner 65",
            json!({ "issuer": "github", "repository": "acme/shop", "repository_id": "74", "repository_owner_id": "65" }),
        ),
        (
            of_gitlab("any"),
            "acme/tools/shop at gitlab=https://gitlab.acme.dev, project 20, namespace 72",
            json!({ "issuer": "gitlab=https://gitlab.acme.dev", "repository": "acme/tools/shop", "project_id": "20", "namespace_id": "72" }),
        ),
        (
            // Without its signature it can stand in a log, and says as much.
            of_github("any").rsplit_once('.').unwrap().0.to_owned(),
            "acme/shop at github, repository 74, owner 65",
            json!({ "issuer": "github", "repository": "acme/shop", "repository_id": "74", "repository_owner_id": "65" }),
        ),
        (
            other,
            "subject pipeline:deploy at https://ci.example.com",
            json!({ "issuer": "https://ci.example.com", "subject": "pipeline:deploy" }),
        ),
    ] {
        let replies = vec![json(200, &rules(&[])), json(201, &rule())];
        let gateway = Gateway::start(replies).await;
        let words = [
            "trust",
            "add",
            "--token-file",
            "-",
            "--project",
            "shop",
            "--policy",
            "referrer:read",
            "-o",
            "json",
        ];
        let output = gateway.run_with(&words, &format!("{token}\n")).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert_eq!(
            output.stderr,
            format!("read from the token without verifying it: {told}\n")
        );
        assert!(!output.stdout.contains(&token));
        assert_eq!(
            gateway.asked(),
            ["GET /org/trust-rules", "POST /org/trust-rules"]
        );
        let mut expected = members;
        (expected["project"], expected["policies"]) = ("shop".into(), json!(["referrer:read"]));
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[1].json(), expected);
        assert!(
            !came[1].body.contains(&token),
            "the token itself stays here"
        );
    }
}

#[tokio::test]
async fn add_takes_ids_as_they_are() {
    for (flags, members) in [
        (
            &[
                "--repository",
                "acme/shop",
                "--repository-id",
                "74",
                "--repository-owner-id",
                "65",
            ][..],
            json!({ "issuer": "github", "repository": "acme/shop", "repository_id": "74", "repository_owner_id": "65" }),
        ),
        (
            &[
                "--issuer",
                "gitlab",
                "--project-id",
                "20",
                "--namespace-id",
                "72",
                "--protected-environment",
                "--environment",
                "prod",
            ],
            json!({ "issuer": "gitlab", "project_id": "20", "namespace_id": "72", "conditions": { "environment": "prod", "protected_environment": true } }),
        ),
        (
            &["--issuer", "https://ci.example.com", "--subject", "a"],
            json!({ "issuer": "https://ci.example.com", "subject": "a" }),
        ),
        (
            &[
                "--repository-id",
                "74",
                "--repository-owner-id",
                "65",
                "--reusable-workflow",
                "acme/ci/.github/workflows/a.yml@refs/tags/v1",
            ],
            json!({
                "issuer": "github", "repository_id": "74", "repository_owner_id": "65",
                "conditions": { "reusable_workflow": "acme/ci/.github/workflows/a.yml@refs/tags/v1" },
            }),
        ),
    ] {
        let gateway = Gateway::start(vec![json(201, &rule())]).await;
        let words: Vec<&str> = ["trust", "add", "--project", "shop"]
            .iter()
            .chain(flags)
            .copied()
            .collect();
        let output = gateway.run(&words).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{flags:?}");
        assert_eq!(gateway.asked(), ["POST /org/trust-rules"]);
        let mut expected = members;
        (expected["project"], expected["policies"]) = ("shop".into(), json!(POLICIES));
        assert_eq!(gateway.came.lock().unwrap()[0].json(), expected);
    }
}

#[tokio::test]
async fn what_add_refuses_before_it_adds() {
    let unknown = job_token(&json!({ "iss": "https://gitlab.com", "sub": "a" }));
    let no_ids = job_token(
        &json!({ "iss": "https://token.actions.githubusercontent.com", "repository": "a/b" }),
    );
    for (flags, stdin, replies, code, why) in [
        (&["--repository", "a/b"][..], "", vec![], 2, "--project"),
        (
            &["--project", "shop"],
            "",
            vec![],
            2,
            "--repository <OWNER/NAME>",
        ),
        (
            &["--project", "shop", "--repository-id", "1"],
            "",
            vec![],
            2,
            "--repository-owner-id",
        ),
        (
            &["--project", "shop", "--project-id", "1"],
            "",
            vec![],
            2,
            "--namespace-id",
        ),
        (
            &[
                "--project",
                "shop",
                "--token-file",
                "-",
                "--repository",
                "a/b",
            ],
            "",
            vec![],
            2,
            "cannot be used with",
        ),
        (
            &[
                "--project",
                "shop",
                "--repository",
                "a/b",
                "--environment",
                "",
            ],
            "",
            vec![],
            2,
            "--environment is empty: give it a value, or leave it out",
        ),
        (
            &[
                "--project",
                "shop",
                "--repository",
                "a/b",
                "--event",
                "push",
                "--event",
                " ",
            ],
            "",
            vec![],
            2,
            "--event is empty",
        ),
        (
            &["--project", "shop", "--token-file", "-"],
            "hunter2",
            vec![],
            2,
            "standard input holds no job token",
        ),
        (
            &["--project", "shop", "--token-file", "-"],
            &unknown,
            vec![json(200, &rules(&[]))],
            2,
            "does not trust the token's issuer https://gitlab.com: it trusts github, gitlab=https://gitlab.acme.dev, ",
        ),
        (
            &["--project", "shop", "--token-file", "-"],
            &no_ids,
            vec![json(200, &rules(&[]))],
            2,
            "the token has no `repository_id`",
        ),
        (
            &["--project", "shop", "--repository", "a/b"],
            "",
            vec![problem(422, "repository_unknown")],
            7,
            "it is so (repository_unknown, request r1)",
        ),
        (
            &["--project", "shop", "--repository", "a/b"],
            "",
            vec![json(200, &json!({ "repository": "a/b" }))],
            9,
            "the gateway's answer has no ids",
        ),
    ] {
        let gateway = Gateway::start(replies).await;
        let words: Vec<&str> = ["trust", "add"].iter().chain(flags).copied().collect();
        let output = gateway.run_with(&words, stdin).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{flags:?}: {}",
            output.stderr
        );
        assert!(output.stderr.contains(why), "{flags:?}: {}", output.stderr);
        assert!(!output.stderr.contains("hunter2"));
        let added = gateway
            .asked()
            .iter()
            .any(|what| what == "POST /org/trust-rules");
        assert!(!added, "{flags:?}");
    }
}

#[tokio::test]
async fn what_add_warns_of_and_how_it_goes_on() {
    let github = ["--repository-id", "74", "--repository-owner-id", "65"];
    let gitlab = [
        "--issuer",
        "gitlab",
        "--project-id",
        "20",
        "--namespace-id",
        "72",
    ];
    let outsiders = "has the rights of this repository, and content of outsiders may run in it\n";
    let life = "note: a job token of GitHub lives 5 minutes, and what the job gets ends with it: --life 1h changes nothing beyond that\n";
    for (whose, flags, told) in [
        (&github[..], &["--life", "5m"][..], String::new()),
        (&github, &["--life", "1h"], life.to_owned()),
        (&gitlab, &["--life", "1h"], String::new()),
        (&github, &["--event", "pull_request"], String::new()),
        (
            &github,
            &["--event", "push", "--event", "pull_request_target"],
            format!("warning: a run by pull_request_target {outsiders}"),
        ),
        (
            &github,
            &["--event", "workflow_run"],
            format!("warning: a run by workflow_run {outsiders}"),
        ),
    ] {
        let gateway = Gateway::start(vec![json(201, &rule())]).await;
        let words = ["trust", "add", "--project", "shop"];
        let words: Vec<&str> = words.iter().chain(whose).chain(flags).copied().collect();
        let output = gateway.run(&words).await;
        assert_eq!((output.code, output.stderr), (0, told), "{flags:?}");
    }
    for (flags, status, code, hint) in [
        (
            &["--repository", "a/b"][..],
            400,
            "repository_unknown",
            "give a job token of it: --token-file FILE; or its ids: --repository-id ID --repository-owner-id ID\n",
        ),
        (
            &["--issuer", "gitlab", "--repository", "a/b"],
            503,
            "forge_unavailable",
            "give a job token of it: --token-file FILE; or its ids: --project-id ID --namespace-id ID\n",
        ),
        (
            &["--issuer", "https://ci.example.com", "--repository", "a/b"],
            400,
            "repository_unknown",
            "give a job token of it: --token-file FILE; or its ids: --subject TEXT\n",
        ),
    ] {
        let gateway = Gateway::start(vec![problem(status, code)]).await;
        let words = ["trust", "add", "--project", "shop"];
        let words: Vec<&str> = words.iter().chain(flags).copied().collect();
        let output = gateway.run(&words).await;
        assert_ne!(output.code, 0);
        assert!(output.stderr.ends_with(hint), "{}", output.stderr);
    }
}
