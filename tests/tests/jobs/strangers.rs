//! Whoever presents job tokens that open nothing leaves nothing behind: no object, no row, no entry.

use std::collections::BTreeMap;
use std::path::Path;

use postern_system_tests::cases;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::life;
use postern_system_tests::organization::Organization;
use postern_system_tests::random_name;
use postern_system_tests::runner::Case;
use postern_system_tests::stored::{has_table, sql, stores};
use serde_json::{Value, json};

use crate::support::{GATE, Jobs, assert_refused_bearer, exchanging, refused_by, trusting};

pub fn cases() -> Vec<Case<Jobs>> {
    cases![r47_strangers_create_nothing]
}

/// What a stopped gateway has: its objects, and how many rows of each kind.
fn kept(state: &Path) -> BTreeMap<String, i64> {
    let tables = [
        ("Ledger", "tokens"),
        ("Ledger", "events"),
        ("Ledger", "trust_rules"),
        ("MintLimiter", "bucket"),
        ("D1DatabaseObject", "organizations"),
        ("D1DatabaseObject", "tokens"),
        ("D1DatabaseObject", "audit"),
        ("KVNamespaceObject", "_mf_entries"),
    ];
    let mut found = BTreeMap::new();
    for kind in ["Ledger", "MintLimiter"] {
        let objects = stores(state, kind).len();
        found.insert(
            format!("objects of {kind}"),
            i64::try_from(objects).expect("few"),
        );
    }
    for (kind, table) in tables {
        let having = stores(state, kind);
        let counts = having.iter().filter(|store| has_table(store, table));
        let count = |store: &std::path::PathBuf| {
            let rows = sql(store, &format!("select count(*) as n from {table}"));
            rows[0]["n"].as_i64().expect("a number")
        };
        found.insert(format!("{kind}: {table}"), counts.map(count).sum());
    }
    found
}

async fn r47_strangers_create_nothing(jobs: &Jobs) {
    let suite = &jobs.suite;
    let serve = trusting(suite.serve(), &jobs.issuer);
    let mut gateway = serve.start().await;
    let organization = Organization::new(&gateway, &suite.keys.admin).await;
    let without_rules = Organization::new(&gateway, &suite.keys.admin).await;
    let rule = jobs.trusting(&gateway, &organization, &json!({}));
    rule.send().await.json(201);
    // What comes of being looked at, such as a name that is kept near the caller, is there after the first times.
    let mut found = Vec::new();
    for _ in 0..3 {
        let rows = rows(&organization, &without_rules);
        come(jobs, &gateway, &rows).await;
        for of in [&organization, &without_rules] {
            of.snapshot(&gateway).await;
        }
        gateway.stop();
        found.push(kept(&serve.state()));
        gateway = serve.start().await;
    }
    gateway.stop();
    let [_, first, second] = found.as_slice() else {
        panic!("three");
    };
    assert!(first["D1DatabaseObject: organizations"] >= 2, "{first:?}");
    assert!(first["objects of Ledger"] >= 2, "{first:?}");
    assert_eq!(first, second);
}

/// What the issuers are asked for, each a token that opens nothing.
fn rows(organization: &Organization, without_rules: &Organization) -> Vec<(&'static str, Value)> {
    let nobody = || format!("{GATE}/{}", random_name("nobody"));
    let to = |organization: &Organization| format!("{GATE}/{}", organization.name);
    let mut rows = vec![
        ("github", json!({ "claims": { "aud": GATE } })),
        ("github", json!({ "claims": { "aud": to(without_rules) } })),
        ("gitlab", json!({ "claims": { "aud": to(organization) } })),
        ("other", json!({ "claims": { "aud": to(organization) } })),
        ("evil", json!({ "claims": { "aud": to(organization) } })),
        (
            "github",
            json!({ "claims": { "aud": to(organization), "repository_id": "75" } }),
        ),
        (
            "github",
            json!({ "of": "evil", "header": { "kid": "github-rsa-1" }, "claims": { "aud": to(organization) } }),
        ),
        (
            "github",
            json!({ "from_now": { "exp": -1, "iat": -9 }, "claims": { "aud": to(organization) } }),
        ),
    ];
    for _ in 0..8 {
        rows.push(("github", json!({ "claims": { "aud": nobody() } })));
    }
    rows
}

/// Presents each in every way.
async fn come(jobs: &Jobs, gateway: &Gateway, rows: &[(&str, Value)]) {
    for (issuer, asked) in rows {
        let token = jobs.issuer.token(issuer, asked).await;
        refused_by(gateway, "a stranger", exchanging(gateway, 0, &token), "").await;
        let shown = life::call(gateway, 0, &token).send().await;
        assert_refused_bearer("a stranger", &shown);
        let named = exchanging(gateway, 0, &token).organization(&random_name("nobody"));
        refused_by(gateway, "a stranger who names one", named, "").await;
    }
}
