//! Minting a token (R1 to R8). Everything that is wrong with the request is refused before any
//! limit is charged. The plaintext is in the answer, once.

mod answer;
mod expiry;
mod lost;

pub use answer::Minted;
pub(super) use expiry::{expiry, span_seconds};
pub(super) use lost::take_back;

use serde::Deserialize;

use super::conditions;
use super::config::Config;
use super::error::{Error, Result};
use super::known_policies;
use super::mint_limits::take;
use super::organization::{OrganizationRecord, expiry_refused, federated_only, resolve};
use super::ports::{Clock, Entropy, Facts, Ledgers, MintBuckets, Records};
use super::registry::{find_project, find_workflow, read_optional_body};
use super::tokens::reach;
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Grant, Target, Wish, conditioned, decide, granted};
use postern_domain::id::{Id, ReservationId, TokenId};
use postern_domain::limit::lower;
use postern_domain::name::{TokenName, check_description};
use postern_domain::operation::Operation;
use postern_domain::policy::Policy;
use postern_domain::scope::{Named, Scope};
use postern_domain::secret::Secret;
use postern_domain::token::{Format, TokenFacts, Verifier};
use postern_ledger::{MintAnswer, MintCommand};
use postern_wire::{json, jwt, opaque};

/// Most policies that a mint can name.
pub const MAX_POLICIES: usize = 100;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct MintRequest {
    name: Option<String>,
    description: Option<String>,
    project: Option<String>,
    workflow: Option<String>,
    expires_at: Option<String>,
    expires_in: Option<String>,
    format: Option<Format>,
    policies: Option<Vec<String>>,
    system: Option<bool>,
    address_ranges: Option<Vec<String>>,
    #[serde(default, deserialize_with = "json::whole")]
    calls_per_minute: Option<u32>,
}

/// The client that asks for a token: what its rate limit and the audit log know it by.
#[derive(Debug, Clone)]
pub struct Client {
    /// The bucket of the client's address.
    pub bucket: String,
    /// Who asked, from where.
    pub requester: Requester,
}

/// `POST /org/tokens`.
///
/// # Errors
/// `Denied`, `Invalid`, `NotFound` for organization, project or workflow, `Conflict` for a live
/// name and where CI jobs alone get tokens, `MintRate`, `MinterRate`, `MintCeiling`, `Unavailable`. No token is active
/// after an error, unless the Ledger stopped answering once it had created one (mint/lost.rs).
pub async fn mint<P>(
    caller: &Caller,
    organization: Option<&str>,
    body: &[u8],
    from: Client,
    config: &Config,
    ports: &P,
) -> Result<Minted>
where
    P: Clock + Entropy + Facts + Ledgers + MintBuckets + Records,
{
    // Authorize first: a caller that cannot create tokens must not learn what is wrong with the
    // body.
    reach(caller, Operation::TokenCreate)?;
    // An empty body creates a token with a generated name (R8).
    let request: MintRequest = read_optional_body(body)?;
    let now = ports.now();
    let expires_at = expiry(
        request.expires_at.as_deref(),
        request.expires_in.as_deref(),
        now,
    )?;
    let description = description(request.description)?;
    let given_policies = request.policies.map(policies).transpose()?;
    let ranges = request.address_ranges.as_deref();
    let asked = conditions::asked(ranges, request.calls_per_minute)?;
    let given_name = request.name.as_deref().map(name).transpose()?;
    let places = (request.project.as_deref(), request.workflow.as_deref());
    within_project(places)?;
    let organization = resolve(caller, organization, ports).await?;
    let scope = scope(&organization, places, ports).await?;
    let conditions = conditioned(caller, asked.as_ref());
    let wish = Wish {
        conditions: conditions.as_deref(),
        scope: &scope,
        policies: given_policies.as_deref(),
        expires_at,
        is_system: request.system.unwrap_or(false),
    };
    let permit = decide(caller, Operation::TokenCreate, Target::NewToken(wish))?;
    organization.hands_out_tokens()?;
    let (policies, granted_end) = granted(caller, &wish);
    // What the creator leaves open the organization decides, within what the creator can give.
    let expires_at = match expires_at {
        Some(_) => granted_end,
        None => lower(granted_end, organization.policy.default_end(now)),
    };
    let fits = organization.policy.check_end(expires_at, now);
    fits.map_err(expiry_refused)?;

    let id = new_token_id(ports)?;
    let mut facts = TokenFacts {
        id,
        name: given_name.unwrap_or_else(|| TokenName::generated(&id)),
        policies,
        scope,
        is_system: request.system.unwrap_or(false),
        expires_at,
        verifier: Verifier::Jwt { signed: None },
        organization: Named {
            id: organization.id,
            name: organization.name.clone(),
        },
        ci_job: None,
        conditions,
        revision: 0,
    };
    let token = secret(
        request.format.unwrap_or(Format::Opaque),
        &mut facts,
        config,
        ports,
    )?;
    let command = MintCommand {
        description,
        created_at: now,
        created_by: caller.provenance(),
        minted_by: caller.token().map(|minter| minter.id),
        ceiling: match caller {
            // Tier 0 is there for one token: two calls at the same time cannot make two (R22).
            Caller::Bootstrap => 1,
            _ => organization.ceiling(config),
        },
        reservation: None,
        requester: from.requester,
        facts,
    };

    let grant = permit.over(&command.facts.organization)?;
    let takes = Takes::From(&from.bucket);
    issue(&grant, &command, takes, caller, config, ports).await?;
    Ok(Minted::new(command, &token))
}

