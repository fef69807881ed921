//! Which project or workflow a request means, and lists of tokens that name one.

use super::*;
use crate::testing::{World, facts, now_or_never, organization, project, workflow};
use crate::tokens::{self, Asked, TokenQuery};
use postern_domain::scope::Scope;

fn found(meant: &str) -> core::result::Result<Id<Project>, &'static str> {
    let found = now_or_never(find_project(organization().id, meant, &World::new()));
    found
        .map(|project| project.id)
        .map_err(|error| error.code())
}

#[test]
fn r1_a_project_is_meant_by_its_name_or_its_id() {
    let own = project();
    assert_eq!(found(&own.name), Ok(own.id));
    assert_eq!(found(&own.id.to_string()), Ok(own.id));
    assert_eq!(found(&own.id.to_string().to_uppercase()), Ok(own.id));
    // The id of one project is the name of another: the name counts.
    assert_eq!(
        found(&Id::<Project>::from_u128(20).to_string()),
        Ok(Id::from_u128(21))
    );
    for wrong in [
        "",
        "SHOP",
        "shop ",
        "nowhere",
        &Id::<Project>::from_u128(99).to_string(),
    ] {
        assert_eq!(found(wrong), Err("not_found"), "{wrong}");
    }
}

#[test]
fn r1_a_workflow_is_meant_by_its_name_or_its_id() {
    let world = World::new();
    let check = |of: Id<Project>, meant: &str| {
        let found = now_or_never(find_workflow(organization().id, of, meant, &world));
        found
            .map(|workflow| workflow.id)
            .map_err(|error| error.code())
    };
    let (own, id) = (workflow(), workflow().id.to_string());
    assert_eq!(check(project().id, &own.name), Ok(own.id));
    assert_eq!(check(project().id, &id), Ok(own.id));
    for meant in [own.name.as_str(), &id] {
        assert_eq!(
            check(Id::from_u128(20), meant),
            Err("workflow_of_other_project")
        );
    }
    assert_eq!(check(project().id, "nothing"), Err("not_found"));
    assert_eq!(
        check(project().id, &Id::<Workflow>::from_u128(99).to_string()),
        Err("not_found")
    );
}

/// What the record is asked for, or the code of the refusal.
fn listed(caller: &Caller, meant: Option<&str>) -> core::result::Result<Vec<String>, &'static str> {
    let (world, now) = (World::new(), Timestamp::from_millis(0));
    let asked = Asked {
        project: meant,
        ..Asked::default()
    };
    let asked = TokenQuery::parse(asked, now).expect("a query");
    let page = Page::parse(None, None).expect("the defaults");
    let list = now_or_never(tokens::list(caller, Some("acme"), asked, &page, &world));
    list.map(|_| world.take_asked())
        .map_err(|error| error.code())
}

#[test]
fn r19_a_list_of_a_project_that_is_not_there_is_an_error() {
    let admin = Caller::Administrator(None);
    let own = project();
    let of_own = Ok(vec![format!("tokens of {:?}", Some(own.id))]);
    assert_eq!(listed(&admin, Some(&own.name)), of_own);
    assert_eq!(listed(&admin, Some(&own.id.to_string())), of_own);
    assert_eq!(listed(&admin, Some("shpo")), Err("not_found"));
    assert_eq!(listed(&admin, None), Ok(vec!["tokens of None".to_owned()]));
}

#[test]
fn r16_a_confined_caller_names_its_own_project_or_none() {
    let own = project();
    let scope = Scope::Workflow {
        project: own.clone(),
        workflow: workflow(),
    };
    let reader = Caller::WorkflowReader(facts(7, scope).into());
    let of_own = Ok(vec![format!("tokens of {:?}", Some(own.id))]);
    for meant in [None, Some(own.name.as_str()), Some(&own.id.to_string())] {
        assert_eq!(listed(&reader, meant), of_own, "{meant:?}");
    }
    // Whether there is another is not told.
    for meant in [
        "other",
        "nowhere",
        &Id::<Project>::from_u128(20).to_string(),
    ] {
        assert_eq!(
            listed(&reader, Some(meant)),
            Err("other_project"),
            "{meant}"
        );
    }
}
