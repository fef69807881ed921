//! How much of a request's body is taken, and for how long.

/// How long a body may take, in milliseconds, from the first look at it.
pub const TIME_LIMIT_MS: u32 = 10_000;

/// What the gateway takes of a body whose answer is a refusal, in bytes: the largest body that is
/// read anywhere (10 MiB) and a little more. Over HTTP/1.1 a client that still sends when the
/// connection is closed does not see the answer.
pub const MAX_DISCARDED: u64 = 11 * 1024 * 1024;
/// How long that may take, in milliseconds.
pub const DISCARD_TIME_MS: u32 = 5_000;
