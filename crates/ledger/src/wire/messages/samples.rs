//! One message or more of each kind, with what can be left out and without it.

mod activity;
mod edits;
mod outbox;
mod pause;
mod rebuild;
mod runs;
mod tree;
mod trust;
mod upstreams;

use postern_domain::audit::checkpoint::Signed as Checkpoint;
use postern_domain::audit::verify::Row;
use postern_domain::audit::{Action, Changes};
use postern_domain::claims::Claims;
use postern_domain::decide::RunFacts;
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::name::TokenName;
use postern_domain::policy::Policy;
use postern_domain::scope::Scope;
use postern_domain::standing::Inactive;
use postern_domain::testing::{project, workflow};
use postern_domain::token::{Signed, TokenFacts, Verifier};
use postern_domain::upstream::Reach;

use super::{Message, answer, command, message};
use crate::testing::{at, facts, mint, requester, revoke_many, rotate};
use crate::{
    Admission, ArtifactCommand, BindCommand, CheckpointCommand, Claim, Delta, FederationCommand,
    GivenUpstream, LeakAnswer, LeakCommand, LimitsAnswer, LimitsCommand, Liveness, MintAnswer,
    MintCommand, NoteCommand, RefusalCommand, ReleaseAnswer, ReleaseCommand, RenewCommand,
    ReserveAnswer, ReserveCommand, RevokeAnswer, RevokeCommand, RevokeManyAnswer,
    RevokeManyCommand, RotateAnswer, RotateCommand, Selector, SweepAnswer, SweepCommand,
    UnreserveCommand, Version, WatchCommand,
};

