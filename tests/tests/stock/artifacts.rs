//! Artifacts of a stock control plane (R46): the events of their credentials, and downloads through the gateway.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use postern_origin::client::{Endpoint, Store, Wire};
use postern_origin::proto::cas_credentials_service_get_request::Role;
use postern_origin::proto::{
    AttestationServiceGetUploadCredsResponse, CasCredentialsServiceGetRequest,
    GetDownloadUrlRequest, GetDownloadUrlResponse,
};
use postern_origin::sha256_hex;
use postern_origin::strict::cas::Wrong;
use postern_system_tests::audit::events;
use postern_system_tests::cases;
use postern_system_tests::http::Call;
use postern_system_tests::organization::{Minted, Organization};
use postern_system_tests::program::Postern;
use postern_system_tests::rpc::{self, GET_UPLOAD_CREDS, INITIALIZED};
use postern_system_tests::runner::Case;
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::{ORGANIZATIONS_OWN, Plane};

const ISSUED: &str = "artifact_credential.issue";
const GET: &str = "/controlplane.v1.CASCredentialsService/Get";
const LINK: &str = "/controlplane.v1.CASRedirectService/GetDownloadURL";

pub fn cases() -> Vec<Case<Plane>> {
    cases![
        r46_each_credential_that_is_handed_out_is_an_event,
        r46_an_artifact_is_downloaded_through_the_gateway,
        r46_a_wrong_content_is_broken_off,
        r46_a_link_leads_through_the_gateway,
        r46_who_may_not_download_is_refused,
        r46_credentials_are_counted_while_their_token_is_revoked,
        r46_the_bridge_carries_uploads_and_downloads,
        r46_an_event_is_written_for_each_of_many,
    ]
}

/// An organization with a credential of the control plane, and a token for all of it.
async fn organization(plane: &Plane) -> (Organization, Minted) {
    let organization = plane.organization().await;
    let credential = plane.credential(&organization.name);
    plane
        .set(&organization, ORGANIZATIONS_OWN, &credential.jwt)
        .await;
    let token = organization.mint(&plane.gateway, &json!({})).await;
    (organization, token)
}

/// Attests a file, which is in the store then; gives its digest and the run.
async fn attested(plane: &Plane, token: &Minted, content: &[u8]) -> (String, String) {
    let url = plane.gateway.url(0);
    let endpoint = Endpoint::web(&url, &token.token, Wire::Binary).expect("an address");
    let mut sequence = plane.sequence_of(endpoint, content);
    let ended = async {
        sequence.init().await?;
        sequence.add().await?;
        sequence.push().await
    };
    assert!(ended.await.is_ok(), "{}", sequence.transcript());
    let run = sequence.run().to_owned();
    (format!("sha256:{}", sha256_hex(content)), run)
}

/// Credentials that an attestation takes: `init`, `add` and `push` ask for one each.
const ATTESTED: usize = 3;

/// The events of artifact credentials, the oldest first, once there are so many.
async fn issued(plane: &Plane, organization: &Organization, count: usize) -> Vec<Value> {
    let query = format!("action={ISSUED}");
    let mut found = Vec::new();
    for _ in 0..100 {
        found = events(&plane.gateway, organization, &query).await;
        if found.len() >= count {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(found.len(), count, "{found:#?}");
    found.sort_by_key(|event| event["sequence"].as_u64());
    found
}

/// The credential in an answer; both calls that give one have it in the same place.
fn credential(message: &[u8]) -> String {
    let told = AttestationServiceGetUploadCredsResponse::decode(message).expect("a message");
    told.result.expect("a result").token
}

fn get(plane: &Plane, token: &Minted, digest: &str) -> Call {
    let path = format!("/cas/download/{digest}");
    plane.gateway.call("GET", &path).bearer(&token.token)
}

async fn r46_each_credential_that_is_handed_out_is_an_event(plane: &Plane) {
    let (organization, token) = organization(plane).await;
    let (_, run) = attested(plane, &token, b"each one").await;
    let found = issued(plane, &organization, ATTESTED).await;
    let [event, ..] = found.as_slice() else {
        panic!("{found:#?}");
    };
    let prefix = token.answer["prefix"].as_str().expect("a prefix");
    assert_eq!(event["token_id"], token.id.as_str());
    assert_eq!(event["actor"], format!("org-token:{prefix}"));
    assert_eq!(event["target"], format!("run:{run}"));
    let changes = json!({ "call": "AttestationService/GetUploadCreds", "role": "uploader" });
    assert_eq!(event["changes"], changes);
    assert!(!event.to_string().contains("eyJ"), "{event}");
}

async fn r46_an_artifact_is_downloaded_through_the_gateway(plane: &Plane) {
    let (organization, token) = organization(plane).await;
    // Many pieces, of which no two are alike.
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 7 % 251) as u8).collect();
    let (digest, _) = attested(plane, &token, &content).await;
    let answer = get(plane, &token, &digest).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.body == content, "{} bytes", answer.body.len());
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        (
            "content-disposition",
            "attachment; filename=\"release.txt\"",
        ),
        (
            "content-security-policy",
            "sandbox; default-src 'none'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("set-cookie"), None);
    let by_query = format!("/cas/download/{digest}?t={}", token.token);
    let answer = plane.gateway.call("GET", &by_query).send().await;
    assert!(answer.status == 200 && answer.body == content);
    let found = issued(plane, &organization, ATTESTED + 2).await;
    for event in found.iter().skip(ATTESTED) {
        assert_eq!(event["token_id"], token.id.as_str());
        assert_eq!(event["target"], format!("artifact:{digest}"));
        let changes = json!({ "call": "GET /cas/download/{digest}", "role": "downloader" });
        assert_eq!(event["changes"], changes);
    }
    let missing = format!("sha256:{}", sha256_hex(b"of nothing"));
    let answer = get(plane, &token, &missing).send().await;
    let problem = answer.problem(404, "not_found");
    assert_eq!(problem["detail"], "no such artifact");
    let log = plane.gateway.serve().log();
    assert!(!log.contains("?t=") && !log.contains(&token.token));
}

