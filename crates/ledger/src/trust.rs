//! Trust rules for CI jobs as they travel (R47): added, removed, told; and the exchange of a verified job
//! for a token, decided by them.

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::id::{Organization, OrganizationId, TokenId, TrustRuleId};
use postern_domain::scope::Named;
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_domain::trust::{Job, TrustRule};

use crate::Command;

/// Most trust rules of an organization.
pub const MAX_TRUST_RULES: u32 = 200;
/// Most tokens that one rule gives within an hour.
pub const MAX_RULE_TOKENS: u32 = 1_000;
/// Most tokens that all rules of an organization give within an hour.
pub const MAX_CI_TOKENS: u32 = 5_000;

/// Add a rule. It is never changed: it is removed, and another one added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddTrustRuleCommand {
    /// Whose it is.
    pub organization: OrganizationId,
    /// The rule, under an id of its own.
    pub rule: TrustRule,
    /// Who adds it, as lists name creators.
    pub created_by: String,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AddTrustRuleAnswer {
    /// It counts from now on.
    Added {
        /// Since when.
        at: Timestamp,
    },
    /// Another rule asks exactly the same: one of the two would never count.
    AsksTheSame {
        /// That rule.
        rule: TrustRuleId,
    },
    /// The organization has too many.
    TooMany {
        /// The limit.
        limit: u32,
    },
    /// The organization does not trust the issuer (R53).
    IssuerNotTrusted,
}

/// Remove a rule, and revoke every token that it gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveTrustRuleCommand {
    /// Whose it is.
    pub organization: OrganizationId,
    /// Which.
    pub rule: TrustRuleId,
    /// Who asked, for the events.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RemoveTrustRuleAnswer {
    /// It counts no more, and nothing that it gave is accepted for a call that begins from now on.
    Removed {
        /// When.
        at: Timestamp,
        /// How many tokens were revoked with it.
        revoked: u32,
    },
    /// There is none of this id.
    Unknown,
}

/// Tell the rules, oldest first. It changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListTrustRulesCommand {}

/// The rules of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRules {
    /// Those that count.
    pub rules: Vec<TrustRuleState>,
    /// Those that are stored and cannot be read, as one of a later release: they do not count.
    #[serde(default)]
    pub unread: Vec<TrustRuleId>,
    /// The URLs of the issuers whose rules count; `None` = all (R53).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trusted_issuers: Option<Vec<String>>,
}

impl TrustRules {
    /// Whether rules about the issuer of this URL count.
    pub fn trusts(&self, issuer: &str) -> bool {
        let trusted = self.trusted_issuers.as_ref();
        trusted.is_none_or(|urls| urls.iter().any(|url| url == issuer))
    }
}

/// A rule that counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRuleState {
    /// The rule.
    pub rule: TrustRule,
    /// When it was added.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// Give a verified job the token that a rule allows, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeCommand {
    /// To which organization the job was presented.
    pub organization: Named<Organization>,
    /// The id of the token: no other job token has it there.
    pub token: TokenId,
    /// The job.
    pub job: Job,
    /// When the job token ends.
    pub ends_at: Timestamp,
    /// What proves the token. An opaque key's, or a JWT's that is yet to be signed and bound: the job token is
    /// exchanged, which succeeds once. What was signed of the job token itself: it is shown as it is, and
    /// finds its token when it comes again.
    pub verifier: Verifier,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExchangeAnswer {
    /// The token, active.
    Given(Box<TokenFacts>),
    /// None: the job meets no rule.
    NoRule,
    /// None: the organization does not trust the issuer (R53).
    IssuerNotTrusted,
    /// None: the organization is paused (R53). The job meets a rule.
    Paused,
    /// None: it would have ended already, or has.
    Ended,
    /// None: its job token was presented before, in the other way or signed otherwise; or exchanged.
    Used,
    /// None: it was revoked or quarantined.
    Revoked,
    /// None: too many were given within an hour.
    TooMany {
        /// The limit: of the rule, or of the organization.
        limit: u32,
        /// In how many seconds there is room again, at most.
        retry_after_seconds: u32,
    },
    /// D1 did not take the record: no token was made, and the job token can be presented again.
    RecordUnavailable {
        /// Why D1 did not take it, for the log.
        cause: String,
    },
}

impl Command for AddTrustRuleCommand {
    const NAME: &'static str = "add-trust-rule";
    type Answer = AddTrustRuleAnswer;
}

impl Command for RemoveTrustRuleCommand {
    const NAME: &'static str = "remove-trust-rule";
    type Answer = RemoveTrustRuleAnswer;
}

impl Command for ListTrustRulesCommand {
    const NAME: &'static str = "list-trust-rules";
    type Answer = TrustRules;
}

impl Command for ExchangeCommand {
    const NAME: &'static str = "exchange";
    type Answer = ExchangeAnswer;
}
