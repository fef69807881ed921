//! The text of a job token: a compact JWS (RFC 7515), read strictly and not verified.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use postern_domain::secret::Secret;
use postern_domain::trust::Issuer;

use super::claims::SignedToken;
use super::keys::{KeySet, PublicKey};
use super::strict::{Bounds, JsonFault, Object, object};

/// Longest job token, in bytes. GitHub's and GitLab's have 1.5 to 2.5 KB, but GitLab's can name every
/// group of the user (`groups_direct`). Other credentials are shorter ([`MAX_CREDENTIAL`](crate::bearer::MAX_CREDENTIAL)):
/// whoever reads a job token from a request takes this limit there, and there alone.
pub const MAX_JOB_TOKEN: usize = 16 * 1024;
/// Longest name of a key, in bytes.
pub(super) const MAX_KID: usize = 255;
const HEADER: Bounds = Bounds {
    bytes: 4 * 1024,
    depth: 4,
    values: 64,
};
const PAYLOAD: Bounds = Bounds {
    bytes: MAX_JOB_TOKEN,
    depth: 6,
    values: 512,
};

/// The algorithms that are taken. None of them uses a secret that the issuer shares (HS256), and `none` is
/// no algorithm.
///
/// For WebCrypto, with [`PublicKey::jwk`] as the key, and the signature as it stands in the token:
///
/// | | `importKey` | `verify` |
/// |---|---|---|
/// | [`Rs256`](Self::Rs256) | `{ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }` | `{ name: "RSASSA-PKCS1-v1_5" }` |
/// | [`Es256`](Self::Es256) | `{ name: "ECDSA", namedCurve: "P-256" }` | `{ name: "ECDSA", hash: "SHA-256" }` |
/// | [`EdDsa`](Self::EdDsa) | `{ name: "Ed25519" }` | `{ name: "Ed25519" }` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSA with PKCS #1 v1.5 and SHA-256.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// Ed25519, as `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864).
    EdDsa,
}

impl Algorithm {
    /// Reads a registered name, exactly.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// Why a text is no job token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// It has too many bytes.
    TooLong,
    /// It has not three parts.
    Parts,
    /// A part is not base64url: padded, of another alphabet, or with bits that stand for nothing.
    Base64(&'static str),
    /// The header is not what it must be.
    Header(JsonFault),
    /// The payload is not what it must be.
    Payload(JsonFault),
    /// The algorithm is another one, or none.
    Algorithm,
    /// The header asks for an extension (`crit`, `b64`); none is supported.
    Critical,
    /// `typ` is there, and is not `JWT`.
    Type,
    /// The header names no key, or not by 1 to 255 visible ASCII characters.
    KeyId,
    /// The payload names no issuer.
    NoIssuer,
    /// The signature has not the length of one, or a half of it is no number that can be one.
    Signature,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the token has more than {MAX_JOB_TOKEN} bytes"),
            Self::Parts => f.write_str("the token has not three parts"),
            Self::Base64(part) => write!(f, "the {part} of the token is not base64url"),
            Self::Header(fault) => write!(f, "the header of the token {fault}"),
            Self::Payload(fault) => write!(f, "the payload of the token {fault}"),
            Self::Algorithm => f.write_str("`alg` is not RS256, ES256 or EdDSA"),
            Self::Critical => f.write_str("the header has `crit` or `b64`"),
            Self::Type => f.write_str("`typ` is not JWT"),
            Self::KeyId => f.write_str("`kid` is missing, empty, too long or not visible ASCII"),
            Self::NoIssuer => f.write_str("`iss` is missing or no text"),
            Self::Signature => f.write_str("the signature is none of its algorithm"),
        }
    }
}

/// A text of the form of a job token. Nothing in it is verified, and nothing of it is told but what chooses
/// issuer and key.
pub struct JobToken {
    text: Secret,
    signed_bytes: usize,
    algorithm: Algorithm,
    kid: String,
    issuer: String,
    payload: Object,
    signature: Vec<u8>,
}

