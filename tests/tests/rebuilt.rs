//! A Ledger whose storage is lost, or put back to an earlier time, and rebuilt from D1: closed until that is done, and no
//! revoked token is accepted after it (R11, R35).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::audit::{self, verified};
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::program::Postern;
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, ledgers, rpc, runner, stored};
use serde_json::{Value, json};

/// Accepted, UNAUTHENTICATED, UNAVAILABLE: how a call ends.
const OK: i32 = 0;
const REFUSED: i32 = 16;
const CLOSED: i32 = 14;

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![
            r11_a_lost_ledger_is_closed_and_then_rebuilt_with_active_tokens_quarantined,
            r11_a_lost_ledger_is_rebuilt_by_the_command_that_believes_d1,
            r11_an_older_ledger_is_noticed_and_takes_no_revoke_back,
            r11_a_rebuild_that_stops_halfway_stays_closed,
        ],
    )
}

/// How a call of the origin ends, on each isolate.
async fn ends(gateway: &Gateway, token: &Minted) -> Vec<i32> {
    let mut ends = Vec::new();
    for isolate in 0..gateway.isolates() {
        let message = rpc::names(SHOP, RELEASE);
        let call = rpc::call_on(
            gateway,
            isolate,
            rpc::FIND_OR_CREATE,
            &token.token,
            &message,
        );
        ends.push(call.send().await.ending().0.code);
    }
    ends
}

async fn rebuild(gateway: &Gateway, organization: &Organization, body: &Value) -> Value {
    let path = format!("/orgs/{}/rebuild", organization.name);
    let call = organization.call(gateway, "POST", &path).json(body);
    call.send().await.json(200)
}

/// The files of the Ledger of an organization; with those that SQLite keeps beside one.
fn files_of(serve: &Serve, organization: &Organization) -> Vec<PathBuf> {
    let found = stored::stores(&serve.state(), "Ledger")
        .into_iter()
        .find(|store| {
            stored::has_table(store, "organization")
                && stored::sql(store, "select name from organization")
                    .iter()
                    .any(|row| row["name"] == organization.name.as_str())
        });
    let file = found.expect("the organization's Ledger");
    let beside = |ending: &str| {
        let mut name = file.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    };
    vec![file.clone(), beside("-wal"), beside("-shm")]
}

/// The Ledger's storage is gone.
fn lose(files: &[PathBuf]) {
    for file in files.iter().filter(|file| file.exists()) {
        fs::remove_file(file).expect("it can be removed");
    }
}

fn copied(files: &[PathBuf], to: &Path) -> Vec<(PathBuf, PathBuf)> {
    let kept = files.iter().enumerate().filter(|(_, file)| file.exists());
    kept.map(|(n, file)| {
        let copy = to.join(n.to_string());
        fs::copy(file, &copy).expect("a copy");
        (copy, file.clone())
    })
    .collect()
}

async fn readyz(gateway: &Gateway) -> u16 {
    gateway.call("GET", "/readyz").send().await.status
}

/// Until D1 shows what the Ledger has.
async fn delivered(gateway: &Gateway, organization: &Organization) {
    audit::export(gateway, organization).await;
}

/// Until the condition holds.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never holds");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A create in an organization whose Ledger D1 refuses: 503, and `/readyz` says so.
async fn is_noticed(gateway: &Gateway, organization: &Organization) {
    let minting = organization.minting(gateway, &json!({}));
    minting.send().await.problem(503, "unavailable");
    until(async || readyz(gateway).await == 503).await;
    let log = gateway.serve().log();
    let line = log.lines().find(|line| line.contains("audit.conflict"));
    assert!(
        line.is_some_and(|line| line.contains(&organization.id)),
        "the log names it"
    );
}

