//! Who calls, by the two chains of the control plane: the main one for managing, the attestation
//! one for attesting, which differ in what they say. Asks the rows on every call; the time comes in.

use std::time::SystemTime;

use uuid::Uuid;

use super::denied::{Branch, Denied};
use super::jwt::{self, BadJwt, Claims};
use super::subject::{Holder, Passphrase, Subject};
use super::tokens::{self, Row, seconds};
use super::world::World;
use super::{people, policies};
use crate::caller::{Caller, Organization};
use crate::digest::sha256_hex;

/// Calls of the main branch that ask for no organization, no standing of it and no policy.
const WITHOUT_ORGANIZATION: [&str; 4] = [
    "OrganizationService/Create",
    "UserService/ListMemberships",
    "ContextService/Current",
    "AuthService/DeleteAccount",
];

/// What of a request says who calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'a> {
    /// Below `/controlplane.v1.`.
    pub(crate) call: &'a str,
    pub(crate) authorization: Option<&'a [u8]>,
    /// `Chainloop-Organization`, for people; empty: their current one.
    pub(crate) organization: &'a str,
}

/// Which chain a call goes through; none for what is open to everybody.
pub(crate) fn branch(call: &str) -> Option<Branch> {
    let (service, method) = call.split_once('/').unwrap_or((call, ""));
    match (service, method) {
        ("AttestationService" | "AttestationStateService", _)
        | ("SigningService", "GenerateSigningCert") => Some(Branch::Attestation),
        _ if policies::is_known(call) => Some(Branch::Main),
        _ => None,
    }
}

/// The caller, who may make this call as far as the chain in front of the services decides it.
///
/// # Errors
///
/// With the control plane's own refusal.
pub(crate) fn authenticate(
    world: &mut World,
    incoming: Incoming<'_>,
    now: SystemTime,
) -> Result<Subject, Denied> {
    match branch(incoming.call) {
        Some(Branch::Attestation) => attesting(world, incoming, now),
        _ => managing(world, incoming, now),
    }
}

fn managing(world: &mut World, incoming: Incoming<'_>, now: SystemTime) -> Result<Subject, Denied> {
    let bearer = bearer(incoming.authorization)?;
    let claims = jwt::read(&world.key, bearer, seconds(now)).map_err(|bad| match bad {
        BadJwt::Malformed => Denied::NotAJwt,
        BadJwt::Time => Denied::Expired,
        BadJwt::Method => Denied::OtherMethod,
        BadJwt::Signature(_) | BadJwt::Claims => Denied::NotParsed,
    })?;
    let free = WITHOUT_ORGANIZATION.contains(&incoming.call);
    let subject = if jwt::is_for(&claims, tokens::AUDIENCE) {
        let row = row(world, &claims, Branch::Main)?;
        // Before anything can still refuse the call, so a refused one counts.
        world.tokens.used(row.id, now);
        token_subject(world, &row, bearer)?
    } else if jwt::is_for(&claims, people::AUDIENCE) {
        person(world, &claims, incoming.organization, bearer)?
    } else {
        return Err(Denied::NoSubject);
    };
    if !free {
        standing(world, &subject)?;
        permitted(&subject, incoming.call)?;
    }
    match (&subject.holder, policies::people_only(incoming.call)) {
        (Holder::Token { .. }, Some(denied)) => Err(denied),
        _ => Ok(subject),
    }
}

fn attesting(
    world: &mut World,
    incoming: Incoming<'_>,
    now: SystemTime,
) -> Result<Subject, Denied> {
    let bearer = bearer(incoming.authorization)?;
    let claims = jwt::read(&world.key, bearer, seconds(now)).map_err(|bad| match bad {
        BadJwt::Time => Denied::Expired,
        BadJwt::Malformed => Denied::NoProvider("Token is invalid"),
        BadJwt::Method => Denied::NoProvider("Wrong signing method"),
        BadJwt::Claims => Denied::NoProvider("token has invalid claims"),
        BadJwt::Signature(why) => Denied::NoProvider(signature(why)),
    })?;
    if jwt::is_for(&claims, tokens::AUDIENCE) {
        let row = row(world, &claims, Branch::Attestation)?;
        let subject = token_subject(world, &row, bearer)?;
        standing(world, &subject)?;
        world.tokens.used(row.id, now);
        return Ok(subject);
    }
    if !jwt::is_for(&claims, people::AUDIENCE) {
        return Err(Denied::NoAudience);
    }
    let subject = person(world, &claims, incoming.organization, bearer)?;
    if let Holder::Person { role, .. } = &subject.holder
        && !role.is_admin()
        && !role.needs_projects()
    {
        let id = subject.organization.id.clone();
        return Err(Denied::RoleMayNotAttest(role.as_str(), id));
    }
    standing(world, &subject)?;
    Ok(subject)
}

/// The token alone, without its scheme.
pub(crate) fn bearer(authorization: Option<&[u8]>) -> Result<&str, Denied> {
    authorization
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token)
        .ok_or(Denied::NoBearer)
}

