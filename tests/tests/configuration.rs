//! Wrong and missing variables: the gate says all of them at once, answers nothing else, and never falls back.

use std::process::ExitCode;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE, INIT};
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, forge, runner, stored};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            all_wrong_values_are_told_at_once,
            missing_keys_are_told,
            r39_a_key_that_the_origin_has_is_no_key_of_ours,
            r2_rows_of_an_earlier_release_are_bound_at_their_first_use,
            without_an_administrator_key_nobody_administers,
            the_root_keys_and_not_the_token_keys_make_opaque_keys,
            a_retired_key_leaves_its_jwts_stale,
        ],
    )
}

/// Asserts that nothing but health answers, and that every problem is told: to whoever asks `/readyz`, and in the log.
async fn assert_misconfigured(setup: &Setup, gateway: &Gateway, problems: &[&str]) {
    assert_eq!(
        gateway.call("GET", "/healthz").send().await.json(200),
        json!({ "status": "ok" })
    );
    let ready = gateway
        .call("GET", "/readyz")
        .send()
        .await
        .problem(503, "misconfigured");
    assert_eq!(ready["problems"], json!(problems));
    let line = gateway
        .log_line(ready["request_id"].as_str().expect("a request id"))
        .await;
    assert_eq!(line["cause"], problems.join("; "));

    let public = "the gateway's configuration is wrong: see its log";
    for (method, path) in [
        ("GET", "/orgs"),
        ("POST", "/orgs"),
        ("GET", "/org/tokens"),
        ("POST", "/org/tokens"),
    ] {
        for admin in [setup.keys.admin.as_str(), "short-key", ""] {
            let call = gateway.call(method, path).bearer(admin).json(&json!({}));
            let problem = call.send().await.problem(503, "misconfigured");
            assert_eq!(problem["detail"], public);
            assert_eq!(problem.get("problems"), None, "only `/readyz` tells them");
        }
    }
    setup.origin.reset().await;
    for path in [FIND_OR_CREATE, INIT] {
        let call = rpc::call(gateway, path, &setup.keys.admin, &rpc::names(SHOP, RELEASE));
        call.send().await.refused(14, public);
    }
    setup
        .origin
        .assert_untouched("a gate with a wrong configuration")
        .await;
}

async fn all_wrong_values_are_told_at_once(setup: &Setup) {
    let short = "c2hvcnQtYnV0LXNlY3JldA";
    let serve = Serve::bare(&setup.origin.url)
        .set("ORIGIN_URL", "ftp://origin.example")
        .set("ADMIN_TOKEN", "short-key")
        .set("TOKEN_KEYS", &format!("k1:{short}"))
        .set("ROOT_KEYS", "no colon")
        .set("MINT_PER_HOUR", "0")
        .set("ORG_TOKEN_MINT_CEILING", "many")
        .set("REVOCATION_LEASE_MS", "5001")
        .set("REVOCATION_BOUND_SECONDS", "5")
        .set("JWT_LEEWAY_SECONDS", "61")
        .set("ORIGIN_TIMEOUT_SECONDS", "0")
        .set("TRUSTED_IP_HEADER", "not a header")
        .set("ORIGIN_AUTH", "assertion")
        .set("BOOTSTRAP", "open");
    let gateway = serve.start().await;
    let problems = [
        "ORIGIN_URL must begin with http:// or https://",
        "ADMIN_TOKEN is shorter than 32 characters",
        "TOKEN_KEYS: entry 1: the key is shorter than 32 bytes",
        "ROOT_KEYS: entry 1: is not `kid:base64url`",
        "REVOCATION_BOUND_SECONDS is no longer a setting: remove it. A revoke is final when it answers; \
         REVOCATION_LEASE_MS sets how long that may take at most",
        "MINT_PER_HOUR must be a whole number from 1 to 1000000",
        "ORG_TOKEN_MINT_CEILING must be a whole number from 0 to 10000000",
        "REVOCATION_LEASE_MS must be a whole number from 0 to 5000",
        "JWT_LEEWAY_SECONDS must be a whole number from 0 to 60",
        "ORIGIN_TIMEOUT_SECONDS must be a whole number from 1 to 300",
        "TRUSTED_IP_HEADER is not the name of a header",
        "ASSERTION_KEYS is not set: ORIGIN_AUTH `assertion` needs `kid:base64url` with 32 random bytes",
        "BOOTSTRAP is `open` although ADMIN_TOKEN is set: one of the two is too much",
    ];
    assert_misconfigured(setup, &gateway, &problems).await;
    for secret in [short, "short-key", "no colon"] {
        assert!(!serve.log().contains(secret), "the log repeats a secret");
    }
    gateway.stop();
}

