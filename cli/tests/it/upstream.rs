//! `postern upstream`, on a gateway of fixed answers: what it asks and writes, and that the credential is read from
//! standard input and comes back nowhere.

use serde_json::{Value, json};

use crate::commands::{ID, check};
use crate::gateway::{Gateway, Output, Reply, TOKEN, json, problem, run_plain};
use crate::golden;

/// What the origin knows.
const CREDENTIAL: &str = "eyJhbGciOiJIUzI1NiJ9.the-origins-own.c2lnbmF0dXJl";

fn set() -> Value {
    json!({
        "scope": { "project": "shop", "workflow": "release" },
        "digest": "9f86d081884c7d65",
        "set_at": "2026-11-22T01:14:20.641Z",
        "set_by": { "actor": "admin-token", "tier": "admin" },
        "replaced": { "digest": "1b4f0e9851971998", "until": "2026-11-22T03:14:20.641Z" },
    })
}

fn cleared() -> Reply {
    Reply {
        status: 204,
        headers: Vec::new(),
        body: String::new(),
    }
}

/// Runs it, and sees to it that the credential is said nowhere.
async fn give(gateway: &Gateway, words: &[&str], stdin: &str) -> Output {
    let output = gateway.run_with(words, stdin).await;
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains(CREDENTIAL), "{text}");
    }
    output
}

