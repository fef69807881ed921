//! Artifacts from the store: the request, and the content as it passes, piece by piece, as long as it
//! can be the artifact. Of one that cannot, the client's connection is broken off.

use futures_util::stream;
use js_sys::{Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, ReadableStream, ReadableStreamDefaultReader, Response, ResponseInit};
use worker::{ResponseBody, ResponseBuilder};

use super::incoming::{Incoming, apply};
use super::origin::{self, failed};
use crate::log;
use crate::platform::http_date;
use postern_gate::artifacts::download::{DOWNLOAD_MS, Fetched, Fetching};
use postern_gate::artifacts::{Checking, Digest};
use postern_gate::{Outage, Pass};

/// Asks the store. The time limit holds for the content as well.
///
/// # Errors
/// `Late` when nothing answers in time, `Failed` when the runtime does not send it.
pub async fn fetch(fetching: &Fetching) -> Result<(Response, Fetched), Outage> {
    let headers = Headers::new().map_err(|error| failed(&error))?;
    // The digest is of what the store has, not of what travels.
    let set = headers.set("accept-encoding", "identity");
    set.map_err(|error| failed(&error))?;
    let init = origin::request("GET", &headers, DOWNLOAD_MS);
    let response = origin::fetch(fetching.expose_url(), &init).await?;
    let disposition = response.headers().get("content-disposition").ok().flatten();
    let fetched = Fetched {
        status: response.status(),
        disposition,
    };
    Ok((response, fetched))
}

/// The artifact for the client.
///
/// # Errors
/// When the runtime refuses to build the answer.
pub fn pass(
    end: &Pass,
    digest: Digest,
    reply: Option<Response>,
    incoming: &Incoming,
) -> Result<Response, JsValue> {
    let content = reply.and_then(|reply| reply.body());
    let request_id = incoming.request_id.clone();
    let checked = checked(content, digest, request_id)?;
    let headers = Headers::new()?;
    apply(&headers, &end.headers)?;
    headers.set("date", &http_date())?;
    let init = ResponseInit::new();
    init.set_status(200);
    init.set_headers(&headers);
    Response::new_with_opt_readable_stream_and_init(Some(&checked), &init)
}

/// A content that is being read. One that nobody reads to its end is given up, so that the store need
/// not go on.
struct Reader {
    from: ReadableStreamDefaultReader,
    is_over: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.is_over {
            drop(self.from.cancel());
        }
    }
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, JsValue> {
        let piece = JsFuture::from(self.from.read()).await;
        let piece = piece.inspect_err(|_| self.is_over = true)?;
        if Reflect::get(&piece, &"done".into())?.is_truthy() {
            self.is_over = true;
            return Ok(None);
        }
        let value: Uint8Array = Reflect::get(&piece, &"value".into())?.dyn_into()?;
        Ok(Some(value.to_vec()))
    }
}

/// What is left to be read, and how far the check has come.
struct Passing {
    reader: Option<Reader>,
    checking: Checking,
    digest: Digest,
    request_id: String,
}

/// The content, each piece read when the client takes the one before.
fn checked(
    content: Option<ReadableStream>,
    digest: Digest,
    request_id: String,
) -> Result<ReadableStream, JsValue> {
    let reader = content.map(|content| Reader {
        from: content.get_reader().unchecked_into(),
        is_over: false,
    });
    let passing = Passing {
        reader,
        checking: Checking::new(digest),
        digest,
        request_id,
    };
    let pieces = stream::try_unfold(Some(passing), |passing| async move {
        match passing {
            Some(passing) => passing.next().await,
            None => Ok(None),
        }
    });
    let response = ResponseBuilder::new()
        .from_stream(pieces)
        .map_err(|error| JsValue::from_str(&error.to_string()))?;
    match response.body() {
        ResponseBody::Stream(stream) => Ok(stream.clone()),
        ResponseBody::Empty | ResponseBody::Body(_) => Err("the runtime made no stream".into()),
    }
}

type Next = Result<Option<(Vec<u8>, Option<Passing>)>, worker::Error>;

impl Passing {
    /// The next piece for the client; an error breaks its connection off.
    async fn next(mut self) -> Next {
        loop {
            let piece = match self.read().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return self.end(),
                Err(error) => {
                    return Err(self.broken(match failed(&error) {
                        Outage::Failed(cause) => cause,
                        Outage::Late | Outage::Refused(_) => "it took too long".to_owned(),
                    }));
                }
            };
            if let Some(piece) = self.checking.take(piece) {
                return Ok(Some((piece, Some(self))));
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Vec<u8>>, JsValue> {
        match &mut self.reader {
            Some(reader) => reader.next().await,
            None => Ok(None),
        }
    }

    fn end(self) -> Next {
        let Self {
            checking,
            digest,
            request_id,
            ..
        } = self;
        match checking.end() {
            Ok(last) => Ok(last.map(|last| (last, None))),
            Err(_) => Err(broken(digest, &request_id, "it is another content")),
        }
    }

    fn broken(&self, cause: String) -> worker::Error {
        broken(self.digest, &self.request_id, &cause)
    }
}

/// Tells operators, and gives what breaks the client's connection off.
fn broken(digest: Digest, request_id: &str, cause: &str) -> worker::Error {
    let cause = format!("the artifact store's content of {digest} for {request_id}: {cause}");
    log::failure("artifact", &cause);
    worker::Error::RustError(cause)
}