async fn missing_keys_are_told(setup: &Setup) {
    let gateway = Serve::bare(&setup.origin.url)
        .set("ADMIN_TOKEN", &setup.keys.admin)
        .set("TOKEN_KEYS", "")
        .start()
        .await;
    let problems = ["TOKEN_KEYS is not set: give `kid:base64url` with at least 32 random bytes"];
    assert_misconfigured(setup, &gateway, &problems).await;
    gateway.stop();
}

async fn r39_a_key_that_the_origin_has_is_no_key_of_ours(setup: &Setup) {
    let serve = setup
        .serve()
        .set("ADOPT_KEYS", &setup.keys.ring().replace("k1:", "cp:"))
        .set("ROOT_KEYS", &setup.keys.ring());
    let gateway = serve.start().await;
    let told = |kid: &str, name: &str| {
        format!(
            "ADOPT_KEYS: the key `{kid}` is in {name} too: the origin has it, so it must not sign or derive anything \
             here; docs/OPERATIONS.md says how to part them"
        )
    };
    let problems = [
        told("k2", "TOKEN_KEYS"),
        told("cp", "TOKEN_KEYS"),
        told("k2", "ROOT_KEYS"),
        told("cp", "ROOT_KEYS"),
    ];
    let problems: Vec<&str> = problems.iter().map(String::as_str).collect();
    assert_misconfigured(setup, &gateway, &problems).await;
    gateway.stop();
}

