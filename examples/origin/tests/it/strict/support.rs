//! A control plane with one organization, `acme`, and the clients to call it.

use std::io;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern_origin::client::{Endpoint, Wire};
use postern_origin::proto::attestation_service_client::AttestationServiceClient;
use postern_origin::sequence::{Plan, Sequence};
use postern_origin::strict::{Issued, NewToken, Role, Strict, serve_strict};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The key that the tests know.
pub const KEY: &[u8] = b"a key that only tests know";

pub struct Plane {
    pub url: String,
    pub store: String,
    pub strict: Strict,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Plane {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let store = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (url, store_url) = (address(&listener), address(&store));
        let strict = Strict::new(Some(KEY)).unwrap();
        strict.organization("acme").unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve_strict(listener, store, strict.clone(), async {
            let _ = stopped.await;
        }));
        Self {
            url,
            store: store_url,
            strict,
            stop,
            task,
        }
    }

    pub async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    /// A token of acme: of the organization, of a project, or of a workflow.
    pub fn token(&self, name: &str, project: Option<&str>, workflow: Option<&str>) -> Issued {
        let new = NewToken {
            name: name.to_owned(),
            project: project.map(str::to_owned),
            workflow: workflow.map(str::to_owned),
            expires_in: None,
        };
        self.strict.api_token("acme", &new).unwrap()
    }

    /// A token of the whole of acme.
    pub fn wide(&self, name: &str) -> String {
        self.token(name, None, None).jwt
    }

    /// The token of a user of acme with this role.
    pub fn user(&self, role: Role) -> String {
        let email = format!("{role:?}@example.com").to_lowercase();
        self.strict.user("acme", &email, role).unwrap().jwt
    }

    pub fn web(&self, token: &str) -> Endpoint {
        Endpoint::web(&self.url, token, Wire::Binary).unwrap()
    }

    pub fn native(&self, token: &str) -> Endpoint {
        Endpoint::native(&self.url, token).unwrap()
    }

    pub fn attestation(&self, token: &str) -> AttestationServiceClient<Endpoint> {
        self.web(token)
            .client(AttestationServiceClient::with_origin)
    }

    /// An attestation of `release` in `shop`, with everything.
    pub fn sequence(&self, endpoint: Endpoint) -> Sequence {
        Sequence::new(endpoint, self.plan())
    }

    pub fn plan(&self) -> Plan {
        Plan {
            project: "shop".to_owned(),
            workflow: "release".to_owned(),
            contract: None,
            file: "postern.wasm".to_owned(),
            content: b"\0asm".to_vec(),
            remote_state: true,
            store: Some(self.store.clone()),
        }
    }

    /// A run of the workflow, begun with this token.
    pub async fn begin(&self, token: &str, project: &str, workflow: &str) -> String {
        let mut client = self.attestation(token);
        let named = crate::support::workflow(project, workflow);
        client.find_or_create_workflow(named).await.unwrap();
        let begun = client
            .init(crate::support::new_run(project, workflow))
            .await;
        let begun = begun.unwrap().into_inner().result.unwrap();
        begun.workflow_run.unwrap().id
    }

    /// One plain HTTP request: status, `Location` and body.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String, String) {
        get(&self.url, path, headers).await
    }

    /// A `/debug/strict` request.
    pub async fn debug(&self, path: &str, body: &Value) -> (StatusCode, String) {
        let url = format!("{}/debug/strict/{path}", self.url);
        let (status, _, body) = send("POST", &url, &[], body.to_string()).await;
        (status, body)
    }
}

pub async fn get(base: &str, path: &str, headers: &[(&str, &str)]) -> (StatusCode, String, String) {
    send("GET", &format!("{base}{path}"), headers, String::new()).await
}

async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: String,
) -> (StatusCode, String, String) {
    let answer = crate::support::send("", method, url, headers, body.into_bytes()).await;
    let location = answer
        .headers
        .get("location")
        .map(|value| value.to_str().unwrap().to_owned());
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    (answer.status, location.unwrap_or_default(), body)
}

/// A JWT with these claims under this key, as anybody who has the key could make it.
pub fn forged(key: &[u8], claims: &Value) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        encode(br#"{"alg":"HS256","typ":"JWT"}"#),
        encode(claims.to_string().as_bytes())
    );
    let mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
    let mac = mac.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", encode(&mac))
}

/// The claims of a JWT.
pub fn claims(token: &str) -> Value {
    let claims = URL_SAFE_NO_PAD
        .decode(token.split('.').nth(1).unwrap())
        .unwrap();
    serde_json::from_slice(&claims).unwrap()
}
