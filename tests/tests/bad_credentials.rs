//! Credentials that must not open anything, on a management route and on an attestation route: each refusal in the
//! caller's protocol, with its reason where the holder may know it and one and the same answer where not (R12).

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern_domain::keys::{KeyRing, RootKeys};
use postern_system_tests::forge::{self, Keys, PARTS};
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::rpc::{self, FIND_OR_CREATE};
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random, random_id, runner};
use serde_json::{Value, json};

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            headers_that_are_not_one_bearer_credential,
            r2_opaque_keys_with_each_part_damaged,
            opaque_keys_that_were_never_minted,
            r2_only_what_was_minted_opens_and_under_its_own_key,
            jwts_with_wrong_headers,
            r6_jwts_with_wrong_signatures,
            jwts_with_wrong_claims,
            jwts_that_are_no_jwts,
            r4_jwts_whose_claims_are_not_the_rows,
            r2_a_credential_of_one_format_naming_a_row_of_the_other,
            r7_tokens_end_when_they_expire,
            r12_what_an_outsider_could_learn_from_gets_one_answer,
            r17_a_narrow_token_manages_nothing,
        ],
    )
}

/// Asserts that the credential is refused on both kinds of route, with this outcome, and does nothing.
async fn refuses(
    suite: &Suite,
    organization: &Organization,
    what: &str,
    credential: &str,
    outcome: &Outcome,
) {
    refuses_headers(
        suite,
        organization,
        what,
        &[&format!("Bearer {credential}")],
        outcome,
    )
    .await;
}

async fn refuses_headers(
    suite: &Suite,
    organization: &Organization,
    what: &str,
    headers: &[&str],
    outcome: &Outcome,
) {
    let before = organization.snapshot(&suite.gateway).await;
    for (method, path) in [
        ("GET", "/org/tokens"),
        ("POST", "/org/tokens"),
        ("POST", "/orgs"),
    ] {
        let mut call = suite
            .gateway
            .call(method, path)
            .organization(&organization.name)
            .from(&organization.address);
        if method == "POST" {
            call = call.json(&json!({ "name": "must-not-be" }));
        }
        for header in headers {
            call = call.header("authorization", header);
        }
        let answer = call.send().await;
        assert_eq!((what, answer.status), (what, 401), "{}", answer.text());
        assert!(
            answer.text().contains(&format!("\"{}\"", outcome.code)),
            "{what}: {}",
            answer.text()
        );
        let problem = answer.problem(401, outcome.code);
        assert_eq!(
            (what, problem["detail"].as_str()),
            (what, Some(outcome.detail))
        );
        let challenge = answer.header("www-authenticate").unwrap_or_default();
        assert!(
            challenge.starts_with("Bearer "),
            "{what}: the challenge is `{challenge}`"
        );
        // RFC 6750, section 3.1: no error code for a request without a credential.
        assert_eq!(
            challenge.contains("error=\"invalid_token\""),
            outcome.code != "credential_missing",
            "{what}: {challenge}"
        );
        if let Some(cause) = outcome.cause {
            let line = suite
                .gateway
                .log_line(problem["request_id"].as_str().expect("a request id"))
                .await;
            assert_eq!(
                (what, line["cause"].as_str()),
                (what, Some(cause)),
                "{line}"
            );
        }
    }
    assert_eq!(
        organization.snapshot(&suite.gateway).await,
        before,
        "{what} changed something"
    );

    suite.origin.reset().await;
    let mut call = rpc::anonymous(
        &suite.gateway,
        0,
        FIND_OR_CREATE,
        rpc::frame(0, &rpc::names(SHOP, RELEASE)),
    );
    for header in headers {
        call = call.header("authorization", header);
    }
    call.send().await.refused(16, outcome.message);
    suite.origin.assert_untouched(what).await;
}

/// How a credential is refused.
#[derive(Clone, Copy)]
struct Outcome {
    code: &'static str,
    detail: &'static str,
    /// In gRPC, where the stock client matches some sentences exactly.
    message: &'static str,
    /// What the log alone says, where a test means one reason.
    cause: Option<&'static str>,
}

