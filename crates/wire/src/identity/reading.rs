//! Reads what a message is about, window by window.

use postern_domain::rpc::{Identity, Is, OrganizationAt, Path, ProjectAt, Rpc, When};

use super::IdentityError;
use super::named::{Named, Project};
use super::reference::Reference;
use crate::protobuf::{Add, Keep, Kind, Pause, ProtobufError, Search, Sought, Span, Window};

/// A message that is being read. `K` is how its texts are kept.
#[derive(Debug)]
pub(crate) struct Reading<K: Keep> {
    project: ProjectAt,
    when: &'static [When],
    search: Search<K, 7>,
    reference: Reference<K>,
}

impl<K: Keep> Reading<K> {
    /// The message at this place of a body, for this call.
    pub fn new(message: Span, rpc: &Rpc) -> Self {
        let Identity {
            organization,
            project,
            workflow,
            run,
            digest,
        } = rpc.identity;
        let (organization_id, organization_name) = match organization {
            OrganizationAt::Nowhere => (None, None),
            OrganizationAt::Id(path) => (Some(path), None),
            OrganizationAt::Name(path) => (None, Some(path)),
        };
        let sought = [
            text(organization_id),
            text(organization_name),
            text(workflow),
            text(run),
            text(digest),
            match project {
                ProjectAt::Nowhere => text(None),
                ProjectAt::Name(path) => text(Some(path)),
                ProjectAt::Names(path) => Sought::new(number(path), Kind::Texts),
                ProjectAt::Reference(path) => Sought::new(number(path), Kind::Message),
            },
            condition(rpc.when),
        ];
        Self {
            project,
            when: rpc.when,
            search: Search::new(message, sought, 0),
            reference: Reference::new(),
        }
    }

    /// Reads on; where the window ends before the message does, gives the place of the byte that
    /// it needs.
    ///
    /// # Errors
    /// The first fault of the message.
    pub fn run<'w>(&mut self, window: Window<'w>) -> Result<Option<usize>, ProtobufError>
    where
        K: Add<'w>,
    {
        loop {
            if let Some(from) = self.reference.run(window) {
                return Ok(Some(from));
            }
            match self.search.run(window)? {
                Pause::More(from) => return Ok(Some(from)),
                Pause::Enter(part) => self.reference.enter(part),
                Pause::End => return Ok(None),
            }
        }
    }

    /// What the message says, once it was read to its end.
    ///
    /// # Errors
    /// What cannot be understood in one way only.
    pub fn finish(self) -> Result<Named<K::Text>, IdentityError>
    where
        K::Text: AsRef<str>,
    {
        let spent = self.search.spent;
        let [
            organization_id,
            organization_name,
            workflow,
            run,
            digest,
            project,
            condition,
        ] = self.search.sought;
        if run.is_present() && digest.is_present() {
            return Err(IdentityError::Both("the id of a run and a digest"));
        }
        let named = |text: K::Text| (!text.as_ref().is_empty()).then_some(text);
        Ok(Named {
            organization_id: organization_id.text()?,
            organization_name: organization_name.text()?,
            project: match self.project {
                ProjectAt::Nowhere => Project::Open,
                ProjectAt::Name(_) => named(project.text()?).map_or(Project::Open, Project::Name),
                ProjectAt::Names(_) => match project.texts()? {
                    names if names.is_empty() => Project::Open,
                    names => Project::Names(names),
                },
                ProjectAt::Reference(_) => self.reference.finish(spent)?,
            },
            workflow: workflow.text()?,
            policies: policies(condition.last(), self.when),
            run: named(run.text()?),
            digest: named(digest.text()?),
        })
    }
}

/// A field of text that a message may not have.
fn text<T: Default>(path: Option<Path>) -> Sought<T> {
    Sought::new(path.map_or(0, number), Kind::Text)
}

/// The number of a field of the outer message. No row has any other; the tests hold the table to
/// that.
fn number(path: Path) -> u32 {
    match path {
        [number] => *number,
        _ => 0,
    }
}

/// The field that conditions look at, if there are any: one for all of them.
fn condition<T: Default>(when: &'static [When]) -> Sought<T> {
    let kind = |is| match is {
        Is::Present => Kind::Length,
        Is::Number(_) | Is::Otherwise(_) => Kind::Number,
    };
    let first = when.first().map(|when| (when.field, kind(when.is)));
    let (number, kind) = first.unwrap_or((0, Kind::Length));
    Sought::new(number, kind)
}

/// The policies that are needed where the field of the conditions has this number, or a value of
/// this length.
fn policies(last: u64, when: &[When]) -> Vec<&'static str> {
    let holds = |when: &&When| match when.is {
        Is::Number(number) => last == number,
        Is::Otherwise(known) => !known.contains(&last),
        Is::Present => last > 0,
    };
    let policies = when.iter().filter(holds).map(|when| when.policies);
    policies.flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use postern_domain::rpc::rpcs;

    use super::*;

    /// What is looked for has a number of its own in the outer message: one field is never two.
    #[test]
    fn every_row_looks_at_fields_of_the_outer_message_each_of_another_number() {
        for row in rpcs() {
            let Identity {
                organization,
                project,
                workflow,
                run,
                digest,
            } = row.identity;
            let organization = match organization {
                OrganizationAt::Nowhere => None,
                OrganizationAt::Id(path) | OrganizationAt::Name(path) => Some(path),
            };
            let project = match project {
                ProjectAt::Nowhere => None,
                ProjectAt::Name(path) | ProjectAt::Names(path) | ProjectAt::Reference(path) => {
                    Some(path)
                }
            };
            let paths = [organization, project, workflow, run, digest];
            let condition = row.when.first().map(|when| when.field);
            let mut numbers: Vec<u32> = condition.into_iter().collect();
            for path in paths.into_iter().flatten() {
                assert_ne!(number(path), 0, "{}: {path:?}", row.method);
                numbers.push(number(path));
            }
            let count = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), count, "{}: {numbers:?}", row.method);
        }
    }
}
