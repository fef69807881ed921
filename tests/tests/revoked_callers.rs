//! Callers whose token is revoked between the look at it and the write (R40): slow bodies, and a D1 whose answers come
//! late. A revoke that has answered stops what its token began, and no token is left that nobody could have revoked.

use std::process::ExitCode;
use std::time::Duration;

use postern_system_tests::audit::verified;
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::Call;
use postern_system_tests::life::{assert_dead, assert_live};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, id};
use postern_system_tests::origin::Origin;
use postern_system_tests::{cases, runner};
use serde_json::{Value, json};
use tokio::time::sleep;

/// How late the answers of D1 come, in milliseconds.
const LATE: u32 = 1_600;

struct Gateways {
    keys: Keys,
    origin: Origin,
    /// Its D1 answers at once.
    gateway: Gateway,
    /// Its D1 answers to batches late: what is being created is pending for that long.
    slow: Gateway,
}

fn main() -> ExitCode {
    runner::run(
        async {
            let (origin, keys) = (Origin::start().await, Keys::random());
            let serve = || Serve::new(&origin.url, &keys);
            Gateways {
                gateway: serve().start().await,
                slow: serve().slow_record(LATE, 0).start().await,
                keys,
                origin,
            }
        },
        cases![
            r40_a_body_that_comes_after_its_callers_revoke_changes_nothing,
            r40_a_question_to_d1_does_not_outlast_the_callers_revoke,
            r40_what_a_revoked_token_was_creating_is_abandoned,
            r40_what_an_expired_token_was_creating_is_abandoned,
            r40_a_rotation_by_a_revoked_token_leaves_the_old_one_as_it_was,
            r40_a_token_may_rotate_itself,
            r40_no_descendant_survives_the_revoke_of_its_minter_and_of_what_it_minted,
            r11_a_bulk_revoke_reaches_what_is_being_created,
            r11_what_a_list_shows_can_be_revoked_though_it_is_still_being_created,
        ],
    )
}

/// Mints a token that may manage every token of its organization.
async fn manager(organization: &Organization, gateway: &Gateway, rest: Value) -> Minted {
    let mut body = rest;
    body["policies"] = json!(["org_api_token:*", "project_api_token:*"]);
    organization.mint(gateway, &body).await
}

/// Mints a token that such a one may rotate and release.
async fn subject(organization: &Organization, gateway: &Gateway) -> Minted {
    let body = json!({ "project": SHOP, "workflow": RELEASE, "policies": [] });
    organization.mint(gateway, &body).await
}

/// Runs both at once: the call, and, half of the lateness after its write to D1 began, what happens meanwhile.
async fn meanwhile<T>(
    call: Call,
    happens: impl Future<Output = T>,
) -> (postern_system_tests::http::Answer, T) {
    let later = async {
        sleep(Duration::from_millis(u64::from(LATE) / 2)).await;
        happens.await
    };
    tokio::join!(call.send(), later)
}

fn named<'e>(events: &'e [Value], action: &str) -> Vec<&'e Value> {
    let events = events.iter();
    events.filter(|event| event["action"] == action).collect()
}

