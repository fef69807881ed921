//! The fetch event. Routing is in `http`.

use std::rc::Rc;

use worker::{Context, Env, event};

use super::http;
use super::platform::Platform;

/// Before the first request of an isolate. The runtime's `queueMicrotask` builds a function for
/// each call; without it, tasks are queued on a promise, which costs a request about 6 % less
/// (measured on workerd 1.20261023, ADR 12).
#[event(start)]
fn start() {
    let name = "queueMicrotask".into();
    // Where it cannot be taken away, requests only cost more.
    let _ = js_sys::Reflect::set(&js_sys::global(), &name, &wasm_bindgen::JsValue::UNDEFINED);
}

/// Every request of the gateway, dashboard files included.
#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    let platform = Platform::new(env, Rc::new(context));
    http::handle(request, platform).await.map_err(Into::into)
}
