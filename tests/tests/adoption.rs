//! Tokens that the origin minted (R39): registered, they attest unchanged, no further than they were registered for, and
//! end when they are revoked; not registered, they open nothing.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use postern_origin::attestation;
use postern_origin::sha256_hex;
use postern_system_tests::forge::{self};
use postern_system_tests::gateway::{Gateway, Serve, files};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::life::{REFUSED, accepted, now};
use postern_system_tests::organization::{Minted, OTHER, Organization, RELEASE, SHOP, fields};
use postern_system_tests::rpc::{self, CANCEL, FIND_OR_CREATE, STORE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, node, random_id, random_name, runner};
use prost::Message as _;
use serde_json::{Value, json};

const ISOLATES: u16 = 2;

fn main() -> ExitCode {
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        cases![
            r39_an_adopted_token_attests_and_the_origin_gets_it_as_it_is,
            r39_a_token_narrowed_at_the_edge_is_refused_elsewhere,
            r30_r39_what_only_the_origin_would_keep_to_the_project_needs_the_claim,
            r39_a_token_that_was_not_adopted_opens_nothing,
            r4_r39_every_claim_must_be_as_registered,
            r2_r39_minted_and_adopted_tokens_do_not_open_each_other,
            r11_r39_a_revoked_token_is_refused_at_once_and_for_ever,
            r7_r39_an_adopted_token_ends_with_its_claim,
            r39_an_end_is_read_with_a_fraction_and_however_far,
            r39_what_cannot_be_adopted,
            r39_places_of_the_claims_must_be_here,
            r39_a_token_is_adopted_once,
            r39_of_many_adoptions_at_once_one_is_done,
            r15_r39_it_takes_what_minting_takes,
            r26_r27_r39_adoptions_count_as_mints,
            r8_r39_names,
            r39_lists_show_what_was_adopted,
            r9_r39_an_adopted_token_is_not_rotated,
            r39_found_in_public_introspected_and_ended_by_its_holder,
            r39_old_tokens_without_an_organization,
            r35_r39_audit_and_stores_and_a_process_that_ended_in_between,
        ],
    )
}

/// Claims of a token of the whole organization, as the origin makes them.
fn claims(organization: &Organization) -> Value {
    json!({
        "jti": random_id(),
        "iss": "cp.chainloop",
        "aud": ["api-token-auth.chainloop"],
        "token_name": random_name("upstream"),
        "org_id": organization.id,
        "org_name": organization.name,
    })
}

