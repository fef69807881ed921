//! Adopting a JWT that the origin minted (R39): it is verified and registered with its claims as
//! they stand, perhaps narrowed. A token that cannot be held to one organization is refused, and no
//! answer ever holds the token.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::conditions;
use super::config::Config;
use super::error::{Error, Result};
use super::mint::{self, Client, Takes};
use super::organization::{OrganizationRecord, expiry_refused, resolve};
use super::ports::{Clock, Facts, Ledgers, MintBuckets, Records};
use super::registry::read_body;
use super::tokens::{TokenView, reach};
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::claims::{Claims, Pair};
use postern_domain::conditions::Conditions;
use postern_domain::decide::{Denial, Target, Wish, conditioned, decide, granted};
use postern_domain::id::{Id, ReservationId};
use postern_domain::name::TokenName;
use postern_domain::operation::Operation;
use postern_domain::policy::Policy;
use postern_domain::scope::{Named, Scope};
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_ledger::MintCommand;
use postern_wire::bearer;
use postern_wire::json;
use postern_wire::jwt::{self, API_TOKEN_AUDIENCE, JwtError, Verified};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdoptRequest {
    token: String,
    project: Option<String>,
    workflow: Option<String>,
    name: Option<String>,
    policies: Option<Vec<String>>,
    address_ranges: Option<Vec<String>>,
    #[serde(default, deserialize_with = "json::whole")]
    calls_per_minute: Option<u32>,
}

/// `POST /org/tokens/adopt`. To adopt is to mint: it takes the rights that a mint of the effective
/// scope takes, counts against the same limits, and hands out no more.
///
/// # Errors
/// `Denied`, `Invalid` for what cannot be adopted, `NotFound`, `Unregistered` for a project or
/// workflow of the claims, `Conflict` for a token that was registered before, a live name or an
/// id of the claims that is another one here, `MintRate`, `MintCeiling`, `Unavailable`. No token is
/// active after an error.
pub async fn adopt<P>(
    caller: &Caller,
    organization: Option<&str>,
    body: &[u8],
    from: Client,
    config: &Config,
    ports: &P,
) -> Result<TokenView>
where
    P: Clock + Facts + Ledgers + MintBuckets + Records,
{
    // Authorize first: a caller that cannot create tokens must not learn what is wrong with the
    // body.
    reach(caller, Operation::TokenAdopt)?;
    let request: AdoptRequest = read_body(body)?;
    let token = Secret::new(request.token);
    let verified = check(&token, config, ports.now())?;
    let asked = Asked {
        name: request.name.as_deref().map(mint::name).transpose()?,
        project: request.project.as_deref(),
        workflow: request.workflow.as_deref(),
        policies: request.policies.map(mint::policies).transpose()?,
        conditions: conditions::asked(request.address_ranges.as_deref(), request.calls_per_minute)?,
    };
    let organization = resolve(caller, organization, ports).await?;
    let takes = Takes::From(&from.bucket);
    let how = (&organization, asked, takes, from.requester);
    register(caller, verified, how, config, ports).await
}

/// Registers a token that the origin has just made for the caller, as it stands (R43). What it counts
/// against was taken before.
///
/// # Errors
/// As [`adopt`], but for the limits by address and creator.
pub(super) async fn adopt_new<P>(
    caller: &Caller,
    token: &Secret,
    (room, requester): (Option<ReservationId>, Requester),
    config: &Config,
    ports: &P,
) -> Result<()>
where
    P: Clock + Facts + Ledgers + MintBuckets + Records,
{
    reach(caller, Operation::TokenAdopt)?;
    let verified = check(token, config, ports.now())?;
    let organization = resolve(caller, None, ports).await?;
    let takes = Takes::Before(room);
    let how = (&organization, Asked::default(), takes, requester);
    register(caller, verified, how, config, ports)
        .await
        .map(drop)
}

/// What an adoption asks for beside the token.
#[derive(Default)]
struct Asked<'a> {
    name: Option<TokenName>,
    project: Option<&'a str>,
    workflow: Option<&'a str>,
    policies: Option<Vec<Policy>>,
    conditions: Option<Conditions>,
}

