//! Answers of the Ledger and of the origin: right ones, wrong ones, and none.

use postern_domain::conditions::{AddressRange, Conditions};
use postern_domain::decide::{Denial, RunFacts};
use postern_domain::id::{Id, TokenId, WorkflowId};
use postern_domain::token::TokenFacts;
use postern_gate::error::Error;
use postern_gate::{Outage, Reply};
use postern_ledger::{Admission, AdmitQuery, Delta, GivenCalls, Liveness, Version};
use postern_wire::grpc_web::frame;
use postern_wire::message::{embedded, text};

use super::world::{REACHES, RUN, UPSTREAM_TEXTS, given, known, plain, token};
use crate::bytes::Bytes;

/// An answer, or why there is none.
pub fn maybe<T>(
    bytes: &mut Bytes<'_>,
    answer: impl FnOnce(&mut Bytes<'_>) -> T,
) -> Result<T, Outage> {
    match bytes.below(20) {
        17 => Err(Outage::Failed("it is down".to_owned())),
        18 => Err(Outage::Late),
        19 => Err(Outage::Refused(error(bytes))),
        _ => Ok(answer(bytes)),
    }
}

/// A refusal.
pub fn error(bytes: &mut Bytes<'_>) -> Error {
    match bytes.below(4) {
        0 => Error::BodyTooLarge { limit: 9 },
        1 => Denial::Operation.into(),
        2 => Error::Origin {
            cause: "it said so".to_owned(),
        },
        _ => Error::unavailable("it is down"),
    }
}

/// Facts of a token: its own, another one's, or its own with a change.
pub fn facts(bytes: &mut Bytes<'_>, id: TokenId) -> Option<TokenFacts> {
    match bytes.below(12) {
        8 => token(id).map(|facts| edited(bytes, facts)),
        9 => Some(bytes.pick(&known()).facts.clone()),
        10 => None,
        11 => token(id).map(|mut facts| {
            facts.policies.clear();
            facts.scope = bytes.pick(&known()).facts.scope.clone();
            facts
        }),
        _ => token(id),
    }
}

/// What an edit has made of a token: it is for one range of addresses, or for a few calls a minute.
fn edited(bytes: &mut Bytes<'_>, facts: TokenFacts) -> TokenFacts {
    const RANGES: [&[&str]; 3] = [&["0.0.0.0/0", "::/0"], &["203.0.113.0/24"], &[]];
    let ranges = bytes.pick(&RANGES).iter();
    let ranges = ranges.flat_map(|text| AddressRange::parse(text));
    let conditions = Conditions::new(ranges.collect(), *bytes.pick(&[None, Some(1), Some(120)]));
    TokenFacts {
        conditions: conditions.ok().flatten().map(Box::new),
        revision: *bytes.pick(&[1, 2]),
        ..facts
    }
}

fn workflow(bytes: &mut Bytes<'_>) -> Option<WorkflowId> {
    [Some(0xaa), Some(0xaa), Some(0xbb), None][bytes.below(4)].map(Id::from_u128)
}

/// What a Ledger says of a token.
pub fn admission(bytes: &mut Bytes<'_>, query: &AdmitQuery, lease_ms: u32) -> Admission {
    let liveness = match bytes.below(10) {
        8 => Liveness::Revoked,
        9 => Liveness::Unknown,
        _ => Liveness::Live,
    };
    // Sometimes it gives what nobody has asked for, and leaves out what somebody has.
    let odd = bytes.one_in(12);
    let run = query.run.is_some() != odd && !bytes.one_in(4);
    let run = run.then(|| RunFacts {
        project: "shop".to_owned(),
        workflow: ["release", "release", "deploy"][bytes.below(3)].to_owned(),
        workflow_id: workflow(bytes),
        upstream: None,
    });
    let upstream = query.upstream.is_some() != odd && !bytes.one_in(6);
    let upstream = upstream.then(|| {
        let reach = bytes.below(REACHES.len());
        let mut given = given(reach, bytes.below(UPSTREAM_TEXTS.len()));
        if bytes.one_in(8) {
            given.sealed.push('A');
        }
        given
    });
    let delta = query.claim.is_some() != odd && !bytes.one_in(3);
    let delta = delta.then(|| Delta {
        version: Version {
            instance: Id::from_u128(1 + u128::from(bytes.one_in(8))),
            number: bytes.below(4) as i64,
        },
        changed: match bytes.below(3) {
            0 => Some(Vec::new()),
            1 => Some(vec![query.token, Id::from_u128(8)]),
            _ => None,
        },
        lease_ms: (lease_ms > 0 && !bytes.one_in(4)).then_some(lease_ms),
    });
    Admission {
        liveness,
        facts: (query.facts != odd)
            .then(|| facts(bytes, query.token))
            .flatten(),
        run,
        pin: (query.pin != odd).then(|| workflow(bytes)).flatten(),
        delta,
        upstream,
        paused: bytes.one_in(8),
        calls: (query.calls != odd).then(|| GivenCalls {
            granted: *bytes.pick(&[0, 1, 2]),
            wait_seconds: *bytes.pick(&[0, 1, 61]),
        }),
    }
}

/// The head of an answer of the origin.
pub fn reply(bytes: &mut Bytes<'_>) -> (Reply, Vec<(String, String)>) {
    let status = match bytes.below(12) {
        8 => *bytes.pick(&[301, 302, 303, 304, 307]),
        9 => *bytes.pick(&[400, 401, 403, 404, 429]),
        10 => *bytes.pick(&[204, 205, 500, 502, 503]),
        11 => u16::from(bytes.byte()) * 3,
        _ => 200,
    };
    let mut headers = vec![("content-type".to_owned(), bytes.pick(&TYPES).to_string())];
    for _ in 0..bytes.below(4) {
        let (name, usual) = *bytes.pick(&HEADERS);
        let value = match bytes.one_in(4) {
            true => plain(&bytes.text()),
            false => usual.to_owned(),
        };
        if !headers.iter().any(|(own, _)| own == name) {
            headers.push((name.to_owned(), value));
        }
    }
    (Reply::read(status, &headers), headers)
}

const TYPES: [&str; 8] = [
    "application/grpc-web+proto",
    "application/grpc-web+proto",
    "application/grpc-web+proto",
    "application/json",
    "application/proto",
    "text/html",
    "application/grpc",
    "application/grpc-web-text",
];

const HEADERS: [(&str, &str); 16] = [
    ("grpc-status", "0"),
    ("grpc-status", "5"),
    ("grpc-status", "16"),
    ("grpc-message", "API%20token%20revoked"),
    ("grpc-status-details-bin", "CAUSBW5vcGU"),
    ("location", "/auth/callback?t=1"),
    ("location", "https://gate.example/page"),
    ("location", "https://evil.example/"),
    ("set-cookie", "oauthState=a; Path=/, session=x"),
    ("service-worker-allowed", "/"),
    ("clear-site-data", "\"*\""),
    ("access-control-allow-origin", "*"),
    ("content-security-policy", "default-src *"),
    ("content-length", "5"),
    ("www-authenticate", "Bearer"),
    ("x-a", "metadata"),
];

/// The content of an answer: of the messages that are read, of others, or of no frames at all.
pub fn content(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let workflow = ["release", "deploy"][bytes.below(2)];
    let named = [
        text(1, "00000000-0000-0000-0000-0000000000aa"),
        text(2, workflow),
        text(3, "shop"),
        text(7, "acme"),
    ]
    .concat();
    let item = [text(1, RUN), embedded(6, &named)].concat();
    let message = match bytes.below(8) {
        0 => embedded(1, &embedded(2, &item)),
        1 => embedded(1, &embedded(1, &item)),
        2 => embedded(1, &embedded(1, &named)),
        3 => embedded(
            1,
            &text(
                2,
                "https://cas.example/base/download/x?t=artifact.credential",
            ),
        ),
        4 => {
            let made = embedded(1, &[text(1, RUN), text(8, "acme")].concat());
            embedded(1, &[made, text(2, "made.by.theorigin")].concat())
        }
        5 => return bytes.piece().to_vec(),
        6 => bytes.piece().to_vec(),
        _ => Vec::new(),
    };
    let mut trailers = match bytes.below(6) {
        4 => b"grpc-status:5\r\ngrpc-message:none\r\n".to_vec(),
        5 => b"grpc-status:16\r\ngrpc-message:API token revoked\r\nx-b:1\r\n".to_vec(),
        _ => b"grpc-status:0\r\n".to_vec(),
    };
    trailers = frame(&trailers).unwrap_or_default();
    if let Some(flag) = trailers.first_mut() {
        *flag = 0x80;
    }
    [frame(&message).unwrap_or_default(), trailers].concat()
}
