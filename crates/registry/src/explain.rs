//! What would be decided: a dry run of `decide` for the holder of a credential, with what it was
//! decided on. It makes no decision of its own, hands out no permit, and explains only the
//! credential that was presented.

mod sent;
mod told;

use std::net::IpAddr;
use std::rc::Rc;

use serde::Deserialize;

use super::authenticate::{About, Admitted, Presented, admit};
use super::body::BodyRead;
use super::config::Config;
use super::error::{Error, Result};
use super::ports::{Clock, Facts, Isolate, Ledgers};
use super::registry::read_body;
use postern_domain::caller::Caller;
use postern_domain::decide::{CallNames, Denial, Permit, RunFacts, RunNamed, Target, decide, open};
use postern_domain::id::{RunId, WorkflowId};
use postern_domain::operation::{Managed, Operation, Requirements};
use postern_domain::policy::covers;
use postern_domain::rpc::{Access, Narrow, ORIGIN_PREFIX};
use postern_domain::token::TokenFacts;
use postern_gate::KnownToken;
use postern_gate::rest::served;
use postern_ledger::Purpose;
use sent::{Named, sent};

pub use sent::Sent;
pub use told::{Explanation, Needed, Needs, Refusal, Run, Subject};

/// Longest name of an operation that is looked up, in bytes.
const MAX_NAME: usize = 200;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// `Service/Method`, with or without the origin's prefix; a REST route as its table writes it;
    /// or the name of an operation of the registry, such as `token.revoke`.
    operation: String,
    project: Option<String>,
    workflow: Option<String>,
    run: Option<String>,
}

/// Explains what would be decided on the question in `body`. To ask is a use of the token (R13).
///
/// # Errors
/// As for the call itself where the credential is refused; `Invalid` for a wrong question.
pub async fn explain<P>(
    presented: &Rc<Presented>,
    (body, address): (&[u8], Option<IpAddr>),
    read: BodyRead,
    known: &mut Option<KnownToken>,
    config: &Config,
    ports: &P,
) -> Result<Explanation>
where
    P: Clock + Facts + Isolate + Ledgers,
{
    let question: Question = read_body(body)?;
    if question.operation.len() > MAX_NAME {
        return Err(Error::invalid(
            "body_invalid",
            format!("`operation` has more than {MAX_NAME} bytes"),
        ));
    }
    let run = question.run.as_deref().map(RunId::parse_any).transpose();
    let run = run.map_err(|_| Error::invalid("run_id_invalid", "`run` must be a UUID"))?;
    let operation = operation(&question.operation, config);
    if let (Some(Operation::Rpc(rpc)), None) = (operation, run)
        && rpc.identity.run.is_some()
        && rpc.identity.digest.is_none()
    {
        return Err(Error::invalid(
            "run_id_invalid",
            "the call names a workflow run: give `run`",
        ));
    }
    let about = run.map_or(About::Nothing, About::Run);
    // Whatever the call is, the answer rests on what the Ledger says now.
    let look = (Purpose::Look, address);
    let admitted = admit(presented, about, look, read, known, ports).await;
    let admitted = match admitted {
        Err(Error::Denied(paused @ Denial::OrganizationPaused)) => {
            return stopped(presented, question, operation, paused, ports).await;
        }
        admitted => admitted?,
    };
    let names = (question.project.clone(), question.workflow.clone());
    let mut explanation = answer(question, operation, run, (&admitted, config));
    // What the token's conditions refuse, the call would be refused for before anything else, unless it
    // needs no credential. To ask is a call of the token too.
    let has_conditions = |facts: &Rc<TokenFacts>| facts.conditions.is_some();
    let asks = operation.is_none_or(|operation| !is_open(operation));
    if asks && admitted.caller.token().is_some_and(has_conditions) {
        let manage = (Purpose::Manage, address);
        match admit(presented, About::Nothing, manage, read, known, ports).await {
            // A pause may have begun in between: it stops the call too.
            Err(
                error @ (Error::AddressNotAllowed
                | Error::CallsExceeded { .. }
                | Error::Denied(Denial::OrganizationPaused)),
            ) => {
                explanation.refuse(&error);
            }
            allowed => drop(allowed?),
        }
    }
    let goes = operation.filter(|operation| names_run(*operation) && explanation.allowed);
    if let Some(facts) = admitted.caller.token()
        && let Some(operation) = goes.filter(|_| config.is_upstream())
    {
        let named = Named::by(operation, names, run.zip(admitted.run.as_deref()));
        match sent(facts, named, ports).await? {
            Ok(sent) => explanation.upstream = Some(sent),
            Err(reach) => {
                explanation.refuse(&Error::UpstreamMissing { reach });
            }
        }
    }
    Ok(explanation)
}

/// The answer where the organization is paused: no call of its tokens is allowed, whatever it is. The
/// token was proven before that was said of it.
async fn stopped<P: Facts>(
    presented: &Presented,
    question: Question,
    operation: Option<Operation>,
    paused: Denial,
    ports: &P,
) -> Result<Explanation> {
    let facts = match presented.token() {
        Some(token) => ports.facts(token).await?,
        None => None,
    };
    let facts = facts.ok_or_else(|| Error::unavailable("no facts of a token that was proven"))?;
    let caller = Caller::Token(Rc::new(facts));
    Ok(Explanation {
        allowed: false,
        refusal: Some(Refusal {
            code: paused.code(),
            detail: paused.public(),
        }),
        caller: subject(&caller),
        needs: operation.map(|operation| needs(operation, managed(&question), &caller)),
        run: None,
        upstream: None,
        operation: question.operation,
    })
}