impl JobToken {
    /// Reads a text. `jku`, `jwk`, `x5u` and `x5c` in its header are passed over: a token does not say which
    /// key it trusts.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(token: &Secret) -> Result<Self, TokenFault> {
        let text = token.expose();
        if text.len() > MAX_JOB_TOKEN {
            return Err(TokenFault::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenFault::Parts)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenFault::Parts)?;
        if payload.contains('.') {
            return Err(TokenFault::Parts);
        }
        let decode = |part: &str, name| {
            let bytes = URL_SAFE_NO_PAD.decode(part);
            bytes.map_err(|_| TokenFault::Base64(name))
        };
        let header = object(&decode(header, "header")?, HEADER).map_err(TokenFault::Header)?;
        let (algorithm, kid) = read_header(&header)?;
        let payload = object(&decode(payload, "payload")?, PAYLOAD).map_err(TokenFault::Payload)?;
        let signature = decode(signature, "signature")?;
        if !can_be_signature(algorithm, &signature) {
            return Err(TokenFault::Signature);
        }
        let issuer = payload.text("iss").filter(|issuer| !issuer.is_empty());
        Ok(Self {
            signed_bytes: signed.len(),
            algorithm,
            kid,
            issuer: issuer.ok_or(TokenFault::NoIssuer)?.to_owned(),
            payload,
            signature,
            text: Secret::new(text.to_owned()),
        })
    }

    /// The issuer that the token claims. It may only choose among issuers that are known
    /// ([`Issuers::of_url`](postern_domain::trust::Issuers::of_url)): nothing is fetched for another.
    pub fn claimed_issuer(&self) -> &str {
        &self.issuer
    }

    /// The name of the key that the token claims.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Chooses the key by its name, and makes the question whether it holds. INVARIANT (a key speaks for its
    /// own issuer): the key set must be of the issuer that the token claims. The key's own type says which
    /// algorithm it is for; the header's must be the same.
    ///
    /// # Errors
    /// The token back, with what is wrong: a key set that is refetched may have the key.
    pub fn ask(self, keys: &KeySet) -> Result<Question, Box<Unkeyed>> {
        match self.key(keys) {
            Ok(key) => Ok(Question {
                key: key.clone(),
                issuer: keys.issuer().clone(),
                token: self,
            }),
            Err(fault) => Err(Box::new(Unkeyed { token: self, fault })),
        }
    }

    fn key<'k>(&self, keys: &'k KeySet) -> Result<&'k PublicKey, KeyFault> {
        if keys.issuer().url() != self.issuer {
            return Err(KeyFault::OtherIssuer);
        }
        let key = keys.find(&self.kid).ok_or(KeyFault::Unknown)?;
        if key.algorithm() != self.algorithm {
            return Err(KeyFault::OtherAlgorithm);
        }
        if key.signature_bytes() != self.signature.len() {
            return Err(KeyFault::SignatureLength);
        }
        Ok(key)
    }
}

impl fmt::Debug for JobToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JobToken")
    }
}

/// Why a key set has no key for a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// The keys are another issuer's.
    OtherIssuer,
    /// No key of this name: it is new, or was taken out. The only fault for which a key set is fetched
    /// again.
    Unknown,
    /// The key is of another type than the header's algorithm.
    OtherAlgorithm,
    /// The signature has not the length of the key.
    SignatureLength,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherIssuer => "the keys are of another issuer",
            Self::Unknown => "the issuer has no key of the name `kid`",
            Self::OtherAlgorithm => "the key is for another algorithm than `alg`",
            Self::SignatureLength => "the signature has not the length of the key",
        })
    }
}

/// A token for which a key set has no key.
#[derive(Debug)]
pub struct Unkeyed {
    /// The token, to be asked again with a newer key set.
    pub token: JobToken,
    /// What is wrong.
    pub fault: KeyFault,
}

/// Does this key hold for this message and signature? The platform answers.
pub struct Question {
    token: JobToken,
    issuer: Issuer,
    key: PublicKey,
}

impl Question {
    /// The key, with its algorithm.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What was signed.
    pub fn message(&self) -> &[u8] {
        let signed = self.token.text.expose().get(..self.token.signed_bytes);
        signed.unwrap_or_default().as_bytes()
    }

    /// The signature, in the form that WebCrypto takes: for ECDSA, r and s with 32 bytes each.
    pub fn signature(&self) -> &[u8] {
        &self.token.signature
    }

    /// Takes the answer. A key that the platform does not import, such as a point off its curve, is a no.
    /// `None` = the signature does not hold.
    pub fn answer(self, holds: bool) -> Option<SignedToken> {
        let signed = Sha256::digest(self.message()).into();
        let Self { token, issuer, .. } = self;
        holds.then_some(SignedToken {
            issuer,
            payload: token.payload,
            signed,
        })
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Question({:?})", self.key)
    }
}

fn read_header(header: &Object) -> Result<(Algorithm, String), TokenFault> {
    let algorithm = header.text("alg").and_then(Algorithm::parse);
    let algorithm = algorithm.ok_or(TokenFault::Algorithm)?;
    if header.has("crit") || header.has("b64") {
        return Err(TokenFault::Critical);
    }
    let is_jwt = || {
        header
            .text("typ")
            .is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"))
    };
    if header.has("typ") && !is_jwt() {
        return Err(TokenFault::Type);
    }
    let kid = header.text("kid").filter(|kid| is_kid(kid));
    Ok((algorithm, kid.ok_or(TokenFault::KeyId)?.to_owned()))
}

/// Whether a text can name a key.
pub(super) fn is_kid(text: &str) -> bool {
    (1..=MAX_KID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The order of the group of P-256 (FIPS 186-5).
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// Whether bytes can be a signature at all. Both numbers of ECDSA are from 1 to the order less one: a
/// verifier that forgets it takes zeros for everything.
fn can_be_signature(algorithm: Algorithm, bytes: &[u8]) -> bool {
    match algorithm {
        Algorithm::Rs256 => super::keys::RSA_BYTES.contains(&bytes.len()),
        Algorithm::EdDsa => bytes.len() == 64,
        Algorithm::Es256 => {
            let number = |half: &[u8]| half.iter().any(|b| *b != 0) && *half < ORDER[..];
            let halves = bytes.split_at_checked(32);
            bytes.len() == 64 && halves.is_some_and(|(r, s)| number(r) && number(s))
        }
    }
}