impl Outcome {
    const fn because(self, cause: &'static str) -> Self {
        Self {
            cause: Some(cause),
            ..self
        }
    }
}

const MISSING: Outcome = Outcome {
    code: "credential_missing",
    detail: "authentication required: send one `Authorization: Bearer <token>` header",
    message: "JWT token is missing",
    cause: None,
};
const MALFORMED: Outcome = Outcome {
    code: "credential_malformed",
    detail: "the credential is malformed: send one Bearer token, whole and unchanged",
    message: "Token is invalid",
    cause: None,
};
const EXPIRED: Outcome = Outcome {
    code: "token_expired",
    detail: "the token has expired or is not valid yet: mint or log in again",
    message: "JWT token has expired",
    cause: None,
};
const STALE: Outcome = Outcome {
    code: "token_stale",
    detail: "not issued by this deployment, or signed with a retired key: mint or log in again",
    message: "Fail to parse JWT token ",
    cause: None,
};
const REFUSED: Outcome = Outcome {
    code: "credential_refused",
    detail: "the credential was refused",
    message: "the credential was refused",
    cause: None,
};

/// A text of no form: one answer in JSON, and what the stock client knows in gRPC.
const FORMLESS: Outcome = Outcome {
    message: "Token is invalid",
    cause: Some("no known form of credential"),
    ..REFUSED
};

/// Asserts that a token opens what it is for.
async fn opens(suite: &Suite, credential: &str) {
    rpc::call(
        &suite.gateway,
        FIND_OR_CREATE,
        credential,
        &rpc::names(SHOP, RELEASE),
    )
    .send()
    .await
    .accepted();
}

async fn jwt(suite: &Suite, organization: &Organization) -> Minted {
    organization.mint_for_release(&suite.gateway, "jwt").await
}

/// The token with changed claims, signed as the gateway would.
fn resigned(suite: &Suite, token: &Minted, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = forge::part(&token.token, 1);
    change(&mut claims);
    forge::jwt(&forge::header(), &claims.to_string(), &suite.keys.k2)
}

fn without(claims: &mut Value, names: &[&str]) {
    for name in names {
        claims
            .as_object_mut()
            .expect("claims")
            .remove(*name)
            .expect("the claim was there");
    }
}

fn seconds_from_now(seconds: i64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(now.as_secs()).expect("a while yet") + seconds
}

async fn headers_that_are_not_one_bearer_credential(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    let good = format!("Bearer {token}");
    let basic = format!("Basic {token}");
    let two_in_one = format!("Bearer {token}, Bearer {token}");
    let inner_space = format!("Bearer {} {}", &token[..40], &token[40..]);
    let long = format!("Bearer {}", "a".repeat(9_000));
    let rows: [(&str, &[&str], Outcome); 14] = [
        ("no header", &[], MISSING),
        ("an empty header", &[""], MISSING),
        ("a blank header", &["  "], MISSING),
        (
            "two headers",
            &[&good, &good],
            MALFORMED.because("more than one credential"),
        ),
        (
            "a good header and an empty one",
            &[&good, ""],
            MALFORMED.because("more than one credential"),
        ),
        (
            "a good header and another scheme",
            &[&good, "Basic eDp5"],
            MALFORMED.because("more than one credential"),
        ),
        (
            "two credentials in one header",
            &[&two_in_one],
            MALFORMED.because("more than one credential"),
        ),
        (
            "the scheme alone",
            &["Bearer"],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "the token alone",
            &[&token],
            MALFORMED.because("another scheme than Bearer"),
        ),
        (
            "another scheme",
            &[&basic],
            MALFORMED.because("another scheme than Bearer"),
        ),
        (
            "a space in the token",
            &[&inner_space],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "a letter outside the alphabet",
            &["Bearer tök"],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "padding alone",
            &["Bearer =="],
            MALFORMED.because("not a Bearer credential"),
        ),
        (
            "a very long credential",
            &[&long],
            MALFORMED.because("longer than any token"),
        ),
    ];
    for (what, headers, outcome) in rows {
        refuses_headers(suite, &organization, what, headers, &outcome).await;
    }
    opens(suite, &token).await;
}

