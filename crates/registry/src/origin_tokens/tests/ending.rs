//! Which tokens of the origin are ended here, and what is written down of one that stays there (R43).

use super::*;

#[test]
fn r43_only_what_is_known_as_the_origins_is_ended() {
    let manager = manager();
    let adopted = postern_gate::origin_tokens::adopted(
        &claims_with(&in_project()),
        Scope::Project { project: project() },
    );
    let mut system = adopted.clone();
    system.id = Id::from_u128(0x78);
    system.is_system = true;
    let organizations =
        postern_gate::origin_tokens::adopted(&claims_with(&json!({})), Scope::Organization);
    let organizations = TokenFacts {
        id: Id::from_u128(0x79),
        ..organizations
    };
    let own = facts(0x80, Scope::Project { project: project() });
    let unable = holder(Scope::Project { project: project() }, &[], None);
    let rows = [
        (&manager, adopted.id, None),
        (&manager, system.id, Some("origin_token_unknown")),
        (&manager, organizations.id, Some("organization_token")),
        (&manager, own.id, Some("origin_token_unknown")),
        (&manager, Id::from_u128(0x81), Some("origin_token_unknown")),
        (&unable, adopted.id, Some("operation_not_allowed")),
    ];
    for (caller, token, expected) in rows {
        let world = World::new();
        for facts in [&adopted, &system, &organizations, &own] {
            world.keep(facts.clone());
        }
        let ended = now_or_never(end(caller, token, requester(), &world));
        assert_eq!(ended.err().map(|error| error.code()), expected, "{token}");
        let asked = world.take_asked();
        let is_revoked = asked.contains(&format!("revoke {token}"));
        assert_eq!(is_revoked, expected.is_none(), "{asked:?}");
    }
}

#[test]
fn r43_what_stays_at_the_origin_is_written_down_for_a_caller_that_has_ended_too() {
    let world = World::new();
    let manager = manager();
    let permit = postern_domain::decide::take_back(&manager).expect("a token");
    let organization = testing::organization().named();
    let grant = permit.over(&organization).expect("its own");
    assert_eq!(grant.actor(), postern_domain::standing::Actor::NotAToken);
    let token = Id::from_u128(0x77);
    now_or_never(note_not_revoked(&grant, token, requester(), &world)).expect("noted");
    let expected = format!("note token.origin_revoke_failed token:{token}");
    assert_eq!(world.take_asked(), [expected]);
    let other = postern_domain::scope::Named {
        id: Id::from_u128(2),
        name: "other".to_owned(),
    };
    assert!(permit.over(&other).is_err());
}
