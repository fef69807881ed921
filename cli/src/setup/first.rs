//! What a new gateway is first asked: whether it is ready, then for an organization, a project, a workflow and a token,
//! each made unless it is there.

use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::step;
use crate::api::Api;
use crate::doctor::Doctor;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::{print, print_secret, remark};
use crate::settings::{Flags, Settings};
use crate::text::{encoded, plain};

/// Between two questions.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest wait for one answer, in seconds.
const ANSWER: u64 = 30;

/// The name of the first token.
const TOKEN: &str = "first";

/// What is made first.
pub struct Names {
    pub organization: String,
    pub project: String,
    pub workflow: String,
    /// Whether CI jobs attest with their own tokens.
    pub trusts_jobs: bool,
}

/// Waits for the gateway, and makes what it is to have. Ends with a diagnosis, and with what to do next.
///
/// # Errors
/// If the gateway does not become ready, refuses something, or the diagnosis finds something broken.
pub async fn create(
    url: &str,
    key: Option<String>,
    (names, origin_auth): (&Names, &str),
    wait: Duration,
) -> Outcome {
    let flags = Flags {
        url: Some(url.to_owned()),
        token: key,
        organization: Some(names.organization.clone()),
        timeout: ANSWER,
        ..Flags::default()
    };
    let api = Api::new(Settings::find(&flags)?)?;
    step(&format!("waiting for {url} to be ready"));
    ready(&api, wait).await?;
    if flags.token.is_none() {
        let message = "the gateway is ready, but no organization and no token were created: the keys were there \
                       already, and the administrator key is not known";
        return Err(Failure::new(Kind::Credential, message)
            .hint("set POSTERN_TOKEN to the administrator key, and run it again"));
    }
    entries(&api, names).await?;
    step("looking at the gateway as its callers do");
    Doctor::TABLE.run(&flags).await?;
    tell(Some(url), names, origin_auth)
}

/// Right after a deployment an address may not be known everywhere, or answer for something older.
async fn ready(api: &Api, wait: Duration) -> Outcome {
    let began = Instant::now();
    loop {
        let failure = match api.answer(Method::GET, "/readyz", None).await {
            Ok(answer) if answer.status == StatusCode::OK => return Ok(()),
            Ok(answer) => match answer.done() {
                Err(failure) => failure,
                Ok(()) => Failure::new(Kind::Unavailable, format!("it answered {}", answer.status)),
            },
            Err(failure) => failure,
        };
        if began.elapsed() >= wait {
            let message = format!("not ready within {} s: {}", wait.as_secs(), failure.message);
            return Err(Failure::new(Kind::Unavailable, message)
                .hint("it is deployed: see its log with `npx wrangler tail`, and run `postern setup` again"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn entries(api: &Api, names: &Names) -> Outcome {
    let projects = "/org/projects".to_owned();
    let workflows = format!("/org/projects/{}/workflows", encoded(&names.project));
    let rows = [
        (
            "organization",
            "/orgs".to_owned(),
            "organizations",
            &names.organization,
        ),
        ("project", projects, "projects", &names.project),
        ("workflow", workflows, "workflows", &names.workflow),
    ];
    for (what, path, member, name) in rows {
        step(&format!("the {what} `{}`", plain(name)));
        let found = api.list(&path, &[], member, usize::MAX).await?;
        if found
            .iter()
            .any(|entry| entry.get("name").is_some_and(|own| own == name.as_str()))
        {
            remark("   it is there");
            continue;
        }
        api.post(&path, &json!({ "name": name })).await?;
    }
    token(api, names).await
}

async fn token(api: &Api, names: &Names) -> Outcome {
    step(&format!("the token `{TOKEN}`"));
    let query = [("status", "active")];
    let there = api
        .list("/org/tokens", &query, "tokens", usize::MAX)
        .await?;
    if there
        .iter()
        .any(|entry| entry.get("name").is_some_and(|own| own == TOKEN))
    {
        remark("   it is there, and was shown when it was created");
        return Ok(());
    }
    let body = json!({ "name": TOKEN, "project": names.project, "workflow": names.workflow });
    let made = api.post("/org/tokens", &body).await?;
    let text = |member: &str| made.get(member).and_then(Value::as_str).unwrap_or_default();
    let shown = format!(
        "\nA token for the workflow `{}` of `{}`, shown this once:\n\n  {}\n\n",
        plain(&names.workflow),
        plain(&names.project),
        plain(text("token")),
    );
    print_secret(&shown, text("id"))
}

/// What to do next.
pub fn tell(url: Option<&str>, names: &Names, origin_auth: &str) -> Outcome {
    let url = plain(url.unwrap_or("https://YOUR-GATEWAY"));
    let (organization, project, workflow) = (
        plain(&names.organization),
        plain(&names.project),
        plain(&names.workflow),
    );
    // Without one, no call of a token goes on.
    let upstream = match origin_auth {
        "upstream" => "postern upstream set < FILE_WITH_A_TOKEN_OF_THE_ORIGIN\n",
        _ => "",
    };
    let jobs = match names.trusts_jobs {
        true => format!(
            "postern trust add --repository OWNER/NAME --project {project} --workflow {workflow}   # docs/CI.md\n"
        ),
        false => String::new(),
    };
    print(&format!(
        "\nNext, with the administrator key in POSTERN_TOKEN:\n\n\
         export POSTERN_URL={url} POSTERN_ORGANIZATION={organization}\n\
         {upstream}\
         {jobs}\
         export CHAINLOOP_TOKEN=$(postern token create --name ci --project {project} --workflow {workflow} \
         --format jwt -o token)\n\
         postern bridge -- chainloop attestation init --project {project} --workflow {workflow}\n"
    ))
}
