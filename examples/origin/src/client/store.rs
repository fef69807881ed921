//! The artifact store from the client's side: uploads and downloads in pieces of a MiB, as the stock
//! command line makes them, over native gRPC.

use futures_util::stream;
use tonic::Status;

use super::{ConnectError, Endpoint};
use crate::digest::sha256_hex;
use crate::store_proto::bytestream::byte_stream_client::ByteStreamClient;
use crate::store_proto::bytestream::{ReadRequest, WriteRequest};
use crate::store_proto::cas::resource_service_client::ResourceServiceClient;
use crate::store_proto::cas::{CasResource, ResourceServiceDescribeRequest};
use crate::strict::cas::{CHUNK, Resource, encode};

/// A store, and a credential for it.
#[derive(Debug, Clone)]
pub struct Store(Endpoint);

impl Store {
    /// The store at `http://host:port`.
    ///
    /// # Errors
    ///
    /// When the address or the credential cannot be used.
    pub fn new(url: &str, credential: &str) -> Result<Self, ConnectError> {
        Ok(Self(Endpoint::native(url, credential)?))
    }

    /// Puts an artifact; answers with how much the store took: 0 when it was there already.
    ///
    /// # Errors
    ///
    /// When the store refuses it.
    pub async fn upload(&self, name: &str, content: &[u8]) -> Result<i64, Status> {
        self.upload_as(name, &sha256_hex(content), content).await
    }

    /// As [`Self::upload`], with this digest, hex, whether or not it is that of the content.
    ///
    /// # Errors
    ///
    /// When the store refuses it.
    pub async fn upload_as(&self, name: &str, digest: &str, content: &[u8]) -> Result<i64, Status> {
        let resource_name = encode(&Resource {
            file_name: name.to_owned(),
            digest: digest.to_owned(),
        });
        let piece = |data: &[u8], finish_write: bool| WriteRequest {
            resource_name: resource_name.clone(),
            data: data.to_vec(),
            finish_write,
            ..WriteRequest::default()
        };
        // The last piece is empty, and says that it is the last.
        let mut pieces: Vec<_> = content
            .chunks(CHUNK)
            .map(|data| piece(data, false))
            .collect();
        pieces.push(piece(&[], true));
        let mut client = self.0.client(ByteStreamClient::with_origin);
        let answer = client.write(stream::iter(pieces)).await?;
        Ok(answer.into_inner().committed_size)
    }

    /// Gets an artifact by its digest, hex.
    ///
    /// # Errors
    ///
    /// When the store refuses it, or the content is not that of the digest.
    pub async fn download(&self, digest: &str) -> Result<Vec<u8>, Status> {
        let request = ReadRequest {
            resource_name: digest.to_owned(),
            ..ReadRequest::default()
        };
        let mut client = self.0.client(ByteStreamClient::with_origin);
        let mut pieces = client.read(request).await?.into_inner();
        let mut content = Vec::new();
        while let Some(piece) = pieces.message().await? {
            content.extend(piece.data);
        }
        if sha256_hex(&content) != digest {
            return Err(Status::data_loss("the artifact is not that of its digest"));
        }
        Ok(content)
    }

    /// Name and size of an artifact.
    ///
    /// # Errors
    ///
    /// When the store does not have it.
    pub async fn describe(&self, digest: &str) -> Result<CasResource, Status> {
        let digest = digest.to_owned();
        let mut client = self.0.client(ResourceServiceClient::with_origin);
        let answer = client.describe(ResourceServiceDescribeRequest { digest });
        Ok(answer.await?.into_inner().result.unwrap_or_default())
    }
}
