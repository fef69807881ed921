//! What becomes slower with more tokens and events: the same questions to gateways with few, more and many of them, in
//! turn. The stores are filled directly (`seed`): a million mints are another measurement.

mod seed;

use std::fmt::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use postern_domain::time::Timestamp;
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::life::millis;
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::rpc;
use postern_wire::cursor::Cursor;
use serde_json::json;
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::statistics::{median, ratios, verdict};
use crate::work::Work;
use crate::{load, origin};
use seed::Revoked;

/// Tokens, and audit events, beside the few that were really made.
const SIZES: [u64; 3] = [100, 10_000, 1_000_000];
/// Calls of a kind in a round.
const CALLS: usize = 15;
/// Load on the way of every call, in a round.
const LOAD: (usize, Duration) = (16, Duration::from_millis(1_000));
/// Rows of a list; the smallest gateway has as many that live.
const ROWS: u64 = 50;
/// Addresses that mint, for the limiter.
const ADDRESSES: u32 = 100_000;
/// How many of them mint at a time.
const LANES: usize = 8;

/// A gateway with its tokens.
struct Grown {
    size: u64,
    gateway: Gateway,
    organization: Organization,
    /// Another one, of whose tokens only one lives.
    past: Organization,
    /// A seeded token's list place: half of all tokens are younger.
    halfway: String,
    credential: String,
    /// Number of the last seeded token that was revoked.
    next: u64,
}

impl Grown {
    async fn start(origin: &str, size: u64) -> Result<Self, String> {
        eprintln!("seeding {size} tokens and events ...");
        let keys = Keys::random();
        let serve = Serve::new(origin, &keys);
        let gateway = serve.start().await;
        // A ceiling that is never reached: each mint counts who lives.
        let limits = json!({ "mint_ceiling": 10_000_000 });
        let organization = Organization::with(&gateway, &keys.admin, &limits).await;
        let template = organization.mint_for_release(&gateway, "opaque").await;
        let token = organization.mint_for_release(&gateway, "jwt").await;
        organization.mint(&gateway, &json!({})).await;
        assert_eq!(
            rpc::begin(&gateway, &token.token, SHOP, RELEASE).await,
            origin::RUN
        );
        let past = Organization::new(&gateway, &keys.admin).await;
        let old = past.mint_for_release(&gateway, "opaque").await;
        let minted = millis(&template.answer["created_at"]);
        // The record has all of it before the gateway ends.
        tokio::time::sleep(Duration::from_secs(3)).await;
        gateway.stop();
        seed::tokens(&serve.state(), &template.id, size, Revoked::Half)?;
        seed::tokens(&serve.state(), &old.id, size, Revoked::All)?;
        seed::audit(&serve.state(), &template.id, size)?;
        let middle = i64::try_from(size / 2).unwrap_or(0);
        let place = Cursor {
            at: Timestamp::from_millis(minted - middle * 1000),
            id: seed::id(size / 2),
        };
        Ok(Self {
            size,
            gateway: serve.start().await,
            organization,
            past,
            halfway: place.print(),
            credential: token.token,
            next: 0,
        })
    }

    /// The next seeded token that lives.
    fn living(&mut self) -> String {
        self.next += 2;
        seed::id(self.next)
    }

    fn get(&self, path: &str) -> Call {
        self.organization.call(&self.gateway, "GET", path)
    }
}

/// What is asked, by its name in the table, and how often in a round: what uses up tokens, seldom, and where half of
/// those that live in the smallest gateway go, once at the end of all rounds.
const ASKED: [(&str, usize); 13] = [
    ("Store, for each at 16 connections", 1),
    ("list, newest 50 that live", CALLS),
    ("list, with uses by day", CALLS),
    ("list, 50 from the middle", CALLS),
    ("list, by project", CALLS),
    ("list, of organization scope, which few have", CALLS),
    ("list, few live among the revoked", CALLS),
    ("read one token", CALLS),
    ("mint, counted against the ceiling", CALLS),
    ("revoke", 2),
    ("revoke, many: 20 by id", 0),
    ("audit, newest 50", CALLS),
    ("audit, of one token", CALLS),
];

