//! Examples for each command, as helps and man pages have them. A test parses every line.

/// The examples of a command, by its path without `postern`; of one that has others below it, the
/// first of each.
pub fn of(path: &str) -> Vec<&'static str> {
    let own = EXAMPLES.iter().find(|(of, _)| *of == path);
    if let Some((_, lines)) = own {
        return lines.to_vec();
    }
    let is_below = |of: &str| {
        let rest = of.strip_prefix(path);
        rest.is_some_and(|rest| rest.starts_with(' '))
    };
    let below = EXAMPLES.iter().filter(|(of, _)| is_below(of));
    below
        .filter_map(|(_, lines)| lines.first().copied())
        .collect()
}

/// All of them.
pub const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "postern token list --search shop",
            "postern --profile staging token revoke ci-release",
            "postern token create --name ci --project shop --expiration 90d",
        ],
    ),
    (
        "token create",
        &[
            "postern token create --name ci --project shop --workflow release --expiration 90d",
            "postern token create --name ci --from 203.0.113.0/24 --from 2001:db8::/32 --calls-per-minute 600",
            "export CHAINLOOP_TOKEN=$(postern token create --name ci --project shop --format jwt -o token)",
        ],
    ),
    (
        "token list",
        &[
            "postern token list --search 'shop release'",
            "postern token list --search - < leaked.txt      # a whole secret, never as an argument",
            "postern token list --expires-before 14d --columns name,expires_at",
            "postern token list --unused-since 30d -o csv > unused.csv",
        ],
    ),
    (
        "token show",
        &[
            "postern token show ci-release",
            "postern token show pst_0ur4e3zI -o json",
        ],
    ),
    (
        "token revoke",
        &[
            "postern token revoke ci-release",
            "postern token revoke pst_0ur4e3zI pst_7aBcDeFg",
            "postern token revoke --minted-by ci-bootstrap --dry-run",
            "postern token revoke --project shop --created-before 90d --yes",
        ],
    ),
    (
        "token edit",
        &[
            "postern token edit ci-release --from 203.0.113.0/24",
            "postern token edit ci-release --calls-per-minute 60 --expiration 30d",
        ],
    ),
    ("token release", &["postern token release ci-release"]),
    (
        "token rotate",
        &[
            "postern token rotate ci-release --overlap 1h",
            "postern token rotate ci-release --expiration 90d -o token",
        ],
    ),
    (
        "token adopt",
        &["postern token adopt --project shop < token.jwt"],
    ),
    (
        "token exchange",
        &[
            "export CHAINLOOP_TOKEN=$(postern token exchange --format jwt)",
            "postern token exchange --format jwt --github-env CHAINLOOP_TOKEN",
        ],
    ),
    (
        "trust add",
        &[
            "postern trust add --repository acme/shop --project shop --workflow release --ref refs/heads/main",
            "postern trust add --token-file job.jwt --project shop",
        ],
    ),
    (
        "trust list",
        &["postern trust list", "postern trust list -o jsonl"],
    ),
    (
        "trust remove",
        &["postern trust remove 5f1c7a52-9f0e-4c6a-8f43-1d1c3f0f7c11"],
    ),
    ("trust test", &["postern trust test --token-file job.jwt"]),
    (
        "whoami",
        &["postern whoami", "postern --profile staging whoami -o json"],
    ),
    (
        "org create",
        &[
            "postern org create acme --max-idle-days 90 --on-leak quarantine",
            "postern org create acme --max-lifetime-days 90 --default-expires-in 30d",
        ],
    ),
    (
        "org list",
        &["postern org list", "postern org list -o name"],
    ),
    (
        "org update",
        &[
            "postern org update acme --mint-ceiling 5000",
            "postern org update acme --mint-ceiling default --federated-only true",
            "postern org update acme --max-lifetime-days 90 --default-expires-in 30d",
        ],
    ),
    (
        "org pause",
        &[
            "postern org pause acme --reason \"a leaked key\" --yes",
            "postern org pause acme --yes --no-wait",
        ],
    ),
    ("org resume", &["postern org resume acme"]),
    (
        "org rebuild",
        &[
            "postern org rebuild acme --dry-run",
            "postern org rebuild acme --yes",
        ],
    ),
    ("project create", &["postern project create shop"]),
    ("project list", &["postern project list"]),
    (
        "workflow create",
        &["postern workflow create release --project shop"],
    ),
    ("workflow list", &["postern workflow list --project shop"]),
    (
        "upstream set",
        &[
            "postern upstream set < credential.txt",
            "postern upstream set --project shop --create --expires-in 90d < token-of-somebody.txt",
        ],
    ),
    ("upstream list", &["postern upstream list"]),
    (
        "upstream show",
        &["postern upstream show --project shop --workflow release"],
    ),
    ("upstream clear", &["postern upstream clear --project shop"]),
    (
        "leaks report",
        &[
            "postern leaks report build.log",
            "git log -p | postern leaks report -",
        ],
    ),
    (
        "activity",
        &[
            "postern activity --days 7",
            "postern activity ci-release",
            "postern activity --follow",
            "postern activity -o csv --limit 200 > refused.csv",
        ],
    ),
    (
        "audit list",
        &[
            "postern audit list --last 24h",
            "postern audit list ci-release --action token.revoke",
            "postern audit list --actor ci-bootstrap --columns at,action,token",
            "postern audit list --request-id ba0ecd2b5de1c6b1bd9b1e0ab2a3d5a1",
        ],
    ),
    ("audit export", &["postern audit export log.ndjson"]),
    (
        "audit verify",
        &[
            "ROOT_KEYS=… postern audit verify log.ndjson",
            "postern audit verify log.ndjson --key @keys.txt --checkpoint newest.txt --checkpoint kept.txt",
            "postern audit verify event-12.tlog-proof --key @keys.txt",
        ],
    ),
    (
        "audit prove",
        &["postern audit prove 12 --key @keys.txt > event-12.tlog-proof"],
    ),
    (
        "audit checkpoint",
        &[
            "postern audit checkpoint --fresh > newest.txt",
            "postern audit checkpoint --key @keys.txt --since kept.txt > newest.txt",
        ],
    ),
    (
        "audit witness",
        &["postern audit witness --state ~/witness --name witness.example/audit --log @keys.txt"],
    ),
    (
        "explain",
        &[
            "postern explain AttestationService/Init --project shop --workflow release",
            "postern explain token.revoke",
        ],
    ),
    (
        "attest",
        &[
            "postern attest --project shop --workflow release --envelope attestation.json",
            "postern attest --ci --project shop --workflow release --envelope attestation.json",
            "postern bridge -- postern attest --project shop --workflow release --envelope attestation.json",
            "postern attest --project shop --workflow release --unsigned target/app   # for trying",
        ],
    ),
    (
        "bridge",
        &[
            "postern bridge -- chainloop attestation init --project shop --workflow release",
            "postern bridge --gateway https://gate.example --listen 127.0.0.1:9000",
        ],
    ),
    (
        "doctor",
        &["postern doctor", "postern --profile staging doctor"],
    ),
    (
        "setup",
        &[
            "postern setup --dry-run",
            "postern setup --name gate --origin-url https://api.example --organization acme",
        ],
    ),
    (
        "preflight",
        &["postern preflight", "postern preflight --env production"],
    ),
    ("profile list", &["postern profile list"]),
    (
        "completion",
        &["postern completion bash > ~/.local/share/bash-completion/completions/postern"],
    ),
    (
        "man",
        &[
            "postern man | man -l -",
            "postern man --into ~/.local/share/man/man1",
        ],
    ),
];
