//! Why a caller may not: one word and one sentence for each reason.

/// Why an authenticated caller may not. The public sentences are the origin's own where it has
/// one for the case, so that clients need not learn a second set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The caller has no right to this operation at all (R15, R17).
    Operation,
    /// The call is about the origin's own tokens, which no token of this registry manages.
    OriginTokens,
    /// The session's person is no member of the organization that the call names (R23).
    NotAMember,
    /// The request names a project that the token is not for.
    OtherProject {
        /// The token's own project.
        project: String,
    },
    /// The request names a workflow that the token is not for (R31).
    OtherWorkflowName,
    /// The run belongs to a workflow that the token is not for (R30).
    OtherWorkflow,
    /// The request names another organization than the token's (R1).
    OtherOrganization,
    /// The request does not say that it keeps to the token's project or workflow (R30).
    NotConfined,
    /// The origin has a new workflow under the name that the token is for, or none.
    WorkflowReplaced,
    /// Neither the gateway nor the origin knows the run (R32).
    UnknownRun,
    /// An organization-level token minted without naming a project (R16).
    ProjectRequired,
    /// An organization-level token touched another one (R16).
    OrganizationToken {
        /// What was tried.
        verb: &'static str,
    },
    /// A system token, which is there for administrators only (R10): answered as unknown.
    Hidden,
    /// Only administrators make system tokens (R10).
    SystemToken,
    /// The creator does not hold what the new token would get (R18).
    PolicyNotHeld {
        /// The policy.
        policy: String,
    },
    /// The creator expires before the new token would (R18).
    Lifetime,
    /// The author of a trust rule expires, and the rule does not (R47).
    RuleLifetime,
    /// The token to release would outlive the caller's.
    ReleaseLifetime,
    /// The token to release can be used from addresses, or more often, than the caller's.
    ReleaseConditions,
    /// The new token could be used from other addresses than its creator, or more often (R53).
    Conditions,
    /// A token to adopt does not say whose it is: only who stands above organizations can (R39).
    Unclaimed,
    /// A token of the origin's own that is not registered here (R43).
    UnknownOriginToken,
    /// The organization is paused: nothing is done for its tokens, and none is created (R53).
    OrganizationPaused,
}

impl Denial {
    /// The sentence for the client.
    pub fn public(&self) -> String {
        match self {
            Self::Operation => "operation not allowed".to_owned(),
            Self::OriginTokens => "operation not allowed: the gateway can neither limit nor audit \
                                   the origin's own API tokens, so none is managed through it: \
                                   create tokens at `POST /org/tokens`"
                .to_owned(),
            Self::NotAMember => {
                "operation not allowed: the user is not a member of this organization".to_owned()
            }
            Self::OtherProject { project } => format!(
                "operation not allowed: This auth token is valid only with the project \"{project}\""
            ),
            Self::OtherWorkflowName => "API token is workflow-scoped and cannot create or look \
                                        up other workflows"
                .to_owned(),
            Self::OtherWorkflow => "API token is scoped to a different workflow".to_owned(),
            Self::OtherOrganization => "operation not allowed: the request names another \
                                        organization than the token's"
                .to_owned(),
            Self::NotConfined => "operation not allowed: the request must name the project and, \
                                  for a workflow-scoped token, the workflow that the token is for"
                .to_owned(),
            Self::WorkflowReplaced => {
                "API token is scoped to a workflow that was deleted; if there \
                                       is one of this name, it is new: create a token for it"
                    .to_owned()
            }
            Self::UnknownRun => "operation not allowed: no such workflow run in the token's \
                                 organization"
                .to_owned(),
            Self::ProjectRequired => {
                "org-level API tokens must specify a project when creating new tokens".to_owned()
            }
            Self::OrganizationToken { verb } => {
                format!("org-level API tokens cannot {verb} org-level tokens")
            }
            Self::Hidden => "no such token".to_owned(),
            Self::SystemToken => {
                "only an administrator can create, change or revoke a system token".to_owned()
            }
            Self::PolicyNotHeld { policy } => {
                format!("a token cannot hand out a policy that it does not hold: `{policy}`")
            }
            Self::Lifetime => {
                "a token cannot create one that outlives it: give an earlier expiry".to_owned()
            }
            Self::RuleLifetime => {
                "a token that expires cannot add a trust rule, which gives tokens \
                                   until it is removed: use one that does not expire, a session, \
                                   or an administrator key"
                    .to_owned()
            }
            Self::Conditions => {
                "a token cannot create one that can be used from other addresses, or more often, \
                 than itself: give narrower conditions"
                    .to_owned()
            }
            Self::ReleaseLifetime => {
                "a token cannot release one that outlives it: use a token that \
                                      expires later, a session, or an administrator key"
                    .to_owned()
            }
            Self::ReleaseConditions => {
                "a token cannot release one that can be used from other addresses, or more often, \
                 than itself: use a token without conditions, a session, or an administrator key"
                    .to_owned()
            }
            Self::Unclaimed => "the token names no organization: only an administrator can say \
                                whose it is"
                .to_owned(),
            Self::UnknownOriginToken => {
                "operation not allowed: no token of the origin with this id is registered here: \
                 adopt it first, or revoke it at the origin itself"
                    .to_owned()
            }
            Self::OrganizationPaused => super::super::organization::PAUSED.to_owned(),
        }
    }

    /// The stable word for problem documents and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Operation => "operation_not_allowed",
            Self::OriginTokens => "origin_tokens",
            Self::NotAMember => "not_a_member",
            Self::OtherProject { .. } => "other_project",
            Self::OtherWorkflowName | Self::OtherWorkflow => "other_workflow",
            Self::OtherOrganization => "other_organization",
            Self::NotConfined => "not_confined",
            Self::WorkflowReplaced => "workflow_replaced",
            Self::UnknownRun => "unknown_run",
            Self::ProjectRequired => "project_required",
            Self::OrganizationToken { .. } => "organization_token",
            Self::Hidden => "not_found",
            Self::SystemToken => "system_token",
            Self::PolicyNotHeld { .. } => "policy_not_held",
            Self::Lifetime | Self::RuleLifetime | Self::ReleaseLifetime => "lifetime_exceeded",
            Self::Conditions | Self::ReleaseConditions => "conditions_exceeded",
            Self::Unclaimed => "organization_unclaimed",
            Self::UnknownOriginToken => "origin_token_unknown",
            Self::OrganizationPaused => "organization_paused",
        }
    }
}
