//! Revoking many tokens by what they have in common (R11, R16, R35): each selector against the identities that died, a
//! thousand at once under load in four isolates, and what is left of it after a power cut.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve, files};
use postern_system_tests::life::{accepted, assert_dead, assert_live, millis, now};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP, fields, id};
use postern_system_tests::origin::Origin;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, node, random_id, random_name, runner};
use serde_json::{Value, json};

const ISOLATES: u16 = 4;
const REVOKE: &str = "/org/tokens/revoke";
/// Tokens of the measured revoke.
const MANY: usize = 1_000;
/// Of those, how many are in use while it happens.
const SAMPLE: usize = 40;
/// Callers of each isolate.
const CALLERS: usize = 4;
/// Calls of each isolate before the revoke, and begun after its answer, at least.
const ENOUGH: usize = 150;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            r11_bulk_by_ids,
            r11_r21_bulk_by_minter_reaches_the_whole_subtree,
            r11_bulk_by_project,
            r11_bulk_by_time_of_birth,
            r11_r13_bulk_of_the_never_used,
            r11_bulk_by_the_address_that_minted,
            r11_bulk_criteria_narrow_each_other,
            r11_bulk_ends_an_overlap,
            r11_bulk_that_matches_nothing,
            r11_bulk_dry_run_tells_what_would_break,
            r16_bulk_by_an_organization_token_reaches_project_tokens_only,
            r18_bulk_by_org_api_token_star_reaches_organization_tokens_only,
            r10_bulk_by_the_administrator_reaches_system_tokens,
            r11_bulk_selectors_that_are_wrong,
            r11_r35_a_thousand_tokens_end_in_one_step,
            r9_r11_what_has_ended_stays_dead_after_a_power_cut,
        ],
    )
}

fn serve(keys: &Keys, origin: &Origin) -> Serve {
    Serve::new(&origin.url, keys).isolates(ISOLATES)
}

/// Revokes by a selector, first as a dry run, and asserts that exactly these tokens died of it, of all that there
/// are in the organization.
async fn dies(
    suite: &Suite,
    organization: &Organization,
    caller: Option<&Minted>,
    selector: &Value,
    all: &[&Minted],
    expected: &[&Minted],
) {
    let gateway = &suite.gateway;
    let expected = ids(expected.iter().copied());
    let live = living(gateway, organization).await;
    let call = |selector: &Value| match caller {
        None => organization.revoking(gateway, selector),
        Some(caller) => organization
            .call_as(gateway, caller, "POST", REVOKE)
            .json(selector),
    };
    let mut dry = selector.clone();
    dry["dry_run"] = json!(true);
    let told = call(&dry).send().await.json(200);
    assert_eq!(fields(&told), ANSWER.into());
    assert_eq!(told["dry_run"], true);
    assert_eq!(told["revoked_at"], Value::Null, "a dry run revokes nothing");
    assert_eq!(listed(&told["ids"]), expected, "{selector} as a dry run");
    assert_eq!(
        living(gateway, organization).await,
        live,
        "a dry run changes nothing"
    );

    let begun = now();
    let done = call(selector).send().await.json(200);
    assert_eq!(fields(&done), ANSWER.into());
    assert_eq!(done["dry_run"], false);
    assert_eq!(listed(&done["ids"]), expected, "{selector}");
    assert_eq!(done["matched"], expected.len(), "{selector}");
    assert_eq!(
        (&told["matched"], &told["used_in_last_day"]),
        (&done["matched"], &done["used_in_last_day"]),
        "the dry run told it"
    );
    let at = &done["revoked_at"];
    if expected.is_empty() {
        assert_eq!(at, &Value::Null);
    } else {
        assert!((begun..=now()).contains(&millis(at)), "{done}");
    }
    for token in all {
        if expected.contains(&token.id) {
            assert_dead(gateway, token, "it matched").await;
            let row = organization.token(gateway, &token.id).await;
            assert_eq!(&row["revoked_at"], at, "one moment for all");
        } else if live.contains(&token.id) {
            assert_live(gateway, token, "it did not match").await;
        }
    }
    assert_eq!(
        living(gateway, organization).await,
        &live - &expected,
        "{selector}: what is left"
    );
    let again = call(selector).send().await.json(200);
    assert_eq!(again["matched"], 0, "{selector}: nothing is left of it");
}

