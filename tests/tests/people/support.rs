//! A control plane behind a door, two gateways that have its key, one of which lets people pass, and what all of them
//! know.

use postern_origin::client::Endpoint;
use postern_origin::sequence::{Plan, Sequence};
use postern_origin::strict::{Issued, NewToken, Role, Strict};
use postern_system_tests::forge::{self, Keys};
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::{Answer, Call};
use postern_system_tests::organization::{Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::random_id;
use postern_system_tests::rpc;
use serde_json::{Value, json};

/// What only people ask, and nothing is in its message.
pub const MEMBERSHIPS: &str = "/controlplane.v1.UserService/ListMemberships";

/// The header by which the plane's door knows the gateways.
const DOOR: &str = "cf-access-client-secret";

/// All of it ends when dropped.
pub struct Plane {
    pub strict: Strict,
    pub origin: Origin,
    /// Lets people pass.
    pub gateway: Gateway,
    /// Does not.
    pub closed: Gateway,
    pub keys: Keys,
    store: String,
}

impl Plane {
    pub async fn start() -> Self {
        let keys = Keys::random();
        let strict = Strict::new(Some(&keys.origin)).expect("a key");
        let secret = random_id();
        strict.behind(DOOR, &secret);
        let (origin, store) = Origin::strict(&strict).await;
        let serve = || {
            Serve::new(&origin.url, &keys)
                .set("ORIGIN_AUTH", "upstream")
                .set("ORIGIN_HEADERS", &format!("{DOOR}:{secret}"))
        };
        Self {
            gateway: serve().set("PEOPLE", "pass").start().await,
            closed: serve().start().await,
            strict,
            origin,
            keys,
            store,
        }
    }

    /// One that gateway and plane know by the same name, with a credential of the plane's set.
    pub async fn organization(&self) -> Organization {
        let organization = Organization::new(&self.gateway, &self.keys.admin).await;
        self.strict
            .organization(&organization.name)
            .expect("a new name");
        let credential = self.api_token(&organization.name);
        let body = json!({ "credential": credential.jwt });
        let call = organization.call(&self.gateway, "PUT", "/org/upstream");
        call.json(&body).send().await.json(200);
        organization
    }

    /// A token of the plane's own, for the whole organization.
    pub fn api_token(&self, organization: &str) -> Issued {
        let new = NewToken {
            name: format!("gateway-{}", random_id()),
            ..NewToken::default()
        };
        self.strict.api_token(organization, &new).expect("a token")
    }

    /// A person who owns the organization, with a user token.
    pub fn owner(&self, organization: &str) -> Issued {
        let email = format!("{}@example.com", random_id());
        self.strict
            .user(organization, &email, Role::Owner)
            .expect("an organization")
    }

    /// The command line's calls, with remote state and a file.
    pub fn sequence(&self, endpoint: Endpoint) -> Sequence {
        let plan = Plan {
            project: SHOP.to_owned(),
            workflow: RELEASE.to_owned(),
            file: "release.txt".to_owned(),
            content: b"what was released".to_vec(),
            remote_state: true,
            store: Some(self.store.clone()),
            ..Plan::default()
        };
        Sequence::new(endpoint, plan)
    }

    /// A request past the gateways.
    pub fn past(&self, method: &str, path: &str) -> Call {
        let url = format!("{}{path}", self.origin.url);
        Call::new(&self.gateway.http, method, &url)
    }

    /// The address of the artifact store.
    pub fn store(&self) -> &str {
        &self.store
    }
}

/// A call of a person's.
pub async fn asks(gateway: &Gateway, path: &str, token: &str) -> Answer {
    rpc::call(gateway, path, token, b"").send().await
}

/// A JWT that the plane's key has signed.
pub fn signed(plane: &Plane, claims: &Value) -> String {
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    forge::jwt(&header, &claims.to_string(), &plane.keys.origin)
}
