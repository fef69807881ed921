//! What a rule asks of a job besides its identity: file of the workflow, reusable workflow, environment,
//! Git reference, event. Each narrows the rule; none stands in for the identity, because each consists of
//! names.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use super::issuer::Forge;
use super::text::{GitRef, JobText};

/// Most events that a rule names.
pub const MAX_EVENTS: usize = 16;
/// Longest name of an event, in bytes.
const MAX_EVENT: usize = 64;
/// Longest file of a workflow with its folders, in bytes.
const MAX_FILE: usize = 255;

/// The events of a forge that count where a rule names none. Only people with write access begin runs by
/// them. Every other event counts only where a rule names it, also one that a forge invents later.
///
/// GitHub's tokens do not tell a pull request of a fork from one of the repository itself: `repository` and
/// its ids are the base repository's either way. Its runs get no token for the pull request of a fork,
/// unless a private repository is set up to give them one; `pull_request_target` and `workflow_run` run
/// with the rights of the base repository, and anybody who may comment, open an issue, fork or star begins
/// `issue_comment`, `issues`, `fork` and `watch`. GitLab's tokens for the merge request of a fork have the
/// ids of the fork since 18.2.2, and had the target's before; a child pipeline does not say what began its
/// parent.
pub fn unnamed_events(forge: Forge) -> &'static [&'static str] {
    match forge {
        Forge::GitHub => &[
            "push",
            "release",
            "create",
            "workflow_dispatch",
            "repository_dispatch",
            "schedule",
            "deployment",
            "merge_group",
        ],
        Forge::GitLab => &[
            "push", "web", "webide", "api", "trigger", "schedule", "pipeline",
        ],
        // Other issuers do not tell it.
        Forge::Other => &[],
    }
}

/// Conditions as people write them. One that is there must have a value: a template whose variable is not set
/// writes `null`, and would make a rule without the condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConditionsDraft {
    /// The file that the run begins with, in the same repository: `release.yml` or
    /// `.github/workflows/release.yml`; for GitLab the path of the file.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// The file that the job is written in, in any repository, in one version:
    /// `acme/pipelines/.github/workflows/build.yml@refs/tags/v1`, or a commit behind the `@`. GitHub has it.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub reusable_workflow: Option<String>,
    /// The environment. GitHub compares names without case, and so does this for the letters of ASCII; GitLab
    /// does not.
    #[serde(deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Whether the environment must be protected. GitLab has it.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub protected_environment: bool,
    /// The Git reference in full, `refs/heads/main`.
    #[serde(
        rename = "ref",
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub git_ref: Option<String>,
    /// Whether the Git reference must be protected. GitHub's tokens say so of every branch that any rule of
    /// the repository is about, and of no tag: beside it, [`git_ref`](Self::git_ref) or
    /// [`environment`](Self::environment) must be there.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub protected_ref: bool,
    /// The events that may begin the run; none = those of [`unnamed_events`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
}

/// Reads a condition that is there: `null` is refused.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Conditions that were read. Made by [`Conditions::parse`] alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    pub(super) workflow: Option<String>,
    pub(super) reusable_workflow: Option<Reusable>,
    pub(super) environment: Option<JobText>,
    pub(super) protected_environment: bool,
    pub(super) git_ref: Option<GitRef>,
    pub(super) protected_ref: bool,
    pub(super) events: Vec<String>,
}

/// A file of GitHub that jobs of other workflows are written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reusable {
    /// `owner/repository`, in lower case.
    pub(super) repository: String,
    /// `.github/workflows/build.yml`.
    pub(super) file: String,
    /// The reference or commit that it must be of.
    pub(super) version: String,
}

