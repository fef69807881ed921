//! Refusals of trust rules, of what jobs of CI systems get by them, and of tokens where jobs alone get any.

use std::path::Path;

use postern_system_tests::http::Call;
use postern_system_tests::issuer::Issuer;
use postern_system_tests::ledgers::on_ledgers;
use postern_system_tests::organization::{RELEASE, SHOP};
use postern_system_tests::random_address;
use postern_system_tests::suite::Setup;
use serde_json::{Value, json};

use crate::adoptions::{merged, upstream};
use crate::document::{Met, Operation};
use crate::single::Drive;

/// What the gateway is called by, as it says in `CI_AUDIENCES`.
const GATE: &str = "https://gate.example";
const RULES: &str = "/org/trust-rules";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// An issuer of ours that gives tokens, and one that is asked for its keys in vain.
const WORKS: &str = "works";
const DOWN: &str = "down";
/// A GitLab, and where nobody listens.
const GITLAB: &str = "gitlab=http://127.0.0.1:1";

/// Everything below, on one gateway that trusts these issuers, and a GitLab where nobody listens.
pub async fn drive(setup: &Setup, operations: &[Operation], met: &mut Met) {
    let issuer = Issuer::start().await;
    issuer.behave(DOWN, &json!({ "discovery": "down" })).await;
    let trusted = [issuer.url(WORKS), issuer.url(DOWN), GITLAB.to_owned()];
    let serve = setup
        .serve()
        .brake(1)
        .set("CI_ISSUERS", &trusted.join(","))
        .set("CI_AUDIENCES", GATE)
        .set("ORIGIN_AUTH", "upstream");
    let mut drive = Drive::on(setup, operations, met, serve.start().await).await;
    let rule = drive.rules(&issuer).await;
    drive.lookups(&issuer).await;
    drive.exchanges(&issuer).await;
    let mut drive = drive.restarted(|state| fill(state, &rule)).await;
    drive.beyond_limits(&issuer).await;
    drive.where_jobs_alone_get_tokens().await;
    drive.cast.gateway.stop();
}

/// As many tokens of a rule as it gives within an hour, and as many rules as an organization can have.
fn fill(state: &Path, rule: &str) {
    let tokens = format!(
        "insert into tokens (id, facts, place, name, is_system, state, created_at, expires_at, rule) \
         with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) \
         select printf('%08x-0000-4000-8000-000000000000', i), facts, place, 'copy-' || i, 0, 1, \
         created_at, expires_at, rule \
         from n, (select * from tokens where rule = '{rule}' limit 1)"
    );
    on_ledgers(state, &tokens);
    let rules = "insert into trust_rules (id, subject, rule, created_by, created_at) \
                 with recursive n (i) as (select 1 union all select i + 1 from n where i < 200) \
                 select printf('%08x-0000-4000-8000-000000000000', i), 'copy-' || i, rule, created_by, created_at \
                 from n, (select * from trust_rules limit 1)";
    on_ledgers(state, rules);
}

/// A rule about the jobs of the working issuer.
fn rule(issuer: &Issuer) -> Value {
    json!({
        "issuer": issuer.url(WORKS),
        "subject": "job/demo/shop",
        "project": SHOP,
        "workflow": RELEASE,
        "policies": ["workflow_run:read"],
    })
}

