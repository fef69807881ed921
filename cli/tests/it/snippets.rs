//! What documents and dashboard tell people to type for the stock client: a JWT, as that client
//! reads its token, and the bridge as the one that runs it, so that no other listener gets the
//! token.

use std::fs;
use std::path::Path;

const FILES: [&str; 3] = ["README.md", "docs/CLI.md", "dashboard/secret.js"];

fn text(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_stock_client_is_handed_a_jwt() {
    for (file, jwt, why) in [
        (
            "README.md",
            "--format jwt",
            "leaves `auth` out of the attestation unless it is a JWT",
        ),
        (
            "docs/CLI.md",
            "--format jwt",
            "leaves that out for any other token",
        ),
        (
            "docs/CI.md",
            "postern token exchange --format jwt",
            "leaves `auth` out for any other token",
        ),
        (
            "dashboard/secret.js",
            "minted.format === \"jwt\"",
            "leaves “auth” out of",
        ),
    ] {
        let text = text(file);
        assert!(text.contains(jwt), "{file} mints another token");
        assert!(text.contains(why), "{file} does not say why");
    }
    for file in ["README.md", "docs/CLI.md"] {
        for block in text(file).split("```").skip(1).step_by(2) {
            if block.contains("CHAINLOOP_TOKEN=") || block.contains("--token \"$") {
                assert!(block.contains("--format jwt"), "{file}: {block}");
            }
        }
    }
}

#[test]
fn the_stock_client_runs_below_the_bridge() {
    let mut found = 0;
    for file in FILES {
        let text = text(file).replace("${postern}", "postern");
        let lines: Vec<&str> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            if !line.contains("chainloop attestation ") {
                continue;
            }
            found += 1;
            let before = lines[number.saturating_sub(3)..=number].join("\n");
            assert!(
                before.contains("postern bridge ") && before.contains(" -- "),
                "{file}:{}: {line}",
                number + 1
            );
            assert!(
                !line.contains("--insecure") && !line.contains("--control-plane"),
                "{file}: {line}"
            );
        }
        assert!(
            !text.contains("postern bridge --gateway ${gate} &"),
            "{file}"
        );
    }
    assert!(found >= 6, "{found}");
}
