//! The Ledger killed alone, in a process of its own, while isolates hold leases of it (R41): what a revoke has answered
//! stays so, a revoke that was cut off can be repeated, and without the Ledger nothing is accepted but under a lease.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_system_tests::apart::Apart;
use postern_system_tests::hammer::{Hammer, spread};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::runner::{self, Case};
use postern_system_tests::suite::Setup;
use postern_system_tests::{random, rpc};
use tokio::task::JoinHandle;

const ISOLATES: u16 = 4;
/// Callers of each isolate.
const CALLERS: usize = 1;
/// As long as can be, so that leases outlast the start of another process. On a slow machine they do not: what is printed
/// tells how long the Ledger was away, and only less than a lease tries what the next one remembers.
const LEASE_MS: u64 = 5_000;
/// Kills of each case; `POSTERN_KILLS=7` for more.
const KILLS: u32 = 3;
/// Longest time for a revoke, retries included.
const LIMIT: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let case = |name: &str, moment: Moment| {
        Case::new(name, async move |setup: &Setup| {
            revoked_stays_revoked(setup, moment).await
        })
    };
    let cases = vec![
        case("r41_killed_before_a_revoke", Moment::Before),
        case("r41_killed_while_a_revoke_waits", Moment::During),
        case("r41_killed_after_a_revoke", Moment::After),
        Case::new(
            "r41_without_the_ledger_nothing_is_accepted_but_under_a_lease",
            only_leases_are_accepted,
        ),
    ];
    runner::run(Setup::start(), cases)
}

/// When the Ledger is killed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Moment {
    /// Leases are out.
    Before,
    /// The revoke has been sent.
    During,
    /// It has been answered.
    After,
}

async fn start(setup: &Setup) -> (Apart, Organization) {
    let lease = LEASE_MS.to_string();
    let apart = Apart::start(setup, ISOLATES, |serve| {
        serve.set("REVOCATION_LEASE_MS", &lease)
    })
    .await;
    let organization = Organization::new(&apart.gateway, &setup.keys.admin).await;
    (apart, organization)
}

async fn revoked_stays_revoked(setup: &Setup, moment: Moment) {
    let kills = std::env::var("POSTERN_KILLS");
    let kills = kills.map_or(KILLS, |text| text.parse().expect("a number"));
    let (mut apart, organization) = start(setup).await;
    let mint = async |apart: &Apart, format| {
        let gateway = &apart.gateway;
        organization.mint_for_release(gateway, format).await
    };
    let bystander = mint(&apart, "jwt").await;
    let hammer = Hammer::start(&apart.gateway, CALLERS, true);
    let bystander = hammer.add(&apart.gateway, &bystander).await;
    let (mut revoked, mut cut, mut took, mut away) = (Vec::new(), 0, Vec::new(), Vec::new());
    for round in 0..kills {
        let format = if round % 2 == 0 { "opaque" } else { "jwt" };
        let token = mint(&apart, format).await;
        let target = hammer.add(&apart.gateway, &token).await;
        target.accepted_everywhere(Instant::now()).await;
        let path = format!("/org/tokens/{}", token.id);
        let isolate = u16::from(random::<1>()[0]) % ISOLATES;
        let delete = || organization.call_on(&apart.gateway, isolate, "DELETE", &path);
        let revoking = (moment != Moment::Before).then(|| tokio::spawn(answered(delete())));
        if moment == Moment::During {
            let [wait] = random::<1>();
            tokio::time::sleep(Duration::from_micros(u64::from(wait) * 100)).await;
        }
        let first;
        if moment == Moment::After {
            first = answer_of(revoking).await;
            assert!(first.is_some(), "the Ledger was there");
            apart.kill_ledgers();
        } else {
            apart.kill_ledgers();
            first = answer_of(revoking).await;
        }
        let killed = Instant::now();
        apart.start_ledgers().await;
        away.push(killed.elapsed());
        let answered = match first {
            Some(answered) => answered,
            None => {
                cut += u32::from(moment == Moment::During);
                let begun = Instant::now();
                let again = || organization.call_on(&apart.gateway, isolate, "DELETE", &path);
                let answered = until_revoked(again).await;
                took.push(answered - begun);
                answered
            }
        };
        target.refused_everywhere(answered).await;
        hammer.remove(&target);
        revoked.push((target, answered));
        bystander.accepted_everywhere(answered).await;
    }
    let made = hammer.made();
    hammer.stop().await;
    let after = revoked
        .iter()
        .map(|(target, at)| target.accepted_after(*at));
    let after: usize = after.sum();
    println!(
        "{moment:?}: {kills} times kill -9 of the Ledger alone, {cut} revokes cut off, {made} calls on {ISOLATES} \
         isolates: {after} accepted that began after the answer; away: {}; revokes after the restart: {}",
        spread(away),
        spread(took)
    );
    assert_eq!(after, 0, "accepted although the revoke had answered");
    assert_eq!(bystander.counts().1, 0, "the bystander was refused");
    apart.stop();
}

