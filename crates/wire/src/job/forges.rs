//! Jobs of the forges: which claims each one's tokens have. `sub` is read of other issuers only, and never
//! taken apart.

use postern_domain::trust::{Commit, ForgeId, GitRef, Identity, Issuer, Job, JobText, NoText};

use super::claims::{ClaimFault, Claims};

/// A job of GitHub Actions.
pub(super) fn github(issuer: Issuer, claims: Claims<'_>) -> Result<Job, ClaimFault> {
    let identity = Identity::Repository {
        repository_id: claims.required("repository_id", ForgeId::parse)?,
        repository_owner_id: claims.required("repository_owner_id", ForgeId::parse)?,
    };
    let repository = claims.required("repository", JobText::parse)?;
    let owner = claims.required("repository_owner", JobText::parse)?;
    let name = repository.as_str().strip_prefix(owner.as_str());
    let name = name.and_then(|rest| rest.strip_prefix('/'));
    if name.is_none_or(|name| name.is_empty() || name.contains('/')) {
        return Err(ClaimFault::Contradiction(
            "`repository` and `repository_owner`",
        ));
    }
    Ok(Job {
        repository: Some(repository),
        owner: Some(owner),
        workflow: claims.parsed("workflow_ref", JobText::parse)?,
        job_workflow: claims.parsed("job_workflow_ref", JobText::parse)?,
        environment: claims.parsed("environment", JobText::parse)?,
        git_ref: claims.parsed("ref", GitRef::parse)?,
        ref_protected: claims.flag("ref_protected")?,
        event: Some(claims.required("event_name", JobText::parse)?),
        run_id: Some(claims.required("run_id", ForgeId::parse)?),
        run_attempt: claims.parsed("run_attempt", ForgeId::parse)?,
        commit: claims.parsed("sha", Commit::parse)?,
        actor: claims.parsed("actor", JobText::parse)?,
        actor_id: claims.parsed("actor_id", ForgeId::parse)?,
        runner_environment: claims.parsed("runner_environment", JobText::parse)?,
        ..Job::new(issuer, identity)
    })
}

/// Sources of GitLab's pipelines for which `ref` is the name of the branch that somebody wants to merge, of
/// whatever project, or may be: a child pipeline does not say what began its parent. A fork has a branch
/// `main` too, so such a name is no Git reference of the project.
const SOURCE_OF_ANOTHER: [&str; 3] = [
    "merge_request_event",
    "external_pull_request_event",
    "parent_pipeline",
];

/// A job of GitLab CI.
pub(super) fn gitlab(issuer: Issuer, claims: Claims<'_>) -> Result<Job, ClaimFault> {
    let identity = Identity::Project {
        project_id: claims.required("project_id", ForgeId::parse)?,
        namespace_id: claims.required("namespace_id", ForgeId::parse)?,
    };
    same_id(
        claims,
        ["project_id", "job_project_id"],
        "`project_id` and `job_project_id`",
    )?;
    same_id(
        claims,
        ["namespace_id", "job_namespace_id"],
        "`namespace_id` and `job_namespace_id`",
    )?;
    let repository = claims.required("project_path", JobText::parse)?;
    let owner = claims.required("namespace_path", JobText::parse)?;
    let name = repository.as_str().strip_prefix(owner.as_str());
    let name = name.and_then(|rest| rest.strip_prefix('/'));
    if name.is_none_or(|name| name.is_empty() || name.contains('/')) {
        return Err(ClaimFault::Contradiction(
            "`project_path` and `namespace_path`",
        ));
    }
    let event = claims.required("pipeline_source", JobText::parse)?;
    let own = !SOURCE_OF_ANOTHER.contains(&event.as_str());
    let (git_ref, protected) = (full_ref(claims)?, claims.flag("ref_protected")?);
    Ok(Job {
        repository: Some(repository),
        owner: Some(owner),
        workflow: claims.parsed("ci_config_ref_uri", JobText::parse)?,
        environment: claims.parsed("environment", JobText::parse)?,
        environment_protected: claims.flag("environment_protected")?,
        git_ref: git_ref.filter(|_| own),
        ref_protected: protected.filter(|_| own),
        event: Some(event),
        run_id: Some(claims.required("pipeline_id", ForgeId::parse)?),
        job_id: claims.parsed("job_id", ForgeId::parse)?,
        commit: claims.parsed("sha", Commit::parse)?,
        actor: claims.parsed("user_login", JobText::parse)?,
        actor_id: claims.parsed("user_id", ForgeId::parse)?,
        runner_environment: claims.parsed("runner_environment", JobText::parse)?,
        ..Job::new(issuer, identity)
    })
}

/// Refuses a token whose job runs in another project than the one that the token is about. Older tokens do
/// not say where the job runs.
fn same_id(
    claims: Claims<'_>,
    [told, own]: [&'static str; 2],
    both: &'static str,
) -> Result<(), ClaimFault> {
    let told = claims.parsed(told, ForgeId::parse)?;
    match claims.parsed(own, ForgeId::parse)? {
        Some(own) if Some(own) != told => Err(ClaimFault::Contradiction(both)),
        Some(_) | None => Ok(()),
    }
}

/// GitLab's reference in full: it writes name and type.
fn full_ref(claims: Claims<'_>) -> Result<Option<GitRef>, ClaimFault> {
    let (Some(name), Some(kind)) = (claims.text("ref")?, claims.text("ref_type")?) else {
        return Ok(None);
    };
    let folder = match kind.as_str() {
        "branch" => "heads",
        "tag" => "tags",
        _ => return Err(ClaimFault::Text("ref_type", NoText::Form)),
    };
    let full = GitRef::parse(&format!("refs/{folder}/{name}"));
    full.map(Some)
        .map_err(|fault| ClaimFault::Text("ref", fault))
}

/// A job of any other issuer.
pub(super) fn other(issuer: Issuer, claims: Claims<'_>) -> Result<Job, ClaimFault> {
    let subject = claims.exact("sub", JobText::parse)?;
    Ok(Job::new(issuer, Identity::Subject { subject }))
}
