//! The question whether a token is active, and what an isolate is told so that it need not ask each
//! time.

use serde::{Deserialize, Serialize};

use postern_domain::decide::RunFacts;
use postern_domain::id::{RunId, TokenId, WorkflowId};
use postern_domain::rpc::Effect;
use postern_domain::time::Timestamp;
use postern_domain::token::{Signed, TokenFacts};

/// What a credential is asked about for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To look at the token, which does not count as a use (R13).
    Look,
    /// To do something that changes things: the Ledger is asked, whatever this isolate knows.
    Write,
    /// To do something that changes nothing: where the configuration sets a bound, an answer that
    /// the isolate got lately is enough.
    Read,
}

impl From<Effect> for Purpose {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Read => Self::Read,
            Effect::Write => Self::Write,
        }
    }
}

/// What the gateway asks about a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdmitQuery {
    /// The token that the credential is of.
    pub token: TokenId,
    /// Ask for the facts too: this isolate has not seen the token yet.
    pub facts: bool,
    /// Ask which workflow a run belongs to.
    pub run: Option<RunId>,
    /// Ask for the origin's id of the workflow that the token is for.
    pub pin: bool,
    /// Whether this is a use of the token (R13), or only a look at it.
    pub counts: bool,
    /// Ask for the version of the revocation log too.
    pub version: bool,
}

/// Whether a token is active. INVARIANT (only the Ledger says that it lives): no other store answers
/// this question, and an isolate repeats the Ledger's answer only for reads, only within the bound
/// that the configuration sets, and only while it knows of no change (`domain::revocation`).
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
pub struct Admission {
    /// Whether the token is active. Where it is not, nothing below is there.
    pub liveness: Liveness,
    /// Where they were asked for.
    #[serde(default)]
    pub facts: Option<TokenFacts>,
    /// Where it was asked for, and the Ledger knows the run.
    #[serde(default)]
    pub run: Option<RunFacts>,
    /// The origin's id of the workflow that the token is for; where it or a run was asked about.
    #[serde(default)]
    pub pin: Option<WorkflowId>,
    /// The version of the revocation log, where it was asked for and the token lives without an
    /// end ahead.
    #[serde(default)]
    pub version: Option<i64>,
}

impl Admission {
    /// The usual answer: it lives, and nothing else was asked.
    pub const LIVE: Self = Self {
        liveness: Liveness::Live,
        facts: None,
        run: None,
        pin: None,
        version: None,
    };
}

/// Bind a token of an earlier release, whose facts do not say what was signed, to this. The first
/// word stands; the answer is the token's facts as they are then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BindCommand {
    /// A JWT of an earlier release.
    pub token: TokenId,
    /// The `kid` and the SHA-256 of what was signed, as the gateway verified them.
    pub signed: Signed,
}

/// Ask which tokens have changed since a version (the answer is a `domain::revocation::Delta`), and
/// report uses that the isolate admitted without a question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SyncCommand {
    /// The version that the isolate has.
    pub since: i64,
    /// Token, number of uses, time of the last one.
    pub uses: Vec<(TokenId, i64, Timestamp)>,
}
