//! A thousand tokens at once under load, and after a power cut.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postern_system_tests::gateway::{Gateway, Serve, files};
use postern_system_tests::life::{accepted, assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, node};
use serde_json::{Value, json};

use crate::support::{ISOLATES, REVOKE, ids, listed, living};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r11_r35_a_thousand_tokens_end_in_one_step,
        r9_r11_what_has_ended_stays_dead_after_a_power_cut,
    ]
}

/// Tokens of the measured revoke.
const MANY: usize = 1_000;

/// Of those, how many are in use while it happens.
const SAMPLE: usize = 40;

/// Callers of each isolate.
const CALLERS: usize = 4;

/// Calls of each isolate before the revoke, and begun after its answer, at least.
const ENOUGH: usize = 150;

/// One call: on which isolate, when it began, and whether it was accepted.
struct Try {
    isolate: u16,
    began: Instant,
    accepted: bool,
}

async fn r11_r35_a_thousand_tokens_end_in_one_step(suite: &Suite) {
    let gateway = Arc::new(suite.serve().isolates(ISOLATES).start().await);
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    organization.create_project(&gateway, "second").await;
    let bystanders = [
        organization.mint(&gateway, &json!({})).await,
        organization
            .mint(&gateway, &json!({ "format": "jwt" }))
            .await,
        organization
            .mint(&gateway, &json!({ "project": "second" }))
            .await,
        organization
            .mint(&gateway, &json!({ "system": true }))
            .await,
    ];
    let minting = Instant::now();
    let tokens = mint_many(&gateway, &organization).await;
    let minting = minting.elapsed();
    assert_eq!(ids(&tokens).len(), MANY);

    // Every fortieth is in use, from all sides, before, during and after.
    let sample: Arc<Vec<String>> = Arc::new(
        tokens
            .iter()
            .step_by(MANY / SAMPLE)
            .map(|token| token.token.clone())
            .collect(),
    );
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<Try>();
    let mut callers = Vec::new();
    for (index, isolate) in (0..ISOLATES)
        .flat_map(|isolate| [isolate; CALLERS])
        .enumerate()
    {
        let (gateway, sample) = (Arc::clone(&gateway), Arc::clone(&sample));
        let (stop, sender) = (Arc::clone(&stop), sender.clone());
        callers.push(tokio::spawn(async move {
            let tokens = sample.iter().cycle().skip(index * 7);
            for token in tokens {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let began = Instant::now();
                let accepted = accepted(&gateway, isolate, token).await;
                let _ = sender.send(Try {
                    isolate,
                    began,
                    accepted,
                });
            }
        }));
    }
    drop(sender);
    let mut tries: Vec<Try> = Vec::new();
    gather(&mut receiver, &mut tries, |tried| tried.accepted).await;

    let asked = Instant::now();
    let call = organization.call_on(&gateway, 1, "POST", REVOKE);
    let answer = call.json(&json!({ "project": SHOP })).send().await;
    let answered = Instant::now();
    let answer = answer.json(200);
    gather(&mut receiver, &mut tries, |tried| tried.began > answered).await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every call was answered");
    }
    while let Some(tried) = receiver.recv().await {
        tries.push(tried);
    }
    let count = |kind: &dyn Fn(&Try) -> bool| tries.iter().filter(|tried| kind(tried)).count();
    let before = count(&|tried| tried.accepted && tried.began < asked);
    let during = count(&|tried| tried.began >= asked && tried.began <= answered);
    let refused = count(&|tried| !tried.accepted && tried.began > answered);
    let after = count(&|tried| tried.accepted && tried.began > answered);
    println!(
        "bulk revoke: {} of {MANY} tokens (minted in {} ms) in {} ms under load on {ISOLATES} isolates; {} calls of \
         {SAMPLE} tokens: {before} accepted before it, {during} begun during it, {refused} refused and {after} \
         accepted that began after its answer",
        answer["matched"],
        minting.as_millis(),
        answered.duration_since(asked).as_millis(),
        tries.len(),
    );
    assert_eq!(listed(&answer["ids"]), ids(&tokens));
    assert_eq!(answer["matched"], MANY);
    assert_eq!(answer["used_in_last_day"], SAMPLE);
    assert_eq!(
        after, 0,
        "calls that began after the revoke had answered were accepted"
    );

    // Every one of them, and nobody else.
    let mut lanes = Vec::new();
    for (lane, chunk) in tokens.chunks(MANY / 16 + 1).enumerate() {
        let (gateway, chunk) = (Arc::clone(&gateway), chunk.to_vec());
        lanes.push(tokio::spawn(async move {
            let isolate = u16::try_from(lane).expect("few") % ISOLATES;
            for token in chunk {
                assert!(!accepted(&gateway, isolate, &token.token).await);
            }
        }));
    }
    for lane in lanes {
        lane.await.expect("all of them are refused");
    }
    for token in bystanders
        .iter()
        .filter(|token| token.answer["project"].is_null())
    {
        assert_live(&gateway, token, "not of the project").await;
    }
    assert_eq!(living(&gateway, &organization).await, ids(&bystanders));
    // The record follows the Ledger.
    let deadline = Instant::now() + Duration::from_secs(30);
    while organization.token_ids(&gateway, "status=revoked").await != ids(&tokens) {
        assert!(Instant::now() < deadline, "the record never followed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for row in organization.tokens(&gateway, "status=revoked").await {
        assert_eq!(
            row["revoked_at"], answer["revoked_at"],
            "one moment for all"
        );
    }
    let serve = gateway.serve().clone();
    let gateway = Arc::into_inner(gateway).expect("nobody else has it");
    gateway.stop();
    audited(&serve, &organization, &ids(&tokens));
}