#[tokio::test]
async fn set_for_each_place() {
    let project = ["upstream", "set", "--project", "shop"];
    let workflow = ["--workflow", "release"];
    let workflow: Vec<_> = project.iter().chain(&workflow).copied().collect();
    let rows: [(&[&str], &str); 3] = [
        (&["upstream", "set"], "/org/upstream"),
        (&project, "/org/projects/shop/upstream"),
        (&workflow, "/org/projects/shop/workflows/release/upstream"),
    ];
    for (words, route) in rows {
        let gateway = Gateway::start(vec![json(200, &set())]).await;
        let output = give(&gateway, words, &format!("{CREDENTIAL}\n")).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{route}");
        golden::check("output/upstream-set.txt", &output.stdout);
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].what, format!("PUT {route}"));
        let body = json!({ "credential": CREDENTIAL, "keep_replaced_seconds": 7200 });
        assert_eq!(came[0].json(), body);
        let headers = &came[0].headers;
        assert_eq!(headers["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(headers["postern-organization"], "acme");
        assert_eq!(headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn list_shows_all_that_are_set() {
    let organizations = json!({
        "scope": {}, "digest": "1b4f0e9851971998", "set_at": "2026-11-22T01:14:20.641Z", "set_by": "admin-token",
    });
    let list = json!({ "upstreams": [organizations, set()] });
    let gateway = Gateway::start(vec![json(200, &list), json(200, &list)]).await;
    let output = gateway.run_with(&["upstream", "list"], "").await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    golden::check("output/upstream-list.txt", &output.stdout);
    let output = gateway
        .run_with(&["upstream", "list", "-o", "json"], "")
        .await;
    assert_eq!(output.stdout, format!("{list:#}\n"));
    let came = gateway.came.lock().unwrap();
    assert_eq!(came[0].what, "GET /org/upstreams");
}

#[tokio::test]
async fn set_has_one_created_with_the_token_that_is_read() {
    let plain = json!({ "create": true, "with": CREDENTIAL, "keep_replaced_seconds": 7200 });
    let mut ends = plain.clone();
    ends["expires_in"] = json!("90d");
    let rows: [(&[&str], &Value); 2] = [
        (&["upstream", "set", "--create"], &plain),
        (
            &["upstream", "set", "--create", "--expires-in", "90d"],
            &ends,
        ),
    ];
    for (words, body) in rows {
        let gateway = Gateway::start(vec![json(200, &set())]).await;
        let output = give(&gateway, words, &format!("{CREDENTIAL}\n")).await;
        assert_eq!((output.code, output.stderr.as_str()), (0, ""));
        golden::check("output/upstream-set.txt", &output.stdout);
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].json(), *body);
    }
    let gateway = Gateway::start(Vec::new()).await;
    let words = ["upstream", "set", "--expires-in", "90d"];
    let output = give(&gateway, &words, CREDENTIAL).await;
    assert_eq!(output.code, 2);
    assert!(output.stderr.contains("--create"), "{}", output.stderr);
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn set_says_for_how_long_the_replaced_one_is_kept() {
    for (span, seconds) in [("0", 0), ("30m", 1_800), ("1d", 86_400)] {
        let gateway = Gateway::start(vec![json(200, &set())]).await;
        let words = ["upstream", "set", "--keep-replaced", span, "-o", "json"];
        let output = give(&gateway, &words, CREDENTIAL).await;
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert_eq!(
            output.stdout,
            format!("{:#}\n", set()),
            "the gateway's own object"
        );
        let came = gateway.came.lock().unwrap();
        assert_eq!(came[0].json()["keep_replaced_seconds"], seconds, "{span}");
    }
    let gateway = Gateway::start(Vec::new()).await;
    for (span, told) in [
        ("2", "give a span such as 30m, 2h or 1d, or 0"),
        ("25h", "the longest span is 1d (24h)"),
    ] {
        let words = ["upstream", "set", "--keep-replaced", span];
        let output = give(&gateway, &words, CREDENTIAL).await;
        assert_eq!(output.code, 2);
        assert!(output.stderr.contains(told), "{}", output.stderr);
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn what_no_credential_is_is_not_sent() {
    let long = "x".repeat(8193);
    let scheme = format!("Bearer {CREDENTIAL}");
    let (two, spaced) = (
        format!("{CREDENTIAL}\n{CREDENTIAL}\n"),
        format!(" {CREDENTIAL}"),
    );
    let odd = "postern: the credential has a space, a line end or a character beyond visible ASCII\n  \
               hint: give the credential alone, on one line\n";
    let gateway = Gateway::start(Vec::new()).await;
    for (stdin, told) in [
        ("", "postern: standard input holds no credential\n"),
        ("\r\n", "postern: standard input holds no credential\n"),
        (&two, odd),
        (&spaced, odd),
        (
            &long,
            "postern: the credential is longer than 8192 characters\n  \
             hint: give the credential alone, not a file that holds it\n",
        ),
        (
            &scheme,
            "postern: the credential begins with `Bearer `, which the gateway adds itself\n  \
             hint: give what follows it\n",
        ),
    ] {
        let output = give(&gateway, &["upstream", "set"], stdin).await;
        assert_eq!((output.code, output.stderr.as_str()), (2, told));
    }
    assert!(gateway.asked().is_empty());
}

/// Neither as an argument nor under the name of a flag.
#[tokio::test]
async fn there_is_no_other_way_to_give_it() {
    for words in [
        &["upstream", "set", "not-here"][..],
        &["upstream", "set", "--credential", "not-here"],
        &["upstream", "set", "--workflow", "release"],
    ] {
        assert_eq!(run_plain(words).await.code, 2, "{words:?}");
    }
}

#[tokio::test]
async fn show() {
    let words = ["upstream", "show", "--project", "a/b"];
    let gateway = check("upstream-show", vec![json(200, &set())], &words).await;
    assert_eq!(gateway.asked(), ["GET /org/projects/a%2Fb/upstream"]);
    let mut first = set();
    first.as_object_mut().unwrap().remove("replaced");
    first["scope"] = json!({});
    let words = ["upstream", "show"];
    check("upstream-show-first", vec![json(200, &first)], &words).await;
    let words = ["upstream", "show", "-o", "json"];
    check("upstream-show-json", vec![json(200, &first)], &words).await;
}

#[tokio::test]
async fn clear() {
    let words = [
        "upstream",
        "clear",
        "--project",
        "shop",
        "--workflow",
        "release",
    ];
    let gateway = Gateway::start(vec![cleared()]).await;
    let output = gateway.run(&words).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    let told = "Credential for the origin cleared! workflow/shop/release\n";
    assert_eq!(output.stdout, told);
    let route = "DELETE /org/projects/shop/workflows/release/upstream";
    assert_eq!(gateway.asked(), [route]);
}

#[tokio::test]
async fn refusals_say_what_can_be_done() {
    let none = || problem(404, "upstream_none");
    let denied = || problem(403, "operation_not_allowed");
    let missing = |operation: &str| {
        format!(
            "\n  hint: use an administrator key, or see what is missing: postern explain --operation {operation}\n"
        )
    };
    let (read, set, clear) = (
        missing("upstream.read"),
        missing("upstream.set"),
        missing("upstream.clear"),
    );
    let set_one =
        "\n  hint: set one: postern upstream set --project shop --workflow release < FILE\n";
    let unknown = || {
        let mut reply = problem(404, "not_found");
        reply.body = reply.body.replace("it is so", "no such project");
        reply
    };
    let of_project = ["--project", "shop", "--workflow", "release"];
    for (command, reply, code, end) in [
        ("show", none(), 6, set_one),
        ("clear", none(), 6, "(upstream_none, request r1)\n"),
        ("show", denied(), 5, &read),
        ("set", denied(), 5, &set),
        ("clear", denied(), 5, &clear),
        (
            "set",
            unknown(),
            6,
            "\n  hint: see what there is: postern project list\n",
        ),
        (
            "show",
            unknown(),
            6,
            "\n  hint: see what there is: postern project list\n",
        ),
    ] {
        let gateway = Gateway::start(vec![reply]).await;
        let words: Vec<_> = ["upstream", command]
            .iter()
            .chain(&of_project)
            .copied()
            .collect();
        let output = give(&gateway, &words, CREDENTIAL).await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{command}"
        );
        assert!(output.stderr.ends_with(end), "{command}: {}", output.stderr);
    }
}

#[tokio::test]
async fn a_name_of_dots_does_not_lead_to_the_organizations() {
    let gateway = Gateway::start(Vec::new()).await;
    for name in ["", ".", ".."] {
        for command in ["set", "show", "clear"] {
            let words = ["upstream", command, "--project", name];
            let output = give(&gateway, &words, CREDENTIAL).await;
            let told =
                format!("postern: `{name}` cannot be the name of a project: give its name or id\n");
            assert_eq!((output.code, output.stderr), (2, told), "{command}");
        }
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn explain_names_the_credential_that_would_be_sent() {
    let explained = json!({
        "operation": "AttestationService/Init",
        "allowed": true,
        "refusal": null,
        "caller": { "tier": "token", "token": ID, "organization": "acme", "project": "shop" },
        "needs": { "access": "token", "policies": [{ "policy": "workflow:read", "held": true }], "narrow": "named" },
        "run": null,
        "upstream": { "digest": "9f86d081884c7d65", "scope": { "project": "shop" } },
    });
    let words = ["explain", "--operation", "AttestationService/Init"];
    check("explain-upstream", vec![json(200, &explained)], &words).await;
}
