//! CI jobs and trust rules, for tests (R47).

use postern_domain::id::Id;
use postern_domain::policy::Policy;
use postern_domain::scope::{Named, Scope};
use postern_domain::testing::{project, workflow};
use postern_domain::time::Timestamp;
use postern_domain::token::{Signed, Verifier};
use postern_domain::trust::{
    ConditionsDraft, ForgeId, GitRef, Gives, Identity, Issuers, Job, JobText, Loopback, RuleDraft,
    TrustRule,
};

use super::requester;
use crate::{AddTrustRuleCommand, ExchangeCommand, RemoveTrustRuleCommand};

fn issuers() -> Issuers {
    Issuers::parse("github", Loopback::Refused).expect("an issuer")
}

fn number(number: u64) -> ForgeId {
    ForgeId::new(number).expect("an id")
}

/// A job of a repository of GitHub, pushed to its branch `main`.
pub fn job(repository: u64) -> Job {
    let issuer = issuers().named("github").expect("a known one").clone();
    let identity = Identity::Repository {
        repository_id: number(repository),
        repository_owner_id: number(65),
    };
    Job {
        repository: JobText::parse("acme/shop").ok(),
        git_ref: GitRef::parse("refs/heads/main").ok(),
        event: JobText::parse("push").ok(),
        run_id: Some(number(1234)),
        ..Job::new(issuer, identity)
    }
}

/// The rule of this id about the jobs of a repository, on one reference if it is named. It gives the
/// workflow of these tests, or, on a reference, the project.
pub fn trust_rule(id: u128, repository: u64, git_ref: Option<&str>) -> TrustRule {
    let draft = RuleDraft {
        issuer: "github".to_owned(),
        repository: Some("acme/shop".to_owned()),
        repository_id: Some(number(repository)),
        repository_owner_id: Some(number(65)),
        conditions: ConditionsDraft {
            git_ref: git_ref.map(str::to_owned),
            ..ConditionsDraft::default()
        },
        ..RuleDraft::default()
    };
    let scope = match git_ref {
        Some(_) => Scope::Project { project: project() },
        None => Scope::Workflow {
            project: project(),
            workflow: workflow(),
        },
    };
    let policy = Policy::parse("workflow_run:create").expect("a policy");
    let gives = Gives::new(scope, vec![policy], None).expect("something");
    TrustRule::new(Id::from_u128(id), &draft, gives, &issuers()).expect("a rule")
}

/// An order for a rule.
pub fn add(rule: TrustRule) -> AddTrustRuleCommand {
    AddTrustRuleCommand {
        organization: Id::from_u128(1),
        rule,
        created_by: "admin-token".to_owned(),
        requester: requester(),
    }
}

/// The order to remove one.
pub fn remove(rule: u128) -> RemoveTrustRuleCommand {
    RemoveTrustRuleCommand {
        organization: Id::from_u128(1),
        rule: Id::from_u128(rule),
        requester: requester(),
    }
}

/// A job token, presented for an opaque key in its place. It ends an hour after 0.
pub fn exchange(token: u128, job: Job) -> ExchangeCommand {
    ExchangeCommand {
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        token: Id::from_u128(token),
        job,
        ends_at: Timestamp::from_millis(3_600_000),
        verifier: Verifier::Opaque {
            pepper: "k1".to_owned(),
            hash: "00".to_owned(),
        },
        requester: requester(),
    }
}

/// The same token, shown as it is.
pub fn bearer(token: u128, job: Job) -> ExchangeCommand {
    ExchangeCommand {
        verifier: Verifier::Jwt {
            signed: Some(Signed {
                kid: "https://token.actions.githubusercontent.com".to_owned(),
                digest: format!("{token:064x}"),
            }),
        },
        ..exchange(token, job)
    }
}
