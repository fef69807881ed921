//! Token facts in KV, under `token:<id>`. Refuses to fail: a KV that does not answer is a miss,
//! and the record is asked.
//!
//! INVARIANT (KV may say what a token is, never that it lives): the value holds immutable facts.

use worker::Env;

use crate::domain::id::TokenId;
use crate::domain::token::TokenFacts;
use crate::edge::log;

/// The binding.
const BINDING: &str = "FACTS";

fn key(token: TokenId) -> String {
    format!("token:{token}")
}

/// The facts, if KV has them.
pub async fn get(env: &Env, token: TokenId) -> Option<TokenFacts> {
    let store = env.kv(BINDING).ok()?;
    let text = match store.get(&key(token)).text().await {
        Ok(text) => text?,
        Err(error) => {
            log::failure("kv.get", &error.to_string());
            return None;
        }
    };
    serde_json::from_str::<TokenFacts>(&text)
        .ok()
        .filter(|facts| facts.id == token)
}

/// Stores the facts.
pub async fn put(env: &Env, facts: &TokenFacts) {
    let (Ok(store), Ok(text)) = (env.kv(BINDING), serde_json::to_string(facts)) else {
        return;
    };
    let Ok(put) = store.put(&key(facts.id), text) else {
        return;
    };
    if let Err(error) = put.execute().await {
        log::failure("kv.put", &error.to_string());
    }
}
