//! What the machines ask of the world, each question with the type of its answer.

use postern_domain::decide::Grant;
use postern_domain::id::{Organization, OrganizationId, TokenId};
use postern_domain::scope::Named;
use postern_domain::standing::Actor;
use postern_domain::token::TokenFacts;
use postern_ledger::{Admission, AdmitQuery, ArtifactCommand, BindCommand};

use crate::artifacts::download::{DOWNLOAD_MS, Fetched, Fetching};
use crate::ask::{Outage, Question};
use crate::error::{CredentialError, Error};
use crate::onward::Outbound;
use crate::patience::Patience;
use crate::reply::Reply;

/// The body of the request, to its end.
#[derive(Debug)]
pub struct Body {
    /// Most bytes; for more the answer is [`Error::BodyTooLarge`].
    pub limit: usize,
    /// How many of its first bytes are looked at; `None` = all. If more are needed, [`Window`] asks
    /// for them.
    pub window: Option<usize>,
    /// How long it may take; for longer the answer is [`Error::BodyTimeout`].
    pub within_ms: u32,
    /// What a body that is too long means.
    pub(crate) too_large: fn(usize) -> Error,
}

/// A body that is here.
#[derive(Debug)]
pub struct Arrived {
    /// Its first bytes. A driver may give fewer or more than were asked for.
    pub bytes: Vec<u8>,
    /// How many bytes it has.
    pub total: usize,
}

impl Arrived {
    /// A body in full.
    pub fn whole(bytes: Vec<u8>) -> Self {
        Self {
            total: bytes.len(),
            bytes,
        }
    }
}

/// More of a body that is here.
#[derive(Debug)]
pub struct Window {
    /// Where it begins, in bytes from the body's beginning. It is before the end.
    pub from: usize,
    /// Most bytes of it. Only the body's end makes them fewer.
    pub most: usize,
}

impl Question for Window {
    type Answer = Vec<u8>;
}

impl Question for Body {
    type Answer = Arrived;

    fn closed(&self, outage: Outage) -> Error {
        match outage {
            Outage::Refused(Error::BodyTooLarge { .. }) => (self.too_large)(self.limit),
            Outage::Late => Error::BodyTimeout {
                seconds: self.within_ms / 1000,
            },
            outage => outage.into(),
        }
    }
}

/// The body of the request, to go on before it is whole. The answer is whether there is one.
#[derive(Debug)]
pub struct Stream;

impl Question for Stream {
    type Answer = bool;
}

/// The body of the request, which nobody looks into, to its end or to these bounds.
#[derive(Debug)]
pub struct Discard {
    /// Most bytes.
    pub limit: u64,
    /// Most milliseconds.
    pub within_ms: u32,
}

impl Question for Discard {
    type Answer = ();
}

/// To count a refused credential for the bucket of its address.
#[derive(Debug)]
pub struct Count {
    /// The bucket of the address.
    pub bucket: String,
    /// Why it was refused, for the log.
    pub cause: CredentialError,
}

impl Question for Count {
    type Answer = ();
}

/// The facts of a token, near the caller: believed only to find its Ledger, and to refuse.
#[derive(Debug)]
pub struct Find {
    /// Whose.
    pub token: TokenId,
}

impl Question for Find {
    type Answer = Option<TokenFacts>;
}

/// Whether a token lives, of the organization's Ledger.
#[derive(Debug)]
pub struct Admit {
    /// Whose Ledger is asked.
    pub organization: OrganizationId,
    /// What it is asked.
    pub query: AdmitQuery,
}

impl Question for Admit {
    type Answer = Admission;
}

/// To bind a token of an earlier release to what was signed, in the organization's Ledger.
#[derive(Debug)]
pub struct Bind {
    /// Whose Ledger is asked.
    pub organization: Named<Organization>,
    /// What it is asked.
    pub command: BindCommand,
}

impl Bind {
    /// Whom the command is for.
    pub fn actor(&self) -> Actor {
        Actor::Token(self.command.token)
    }
}

impl Question for Bind {
    type Answer = Option<TokenFacts>;
}

/// A call of the gateway's own to the origin, in the caller's name.
#[derive(Debug)]
pub struct Lookup(pub Outbound);

impl Question for Lookup {
    type Answer = Reply;

    fn closed(&self, outage: Outage) -> Error {
        self.0.patience().closed(outage)
    }
}

/// The call itself, to the origin.
#[derive(Debug)]
pub struct Forward(pub Outbound);

impl Question for Forward {
    type Answer = Reply;

    fn closed(&self, outage: Outage) -> Error {
        self.0.patience().closed(outage)
    }
}

/// The content of the origin's last answer.
#[derive(Debug)]
pub struct Content {
    /// Most bytes.
    pub limit: usize,
    /// How long it may take, from when the request was sent.
    pub patience: Patience,
}

impl Question for Content {
    type Answer = Vec<u8>;

    fn closed(&self, outage: Outage) -> Error {
        self.patience.closed(outage)
    }
}

/// To write down that an artifact credential is handed out, in the organization's Ledger.
#[derive(Debug)]
pub struct Record {
    /// Where, and for whom.
    pub grant: Grant,
    /// What is written down.
    pub command: ArtifactCommand,
}

impl Question for Record {
    type Answer = ();
}

/// An artifact, of the artifact store.
#[derive(Debug)]
pub struct Download(pub Fetching);

impl Question for Download {
    type Answer = Fetched;

    fn closed(&self, outage: Outage) -> Error {
        let patience = Patience {
            ms: DOWNLOAD_MS,
            callers: false,
        };
        patience.closed(outage)
    }
}
