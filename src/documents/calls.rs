//! docs/RPCS.md against the operation table. With `POSTERN_WRITE_DOCUMENTS=1` the list is written
//! anew, to be read before it is committed.

use std::fs;

use super::{read, root};
use postern_domain::rpc::{Access, Effect, Is, Narrow, OrganizationAt, ProjectAt, Rpc, rpcs};
use postern_wire::grpc_web::max_body;

/// What stands above the list.
const MARK: &str = "<!-- the list; made from crates/domain/src/rpc -->\n";

#[test]
fn every_call_is_listed_as_the_table_has_it() {
    let mut list = String::from(
        "\n| call | who | effect | policies | what it is about, by field | narrow tokens | body |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for row in rpcs() {
        list.push_str(&line(row));
    }
    let document = read("docs/RPCS.md");
    let (head, told) = document.split_once(MARK).expect("the mark");
    if std::env::var_os("POSTERN_WRITE_DOCUMENTS").is_some() {
        let text = format!("{head}{MARK}{list}");
        fs::write(root().join("docs/RPCS.md"), text).expect("written");
        return;
    }
    for (told, made) in told.lines().zip(list.lines()) {
        assert_eq!(told, made);
    }
    assert_eq!(told.lines().count(), list.lines().count());
}

fn line(row: &Rpc) -> String {
    let who = match row.access {
        Access::Open => "everybody",
        Access::Token => "tokens",
        Access::Person => "people",
        Access::Closed => "nobody",
    };
    let effect = match row.effect {
        Effect::Read => "read",
        Effect::Write => "write",
    };
    let narrow = match (row.access, row.narrow) {
        (Access::Person | Access::Closed, _) => "",
        (_, Narrow::Any) => "any",
        (_, Narrow::Named) => "named",
        (_, Narrow::Confined) => "confined",
        (_, Narrow::Denied) => "denied",
    };
    let body = match row.access {
        _ if max_body(row) < 1024 * 1024 => format!("{} KiB", max_body(row) / 1024),
        _ => format!("{} MiB", max_body(row) / 1024 / 1024),
    };
    let mut policies: Vec<String> = row.policies.iter().map(|p| format!("`{p}`")).collect();
    for when in row.when {
        let needs: Vec<String> = when.policies.iter().map(|p| format!("`{p}`")).collect();
        let is = match when.is {
            Is::Present => "is there".to_owned(),
            Is::Number(number) => format!("is {number}"),
            Is::Otherwise(known) => format!("is none of {known:?}"),
        };
        policies.push(format!("{} where {} {is}", needs.join(", "), when.field));
    }
    format!(
        "| `{}` | {who} | {effect} | {} | {} | {narrow} | {body} |\n",
        row.method,
        policies.join("; "),
        about(row)
    )
}

fn about(row: &Rpc) -> String {
    let at = |what: &str, path: &[u32]| {
        let path: Vec<String> = path.iter().map(u32::to_string).collect();
        format!("{} {what}", path.join("."))
    };
    let identity = row.identity;
    let organization = match identity.organization {
        OrganizationAt::Nowhere => None,
        OrganizationAt::Name(path) => Some(at("organization name", path)),
        OrganizationAt::Id(path) => Some(at("organization id", path)),
    };
    let project = match identity.project {
        ProjectAt::Nowhere => None,
        ProjectAt::Name(path) => Some(at("project", path)),
        ProjectAt::Names(path) => Some(at("projects", path)),
        ProjectAt::Reference(path) => Some(at("project {1 id, 2 name}", path)),
    };
    let parts = [
        organization,
        project,
        identity.workflow.map(|path| at("workflow", path)),
        identity.run.map(|path| at("run id", path)),
        identity.digest.map(|path| at("digest", path)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}
