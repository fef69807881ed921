//! Which repository a rule is about: by the ids that its forge never gives to another. They are asked for at the
//! gateway, read from a job token, or given by flags.

use std::path::PathBuf;

use postern_domain::trust::{Forge, Issuer, Loopback};
use serde_json::{Map, Value, json};

use super::RULES;
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::job::{self, Claims};
use crate::output::remark;
use crate::text::{member, plain};

/// Whose jobs.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Repository")]
pub struct Whose {
    /// The repository by name, acme/shop: the gateway asks the forge for its ids. With ids it is only shown
    #[arg(long, value_name = "OWNER/NAME", required_unless_present_any = ["token_file", "repository_id", "project_id", "subject"])]
    repository: Option<String>,

    /// Take issuer, ids and name from this file with a job token of the repository, without verifying it; its signature
    /// may be cut off. `-` for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["issuer", "repository", "ids"])]
    token_file: Option<PathBuf>,

    /// Who signs the job tokens: github, gitlab, or another one of the gateway's
    #[arg(long, value_name = "ISSUER", default_value = "github")]
    issuer: String,

    #[command(flatten)]
    ids: Ids,
}

#[derive(Debug, Clone, clap::Args)]
#[group(id = "ids", multiple = true)]
struct Ids {
    /// GitHub: the id of the repository
    #[arg(long, value_name = "ID", requires = "repository_owner_id")]
    repository_id: Option<String>,

    /// GitHub: the id of its owner
    #[arg(long, value_name = "ID", requires = "repository_id")]
    repository_owner_id: Option<String>,

    /// GitLab: the id of the project
    #[arg(long, value_name = "ID", requires = "namespace_id")]
    project_id: Option<String>,

    /// GitLab: the id of its namespace
    #[arg(long, value_name = "ID", requires = "project_id")]
    namespace_id: Option<String>,

    /// Other issuers: the whole subject (`sub`) of the jobs
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["repository_id", "project_id"])]
    subject: Option<String>,
}

/// The members of a rule that are ids, and what each is called.
const IDS: [(&str, &str); 5] = [
    ("repository_id", "repository"),
    ("repository_owner_id", "owner"),
    ("project_id", "project"),
    ("namespace_id", "namespace"),
    ("subject", "subject"),
];

impl Whose {
    /// The members of the rule that say whose jobs it is about. Says what was found, and how.
    ///
    /// # Errors
    /// If the gateway does not find it, or does not trust the token's issuer.
    pub async fn find(self, api: &Api) -> Outcome<Map<String, Value>> {
        if let Some(file) = &self.token_file {
            let token = job::claims_of_file(file)?;
            let found = of_token(&token, &known(api).await?)?;
            remark(&format!(
                "read from the token without verifying it: {}",
                shown(&found)
            ));
            return Ok(found);
        }
        let Self {
            repository,
            issuer,
            ids,
            ..
        } = self;
        let mut members = Map::new();
        for (name, id) in IDS.iter().zip([
            ids.repository_id,
            ids.repository_owner_id,
            ids.project_id,
            ids.namespace_id,
            ids.subject,
        ]) {
            if let Some(id) = id {
                members.insert(name.0.to_owned(), id.into());
            }
        }
        let are_given = !members.is_empty();
        members.insert("issuer".to_owned(), issuer.as_str().into());
        if let Some(name) = &repository {
            members.insert("repository".to_owned(), name.as_str().into());
        }
        if !are_given {
            let name = repository.unwrap_or_default();
            let asked = json!({ "issuer": issuer, "repository": name });
            let found = api.post(&format!("{RULES}/find"), &asked).await;
            let found = found.map_err(|failure| not_found(failure, &issuer))?;
            take(&found, &mut members)?;
            remark(&format!("found: {}", shown(&members)));
        }
        Ok(members)
    }
}

/// A repository that the gateway could not look up, with the flags that say which it is.
fn not_found(failure: Failure, issuer: &str) -> Failure {
    let codes = ["(repository_unknown,", "(forge_unavailable,"];
    match codes.iter().any(|code| failure.message.contains(code)) {
        true => failure.hint(format!(
            "give a job token of it: --token-file FILE; or its ids: {}",
            flags_of(issuer)
        )),
        false => failure,
    }
}

