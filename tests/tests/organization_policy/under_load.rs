//! No call that begins after a pause has answered, and before the organization is resumed, is accepted: while every isolate is
//! called without a pause, reads and writes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use postern_system_tests::cases;
use postern_system_tests::hammer::spread;
use postern_system_tests::life::call;
use postern_system_tests::rpc::Ending;
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Suite;

use crate::support::{FORMATS, ISOLATES, PAUSED, pause, resume};

/// Pauses, and callers of each isolate.
const PAUSES: usize = 40;
const CALLERS: usize = 2;

pub fn cases() -> Vec<Case<Suite>> {
    cases![r53_no_call_that_begins_after_a_pause_has_answered_is_accepted]
}

/// When a call began and when it had its answer, and whether it was accepted.
type Try = (Instant, Instant, bool);

async fn r53_no_call_that_begins_after_a_pause_has_answered_is_accepted(suite: &Suite) {
    let gateway = &suite.gateway;
    let organization = suite.organization().await;
    let mut tokens = Vec::new();
    for format in FORMATS {
        tokens.push(organization.mint_for_release(gateway, format).await);
    }
    let (is_over, tries) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(Vec::<Try>::new())),
    );
    let callers: Vec<_> = (0..usize::from(ISOLATES) * CALLERS)
        .map(|index| {
            let isolate = u16::try_from(index % usize::from(ISOLATES)).expect("few");
            let token = &tokens[index % tokens.len()].token;
            let call = call(gateway, isolate, token);
            let (is_over, tries) = (Arc::clone(&is_over), Arc::clone(&tries));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let accepted = match call.clone().send().await.ending().0 {
                        Ending { code: 0, .. } => true,
                        Ending { code: 7, message } if message == PAUSED => false,
                        other => panic!("a call was answered {other:?}"),
                    };
                    let tried = (began, Instant::now(), accepted);
                    tries.lock().expect("nobody panics").push(tried);
                }
            })
        })
        .collect();
    let (mut paused, mut took) = (Vec::new(), Vec::new());
    for _ in 0..PAUSES {
        tokio::time::sleep(Duration::from_millis(60)).await;
        let began = Instant::now();
        pause(gateway, &organization).await;
        let answered = Instant::now();
        took.push(answered - began);
        tokio::time::sleep(Duration::from_millis(40)).await;
        paused.push((answered, Instant::now()));
        resume(gateway, &organization).await;
    }
    is_over.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("every call was answered as it may be");
    }
    let tries = tries.lock().expect("nobody panics");
    // One that has no answer yet when the organization is resumed can be decided afterwards.
    let within = |began: &Instant, ended: &Instant| {
        let mut pauses = paused.iter();
        pauses.any(|(from, to)| from < began && ended < to)
    };
    let (inside, outside): (Vec<&Try>, Vec<&Try>) = tries
        .iter()
        .partition(|(began, ended, _)| within(began, ended));
    let late = inside.iter().filter(|(.., accepted)| *accepted).count();
    println!(
        "{} calls, {} of them in a pause; a pause took {}",
        tries.len(),
        inside.len(),
        spread(took)
    );
    assert_eq!(late, 0, "accepted after a pause had answered");
    assert!(inside.len() > PAUSES, "{} calls prove little", inside.len());
    assert!(
        outside.iter().any(|(.., accepted)| *accepted),
        "it was resumed"
    );
}