async fn r11_a_lost_ledger_is_closed_and_then_rebuilt_with_active_tokens_quarantined(
    setup: &Setup,
) {
    let gateway = setup.serve().isolates(2).start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let opaque = organization.mint_for_release(&gateway, "opaque").await;
    let jwt = organization.mint_for_release(&gateway, "jwt").await;
    let gone = organization.mint_for_release(&gateway, "opaque").await;
    organization.revoke(&gateway, &gone.id).await;
    let bystander = Organization::new(&gateway, &setup.keys.admin).await;
    let theirs = bystander.mint_for_release(&gateway, "jwt").await;
    assert_eq!(ends(&gateway, &opaque).await, [OK, OK]);
    delivered(&gateway, &organization).await;
    let events = verified(&gateway, &organization, &setup.keys).await.len() as u64;
    let serve = gateway.serve().clone();
    gateway.stop();

    lose(&files_of(&serve, &organization));
    let gateway = serve.start().await;
    for token in [&opaque, &jwt, &gone] {
        assert_eq!(ends(&gateway, token).await, [REFUSED; 2]);
    }
    assert_eq!(ends(&gateway, &theirs).await, [OK; 2]);
    is_noticed(&gateway, &organization).await;

    let plan = rebuild(&gateway, &organization, &json!({})).await;
    assert_eq!(plan["status"], "planned");
    assert_eq!(plan["last_event"]["sequence"], events);
    assert_eq!(
        plan["tokens"],
        json!({ "active": 0, "quarantined": 2, "revoked": 1, "expired": 0 })
    );
    assert_eq!(ends(&gateway, &opaque).await, [REFUSED; 2]);

    let done = rebuild(&gateway, &organization, &json!({ "dry_run": false })).await;
    assert_eq!(done["status"], "finished");
    assert_eq!(done["tokens"], plan["tokens"]);
    for token in [&opaque, &jwt, &gone] {
        assert_eq!(ends(&gateway, token).await, [REFUSED; 2]);
    }
    // D1 says the same, and the log goes on over the seam.
    delivered(&gateway, &organization).await;
    let held = organization.token(&gateway, &opaque.id).await;
    assert!(held["quarantined_at"].is_string(), "{held}");
    let log = verified(&gateway, &organization, &setup.keys).await;
    let seam = &log[usize::try_from(events).expect("a number")];
    assert_eq!(seam["action"], "ledger.rebuild");
    assert_eq!(seam["sequence"], events + 1);
    assert_eq!(seam["changes"]["last_sequence"], events);
    assert_eq!(seam["changes"]["quarantined"], 2);
    assert_eq!(seam["origin"]["actor"], "admin-token");
    until(async || readyz(&gateway).await == 200).await;

    for token in [&opaque, &jwt] {
        let path = format!("/org/tokens/{}/release", token.id);
        organization
            .call(&gateway, "POST", &path)
            .send()
            .await
            .json(200);
        assert_eq!(ends(&gateway, token).await, [OK; 2]);
    }
    assert_eq!(ends(&gateway, &gone).await, [REFUSED; 2]);
    let fresh = organization.mint_for_release(&gateway, "opaque").await;
    assert_eq!(ends(&gateway, &fresh).await, [OK; 2]);
    let path = format!("/orgs/{}/rebuild", organization.name);
    let again = organization
        .call(&gateway, "POST", &path)
        .json(&json!({ "dry_run": false }));
    again.send().await.problem(409, "ledger_not_lost");
    assert_eq!(ends(&gateway, &opaque).await, [OK; 2]);
    gateway.stop();
}

async fn r11_a_lost_ledger_is_rebuilt_by_the_command_that_believes_d1(setup: &Setup) {
    let gateway = setup.serve().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let kept = organization.mint_for_release(&gateway, "opaque").await;
    let gone = organization.mint_for_release(&gateway, "jwt").await;
    organization.revoke(&gateway, &gone.id).await;
    delivered(&gateway, &organization).await;
    let serve = gateway.serve().clone();
    gateway.stop();
    lose(&files_of(&serve, &organization));
    let gateway = serve.start().await;

    let url = gateway.url(0);
    let admin = Postern::new(&[("POSTERN_URL", &url), ("POSTERN_TOKEN", &setup.keys.admin)]);
    let words = ["org", "rebuild", &organization.name, "--keep-active"];
    let plan = admin
        .run(&[&words[..], &["--dry-run"]].concat())
        .await
        .done();
    assert!(plan.contains("the Ledger has no event"), "{plan}");
    assert!(
        plan.contains("1 active, 0 quarantined, 1 revoked"),
        "{plan}"
    );
    assert_eq!(ends(&gateway, &kept).await, [REFUSED]);
    let done = admin.run(&[&words[..], &["--yes"]].concat()).await.done();
    assert!(done.contains("was rebuilt from D1"), "{done}");
    assert_eq!(ends(&gateway, &kept).await, [OK]);
    assert_eq!(ends(&gateway, &gone).await, [REFUSED]);
    // A revoke is final at once, and stays.
    organization.revoke(&gateway, &kept.id).await;
    assert_eq!(ends(&gateway, &kept).await, [REFUSED]);
    verified(&gateway, &organization, &setup.keys).await;
    gateway.stop();
}

