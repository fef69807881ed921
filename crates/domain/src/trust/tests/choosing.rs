//! Which of several rules counts, and what their owners are told.

use super::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_most_specific_rule_counts_in_every_order() {
    let with = |id, set: fn(&mut ConditionsDraft), gives: Gives| {
        let mut draft = draft();
        set(&mut draft.conditions);
        TrustRule::new(Id::from_u128(id), &draft, gives, &issuers()).expect("a rule")
    };
    let plain = gives(project(), None);
    let wide = with(1, |_| {}, plain.clone());
    let on_main = with(2, |c| c.git_ref = some("refs/heads/main"), plain.clone());
    let short = with(
        3,
        |c| c.workflow = some("release.yml"),
        gives(project(), Some(60)),
    );
    let in_production = with(
        4,
        |c| c.environment = some("production"),
        gives(workflow(), Some(3600)),
    );
    let both = with(
        5,
        |c| {
            c.environment = some("production");
            c.protected_ref = true;
        },
        plain.clone(),
    );
    let staging = with(
        6,
        |c| {
            c.environment = some("staging");
            c.protected_ref = true;
            c.git_ref = some("refs/heads/main");
        },
        plain.clone(),
    );
    let pushes = with(7, |c| c.events = vec!["push".to_owned()], plain.clone());
    let outside = with(
        8,
        |c| c.events = vec!["issues".to_owned(), "push".to_owned()],
        plain,
    );
    let policies = ["workflow_run:create", "workflow_run:read"]
        .map(|text| Policy::parse(text).expect("a policy"));
    let more = Gives::new(project(), policies.to_vec(), None).expect("something");
    let more = with(0, |c| c.environment = some("production"), more);
    let rows: [(&[&TrustRule], Option<u128>); 11] = [
        (&[], None),
        (&[&staging], None),
        (&[&wide], Some(1)),
        (&[&wide, &on_main], Some(2)),
        (&[&wide, &on_main, &both, &staging], Some(5)),
        // As many conditions: the narrower gift.
        (&[&on_main, &short, &in_production], Some(4)),
        // The shorter life.
        (&[&on_main, &short], Some(3)),
        // Fewer policies.
        (&[&more, &on_main], Some(2)),
        // An event that outsiders can cause narrows nothing.
        (&[&outside, &wide], Some(1)),
        (&[&outside, &pushes], Some(7)),
        // The lower id.
        (&[&on_main, &pushes], Some(2)),
    ];
    for (rules, expected) in rows {
        let mut rules: Vec<TrustRule> = rules.iter().map(|rule| (*rule).clone()).collect();
        for _ in 0..rules.len().max(1) {
            let turn = usize::from(!rules.is_empty());
            rules.rotate_left(turn);
            let chosen = choose(&rules, &job()).map(|rule| rule.id().as_u128());
            assert_eq!(chosen, expected, "{rules:?}");
        }
        rules.reverse();
        assert_eq!(
            choose(&rules, &job()).map(|rule| rule.id().as_u128()),
            expected
        );
    }
}

#[test]
fn an_explanation_says_which_condition_of_which_rule() {
    let [mut protected, mut tagged] = [draft(), draft()];
    protected.conditions.protected_ref = true;
    protected.conditions.environment = some("production");
    tagged.conditions.git_ref = some("refs/tags/v1");
    let mut staging = draft();
    staging.conditions.environment = some("staging");
    let mut other = draft();
    other.repository_id = Some(number(80));
    let rules = [
        rule(1, &other),
        rule(2, &staging),
        rule(4, &protected),
        rule(5, &tagged),
        rule(3, &draft()),
    ];
    let job = Job {
        ref_protected: Some(false),
        ..job()
    };
    let told = explain(&rules, &job);
    let rows: Vec<_> = told
        .iter()
        .map(|one| {
            (
                one.rule.id().as_u128(),
                one.unmet,
                one.wanted.as_str(),
                one.found.as_str(),
                one.chosen,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (
                1,
                Some(Unmet::Repository),
                "repository 80 of owner 65",
                "repository 74 of owner 65",
                false
            ),
            (2, Some(Unmet::Environment), "staging", "Production", false),
            (
                4,
                Some(Unmet::UnprotectedRef),
                "a protected one",
                "refs/heads/main",
                false
            ),
            (
                5,
                Some(Unmet::Ref),
                "refs/tags/v1",
                "refs/heads/main",
                false
            ),
            (3, None, "", "", true),
        ]
    );
    for unmet in told.iter().filter_map(|one| one.unmet) {
        assert_eq!(serde_json::to_value(unmet).expect("JSON"), unmet.code());
        // What outsiders read tells none of it.
        assert!(!REFUSED.contains(&unmet.to_string()));
    }
}