async fn r40_a_body_that_comes_after_its_callers_revoke_changes_nothing(gateways: &Gateways) {
    let gateway = &gateways.gateway;
    let chosen = json!({ "on_leak": "quarantine" });
    let organization = Organization::with(gateway, &gateways.keys.admin, &chosen).await;
    let victim = subject(&organization, gateway).await;
    let reported = subject(&organization, gateway).await;
    let report = json!({ "tokens": [reported.token] });
    let call = gateway.call("POST", "/leaks").json(&report);
    call.from(&organization.address).send().await.json(202);
    while organization.token(gateway, &reported.id).await["quarantined_at"].is_null() {
        sleep(Duration::from_millis(50)).await;
    }
    let rows = [
        ("/org/tokens".to_owned(), json!({ "project": SHOP })),
        ("/org/tokens".to_owned(), json!({})),
        (format!("/org/tokens/{}/rotate", victim.id), json!({})),
        (
            "/org/tokens/revoke".to_owned(),
            json!({ "ids": [victim.id] }),
        ),
        (format!("/org/tokens/{}/release", reported.id), json!({})),
    ];
    for (path, body) in rows {
        for format in ["opaque", "jwt"] {
            let caller = manager(&organization, gateway, json!({ "format": format })).await;
            let call = organization.call_as(gateway, &caller, "POST", &path);
            let revoking = async {
                organization.revoke(gateway, &caller.id).await;
                let below = json!({ "minted_by": caller.id });
                let below = organization.revoking(gateway, &below).send().await;
                assert_eq!(below.json(200)["matched"], 0, "{path}");
                organization.snapshot(gateway).await
            };
            let (answer, before) = call.json(&body).send_slowly(revoking).await;
            answer.problem(401, "credential_refused");
            assert_eq!(organization.snapshot(gateway).await, before, "{path}");
        }
    }
    assert_live(gateway, &victim, "nobody had the right to end it").await;
    assert_dead(gateway, &reported, "nobody had the right to release it").await;
}

async fn r40_a_question_to_d1_does_not_outlast_the_callers_revoke(gateways: &Gateways) {
    // The credential is good when it is asked about; then D1 is asked about the organization, and takes its time.
    let serve = Serve::new(&gateways.origin.url, &gateways.keys).slow_record(0, LATE);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &gateways.keys.admin).await;
    let caller = manager(&organization, &gateway, json!({})).await;
    // The name of the organization is known from here on, so that the revoke needs no D1.
    let other = organization.mint(&gateway, &json!({})).await;
    organization.revoke(&gateway, &other.id).await;
    let call = organization.minting_as(&gateway, &caller, &json!({}));
    let (answer, _) = meanwhile(call, organization.revoke(&gateway, &caller.id)).await;
    answer.problem(401, "credential_refused");
    let events = verified(&gateway, &organization, &gateways.keys).await;
    assert_eq!(named(&events, "token.mint").len(), 2, "those from before");
    assert!(named(&events, "token.mint_abandoned").is_empty());
    gateway.stop();
}

async fn r40_what_a_revoked_token_was_creating_is_abandoned(gateways: &Gateways) {
    let gateway = &gateways.slow;
    let organization = Organization::new(gateway, &gateways.keys.admin).await;
    for format in ["opaque", "jwt"] {
        let caller = manager(&organization, gateway, json!({ "format": format })).await;
        let call = organization.minting_as(gateway, &caller, &json!({ "format": format }));
        let (answer, _) = meanwhile(call, organization.revoke(gateway, &caller.id)).await;
        answer.problem(401, "credential_refused");
        let events = verified(gateway, &organization, &gateways.keys).await;
        let mint = *named(&events, "token.mint").last().expect("it was begun");
        let abandoned = named(&events, "token.mint_abandoned");
        let last = abandoned.last().expect("it was abandoned");
        assert_eq!(last["token_id"], mint["token_id"]);
        assert_ne!(mint["token_id"], caller.id);
        let new = mint["token_id"].as_str().expect("an id");
        let row = organization.token(gateway, new).await;
        assert!(row["revoked_at"].is_string(), "{row}");
    }
    assert!(organization.token_ids(gateway, "").await.is_empty());
}

async fn r40_what_an_expired_token_was_creating_is_abandoned(gateways: &Gateways) {
    let gateway = &gateways.slow;
    let organization = Organization::new(gateway, &gateways.keys.admin).await;
    let caller = manager(&organization, gateway, json!({ "expires_in": "4s" })).await;
    let end = postern_system_tests::life::millis(&caller.answer["expires_at"]);
    let before = end - i64::from(LATE) / 2 - postern_system_tests::life::now();
    sleep(Duration::from_millis(
        before.try_into().expect("time is left"),
    ))
    .await;
    let call = organization.minting_as(gateway, &caller, &json!({}));
    call.send().await.problem(401, "token_expired");
    let events = verified(gateway, &organization, &gateways.keys).await;
    assert_eq!(named(&events, "token.mint_abandoned").len(), 1);
}

