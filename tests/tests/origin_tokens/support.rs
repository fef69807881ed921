//! A stock control plane, gateways in front of it, and calls about its tokens.

use postern_origin::client::{Endpoint, Wire};
use postern_origin::proto::{
    ApiTokenServiceCreateRequest, ApiTokenServiceCreateResponse, ApiTokenServiceRevokeRequest,
    IdentityReference,
};
use postern_origin::sequence::{Plan, Sequence};
use postern_origin::strict::{Issued, NewToken, Strict};
use postern_system_tests::forge::Keys;
use postern_system_tests::gateway::{Gateway, Serve};
use postern_system_tests::http::Answer;
use postern_system_tests::organization::{Minted, Organization, RELEASE, SHOP};
use postern_system_tests::origin::Origin;
use postern_system_tests::{random, random_name, rpc};
use prost::Message as _;
use serde_json::json;

/// Path of the call.
pub const CREATE: &str = "/controlplane.v1.APITokenService/Create";
/// Path of the call.
pub const REVOKE: &str = "/controlplane.v1.APITokenService/Revoke";
/// Path of the call.
pub const LIST: &str = "/controlplane.v1.APITokenService/List";

/// What a token needs that manages the origin's.
const POLICIES: [&str; 8] = [
    "api_token:create",
    "api_token:list",
    "api_token:delete",
    "project_api_token:create",
    "project_api_token:list",
    "project_api_token:revoke",
    "workflow:create",
    "workflow:read",
];

/// All of it ends when dropped.
pub struct Plane {
    pub strict: Strict,
    pub origin: Origin,
    pub store: String,
    pub keys: Keys,
    /// Passes callers' own credentials on.
    pub gateway: Gateway,
}

impl Plane {
    pub async fn start() -> Self {
        let mut keys = Keys::random();
        keys.origin = random();
        let strict = Strict::new(Some(&keys.origin)).expect("a key");
        let (origin, store) = Origin::strict(&strict).await;
        let serve = Serve::new(&origin.url, &keys).set("ORIGIN_TOKENS", "govern");
        Self {
            gateway: serve.start().await,
            strict,
            origin,
            store,
            keys,
        }
    }

    /// How to start another gateway in front of it.
    pub fn serve(&self) -> Serve {
        Serve::new(&self.origin.url, &self.keys).set("ORIGIN_TOKENS", "govern")
    }

    pub async fn organization(&self, gateway: &Gateway) -> Organization {
        Organization::of_control_plane(gateway, &self.keys.admin, &self.strict).await
    }

    /// A token of the control plane for the whole organization.
    pub fn issued(&self, organization: &Organization) -> Issued {
        let new = NewToken {
            name: random_name("manager"),
            ..NewToken::default()
        };
        let issued = self.strict.api_token(&organization.name, &new);
        issued.expect("a token")
    }

    /// One that is adopted, and may manage the origin's tokens.
    pub async fn manager(&self, gateway: &Gateway, organization: &Organization) -> Minted {
        let issued = self.issued(organization);
        let body = json!({ "token": issued.jwt, "policies": POLICIES });
        let call = organization.call(gateway, "POST", "/org/tokens/adopt");
        let answer = call.json(&body).send().await.json(201);
        Minted {
            id: issued.id.to_string(),
            token: issued.jwt,
            answer,
        }
    }

    /// One that was created here, with the same rights.
    pub async fn minted(&self, gateway: &Gateway, organization: &Organization) -> Minted {
        organization
            .mint(gateway, &json!({ "policies": POLICIES }))
            .await
    }

    /// The names of the tokens of an organization that hold at the control plane.
    pub async fn names_there(&self, organization: &Organization) -> Vec<String> {
        let owner = self.strict.user(
            &organization.name,
            &format!("{}@example.com", organization.name),
            postern_origin::strict::Role::Owner,
        );
        let owner = owner.expect("a user").jwt;
        let call = self.origin.post(LIST, rpc::frame(0, b"")).bearer(&owner);
        let listed = call.header("chainloop-organization", &organization.name);
        let listed = listed.send().await.accepted();
        let listed = postern_origin::proto::ApiTokenServiceListResponse::decode(&listed[..]);
        let mut names: Vec<String> = listed
            .expect("a list")
            .result
            .into_iter()
            .map(|item| item.name)
            .collect();
        names.sort();
        names
    }

    /// The command line's calls to a gateway with this token.
    pub fn sequence(&self, gateway: &Gateway, token: &str) -> Sequence {
        let endpoint = Endpoint::web(&gateway.url(0), token, Wire::Binary).expect("an address");
        let plan = Plan {
            project: SHOP.to_owned(),
            workflow: RELEASE.to_owned(),
            remote_state: true,
            store: Some(self.store.clone()),
            ..Plan::default()
        };
        Sequence::new(endpoint, plan)
    }

    /// Asserts that a whole attestation goes well with this token.
    pub async fn attests(&self, gateway: &Gateway, token: &str) {
        let mut sequence = self.sequence(gateway, token);
        let ended = async {
            sequence.init().await?;
            sequence.push().await
        };
        assert!(ended.await.is_ok(), "{}", sequence.transcript());
    }
}

/// A message of Create.
pub fn create(name: &str, project: Option<&str>) -> Vec<u8> {
    let message = ApiTokenServiceCreateRequest {
        name: name.to_owned(),
        project_reference: project.map(|name| IdentityReference {
            name: Some(name.to_owned()),
            id: None,
        }),
        ..Default::default()
    };
    message.encode_to_vec()
}

/// A call of Create by this caller, from the organization's address.
pub async fn creating(
    gateway: &Gateway,
    organization: &Organization,
    caller: &Minted,
    message: &[u8],
) -> Answer {
    let call = rpc::call(gateway, CREATE, &caller.token, message);
    let call = call.without("cf-connecting-ip");
    call.from(&organization.address).send().await
}

pub async fn revoking(gateway: &Gateway, caller: &Minted, id: &str) -> Answer {
    let message = ApiTokenServiceRevokeRequest { id: id.to_owned() }.encode_to_vec();
    rpc::call(gateway, REVOKE, &caller.token, &message)
        .send()
        .await
}

/// The id and the token of an answer to Create.
pub fn made(answer: &[u8]) -> Issued {
    let answer = ApiTokenServiceCreateResponse::decode(answer).expect("an answer");
    let result = answer.result.expect("a result");
    let id = result.item.expect("an item").id;
    Issued {
        id: id.parse().expect("a UUID"),
        jwt: result.jwt,
    }
}
