//! Power cuts and stores that do not answer: nothing is lost, nothing counts double, and the audit log fits after each.
//!
//! Stores are damaged while nothing runs, and only there: their tables go by other names, so that every statement of the
//! gateway fails as it would against a database that is gone.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use postern_system_tests::audit::{exporting, verified};
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::Answer;
use postern_system_tests::ledgers::{break_kv, break_record, mend_record, on_ledgers};
use postern_system_tests::life::{assert_dead, assert_live, millis};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::runner;
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, random, random_address};
use serde_json::{Value, json};

/// Power cuts of the case that counts them; `POSTERN_KILLS` has more of them.
const KILLS: u32 = 5;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            r26_the_bucket_of_an_address_survives_power_cuts,
            r27_the_ceiling_holds_over_power_cuts_in_the_midst_of_mints,
            r11_without_d1_revokes_are_final_also_over_power_cuts,
            r35_what_is_delivered_twice_counts_once,
            without_kv_everything_works,
        ],
    )
}

fn ids(events: &[Value], action: &str) -> Vec<String> {
    events
        .iter()
        .filter(|event| event["action"] == action)
        .map(|event| event["token_id"].as_str().expect("an id").to_owned())
        .collect()
}

/// A set, of a list that has nothing twice.
#[track_caller]
fn once(list: Vec<String>) -> BTreeSet<String> {
    let count = list.len();
    let set: BTreeSet<String> = list.into_iter().collect();
    assert_eq!(set.len(), count, "something is there twice");
    set
}

async fn r26_the_bucket_of_an_address_survives_power_cuts(setup: &Setup) {
    // One comes back every twelve minutes: more than this case may take.
    let serve = setup.serve().set("MINT_PER_HOUR", "5");
    let mut gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let mut minted = BTreeSet::new();
    for _ in 0..5 {
        minted.insert(organization.mint(&gateway, &json!({})).await.id);
        gateway.kill();
        gateway = serve.start().await;
    }
    for _ in 0..2 {
        let answer = organization.minting(&gateway, &json!({})).send().await;
        answer.problem(429, "mint_rate_exceeded");
        gateway.kill();
        gateway = serve.start().await;
    }
    // Another address has a bucket of its own.
    let call = organization
        .minting(&gateway, &json!({}))
        .without("cf-connecting-ip");
    let other = call.from(&random_address()).send().await;
    minted.insert(Minted::of(other.json(201)).id);
    assert_eq!(organization.token_ids(&gateway, "").await, minted);
    let events = verified(&gateway, &organization, &setup.keys).await;
    assert_eq!(once(ids(&events, "token.mint")), minted);
    println!("bucket: 5 minted, each followed by kill -9; 2 refused");
    gateway.stop();
}

async fn r27_the_ceiling_holds_over_power_cuts_in_the_midst_of_mints(setup: &Setup) {
    const CEILING: usize = 20;
    let kills = std::env::var("POSTERN_KILLS")
        .ok()
        .map_or(KILLS, |text| text.parse().expect("a number"));
    let serve = setup.serve().isolates(2);
    let mut gateway = serve.start().await;
    let limits = json!({ "mint_ceiling": CEILING });
    let organization = Organization::with(&gateway, &setup.keys.admin, &limits).await;
    let (mut held, mut cut, mut full) = (Vec::<Minted>::new(), 0, 0);
    for round in 0..kills {
        let calls: Vec<_> = (0..4)
            .map(|index| {
                let call = organization.call_on(&gateway, index % 2, "POST", "/org/tokens");
                tokio::spawn(call.json(&json!({})).try_send())
            })
            .collect();
        // Somewhere between the first word and the last answer.
        let [wait] = random::<1>();
        tokio::time::sleep(Duration::from_millis(u64::from(wait) * 3)).await;
        gateway.kill();
        for call in calls {
            match call.await.expect("a task") {
                Ok(answer) if answer.status == 201 => held.push(Minted::of(answer.json(201))),
                Ok(answer) if answer.status == 429 => {
                    answer.problem(429, "mint_ceiling_reached");
                    full += 1;
                }
                Ok(answer) => panic!("{}: {}", answer.what, answer.text()),
                Err(_) => cut += 1,
            }
        }
        gateway = serve.start().await;
        // Room again, every now and then, so that mints go on to be cut.
        if round % 5 == 4 && round + 1 < kills {
            while held.len() > CEILING / 2 {
                let token = held.swap_remove(0);
                organization.revoke(&gateway, &token.id).await;
            }
        }
    }
    for token in &held {
        assert_live(&gateway, token, "whose mint was answered").await;
    }
    let living = organization.token_ids(&gateway, "").await;
    assert!(living.len() <= CEILING, "{} tokens live", living.len());
    for token in &held {
        assert!(living.contains(&token.id), "{} is not listed", token.id);
    }
    // Exactly as many as are missing can still be minted.
    let mut room = 0;
    loop {
        let answer = organization.minting(&gateway, &json!({})).send().await;
        if answer.status != 201 {
            answer.problem(429, "mint_ceiling_reached");
            break;
        }
        room += 1;
    }
    assert_eq!(
        living.len() + room,
        CEILING,
        "tokens that live are those that count"
    );
    let events = verified(&gateway, &organization, &setup.keys).await;
    let minted = once(ids(&events, "token.mint"));
    let mut ended = once(ids(&events, "token.mint_abandoned"));
    ended.append(&mut once(ids(&events, "token.revoke")));
    let lives: BTreeSet<String> = minted.difference(&ended).cloned().collect();
    assert_eq!(
        lives,
        organization.token_ids(&gateway, "").await,
        "by the log and by the list"
    );
    println!(
        "ceiling: {kills} times kill -9 in the midst of 4 mints: {} answered and alive, {cut} cut off, {full} refused; \
         {} of {CEILING} lived; {} audit rows verified; 0 discrepancies",
        held.len(),
        living.len(),
        events.len()
    );
    gateway.stop();
}

