//! The calls of an attestation, which the control plane exempts from policies: a token's scope
//! alone decides on them. Field numbers are those of the control plane's `.proto` files.

use super::Effect::{Read, Write};
use super::Narrow::{Any, Named};
use super::row::{content, hands_out, names, open, organization, run, token};
use super::{
    ArtifactCredential, ArtifactRole, Carries, Identity, Is, NOTHING, OrganizationAt, Rpc, When,
};

/// A contract in the message replaces the one that the workflow has, and the control plane does
/// not ask for the policy of doing so.
const CONTRACT_IN_FIND_OR_CREATE: &[When] = &[When {
    field: 7,
    is: Is::Present,
    policies: &["workflow_contract:create", "workflow_contract:update"],
}];

/// Policies come from the token's own organization, or from where the message leaves it open.
const POLICY: Identity = organization(OrganizationAt::Name(&[3]));

/// Policies have no part in it, so every token that may begin a run may read this; it changes
/// nothing, and the answer tells the workflow's id.
pub(super) const CONTRACT: Rpc = token(
    "AttestationService/GetContract",
    Read,
    &[],
    names(&[3], &[2]),
    Named,
);

/// The rows.
pub static ATTESTATION: [Rpc; 16] = [
    Rpc {
        when: CONTRACT_IN_FIND_OR_CREATE,
        carries: Carries::Content,
        ..token(
            "AttestationService/FindOrCreateWorkflow",
            Write,
            &[],
            names(&[5], &[4]),
            Named,
        )
    },
    CONTRACT,
    Rpc {
        makes_run: true,
        ..token(
            "AttestationService/Init",
            Write,
            &[],
            names(&[5], &[4]),
            Named,
        )
    },
    content(token(
        "AttestationService/Store",
        Write,
        &[],
        run(&[2]),
        Named,
    )),
    hands_out(
        token(
            "AttestationService/GetUploadCreds",
            Write,
            &[],
            run(&[1]),
            Named,
        ),
        ArtifactCredential::in_result(Some(ArtifactRole::Uploader)),
    ),
    token("AttestationService/Cancel", Write, &[], run(&[1]), Named),
    token("AttestationService/GetPolicy", Read, &[], POLICY, Any),
    token("AttestationService/GetPolicyGroup", Read, &[], POLICY, Any),
    token(
        "AttestationStateService/Initialized",
        Read,
        &[],
        run(&[1]),
        Named,
    ),
    content(token(
        "AttestationStateService/Save",
        Write,
        &[],
        run(&[1]),
        Named,
    )),
    token("AttestationStateService/Read", Read, &[], run(&[1]), Named),
    token(
        "AttestationStateService/Reset",
        Write,
        &[],
        run(&[1]),
        Named,
    ),
    token(
        "SigningService/GenerateSigningCert",
        Write,
        &[],
        NOTHING,
        Any,
    ),
    open("SigningService/GetTrustedRoot"),
    open("StatusService/Infoz"),
    open("StatusService/Statusz"),
];
