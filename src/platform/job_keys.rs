//! The port of what verifying a job token needs (R47): documents of issuers and forges, and WebCrypto.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;

use futures_util::future::{Either, select};
use js_sys::{Array, JSON, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto, WorkerGlobalScope};

use super::*;
use crate::log;
use postern_registry::ports::{JobKeys, NotFetched};
use postern_wire::job::{Algorithm, PublicKey, Question};

/// How long an answer of the platform's cryptography may take, in milliseconds.
const VERIFY_MS: u32 = 5_000;
/// Most keys that are kept as the platform has them.
const CAPACITY: usize = 64;

type Imported = HashMap<(Algorithm, String), CryptoKey>;

thread_local! {
    static IMPORTED: RefCell<Imported> = RefCell::default();
}

impl JobKeys for Platform {
    async fn fetch_public(
        &self,
        url: &str,
        limit: usize,
    ) -> core::result::Result<Vec<u8>, NotFetched> {
        http::fetch_public(url, limit).await
    }

    async fn holds(&self, question: &Question) -> bool {
        match select(pin!(verify(question)), pin!(delay(VERIFY_MS))).await {
            Either::Left((holds, _)) => holds.unwrap_or(false),
            Either::Right(_) => false,
        }
    }

    async fn pause(&self, ms: u32) {
        delay(ms).await;
    }

    fn keys_failed(&self, cause: &str) {
        log::failure("job_keys", cause);
    }
}

async fn verify(question: &Question) -> core::result::Result<bool, JsValue> {
    let scope: WorkerGlobalScope = js_sys::global().unchecked_into();
    let subtle = scope.crypto()?.subtle();
    let key = imported(&subtle, question.key()).await?;
    let algorithm = match question.key().algorithm() {
        Algorithm::Rs256 => object(&[("name", "RSASSA-PKCS1-v1_5")])?,
        Algorithm::Es256 => object(&[("name", "ECDSA"), ("hash", "SHA-256")])?,
        Algorithm::EdDsa => object(&[("name", "Ed25519")])?,
    };
    let signature = Uint8Array::from(question.signature());
    let message = Uint8Array::from(question.message());
    let asked = subtle.verify_with_object_and_buffer_source_and_buffer_source(
        &algorithm, &key, &signature, &message,
    )?;
    // Nothing but `true` is a yes.
    Ok(JsFuture::from(asked).await? == JsValue::TRUE)
}

/// A key as the platform has it.
async fn imported(
    subtle: &SubtleCrypto,
    key: &PublicKey,
) -> core::result::Result<CryptoKey, JsValue> {
    let name = (key.algorithm(), key.jwk().to_owned());
    if let Some(known) = IMPORTED.with_borrow(|map| map.get(&name).cloned()) {
        return Ok(known);
    }
    let algorithm = match key.algorithm() {
        Algorithm::Rs256 => object(&[("name", "RSASSA-PKCS1-v1_5"), ("hash", "SHA-256")])?,
        Algorithm::Es256 => object(&[("name", "ECDSA"), ("namedCurve", "P-256")])?,
        Algorithm::EdDsa => object(&[("name", "Ed25519")])?,
    };
    let jwk: Object = JSON::parse(key.jwk())?.dyn_into()?;
    let uses = Array::of1(&"verify".into());
    let asked = subtle.import_key_with_object("jwk", &jwk, &algorithm, false, &uses)?;
    let imported: CryptoKey = JsFuture::from(asked).await?.dyn_into()?;
    IMPORTED.with_borrow_mut(|map| {
        if map.len() >= CAPACITY {
            map.clear();
        }
        map.insert(name, imported.clone());
    });
    Ok(imported)
}

fn object(members: &[(&str, &str)]) -> core::result::Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &(*name).into(), &(*value).into())?;
    }
    Ok(object)
}