/// Why conditions were refused. The sentences follow the name of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionError {
    /// The issuer's tokens say nothing of it.
    NotClaimed(&'static str),
    /// The file of the workflow is none.
    Workflow,
    /// The reusable workflow is none, or has no version.
    ReusableWorkflow,
    /// The environment is empty, too long, or cannot be shown.
    Environment,
    /// The Git reference is none, or none in full.
    Ref,
    /// GitHub: that the reference is protected is asked, and neither which one nor an environment.
    ProtectedRefAlone,
    /// An event is none.
    Event,
    /// There are too many events.
    TooManyEvents,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotClaimed(what) => write!(f, "`{what}`: tokens of this issuer do not tell it; leave it out"),
            Self::Workflow => f.write_str(
                "`workflow`: must be the file alone, such as `release.yml`, or for GitLab its path; without \
                 repository, `@` and wildcards, and ending in `.yml` or `.yaml`",
            ),
            Self::ReusableWorkflow => f.write_str(
                "`reusable_workflow`: must be `owner/repository/.github/workflows/file.yml` and its version, \
                 `@refs/tags/v1` or `@` and a commit: anybody who may push a branch there can write another \
                 file of that name; it has no wildcards",
            ),
            Self::Environment => f.write_str("`environment`: must be a name that can be shown; it has no wildcards"),
            Self::Ref => f.write_str(
                "`ref`: must be in full, such as `refs/heads/main` or `refs/tags/v1`; it has no wildcards",
            ),
            Self::ProtectedRefAlone => f.write_str(
                "`protected_ref`: add `ref` or `environment`; GitHub calls any branch protected that a ruleset is \
                 about, so this alone narrows little",
            ),
            Self::Event => f.write_str("`events`: each must be of lower case letters, digits and `_`"),
            Self::TooManyEvents => write!(f, "`events`: must be at most {MAX_EVENTS}"),
        }
    }
}

impl Conditions {
    /// Reads conditions on the jobs of a forge.
    ///
    /// # Errors
    /// The first one that is wrong.
    pub fn parse(draft: &ConditionsDraft, forge: Forge) -> Result<Self, ConditionError> {
        claimed(draft, forge)?;
        let alone = draft.git_ref.is_none() && draft.environment.is_none();
        if forge == Forge::GitHub && draft.protected_ref && alone {
            return Err(ConditionError::ProtectedRefAlone);
        }
        let environment = draft.environment.as_deref().map(|name| match forge {
            Forge::GitHub => JobText::parse(&name.to_ascii_lowercase()),
            Forge::GitLab | Forge::Other => JobText::parse(name),
        });
        let environment = environment
            .transpose()
            .map_err(|_| ConditionError::Environment)?;
        if environment
            .as_ref()
            .is_some_and(|name| name.as_str().contains('*'))
        {
            return Err(ConditionError::Environment);
        }
        let git_ref = draft.git_ref.as_deref().map(GitRef::parse);
        let workflow = draft.workflow.as_deref().map(|text| file(text, forge));
        let reusable = draft.reusable_workflow.as_deref().map(Reusable::parse);
        Ok(Self {
            workflow: workflow
                .map(|file| file.ok_or(ConditionError::Workflow))
                .transpose()?,
            reusable_workflow: reusable
                .map(|file| file.ok_or(ConditionError::ReusableWorkflow))
                .transpose()?,
            environment,
            protected_environment: draft.protected_environment,
            git_ref: git_ref.transpose().map_err(|_| ConditionError::Ref)?,
            protected_ref: draft.protected_ref,
            events: events(&draft.events)?,
        })
    }

    /// How many narrow the rule: what it is more specific by. Events do only where each of them would count
    /// unnamed; one that would not widens the rule.
    pub fn count(&self, forge: Forge) -> usize {
        let unnamed = unnamed_events(forge);
        let narrow = |event: &String| unnamed.contains(&event.as_str());
        [
            self.workflow.is_some(),
            self.reusable_workflow.is_some(),
            self.environment.is_some(),
            self.protected_environment,
            self.git_ref.is_some(),
            self.protected_ref,
            !self.events.is_empty() && self.events.iter().all(narrow),
        ]
        .into_iter()
        .filter(|there| *there)
        .count()
    }

    /// As people write them: what is kept, and read again.
    pub fn draft(&self) -> ConditionsDraft {
        ConditionsDraft {
            workflow: self.workflow.clone(),
            reusable_workflow: self.reusable_workflow.as_ref().map(ToString::to_string),
            environment: self
                .environment
                .as_ref()
                .map(|name| name.as_str().to_owned()),
            protected_environment: self.protected_environment,
            git_ref: self.git_ref.as_ref().map(|name| name.as_str().to_owned()),
            protected_ref: self.protected_ref,
            events: self.events.clone(),
        }
    }
}

