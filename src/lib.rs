//! Postern: a guarded gate in front of an attestation API, on Cloudflare Workers.
//!
//! Four layers, arrows pointing down only: `edge` (the platform) over `app` (use cases) over
//! `wire` (protocols) over `domain` (rules). `edge` sits behind the default feature of that name:
//! without it everything below builds and tests natively, so that nothing below can lean on the
//! platform. The arrows among the other three are held by the test in `layers`.

pub mod app;
pub mod domain;
#[cfg(feature = "edge")]
mod edge;
pub mod wire;

#[cfg(test)]
mod documents;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod query_plans;
#[cfg(test)]
mod routes;
