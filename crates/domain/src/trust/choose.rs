//! Which of an organization's rules counts for a job, and for its people, why the others do not.

use core::cmp::Reverse;

use super::job::{Identity, Job};
use super::meets::{Unmet, meets};
use super::rule::TrustRule;
use crate::scope::Scope;

/// The rule that counts for a job, of those that it meets.
///
/// The rule with the most conditions wins; of several with as many, one that gives a workflow wins over one
/// that gives a project, then the one with the shorter life, then the one with fewer policies, then the one
/// with the lower id. Events are a condition only where none of them needs to be named
/// ([`Conditions::count`](super::Conditions::count)).
///
/// The id makes the choice the same in every order of the rules. Two rules that ask the same are
/// refused when the second is made ([`TrustRule::asks_the_same`]); two that ask as many different things
/// can both be met, and then the one that gives less counts.
pub fn choose<'r>(
    rules: impl IntoIterator<Item = &'r TrustRule>,
    job: &Job,
) -> Option<&'r TrustRule> {
    let met = rules.into_iter().filter(|rule| meets(rule, job).is_ok());
    met.min_by_key(|rule| {
        let gives = rule.gives();
        (
            Reverse(rule.conditions().count(rule.issuer().forge())),
            !matches!(gives.scope(), Scope::Workflow { .. }),
            gives.longest_life_seconds(),
            gives.policies().len(),
            rule.id().as_u128(),
        )
    })
}

/// What became of one rule: for the organization's own people, never for who presents a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained<'r> {
    /// The rule.
    pub rule: &'r TrustRule,
    /// The first condition that the job does not meet; `None` = it meets all.
    pub unmet: Option<Unmet>,
    /// What the rule asks there; empty where it meets all.
    pub wanted: String,
    /// What the token says there; empty where it says nothing.
    pub found: String,
    /// Whether this is the rule that counts.
    pub chosen: bool,
}

/// What became of each rule, in their order.
pub fn explain<'r>(rules: &'r [TrustRule], job: &Job) -> Vec<Explained<'r>> {
    let chosen = choose(rules, job).map(TrustRule::id);
    rules
        .iter()
        .map(|rule| {
            let unmet = meets(rule, job).err();
            let (wanted, found) =
                unmet.map_or_else(Default::default, |unmet| texts(unmet, rule, job));
            Explained {
                rule,
                unmet,
                wanted,
                found,
                chosen: chosen == Some(rule.id()),
            }
        })
        .collect()
}

/// What a rule asks, and what the job's token says there.
fn texts(unmet: Unmet, rule: &TrustRule, job: &Job) -> (String, String) {
    let wanted = rule.conditions().draft();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let told = |text: &Option<super::text::JobText>| {
        text.as_ref()
            .map(|text| text.as_str().to_owned())
            .unwrap_or_default()
    };
    match unmet {
        Unmet::Issuer => (rule.issuer().to_string(), job.issuer.to_string()),
        Unmet::Repository | Unmet::Owner | Unmet::Subject => {
            (shown(rule.identity()), shown(&job.identity))
        }
        Unmet::Workflow => (text(wanted.workflow.as_deref()), told(&job.workflow)),
        Unmet::ReusableWorkflow => (
            text(wanted.reusable_workflow.as_deref()),
            told(&job.job_workflow),
        ),
        Unmet::Environment => (text(wanted.environment.as_deref()), told(&job.environment)),
        Unmet::UnprotectedEnvironment => ("a protected one".to_owned(), told(&job.environment)),
        Unmet::Ref | Unmet::UnprotectedRef => {
            let found = job.git_ref.as_ref().map(|name| name.as_str());
            let protected = Some("a protected one").filter(|_| unmet == Unmet::UnprotectedRef);
            let wanted = protected.or(wanted.git_ref.as_deref());
            (text(wanted), text(found))
        }
        Unmet::Event | Unmet::OutsideEvent => (wanted.events.join(", "), told(&job.event)),
    }
}

fn shown(identity: &Identity) -> String {
    match identity {
        Identity::Repository {
            repository_id,
            repository_owner_id,
        } => format!("repository {repository_id} of owner {repository_owner_id}"),
        Identity::Project {
            project_id,
            namespace_id,
        } => format!("project {project_id} of namespace {namespace_id}"),
        Identity::Subject { subject } => subject.as_str().to_owned(),
    }
}
