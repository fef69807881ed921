//! What calls of tokens have come to, as it travels (R49): isolates report it behind answers, and it
//! is read by day, with the last calls that were refused.
//!
//! An isolate reports in batches that it numbers, one at a time for each Ledger: so a batch that comes
//! again is known.

use serde::{Deserialize, Serialize};

use postern_domain::id::{ReporterId, TokenId};
use postern_domain::time::Timestamp;

use crate::Command;

/// Most tokens of one batch. More that wait go with the next.
pub const MAX_REPORTED_TOKENS: usize = 500;
/// Most refused calls of one batch that are told one by one; the counts tell of all.
pub const MAX_REPORTED_REFUSALS: usize = 50;
/// Most callers of a token.
pub const MAX_CALLERS: usize = 10;
/// How many refused calls of an organization are kept.
pub const KEPT_REFUSALS: usize = 200;
/// Longest user agent, in characters; longer ones are cut.
pub const MAX_USER_AGENT: usize = 200;

/// As much of a text as is kept of a user agent.
pub fn shortened(text: String) -> String {
    match text.char_indices().nth(MAX_USER_AGENT) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// Take in what calls have come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityCommand {
    /// Who reports.
    pub reporter: ReporterId,
    /// The number of the batch: a batch that the Ledger has taken is not taken again.
    pub batch: u64,
    /// What calls of each token have come to.
    pub tokens: Vec<TokenActivity>,
    /// The last of them that were refused, oldest first.
    pub refused: Vec<RefusedCall>,
    /// Credentials that were refused before any organization was known. Told to the object that
    /// belongs to none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offline: u64,
}

/// What calls of a token have come to since it was last told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenActivity {
    /// Which token.
    pub token: TokenId,
    /// How many went to the origin and got an answer, or were carried out: its uses (R13).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub allowed: u64,
    /// When the last of these ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// How many the origin did not answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub origin_trouble: u64,
    /// How many were refused, by the code of the refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<(String, u64)>,
    /// From where calls came that were not refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callers: Vec<CallerActivity>,
}

/// From where a token was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerActivity {
    /// The client's address, where it is known.
    pub address: Option<String>,
    /// Its `User-Agent`, cut.
    pub user_agent: Option<String>,
    /// When the last call came.
    pub last_at: Timestamp,
    /// How many calls came.
    pub calls: u64,
}

/// A call that was refused. Nothing in it is written by the caller but the user agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedCall {
    /// When.
    pub at: Timestamp,
    /// Which call or route, where that was known.
    pub operation: Option<String>,
    /// The code of the refusal.
    pub reason: String,
    /// Of which token.
    pub token: TokenId,
    /// The client's address, where it is known.
    pub address: Option<String>,
    /// The id that the gateway gave the request.
    pub request_id: String,
    /// Its `User-Agent`, cut.
    pub user_agent: Option<String>,
}

/// Tell what calls have come to. It writes what was counted first, and changes nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadActivityCommand {
    /// Of which token; `None` = of all.
    pub token: Option<TokenId>,
    /// Of how many days, today included.
    pub days: u32,
    /// Whether system tokens are none for who asks: their refused calls and names are left out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hides_system: bool,
}

/// What calls have come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityRecord {
    /// Each of the days, oldest first.
    pub days: Vec<DayActivity>,
    /// The last calls that were refused, newest first.
    pub recent: Vec<RefusedCall>,
    /// The tokens with most refused calls on these days, most first.
    pub most_refused: Vec<(TokenId, u64)>,
    /// The last callers of the token that was named, last first.
    pub callers: Vec<CallerActivity>,
    /// What the tokens are called that are told of, as far as they are known.
    pub tokens: Vec<NamedToken>,
}

/// What calls of one day have come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayActivity {
    /// Since 1970, in UTC.
    pub day: i64,
    /// How many were allowed.
    pub allowed: u64,
    /// How many the origin did not answer.
    pub origin_trouble: u64,
    /// How many were refused, by the code of the refusal.
    pub refused: Vec<(String, u64)>,
    /// Credentials that were refused before any organization was known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offline: u64,
}

/// What a token is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedToken {
    /// Which.
    pub id: TokenId,
    /// Its name.
    pub name: String,
    /// The beginning of its text, as lists show it.
    pub prefix: String,
}

impl Command for ActivityCommand {
    const NAME: &'static str = "activity";
    type Answer = ();
}

impl Command for ReadActivityCommand {
    const NAME: &'static str = "read-activity";
    /// `None` = the Ledger has no such token.
    type Answer = Option<ActivityRecord>;
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(truth: &bool) -> bool {
    !*truth
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
