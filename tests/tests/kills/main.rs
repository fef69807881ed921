//! Power cuts at random moments under load: after each, nothing that was answered is lost, nothing that was revoked lives,
//! and limits, lists and the audit log agree. `cargo xtask kill --rounds N` has more rounds than the tests.

mod load;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use postern_system_tests::audit::verified;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::{self, assert_dead, assert_live};
use postern_system_tests::organization::{Organization, id};
use postern_system_tests::runner::{self, Case};
use postern_system_tests::suite::Setup;
use postern_system_tests::{random, random_address};
use serde_json::{Value, json};

use crate::load::{Held, Load};
use postern_system_tests::dice::Dice;

/// Rounds where `POSTERN_KILLS` does not say.
const ROUNDS: u32 = 3;
/// The kill comes within so long of the first answers.
const WITHIN_MS: usize = 1_500;
/// Every so often it comes before them, while the gateway starts.
const COLD: u32 = 5;
/// Rounds of one organization, which is how long a case may be.
const OF_ONE_CASE: u32 = 5;
/// Active tokens that an organization may have.
const CEILING: usize = 24;
/// Tokens that an address may create; one comes back each ten minutes, which is longer than a case.
const BUCKET: usize = 6;
/// Calls with tokens that were revoked earlier than in the last round, after each round.
const LOOKED_BACK: usize = 6;

fn main() -> ExitCode {
    let rounds = number("POSTERN_KILLS").unwrap_or(ROUNDS.into());
    let rounds = u32::try_from(rounds).expect("a number of rounds");
    let seed = number("POSTERN_KILLS_SEED");
    let seed = seed.unwrap_or_else(|| u64::from(u32::from_le_bytes(random())));
    let case = |first: u32| {
        let last = rounds.min(first + OF_ONE_CASE);
        let name = format!("r11_r26_r27_r35_rounds_{}_to_{last}", first + 1);
        Case::new(&name, async move |setup: &Setup| {
            killed(setup, (first, last), seed).await;
        })
    };
    let firsts = (0..rounds).step_by(OF_ONE_CASE as usize);
    let begun = Instant::now();
    let code = runner::run(Setup::start(), firsts.map(case).collect::<Vec<_>>());
    let sum = std::mem::take(&mut *SUM.lock().unwrap_or_else(PoisonError::into_inner));
    if sum.begun > 0 {
        println!(
            "{} of {rounds} rounds with the seed {seed} in {} s: {}; {} discrepancies",
            sum.ended,
            begun.elapsed().as_secs(),
            sum.told(),
            sum.begun - sum.ended
        );
    }
    code
}

/// A number that is set.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number"))
}

/// What has become of all rounds so far.
static SUM: Mutex<Sum> = Mutex::new(Sum {
    begun: 0,
    ended: 0,
    calls: 0,
    answered: 0,
    cut: 0,
    orphans: 0,
    events: 0,
});

/// What has become of rounds.
#[derive(Default)]
struct Sum {
    begun: u32,
    /// Those in which everything agreed.
    ended: u32,
    calls: usize,
    answered: usize,
    cut: usize,
    orphans: usize,
    events: usize,
}

impl Sum {
    fn told(&self) -> String {
        format!(
            "{} calls accepted, {} changes answered and {} cut off, {} tokens that nobody has, {} audit rows verified",
            self.calls, self.answered, self.cut, self.orphans, self.events
        )
    }

    /// Adds it to that of all rounds.
    fn add(self) {
        let mut sum = SUM.lock().unwrap_or_else(PoisonError::into_inner);
        sum.begun += self.begun;
        sum.ended += self.ended;
        sum.calls += self.calls;
        sum.answered += self.answered;
        sum.cut += self.cut;
        sum.orphans += self.orphans;
        sum.events += self.events;
    }
}

/// Some rounds of one organization.
async fn killed(setup: &Setup, (first, last): (u32, u32), seed: u64) {
    let serve = setup
        .serve()
        .isolates(2)
        .set("MINT_PER_HOUR", &BUCKET.to_string());
    let mut gateway = serve.start().await;
    let limit = json!({ "mint_ceiling": CEILING });
    let organization = Organization::with(&gateway, &setup.keys.admin, &limit).await;
    let mut held = Held::default();
    for format in ["opaque", "jwt", "opaque", "jwt"] {
        held.active
            .push(organization.mint_for_release(&gateway, format).await);
    }
    for round in first + 1..=last {
        let begun = Sum {
            begun: 1,
            ..Sum::default()
        };
        begun.add();
        let mut dice = Dice::new(seed, round.into());
        let after = Duration::from_millis(dice.below(WITHIN_MS) as u64);
        let is_cold = round % COLD == 0;
        let known_before = held.revoked.len();
        let address = random_address();
        let load = Load::new(&gateway, &organization, &setup.keys.admin, held);
        let running = load.start(&address, dice.number());
        if !is_cold {
            running.served().await;
        }
        tokio::time::sleep(after).await;
        gateway.kill();
        let ended = running.end().await;
        held = ended.held;
        gateway = serve.start().await;
        let what = format!("round {round}, seed {seed}");
        let world = (&gateway, &organization);
        let events = agree(world, setup, &mut held, known_before, &what).await;
        let orphans = room(&gateway, &organization, &mut held).await;
        let (created, cut) = (ended.created_from, ended.cut_from);
        bucket(&gateway, &organization, &address, created, cut, &what).await;
        let sum = Sum {
            begun: 0,
            ended: 1,
            calls: ended.calls,
            answered: ended.answered,
            cut: ended.cut,
            orphans,
            events,
        };
        let (ms, of) = (
            after.as_millis(),
            if is_cold {
                "the start"
            } else {
                "the first answers"
            },
        );
        println!("round {round}: kill -9 {ms} ms behind {of}; {}", sum.told());
        sum.add();
    }
    gateway.stop();
}

