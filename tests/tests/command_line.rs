//! The `postern` command on a whole gateway: the life of a token from the terminal, attestation by
//! a native gRPC client through the bridge, and what is said when something is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use postern_origin::attestation::attest;
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_system_tests::forge::{self};
use postern_system_tests::life::{REFUSED, accepted};
use postern_system_tests::organization::{OTHER, RELEASE, SHOP};
use postern_system_tests::program::Postern;
use postern_system_tests::suite::Suite;
use postern_system_tests::{cases, random_id, random_name, rpc, runner};
use serde_json::json;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

fn main() -> ExitCode {
    runner::run(
        Suite::start(),
        cases![
            a_token_from_mint_to_revoke,
            r39_a_token_of_the_origin_is_adopted,
            a_bad_token,
            a_configuration_file_that_others_may_read,
            a_gateway_that_is_not_there,
            the_doctor_finds_nothing_wrong,
            leaks_are_reported,
            what_is_meant_is_found_by_id_or_name,
            attestation_by_native_grpc,
            what_would_be_decided_is_explained,
        ],
    )
}

/// The command of an administrator in that organization.
fn administrator(suite: &Suite, organization: &str) -> Postern {
    Postern::new(&[
        ("POSTERN_URL", &suite.gateway.url(0)),
        ("POSTERN_TOKEN", &suite.keys.admin),
        ("POSTERN_ORGANIZATION", organization),
    ])
}

async fn lives(suite: &Suite, token: &str) -> bool {
    accepted(&suite.gateway, 0, token).await
}

/// The options that name the workflow which scoped tokens are for.
const FOR_RELEASE: [&str; 4] = ["--project", SHOP, "--workflow", RELEASE];

async fn a_token_from_mint_to_revoke(suite: &Suite) {
    let name = random_name("cli");
    let postern = administrator(suite, &name);
    let created = postern.run(&["org", "create", &name, "-o", "json"]).await;
    assert_eq!(created.json()["name"], name.as_str());
    postern.run(&["project", "create", SHOP]).await.done();
    let words = ["workflow", "create", RELEASE, "--project", SHOP];
    postern.run(&words).await.done();
    let workflows = ["workflow", "list", "--project", SHOP, "-o", "json"];
    let workflows = postern.run(&workflows).await.json();
    assert_eq!(workflows[0]["name"], RELEASE);

    let create = ["api-token", "create", "--name", "ci", "--expiration", "1h"];
    let create: Vec<_> = create.iter().chain(&FOR_RELEASE).copied().collect();
    let made = [&create[..], &["-o", "json"]].concat();
    let made = postern.run(&made).await.json();
    let (id, token) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap(),
    );
    assert!(lives(suite, token).await);
    let again = postern.run(&create).await;
    again.failed(7, "name_taken");

    let listed = ["api-token", "list", "-o", "json"];
    assert_eq!(postern.run(&listed).await.json()[0]["id"], id);
    let shown = postern.run(&["api-token", "show", "--id", id]).await.done();
    assert!(
        shown.contains("SCOPE           workflow/shop/release\n"),
        "{shown}"
    );
    assert!(!shown.contains(token), "{shown}");

    let rotate = ["api-token", "rotate", "--id", id, "-o", "token"];
    let rotated = postern.run(&rotate).await;
    assert_eq!(rotated.code, 0, "{}", rotated.stderr);
    assert_eq!(rotated.stderr, format!("The old token {id} is revoked.\n"));
    let successor = rotated.stdout.trim_end();
    assert!(!lives(suite, token).await, "rotated out");
    assert!(lives(suite, successor).await);

    let live = postern.run(&listed).await.json();
    let next = live[0]["id"].as_str().unwrap();
    assert_ne!(next, id);
    let revoke = ["api-token", "revoke", "--id", next];
    let revoked = postern.run(&revoke).await.done();
    let line = format!("API token revoked! {next}, ");
    assert!(revoked.starts_with(&line), "{revoked}");
    assert!(!lives(suite, successor).await);
    assert_eq!(
        postern.run(&revoke).await.done(),
        revoked,
        "the first time counts"
    );
    let table = postern.run(&["api-token", "list", "--all"]).await.done();
    assert_eq!(table.lines().count(), 3, "{table}");
    let unknown = [
        "api-token",
        "show",
        "--id",
        "00000000-0000-4000-8000-000000000000",
    ];
    postern.run(&unknown).await.failed(6, "not_found");
}