async fn register<P>(
    caller: &Caller,
    verified: Verified,
    (organization, asked, takes, requester): (&OrganizationRecord, Asked<'_>, Takes<'_>, Requester),
    config: &Config,
    ports: &P,
) -> Result<TokenView>
where
    P: Clock + Facts + Ledgers + MintBuckets + Records,
{
    let Verified { id, claims, .. } = verified;
    belongs(caller, &claims, organization)?;
    let places = (asked.project, asked.workflow);
    let scope = scope(organization, &claims, places, ports).await?;
    let conditions = conditioned(caller, asked.conditions.as_ref());
    let wish = Wish {
        conditions: conditions.as_deref(),
        scope: &scope,
        policies: asked.policies.as_deref(),
        expires_at: claims.exp.map(|exp| {
            let end = Timestamp::from_millis(exp.saturating_mul(1000));
            end.floor_to_second()
        }),
        is_system: false,
    };
    let permit = decide(caller, Operation::TokenAdopt, Target::NewToken(wish))?;
    organization.hands_out_tokens()?;
    let (policies, expires_at) = granted(caller, &wish);
    // It ends where the origin says.
    let fits = organization.policy.check_end(expires_at, ports.now());
    fits.map_err(expiry_refused)?;

    let generated = TokenName::generated(&id);
    let (name, spare) = match (asked.name, claimed_name(&claims)) {
        (Some(given), _) => (given, None),
        (None, Some(claimed)) => (claimed, Some(generated)),
        (None, None) => (generated, None),
    };
    let facts = TokenFacts {
        id,
        name,
        organization: Named {
            id: organization.id,
            name: organization.name.clone(),
        },
        scope,
        verifier: Verifier::Adopted {
            claims: Box::new(claims),
        },
        policies,
        is_system: false,
        expires_at,
        ci_job: None,
        conditions,
        revision: 0,
    };
    let mut command = MintCommand {
        facts,
        description: None,
        created_at: ports.now(),
        created_by: caller.provenance(),
        minted_by: caller.token().map(|minter| minter.id),
        ceiling: organization.ceiling(config),
        reservation: takes.room(),
        requester,
    };
    let grant = permit.over(&command.facts.organization)?;
    let issued = mint::issue(&grant, &command, takes, caller, config, ports).await;
    match (issued, spare) {
        // The name that the origin gave is taken here, and nobody asked for it.
        (Err(error), Some(spare)) if error.code() == "name_taken" => {
            command.facts.name = spare;
            mint::issue(&grant, &command, takes, caller, config, ports).await?;
        }
        (issued, _) => issued?,
    }
    Ok(TokenView::without_life(command.into()))
}

/// Verifies the token as on every use, with no leeway, and that it is of a kind that can belong
/// here: an API token of one organization, as the origin makes them.
fn check(token: &Secret, config: &Config, now: Timestamp) -> Result<Verified> {
    // What could not be presented is not registered. Blanks around it are dropped.
    let header = Zeroizing::new(format!("Bearer {}", token.expose()));
    let token = bearer::credential(Some(&header))
        .map_err(|_| invalid_jwt("no Bearer credential of at most 8 KiB"))?;
    let verified = jwt::verify(&token, config.jwt_keys(), now, 0).map_err(refusal)?;
    let claims = &verified.claims;
    if verified.signed.is_some() {
        return Err(unadoptable(
            "`token` names its key (`kid`), as only tokens that were minted here do",
        ));
    }
    if claims.aud != [API_TOKEN_AUDIENCE] {
        return Err(unadoptable(WRONG_AUDIENCE));
    }
    if claims.scope.as_ref().is_some_and(|scope| !scope.is_empty()) {
        return Err(unadoptable(
            "an instance token (claim `scope`) stands above organizations and cannot be held to one",
        ));
    }
    if claims.workflow().is_some() && claims.project().is_none() {
        return Err(unadoptable("the claims name a workflow without a project"));
    }
    Ok(verified)
}

const WRONG_AUDIENCE: &str = "only API tokens can be adopted, with the audience \
                              api-token-auth.chainloop alone: not those of users, robot accounts \
                              or CI providers";

fn refusal(error: JwtError) -> Error {
    match error {
        JwtError::Malformed(why) | JwtError::Claims(why) => invalid_jwt(why),
        JwtError::Algorithm => invalid_jwt("the algorithm is not HS256"),
        JwtError::Critical => invalid_jwt("critical extensions"),
        JwtError::Stale | JwtError::Foreign => Error::invalid(
            "jwt_key_unknown",
            "no key of `ADOPT_KEYS` signed `token`: that is where the origin's secret belongs",
        ),
        JwtError::Audience => unadoptable(WRONG_AUDIENCE),
        JwtError::Expired => Error::invalid(
            "token_expired_already",
            "the token has expired: create another one at the origin",
        ),
        JwtError::NotYetValid => unadoptable("the token is not valid yet (claim `nbf`)"),
    }
}