/// What the library says of a signature, as it stands in the answer.
fn signature(why: &'static str) -> &'static str {
    const BAD: &str = "token signature is invalid: signature is invalid";
    const RSA: &str =
        "token signature is invalid: key is of invalid type: RSA verify expects *rsa.PublicKey";
    const PSS: &str =
        "token signature is invalid: key is of invalid type: RSA-PSS verify expects *rsa.PublicKey";
    const ECDSA: &str =
        "token signature is invalid: key is of invalid type: ECDSA verify expects *ecdsa.PublicKey";
    const ED25519: &str = "token signature is invalid: key is of invalid type: Ed25519 verify expects \
                           ed25519.PublicKey";
    [BAD, RSA, PSS, ECDSA, ED25519]
        .into_iter()
        .find(|whole| whole.ends_with(why))
        .unwrap_or(BAD)
}

/// The row of a token that was not revoked and whose claims fit. The order differs: attesting, the
/// row is looked at once more, before the claims.
fn row(world: &World, claims: &Claims, branch: Branch) -> Result<Row, Denied> {
    let id = jwt::text(claims, "jti");
    if id.is_empty() {
        return Err(Denied::NoTokenId);
    }
    let id = Uuid::parse_str(id).map_err(|why| Denied::BadRowId(branch, why.to_string()))?;
    let row = world.tokens.find(id).ok_or(Denied::NoRow(branch))?;
    if branch == Branch::Attestation && row.revoked_at.is_some() {
        return Err(Denied::Revoked(branch));
    }
    // A claim that is absent is not compared; the row counts.
    let fits = |claim: &str, own: Option<Uuid>| {
        claim.is_empty() || own.is_some_and(|own| own.to_string() == claim)
    };
    if !fits(
        jwt::text(claims, "project_id"),
        row.project.as_ref().map(|(id, _)| *id),
    ) {
        return Err(Denied::OtherProjectClaim);
    }
    if !fits(
        jwt::text(claims, "workflow_id"),
        row.workflow.as_ref().map(|(id, _)| *id),
    ) {
        return Err(Denied::OtherWorkflowClaim);
    }
    if row.revoked_at.is_some() {
        return Err(Denied::Revoked(branch));
    }
    Ok(row.clone())
}

fn token_subject(world: &World, row: &Row, bearer: &str) -> Result<Subject, Denied> {
    let holder = Holder::Token {
        id: row.id,
        project: row.project.clone(),
        workflow: row.workflow.clone(),
        policies: row.policies.clone(),
    };
    subject(world, &row.organization, holder, row.id, bearer)
}

/// The user in the organization of the header, else in the current one.
fn person(
    world: &World,
    claims: &Claims,
    organization: &str,
    bearer: &str,
) -> Result<Subject, Denied> {
    let id = jwt::text(claims, "user_id");
    if id.is_empty() {
        return Err(Denied::NoUserId);
    }
    let user = Uuid::parse_str(id).ok().and_then(|id| world.users.get(&id));
    let user = user.ok_or(Denied::NoUser)?;
    let mut memberships = user.memberships.iter();
    let found = if organization.is_empty() {
        let current = memberships.next();
        current.ok_or_else(|| Denied::NoMembership(user.id.to_string()))?
    } else {
        let wanted = world.organization(organization).map(|one| &one.about.id);
        let found = memberships.find(|(id, _)| Some(id) == wanted);
        found.ok_or_else(|| Denied::NotInOrganization(organization.to_owned()))?
    };
    let about = world.organizations.get(&found.0).map(|one| &one.about);
    let about = about.ok_or_else(|| Denied::NoMembership(user.id.to_string()))?;
    let holder = Holder::Person {
        id: user.id,
        role: found.1,
    };
    subject(world, about, holder, user.id, bearer)
}

fn subject(
    world: &World,
    about: &Organization,
    holder: Holder,
    id: Uuid,
    bearer: &str,
) -> Result<Subject, Denied> {
    // Organizations are never forgotten here.
    let organization = world.organizations.get(&about.id).ok_or(Denied::Internal)?;
    let passphrase = sha256_hex(bearer.as_bytes());
    Ok(Subject {
        organization: about.clone(),
        state: organization.state.clone(),
        holder,
        caller: Caller {
            authorization_sha256: sha256_hex(format!("Bearer {bearer}").as_bytes()),
            token_sha256: passphrase.clone(),
            token_id: id.to_string(),
            organization: about.clone(),
        },
        passphrase: Passphrase(passphrase),
    })
}

/// Fails when the organization is suspended.
fn standing(world: &World, subject: &Subject) -> Result<(), Denied> {
    let organization = world.organizations.get(&subject.organization.id);
    if organization.is_some_and(|one| one.suspended) {
        return Err(Denied::Suspended);
    }
    Ok(())
}

/// Fails unless the holder has every policy that the call needs.
fn permitted(subject: &Subject, call: &str) -> Result<(), Denied> {
    if matches!(&subject.holder, Holder::Person { role, .. } if role.is_admin()) {
        return Ok(());
    }
    match policies::needed(call) {
        Some(needed) if needed.iter().all(|policy| subject.holds(policy)) => Ok(()),
        _ => Err(Denied::NotAllowed),
    }
}