async fn r2_opaque_keys_with_each_part_damaged(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await
        .token;
    for (part, place) in PARTS {
        let damaged = forge::damage(&token, &place);
        assert_ne!(damaged, token);
        let outcome = match part {
            // Without the prefix it is some text of nobody's.
            "prefix" => FORMLESS,
            "separator" => MALFORMED.because("opaque key grammar"),
            _ => MALFORMED.because("opaque key checksum"),
        };
        refuses(suite, &organization, part, &damaged, &outcome).await;
    }
    // A forger knows the grammar and makes the checksum fit: only the keyed check is left to stop it.
    for (part, place) in PARTS
        .iter()
        .filter(|(part, _)| ["id", "secret", "keyed check"].contains(part))
    {
        let forged = forge::with_checksum(&forge::damage(&token, place));
        let outcome = REFUSED.because("opaque key check digits: forged");
        refuses(
            suite,
            &organization,
            &format!("{part}, with a checksum that fits"),
            &forged,
            &outcome,
        )
        .await;
    }
    let longer = format!("{token}7");
    let beyond = forge::with_checksum(&format!("pst_{}_{}", "z".repeat(22), &token[27..]));
    let rows = [
        ("cut", &token[..74]),
        ("longer", longer.as_str()),
        ("the prefix alone", "pst_"),
        ("an id beyond 128 bits", beyond.as_str()),
    ];
    for (what, key) in rows {
        refuses(
            suite,
            &organization,
            what,
            key,
            &MALFORMED.because("opaque key grammar"),
        )
        .await;
    }
    opens(suite, &token).await;
}

async fn opaque_keys_that_were_never_minted(suite: &Suite) {
    let organization = suite.organization().await;
    let token = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let foreign = KeyRing::parse(&Keys::random().ring()).expect("good keys");
    let foreign = RootKeys::from_token_keys(&foreign);
    let rows = [
        (
            "another deployment's key",
            forge::opaque(&random_id(), &foreign),
            "opaque key check digits: forged",
        ),
        (
            "another deployment's key of a real id",
            forge::opaque(&token.id, &foreign),
            "opaque key check digits: forged",
        ),
        (
            "a key of ours of an id that never was",
            forge::opaque(&random_id(), &suite.keys.root()),
            "unknown token",
        ),
        (
            "a key of ours of a real id, with another secret",
            forge::opaque(&token.id, &suite.keys.root()),
            "hash mismatch",
        ),
    ];
    for (what, key, cause) in rows {
        refuses(suite, &organization, what, &key, &REFUSED.because(cause)).await;
    }
    opens(suite, &token.token).await;
}

/// The control for everything below is the first row: what is refused there is not refused for how it was made. Every
/// other writing of the token, by whoever has a key of the ring, is not the token.
async fn r2_only_what_was_minted_opens_and_under_its_own_key(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let (signed, _) = token.token.rsplit_once('.').expect("three parts");
    let payload = signed.split_once('.').expect("two parts").1;
    let payload =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload)
            .expect("base64url");
    let payload = String::from_utf8(payload).expect("JSON");
    let again = forge::jwt(&forge::header(), &payload, &suite.keys.k2);
    assert_eq!(again, token.token);
    opens(suite, &again).await;

    let second = json!({ "alg": "HS256", "typ": "JWT", "kid": "k1" });
    let another_key = REFUSED.because("signed under another key than when it was minted");
    let otherwise = REFUSED.because("signed otherwise than it was minted");
    let change = |name: &'static str, value: Value| {
        resigned(suite, &token, move |claims| claims[name] = value)
    };
    let rows = [
        (
            "under another key of the ring",
            forge::jwt(&second, &payload, &suite.keys.k1),
            another_key,
        ),
        (
            "with another header",
            forge::jwt(
                &json!({ "alg": "HS256", "kid": "k2" }),
                &payload,
                &suite.keys.k2,
            ),
            otherwise,
        ),
        (
            "with a blank",
            forge::jwt(
                &forge::header(),
                &payload.replacen('{', "{ ", 1),
                &suite.keys.k2,
            ),
            otherwise,
        ),
        (
            "the audience as one text",
            change("aud", json!("api-token-auth.chainloop")),
            otherwise,
        ),
        (
            "with more audiences",
            change("aud", json!(["chainloop", "api-token-auth.chainloop"])),
            otherwise,
        ),
        (
            "with a longer life",
            change("exp", json!(seconds_from_now(60))),
            otherwise,
        ),
        (
            "with a beginning",
            change("nbf", json!(seconds_from_now(-60))),
            otherwise,
        ),
    ];
    for (what, forged, outcome) in rows {
        refuses(suite, &organization, what, &forged, &outcome).await;
    }
    opens(suite, &token.token).await;
}

