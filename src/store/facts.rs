//! Token facts in KV, under `token:<id>`, and organizations' ids, under `organization:<name>`. A KV
//! that does not answer is a miss, and D1 is asked.
//!
//! INVARIANT (KV may say what a token is, never that it lives): the value holds immutable facts.

use worker::Env;

use crate::log;
use postern_domain::id::{OrganizationId, TokenId};
use postern_domain::name::Label;
use postern_domain::token::TokenFacts;

/// The binding.
const BINDING: &str = "FACTS";

fn key(token: TokenId) -> String {
    format!("token:{token}")
}

/// The facts, if KV has them.
pub async fn get(env: &Env, token: TokenId) -> Option<TokenFacts> {
    let text = read(env, &key(token)).await?;
    serde_json::from_str::<TokenFacts>(&text)
        .ok()
        .filter(|facts| facts.id == token)
}

/// Stores the facts.
pub async fn put(env: &Env, facts: &TokenFacts) {
    if let Ok(text) = serde_json::to_string(facts) {
        write(env, &key(facts.id), text).await;
    }
}

/// The id of the organization of this name, if KV has it.
pub async fn organization(env: &Env, name: &str) -> Option<OrganizationId> {
    // A key has at most 512 bytes; a longer name is no organization's.
    let name = Label::parse(name).ok()?;
    let text = read(env, &format!("organization:{}", name.as_str())).await?;
    OrganizationId::parse(&text).ok()
}

/// Stores an organization's id. Neither name nor id ever changes.
pub async fn put_organization(env: &Env, name: &str, id: OrganizationId) {
    write(env, &format!("organization:{name}"), id.to_string()).await;
}

async fn read(env: &Env, key: &str) -> Option<String> {
    let store = env.kv(BINDING).ok()?;
    match store.get(key).text().await {
        Ok(text) => text,
        Err(error) => {
            log::failure("kv.get", &error.to_string());
            None
        }
    }
}

async fn write(env: &Env, key: &str, text: String) {
    let Ok(put) = env
        .kv(BINDING)
        .map_err(|error| error.to_string())
        .and_then(|store| store.put(key, text).map_err(|error| error.to_string()))
    else {
        return;
    };
    if let Err(error) = put.execute().await {
        log::failure("kv.put", &error.to_string());
    }
}
