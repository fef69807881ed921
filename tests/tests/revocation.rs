//! A revoke that has answered is final: for four isolates under load, after a restart, and after a power cut.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use postern_system_tests::gateway::Gateway;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, Ending, FIND_OR_CREATE};
use postern_system_tests::runner::{self, Case};
use postern_system_tests::suite::Setup;
use serde_json::json;

const ISOLATES: u16 = 4;
/// Callers of each isolate.
const CALLERS: usize = 4;
/// Calls of each isolate before the revoke, and begun after its answer, at least.
const ENOUGH: usize = 200;
const REFUSED: &str = "the credential was refused";

fn main() -> ExitCode {
    let case = |name: &str, format: &'static str, end: End| {
        Case::new(name, async move |setup: &Setup| {
            a_revoked_token_opens_nothing(setup, format, end).await
        })
    };
    let cases = vec![
        case(
            "an_opaque_key_opens_nothing_after_its_revoke_and_a_restart",
            "opaque",
            End::Stop,
        ),
        case(
            "a_jwt_opens_nothing_after_its_revoke_and_a_restart",
            "jwt",
            End::Stop,
        ),
        case(
            "an_opaque_key_opens_nothing_after_its_revoke_and_a_power_cut",
            "opaque",
            End::Kill,
        ),
        case(
            "a_jwt_opens_nothing_after_its_revoke_and_a_power_cut",
            "jwt",
            End::Kill,
        ),
        Case::new(
            "revokes_at_the_same_time_tell_one_moment",
            revokes_at_the_same_time_tell_one_moment,
        ),
    ];
    runner::run(Setup::start(), cases)
}

/// How the gateway ends once the revoke has answered.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// Under load first, then as a person would.
    Stop,
    /// Outright, at once.
    Kill,
}

async fn start(setup: &Setup) -> (Gateway, Organization) {
    let gateway = setup.serve().isolates(ISOLATES).start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    (gateway, organization)
}

async fn a_revoked_token_opens_nothing(setup: &Setup, format: &'static str, end: End) {
    let (gateway, organization) = start(setup).await;
    let serve = gateway.serve().clone();
    let token = organization.mint_for_release(&gateway, format).await;
    let bystander = organization.mint_for_release(&gateway, format).await;
    let revoked_at = match end {
        End::Stop => {
            let revoked_at = hammer(&gateway, &organization, &token, format).await;
            assert_eq!(
                organization.revoke(&gateway, &token.id).await,
                revoked_at,
                "the second time tells the first"
            );
            gateway.stop();
            revoked_at
        }
        End::Kill => {
            // So that every isolate has the token in its memory when it is revoked.
            for isolate in 0..ISOLATES {
                call(&gateway, isolate, &token).send().await.accepted();
            }
            let revoked_at = organization.revoke(&gateway, &token.id).await;
            gateway.kill();
            revoked_at
        }
    };

    let gateway = serve.start().await;
    setup.origin.reset().await;
    for isolate in 0..ISOLATES {
        call(&gateway, isolate, &token)
            .send()
            .await
            .refused(16, REFUSED);
    }
    setup
        .origin
        .assert_untouched("a revoked token after a restart")
        .await;
    // The refusals are the revoke's doing and not the restart's.
    for isolate in 0..ISOLATES {
        call(&gateway, isolate, &bystander).send().await.accepted();
    }
    assert_eq!(
        organization.revoke(&gateway, &token.id).await,
        revoked_at,
        "the restart did not forget the moment"
    );
    let listed = listed(&gateway, &organization, &token, end).await;
    assert_eq!(listed, revoked_at, "the list tells the same moment");
    assert_eq!(
        organization.token_ids(&gateway, "").await,
        [bystander.id].into(),
        "what is active"
    );
    gateway.stop();
}

/// When the list of revoked tokens says that this one, the only one, was revoked. After a power cut the record may
/// follow a moment later.
async fn listed(
    gateway: &Gateway,
    organization: &Organization,
    token: &Minted,
    end: End,
) -> String {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let revoked = organization.tokens(gateway, "status=revoked").await;
        match revoked.as_slice() {
            [only] => {
                assert_eq!(only["id"], token.id);
                return only["revoked_at"].as_str().expect("a moment").to_owned();
            }
            [] if end == End::Kill && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(200)).await
            }
            other => panic!("the list of revoked tokens: {other:#?}"),
        }
    }
}

fn call(gateway: &Gateway, isolate: u16, token: &Minted) -> postern_system_tests::http::Call {
    rpc::call_on(
        gateway,
        isolate,
        FIND_OR_CREATE,
        &token.token,
        &rpc::names(SHOP, RELEASE),
    )
}