async fn r39_a_token_of_the_origin_is_adopted(suite: &Suite) {
    let organization = suite.organization().await;
    let claims = json!({
        "jti": random_id(), "iss": "cp.chainloop", "aud": ["api-token-auth.chainloop"],
        "token_name": "upstream", "org_id": organization.id, "org_name": organization.name,
        "project_id": organization.shop, "project_name": SHOP,
        "workflow_id": organization.release, "workflow_name": RELEASE,
    });
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let token = forge::jwt(&header, &claims.to_string(), &suite.keys.origin);
    assert!(!lives(suite, &token).await, "before it is adopted");
    let postern = administrator(suite, &organization.name);
    let adopt = ["api-token", "adopt", "--name", "ci", "-o", "json"];
    let output = postern.run_with(&adopt, &format!("{token}\n")).await;
    assert!(!output.stdout.contains(&token), "{output:?}");
    let adopted = output.json();
    assert_eq!(adopted["id"], claims["jti"]);
    assert_eq!(adopted["name"], "ci");
    assert!(lives(suite, &token).await);
    let again = postern.run_with(&adopt, &token).await;
    again.failed(7, "(already_adopted, request ");
    let nonsense = postern.run_with(&adopt, "not.a.jwt").await;
    nonsense.failed(7, "(jwt_invalid, request ");
}

async fn a_bad_token(suite: &Suite) {
    let url = suite.gateway.url(0);
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    organization.revoke(&suite.gateway, &minted.id).await;
    for (token, message) in [
        (minted.token.as_str(), "(credential_refused, request "),
        ("pst_nonsense", "(credential_"),
    ] {
        let postern = Postern::new(&[("POSTERN_URL", &url), ("POSTERN_TOKEN", token)]);
        let output = postern.run(&["api-token", "list"]).await;
        assert!(!output.stderr.contains(token), "{output:?}");
        output.failed(4, message);
    }
    // Without any, the hint says where one goes.
    let postern = Postern::new(&[("POSTERN_URL", &url)]);
    let output = postern.run(&["api-token", "list"]).await;
    output.failed(4, "hint: give a credential: POSTERN_TOKEN");
}

async fn a_configuration_file_that_others_may_read(suite: &Suite) {
    let postern = Postern::new(&[]);
    let folder = postern.home().join(".config/postern");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config.toml");
    let (url, admin) = (suite.gateway.url(0), &suite.keys.admin);
    fs::write(&file, format!("url = \"{url}\"\ntoken = \"{admin}\"\n")).unwrap();
    let list = ["org", "list", "-o", "json"];
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = postern.run(&list).await;
    assert!(!refused.stderr.contains(admin.as_str()), "{refused:?}");
    refused.failed(3, "hint: chmod 600 ");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(postern.run(&list).await.json().is_array());
}

async fn a_gateway_that_is_not_there(_: &Suite) {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let postern = Postern::new(&[("POSTERN_URL", &url), ("POSTERN_TOKEN", "any")]);
    let message = format!("the gateway {url} cannot be reached: ");
    postern
        .run(&["api-token", "list"])
        .await
        .failed(9, &message);
    let output = postern.run(&["doctor"]).await;
    assert_eq!(output.code, 9);
    assert!(output.stdout.contains(&message), "{output:?}");
}

