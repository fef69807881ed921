//! Request bodies up to a limit. Refuses the rest before reading it where the length is declared,
//! and stops reading at the limit where it is not.

use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::incoming::Incoming;
use crate::app::error::{Error, Result};

/// A body in full: for us as bytes, and as the runtime has it, to be sent on without a copy.
pub struct Body {
    pub bytes: Vec<u8>,
    pub raw: Uint8Array,
}

/// Reads the body.
///
/// # Errors
/// `BodyTooLarge`, or `Invalid` when the client stops sending.
pub async fn read(incoming: &Incoming, limit: usize) -> Result<Body> {
    let declared = incoming
        .header("content-length")
        .and_then(|text| text.parse::<u64>().ok());
    match declared {
        Some(length) if length > limit as u64 => Err(Error::BodyTooLarge { limit }),
        Some(_) => whole(incoming, limit).await,
        None => {
            let bytes = read_stream(incoming.request.body(), limit).await?;
            let raw = Uint8Array::from(bytes.as_slice());
            Ok(Body { bytes, raw })
        }
    }
}

/// The runtime enforces the declared length.
async fn whole(incoming: &Incoming, limit: usize) -> Result<Body> {
    let promise = incoming.request.array_buffer().map_err(broken)?;
    let buffer = JsFuture::from(promise).await.map_err(broken)?;
    let raw = Uint8Array::new(&buffer);
    if raw.length() as usize > limit {
        return Err(Error::BodyTooLarge { limit });
    }
    Ok(Body {
        bytes: raw.to_vec(),
        raw,
    })
}

/// Reads a stream of unknown length.
///
/// # Errors
/// `BodyTooLarge`, or `Invalid` when it breaks off.
pub async fn read_stream(stream: Option<web_sys::ReadableStream>, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let reader: web_sys::ReadableStreamDefaultReader = stream
            .get_reader()
            .dyn_into()
            .map_err(|_| broken(JsValue::NULL))?;
        loop {
            let piece = JsFuture::from(reader.read()).await.map_err(broken)?;
            let done = Reflect::get(&piece, &"done".into()).map_err(broken)?;
            if done.is_truthy() {
                break;
            }
            let value = Reflect::get(&piece, &"value".into()).map_err(broken)?;
            let chunk: Uint8Array = value.dyn_into().map_err(broken)?;
            if bytes.len() + chunk.length() as usize > limit {
                // Best effort: the answer matters more than the rest of the body.
                drop(reader.cancel());
                return Err(Error::BodyTooLarge { limit });
            }
            bytes.extend_from_slice(&chunk.to_vec());
        }
    }
    Ok(bytes)
}

fn broken(_: JsValue) -> Error {
    Error::invalid("body_incomplete", "the body could not be read to its end")
}
