//! The calls that make, show and end the origin's own tokens, as they are where the gateway governs
//! these (R43). Elsewhere their rows are closed.

use super::Effect::{Read, Write};
use super::Narrow::Denied;
use super::row::{project_at, token};
use super::{Effect, Identity, NOTHING, ProjectAt, Rpc};

/// What a call does with the origin's own tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OwnToken {
    /// It makes one.
    Create,
    /// It shows them, without their secrets.
    List,
    /// It ends one.
    Revoke,
}

const PROJECT: Identity = project_at(ProjectAt::Reference(&[4]));

/// The call by which the gateway itself ends a token at the origin that it could not register.
pub static OWN_TOKEN_REVOKE: Rpc = REVOKE;

const REVOKE: Rpc = own(
    "APITokenService/Revoke",
    Write,
    &["api_token:delete"],
    NOTHING,
    OwnToken::Revoke,
);

/// The rows. The policies are the control plane's. No token for a project or a workflow manages
/// tokens.
pub static OWN_TOKENS: [Rpc; 3] = [
    own(
        "APITokenService/Create",
        Write,
        &["api_token:create"],
        PROJECT,
        OwnToken::Create,
    ),
    own(
        "APITokenService/List",
        Read,
        &["api_token:list"],
        PROJECT,
        OwnToken::List,
    ),
    REVOKE,
];

const fn own(
    method: &'static str,
    effect: Effect,
    policies: &'static [&'static str],
    identity: Identity,
    own_token: OwnToken,
) -> Rpc {
    Rpc {
        own_token: Some(own_token),
        ..token(method, effect, policies, identity, Denied)
    }
}

/// The same call, as it is where the gateway governs the origin's own tokens.
pub fn governed(row: &'static Rpc) -> &'static Rpc {
    let same = OWN_TOKENS.iter().find(|own| own.method == row.method);
    same.unwrap_or(row)
}

#[cfg(test)]
mod tests {
    use super::super::{Access, rpcs};
    use super::*;

    #[test]
    fn r43_just_the_closed_calls_are_governed() {
        let closed: Vec<&str> = rpcs()
            .filter(|row| row.access == Access::Closed)
            .map(|row| row.method)
            .collect();
        let own: Vec<&str> = OWN_TOKENS.iter().map(|row| row.method).collect();
        assert_eq!(closed, own);
        for row in rpcs() {
            let governed = governed(row);
            assert_eq!(governed.method, row.method);
            assert_eq!(
                governed == row,
                row.access != Access::Closed,
                "{}",
                row.method
            );
            if let Some(own) = OWN_TOKENS.iter().find(|own| own.method == row.method) {
                let (identity, effect) = (row.identity, row.effect);
                assert_eq!(
                    (own.identity, own.effect),
                    (identity, effect),
                    "{}",
                    row.method
                );
            }
        }
    }
}