/// One call: on which isolate, when it began, and whether it was accepted.
struct Try {
    isolate: u16,
    began: Instant,
    accepted: bool,
}

/// Calls every isolate from all sides, revokes in the midst of it, and goes on. Gives the moment of the revoke.
async fn hammer(
    gateway: &Gateway,
    organization: &Organization,
    token: &Minted,
    format: &str,
) -> String {
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel::<Try>();
    let mut callers = Vec::new();
    for isolate in (0..ISOLATES).flat_map(|isolate| [isolate; CALLERS]) {
        let (call, stop, sender) = (
            call(gateway, isolate, token),
            Arc::clone(&stop),
            sender.clone(),
        );
        callers.push(tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let began = Instant::now();
                let (ending, _) = call.clone().send().await.ending();
                // Anything but a yes or the one refusal, such as an error under load, would prove nothing.
                let accepted = match ending {
                    Ending { code: 0, .. } => true,
                    Ending {
                        code: 16,
                        ref message,
                    } if message == REFUSED => false,
                    other => panic!("isolate {isolate} answered {other:?}"),
                };
                let _ = sender.send(Try {
                    isolate,
                    began,
                    accepted,
                });
            }
        }));
    }
    drop(sender);
    let mut tries: Vec<Try> = Vec::new();
    gather(&mut receiver, &mut tries, |tried| tried.accepted).await;

    let path = format!("/org/tokens/{}", token.id);
    let answer = organization
        .call_on(gateway, 1, "DELETE", &path)
        .send()
        .await;
    let answered = Instant::now();
    let revoked_at = answer.json(200)["revoked_at"]
        .as_str()
        .expect("a moment")
        .to_owned();

    gather(&mut receiver, &mut tries, |tried| tried.began > answered).await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every call was answered");
    }
    while let Some(tried) = receiver.recv().await {
        tries.push(tried);
    }

    let before = tries
        .iter()
        .filter(|tried| tried.accepted && tried.began <= answered)
        .count();
    let after = tries
        .iter()
        .filter(|tried| tried.accepted && tried.began > answered)
        .count();
    let refused = tries
        .iter()
        .filter(|tried| !tried.accepted && tried.began > answered)
        .count();
    println!(
        "revocation ({format}, {ISOLATES} isolates): {} calls tried, {before} accepted that began before the answer, \
         {refused} refused and {after} accepted that began after it",
        tries.len()
    );
    assert!(before > 0, "there was something to revoke");
    assert_eq!(
        after, 0,
        "calls that began after the revoke had answered were accepted"
    );
    revoked_at
}

/// Reads until every isolate has enough calls of a kind.
async fn gather(
    receiver: &mut tokio::sync::mpsc::UnboundedReceiver<Try>,
    tries: &mut Vec<Try>,
    kind: impl Fn(&Try) -> bool,
) {
    let of = |tries: &[Try], isolate| {
        tries
            .iter()
            .filter(|tried| tried.isolate == isolate && kind(tried))
            .count()
    };
    let mut missing = ISOLATES;
    while missing > 0 {
        let tried = tokio::time::timeout(Duration::from_secs(60), receiver.recv()).await;
        let tried = tried.expect("calls go on").expect("callers go on");
        let isolate = tried.isolate;
        let counts = kind(&tried);
        tries.push(tried);
        if counts && of(tries, isolate) == ENOUGH {
            missing -= 1;
        }
    }
}

async fn revokes_at_the_same_time_tell_one_moment(setup: &Setup) {
    let (gateway, organization) = start(setup).await;
    for format in ["opaque", "jwt"] {
        let token = organization
            .mint(&gateway, &json!({ "format": format }))
            .await;
        let path = format!("/org/tokens/{}", token.id);
        let revokes: Vec<_> = (0..ISOLATES * 3)
            .map(|index| {
                tokio::spawn(
                    organization
                        .call_on(&gateway, index % ISOLATES, "DELETE", &path)
                        .send(),
                )
            })
            .collect();
        let mut moments = std::collections::BTreeSet::new();
        for revoke in revokes {
            let answer = revoke.await.expect("an answer").json(200);
            assert_eq!(answer["id"], token.id);
            moments.insert(answer["revoked_at"].as_str().expect("a moment").to_owned());
        }
        assert_eq!(moments.len(), 1, "{moments:?}");
        let view = organization.token(&gateway, &token.id).await;
        assert_eq!(
            Some(view["revoked_at"].as_str().expect("a moment")),
            moments.first().map(String::as_str)
        );
        for isolate in 0..ISOLATES {
            call(&gateway, isolate, &token)
                .send()
                .await
                .refused(16, REFUSED);
        }
    }
    gateway.stop();
}
