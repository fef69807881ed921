//! What must hold for every text and every byte string.

use proptest::prelude::*;

use super::{bearer, duration, grpc_web, jwt, opaque, protobuf, query, rfc3339, trace};
use postern_domain::id::Id;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::name::TokenName;
use postern_domain::scope::{Named, Scope};
use postern_domain::secret::Secret;
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};

fn ring() -> KeyRing {
    KeyRing::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").expect("a key")
}

fn facts(id: u128, name: &str, level: u8, end: Option<i64>) -> TokenFacts {
    let project = Named {
        id: Id::from_u128(id ^ 1),
        name: "shop".to_owned(),
    };
    let workflow = Named {
        id: Id::from_u128(id ^ 2),
        name: "release".to_owned(),
    };
    TokenFacts {
        id: Id::from_u128(id),
        name: TokenName::parse(name).unwrap_or(TokenName::generated(&Id::from_u128(id))),
        organization: Named {
            id: Id::from_u128(id ^ 3),
            name: "acme".to_owned(),
        },
        scope: match level {
            0 => Scope::Organization,
            1 => Scope::Project { project },
            _ => Scope::Workflow { project, workflow },
        },
        verifier: Verifier::Jwt { signed: None },
        policies: Vec::new(),
        is_system: false,
        expires_at: end.map(|seconds| Timestamp::from_millis(seconds * 1000)),
        ci_job: None,
        conditions: None,
        revision: 0,
    }
}

proptest! {
    #[test]
    fn opaque_keys_round_trip(id in any::<u128>(), entropy in prop::array::uniform32(0..248u8)) {
        let keys = RootKeys::from_token_keys(&ring());
        let key = opaque::mint(Id::from_u128(id), &entropy, &keys).expect("enough entropy");
        prop_assert_eq!(opaque::check(&key, &keys.check), Ok(Id::from_u128(id)));
        prop_assert_eq!(key.expose().len(), opaque::KEY_LENGTH);
    }

    #[test]
    fn jwts_round_trip(
        id in any::<u128>(),
        name in "\\PC{1,40}",
        level in 0..3u8,
        end in prop::option::of(2_000_000_000..4_000_000_000i64),
    ) {
        let facts = facts(id, &name, level, end);
        let ring = ring();
        let token = jwt::issue(&facts, &ring).expect("issues").token;
        let keys = jwt::JwtKeys { minted: &ring, adopted: None };
        let now = Timestamp::from_millis(1_900_000_000_000);
        let verified = jwt::verify(&token, keys, now, 0).expect("our own");
        prop_assert_eq!(verified.id, facts.id);
        prop_assert_eq!(verified.claims.token_name.as_deref(), Some(facts.name.as_str()));
        prop_assert_eq!(verified.claims.exp, end);
        let project = verified.claims.project().map(|pair| pair.id);
        prop_assert_eq!(project, facts.scope.project().map(|named| named.id.to_string()));
        let workflow = verified.claims.workflow().map(|pair| pair.id);
        prop_assert_eq!(workflow, facts.scope.workflow().map(|named| named.id.to_string()));
    }

    #[test]
    fn r5_the_audience_is_a_set(
        set in prop::collection::vec(
            prop::sample::select(vec![
                "api-token-auth.chainloop", "user-auth.chainloop", "chainloop", "x", "",
            ]),
            0..6,
        ),
        seed in any::<u64>(),
    ) {
        let set: Vec<String> = set.into_iter().map(str::to_owned).collect();
        let mut shuffled = set.clone();
        let len = shuffled.len().max(1);
        for i in 0..shuffled.len() {
            shuffled.swap(i, (seed as usize).wrapping_mul(i + 7) % len);
        }
        prop_assert_eq!(jwt::audience(&set), jwt::audience(&shuffled));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let now = Timestamp::from_millis(0);
        let keys = RootKeys::from_token_keys(&ring());
        let ring = ring();
        let both = jwt::JwtKeys { minted: &ring, adopted: Some(&ring) };
        let _ = bearer::credential(Some(&text));
        let _ = opaque::check(&Secret::new(text.clone()), &keys.check);
        let _ = opaque::check(&Secret::new(format!("pst_{text}")), &keys.check);
        let _ = jwt::verify(&Secret::new(text.clone()), both, now, 0);
        let _ = duration::parse_seconds(&text);
        let _ = rfc3339::parse(&text);
        let _ = query::read(&text, ["a", "b"]);
        let _ = trace::outgoing(Some(&text), [0; 24]);
        let _ = crate::protocol::Protocol::of(&text);
        let _ = crate::grpc_status::details(&text);
        let _ = crate::grpc_answer::decode_message(&text);
        let _ = crate::connect::request(Some(&text), Some(&text));
        let _ = crate::timeout::millis(&text);
        let _ = crate::coding::coding(Some(&text), b"x");
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = protobuf::strings(&bytes, [&[1], &[4, 1], &[5, 2, 1]]);
        for row in postern_domain::rpc::rpcs() {
            let _ = crate::identity::read(&bytes, row);
        }
        let _ = grpc_web::single_message(&bytes);
        let _ = crate::grpc_answer::read(&bytes);
        let _ = grpc_web::Encoding::Text.decode(&bytes);
    }

    #[test]
    fn text_frames_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0..300usize) {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::STANDARD;
        let (a, b) = bytes.split_at(cut.min(bytes.len()));
        let text = engine.encode(a) + &engine.encode(b);
        let decoded = grpc_web::Encoding::Text.decode(text.as_bytes());
        prop_assert_eq!(decoded.as_deref(), Ok(&bytes[..]));
    }
}