async fn r2_rows_of_an_earlier_release_are_bound_at_their_first_use(setup: &Setup) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await;
    gateway.stop();
    // As releases wrote it that kept neither key nor digest.
    on_ledgers(
        &serve.state(),
        "update tokens set facts = json_remove(facts, '$.verifier.signed')",
    );
    let kept = || {
        stored::stores(&serve.state(), "Ledger")
            .iter()
            .filter(|store| stored::has_table(store, "tokens"))
            .flat_map(|store| {
                stored::sql(
                    store,
                    "select facts ->> '$.verifier.signed.kid' as kid from tokens",
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(), [json!({ "kid": null })]);

    let gateway = serve.start().await;
    let names = rpc::names(SHOP, RELEASE);
    let call = |token: &str| rpc::call(&gateway, FIND_OR_CREATE, token, &names).send();
    // Whoever has an older key of the ring comes first, and gets nothing by it.
    let claims = forge::part(&token.token, 1).to_string();
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": "k1" });
    let forged = forge::jwt(&header, &claims, &setup.keys.k1);
    for (credential, cause) in [
        (
            &forged,
            "not signed by the first key, and not bound to another yet",
        ),
        (&token.token, ""),
        (&forged, "signed under another key than when it was minted"),
    ] {
        let answer = call(credential).await;
        if cause.is_empty() {
            answer.accepted();
            continue;
        }
        answer.refused(16, "the credential was refused");
        let id = answer.header("x-request-id").expect("a request id");
        assert_eq!(gateway.log_line(id).await["cause"], cause);
    }
    gateway.stop();
    assert_eq!(kept(), [json!({ "kid": "k2" })]);
}

async fn without_an_administrator_key_nobody_administers(setup: &Setup) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "opaque").await;
    gateway.stop();

    let gateway = serve.set("ADMIN_TOKEN", "").start().await;
    assert_eq!(
        gateway.call("GET", "/readyz").send().await.json(200)["status"],
        "ready"
    );
    gateway
        .call("GET", "/orgs")
        .bearer(&setup.keys.admin)
        .send()
        .await
        .problem(401, "credential_refused");
    gateway
        .call("GET", "/orgs")
        .send()
        .await
        .problem(401, "credential_missing");
    gateway
        .call("GET", "/orgs")
        .header("authorization", "Bearer ")
        .send()
        .await
        .problem(401, "credential_malformed");
    rpc::call(
        &gateway,
        FIND_OR_CREATE,
        &token.token,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await
    .accepted();
    gateway.stop();
}

async fn the_root_keys_and_not_the_token_keys_make_opaque_keys(setup: &Setup) {
    let root = Keys::random();
    let serve = setup.serve().set("ROOT_KEYS", &root.ring());
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let opaque = organization.mint_for_release(&gateway, "opaque").await;
    let jwt = organization.mint_for_release(&gateway, "jwt").await;
    let call = async |gateway: &Gateway, token: &str| {
        rpc::call(gateway, FIND_OR_CREATE, token, &rpc::names(SHOP, RELEASE))
            .send()
            .await
    };
    call(&gateway, &opaque.token).await.accepted();
    call(&gateway, &jwt.token).await.accepted();
    // Whoever has the JWT key, as the origin may, can forge no opaque key with it.
    let forged = forge::opaque(&opaque.id, &setup.keys.root());
    call(&gateway, &forged)
        .await
        .refused(16, "the credential was refused");
    gateway.stop();

    // New token keys leave opaque keys alive.
    let gateway = serve
        .clone()
        .set("TOKEN_KEYS", &Keys::random().ring())
        .start()
        .await;
    call(&gateway, &opaque.token).await.accepted();
    call(&gateway, &jwt.token)
        .await
        .refused(16, "Fail to parse JWT token ");
    gateway.stop();
}

async fn a_retired_key_leaves_its_jwts_stale(setup: &Setup) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint_for_release(&gateway, "jwt").await;
    assert_eq!(forge::part(&token.token, 0)["kid"], "k2");
    let opaque = organization.mint_for_release(&gateway, "opaque").await;
    gateway.stop();

    // First the new key signs and the old one verifies still; then the old one is gone.
    let new = Keys::random()
        .ring()
        .replace("k2:", "k4:")
        .replace("k1:", "k3:");
    let (first, _) = new.split_once(',').expect("two keys");
    let both = format!("{first},{}", setup.keys.ring());
    let gateway = serve.clone().set("TOKEN_KEYS", &both).start().await;
    let names = rpc::names(SHOP, RELEASE);
    rpc::call(&gateway, FIND_OR_CREATE, &token.token, &names)
        .send()
        .await
        .accepted();
    rpc::call(&gateway, FIND_OR_CREATE, &opaque.token, &names)
        .send()
        .await
        .accepted();
    let newer = organization.mint_for_release(&gateway, "jwt").await;
    assert_eq!(forge::part(&newer.token, 0)["kid"], "k4");
    gateway.stop();

    let gateway = serve.set("TOKEN_KEYS", first).start().await;
    rpc::call(&gateway, FIND_OR_CREATE, &newer.token, &names)
        .send()
        .await
        .accepted();
    rpc::call(&gateway, FIND_OR_CREATE, &token.token, &names)
        .send()
        .await
        .refused(16, "Fail to parse JWT token ");
    let problem = gateway
        .call("GET", "/orgs")
        .bearer(&token.token)
        .send()
        .await
        .problem(401, "token_stale");
    let told = "not issued by this deployment, or signed with a retired key: mint or log in again";
    assert_eq!(problem["detail"], Value::from(told));
    gateway.stop();
}
