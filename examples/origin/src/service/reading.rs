//! ReferrerService and CASCredentialsService: who mentions an artifact, and how
//! to get at one. Knows the artifacts that stored attestations name, and no
//! others; keeps none of them.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tonic::{Code, Request, Response, Status};

use super::{Service, Shared, items};
use crate::caller::Caller;
use crate::failure::Failure;
use crate::proto::cas_credentials_service_get_request::Role;
use crate::proto::cas_credentials_service_server::CasCredentialsService;
use crate::proto::referrer_service_server::ReferrerService;
use crate::proto::{
    CasCredentialsServiceGetRequest, CasCredentialsServiceGetResponse, CursorPaginationResponse,
    ReferrerItem, ReferrerServiceDiscoverPrivateRequest, ReferrerServiceDiscoverPrivateResponse,
    cas_credentials_service_get_response as get,
};
use crate::state::{Refusal, Run};

const ATTESTATION: &str = "ATTESTATION";
const ARTIFACT: &str = "ARTIFACT";

#[tonic::async_trait]
impl ReferrerService for Service {
    async fn discover_private(
        &self,
        request: Request<ReferrerServiceDiscoverPrivateRequest>,
    ) -> Result<Response<ReferrerServiceDiscoverPrivateResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(discover(
            &self.0,
            &caller,
            request.get_ref(),
        )?))
    }
}

#[tonic::async_trait]
impl CasCredentialsService for Service {
    async fn get(
        &self,
        request: Request<CasCredentialsServiceGetRequest>,
    ) -> Result<Response<CasCredentialsServiceGetResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let role = match asked.role() {
            Role::Unspecified => {
                let message = "validation error: role: value must be in list [1, 2]";
                return Err(Failure::new(Code::InvalidArgument, "", message).into());
            }
            Role::Uploader => "uploader",
            Role::Downloader => {
                let state = self.0.lock();
                let mut runs = state.runs_of(&caller);
                if !runs.any(|run| referrer(run, &asked.digest).is_some()) {
                    let message = "operation not allowed";
                    return Err(Failure::new(Code::PermissionDenied, "forbidden", message).into());
                }
                "downloader"
            }
        };
        Ok(Response::new(CasCredentialsServiceGetResponse {
            result: Some(get::Result {
                token: items::store_credential(role),
                backend: Some(items::store()),
            }),
        }))
    }
}

/// What is known about a digest, from the latest run that the caller sees.
/// References fit on one page.
pub(crate) fn discover(
    state: &Shared,
    caller: &Caller,
    asked: &ReferrerServiceDiscoverPrivateRequest,
) -> Result<ReferrerServiceDiscoverPrivateResponse, Failure> {
    if asked.digest.is_empty() {
        return Err(Refusal::Missing("digest").into());
    }
    if !asked.project_version.is_empty() && asked.project_name.is_empty() {
        let message =
            "validation error: project_name must be set when project_version is set".to_owned();
        return Err(Failure::new(Code::InvalidArgument, "", message));
    }
    let state = state.lock();
    let found = state
        .runs_of(caller)
        .rev()
        .filter(|run| {
            (asked.project_name.is_empty() || run.workflow.project == asked.project_name)
                && (asked.project_version.is_empty() || run.version == asked.project_version)
        })
        .filter_map(|run| referrer(run, &asked.digest))
        .find(|item| asked.kind.is_empty() || item.kind == asked.kind);
    match found {
        Some(item) => Ok(ReferrerServiceDiscoverPrivateResponse {
            result: Some(item),
            pagination: Some(CursorPaginationResponse::default()),
        }),
        None => Err(Failure::new(
            Code::NotFound,
            "not found",
            format!(
                "artifact or piece of evidence with digest {} not found",
                asked.digest
            ),
        )),
    }
}

/// The digest as this run's attestation knows it: as itself, or as a subject.
pub(crate) fn referrer(run: &Run, digest: &str) -> Option<ReferrerItem> {
    let bundle = run.bundle.as_ref()?;
    let item = |digest: String, kind: &str, references: Vec<ReferrerItem>| ReferrerItem {
        digest,
        kind: kind.to_owned(),
        downloadable: kind == ATTESTATION,
        references,
        created_at: run.finished_at.map(|at: SystemTime| at.into()),
        ..ReferrerItem::default()
    };
    let subjects = subjects(bundle.bytes());
    if bundle.digest() == digest {
        let artifacts = subjects
            .into_iter()
            .map(|subject| item(subject, ARTIFACT, Vec::new()));
        return Some(item(digest.to_owned(), ATTESTATION, artifacts.collect()));
    }
    subjects.contains(&digest.to_owned()).then(|| {
        let attestation = item(bundle.digest(), ATTESTATION, Vec::new());
        item(digest.to_owned(), ARTIFACT, vec![attestation])
    })
}

/// SHA-256 digests of the subjects of the in-toto statement in a bundle; none
/// when there is no statement to read.
fn subjects(bundle: &[u8]) -> Vec<String> {
    let Ok(bundle) = serde_json::from_slice::<Value>(bundle) else {
        return Vec::new();
    };
    let envelope = bundle.get("dsseEnvelope").unwrap_or(&bundle);
    let payload = envelope.get("payload").and_then(Value::as_str);
    let statement = payload
        .and_then(|payload| STANDARD.decode(payload).ok())
        .and_then(|payload| serde_json::from_slice::<Value>(&payload).ok());
    let subjects = statement
        .as_ref()
        .and_then(|statement| statement.get("subject")?.as_array());
    subjects
        .into_iter()
        .flatten()
        .filter_map(|subject| subject.get("digest")?.get("sha256")?.as_str())
        .map(|hex| format!("sha256:{hex}"))
        .collect()
}