/// The address has what was left in its bucket, and no more.
async fn bucket(
    gateway: &Gateway,
    organization: &Organization,
    address: &str,
    created: usize,
    cut: usize,
    what: &str,
) {
    let mut further = 0;
    loop {
        let call = organization.call(gateway, "POST", "/org/tokens");
        let call = call.without("cf-connecting-ip").from(address);
        let answer = call.json(&json!({})).send().await;
        if answer.status == 201 {
            further += 1;
            assert!(further <= BUCKET, "{what}: no end of the bucket");
            organization.revoke(gateway, &id(&answer.json(201))).await;
            continue;
        }
        answer.problem(429, "mint_rate_exceeded");
        break;
    }
    let granted = created + further;
    assert!(
        granted <= BUCKET,
        "{what}: {granted} of {BUCKET} from one address"
    );
    assert!(
        granted + cut >= BUCKET,
        "{what}: {granted} of {BUCKET}, and {cut} cut off: the bucket has lost some"
    );
}

/// What was answered is so; lists, limits and the log agree. Gives how many events there are.
async fn agree(
    (gateway, organization): (&Gateway, &Organization),
    setup: &Setup,
    held: &mut Held,
    known_before: usize,
    what: &str,
) -> usize {
    for token in &held.active {
        assert_live(
            gateway,
            token,
            &format!("{what}: answered, and not revoked"),
        )
        .await;
    }
    let (before, fresh) = held.revoked.split_at(known_before);
    let some = before.iter().rev().take(LOOKED_BACK);
    for token in fresh.iter().chain(some) {
        assert_dead(gateway, token, &format!("{what}: its revoke was answered")).await;
    }
    let events = verified(gateway, organization, &setup.keys).await;
    let listed = organization.token_ids(gateway, "").await;
    assert!(
        listed.len() <= CEILING,
        "{what}: {} active tokens",
        listed.len()
    );
    assert_eq!(
        listed,
        by_the_log(&events),
        "{what}: by the list and by the log"
    );
    for token in &held.active {
        assert!(
            listed.contains(&token.id),
            "{what}: {} is not listed",
            token.id
        );
    }
    for token in &held.revoked {
        assert!(
            !listed.contains(&token.id),
            "{what}: {} is listed",
            token.id
        );
    }
    // What was cut off is one or the other, everywhere alike; a second try decides it.
    for token in std::mem::take(&mut held.doubtful) {
        let is_active = listed.contains(&token.id);
        for isolate in 0..gateway.isolates() {
            let accepted = life::accepted(gateway, isolate, &token.token).await;
            assert_eq!(
                accepted, is_active,
                "{what}: {} on isolate {isolate}",
                token.id
            );
        }
        organization.revoke(gateway, &token.id).await;
        assert_dead(gateway, &token, &format!("{what}: revoked again")).await;
        held.revoked.push(token);
    }
    events.len()
}

/// The ids of active tokens, as the events tell.
fn by_the_log(events: &[Value]) -> BTreeSet<String> {
    let of = |action: &str, member: &str| -> BTreeSet<String> {
        let found: Vec<String> = events
            .iter()
            .filter(|event| event["action"] == action)
            .filter_map(|event| event[member].as_str().map(str::to_owned))
            .collect();
        let set: BTreeSet<String> = found.iter().cloned().collect();
        assert_eq!(
            set.len(),
            found.len(),
            "an event of {action} is there twice"
        );
        set
    };
    let given_up = of("token.mint_abandoned", "token_id");
    let replaced: BTreeSet<String> = events
        .iter()
        .filter(|event| event["action"] == "token.rotate")
        .filter(|event| !given_up.contains(event["token_id"].as_str().expect("an id")))
        .map(|event| event["replaces"].as_str().expect("an id").to_owned())
        .collect();
    let ended: BTreeSet<String> = of("token.revoke", "token_id")
        .into_iter()
        .chain(given_up)
        .chain(replaced)
        .collect();
    let mut active = of("token.mint", "token_id");
    active.append(&mut of("token.rotate", "token_id"));
    active.difference(&ended).cloned().collect()
}

/// Revokes what nobody has, whose creation was cut off behind its last step, and half of the others. Gives how many
/// nobody had.
async fn room(gateway: &Gateway, organization: &Organization, held: &mut Held) -> usize {
    let ours: BTreeSet<&String> = held.active.iter().map(|token| &token.id).collect();
    let listed = organization.token_ids(gateway, "").await;
    let orphans: Vec<String> = listed.into_iter().filter(|id| !ours.contains(id)).collect();
    for token in &orphans {
        organization.revoke(gateway, token).await;
    }
    while held.active.len() > CEILING / 2 {
        let token = held.active.swap_remove(0);
        organization.revoke(gateway, &token.id).await;
        held.revoked.push(token);
    }
    orphans.len()
}