async fn jwts_with_wrong_headers(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let claims = forge::part(&token.token, 1).to_string();
    let algorithm = MALFORMED.because("JWT algorithm is not HS256");
    let critical = MALFORMED.because("JWT with critical extensions");
    let rows = [
        (
            "alg none",
            json!({ "alg": "none", "typ": "JWT", "kid": "k2" }),
            algorithm,
        ),
        ("alg None", json!({ "alg": "None", "kid": "k2" }), algorithm),
        (
            "alg HS384, signed with HS256",
            json!({ "alg": "HS384", "kid": "k2" }),
            algorithm,
        ),
        (
            "alg RS256",
            json!({ "alg": "RS256", "kid": "k2" }),
            algorithm,
        ),
        (
            "alg hs256",
            json!({ "alg": "hs256", "kid": "k2" }),
            algorithm,
        ),
        (
            "an unknown crit",
            json!({ "alg": "HS256", "kid": "k2", "crit": ["exp2"], "exp2": 1 }),
            critical,
        ),
        (
            "an empty crit",
            json!({ "alg": "HS256", "kid": "k2", "crit": [] }),
            critical,
        ),
        (
            "b64",
            json!({ "alg": "HS256", "kid": "k2", "b64": false, "crit": ["b64"] }),
            critical,
        ),
        (
            "another typ",
            json!({ "alg": "HS256", "kid": "k2", "typ": "at+jwt" }),
            MALFORMED.because("`typ` is not JWT"),
        ),
        (
            "an unknown kid",
            json!({ "alg": "HS256", "kid": "k9" }),
            STALE,
        ),
        ("an empty kid", json!({ "alg": "HS256", "kid": "" }), STALE),
        (
            "the kid of another key of the ring",
            json!({ "alg": "HS256", "kid": "k1" }),
            STALE,
        ),
    ];
    for (what, header, outcome) in rows {
        let forged = forge::jwt(&header, &claims, &suite.keys.k2);
        refuses(suite, &organization, what, &forged, &outcome).await;
    }
    let header = json!({ "alg": "HS384", "kid": "k2" });
    let strong = forge::jwt_384(&header, &claims, &suite.keys.k2);
    refuses(
        suite,
        &organization,
        "alg HS384, signed with it",
        &strong,
        &algorithm,
    )
    .await;
    let unsigned = forge::jwt(
        &json!({ "alg": "none", "kid": "k2" }),
        &claims,
        &suite.keys.k2,
    );
    let (unsigned, _) = unsigned.rsplit_once('.').expect("three parts");
    refuses(
        suite,
        &organization,
        "alg none without signature",
        &format!("{unsigned}."),
        &MALFORMED,
    )
    .await;
    let retired = forge::jwt(&json!({ "alg": "HS256" }), &claims, &suite.keys.k2);
    refuses(
        suite,
        &organization,
        "no kid, and no key of the origin's",
        &retired,
        &STALE,
    )
    .await;
    opens(suite, &token.token).await;
}

