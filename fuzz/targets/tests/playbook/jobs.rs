//! The same attacks with job tokens of CI systems, where the platform says yes to every signature that it is asked about.

use postern_domain::trust::{Audiences, Issuers, Loopback};
use postern_wire::job::{JobRefusal, JobToken, KeyFault, KeySet, TokenFault};
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://ci.example/oidc";

/// What becomes of a job token where the platform says yes to every signature that it is asked about.
fn job(header: &str, claims: &Value, signature: &[u8]) -> Result<(), JobRefusal> {
    let text = format!(
        "{}.{}",
        message(header, &claims.to_string()),
        B64.encode(signature)
    );
    let token = JobToken::parse(&Secret::new(text))?;
    let issuers = Issuers::parse(ISSUER, Loopback::Refused).expect("an issuer");
    let issuer = issuers
        .of_url(token.claimed_issuer())
        .ok_or(JobRefusal::UnknownIssuer)?;
    let modulus = [&[0xc1][..], &[0x5a; 254], &[0x0f]].concat();
    let set = json!({"keys": [
        {"kty": "oct", "kid": "secret", "k": "AAAA"},
        {"kty": "RSA", "kid": "rsa", "n": B64.encode(modulus), "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "kid": "ec", "x": B64.encode([1; 32]), "y": B64.encode([2; 32])},
    ]});
    let keys = KeySet::parse(issuer, set.to_string().as_bytes()).expect("keys");
    let question = token.ask(&keys).map_err(|unkeyed| unkeyed.fault)?;
    let signed = question.answer(true).expect("yes");
    let audiences = Audiences::new(["https://gate.example".to_owned()], false).expect("audiences");
    signed.verified(&audiences, Timestamp::from_millis(NOW * 1000))?;
    Ok(())
}

#[test]
fn job_tokens() {
    let claims = json!({"iss": ISSUER, "aud": "https://gate.example", "sub": "job", "iat": NOW - 5, "exp": NOW + 300});
    let stranger = json!({"iss": "https://evil.example", "aud": "https://gate.example", "sub": "job", "iat": NOW - 5, "exp": NOW + 300});
    let (ec, rsa) = (
        r#"{"alg":"ES256","kid":"ec"}"#,
        r#"{"alg":"RS256","kid":"rsa"}"#,
    );
    assert_eq!(job(ec, &claims, &[5; 64]), Ok(()));
    assert_eq!(job(rsa, &claims, &[5; 256]), Ok(()));
    let token = |fault| Err(JobRefusal::from(fault));
    let key = |fault: KeyFault| Err(JobRefusal::from(fault));
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&order[2 * at..2 * at + 2], 16).expect("hex"))
        .collect();
    let rows = [
        (
            "zeros for r and s (CVE-2022-21449)",
            ec,
            &claims,
            vec![0; 64],
            token(TokenFault::Signature),
        ),
        (
            "r of the order",
            ec,
            &claims,
            [&order[..], &[1; 32]].concat(),
            token(TokenFault::Signature),
        ),
        (
            "DER",
            ec,
            &claims,
            vec![0x30; 71],
            token(TokenFault::Signature),
        ),
        (
            "none",
            r#"{"alg":"none","kid":"ec"}"#,
            &claims,
            Vec::new(),
            token(TokenFault::Algorithm),
        ),
        (
            "HS256 with a public key",
            r#"{"alg":"HS256","kid":"rsa"}"#,
            &claims,
            vec![5; 32],
            token(TokenFault::Algorithm),
        ),
        (
            "PS256",
            r#"{"alg":"PS256","kid":"rsa"}"#,
            &claims,
            vec![5; 256],
            token(TokenFault::Algorithm),
        ),
        (
            "another algorithm than the key's",
            r#"{"alg":"ES256","kid":"rsa"}"#,
            &claims,
            vec![5; 64],
            key(KeyFault::OtherAlgorithm),
        ),
        (
            "a secret among the keys",
            r#"{"alg":"ES256","kid":"secret"}"#,
            &claims,
            vec![5; 64],
            key(KeyFault::Unknown),
        ),
        (
            "a signature of another length",
            rsa,
            &claims,
            vec![5; 512],
            key(KeyFault::SignatureLength),
        ),
        (
            "crit",
            r#"{"alg":"ES256","kid":"ec","crit":["exp"]}"#,
            &claims,
            vec![5; 64],
            token(TokenFault::Critical),
        ),
        (
            "no kid",
            r#"{"alg":"ES256"}"#,
            &claims,
            vec![5; 64],
            token(TokenFault::KeyId),
        ),
        (
            "an issuer of the attacker's",
            r#"{"alg":"ES256","kid":"ec","jku":"https://evil.example"}"#,
            &stranger,
            vec![5; 64],
            Err(JobRefusal::UnknownIssuer),
        ),
    ];
    for (attack, header, claims, signature, expected) in rows {
        assert_eq!(job(header, claims, &signature), expected, "{attack}");
    }
}
