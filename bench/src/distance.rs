//! What a caller waits for where an organization's Ledger is far from the gateway (R52): the built module with every
//! request to a Ledger taking longer.

use std::fmt::Write as _;
use std::time::Instant;

use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, INIT, STORE};
use prost::Message as _;

use crate::origin::RUN;
use crate::statistics::median;

/// To a Ledger and back, in milliseconds: the same place, the same region, the next continent, and the other side of
/// the world.
const WAYS_MS: [u32; 5] = [0, 10, 40, 100, 250];

/// What is timed, in the order of the columns.
const COLUMNS: [&str; 6] = [
    "Store under a lease",
    "Init",
    "first Store of a token",
    "Store, leases off",
    "creating a token",
    "revoke",
];

/// Measures `rounds` times each; gives the table. A call that fails ends the run.
pub async fn run(origin: &str, rounds: usize) -> String {
    let mut text = format!(
        "Medians of {rounds}, in milliseconds, one call after the other.\n\n| to the Ledger and back | {} |\n|---|",
        COLUMNS.join(" | ")
    );
    text += &"---|".repeat(COLUMNS.len());
    text.push('\n');
    for way in WAYS_MS {
        eprintln!("{way} ms ...");
        let leased = World::start(origin, way, "1000").await;
        let asking = World::start(origin, way, "0").await;
        let mut columns = leased.columns(rounds).await;
        columns.insert(3, asking.stores(rounds).await);
        let _ = write!(text, "| {way} ms |");
        for column in columns {
            let _ = write!(text, " {:.1} |", median(&column));
        }
        text.push('\n');
    }
    text
}

/// A gateway that far from its Ledgers.
struct World {
    gateway: Gateway,
    organization: Organization,
    token: String,
}

impl World {
    async fn start(origin: &str, way: u32, lease_ms: &str) -> Self {
        let keys = Keys::random();
        let serve = Serve::new(origin, &keys).ledgers_away(way);
        let gateway = serve.set("REVOCATION_LEASE_MS", lease_ms).start().await;
        let organization = Organization::new(&gateway, &keys.admin).await;
        let token = organization.mint_for_release(&gateway, "jwt").await.token;
        let run = rpc::begin(&gateway, &token, SHOP, RELEASE).await;
        assert_eq!(run, RUN);
        Self {
            gateway,
            organization,
            token,
        }
    }

    /// All but the column of a gateway without leases.
    async fn columns(&self, rounds: usize) -> Vec<Vec<f64>> {
        let mut columns = vec![Vec::new(); 5];
        let mut note = |column: usize, ms: f64| {
            if let Some(column) = columns.get_mut(column) {
                column.push(ms);
            }
        };
        for _ in 0..rounds {
            note(0, self.store(&self.token).await);
            note(1, self.init().await);
            let begun = Instant::now();
            let fresh = self
                .organization
                .mint_for_release(&self.gateway, "opaque")
                .await;
            note(3, since(begun));
            note(2, self.store(&fresh.token).await);
            let begun = Instant::now();
            self.organization.revoke(&self.gateway, &fresh.id).await;
            note(4, since(begun));
        }
        columns
    }

    async fn stores(&self, rounds: usize) -> Vec<f64> {
        let mut found = Vec::new();
        for _ in 0..rounds {
            found.push(self.store(&self.token).await);
        }
        found
    }

    async fn store(&self, token: &str) -> f64 {
        let message = rpc::store(RUN, &[b'b'; 250]).encode_to_vec();
        self.call(STORE, token, &message).await
    }

    async fn init(&self) -> f64 {
        let message = rpc::init(SHOP, RELEASE).encode_to_vec();
        self.call(INIT, &self.token, &message).await
    }

    async fn call(&self, path: &str, token: &str, message: &[u8]) -> f64 {
        let begun = Instant::now();
        let answer = rpc::call(&self.gateway, path, token, message).send().await;
        let ms = since(begun);
        answer.accepted();
        ms
    }
}

fn since(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1_000.0
}
