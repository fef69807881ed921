//! How rows are written. The rows themselves are in the two tables beside it.

use super::Effect::{Read, Write};
use super::Narrow::{Any, Denied};
use super::{
    Access, ArtifactCredential, Carries, Effect, Identity, NOTHING, Narrow, OrganizationAt, Path,
    ProjectAt, Rpc,
};

pub(super) const fn token(
    method: &'static str,
    effect: Effect,
    policies: &'static [&'static str],
    identity: Identity,
    narrow: Narrow,
) -> Rpc {
    Rpc {
        method,
        access: Access::Token,
        effect,
        policies,
        when: &[],
        identity,
        narrow,
        carries: Carries::Names,
        makes_run: false,
        own_token: None,
        hands_out: None,
    }
}

/// A call whose answer has a credential for the artifact store.
pub(super) const fn hands_out(row: Rpc, credential: ArtifactCredential) -> Rpc {
    Rpc {
        hands_out: Some(credential),
        ..row
    }
}

/// A call whose message carries more than names.
pub(super) const fn content(row: Rpc) -> Rpc {
    Rpc {
        carries: Carries::Content,
        ..row
    }
}

pub(super) const fn open(method: &'static str) -> Rpc {
    Rpc {
        access: Access::Open,
        ..token(method, Read, &[], NOTHING, Any)
    }
}

pub(super) const fn person(method: &'static str) -> Rpc {
    Rpc {
        access: Access::Person,
        ..token(method, Write, &[], NOTHING, Denied)
    }
}

/// A call that would manage the origin's own credentials.
pub(super) const fn closed(method: &'static str, effect: Effect, identity: Identity) -> Rpc {
    Rpc {
        access: Access::Closed,
        ..token(method, effect, &[], identity, Denied)
    }
}

/// By names of project and workflow.
pub(super) const fn names(project: Path, workflow: Path) -> Identity {
    Identity {
        workflow: Some(workflow),
        ..project_at(ProjectAt::Name(project))
    }
}

pub(super) const fn project_at(project: ProjectAt) -> Identity {
    Identity { project, ..NOTHING }
}

pub(super) const fn run(run: Path) -> Identity {
    Identity {
        run: Some(run),
        ..NOTHING
    }
}

pub(super) const fn digest(digest: Path, project: ProjectAt) -> Identity {
    Identity {
        digest: Some(digest),
        ..project_at(project)
    }
}

pub(super) const fn organization(at: OrganizationAt) -> Identity {
    Identity {
        organization: at,
        ..NOTHING
    }
}
