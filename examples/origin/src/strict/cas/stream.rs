//! ByteStream: uploads and downloads in pieces (`app/artifact-cas/internal/service/bytestream.go` of
//! the control plane). The content is checked against its digest in both directions.

use axum::body::Bytes;
use futures_util::stream;
use tonic::codegen::BoxStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::store::{Artifact, Store, need};
use super::{CHUNK, gob};
use crate::digest::sha256_hex;
use crate::failure::Failure;
use crate::store_proto::bytestream::byte_stream_server::ByteStream;
use crate::store_proto::bytestream::{
    QueryWriteStatusRequest, QueryWriteStatusResponse, ReadRequest, ReadResponse, WriteRequest,
    WriteResponse,
};
use crate::strict::denied::Denied;

/// The streams over a store.
#[derive(Debug)]
pub(super) struct Streams(pub(super) Store);

#[tonic::async_trait]
impl ByteStream for Streams {
    async fn read(
        &self,
        request: Request<ReadRequest>,
    ) -> Result<Response<BoxStream<ReadResponse>>, Status> {
        let credential = self.0.credential(request.metadata())?;
        need(&credential, "downloader")?;
        let digest = request.into_inner().resource_name;
        if digest.is_empty() {
            return Err(bad_name("empty resource name"));
        }
        // What the store behind it does not find, it masks.
        let found = self.0.find(&credential.organization, &digest);
        let bytes = found.ok_or(Denied::Masked)?.bytes;
        let got = sha256_hex(&bytes);
        if got != digest {
            let message = format!("checksum mismatch: got={got}, want={digest}");
            return Err(Failure::new(Code::Unauthenticated, "checksum", message).into());
        }
        let pieces: Vec<_> = bytes
            .chunks(CHUNK)
            .map(|piece| {
                let data = piece.to_vec();
                Ok(ReadResponse { data })
            })
            .collect();
        Ok(Response::new(Box::pin(stream::iter(pieces))))
    }

    async fn write(
        &self,
        request: Request<Streaming<WriteRequest>>,
    ) -> Result<Response<WriteResponse>, Status> {
        let credential = self.0.credential(request.metadata())?;
        need(&credential, "uploader")?;
        let mut pieces = request.into_inner();
        let first = pieces.message().await?.ok_or_else(|| bad_name("EOF"))?;
        let resource = resource(&first)?;
        if self
            .0
            .find(&credential.organization, &resource.digest)
            .is_some()
        {
            // Said at once, while the client may still be sending.
            return Ok(Response::new(WriteResponse::default()));
        }
        let mut bytes = Vec::new();
        let mut piece = Some(first);
        while let Some(WriteRequest {
            data, finish_write, ..
        }) = piece
        {
            bytes.extend(data);
            fits(bytes.len(), credential.max_bytes)?;
            if finish_write {
                break;
            }
            piece = pieces.message().await?;
            if let Some(next) = &piece {
                self::resource(next)?;
            }
        }
        // Stores behind it compare the digest, and what they say is masked.
        if sha256_hex(&bytes) != resource.digest {
            return Err(Denied::Masked.into());
        }
        let committed_size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        let artifact = Artifact {
            file_name: resource.file_name,
            bytes: Bytes::from(bytes),
        };
        if !self
            .0
            .keep(&credential.organization, &resource.digest, artifact)
        {
            // Ours: the sample keeps everything in memory.
            return Err(Status::resource_exhausted("the sample store is full"));
        }
        Ok(Response::new(WriteResponse { committed_size }))
    }

    async fn query_write_status(
        &self,
        _: Request<QueryWriteStatusRequest>,
    ) -> Result<Response<QueryWriteStatusResponse>, Status> {
        Err(Status::unimplemented(
            "method QueryWriteStatus not implemented",
        ))
    }
}

fn resource(piece: &WriteRequest) -> Result<gob::Resource, Status> {
    gob::decode(&piece.resource_name).ok_or_else(|| bad_name("resourceName must be set"))
}

fn bad_name(message: &str) -> Status {
    Failure::new(Code::InvalidArgument, "resource name", message).into()
}

/// Fails when an upload is longer than its credential says; 0 is any length.
fn fits(length: usize, max: u64) -> Result<(), Status> {
    let want = u64::try_from(length).unwrap_or(u64::MAX);
    if max == 0 || want <= max {
        return Ok(());
    }
    let message = format!("max size of upload exceeded: want={want}, max={max}");
    Err(Status::resource_exhausted(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_is_as_long_as_its_credential_says() {
        for (length, max, good) in [(0, 2, true), (2, 2, true), (3, 2, false), (3, 0, true)] {
            assert_eq!(fits(length, max).is_ok(), good, "{length} of {max}");
        }
        let refused = fits(3, 2).unwrap_err();
        assert_eq!(
            (refused.code(), refused.message()),
            (
                Code::ResourceExhausted,
                "max size of upload exceeded: want=3, max=2"
            )
        );
    }
}
