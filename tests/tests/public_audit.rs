//! The audit log that anyone can check (R54), end to end: a gateway that signs checkpoints, the witness of
//! the command line on a port of its own, and the command line with public keys alone. What somebody
//! cannot do unseen who has every key of the gateway.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_domain::audit::checkpoint::Checkpoint;
use postern_domain::audit::verify::Row;
use postern_domain::audit::{GENESIS, hex, link};
use postern_domain::id::OrganizationId;
use postern_domain::keys::RootKeys;
use postern_domain::time::Timestamp;
use postern_system_tests::gateway::{Gateway, free_ports};
use postern_system_tests::organization::Organization;
use postern_system_tests::program::Postern;
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, random, runner};
use serde_json::json;

/// A key of the right form that belongs to nobody's log: the witness's first start needs one.
const NOBODYS: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
/// How long a cosignature may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    runner::run(
        Setup::start(),
        cases![r54_a_log_is_witnessed_and_who_has_every_key_is_caught],
    )
}

/// The public keys of an organization's log, as everybody can have them.
async fn published(gateway: &Gateway, organization: &Organization) -> String {
    let path = format!(
        "/.well-known/postern-audit-keys?organization={}",
        organization.id
    );
    let answer = gateway.call("GET", &path).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// The log as somebody writes it anew who has the keys of its links: another actor in the first event.
fn rewritten(export: &str, organization: &Organization, root: &RootKeys) -> String {
    let key = root.audit.signing();
    let (mut previous, mut rows) = (GENESIS, Vec::new());
    for line in export.lines() {
        let Ok(row) = serde_json::from_str::<Row>(line) else {
            continue;
        };
        let content = match rows.is_empty() {
            true => row.content.replace("admin-token", "org-token:x"),
            false => row.content,
        };
        let own = link(key, &previous, &content);
        let row = Row {
            content,
            previous: hex(&previous),
            link: hex(&own),
            kid: key.kid().to_owned(),
            mended: None,
        };
        rows.push(serde_json::to_string(&row).unwrap());
        previous = own;
    }
    let checkpoint = Checkpoint {
        organization_id: OrganizationId::parse(&organization.id).unwrap(),
        sequence: rows.len() as u64,
        link: hex(&previous),
        at: Timestamp::from_millis(2_000_000_000_000),
    };
    rows.push(serde_json::to_string(&checkpoint.sign(&root.audit).unwrap()).unwrap());
    rows.join("\n")
}

async fn r54_a_log_is_witnessed_and_who_has_every_key_is_caught(setup: &Setup) {
    let nobody = Postern::new(&[]);
    let port = free_ports(1);
    let listen = format!("127.0.0.1:{port}");
    let state = nobody.home().join("witness");
    let place = ["--state", state.to_str().unwrap(), "--listen", &listen];
    let named = [
        &place[..],
        &["--name", "witness.example/own", "--log", NOBODYS],
    ]
    .concat();
    // The witness's key is known before the logs that it is to watch.
    let (first, witness) = nobody.witness(&named).await;
    drop(first);
    let seed = URL_SAFE_NO_PAD.encode(random::<32>());
    let serve = setup
        .serve()
        .set("AUDIT_KEYS", &format!("p1:{seed}"))
        .set("AUDIT_LOG_NAME", "gateway.example")
        .set("WITNESSES", &format!("{witness} http://{listen}"));
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    organization.mint(&gateway, &json!({ "name": "one" })).await;
    let keys = published(&gateway, &organization).await;
    let file = |name: &str, text: &str| {
        let path = nobody.home().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let keys = format!("@{}", file("keys.txt", &keys));
    let (_watching, again) = nobody
        .witness(&[&place[..], &["--log", &keys]].concat())
        .await;
    assert_eq!(again, witness, "a witness has one key");

    let administrator = Postern::new(&[
        ("POSTERN_URL", &gateway.url(0)),
        ("POSTERN_TOKEN", &setup.keys.admin),
        ("POSTERN_ORGANIZATION", &organization.name),
    ]);
    let output = administrator
        .run(&["audit", "checkpoint", "--fresh", "--key", &keys])
        .await;
    assert_eq!(output.code, 0, "{output:?}");
    let kept = file("kept.txt", &output.stdout);
    // The witness is asked behind the answer.
    let words = ["audit", "checkpoint", "--key", &keys, "--witness", &witness];
    let deadline = Instant::now() + PATIENCE;
    let newest = loop {
        let output = administrator.run(&words).await;
        if output.code == 0 {
            break file("newest.txt", &output.stdout);
        }
        assert!(Instant::now() < deadline, "{output:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };

    let export = administrator.run(&["audit", "export"]).await.done();
    let words = [
        "audit",
        "verify",
        "-",
        "--key",
        &keys,
        "--witness",
        &witness,
        "--checkpoint",
        &newest,
    ];
    let told = nobody.run_with(&words, &export).await.done();
    assert!(told.contains("cosigned by witness.example/own+"), "{told}");
    assert!(!told.contains("not proven"), "{told}");

    // Who has every HMAC key deceives everybody who checks by them, and nobody who has kept a checkpoint.
    let forged = rewritten(&export, &organization, &setup.keys.root());
    assert_ne!(forged.lines().next(), export.lines().next());
    let root = Postern::new(&[("TOKEN_KEYS", &setup.keys.ring())]);
    let told = root
        .run_with(&["audit", "verify", "-"], &forged)
        .await
        .done();
    assert!(told.contains("whole, in order and unchanged"), "{told}");
    let words = [
        "audit",
        "verify",
        "-",
        "--key",
        &keys,
        "--checkpoint",
        &kept,
    ];
    let output = nobody.run_with(&words, &forged).await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.stdout.contains("it has another tree of"),
        "{output:?}"
    );

    // The log goes on, and the gateway proves that it does.
    organization.mint(&gateway, &json!({ "name": "two" })).await;
    let words = [
        "audit",
        "checkpoint",
        "--fresh",
        "--key",
        &keys,
        "--since",
        &kept,
    ];
    let output = administrator.run(&words).await;
    assert_eq!(output.code, 0, "{output:?}");
    assert!(
        output.stderr.starts_with("it continues the checkpoint of"),
        "{output:?}"
    );

    // One event for somebody who may read nothing.
    let proof = administrator
        .run(&["audit", "prove", "1", "--key", &keys])
        .await
        .done();
    let proof = file("event-1.tlog-proof", &proof);
    let told = nobody
        .run(&["audit", "verify", &proof, "--key", &keys])
        .await
        .done();
    let expected = format!("event 1 of organization {}: in the log", organization.id);
    assert!(told.starts_with(&expected), "{told}");
    assert!(
        told.contains("\"action\":\"organization.create\""),
        "{told}"
    );
    gateway.stop();
}