async fn the_doctor_finds_nothing_wrong(suite: &Suite) {
    let organization = suite.organization().await;
    let postern = administrator(suite, &organization.name);
    let report = postern.run(&["doctor", "-o", "json"]).await.json();
    for finding in report.as_array().unwrap() {
        assert_eq!(finding["state"], "good", "{finding}");
    }
    // An administrator key alone is as good; what is missing is told apart from it.
    let key = [
        ("POSTERN_URL", suite.gateway.url(0)),
        ("POSTERN_TOKEN", suite.keys.admin.clone()),
    ];
    let key = key.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = Postern::new(&key).run(&["doctor"]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{output:?}");
    assert!(
        output
            .stdout
            .contains("good    credential    accepted; can manage organizations\n"),
        "{output:?}"
    );
    assert!(
        output
            .stdout
            .contains("odd     organization  none is named"),
        "{output:?}"
    );
    let output = administrator(suite, "not-there-yet").run(&["doctor"]).await;
    assert_eq!(
        (output.code, output.stderr.as_str()),
        (6, "postern: broken: organization\n"),
        "{output:?}"
    );
    assert!(
        output.stdout.contains("good    credential    accepted"),
        "{output:?}"
    );
}

/// Ids, names and prefixes, wherever one is taken; and where to look after a wrong one.
async fn what_is_meant_is_found_by_id_or_name(suite: &Suite) {
    let organization = suite.organization().await;
    let postern = administrator(suite, &organization.name);
    let made = postern
        .run(&[
            "api-token",
            "create",
            "--name",
            "caf\u{e9}",
            "--expiration",
            "876000h",
            "-o",
            "json",
        ])
        .await
        .json();
    let (id, prefix) = (
        made["id"].as_str().unwrap(),
        made["prefix"].as_str().unwrap(),
    );
    for meant in [id, prefix, "cafe\u{301}"] {
        let shown = postern
            .run(&["api-token", "show", "--id", meant])
            .await
            .done();
        assert!(shown.contains(id), "{meant}: {shown}");
        // A life of a hundred years does not read as one that is over.
        let year = made["expires_at"].as_str().unwrap().get(..4).unwrap();
        assert!(
            shown.contains(&format!("EXPIRES AT      {year}-")),
            "{shown}"
        );
    }
    let rotated = postern
        .run(&["api-token", "rotate", "--id", prefix, "--overlap", "10m"])
        .await
        .done();
    let old = made["created_at"].as_str().unwrap().get(..10).unwrap();
    let line = format!(
        "The old token {id} is accepted until {}",
        old.get(..8).unwrap()
    );
    assert!(rotated.contains(&line), "{rotated}");

    for project in [SHOP, &organization.shop] {
        let list = postern
            .run(&["workflow", "list", "--project", project, "-o", "json"])
            .await
            .json();
        assert!(!list.as_array().unwrap().is_empty(), "{list}");
        postern
            .run(&[
                "api-token",
                "create",
                "--project",
                project,
                "--workflow",
                &organization.release,
            ])
            .await
            .done();
    }
    let list = postern
        .run(&[
            "api-token",
            "list",
            "--project",
            &organization.shop,
            "-o",
            "json",
        ])
        .await
        .json();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    for (words, code, hint) in [
        (
            &["api-token", "list", "--project", "shpo"][..],
            6,
            "postern project list",
        ),
        (
            &["api-token", "create", "--project", "shpo"],
            6,
            "postern project list",
        ),
        (
            &["workflow", "list", "--project", "shpo"],
            6,
            "postern project list",
        ),
        (
            &[
                "api-token",
                "create",
                "--project",
                SHOP,
                "--workflow",
                "rlease",
            ],
            6,
            "postern workflow list --project PROJECT",
        ),
        (
            &["api-token", "show", "--id", "cafee"],
            6,
            "postern api-token list",
        ),
        (
            &["api-token", "revoke", "--id", "cafee"],
            6,
            "postern api-token list",
        ),
        (
            &["api-token", "list", "--organization", "acmee"],
            6,
            "postern org list",
        ),
    ] {
        let hint = format!("hint: see what there is: {hint}");
        postern.run(words).await.failed(code, &hint);
    }
}

async fn leaks_are_reported(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    assert!(lives(suite, &minted.token).await);
    let postern = Postern::new(&[("POSTERN_URL", &suite.gateway.url(0))]);
    // As a log has it: behind an escape, and a second time in a colour.
    let token = &minted.token;
    let text = format!("{{\"log\":\"export TOKEN=\\n{token}\"}} \u{1b}[32m{token}\u{1b}[0m\n");
    let reported = postern.run_with(&["leaks", "report", "-"], &text).await;
    assert!(reported.done().starts_with("1 reported of 1 looked at. "));
    // The answer comes before the deed, so that it tells nothing.
    for _ in 0..200 {
        if !lives(suite, &minted.token).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the reported token lives on");
}

async fn connect(url: &str) -> AttestationServiceClient<Channel> {
    let channel = Channel::from_shared(url.to_owned()).unwrap();
    AttestationServiceClient::new(channel.connect().await.unwrap())
}

fn signed<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", value);
    request
}

async fn attestation_by_native_grpc(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let token = minted.token.as_str();
    let postern = administrator(suite, &organization.name);
    let bridge = postern.bridge().await;
    let mut client = connect(&bridge.url).await;

    let health = Channel::from_shared(bridge.url.clone()).unwrap();
    let mut health = HealthClient::new(health.connect().await.unwrap());
    for service in ["", "controlplane.v1.AttestationService"] {
        let service = service.to_owned();
        let checked = health.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(checked.into_inner().status(), ServingStatus::Serving);
    }

    let workflow = signed(token, rpc::find_or_create(SHOP, RELEASE));
    client.find_or_create_workflow(workflow).await.unwrap();
    let begun = client.init(signed(token, rpc::init(SHOP, RELEASE))).await;
    let begun = begun.unwrap().into_inner().result.unwrap();
    let run = begun.workflow_run.unwrap().id;
    let mut bundle = attest("module.wasm", b"content").unwrap().bundle;
    bundle.resize(1 << 20, b' ');
    let stored = client.store(signed(token, rpc::store(&run, &bundle))).await;
    stored.unwrap();
    assert!(suite.origin.bundle(&run).await == bundle, "byte for byte");

    // Scope, in the words of the control plane.
    let other = signed(token, rpc::find_or_create(SHOP, OTHER));
    let status = client.find_or_create_workflow(other).await.unwrap_err();
    let message = "API token is workflow-scoped and cannot create or look up other workflows";
    assert_eq!(
        (status.code(), status.message()),
        (Code::PermissionDenied, message)
    );
    let nobody = Request::new(rpc::find_or_create(SHOP, RELEASE));
    let status = client.find_or_create_workflow(nobody).await.unwrap_err();
    let message = "JWT token is missing";
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unauthenticated, message)
    );

    // As large as the gateway reads, and larger: no UNAVAILABLE, which the stock client would
    // repeat for three minutes.
    for size in [(10 << 20) - 100, 11 << 20, 20 << 20] {
        let began = Instant::now();
        let large = signed(token, rpc::store(&run, &vec![b' '; size]));
        let status = client.store(large).await.unwrap_err();
        let expected = match size > 10 << 20 {
            true => Code::ResourceExhausted,
            // The gateway lets it through; at the origin the run has ended.
            false => Code::FailedPrecondition,
        };
        assert_eq!(status.code(), expected, "{size}: {status:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "at once");
    }

    let revoke = ["api-token", "revoke", "--id", &minted.id];
    postern.run(&revoke).await.done();
    for size in [0, 8 << 20] {
        let call = signed(token, rpc::store(&run, &vec![b' '; size]));
        let status = client.store(call).await.unwrap_err();
        let refusal = (status.code(), status.message());
        assert_eq!(refusal, (Code::Unauthenticated, REFUSED), "{size}");
    }
}