async fn r6_jwts_with_wrong_signatures(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let claims = forge::part(&token.token, 1).to_string();
    let (signed, signature) = token.token.rsplit_once('.').expect("three parts");
    let mut bits = forge::hs256(&suite.keys.k2, signed.as_bytes());
    bits[0] ^= 1;
    let flipped = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, bits);
    let other = forge::part(&jwt(suite, &organization).await.token, 1).to_string();
    let borrowed = forge::jwt(&forge::header(), &other, &suite.keys.k2);
    let (borrowed, _) = borrowed.rsplit_once('.').expect("three parts");
    let rows = [
        (
            "signed with a retired key",
            forge::jwt(
                &json!({ "alg": "HS256", "kid": "k0" }),
                &claims,
                &suite.keys.k0,
            ),
        ),
        (
            "a retired key under a live name",
            forge::jwt(&forge::header(), &claims, &suite.keys.k0),
        ),
        (
            "signed with an empty key",
            forge::jwt(&forge::header(), &claims, &[]),
        ),
        (
            "signed with the key's text",
            forge::jwt(&forge::header(), &claims, suite.keys.ring().as_bytes()),
        ),
        ("no signature", format!("{signed}.")),
        ("half a signature", format!("{signed}.{}", &signature[..20])),
        (
            "a signature with one bit flipped",
            format!("{signed}.{flipped}"),
        ),
        (
            "the signature of another token",
            format!("{borrowed}.{signature}"),
        ),
    ];
    for (what, forged) in rows {
        refuses(suite, &organization, what, &forged, &STALE).await;
    }
    // What does not even say that it is ours is not called stale.
    let foreign = |iss: Value| {
        let mut claims = forge::part(&token.token, 1);
        claims["iss"] = iss;
        forge::jwt(&forge::header(), &claims.to_string(), &suite.keys.k0)
    };
    let outcome = REFUSED.because("JWT of a foreign issuer");
    refuses(
        suite,
        &organization,
        "another issuer's",
        &foreign(json!("https://token.example")),
        &outcome,
    )
    .await;
    refuses(
        suite,
        &organization,
        "nobody's",
        &foreign(Value::Null),
        &outcome,
    )
    .await;
    opens(suite, &token.token).await;
}

async fn jwts_with_wrong_claims(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await;
    let audience = REFUSED.because("invalid audience");
    let shape = REFUSED
        .because("not an object of unique, well-typed claims, with times below 2^53 seconds");
    let change = |name: &'static str, value: Value| {
        resigned(suite, &token, move |claims| claims[name] = value)
    };
    let drop = |name: &'static str| resigned(suite, &token, move |claims| without(claims, &[name]));
    let claims = forge::part(&token.token, 1).to_string();
    let twice = claims.replacen('{', &format!("{{\"org_id\":\"{}\",", random_id()), 1);
    let rows = [
        (
            "expired",
            change("exp", json!(seconds_from_now(-1))),
            EXPIRED.because("JWT expired"),
        ),
        (
            "long expired",
            change("exp", json!(0)),
            EXPIRED.because("JWT expired"),
        ),
        (
            "not valid yet",
            change("nbf", json!(seconds_from_now(60))),
            EXPIRED.because("JWT not valid yet"),
        ),
        (
            "an expiry in words",
            change("exp", json!("tomorrow")),
            shape,
        ),
        ("no audience", drop("aud"), audience),
        ("an empty audience", change("aud", json!([])), audience),
        (
            "a foreign audience",
            change("aud", json!(["api-token-auth.example"])),
            audience,
        ),
        (
            "a user's audience",
            change("aud", json!(["user-auth.chainloop"])),
            audience,
        ),
        (
            "a CI provider's audience",
            change("aud", json!("chainloop")),
            audience,
        ),
        (
            "a user's and a CI provider's",
            change("aud", json!(["chainloop", "user-auth.chainloop"])),
            audience,
        ),
        (
            "another issuer under our key",
            change("iss", json!("cp.example")),
            REFUSED.because("the issuer is another one"),
        ),
        (
            "no issuer",
            drop("iss"),
            REFUSED.because("the issuer is another one"),
        ),
        (
            "no jti",
            drop("jti"),
            REFUSED.because("`jti` is not a UUID"),
        ),
        (
            "a jti that is no id",
            change("jti", json!("1")),
            REFUSED.because("`jti` is not a UUID"),
        ),
        (
            "a jti of nobody",
            change("jti", json!(random_id())),
            REFUSED.because("unknown token"),
        ),
        (
            "a claim twice",
            forge::jwt(&forge::header(), &twice, &suite.keys.k2),
            shape,
        ),
        (
            "claims that are a list",
            forge::jwt(&forge::header(), "[]", &suite.keys.k2),
            shape,
        ),
        (
            "a workflow without its name",
            drop("workflow_name"),
            REFUSED.because("an id without its name, or the reverse"),
        ),
    ];
    for (what, forged, outcome) in rows {
        refuses(suite, &organization, what, &forged, &outcome).await;
    }
    opens(suite, &token.token).await;
}