async fn mint_many(gateway: &Arc<Gateway>, organization: &Organization) -> Vec<Minted> {
    let mut lanes = Vec::new();
    for lane in 0..8 {
        let (gateway, organization) = (Arc::clone(gateway), organization.clone());
        lanes.push(tokio::spawn(async move {
            let mut minted = Vec::new();
            for index in 0..MANY / 8 {
                let format = if index % 2 == 0 { "opaque" } else { "jwt" };
                let body = json!({ "project": SHOP, "format": format });
                let call = organization.call_on(&gateway, lane % ISOLATES, "POST", "/org/tokens");
                minted.push(Minted::of(call.json(&body).send().await.json(201)));
            }
            minted
        }));
    }
    let mut minted = Vec::new();
    for lane in lanes {
        minted.extend(lane.await.expect("every mint went well"));
    }
    minted
}

/// Reads until every isolate has enough calls of a kind.
async fn gather(
    receiver: &mut tokio::sync::mpsc::UnboundedReceiver<Try>,
    tries: &mut Vec<Try>,
    kind: impl Fn(&Try) -> bool,
) {
    let mut enough = [0; ISOLATES as usize];
    while enough.iter().any(|count| *count < ENOUGH) {
        let tried = tokio::time::timeout(Duration::from_secs(60), receiver.recv()).await;
        let tried = tried.expect("calls go on").expect("callers go on");
        if kind(&tried) {
            enough[usize::from(tried.isolate)] += 1;
        }
        tries.push(tried);
    }
}

