//! An organization for one case alone: with a project `shop` that has workflows `release` and `other`, and an address
//! to mint from. Cases never meet in anything but the gateway.

use std::collections::BTreeSet;

use postern_origin::strict::{NewToken, Strict};
use serde_json::{Value, json};

use crate::forge;
use crate::gateway::Gateway;
use crate::http::Call;
use crate::{random_address, random_name};

/// The organization's project.
pub const SHOP: &str = "shop";
/// The workflow that scoped tokens are for.
pub const RELEASE: &str = "release";
/// The other workflow of the project.
pub const OTHER: &str = "other";

/// An organization, known to the administrator's key.
#[derive(Clone)]
pub struct Organization {
    admin: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Id of `shop`.
    pub shop: String,
    /// Id of `release` in `shop`.
    pub release: String,
    /// Id of `other` in `shop`.
    pub other: String,
    /// Where its administrator calls from.
    pub address: String,
}

/// A fresh token.
#[derive(Debug, Clone)]
pub struct Minted {
    /// Its id.
    pub id: String,
    /// Its plaintext.
    pub token: String,
    /// The whole answer.
    pub answer: Value,
}

impl Organization {
    /// Makes an organization with its project and workflows.
    pub async fn new(gateway: &Gateway, admin: &str) -> Self {
        Self::with(gateway, admin, &json!({})).await
    }

    /// The same, with more fields in the request that makes it.
    pub async fn with(gateway: &Gateway, admin: &str, fields: &Value) -> Self {
        let (name, address) = (random_name("org"), random_address());
        let mut body = fields.clone();
        body["name"] = json!(name);
        let call = gateway
            .call("POST", "/orgs")
            .bearer(admin)
            .from(&address)
            .json(&body);
        let id = id(&call.send().await.json(201));
        let (admin, none) = (admin.to_owned(), String::new());
        let mut made = Self {
            admin,
            id,
            name,
            shop: none.clone(),
            release: none.clone(),
            other: none,
            address,
        };
        made.shop = made.create_project(gateway, SHOP).await;
        made.release = made.create_workflow(gateway, SHOP, RELEASE).await;
        made.other = made.create_workflow(gateway, SHOP, OTHER).await;
        made
    }

    /// Makes one that a stock control plane has too, with its ids there.
    pub async fn of_control_plane(gateway: &Gateway, admin: &str, strict: &Strict) -> Self {
        let (name, address) = (random_name("org"), random_address());
        let organization = strict.organization(&name).expect("a new name");
        let place = |workflow: &str| {
            let new = NewToken {
                name: random_name("seed"),
                project: Some(SHOP.to_owned()),
                workflow: Some(workflow.to_owned()),
                expires_in: None,
            };
            let token = strict.api_token(&name, &new).expect("a token");
            forge::part(&token.jwt, 1)
        };
        let (release, other) = (place(RELEASE), place(OTHER));
        let text = |claims: &Value, name: &str| claims[name].as_str().expect("a text").to_owned();
        let made = Self {
            admin: admin.to_owned(),
            id: organization,
            shop: text(&release, "project_id"),
            release: text(&release, "workflow_id"),
            other: text(&other, "workflow_id"),
            name: name.clone(),
            address,
        };
        let rows = [
            ("/orgs".to_owned(), &name[..], &made.id),
            ("/org/projects".to_owned(), SHOP, &made.shop),
            (
                format!("/org/projects/{SHOP}/workflows"),
                RELEASE,
                &made.release,
            ),
            (
                format!("/org/projects/{SHOP}/workflows"),
                OTHER,
                &made.other,
            ),
        ];
        for (path, name, id) in rows {
            let body = json!({ "name": name, "id": id });
            let call = made.call(gateway, "POST", &path).json(&body);
            call.send().await.json(201);
        }
        made
    }

    /// A management call by the administrator about this organization.
    pub fn call(&self, gateway: &Gateway, method: &str, path: &str) -> Call {
        self.call_on(gateway, 0, method, path)
    }

    /// A management call by the holder of a token, who names no organization: it is the token's own.
    pub fn call_as(&self, gateway: &Gateway, token: &Minted, method: &str, path: &str) -> Call {
        let call = gateway.call(method, path);
        call.bearer(&token.token).from(&self.address)
    }

    /// The same on that isolate.
    pub fn call_on(&self, gateway: &Gateway, isolate: u16, method: &str, path: &str) -> Call {
        let call = gateway.call_on(isolate, method, path);
        call.bearer(&self.admin)
            .organization(&self.name)
            .from(&self.address)
    }

    /// Makes a project; gives its id.
    pub async fn create_project(&self, gateway: &Gateway, name: &str) -> String {
        let call = self
            .call(gateway, "POST", "/org/projects")
            .json(&json!({ "name": name }));
        id(&call.send().await.json(201))
    }

    /// Makes a workflow; gives its id.
    pub async fn create_workflow(&self, gateway: &Gateway, project: &str, name: &str) -> String {
        let path = format!("/org/projects/{project}/workflows");
        let call = self
            .call(gateway, "POST", &path)
            .json(&json!({ "name": name }));
        id(&call.send().await.json(201))
    }

    /// A call that mints.
    pub fn minting(&self, gateway: &Gateway, body: &Value) -> Call {
        self.call(gateway, "POST", "/org/tokens").json(body)
    }

