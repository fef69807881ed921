//! Credentials for artifacts and links to them, and who mentions an artifact
//! (`internal/service/{cascredential,casredirect,referrer}.go`).

use tonic::{Code, Request, Response, Status};

use super::{StrictService, sample, subject};
use crate::failure::Failure;
use crate::proto::cas_credentials_service_get_request::Role;
use crate::proto::cas_credentials_service_server::CasCredentialsService;
use crate::proto::cas_redirect_service_server::CasRedirectService;
use crate::proto::referrer_service_server::ReferrerService;
use crate::proto::{
    CasCredentialsServiceGetRequest, CasCredentialsServiceGetResponse, GetDownloadUrlRequest,
    GetDownloadUrlResponse, ReferrerServiceDiscoverPrivateRequest,
    ReferrerServiceDiscoverPrivateResponse, cas_credentials_service_get_response as get,
    get_download_url_response as url,
};
use crate::service::{items, referrer};
use crate::state::require;
use crate::strict::Strict;
use crate::strict::cas::Credential;
use crate::strict::denied::Denied;
use crate::strict::subject::Subject;

#[tonic::async_trait]
impl CasCredentialsService for StrictService {
    async fn get(
        &self,
        request: Request<CasCredentialsServiceGetRequest>,
    ) -> Result<Response<CasCredentialsServiceGetResponse>, Status> {
        let subject = subject(&request)?;
        let asked = request.get_ref();
        let organization = &subject.organization.id;
        let (policy, credential) = match asked.role() {
            Role::Downloader => ("cas_artifact:read", Credential::downloader(organization)),
            Role::Uploader => ("cas_artifact:create", Credential::uploader(organization)),
            Role::Unspecified => {
                let message = "validation error: role: value must be in list [1, 2]";
                return Err(Failure::new(Code::InvalidArgument, "", message).into());
            }
        };
        if !subject.holds(policy) {
            return Err(Denied::NoArtifactPolicy.into());
        }
        // No token holds the policy to read from the default store; people who run the place do.
        let visible = subject.visible_projects();
        let projects = visible.as_ref().map(|all| all.iter().map(|(id, _)| *id));
        let projects: Option<Vec<uuid::Uuid>> = projects.map(Iterator::collect);
        if asked.role() == Role::Downloader
            && !mentioned(&subject, &asked.digest, projects.as_deref())
            && !subject.holds("default_backend:read")
        {
            return Err(Denied::NotAllowed.into());
        }
        Ok(Response::new(CasCredentialsServiceGetResponse {
            result: Some(get::Result {
                token: self.credential(&credential),
                backend: Some(items::store()),
            }),
        }))
    }
}

#[tonic::async_trait]
impl CasRedirectService for StrictService {
    async fn get_download_url(
        &self,
        request: Request<GetDownloadUrlRequest>,
    ) -> Result<Response<GetDownloadUrlResponse>, Status> {
        let subject = subject(&request)?;
        let digest = &request.get_ref().digest;
        require("digest", digest)?;
        let url = self.0.download_url(&subject, digest)?;
        Ok(Response::new(GetDownloadUrlResponse {
            result: Some(url::Result { url }),
        }))
    }
}

#[tonic::async_trait]
impl ReferrerService for StrictService {
    async fn discover_private(
        &self,
        request: Request<ReferrerServiceDiscoverPrivateRequest>,
    ) -> Result<Response<ReferrerServiceDiscoverPrivateResponse>, Status> {
        let subject = subject(&request)?;
        let mut request = request;
        let project = &mut request.get_mut().project_name;
        // Kept to the token's project.
        if let Some(visible) = subject.visible_projects()
            && !visible.iter().any(|(_, name)| name == project)
        {
            let only = visible.into_iter().next().map(|(_, name)| name);
            *project = only
                .filter(|_| project.is_empty())
                .unwrap_or_else(|| "-".to_owned());
        }
        sample(&subject).discover_private(request).await
    }
}

impl StrictService {
    /// A credential as the store takes it.
    pub(super) fn credential(&self, credential: &Credential) -> String {
        self.0.credential(credential)
    }
}

impl Strict {
    fn credential(&self, credential: &Credential) -> String {
        self.lock()
            .mint
            .sign(credential, std::time::SystemTime::now())
    }

    /// Where an artifact of the organization can be fetched from. The project is not asked for, as
    /// in the release that this emulates.
    pub(crate) fn download_url(&self, subject: &Subject, digest: &str) -> Result<String, Denied> {
        if !mentioned(subject, digest, None) {
            return Err(Denied::NoArtifact);
        }
        let credential = Credential::downloader(&subject.organization.id);
        let token = self.credential(&credential);
        let store = self.lock().mint.store();
        Ok(format!("{store}/download/{digest}?t={token}"))
    }
}

/// Whether an attestation of the organization names the digest, in one of these projects.
fn mentioned(subject: &Subject, digest: &str, projects: Option<&[uuid::Uuid]>) -> bool {
    let state = subject.state.lock();
    state
        .runs()
        .filter(|run| projects.is_none_or(|all| all.contains(&run.workflow.project_id)))
        .any(|run| referrer(run, digest).is_some())
}
