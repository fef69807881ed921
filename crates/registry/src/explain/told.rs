//! What is told of a decision.

use serde::Serialize;

use super::Sent;
use crate::error::Error;

/// What would be decided, and on what.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// As it was asked.
    pub operation: String,
    /// Whether the call would be allowed.
    pub allowed: bool,
    /// Why not, in the words that the call itself would get.
    pub refusal: Option<Refusal>,
    /// Who asks.
    pub caller: Subject,
    /// `None` for an operation that no table has.
    pub needs: Option<Needs>,
    /// `None` where the question names no run, or the operation has none to do with one.
    pub run: Option<Run>,
    /// The credential that would go to the origin in place of the caller's; `None` where none would,
    /// or the caller's own.
    pub upstream: Option<Sent>,
}

/// A denial.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The stable code.
    pub code: &'static str,
    /// The sentence.
    pub detail: String,
}

/// Whom the decision is about.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The way in.
    pub tier: &'static str,
    /// The id of the token.
    pub token: Option<String>,
    /// The name of the organization.
    pub organization: Option<String>,
    /// Names; both `None` for an organization-level token.
    pub project: Option<String>,
    /// The workflow of its scope.
    pub workflow: Option<String>,
}

/// What the operation asks of a caller.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// `open`, `token`, `person` or `administrator`.
    pub access: &'static str,
    /// All of them.
    pub policies: Vec<Needed>,
    /// What a token for a project or a workflow may do with it: `any`, `named`, `confined` or
    /// `denied`.
    pub narrow: &'static str,
}

/// A policy that is needed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// The policy.
    pub policy: &'static str,
    /// Whether the caller holds it.
    pub held: bool,
}

/// The run that the question names.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Whether the gateway has seen it. One that it has not, it would ask the origin for.
    pub known: bool,
    /// Whose run it is: only for who may make the call, because who may not learns that by no call.
    pub project: Option<String>,
    /// The name of its workflow.
    pub workflow: Option<String>,
}

impl Explanation {
    /// What the call would be refused for all the same. Who may not make it learns of no run by it.
    pub(super) fn refuse(&mut self, error: &Error) {
        self.allowed = false;
        self.refusal = Some(Refusal {
            code: error.code(),
            detail: error.public(),
        });
        if let Some(run) = &mut self.run {
            run.project = None;
            run.workflow = None;
        }
    }
}
