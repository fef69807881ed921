//! `postern api-token exchange`: where a job's token comes from, where it goes, what is printed and what never is.

use std::fs;

use serde_json::json;

use crate::gateway::{Gateway, Output, TOKEN};
use crate::jobs::{CREDENTIAL, GIVEN, as_job, given, job_token, of_github, of_gitlab, runner};

const WORDS: [&str; 2] = ["token", "exchange"];

/// The fields of a form, decoded.
fn form(body: &str) -> Vec<(String, String)> {
    let part = |text: &str| text.replace("%3A", ":").replace("%2F", "/");
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (part(name), part(value)))
        .collect()
}

/// What the gateway was asked: one exchange, of this token, without a credential, for a token of this type.
fn check_exchange(gateway: &Gateway, token: &str, wanted: &str) {
    assert_eq!(gateway.asked(), ["POST /oauth/token"]);
    let came = gateway.came.lock().unwrap();
    let kind = "application/x-www-form-urlencoded";
    assert_eq!(came[0].headers["content-type"], kind);
    assert!(!came[0].headers.contains_key("authorization"));
    let expected = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("subject_token", token),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        (
            "requested_token_type",
            &format!("urn:ietf:params:oauth:token-type:{wanted}"),
        ),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(form(&came[0].body), expected);
}

fn printed(output: &Output) {
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, format!("{GIVEN}\n").as_str()),
        "{}",
        output.stderr
    );
}

#[tokio::test]
async fn a_job_of_github_asks_for_its_token_and_gets_one_of_the_gateway() {
    let gateway = Gateway::start(vec![given()]).await;
    let audience = format!("{}/acme", gateway.url);
    let token = of_github(&audience);
    let github = runner(&token).await;
    let url = format!("{}/token?api-version=2.0", github.url);
    let variables = [
        ("POSTERN_URL", gateway.url.as_str()),
        ("POSTERN_ORGANIZATION", "acme"),
        // A stored credential that is still there is not sent with it.
        ("POSTERN_TOKEN", TOKEN),
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CREDENTIAL),
    ];
    let output = as_job(&WORDS, &variables, "").await;
    printed(&output);
    // Where the runner reads commands, while stdout goes into a variable.
    assert_eq!(output.stderr, format!("::add-mask::{GIVEN}\n"));
    assert!(!output.stdout.contains(&token) && !output.stderr.contains(&token));
    check_exchange(&gateway, &token, "access_token");
    let came = github.came.lock().unwrap();
    let encoded = audience.replace(':', "%3A").replace('/', "%2F");
    assert_eq!(
        came[0].what,
        format!("GET /token?api-version=2.0&audience={encoded}")
    );
    assert_eq!(
        came[0].headers["authorization"],
        format!("Bearer {CREDENTIAL}")
    );
    assert!(!came[0].headers.contains_key("postern-organization"));
}

#[tokio::test]
async fn the_variable_of_the_steps_that_follow_is_set_in_place_of_stdout() {
    let gateway = Gateway::start(vec![given()]).await;
    let github = runner(&of_github(&gateway.url)).await;
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("env");
    fs::write(&file, "OTHER=1\n").unwrap();
    let variables = [
        ("POSTERN_URL", gateway.url.as_str()),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ENV", file.to_str().unwrap()),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", github.url.as_str()),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CREDENTIAL),
    ];
    let words = "token exchange --format jwt --github-env CHAINLOOP_TOKEN";
    let words: Vec<&str> = words.split(' ').collect();
    let output = as_job(&words, &variables, "").await;
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (0, ""),
        "{}",
        output.stderr
    );
    assert_eq!(output.stderr, format!("::add-mask::{GIVEN}\n"));
    let expected = format!("OTHER=1\nCHAINLOOP_TOKEN={GIVEN}\n");
    assert_eq!(fs::read_to_string(&file).unwrap(), expected);
    check_exchange(&gateway, &of_github(&gateway.url), "jwt");
    // Without an organization the token is for the gateway, and the request names none.
    let named = gateway.came.lock().unwrap()[0]
        .headers
        .contains_key("postern-organization");
    assert!(!named);

    let gateway = Gateway::start(Vec::new()).await;
    let output = as_job(&words, &[("POSTERN_URL", &gateway.url)], "").await;
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("GITHUB_ENV is not set"),
        "{}",
        output.stderr
    );
    let words = ["token", "exchange", "--github-env", "PATH"];
    let output = as_job(&words, &[("POSTERN_URL", &gateway.url)], "").await;
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("is a variable that others read"),
        "{}",
        output.stderr
    );
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn a_token_that_is_there_is_taken_from_variable_file_or_standard_input() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("token");
    let file = file.to_str().unwrap();
    for (words, name) in [
        (&[][..], "POSTERN_ID_TOKEN"),
        (&["--token-variable", "MY_TOKEN"], "MY_TOKEN"),
        (&["--token-file", file], "file"),
        (&["--token-file", "-"], "stdin"),
    ] {
        let gateway = Gateway::start(vec![given()]).await;
        let token = of_gitlab(&format!("{}/acme", gateway.url));
        fs::write(file, format!("{token}\n")).unwrap();
        let words: Vec<&str> = WORDS.iter().chain(words).copied().collect();
        let mut variables = vec![
            ("POSTERN_URL", gateway.url.as_str()),
            ("POSTERN_ORGANIZATION", "acme"),
        ];
        if name.ends_with("TOKEN") {
            variables.push((name, &token));
        }
        let stdin = if name == "stdin" {
            format!("{token}\n")
        } else {
            String::new()
        };
        let output = as_job(&words, &variables, &stdin).await;
        printed(&output);
        assert_eq!(output.stderr, "", "nobody masks here");
        assert!(!output.stdout.contains(&token));
        check_exchange(&gateway, &token, "access_token");
    }
}

