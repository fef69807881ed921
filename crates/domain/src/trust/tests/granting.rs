//! What a job gets, and until when.

use super::*;
use crate::time::Timestamp;

#[test]
fn a_job_gets_what_the_rule_that_counts_gives() {
    let rules = [rule(9, &draft())];
    let at = Timestamp::from_millis;
    let rows = [
        // The rule's 900 s, or the job token's end, whichever is first; in whole seconds.
        (at(10_000_000), at(1_000), Ok(at(901_000))),
        (at(300_999), at(1_500), Ok(at(300_000))),
        (at(10_000_000), at(1_999), Ok(at(901_000))),
        (at(1_000), at(1_000), Err(NoGrant::Ended)),
        (at(1_900), at(1_500), Err(NoGrant::Ended)),
        (at(500), at(1_000), Err(NoGrant::Ended)),
    ];
    for (ends, now, expected) in rows {
        let given = grant(&rules, &job(), ends, now);
        let end = given.as_ref().map(|given| given.ends_at);
        assert_eq!(end.map_err(|why| *why), expected, "{ends:?} {now:?}");
        if let Ok(given) = given {
            assert_eq!(given.rule.id(), rules[0].id());
            assert_eq!(given.facts, JobFacts::of(&job(), rules[0].id()));
        }
    }
}

#[test]
fn a_job_that_meets_no_rule_gets_nothing() {
    let later = Timestamp::from_millis(10_000_000);
    let now = Timestamp::from_millis(1_000);
    let none: [TrustRule; 0] = [];
    assert_eq!(grant(&none, &job(), later, now), Err(NoGrant::NoRule));
    let mut other = draft();
    other.repository_id = ForgeId::parse("75").ok();
    let rules = [rule(9, &other)];
    assert_eq!(grant(&rules, &job(), later, now), Err(NoGrant::NoRule));
}
