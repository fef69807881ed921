//! Browser sessions at the door, as rows (R23).

use super::*;
use crate::error::CredentialError;
use postern_domain::policy::covers;

#[test]
fn r23_a_session_has_the_policies_of_its_role_in_its_organization() {
    let config = configured(&[SESSIONS]);
    for (role, mints, lists) in [
        ("owner", true, true),
        ("admin", true, true),
        ("member", true, true),
        ("contributor", true, true),
        ("viewer", false, true),
        ("janitor", false, false),
    ] {
        let world = World::new();
        answers(&world, 200, &person(role));
        let Ok(Caller::Session(session)) = entered(&with_cookie(), &config, &world) else {
            panic!("{role} is admitted")
        };
        assert_eq!(session.user.as_str(), "u1");
        assert_eq!(session.organization.id, organization().id);
        assert_eq!(
            covers(&session.policies, "project_api_token:create"),
            mints,
            "{role}"
        );
        assert_eq!(
            covers(&session.policies, "project_api_token:list"),
            lists,
            "{role}"
        );
        assert_eq!(*world.door.shown.borrow(), ["session=s1"]);
    }
}

#[test]
fn r23_the_endpoint_decides_and_whatever_fails_closes() {
    let config = configured(&[SESSIONS]);
    let unknown = person("admin").replace("acme", "elsewhere");
    let several = r#"{"user_id":"u1","organizations":[{"name":"acme","role":"admin"},{"name":"b","role":"admin"}]}"#;
    let rows = [
        (200, person("admin"), "session"),
        (200, unknown, "not_found"),
        (200, several.to_owned(), "organization_required"),
        (
            200,
            r#"{"user_id":"u1","organizations":[]}"#.to_owned(),
            "not_a_member",
        ),
        (200, "{}".to_owned(), "credential_refused"),
        (302, person("admin"), "credential_refused"),
        (401, person("admin"), "credential_refused"),
        (500, person("admin"), "unavailable"),
    ];
    for (status, body, expected) in rows {
        let world = World::new();
        answers(&world, status, &body);
        assert_eq!(
            code(entered(&with_cookie(), &config, &world)),
            expected,
            "{status} {body}"
        );
    }
    let world = World::new();
    assert_eq!(
        code(entered(&with_cookie(), &config, &world)),
        "unavailable"
    );
    // Without the variable a cookie is nothing, and so is a session beside a credential.
    assert_eq!(
        code(entered(&with_cookie(), &configured(&[]), &world)),
        "credential_missing"
    );
    answers(&world, 200, &person("admin"));
    let both = Knock {
        authorization: Some("Bearer nonsense"),
        ..with_cookie()
    };
    assert_eq!(code(entered(&both, &config, &world)), "credential_refused");
    assert_eq!(world.door.shown.borrow().len(), 1);
}

#[test]
fn r23_an_organization_is_named_only_by_its_members() {
    let config = configured(&[SESSIONS]);
    let world = World::new();
    answers(&world, 200, &person("admin"));
    for (named, expected) in [
        (Some("acme"), "session"),
        (Some("other"), "not_a_member"),
        (Some("no such"), "not_a_member"),
    ] {
        let knock = Knock {
            organization: named,
            ..with_cookie()
        };
        assert_eq!(
            code(entered(&knock, &config, &world)),
            expected,
            "{named:?}"
        );
    }
    for operation in [
        Operation::OrganizationCreate,
        Operation::OrganizationList,
        Operation::OrganizationUpdate,
        Operation::OrganizationRebuild,
    ] {
        let knock = Knock {
            operation,
            ..with_cookie()
        };
        assert_eq!(
            code(entered(&knock, &config, &world)),
            "operation_not_allowed"
        );
    }
}

#[test]
fn r23_an_answer_is_believed_for_ten_seconds() {
    let config = configured(&[SESSIONS]);
    let world = World::new();
    answers(&world, 200, &person("admin"));
    assert_eq!(code(entered(&with_cookie(), &config, &world)), "session");
    answers(&world, 401, "");
    world.now.set(world.now.get() + 9_999);
    assert_eq!(code(entered(&with_cookie(), &config, &world)), "session");
    let other = Knock {
        cookie: Some("session=s2"),
        ..with_cookie()
    };
    assert_eq!(code(entered(&other, &config, &world)), "credential_refused");
    world.now.set(world.now.get() + 1);
    assert_eq!(
        code(entered(&with_cookie(), &config, &world)),
        "credential_refused"
    );
    assert_eq!(world.door.shown.borrow().len(), 3);
}

#[test]
fn r23_too_long_a_cookie_is_shown_to_nobody() {
    let config = configured(&[SESSIONS]);
    let world = World::new();
    answers(&world, 200, &person("admin"));
    let cookie = "c".repeat(session::MAX_COOKIE + 1);
    let long = Knock {
        cookie: Some(&cookie),
        ..with_cookie()
    };
    let refused = CredentialError::Refused("cookies longer than any session's");
    assert_eq!(entered(&long, &config, &world).err(), Some(refused.into()));
    assert!(world.door.shown.borrow().is_empty());
}

#[test]
fn r23_writes_come_from_our_own_pages_and_as_json() {
    let config = configured(&[SESSIONS]);
    let rows = [
        (Site::Own, true, "session"),
        (Site::Own, false, "cross_site"),
        (Site::Untold, true, "cross_site"),
        (Site::Other, true, "cross_site"),
        (Site::Other, false, "cross_site"),
    ];
    for (site, is_json, expected) in rows {
        let world = World::new();
        answers(&world, 200, &person("admin"));
        let write = Knock {
            operation: Operation::TokenCreate,
            writes: true,
            site,
            is_json,
            ..with_cookie()
        };
        assert_eq!(
            code(entered(&write, &config, &world)),
            expected,
            "{site:?} {is_json}"
        );
        // The endpoint hears nothing of a call that another site's page has made.
        let shown = usize::from(expected == "session");
        assert_eq!(world.door.shown.borrow().len(), shown);
        // A read changes nothing, and another site's page cannot see its answer.
        let read = Knock {
            writes: false,
            operation: Operation::TokenList,
            ..write
        };
        assert_eq!(code(entered(&read, &config, &world)), "session");
    }
}