/// What a new token counts against, beside its organization's limit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Takes<'a> {
    /// One is taken from the bucket of this address, and from the creator's.
    From(&'a str),
    /// Both were taken before, and perhaps room under the limit: it stands for what exists already.
    Before(Option<ReservationId>),
}

impl Takes<'_> {
    /// The room that is held for the token.
    pub fn room(self) -> Option<ReservationId> {
        match self {
            Self::From(_) => None,
            Self::Before(room) => room,
        }
    }

    /// Whether nobody has the token unless its creation is answered. Who adopts one has it already.
    fn hands_out(self, command: &MintCommand) -> bool {
        matches!(self, Self::Before(_)) || !command.facts.adopted()
    }
}

/// Takes from the address's bucket, unless that was done, then has the Ledger create the token. The
/// last step of a mint: whatever was refused before it has cost the address nothing.
pub(super) async fn issue<P>(
    grant: &Grant,
    command: &MintCommand,
    takes: Takes<'_>,
    caller: &Caller,
    config: &Config,
    ports: &P,
) -> Result<()>
where
    P: Facts + Ledgers + MintBuckets,
{
    let taken = match takes {
        Takes::From(bucket) => Some(take(bucket, caller, config, ports).await?),
        Takes::Before(_) => None,
    };
    let answer = match ports.send(grant, command).await {
        // Of a pause: nothing was written either.
        Err(refusal @ Error::Denied(_)) => Err(refusal),
        // Whether there is a token now, only the Ledger knows.
        Err(lost @ Error::Unavailable { .. }) => {
            if takes.hands_out(command) {
                take_back(grant, command, ports).await;
            }
            return Err(lost);
        }
        answer => Ok(answer?),
    };
    let refusal = match answer {
        Err(refusal) => refusal,
        Ok(MintAnswer::Minted) => {
            ports.publish(&command.facts);
            return Ok(());
        }
        Ok(MintAnswer::IdTaken { revoked: true }) => Error::Conflict {
            code: "token_revoked",
            detail: "this token has been revoked here, which is final: create another one".into(),
        },
        Ok(MintAnswer::IdTaken { revoked: false }) => Error::Conflict {
            code: "already_adopted",
            detail: "this token is registered already".into(),
        },
        Ok(MintAnswer::FederatedOnly) => federated_only(),
        Ok(MintAnswer::ExpiryRefused(why)) => expiry_refused(why),
        Ok(MintAnswer::NameTaken) => Error::Conflict {
            code: "name_taken",
            detail: "an active token of this organization or project already has this name".into(),
        },
        Ok(MintAnswer::CeilingReached { ceiling }) => Error::MintCeiling { ceiling },
        // What was written stays: nothing is given back for it.
        Ok(MintAnswer::RevokedMeanwhile) => return Err(revoked_meanwhile()),
        Ok(MintAnswer::QuarantinedMeanwhile) => {
            return Err(Error::Conflict {
                code: "quarantined_meanwhile",
                detail: "this token was reported as found in public while it was being \
                         registered: it is quarantined; release or revoke it"
                    .into(),
            });
        }
        Ok(MintAnswer::RecordUnavailable { cause }) => return Err(Error::Unavailable { cause }),
    };
    // Nothing was written: the address gets its take back. If that fails, it waits a little.
    if let Some(taken) = taken {
        taken.give_back(ports).await;
    }
    Err(refusal)
}

