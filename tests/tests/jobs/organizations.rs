//! Good jobs before organizations that are not theirs: the token or the request names the organization, and no rule of
//! another one counts.

use postern_system_tests::{life, random_name};
use serde_json::{Value, json};

use crate::hostile::{Tried, nothing_came_of_it};
use crate::support::{GATE, Jobs, assert_refused_bearer, exchanging};

const UNNAMED: &str = "neither the token nor the request names an organization";
const OTHER: &str = "the request names another organization";
const NO_RULE: &str = "the job meets no rule";

/// Who can be asked, by what the token says and by what the request says; and why that opens nothing.
pub async fn try_all(jobs: &Jobs, tried: &mut Tried) {
    let own = jobs.organization().await;
    // Somebody else's rule about the same repository: it must not attract the job.
    let attracting = jobs.organization().await;
    let without_rules = jobs.bare_organization().await;
    let nobody = random_name("nobody");
    let (own_name, theirs) = (Some(&own.name), Some(&attracting.name));
    let empty = Some(&without_rules.name);
    let unknown = Some(&nobody);
    let rows = [
        ("for the gateway, and nobody is named", None, None, UNNAMED),
        ("for ours, theirs is named", own_name, theirs, OTHER),
        ("for theirs, ours is named", theirs, own_name, OTHER),
        (
            "for one that does not exist, ours is named",
            unknown,
            own_name,
            OTHER,
        ),
        (
            "for ours, one that does not exist is named",
            own_name,
            unknown,
            OTHER,
        ),
        ("for one without rules", empty, None, NO_RULE),
        (
            "for the gateway, one without rules is named",
            None,
            empty,
            NO_RULE,
        ),
        ("for one that does not exist", unknown, None, ""),
        (
            "for the gateway, one that does not exist is named",
            None,
            unknown,
            "",
        ),
    ];
    for (what, audience, named, cause) in rows {
        let aud = audience.map_or(GATE.to_owned(), |name| format!("{GATE}/{name}"));
        let asked = json!({ "claims": { "aud": aud } });
        let token = jobs.job(&own, &asked).await;
        let call = exchanging(jobs.gateway(), 0, &token);
        let call = named.map_or(call.clone(), |name| call.organization(name));
        tried.seen.insert(jobs.refused(what, call, cause).await);
        jobs.suite.origin.reset().await;
        let call = life::call(jobs.gateway(), 1, &token);
        let call = named.map_or(call.clone(), |name| call.organization(name));
        assert_refused_bearer(what, &call.send().await);
        jobs.suite.origin.assert_untouched(what).await;
        tried.count += 1;
    }
    assert_eq!(jobs.tokens(&without_rules).await, Vec::<Value>::new());
    for organization in [&own, &attracting] {
        nothing_came_of_it(jobs, organization).await;
    }
}