async fn r11_an_older_ledger_is_noticed_and_takes_no_revoke_back(setup: &Setup) {
    let gateway = setup.serve().isolates(2).start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let revoked = organization.mint_for_release(&gateway, "opaque").await;
    let kept = organization.mint_for_release(&gateway, "jwt").await;
    delivered(&gateway, &organization).await;
    let serve = gateway.serve().clone();
    gateway.stop();
    let folder = tempfile::TempDir::new().expect("a folder");
    let files = files_of(&serve, &organization);
    let copies = copied(&files, folder.path());

    let gateway = serve.start().await;
    organization.revoke(&gateway, &revoked.id).await;
    let later = organization.mint_for_release(&gateway, "opaque").await;
    delivered(&gateway, &organization).await;
    gateway.stop();
    lose(&files);
    for (copy, file) in &copies {
        fs::copy(copy, file).expect("it is put back");
    }

    let gateway = serve.start().await;
    // What the documents warn of.
    assert_eq!(ends(&gateway, &revoked).await, [OK; 2]);
    is_noticed(&gateway, &organization).await;
    let body = json!({ "dry_run": false, "active": "keep" });
    let done = rebuild(&gateway, &organization, &body).await;
    assert_eq!(
        (&done["status"], &done["cause"]),
        (&json!("finished"), &json!("other_history"))
    );
    assert_eq!(ends(&gateway, &revoked).await, [REFUSED; 2]);
    assert_eq!(ends(&gateway, &kept).await, [OK; 2]);
    assert_eq!(ends(&gateway, &later).await, [OK; 2]);
    let log = verified(&gateway, &organization, &setup.keys).await;
    let rebuilt = log
        .iter()
        .filter(|event| event["action"] == "ledger.rebuild");
    assert_eq!(rebuilt.count(), 1);
    until(async || readyz(&gateway).await == 200).await;
    gateway.stop();
}

async fn r11_a_rebuild_that_stops_halfway_stays_closed(setup: &Setup) {
    let gateway = setup.serve().start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let kept = organization.mint_for_release(&gateway, "opaque").await;
    delivered(&gateway, &organization).await;
    let serve = gateway.serve().clone();
    gateway.stop();
    lose(&files_of(&serve, &organization));
    // A row in the middle of the log that does not fit.
    let change = |from: &str, to: &str| {
        let sql = format!(
            "drop trigger audit_is_append_only_update; \
             update audit set content = replace(content, '{from}', '{to}') \
             where sequence = 2 and organization_id = '{}'; \
             create trigger audit_is_append_only_update before update on audit \
             begin select raise(abort, 'the audit log is append-only'); end;",
            organization.id
        );
        assert_eq!(ledgers::on_record(&serve.state(), &sql), Ok(()));
    };
    change("project.create", "project.creatX");
    let gateway = serve.start().await;
    let path = format!("/orgs/{}/rebuild", organization.name);
    let body = json!({ "dry_run": false, "active": "keep" });
    let call = organization.call(&gateway, "POST", &path).json(&body);
    call.send().await.problem(409, "log_not_genuine");
    assert_eq!(ends(&gateway, &kept).await, [CLOSED]);
    organization
        .minting(&gateway, &json!({}))
        .send()
        .await
        .problem(503, "unavailable");
    gateway.stop();

    // Another process, and D1 is mended.
    change("project.creatX", "project.create");
    let gateway = serve.start().await;
    assert_eq!(ends(&gateway, &kept).await, [CLOSED]);
    let done = rebuild(&gateway, &organization, &body).await;
    assert_eq!(done["status"], "finished");
    assert_eq!(ends(&gateway, &kept).await, [OK]);
    verified(&gateway, &organization, &setup.keys).await;
    gateway.stop();
}