/// The flags with the ids that jobs of an issuer have.
pub fn flags_of(issuer: &str) -> &'static str {
    match Issuer::parse(issuer, Loopback::Allowed).map(|issuer| issuer.forge()) {
        Ok(Forge::GitHub) => "--repository-id ID --repository-owner-id ID",
        Ok(Forge::GitLab) => "--project-id ID --namespace-id ID",
        Ok(Forge::Other) | Err(_) => "--subject TEXT",
    }
}

/// The issuers that the gateway trusts, as it writes them.
async fn known(api: &Api) -> Outcome<Vec<String>> {
    let rules = api.get(RULES).await?;
    let issuers = rules.get("issuers").and_then(Value::as_array);
    let texts = issuers.into_iter().flatten().filter_map(Value::as_str);
    Ok(texts.map(str::to_owned).collect())
}

/// Of a token whose issuer the gateway does not trust.
pub fn untrusted(claimed: &str, known: &[String]) -> Failure {
    let trusted = match known {
        [] => "it trusts none".to_owned(),
        known => format!("it trusts {}", known.join(", ")),
    };
    let message = format!("the gateway does not trust the token's issuer {claimed}: {trusted}");
    Failure::new(Kind::Usage, message).hint("the gateway's operator adds it to CI_ISSUERS")
}

/// What a token says of its repository.
fn of_token(token: &Claims, known: &[String]) -> Outcome<Map<String, Value>> {
    let claimed = token.text("iss").unwrap_or_default();
    let issuers = known
        .iter()
        .filter_map(|name| Some((name, Issuer::parse(name, Loopback::Allowed).ok()?)));
    let found = issuers
        .into_iter()
        .find(|(_, issuer)| issuer.url() == claimed);
    let Some((name, issuer)) = found else {
        return Err(untrusted(&claimed, known));
    };
    let (shown, claims): (&str, &[(&str, &str)]) = match issuer.forge() {
        Forge::GitHub => (
            "repository",
            &[
                ("repository_id", "repository_id"),
                ("repository_owner_id", "repository_owner_id"),
            ],
        ),
        Forge::GitLab => (
            "project_path",
            &[
                ("project_id", "project_id"),
                ("namespace_id", "namespace_id"),
            ],
        ),
        Forge::Other => ("", &[("subject", "sub")]),
    };
    let mut members = Map::new();
    members.insert("issuer".to_owned(), name.as_str().into());
    for (member, claim) in claims {
        let text = token
            .text(claim)
            .ok_or_else(|| Failure::new(Kind::Usage, format!("the token has no `{claim}`")))?;
        members.insert((*member).to_owned(), text.into());
    }
    if let Some(name) = token.text(shown) {
        members.insert("repository".to_owned(), name.into());
    }
    Ok(members)
}

/// Takes over what the gateway has found.
fn take(found: &Value, members: &mut Map<String, Value>) -> Outcome {
    let mut count = 0;
    for (name, _) in IDS {
        if let Some(id) = found.get(name).filter(|id| id.is_string() || id.is_u64()) {
            members.insert(name.to_owned(), id.clone());
            count += 1;
        }
    }
    if let Some(name) = found.get("repository").filter(|name| name.is_string()) {
        members.insert("repository".to_owned(), name.clone());
    }
    match count {
        0 => Err(Failure::new(
            Kind::Unavailable,
            "the gateway's answer has no ids",
        )),
        _ => Ok(()),
    }
}

/// `acme/shop at github, repository 74, owner 65`.
fn shown(members: &Map<String, Value>) -> String {
    let object = Value::Object(members.clone());
    let issuer = member(&object, "issuer");
    let ids = ids(&object);
    match member(&object, "repository").as_str() {
        "" => format!("{ids} at {issuer}"),
        name => format!("{name} at {issuer}, {ids}"),
    }
}

/// The ids of a rule, for people.
pub fn ids(rule: &Value) -> String {
    let ids: Vec<String> = IDS
        .iter()
        .filter_map(|(name, called)| match rule.get(name)? {
            Value::String(text) => Some(format!("{called} {}", plain(text))),
            Value::Number(number) => Some(format!("{called} {number}")),
            _ => None,
        })
        .collect();
    ids.join(", ")
}