async fn jwts_that_are_no_jwts(suite: &Suite) {
    let organization = suite.organization().await;
    let token = jwt(suite, &organization).await.token;
    let parts: Vec<_> = token.split('.').collect();
    let rows = [
        ("three dots and nothing", "..".to_owned(), MALFORMED),
        (
            "a header that is no JSON",
            format!("AAAA.{}.{}", parts[1], parts[2]),
            MALFORMED,
        ),
        (
            "a padded part",
            format!("{}.{}.{}=", parts[0], parts[1], parts[2]),
            MALFORMED,
        ),
        (
            "standard base64",
            format!("{}.{}.{}", parts[0], parts[1], "+".repeat(43)),
            MALFORMED,
        ),
        ("two parts", format!("{}.{}", parts[0], parts[1]), FORMLESS),
        ("four parts", format!("{token}.AAAA"), FORMLESS),
        ("a wrong administrator key", Keys::random().admin, FORMLESS),
    ];
    for (what, text, outcome) in rows {
        refuses(suite, &organization, what, &text, &outcome).await;
    }
}

/// R4: each claim against the row, absence included; the log says which, the answer does not.
async fn r4_jwts_whose_claims_are_not_the_rows(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let mint = async |mut body: Value| {
        body["format"] = json!("jwt");
        organization.mint(&suite.gateway, &body).await
    };
    let wide = mint(json!({})).await;
    let project = mint(json!({ "project": SHOP })).await;
    let narrow = mint(json!({ "project": SHOP, "workflow": RELEASE })).await;
    let (shop, release) = (organization.shop.clone(), organization.release.clone());
    let (other, foreign_shop) = (organization.other.clone(), stranger.shop.clone());
    const PROJECT: [&str; 2] = ["project_id", "project_name"];
    const WORKFLOW: [&str; 2] = ["workflow_id", "workflow_name"];
    let rows = [
        (
            "a project added",
            resigned(suite, &wide, |c| {
                c["project_id"] = json!(shop);
                c["project_name"] = json!(SHOP);
            }),
            "project mismatch",
        ),
        (
            "the project left out",
            resigned(suite, &project, |c| without(c, &PROJECT)),
            "project mismatch",
        ),
        (
            "another project",
            resigned(suite, &project, |c| c["project_id"] = json!(foreign_shop)),
            "project mismatch",
        ),
        (
            "a workflow added",
            resigned(suite, &project, |c| {
                c["workflow_id"] = json!(release);
                c["workflow_name"] = json!(RELEASE);
            }),
            "workflow mismatch",
        ),
        (
            "the workflow left out",
            resigned(suite, &narrow, |c| without(c, &WORKFLOW)),
            "workflow mismatch",
        ),
        (
            "another workflow",
            resigned(suite, &narrow, |c| c["workflow_id"] = json!(other)),
            "workflow mismatch",
        ),
        (
            "both left out",
            resigned(suite, &narrow, |c| {
                without(c, &PROJECT);
                without(c, &WORKFLOW);
            }),
            "project mismatch",
        ),
        (
            "the project left out, the workflow kept",
            resigned(suite, &narrow, |c| without(c, &PROJECT)),
            "project mismatch",
        ),
    ];
    for (what, forged, cause) in rows {
        refuses(suite, &organization, what, &forged, &REFUSED.because(cause)).await;
    }
    // Of another organization: its Ledger does not know the token; or, once this isolate knows it, the row says so.
    let moved = resigned(suite, &wide, |c| {
        c["org_id"] = json!(stranger.id);
        c["org_name"] = json!(stranger.name);
    });
    refuses(
        suite,
        &organization,
        "another organization",
        &moved,
        &REFUSED.because("unknown token"),
    )
    .await;
    for token in [&wide, &project, &narrow] {
        opens(suite, &token.token).await;
    }
    refuses(
        suite,
        &organization,
        "another organization",
        &moved,
        &REFUSED.because("organization mismatch"),
    )
    .await;
    let nowhere = resigned(suite, &wide, |c| without(c, &["org_id"]));
    refuses(
        suite,
        &organization,
        "no organization",
        &nowhere,
        &REFUSED.because("organization mismatch"),
    )
    .await;
    opens(suite, &wide.token).await;
}