fn invalid_jwt(why: &str) -> Error {
    Error::invalid(
        "jwt_invalid",
        format!("`token` must be a JWT as the origin issued it: {why}"),
    )
}

fn unadoptable(why: &str) -> Error {
    Error::invalid("jwt_not_adoptable", why)
}

/// The organization is the claimed one, by its id; the name in the claims may be an older one.
/// Where the claims have none, whose token it is can only be said by who stands above all: else
/// one organization could adopt, and so open, what belongs to another at the origin.
fn belongs(caller: &Caller, claims: &Claims, organization: &OrganizationRecord) -> Result<()> {
    match claims.organization() {
        Some(claimed) if Id::parse(claimed) == Ok(organization.id) => Ok(()),
        Some(_) => Err(Error::invalid(
            "organization_conflict",
            format!(
                "the token belongs to another organization than `{}`, which has the id {}",
                organization.name, organization.id
            ),
        )),
        None => decide(caller, Operation::TokenAdopt, Target::Registry)
            .map(|_| ())
            .map_err(|_| Denial::Unclaimed.into()),
    }
}

/// The effective scope: the narrower of claims and request, each part looked up here by name and
/// held against the id that is claimed.
async fn scope<P: Records>(
    organization: &OrganizationRecord,
    claims: &Claims,
    asked: (Option<&str>, Option<&str>),
    ports: &P,
) -> Result<Scope> {
    let (project, workflow) = (claims.project(), claims.workflow());
    let places = (
        narrower("project", project.as_ref(), asked.0)?,
        narrower("workflow", workflow.as_ref(), asked.1)?,
    );
    let scope = mint::scope(organization, places, ports)
        .await
        .map_err(|error| match (&error, &project, &workflow) {
            (Error::NotFound { what: "project" }, Some(project), _) => {
                unregistered("project", project)
            }
            (Error::NotFound { what: "workflow" }, _, Some(workflow)) => {
                unregistered("workflow", workflow)
            }
            (error, _, Some(workflow)) if error.code() == "workflow_of_other_project" => {
                unregistered("workflow", workflow)
            }
            _ => error,
        })?;
    agree("project", project.as_ref(), scope.project())?;
    agree("workflow", workflow.as_ref(), scope.workflow())?;
    Ok(scope)
}

/// The name that both leave: the claimed one, which a request may repeat or give the id of, or the
/// request's.
fn narrower<'a>(
    what: &str,
    claimed: Option<&'a Pair>,
    asked: Option<&'a str>,
) -> Result<Option<&'a str>> {
    let Some(claimed) = claimed else {
        return Ok(asked);
    };
    let name = claimed.name.as_deref().unwrap_or_default();
    match asked {
        Some(asked) if asked != name && asked != claimed.id => Err(Error::invalid(
            "scope_conflict",
            format!("the token is for the {what} `{name}`: it can be registered for no other one"),
        )),
        _ => Ok(Some(name)),
    }
}

fn unregistered(what: &str, claimed: &Pair) -> Error {
    let name = claimed.name.as_deref().unwrap_or_default();
    let id = &claimed.id;
    Error::Unregistered {
        detail: format!(
            "the token is for the {what} `{name}`, which is not registered here: create it first, \
             with the id {id}"
        ),
    }
}

fn agree<K>(what: &str, claimed: Option<&Pair>, row: Option<&Named<K>>) -> Result<()> {
    match (claimed, row) {
        (Some(claimed), Some(row)) if Id::parse(&claimed.id) != Ok(row.id) => {
            Err(Error::Conflict {
                code: "claims_conflict",
                detail: format!(
                    "the {what} `{}` has the id {} in the token, and {} here",
                    row.name, claimed.id, row.id
                ),
            })
        }
        _ => Ok(()),
    }
}

/// The name that the token has at the origin, if it is one here.
fn claimed_name(claims: &Claims) -> Option<TokenName> {
    claims
        .token_name
        .as_deref()
        .and_then(|name| TokenName::parse(name).ok())
}

#[cfg(test)]
mod tests;