/// Refuses conditions that no token of the forge can meet.
fn claimed(draft: &ConditionsDraft, forge: Forge) -> Result<(), ConditionError> {
    let given = [
        ("workflow", draft.workflow.is_some(), forge == Forge::Other),
        (
            "reusable_workflow",
            draft.reusable_workflow.is_some(),
            forge != Forge::GitHub,
        ),
        (
            "environment",
            draft.environment.is_some(),
            forge == Forge::Other,
        ),
        (
            "protected_environment",
            draft.protected_environment,
            forge != Forge::GitLab,
        ),
        ("ref", draft.git_ref.is_some(), forge == Forge::Other),
        ("protected_ref", draft.protected_ref, forge == Forge::Other),
        ("events", !draft.events.is_empty(), forge == Forge::Other),
    ];
    let wrong = given
        .into_iter()
        .find(|(_, given, unknown)| *given && *unknown);
    wrong.map_or(Ok(()), |(name, _, _)| Err(ConditionError::NotClaimed(name)))
}

fn events(named: &[String]) -> Result<Vec<String>, ConditionError> {
    if named.len() > MAX_EVENTS {
        return Err(ConditionError::TooManyEvents);
    }
    let character = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let event =
        |name: &String| (1..=MAX_EVENT).contains(&name.len()) && name.bytes().all(character);
    if !named.iter().all(event) {
        return Err(ConditionError::Event);
    }
    let mut events = named.to_vec();
    events.sort_unstable();
    events.dedup();
    Ok(events)
}

const FOLDER: &str = ".github/workflows/";

/// A file in full; `None` where the text is no file that a run can begin with.
fn file(text: &str, forge: Forge) -> Option<String> {
    JobText::parse(text).ok()?;
    let forbidden = |c: char| c.is_whitespace() || "@*?\\:".contains(c);
    let part = |part: &str| !["", ".", ".."].contains(&part);
    let named = text
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'));
    let is_yaml =
        named.is_some_and(|(name, end)| !name.is_empty() && ["yml", "yaml"].contains(&end));
    // GitLab's own default is hidden: nothing but the dot stands in front of its name.
    let whole = is_yaml && text.len() <= MAX_FILE && text.split('/').all(part);
    if !whole || text.chars().any(forbidden) {
        return None;
    }
    match forge {
        Forge::GitLab => Some(text.to_owned()),
        Forge::GitHub => {
            let name = text.strip_prefix(FOLDER).unwrap_or(text);
            (!name.contains('/')).then(|| format!("{FOLDER}{name}"))
        }
        Forge::Other => None,
    }
}

impl Reusable {
    fn parse(text: &str) -> Option<Self> {
        JobText::parse(text).ok()?;
        let (place, version) = text.split_once('@')?;
        if !is_version(version) {
            return None;
        }
        let (owner, rest) = place.split_once('/')?;
        let (repository, path) = rest.split_once('/')?;
        let character = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let name = |name: &str| !name.is_empty() && name.bytes().all(character);
        if !name(owner) || !name(repository) || !path.starts_with(FOLDER) {
            return None;
        }
        Some(Self {
            repository: format!("{owner}/{repository}").to_ascii_lowercase(),
            file: file(path, Forge::GitHub)?,
            version: version.to_owned(),
        })
    }

    /// Whether a `job_workflow_ref` is of this file.
    pub(super) fn is(&self, claimed: &str) -> bool {
        // Names of repositories have no `@`, and a file of this name has none either: what follows the
        // first one is the version. A file with `@` in its name is another one.
        let Some((place, version)) = claimed.split_once('@') else {
            return false;
        };
        let at = place.len().checked_sub(self.file.len() + 1);
        let parts = at.and_then(|at| place.split_at_checked(at));
        parts.is_some_and(|(repository, rest)| {
            repository.eq_ignore_ascii_case(&self.repository)
                && rest.strip_prefix('/') == Some(&self.file)
                && version == self.version
        })
    }
}

impl fmt::Display for Reusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.repository, self.file, self.version)
    }
}

/// Whether a text is what forges write behind `@`: a reference in full, or a commit.
pub(super) fn is_version(text: &str) -> bool {
    GitRef::parse(text).is_ok() || super::text::Commit::parse(text).is_ok()
}
