//! What use cases need of the origin: calls of the gateway's own, with a credential that an
//! administrator gave for one of them.

use postern_domain::upstream::Credential;
use postern_gate::own_tokens::Attempted;

/// A call with one message, in gRPC-Web.
#[derive(Debug)]
pub struct OriginCall<'a> {
    /// Its path.
    pub path: &'a str,
    /// What it goes with. INVARIANT (secrets have no Display): it is sent, and kept nowhere.
    pub bearer: &'a Credential,
    /// The organization that it is about, by its name: people have several.
    pub organization: &'a str,
    /// Its message.
    pub message: Vec<u8>,
}

/// The origin.
pub trait Origin {
    /// Makes a call, once, and reads its answer to the end: at most
    /// [`MAX_TOKEN_ANSWER`](postern_gate::own_tokens::MAX_TOKEN_ANSWER) bytes, and as long as the
    /// origin may take.
    async fn call(&self, call: OriginCall<'_>) -> Attempted;
}