/// Clients see a download that failed, and never a whole one.
async fn r46_a_wrong_content_is_broken_off(plane: &Plane) {
    let (_, token) = organization(plane).await;
    for (length, wrong) in [
        (5, Wrong::Other),
        (5, Wrong::Short),
        (5, Wrong::Long),
        (5, Wrong::CutOff),
        (900_000, Wrong::Other),
        (900_000, Wrong::Short),
        (900_000, Wrong::Long),
        (900_000, Wrong::CutOff),
    ] {
        let content: Vec<u8> = (0..length).map(|at| (at % 97) as u8).collect();
        let (digest, _) = attested(plane, &token, &content).await;
        let hex = digest.strip_prefix("sha256:").expect("its beginning");
        plane.strict.falsify(hex, Some(wrong));
        let answer = get(plane, &token, &digest).try_send().await;
        // Where nothing was sent on yet, the gateway can still say so.
        let is_told = answer.as_ref().is_ok_and(|answer| answer.status == 502);
        assert!(answer.is_err() || is_told, "{length} {wrong:?}: {answer:?}");
        let came = what_came(plane, &token, &digest).await;
        assert!(
            came.len() < content.len() || wrong == Wrong::Long,
            "{length} {wrong:?}"
        );
        assert!(came.len() <= content.len(), "{length} {wrong:?}");
        plane.strict.falsify(hex, None);
        let answer = get(plane, &token, &digest).send().await;
        assert!(answer.body == content, "{length} {wrong:?}");
    }
    let log = plane.gateway.serve().log();
    assert!(log.contains("it is another content"), "{log}");
}

/// The bytes that a client has when a download breaks off.
async fn what_came(plane: &Plane, token: &Minted, digest: &str) -> Vec<u8> {
    let uri = format!("{}/cas/download/{digest}", plane.gateway.url(0));
    let request = http::Request::get(uri)
        .header("authorization", format!("Bearer {}", token.token))
        .body(http_body_util::Empty::<hyper::body::Bytes>::new())
        .expect("a request");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut came = Vec::new();
    let Ok(answer) = client.request(request).await else {
        return came;
    };
    if answer.status() != 200 {
        return came;
    }
    let mut body = answer.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        came.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    came
}

async fn r46_a_link_leads_through_the_gateway(plane: &Plane) {
    let (organization, token) = organization(plane).await;
    let (digest, _) = attested(plane, &token, b"linked").await;
    let message = GetDownloadUrlRequest {
        digest: digest.clone(),
    };
    let call = rpc::call(&plane.gateway, LINK, &token.token, &message.encode_to_vec());
    let told = call.send().await.accepted();
    let told = GetDownloadUrlResponse::decode(told.as_slice()).expect("a message");
    let url = told.result.expect("a result").url;
    let own = format!("{}/cas/download/{digest}", plane.gateway.url(0));
    assert_eq!(url, own);
    let path = url.strip_prefix(&plane.gateway.url(0)).expect("our own");
    let answer = plane.gateway.call("GET", path).bearer(&token.token);
    let answer = answer.send().await;
    assert_eq!((answer.status, &*answer.body), (200, &b"linked"[..]));
    // The link had none; the download had one.
    let found = issued(plane, &organization, ATTESTED + 1).await;
    assert_eq!(found[ATTESTED]["changes"]["role"], "downloader");
}

