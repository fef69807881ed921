//! The stock command line's calls, in its order, straight at the control plane: with its own tokens they
//! go through, with others they are refused; and the programs that do so.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use postern_origin::sequence::{Plan, Sequence, Stopped};
use postern_origin::strict::Role;
use serde_json::Value;
use tonic::Code;

use super::support::{Plane, claims, forged};

const INIT: [&str; 7] = [
    "AttestationService/FindOrCreateWorkflow",
    "AttestationService/GetContract",
    "AttestationService/Init",
    "AttestationService/GetUploadCreds",
    "AttestationStateService/Save",
    "AttestationStateService/Initialized",
    "AttestationStateService/Read",
];

async fn all(sequence: &mut Sequence) -> Result<(), Stopped> {
    sequence.init().await?;
    sequence.add().await?;
    sequence.status().await?;
    sequence.push().await
}

#[tokio::test]
async fn own_tokens_attest() {
    let plane = Plane::start().await;
    let tokens = [
        plane.wide("wide"),
        plane.token("project", Some("shop"), None).jwt,
        plane.token("workflow", Some("shop"), Some("release")).jwt,
        plane.user(Role::Owner),
    ];
    for token in &tokens {
        for endpoint in [plane.web(token), plane.native(token)] {
            let mut sequence = plane.sequence(endpoint);
            let ended = all(&mut sequence).await;
            assert_eq!(ended, Ok(()), "{}", sequence.transcript());
            let calls = sequence.transcript().calls();
            assert_eq!(calls[..7], INIT);
            assert_eq!(
                calls[7..],
                [
                    "AttestationStateService/Initialized",
                    "AttestationStateService/Read",
                    "AttestationService/GetUploadCreds",
                    "ByteStream/Write",
                    "AttestationStateService/Save",
                    "AttestationStateService/Initialized",
                    "AttestationStateService/Read",
                    "AttestationStateService/Initialized",
                    "AttestationStateService/Read",
                    "AttestationService/GetUploadCreds",
                    "SigningService/GenerateSigningCert",
                    "AttestationService/Store",
                    "AttestationStateService/Reset",
                ]
            );
        }
    }
    plane.stop().await;
}

#[tokio::test]
async fn foreign_tokens_are_refused_at_the_first_call() {
    let plane = Plane::start().await;
    let own = plane.wide("wide");
    let foreign = forged(b"the key of a gateway", &claims(&own));
    for endpoint in [plane.web(&foreign), plane.native(&foreign)] {
        let mut sequence = plane.sequence(endpoint);
        assert_eq!(all(&mut sequence).await, Err(Stopped));
        assert_eq!(
            sequence.transcript().to_string(),
            "AttestationService/FindOrCreateWorkflow UNAUTHENTICATED (16): couldn't match JWT provider: error: code = \
             401 reason = UNAUTHORIZED message = token signature is invalid: signature is invalid metadata = map[] \
             cause = <nil>\n"
        );
    }
    plane.stop().await;
}

#[tokio::test]
async fn another_bearer_in_the_middle_cannot_read_the_state() {
    let plane = Plane::start().await;
    let (one, two) = (plane.wide("one"), plane.wide("two"));
    let mut sequence = plane.sequence(plane.web(&one));
    sequence.init().await.unwrap();
    sequence.go_on_at(plane.web(&two));
    assert_eq!(sequence.add().await, Err(Stopped));
    let (call, status) = sequence.transcript().refused().unwrap();
    assert_eq!(call, "AttestationStateService/Read");
    assert_eq!(
        (status.code(), status.message()),
        (Code::Internal, "server error")
    );
    // Without a state at the control plane, any bearer goes on.
    let local = Plan {
        remote_state: false,
        ..plane.plan()
    };
    let mut sequence = Sequence::new(plane.web(&one), local);
    sequence.init().await.unwrap();
    sequence.go_on_at(plane.web(&two));
    sequence.add().await.unwrap();
    sequence.push().await.unwrap();
    plane.stop().await;
}

#[tokio::test]
async fn a_reset_ends_the_run() {
    let plane = Plane::start().await;
    let mut sequence = plane.sequence(plane.native(&plane.wide("ci")));
    sequence.init().await.unwrap();
    sequence.reset().await.unwrap();
    assert!(!sequence.run().is_empty());
    let calls = sequence.transcript().calls();
    assert_eq!(
        calls[calls.len() - 2..],
        ["AttestationService/Cancel", "AttestationStateService/Reset"]
    );
    assert_eq!(sequence.push().await, Err(Stopped), "its state is gone");
    plane.stop().await;
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The programs: a strict origin, its lines on stdout, and `sequence` with the token from them.
#[test]
fn the_programs_fit() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_postern-origin"))
        .args([
            "--port",
            "0",
            "--strict",
            "--organization",
            "acme",
            "--organization",
            "rival",
        ])
        .env("POSTERN_ORIGIN_KEY", "a key for this test alone")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap())
        .lines()
        .take(3);
    let lines: Vec<String> = lines.map(Result::unwrap).collect();
    let _server = Server(server);
    let seeds: Vec<Value> = lines[..2]
        .iter()
        .map(|line| serde_json::from_str(line.strip_prefix("strict ").unwrap()).unwrap())
        .collect();
    assert_eq!(
        (&seeds[0]["organization"], &seeds[1]["organization"]),
        (&"acme".into(), &"rival".into())
    );
    let url = lines[2].strip_prefix("ready ").unwrap();
    let text = |name: &str| seeds[0][name].as_str().unwrap();
    let run = |token: &str, extra: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_sequence"))
            .args([
                "--endpoint",
                url,
                "--store",
                text("store"),
                "--project",
                "shop",
                "--workflow",
                "release",
            ])
            .args([
                "--remote-state",
                "--file",
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            ])
            .args(extra)
            .env("POSTERN_TOKEN", token)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    for token in [text("api_token"), text("user_token")] {
        for extra in [
            &[][..],
            &["--native"],
            &["--reset"],
            &["--organization", "acme"],
        ] {
            let (code, out) = run(token, extra);
            assert_eq!(code, 0, "{out}");
            assert!(out.lines().all(|line| line.contains(" OK")), "{out}");
        }
    }
    let (code, out) = run("pst_opaque", &[]);
    assert_eq!((code, out.lines().count()), (1, 1), "{out}");
}

#[test]
fn flags_that_do_not_fit() {
    for args in [
        &["--port", "0", "--organization", "acme"][..],
        &["--port", "0", "--store-port", "0"],
        &[
            "--port",
            "0",
            "--strict",
            "--require-assertion",
            "http://127.0.0.1:1/k",
            "--audience",
            "a",
        ],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_postern-origin"))
            .args(args)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
    let short = Command::new(env!("CARGO_BIN_EXE_postern-origin"))
        .args(["--port", "0", "--strict"])
        .env("POSTERN_ORIGIN_KEY", "short")
        .output()
        .unwrap();
    assert_eq!(short.status.code(), Some(1));
    let said = String::from_utf8(short.stderr).unwrap();
    assert!(said.contains("give a key of at least 16 bytes"), "{said}");
}