/// The same with members replaced; `null` takes one away.
fn changed(claims: &Value, changes: &Value) -> Value {
    let mut claims = claims.clone();
    let object = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => object.remove(name),
            value => object.insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// The members of a token for `release` of `shop`.
fn for_release(organization: &Organization) -> Value {
    json!({
        "project_id": organization.shop, "project_name": SHOP,
        "workflow_id": organization.release, "workflow_name": RELEASE,
    })
}

fn header() -> Value {
    json!({ "alg": "HS256", "typ": "JWT" })
}

fn seconds_from_now(seconds: i64) -> i64 {
    now() / 1000 + seconds
}

/// The JWT of these claims, as the origin signs it.
fn jwt(suite: &Suite, claims: &Value) -> String {
    forge::jwt(&header(), &claims.to_string(), &suite.keys.origin)
}

fn adopting_here(suite: &Suite, organization: &Organization, token: &str, more: &Value) -> Call {
    adopting(&suite.gateway, organization, 0, token, more)
}

/// Adopts a token of these claims.
async fn adopt(suite: &Suite, organization: &Organization, claims: &Value, more: &Value) -> Minted {
    let token = jwt(suite, claims);
    let answer = adopting_here(suite, organization, &token, more)
        .send()
        .await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(!answer.text().contains(&token), "the token is not echoed");
    adopted(token, answer.json(201))
}

async fn find_or_create(suite: &Suite, token: &str, project: &str, workflow: &str) -> Answer {
    let message = rpc::names(project, workflow);
    rpc::call(&suite.gateway, FIND_OR_CREATE, token, &message)
        .send()
        .await
}

async fn assert_live(suite: &Suite, token: &str) {
    for isolate in 0..ISOLATES {
        assert!(
            accepted(&suite.gateway, isolate, token).await,
            "isolate {isolate}"
        );
    }
}

/// Asserts that no isolate takes a token, and why.
async fn assert_refused(suite: &Suite, token: &str, cause: &str) {
    for isolate in 0..ISOLATES {
        let message = rpc::names(SHOP, RELEASE);
        let call = rpc::call_on(&suite.gateway, isolate, FIND_OR_CREATE, token, &message);
        let answer = call.send().await;
        answer.refused(16, REFUSED);
        let id = answer.header("x-request-id").expect("a request id");
        let line = suite.gateway.log_line(id).await;
        assert_eq!(line["cause"], cause, "{line}");
    }
}

fn adopting(
    gateway: &Gateway,
    organization: &Organization,
    isolate: u16,
    token: &str,
    more: &Value,
) -> Call {
    let mut body = more.clone();
    body["token"] = json!(token);
    organization
        .call_on(gateway, isolate, "POST", "/org/tokens/adopt")
        .json(&body)
}

fn adopted(token: String, answer: Value) -> Minted {
    let id = forge::part(&token, 1)["jti"].clone();
    assert_eq!(answer["id"], id, "the id is the claimed one");
    Minted {
        id: id.as_str().expect("an id").to_owned(),
        token,
        answer,
    }
}

async fn r39_an_adopted_token_attests_and_the_origin_gets_it_as_it_is(suite: &Suite) {
    let organization = suite.organization().await;
    let exp = seconds_from_now(3600);
    for key in [&suite.keys.origin, &suite.keys.origin_old] {
        let changes = changed(&for_release(&organization), &json!({ "exp": exp }));
        let claims = changed(&claims(&organization), &changes);
        let token = forge::jwt(&header(), &claims.to_string(), key);
        let call = adopting_here(suite, &organization, &token, &json!({}));
        let token = adopted(token, call.send().await.json(201));

        let minted = organization.mint(&suite.gateway, &json!({})).await;
        let mut as_a_mint = fields(&minted.answer);
        for left_out in ["token", "warning"] {
            assert!(as_a_mint.remove(left_out));
        }
        assert_eq!(fields(&token.answer), as_a_mint);
        assert_eq!(minted.answer["adopted"], false);
        assert_eq!(token.answer["adopted"], true);
        assert_eq!(token.answer["format"], "jwt");
        assert_eq!(token.answer["prefix"], format!("jwt_{}", &token.id[..8]));
        assert_eq!(token.answer["project"]["id"], organization.shop);
        assert_eq!(token.answer["workflow"]["name"], RELEASE);
        let end = postern_system_tests::life::millis(&token.answer["expires_at"]);
        assert_eq!(end, exp * 1000);

        suite.origin.reset().await;
        let run = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        let bundle = attestation::attest("file", b"content").expect("entropy");
        let store = rpc::store(&run, &bundle.bundle).encode_to_vec();
        let call = rpc::call(&suite.gateway, STORE, &token.token, &store);
        call.send().await.accepted();
        assert_eq!(suite.origin.bundle(&run).await, bundle.bundle);
        let calls = suite.origin.calls().await;
        assert_eq!(calls.len(), 3, "{calls:#?}");
        let written = format!("Bearer {}", token.token);
        for call in calls {
            assert_eq!(
                call["headers"]["authorization_sha256"],
                json!([sha256_hex(written.as_bytes())])
            );
        }
    }
}

async fn r39_a_token_narrowed_at_the_edge_is_refused_elsewhere(suite: &Suite) {
    let organization = suite.organization().await;
    organization.create_project(&suite.gateway, "else").await;
    let wide = organization.mint(&suite.gateway, &json!({})).await;
    let others = rpc::begin(&suite.gateway, &wide.token, SHOP, OTHER).await;
    let elsewhere = rpc::begin(&suite.gateway, &wide.token, "else", RELEASE).await;
    let project = json!({ "project_id": organization.shop, "project_name": SHOP });
    let asked = [
        (json!({}), json!({ "project": SHOP, "workflow": RELEASE })),
        (project, json!({ "workflow": RELEASE })),
    ];
    let name = "API token is workflow-scoped and cannot create or look up other workflows";
    let shop = "operation not allowed: This auth token is valid only with the project \"shop\"";
    for (members, more) in asked {
        let claims = changed(&claims(&organization), &members);
        let token = adopt(suite, &organization, &claims, &more).await;
        assert_eq!(token.answer["workflow"]["id"], organization.release);
        let own = rpc::begin(&suite.gateway, &token.token, SHOP, RELEASE).await;
        suite.origin.reset().await;
        find_or_create(suite, &token.token, SHOP, OTHER)
            .await
            .refused(7, name);
        find_or_create(suite, &token.token, "else", RELEASE)
            .await
            .refused(7, shop);
        for run in [&others, &elsewhere] {
            let cancel = rpc::cancel(run).encode_to_vec();
            let call = rpc::call(&suite.gateway, CANCEL, &token.token, &cancel);
            let other = "API token is scoped to a different workflow";
            call.send().await.refused(7, other);
        }
        suite.origin.assert_untouched("outside of its scope").await;
        let cancel = rpc::cancel(&own).encode_to_vec();
        let call = rpc::call(&suite.gateway, CANCEL, &token.token, &cancel);
        call.send().await.accepted();
    }
    // Narrowed to a project.
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({ "project": SHOP })).await;
    find_or_create(suite, &token.token, SHOP, OTHER)
        .await
        .accepted();
    find_or_create(suite, &token.token, "else", RELEASE)
        .await
        .refused(7, shop);
    let list = organization.call_as(&suite.gateway, &token, "GET", "/org/tokens");
    list.send().await.problem(403, "operation_not_allowed");
}

