//! `postern api-token exchange` where the gateway gives no token.

use serde_json::json;

use crate::gateway::{Gateway, json, problem};
use crate::jobs::{GIVEN, as_job, of_gitlab};

#[tokio::test]
async fn what_the_gateway_refuses_is_one_sentence() {
    let refused = json!({ "error": "invalid_grant", "error_description": "this job token opens nothing here" });
    let mut told = problem(401, "job_token_refused");
    told.body = json!({
        "detail": "this job token opens nothing here", "code": "job_token_refused", "request_id": "r1",
        "error": "invalid_grant",
    })
    .to_string();
    let line_end =
        json!({ "access_token": "a\n::set-env name=PATH::/tmp", "token_type": "Bearer" });
    let other_kind = json!({ "access_token": GIVEN, "token_type": "N_A" });
    for (reply, code, why) in [
        (
            json(400, &refused),
            4,
            "postern: the gateway refused the job token: this job token opens nothing here\n  hint: whoever has \
             the policy `trust_rule:read` sees why: postern trust test\n",
        ),
        // As the gateway's own errors are, with what its log knows the call by.
        (
            told,
            4,
            "postern: the gateway refused the job token: this job token opens nothing here (request r1)\n",
        ),
        (
            problem(503, "unavailable"),
            9,
            "it is so (unavailable, request r1)",
        ),
        (
            problem(404, "not_found"),
            6,
            "it is so (not_found, request r1)",
        ),
        (
            json(200, &line_end),
            9,
            "the gateway's answer has no token that can be used",
        ),
        (
            json(200, &other_kind),
            9,
            "the gateway's answer has no token that can be used",
        ),
        (
            json(200, &json!({})),
            9,
            "the gateway's answer has no token that can be used",
        ),
    ] {
        let gateway = Gateway::start(vec![reply]).await;
        let token = of_gitlab(&format!("{}/acme", gateway.url));
        let variables = [
            ("POSTERN_URL", gateway.url.as_str()),
            ("POSTERN_ID_TOKEN", &token),
            ("GITHUB_ACTIONS", "true"),
        ];
        let output = as_job(&["token", "exchange"], &variables, "").await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains(why), "{why}: {}", output.stderr);
        assert!(!output.stderr.contains("::"), "{}", output.stderr);
    }
}
