//! Refusals of gateways that are started for them: with another configuration, or on stores that were damaged while
//! nothing ran.

use postern_system_tests::gateway::Gateway;
use postern_system_tests::http::PROBLEM;
use postern_system_tests::ledgers::{break_record, on_ledgers};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::suite::Setup;
use postern_system_tests::{random_address, random_name, stored};
use serde_json::json;

use crate::adoptions::upstream;
use crate::alike::{Cast, users};
use crate::document::{Met, Operation};

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9/session";

/// Everything above, one gateway after the other.
pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    misconfigured(setup, operations, met).await;
    braked(setup, operations, met).await;
    where_people_pass(setup, operations, met).await;
    without_sessions(setup, operations, met).await;
    open_to_everybody(setup, operations, met).await;
    read_by_workflows(setup, operations, met).await;
    limited(setup, operations, met).await;
    on_broken_stores(setup, operations, met).await;
}

/// `misconfigured`: nothing is answered but by the routes that need no configuration.
async fn misconfigured(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let cast = Cast::on(setup.serve().start().await, &setup.keys.admin).await;
    let wrong = setup.serve().set("ADMIN_TOKEN", "short");
    let gateway = wrong.start().await;
    for operation in operations {
        let answer = cast.call_on(&gateway, operation).send().await;
        let served = !operation.lists("misconfigured");
        assert_eq!(
            answer.header("content-type") != Some(PROBLEM),
            served,
            "{}",
            operation.name
        );
        met.note(operation, &answer);
    }
    gateway.stop();
    cast.gateway.stop();
}

/// `too_many_failures`: the second refused credential of an address.
async fn braked(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let serve = setup.serve().brake(1);
    let cast = Cast::on(serve.start().await, &setup.keys.admin).await;
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("too_many_failures"))
    {
        let address = random_address();
        for _ in 0..2 {
            let call = cast
                .call(operation)
                .without("cf-connecting-ip")
                .from(&address);
            let call = call.bearer("wrong-administrator-key-0123456789");
            met.note(
                operation,
                &call.organization(&cast.organization.name).send().await,
            );
        }
    }
    cast.gateway.stop();
}

/// `person_manages`: where their user tokens pass, people manage nothing by them.
async fn where_people_pass(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let serve = setup.serve().set("PEOPLE", "pass");
    let cast = Cast::on(serve.start().await, &setup.keys.admin).await;
    let token = users(setup);
    for operation in operations {
        let call = cast.call(operation).bearer(&token);
        let call = call.organization(&cast.organization.name);
        met.note(operation, &call.send().await);
    }
    cast.gateway.stop();
}

/// `unavailable` of every operation that a session may call: its endpoint does not answer.
async fn without_sessions(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let serve = setup.serve().set("SESSION_VERIFY_URL", NOWHERE);
    let cast = Cast::on(serve.start().await, &setup.keys.admin).await;
    for operation in operations
        .iter()
        .filter(|operation| operation.path.starts_with("/org"))
    {
        let call = cast.call(operation).organization(&cast.organization.name);
        let call = call
            .header("cookie", "session=x")
            .header("sec-fetch-site", "same-origin");
        let call = call
            .without("content-type")
            .header("content-type", "application/json");
        let answer = call.send().await;
        answer.problem(503, "unavailable");
        met.note(operation, &answer);
    }
    cast.gateway.stop();
}

/// `cross_site` of reads: another site's page may not use a gate that is open to everybody.
async fn open_to_everybody(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let cast = Cast::on(setup.serve().start().await, &setup.keys.admin).await;
    let open = setup
        .serve()
        .set("ADMIN_TOKEN", "")
        .set("BOOTSTRAP", "open");
    let gateway = open.start().await;
    for operation in operations
        .iter()
        .filter(|operation| operation.path.starts_with("/org"))
    {
        let call = cast
            .call_on(&gateway, operation)
            .organization(&cast.organization.name);
        met.note(
            operation,
            &call.header("sec-fetch-site", "cross-site").send().await,
        );
    }
    gateway.stop();
    cast.gateway.stop();
}

/// `other_project`: a workflow token that may read asks for another project's tokens.
async fn read_by_workflows(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    organization.create_project(&gateway, "elsewhere").await;
    let reader = organization.mint_for_release(&gateway, "opaque").await;
    gateway.stop();
    let on = serve
        .set("ADMIN_TOKEN", "")
        .set("WORKFLOW_TOKEN_READ", "on");
    let gateway = on.start().await;
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("other_project"))
    {
        let call = match operation.method.as_str() {
            "POST" => gateway
                .call("POST", &operation.path)
                .json(&json!({ "text": "x", "project": "elsewhere" })),
            method => gateway.call(method, &format!("{}?project=elsewhere", operation.path)),
        };
        met.note(operation, &call.bearer(&reader.token).send().await);
    }
    gateway.stop();
}

/// The limits of mints and of reports.
async fn limited(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let serve = setup
        .serve()
        .set("MINT_PER_HOUR", "1")
        .set("MINT_PER_HOUR_PER_MINTER", "1");
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let old = organization.mint(&gateway, &json!({})).await;
    let token = upstream(setup, &organization, &json!({}));
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("mint_rate_exceeded"))
    {
        let path = operation.path.replace("{id}", &old.id);
        let body = match operation.name.as_str() {
            "adoptToken" => json!({ "token": token }),
            _ => json!({}),
        };
        let call = organization
            .call(&gateway, &operation.method, &path)
            .json(&body);
        // From the address that has minted, then from another: the administrator has minted too.
        met.note(operation, &call.clone().send().await);
        let call = call.without("cf-connecting-ip").from(&random_address());
        met.note(operation, &call.send().await);
    }
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("report_rate_exceeded"))
    {
        let address = random_address();
        for _ in 0..61 {
            let call = gateway
                .call(&operation.method, &operation.path)
                .from(&address);
            let call = call.json(&json!({ "tokens": [old.token] }));
            met.note(operation, &call.send().await);
        }
    }
    gateway.stop();
    ceiling(setup, operations, met).await;
}

