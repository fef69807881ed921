//! Credentials for the artifact store that calls hand out, as the Ledger is told of them (R46).

use serde::{Deserialize, Serialize};

use postern_domain::audit::Requester;
use postern_domain::id::TokenId;

use crate::Command;

/// Write down that an artifact credential is handed out. Whoever sends this hands it out after the
/// answer, and not without one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtifactCommand {
    /// The token whose call brought it.
    pub token: TokenId,
    /// What the call named: `run:` and its id, or `artifact:` and the digest.
    pub target: Option<String>,
    /// The call, as logs name it.
    pub call: String,
    /// `uploader` or `downloader`, where it is known.
    pub role: Option<String>,
    /// Who asked, for the event.
    #[serde(rename = "origin")]
    pub requester: Requester,
}

impl Command for ArtifactCommand {
    const NAME: &'static str = "artifact";
    type Answer = ();
}