/// An organization with tokens of both formats, and one that may manage tokens without any store but the Ledger.
struct Cast {
    organization: Organization,
    manager: Minted,
    opaque: Vec<Minted>,
    jwt: Vec<Minted>,
}

impl Cast {
    async fn new(gateway: &Gateway, keys: &Keys) -> Self {
        let organization = Organization::new(gateway, &keys.admin).await;
        let policies = ["org_api_token:*", "project_api_token:*", "audit:read"];
        let body = json!({ "format": "jwt", "policies": policies });
        let manager = organization.mint(gateway, &body).await;
        let (mut opaque, mut jwt) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            for (format, tokens) in [("opaque", &mut opaque), ("jwt", &mut jwt)] {
                let body = json!({ "project": SHOP, "workflow": RELEASE, "format": format, "policies": [] });
                tokens.push(organization.mint(gateway, &body).await);
            }
        }
        for token in opaque.iter().chain(&jwt) {
            assert_live(gateway, token, "fresh").await;
        }
        Self {
            organization,
            manager,
            opaque,
            jwt,
        }
    }

    async fn manage(&self, gateway: &Gateway, method: &str, path: &str) -> Answer {
        let call = self
            .organization
            .call_as(gateway, &self.manager, method, path);
        call.send().await
    }

    async fn revoke(&self, gateway: &Gateway, token: &Minted) -> i64 {
        let path = format!("/org/tokens/{}", token.id);
        let answer = self.manage(gateway, "DELETE", &path).await;
        millis(&answer.json(200)["revoked_at"])
    }
}

async fn r11_without_d1_revokes_are_final_also_over_power_cuts(setup: &Setup) {
    let serve = setup.serve().isolates(2);
    let gateway = serve.start().await;
    let cast = Cast::new(&gateway, &setup.keys).await;
    let before = verified(&gateway, &cast.organization, &setup.keys).await;
    gateway.stop();
    break_record(&serve.state());

    let gateway = serve.start().await;
    let ready = gateway.call("GET", "/readyz").send().await.json(503);
    assert_eq!(ready["dependencies"]["record"], "unavailable");
    assert_eq!(ready["dependencies"]["ledger"], "ready");
    assert_eq!(ready["dependencies"]["facts"], "ready");
    gateway.call("GET", "/healthz").send().await.json(200);
    let mint = cast
        .organization
        .minting_as(&gateway, &cast.manager, &json!({ "project": SHOP }));
    mint.send().await.problem(503, "unavailable");
    let path = format!("/org/tokens/{}/rotate", cast.jwt[2].id);
    let rotated = cast.manage(&gateway, "POST", &path).await;
    rotated.problem(503, "unavailable");
    for path in ["/org/tokens", "/org/audit", "/org/audit/checkpoints"] {
        cast.manage(&gateway, "GET", path)
            .await
            .problem(503, "unavailable");
    }
    let call = cast
        .organization
        .call_as(&gateway, &cast.manager, "GET", "/org/audit");
    exporting(call).send().await.problem(503, "unavailable");
    // The one from KV or memory, the other by itself: known tokens pass.
    for token in cast.opaque.iter().chain(&cast.jwt) {
        assert_live(&gateway, token, "without D1").await;
    }
    let mut moments = Vec::new();
    for token in [&cast.opaque[0], &cast.jwt[0]] {
        moments.push((token, cast.revoke(&gateway, token).await));
        assert_dead(&gateway, token, "revoked without D1").await;
    }
    // This one's answer is the last thing that the gateway does.
    let last = &cast.opaque[1];
    moments.push((last, cast.revoke(&gateway, last).await));
    gateway.kill();

    // Still without D1: what is dead is dead at once.
    let gateway = serve.start().await;
    for (token, _) in &moments {
        assert_dead(&gateway, token, "after a power cut, without D1").await;
    }
    for token in [&cast.opaque[2], &cast.jwt[1], &cast.jwt[2]] {
        assert_live(&gateway, token, "after a power cut, without D1").await;
    }
    gateway.kill();
    mend_record(&serve.state());

    let gateway = serve.start().await;
    for (token, _) in &moments {
        assert_dead(&gateway, token, "with D1 again").await;
    }
    // The export has the Ledger bring what D1 lacks.
    let events = verified(&gateway, &cast.organization, &setup.keys).await;
    assert_eq!(
        events[..before.len()],
        before,
        "what was there is as it was"
    );
    let revoked: BTreeSet<String> = moments.iter().map(|(token, _)| token.id.clone()).collect();
    assert_eq!(once(ids(&events, "token.revoke")), revoked);
    // A rotation asks D1 first what the organization allows new tokens, so nothing of it has begun.
    assert_eq!(once(ids(&events, "token.rotate")), BTreeSet::new());
    assert_eq!(events.len(), before.len() + 3);
    let listed = cast.organization.tokens(&gateway, "status=revoked").await;
    let found = |id: &str| listed.iter().find(|row| row["id"] == id);
    for (token, at) in &moments {
        let row = found(&token.id).expect("D1 has caught up");
        assert_eq!(
            millis(&row["revoked_at"]),
            *at,
            "the moment that was answered"
        );
    }
    let living = cast.organization.token_ids(&gateway, "").await;
    let expected: BTreeSet<String> = [&cast.manager, &cast.opaque[2], &cast.jwt[1], &cast.jwt[2]]
        .map(|token| token.id.clone())
        .into();
    assert_eq!(living, expected);
    gateway.stop();
}

