//! The fetch event. Refuses to route: `http` does.

use std::rc::Rc;

use worker::{Context, Env, event};

use super::http;
use super::platform::Platform;

/// Every request of the gate, dashboard files included.
#[event(fetch)]
async fn fetch(
    request: web_sys::Request,
    env: Env,
    context: Context,
) -> worker::Result<web_sys::Response> {
    let platform = Platform::new(env, Rc::new(context));
    http::handle(request, platform).await.map_err(Into::into)
}