    /// Mints a token.
    pub async fn mint(&self, gateway: &Gateway, body: &Value) -> Minted {
        Minted::of(self.minting(gateway, body).send().await.json(201))
    }

    /// A call that mints, by the holder of a token.
    pub fn minting_as(&self, gateway: &Gateway, minter: &Minted, body: &Value) -> Call {
        self.call_as(gateway, minter, "POST", "/org/tokens")
            .json(body)
    }

    /// Mints a token with a token.
    pub async fn mint_as(&self, gateway: &Gateway, minter: &Minted, body: &Value) -> Minted {
        let call = self.minting_as(gateway, minter, body);
        Minted::of(call.send().await.json(201))
    }

    /// A call that rotates a token.
    pub fn rotating(&self, gateway: &Gateway, id: &str, body: &Value) -> Call {
        self.call(gateway, "POST", &format!("/org/tokens/{id}/rotate"))
            .json(body)
    }

    /// Rotates a token; gives its successor.
    pub async fn rotate(&self, gateway: &Gateway, id: &str, body: &Value) -> Minted {
        Minted::of(self.rotating(gateway, id, body).send().await.json(201))
    }

    /// A call that revokes by a selector.
    pub fn revoking(&self, gateway: &Gateway, selector: &Value) -> Call {
        self.call(gateway, "POST", "/org/tokens/revoke")
            .json(selector)
    }

    /// Mints a token for `release`.
    pub async fn mint_for_release(&self, gateway: &Gateway, format: &str) -> Minted {
        let body = json!({ "project": SHOP, "workflow": RELEASE, "format": format });
        self.mint(gateway, &body).await
    }

    /// Revokes a token; gives the moment.
    pub async fn revoke(&self, gateway: &Gateway, id: &str) -> String {
        let answer = self
            .call(gateway, "DELETE", &format!("/org/tokens/{id}"))
            .send()
            .await
            .json(200);
        answer["revoked_at"]
            .as_str()
            .expect("the moment")
            .to_owned()
    }

    /// A token as `GET` shows it.
    pub async fn token(&self, gateway: &Gateway, id: &str) -> Value {
        self.call(gateway, "GET", &format!("/org/tokens/{id}"))
            .send()
            .await
            .json(200)
    }

    /// The tokens of a list, over all its pages.
    pub async fn tokens(&self, gateway: &Gateway, query: &str) -> Vec<Value> {
        self.all(gateway, "/org/tokens", query, "tokens").await
    }

    /// The ids of the tokens of a list.
    pub async fn token_ids(&self, gateway: &Gateway, query: &str) -> BTreeSet<String> {
        self.tokens(gateway, query).await.iter().map(id).collect()
    }

    /// Everything that a management call could have changed here. Not the uses of tokens: calls from before appear in
    /// them some seconds later, and a call that is refused is still a use of its token.
    pub async fn snapshot(&self, gateway: &Gateway) -> Value {
        let projects = self.all(gateway, "/org/projects", "", "projects").await;
        let mut workflows = Vec::new();
        for project in &projects {
            let path = format!(
                "/org/projects/{}/workflows",
                project["name"].as_str().expect("a name")
            );
            workflows.push(self.all(gateway, &path, "", "workflows").await);
        }
        let mut tokens = self.tokens(gateway, "status=all&include_system=true").await;
        for token in &mut tokens {
            let token = token.as_object_mut().expect("an object");
            token.remove("uses");
            token.remove("last_used_at");
        }
        json!({ "projects": projects, "workflows": workflows, "tokens": tokens })
    }

    /// The ids of the tokens of a list as the holder of a token sees it.
    pub async fn token_ids_as(
        &self,
        gateway: &Gateway,
        token: &Minted,
        query: &str,
    ) -> BTreeSet<String> {
        let call = |page: String| self.call_as(gateway, token, "GET", &page);
        let rows = pages(call, "/org/tokens", query, "tokens").await;
        rows.iter().map(id).collect()
    }

    /// The rows of any list, over all its pages.
    pub async fn all(&self, gateway: &Gateway, path: &str, query: &str, field: &str) -> Vec<Value> {
        pages(|page| self.call(gateway, "GET", &page), path, query, field).await
    }
}

impl Minted {
    /// The token of an answer that shows one.
    #[track_caller]
    pub fn of(answer: Value) -> Self {
        Self {
            id: id(&answer),
            token: answer["token"].as_str().expect("the plaintext").to_owned(),
            answer,
        }
    }
}

/// The rows of a list, over all its pages.
async fn pages(call: impl Fn(String) -> Call, path: &str, query: &str, field: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    let limit = if query.contains("limit=") {
        ""
    } else {
        "&limit=500"
    };
    loop {
        let page = format!("{path}?{query}{limit}{cursor}");
        let answer = call(page).send().await.json(200);
        rows.extend(answer[field].as_array().expect("a list").iter().cloned());
        match answer["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

/// The `id` of a JSON object.
#[track_caller]
pub fn id(object: &Value) -> String {
    object["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {object}"))
        .to_owned()
}

/// The names of the fields of a JSON object.
#[track_caller]
pub fn fields(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap_or_else(|| panic!("{object} is no object"))
        .keys()
        .map(String::as_str)
        .collect()
}
