//! Adopted tokens as rows (R39): which claims open, and for what reason the others do not.

use serde_json::{Value, json};

use super::admission::{enter, jwt_for, refused};
use crate::error::CredentialError;
use crate::origin_tokens::{adopted, claims, claims_with, id, in_project, in_workflow, jwt, sign};
use crate::testing::{self, World, project, workflow};
use postern_domain::caller::Caller;
use postern_domain::scope::Scope;
use postern_domain::token::Verifier;
use postern_ledger::Liveness;

fn narrow() -> Scope {
    Scope::Workflow {
        project: project(),
        workflow: workflow(),
    }
}

#[test]
fn r39_an_adopted_token_opens_with_its_registered_scope() {
    for scope in [
        Scope::Organization,
        Scope::Project { project: project() },
        narrow(),
    ] {
        let world = World::new();
        world.keep(adopted(&claims(), scope.clone()));
        for _ in 0..2 {
            let admitted = enter(&world, &jwt(&claims())).expect("adopted");
            let Caller::Token(facts) = admitted.caller else {
                panic!("a token is a token");
            };
            assert_eq!(facts.scope, scope);
            assert_eq!(world.take_asked(), ["admit"], "the claim names the Ledger");
        }
    }
}

#[test]
fn r39_a_token_that_was_not_adopted_opens_nothing() {
    let world = World::new();
    assert_eq!(
        refused(&world, &jwt(&claims())),
        CredentialError::Refused("unknown token")
    );
    let old = jwt(&claims_with(&json!({ "org_id": "" })));
    assert_eq!(
        refused(&world, &old),
        CredentialError::Refused("unknown token")
    );
}

#[test]
fn r2_minted_and_adopted_tokens_do_not_open_each_other() {
    // A row of a token that was minted here, and the origin's way to write it.
    let world = World::new();
    let mut row = adopted(&claims(), Scope::Organization);
    row.verifier = Verifier::Jwt { signed: None };
    world.keep(row.clone());
    assert!(enter(&world, &jwt_for(&row)).is_ok());
    for warm in [true, false] {
        if !warm {
            world.forget();
        }
        assert_eq!(
            refused(&world, &jwt(&claims())),
            CredentialError::Refused("format mismatch")
        );
    }
    // And the reverse: the same claims, signed with the name of the key.
    let world = World::new();
    world.keep(adopted(&claims(), Scope::Organization));
    let header = json!({ "alg": "HS256", "typ": "JWT", "kid": "k1" });
    let config = testing::config();
    assert_eq!(
        refused(&world, &sign(&header, &claims(), &config.token_keys)),
        CredentialError::Refused("format mismatch")
    );
}

#[test]
fn r4_r39_every_claim_is_as_registered_including_absence() {
    let none = || json!({});
    let another = "00000000-0000-0000-0000-000000000063";
    let mut renamed = in_workflow();
    renamed["workflow_name"] = json!("other");
    let mut other_project = in_project();
    other_project["project_id"] = json!(another);
    let mut other_workflow = in_workflow();
    other_workflow["workflow_id"] = json!(another);
    let exp = 1_900_000_000;
    let rows: [(Value, Value, &str); 18] = [
        (
            none(),
            json!({ "org_name": "other" }),
            "organization mismatch",
        ),
        (none(), json!({ "org_name": null }), "organization mismatch"),
        (none(), json!({ "org_id": null }), "organization mismatch"),
        (
            none(),
            json!({ "org_id": another }),
            "organization mismatch",
        ),
        (none(), in_project(), "project mismatch"),
        (in_project(), none(), "project mismatch"),
        (in_project(), other_project, "project mismatch"),
        (in_project(), in_workflow(), "workflow mismatch"),
        (in_workflow(), in_project(), "workflow mismatch"),
        (in_workflow(), other_workflow, "workflow mismatch"),
        (in_workflow(), renamed, "workflow mismatch"),
        (none(), json!({ "token_name": "other" }), "claims mismatch"),
        (none(), json!({ "exp": exp }), "claims mismatch"),
        (json!({ "exp": exp }), none(), "claims mismatch"),
        (
            json!({ "exp": exp }),
            json!({ "exp": exp + 1 }),
            "claims mismatch",
        ),
        (
            none(),
            json!({ "aud": "api-token-auth.chainloop" }),
            "claims mismatch",
        ),
        (
            none(),
            json!({ "scope": "INSTANCE_ADMIN" }),
            "claims mismatch",
        ),
        (none(), json!({ "unheard_of": 1 }), "claims mismatch"),
    ];
    for (registered, presented, expected) in rows {
        // Narrower than the claims, so that it is not the scope that is compared.
        let (world, registered) = (World::new(), claims_with(&registered));
        world.keep(adopted(&registered, narrow()));
        assert!(enter(&world, &jwt(&registered)).is_ok(), "{registered}");
        assert_eq!(
            refused(&world, &jwt(&claims_with(&presented))),
            CredentialError::Refused(expected),
            "{presented} against {registered}"
        );
    }
}

#[test]
fn r39_a_token_that_names_no_organization_is_found_by_the_stores() {
    for without in [
        json!({ "org_id": null, "org_name": null }),
        json!({ "org_id": "" }),
    ] {
        let world = World::new();
        let claims = claims_with(&without);
        world.keep(adopted(&claims, narrow()));
        assert!(enter(&world, &jwt(&claims)).is_ok());
        assert_eq!(world.take_asked(), ["facts", "admit"]);
        assert!(enter(&world, &jwt(&claims)).is_ok());
        assert_eq!(world.take_asked(), ["admit"]);
    }
    // One that is minted here always names it.
    let world = World::new();
    world.keep(adopted(&claims(), narrow()));
    let header = json!({ "alg": "HS256", "kid": "k1" });
    let claims = claims_with(&json!({ "org_id": null }));
    let credential = sign(&header, &claims, &testing::config().token_keys);
    assert_eq!(
        refused(&world, &credential),
        CredentialError::Refused("organization claim is not a UUID")
    );
    assert_eq!(world.take_asked(), Vec::<String>::new());
}

#[test]
fn r11_r39_an_adopted_token_ends_like_any_other() {
    let world = World::new();
    world.keep(adopted(&claims(), narrow()));
    assert!(enter(&world, &jwt(&claims())).is_ok());
    let revoke = |liveness| {
        let mut tokens = world.tokens.borrow_mut();
        tokens.get_mut(&id()).expect("kept").liveness = liveness;
    };
    revoke(Liveness::Revoked);
    assert_eq!(
        refused(&world, &jwt(&claims())),
        CredentialError::Refused("revoked token")
    );
    // A row can end before the claims do: the token that adopted it had an end.
    revoke(Liveness::Live);
    let mut row = adopted(&claims(), narrow());
    row.expires_at = Some(world.now());
    world.forget();
    world.keep(row);
    assert_eq!(
        refused(&world, &jwt(&claims())),
        CredentialError::Expired("row expired")
    );
}
