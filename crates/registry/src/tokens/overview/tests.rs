//! An overview: whose tokens are counted, by which moments, and who sees how many were created.

use std::rc::Rc;

use serde_json::Value;

use super::*;
use crate::testing::{self, World, config, facts, now_or_never, project, workflow};
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;

fn holder(policies: &[&str]) -> Caller {
    let mut holder = facts(6, Scope::Organization);
    let policy = |text: &&str| Policy::parse(text).expect("a policy");
    holder.policies = policies.iter().map(policy).collect();
    Caller::Token(holder.into())
}

fn answer(world: &World, caller: &Caller) -> Result<Value> {
    let overview = now_or_never(overview(caller, Some("acme"), &config(), world))?;
    Ok(serde_json::to_value(overview).expect("serializes"))
}

#[test]
fn r50_an_overview_is_of_what_the_caller_can_list() {
    let world = World::new();
    let reader = Scope::Workflow {
        project: project(),
        workflow: workflow(),
    };
    let reader = Caller::WorkflowReader(Rc::new(facts(8, reader)));
    let rows = [
        (Caller::Administrator(None), (true, true), None),
        (holder(&["project_api_token:list"]), (false, true), None),
        (holder(&["org_api_token:list"]), (true, false), None),
        (reader, (false, true), Some(project().id)),
    ];
    for (caller, reach, confined) in rows {
        world.totalled.replace(None);
        answer(&world, &caller).expect("answers");
        let asked = world.totalled.take().expect("was counted");
        let found = (asked.reach.organization_tokens, asked.reach.project_tokens);
        assert_eq!((found, asked.project), (reach, confined), "{caller:?}");
        let now = asked.now.as_millis();
        assert_eq!(asked.soon.as_millis() - now, 7 * 86_400_000);
        assert_eq!(now - asked.unused_since.as_millis(), 30 * 86_400_000);
        // 1,800,000,000 s is 08:00 in UTC.
        assert_eq!(now - asked.today.as_millis(), 8 * 3_600_000);
    }
    let refused = answer(&world, &holder(&["audit:read"]));
    assert_eq!(
        refused.map_err(|error| error.code()),
        Err("operation_not_allowed")
    );
}

#[test]
fn creations_by_the_hour_are_for_who_reads_the_log() {
    let world = World::new();
    let hour = testing::config().mint_ceiling;
    let now = world.now.get() / 3_600_000;
    world
        .mints
        .replace(vec![(now, 3), (now - 47, 2), (now - 5, 1)]);
    let seen = answer(&world, &Caller::Administrator(None)).expect("answers");
    let hours = seen["mints_by_hour"].as_array().expect("hours").clone();
    assert_eq!(hours.len(), 48);
    let created = |place: usize| hours[place]["created"].as_u64();
    assert_eq!(
        [created(0), created(1), created(42), created(47)],
        [Some(2), Some(0), Some(1), Some(3)]
    );
    assert_eq!(hours[47]["hour"], "2027-01-15T08:00:00Z");
    assert_eq!(hours[0]["hour"], "2027-01-13T09:00:00Z");
    assert!(
        world
            .take_asked()
            .contains(&format!("mints since {}", (now - 47) * 3_600_000))
    );
    assert_eq!(seen["ceiling"].as_u64(), Some(u64::from(hour)));
    let seen = answer(&world, &holder(&["project_api_token:list"])).expect("answers");
    assert_eq!(seen["mints_by_hour"], Value::Null);
    assert_eq!(
        world
            .take_asked()
            .iter()
            .filter(|asked| asked.starts_with("mints"))
            .count(),
        0
    );
    let both = holder(&["project_api_token:list", "audit:read"]);
    assert!(answer(&world, &both).expect("answers")["mints_by_hour"].is_array());
}
