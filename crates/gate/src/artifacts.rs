//! Artifact credentials in the origin's answers (R46). They outlive a revoke, so none is handed out
//! before the Ledger has written down to which token and for what, in a turn that sees the token
//! active. Where downloads go through the gateway, a link to the artifact store is replaced by one to
//! the gateway, and the credential in it reaches nobody.

mod checking;
pub mod download;
mod link;

pub use checking::{Checking, WrongContent};
pub use postern_wire::digest::Digest;

use postern_domain::audit::Requester;
use postern_domain::caller::Caller;
use postern_domain::decide::{Grant, Permit};
use postern_domain::route::{Answers, Route};
use postern_domain::rpc::{ArtifactCredential, ArtifactRole, ArtifactText, Rpc};
use postern_domain::time::Timestamp;
use postern_domain::token::TokenFacts;
use postern_ledger::ArtifactCommand;
use postern_wire::identity::Identified;
use postern_wire::{message, protobuf};

use crate::Gate;
use crate::ask::Pending;
use crate::call::{Call, Next};
use crate::error::Result;
use crate::question::Record;
use crate::reply::foreign;

/// A call whose answer may have an artifact credential.
pub(crate) struct Issuing {
    credential: ArtifactCredential,
    grant: Grant,
    command: ArtifactCommand,
}

/// What a message names of what an artifact credential is for.
#[derive(Debug)]
pub(crate) struct Subject {
    /// As the audit event has it.
    target: Option<String>,
    digest: String,
}

impl Subject {
    /// What a message names.
    pub fn of(identified: &Identified<'_>) -> Self {
        let target = match (identified.run, identified.digest) {
            (Some(run), _) => Some(format!("run:{run}")),
            (None, Some(digest)) => Some(format!("artifact:{digest}")),
            (None, None) => None,
        };
        Self {
            target,
            digest: identified.digest.unwrap_or_default().to_owned(),
        }
    }

    /// An artifact.
    pub fn artifact(digest: &str) -> Self {
        Self {
            target: None,
            digest: digest.to_owned(),
        }
    }
}

impl Issuing {
    /// For a call whose answer has a credential; `None` for any other. Only tokens make such calls.
    pub fn of(
        call: &Call,
        row: &'static Rpc,
        permit: &Permit,
        (caller, policies): (&Caller, &[&str]),
    ) -> Result<Option<Self>> {
        let (Some(credential), Some(token)) = (row.hands_out, caller.token()) else {
            return Ok(None);
        };
        let target = call.subject.as_ref();
        let target = target.and_then(|subject| subject.target.clone());
        let role = credential.role;
        let role = role.or_else(|| ArtifactRole::of_policies(policies));
        Ok(Some(Self {
            credential,
            grant: permit.over(&token.organization)?,
            command: ArtifactCommand {
                token: token.id,
                target,
                call: row.method.to_owned(),
                role: role.map(|role| role.name().to_owned()),
                requester: requester(call, caller),
            },
        }))
    }

    /// Goes on once the credential in the answer may be handed out: with the message that goes to the
    /// caller in place of the origin's, where it is another one.
    pub fn then(
        self,
        (call, gate, now): (&mut Call, &mut Gate, Timestamp),
        answer: &[u8],
        then: impl FnOnce(&mut Call, &mut Gate, Timestamp, Option<Vec<u8>>) -> Result<Next> + 'static,
    ) -> Result<Next> {
        let method = self.command.call.as_str();
        let text = protobuf::strings(answer, [self.credential.at])
            .map_err(|error| foreign(format!("the answer to {method} cannot be read: {error}")));
        let [text] = text?;
        // A store within the origin needs no credential.
        if text.is_empty() {
            return then(call, gate, now, None);
        }
        let is_link = self.credential.text == ArtifactText::Url;
        if is_link && gate.config().artifact_cas_url.is_some() {
            let subject = call.subject.as_ref();
            let digest = subject.map_or("", |subject| &subject.digest);
            let link = link::own(text, digest, &call.own_origin)?;
            return then(
                call,
                gate,
                now,
                Some(message::embedded(1, &message::text(2, &link))),
            );
        }
        Ok(record(self.grant, self.command, move |call, gate, now| {
            then(call, gate, now, None)
        }))
    }
}

/// A redirect of the control plane's to its artifact store, which carries a credential.
pub(crate) struct Redirect {
    grant: Grant,
    command: ArtifactCommand,
}

impl Redirect {
    /// For a token's request for the route that answers so; `None` for any other.
    pub fn of(
        call: &Call,
        route: &'static Route,
        permit: &Permit,
        caller: Option<&Caller>,
    ) -> Result<Option<Self>> {
        let token = caller.and_then(|caller| Some((caller, caller.token()?)));
        let (Answers::Elsewhere, Some((caller, token))) = (route.answers, token) else {
            return Ok(None);
        };
        let digest = call.kept.path.rsplit('/').next().unwrap_or_default();
        Ok(Some(Self {
            grant: permit.over(&token.organization)?,
            command: downloading(call, route.name, (caller, token), digest),
        }))
    }

    /// Goes on once the redirect may be handed out.
    pub fn then(
        self,
        then: impl FnOnce(&mut Call, &mut Gate, Timestamp) -> Result<Next> + 'static,
    ) -> Next {
        record(self.grant, self.command, then)
    }
}

/// Has the Ledger write down that a credential is handed out, and goes on. Where it does not, or the
/// token is not active any more, the call is refused, and nobody has the credential.
fn record(
    grant: Grant,
    command: ArtifactCommand,
    then: impl FnOnce(&mut Call, &mut Gate, Timestamp) -> Result<Next> + 'static,
) -> Next {
    let recorded = move |call: &mut Call, gate: &mut Gate, now, ()| then(call, gate, now);
    Next::Record(Pending::new(Record { grant, command }, recorded))
}

/// What is written down of a credential to download the artifact of this digest.
fn downloading(
    call: &Call,
    name: &str,
    (caller, token): (&Caller, &TokenFacts),
    digest: &str,
) -> ArtifactCommand {
    ArtifactCommand {
        token: token.id,
        target: Some(format!("artifact:{digest}")),
        call: name.to_owned(),
        role: Some(ArtifactRole::Downloader.name().to_owned()),
        requester: requester(call, caller),
    }
}

/// Who asked. What the client calls itself is not read of calls for the origin.
fn requester(call: &Call, caller: &Caller) -> Requester {
    Requester {
        actor: caller.provenance(),
        tier: caller.tier().to_owned(),
        address: call.kept.address.map(|address| address.to_string()),
        user_agent: None,
        request_id: call.kept.request_id.clone(),
    }
}
