//! A revoke that has answered is final while four isolates are called without a pause (R41): each way to revoke, one
//! revoke after the other, reads and writes, both formats. Asserts that, and that enough happened; speeds are printed.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use postern_system_tests::gateway::Gateway;
use postern_system_tests::hammer::{Hammer, Target, spread};
use postern_system_tests::organization::{Minted, Organization};
use postern_system_tests::runner::{self, Case};
use postern_system_tests::suite::Suite;
use serde_json::json;

const ISOLATES: u16 = 4;
/// Callers of each isolate.
const CALLERS: usize = 2;
/// Revokes and calls of a round, at least.
const REVOKES: usize = 200;
const CALLS: usize = 10_000;
const FORMATS: [&str; 2] = ["opaque", "jwt"];

fn main() -> ExitCode {
    // Ten make 10⁵ calls.
    let rounds = std::env::var("POSTERN_ROUNDS");
    let rounds = rounds.map_or(1, |text| text.parse().expect("a number"));
    let case = |round: u32| {
        let name = format!("r41_no_call_that_begins_after_a_revokes_answer_is_accepted_{round}");
        Case::new(&name, nothing_is_accepted_after_an_answer)
    };
    runner::run(
        Suite::with(|serve| serve.isolates(ISOLATES)),
        (1..=rounds).map(case),
    )
}

/// A way to revoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    Once,
    /// The first without waiting, which is no promise; the second is.
    Twice,
    ByItsHolder,
    Three,
    Rotated,
}

const WAYS: [Way; 5] = [
    Way::Once,
    Way::Twice,
    Way::ByItsHolder,
    Way::Three,
    Way::Rotated,
];

impl Way {
    fn tokens(self) -> usize {
        if self == Self::Three { 3 } else { 1 }
    }

    /// Revokes; returns when that has answered.
    async fn revoke(
        self,
        gateway: &Gateway,
        organization: &Organization,
        isolate: u16,
        tokens: &[&Minted],
    ) {
        let one = tokens[0];
        let path = format!("/org/tokens/{}", one.id);
        let delete = || organization.call_on(gateway, isolate, "DELETE", &path);
        match self {
            Self::Once => {
                delete().send().await.json(200);
            }
            Self::Twice => {
                let early = delete().header("prefer", "respond-async");
                early.send().await.json(202);
                delete().send().await.json(200);
            }
            Self::ByItsHolder => {
                let call = gateway.call_on(isolate, "POST", "/oauth/revoke");
                let call = call.form(&[("token", one.token.as_str())]);
                call.send().await.json(200);
            }
            Self::Three => {
                let ids: Vec<_> = tokens.iter().map(|token| token.id.as_str()).collect();
                let call = organization.call_on(gateway, isolate, "POST", "/org/tokens/revoke");
                let told = call.json(&json!({ "ids": ids })).send().await.json(200);
                assert_eq!(told["matched"], tokens.len());
            }
            Self::Rotated => {
                let path = format!("{path}/rotate");
                let call = organization.call_on(gateway, isolate, "POST", &path);
                call.json(&json!({ "overlap": "0s" }))
                    .send()
                    .await
                    .json(201);
            }
        }
    }
}

async fn nothing_is_accepted_after_an_answer(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let hammer = Hammer::start(gateway, CALLERS, false);
    let add = async |format| {
        let token = organization.mint_for_release(gateway, format).await;
        let target = hammer.add(gateway, &token).await;
        target.accepted_everywhere(Instant::now()).await;
        target
    };
    let bystanders = [add("opaque").await, add("jwt").await];

    let mut took: BTreeMap<Way, Vec<Duration>> = BTreeMap::new();
    let mut revoked: Vec<(Arc<Target>, Instant)> = Vec::new();
    let mut revokes = 0;
    while revokes < REVOKES || hammer.made() < CALLS {
        let way = WAYS[revokes % WAYS.len()];
        let mut targets = Vec::new();
        for index in 0..way.tokens() {
            let format = FORMATS[(revokes / WAYS.len() + index) % FORMATS.len()];
            targets.push(add(format).await);
        }
        let tokens: Vec<&Minted> = targets.iter().map(|target| &target.token).collect();
        let isolate = u16::try_from(revokes).expect("few") % ISOLATES;
        let begun = Instant::now();
        way.revoke(gateway, &organization, isolate, &tokens).await;
        let answered = Instant::now();
        took.entry(way).or_default().push(answered - begun);
        revokes += 1;
        for target in targets {
            target.refused_everywhere(answered).await;
            hammer.remove(&target);
            revoked.push((target, answered));
        }
    }
    let made = hammer.made();
    hammer.stop().await;

    let after: usize = revoked
        .iter()
        .map(|(target, answered)| target.accepted_after(*answered))
        .sum();
    println!(
        "{revokes} revokes of {} tokens, {made} calls on {ISOLATES} isolates: {after} accepted that began after the answer",
        revoked.len()
    );
    for (way, took) in took {
        println!("{way:?}: {}", spread(took));
    }
    assert_eq!(
        after, 0,
        "calls were accepted that began after the revoke had answered"
    );
    for bystander in bystanders {
        let (calls, refused) = bystander.counts();
        assert!(calls > 0 && refused == 0, "{refused} of {calls} refused");
    }
}
