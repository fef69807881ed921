//! `meets` and `choose` against a model that says the same plainly, over random rules and jobs.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::tests::{gives, issuers, number, project, workflow};
use super::*;
use crate::id::Id;

/// A rule and a job as tables from conditions to words.
type Words = BTreeMap<&'static str, String>;

const FILES: [&str; 2] = ["release.yml", "build.yml"];
const REFS: [&str; 3] = ["refs/heads/main", "refs/heads/Main", "refs/tags/v1"];
const ENVIRONMENTS: [&str; 3] = ["production", "Production", "staging"];
const EVENTS: [&str; 4] = ["push", "release", "pull_request_target", "issues"];
/// Of these, those that count unnamed.
const UNNAMED: [&str; 2] = ["push", "release"];

/// Words for a job. A repository is a number; its name does not matter.
fn words() -> impl Strategy<Value = Words> {
    let pick =
        |from: &'static [&'static str]| prop::option::weighted(0.6, prop::sample::select(from));
    (
        1..3u64,
        1..3u64,
        pick(&FILES),
        pick(&FILES),
        pick(&ENVIRONMENTS),
        pick(&REFS),
        prop::option::of(any::<bool>()),
        pick(&EVENTS),
    )
        .prop_map(
            |(id, owner, file, called, environment, git_ref, protected, event)| {
                let given = [
                    ("id", Some(id.to_string())),
                    ("owner", Some(owner.to_string())),
                    ("file", file.map(str::to_owned)),
                    ("called", called.map(str::to_owned)),
                    ("environment", environment.map(str::to_owned)),
                    ("ref", git_ref.map(str::to_owned)),
                    (
                        "protected",
                        protected.filter(|is| *is).map(|_| "true".to_owned()),
                    ),
                    ("event", event.map(str::to_owned)),
                ];
                given
                    .into_iter()
                    .filter_map(|(name, word)| Some((name, word?)))
                    .collect()
            },
        )
}

/// Without protection that is asked alone: no such rule can be made.
fn sound(mut words: Words) -> Words {
    if !words.contains_key("ref") && !words.contains_key("environment") {
        words.remove("protected");
    }
    words
}

fn id_of(words: &Words, name: &str) -> ForgeId {
    number(words[name].parse().expect("a number"))
}

fn rule_of(id: u128, words: &Words, narrow: bool, life: u32) -> TrustRule {
    let word = |name: &str| words.get(name).cloned();
    let draft = RuleDraft {
        issuer: "github".to_owned(),
        repository_id: Some(id_of(words, "id")),
        repository_owner_id: Some(id_of(words, "owner")),
        conditions: ConditionsDraft {
            workflow: word("file"),
            reusable_workflow: word("called")
                .map(|file| format!("acme/pipes/.github/workflows/{file}@refs/heads/x")),
            environment: word("environment"),
            protected_environment: false,
            git_ref: word("ref"),
            protected_ref: words.contains_key("protected"),
            events: word("event").into_iter().collect(),
        },
        ..RuleDraft::default()
    };
    let scope = if narrow { workflow() } else { project() };
    TrustRule::new(
        Id::from_u128(id),
        &draft,
        gives(scope, Some(life)),
        &issuers(),
    )
    .expect("a rule")
}

fn job_of(words: &Words) -> Job {
    let word = |name: &str| words.get(name);
    let text = |text: String| JobText::parse(&text).expect("a text");
    let identity = Identity::Repository {
        repository_id: id_of(words, "id"),
        repository_owner_id: id_of(words, "owner"),
    };
    Job {
        repository: Some(text("any/name".to_owned())),
        workflow: word("file")
            .map(|file| text(format!("any/name/.github/workflows/{file}@refs/heads/x"))),
        job_workflow: word("called")
            .map(|file| text(format!("acme/pipes/.github/workflows/{file}@refs/heads/x"))),
        environment: word("environment").cloned().map(text),
        git_ref: word("ref").map(|name| GitRef::parse(name).expect("a reference")),
        ref_protected: Some(words.contains_key("protected")),
        event: word("event").cloned().map(text),
        ..Job::new(super::tests::issuer("github"), identity)
    }
}

/// What a rule asks, in its order: the first word that the job does not have.
fn model(rule: &Words, job: &Words) -> Option<&'static str> {
    for name in [
        "id",
        "owner",
        "file",
        "called",
        "environment",
        "ref",
        "protected",
        "event",
    ] {
        let (asked, told) = (rule.get(name), job.get(name));
        let met = match (name, asked, told) {
            ("event", None, Some(event)) => UNNAMED.contains(&event.as_str()),
            ("event", None, None) => false,
            (_, None, _) => true,
            (_, Some(_), None) => false,
            ("environment", Some(asked), Some(told)) => asked.to_lowercase() == told.to_lowercase(),
            (_, Some(asked), Some(told)) => asked == told,
        };
        if !met {
            return Some(if name == "event" && asked.is_none() {
                "outside"
            } else {
                name
            });
        }
    }
    None
}

fn named(unmet: Unmet) -> &'static str {
    match unmet {
        Unmet::Issuer => "issuer",
        Unmet::Subject => "subject",
        Unmet::Repository => "id",
        Unmet::Owner => "owner",
        Unmet::Workflow => "file",
        Unmet::ReusableWorkflow => "called",
        Unmet::Environment => "environment",
        // GitHub does not tell it.
        Unmet::UnprotectedEnvironment => "protected environment",
        Unmet::Ref => "ref",
        Unmet::UnprotectedRef => "protected",
        Unmet::Event => "event",
        Unmet::OutsideEvent => "outside",
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn meets_and_choose_are_the_model(
        asked in prop::collection::vec((words().prop_map(sound), any::<bool>(), 60..64u32), 0..6),
        told in words(),
        turn in 0..6usize,
    ) {
        let job = job_of(&told);
        let mut rules: Vec<TrustRule> = (1..)
            .zip(&asked)
            .map(|(id, (words, narrow, life))| rule_of(id, words, *narrow, *life))
            .collect();
        let mut best: Option<(usize, bool, u32, usize)> = None;
        for (place, (words, narrow, life)) in asked.iter().enumerate() {
            let unmet = meets(&rules[place], &job).err();
            prop_assert_eq!(unmet.map(named), model(words, &told));
            // Fewer words are worse, and so is whatever gives more or is later.
            let event = words.get("event").is_some_and(|event| !UNNAMED.contains(&event.as_str()));
            let rank = (8 + usize::from(event) - words.len(), !narrow, *life, place);
            if unmet.is_none() && best.is_none_or(|best| rank < best) {
                best = Some(rank);
            }
        }
        let expected = best.map(|(_, _, _, place)| rules[place].id());
        let told: Vec<_> = explain(&rules, &job).into_iter().filter(|one| one.chosen).map(|one| one.rule.id()).collect();
        prop_assert_eq!(told, Vec::from_iter(expected));
        let turns = turn.min(rules.len());
        rules.rotate_left(turns);
        prop_assert_eq!(choose(&rules, &job).map(TrustRule::id), expected);
    }
}