/// Fields of the answer.
const ANSWER: [&str; 5] = [
    "dry_run",
    "matched",
    "used_in_last_day",
    "ids",
    "revoked_at",
];

async fn living(gateway: &Gateway, organization: &Organization) -> BTreeSet<String> {
    organization.token_ids(gateway, "include_system=true").await
}

fn ids<'a>(tokens: impl IntoIterator<Item = &'a Minted>) -> BTreeSet<String> {
    tokens.into_iter().map(|token| token.id.clone()).collect()
}

/// A list of ids, each of which must be there once.
#[track_caller]
fn listed(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    let ids: BTreeSet<_> = list
        .iter()
        .map(|id| id.as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(ids.len(), list.len(), "each once");
    ids
}

/// A few milliseconds, so that moments of birth differ.
async fn tick() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

async fn r11_bulk_by_ids(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let mint = async |body: Value| organization.mint(gateway, &body).await;
    let wide = mint(json!({})).await;
    let jwt = mint(json!({ "format": "jwt" })).await;
    let project = mint(json!({ "project": SHOP })).await;
    let workflow = mint(json!({ "project": SHOP, "workflow": RELEASE })).await;
    let gone = mint(json!({})).await;
    organization.revoke(gateway, &gone.id).await;
    let moment = organization.token(gateway, &gone.id).await["revoked_at"].clone();
    let theirs = stranger.mint(gateway, &json!({})).await;
    let selector = json!({ "ids": [
        jwt.id, workflow.id, workflow.id.to_uppercase(), workflow.id, gone.id, theirs.id, random_id(),
    ] });
    let all = [&wide, &jwt, &project, &workflow];
    dies(
        suite,
        &organization,
        None,
        &selector,
        &all,
        &[&jwt, &workflow],
    )
    .await;
    assert_live(gateway, &theirs, "of another organization").await;
    let row = organization.token(gateway, &gone.id).await;
    assert_eq!(row["revoked_at"], moment, "the first moment stands");
}

/// A tree of mints: root → (a → (b → (c, d)), e), and a peer of the root with a leaf of its own.
struct Tree {
    root: Minted,
    a: Minted,
    b: Minted,
    c: Minted,
    d: Minted,
    e: Minted,
    peer: Minted,
    leaf: Minted,
}

impl Tree {
    async fn grow(gateway: &Gateway, organization: &Organization) -> Self {
        let both = json!({ "policies": ["org_api_token:*", "project_api_token:*"] });
        let project = json!({ "project": SHOP });
        let workflow = json!({ "project": SHOP, "workflow": RELEASE, "format": "jwt" });
        let root = organization.mint(gateway, &both).await;
        let a = organization.mint_as(gateway, &root, &both).await;
        let b = organization.mint_as(gateway, &a, &both).await;
        let c = organization.mint_as(gateway, &b, &project).await;
        let d = organization.mint_as(gateway, &b, &workflow).await;
        let e = organization.mint_as(gateway, &root, &project).await;
        let peer = organization.mint(gateway, &both).await;
        let leaf = organization.mint_as(gateway, &peer, &project).await;
        Self {
            root,
            a,
            b,
            c,
            d,
            e,
            peer,
            leaf,
        }
    }

    fn all(&self) -> [&Minted; 8] {
        [
            &self.root, &self.a, &self.b, &self.c, &self.d, &self.e, &self.peer, &self.leaf,
        ]
    }
}

async fn r11_r21_bulk_by_minter_reaches_the_whole_subtree(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let tree = Tree::grow(gateway, &organization).await;
    let below = |token: &Minted| json!({ "minted_by": token.id });
    let dies_below = async |token: &Minted, expected: &[&Minted]| {
        dies(
            suite,
            &organization,
            None,
            &below(token),
            &tree.all(),
            expected,
        )
        .await;
    };
    dies_below(&tree.c, &[]).await;
    dies_below(&tree.a, &[&tree.b, &tree.c, &tree.d]).await;
    dies_below(&tree.root, &[&tree.a, &tree.e]).await;

    // A dead branch hides nothing that grows from it.
    let organization = suite.organization().await;
    let tree = Tree::grow(gateway, &organization).await;
    organization.revoke(gateway, &tree.a.id).await;
    organization.revoke(gateway, &tree.b.id).await;
    // What a member of the subtree rotates stays in it.
    let path = format!("/org/tokens/{}/rotate", tree.e.id);
    let call = organization.call_as(gateway, &tree.root, "POST", &path);
    let successor = Minted::of(call.send().await.json(201));
    let all: Vec<_> = tree.all().into_iter().chain([&successor]).collect();
    dies(
        suite,
        &organization,
        None,
        &below(&tree.root),
        &all,
        &[&tree.c, &tree.d, &successor],
    )
    .await;
    // A minter of another organization has no children here.
    let stranger = suite.organization().await;
    let other = Tree::grow(gateway, &stranger).await;
    dies(suite, &organization, None, &below(&other.root), &all, &[]).await;
    for token in other.all() {
        assert_live(gateway, token, "of another organization").await;
    }
}

async fn r11_bulk_by_project(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    organization.create_project(gateway, "second").await;
    let mint = async |body: Value| organization.mint(gateway, &body).await;
    let wide = mint(json!({})).await;
    let project = mint(json!({ "project": SHOP })).await;
    let workflow = mint(json!({ "project": SHOP, "workflow": RELEASE })).await;
    let second = mint(json!({ "project": "second" })).await;
    // The token of the second project cannot make the call that `dies` asks with: it goes by its identity.
    let all = [&wide, &project, &workflow];
    let of_second = json!({ "project": "second" });
    dies(suite, &organization, None, &of_second, &all, &[&second]).await;
    let of_shop = json!({ "project": SHOP });
    dies(
        suite,
        &organization,
        None,
        &of_shop,
        &all,
        &[&project, &workflow],
    )
    .await;
}

async fn r11_bulk_by_time_of_birth(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut tokens = Vec::new();
    for _ in 0..6 {
        tokens.push(organization.mint_for_release(gateway, "opaque").await);
        tick().await;
    }
    let born = |index: usize| tokens[index].answer["created_at"].clone();
    let all: Vec<&Minted> = tokens.iter().collect();
    let rows = [
        (json!({ "created_after": born(5) }), 6..6),
        (json!({ "created_before": born(0) }), 0..0),
        (
            json!({ "created_after": born(4), "created_before": born(4) }),
            4..4,
        ),
        (json!({ "created_after": born(4) }), 5..6),
        (json!({ "created_before": born(1) }), 0..1),
        (
            json!({ "created_after": born(1), "created_before": born(3) }),
            2..3,
        ),
        (
            json!({ "created_after": "2020-01-01T01:00:00+01:00", "created_before": "2099-01-01T00:00:00Z" }),
            0..6,
        ),
    ];
    let mut left: BTreeSet<usize> = (0..6).collect();
    for (selector, range) in rows {
        let expected: Vec<&Minted> = range
            .filter(|index| left.remove(index))
            .map(|index| &tokens[index])
            .collect();
        dies(suite, &organization, None, &selector, &all, &expected).await;
    }
    assert_eq!(left, BTreeSet::new());
}

async fn r11_r13_bulk_of_the_never_used(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mint = async |format| organization.mint_for_release(gateway, format).await;
    let (used, used_jwt) = (mint("opaque").await, mint("jwt").await);
    let (fresh, fresh_jwt) = (mint("opaque").await, mint("jwt").await);
    let (looked_at, long_used) = (mint("opaque").await, mint("opaque").await);
    assert_live(gateway, &long_used, "used some time ago").await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    // Uses of this very second count too: `accepted` is one, and the revoke follows at once.
    assert!(accepted(gateway, 1, &used.token).await);
    let form = [("token", looked_at.token.as_str())];
    let call = gateway.call("POST", "/oauth/introspect");
    let call = call.bearer(&suite.keys.admin).form(&form);
    assert_eq!(call.send().await.json(200)["active"], true);
    assert!(accepted(gateway, 3, &used_jwt.token).await);
    let selector = json!({ "never_used": true });
    let all = [&used, &used_jwt, &long_used, &fresh, &fresh_jwt, &looked_at];
    dies(
        suite,
        &organization,
        None,
        &selector,
        &all,
        &[&fresh, &fresh_jwt, &looked_at],
    )
    .await;
}

async fn r11_bulk_by_the_address_that_minted(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mint = async |address: &str| {
        let body = json!({ "project": SHOP });
        let call = organization.minting(gateway, &body);
        let call = call.without("cf-connecting-ip").from(address);
        Minted::of(
            call.header("x-forwarded-for", "192.0.2.99")
                .send()
                .await
                .json(201),
        )
    };
    let first = mint("192.0.2.7").await;
    let mapped = mint("::ffff:192.0.2.7").await;
    let second = mint("192.0.2.8").await;
    let v6 = mint("2001:db8::1").await;
    let neighbour = mint("2001:db8::2").await;
    let all = [&first, &mapped, &second, &v6, &neighbour];
    let rows: [(&str, &[&Minted]); 5] = [
        ("192.0.2.99", &[]),
        ("192.0.2.9", &[]),
        ("192.0.2.7", &[&first, &mapped]),
        ("2001:0DB8:0:0:0:0:0:1", &[&v6]),
        ("::ffff:192.0.2.8", &[&second]),
    ];
    for (address, expected) in rows {
        let selector = json!({ "created_from": address });
        dies(suite, &organization, None, &selector, &all, expected).await;
    }
}

async fn r11_bulk_criteria_narrow_each_other(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let tree = Tree::grow(gateway, &organization).await;
    let early = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    tick().await;
    let late = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let late_wide = organization.mint(gateway, &json!({})).await;
    let all: Vec<&Minted> = tree
        .all()
        .into_iter()
        .chain([&early, &late, &late_wide])
        .collect();
    let rows: [(Value, Vec<&Minted>); 5] = [
        (
            json!({ "ids": [tree.c.id, tree.e.id, early.id], "minted_by": tree.a.id }),
            vec![&tree.c],
        ),
        (
            json!({ "minted_by": tree.root.id, "project": SHOP }),
            vec![&tree.d, &tree.e],
        ),
        (
            json!({ "project": SHOP, "created_after": early.answer["created_at"] }),
            vec![&late],
        ),
        (
            json!({ "ids": [late_wide.id, early.id], "created_from": "192.0.2.1" }),
            vec![],
        ),
        (
            json!({ "ids": [late_wide.id, early.id], "created_from": organization.address,
                    "project": SHOP, "never_used": false }),
            vec![&early],
        ),
    ];
    for (selector, expected) in rows {
        dies(suite, &organization, None, &selector, &all, &expected).await;
    }
}

async fn r11_bulk_ends_an_overlap(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let old = organization.mint_for_release(gateway, "jwt").await;
    let new = organization
        .rotate(gateway, &old.id, &json!({ "overlap": "1h" }))
        .await;
    let rotated = organization.mint_for_release(gateway, "opaque").await;
    let last = organization.rotate(gateway, &rotated.id, &json!({})).await;
    let selector = json!({ "ids": [old.id, rotated.id] });
    // The one rotated without overlap has ended already, and is not among them.
    dies(
        suite,
        &organization,
        None,
        &selector,
        &[&old, &new, &last],
        &[&old],
    )
    .await;
    assert_dead(gateway, &rotated, "rotated").await;
}

async fn r11_bulk_that_matches_nothing(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let thousand: Vec<String> = (0..1_000).map(|_| random_id()).collect();
    let selectors = [
        json!({ "ids": [random_id()] }),
        json!({ "ids": thousand }),
        json!({ "minted_by": random_id() }),
        json!({ "project": SHOP }),
        json!({ "created_before": "2020-01-01T00:00:00Z" }),
        json!({ "created_after": "2099-01-01T00:00:00Z" }),
        json!({ "created_from": "192.0.2.1" }),
    ];
    // An organization that has never minted, and one that has.
    for _ in 0..2 {
        for selector in &selectors {
            for dry_run in [true, false] {
                let mut selector = selector.clone();
                selector["dry_run"] = json!(dry_run);
                let answer = organization.revoking(gateway, &selector).send().await;
                assert_eq!(
                    answer.json(200),
                    json!({ "dry_run": dry_run, "matched": 0, "used_in_last_day": 0, "ids": [], "revoked_at": null })
                );
            }
        }
        let token = organization.mint(gateway, &json!({})).await;
        assert_live(gateway, &token, "nothing matched").await;
    }
    assert_eq!(living(gateway, &organization).await.len(), 2);
}

async fn r11_bulk_dry_run_tells_what_would_break(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut tokens = Vec::new();
    for format in ["opaque", "jwt", "opaque", "jwt", "opaque"] {
        tokens.push(organization.mint_for_release(gateway, format).await);
    }
    let used = organization.mint(gateway, &json!({})).await;
    assert_live(gateway, &used, "not in the project").await;
    assert_live(gateway, &tokens[1], "one").await;
    assert!(accepted(gateway, 2, &tokens[4].token).await);
    let before = organization.token_ids(gateway, "").await;
    for round in 0..3 {
        let dry = json!({ "project": SHOP, "dry_run": true });
        let told = organization.revoking(gateway, &dry).send().await.json(200);
        assert_eq!(
            (
                &told["matched"],
                &told["used_in_last_day"],
                &told["revoked_at"]
            ),
            (&json!(5), &json!(2), &Value::Null),
            "{round}"
        );
        assert_eq!(listed(&told["ids"]), ids(&tokens));
    }
    assert_eq!(organization.token_ids(gateway, "").await, before);
    for token in &tokens {
        assert_live(gateway, token, "a dry run").await;
        let row = organization.token(gateway, &token.id).await;
        assert_eq!(row["revoked_at"], Value::Null);
    }
}

async fn r16_bulk_by_an_organization_token_reaches_project_tokens_only(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let theirs = stranger.mint(gateway, &json!({ "project": SHOP })).await;
    for format in ["opaque", "jwt"] {
        let caller = organization
            .mint(gateway, &json!({ "format": format }))
            .await;
        let mint = async |body: Value| organization.mint(gateway, &body).await;
        let peer = mint(json!({})).await;
        let system = mint(json!({ "system": true })).await;
        let system_of_project = mint(json!({ "system": true, "project": SHOP })).await;
        let project = mint(json!({ "project": SHOP })).await;
        let workflow = mint(json!({ "project": SHOP, "workflow": RELEASE, "format": "jwt" })).await;
        let spared = mint(json!({ "project": SHOP })).await;
        let all = [
            &caller,
            &peer,
            &system,
            &system_of_project,
            &project,
            &workflow,
            &spared,
        ];
        let named: Vec<_> = all
            .iter()
            .filter(|token| token.id != spared.id)
            .map(|token| token.id.clone())
            .chain([theirs.id.clone()])
            .collect();
        dies(
            suite,
            &organization,
            Some(&caller),
            &json!({ "ids": named }),
            &all,
            &[&project, &workflow],
        )
        .await;
        // Everything there is, as far as it reaches.
        let ever = json!({ "created_after": "2020-01-01T00:00:00Z" });
        dies(suite, &organization, Some(&caller), &ever, &all, &[&spared]).await;
        let minted = organization
            .mint_as(gateway, &caller, &json!({ "project": SHOP }))
            .await;
        dies(
            suite,
            &organization,
            Some(&peer),
            &json!({ "minted_by": caller.id }),
            &[&caller, &peer, &system_of_project],
            &[&minted],
        )
        .await;
        for selector in [
            json!({ "ids": [caller.id] }),
            json!({ "ids": [system.id, system_of_project.id, peer.id] }),
        ] {
            dies(suite, &organization, Some(&caller), &selector, &all, &[]).await;
        }
    }
    assert_live(gateway, &theirs, "of another organization").await;
}

async fn r18_bulk_by_org_api_token_star_reaches_organization_tokens_only(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mint = async |body: Value| organization.mint(gateway, &body).await;
    let caller = mint(json!({ "policies": ["org_api_token:*"] })).await;
    let peer = mint(json!({})).await;
    let system = mint(json!({ "system": true })).await;
    let project = mint(json!({ "project": SHOP })).await;
    let all = [&caller, &peer, &system, &project];
    let selector = json!({ "ids": [peer.id, system.id, project.id] });
    dies(
        suite,
        &organization,
        Some(&caller),
        &selector,
        &all,
        &[&peer],
    )
    .await;
    let none =
        mint(json!({ "policies": ["org_api_token:list", "project_api_token:create"] })).await;
    let call = organization.call_as(gateway, &none, "POST", REVOKE);
    let call = call.json(&json!({ "project": SHOP }));
    call.send().await.problem(403, "operation_not_allowed");
    assert_live(gateway, &project, "refused").await;
}

async fn r10_bulk_by_the_administrator_reaches_system_tokens(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let plain = organization.mint(gateway, &json!({})).await;
    let system = organization.mint(gateway, &json!({ "system": true })).await;
    let other = json!({ "system": true, "project": SHOP });
    let other = organization.mint(gateway, &other).await;
    let selector = json!({ "ids": [system.id] });
    dies(
        suite,
        &organization,
        None,
        &selector,
        &[&plain, &system, &other],
        &[&system],
    )
    .await;
}

async fn r11_bulk_selectors_that_are_wrong(suite: &Suite) {
    let gateway = &suite.gateway;
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    stranger.create_project(gateway, "theirs").await;
    let token = organization
        .mint(gateway, &json!({ "project": SHOP }))
        .await;
    let manager = organization.mint(gateway, &json!({})).await;
    let before = organization.snapshot(gateway).await;
    let many: Vec<String> = (0..1_001).map(|_| random_id()).collect();
    let rows = [
        (json!({}), 400, "selector_empty"),
        (json!({ "dry_run": true }), 400, "selector_empty"),
        (json!({ "never_used": false }), 400, "selector_empty"),
        (
            json!({ "ids": null, "project": null }),
            400,
            "selector_empty",
        ),
        (json!({ "ids": [] }), 400, "ids_invalid"),
        (json!({ "ids": many }), 400, "ids_invalid"),
        (json!({ "ids": ["x"] }), 400, "token_id_invalid"),
        (json!({ "ids": [token.id, ""] }), 400, "token_id_invalid"),
        (
            json!({ "ids": [token.id.replace('-', "")] }),
            400,
            "token_id_invalid",
        ),
        (json!({ "ids": [token.token] }), 400, "token_id_invalid"),
        (json!({ "ids": token.id }), 400, "body_invalid"),
        (json!({ "ids": [7] }), 400, "body_invalid"),
        (json!({ "minted_by": "x" }), 400, "token_id_invalid"),
        (
            json!({ "minted_by": "org-token:pst_01234567" }),
            400,
            "token_id_invalid",
        ),
        (
            json!({ "created_after": "yesterday" }),
            400,
            "moment_invalid",
        ),
        (
            json!({ "created_after": "2026-01-01" }),
            400,
            "moment_invalid",
        ),
        (json!({ "created_before": "" }), 400, "moment_invalid"),
        (
            json!({ "created_before": "2026-01-01T00:00:00" }),
            400,
            "moment_invalid",
        ),
        (
            json!({ "created_before": 1_700_000_000 }),
            400,
            "body_invalid",
        ),
        (json!({ "created_from": "" }), 400, "address_invalid"),
        (json!({ "created_from": "192.0.2" }), 400, "address_invalid"),
        (
            json!({ "created_from": "192.0.2.0/24" }),
            400,
            "address_invalid",
        ),
        (
            json!({ "created_from": "192.0.2.1, 192.0.2.2" }),
            400,
            "address_invalid",
        ),
        (
            json!({ "created_from": "localhost" }),
            400,
            "address_invalid",
        ),
        (json!({ "project": "nowhere" }), 404, "not_found"),
        (json!({ "project": "theirs" }), 404, "not_found"),
        (json!({ "project": "" }), 404, "not_found"),
        (json!({ "never_used": "yes" }), 400, "body_invalid"),
        (
            json!({ "project": SHOP, "dry_run": "no" }),
            400,
            "body_invalid",
        ),
        (
            json!({ "project": SHOP, "dryrun": true }),
            400,
            "body_invalid",
        ),
        (
            json!({ "project": SHOP, "workflow": RELEASE }),
            400,
            "body_invalid",
        ),
        (json!({ "id": token.id }), 400, "body_invalid"),
        (json!([token.id]), 400, "body_invalid"),
    ];
    for (selector, status, code) in rows {
        let answers = [
            organization.revoking(gateway, &selector).send().await,
            organization
                .call_as(gateway, &manager, "POST", REVOKE)
                .json(&selector)
                .send()
                .await,
        ];
        for answer in answers {
            answer.problem(status, code);
        }
    }
    let empty = organization.call(gateway, "POST", REVOKE);
    empty.send().await.problem(400, "body_invalid");
    let text = organization.call(gateway, "POST", REVOKE);
    let text = text.header("content-type", "text/plain");
    let text = text.body(json!({ "project": SHOP }).to_string());
    text.send().await.problem(415, "unsupported_media_type");
    let nobody = gateway
        .call("POST", REVOKE)
        .json(&json!({ "project": SHOP }));
    nobody.send().await.problem(401, "credential_missing");
    let unnamed = gateway.call("POST", REVOKE).bearer(&suite.keys.admin);
    let unnamed = unnamed.json(&json!({ "created_after": "2020-01-01T00:00:00Z" }));
    unnamed.send().await.problem(400, "organization_required");
    let unknown = gateway.call("POST", REVOKE).bearer(&suite.keys.admin);
    let unknown = unknown.organization(&random_name("none"));
    let unknown = unknown.json(&json!({ "created_after": "2020-01-01T00:00:00Z" }));
    unknown.send().await.problem(404, "not_found");
    assert_eq!(organization.snapshot(gateway).await, before);
    assert_live(gateway, &token, "nothing revoked it").await;
}

/// One call: on which isolate, when it began, and whether it was accepted.
struct Try {
    isolate: u16,
    began: Instant,
    accepted: bool,
}

async fn r11_r35_a_thousand_tokens_end_in_one_step(suite: &Suite) {
    let gateway = Arc::new(serve(&suite.keys, &suite.origin).start().await);
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
    let gateway = serve(&suite.keys, &suite.origin).start().await;
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
