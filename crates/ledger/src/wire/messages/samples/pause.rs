//! Messages about pauses, and about what new tokens must keep to.

use postern_domain::audit::Changes;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::organization::{ExpiryRefusal, OrganizationPolicy, Pause};

use super::super::{Message, answer, command};
use crate::testing::{at, requester};
use crate::{
    AddTrustRuleAnswer, AddTrustRuleCommand, ExchangeAnswer, ExchangeCommand, LimitsAnswer,
    LimitsCommand, ListTrustRulesCommand, MintAnswer, MintCommand, PauseAnswer, PauseCommand,
    PolicyCommand, ResumeAnswer, ResumeCommand, RotateAnswer, RotateCommand, TrustRules,
};

/// What new tokens must keep to, with everything that it can have.
pub(super) fn policy() -> OrganizationPolicy {
    OrganizationPolicy {
        max_lifetime_days: 90,
        default_expires_in: Some(3_600),
        trusted_issuers: Some(vec!["https://ci.example".to_owned()]),
    }
}

pub(super) fn paused() -> Pause {
    Pause {
        at: at(1_000),
        by: "admin-token".to_owned(),
        reason: Some("a leak".to_owned()),
    }
}

pub(super) fn all() -> Vec<Message> {
    let organization = Id::from_u128(1);
    let policy_command = |policy| PolicyCommand {
        limits: LimitsCommand {
            organization,
            mint_ceiling: Some(10),
            max_idle_days: 9,
            on_leak: OnLeak::Quarantine,
            changes: Changes::new(),
            requester: requester(),
        },
        federated_only: true,
        policy,
    };
    let pause = |reason: Option<&str>| PauseCommand {
        organization,
        reason: reason.map(str::to_owned),
        paused_by: "admin-token".to_owned(),
        respond_async: false,
        requester: requester(),
    };
    let late = ExpiryRefusal::TooLate { max_days: 90 };
    vec![
        command(&policy_command(policy())),
        command(&policy_command(OrganizationPolicy::default())),
        answer::<PolicyCommand>(&LimitsAnswer::Changed),
        command(&pause(Some("a leak"))),
        command(&pause(None)),
        answer::<PauseCommand>(&PauseAnswer::Paused {
            pause: paused(),
            final_in_ms: 12,
        }),
        command(&ResumeCommand {
            organization,
            requester: requester(),
        }),
        answer::<ResumeCommand>(&ResumeAnswer::Resumed { at: at(1_000) }),
        answer::<ResumeCommand>(&ResumeAnswer::NotPaused),
        answer::<MintCommand>(&MintAnswer::ExpiryRefused(late)),
        answer::<MintCommand>(&MintAnswer::ExpiryRefused(ExpiryRefusal::Missing)),
        answer::<RotateCommand>(&RotateAnswer::ExpiryRefused(late)),
        answer::<AddTrustRuleCommand>(&AddTrustRuleAnswer::IssuerNotTrusted),
        answer::<ListTrustRulesCommand>(&TrustRules {
            trusted_issuers: policy().trusted_issuers,
            ..TrustRules::default()
        }),
        answer::<ExchangeCommand>(&ExchangeAnswer::IssuerNotTrusted),
        answer::<ExchangeCommand>(&ExchangeAnswer::Paused),
    ]
}
