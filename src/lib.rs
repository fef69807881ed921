//! Postern: a guarded gate in front of an attestation API, on Cloudflare Workers.
//!
//! Four layers, arrows pointing down only: `edge` (the platform) over `app` (use cases) over
//! `wire` (protocols) over `domain` (rules). `edge` sits behind the default feature of that name:
//! without it everything below builds and tests natively, and a wrong arrow does not compile.

pub mod app;
pub mod domain;
#[cfg(feature = "edge")]
mod edge;
pub mod wire;
