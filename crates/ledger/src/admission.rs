//! The question whether a token is active, and what an isolate is told so that it need not ask each
//! time.

use serde::{Deserialize, Serialize};

use postern_domain::decide::RunFacts;
use postern_domain::id::{RunId, TokenId, WorkflowId};
use postern_domain::token::{Signed, TokenFacts};

use crate::calls::GivenCalls;
use crate::lease::{Claim, Delta};
use crate::upstream::{GivenUpstream, UpstreamQuery};

/// What a credential is asked about for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To look at the token, which does not count as a use (R13).
    Look,
    /// To manage something: the Ledger is asked, whatever this isolate knows (R40).
    Manage,
    /// To call the origin: what the isolate was told will do, while a lease lasts (R41).
    Forward,
}

/// What the gateway asks about a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmitQuery {
    /// The token that the credential is of.
    pub token: TokenId,
    /// Ask for the facts too: this isolate has not seen the token yet.
    pub facts: bool,
    /// Ask which workflow a run belongs to.
    pub run: Option<RunId>,
    /// Ask for the origin's id of the workflow that the token is for.
    pub pin: bool,
    /// With that: the id that a run of the token has shown. A token for one workflow is bound to it
    /// where it is bound to none yet, and the answer says to which it is.
    pub shown: Option<WorkflowId>,
    /// Whether this is a use of the token (R13), or only a look at it.
    pub counts: bool,
    /// Ask for what has changed, and for a lease: the answer may be repeated then, where the token
    /// has no end ahead (R41).
    pub claim: Option<Claim>,
    /// Ask which upstream credential is sent in its place.
    pub upstream: Option<UpstreamQuery>,
    /// The revision of the facts that this isolate knows; 0 where it knows none. The answer has the
    /// facts where the token's are of another one.
    pub revision: u32,
    /// Ask for calls of a token that may make only so many a minute (R53).
    pub calls: bool,
}

impl AdmitQuery {
    /// The question whether a token is active, and nothing else.
    pub fn look(token: TokenId) -> Self {
        Self {
            token,
            facts: false,
            run: None,
            pin: false,
            shown: None,
            counts: false,
            claim: None,
            upstream: None,
            revision: 0,
            calls: false,
        }
    }
}

/// Whether a token lives. INVARIANT (only the Ledger says that it lives): no other store answers
/// this question, and an isolate repeats the Ledger's answer only for calls to the origin, only
/// while a lease lasts, and only while it knows of no change (`postern_gate`'s `leases`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Liveness {
    /// It can be used now.
    Live,
    /// It was revoked or quarantined, or has been rotated out.
    Revoked,
    /// The Ledger has no such token, or one that is pending; or it is expired by its row.
    Unknown,
}

/// The Ledger's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admission {
    /// Whether the token is active. Where it is not, nothing below is there.
    pub liveness: Liveness,
    /// Where they were asked for, or are of another revision than the asker knows.
    #[serde(default)]
    pub facts: Option<TokenFacts>,
    /// Where it was asked for, and the Ledger knows the run.
    #[serde(default)]
    pub run: Option<RunFacts>,
    /// The origin's id of the workflow that the token is for; where it or a run was asked about.
    #[serde(default)]
    pub pin: Option<WorkflowId>,
    /// What has changed, where there was a claim and the token is active without an end ahead: the
    /// copy may keep it.
    #[serde(default)]
    pub delta: Option<Delta>,
    /// The upstream credential, where it was asked for and there is one.
    #[serde(default)]
    pub upstream: Option<GivenUpstream>,
    /// Whether its organization is paused (R53): then the token is refused all the same, once it is
    /// proven, and nothing but its facts is told. A gateway that does not know the member refuses the
    /// answer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub paused: bool,
    /// The calls that the asker may let through, where it asked for some and the token has a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<GivenCalls>,
}

impl Admission {
    /// The usual answer: it lives, and nothing else was asked.
    pub const LIVE: Self = Self {
        liveness: Liveness::Live,
        facts: None,
        run: None,
        pin: None,
        delta: None,
        upstream: None,
        paused: false,
        calls: None,
    };

    /// The revision of the token's facts that this is about, for who knows those of one.
    pub fn revision(&self, known: u32) -> u32 {
        self.facts.as_ref().map_or(known, |facts| facts.revision)
    }
}

/// Bind a token of an earlier release, whose facts do not say what was signed, to this. The first
/// word stands; the answer is the token's facts as they are then.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BindCommand {
    /// A JWT of an earlier release.
    pub token: TokenId,
    /// The `kid` and the SHA-256 of what was signed, as the gateway verified them.
    pub signed: Signed,
}
