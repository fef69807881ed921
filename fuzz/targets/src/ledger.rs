//! Histories of a Ledger, chosen by the input: commands, deliveries, crashes, clocks that go back. A model says what each
//! answer must be.

use postern_ledger::histories;

/// The Ledger agrees with the model to the end of the history.
pub fn ledger(data: &[u8]) {
    histories::drawn(data);
}

/// Histories of a few kinds of events, and some in which everything happens.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..4)
        .map(|kind: u8| {
            (0..=255_u8)
                .map(|at| at.wrapping_mul(37).wrapping_add(kind * 61))
                .collect()
        })
        .collect();
    // Of each event: creations before it, deliveries behind it.
    for event in [15, 22, 26, 28, 29, 32, 35, 38, 39, 46, 92, 93, 94, 96] {
        let creation = [0, 5, 5, 5, 5, 5, 5, 5];
        let delivery = [50, 9, 9, 63, 9, 9, 76, 9, 9];
        seeds.push([&creation[..], &delivery, &[event, 1, 2, 3, 4], &delivery].concat());
    }
    seeds
}
