//! Whoever changes the log is found out by the check of an export.

use postern_domain::audit::mend::Mended;
use postern_domain::audit::verify::Problem;
use postern_system_tests::audit::{self, events, export, verified};
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::Serve;
use postern_system_tests::ledgers::{on_ledgers, on_record};
use postern_system_tests::life;
use postern_system_tests::organization::Organization;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r35_a_changed_log_is_found_out,
        r35_who_writes_to_d1_swallows_no_event,
    ]
}

async fn r35_a_changed_log_is_found_out(suite: &Suite) {
    let keys = &suite.keys;
    let serve = suite.serve();
    let gateway = serve.start().await;
    let mut organizations = Vec::new();
    for _ in 0..5 {
        let organization = Organization::new(&gateway, &keys.admin).await;
        for _ in 0..3 {
            organization.mint(&gateway, &json!({})).await;
        }
        assert_eq!(verified(&gateway, &organization, keys).await.len(), 7);
        organizations.push(organization);
    }
    gateway.stop();
    for sql in ["update audit set actor = 'x'", "delete from audit"] {
        let refused = on_record(&serve.state(), sql).expect_err("append-only");
        assert!(
            refused.contains("the audit log is append-only"),
            "{refused}"
        );
    }
    let of = |index: usize| format!("organization_id = '{}'", organizations[index].id);
    let sql = format!(
        "drop trigger audit_is_append_only_update; drop trigger audit_is_append_only_delete; \
         update audit set content = replace(content, 'admin-token', 'somebody') where {} and sequence = 3; \
         delete from audit where {} and sequence = 4; \
         delete from audit where {} and sequence > 5; \
         update audit set sequence = 99 where {d} and sequence = 5; \
         update audit set sequence = 5 where {d} and sequence = 6; \
         update audit set sequence = 6 where {d} and sequence = 99; \
         delete from audit where {};",
        of(0),
        of(1),
        of(2),
        of(4),
        d = of(3),
    );
    assert_eq!(on_record(&serve.state(), &sql), Ok(()));
    // The Ledgers have copies of all that: each export is whole, and says what D1 lacks.
    let gateway = serve.start().await;
    let missing = |from: u64, to: u64| (from..=to).map(|n| (n, Mended::Missing)).collect();
    let differed = |numbers: &[u64]| numbers.iter().map(|n| (*n, Mended::Differed)).collect();
    let mended: [Vec<(u64, Mended)>; 5] = [
        differed(&[3]),
        missing(4, 4),
        missing(6, 7),
        differed(&[5, 6]),
        missing(1, 7),
    ];
    for (organization, mended) in organizations.iter().zip(mended) {
        let report = audit::check(&export(&gateway, organization).await, keys);
        assert!(report.is_clean(), "{:#?}", report.faults);
        assert_eq!((report.rows, report.mended), (7, mended));
    }
    // A page is what D1 has, and says what on it does not fit.
    let told: [&[(u64, &str)]; 5] = [
        &[(3, "changed")],
        &[(5, "missing")],
        &[],
        &[(6, "renumbered"), (5, "renumbered")],
        &[],
    ];
    for (organization, told) in organizations.iter().zip(told) {
        let page = organization
            .call(&gateway, "GET", "/org/audit")
            .send()
            .await
            .json(200);
        let fault = |fault: &Value| {
            let problem = fault["problem"].as_str().expect("a word").to_owned();
            (fault["sequence"].as_u64().expect("a number"), problem)
        };
        let faults = page["faults"].as_array().expect("a list");
        let found: Vec<(u64, String)> = faults.iter().map(fault).collect();
        let told: Vec<(u64, String)> = told
            .iter()
            .map(|(n, word)| (*n, (*word).to_owned()))
            .collect();
        assert_eq!(found, told, "{page:#}");
    }
    gateway.stop();

    // Without them, as when the log is longer than what a Ledger keeps, the check of an export finds out.
    on_ledgers(&serve.state(), "delete from events");
    let gateway = serve.start().await;
    let rows: [(&[(usize, Problem)], &str); 5] = [
        (&[(3, Problem::Changed { sequence: 3 })], "a changed row"),
        (&[(4, Problem::Missing { from: 4, to: 4 })], "a removed row"),
        (
            &[(
                6,
                Problem::Truncated {
                    last: 5,
                    checkpoint: 7,
                },
            )],
            "a removed end",
        ),
        (
            &[(
                6,
                Problem::Misplaced {
                    sequence: 5,
                    after: 6,
                },
            )],
            "two rows swapped",
        ),
        (
            &[(
                1,
                Problem::Truncated {
                    last: 0,
                    checkpoint: 7,
                },
            )],
            "everything removed",
        ),
    ];
    for (organization, (expected, what)) in organizations.iter().zip(rows) {
        let report = audit::check(&export(&gateway, organization).await, keys);
        let found: Vec<(usize, Problem)> = report
            .faults
            .into_iter()
            .map(|fault| (fault.line, fault.problem))
            .collect();
        assert_eq!(found, expected, "{what}");
    }
    // The list shows what D1 has; it is the export that proves.
    let changed = events(&gateway, &organizations[0], "").await;
    assert!(changed.iter().any(|event| event["actor"] == "somebody"));
    gateway.stop();
}

