//! A stock control plane, a gateway in front of it, and what both know.

use postern_origin::client::Endpoint;
use postern_origin::sequence::{Plan, Sequence};
use postern_origin::strict::{Issued, NewToken, Strict};
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::random_id;
use serde_json::json;

/// Where the organization's own credential is set.
pub const ORGANIZATIONS_OWN: &str = "/org/upstream";

/// All of it ends when dropped.
pub struct Plane {
    pub strict: Strict,
    pub origin: Origin,
    pub gateway: Gateway,
    keys: Keys,
    pub store: String,
}

impl Plane {
    pub async fn start() -> Self {
        let strict = Strict::new(None).expect("a key");
        let (origin, store) = Origin::strict(&strict).await;
        let keys = Keys::random();
        let serve = Serve::new(&origin.url, &keys)
            .set("ORIGIN_AUTH", "upstream")
            .set("ARTIFACT_CAS_URL", &store);
        Self {
            gateway: serve.start().await,
            strict,
            origin,
            keys,
            store,
        }
    }

    /// One that both know by the same name.
    pub async fn organization(&self) -> Organization {
        let organization = Organization::new(&self.gateway, &self.keys.admin).await;
        self.strict
            .organization(&organization.name)
            .expect("a new name");
        organization
    }

    /// A token of the control plane, for the whole organization.
    pub fn credential(&self, organization: &str) -> Issued {
        let new = NewToken {
            name: format!("gateway-{}", random_id()),
            project: None,
            workflow: None,
            expires_in: None,
        };
        self.strict.api_token(organization, &new).expect("a token")
    }

    pub async fn set(&self, of: &Organization, path: &str, credential: &str) {
        let body = json!({ "credential": credential });
        let call = of.call(&self.gateway, "PUT", path).json(&body);
        call.send().await.json(200);
    }

    /// The command line's calls, with remote state and a file.
    pub fn sequence(&self, endpoint: Endpoint) -> Sequence {
        self.sequence_of(endpoint, b"what was released")
    }

    /// The same with this content of the file.
    pub fn sequence_of(&self, endpoint: Endpoint, content: &[u8]) -> Sequence {
        self.sequence_at(endpoint, content, &self.store)
    }

    /// The same, with the artifact store here.
    pub fn sequence_at(&self, endpoint: Endpoint, content: &[u8], store: &str) -> Sequence {
        let plan = Plan {
            project: SHOP.to_owned(),
            workflow: RELEASE.to_owned(),
            file: "release.txt".to_owned(),
            content: content.to_vec(),
            remote_state: true,
            store: Some(store.to_owned()),
            ..Plan::default()
        };
        Sequence::new(endpoint, plan)
    }
}
