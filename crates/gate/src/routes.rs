//! `ROUTES`: the table of routes.toml, or of the file that POSTERN_ROUTES named at build.

use postern_domain::route::{Answers, Place, Route, Segment, Source};
use postern_domain::rpc::{Access, Effect, Narrow};

include!(concat!(env!("OUT_DIR"), "/routes.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use postern_domain::policy::{Policy, defaults};
    use postern_domain::route::{ARTIFACT_DOWNLOAD, BUILT_IN};
    use postern_domain::scope::Scope;

    #[test]
    fn policies_of_every_route_are_policies() {
        for route in BUILT_IN.iter().chain(ROUTES) {
            for policy in route.policies {
                assert!(Policy::parse(policy).is_ok(), "{}: {policy}", route.name);
            }
        }
    }

    #[test]
    fn only_the_two_routes_of_status_are_open() {
        let open: Vec<_> = BUILT_IN
            .iter()
            .chain(ROUTES)
            .filter(|route| route.access == Access::Open)
            .map(|route| route.name)
            .collect();
        assert_eq!(open, ["GET /infoz", "GET /statusz"]);
    }

    #[test]
    fn a_route_with_an_identity_in_the_query_lists_its_parameters() {
        for route in BUILT_IN.iter().chain(ROUTES) {
            for source in [route.project, route.workflow, route.run]
                .into_iter()
                .flatten()
            {
                if let Place::Query(name) = source.place {
                    let listed = route.query.is_some_and(|known| known.contains(&name));
                    assert!(listed, "{}: {name}", route.name);
                }
            }
        }
    }

    #[test]
    fn discover_and_downloads_need_policies_that_tokens_have_by_default() {
        let held = defaults(&Scope::Organization);
        let has = |needed: &&str| held.iter().any(|policy| policy.as_str() == *needed);
        assert!(["referrer:read"].iter().all(has));
        assert!(ARTIFACT_DOWNLOAD.policies.iter().all(has));
    }
}
