//! The two stores: found by name in the account, or created, and known by their ids.

use postern_domain::placeholder;
use serde_json::Value;

use super::secrets;
use super::wrangler::Wrangler;
use crate::deployment::Deployment;
use crate::fail::{Failure, Kind, Outcome};
use crate::output::remark;

/// The ids; `None` in a dry run.
pub struct Ids {
    pub database: Option<String>,
    pub namespace: Option<String>,
}

/// Refuses a folder that nothing was set up in yet where the account has a Worker of the name: it would be deployed
/// over, whatever it is.
///
/// # Errors
/// `Usage` for such a Worker; as wrangler for the rest.
pub fn is_free(wrangler: &Wrangler, worker: &str, now: &Deployment) -> Outcome {
    if own(now.database(), placeholder::DATABASE_ID).is_some() {
        return Ok(());
    }
    let words = ["secret", "list", "--name", worker, "--format", "json"];
    let what = format!("looking for a Worker `{worker}`");
    match secrets::of(wrangler, &what, (worker, &words))? {
        None => Ok(()),
        Some(_) => {
            let message = format!(
                "the account has a Worker `{worker}` already, which this folder did not deploy"
            );
            Err(Failure::new(Kind::Usage, message).hint(
                "give another --name; to go on with that gateway, put the ids of its stores into wrangler.jsonc",
            ))
        }
    }
}

fn own(id: Option<&str>, of_example: &str) -> Option<String> {
    id.filter(|id| !id.is_empty() && *id != of_example)
        .map(str::to_owned)
}

/// A kind of store, and how wrangler speaks of it.
struct Store<'s> {
    what: &'static str,
    /// What it is called in the account.
    name: &'s str,
    list: &'static [&'static str],
    create: &'static [&'static str],
    /// The members of an entry of the list.
    named: &'static str,
    id: &'static str,
}

/// Makes sure that both are there.
///
/// # Errors
/// If wrangler fails, or the configuration names a store that the account does not have.
pub fn ensure(wrangler: &Wrangler, name: &str, now: &Deployment) -> Outcome<Ids> {
    let facts = format!("{name}-facts");
    let database = Store {
        what: "D1 database",
        name,
        list: &["d1", "list", "--json"],
        create: &["d1", "create"],
        named: "name",
        id: "uuid",
    };
    let namespace = Store {
        what: "KV namespace",
        name: &facts,
        list: &["kv", "namespace", "list"],
        create: &["kv", "namespace", "create"],
        named: "title",
        id: "id",
    };
    let database_id = own(now.database(), placeholder::DATABASE_ID);
    let namespace_id = own(now.namespace(), placeholder::NAMESPACE_ID);
    Ok(Ids {
        database: database.ensure(wrangler, database_id)?,
        namespace: namespace.ensure(wrangler, namespace_id)?,
    })
}

impl Store<'_> {
    /// The id of the one that is configured, of the one that has the name, or of a new one.
    fn ensure(&self, wrangler: &Wrangler, configured: Option<String>) -> Outcome<Option<String>> {
        let listing = format!("looking for the {} `{}`", self.what, self.name);
        let there = wrangler.json(&listing, self.list)?;
        if let (Some(there), Some(id)) = (&there, &configured) {
            return match self.ids(there).any(|other| other == id.as_str()) {
                true => Ok(configured),
                false => Err(self.not_there(id)),
            };
        }
        if let Some(id) = there.as_ref().and_then(|there| self.find(there)) {
            remark(&format!("   it is there: {id}"));
            return Ok(Some(id));
        }
        if wrangler.is_dry() && configured.is_some() {
            return Ok(configured);
        }
        let mut create = self.create.to_vec();
        create.push(self.name);
        let creating = format!("creating the {} `{}`", self.what, self.name);
        wrangler.run(&creating, &create)?;
        // What it prints is for people; the list is for programs.
        match wrangler.json(&listing, self.list)? {
            None => Ok(None),
            Some(there) => self.find(&there).map(Some).ok_or_else(|| {
                let message = format!("{creating}: wrangler has done so, and does not list it");
                Failure::new(Kind::Other, message).hint("run `postern setup` again in a moment")
            }),
        }
    }

    fn find(&self, list: &Value) -> Option<String> {
        let mut entries = list.as_array()?.iter();
        let entry =
            entries.find(|entry| entry.get(self.named).is_some_and(|own| own == self.name))?;
        Some(entry.get(self.id)?.as_str()?.to_owned())
    }

    fn ids<'l>(&self, list: &'l Value) -> impl Iterator<Item = &'l str> {
        let entries = list.as_array().into_iter().flatten();
        entries.filter_map(|entry| entry.get(self.id)?.as_str())
    }

    fn not_there(&self, id: &str) -> Failure {
        let message = format!(
            "the {} of wrangler.jsonc ({id}) is not in the account that wrangler is logged in to",
            self.what
        );
        Failure::new(Kind::Configuration, message)
            .hint("log in to the other account, or put the example's id back to have a new one")
    }
}
