//! Calls of the gateway's own to the origin, with a credential that somebody gave for one of them.

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use web_sys::{Headers, RequestInit};

use super::body::read_stream;
use super::origin::{convert, failed, fetch, head, request};
use postern_gate::Outage;
use postern_gate::own_tokens::{Attempted, MAX_TOKEN_ANSWER};
use postern_registry::config::Config;
use postern_registry::ports::OriginCall;
use postern_wire::grpc_web;

/// Makes a call, once, and reads its answer to the end. A redirect is not followed: the credential goes
/// where ORIGIN_URL says.
pub async fn ask(call: &OriginCall<'_>, config: &Config) -> Attempted {
    let init = init(call, config).map_err(|error| failed(&error))?;
    let url = format!("{}{}", config.origin_url, call.path);
    let response = fetch(&url, &init).await?;
    let reply = head(&response);
    let content = read_stream(response.body(), MAX_TOKEN_ANSWER).await;
    let content = content.map_err(|error| Outage::Failed(error.private()))?;
    Ok((reply, content))
}

fn init(call: &OriginCall<'_>, config: &Config) -> Result<RequestInit, JsValue> {
    let frame = grpc_web::frame(&call.message).map_err(|error| error.to_string())?;
    let media = match config.origin_speaks_grpc {
        // What the platform converts has this media type, without a codec.
        true => "application/grpc-web",
        false => "application/grpc-web+proto",
    };
    let headers = Headers::new()?;
    headers.set("content-type", media)?;
    headers.set("x-grpc-web", "1")?;
    headers.set("authorization", &format!("Bearer {}", call.bearer.expose()))?;
    headers.set("chainloop-organization", call.organization)?;
    for header in &config.origin_headers {
        headers.set(&header.name, header.value.expose())?;
    }
    let init = request("POST", &headers, config.origin_timeout_ms);
    init.set_body(&Uint8Array::from(frame.as_slice()));
    if config.origin_speaks_grpc {
        convert(&init)?;
    }
    Ok(init)
}
