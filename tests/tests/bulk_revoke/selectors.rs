//! Each selector revokes the tokens that it names, and no others.

use std::collections::BTreeSet;
use std::time::Duration;

use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::{accepted, assert_live};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id};
use serde_json::{Value, json};

use crate::support::dies;

pub fn cases() -> Vec<Case<Suite>> {
    cases![
        r11_bulk_by_ids,
        r11_r21_bulk_by_minter_reaches_the_whole_subtree,
        r11_bulk_by_project,
        r11_bulk_by_time_of_birth,
        r11_r13_bulk_of_the_never_used,
        r11_bulk_by_the_address_that_minted,
        r11_bulk_criteria_narrow_each_other,
    ]
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