async fn r35_what_is_delivered_twice_counts_once(setup: &Setup) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let cast = Cast::new(&gateway, &setup.keys).await;
    gateway.stop();
    break_record(&serve.state());
    let gateway = serve.start().await;
    let at = cast.revoke(&gateway, &cast.jwt[0]).await;
    let body = json!({ "ids": [cast.opaque[0].id, cast.opaque[1].id] });
    let call = cast
        .organization
        .call_as(&gateway, &cast.manager, "POST", "/org/tokens/revoke");
    assert_eq!(call.json(&body).send().await.json(200)["matched"], 2);
    // Uses are on their way too.
    for token in [&cast.opaque[2], &cast.jwt[1]] {
        assert_live(&gateway, token, "without D1").await;
    }
    // Eight seconds in the isolate, and eight in the Ledger.
    tokio::time::sleep(Duration::from_secs(18)).await;
    gateway.stop();
    // What an alarm would carry, twice: as when the object ends after D1 took a batch and before it forgot it.
    on_ledgers(
        &serve.state(),
        "create table again as select effects from outbox order by id",
    );
    mend_record(&serve.state());

    let gateway = serve.start().await;
    let events = verified(&gateway, &cast.organization, &setup.keys).await;
    assert_eq!(once(ids(&events, "token.revoke")).len(), 3);
    let query = "status=all&include_system=true";
    let listed = cast.organization.tokens(&gateway, query).await;
    let uses: i64 = listed.iter().filter_map(|row| row["uses"].as_i64()).sum();
    // Those of the first start ended with it, before they were written.
    assert!(uses >= 2, "{uses} uses");
    gateway.stop();
    let again = "insert into outbox (effects) select effects from again";
    on_ledgers(
        &serve.state(),
        &format!("{again}; {again}; drop table again;"),
    );

    let gateway = serve.start().await;
    assert_eq!(
        verified(&gateway, &cast.organization, &setup.keys).await,
        events
    );
    let relisted = cast.organization.tokens(&gateway, query).await;
    assert_eq!(relisted, listed, "moments, uses and all");
    let revoked = relisted.iter().find(|row| row["id"] == cast.jwt[0].id);
    assert_eq!(millis(&revoked.expect("listed")["revoked_at"]), at);
    gateway.stop();
}

async fn without_kv_everything_works(setup: &Setup) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let cast = Cast::new(&gateway, &setup.keys).await;
    gateway.stop();
    break_kv(&serve.state());
    let gateway = serve.start().await;
    let ready = gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(ready["dependencies"]["facts"], "unavailable");
    assert_eq!(ready["dependencies"]["record"], "ready");
    for token in cast.opaque.iter().chain(&cast.jwt) {
        assert_live(&gateway, token, "without KV").await;
    }
    let organization = &cast.organization;
    let fresh = organization.mint_for_release(&gateway, "opaque").await;
    assert_live(&gateway, &fresh, "minted without KV").await;
    let successor = organization.rotate(&gateway, &fresh.id, &json!({})).await;
    assert_dead(&gateway, &fresh, "rotated without KV").await;
    assert_live(&gateway, &successor, "rotated without KV").await;
    cast.revoke(&gateway, &cast.opaque[0]).await;
    organization.revoke(&gateway, &successor.id).await;
    for token in [&cast.opaque[0], &successor] {
        assert_dead(&gateway, token, "revoked without KV").await;
    }
    let revoked = organization.token_ids(&gateway, "status=revoked").await;
    let expected = [&cast.opaque[0], &fresh, &successor].map(|token| token.id.clone());
    assert_eq!(revoked, expected.into());
    let other = Cast::new(&gateway, &setup.keys).await;
    verified(&gateway, &other.organization, &setup.keys).await;
    verified(&gateway, organization, &setup.keys).await;
    gateway.stop();
    assert!(
        serve.log().contains("\"kv.get\""),
        "KV was asked and failed"
    );
}
