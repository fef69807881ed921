//! What the store keeps, and who may: artifacts by organization and digest, in memory. Every request
//! brings a credential of the control plane.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::body::Bytes;
use p521::ecdsa::VerifyingKey;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};

use super::credential::{Credential, verify};
use super::{CHUNK, Falsified, MAX_ARTIFACT, download, stream};
use crate::failure::Failure;
use crate::store_proto::bytestream::byte_stream_server::ByteStreamServer;
use crate::store_proto::cas::resource_service_server::{ResourceService, ResourceServiceServer};
use crate::store_proto::cas::{
    CasResource, ResourceServiceDescribeRequest, ResourceServiceDescribeResponse,
};
use crate::strict::tokens::seconds;

/// Bytes kept in all: beyond this an upload is refused.
const MAX_KEPT: u64 = 4 * MAX_ARTIFACT;

/// Longest message: a piece and its name.
const MAX_MESSAGE: usize = CHUNK * 4;

/// An artifact.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    pub(crate) file_name: String,
    pub(crate) bytes: Bytes,
}

/// The store. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Store {
    key: VerifyingKey,
    falsified: Falsified,
    kept: Arc<Mutex<BTreeMap<(String, String), Artifact>>>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store(…)")
    }
}

impl Store {
    /// An empty one that believes credentials of this key.
    pub(crate) fn new(key: VerifyingKey, falsified: Falsified) -> Self {
        Self {
            key,
            falsified,
            kept: Arc::default(),
        }
    }

    /// What the credential in a call's metadata is for.
    pub(crate) fn credential(&self, metadata: &MetadataMap) -> Result<Credential, Failure> {
        let unauthenticated =
            |message: &str| Failure::new(Code::Unauthenticated, "", message.to_owned());
        let value = metadata
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        // go-grpc-middleware's `AuthFromMD`.
        let value = value.ok_or_else(|| unauthenticated("Request unauthenticated with bearer"))?;
        let (scheme, token) = value
            .split_once(' ')
            .ok_or_else(|| unauthenticated("Bad authorization string"))?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(unauthenticated("Request unauthenticated with bearer"));
        }
        self.believe(token)
    }

    /// What a credential is for.
    pub(crate) fn believe(&self, token: &str) -> Result<Credential, Failure> {
        verify(&self.key, token, seconds(SystemTime::now()))
            .map_err(|bad| Failure::new(Code::Unauthenticated, "UNAUTHORIZED", bad.message()))
    }

    /// An artifact of an organization.
    pub(crate) fn find(&self, organization: &str, digest: &str) -> Option<Artifact> {
        let key = (organization.to_owned(), digest.to_owned());
        self.lock().get(&key).cloned()
    }

    /// The answer to a plain download of an artifact.
    pub(crate) fn answer(&self, hex: &str, artifact: &Artifact) -> axum::response::Response {
        self.falsified.answer(hex, artifact.bytes.clone())
    }

    /// Keeps one; whether there was room.
    pub(crate) fn keep(&self, organization: &str, digest: &str, artifact: Artifact) -> bool {
        let mut kept = self.lock();
        let sum: usize = kept.values().map(|one| one.bytes.len()).sum();
        let sum = sum.saturating_add(artifact.bytes.len());
        if u64::try_from(sum).unwrap_or(u64::MAX) > MAX_KEPT {
            return false;
        }
        kept.insert((organization.to_owned(), digest.to_owned()), artifact);
        true
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Artifact>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The role that something needs (`CheckRole`).
pub(crate) fn need(credential: &Credential, role: &str) -> Result<(), Failure> {
    if credential.role == role {
        return Ok(());
    }
    let message = format!("invalid role, got={}, want={role}", credential.role);
    Err(Failure::new(Code::Unauthenticated, "service", message))
}

#[tonic::async_trait]
impl ResourceService for Store {
    async fn describe(
        &self,
        request: Request<ResourceServiceDescribeRequest>,
    ) -> Result<Response<ResourceServiceDescribeResponse>, Status> {
        let credential = self.credential(request.metadata())?;
        let digest = request.into_inner().digest;
        let found = self.find(&credential.organization, &digest);
        let found =
            found.ok_or_else(|| Failure::new(Code::NotFound, "not found", "artifact not found"))?;
        Ok(Response::new(ResourceServiceDescribeResponse {
            result: Some(CasResource {
                file_name: found.file_name,
                digest,
                size: i64::try_from(found.bytes.len()).unwrap_or(i64::MAX),
            }),
        }))
    }
}

/// Everything that the store answers.
pub(crate) fn routes(store: &Store) -> Router {
    let streams = ByteStreamServer::new(stream::Streams(store.clone()));
    let resources = ResourceServiceServer::new(store.clone());
    Routes::new(streams.max_decoding_message_size(MAX_MESSAGE))
        .add_service(resources)
        .into_axum_router()
        .merge(download::routes(store.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strict::cas::Mint;

    #[test]
    fn the_store_keeps_so_much() {
        let store = Store::new(Mint::new().unwrap().verifying_key(), Falsified::default());
        // All of them share one piece of memory.
        let bytes = Bytes::from(vec![0; usize::try_from(MAX_ARTIFACT).unwrap()]);
        let keep = |digest: &str, bytes: Bytes| {
            let file_name = String::new();
            store.keep("o", digest, Artifact { file_name, bytes })
        };
        for place in 0..MAX_KEPT / MAX_ARTIFACT {
            assert!(keep(&place.to_string(), bytes.clone()), "{place}");
        }
        assert!(!keep("more", Bytes::from_static(b"x")));
        assert!(keep("empty", Bytes::new()));
        assert!(store.find("o", "empty").is_some() && store.find("p", "empty").is_none());
    }
}