async fn r2_a_credential_of_one_format_naming_a_row_of_the_other(suite: &Suite) {
    let organization = suite.organization().await;
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let jwt = jwt(suite, &organization).await;
    let as_jwt = resigned(suite, &jwt, |claims| {
        claims["jti"] = json!(opaque.id);
        claims["token_name"] = opaque.answer["name"].clone();
    });
    let as_opaque = forge::opaque(&jwt.id, &suite.keys.root());
    for _ in 0..2 {
        let outcome = REFUSED.because("format mismatch");
        refuses(
            suite,
            &organization,
            "a JWT of an opaque row",
            &as_jwt,
            &outcome,
        )
        .await;
        refuses(
            suite,
            &organization,
            "an opaque key of a JWT's row",
            &as_opaque,
            &outcome,
        )
        .await;
        // And again once the isolate knows both rows.
        opens(suite, &opaque.token).await;
        opens(suite, &jwt.token).await;
    }
}

async fn r7_tokens_end_when_they_expire(suite: &Suite) {
    let organization = suite.organization().await;
    for (format, cause) in [("opaque", "row expired"), ("jwt", "JWT expired")] {
        let body =
            json!({ "project": SHOP, "workflow": RELEASE, "format": format, "expires_in": "3s" });
        let token = organization.mint(&suite.gateway, &body).await;
        opens(suite, &token.token).await;
        tokio::time::sleep(Duration::from_millis(3_100)).await;
        refuses(
            suite,
            &organization,
            format,
            &token.token,
            &EXPIRED.because(cause),
        )
        .await;
    }
    // Nor does a JWT live on that was signed anew without its end.
    let body = json!({ "project": SHOP, "workflow": RELEASE, "format": "jwt", "expires_in": "1s" });
    let token = organization.mint(&suite.gateway, &body).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let endless = resigned(suite, &token, |claims| without(claims, &["exp"]));
    refuses(
        suite,
        &organization,
        "an endless one",
        &endless,
        &REFUSED.because("signed otherwise than it was minted"),
    )
    .await;
}

