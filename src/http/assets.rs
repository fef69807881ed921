//! Files, from the assets binding: the dashboard's, and the description of the API. What becomes of one, `postern_registry::api` says.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, Response, ResponseInit};

use super::incoming::Incoming;
use super::respond;
use crate::platform::Platform;
use postern_gate::request_log::RequestLog;
use postern_registry::api::Request;
use postern_registry::api::open::{self, CONTENT_HEADERS, FILE_HEADERS};
use postern_registry::error::Error;

/// Sends the browser on to the first page.
pub fn redirect() -> Result<Response, JsValue> {
    let headers = Headers::new()?;
    headers.set("location", "/dashboard/")?;
    let init = ResponseInit::new();
    init.set_status(308);
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(None, &init)
}

/// Serves a file, by its path among the assets.
pub async fn serve(
    incoming: &Incoming,
    request: &Request<'_>,
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
    let etag = found.headers().get("etag")?.unwrap_or_default();
    let location = found.headers().get("location")?;
    let file = match open::file(request, found.status(), &etag, location.as_deref()) {
        Ok(file) => file,
        Err(error) => return respond::problem(&error, incoming, log),
    };
    let response = match file.is_known {
        true => not_modified(&found)?,
        false => {
            let init: &ResponseInit = found.unchecked_ref();
            Response::new_with_opt_readable_stream_and_init(found.body().as_ref(), init)?
        }
    };
    let headers = response.headers();
    if let Some(location) = file.location {
        headers.set("location", &location)?;
    }
    headers.set("x-request-id", &incoming.request_id)?;
    for (name, value) in FILE_HEADERS {
        headers.set(name, value)?;
    }
    Ok(response)
}

/// The file's answer to who has it already: its headers without those of its content.
fn not_modified(found: &Response) -> Result<Response, JsValue> {
    let headers = Headers::new_with_headers(&found.headers())?;
    for name in CONTENT_HEADERS {
        headers.delete(name)?;
    }
    let init = ResponseInit::new();
    init.set_status(304);
    init.set_headers(&headers);
    Response::new_with_opt_str_and_init(None, &init)
}
