//! `postern upstream`: the credential that the gateway sends to the origin in place of the caller's,
//! for an organization, a project or a workflow. Shows its fingerprint, never the credential.

use serde_json::{Value, json};

use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::listing::Shape;
use crate::output::{Format, print, print_json};
use crate::settings::{Flags, Settings};
use crate::text::encoded;

mod credential;
mod keep;
mod view;

pub use view::scope;

/// `postern upstream`.
#[derive(Debug, clap::Args)]
pub struct Upstream {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Set or replace it: the credential is read from standard input
    Set {
        #[command(flatten)]
        place: Place,

        /// Have the gateway create it at the control plane: standard input is then the token of
        /// somebody who may create tokens there. It is used once and kept nowhere
        #[arg(long)]
        create: bool,

        /// How long the created token lives, such as 90d or 12h. Default: without an end
        #[arg(long, value_name = "SPAN", requires = "create")]
        expires_in: Option<String>,

        /// How long attestations that are already running keep the replaced credential, such as
        /// 30m, 2h or 1d; 0 for not at all. At most 1d
        #[arg(long, value_name = "SPAN", default_value = "2h", value_parser = keep::seconds)]
        keep_replaced: u32,

        /// Output format
        #[arg(long, short, value_enum, default_value_t = Format::Table)]
        output: Format,
    },
    /// List all that are set: what each is for, its fingerprint, since when, and by whom
    List(Shape),
    /// Show its fingerprint, since when it is set, by whom, and what it replaced
    Show {
        #[command(flatten)]
        place: Place,

        /// Output format
        #[arg(long, short, value_enum, default_value_t = Format::Table)]
        output: Format,
    },
    /// Clear it: attestations that run with it fail
    Clear {
        #[command(flatten)]
        place: Place,
    },
}

/// What the credential is for. The organization is chosen by `--organization`, as everywhere.
#[derive(Debug, clap::Args)]
struct Place {
    /// The project that it is for, by its name or id. Default: the whole organization
    #[arg(long)]
    project: Option<String>,

    /// The workflow of the project that it is for, by its name or id
    #[arg(long, requires = "project")]
    workflow: Option<String>,
}

impl Upstream {
    /// Does it.
    ///
    /// # Errors
    /// What the gateway refused, and a credential or a name that cannot be one.
    pub async fn run(self, flags: &Flags) -> Outcome {
        let api = Api::new(Settings::find(flags)?)?;
        match self.what {
            What::Set {
                place,
                create,
                expires_in,
                keep_replaced,
                output,
            } => {
                let body = |text: &str| match create {
                    true => created(text, expires_in.as_deref(), keep_replaced),
                    false => json!({ "credential": text, "keep_replaced_seconds": keep_replaced }),
                };
                place.set(&api, body, output).await
            }
            What::List(shape) => {
                shape.check(view::UPSTREAMS)?;
                let found = api.get("/org/upstreams").await;
                let found = found.map_err(|failure| advised(failure, "upstream.read"))?;
                let set = found.get("upstreams").and_then(Value::as_array);
                let set = set.cloned().unwrap_or_default();
                shape.print_of(
                    &found,
                    view::UPSTREAMS,
                    &set,
                    "no credential for the origin is set",
                )
            }
            What::Show { place, output } => {
                let found = api.get(&place.route()?).await;
                let found = found.map_err(|failure| match failure.kind {
                    Kind::NotFound => place.none_is_set(failure),
                    _ => advised(failure, "upstream.read"),
                });
                show(&found?, output)
            }
            What::Clear { place } => {
                let answer = api.delete(&place.route()?, true).await?;
                let done = answer.done();
                done.map_err(|failure| advised(failure, "upstream.clear"))?;
                print(&format!(
                    "Credential for the origin cleared! {}\n",
                    place.words()
                ))
            }
        }
    }
}

/// The body by which the gateway creates one with this token.
fn created(with: &str, expires_in: Option<&str>, keep_replaced: u32) -> Value {
    let mut body = json!({
        "create": true,
        "with": with,
        "keep_replaced_seconds": keep_replaced,
    });
    if let (Some(span), Some(body)) = (expires_in, body.as_object_mut()) {
        body.insert("expires_in".to_owned(), span.into());
    }
    body
}

fn show(set: &Value, output: Format) -> Outcome {
    match output {
        Format::Json => print_json(set),
        Format::Table => print(&view::sheet(set)),
    }
}

impl Place {
    async fn set(&self, api: &Api, body: impl Fn(&str) -> Value, output: Format) -> Outcome {
        let route = self.route()?;
        let credential = credential::read()?;
        let set = api.put(&route, &body(credential.expose())).await;
        let set = set.map_err(|failure| advised(failure, "upstream.set"))?;
        show(&set, output)
    }

    /// The route. The narrowest name that is given says what it is for.
    fn route(&self) -> Outcome<String> {
        let mut route = "/org".to_owned();
        for (what, name) in [("project", &self.project), ("workflow", &self.workflow)] {
            if let Some(name) = name {
                route.push_str(&format!("/{what}s/{}", part(what, name)?));
            }
        }
        route.push_str("/upstream");
        Ok(route)
    }

    fn words(&self) -> String {
        view::written(self.project.as_deref(), self.workflow.as_deref())
    }

    /// The same failure with the way to set one, unless it is the project or the workflow that does
    /// not exist.
    fn none_is_set(&self, failure: Failure) -> Failure {
        if failure.hint.is_some() {
            return failure;
        }
        let mut command = "postern upstream set".to_owned();
        for (flag, name) in [("project", &self.project), ("workflow", &self.workflow)] {
            if let Some(name) = name {
                command.push_str(&format!(" --{flag} {name}"));
            }
        }
        failure.hint(format!("set one: {command} < FILE"))
    }
}

/// The same failure with the way to see what is missing, where the caller may not do it.
fn advised(failure: Failure, operation: &str) -> Failure {
    match (failure.kind, &failure.hint) {
        (Kind::NotAllowed, None) => failure.hint(format!(
            "use an administrator key, or see what is missing: postern explain --operation {operation}"
        )),
        _ => failure,
    }
}

/// A name as one part of the path. An empty one or dots would be the path of something wider, which
/// the credential must not be set for.
fn part(what: &str, name: &str) -> Outcome<String> {
    match name.chars().all(|character| character == '.') {
        true => Err(Failure::new(
            Kind::Usage,
            format!("`{name}` cannot be the name of a {what}: give its name or id"),
        )),
        false => Ok(encoded(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(project: Option<&str>, workflow: Option<&str>) -> Place {
        Place {
            project: project.map(str::to_owned),
            workflow: workflow.map(str::to_owned),
        }
    }

    #[test]
    fn each_place_has_its_route() {
        for (project, workflow, route) in [
            (None, None, "/org/upstream"),
            (Some("shop"), None, "/org/projects/shop/upstream"),
            (
                Some("a/b"),
                Some("x.y"),
                "/org/projects/a%2Fb/workflows/x.y/upstream",
            ),
        ] {
            assert_eq!(place(project, workflow).route().as_deref(), Ok(route));
        }
    }

    #[test]
    fn no_name_leads_to_something_wider() {
        for dots in ["", ".", "..", "..."] {
            for (place, what) in [
                (place(Some(dots), None), "project"),
                (place(Some("shop"), Some(dots)), "workflow"),
            ] {
                let failure = place.route().unwrap_err();
                assert_eq!(failure.kind, Kind::Usage);
                let message =
                    format!("`{dots}` cannot be the name of a {what}: give its name or id");
                assert_eq!(failure.message, message);
            }
        }
    }
}
