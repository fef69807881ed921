//! Everything that a release can have made, and whether it holds with another one.

use postern_origin::attestation;
use postern_origin::sha256_hex;
use postern_system_tests::audit::verified;
use postern_system_tests::gateway::Gateway;
use postern_system_tests::life::{assert_dead, assert_live};
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::random_id;
use postern_system_tests::rpc::{self, GET_UPLOAD_CREDS, STORE};
use postern_system_tests::suite::Setup;
use prost::Message as _;
use serde_json::{Value, json};

/// The two formats.
const FORMATS: [&str; 2] = ["opaque", "jwt"];

/// An organization with tokens in every state, runs, an upstream credential and an audit log.
pub struct Made {
    pub organization: Organization,
    /// The text of the credential that goes to the origin.
    upstream: String,
    /// Active tokens, each with a run that it began and that goes on.
    running: Vec<(Minted, String)>,
    /// Active without a run: some of them being rotated out.
    active: Vec<Minted>,
    /// Revoked alone, rotated out or revoked together.
    dead: Vec<Minted>,
    /// The audit log as it was.
    events: Vec<Value>,
}

impl Made {
    /// Makes all of it through the first isolate.
    pub async fn by(gateway: &Gateway, setup: &Setup) -> Self {
        let organization = Organization::new(gateway, &setup.keys.admin).await;
        let upstream = format!("upstream-{}", random_id());
        let body = json!({ "credential": upstream });
        let set = organization.call(gateway, "PUT", "/org/upstream");
        set.json(&body).send().await.json(200);
        let mut made = Self {
            organization,
            upstream,
            running: Vec::new(),
            active: Vec::new(),
            dead: Vec::new(),
            events: Vec::new(),
        };
        made.add(gateway).await;
        made.learn(gateway, setup).await;
        made
    }

    /// Makes more of everything, in the same organization.
    pub async fn add(&mut self, gateway: &Gateway) {
        let of = &self.organization;
        for format in FORMATS {
            let token = of.mint_for_release(gateway, format).await;
            let ended = rpc::begin(gateway, &token.token, SHOP, RELEASE).await;
            ask_for_upload(gateway, 0, &token, &ended).await;
            store(gateway, &token, &ended).await;
            let run = rpc::begin(gateway, &token.token, SHOP, RELEASE).await;
            self.running.push((token, run));

            let revoked = of.mint_for_release(gateway, format).await;
            assert_live(gateway, &revoked, "it was created").await;
            of.revoke(gateway, &revoked.id).await;
            self.dead.push(revoked);

            let old = of.mint_for_release(gateway, format).await;
            let new = of.rotate(gateway, &old.id, &json!({})).await;
            self.dead.push(old);
            let newer = of
                .rotate(gateway, &new.id, &json!({ "overlap": "1h" }))
                .await;
            self.active.extend([new, newer]);

            let leaver = of.mint_for_release(gateway, format).await;
            let many = of.revoking(gateway, &json!({ "ids": [leaver.id] }));
            let told = many.send().await.json(200);
            assert_eq!(told["ids"], json!([leaver.id]), "{told}");
            self.dead.push(leaver);
        }
    }

    /// Reads the audit log, which verifies, and goes on where it was.
    pub async fn learn(&mut self, gateway: &Gateway, setup: &Setup) {
        let events = verified(gateway, &self.organization, &setup.keys).await;
        assert_eq!(
            events.get(..self.events.len()),
            Some(&self.events[..]),
            "what was written stays"
        );
        for action in ["token.mint", "token.rotate", "token.revoke", "upstream.set"] {
            let of = events.iter().filter(|event| event["action"] == action);
            assert!(of.count() > 0, "{action}");
        }
        let issued = events
            .iter()
            .filter(|event| event["action"] == "artifact_credential.issue");
        assert!(
            issued.count() >= FORMATS.len(),
            "one for each that was asked for"
        );
        self.events = events;
    }

    /// Asserts that all of it is as it was, in every isolate, and that the Ledger can be written to.
    pub async fn holds(&mut self, gateway: &Gateway, setup: &Setup) {
        let of = self.organization.clone();
        let sent = sha256_hex(format!("Bearer {}", self.upstream).as_bytes());
        for (token, run) in self.running.drain(..) {
            for isolate in 0..gateway.isolates() {
                setup.origin.reset().await;
                ask_for_upload(gateway, isolate, &token, &run).await;
                let calls = setup.origin.calls().await;
                let credential = &calls.last().expect("a call")["headers"]["authorization_sha256"];
                assert_eq!(*credential, json!([sent]), "the stored credential is sent");
            }
            // A run that began with the other release ends with this one.
            store(gateway, &token, &run).await;
            self.active.push(token);
        }
        for token in &self.active {
            assert_live(gateway, token, "it was active").await;
        }
        for token in &self.dead {
            assert_dead(gateway, token, "revoked stays revoked").await;
        }
        let listed = of.token_ids(gateway, "").await;
        let expected = self.active.iter().map(|token| token.id.clone()).collect();
        assert_eq!(listed, expected, "the list of active tokens");
        for token in &self.dead {
            let row = of.token(gateway, &token.id).await;
            assert!(row["revoked_at"].is_string(), "{row}");
        }
        self.add(gateway).await;
        self.learn(gateway, setup).await;
    }
}

/// Asks for a credential for the artifact store, which the audit log gets an event of.
async fn ask_for_upload(gateway: &Gateway, isolate: u16, token: &Minted, run: &str) {
    let about = rpc::about(run);
    let call = rpc::call_on(gateway, isolate, GET_UPLOAD_CREDS, &token.token, &about);
    call.send().await.accepted();
}

/// Stores something under a run, which ends it.
async fn store(gateway: &Gateway, token: &Minted, run: &str) {
    let bundle = attestation::attest("file", b"content").expect("entropy");
    let message = rpc::store(run, &bundle.bundle).encode_to_vec();
    let call = rpc::call(gateway, STORE, &token.token, &message);
    call.send().await.accepted();
}
