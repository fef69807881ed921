//! A name opens its own organization and no other, whoever has written to the stores that turn names into ids: the
//! Ledger knows its name, and refuses what comes by another one.

use std::process::ExitCode;
use std::time::Duration;

use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::Call;
use postern_system_tests::ledgers::{WITHOUT_LATER_THAN_4, on_kv, on_ledgers, on_record};
use postern_system_tests::organization::{Minted, Organization, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, runner};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            r1_a_name_that_kv_points_elsewhere_opens_nothing,
            r1_a_name_that_the_record_points_elsewhere_opens_nothing,
            r1_a_ledger_of_an_earlier_release_learns_its_name_from_its_tokens,
        ],
    )
}

/// Two organizations: one whose tokens are at stake, and one whose administrator is after them.
struct Two {
    serve: Serve,
    acme: Organization,
    evil: Organization,
    /// A token of the first.
    token: Minted,
    /// An administrator's session of the second.
    cookie: String,
}

impl Two {
    async fn new(setup: &Setup) -> (Self, Gateway) {
        let session_url = format!("{}/session", setup.origin.url);
        let serve = setup.serve().set("SESSION_VERIFY_URL", &session_url);
        let gateway = serve.start().await;
        let acme = Organization::new(&gateway, &setup.keys.admin).await;
        let evil = Organization::new(&gateway, &setup.keys.admin).await;
        let token = acme.mint(&gateway, &json!({ "project": SHOP })).await;
        let other = evil.mint(&gateway, &json!({ "project": SHOP })).await;
        // An isolate that knows neither name puts both into KV, behind the answers.
        gateway.stop();
        let gateway = serve.start().await;
        acme.token(&gateway, &token.id).await;
        evil.token(&gateway, &other.id).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let cookie = format!("session={}", evil.id);
        let memberships = [(evil.name.as_str(), "owner")];
        setup.origin.sign_in(&cookie, "mallory", &memberships).await;
        let two = Self {
            serve,
            acme,
            evil,
            token,
            cookie,
        };
        (two, gateway)
    }

    /// Every management call that is about an organization or one of its tokens, by the name of the second.
    fn calls(&self, gateway: &Gateway) -> Vec<(String, Call)> {
        let token = &self.token.id;
        let rows = [
            ("GET", "/org/tokens".to_owned(), None),
            ("GET", format!("/org/tokens/{token}"), None),
            (
                "POST",
                format!("/org/tokens/{token}/release"),
                Some(json!({})),
            ),
            ("DELETE", format!("/org/tokens/{token}"), None),
            (
                "POST",
                "/org/tokens/revoke".to_owned(),
                Some(json!({ "ids": [token] })),
            ),
            (
                "POST",
                format!("/org/tokens/{token}/rotate"),
                Some(json!({})),
            ),
            ("POST", "/org/tokens".to_owned(), Some(json!({}))),
            (
                "POST",
                "/org/tokens".to_owned(),
                Some(json!({ "project": SHOP })),
            ),
            ("GET", "/org/projects".to_owned(), None),
            ("GET", "/org/projects/shop/workflows".to_owned(), None),
            ("GET", "/org/audit".to_owned(), None),
            ("GET", "/org/audit/checkpoints".to_owned(), None),
            ("POST", "/org/audit/checkpoints".to_owned(), Some(json!({}))),
        ];
        let mut calls = Vec::new();
        for (method, path, body) in rows {
            let dress = |call: Call| match &body {
                Some(body) => call.json(body),
                // A write by a session says that it is JSON, also without a body.
                None => call.header("content-type", "application/json"),
            };
            let session = gateway
                .call(method, &path)
                .header("cookie", &self.cookie)
                .header("sec-fetch-site", "same-origin");
            calls.push((format!("session {method} {path}"), dress(session)));
            let admin = self.evil.call(gateway, method, &path);
            calls.push((format!("administrator {method} {path}"), dress(admin)));
        }
        calls
    }