/// Reads the audit log in D1 and the versions in the Ledger, once the gateway has stopped.
fn audited(serve: &Serve, organization: &Organization, revoked: &BTreeSet<String>) {
    const SCRIPT: &str = r#"
        const { DatabaseSync } = require("node:sqlite");
        const found = { audit: [], versions: [] };
        for (const file of process.argv.slice(2)) {
            const db = new DatabaseSync(file);
            const has = (table, column) =>
                db.prepare("select count(*) as n from pragma_table_info(?) where name = ?").get(table, column).n > 0;
            if (has("audit", "sequence"))
                found.audit.push(...db.prepare(
                    "select sequence, action, actor, token_id, at from audit where organization_id = ? order by sequence",
                ).all(process.argv[1]));
            if (has("tokens", "version"))
                found.versions.push(...db.prepare("select id, version from tokens where version is not null").all());
            db.close();
        }
        console.log(JSON.stringify(found));
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
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");

    let rows = found["audit"].as_array().expect("a list");
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(row["sequence"], index + 1, "contiguous");
    }
    let of = |action: &str| -> Vec<&Value> {
        rows.iter().filter(|row| row["action"] == action).collect()
    };
    assert_eq!(of("token.mint").len(), MANY + 4);
    let revokes = of("token.revoke");
    // The organization, its two projects and two workflows.
    assert_eq!(rows.len(), 5 + MANY + 4 + revokes.len(), "and no others");
    let tokens: Vec<_> = revokes
        .iter()
        .map(|row| row["token_id"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(tokens.len(), MANY, "one row for each token");
    assert_eq!(&tokens.into_iter().collect::<BTreeSet<_>>(), revoked);
    for row in &revokes {
        assert_eq!(row["actor"], "admin-token");
        assert_eq!(row["at"], revokes[0]["at"]);
    }
    let versions = found["versions"].as_array().expect("a list");
    let of: BTreeSet<_> = versions.iter().map(id).collect();
    assert_eq!(&of, revoked, "tombstones");
    let steps: BTreeSet<_> = versions.iter().map(|row| row["version"].as_i64()).collect();
    assert_eq!(steps, [Some(1)].into(), "one version step for all");
    println!(
        "bulk revoke: {} audit rows without a gap, {} of them token.revoke; {} version step",
        rows.len(),
        revokes.len(),
        steps.len()
    );
}

async fn r9_r11_what_has_ended_stays_dead_after_a_power_cut(suite: &Suite) {
    let gateway = suite.serve().isolates(ISOLATES).start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let (mut dead, mut live, mut closing) = (Vec::new(), Vec::new(), Vec::new());
    let mut bulk = Vec::new();
    for format in ["opaque", "jwt"] {
        let mint = async || organization.mint_for_release(&gateway, format).await;
        // Rotated without overlap, with one that is over, and with one that goes on.
        let old = mint().await;
        live.push(organization.rotate(&gateway, &old.id, &json!({})).await);
        dead.push(old);
        let brief = mint().await;
        let body = json!({ "overlap": "1s" });
        live.push(organization.rotate(&gateway, &brief.id, &body).await);
        dead.push(brief);
        let long = mint().await;
        let body = json!({ "overlap": "1h" });
        live.push(organization.rotate(&gateway, &long.id, &body).await);
        live.push(long);
        // Ends while the gateway is down.
        let ends = mint().await;
        let body = json!({ "overlap": "20s" });
        live.push(organization.rotate(&gateway, &ends.id, &body).await);
        closing.push(ends);
        let own = mint().await;
        let form = [("token", own.token.as_str())];
        let call = gateway.call("POST", "/oauth/revoke").form(&form);
        call.send().await.json(200);
        dead.push(own);
        live.push(mint().await);
        for _ in 0..30 {
            bulk.push(mint().await);
        }
    }
    for token in bulk.iter().chain(&live) {
        assert!(accepted(&gateway, 2, &token.token).await);
    }
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let named: Vec<_> = bulk.iter().map(|token| token.id.clone()).collect();
    let call = organization.revoking(&gateway, &json!({ "ids": named }));
    let answer = call.send().await.json(200);
    // Outright, at once.
    let serve = gateway.serve().clone();
    gateway.kill();
    assert_eq!(listed(&answer["ids"]), ids(&bulk));

    let gateway = serve.start().await;
    for token in bulk.iter().chain(&dead) {
        assert_dead(&gateway, token, "it had ended before the power cut").await;
    }
    for token in &live {
        assert_live(&gateway, token, "it had not ended").await;
    }
    let left = millis(&organization.token(&gateway, &closing[1].id).await["revoked_at"]) - now();
    tokio::time::sleep(Duration::from_millis(u64::try_from(left).unwrap_or(0) + 50)).await;
    for token in &closing {
        assert_dead(&gateway, token, "its overlap is over, power cut or not").await;
    }
    // Lists follow, and the moments are those of before.
    let expected: BTreeSet<_> = ids(bulk.iter().chain(&dead).chain(&closing));
    let deadline = Instant::now() + Duration::from_secs(15);
    while organization.token_ids(&gateway, "status=revoked").await != expected {
        assert!(Instant::now() < deadline, "the record never followed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(organization.token_ids(&gateway, "").await, ids(&live));
    for token in &bulk {
        assert_eq!(
            organization.token(&gateway, &token.id).await["revoked_at"],
            answer["revoked_at"]
        );
    }
    for token in bulk.iter().take(3).chain(&dead) {
        let call = organization.rotating(&gateway, &token.id, &json!({}));
        call.send().await.problem(409, "token_not_live");
    }
    gateway.stop();
}