/// When a revoke that was sent was answered, if it was.
async fn answer_of(revoking: Option<JoinHandle<Option<Instant>>>) -> Option<Instant> {
    match revoking {
        Some(revoking) => revoking.await.expect("a task"),
        None => None,
    }
}

/// Revokes until that is answered; gives when it was.
async fn until_revoked(again: impl Fn() -> Call) -> Instant {
    let begun = Instant::now();
    loop {
        if let Some(answered) = answered(again()).await {
            return answered;
        }
        assert!(begun.elapsed() < LIMIT, "no revoke is answered");
    }
}

/// Revokes; gives when that was answered, if it was.
async fn answered(call: Call) -> Option<Instant> {
    let answer = call.try_send().await.ok()?;
    let at = Instant::now();
    match answer.status {
        200 => Some(at),
        503 => None,
        _ => panic!("{}: {} {}", answer.what, answer.status, answer.text()),
    }
}

async fn only_leases_are_accepted(setup: &Setup) {
    let (mut apart, organization) = start(setup).await;
    let known = organization
        .mint_for_release(&apart.gateway, "opaque")
        .await;
    let unknown = organization.mint_for_release(&apart.gateway, "jwt").await;
    let run = rpc::begin(&apart.gateway, &known.token, SHOP, RELEASE).await;
    let bound = organization.mint_for_release(&apart.gateway, "jwt").await;
    rpc::begin(&apart.gateway, &bound.token, SHOP, RELEASE).await;
    let call = async |apart: &Apart, token: &Minted| -> Answer {
        let (gateway, message) = (&apart.gateway, rpc::about(&run));
        let call = rpc::call(gateway, rpc::INITIALIZED, &token.token, &message);
        call.send().await
    };
    for _ in 0..2 {
        call(&apart, &known).await.accepted();
    }
    apart.kill_ledgers();

    // Under the lease.
    call(&apart, &known).await.accepted();
    // An Init too, whose report is lost.
    let begun = rpc::begin(&apart.gateway, &bound.token, SHOP, RELEASE).await;
    assert_eq!(call(&apart, &unknown).await.ending().0.code, 14);
    let path = format!("/org/tokens/{}", known.id);
    let delete = organization.call(&apart.gateway, "DELETE", &path);
    delete.send().await.problem(503, "unavailable");
    // The lease is over, however often one calls.
    let over = Instant::now() + Duration::from_millis(LEASE_MS);
    while Instant::now() < over {
        let code = call(&apart, &known).await.ending().0.code;
        assert!(matches!(code, 0 | 14), "{code}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for token in [&known, &unknown] {
        assert_eq!(call(&apart, token).await.ending().0.code, 14);
    }

    apart.start_ledgers().await;
    for token in [&known, &unknown] {
        call(&apart, token).await.accepted();
    }
    // An isolate that did not see the run begin asks the origin for it.
    for isolate in [0, 1] {
        let (gateway, about) = (&apart.gateway, rpc::about(&begun));
        let call = rpc::call_on(
            gateway,
            isolate,
            rpc::GET_UPLOAD_CREDS,
            &bound.token,
            &about,
        );
        call.send().await.accepted();
    }
    apart.stop();
}
