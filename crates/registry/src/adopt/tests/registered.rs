//! What an adoption registers, and how it is answered.

use super::*;
use crate::authenticate::{About, admit, present};
use crate::body::READ;
use crate::tokens::rotate;
use postern_gate::origin_tokens::adopted;
use postern_ledger::Purpose;

#[test]
fn r39_the_effective_scope_is_the_narrower_of_claims_and_request() {
    let none = || json!({});
    let rows = [
        (none(), none(), None, None, true),
        (
            none(),
            json!({ "project": "shop" }),
            Some("shop"),
            None,
            false,
        ),
        (
            none(),
            json!({ "project": "shop", "workflow": "release" }),
            Some("shop"),
            Some("release"),
            false,
        ),
        (in_project(), none(), Some("shop"), None, true),
        (
            in_project(),
            json!({ "project": "shop" }),
            Some("shop"),
            None,
            true,
        ),
        // The project is the claimed one, so the workflow alone may be named.
        (
            in_project(),
            json!({ "workflow": "release" }),
            Some("shop"),
            Some("release"),
            true,
        ),
        (in_workflow(), none(), Some("shop"), Some("release"), true),
        (
            in_workflow(),
            json!({ "project": "shop", "workflow": "release" }),
            Some("shop"),
            Some("release"),
            true,
        ),
    ];
    for (changes, asked, project, workflow, known) in rows {
        let (world, claims) = (World::new(), claims_with(&changes));
        let answer = try_adopt(&world, &body_of(&claims, &asked)).expect("adopts");
        assert_eq!(
            answer["project"]["name"].as_str(),
            project,
            "{changes} {asked}"
        );
        assert_eq!(
            answer["workflow"]["name"].as_str(),
            workflow,
            "{changes} {asked}"
        );
        let command = world.minted.borrow().first().cloned().expect("one command");
        assert_eq!(
            command.facts.project_known_to_origin(),
            known,
            "{changes} {asked}"
        );
        assert_eq!(command.facts.policies, defaults(&command.facts.scope));
        // What is registered opens, and nothing else of the same kind does.
        world.keep(command.facts);
        let config = testing::config();
        let header = format!("Bearer {}", jwt(&claims));
        let presented = present(Some(&header), &config, world.now()).expect("well formed");
        let presented = std::rc::Rc::new(presented);
        assert!(
            now_or_never(admit(
                &presented,
                About::Nothing,
                (Purpose::Manage, None),
                READ,
                &mut None,
                &world
            ))
            .is_ok()
        );
    }
}

#[test]
fn r39_the_answer_is_that_of_a_mint_without_the_token() {
    let world = World::new();
    let exp = world.now.get() / 1000 + 3600;
    let body = with(json!({ "exp": exp }));
    let answer = try_adopt(&world, &body).expect("adopts");
    let token = body["token"].as_str().expect("the token");
    assert!(!answer.to_string().contains(token));
    assert_eq!(answer["id"], id().to_string());
    assert_eq!(answer["format"], "jwt");
    assert_eq!(answer["adopted"], true);
    assert_eq!(answer["name"], "upstream");
    assert_eq!(answer["prefix"], "jwt_00000000");
    assert_eq!(answer["created_by"], "admin-token");
    assert_eq!(answer["expires_at"], "2027-01-15T09:00:00Z");
    let command = world.minted.borrow().first().cloned().expect("one command");
    let stored = serde_json::to_string(&command).expect("serializes");
    assert!(!stored.contains(token), "the JWT is kept nowhere");
    assert_eq!(command.ceiling, 100);
    let rest = ["take 192.0.2.1", "mint", "publish upstream"];
    assert_eq!(world.take_asked(), rest);
    // Blanks around it are no part of it.
    let padded = json!({ "token": format!(" {token}\n") });
    assert!(try_adopt(&world, &padded).is_ok());
}

