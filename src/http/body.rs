//! Request bodies as the runtime has them: read within a limit and a deadline, or read and dropped.
//! `postern_registry::body` says what may come after one.

use core::time::Duration;
use std::pin::pin;

use futures_util::future::{Either, select};
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::ReadableStreamDefaultReader;
use worker::Delay;

use super::incoming::{Incoming, Rest};
use postern_gate::limits::{DISCARD_TIME_MS, MAX_DISCARDED};
use postern_registry::body::Upload;
use postern_registry::error::{Error, Result};

/// A body in full: for us as bytes, and as the runtime has it, to be sent on without a copy.
pub struct Body {
    pub bytes: Vec<u8>,
    pub raw: Uint8Array,
}

impl Upload for Incoming {
    type Content = Body;

    fn declared(&self) -> Option<u64> {
        Incoming::declared(self)
    }

    async fn read(&self, limit: usize, within_ms: u32) -> Result<Body> {
        let body = async {
            match self.declared() {
                Some(_) => whole(self, limit).await,
                None => pieces(self, limit).await,
            }
        };
        in_time(body, within_ms)
            .await
            .unwrap_or(Err(Error::BodyTimeout {
                seconds: within_ms / 1000,
            }))
    }

    async fn discard(&self, limit: u64, within_ms: u32) {
        // Of more than that the rest stays anyway.
        if self.declared().is_some_and(|length| length > limit) {
            return;
        }
        let (reader, taken) = match self.take_rest() {
            Rest::Untouched(None) | Rest::Taken => return,
            Rest::Untouched(Some(stream)) => {
                match stream
                    .get_reader()
                    .dyn_into::<ReadableStreamDefaultReader>()
                {
                    Ok(reader) => (reader, 0),
                    Err(_) => return,
                }
            }
            Rest::Left { reader, taken } => (reader, taken),
        };
        let drop = async {
            let mut taken = taken;
            while taken <= limit
                && let Ok(Some(chunk)) = next(&reader).await
            {
                taken = taken.saturating_add(u64::from(chunk.length()));
            }
        };
        in_time(drop, within_ms).await;
    }
}

/// Takes what is left of the body before its answer leaves, whatever the answer: over HTTP/1.1 the
/// connection of a client that is still sending is closed, and it may never see what was answered.
pub async fn finish(incoming: &Incoming) {
    incoming.discard(MAX_DISCARDED, DISCARD_TIME_MS).await;
}

/// `None` after that time.
async fn in_time<T>(work: impl Future<Output = T>, ms: u32) -> Option<T> {
    let limit = Delay::from(Duration::from_millis(ms.into()));
    match select(pin!(work), pin!(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// The runtime enforces the declared length.
async fn whole(incoming: &Incoming, limit: usize) -> Result<Body> {
    let promise = incoming.take_buffer().map_err(broken_off)?;
    let buffer = JsFuture::from(promise).await.map_err(broken_off)?;
    let raw = Uint8Array::new(&buffer);
    if raw.length() as usize > limit {
        return Err(Error::BodyTooLarge { limit });
    }
    Ok(Body {
        bytes: raw.to_vec(),
        raw,
    })
}

/// A body of unknown length. Where it is too large, the rest can still be taken.
async fn pieces(incoming: &Incoming, limit: usize) -> Result<Body> {
    let mut bytes = Vec::new();
    if let Rest::Untouched(Some(stream)) = incoming.take_rest() {
        let reader = reader(&stream)?;
        if !collect(&reader, limit, &mut bytes).await? {
            let taken = bytes.len() as u64;
            incoming.leave(Rest::Left { reader, taken });
            return Err(Error::BodyTooLarge { limit });
        }
    }
    let raw = Uint8Array::from(bytes.as_slice());
    Ok(Body { bytes, raw })
}

/// Reads a stream of unknown length.
///
/// # Errors
/// `BodyTooLarge`, or `Invalid` when it breaks off.
pub async fn read_stream(stream: Option<web_sys::ReadableStream>, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let reader = reader(&stream)?;
        if !collect(&reader, limit, &mut bytes).await? {
            // Best effort: the answer matters more than the rest of the body.
            drop(reader.cancel());
            return Err(Error::BodyTooLarge { limit });
        }
    }
    Ok(bytes)
}

fn reader(stream: &web_sys::ReadableStream) -> Result<ReadableStreamDefaultReader> {
    stream.get_reader().dyn_into().map_err(|_| broken())
}

/// Whether the stream ended within the limit.
async fn collect(
    reader: &ReadableStreamDefaultReader,
    limit: usize,
    bytes: &mut Vec<u8>,
) -> Result<bool> {
    while let Some(chunk) = next(reader).await? {
        if bytes.len() + chunk.length() as usize > limit {
            return Ok(false);
        }
        bytes.extend_from_slice(&chunk.to_vec());
    }
    Ok(true)
}

async fn next(reader: &ReadableStreamDefaultReader) -> Result<Option<Uint8Array>> {
    let piece = JsFuture::from(reader.read()).await.map_err(broken_off)?;
    let done = Reflect::get(&piece, &"done".into()).map_err(broken_off)?;
    if done.is_truthy() {
        return Ok(None);
    }
    let value = Reflect::get(&piece, &"value".into()).map_err(broken_off)?;
    value.dyn_into().map(Some).map_err(broken_off)
}

fn broken_off(_: JsValue) -> Error {
    broken()
}

/// The refusal of a body that broke off.
pub fn broken() -> Error {
    Error::invalid("body_incomplete", "the body could not be read to its end")
}