impl Drive<'_> {
    /// Every code of `addTrustRule`; gives the id of a rule that is there now.
    async fn rules(&mut self, issuer: &Issuer) -> String {
        let organization = self.cast.organization.clone();
        organization
            .create_project(&self.cast.gateway, "elsewhere")
            .await;
        let good = rule(issuer);
        let changed = |changes: Value| merged(&good, &changes);
        let added = self.admin("POST", RULES, &good).send().await.json(201);
        for (body, code) in [
            (changed(json!({ "subject": null })), "trust_rule_invalid"),
            (changed(json!({ "policies": ["x"] })), "policies_invalid"),
            (changed(json!({ "policies": ["x:y"] })), "policy_unknown"),
            (
                changed(json!({ "project": "elsewhere" })),
                "workflow_of_other_project",
            ),
            (changed(json!({ "project": "nowhere" })), "not_found"),
            (good.clone(), "trust_rule_taken"),
        ] {
            self.expect("addTrustRule", self.admin("POST", RULES, &body), code)
                .await;
        }
        let everything = self.cast.everything.clone();
        let policies = [
            "trust_rule:update",
            "project_api_token:create",
            "workflow_run:read",
        ];
        let mortal = json!({ "policies": policies, "expires_in": "1d" });
        let mortal = self.minted(&mortal).await;
        for (author, code) in [
            (&everything, "policy_not_held"),
            (&mortal, "lifetime_exceeded"),
        ] {
            self.expect("addTrustRule", self.by(author, "POST", RULES, &good), code)
                .await;
        }
        added["id"].as_str().expect("an id").to_owned()
    }

    async fn lookups(&mut self, issuer: &Issuer) {
        let path = format!("{RULES}/find");
        for (issuer, repository, code) in [
            ("https://nobodys.example", "acme/shop", "trust_rule_invalid"),
            (GITLAB, "shop", "repository_invalid"),
            (&issuer.url(WORKS), "acme/shop", "repository_unknown"),
            (GITLAB, "acme/shop", "forge_unavailable"),
        ] {
            let body = json!({ "issuer": issuer, "repository": repository });
            self.expect("findRepository", self.admin("POST", &path, &body), code)
                .await;
        }
    }

    /// A job token for the organization.
    async fn job(&self, issuer: &Issuer, name: &str) -> String {
        let audience = format!("{GATE}/{}", self.cast.organization.name);
        let asked = json!({ "claims": { "aud": audience } });
        issuer.token(name, &asked).await
    }

    /// A call that exchanges a token, with one more parameter.
    fn exchanging(&self, token: &str, more: (&str, &str)) -> Call {
        let form = [
            ("grant_type", GRANT),
            ("subject_token_type", JWT),
            ("subject_token", token),
            more,
        ];
        let call = self.cast.gateway.call("POST", "/oauth/token");
        call.from(&random_address()).form(&form)
    }

    /// Every code of `exchangeJobToken` that its form or its token has, and of the token that was given.
    async fn exchanges(&mut self, issuer: &Issuer) {
        const NONE: (&str, &str) = ("later", "x");
        let token = self.job(issuer, WORKS).await;
        for (call, code) in [
            (
                self.exchanging(&token, ("audience", "x")),
                "audience_invalid",
            ),
            (
                self.exchanging(&token, ("scope", "x")),
                "token_request_invalid",
            ),
            (
                self.exchanging(&token, NONE).body("grant_type=x"),
                "unsupported_grant_type",
            ),
            (
                self.exchanging(&self.job(issuer, DOWN).await, NONE),
                "unavailable",
            ),
        ] {
            self.expect("exchangeJobToken", call, code).await;
        }
        let guess = self.exchanging("x", NONE);
        for code in ["job_token_refused", "too_many_failures"] {
            self.expect("exchangeJobToken", guess.clone(), code).await;
        }
        let given = self.exchanging(&token, NONE).send().await.json(200);
        let given = given["access_token"].as_str().expect("a token");
        let told = self.cast.gateway.call("POST", "/oauth/introspect");
        let told = told.bearer(&self.cast.admin).form(&[("token", given)]);
        let told = told.send().await.json(200);
        let path = format!(
            "/org/tokens/{}/rotate",
            told["jti"].as_str().expect("an id")
        );
        let rotating = self.admin("POST", &path, &json!({}));
        self.expect("rotateToken", rotating, "ci_token").await;
        let organization = self.cast.organization.clone();
        self.admin("POST", "/org/pause", &json!({}))
            .send()
            .await
            .json(200);
        let another = self.exchanging(&self.job(issuer, WORKS).await, NONE);
        self.expect("exchangeJobToken", another, "organization_paused")
            .await;
        let resuming = organization.call(&self.cast.gateway, "POST", "/org/resume");
        resuming.send().await.json(200);
    }

    /// One rule more, and one token more.
    async fn beyond_limits(&mut self, issuer: &Issuer) {
        let other = merged(&rule(issuer), &json!({ "subject": "job/demo/other" }));
        self.expect(
            "addTrustRule",
            self.admin("POST", RULES, &other),
            "trust_rule_limit_reached",
        )
        .await;
        let token = self.job(issuer, WORKS).await;
        let call = self.exchanging(&token, ("later", "x"));
        self.expect("exchangeJobToken", call, "ci_token_rate_exceeded")
            .await;
    }

    async fn where_jobs_alone_get_tokens(&mut self) {
        let organization = self.cast.organization.clone();
        let old = self.minted(&json!({})).await;
        let path = format!("/orgs/{}", organization.name);
        let federated = self.admin("PATCH", &path, &json!({ "federated_only": true }));
        assert_eq!(federated.send().await.json(200)["federated_only"], true);
        let adopted = upstream(self.setup, &organization, &json!({}));
        for (operation, path, body) in [
            ("mintToken", "/org/tokens".to_owned(), json!({})),
            (
                "rotateToken",
                format!("/org/tokens/{}/rotate", old.id),
                json!({}),
            ),
            (
                "adoptToken",
                "/org/tokens/adopt".to_owned(),
                json!({ "token": adopted }),
            ),
        ] {
            let call = self.admin("POST", &path, &body);
            self.expect(operation, call, "federated_only").await;
        }
    }
}
