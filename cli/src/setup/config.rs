//! `wrangler.jsonc` of a release: read, filled in, and written back whole or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use super::jsonc::{self, Step};
use crate::deployment::Deployment;
use crate::fail::{Failure, Kind, Outcome};

const FILE: &str = "wrangler.jsonc";

/// What is filled in; stores that are not known yet are left as they are.
pub struct Values<'v> {
    pub name: &'v str,
    pub origin_url: &'v str,
    pub origin_auth: &'v str,
    pub database: Option<&'v str>,
    pub namespace: Option<&'v str>,
}

/// The file, and what is in it.
pub struct Config {
    file: PathBuf,
    text: String,
    deployment: Deployment,
}

impl Config {
    /// Opens the configuration in a folder.
    ///
    /// # Errors
    /// `Configuration` where there is none, or one that does not parse.
    pub fn open(folder: &Path) -> Outcome<Self> {
        let file = folder.join(FILE);
        let text = fs::read_to_string(&file).map_err(|error| {
            let message = format!("{}: {error}", file.display());
            let hint =
                "run it in a folder with a release: npm create postern, or the unpacked archive";
            Failure::new(Kind::Configuration, message).hint(hint)
        })?;
        let deployment = Deployment::read(&file, None)?;
        Ok(Self {
            file,
            text,
            deployment,
        })
    }

    /// What it says now.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Changes the values, in memory.
    ///
    /// # Errors
    /// `Configuration` where the file has no place for one of them.
    pub fn fill(&mut self, values: &Values<'_>) -> Outcome {
        use Step::{Bound, Member};
        let database = [Member("d1_databases"), Bound("DB")];
        let namespace = [Member("kv_namespaces"), Bound("FACTS"), Member("id")];
        let id = [database[0], database[1], Member("database_id")];
        let rows: [(&[Step<'_>], Option<&str>); 6] = [
            (&[Member("name")], Some(values.name)),
            (
                &[database[0], database[1], Member("database_name")],
                Some(values.name),
            ),
            (&id, values.database),
            (&namespace, values.namespace),
            (
                &[Member("vars"), Member("ORIGIN_URL")],
                Some(values.origin_url),
            ),
            (
                &[Member("vars"), Member("ORIGIN_AUTH")],
                Some(values.origin_auth),
            ),
        ];
        for (path, value) in rows {
            let Some(value) = value else { continue };
            self.text = jsonc::set(&self.text, path, value).map_err(|why| self.wrong(&why))?;
        }
        Ok(())
    }

    /// Turns tokens of CI jobs on, in memory: whose are trusted, and the gateway's URL, which they are made for.
    /// Says whether that changes anything.
    ///
    /// # Errors
    /// `Configuration` where the file has no place for them.
    pub fn trust_jobs(&mut self, issuers: &str, url: &str) -> Outcome<bool> {
        let url = url.trim_end_matches('/');
        let there = self.deployment.variable("CI_AUDIENCES").unwrap_or_default();
        let mut audiences: Vec<&str> = there.split(',').map(str::trim).collect();
        audiences.retain(|audience| !audience.is_empty());
        if !audiences.contains(&url) {
            audiences.push(url);
        }
        let audiences = audiences.join(",");
        let before = self.text.clone();
        for (name, value) in [
            ("CI_AUDIENCES", audiences.as_str()),
            ("CI_ISSUERS", issuers),
        ] {
            let text = jsonc::put(&self.text, &[Step::Member("vars")], name, value);
            self.text = text.map_err(|why| self.wrong(&why))?;
        }
        Ok(self.text != before)
    }

    /// Writes the file, and reads it back.
    pub fn save(&mut self) -> Outcome {
        let partial = self.file.with_extension("jsonc.partial");
        fs::write(&partial, &self.text)
            .and_then(|()| fs::rename(&partial, &self.file))
            .map_err(|error| self.wrong(&error))?;
        self.deployment = Deployment::read(&self.file, None)?;
        Ok(())
    }

    fn wrong(&self, why: &dyn std::fmt::Display) -> Failure {
        Failure::new(
            Kind::Configuration,
            format!("{}: {why}", self.file.display()),
        )
    }
}
