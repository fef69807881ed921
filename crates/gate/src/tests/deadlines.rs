//! How far a caller's deadline reaches: to the end of the answer's content.

use std::rc::Rc;

use postern_domain::time::Timestamp;

use crate::error::Error;
use crate::question::Arrived;
use crate::testing::drive::ENTROPY;
use crate::{Gate, Head, Outage, Reply, Step, testing};

/// An open call up to the origin's answer, and the step after it.
fn answered(gate: &mut Gate, timeout: Option<&str>) -> Step {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let media = (
        "content-type".to_owned(),
        "application/grpc-web+proto".to_owned(),
    );
    let timeout = timeout.map(|text| ("grpc-timeout".to_owned(), text.to_owned()));
    let headers: Vec<_> = [Some(media.clone()), timeout]
        .into_iter()
        .flatten()
        .collect();
    let head = Head {
        method: "POST",
        path: "/controlplane.v1.StatusService/Statusz",
        query: "",
        origin: "https://gate.example",
        headers: &headers,
        request_id: "r1",
    };
    let Step::Body(ask) = gate.open(&head, now, &ENTROPY) else {
        panic!("an open call begins with its body");
    };
    let Step::Forward(ask) = ask.answer(gate, now, Ok(Arrived::whole(vec![0; 5]))) else {
        panic!("an open call goes to the origin");
    };
    ask.answer(gate, now, Ok(Reply::read(200, &vec![media])))
}

#[test]
fn a_callers_deadline_covers_the_content_of_the_answer() {
    let now = Timestamp::from_millis(1_800_000_002_000);
    let mut gate = Gate::new(Rc::new(testing::config()), testing::ISOLATE);
    let Step::Content(ask) = answered(&mut gate, Some("2S")) else {
        panic!("content is read where the caller waits for so long only");
    };
    let Step::Refuse(refusal) = ask.answer(&mut gate, now, Err(Outage::Late)) else {
        panic!("too late");
    };
    assert_eq!(refusal.error, Error::Deadline);
    // Content that arrives in time passes as it came.
    let Step::Content(ask) = answered(&mut gate, Some("2S")) else {
        panic!("as before");
    };
    let trailers = b"\x80\0\0\0\x0fgrpc-status:0\r\n".to_vec();
    let end = ask.answer(&mut gate, now, Ok(trailers));
    assert!(matches!(end, Step::Pass(_)), "{end:?}");
    // Nor is it looked into: what the origin compressed for its caller passes too.
    let Step::Content(ask) = answered(&mut gate, Some("2S")) else {
        panic!("as before");
    };
    let compressed = b"\x01\0\0\0\x02zz".to_vec();
    let end = ask.answer(&mut gate, now, Ok(compressed));
    assert!(matches!(end, Step::Pass(_)), "{end:?}");
}

#[test]
fn content_passes_unread_where_nobody_says_how_long() {
    let mut gate = Gate::new(Rc::new(testing::config()), testing::ISOLATE);
    let step = answered(&mut gate, None);
    assert!(matches!(step, Step::Pass(_)), "{step:?}");
}
