//! What the gateway computes for one call, native and part by part: `cargo bench -p postern-bench`. The time of a whole
//! request is mostly the runtime's: `cargo xtask bench` measures that.

use std::hint::black_box;
use std::rc::Rc;

use criterion::{Criterion, criterion_group, criterion_main};
use postern_bench::origin::RUN;
use postern_domain::audit;
use postern_domain::caller::Caller;
use postern_domain::decide::{RunFacts, RunNamed, Target, decide};
use postern_domain::id::Id;
use postern_domain::keys::{KeyRing, RootKeys};
use postern_domain::name::TokenName;
use postern_domain::operation::Operation;
use postern_domain::policy::defaults;
use postern_domain::rpc;
use postern_domain::scope::{Named, Scope};
use postern_domain::time::Timestamp;
use postern_domain::token::{TokenFacts, Verifier};
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::rpc::{STORE, frame, store};
use postern_wire::{grpc_web, identity, jwt, opaque};
use prost::Message as _;

const KEY: &str = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn facts() -> TokenFacts {
    let scope = Scope::Workflow {
        project: Named {
            id: Id::from_u128(2),
            name: SHOP.to_owned(),
        },
        workflow: Named {
            id: Id::from_u128(3),
            name: RELEASE.to_owned(),
        },
    };
    TokenFacts {
        id: Id::from_u128(7),
        name: TokenName::parse("ci").expect("a name"),
        organization: Named {
            id: Id::from_u128(1),
            name: "acme".to_owned(),
        },
        policies: defaults(&scope).to_vec(),
        scope,
        verifier: Verifier::Jwt { signed: None },
        is_system: false,
        expires_at: None,
        ci_job: None,
        conditions: None,
        revision: 0,
    }
}

fn credentials(criterion: &mut Criterion) {
    let ring = KeyRing::parse(KEY).expect("a key");
    let keys = RootKeys::from_token_keys(&ring);
    let now = Timestamp::from_millis(1_800_000_000_000);
    let token = jwt::issue(&facts(), &ring).expect("a JWT").token;
    let signed = token
        .expose()
        .rsplit_once('.')
        .map_or("", |(signed, _)| signed);
    let both = jwt::JwtKeys {
        minted: &ring,
        adopted: None,
    };
    criterion.bench_function("JWT: verify", |bench| {
        bench.iter(|| jwt::verify(black_box(&token), both, now, 0).expect("ours"));
    });
    criterion.bench_function("JWT: its HMAC alone", |bench| {
        bench.iter(|| ring.signing().mac(&[black_box(signed.as_bytes())]));
    });
    let key = opaque::mint(Id::from_u128(7), &[7; opaque::MINT_ENTROPY], &keys).expect("a key");
    let Verifier::Opaque { pepper, hash } = opaque::verifier(&key, &keys.pepper) else {
        panic!("an opaque key has a hash")
    };
    criterion.bench_function("opaque key: check, offline", |bench| {
        bench.iter(|| opaque::check(black_box(&key), &keys.check).expect("ours"));
    });
    criterion.bench_function("opaque key: hold against its hash", |bench| {
        bench.iter(|| {
            assert!(opaque::matches(
                black_box(&key),
                &pepper,
                &hash,
                &keys.pepper
            ))
        });
    });
}

fn calls(criterion: &mut Criterion) {
    let rpc = rpc::rpc(STORE).expect("in the table");
    for (name, size) in [("300 bytes", 250), ("64 KiB", 64 << 10), ("1 MiB", 1 << 20)] {
        let frames = frame(0, &store(RUN, &vec![b'b'; size]).encode_to_vec());
        criterion.bench_function(&format!("Store of {name}: whose run it is"), |bench| {
            bench.iter(|| {
                let message = grpc_web::single_message(black_box(&frames)).expect("a frame");
                identity::read(message, rpc)
                    .expect("a message")
                    .run
                    .expect("a run")
                    .len()
            });
        });
    }
    let frames = frame(0, &store(RUN, b"bundle").encode_to_vec());
    let message = grpc_web::single_message(&frames).expect("a frame");
    let names = identity::read(message, rpc).expect("a message").names;
    let caller = Caller::Token(Rc::new(facts()));
    let run = RunFacts {
        upstream: None,
        project: SHOP.to_owned(),
        workflow: RELEASE.to_owned(),
        workflow_id: None,
    };
    criterion.bench_function("decide: a Store of the token's own run", |bench| {
        bench.iter(|| {
            let target = Target::Call {
                names: black_box(&names),
                run: RunNamed::Known {
                    run: &run,
                    pin: None,
                },
                own_credential: true,
            };
            decide(&caller, Operation::Rpc(rpc), target).expect("allowed")
        });
    });
}

fn log(criterion: &mut Criterion) {
    let ring = KeyRing::parse(KEY).expect("a key");
    let content = "x".repeat(420);
    criterion.bench_function("audit: one link", |bench| {
        bench.iter(|| audit::link(ring.signing(), &audit::GENESIS, black_box(&content)));
    });
}

criterion_group!(micro, credentials, calls, log);
criterion_main!(micro);