async fn r40_a_rotation_by_a_revoked_token_leaves_the_old_one_as_it_was(gateways: &Gateways) {
    let gateway = &gateways.slow;
    let organization = Organization::new(gateway, &gateways.keys.admin).await;
    let old = subject(&organization, gateway).await;
    let caller = manager(&organization, gateway, json!({})).await;
    let path = format!("/org/tokens/{}/rotate", old.id);
    let call = organization.call_as(gateway, &caller, "POST", &path);
    let (answer, _) = meanwhile(call, organization.revoke(gateway, &caller.id)).await;
    answer.problem(401, "credential_refused");
    assert_live(gateway, &old, "its rotation came to nothing").await;
    let row = organization.token(gateway, &old.id).await;
    assert!(row["revoked_at"].is_null(), "{row}");
    let active = organization.token_ids(gateway, "").await;
    assert_eq!(active, [old.id.clone()].into());
    let events = verified(gateway, &organization, &gateways.keys).await;
    let begun = named(&events, "token.rotate");
    let abandoned = named(&events, "token.mint_abandoned");
    assert_eq!(begun.len(), 1);
    assert_eq!(abandoned.len(), 1);
    assert_eq!(abandoned[0]["token_id"], begun[0]["token_id"]);
    // Whoever may still do it can do it again.
    organization.rotate(gateway, &old.id, &json!({})).await;
    assert_dead(gateway, &old, "rotated").await;
}

async fn r40_a_token_may_rotate_itself(gateways: &Gateways) {
    for gateway in [&gateways.gateway, &gateways.slow] {
        let organization = Organization::new(gateway, &gateways.keys.admin).await;
        let caller = manager(&organization, gateway, json!({})).await;
        for body in [json!({}), json!({ "overlap": "1h" })] {
            let same = json!({ "policies": caller.answer["policies"] });
            let old = organization.mint(gateway, &same).await;
            let path = format!("/org/tokens/{}/rotate", old.id);
            let call = organization.call_as(gateway, &old, "POST", &path);
            let new = Minted::of(call.json(&body).send().await.json(201));
            let call = organization.call_as(gateway, &new, "GET", "/org/tokens");
            call.send().await.json(200);
            let call = organization.call_as(gateway, &old, "GET", "/org/tokens");
            match body["overlap"].is_null() {
                true => drop(call.send().await.problem(401, "credential_refused")),
                false => drop(call.send().await.json(200)),
            }
        }
    }
}

