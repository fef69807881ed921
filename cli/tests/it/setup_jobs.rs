//! `postern setup --ci-issuers`: what is written where the gateway's URL is known, and where deploying tells it.

use std::fs;

use crate::golden;
use crate::standin::Folder;

const FLAGS: [&str; 10] = [
    "--origin-url",
    "https://attestation.acme.dev",
    "--organization",
    "acme",
    "--project",
    "shop",
    "--workflow",
    "release",
    "--wait",
    "1",
];
/// Nothing is reached: what comes behind the deployment fails at once, and without a look at any name.
const NOWHERE: [(&str, &str); 1] = [("HTTPS_PROXY", "http://127.0.0.1:1")];

async fn setup(folder: &Folder, flags: &[&str]) -> String {
    let flags: Vec<&str> = FLAGS.iter().chain(flags).copied().collect();
    let output = folder.setup(&flags, &NOWHERE).await;
    assert_eq!(output.code, 9, "{}", output.stderr);
    assert!(
        output.stderr.contains("not ready within 1 s"),
        "{}",
        output.stderr
    );
    folder.config()
}

fn deployments(folder: &Folder) -> usize {
    folder
        .calls()
        .iter()
        .filter(|call| *call == "deploy")
        .count()
}

#[tokio::test]
async fn off_unless_asked_for() {
    let folder = Folder::new();
    let config = setup(&folder, &["--gateway", "https://gate.acme.dev"]).await;
    assert!(!config.contains("CI_"), "{config}");
    assert_eq!(deployments(&folder), 1);
}

#[tokio::test]
async fn an_address_that_is_known_is_written_before_the_deployment() {
    let folder = Folder::new();
    let flags = [
        "--gateway",
        "https://gate.acme.dev/",
        "--ci-issuers",
        "github,gitlab=https://gitlab.acme.dev",
    ];
    let config = setup(&folder, &flags).await;
    let expected = "\"vars\": {\n    \"CI_ISSUERS\": \"github,gitlab=https://gitlab.acme.dev\",\n    \
                    \"CI_AUDIENCES\": \"https://gate.acme.dev\",\n";
    assert!(config.contains(expected), "{config}");
    assert_eq!(deployments(&folder), 1);
    // Another address joins it; a run without the flag leaves both.
    let flags = [
        "--gateway",
        "https://two.acme.dev",
        "--ci-issuers",
        "github",
    ];
    let config = setup(&folder, &flags).await;
    let expected = "\"CI_ISSUERS\": \"github\",\n    \"CI_AUDIENCES\": \"https://gate.acme.dev,https://two.acme.dev\",";
    assert!(config.contains(expected), "{config}");
    let again = setup(&folder, &["--gateway", "https://two.acme.dev"]).await;
    assert_eq!(again, config);
}

#[tokio::test]
async fn an_address_that_deploying_tells_is_written_and_deployed_once() {
    let folder = Folder::new();
    fs::write(
        folder.file("targets"),
        "\"https://postern.acme.workers.dev\"",
    )
    .unwrap();
    let config = setup(&folder, &["--ci-issuers", "github"]).await;
    assert!(
        config.contains("\"CI_AUDIENCES\": \"https://postern.acme.workers.dev\","),
        "{config}"
    );
    assert_eq!(deployments(&folder), 2);
    assert_eq!(setup(&folder, &["--ci-issuers", "github"]).await, config);
    assert_eq!(deployments(&folder), 1);
}

#[tokio::test]
async fn a_dry_run_shows_it_and_a_wrong_issuer_is_refused() {
    let folder = Folder::new();
    let before = folder.config();
    let flags: Vec<&str> = FLAGS
        .iter()
        .chain(&["--ci-issuers", "github", "--dry-run"])
        .copied()
        .collect();
    let output = folder.setup(&flags, &[]).await;
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    golden::check("setup-dry-run-jobs.txt", &output.stdout);
    for (issuers, why) in [
        ("githab", "entry 1 is no URL that begins with `https://`"),
        (
            "github,http://127.0.0.1:9",
            "entry 2 is no URL that begins with `https://`",
        ),
        (
            "https://gitlab.com",
            "entry 1 is an issuer of GitHub or GitLab",
        ),
        ("", "entry 1 has no issuer"),
    ] {
        let flags: Vec<&str> = FLAGS
            .iter()
            .chain(&["--ci-issuers", issuers])
            .copied()
            .collect();
        let output = folder.setup(&flags, &[]).await;
        assert_eq!(output.code, 2, "{issuers}: {}", output.stderr);
        assert!(output.stderr.contains(why), "{issuers}: {}", output.stderr);
    }
    assert_eq!(folder.config(), before);
}
