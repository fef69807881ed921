//! Strict mode from outside: a control plane of its own in this process, called with tokens that it
//! made, and with others.

mod credentials;
mod managing;
mod people;
mod plain;
mod scopes;
mod sequences;
mod states;
mod store;
mod support;
