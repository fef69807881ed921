//! Ends of the origin's own tokens, and what goes along with the stored credential (R43).

use super::*;
use crate::config::origin_auth::OriginAuth;

#[test]
fn r43_a_revoke_ends_the_token_here_first_and_then_there() {
    let (world, credential) = manager();
    answers(&world, vec![Answer::message(b"")]);
    let revoke = own_token::revoke(MADE);
    let outcome = call(&world, &credential, "Revoke", &revoke);
    assert!(outcome.got.is_ok());
    let steps = [format!("revoke {MADE}"), "origin Revoke".to_owned()];
    assert_eq!(asked(&world), steps);

    // What does not end here does not reach the origin.
    let unknown = postern_domain::decide::Denial::UnknownOriginToken;
    *world.own.settle_refused.borrow_mut() = vec![("revoke", unknown.into())];
    let outcome = call(&world, &credential, "Revoke", &revoke);
    assert_eq!(outcome.verdict(), "origin_token_unknown");
    assert_eq!(asked(&world), [format!("revoke {MADE}")]);

    for broken in [own_token::revoke("no id"), Vec::new()] {
        let outcome = call(&world, &credential, "Revoke", &broken);
        assert_eq!(outcome.verdict(), "token_id_invalid");
    }
    assert_eq!(asked(&world), Vec::<String>::new());
}

#[test]
fn r43_a_revoke_that_fails_there_says_so_and_is_written_down() {
    for then in [Some(Answer::ended(5)), Some(Answer::ended(14)), None] {
        let (world, credential) = manager();
        answers(&world, then.into_iter().collect());
        let outcome = call(&world, &credential, "Revoke", &own_token::revoke(MADE));
        assert_eq!(outcome.verdict(), "origin_revoke_failed");
        let told = refusal(&outcome);
        assert!(
            told.starts_with("the token has ended here, and the origin did not"),
            "{told}"
        );
        let last = asked(&world).pop();
        assert_eq!(last, Some(format!("not revoked {MADE}")));
    }
}

#[test]
fn r43_the_stored_credential_is_not_handed_out_as_a_new_token() {
    use super::super::upstream::{given, text};
    let config = Config {
        origin_auth: OriginAuth::Upstream,
        ..governing()
    };
    let (world, credential) = world(config, Scope::Organization, &ALL);
    // What manages tokens goes with the organization's, whatever is set for the project.
    *world.upstreams.borrow_mut() = vec![given(1, "", ""), given(2, "shop", "")];
    let echo = Answer::message(&made(MADE, &[&text(1)]));
    answers(&world, vec![echo, Answer::message(b"")]);
    let outcome = create(&world, &credential);
    assert_eq!(outcome.verdict(), "origin_token_not_registered");
    assert!(!format!("{:?}", outcome.got).contains(&text(1)));
    assert_eq!(
        asked(&world),
        ["reserve 12", "origin Create", "origin Revoke"]
    );
    for seen in world.own.seen.take() {
        let sent = header("authorization", &format!("Bearer {}", text(1)));
        assert!(seen.headers.contains(&sent), "{:?}", seen.headers);
    }
    // With none, nothing leaves, and what was taken comes back.
    world.upstreams.borrow_mut().clear();
    world.forget();
    assert_eq!(create(&world, &credential).verdict(), "upstream_missing");
    assert_eq!(asked(&world), ["reserve 12", "give back"]);
}
