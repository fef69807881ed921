//! The ways in as rows: what is configured, what the call shows, who it turns out to be.

mod sessions;

use super::*;
use crate::body::READ;
use crate::ports::SessionAnswer;
use crate::testing::{ADMIN, World, now_or_never, organization, project, workflow};
use postern_domain::id::Id;
use postern_domain::keys::KeyRing;
use postern_domain::name::TokenName;
use postern_domain::scope::Named;
use postern_domain::token::Verifier;
use postern_wire::jwt;

const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn configured(more: &[(&str, &str)]) -> Config {
    Config::read(|name| {
        let base = [("ORIGIN_URL", "http://127.0.0.1:1"), ("TOKEN_KEYS", KEY)];
        let found = base.iter().chain(more).find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    })
    .expect("a good configuration")
}

const SESSIONS: (&str, &str) = ("SESSION_VERIFY_URL", "https://control.example/session");

fn knock<'a>(operation: Operation) -> Knock<'a> {
    Knock {
        operation,
        authorization: None,
        cookie: None,
        organization: None,
        site: Site::Untold,
        writes: false,
        is_json: false,
        address: None,
    }
}

fn with_cookie<'a>() -> Knock<'a> {
    Knock {
        cookie: Some("session=s1"),
        ..knock(Operation::TokenList)
    }
}

fn entered(knock: &Knock<'_>, config: &Config, world: &World) -> Result<Caller> {
    let shown = show(knock, config, world.now())?;
    now_or_never(enter(knock, &shown, READ, &mut None, config, world))
}

fn code(answer: Result<Caller>) -> &'static str {
    match answer {
        Ok(caller) => caller.tier(),
        Err(error) => error.code(),
    }
}

fn answers(world: &World, status: u16, body: &str) {
    let body = body.as_bytes().to_vec();
    *world.door.answer.borrow_mut() = Some(SessionAnswer { status, body });
}