#[test]
fn r8_r39_the_name_is_the_given_one_or_the_claimed_one_or_generated() {
    let world = World::new();
    let generated = TokenName::generated(&id()).as_str().to_owned();
    let rows = [
        (claims(), json!({ "name": "mine" }), "mine"),
        (claims(), json!({}), "upstream"),
        (
            claims_with(&json!({ "token_name": null })),
            json!({}),
            generated.as_str(),
        ),
        (
            claims_with(&json!({ "token_name": "a\nb" })),
            json!({}),
            &generated,
        ),
    ];
    for (claims, more, name) in rows {
        let answer = try_adopt(&world, &body_of(&claims, &more)).expect("adopts");
        assert_eq!(answer["name"], name);
    }
    // A claimed name that is taken gives way, a given one does not.
    let world = World::new();
    *world.mint_answer.borrow_mut() = MintAnswer::NameTaken;
    for more in [json!({}), json!({ "name": "mine" })] {
        let error = try_adopt(&world, &body_of(&claims(), &more)).expect_err("taken");
        assert_eq!(error.code(), "name_taken");
        assert_eq!(world.bucket.get(), 10);
    }
    let names: Vec<String> = (world.minted.borrow().iter())
        .map(|command| command.facts.name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["upstream", &generated, "mine"]);
}

#[test]
fn r39_the_id_of_the_organization_decides_and_not_its_name() {
    let world = World::new();
    let answer = try_adopt(
        &world,
        &with(json!({ "org_name": "before-it-was-renamed" })),
    );
    assert_eq!(answer.expect("adopts")["organization"]["name"], "acme");
    let minted = world.minted.borrow();
    let Some(Verifier::Adopted { claims }) = minted.first().map(|command| &command.facts.verifier)
    else {
        panic!("not registered as adopted");
    };
    assert_eq!(claims.org_name.as_deref(), Some("before-it-was-renamed"));
}

/// The origin would not know a successor's id, so that only the gateway would take it.
#[test]
fn r9_r39_an_adopted_token_is_not_rotated_here() {
    let (world, config) = (World::new(), testing::config());
    world.keep(adopted(&claims(), Scope::Organization));
    let admin = Caller::Administrator(None);
    let id = id().to_string();
    let answer = rotate(&admin, Some("acme"), &id, b"", from(), &config, &world);
    let error = now_or_never(answer).err().map(|error| error.code());
    assert_eq!(error, Some("adopted_token"));
    assert_eq!(world.take_asked(), ["describe"]);
    // Who may not rotate it is not told what it is.
    let caller = organization_token();
    let answer = rotate(&caller, None, &id, b"", from(), &config, &world);
    let error = now_or_never(answer).err().map(|error| error.code());
    assert_eq!(error, Some("organization_token"));
}

#[test]
fn r39_policies_that_are_asked_for_are_the_adopters_own() {
    let held = ["project_api_token:create", "cas_artifact:read"];
    let held = held.map(|text| Policy::parse(text).expect("a policy"));
    let caller = holder(Scope::Organization, held.into(), None);
    let asked = |policies: Value| json!({ "project": "shop", "policies": policies });
    let rows = [
        (
            json!(["cas_artifact:read"]),
            Ok(json!(["cas_artifact:read"])),
        ),
        (json!([]), Ok(json!([]))),
        (json!(["cas_artifact:create"]), Err("policy_not_held")),
        (json!(["cas_artefact:create"]), Err("policy_unknown")),
    ];
    for (policies, expected) in rows {
        let body = body_of(&claims(), &asked(policies));
        let answer = try_adopt_as(&caller, &World::new(), &body);
        let told = answer.map(|answer| answer["policies"].clone());
        assert_eq!(told.map_err(|error| error.code()), expected);
    }
}

/// Who adopts a token has it, and learns by trying again that it is registered.
#[test]
fn r39_an_adoption_that_is_not_answered_is_not_undone() {
    let world = World::new();
    world.answers_lost.set(true);
    let error = try_adopt(&world, &body_of(&claims(), &json!({}))).expect_err("no answer");
    assert_eq!(error.code(), "unavailable");
    let asked = world.take_asked();
    assert_eq!(asked, ["take 192.0.2.1", "mint"]);
}
