//! Bodies in windows of every size, held to the plain reader of whole bodies.

mod bodies;
mod limits;
mod plain;

use std::collections::BTreeMap;

use postern_domain::rpc::{rpc, rpcs};
use proptest::prelude::*;

use super::*;
use bodies::{Random, bytes, frame};

/// Sizes of windows, in bytes; the last one is that of every body.
const SIZES: [usize; 9] = [1, 2, 3, 5, 7, 64, 512, 4096, usize::MAX];

fn row(method: &str) -> &'static Rpc {
    rpc(&format!("/controlplane.v1.{method}")).expect("a row")
}

/// What a scan of a body took.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Taken {
    windows: usize,
    bytes: usize,
}

/// Scans a body in windows of this size.
fn scanned(
    body: &[u8],
    row: &'static Rpc,
    framing: Framing,
    size: usize,
) -> (Result<Found, ScanError>, Taken) {
    let mut scan = Scan::new(row, framing, body.len());
    let (mut at, mut taken) = (0usize, Taken::default());
    loop {
        let end = at.saturating_add(size).min(body.len());
        taken.windows += 1;
        taken.bytes += end - at;
        match scan.feed(at, &body[at..end]) {
            Ok(Progress::More { from }) => {
                assert!(from >= end && from < body.len(), "{from} after {at}..{end}");
                at = from;
            }
            Ok(Progress::Done(found)) => return (Ok(found), taken),
            Err(error) => return (Err(error), taken),
        }
    }
}

/// Holds a scan of the body in windows of all sizes to the plain reader, whose verdict it gives.
fn agreed(body: &[u8], row: &'static Rpc, framing: Framing) -> Result<(), ScanError> {
    let expected = plain::scan(body, row, framing);
    for size in SIZES {
        let (found, taken) = scanned(body, row, framing, size);
        let found = found
            .as_ref()
            .map(Found::identified)
            .map_err(|error| *error);
        let told = (row.method, framing, size);
        assert_eq!(found, expected, "{told:?} {body:02x?}");
        let most = body.len().div_ceil(size).max(1);
        assert!(taken.windows <= most, "{told:?} {taken:?}");
    }
    expected.map(|_| ())
}

#[test]
fn windows_of_every_size_give_the_verdict_of_the_whole_body() {
    let rows: Vec<&Rpc> = rpcs().filter(|row| row.is_inspected()).collect();
    let mut random = Random::new(0x706f_7374_6572_6e32);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..3000 {
        let row = *random.pick(&rows);
        let framing = *random.pick(&[Framing::Frame, Framing::Frame, Framing::Bare]);
        let body = bodies::body(&mut random, row, framing == Framing::Frame);
        let outcome = agreed(&body, row, framing);
        *counts.entry(format!("{outcome:?}")).or_default() += 1;
    }
    // A generator that makes only rubbish, or only good messages, would prove nothing. The limits
    // of fields and values have tests of their own.
    assert!(counts["Ok(())"] > 1000, "{counts:#?}");
    assert!(counts.len() >= 13, "{counts:#?}");
    assert!(counts.values().all(|count| *count >= 5), "{counts:#?}");
}

#[test]
fn a_slice_gives_the_verdict_of_the_plain_reader() {
    let rows: Vec<&Rpc> = rpcs().filter(|row| row.is_inspected()).collect();
    let mut random = Random::new(0x706f_7374_6572_6e33);
    for _ in 0..10_000 {
        let row = *random.pick(&rows);
        let message = bodies::body(&mut random, row, false);
        let (found, expected) = (
            crate::identity::read(&message, row),
            plain::read(&message, row),
        );
        assert_eq!(found, expected, "{} {message:02x?}", row.method);
    }
}

#[test]
fn a_bundle_is_passed_over_wherever_the_run_is() {
    let (store, run) = (row("AttestationService/Store"), bytes(2, b"the-run"));
    let bundle = bytes(1, &vec![0xff; 1 << 20]);
    for message in [
        [run.clone(), bundle.clone()].concat(),
        [bundle.clone(), run.clone()].concat(),
        [run.clone(), bundle.clone(), bytes(3, b"rest")].concat(),
    ] {
        let body = frame(0, &message);
        let (found, taken) = scanned(&body, store, Framing::Frame, 4096);
        assert_eq!(found.map(|found| found.run), Ok(Some("the-run".to_owned())));
        assert!(taken.bytes <= 4096 + 16 && taken.windows <= 2, "{taken:?}");
    }
    let body = frame(0, &[bundle.clone(), bundle, run].concat());
    let (found, taken) = scanned(&body, store, Framing::Frame, 4096);
    assert_eq!(found.map(|found| found.run), Ok(Some("the-run".to_owned())));
    assert!(taken.bytes <= 2 * 4096 + 16, "{taken:?}");
}