fn answer(
    question: Question,
    operation: Option<Operation>,
    run: Option<RunId>,
    (admitted, config): (&Admitted, &Config),
) -> Explanation {
    let Admitted { caller, pin, .. } = admitted;
    // What no run is named to has nothing to say of one.
    let run = run.filter(|_| operation.is_some_and(names_run));
    let found = admitted.run.as_deref();
    let decided = match operation {
        Some(operation) => decided(operation, &question, (run, found, *pin), (caller, config)),
        None => Err(Denial::Operation),
    };
    let shown = found.filter(|_| decided.is_ok());
    Explanation {
        allowed: decided.is_ok(),
        refusal: decided.err().map(|denial| Refusal {
            code: denial.code(),
            detail: denial.public(),
        }),
        caller: subject(caller),
        needs: operation.map(|operation| needs(operation, managed(&question), caller)),
        run: run.map(|_| Run {
            known: found.is_some(),
            project: shown.map(|run| run.project.clone()),
            workflow: shown.map(|run| run.workflow.clone()),
        }),
        upstream: None,
        operation: question.operation,
    }
}

/// The operations of the registry that can be asked about, by the names that audit rows have.
/// Revoking one's own token is left out: every holder may.
fn explained() -> impl Iterator<Item = Operation> {
    let all = Operation::REGISTRY.into_iter();
    all.filter(|known| *known != Operation::TokenRevokeOwn)
}

/// The operation of that name, among those that this deployment serves.
fn operation(name: &str, config: &Config) -> Option<Operation> {
    let path = match name.starts_with(ORIGIN_PREFIX) {
        true => name.to_owned(),
        false => format!("{ORIGIN_PREFIX}{name}"),
    };
    let managed = || explained().find(|known| known.name() == name);
    let route = || served(config).find(|route| route.name == name);
    config
        .rpc(&path)
        .map(Operation::Rpc)
        .or_else(managed)
        .or_else(|| route().map(Operation::Route))
}

/// Whether a run that the question names is part of the decision.
fn names_run(operation: Operation) -> bool {
    operation.requirements().is_some() && !is_open(operation)
}

/// Whether everybody may make the call, without a credential.
fn is_open(operation: Operation) -> bool {
    operation
        .requirements()
        .is_some_and(|needs| needs.access == Access::Open)
}

/// The kind of tokens that the question is about, where it is about tokens.
fn managed(question: &Question) -> Managed {
    match question.project.is_some() {
        true => Managed::ProjectTokens,
        false => Managed::OrganizationTokens,
    }
}

type Looked<'a> = (Option<RunId>, Option<&'a RunFacts>, Option<WorkflowId>);

/// The decision itself, as the call would meet it.
fn decided(
    operation: Operation,
    question: &Question,
    (run, found, pin): Looked<'_>,
    (caller, config): (&Caller, &Config),
) -> core::result::Result<Permit, Denial> {
    let Some(requirements) = operation.requirements() else {
        let managed = managed(question);
        // What no policy opens is about the registry itself.
        let target = match operation.policies(managed) {
            None => Target::Registry,
            Some(_) => Target::Tokens(managed),
        };
        return decide(caller, operation, target);
    };
    if requirements.access == Access::Open {
        return open(operation);
    }
    let names = CallNames::named(question.project.as_deref(), question.workflow.as_deref());
    let run = match (run, found) {
        (None, _) => RunNamed::Open,
        (Some(_), None) => RunNamed::Unknown,
        (Some(_), Some(run)) => RunNamed::Known { run, pin },
    };
    let target = Target::Call {
        names: &names,
        run,
        own_credential: !config.is_upstream(),
    };
    decide(caller, operation, target)
}

fn subject(caller: &Caller) -> Subject {
    let facts = caller.token();
    let scope = facts.map(|facts| &facts.scope);
    Subject {
        tier: caller.tier(),
        token: facts.map(|facts| facts.id.to_string()),
        organization: facts.map(|facts| facts.organization.name.clone()),
        project: scope.and_then(|scope| Some(scope.project()?.name.clone())),
        workflow: scope.and_then(|scope| Some(scope.workflow()?.name.clone())),
    }
}

fn needs(operation: Operation, managed: Managed, caller: &Caller) -> Needs {
    let policies = |names: &'static [&'static str]| {
        let holds = |name| {
            caller
                .token()
                .is_some_and(|facts| covers(&facts.policies, name))
        };
        let needed = names.iter().map(|name| Needed {
            policy: name,
            held: holds(name),
        });
        needed.collect()
    };
    match operation.requirements() {
        Some(Requirements {
            access,
            policies: names,
            narrow,
            people: _,
        }) => Needs {
            access: match access {
                Access::Open => "open",
                Access::Token => "token",
                Access::Person => "person",
                Access::Closed => "closed",
            },
            policies: policies(names),
            narrow: match narrow {
                Narrow::Any => "any",
                Narrow::Named => "named",
                Narrow::Confined => "confined",
                Narrow::Denied => "denied",
            },
        },
        // R15, R17: tokens are managed by organization-level tokens; the registry by none.
        None => Needs {
            access: match operation.policies(managed) {
                Some(_) => "token",
                None => "administrator",
            },
            policies: policies(operation.policies(managed).unwrap_or_default()),
            narrow: "denied",
        },
    }
}

#[cfg(test)]
mod tests;
