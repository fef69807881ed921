//! The `postern` command: a bridge for native gRPC clients, and the management of tokens from a
//! terminal. Talks to a gateway over its public routes only; keeps no credential.

pub mod address;
pub mod bridge;
pub mod command;
pub mod connect;
pub mod fail;