/// The statement of somebody who writes to D1: a row of this number, before the Ledger brings its own.
fn planting(verb: &str, organization: &str, sequence: u64) -> String {
    let content = json!({ "organization_id": organization, "sequence": sequence });
    format!(
        "{verb} into audit (organization_id, sequence, at, action, actor, token_id, content, previous, link, kid) \
         values ('{organization}', {sequence}, 1, 'token.mint', 'nobody', '', '{content}', '{zeros}', '{zeros}', 'k2')",
        zeros = "0".repeat(64),
    )
}

async fn r35_who_writes_to_d1_swallows_no_event(suite: &Suite) {
    let keys = &suite.keys;
    let serve = suite.serve();
    let mut gateway = serve.start().await;
    let organization = Organization::new(&gateway, &keys.admin).await;
    let other = Organization::new(&gateway, &keys.admin).await;
    let mut living = Vec::new();
    for _ in 0..2 {
        living.push(organization.mint(&gateway, &json!({})).await);
    }
    assert_eq!(verified(&gateway, &organization, keys).await.len(), 6);
    gateway.stop();

    for (sql, why) in [
        (
            planting("insert or replace", &organization.id, 5),
            "the audit log has another row of this number",
        ),
        (
            planting("insert", &random_id(), 1),
            "no Ledger writes such a row",
        ),
        (
            planting("insert", &organization.id, 0),
            "no Ledger writes such a row",
        ),
    ] {
        let refused = on_record(&serve.state(), &sql).expect_err(&sql);
        assert!(refused.contains(why), "{refused}");
    }
    let trigger = "audit_is_append_only_insert";
    // With the trigger, the batch of the Ledger fails; without it, the Ledger sees that its row is not there.
    for without in ["", &format!("drop trigger {trigger};")] {
        let sequence = verified_length(&serve, &organization, keys).await + 1;
        let planted = planting("insert", &organization.id, sequence);
        assert_eq!(
            on_record(&serve.state(), &format!("{without} {planted}")),
            Ok(())
        );
        gateway = serve.start().await;
        let minting = organization.minting(&gateway, &json!({})).send().await;
        minting.problem(503, "unavailable");
        // The rest of the gateway goes on, and revoking there too.
        other.mint(&gateway, &json!({})).await;
        let ended = living.pop().expect("a token for each round");
        organization.revoke(&gateway, &ended.id).await;
        life::assert_dead(&gateway, &ended, "its revoke has answered").await;
        let readiness = gateway.call("GET", "/readyz").send().await.json(503);
        assert_eq!(
            readiness["dependencies"]["audit"], "unavailable",
            "{readiness:#}"
        );
        assert_eq!(
            readiness["dependencies"]["record"], "ready",
            "{readiness:#}"
        );
        let log = serve.log();
        let told = log
            .lines()
            .any(|line| line.contains("audit.conflict") && line.contains(&organization.id));
        assert!(told, "{log}");
        let page = organization
            .call(&gateway, "GET", "/org/audit")
            .send()
            .await
            .json(200);
        let fault = json!({
            "sequence": sequence,
            "problem": "changed",
            "detail": format!("row {sequence} was changed: its link does not fit"),
        });
        assert_eq!(page["faults"], json!([fault]));
        // Nothing is lost: the export has the events that D1 lacks, and says of which it has another.
        let lines = export(&gateway, &organization).await;
        let report = audit::check(&lines, keys);
        assert!(report.is_clean(), "{:#?}", report.faults);
        assert_eq!(
            report.rows,
            sequence + 2,
            "the mint, that it came to nothing, and the revoke"
        );
        // With the trigger, what comes after the planted row waits too.
        let waiting = [
            (sequence, Mended::Differed),
            (sequence + 1, Mended::Missing),
            (sequence + 2, Mended::Missing),
        ];
        let expected = if without.is_empty() {
            &waiting[..]
        } else {
            &waiting[..1]
        };
        assert_eq!(report.mended, expected);
        gateway.stop();

        // The operator takes the row out, and the Ledger brings its own.
        let again = trigger_of("0008", trigger);
        let sql = format!(
            "drop trigger audit_is_append_only_delete; drop trigger if exists {trigger}; \
             delete from audit where organization_id = '{}' and sequence = {sequence}; {} {again}",
            organization.id,
            trigger_of("0001", "audit_is_append_only_delete"),
        );
        assert_eq!(on_record(&serve.state(), &sql), Ok(()));
    }
    gateway = serve.start().await;
    organization.mint(&gateway, &json!({})).await;
    verified(&gateway, &organization, keys).await;
    let page = organization
        .call(&gateway, "GET", "/org/audit")
        .send()
        .await
        .json(200);
    assert_eq!(page["faults"], json!([]));
    let readiness = gateway.call("GET", "/readyz").send().await.json(200);
    assert_eq!(readiness["dependencies"]["audit"], "ready");
    gateway.stop();
}

/// How many events an organization's log has, once D1 has all of them.
async fn verified_length(serve: &Serve, organization: &Organization, keys: &Keys) -> u64 {
    let gateway = serve.start().await;
    let length = verified(&gateway, organization, keys).await.len();
    gateway.stop();
    length as u64
}

/// The statement that makes a trigger, as the migration with this number has it.
fn trigger_of(migration: &str, name: &str) -> String {
    let folder = postern_system_tests::root().join("migrations");
    let file = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.to_string_lossy().contains(&format!("/{migration}_")))
        .expect("the migration");
    let text = std::fs::read_to_string(file).expect("text");
    let begin = text
        .find(&format!("create trigger {name} "))
        .expect("the trigger");
    let end = text[begin..].find("end;").expect("its end") + "end;".len();
    text[begin..][..end].to_owned()
}