#[test]
fn a_small_body_takes_one_window() {
    let store = row("AttestationService/Store");
    let message = [bytes(1, &[7; 250]), bytes(2, b"the-run")].concat();
    let body = frame(0, &message);
    let (found, taken) = scanned(&body, store, Framing::Frame, 4096);
    assert_eq!(found.map(|found| found.run), Ok(Some("the-run".to_owned())));
    let (windows, bytes) = (1, body.len());
    assert_eq!(taken, Taken { windows, bytes });
    // Nor does an empty message, or an empty body.
    for (body, framing) in [(&b"\0\0\0\0\0"[..], Framing::Frame), (b"", Framing::Bare)] {
        let (found, taken) = scanned(body, store, framing, 4096);
        assert_eq!(found.map(|found| found.run), Ok(None));
        assert_eq!(taken.windows, 1);
    }
}

#[test]
fn windows_can_begin_before_what_is_needed_and_differ_in_size() {
    let create = row("WorkflowContractService/Create");
    let reference = bytes(5, &bytes(2, b"a-project"));
    let body = frame(
        0,
        &[bytes(3, &[7; 90]), reference, bytes(4, &[7; 90])].concat(),
    );
    let mut random = Random::new(7);
    for _ in 0..2000 {
        let mut scan = Scan::new(create, Framing::Frame, body.len());
        let mut from = 0;
        let found = loop {
            let start = from - random.below(from + 1).min(9);
            let end = (from + 1 + random.below(40)).min(body.len());
            match scan.feed(start, &body[start..end]).expect("a good body") {
                Progress::More { from: next } => from = next,
                Progress::Done(found) => break found,
            }
        };
        let project = crate::identity::Project::Name("a-project".to_owned());
        assert_eq!(found.project, project);
    }
}

#[test]
fn a_window_that_was_not_asked_for_ends_the_scan() {
    let store = row("AttestationService/Store");
    let body = frame(0, &bytes(2, b"the-run"));
    let scan = || Scan::new(store, Framing::Frame, body.len());
    let rows: [(usize, &[u8]); 6] = [
        (0, b""),
        (1, &body[1..]),
        (0, &[&body[..], b"more"].concat()),
        (usize::MAX, b"x"),
        (usize::MAX, b""),
        (body.len(), b""),
    ];
    for (offset, window) in rows {
        let mut scan = scan();
        let refused = Err(ScanError::Window);
        assert_eq!(scan.feed(offset, window), refused, "{offset}");
        assert_eq!(scan.feed(0, &body), refused, "{offset}: it is over");
    }
    let mut scan = scan();
    assert_eq!(scan.feed(0, &body[..9]), Ok(Progress::More { from: 9 }));
    // The same again has nothing new.
    assert_eq!(scan.feed(0, &body[..9]), Err(ScanError::Window));
}

#[test]
fn what_the_head_of_a_frame_says_is_found_at_once() {
    let store = row("AttestationService/Store");
    let rows = [
        (frame(1, &[0; 9000]), FrameError::Compressed),
        (frame(0x80, &[0; 9000]), FrameError::UnknownFlag),
        ([frame(0, b""), vec![0; 9000]].concat(), FrameError::Several),
        (frame(0, &[0; 9000])[..8000].to_vec(), FrameError::Truncated),
    ];
    for (body, expected) in rows {
        let (found, taken) = scanned(&body, store, Framing::Frame, 5);
        assert_eq!(found, Err(ScanError::Frame(expected)));
        assert_eq!(taken.windows, 1);
    }
}

proptest! {
    #[test]
    fn no_windows_of_no_bytes_panic(
        total in prop_oneof![Just(usize::MAX), 0..200usize, any::<usize>()],
        feeds in prop::collection::vec(
            // Where the scan asks for it, or anywhere.
            (prop::option::weighted(0.2, any::<usize>()), prop::collection::vec(any::<u8>(), 0..60)),
            1..6,
        ),
    ) {
        for row in rpcs().filter(|row| row.is_inspected()) {
            for framing in [Framing::Frame, Framing::Bare] {
                let mut scan = Scan::new(row, framing, total);
                let mut next = 0;
                for (offset, bytes) in &feeds {
                    let window = bytes.get(..total.saturating_sub(next)).unwrap_or(bytes);
                    match scan.feed(offset.unwrap_or(next), window) {
                        Ok(Progress::More { from }) => next = from,
                        Ok(Progress::Done(_)) | Err(_) => break,
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_claimed_to_be_long_takes_no_memory(length in 1u64 << 32..1 << 62) {
        let store = row("AttestationService/Store");
        let mut body = vec![0x12];
        bodies::varint(&mut body, length, 0);
        let mut scan = Scan::new(store, Framing::Bare, usize::MAX);
        let from = body.len();
        prop_assert_eq!(scan.feed(0, &body), Ok(Progress::More { from }));
    }

    #[test]
    fn bytes_of_chance_have_one_verdict(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        row in any::<prop::sample::Index>(),
    ) {
        let rows: Vec<&'static Rpc> = rpcs().filter(|row| row.is_inspected()).collect();
        let row = *row.get(&rows);
        let _ = agreed(&bytes, row, Framing::Bare);
        let _ = agreed(&bytes, row, Framing::Frame);
        let _ = agreed(&frame(0, &bytes), row, Framing::Frame);
    }
}
