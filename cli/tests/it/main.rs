//! The bridge from outside: a stock kind of gRPC client (tonic, HTTP/2) before it, the sample
//! origin or a hand-made server behind it. Internals are tested beside the code.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

mod calls;
mod limits;
mod program;
mod raw;
mod shapes;
mod support;
mod tls;