/// A list that names no project is kept to one by the origin alone, which goes by the claims.
async fn r30_r39_what_only_the_origin_would_keep_to_the_project_needs_the_claim(suite: &Suite) {
    let organization = suite.organization().await;
    let narrow = json!({ "project": SHOP });
    let project = json!({ "project_id": organization.shop, "project_name": SHOP });
    let list = "/controlplane.v1.WorkflowService/List";
    let not_confined = "operation not allowed: the request must name the project and, for a workflow-scoped token, the \
                        workflow that the token is for";
    for (members, claimed) in [(json!({}), false), (project, true)] {
        let claims = changed(&claims(&organization), &members);
        let token = adopt(suite, &organization, &claims, &narrow).await;
        suite.origin.reset().await;
        let answer = rpc::call(&suite.gateway, list, &token.token, &[])
            .send()
            .await;
        if claimed {
            assert_ne!(answer.ending().0.code, 7, "{}", answer.text());
            assert_eq!(suite.origin.calls().await.len(), 1);
        } else {
            answer.refused(7, not_confined);
            suite
                .origin
                .assert_untouched("its claims name no project")
                .await;
        }
    }
}

async fn r39_a_token_that_was_not_adopted_opens_nothing(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    suite.origin.reset().await;
    assert_refused(suite, &jwt(suite, &claims), "unknown token").await;
    let old = changed(&claims, &json!({ "org_id": null, "org_name": null }));
    assert_refused(suite, &jwt(suite, &old), "unknown token").await;
    // R6: what no key of ours signed is answered as stale.
    let stale = forge::jwt(&header(), &claims.to_string(), &suite.keys.k0);
    let answer = find_or_create(suite, &stale, SHOP, RELEASE).await;
    answer.refused(16, "Fail to parse JWT token ");
    suite.origin.assert_untouched("nobody adopted it").await;
}

async fn r4_r39_every_claim_must_be_as_registered(suite: &Suite) {
    let organization = suite.organization().await;
    let exp = seconds_from_now(3600);
    let members = changed(&for_release(&organization), &json!({ "exp": exp }));
    let registered = changed(&claims(&organization), &members);
    let token = adopt(suite, &organization, &registered, &json!({})).await;
    assert_live(suite, &token.token).await;
    let id = random_id();
    let rows = [
        (json!({ "org_name": "other" }), "organization mismatch"),
        (json!({ "org_name": null }), "organization mismatch"),
        (json!({ "org_id": null }), "organization mismatch"),
        (json!({ "org_id": id }), "organization mismatch"),
        (json!({ "project_id": id }), "project mismatch"),
        (json!({ "project_name": "other" }), "project mismatch"),
        (
            json!({ "workflow_id": null, "workflow_name": null }),
            "workflow mismatch",
        ),
        (
            json!({ "workflow_id": organization.other }),
            "workflow mismatch",
        ),
        (json!({ "workflow_name": OTHER }), "workflow mismatch"),
        (json!({ "token_name": "other" }), "claims mismatch"),
        (json!({ "token_name": null }), "claims mismatch"),
        (json!({ "exp": exp + 1 }), "claims mismatch"),
        (json!({ "exp": null }), "claims mismatch"),
        (
            json!({ "aud": "api-token-auth.chainloop" }),
            "claims mismatch",
        ),
        (json!({ "scope": "INSTANCE_ADMIN" }), "claims mismatch"),
        (json!({ "anything": 1 }), "claims mismatch"),
    ];
    for (changes, cause) in rows {
        let forged = jwt(suite, &changed(&registered, &changes));
        assert_refused(suite, &forged, cause).await;
    }
    assert_live(suite, &token.token).await;
    // Cold: another organization's Ledger does not know the token.
    let elsewhere = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let forged = jwt(suite, &changed(&claims, &json!({ "org_id": elsewhere.id })));
    assert_refused(suite, &forged, "unknown token").await;
    assert_live(suite, &token.token).await;
}