/// Milliseconds that one question takes.
async fn ask(grown: &mut Grown, asked: &str) -> Result<f64, String> {
    let rows = format!("limit={ROWS}");
    let call = match asked {
        "Store, for each at 16 connections" => {
            let request = Work::Store.request(&grown.credential);
            let (connections, time) = LOAD;
            let shown = load::run(grown.gateway.port(), &request, connections, time).await?;
            #[expect(clippy::cast_precision_loss, reason = "a count of calls")]
            return Ok(shown.time.as_secs_f64() * 1000.0 / shown.latencies.len() as f64);
        }
        "list, newest 50 that live" => grown.get(&format!("/org/tokens?{rows}")),
        "list, with uses by day" => grown.get(&format!("/org/tokens?{rows}&uses_days=14")),
        "list, 50 from the middle" => grown.get(&format!(
            "/org/tokens?{rows}&status=all&cursor={}",
            grown.halfway
        )),
        "list, by project" => grown.get(&format!("/org/tokens?{rows}&project={SHOP}")),
        "list, of organization scope, which few have" => {
            grown.get(&format!("/org/tokens?{rows}&scope=organization"))
        }
        "list, few live among the revoked" => {
            let path = format!("/org/tokens?{rows}");
            grown.past.call(&grown.gateway, "GET", &path)
        }
        "read one token" => grown.get(&format!("/org/tokens/{}", seed::id(2))),
        "mint, counted against the ceiling" => grown
            .organization
            .minting(&grown.gateway, &json!({ "project": SHOP })),
        "revoke" => {
            let path = format!("/org/tokens/{}", grown.living());
            grown.organization.call(&grown.gateway, "DELETE", &path)
        }
        "revoke, many: 20 by id" => {
            let ids: Vec<_> = (0..20).map(|_| grown.living()).collect();
            grown
                .organization
                .revoking(&grown.gateway, &json!({ "ids": ids }))
        }
        "audit, newest 50" => grown.get(&format!("/org/audit?{rows}")),
        _ => grown.get(&format!("/org/audit?{rows}&token={}", seed::id(2))),
    };
    let begun = Instant::now();
    let answer = call.send().await;
    let taken = begun.elapsed().as_secs_f64() * 1000.0;
    match answer.status {
        200 | 201 => Ok(taken),
        status => Err(format!(
            "{asked}, {} tokens: HTTP {status}: {}",
            grown.size,
            answer.text()
        )),
    }
}

/// So many rounds; gives the tables.
///
/// # Errors
/// The first answer that is no success.
pub async fn run(origin: &str, rounds: usize) -> Result<String, String> {
    let mut all = Vec::new();
    for size in SIZES {
        all.push(Grown::start(origin, size).await?);
    }
    let mut taken = vec![vec![Vec::new(); all.len()]; ASKED.len()];
    let mut chance = Chance::new();
    for round in 0..rounds {
        eprintln!("round {} of {rounds} ...", round + 1);
        for ((asked, times), taken) in ASKED.iter().zip(&mut taken) {
            let times = (*times).max(usize::from(round + 1 == rounds));
            for number in chance.order(all.len()) {
                let mut own = Vec::new();
                for _ in 0..times {
                    own.push(ask(&mut all[number], asked).await?);
                }
                if !own.is_empty() {
                    taken[number].push(median(&own));
                }
            }
        }
    }
    let heads: Vec<String> = SIZES.iter().map(|size| format!("{size}, ms")).collect();
    let mut table = format!(
        "{rounds} rounds, medians; half of the tokens are revoked, each has an audit event; a second organization has as many, of which one lives.\n\n| tokens | {} | most against fewest |\n|---|---|---|---|---|\n",
        heads.join(" | ")
    );
    let mut grown = Vec::new();
    for ((asked, _), by_size) in ASKED.iter().zip(&taken) {
        let medians: Vec<f64> = by_size.iter().map(|own| median(own)).collect();
        let ratio = median(&ratios(&by_size[2], &by_size[0]));
        grown.push(ratio);
        let _ = writeln!(
            table,
            "| {asked} | {:.2} | {:.2} | {:.2} | {ratio:.2} |",
            medians[0], medians[1], medians[2]
        );
    }
    table += "\n| | target | measured | |\n|---|---|---|---|\n";
    for (what, target, ratio) in [("check cost", 1.1, grown[0]), ("list page", 2.0, grown[1])] {
        let met = verdict(ratio <= target);
        let _ = writeln!(
            table,
            "| {what}, {} tokens against {} | at most {target} | {ratio:.3} | {met} |",
            SIZES[2], SIZES[0]
        );
    }
    let smallest = all.swap_remove(0);
    drop(all);
    Ok(table + &addresses(&smallest).await?)
}

/// Mints from more and more addresses, each with a bucket of its own: the first hundred and the last one by one, those
/// between them on several lanes.
async fn addresses(grown: &Grown) -> Result<String, String> {
    eprintln!("minting from {ADDRESSES} addresses ...");
    let mint = |number: u32| {
        let [_, a, b, c] = number.to_be_bytes();
        // An organization without a ceiling: nothing is counted.
        let call = grown
            .past
            .minting(&grown.gateway, &json!({ "project": SHOP }));
        call.from(&format!("10.{a}.{b}.{c}"))
    };
    let one_by_one = async |numbers: Range<u32>| {
        let mut taken = Vec::new();
        for number in numbers {
            let (call, begun) = (mint(number), Instant::now());
            minted(&call.send().await)?;
            taken.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        Ok::<_, String>(median(&taken))
    };
    let last = ADDRESSES - 100;
    let first = one_by_one(0..100).await?;
    let mut lanes = JoinSet::new();
    for number in 100..last {
        if lanes.len() >= LANES {
            let done = lanes.join_next().await;
            done.transpose()
                .map_err(|error| error.to_string())?
                .transpose()?;
        }
        let call = mint(number);
        lanes.spawn(async move { minted(&call.send().await) });
    }
    for done in lanes.join_all().await {
        done?;
    }
    let end = one_by_one(last..ADDRESSES).await?;
    Ok(format!(
        "\nA mint from an address that has not minted before takes {first:.2} ms among the first hundred addresses, {end:.2} ms after {last} others.\n"
    ))
}

fn minted(answer: &Answer) -> Result<(), String> {
    match answer.status {
        201 => Ok(()),
        status => Err(format!("a mint: HTTP {status}: {}", answer.text())),
    }
}
