//! The dashboard's files, from the assets binding. They always carry the headers that keep other
//! sites' scripts and frames away.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Response, ResponseInit};

use super::incoming::Incoming;
use super::respond;
use crate::log::RequestLog;
use crate::platform::Platform;
use postern_registry::error::Error;
use postern_wire::conditional;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// Sends the browser on to the first page.
pub fn redirect() -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("location", "/dashboard/")?;
    let init = ResponseInit::new();
    init.set_status(308);
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(None, &init)
}

/// Serves a file, by its path below `/dashboard`.
pub async fn serve(
    incoming: &Incoming,
    platform: &Platform,
    file: &str,
    log: &mut RequestLog,
) -> Result<Response, JsValue> {
    let found = async {
        let binding = js_sys::Reflect::get(platform.env.as_ref(), &"ASSETS".into())?;
        let fetch: js_sys::Function =
            js_sys::Reflect::get(&binding, &"fetch".into())?.dyn_into()?;
        let url = format!("http://assets{file}");
        let promise = fetch.call1(&binding, &url.into())?;
        JsFuture::from(promise.unchecked_into::<js_sys::Promise>()).await
    };
    let found: Response = match found.await {
        Ok(found) => found.unchecked_into(),
        Err(error) => {
            let cause = format!("assets: {error:?}");
            return respond::problem(&Error::Unavailable { cause }, incoming, log);
        }
    };
    if found.status() == 404 {
        return respond::problem(&Error::NotFound { what: "file" }, incoming, log);
    }
    let etag = found.headers().get("etag")?.unwrap_or_default();
    let known = incoming.header("if-none-match");
    let response = if found.status() == 200
        && known.is_some_and(|known| conditional::is_known(&known, &etag))
    {
        not_modified(&found)?
    } else {
        let init: &ResponseInit = found.unchecked_ref();
        Response::new_with_opt_readable_stream_and_init(found.body().as_ref(), init)?
    };
    let headers = response.headers();
    if let Some(location) = headers.get("location")?
        && location.starts_with('/')
    {
        headers.set("location", &format!("/dashboard{location}"))?;
    }
    headers.set("x-request-id", &incoming.request_id)?;
    headers.set("content-security-policy", POLICY)?;
    headers.set("x-content-type-options", "nosniff")?;
    headers.set("referrer-policy", "no-referrer")?;
    headers.set("cross-origin-opener-policy", "same-origin")?;
    headers.set("cross-origin-resource-policy", "same-origin")?;
    Ok(response)
}

/// The file's answer to who has it already: its headers without those of its content.
fn not_modified(found: &Response) -> Result<Response, JsValue> {
    let headers = Headers::new_with_headers(&found.headers())?;
    headers.delete("content-length")?;
    headers.delete("content-type")?;
    let init = ResponseInit::new();
    init.set_status(304);
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(None, &init)
}
