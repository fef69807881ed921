//! The systems that are compared, each running on a workerd of its own. Each must accept a good token and refuse a bad
//! one before it is measured.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use postern_origin::sha256_hex;
use postern_system_tests::forge::{self, Keys};
use postern_system_tests::gateway::{Gateway, Serve, free_ports};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::{process, random_id, root, rpc};
use serde_json::{Value, json};

use crate::{machine, origin};

/// Tokens in a peer's D1.
const TOKENS: usize = 1_000;
/// As in wrangler.toml.
pub const COMPATIBILITY_DATE: &str = "2026-04-01";

/// A system.
pub struct System {
    /// Its name in tables.
    pub name: &'static str,
    /// Where it listens.
    pub port: u16,
    /// The credential that it accepts.
    pub credential: String,
    /// Its workerd.
    pub workerd: u32,
}

/// Everything that runs, and ends with this value.
pub struct Running {
    /// The systems, in the order of tables.
    pub systems: Vec<System>,
    /// Postern's gateways: with leases, and without.
    pub gateways: Vec<(Gateway, Organization)>,
    peers: Vec<Child>,
}

impl Drop for Running {
    fn drop(&mut self) {
        for peer in &mut self.peers {
            process::signal(peer.id(), 15);
            let _ = peer.wait();
        }
    }
}

/// A peer: name in tables, file in bench/peers, variables.
type Peer = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// The peers.
const PEERS: [Peer; 8] = [
    ("bare", "bare", &[]),
    ("bare (control)", "bare", &[]),
    ("js-same-calls", "js-same-calls", &[]),
    ("hono-jose", "hono-jose", &[]),
    (
        "hono-jose, 5 s cache",
        "hono-jose",
        &[("CACHE_SECONDS", "5")],
    ),
    ("hono-opaque", "hono-opaque", &[]),
    ("js-do", "js-do", &[]),
    ("js-bounded", "js-bounded", &[]),
];

/// Postern: variables, and the names of its JWT and of its opaque key in tables.
type Ours = ([(&'static str, &'static str); 2], [&'static str; 2]);

/// Postern's own ways to run.
const POSTERN: [Ours; 3] = [
    (
        [("REVOCATION_LEASE_MS", "1000"), ("REQUEST_LOG", "all")],
        ["postern, JWT", "postern, opaque"],
    ),
    (
        [("REVOCATION_LEASE_MS", "1000"), ("REQUEST_LOG", "refusals")],
        [
            "postern refusals logged, JWT",
            "postern refusals logged, opaque",
        ],
    ),
    (
        [("REVOCATION_LEASE_MS", "0"), ("REQUEST_LOG", "all")],
        ["postern leases off, JWT", "postern leases off, opaque"],
    ),
];

impl Running {
    /// Starts those whose names `wanted` takes, in front of the origin.
    pub async fn start(origin: &str, wanted: impl Fn(&str) -> bool) -> Self {
        let mut running = Self {
            systems: Vec::new(),
            gateways: Vec::new(),
            peers: Vec::new(),
        };
        for (name, file, set) in PEERS {
            if wanted(name) {
                eprintln!("starting {name} ...");
                let peer = running.start_peer(name, file, set, origin);
                running.systems.push(peer);
            }
        }
        for (set, names) in POSTERN {
            if names.iter().any(|name| wanted(name)) {
                eprintln!("starting {} ...", names[0]);
                running.start_postern(set, names, origin, &wanted).await;
            }
        }
        running
    }

    /// Starts the Worker that only writes what a mint and its revoke leave in D1 and KV.
    pub fn start_writer(&mut self, origin: &str) -> System {
        self.start_peer("stores alone", "writer", &[], origin)
    }

    fn start_peer(
        &mut self,
        name: &'static str,
        file: &str,
        set: &[(&str, &str)],
        origin: &str,
    ) -> System {
        let port = free_ports(1);
        let secret = format!("{}{}", random_id(), random_id());
        let (id, key) = (random_id(), format!("key_{}{}", random_id(), random_id()));
        let claims = json!({
            "iss": "bench", "aud": "api", "jti": id, "exp": 4_000_000_000_u64, "org_id": random_id(),
            "org_name": "acme", "project_id": random_id(), "project_name": SHOP,
            "workflow_id": random_id(), "workflow_name": RELEASE,
        });
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        let jwt = forge::jwt(&header, &claims.to_string(), secret.as_bytes());
        let row = |id: &str, key: &str| json!({ "id": id, "hash": sha256_hex(key.as_bytes()) });
        let mut tokens = vec![row(&id, &key)];
        tokens.extend((1..TOKENS).map(|_| row(&random_id(), &random_id())));
        let set: Value = set.iter().map(|(name, value)| (*name, *value)).collect();
        let order = json!({
            "peer": file, "port": port, "origin": origin, "secret": secret, "set": set,
            "tokens": tokens, "compatibilityDate": COMPATIBILITY_DATE,
        });
        let mut command = Command::new(node());
        command
            .arg("bench/peer.mjs")
            .current_dir(root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        process::tie(&mut command);
        let mut child = command.spawn().expect("Node starts");
        let stdin = child.stdin.as_mut().expect("stdin was asked for");
        writeln!(stdin, "{order}").expect("the order is taken");
        let mut ready = String::new();
        let stdout = child.stdout.take().expect("stdout was asked for");
        let read = BufReader::new(stdout).read_line(&mut ready);
        assert!(read.is_ok() && ready == "ready\n", "{name} does not start");
        let workerd = workerd(child.id());
        self.peers.push(child);
        System {
            name,
            port,
            credential: if file == "hono-opaque" { key } else { jwt },
            workerd,
        }
    }

    async fn start_postern(
        &mut self,
        set: [(&str, &str); 2],
        names: [&'static str; 2],
        origin: &str,
        wanted: impl Fn(&str) -> bool,
    ) {
        let keys = Keys::random();
        let serve = Serve::new(origin, &keys).set("ANSWER_HEADERS", "off");
        let serve = set
            .into_iter()
            .fold(serve, |serve, (name, value)| serve.set(name, value));
        let gateway = serve.start().await;
        let organization = Organization::new(&gateway, &keys.admin).await;
        for (name, format) in names.into_iter().zip(["jwt", "opaque"]) {
            if !wanted(name) {
                continue;
            }
            let token = organization.mint_for_release(&gateway, format).await;
            let run = rpc::begin(&gateway, &token.token, SHOP, RELEASE).await;
            assert_eq!(run, origin::RUN);
            self.systems.push(System {
                name,
                port: gateway.port(),
                credential: token.token,
                workerd: workerd(gateway.process()),
            });
        }
        self.gateways.push((gateway, organization));
    }
}

impl System {
    /// Resident memory, in MiB.
    pub fn resident_mib(&self) -> f64 {
        machine::resident_mib(self.workerd)
    }
}

/// The pinned Node, as `cargo xtask` has put it there.
pub fn node() -> PathBuf {
    let pinned = root().join("node_modules/.bin/node");
    match pinned.exists() {
        true => pinned,
        false => PathBuf::from("node"),
    }
}

/// The workerd below a process; the process itself where none is found.
fn workerd(of: u32) -> u32 {
    let below = process::descendants(of);
    let found = below.iter().find(|(_, name)| name.contains("workerd"));
    found.map_or(of, |(id, _)| *id)
}