/// A token that somebody revoked before it was handed out.
pub(super) fn revoked_meanwhile() -> Error {
    Error::Conflict {
        code: "revoked_meanwhile",
        detail: "the new token was revoked while it was being created, so it is not handed out"
            .into(),
    }
}

/// A fresh random id.
pub(super) fn new_token_id<P: Entropy>(ports: &P) -> Result<TokenId> {
    let mut bytes = [0; 16];
    ports.fill(&mut bytes)?;
    Ok(Id::from_random(bytes))
}

/// Makes the plaintext and sets the facts' verifier to what is kept of it (R2).
pub(super) fn secret<P: Entropy>(
    format: Format,
    facts: &mut TokenFacts,
    config: &Config,
    ports: &P,
) -> Result<Secret> {
    match format {
        Format::Opaque => {
            let mut entropy = zeroize::Zeroizing::new([0; opaque::MINT_ENTROPY]);
            ports.fill(&mut *entropy)?;
            let key = opaque::mint(facts.id, &*entropy, &config.root_keys)
                .map_err(|_| Error::unavailable("entropy without enough usable digits"))?;
            facts.verifier = opaque::verifier(&key, &config.root_keys.pepper);
            Ok(key)
        }
        Format::Jwt => {
            let issued = jwt::issue(facts, &config.token_keys)
                .map_err(|_| Error::unavailable("the claims do not serialize"))?;
            facts.verifier = issued.verifier;
            Ok(issued.token)
        }
    }
}

/// R1: a workflow is one of a project.
fn within_project(places: (Option<&str>, Option<&str>)) -> Result<()> {
    match places {
        (None, Some(_)) => Err(Error::invalid(
            "workflow_without_project",
            "`workflow` needs a `project`: name the project of the workflow too",
        )),
        _ => Ok(()),
    }
}

/// R1: the scope by names or ids, each looked up within the one before.
pub(super) async fn scope<P: Records>(
    organization: &OrganizationRecord,
    places: (Option<&str>, Option<&str>),
    ports: &P,
) -> Result<Scope> {
    within_project(places)?;
    let (Some(project), workflow) = places else {
        return Ok(Scope::Organization);
    };
    let project = find_project(organization.id, project, ports).await?;
    let Some(workflow) = workflow else {
        return Ok(Scope::Project { project });
    };
    let workflow = find_workflow(organization.id, project.id, workflow, ports).await?;
    Ok(Scope::Workflow { project, workflow })
}

pub(super) fn name(text: &str) -> Result<TokenName> {
    TokenName::parse(text)
        .map_err(|error| Error::invalid("name_invalid", format!("`name` {error}")))
}

fn description(text: Option<String>) -> Result<Option<String>> {
    text.as_deref().map(checked_description).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

pub(super) fn checked_description(text: &str) -> Result<()> {
    check_description(text)
        .map_err(|error| Error::invalid("description_invalid", format!("`description` {error}")))
}

pub(super) fn policies(texts: Vec<String>) -> Result<Vec<Policy>> {
    if texts.len() > MAX_POLICIES {
        return Err(Error::invalid(
            "policies_invalid",
            format!("`policies` can name at most {MAX_POLICIES}"),
        ));
    }
    let mut policies = texts
        .iter()
        .map(|text| Policy::parse(text))
        .collect::<core::result::Result<Vec<_>, _>>()
        .map_err(|_| {
            Error::invalid(
                "policies_invalid",
                "`policies` must be texts of the form `resource:action`",
            )
        })?;
    if let Some(unknown) = policies
        .iter()
        .find(|policy| !known_policies::exists(policy))
    {
        return Err(Error::invalid(
            "policy_unknown",
            format!(
                "there is no policy `{unknown}`: the nearest is `{}`",
                known_policies::nearest(unknown)
            ),
        ));
    }
    policies.sort();
    policies.dedup();
    Ok(policies)
}

#[cfg(test)]
mod tests;
