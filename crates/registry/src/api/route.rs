//! Which part of the gateway a request is for, and in which form it is refused. Nobody is asked and
//! nothing is read but the head: what no route knows is 404.

use std::rc::Rc;

use super::Request;
use crate::config::Config;
use crate::error::{Error, Result};
use postern_domain::rpc::ORIGIN_PREFIX;
use postern_gate::RefusalForm;

/// Below this prefix are the files of the dashboard.
pub(super) const DASHBOARD: &str = "/dashboard";

/// What a request is for.
#[derive(Debug)]
pub enum Destination<'r> {
    /// `/healthz`: the isolate runs.
    Health,
    /// `/readyz`: everything that an answer can depend on.
    Readiness(Rc<Config>),
    /// `/readyz` where the configuration is wrong: what is wrong with it.
    Unconfigured(Vec<String>),
    /// `/.well-known/jwks.json`: the keys that verify assertions.
    KeySet(Rc<Config>),
    /// `/.well-known/postern-audit-keys`: the keys that verify an organization's audit log.
    AuditKeys(Rc<Config>),
    /// The dashboard without a file: its first page is elsewhere.
    Dashboard,
    /// A file: one of the dashboard's, or the description of the API. Its path begins with a slash.
    File(&'r str),
    /// A call for the origin, below its prefix.
    Call(Rc<Config>),
    /// A route of the table of REST routes where `routes` is set and the table has one, and
    /// otherwise the gateway's own API.
    Api {
        /// The configuration.
        config: Rc<Config>,
        /// Whether anything of the origin's is under this host.
        routes: bool,
    },
    /// None of these.
    Refused(RefusalForm, Error),
}

/// Finds out what a request is for. Without a configuration the gateway tells no more than that it
/// runs, that it is not ready, and what it would answer.
pub fn route<'r>(
    request: &Request<'r>,
    config: core::result::Result<Rc<Config>, Vec<String>>,
) -> Destination<'r> {
    destination(request, config).unwrap_or_else(|error| Destination::Refused(form(request), error))
}

fn destination<'r>(
    request: &Request<'r>,
    config: core::result::Result<Rc<Config>, Vec<String>>,
) -> Result<Destination<'r>> {
    let path = request.path();
    // Browsers say so of the script of a service worker, and of nothing else. One that is installed
    // answers in the gateway's place (R45).
    if request.has("service-worker") && !path.starts_with("/dashboard/") {
        return Err(Error::ServiceWorker);
    }
    match path {
        "/healthz" => return only_read(request, Destination::Health),
        "/readyz" => {
            let told = config.map_or_else(Destination::Unconfigured, Destination::Readiness);
            return only_read(request, told);
        }
        "/openapi.json" => return only_read(request, Destination::File("/openapi.json")),
        _ => {}
    }
    if let Some(file) = path.strip_prefix(DASHBOARD) {
        return dashboard(request, file, config.as_deref().ok());
    }
    let config = config.map_err(|problems| Error::Misconfigured { problems })?;
    let has_origin = config.has_origin(request.host());
    if path.starts_with(ORIGIN_PREFIX) {
        return match has_origin {
            true => Ok(Destination::Call(config)),
            false => Err(NO_ROUTE),
        };
    }
    match path {
        "/.well-known/jwks.json" => only_read(request, Destination::KeySet(config)),
        "/.well-known/postern-audit-keys" => only_read(request, Destination::AuditKeys(config)),
        _ => Ok(Destination::Api {
            config,
            routes: has_origin,
        }),
    }
}

/// The dashboard, where it is; without a configuration there is nothing else to share an origin
/// with, so it is everywhere.
fn dashboard<'r>(
    request: &Request<'r>,
    file: &'r str,
    config: Option<&Config>,
) -> Result<Destination<'r>> {
    if !config.is_none_or(|config| config.has_dashboard(request.host())) {
        return Err(NO_ROUTE);
    }
    let found = match file {
        "" => Ok(Destination::Dashboard),
        file if file.starts_with('/') => Ok(Destination::File(file)),
        _ => Err(NO_ROUTE),
    };
    // The method first: a wrong one has the same answer under every path here.
    only_read(request, ())?;
    found
}

pub(super) const NO_ROUTE: Error = Error::NotFound { what: "route" };

/// What can be read and no more.
fn only_read<T>(request: &Request<'_>, found: T) -> Result<T> {
    match request.verb() {
        "GET" => Ok(found),
        _ => Err(Error::MethodNotAllowed { allow: "GET" }),
    }
}

/// The form that callers of this path read (R34).
pub fn form(request: &Request<'_>) -> RefusalForm {
    match request.path().starts_with(ORIGIN_PREFIX) {
        true => RefusalForm::of(&request.header("content-type").unwrap_or_default()),
        false => RefusalForm::Problem,
    }
}

#[cfg(test)]
mod tests;