#[tokio::test]
async fn a_token_for_somebody_else_is_not_sent() {
    let gateway = Gateway::start(Vec::new()).await;
    let own = gateway.url.clone();
    for (organization, audience, flags) in [
        ("acme", json!("https://vault.example"), &[][..]),
        ("acme", json!(format!("{own}/other")), &[]),
        ("acme", json!(format!("{own}.evil.example/acme")), &[]),
        (
            "acme",
            json!([format!("{own}/acme"), "https://vault.example"]),
            &[],
        ),
        ("acme", json!([]), &[]),
        ("acme", json!("chainloop"), &[]),
        ("", json!(format!("{own}x/acme")), &[]),
        (
            "acme",
            json!(format!("{own}/acme")),
            &["--audience", "https://gate.acme.dev/acme"],
        ),
    ] {
        let token = job_token(&json!({ "iss": "https://gitlab.com", "aud": audience }));
        let variables = [
            ("POSTERN_URL", own.as_str()),
            ("POSTERN_ORGANIZATION", organization),
            ("POSTERN_ID_TOKEN", &token),
        ];
        let words: Vec<&str> = WORDS.iter().chain(flags).copied().collect();
        let output = as_job(&words, &variables, "").await;
        assert_eq!((output.code, output.stdout.as_str()), (2, ""), "{audience}");
        for part in [
            "the job token is made for ",
            "alone\n  hint: set its audience",
            "or check POSTERN_URL and POSTERN_ORGANIZATION\n",
        ] {
            assert!(
                output.stderr.contains(part),
                "{audience}: {}",
                output.stderr
            );
        }
    }
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn an_address_by_another_name_needs_the_audience_said() {
    let gateway = Gateway::start(vec![given(), given()]).await;
    let audience = "https://gate.acme.dev/acme";
    let token = of_gitlab(audience);
    let variables = [
        ("POSTERN_URL", gateway.url.as_str()),
        ("POSTERN_ID_TOKEN", &token),
    ];
    let words = ["token", "exchange", "--audience", audience];
    printed(&as_job(&words, &variables, "").await);
    // Without an organization in the settings, the token says it.
    let token = of_gitlab(&format!("{}/acme", gateway.url));
    let variables = [
        ("POSTERN_URL", gateway.url.as_str()),
        ("POSTERN_ID_TOKEN", &token),
    ];
    printed(&as_job(&WORDS, &variables, "").await);
}

#[tokio::test]
async fn without_a_token_it_says_what_to_add() {
    let gateway = Gateway::start(Vec::new()).await;
    let url = gateway.url.as_str();
    for (variables, code, why) in [
        (
            &[("GITHUB_ACTIONS", "true")][..],
            4,
            "add `permissions: id-token: write` to the job",
        ),
        (
            &[("GITLAB_CI", "true")],
            4,
            "add `id_tokens: POSTERN_ID_TOKEN: ",
        ),
        (&[], 4, "this is no job of GitHub Actions or GitLab CI"),
        // One of the two alone is as none.
        (
            &[
                ("GITHUB_ACTIONS", "true"),
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://run.example/?a"),
            ],
            4,
            "this job may not ask GitHub for a token",
        ),
        (
            &[
                ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://run.example/?a"),
                ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", CREDENTIAL),
            ],
            3,
            "ACTIONS_ID_TOKEN_REQUEST_URL is not https://",
        ),
        (
            &[("POSTERN_ID_TOKEN", "hunter2")],
            2,
            "POSTERN_ID_TOKEN holds no job token: the token has not three parts",
        ),
    ] {
        let variables: Vec<_> = variables
            .iter()
            .copied()
            .chain([("POSTERN_URL", url)])
            .collect();
        let output = as_job(&WORDS, &variables, "").await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains(why), "{why}: {}", output.stderr);
        assert!(!output.stderr.contains("hunter2"));
    }
    for (words, code, why) in [
        (
            &["--token-variable", "NOT_SET"][..],
            4,
            "the variable NOT_SET is not set\n  hint: check the name",
        ),
        (&["--token-file", "not-there"], 3, "not-there: No such file"),
        (
            &["--token-file", "-"],
            2,
            "standard input holds no job token",
        ),
        (
            &["--token-file", "-", "--token-variable", "A"],
            2,
            "cannot be used with",
        ),
    ] {
        let words: Vec<&str> = WORDS.iter().chain(words).copied().collect();
        let output = as_job(&words, &[("POSTERN_URL", url)], "").await;
        assert_eq!(
            (output.code, output.stdout.as_str()),
            (code, ""),
            "{}",
            output.stderr
        );
        assert!(output.stderr.contains(why), "{why}: {}", output.stderr);
    }
    // No token travels unencrypted, and none is asked for to that end.
    let token = of_gitlab("http://gate.example");
    let variables = [
        ("POSTERN_URL", "http://gate.example"),
        ("POSTERN_ID_TOKEN", &token),
    ];
    let output = as_job(&WORDS, &variables, "").await;
    assert_eq!(output.code, 3);
    assert!(
        output.stderr.contains("would send tokens unencrypted"),
        "{}",
        output.stderr
    );
    assert!(gateway.asked().is_empty());
}