fn person(role: &str) -> String {
    format!(r#"{{"user_id":"u1","organizations":[{{"name":"acme","role":"{role}"}}]}}"#)
}

/// An active JWT of the world's workflow, or of its organization.
fn jwt(world: &World, scope: Scope) -> String {
    let facts = TokenFacts {
        id: Id::from_u128(70),
        name: TokenName::generated(&Id::from_u128(70)),
        policies: postern_domain::policy::defaults(&scope),
        scope,
        is_system: false,
        expires_at: None,
        verifier: Verifier::Jwt { signed: None },
        organization: Named {
            id: organization().id,
            name: organization().name,
        },
        ci_job: None,
        conditions: None,
        revision: 0,
    };
    let ring = KeyRing::parse(KEY).expect("a key");
    let token = jwt::issue(&facts, &ring).expect("a token").token;
    world.keep(facts);
    format!("Bearer {}", token.expose())
}

fn workflow_scope() -> Scope {
    Scope::Workflow {
        project: project(),
        workflow: workflow(),
    }
}

#[test]
fn r22_bootstrap_is_open_only_while_there_is_no_live_token() {
    let open = configured(&[("BOOTSTRAP", "open")]);
    let closed = configured(&[]);
    let world = World::new();
    let rows = [
        (&open, Some(false), "bootstrap"),
        (&open, Some(true), "credential_missing"),
        // A record that does not answer closes.
        (&open, None, "unavailable"),
        (&closed, Some(false), "credential_missing"),
        (&closed, None, "credential_missing"),
    ];
    for (config, live, expected) in rows {
        world.door.live_token.set(live);
        let answer = entered(&knock(Operation::TokenCreate), config, &world);
        assert_eq!(code(answer), expected, "{live:?}");
    }
}

#[test]
fn r22_bootstrap_takes_no_call_that_brings_a_credential_or_comes_from_another_site() {
    let open = configured(&[("BOOTSTRAP", "open")]);
    let world = World::new();
    world.door.live_token.set(Some(false));
    let wrong = Knock {
        authorization: Some("Bearer nonsense"),
        ..knock(Operation::TokenCreate)
    };
    assert_eq!(code(entered(&wrong, &open, &world)), "credential_refused");
    for (site, expected) in [
        (Site::Own, "bootstrap"),
        (Site::Untold, "bootstrap"),
        (Site::Other, "cross_site"),
    ] {
        let knock = Knock {
            site,
            ..knock(Operation::TokenCreate)
        };
        assert_eq!(code(entered(&knock, &open, &world)), expected, "{site:?}");
    }
}

#[test]
fn r22_r23_the_open_door_comes_before_sessions() {
    let both = configured(&[("BOOTSTRAP", "open"), SESSIONS]);
    let world = World::new();
    answers(&world, 200, &person("viewer"));
    for (live, expected) in [
        (Some(false), "bootstrap"),
        (Some(true), "session"),
        (None, "unavailable"),
    ] {
        world.door.live_token.set(live);
        assert_eq!(code(entered(&with_cookie(), &both, &world)), expected);
    }
}

#[test]
fn r24_every_administrator_key_opens_and_none_other() {
    let second = "another-administrator-key-for-tests-0123456";
    let keys = format!("{ADMIN}, {second}");
    let config = configured(&[("ADMIN_TOKEN", &keys)]);
    let world = World::new();
    for (key, expected) in [
        (ADMIN, "admin"),
        (second, "admin"),
        (
            "yet-another-administrator-key-0123456789abc",
            "credential_refused",
        ),
    ] {
        let header = format!("Bearer {key}");
        let knock = Knock {
            authorization: Some(&header),
            ..knock(Operation::OrganizationList)
        };
        assert_eq!(code(entered(&knock, &config, &world)), expected, "{key}");
    }
    let both = format!("Bearer {keys}");
    let knock = Knock {
        authorization: Some(&both),
        ..knock(Operation::OrganizationList)
    };
    assert_eq!(
        code(entered(&knock, &config, &world)),
        "credential_malformed"
    );
}

#[test]
fn r24_audit_knows_the_administrator_key_by_its_name() {
    let second = "another-administrator-key-for-tests-0123456";
    let config = configured(&[("ADMIN_TOKEN", &format!("{ADMIN},ops:{second}"))]);
    let world = World::new();
    for (key, actor) in [
        (ADMIN.to_owned(), Ok("admin-token")),
        (second.to_owned(), Ok("admin-token:ops")),
        (format!("ops:{second}"), Err("credential_malformed")),
    ] {
        let header = format!("Bearer {key}");
        let knock = Knock {
            authorization: Some(&header),
            ..knock(Operation::OrganizationList)
        };
        let seen = entered(&knock, &config, &world);
        let seen = seen.map(|caller| caller.provenance());
        let seen = seen.as_deref().map_err(Error::code);
        assert_eq!(seen, actor);
    }
}

#[test]
fn r25_workflow_tokens_read_only_where_that_is_on_and_nobody_administers() {
    let on = configured(&[("WORKFLOW_TOKEN_READ", "on")]);
    let off = configured(&[]);
    let administered = configured(&[("WORKFLOW_TOKEN_READ", "on"), ("ADMIN_TOKEN", ADMIN)]);
    let organization_token = || Scope::Organization;
    let project_token = || Scope::Project { project: project() };
    type Row<'a> = (&'a Config, fn() -> Scope, Operation, &'static str);
    let rows: [Row<'_>; 9] = [
        (&on, workflow_scope, Operation::TokenList, "workflow_read"),
        (&on, workflow_scope, Operation::TokenRead, "workflow_read"),
        (&on, workflow_scope, Operation::TokenCreate, "token"),
        (&on, workflow_scope, Operation::TokenRevoke, "token"),
        (&on, workflow_scope, Operation::ProjectList, "token"),
        (&on, organization_token, Operation::TokenList, "token"),
        (&on, project_token, Operation::TokenList, "token"),
        (&off, workflow_scope, Operation::TokenList, "token"),
        (&administered, workflow_scope, Operation::TokenList, "token"),
    ];
    for (config, scope, operation, expected) in rows {
        let world = World::new();
        let header = jwt(&world, scope());
        let knock = Knock {
            authorization: Some(&header),
            ..knock(operation)
        };
        assert_eq!(
            code(entered(&knock, config, &world)),
            expected,
            "{operation:?}"
        );
    }
}