async fn r2_r39_minted_and_adopted_tokens_do_not_open_each_other(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let claims_of_minted = forge::part(&minted.token, 1);
    assert_refused(suite, &jwt(suite, &claims_of_minted), "format mismatch").await;
    assert_live(suite, &minted.token).await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let named = forge::jwt(&forge::header(), &claims.to_string(), &suite.keys.k2);
    assert_refused(suite, &named, "format mismatch").await;
    assert_live(suite, &token.token).await;
}

async fn r11_r39_a_revoked_token_is_refused_at_once_and_for_ever(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    assert_live(suite, &token.token).await;
    let moment = organization.revoke(&suite.gateway, &token.id).await;
    assert_refused(suite, &token.token, "revoked token").await;
    // Nor does a new adoption revive it, as it stands or made anew by the origin.
    let anew = changed(&claims, &json!({ "exp": seconds_from_now(3600) }));
    for claims in [&claims, &anew] {
        let call = adopting_here(suite, &organization, &jwt(suite, claims), &json!({}));
        call.send().await.problem(409, "token_revoked");
        assert_refused(suite, &token.token, "revoked token").await;
    }
    let row = organization.token(&suite.gateway, &token.id).await;
    assert_eq!(row["revoked_at"], moment);
    // In bulk, too.
    let token = adopt(
        suite,
        &organization,
        &self::claims(&organization),
        &json!({}),
    )
    .await;
    let selector = json!({ "ids": [token.id] });
    let answer = organization
        .revoking(&suite.gateway, &selector)
        .send()
        .await;
    assert_eq!(answer.json(200)["matched"], 1);
    assert_refused(suite, &token.token, "revoked token").await;
}

async fn r7_r39_an_adopted_token_ends_with_its_claim(suite: &Suite) {
    let organization = suite.organization().await;
    let exp = seconds_from_now(4);
    let claims = changed(&claims(&organization), &json!({ "exp": exp }));
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    while now() < exp * 1000 + 50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = find_or_create(suite, &token.token, SHOP, RELEASE).await;
    answer.refused(16, "JWT token has expired");
    let call = adopting_here(suite, &organization, &token.token, &json!({}));
    call.send().await.problem(400, "token_expired_already");
    // The origin makes the token anew for longer: the registration is not lengthened by that.
    let anew = jwt(suite, &changed(&claims, &json!({ "exp": exp + 3600 })));
    assert_refused(suite, &anew, "claims mismatch").await;
    let call = adopting_here(suite, &organization, &anew, &json!({}));
    call.send().await.problem(409, "already_adopted");
}

async fn r39_an_end_is_read_with_a_fraction_and_however_far(suite: &Suite) {
    let organization = suite.organization().await;
    for (exp, ends) in [
        (json!(1_900_000_000.5), "2030-03-17T17:46:40Z"),
        (json!((1_i64 << 53) - 1), "9999-12-31T23:59:59Z"),
    ] {
        let claims = changed(&claims(&organization), &json!({ "exp": exp }));
        let token = adopt(suite, &organization, &claims, &json!({})).await;
        assert_eq!(token.answer["expires_at"], ends, "{exp}");
        assert_live(suite, &token.token).await;
        let again = adopting_here(suite, &organization, &token.token, &json!({}));
        again.send().await.problem(409, "already_adopted");
    }
}

