//! What a bulk revoke, or its dry run, tells of the tokens that it finds.

use serde_json::{Value, json};

use super::*;
use crate::testing::{World, facts, now_or_never, project, record, requester, workflow};

fn selected(id: u128, scope: Scope, used: Option<i64>, recent_uses: u64) -> SelectedToken {
    SelectedToken {
        record: TokenRecord {
            created_by: "org-token:pst_00000000".to_owned(),
            creator_name: Some("deployer".to_owned()),
            last_used_at: used.map(Timestamp::from_millis),
            uses: 9,
            ..record(facts(id, scope))
        },
        recent_uses,
    }
}

fn answer(world: &World, dry_run: bool) -> Value {
    let body = json!({ "never_used": true, "dry_run": dry_run }).to_string();
    let admin = Caller::Administrator(None);
    let revoked = revoke_many(&admin, Some("acme"), body.as_bytes(), requester(), world);
    serde_json::to_value(now_or_never(revoked).expect("answers")).expect("serializes")
}

#[test]
fn r48_a_selection_tells_what_it_found_the_last_used_first() {
    let world = World::new();
    world
        .bulk_found
        .replace((1..=4).map(TokenId::from_u128).collect());
    let project_scope = || Scope::Project { project: project() };
    world.selected.replace(Some(vec![
        selected(1, project_scope(), None, 0),
        selected(2, Scope::Organization, Some(1_000), 4),
        selected(
            3,
            Scope::Workflow {
                project: project(),
                workflow: workflow(),
            },
            Some(2_000),
            7,
        ),
    ]));
    for dry_run in [true, false] {
        let told = answer(&world, dry_run);
        let tokens = told["tokens"].as_array().expect("tokens");
        let members = |member: &str| -> Vec<Value> {
            tokens.iter().map(|token| token[member].clone()).collect()
        };
        assert_eq!(members("scope"), ["workflow", "organization", "project"]);
        assert_eq!(members("uses_since_yesterday"), [7, 4, 0]);
        assert_eq!(members("creator_name"), ["deployer"; 3]);
        assert_eq!(tokens[0]["project"]["name"], "shop");
        assert_eq!(tokens[0]["workflow"]["name"], "release");
        assert_eq!(
            tokens[0]["prefix"],
            facts(3, Scope::Organization).display_prefix()
        );
        assert_eq!(tokens[0]["last_used_at"], "1970-01-01T00:00:02Z");
        assert_eq!(tokens[1]["project"], Value::Null);
        let projects = json!([{ "name": "shop", "count": 2 }, { "name": null, "count": 1 }]);
        assert_eq!(told["projects"], projects);
        // From the day before that of now on.
        let day = world.now.get() / 86_400_000 - 1;
        assert!(
            world
                .take_asked()
                .contains(&format!("4 selected, from day {day}"))
        );
    }
}

#[test]
fn r48_without_d1_a_bulk_revoke_answers_and_says_what_it_does_not_know() {
    let world = World::new();
    world.bulk_found.replace(vec![TokenId::from_u128(1)]);
    world.selected.replace(None);
    let told = answer(&world, false);
    assert_eq!(
        (&told["tokens"], &told["projects"]),
        (&Value::Null, &Value::Null)
    );
    assert!(told["matched"].as_u64() > Some(0));
    assert!(told["revoked_at"].is_string());
}
