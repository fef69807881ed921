//! The artifact store: its credentials, uploads and downloads in pieces, and links.

use postern_origin::client::{Endpoint, Store};
use postern_origin::proto::cas_credentials_service_client::CasCredentialsServiceClient;
use postern_origin::proto::cas_credentials_service_get_request::Role as StoreRole;
use postern_origin::proto::cas_redirect_service_client::CasRedirectServiceClient;
use postern_origin::proto::{
    AttestationServiceGetUploadCredsRequest, CasCredentialsServiceGetRequest, GetDownloadUrlRequest,
};
use postern_origin::sha256_hex;
use postern_origin::strict::Role;
use serde_json::json;
use tonic::{Code, Status};

use super::support::{Plane, claims, get};
use crate::support::{bundle, refused};

async fn uploader(plane: &Plane, token: &str) -> String {
    let run = plane.begin(token, "shop", "release").await;
    let asked = AttestationServiceGetUploadCredsRequest {
        workflow_run_id: run,
    };
    let given = plane
        .attestation(token)
        .get_upload_creds(asked)
        .await
        .unwrap();
    given.into_inner().result.unwrap().token
}

async fn credential(endpoint: Endpoint, role: StoreRole, digest: &str) -> Result<String, Status> {
    let mut client = endpoint.client(CasCredentialsServiceClient::with_origin);
    let asked = CasCredentialsServiceGetRequest {
        role: role.into(),
        digest: digest.to_owned(),
        source_internal: false,
    };
    Ok(client.get(asked).await?.into_inner().result.unwrap().token)
}

/// An artifact that a stored attestation of `shop` names; its digest, hex.
async fn attested(plane: &Plane, token: &str, content: &[u8]) -> String {
    let credential = uploader(plane, token).await;
    let store = Store::new(&plane.store, &credential).unwrap();
    store.upload("a.bin", content).await.unwrap();
    let run = plane.begin(token, "shop", "release").await;
    let made = postern_origin::attestation::attest("a.bin", content)
        .unwrap()
        .bundle;
    plane
        .attestation(token)
        .store(bundle(&run, &made))
        .await
        .unwrap();
    sha256_hex(content)
}

#[tokio::test]
async fn an_artifact_goes_there_and_back() {
    let plane = Plane::start().await;
    let token = plane.wide("ci");
    // More than two pieces.
    let content: Vec<u8> = (0..2_500_000_u32)
        .map(|i| b'a' + i.to_le_bytes()[1] % 26)
        .collect();
    let digest = attested(&plane, &token, &content).await;
    let again = Store::new(&plane.store, &uploader(&plane, &token).await).unwrap();
    assert_eq!(
        again.upload("a.bin", &content).await.unwrap(),
        0,
        "it is there already"
    );

    let named = format!("sha256:{digest}");
    let credential = credential(plane.web(&token), StoreRole::Downloader, &named)
        .await
        .unwrap();
    let store = Store::new(&plane.store, &credential).unwrap();
    assert!(store.download(&digest).await.unwrap() == content);
    let about = store.describe(&digest).await.unwrap();
    assert_eq!((&*about.file_name, about.size), ("a.bin", 2_500_000));

    let (status, _, body) = get(
        &plane.store,
        &format!("/download/{named}?t={credential}"),
        &[],
    )
    .await;
    assert_eq!(
        (status.as_u16(), sha256_hex(body.as_bytes())),
        (200, digest)
    );
    plane.stop().await;
}

#[tokio::test]
async fn what_a_credential_says() {
    let plane = Plane::start().await;
    let token = plane.wide("ci");
    let credential = uploader(&plane, &token).await;
    let mut said = claims(&credential);
    assert!(said["exp"].take().is_u64());
    let organization = claims(&token)["org_id"].clone();
    assert_eq!(
        said,
        json!({
            "iss": "cp.chainloop", "aud": ["artifact-cas.chainloop"], "exp": null, "role": "uploader",
            "secret-id": format!("sample/{}", organization.as_str().unwrap()), "backend": "SAMPLE",
            "maxbytes": 100 * 1024 * 1024, "org-id": organization,
        })
    );
    plane.stop().await;
}

