//! HS256 JSON Web Tokens (RFC 7519) as the control plane issues them: claims, issue, and the one
//! strict verifier. `crates/gate/src/proof.rs` compares the claims with the token's row.

mod claims;
mod issue;
mod person;
mod verify;

pub use claims::{Audience, audience};
pub use issue::{IssueError, Issued, issue};
pub use person::{is_for_people, person};
pub use verify::{JwtError, JwtForm, JwtKeys, Verified, form, times, verify, verify_untimed};

use sha2::{Digest as _, Sha256};

use postern_domain::audit::hex;
use postern_domain::token::Signed;

/// The issuer of every API token: the control plane's own name, because it must accept them too.
pub const ISSUER: &str = "cp.chainloop";
/// The audience of API tokens.
pub const API_TOKEN_AUDIENCE: &str = "api-token-auth.chainloop";
/// The audience of user tokens, signed by the control plane under the same secret.
pub const USER_AUDIENCE: &str = "user-auth.chainloop";
/// The audience of tokens that CI providers issue.
pub const GENERIC_AUDIENCE: &str = "chainloop";

/// What was signed of a token, and under which key; `None` where there is no signature.
fn signed(token: &str, kid: &str) -> Option<Signed> {
    let (signed, _) = token.rsplit_once('.')?;
    Some(Signed {
        kid: kid.to_owned(),
        digest: hex(&Sha256::digest(signed.as_bytes())),
    })
}

#[cfg(test)]
mod tests;
