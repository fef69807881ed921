//! The part of `cargo xtask dev --ci`: a gateway that trusts jobs of a repository, and what such a job would do.

use super::{attesting, in_demo, post, send};
use crate::fail::Outcome;
use crate::{http, json, paths};

/// The repository whose jobs are trusted, as issuer.mjs has it in its tokens.
const REPOSITORY: &str = "demo/shop";
const REPOSITORY_ID: u32 = 74;
const OWNER_ID: u32 = 65;

/// What goes to the sample origin in place of callers' credentials: it takes any.
const UPSTREAM: &str = r#"{"credential":"sample-origin-credential"}"#;

/// What a job gets besides attesting, which needs no policy.
const POLICIES: [&str; 6] = [
    "workflow:read",
    "workflow_contract:read",
    "workflow_run:read",
    "workflow_run:list",
    "cas_artifact:read",
    "cas_artifact:create",
];

/// What the gateway is told of the issuers, of itself, and of what the origin is shown: a job token must not go there.
pub fn variables(port: u16, issuer_port: u16) -> [(String, String); 3] {
    let issuers = ["github=", "gitlab=", ""];
    let names = ["github", "gitlab", "other"];
    let issuers = issuers
        .iter()
        .zip(names)
        .map(|(word, name)| format!("{word}{}", issuer(issuer_port, name)))
        .collect::<Vec<_>>();
    [
        ("CI_ISSUERS".to_owned(), issuers.join(",")),
        ("CI_AUDIENCES".to_owned(), gateway(port)),
        ("ORIGIN_AUTH".to_owned(), "upstream".to_owned()),
    ]
}

/// Sets what goes to the origin, and makes the trust rule, unless an earlier run did.
pub fn trust(port: u16, issuer_port: u16, key: &str) -> Outcome {
    let authorization = format!("Bearer {key}");
    let headers = in_demo(&authorization);
    send("PUT", port, "/org/upstream", &headers, UPSTREAM)?;
    let issuer = issuer(issuer_port, "github");
    let list = http::get(port, "/org/trust-rules", &headers)?;
    // Rules say the issuer as the variable does.
    let shown = format!(r#""issuer":{}"#, json::string(&format!("github={issuer}")));
    if list.status == 200 && list.body.contains(&shown) {
        return Ok(());
    }
    post(port, "/org/trust-rules", &headers, &rule(&issuer))
}

fn rule(issuer: &str) -> String {
    let policies = POLICIES.iter().map(|policy| json::string(policy));
    json::object([
        ("issuer", json::string(issuer)),
        ("repository", json::string(REPOSITORY)),
        ("repository_id", REPOSITORY_ID.to_string()),
        ("repository_owner_id", OWNER_ID.to_string()),
        ("project", json::string("shop")),
        ("workflow", json::string("release")),
        ("policies", json::array(policies)),
    ])
}

/// What is printed beside the commands that need a stored token.
pub fn welcome(port: u16, issuer_port: u16) -> String {
    let (gateway, issuer) = (gateway(port), issuer(issuer_port, "github"));
    let [exchange, attest, replay, bearer, test] = commands(&gateway, &issuer);
    format!(
        "
issuer         {issuer}   (of job tokens, as GitHub Actions makes them)

A trust rule is there: jobs of {REPOSITORY} may attest shop/release. So, as such a job, without a stored secret:

4. Get a job token from the issuer, and exchange it:

{exchange}

5. Attest with what it became:

{attest}

6. Exchange the same job token again (refused: it counts once):

{replay}

7. Or attest with a new job token as it is:

{bearer}

8. See why the job of a pull request is refused; with the administrator key above in KEY:

{test}

Vary the claims: \"event_name\":\"push\" is good, \"repository_id\":\"75\" is of another repository,
\"aud\":\"{gateway}/other\" is for another organization.
"
    )
}

/// To be pasted in this order into one shell, as those of `dev` itself.
fn commands(gateway: &str, issuer: &str) -> [String; 5] {
    let job_token = |more: &str| {
        format!(
            "JOB_TOKEN=$(curl -sS {issuer}/token -d '{{\"claims\":{{\"aud\":\"{gateway}/demo\"{more}}}}}')"
        )
    };
    let ask = format!(
        "curl -sS {gateway}/oauth/token \
         -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
         -d subject_token_type=urn:ietf:params:oauth:token-type:jwt -d subject_token=$JOB_TOKEN"
    );
    let exchange = format!(
        "{}; ANSWER=$({ask}); \
         printf '%s\\n' \"$ANSWER\"; \
         export POSTERN_TOKEN=$(printf '%s' \"$ANSWER\" | sed -E 's/.*\"access_token\": *\"([^\"]*)\".*/\\1/')",
        job_token("")
    );
    let attest = attesting(gateway);
    let bearer = format!(
        "{}; POSTERN_TOKEN=$JOB_TOKEN; export POSTERN_TOKEN; {attest}",
        job_token("")
    );
    let test = format!(
        "{}; (cd '{}' && printf '%s' \"$JOB_TOKEN\" | POSTERN_URL={gateway} POSTERN_ORGANIZATION=demo \
         POSTERN_TOKEN=${{KEY:?}} cargo run -q -p postern-cli -- trust test --token-file -)",
        job_token(r#","event_name":"pull_request""#),
        paths::root().display(),
    );
    [exchange, attest, ask, bearer, test]
}

fn gateway(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn issuer(port: u16, name: &str) -> String {
    format!("http://127.0.0.1:{port}/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dev::pasted;

    /// Answers as the issuer or the gateway; the gateway says what it was given.
    const CURL: &str = r#"case "$*" in
        *9091/github/token*'{"claims":{"aud":"http://127.0.0.1:1/demo"}}') printf h.p.s ;;
        *:1/oauth/token*token-exchange*'subject_token=h.p.s') printf '{"access_token":"pst_a-b_C","expires_in":300}' ;;
        *9091/github/token*'"event_name":"pull_request"}}') printf pull ;;
        *) printf '{"error":"%s"}' "$*" ;;
    esac"#;

    #[test]
    fn the_commands_of_a_job_take_and_leave_its_token() {
        let [exchange, _, replay, bearer, test] =
            commands("http://127.0.0.1:1", &issuer(9091, "github"));
        let printed = pasted(CURL, &exchange, "$POSTERN_TOKEN");
        assert!(printed.ends_with("\npst_a-b_C"), "{printed}");
        // It has what the first one left.
        let printed = pasted(CURL, &format!("JOB_TOKEN=h.p.s; {replay}"), "");
        assert!(printed.starts_with("{\"access_token\""), "{printed}");
        let (take, _) = bearer.split_once("; (cd").expect("it attests");
        let printed = pasted(CURL, take, "$POSTERN_TOKEN");
        assert!(printed.ends_with("\nh.p.s"), "{printed}");
        let (take, asks) = test.split_once("; (cd").expect("it tests");
        let printed = pasted(CURL, take, "$JOB_TOKEN");
        assert!(printed.ends_with("\npull"), "{printed}");
        assert!(asks.contains("| POSTERN_URL=http://127.0.0.1:1 "), "{asks}");
    }

    #[test]
    fn the_gateway_is_told_of_three_issuers_and_of_itself() {
        let expected = [
            (
                "CI_ISSUERS",
                "github=http://127.0.0.1:2/github,gitlab=http://127.0.0.1:2/gitlab,http://127.0.0.1:2/other",
            ),
            ("CI_AUDIENCES", "http://127.0.0.1:1"),
            ("ORIGIN_AUTH", "upstream"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(variables(1, 2), expected);
    }
}
