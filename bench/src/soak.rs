//! A long run of calls with mints and revokes mixed in: what becomes of workerd's memory, beside a workerd whose
//! stores get the same writes from a Worker that does nothing else. The first answer that is not a success ends the
//! run.

use std::time::{Duration, Instant};

use postern_system_tests::http::Call;
use postern_system_tests::organization::Minted;

use crate::load;
use crate::statistics::{percentile, verdict};
use crate::systems::Running;
use crate::work::Work;

const CONNECTIONS: usize = 16;
const LAP: Duration = Duration::from_secs(10);
/// Tokens that are minted in a lap, and revoked in the next.
const TURNED_OVER: usize = 20;

/// Runs for so many seconds; gives the table.
///
/// # Errors
/// The first answer that is no success.
pub async fn run(origin: &str, seconds: u64) -> Result<String, String> {
    let mut running = Running::start(origin, |name| name == "postern, JWT").await;
    let writer = running.start_writer(origin);
    let system = running
        .systems
        .iter()
        .find(|system| system.name == "postern, JWT");
    let (Some(system), Some((gateway, organization))) = (system, running.gateways.first()) else {
        return Err("the soak needs `postern, JWT`".to_owned());
    };
    let begun = Instant::now();
    let request = Work::Store.request(&system.credential);
    let (mut laps, mut calls) = (Vec::new(), 0);
    let mut minted: Vec<Minted> = Vec::new();
    while begun.elapsed().as_secs() < seconds {
        let load = load::run(system.port, &request, CONNECTIONS, LAP);
        let turn_over = async {
            for old in minted.drain(..) {
                organization.revoke(gateway, &old.id).await;
            }
            let mut fresh = Vec::new();
            for _ in 0..TURNED_OVER {
                fresh.push(organization.mint_for_release(gateway, "opaque").await);
            }
            for _ in 0..TURNED_OVER {
                let call = Call::new(
                    &gateway.http,
                    "POST",
                    &format!("http://127.0.0.1:{}/", writer.port),
                );
                let status = call.send().await.status;
                assert_eq!(status, 204, "the stores take what is written");
            }
            fresh
        };
        let (shown, fresh) = tokio::join!(load, turn_over);
        minted = fresh;
        let shown = shown?;
        calls += shown.latencies.len();
        let own = system.resident_mib();
        laps.push((
            own,
            writer.resident_mib(),
            percentile(&shown.latencies, 0.99),
        ));
        eprintln!("{} s, {own:.0} MiB ...", begun.elapsed().as_secs());
    }
    let at = |index: usize| laps.get(index).copied().unwrap_or_default();
    let rows = [
        ("start", at(0)),
        ("middle", at(laps.len() / 2)),
        ("end", at(laps.len().saturating_sub(1))),
    ];
    let mut text = format!(
        "{seconds} s at {CONNECTIONS} connections, {calls} calls, {} tokens minted and revoked. `stores alone`: a Worker that \
         writes as much to D1 and KV, and serves nothing.\n\n\
         | | RSS MiB | stores alone, RSS MiB | p99 ms |\n|---|---|---|---|\n",
        laps.len() * TURNED_OVER
    );
    for (name, (resident, stores, p99)) in rows {
        let p99 = f64::from(p99) / 1000.0;
        text += &format!("| {name} | {resident:.0} | {stores:.0} | {p99:.2} |\n");
    }
    let [_, (_, middle), (_, end)] = rows;
    let ratio = end.0 / middle.0;
    let met = verdict(ratio <= 1.1);
    let stores = end.1 - middle.1;
    Ok(text
        + &format!(
            "\nEnd against middle: {ratio:.3}; target at most 1.1: {met}. From middle to end {:.0} MiB more, the stores alone {stores:.0}.\n",
            end.0 - middle.0
        ))
}