async fn r46_who_may_not_download_is_refused(plane: &Plane) {
    let (organization, token) = organization(plane).await;
    let (digest, _) = attested(plane, &token, b"not for everybody").await;
    let narrow = organization.mint_for_release(&plane.gateway, "jwt").await;
    let answer = get(plane, &narrow, &digest).send().await;
    answer.problem(403, "operation_not_allowed");
    let (_, other) = self::organization(plane).await;
    get(plane, &other, &digest)
        .send()
        .await
        .problem(404, "not_found");
    let path = format!("/cas/download/{digest}");
    let answer = plane.gateway.call("GET", &path).send().await;
    answer.problem(401, "credential_missing");
    get(plane, &token, "sha256:00")
        .send()
        .await
        .problem(400, "digest_invalid");
    organization.revoke(&plane.gateway, &token.id).await;
    let answer = get(plane, &token, &digest).send().await;
    answer.problem(401, "credential_refused");
    issued(plane, &organization, ATTESTED).await;
}

/// What was handed out is what is written down, whenever the revoke comes.
async fn r46_credentials_are_counted_while_their_token_is_revoked(plane: &Plane) {
    let (organization, token) = organization(plane).await;
    let (_, run) = attested(plane, &token, b"counted").await;
    let message = rpc::about(&run);
    let ask = async || {
        let mut given = 0;
        loop {
            let call = rpc::call(&plane.gateway, GET_UPLOAD_CREDS, &token.token, &message);
            let (ending, message) = call.send().await.ending();
            if ending.code != 0 {
                assert_eq!(ending.code, 16, "{ending:?}");
                return given;
            }
            assert!(!credential(&message).is_empty());
            given += 1;
        }
    };
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        organization.revoke(&plane.gateway, &token.id).await;
    };
    let (one, two, three, ()) = tokio::join!(ask(), ask(), ask(), revoke);
    println!("{one} + {two} + {three} credentials before the revoke");
    assert!(one > 0 && two > 0 && three > 0);
    // And those of the attestation.
    issued(plane, &organization, ATTESTED + one + two + three).await;
}

async fn r46_the_bridge_carries_uploads_and_downloads(plane: &Plane) {
    let (organization, token) = organization(plane).await;
    let postern = Postern::new(&[("POSTERN_URL", &plane.gateway.url(0))]);
    let bridge = postern.bridge_with(&["--artifact-cas", &plane.store]).await;
    let endpoint = Endpoint::native(&bridge.url, &token.token).expect("an address");
    // One host for all of it.
    let content = vec![9; 5_000_000];
    let mut sequence = plane.sequence_at(endpoint, &content, &bridge.url);
    let ended = async {
        sequence.init().await?;
        sequence.add().await?;
        sequence.push().await
    };
    assert!(ended.await.is_ok(), "{}", sequence.transcript());
    let digest = sha256_hex(&content);
    let asked = CasCredentialsServiceGetRequest {
        role: Role::Downloader.into(),
        digest: format!("sha256:{digest}"),
        source_internal: false,
    };
    let call = rpc::call(&plane.gateway, GET, &token.token, &asked.encode_to_vec());
    let credential = credential(&call.send().await.accepted());
    let store = Store::new(&bridge.url, &credential).expect("an address");
    let got = store.download(&digest).await.expect("a download");
    assert!(got == content, "{} bytes", got.len());
    let missing = sha256_hex(b"of nothing");
    assert!(store.download(&missing).await.is_err());
    let found = issued(plane, &organization, ATTESTED + 1).await;
    assert_eq!(found[ATTESTED]["changes"]["role"], "downloader");
    assert_eq!(
        found[ATTESTED]["target"],
        format!("artifact:sha256:{digest}")
    );
}

/// Prints what the write costs, beside a call that is the same but for it.
async fn r46_an_event_is_written_for_each_of_many(plane: &Plane) {
    let (organization, token) = organization(plane).await;
    let (_, run) = attested(plane, &token, b"many").await;
    let message = rpc::about(&run);
    let median = async |path: &str| {
        let mut took = Vec::new();
        for _ in 0..40 {
            let begun = std::time::Instant::now();
            let call = rpc::call(&plane.gateway, path, &token.token, &message);
            call.send().await.accepted();
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        took[took.len() / 2]
    };
    let without = median(INITIALIZED).await;
    let with = median(GET_UPLOAD_CREDS).await;
    println!("median of 40 calls: {without:?} without an event, {with:?} with one");
    issued(plane, &organization, ATTESTED + 40).await;
}
