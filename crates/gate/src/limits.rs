//! How much of a request's body is taken, and for how long.

/// How long a body may take, in milliseconds, from the first look at it.
pub const TIME_LIMIT_MS: u32 = 10_000;

/// What the gateway takes of a body whose answer is a refusal, in bytes: the largest body that is
/// read anywhere (10 MiB) and a little more. Over HTTP/1.1 a client that still sends when the
/// connection is closed does not see the answer.
pub const MAX_DISCARDED: u64 = 11 * 1024 * 1024;
/// How long that may take, in milliseconds.
pub const DISCARD_TIME_MS: u32 = 5_000;

/// How many bytes of a body are looked at first: what names something stands in front of a bundle or
/// behind it, and the bundle is passed over.
pub const FIRST_WINDOW: usize = 4 * 1024;

/// Most bytes that are looked at in one piece after that: of hostile bodies, which need many, each
/// piece is twice as long as the one before.
pub const LARGEST_WINDOW: usize = 1024 * 1024;