pub(super) fn all() -> Vec<Message> {
    [
        admissions(),
        mints(),
        revokes(),
        many(),
        notes(),
        pause::all(),
        runs::all(),
        trust::all(),
        upstreams::all(),
        leases(),
        outbox::all(),
        rebuild::all(),
        activity::all(),
        tree::all(),
        edits::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An opaque token of a workflow, with everything that a token can have.
fn opaque() -> TokenFacts {
    TokenFacts {
        name: TokenName::parse("ci").expect("a name"),
        verifier: Verifier::Opaque {
            pepper: "k1".to_owned(),
            hash: "00".to_owned(),
        },
        policies: vec![Policy::parse("attestation:create").expect("a policy")],
        is_system: true,
        expires_at: Some(at(9_000)),
        ..facts(
            7,
            Scope::Workflow {
                project: project(),
                workflow: workflow(),
            },
        )
    }
}

fn jwt() -> TokenFacts {
    TokenFacts {
        verifier: Verifier::Jwt {
            signed: Some(signed()),
        },
        ..facts(7, Scope::Project { project: project() })
    }
}

fn adopted() -> TokenFacts {
    TokenFacts {
        verifier: Verifier::Adopted {
            claims: Box::new(Claims {
                jti: Some("j".to_owned()),
                aud: vec!["a".to_owned()],
                org_id: Some("o".to_owned()),
                digest: "ff".to_owned(),
                ..Claims::default()
            }),
        },
        ..facts(7, Scope::Organization)
    }
}

fn signed() -> Signed {
    Signed {
        kid: "k1".to_owned(),
        digest: "ff".to_owned(),
    }
}

fn run_facts() -> RunFacts {
    RunFacts {
        project: "shop".to_owned(),
        workflow: "release".to_owned(),
        workflow_id: Some(Id::from_u128(3)),
        upstream: Some(Id::from_u128(5)),
    }
}

fn delta() -> Delta {
    Delta {
        version: version(),
        changed: Some(vec![Id::from_u128(7)]),
        lease_ms: Some(1_000),
    }
}

fn version() -> Version {
    Version {
        instance: Id::from_u128(4),
        number: 12,
    }
}

fn admissions() -> Vec<Message> {
    let dead = |liveness| Admission {
        liveness,
        ..Admission::LIVE
    };
    let whole = Admission {
        liveness: Liveness::Live,
        facts: Some(opaque()),
        run: Some(run_facts()),
        pin: Some(Id::from_u128(3)),
        delta: Some(delta()),
        upstream: Some(GivenUpstream {
            id: Id::from_u128(5),
            reach: Reach::Organization,
            sealed: "1:r1:a:b".to_owned(),
            digest: upstreams::digest(),
            until: Some(at(9_000)),
        }),
        paused: false,
        calls: None,
    };
    let paused = Admission {
        facts: Some(opaque()),
        paused: true,
        ..Admission::LIVE
    };
    let bind = BindCommand {
        token: Id::from_u128(7),
        signed: signed(),
    };
    let row = Row {
        content: "{}".to_owned(),
        previous: "00".to_owned(),
        link: "01".to_owned(),
        kid: "r1".to_owned(),
        mended: None,
    };
    vec![
        message("admit =", &whole),
        message("admit =", &dead(Liveness::Revoked)),
        message("admit =", &dead(Liveness::Unknown)),
        message("admit =", &paused),
        message("describe =", &Some(jwt())),
        message("describe =", &None::<TokenFacts>),
        message("events =", &vec![(1_u64, row)]),
        message("ping =", &2_u32),
        message("inactive =", &Inactive::Unknown),
        message("inactive =", &Inactive::Revoked),
        message("inactive =", &Inactive::Expired),
        command(&bind),
        answer::<BindCommand>(&Some(jwt())),
        answer::<BindCommand>(&None),
    ]
}

fn mints() -> Vec<Message> {
    let cause = || "D1".to_owned();
    let whole = MintCommand {
        facts: opaque(),
        description: Some("of the release".to_owned()),
        minted_by: Some(Id::from_u128(8)),
        ceiling: 10,
        reservation: Some(Id::from_u128(9)),
        ..mint(7, "ci", 1_000)
    };
    let of = |facts| MintCommand {
        facts,
        ..mint(7, "ci", 1_000)
    };
    let mint_answer = |given| answer::<MintCommand>(&given);
    let rotate_answer = |given| answer::<RotateCommand>(&given);
    vec![
        command(&whole),
        command(&of(jwt())),
        command(&of(adopted())),
        command(&mint(7, "ci", 1_000)),
        mint_answer(MintAnswer::Minted),
        mint_answer(MintAnswer::NameTaken),
        mint_answer(MintAnswer::IdTaken { revoked: true }),
        mint_answer(MintAnswer::CeilingReached { ceiling: 10 }),
        mint_answer(MintAnswer::RevokedMeanwhile),
        mint_answer(MintAnswer::QuarantinedMeanwhile),
        mint_answer(MintAnswer::RecordUnavailable { cause: cause() }),
        command(&rotate(6, mint(7, "ci", 1_000), 2_000)),
        rotate_answer(RotateAnswer::Rotated {
            description: Some("of the release".to_owned()),
        }),
        rotate_answer(RotateAnswer::NotLive),
        rotate_answer(RotateAnswer::NameTaken),
        rotate_answer(RotateAnswer::CeilingReached { ceiling: 10 }),
        rotate_answer(RotateAnswer::RevokedMeanwhile),
        rotate_answer(RotateAnswer::RecordUnavailable { cause: cause() }),
        command(&ReserveCommand {
            id: Id::from_u128(9),
            ceiling: 10,
            lasts_ms: 1_000,
        }),
        answer::<ReserveCommand>(&ReserveAnswer::Reserved),
        answer::<ReserveCommand>(&ReserveAnswer::CeilingReached { ceiling: 10 }),
        command(&UnreserveCommand {
            id: Id::from_u128(9),
        }),
        answer::<UnreserveCommand>(&()),
    ]
}

fn revokes() -> Vec<Message> {
    let token = Id::from_u128(7);
    let revoke = |respond_async| RevokeCommand {
        token,
        requester: requester(),
        respond_async,
    };
    let leak = |on_leak| LeakCommand {
        token,
        on_leak,
        requester: requester(),
    };
    vec![
        command(&revoke(false)),
        command(&revoke(true)),
        answer::<RevokeCommand>(&RevokeAnswer::Revoked {
            at: at(1_000),
            final_in_ms: 1_060,
        }),
        answer::<RevokeCommand>(&RevokeAnswer::Unknown),
        command(&leak(OnLeak::Revoke)),
        command(&leak(OnLeak::Quarantine)),
        answer::<LeakCommand>(&LeakAnswer::Revoked),
        answer::<LeakCommand>(&LeakAnswer::Quarantined),
        answer::<LeakCommand>(&LeakAnswer::Unchanged),
        command(&ReleaseCommand {
            token,
            requester: requester(),
        }),
        answer::<ReleaseCommand>(&ReleaseAnswer::Released),
        answer::<ReleaseCommand>(&ReleaseAnswer::NotHeld),
    ]
}

fn many() -> Vec<Message> {
    let selector = Selector {
        ids: Some(vec![Id::from_u128(7)]),
        minted_by: Some(Id::from_u128(8)),
        project: Some(Id::from_u128(2)),
        created_after: Some(at(1_000)),
        created_before: Some(at(2_000)),
        never_used: true,
        address: Some("192.0.2.1".to_owned()),
    };
    vec![
        command(&revoke_many(selector)),
        command(&revoke_many(Selector::default())),
        answer::<RevokeManyCommand>(&RevokeManyAnswer::Done {
            tokens: vec![Id::from_u128(7)],
            used_in_last_day: 1,
            at: at(1_000),
            version: 12,
        }),
        answer::<RevokeManyCommand>(&RevokeManyAnswer::TooMany { limit: 10_000 }),
        command(&SweepCommand {
            max_idle_days: 9,
            requester: requester(),
        }),
        answer::<SweepCommand>(&SweepAnswer {
            tokens: vec![Id::from_u128(7)],
        }),
    ]
}

fn notes() -> Vec<Message> {
    let organization = Id::from_u128(1);
    let mut changes = Changes::new();
    changes.insert("max_idle_days".to_owned(), 9.into());
    let limits = LimitsCommand {
        organization,
        mint_ceiling: Some(10),
        max_idle_days: 9,
        on_leak: OnLeak::Quarantine,
        changes,
        requester: requester(),
    };
    let federated = FederationCommand {
        limits: limits.clone(),
        federated_only: true,
    };
    vec![
        command(&NoteCommand {
            organization,
            action: Action::ProjectCreate,
            target: Some("project:shop".to_owned()),
            requester: requester(),
        }),
        answer::<NoteCommand>(&()),
        command(&RefusalCommand {
            organization,
            outcome: "name_taken".to_owned(),
            target: Some("token:7".to_owned()),
            requester: requester(),
        }),
        answer::<RefusalCommand>(&()),
        command(&limits),
        command(&federated),
        answer::<LimitsCommand>(&LimitsAnswer::Changed),
        answer::<FederationCommand>(&LimitsAnswer::Changed),
        answer::<LimitsCommand>(&LimitsAnswer::RecordUnavailable {
            cause: "D1".to_owned(),
        }),
        command(&CheckpointCommand {
            organization,
            keep: true,
        }),
        answer::<CheckpointCommand>(&checkpoint()),
        command(&ArtifactCommand {
            token: Id::from_u128(7),
            target: Some("run:9".to_owned()),
            call: "GetUploadCreds".to_owned(),
            role: Some("uploader".to_owned()),
            requester: requester(),
        }),
        answer::<ArtifactCommand>(&()),
    ]
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        checkpoint: "{}".to_owned(),
        kid: "r1".to_owned(),
        mac: "00".to_owned(),
    }
}

fn leases() -> Vec<Message> {
    let claim = |applied| Claim {
        holder: Id::from_u128(3),
        applied,
        lease: true,
    };
    let anew = Delta {
        changed: None,
        lease_ms: None,
        ..delta()
    };
    vec![
        command(&RenewCommand {
            claim: claim(Some(version())),
            uses: vec![(Id::from_u128(7), 2, at(1_000))],
        }),
        answer::<RenewCommand>(&delta()),
        command(&WatchCommand { claim: claim(None) }),
        answer::<WatchCommand>(&anew),
    ]
}