/// `mint_ceiling_reached`, and `selector_too_wide` and `upstream_limit_reached`, which take more than a test can make.
async fn ceiling(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let organization =
        Organization::with(&gateway, &setup.keys.admin, &json!({ "mint_ceiling": 1 })).await;
    let old = organization.mint(&gateway, &json!({})).await;
    let token = upstream(setup, &organization, &json!({}));
    // The first overlap is free, the second is counted.
    let overlap = json!({ "overlap": "1h" });
    let successor = organization.rotate(&gateway, &old.id, &overlap).await;
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("mint_ceiling_reached"))
    {
        let body = match operation.name.as_str() {
            "adoptToken" => json!({ "token": token }),
            "rotateToken" => overlap.clone(),
            _ => json!({}),
        };
        let path = operation.path.replace("{id}", &successor.id);
        let call = organization
            .call(&gateway, &operation.method, &path)
            .json(&body);
        met.note(operation, &call.send().await);
    }
    gateway.stop();
    let copies = "insert into tokens (id, facts, place, name, is_system, state, created_at) \
                  with recursive n (i) as (select 1 union all select i + 1 from n where i < 10001) \
                  select printf('%08x-0000-4000-8000-000000000000', i), facts, place, 'copy-' || i, 0, 1, created_at \
                  from n, (select facts, place, created_at from tokens limit 1)";
    on_ledgers(&serve.state(), copies);
    let kept = "insert into upstreams \
                (id, project, workflow, sealed, digest, set_by, set_at, version, until) \
                with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) \
                select 'kept-' || i, 'kept', '', '', '', '', 0, 0, 9000000000000 from n";
    on_ledgers(&serve.state(), kept);
    // Names as a release before would have kept them, which did not compare them as this one does.
    let (id, other) = (&successor.id, "00000001-0000-4000-8000-000000000000");
    let same = format!(
        "update tokens set name = name || '!' where id = '{id}'; \
         update tokens set name = (select rtrim(name, '!') from tokens where id = '{id}') \
         where id = '{other}' and exists (select 1 from tokens where id = '{id}')"
    );
    on_ledgers(&serve.state(), &same);
    let gateway = serve.start().await;
    for operation in operations
        .iter()
        .filter(|operation| operation.name == "rotateToken")
    {
        met.note(
            operation,
            &organization.rotating(&gateway, id, &json!({})).send().await,
        );
    }
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("selector_too_wide"))
    {
        let call = organization.revoking(
            &gateway,
            &json!({ "created_after": "2000-01-01T00:00:00Z" }),
        );
        met.note(operation, &call.send().await);
    }
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("upstream_limit_reached"))
    {
        let path = operation.path.replace("{project}", SHOP);
        let path = path.replace("{workflow}", RELEASE);
        let call = organization.call(&gateway, &operation.method, &path);
        let call = call.json(&json!({ "credential": "x" }));
        met.note(operation, &call.send().await);
    }
    gateway.stop();
}

/// `unavailable` of the operations that no session may call.
async fn on_broken_stores(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let serve = setup.serve();
    let gateway = serve.start().await;
    let organization = Organization::new(&gateway, &setup.keys.admin).await;
    let token = organization.mint(&gateway, &json!({})).await;
    let report = json!({ "tokens": [token.token] });
    let address = random_address();
    gateway
        .call("POST", "/leaks")
        .from(&address)
        .json(&json!({ "tokens": [random_name("x")] }))
        .send()
        .await
        .json(202);
    // A bucket that somebody has taken from.
    let other = organization
        .mint(&gateway, &json!({ "project": SHOP }))
        .await;
    gateway
        .call("POST", "/leaks")
        .from(&address)
        .json(&json!({ "tokens": [other.token] }))
        .send()
        .await
        .json(202);
    gateway.stop();

    on_ledgers(&serve.state(), "alter table tokens rename to tokens_away");
    break_record(&serve.state());
    for store in stored::stores(&serve.state(), "MintLimiter") {
        // A bucket that was never taken from has none.
        if stored::has_table(&store, "bucket") {
            stored::sql(&store, "alter table bucket rename to bucket_away");
            // One that is missing is made anew.
            stored::sql(&store, "create table bucket (gone integer)");
        }
    }
    let gateway = serve.start().await;
    for operation in operations
        .iter()
        .filter(|operation| operation.lists("unavailable") && !operation.path.starts_with("/org"))
    {
        let call = gateway
            .call(&operation.method, &operation.path)
            .from(&address);
        let call = match operation.name.as_str() {
            "reportLeaks" => call.json(&report),
            "explain" => call
                .bearer(&token.token)
                .json(&json!({ "operation": "token.list" })),
            _ => call.bearer(&token.token).form(&[("token", &token.token)]),
        };
        let answer = call.send().await;
        met.note(operation, &answer);
    }
    readiness(&gateway).await;
    gateway.stop();
}

/// The one answer of a failure that is no problem document.
async fn readiness(gateway: &Gateway) {
    let told = gateway.call("GET", "/readyz").send().await.json(503);
    assert_eq!(told["status"], "unavailable");
}