    /// Makes them, and tells how many were refused because the Ledger has another name, as the log says; to the client
    /// such a name is one that is not registered. None shows the token or changes anything of the first.
    async fn refused(&self, gateway: &Gateway) -> usize {
        let mut refused = 0;
        for (what, call) in self.calls(gateway) {
            let answer = call.send().await;
            let text = answer.text().to_string();
            assert!(!text.contains(&self.token.id), "{what}: {text}");
            if answer.status != 404 {
                continue;
            }
            let problem: Value = serde_json::from_str(&text).expect("a problem");
            assert_eq!(problem["code"], "not_found", "{what}");
            if problem["detail"] != "no such organization" {
                continue;
            }
            let line = gateway.log_line(problem["request_id"].as_str().expect("an id"));
            let cause = line.await["cause"].as_str().unwrap_or_default().to_owned();
            assert!(cause.contains("another organization"), "{what}: {cause}");
            refused += 1;
        }
        refused
    }
}

/// Has KV say of the second name what it says of the first.
fn poison_kv(two: &Two) {
    let sql = format!(
        "create temp table ok (x check (x = 2)); \
         insert into ok select count(*) from _mf_entries where key in ('organization:{0}', 'organization:{1}'); \
         update _mf_entries set blob_id = (select blob_id from _mf_entries where key = \
         'organization:{0}') where key = 'organization:{1}'",
        two.acme.name, two.evil.name
    );
    assert_eq!(on_kv(&two.serve.state(), &sql), Ok(()));
}

async fn r1_a_name_that_kv_points_elsewhere_opens_nothing(setup: &Setup) {
    let (two, gateway) = Two::new(setup).await;
    gateway.stop();
    poison_kv(&two);
    let gateway = two.serve.start().await;
    let before = two.acme.snapshot(&gateway).await;
    // What goes by KV is refused, by a session and by an administrator: reading, releasing and revoking a token, and a
    // bulk revoke. The rest reads D1, which leads where it should, and from then on the isolate believes D1; nothing
    // shows the token or changes it.
    let refused = two.refused(&gateway).await;
    assert!(refused >= 10, "{refused}");
    assert_eq!(two.acme.snapshot(&gateway).await, before);
    gateway.stop();
}

async fn r1_a_name_that_the_record_points_elsewhere_opens_nothing(setup: &Setup) {
    let (two, gateway) = Two::new(setup).await;
    gateway.stop();
    poison_kv(&two);
    // The row of the first goes by the name of the second; KV still knows the first by its own.
    let sql = format!(
        "update organizations set name = 'x' where name = '{evil}'; \
         update organizations set name = '{evil}' where name = '{acme}'; \
         update organizations set name = '{acme}' where name = 'x';",
        evil = two.evil.name,
        acme = two.acme.name
    );
    assert_eq!(on_record(&two.serve.state(), &sql), Ok(()));
    let gateway = two.serve.start().await;
    assert_eq!(two.refused(&gateway).await, two.calls(&gateway).len());
    gateway.stop();
    // The token lives on.
    let sql = "update organizations set name = name || '-old'";
    assert_eq!(on_record(&two.serve.state(), sql), Ok(()));
    let gateway = two.serve.start().await;
    let own = two
        .acme
        .call_as(&gateway, &two.token, "POST", "/oauth/introspect");
    let own = own.header("content-type", "application/x-www-form-urlencoded");
    let answer = own.body(format!("token={}", two.token.token)).send().await;
    assert_eq!(answer.json(200)["active"], true);
    gateway.stop();
}

async fn r1_a_ledger_of_an_earlier_release_learns_its_name_from_its_tokens(setup: &Setup) {
    let (two, gateway) = Two::new(setup).await;
    gateway.stop();
    let back = format!("{WITHOUT_LATER_THAN_4} update schema set version = 4;");
    on_ledgers(&two.serve.state(), &back);
    poison_kv(&two);
    let gateway = two.serve.start().await;
    let path = format!("/org/tokens/{}/rotate", two.token.id);
    let call = gateway
        .call("POST", &path)
        .header("cookie", &two.cookie)
        .header("sec-fetch-site", "same-origin")
        .json(&json!({}));
    call.send().await.problem(404, "not_found");
    // Its own name opens it as before.
    let path = format!("/org/tokens/{}/rotate", two.token.id);
    let call = two.acme.call(&gateway, "POST", &path).json(&json!({}));
    call.send().await.json(201);
    gateway.stop();
}
