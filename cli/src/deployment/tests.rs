//! What is refused, as rows; the repository's own configurations are among it.

use super::*;
use serde_json::json;

const DATABASE_ID: &str = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
const NAMESPACE_ID: &str = "06779da6940b431db6e566b4846d64db";

fn good() -> Value {
    json!({
        "name": "postern",
        "d1_databases": [{ "binding": "DB", "database_name": "postern", "database_id": DATABASE_ID }],
        "kv_namespaces": [{ "binding": "FACTS", "id": NAMESPACE_ID }],
        "vars": { "ORIGIN_URL": "https://attestation.acme.dev", "ENVIRONMENT": "production" },
    })
}

fn problems(config: Value) -> Vec<String> {
    Deployment::new(config, None).unwrap().problems()
}

#[test]
fn r51_what_is_filled_in_has_no_problem() {
    assert_eq!(problems(good()), Vec::<String>::new());
    let staging = json!({ "env": { "staging": good() } });
    let deployment = Deployment::new(staging.clone(), Some("staging")).unwrap();
    assert_eq!(deployment.problems(), Vec::<String>::new());
    assert!(Deployment::new(staging.clone(), Some("other")).is_err());
    // An environment inherits nothing of this, and gives nothing.
    assert_eq!(problems(staging).len(), 4);
}

#[test]
fn r51_every_placeholder_is_refused_and_named() {
    let rows = [
        (
            "/d1_databases/0/database_id",
            placeholder::DATABASE_ID,
            "d1_databases, binding DB: the id is the example's",
        ),
        (
            "/d1_databases/0/database_id",
            "YOUR-ID",
            "d1_databases, binding DB: this is no id",
        ),
        (
            "/d1_databases/0/binding",
            "OTHER",
            "d1_databases, binding DB: there is no id",
        ),
        (
            "/kv_namespaces/0/id",
            placeholder::NAMESPACE_ID,
            "kv_namespaces, binding FACTS: the id is the example's",
        ),
        (
            "/kv_namespaces/0/id",
            DATABASE_ID,
            "kv_namespaces, binding FACTS: this is no id",
        ),
        (
            "/vars/ORIGIN_URL",
            "http://127.0.0.1:9090",
            "ORIGIN_URL leads to this machine",
        ),
        (
            "/vars/ORIGIN_URL",
            "https://[::1]/x",
            "ORIGIN_URL leads to this machine",
        ),
        (
            "/vars/ORIGIN_URL",
            "https://origin.example.com",
            "ORIGIN_URL is an example's",
        ),
        (
            "/vars/ORIGIN_URL",
            "https://your-origin.invalid/base",
            "ORIGIN_URL is an example's",
        ),
        (
            "/vars/ORIGIN_URL",
            "attestation.acme.dev",
            "ORIGIN_URL must begin",
        ),
        ("/vars/ORIGIN_URL", "https://", "ORIGIN_URL must begin"),
        (
            "/vars/ENVIRONMENT",
            "development",
            "ENVIRONMENT is not `production`",
        ),
    ];
    for (pointer, value, expected) in rows {
        let mut config = good();
        *config.pointer_mut(pointer).unwrap() = value.into();
        let told = problems(config);
        assert_eq!(told.len(), 1, "{pointer}: {told:?}");
        assert!(told[0].starts_with(expected), "{told:?}");
    }
}

#[test]
fn r51_secrets_and_an_open_bootstrap_are_refused_without_being_repeated() {
    let own = "0123456789abcdef0123456789abcdef";
    let rows = [
        ("BOOTSTRAP", "open", "BOOTSTRAP is `open`"),
        (
            "ADMIN_TOKEN",
            placeholder::ADMIN_TOKEN,
            "ADMIN_TOKEN is the example's",
        ),
        ("ADMIN_TOKEN", own, "ADMIN_TOKEN stands among the variables"),
        ("TOKEN_KEYS", own, "TOKEN_KEYS stands among the variables"),
        ("ROOT_KEYS", own, "ROOT_KEYS stands among the variables"),
        ("ADOPT_KEYS", own, "ADOPT_KEYS stands among the variables"),
        (
            "ASSERTION_KEYS",
            own,
            "ASSERTION_KEYS stands among the variables",
        ),
    ];
    for (name, value, expected) in rows {
        let mut config = good();
        config["vars"][name] = value.into();
        let told = problems(config);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(expected), "{told:?}");
        assert!(!told[0].contains(value) || value == "open", "{told:?}");
    }
}

#[test]
fn r51_the_examples_are_the_ones_that_are_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in [
        "wrangler.toml",
        "packages/create-postern/template/wrangler.jsonc",
    ] {
        let told = Deployment::read(&root.join(file), None).unwrap().problems();
        let starts = [
            "d1_databases",
            "kv_namespaces",
            "ORIGIN_URL leads to this machine",
        ];
        assert_eq!(told.len(), starts.len(), "{file}: {told:?}");
        for (told, start) in told.iter().zip(starts) {
            assert!(told.starts_with(start), "{file}: {told}");
        }
    }
    let example = fs::read_to_string(root.join(".dev.vars.example")).unwrap();
    let admin = format!("\nADMIN_TOKEN=\"{}\"\n", placeholder::ADMIN_TOKEN);
    assert!(example.contains(&admin));
    let key = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        placeholder::KEY,
    );
    assert!(example.contains(&format!("\nTOKEN_KEYS=\"local:{key}\"\n")));
}
