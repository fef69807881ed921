//! Releasing a token that is quarantined after a report (see `leaks`). It takes the right to create
//! such a token: a release makes one active.

use serde::Serialize;

use super::{UNKNOWN, hide, reach, token_id};
use crate::error::{Error, Result};
use crate::organization::resolve_id;
use crate::ports::{Directory, Ledgers};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Target, Wish, decide, granted};
use postern_domain::id::TokenId;
use postern_domain::operation::Operation;
use postern_ledger::{ReleaseAnswer, ReleaseCommand};

/// The answer to a release.
#[derive(Debug, Serialize)]
pub struct Released {
    id: TokenId,
}

/// `POST /org/tokens/{id}/release`.
///
/// # Errors
/// `Denied`, `Invalid` for a malformed id, `NotFound`, `Conflict` for a token that is not
/// quarantined, `Unavailable`.
pub async fn release<P: Directory + Ledgers>(
    caller: &Caller,
    organization: Option<&str>,
    id: &str,
    requester: Requester,
    ports: &P,
) -> Result<Released> {
    reach(caller, Operation::TokenRelease)?;
    let id = token_id(id)?;
    let organization = resolve_id(caller, organization, ports).await?;
    let facts = ports.describe(&organization, id).await?.ok_or(UNKNOWN)?;
    let permit = decide(caller, Operation::TokenRelease, Target::Token(&facts)).map_err(hide)?;
    let wish = Wish {
        scope: &facts.scope,
        policies: Some(&facts.policies),
        expires_at: facts.expires_at,
        is_system: facts.is_system,
        conditions: facts.conditions.as_deref(),
    };
    decide(caller, Operation::TokenCreate, Target::NewToken(wish)).map_err(of_release)?;
    // A token without an end is created with its creator's: to release it would give more (R18).
    if granted(caller, &wish).1 != facts.expires_at {
        return Err(Denial::ReleaseLifetime.into());
    }
    let command = ReleaseCommand {
        token: id,
        requester,
    };
    match ports.send(&permit.over(&organization)?, &command).await? {
        ReleaseAnswer::Released => Ok(Released { id }),
        ReleaseAnswer::NotHeld => Err(Error::Conflict {
            code: "token_not_held",
            detail: "the token is not quarantined: there is nothing to release".into(),
        }),
    }
}

/// Why a token cannot be created, said of one that is released.
fn of_release(denial: Denial) -> Denial {
    match denial {
        Denial::Lifetime => Denial::ReleaseLifetime,
        Denial::Conditions => Denial::ReleaseConditions,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, facts, now_or_never, project, requester};
    use postern_domain::conditions::Conditions;
    use postern_domain::policy::Policy;
    use postern_domain::scope::Scope;
    use postern_domain::time::Timestamp;

    #[test]
    fn r18_a_release_gives_no_longer_life_than_its_caller_has() {
        let end = |at: Option<i64>| at.map(Timestamp::from_millis);
        let rows = [
            (None, None, None),
            (None, Some(30_000), None),
            (Some(30_000), Some(20_000), None),
            (Some(30_000), Some(30_000), None),
            (Some(30_000), Some(40_000), Some("lifetime_exceeded")),
            (Some(30_000), None, Some("lifetime_exceeded")),
        ];
        for (own, of_token, refusal) in rows {
            let world = World::new();
            let mut token = facts(7, Scope::Project { project: project() });
            token.expires_at = end(of_token);
            world.keep(token.clone());
            let mut manager = facts(8, Scope::Organization);
            let create = Policy::parse("project_api_token:create").expect("a policy");
            manager.policies = vec![create];
            manager.expires_at = end(own);
            let caller = Caller::Token(manager.into());
            let id = token.id.to_string();
            let released = now_or_never(release(&caller, None, &id, requester(), &world));
            let error = released.err();
            let code = error.as_ref().map(|error| error.code());
            assert_eq!(code, refusal, "{own:?} {of_token:?}");
            let says = error.is_none_or(|error| error.public().contains("cannot release one"));
            assert!(says, "{own:?} {of_token:?}");
        }
    }

    #[test]
    fn r53_a_release_gives_no_wider_conditions_than_its_caller_has() {
        let calls = |calls| {
            Conditions::new(Vec::new(), calls)
                .expect("good")
                .map(Box::new)
        };
        for (own, of_token, refused) in [
            (None, None, false),
            (Some(5), Some(5), false),
            (Some(5), Some(6), true),
            (Some(5), None, true),
        ] {
            let world = World::new();
            let mut token = facts(7, Scope::Project { project: project() });
            token.conditions = calls(of_token);
            world.keep(token.clone());
            let mut manager = facts(8, Scope::Organization);
            let create = Policy::parse("project_api_token:create").expect("a policy");
            manager.policies = vec![create];
            manager.conditions = calls(own);
            let caller = Caller::Token(manager.into());
            let id = token.id.to_string();
            let released = now_or_never(release(&caller, None, &id, requester(), &world));
            let told = released.err().map(|error| (error.code(), error.public()));
            let Some((code, detail)) = told else {
                assert!(!refused, "{own:?} {of_token:?}");
                continue;
            };
            assert_eq!(
                (code, refused),
                ("conditions_exceeded", true),
                "{own:?} {of_token:?}"
            );
            assert!(detail.contains("cannot release one"), "{detail}");
        }
    }
}
