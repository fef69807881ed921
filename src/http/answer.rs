//! The origin's answer for the client, under the plan for its headers.

use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Headers, Response, ResponseInit};

use super::incoming::apply;
use postern_gate::{Made, Pass};

/// The origin's answer for the client; `content` is its body, where that has been read.
pub fn pass(
    end: &Pass,
    reply: Option<Response>,
    content: Option<Uint8Array>,
) -> Result<Response, JsValue> {
    let reply = reply.ok_or("nothing has answered")?;
    match &end.made {
        Made::AsItCame => {
            let init: &ResponseInit = reply.unchecked_ref();
            let response = match &content {
                Some(body) => Response::new_with_opt_js_u8_array_and_init(Some(body), init)?,
                None => {
                    let body = reply.body();
                    Response::new_with_opt_readable_stream_and_init(body.as_ref(), init)?
                }
            };
            apply(&response.headers(), &end.headers)?;
            Ok(response)
        }
        Made::Anew { status, body } => {
            let headers = Headers::new_with_headers(&reply.headers())?;
            apply(&headers, &end.headers)?;
            let init = ResponseInit::new();
            init.set_status(*status);
            init.set_headers(&headers);
            let body = Uint8Array::from(body.as_slice());
            Response::new_with_opt_js_u8_array_and_init(Some(&body), &init)
        }
        Made::Artifact(_) => Err("an artifact passes through its check".into()),
    }
}
