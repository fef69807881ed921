//! The header that tells callers when their token ends, once that is near: `Postern-Token-Expires`.

use postern_domain::caller::Caller;
use postern_domain::time::Timestamp;
use postern_wire::rfc3339;

/// The header.
pub const TOKEN_EXPIRES: &str = "postern-token-expires";

/// From how long before its end a token's answers tell it, in milliseconds: 14 days.
pub const NEAR_MS: i64 = 14 * 86_400_000;

/// When the caller's token ends, as the header says it, where that is near. The token of a CI job ends
/// with its job, which is no news to anybody.
pub fn near(caller: &Caller, now: Timestamp) -> Option<String> {
    let facts = caller.token().filter(|facts| facts.ci_job.is_none())?;
    let end = facts.expires_at?;
    (end.since(now) <= NEAR_MS).then(|| rfc3339::print(end))
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use postern_domain::scope::Scope;
    use postern_domain::testing::facts;
    use postern_domain::token::TokenFacts;

    use super::*;

    #[test]
    fn an_end_is_told_fourteen_days_before() {
        let at = Timestamp::from_millis;
        let rows = [
            (None, None),
            (Some(NEAR_MS), Some("1970-01-15T00:00:00Z")),
            (Some(NEAR_MS + 1), None),
            (Some(1_000), Some("1970-01-01T00:00:01Z")),
        ];
        for (end, told) in rows {
            let token = TokenFacts {
                expires_at: end.map(at),
                ..facts(7, Scope::Organization)
            };
            let found = near(&Caller::Token(Rc::new(token)), at(0));
            assert_eq!(found.as_deref(), told, "{end:?}");
        }
        assert_eq!(near(&Caller::Administrator(None), at(0)), None);
    }
}
