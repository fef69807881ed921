//! The ceiling of an organization (R27), and the buckets of addresses and minters (R26).

use std::collections::BTreeSet;
use std::time::Duration;

use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Minted, Organization, SHOP, id};
use postern_system_tests::runner::Case;
use postern_system_tests::suite::Setup;
use postern_system_tests::{cases, stored};
use serde_json::{Value, json};

pub fn cases() -> Vec<Case<Setup>> {
    cases![
        r27_two_hundred_mints_from_four_isolates_make_one_hundred_tokens,
        r26_a_minter_mints_as_often_as_it_may_from_wherever,
        r26_a_bucket_that_is_full_again_leaves_nothing_behind,
        r26_a_clock_that_ran_ahead_or_behind_locks_nobody_out,
    ]
}

fn minting(organization: &Organization, gateway: &Gateway, isolate: u16, body: &Value) -> Call {
    organization
        .call_on(gateway, isolate, "POST", "/org/tokens")
        .json(body)
}

async fn r27_two_hundred_mints_from_four_isolates_make_one_hundred_tokens(setup: &Setup) {
    const CEILING: usize = 100;
    let gateway = setup
        .serve()
        .set("ORG_TOKEN_MINT_CEILING", &CEILING.to_string())
        .isolates(4)
        .start()
        .await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    // What does not count: system tokens, revoked ones, expired ones.
    for _ in 0..3 {
        organization
            .mint(&gateway, &json!({ "system": true }))
            .await;
        let ended = organization.mint(&gateway, &json!({})).await;
        organization.revoke(&gateway, &ended.id).await;
        organization
            .mint(&gateway, &json!({ "expires_in": "1s" }))
            .await;
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;

    let round = |count: u16| {
        let calls: Vec<_> = (0..count)
            .map(|index| {
                let format = if index % 3 == 0 { "jwt" } else { "opaque" };
                let call = minting(
                    &organization,
                    &gateway,
                    index % 4,
                    &json!({ "format": format }),
                );
                tokio::spawn(call.send())
            })
            .collect();
        async move {
            let mut answers = Vec::new();
            for call in calls {
                answers.push(call.await.expect("an answer"));
            }
            answers
        }
    };
    let (mut minted, mut refused) = (BTreeSet::new(), 0);
    for answer in round(200).await {
        if answer.status == 201 {
            minted.insert(id(&answer.json(201)));
        } else {
            let problem = answer.problem(429, "mint_ceiling_reached");
            let detail = problem["detail"].as_str().expect("a sentence");
            assert!(
                detail.contains("its limit of 100 active tokens"),
                "{detail}"
            );
            refused += 1;
        }
    }
    assert_eq!((minted.len(), refused), (CEILING, 200 - CEILING));
    assert_eq!(
        organization.token_ids(&gateway, "").await,
        minted,
        "what was answered is what is"
    );

    // A system token still goes; one that ends makes room for exactly one.
    organization
        .mint(&gateway, &json!({ "system": true }))
        .await;
    let ended = minted.first().expect("some").clone();
    organization.revoke(&gateway, &ended).await;
    let made = round(8)
        .await
        .iter()
        .filter(|answer| answer.status == 201)
        .count();
    assert_eq!(made, 1);

    // The organization's own ceiling wins; 0 is none.
    let path = format!("/orgs/{}", organization.name);
    let change = |ceiling: Value| {
        let call = gateway.call("PATCH", &path).bearer(&setup.keys.admin);
        call.json(&json!({ "mint_ceiling": ceiling })).send()
    };
    change(json!(CEILING + 2)).await.json(200);
    let made = round(8)
        .await
        .iter()
        .filter(|answer| answer.status == 201)
        .count();
    assert_eq!(made, 2);
    change(json!(0)).await.json(200);
    for answer in round(8).await {
        answer.json(201);
    }
    change(Value::Null).await.json(200);
    for answer in round(4).await {
        answer.problem(429, "mint_ceiling_reached");
    }
    gateway.stop();
}

async fn r26_a_minter_mints_as_often_as_it_may_from_wherever(setup: &Setup) {
    let serve = setup
        .serve()
        .set("MINT_PER_HOUR_PER_MINTER", "4")
        .set("MINT_PER_HOUR", "6")
        .set("ORG_TOKEN_MINT_CEILING", "0")
        .isolates(2);
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let mint = |gateway: &Gateway, minter: &str, isolate: u16, address: &str, body: &Value| {
        let call = gateway
            .call_on(isolate, "POST", "/org/tokens")
            .bearer(minter);
        call.organization(&organization.name)
            .from(address)
            .json(body)
    };
    let limited = |answer: Answer| {
        let problem = answer.problem(429, "minter_rate_exceeded");
        let wait: u64 = answer
            .header("retry-after")
            .expect("a wait")
            .parse()
            .expect("seconds");
        assert!(
            (800..=900).contains(&wait),
            "one of four an hour is back after 15 minutes, not {wait} s"
        );
        let told = format!("this caller can create 4 tokens an hour: try again in {wait} s");
        assert_eq!(problem["detail"], told);
        assert_eq!(
            answer.header("ratelimit-policy"),
            Some(r#""minter";q=4;w=3600"#)
        );
        let told = format!(r#""minter";r=0;t={wait}"#);
        assert_eq!(answer.header("ratelimit"), Some(told.as_str()));
    };
    let admin = setup.keys.admin.as_str();
    let wide = json!({ "policies": ["project_api_token:*", "workflow:read"] });
    let first = Minted::of(
        mint(&gateway, admin, 0, "192.0.2.1", &wide)
            .send()
            .await
            .json(201),
    );
    let second = Minted::of(
        mint(&gateway, admin, 1, "192.0.2.2", &wide)
            .send()
            .await
            .json(201),
    );
    // A name that is taken costs nothing, of either bucket.
    let named = json!({ "name": "one", "project": SHOP });
    mint(&gateway, admin, 0, "192.0.2.3", &named)
        .send()
        .await
        .json(201);
    for _ in 0..5 {
        let taken = mint(&gateway, admin, 1, "192.0.2.3", &named).send().await;
        taken.problem(409, "name_taken");
    }
    mint(&gateway, admin, 0, "192.0.2.4", &json!({}))
        .send()
        .await
        .json(201);
    for (isolate, address) in [(0, "192.0.2.5"), (1, "192.0.2.6"), (1, "2001:db8::1")] {
        limited(
            mint(&gateway, admin, isolate, address, &json!({}))
                .send()
                .await,
        );
    }
    // A rotation is a mint.
    let rotate = organization.rotating(&gateway, &first.id, &json!({}));
    limited(rotate.send().await);
    // Others mint on, each as often; what the minter's bucket refused has cost the address nothing.
    let narrow = json!({ "project": SHOP, "policies": ["workflow:read"] });
    for (minter, address) in [(&first, "192.0.2.5"), (&second, "192.0.2.6")] {
        for index in 0..4 {
            let call = mint(&gateway, &minter.token, index % 2, address, &narrow);
            call.send().await.json(201);
        }
        limited(
            mint(&gateway, &minter.token, 0, address, &narrow)
                .send()
                .await,
        );
    }
    // The address has its own limit still: six, of which four are gone.
    for _ in 0..3 {
        limited(
            mint(&gateway, &first.token, 1, "192.0.2.5", &narrow)
                .send()
                .await,
        );
    }
    gateway.kill();
    let gateway = serve.start().await;
    limited(
        mint(&gateway, admin, 0, "192.0.2.9", &json!({}))
            .send()
            .await,
    );
    limited(
        mint(&gateway, &first.token, 1, "192.0.2.9", &narrow)
            .send()
            .await,
    );
    gateway.stop();
}

fn buckets(serve: &Serve) -> Vec<std::path::PathBuf> {
    let mut stores = stored::stores(&serve.state(), "MintLimiter");
    stores.retain(|store| stored::has_table(store, "bucket"));
    stores
}

async fn r26_a_bucket_that_is_full_again_leaves_nothing_behind(setup: &Setup) {
    let slow = setup.serve().set("MINT_PER_HOUR", "60");
    let gateway = slow.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    organization.mint(&gateway, &json!({})).await;
    gateway.stop();
    // A minute until it is full: it is there, and nothing else of the address.
    let [bucket] = buckets(&slow).try_into().expect("one bucket");
    let columns = stored::sql(&bucket, "select name from pragma_table_info('bucket')");
    assert_eq!(
        columns,
        [json!({ "name": "only" }), json!({ "name": "full_at" })]
    );

    // A second until it is full.
    let quick = setup.serve().set("MINT_PER_HOUR", "3600");
    let gateway = quick.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    for address in ["192.0.2.1", "2001:db8::1", "nonsense"] {
        let call = minting(&organization, &gateway, 0, &json!({}));
        call.without("cf-connecting-ip")
            .from(address)
            .send()
            .await
            .json(201);
    }
    gateway.stop();
    let mut left = buckets(&quick);
    for _ in 0..10 {
        if left.is_empty() {
            break;
        }
        // Alarms that were due while nothing ran ring after the start.
        let gateway = quick.start().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        gateway.stop();
        left = buckets(&quick);
    }
    assert!(left.is_empty(), "{left:?}");

    // It counts anew, and an alarm that rings a second time finds nothing to spoil.
    let gateway = quick.start().await;
    let call = minting(&organization, &gateway, 0, &json!({}));
    call.without("cf-connecting-ip")
        .from("192.0.2.1")
        .send()
        .await
        .json(201);
    gateway.stop();
}

async fn r26_a_clock_that_ran_ahead_or_behind_locks_nobody_out(setup: &Setup) {
    let serve = setup.serve().set("MINT_PER_HOUR", "2");
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let mint = |gateway: &Gateway| minting(&organization, gateway, 0, &json!({})).send();
    mint(&gateway).await.json(201);
    gateway.stop();
    let set = |full_at: &str| {
        let [bucket] = buckets(&serve).try_into().expect("one bucket");
        stored::sql(&bucket, &format!("update bucket set full_at = {full_at}"));
    };
    // As a clock a hundred years ahead would have left it: the longest wait is still one interval.
    set("4951497600000000");
    let gateway = serve.start().await;
    let answer = mint(&gateway).await;
    answer.problem(429, "mint_rate_exceeded");
    let wait: u32 = answer
        .header("retry-after")
        .expect("a wait")
        .parse()
        .expect("seconds");
    assert!(wait <= 1_800, "{wait} s");
    gateway.stop();
    // As one in 1970 would: full.
    set("1000000");
    let gateway = serve.start().await;
    mint(&gateway).await.json(201);
    mint(&gateway).await.json(201);
    mint(&gateway).await.problem(429, "mint_rate_exceeded");
    gateway.stop();
}
