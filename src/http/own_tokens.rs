//! What the gateway's machine has done about the origin's own tokens (R43): `postern_registry` does it,
//! over the ports.

use super::incoming::Incoming;
use crate::log;
use crate::platform::Platform;
use postern_gate::Outage;
use postern_gate::own_tokens::{Reserve, Reserved, Settle, Settlement};
use postern_registry::config::Config;
use postern_registry::error::Result;
use postern_registry::mint::Client;
use postern_registry::origin_tokens::{self, Refused};

/// Takes what a new token counts against.
pub async fn reserve(
    asked: &Reserve,
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
) -> core::result::Result<Reserved, Outage> {
    let request = incoming.request();
    let from = Client {
        bucket: request.bucket(config),
        requester: request.requester(config, &asked.caller),
    };
    origin_tokens::reserve(&asked.caller, &asked.request, &from, config, platform)
        .await
        .map_err(|refused| told(refused).into())
}

/// Has it stand here what became of a token.
pub async fn settle(
    asked: &Settle,
    incoming: &Incoming,
    config: &Config,
    platform: &Platform,
) -> Result<()> {
    let caller = &asked.caller;
    let requester = incoming.request().requester(config, caller);
    match &asked.what {
        Settlement::GiveBack(reserved) => {
            origin_tokens::give_back(caller, reserved, platform).await;
            Ok(())
        }
        Settlement::Register { jwt, reserved } => {
            let how = (&requester, config);
            origin_tokens::register(caller, jwt, reserved, how, platform)
                .await
                .map_err(told)
        }
        Settlement::Revoke(token) => origin_tokens::end(caller, *token, requester, platform).await,
        Settlement::NotRevoked { token, grant } => {
            origin_tokens::note_not_revoked(grant, *token, requester, platform).await
        }
    }
}

/// The refusal; the log tells of one that could not be written down.
fn told(refused: Refused) -> postern_registry::error::Error {
    if let Some(cause) = &refused.unnoted {
        log::failure("audit.mint_refused", cause);
    }
    refused.error
}
