//! Trust rules as rows: what is refused when a rule is made, what a job meets, and what is kept of it.

mod choosing;
mod events;
mod granting;
mod issuers;
mod kept;
mod meeting;
mod rules;

use super::*;
use crate::id::{Id, Project};
use crate::policy::Policy;
use crate::scope::{Named, Scope};

/// The issuers of a deployment.
pub(super) fn issuers() -> Issuers {
    let text = "github, gitlab, https://ci.example/oidc, gitlab=https://git.example/gl";
    Issuers::parse(text, Loopback::Refused).expect("issuers")
}

pub(super) fn issuer(name: &str) -> Issuer {
    issuers().named(name).expect("a known one").clone()
}

pub(super) fn number(number: u64) -> ForgeId {
    ForgeId::new(number).expect("an id")
}

pub(super) fn text(text: &str) -> Option<JobText> {
    Some(JobText::parse(text).expect("a text"))
}

pub(super) fn git_ref(text: &str) -> Option<GitRef> {
    Some(GitRef::parse(text).expect("a reference"))
}

pub(super) fn project() -> Scope {
    Scope::Project { project: shop() }
}

fn shop() -> Named<Project> {
    Named {
        id: Id::from_u128(2),
        name: "shop".to_owned(),
    }
}

pub(super) fn workflow() -> Scope {
    Scope::Workflow {
        project: shop(),
        workflow: Named {
            id: Id::from_u128(3),
            name: "release".to_owned(),
        },
    }
}

pub(super) fn gives(scope: Scope, life: Option<u32>) -> Gives {
    let policy = Policy::parse("workflow_run:create").expect("a policy");
    Gives::new(scope, vec![policy], life).expect("something")
}

/// A rule about the repository of [`job`].
pub(super) fn draft() -> RuleDraft {
    RuleDraft {
        issuer: "github".to_owned(),
        repository: Some("acme/shop".to_owned()),
        repository_id: Some(number(74)),
        repository_owner_id: Some(number(65)),
        ..RuleDraft::default()
    }
}

/// A rule about the project of [`gitlab_job`].
pub(super) fn gitlab_draft() -> RuleDraft {
    RuleDraft {
        issuer: "gitlab".to_owned(),
        project_id: Some(number(20)),
        namespace_id: Some(number(72)),
        ..RuleDraft::default()
    }
}

pub(super) fn rule(id: u128, draft: &RuleDraft) -> TrustRule {
    TrustRule::new(Id::from_u128(id), draft, gives(project(), None), &issuers()).expect("a rule")
}

/// A push to the main branch of a repository of GitHub.
pub(super) fn job() -> Job {
    let identity = Identity::Repository {
        repository_id: number(74),
        repository_owner_id: number(65),
    };
    Job {
        repository: text("acme/shop"),
        owner: text("acme"),
        workflow: text("acme/shop/.github/workflows/release.yml@refs/heads/main"),
        job_workflow: text("acme/shop/.github/workflows/release.yml@refs/heads/main"),
        environment: text("Production"),
        git_ref: git_ref("refs/heads/main"),
        ref_protected: Some(true),
        event: text("push"),
        run_id: Some(number(1234)),
        run_attempt: Some(number(2)),
        commit: Some(Commit::parse(&"0f".repeat(20)).expect("a commit")),
        actor: text("octocat"),
        actor_id: Some(number(12)),
        runner_environment: text("github-hosted"),
        ..Job::new(issuer("github"), identity)
    }
}

/// A push to the main branch of a project of GitLab.
pub(super) fn gitlab_job(name: &str, place: &str) -> Job {
    let identity = Identity::Project {
        project_id: number(20),
        namespace_id: number(72),
    };
    Job {
        repository: text("acme/team/shop"),
        owner: text("acme/team"),
        workflow: text(&format!(
            "{place}/acme/team/shop//.gitlab-ci.yml@refs/heads/main"
        )),
        environment: text("production"),
        environment_protected: Some(true),
        git_ref: git_ref("refs/heads/main"),
        ref_protected: Some(true),
        event: text("push"),
        run_id: Some(number(574)),
        job_id: Some(number(302)),
        ..Job::new(issuer(name), identity)
    }
}
