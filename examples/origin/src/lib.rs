//! A sample attestation service to put behind Postern, and a client to call it
//! through the gate: what tests and a laptop need in place of a control plane.
//! It verifies no token, keeps nothing on disk and listens on loopback only.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod assertion;
pub mod attestation;
mod bundle;
mod caller;
mod calls;
pub mod client;
mod debug;
mod digest;
mod failure;
mod plain;
mod rest;
pub mod sequence;
mod server;
mod service;
mod session;
mod state;
pub mod strict;
mod web_errors;

pub use digest::sha256_hex;
pub use failure::reason;
pub use server::{serve, serve_requiring};

/// Messages, server traits and clients of the artifact store, generated from proto/ here.
pub mod store_proto {
    /// Streams of bytes.
    pub mod bytestream {
        tonic::include_proto!("google.bytestream");
    }
    /// Artifacts.
    pub mod cas {
        tonic::include_proto!("cas.v1");
    }
}

/// Messages, server traits and clients generated from proto/controlplane/v1.
pub mod proto {
    tonic::include_proto!("controlplane.v1");
}