async fn what_would_be_decided_is_explained(suite: &Suite) {
    let organization = suite.organization().await;
    let minted = organization
        .mint_for_release(&suite.gateway, "opaque")
        .await;
    let postern = Postern::new(&[
        ("POSTERN_URL", &suite.gateway.url(0)),
        ("POSTERN_TOKEN", &minted.token),
    ]);
    suite.origin.reset().await;
    let ask = ["explain", "--operation", "AttestationService/Init"];
    let own = [&ask[..], &FOR_RELEASE, &["-o", "json"]].concat();
    let told = postern.run(&own).await.json();
    assert_eq!(told["allowed"], true, "{told}");
    assert_eq!(told["caller"]["token"], minted.id.as_str());

    let other = [&ask[..], &["--project", SHOP, "--workflow", OTHER]].concat();
    let refused = postern.run(&other).await;
    assert_eq!(refused.code, 5, "{refused:?}");
    let message = "API token is workflow-scoped and cannot create or look up other workflows";
    assert!(refused.stderr.contains(message), "{refused:?}");
    assert!(refused.stdout.starts_with("refused: "), "{refused:?}");
    let unknown = ["explain", "--operation", "AttestationService/Nothing"];
    let unknown = postern.run(&unknown).await;
    assert_eq!(unknown.code, 5, "{unknown:?}");
    assert!(unknown.stdout.contains("needs: unknown operation"));
    let wrong = [&ask[..], &["--run", "no-uuid"]].concat();
    let wrong = postern.run(&wrong).await;
    wrong.failed(7, "run_id_invalid");

    // Whatever was explained, the origin was asked nothing; each of the three questions was a use.
    suite.origin.assert_untouched("an explanation").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while organization.token(&suite.gateway, &minted.id).await["uses"] != 3 {
        assert!(Instant::now() < deadline, "the uses were not counted");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    organization.revoke(&suite.gateway, &minted.id).await;
    let revoked = postern.run(&own).await;
    revoked.failed(4, "the credential was refused");
}
