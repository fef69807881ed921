//! What the machine has others do around a call that makes or ends one of the origin's own tokens
//! (R43): take what a new one counts against, write down what became of it, and ask the origin in a
//! way that a failure is an answer too.

use postern_domain::bucket::Rate;
use postern_domain::caller::Caller;
use postern_domain::decide::Grant;
use postern_domain::id::{ReservationId, TokenId};
use postern_domain::secret::Secret;

use crate::ask::{Outage, Question};
use crate::error::Result;
use crate::onward::Outbound;
use crate::reply::{Reply, RpcAnswer, foreign};

/// Largest answer about a token that is read, in bytes (64 KiB).
pub const MAX_TOKEN_ANSWER: usize = 64 * 1024;

/// What was taken for a token before the origin was asked for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reserved {
    /// One from each of these buckets.
    pub takes: Vec<(String, Rate)>,
    /// Room under the organization's limit; `None` where it has none.
    pub room: Option<ReservationId>,
}

/// To take what a new token of the origin counts against, for this caller.
#[derive(Debug)]
pub struct Reserve {
    /// Who asks.
    pub caller: Caller,
    /// The message of the call.
    pub request: Vec<u8>,
}

impl Question for Reserve {
    type Answer = Reserved;
}

/// What is to stand here of a token of the origin.
#[derive(Debug)]
pub enum Settlement {
    /// None was made: what was taken is given back.
    GiveBack(Reserved),
    /// This one was made.
    Register {
        /// The token.
        jwt: Secret,
        /// What was taken for it.
        reserved: Reserved,
    },
    /// The caller ends it.
    Revoke(TokenId),
    /// It has ended here, or was never registered, and the origin has not ended it.
    NotRevoked {
        /// Which.
        token: TokenId,
        /// The right to write that down.
        grant: Grant,
    },
}

/// To have it stand here. What it is refused for is an answer: something may have to be undone then.
#[derive(Debug)]
pub struct Settle {
    /// Who asks.
    pub caller: Caller,
    /// What is to stand.
    pub what: Settlement,
}

impl Question for Settle {
    type Answer = Result<()>;
}

/// What came of an attempt: the answer with its content, or why there is none.
pub type Attempted = core::result::Result<(Reply, Vec<u8>), Outage>;

/// What an answer to a call of the gateway's own says.
#[derive(Debug)]
pub struct Told {
    /// The message, where there is one.
    pub message: Option<Vec<u8>>,
    /// The gRPC status; 0 = it went well.
    pub status: u32,
    /// The status in the origin's words. They may repeat what it was sent.
    pub words: String,
}

impl Told {
    /// Reads what came of an attempt.
    ///
    /// # Errors
    /// `Origin` for no answer, and for one that is none of the protocol.
    pub fn read(attempted: Attempted) -> Result<Self> {
        let late = || foreign("the origin did not answer in time");
        let (reply, content) = attempted.map_err(|outage| match outage {
            Outage::Failed(cause) => foreign(cause),
            Outage::Late => late(),
            Outage::Refused(error) => error,
        })?;
        let RpcAnswer { message, ending } = reply.of_rpc()?.whole(&content)?;
        Ok(Self {
            message,
            status: ending.status,
            words: ending.message,
        })
    }
}

/// A call to the origin whose answer is read to its end, at most [`MAX_TOKEN_ANSWER`] bytes. That there
/// is none is an answer, too.
#[derive(Debug)]
pub struct Attempt(pub Outbound);

impl Question for Attempt {
    type Answer = Attempted;
}