#[tokio::test]
async fn what_the_store_refuses() {
    let plane = Plane::start().await;
    let token = plane.wide("ci");
    let digest = attested(&plane, &token, b"content").await;
    let named = format!("sha256:{digest}");
    let up = Store::new(&plane.store, &uploader(&plane, &token).await).unwrap();
    let down = credential(plane.web(&token), StoreRole::Downloader, &named)
        .await
        .unwrap();
    let down = Store::new(&plane.store, &down).unwrap();
    let unauthenticated = Code::Unauthenticated;
    refused(
        up.download(&digest).await,
        unauthenticated,
        "invalid role, got=uploader, want=downloader",
        "service",
    );
    let answer = down.upload("b", b"b").await;
    refused(
        answer,
        unauthenticated,
        "invalid role, got=downloader, want=uploader",
        "service",
    );
    // Another content than the digest says.
    let answer = up.upload_as("b", &sha256_hex(b"b"), b"c").await;
    refused(answer, Code::Internal, "server error", "internal error");
    let missing = sha256_hex(b"missing");
    refused(
        down.download(&missing).await,
        Code::Internal,
        "server error",
        "internal error",
    );
    refused(
        down.describe(&missing).await,
        Code::NotFound,
        "artifact not found",
        "not found",
    );
    // A token of the control plane is none of the store's.
    let other = Store::new(&plane.store, &token).unwrap();
    let answer = other.download(&digest).await;
    let message = "token signature is invalid: key is of invalid type: HMAC verify expects []byte";
    refused(answer, unauthenticated, message, "UNAUTHORIZED");
    let other = Store::new(&plane.store, "pst_opaque").unwrap();
    refused(
        other.download(&digest).await,
        unauthenticated,
        "Token is invalid",
        "UNAUTHORIZED",
    );
    plane.stop().await;
}

#[tokio::test]
async fn who_may_have_which_credential() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    let digest = format!("sha256:{}", attested(&plane, &wide, b"content").await);
    let denied = (Code::PermissionDenied, "operation not allowed", "forbidden");
    let own = plane.token("own", Some("shop"), None).jwt;
    let other = plane.token("other", Some("other"), None).jwt;
    let (owner, viewer) = (plane.user(Role::Owner), plane.user(Role::Viewer));
    for allowed in [&wide, &own, &owner, &viewer] {
        credential(plane.web(allowed), StoreRole::Downloader, &digest)
            .await
            .unwrap();
    }
    let answer = credential(plane.web(&other), StoreRole::Downloader, &digest).await;
    refused(answer, denied.0, denied.1, denied.2);
    let unknown = format!("sha256:{}", sha256_hex(b"unknown"));
    let answer = credential(plane.web(&wide), StoreRole::Downloader, &unknown).await;
    refused(answer, denied.0, denied.1, denied.2);
    // Owners read from the default store whatever is in it.
    credential(plane.web(&owner), StoreRole::Downloader, &unknown)
        .await
        .unwrap();
    credential(plane.web(&other), StoreRole::Uploader, "")
        .await
        .unwrap();
    let answer = credential(plane.web(&viewer), StoreRole::Uploader, "").await;
    let message = "not allowed to perform this operation";
    refused(answer, Code::PermissionDenied, message, "forbidden");
    plane.stop().await;
}

#[tokio::test]
async fn a_link_has_its_credential_with_it() {
    let plane = Plane::start().await;
    let wide = plane.wide("wide");
    let digest = format!("sha256:{}", attested(&plane, &wide, b"content").await);
    // As in the release that this emulates: the project is not asked for.
    let other = plane.token("other", Some("other"), None).jwt;
    let mut client = plane
        .web(&other)
        .client(CasRedirectServiceClient::with_origin);
    let asked = |digest: &str| GetDownloadUrlRequest {
        digest: digest.to_owned(),
    };
    let url = client.get_download_url(asked(&digest)).await.unwrap();
    let url = url.into_inner().result.unwrap().url;
    let path = url.strip_prefix(&plane.store).unwrap();
    assert!(
        path.starts_with(&format!("/download/{digest}?t=")),
        "{path}"
    );
    let (status, _, body) = get(&plane.store, path, &[]).await;
    assert_eq!((status.as_u16(), &*body), (200, "content"));
    let unknown = format!("sha256:{}", sha256_hex(b"unknown"));
    let answer = client.get_download_url(asked(&unknown)).await;
    refused(answer, Code::NotFound, "artifact not found", "not found");

    for (path, status, message) in [
        (format!("/download/{digest}"), 401, "missing token\n"),
        (format!("/download/{digest}?t=x"), 401, "invalid token\n"),
        (path.replace("sha256:", "md5:"), 400, "invalid digest\n"),
        (path.replace(&digest, &unknown), 404, "artifact not found\n"),
    ] {
        let (code, _, body) = get(&plane.store, &path, &[]).await;
        assert_eq!((code.as_u16(), &*body), (status, message), "{path}");
    }
    plane.stop().await;
}