async fn r39_what_cannot_be_adopted(suite: &Suite) {
    let organization = suite.organization().await;
    let elsewhere = suite.organization().await;
    let good = claims(&organization);
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let with = |changes: Value| jwt(suite, &changed(&good, &changes));
    let under = |header: Value, key: &[u8]| forge::jwt(&header, &good.to_string(), key);
    let k9 = json!({ "alg": "HS256", "kid": "k9" });
    let none = json!({ "alg": "none" });
    let hs384 = json!({ "alg": "HS384" });
    let rows = [
        ("no JWT", "garbage".to_owned(), "jwt_invalid"),
        ("an opaque key", opaque.token.clone(), "jwt_invalid"),
        ("alg none", under(none, &suite.keys.origin), "jwt_invalid"),
        (
            "alg HS384",
            forge::jwt_384(&hs384, &good.to_string(), &suite.keys.origin),
            "jwt_invalid",
        ),
        (
            "a retired key",
            under(header(), &suite.keys.k0),
            "jwt_key_unknown",
        ),
        (
            "an unknown kid",
            under(k9, &suite.keys.k2),
            "jwt_key_unknown",
        ),
        ("minted here", minted.token.clone(), "jwt_not_adoptable"),
        (
            "a user's",
            with(json!({ "aud": "user-auth.chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            "a robot account's",
            with(json!({ "aud": "attestations.chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            "a CI provider's",
            with(json!({ "aud": "chainloop" })),
            "jwt_not_adoptable",
        ),
        (
            "an instance token",
            with(json!({ "scope": "INSTANCE_ADMIN", "org_id": "", "org_name": "" })),
            "jwt_not_adoptable",
        ),
        (
            "expired",
            with(json!({ "exp": seconds_from_now(-1) })),
            "token_expired_already",
        ),
        // Numbers that a reader of JavaScript would change on the way to the Ledger.
        (
            "an end beyond 2^53",
            with(json!({ "exp": 9_007_199_254_740_993_i64 })),
            "jwt_invalid",
        ),
        (
            "an end far beyond 2^53",
            with(json!({ "exp": 1_000_000_000_000_000_000_i64 })),
            "jwt_invalid",
        ),
        (
            "of another organization",
            with(json!({ "org_id": elsewhere.id, "org_name": elsewhere.name })),
            "organization_conflict",
        ),
    ];
    let before = organization.snapshot(&suite.gateway).await;
    for (what, token, code) in rows {
        let call = adopting_here(suite, &organization, &token, &json!({}));
        let answer = call.send().await;
        answer.problem(400, code);
        assert!(
            !answer.text().contains(&token),
            "{what}: the token is echoed"
        );
        let log = suite.gateway.serve().log();
        assert!(!log.contains(&token), "{what}: the token is logged");
    }
    assert_eq!(organization.snapshot(&suite.gateway).await, before);
    // The control: as it is, it can.
    adopt(suite, &organization, &good, &json!({})).await;
    let method = organization.call(&suite.gateway, "GET", "/org/tokens/adopt");
    let answer = method.send().await;
    answer.problem(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("OPTIONS, POST"));
}

async fn r39_places_of_the_claims_must_be_here(suite: &Suite) {
    let organization = suite.organization().await;
    let (project, workflow) = (random_id(), random_id());
    let members = json!({
        "project_id": project, "project_name": "later",
        "workflow_id": workflow, "workflow_name": "build",
    });
    let claims = changed(&claims(&organization), &members);
    let missing = async |what: &str, name: &str, id: &str| {
        let call = adopting_here(suite, &organization, &jwt(suite, &claims), &json!({}));
        let problem = call.send().await.problem(404, "not_registered");
        let told = format!(
            "the token is for the {what} `{name}`, which is not registered here: create it first, with the id {id}"
        );
        assert_eq!(problem["detail"], told);
    };
    missing("project", "later", &project).await;
    let call = organization.call(&suite.gateway, "POST", "/org/projects");
    let body = json!({ "name": "later", "id": project });
    call.json(&body).send().await.json(201);
    missing("workflow", "build", &workflow).await;
    let path = "/org/projects/later/workflows";
    let call = organization.call(&suite.gateway, "POST", path);
    let body = json!({ "name": "build", "id": workflow });
    call.json(&body).send().await.json(201);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    find_or_create(suite, &token.token, "later", "build")
        .await
        .accepted();

    let other = changed(
        &for_release(&organization),
        &json!({ "project_id": random_id() }),
    );
    let other = changed(&claims, &other);
    let call = adopting_here(suite, &organization, &jwt(suite, &other), &json!({}));
    call.send().await.problem(409, "claims_conflict");
    let wider = changed(&claims, &for_release(&organization));
    let more = json!({ "workflow": OTHER });
    let call = adopting_here(suite, &organization, &jwt(suite, &wider), &more);
    call.send().await.problem(400, "scope_conflict");
}

async fn r39_a_token_is_adopted_once(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({ "project": SHOP })).await;
    // Neither wider nor under another name.
    for more in [
        json!({}),
        json!({ "project": SHOP }),
        json!({ "name": "other" }),
    ] {
        let call = adopting_here(suite, &organization, &token.token, &more);
        call.send().await.problem(409, "already_adopted");
    }
    let row = organization.token(&suite.gateway, &token.id).await;
    assert_eq!(row["project"]["name"], SHOP);
    assert_eq!(row["name"], claims["token_name"]);
    // Nor is one that was minted here, written as the origin would.
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let rewritten = jwt(suite, &forge::part(&minted.token, 1));
    let call = adopting_here(suite, &organization, &rewritten, &json!({}));
    call.send().await.problem(409, "already_adopted");
    assert_live(suite, &minted.token).await;
}

async fn r39_of_many_adoptions_at_once_one_is_done(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &claims(&organization));
    let mut tries = Vec::new();
    for lane in 0..8 {
        let more = match lane % 2 {
            0 => json!({}),
            _ => json!({ "project": SHOP, "name": format!("lane-{lane}") }),
        };
        let gateway = &suite.gateway;
        let call = adopting(gateway, &organization, lane % ISOLATES, &token, &more);
        tries.push(tokio::spawn(call.send()));
    }
    let mut done = Vec::new();
    for attempt in tries {
        let answer = attempt.await.expect("an answer");
        match answer.status {
            201 => done.push(answer.json(201)),
            _ => {
                answer.problem(409, "already_adopted");
            }
        }
    }
    assert_eq!(done.len(), 1, "{done:#?}");
    let token = adopted(token, done.remove(0));
    let row = organization.token(&suite.gateway, &token.id).await;
    for field in ["name", "project"] {
        assert_eq!(row[field], token.answer[field], "{field}");
    }
    assert_eq!(
        organization.token_ids(&suite.gateway, "status=all").await,
        [token.id.clone()].into()
    );
    assert_live(suite, &token.token).await;
}

async fn r15_r39_it_takes_what_minting_takes(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let elsewhere = suite.organization().await;
    let manager = organization.mint(gateway, &json!({})).await;
    let stranger = elsewhere.mint(gateway, &json!({})).await;
    let short = json!({ "expires_in": "1h" });
    let short = organization.mint(gateway, &short).await;
    let powerless = organization.mint(gateway, &json!({ "policies": [] })).await;
    let in_shop = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let in_release = organization.mint_for_release(gateway, "jwt").await;
    let (wide, narrow) = (json!({}), json!({ "project": SHOP }));
    let rows = [
        (&manager, &wide, 403, "project_required"),
        (&short, &narrow, 403, "lifetime_exceeded"),
        (&powerless, &narrow, 403, "operation_not_allowed"),
        (&in_shop, &narrow, 403, "operation_not_allowed"),
        (&in_release, &narrow, 403, "operation_not_allowed"),
        (&stranger, &narrow, 400, "organization_conflict"),
    ];
    let exp = json!({ "exp": seconds_from_now(7200) });
    let claims = changed(&claims(&organization), &exp);
    let before = organization.snapshot(gateway).await;
    let adopting_as = |caller: &Minted, token: &str, more: &Value| {
        let mut body = more.clone();
        body["token"] = json!(token);
        let call = organization.call_as(gateway, caller, "POST", "/org/tokens/adopt");
        call.json(&body)
    };
    for (caller, more, status, code) in rows {
        let call = adopting_as(caller, &jwt(suite, &claims), more);
        call.send().await.problem(status, code);
    }
    assert_eq!(organization.snapshot(gateway).await, before);
    let call = adopting_as(&manager, &jwt(suite, &claims), &narrow);
    let token = adopted(jwt(suite, &claims), call.send().await.json(201));
    let prefix = manager.answer["prefix"].as_str().expect("a prefix");
    assert_eq!(token.answer["created_by"], format!("org-token:{prefix}"));
    let row = organization.token(gateway, &token.id).await;
    assert_eq!(row["minted_by"], manager.id);
    assert_live(suite, &token.token).await;
    // What was minted by a token goes with it.
    let selector = json!({ "minted_by": manager.id });
    let answer = organization.revoking(gateway, &selector).send().await;
    assert_eq!(answer.json(200)["ids"], json!([token.id]));
    assert_refused(suite, &token.token, "revoked token").await;
}

async fn r26_r27_r39_adoptions_count_as_mints(suite: &Suite) {
    let ceiling = json!({ "mint_ceiling": 2 });
    let organization = Organization::with(&suite.gateway, &suite.keys.admin, &ceiling).await;
    let first = adopt(suite, &organization, &claims(&organization), &json!({})).await;
    organization.mint(&suite.gateway, &json!({})).await;
    let second = jwt(suite, &claims(&organization));
    let refused = || async {
        let call = adopting_here(suite, &organization, &second, &json!({}));
        call.send().await.problem(429, "mint_ceiling_reached");
    };
    refused().await;
    assert_refused(suite, &second, "unknown token").await;
    organization.revoke(&suite.gateway, &first.id).await;
    let call = adopting_here(suite, &organization, &second, &json!({}));
    call.send().await.json(201);

    // The bucket of the address, with mints and adoptions in it.
    let serve = suite.serve().set("MINT_PER_HOUR", "2");
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let adopt = async |token: &str| {
        let call = adopting(&gateway, &organization, 0, token, &json!({}));
        call.send().await
    };
    // A refusal costs nothing.
    let expired = json!({ "exp": seconds_from_now(-1) });
    let expired = jwt(suite, &changed(&claims(&organization), &expired));
    for _ in 0..4 {
        adopt(&expired).await.problem(400, "token_expired_already");
    }
    organization.mint(&gateway, &json!({})).await;
    let token = jwt(suite, &claims(&organization));
    adopt(&token).await.json(201);
    let late = adopt(&jwt(suite, &claims(&organization))).await;
    late.problem(429, "mint_rate_exceeded");
    assert!(late.header("retry-after").is_some());
    gateway.stop();
}

async fn r8_r39_names(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    organization.mint(gateway, &json!({ "name": "ci" })).await;
    let named = json!({ "token_name": "ci" });
    let claims = changed(&claims(&organization), &named);
    let taken = json!({ "name": "ci" });
    let call = adopting_here(suite, &organization, &jwt(suite, &claims), &taken);
    call.send().await.problem(409, "name_taken");
    // The claimed name gives way.
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    assert_eq!(token.answer["name"], format!("token-{}", &token.id[..8]));
    assert_live(suite, &token.token).await;
    // In a project it is free.
    let another = changed(&claims, &json!({ "jti": random_id() }));
    let token = adopt(suite, &organization, &another, &json!({ "project": SHOP })).await;
    assert_eq!(token.answer["name"], "ci");
    let token = adopt(
        suite,
        &organization,
        &self::claims(&organization),
        &json!({ "name": "é by hand" }),
    )
    .await;
    assert_eq!(token.answer["name"], "é by hand");
}

async fn r39_lists_show_what_was_adopted(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization.mint_for_release(&suite.gateway, "jwt").await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let told: BTreeSet<(String, bool)> = organization
        .tokens(&suite.gateway, "status=active")
        .await
        .iter()
        .map(|row| {
            let id = row["id"].as_str().expect("an id").to_owned();
            (id, row["adopted"].as_bool().expect("a word on it"))
        })
        .collect();
    let expected = [(minted.id, false), (token.id.clone(), true)];
    assert_eq!(told, expected.into());
    let row = organization.token(&suite.gateway, &token.id).await;
    for field in fields(&token.answer) {
        assert_eq!(row[field], token.answer[field], "{field}");
    }
}

async fn r9_r39_an_adopted_token_is_not_rotated(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = claims(&organization);
    let token = adopt(suite, &organization, &claims, &json!({})).await;
    let before = organization.snapshot(&suite.gateway).await;
    let call = organization.rotating(&suite.gateway, &token.id, &json!({}));
    let problem = call.send().await.problem(409, "adopted_token");
    let told = "the origin created this token and would not know a successor from here: create one there, adopt it, then \
                revoke this one";
    assert_eq!(problem["detail"], told);
    assert_eq!(organization.snapshot(&suite.gateway).await, before);
    assert_live(suite, &token.token).await;
}

async fn r39_found_in_public_introspected_and_ended_by_its_holder(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let narrow = json!({ "project": SHOP, "workflow": RELEASE });
    let token = adopt(suite, &organization, &claims(&organization), &narrow).await;
    let form = |path: &str| {
        let call = gateway.call("POST", path).from(&organization.address);
        call.form(&[("token", &token.token)])
    };
    let call = form("/oauth/introspect").bearer(&suite.keys.admin);
    let seen = call.send().await.json(200);
    assert_eq!(seen["active"], true);
    assert_eq!(seen["workflow_name"], RELEASE, "the effective scope");
    form("/oauth/revoke").send().await.json(200);
    assert_refused(suite, &token.token, "revoked token").await;

    let token = adopt(suite, &organization, &claims(&organization), &narrow).await;
    let report = gateway.call("POST", "/leaks").from(&organization.address);
    let report = report.json(&json!({ "tokens": [token.token] }));
    assert_eq!(report.send().await.status, 202);
    let deadline = now() + 10_000;
    while accepted(gateway, 0, &token.token).await {
        assert!(now() < deadline, "the report came to nothing");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_refused(suite, &token.token, "revoked token").await;
}

async fn r39_old_tokens_without_an_organization(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let elsewhere = suite.organization().await;
    let manager = organization.mint(gateway, &json!({})).await;
    for old in [
        json!({ "org_id": null, "org_name": null }),
        json!({ "org_id": "", "org_name": "" }),
    ] {
        let claims = changed(&claims(&organization), &old);
        let token = jwt(suite, &claims);
        let call = organization.call_as(gateway, &manager, "POST", "/org/tokens/adopt");
        let call = call.json(&json!({ "token": token, "project": SHOP }));
        call.send().await.problem(403, "organization_unclaimed");
        // Of two organizations one has it.
        let mut tries = Vec::new();
        for (lane, whose) in [&organization, &elsewhere].into_iter().enumerate() {
            let isolate = u16::try_from(lane).expect("two");
            let more = json!({ "project": SHOP });
            let call = adopting(gateway, whose, isolate, &token, &more);
            tries.push((whose, tokio::spawn(call.send())));
        }
        let mut owners = Vec::new();
        for (whose, attempt) in tries {
            let answer = attempt.await.expect("an answer");
            match answer.status {
                201 => owners.push(whose),
                _ => {
                    answer.problem(409, "already_adopted");
                }
            }
        }
        let [owner] = owners[..] else {
            panic!("{} organizations have it", owners.len());
        };
        let token = Minted {
            id: claims["jti"].as_str().expect("an id").to_owned(),
            answer: owner
                .token(gateway, claims["jti"].as_str().expect("an id"))
                .await,
            token,
        };
        assert_eq!(token.answer["organization"]["id"], owner.id);
        assert_live(suite, &token.token).await;
        for whose in [&organization, &elsewhere] {
            let call = adopting(gateway, whose, 0, &token.token, &json!({}));
            call.send().await.problem(409, "already_adopted");
        }
        // A claim that it does not have makes it another token.
        let claimed = changed(&claims, &json!({ "org_id": owner.id }));
        assert_refused(suite, &jwt(suite, &claimed), "organization mismatch").await;
        owner.revoke(gateway, &token.id).await;
        assert_refused(suite, &token.token, "revoked token").await;
    }
}

/// Rows of the audit log and of the Ledgers, once the gateway has stopped.
fn stored(serve: &Serve, organization: &Organization) -> Vec<Value> {
    const SCRIPT: &str = r#"
        const { DatabaseSync } = require("node:sqlite");
        const rows = [];
        for (const file of process.argv.slice(2)) {
            const db = new DatabaseSync(file);
            const has = db.prepare("select count(*) as n from pragma_table_info('audit') where name = 'sequence'").get().n;
            if (has) rows.push(...db.prepare(
                "select action, actor, token_id from audit where organization_id = ? order by sequence",
            ).all(process.argv[1]));
            db.close();
        }
        console.log(JSON.stringify(rows));
    "#;
    let files: Vec<_> = files(&serve.state())
        .into_iter()
        .filter(|file| file.extension().is_some_and(|name| name == "sqlite"))
        .collect();
    let output = node()
        .args(["--no-warnings", "-e", SCRIPT, &organization.id])
        .args(&files)
        .output()
        .expect("the checkout's node starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn r35_r39_audit_and_stores_and_a_process_that_ended_in_between(suite: &Suite) {
    let serve = suite.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let claims = claims(&organization);
    let token = jwt(suite, &claims);
    let adopt = async |gateway: &Gateway, more: &Value| {
        let call = adopting(gateway, &organization, 0, &token, more);
        adopted(token.clone(), call.send().await.json(201))
    };
    let first = adopt(&gateway, &json!({})).await;
    gateway.stop();
    // Nothing that is stored holds the token, or what makes one of its claims.
    let signature = token.rsplit_once('.').expect("three parts").1;
    for file in files(&serve.state()) {
        let bytes = std::fs::read(&file).expect("a store");
        let found = bytes
            .windows(signature.len())
            .any(|window| window == signature.as_bytes());
        assert!(!found, "{} holds the token", file.display());
    }

    // The process ends before the record has answered: the token is pending in the Ledger.
    on_ledgers(&serve.state(), "update tokens set state = 0");
    let gateway = serve.start().await;
    assert!(!accepted(&gateway, 0, &token).await, "it opens nothing");
    let second = adopt(&gateway, &json!({ "project": SHOP, "workflow": RELEASE })).await;
    assert_eq!(second.id, first.id);
    assert!(accepted(&gateway, 0, &token).await);
    let row = organization.token(&gateway, &first.id).await;
    assert_eq!(
        row["workflow"]["name"], RELEASE,
        "the row of the second try"
    );
    assert_eq!(row["revoked_at"], Value::Null);
    organization.revoke(&gateway, &first.id).await;
    gateway.stop();

    let rows: Vec<_> = stored(&serve, &organization)
        .into_iter()
        // The organization, its project and its workflows are events of no token.
        .filter(|row| row["token_id"] != "")
        .map(|row| {
            assert_eq!(row["token_id"], first.id, "{row}");
            (row["action"].clone(), row["actor"].clone())
        })
        .collect();
    let row = |action: &str, actor: &str| (json!(action), json!(actor));
    assert_eq!(
        rows,
        [
            row("token.adopt", "admin-token"),
            row("token.mint_abandoned", "ledger"),
            row("token.adopt", "admin-token"),
            row("token.revoke", "admin-token"),
        ]
    );
}