/// R12: byte for byte the same, apart from the request's id.
async fn r12_what_an_outsider_could_learn_from_gets_one_answer(suite: &Suite) {
    let (organization, stranger) = (suite.organization().await, suite.organization().await);
    let opaque = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let jwt = jwt(suite, &organization).await;
    let revoked = [
        organization
            .mint_for_release(&suite.gateway, "opaque")
            .await,
        organization.mint_for_release(&suite.gateway, "jwt").await,
    ];
    for token in &revoked {
        organization.revoke(&suite.gateway, &token.id).await;
    }
    let never = resigned(suite, &jwt, |claims| claims["jti"] = json!(random_id()));
    let moved = resigned(suite, &jwt, |claims| claims["org_id"] = json!(stranger.id));
    let nowhere = resigned(suite, &jwt, |claims| claims["org_id"] = json!(random_id()));
    let mismatch = resigned(suite, &jwt, |claims| {
        claims["workflow_id"] = json!(organization.other)
    });
    let rows = [
        (
            "an opaque key that never was",
            forge::opaque(&random_id(), &suite.keys.root()),
        ),
        ("a JWT that never was", never),
        ("a revoked opaque key", revoked[0].token.clone()),
        ("a revoked JWT", revoked[1].token.clone()),
        ("a JWT of another organization", moved),
        ("a JWT of no organization", nowhere),
        ("a claim mismatch", mismatch),
        (
            "a wrong secret",
            forge::opaque(&opaque.id, &suite.keys.root()),
        ),
        (
            "a forged key",
            forge::with_checksum(&forge::damage(&opaque.token, &PARTS[3].1)),
        ),
        (
            "a format mismatch",
            forge::opaque(&jwt.id, &suite.keys.root()),
        ),
        (
            "a wrong administrator key",
            base64::Engine::encode(
                &base64::engine::general_purpose::URL_SAFE_NO_PAD,
                random::<32>(),
            ),
        ),
    ];
    let mut answers: Vec<(&str, String, String)> = Vec::new();
    for round in ["at first sight", "and again"] {
        for (what, credential) in &rows {
            let call = suite
                .gateway
                .call("GET", "/org/tokens")
                .organization(&organization.name);
            let json = call.bearer(credential).send().await;
            assert_eq!(json.status, 401, "{what} {round}: {}", json.text());
            let grpc = rpc::call(
                &suite.gateway,
                FIND_OR_CREATE,
                credential,
                &rpc::names(SHOP, RELEASE),
            )
            .send()
            .await;
            answers.push((what, whole(&json), whole(&grpc)));
        }
    }
    let (_, json, grpc) = &answers[0];
    assert!(
        json.contains("credential_refused") && grpc.contains("\"grpc-status\": \"16\""),
        "{json} {grpc}"
    );
    for (what, other_json, other_grpc) in &answers {
        assert_eq!((what, other_json), (what, json));
        // A text of no known form says so by itself, and gets the stock client's own words for it.
        if *what == "a wrong administrator key" {
            assert!(other_grpc.contains("Token is invalid"), "{other_grpc}");
        } else {
            assert_eq!((what, other_grpc), (what, grpc));
        }
    }
}

/// Everything of an answer that a client can see, less the request's id and the time.
fn whole(answer: &Answer) -> String {
    let request_id = answer.header("x-request-id").expect("a request id");
    let mut headers = answer.headers.clone();
    headers.remove("date");
    format!(
        "{} {headers:#?} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    )
    .replace(request_id, "…")
}

/// A token for a project or a workflow is an attestation credential and no more (R17). What organization-level tokens
/// manage is in `policies.rs`.
async fn r17_a_narrow_token_manages_nothing(suite: &Suite) {
    let organization = suite.organization().await;
    let bystander = organization.mint(&suite.gateway, &json!({})).await;
    let scopes = [
        json!({ "project": SHOP }),
        json!({ "project": SHOP, "workflow": RELEASE }),
    ];
    for format in ["opaque", "jwt"] {
        for scope in &scopes {
            let mut body = scope.clone();
            body["format"] = json!(format);
            let token = organization.mint(&suite.gateway, &body).await;
            let before = organization.snapshot(&suite.gateway).await;
            let path = format!("/org/tokens/{}", bystander.id);
            let rotate = format!("{path}/rotate");
            let rows = [
                ("POST", "/orgs"),
                ("GET", "/orgs"),
                ("POST", "/org/projects"),
                ("GET", "/org/projects"),
                ("POST", "/org/projects/shop/workflows"),
                ("GET", "/org/projects/shop/workflows"),
                ("POST", "/org/tokens"),
                ("GET", "/org/tokens"),
                ("GET", &path),
                ("DELETE", &path),
                ("POST", &rotate),
                ("POST", "/org/tokens/revoke"),
            ];
            for (method, path) in rows {
                let call = suite
                    .gateway
                    .call(method, path)
                    .bearer(&token.token)
                    .organization(&organization.name);
                let call = if method == "POST" {
                    call.json(&json!({ "name": "mine" }))
                } else {
                    call
                };
                let problem = call
                    .from(&organization.address)
                    .send()
                    .await
                    .problem(403, "operation_not_allowed");
                assert_eq!(
                    problem["detail"], "operation not allowed",
                    "{method} {path}"
                );
            }
            assert_eq!(
                organization.snapshot(&suite.gateway).await,
                before,
                "{body} changed something"
            );
        }
    }
}