async fn r40_no_descendant_survives_the_revoke_of_its_minter_and_of_what_it_minted(
    gateways: &Gateways,
) {
    let gateway = &gateways.slow;
    let organization = Organization::new(gateway, &gateways.keys.admin).await;
    let minter = manager(&organization, gateway, json!({})).await;
    let policies = &minter.answer["policies"];
    let child = organization
        .mint_as(gateway, &minter, &json!({ "policies": policies }))
        .await;
    let other = subject(&organization, gateway).await;
    // Mints by the minter and by its child, and rotations of what neither minted, one after the other.
    let mints = (0..12_u64).map(|turn| {
        let call = match turn % 4 {
            3 => {
                let path = format!("/org/tokens/{}/rotate", other.id);
                organization.call_as(gateway, &minter, "POST", &path)
            }
            2 => organization.minting_as(gateway, &child, &json!({})),
            _ => organization.minting_as(gateway, &minter, &json!({})),
        };
        tokio::spawn(async move {
            sleep(Duration::from_millis(turn * 300)).await;
            call.send().await
        })
    });
    let mut mints = mints.collect::<Vec<_>>().into_iter();
    // Once the first is minted, some are on their way, and some have not begun.
    let first = mints.next().expect("a mint").await.expect("a call ends");
    organization.revoke(gateway, &minter.id).await;
    let below = json!({ "minted_by": minter.id });
    let below = organization
        .revoking(gateway, &below)
        .send()
        .await
        .json(200);
    let matched = below["matched"].as_u64().expect("a number");
    let mut answers = vec![first];
    for mint in mints {
        answers.push(mint.await.expect("a call ends"));
    }
    let mut seen = (0, 0, 0);
    for answer in answers {
        match answer.status {
            201 => {
                seen.0 += 1;
                let minted = Minted::of(answer.json(201));
                if minted.answer["workflow"].is_null() {
                    let call = organization.call_as(gateway, &minted, "GET", "/org/tokens");
                    call.send().await.problem(401, "credential_refused");
                } else {
                    assert_dead(gateway, &minted, "a successor by the minter").await;
                }
            }
            409 if answer.text().contains("token_not_live") => {}
            409 => {
                seen.1 += 1;
                answer.problem(409, "revoked_meanwhile");
            }
            // Twelve batches that each come late can take longer than a mint waits: then it is abandoned.
            503 => drop(answer.problem(503, "unavailable")),
            _ => {
                seen.2 += 1;
                answer.problem(401, "credential_refused");
            }
        }
    }
    println!("descendants: {seen:?} minted, revoked meanwhile, refused; {matched} matched");
    assert!(
        seen.0 > 0 && seen.2 > 0,
        "the revoke came in the midst of it"
    );
    assert!(matched > 1, "the child, and what was there of the rest");
    let active = organization.token_ids(gateway, "").await;
    assert!(active.is_subset(&[other.id].into()), "{active:?}");
    verified(gateway, &organization, &gateways.keys).await;
}

async fn r11_a_bulk_revoke_reaches_what_is_being_created(gateways: &Gateways) {
    let gateway = &gateways.slow;
    let organization = Organization::new(gateway, &gateways.keys.admin).await;
    let minter = manager(&organization, gateway, json!({})).await;
    let call = organization.minting_as(gateway, &minter, &json!({}));
    let below = json!({ "minted_by": minter.id });
    let (answer, below) = meanwhile(call, organization.revoking(gateway, &below).send()).await;
    let below = below.json(200);
    assert_eq!(below["matched"], 1, "{below}");
    answer.problem(409, "revoked_meanwhile");
    let row = organization
        .token(gateway, below["ids"][0].as_str().expect("an id"))
        .await;
    assert_eq!(row["revoked_at"], below["revoked_at"]);
    // The minter was not meant, and mints on.
    organization.mint_as(gateway, &minter, &json!({})).await;
    verified(gateway, &organization, &gateways.keys).await;
}

async fn r11_what_a_list_shows_can_be_revoked_though_it_is_still_being_created(
    gateways: &Gateways,
) {
    let gateway = &gateways.slow;
    let organization = Organization::new(gateway, &gateways.keys.admin).await;
    let call = organization.minting(gateway, &json!({}));
    let revoking = async {
        let listed = organization.tokens(gateway, "").await;
        let [row] = &listed[..] else {
            panic!("D1 has its row: {listed:?}")
        };
        let new = id(row);
        (organization.revoke(gateway, &new).await, new)
    };
    let (answer, (moment, new)) = meanwhile(call, revoking).await;
    answer.problem(409, "revoked_meanwhile");
    let row = organization.token(gateway, &new).await;
    assert_eq!(row["revoked_at"], moment, "the moment that was answered");
    let events = verified(gateway, &organization, &gateways.keys).await;
    assert_eq!(named(&events, "token.revoke").len(), 1);
    assert!(named(&events, "token.mint_abandoned").is_empty());
}
