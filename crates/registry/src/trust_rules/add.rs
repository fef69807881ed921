//! Adding a trust rule. INVARIANT (no rule widens): what it gives lies within what its author could give
//! as a token, for as long as the rule stands.

use super::{RuleView, body, ci, permit, refused};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::mint::scope;
use crate::organization::{issuer_not_trusted, resolve};
use crate::ports::{Entropy, Ledgers, Records};
use crate::registry::new_id;
use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Denial, Target, Wish, conditioned, decide, granted};
use postern_domain::id;
use postern_domain::operation::Operation;
use postern_domain::trust::{Gives, TrustRule};
use postern_ledger::{AddTrustRuleAnswer, AddTrustRuleCommand, TrustRuleState};

/// `POST /org/trust-rules`. The rule counts for jobs from then on.
///
/// # Errors
/// `Denied`, also for what the author could not give as a token; `Invalid`, `NotFound` for organization,
/// project or workflow; `Conflict` where job tokens are off, another rule asks the same, or there are too
/// many; `Unavailable`.
pub async fn add<P>(
    caller: &Caller,
    organization: Option<&str>,
    (body, requester): (&[u8], Requester),
    config: &Config,
    ports: &P,
) -> Result<RuleView>
where
    P: Entropy + Ledgers + Records,
{
    let permit = permit(caller, Operation::TrustRuleAdd)?;
    let asked = body::read(body)?;
    let issuers = &ci(config)?.issuers;
    let organization = resolve(caller, organization, ports).await?;
    let places = (Some(asked.project.as_str()), asked.workflow.as_deref());
    let scope = scope(&organization, places, ports).await?;
    let gives = Gives::new(scope, asked.policies, asked.life_seconds);
    let gives = gives.map_err(|why| refused(&why))?;
    // Where the author can use its own token, and as often.
    let gives = gives.under(conditioned(caller, None));
    within(caller, &gives)?;
    let id = new_id::<id::TrustRule, _>(None, ports)?;
    let rule = TrustRule::new(id, &asked.draft, gives, issuers).map_err(|why| refused(&why))?;
    let command = AddTrustRuleCommand {
        organization: organization.id,
        rule,
        created_by: caller.provenance(),
        requester,
    };
    if !organization.policy.trusts(command.rule.issuer().url()) {
        return Err(issuer_not_trusted());
    }
    let grant = permit.over(&organization.named())?;
    match ports.send(&grant, &command).await? {
        AddTrustRuleAnswer::Added { at } => Ok(TrustRuleState {
            rule: command.rule,
            created_at: at,
            created_by: command.created_by,
        }
        .into()),
        AddTrustRuleAnswer::AsksTheSame { rule } => Err(Error::Conflict {
            code: "trust_rule_taken",
            detail: format!(
                "the trust rule `{rule}` asks exactly the same of jobs, whatever it gives: one of the \
                 two would never count; remove it first, or ask for something else"
            ),
        }),
        AddTrustRuleAnswer::IssuerNotTrusted => Err(issuer_not_trusted()),
        AddTrustRuleAnswer::TooMany { limit } => Err(Error::Conflict {
            code: "trust_rule_limit_reached",
            detail: format!("the organization has {limit} trust rules, the most: remove one"),
        }),
    }
}

/// Whether the author could give this as a token. A rule has no end, so whoever has one cannot add any:
/// its tokens would outlive all that the author could mint (R18).
fn within(caller: &Caller, gives: &Gives) -> Result<()> {
    let wish = Wish {
        scope: gives.scope(),
        policies: Some(gives.policies()),
        expires_at: None,
        is_system: false,
        conditions: gives.token_conditions(),
    };
    decide(caller, Operation::TokenCreate, Target::NewToken(wish))?;
    match granted(caller, &wish).1 {
        None => Ok(()),
        Some(_) => Err(Denial::RuleLifetime.into()),
    }
}
