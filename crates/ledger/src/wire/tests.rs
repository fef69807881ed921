//! What one side prints the other parses, and both know the requests of the first release.

use super::*;
use crate::sql::SqlError;
use crate::testing;
use crate::{
    Admission, LeakCommand, LimitsCommand, Liveness, NoteCommand, RecordChange, RefusalCommand,
    ReleaseCommand, RevokeCommand, RunAnswer, Selector, Stop, SweepCommand,
};
use crate::{Claim, Version};
use postern_domain::audit::{Action, Changes};
use postern_domain::id::Id;
use postern_domain::leak::OnLeak;
use postern_domain::standing::Inactive;
use serde::Serialize;

fn label(text: &str) -> Label {
    Label::parse(text).expect("a label")
}

fn parsed(call: &Call) -> Result<Call, Misread> {
    Call::parse(call.posts(), &format!("/{call}"))
}

#[test]
fn every_question_is_parsed_as_it_was_printed() {
    for bits in 0..4096_u16 {
        let asks = |bit: u16| bits & (1 << bit) != 0;
        let query = AdmitQuery {
            token: Id::from_u128(7),
            facts: asks(0),
            run: asks(1).then(|| Id::from_u128(9)),
            pin: asks(2),
            shown: asks(7).then(|| Id::from_u128(8)).filter(|_| asks(2)),
            counts: asks(3),
            claim: asks(4).then(|| Claim {
                holder: Id::from_u128(3),
                applied: asks(5).then(|| Version {
                    instance: Id::from_u128(4),
                    number: 12,
                }),
                lease: asks(6),
            }),
            upstream: asks(8).then(|| UpstreamQuery {
                project: asks(9).then(|| label("shop")),
                workflow: asks(5).then(|| label("a-b")),
                is_exact: asks(3),
                began: asks(6).then(|| Id::from_u128(5)),
            }),
            revision: if asks(10) { 3 } else { 0 },
            calls: asks(11),
        };
        let call = Call::Admit(query);
        assert_eq!(parsed(&call), Ok(call.clone()), "{call}");
    }
    let kept = KeptQuery {
        after: 0,
        up_to: u64::MAX,
    };
    for call in [
        Call::Confirm,
        Call::Describe(Id::from_u128(7)),
        Call::Kept(kept),
        Call::Ping,
        Call::Conflict(Id::from_u128(1)),
        Call::Command("mint".to_owned()),
    ] {
        assert_eq!(parsed(&call), Ok(call.clone()), "{call}");
    }
}

/// Literals: the other side may be an earlier release.
#[test]
fn the_requests_are_pinned() {
    let token = "00000000-0000-0000-0000-000000000007";
    let run = "00000000-0000-0000-0000-000000000009";
    let holder = "00000000-0000-0000-0000-000000000003";
    let instance = "00000000-0000-0000-0000-000000000004";
    let plain = || AdmitQuery {
        token: Id::from_u128(7),
        facts: false,
        run: None,
        pin: false,
        shown: None,
        counts: true,
        claim: None,
        upstream: None,
        revision: 0,
        calls: false,
    };
    let rows = [
        (plain(), format!("use/{token}")),
        (
            AdmitQuery {
                facts: true,
                counts: false,
                ..plain()
            },
            format!("look/{token}/facts"),
        ),
        (
            AdmitQuery {
                run: Some(Id::from_u128(9)),
                ..plain()
            },
            format!("use/{token}/state/{run}"),
        ),
        (
            AdmitQuery {
                facts: true,
                run: Some(Id::from_u128(9)),
                claim: Some(Claim {
                    holder: Id::from_u128(3),
                    applied: Some(Version {
                        instance: Id::from_u128(4),
                        number: 12,
                    }),
                    lease: true,
                }),
                pin: true,
                ..plain()
            },
            format!("use/{token}/facts/{run}/{holder}.lease.{instance}.12/pin"),
        ),
        (
            AdmitQuery {
                pin: true,
                ..plain()
            },
            format!("use/{token}/state/-/-/pin"),
        ),
        (
            AdmitQuery {
                pin: true,
                shown: Some(Id::from_u128(9)),
                counts: false,
                ..plain()
            },
            format!("look/{token}/state/-/-/pin/{run}"),
        ),
        (
            AdmitQuery {
                pin: true,
                upstream: Some(UpstreamQuery {
                    project: Some(label("shop")),
                    workflow: Some(label("release")),
                    is_exact: true,
                    began: Some(Id::from_u128(9)),
                }),
                ..plain()
            },
            format!("use/{token}/state/-/-/pin/-/shop.release.{run}.exact"),
        ),
        (
            AdmitQuery {
                upstream: Some(UpstreamQuery {
                    project: None,
                    workflow: None,
                    is_exact: false,
                    began: None,
                }),
                ..plain()
            },
            format!("use/{token}/state/-/-/-/-/-.-.-"),
        ),
        (
            AdmitQuery {
                revision: 3,
                ..plain()
            },
            format!("use/{token}/state/-/-/-/-/-/3"),
        ),
        (
            AdmitQuery {
                pin: true,
                calls: true,
                ..plain()
            },
            format!("use/{token}/state/-/-/pin/-/-/0/calls"),
        ),
    ];
    for (query, path) in rows {
        assert_eq!(Call::Admit(query).to_string(), path);
    }
    assert_eq!(
        (ACTOR, ORGANIZATION_NAME),
        ("postern-actor", "organization-name")
    );
}

#[test]
fn what_cannot_be_read_is_refused() {
    let rows = [
        (false, "/", Misread::Unknown),
        (true, "/", Misread::Unknown),
        (false, "/mint", Misread::Unknown),
        (false, "/use", Misread::Malformed),
        (false, "/look/x", Misread::Malformed),
        (false, "/describe/", Misread::Malformed),
        (false, "/events/1", Misread::Malformed),
        (false, "/events/1/x", Misread::Malformed),
        (true, "/conflict/x", Misread::Malformed),
        // As a later release might ask.
        (false, "/list", Misread::Unknown),
        (false, "/ping/later", Misread::Malformed),
        (false, "/name/later", Misread::Malformed),
        (false, "/events/1/2/3", Misread::Malformed),
        (true, "/mint/later", Misread::Malformed),
        (
            false,
            "/use/00000000-0000-0000-0000-000000000007/later",
            Misread::Malformed,
        ),
        (
            false,
            "/use/00000000-0000-0000-0000-000000000007/facts/later",
            Misread::Malformed,
        ),
        (
            false,
            "/use/00000000-0000-0000-0000-000000000007/facts/-/-/later",
            Misread::Malformed,
        ),
        (
            false,
            "/use/00000000-0000-0000-0000-000000000007/facts/-/-/pin/later",
            Misread::Malformed,
        ),
        (
            false,
            "/use/00000000-0000-0000-0000-000000000007/facts/-/-/pin/-/-.-.-/later",
            Misread::Malformed,
        ),
        (
            false,
            "/use/00000000-0000-0000-0000-000000000007/facts/-/-/pin/-/-.-.-.later",
            Misread::Malformed,
        ),
    ];
    for (posted, path, expected) in rows {
        assert_eq!(Call::parse(posted, path), Err(expected), "{path}");
    }
    assert_eq!(parse_actor(Some("nobody")), Err(Misread::Malformed));
    assert_eq!(parse_actor(Some("")), Err(Misread::Malformed));
}

#[test]
fn an_actor_is_parsed_as_it_was_printed() {
    for actor in [Actor::NotAToken, Actor::Token(Id::from_u128(7))] {
        assert_eq!(parse_actor(print_actor(actor).as_deref()), Ok(actor));
    }
}

#[test]
fn every_answer_is_read_as_it_was_printed() {
    let answer = Reply::answer(&vec![1, 2]).expect("serializes");
    assert_eq!(answer.read(), Ok(vec![1, 2]));
    assert_eq!(Reply::usual().read_unless_usual::<u32>(), Ok(None));
    let live = Reply::admission(&Admission::LIVE).expect("serializes");
    assert_eq!(live, Reply::usual());
    let revoked = Admission {
        liveness: Liveness::Revoked,
        ..Admission::LIVE
    };
    let reply = Reply::admission(&revoked).expect("serializes");
    assert_eq!(reply.read_unless_usual(), Ok(Some(revoked)));
    for known in [true, false] {
        assert_eq!(Reply::confirmation(known).read_confirmation(), Ok(known));
    }
    for why in [Inactive::Unknown, Inactive::Revoked, Inactive::Expired] {
        let reply = Reply::stop(&Stop::Inactive(why)).expect("an answer");
        assert_eq!(reply.read::<u32>(), Err(Unanswered::Inactive(why)));
    }
    let reply = Reply::stop(&Stop::Misdirected).expect("an answer");
    assert_eq!(reply.read::<u32>(), Err(Unanswered::Misdirected));
    assert_eq!(reply.read_confirmation(), Err(Unanswered::Misdirected));
    let failed = Stop::Failed(SqlError("full".to_owned()));
    assert_eq!(Reply::stop(&failed), Err("full".to_owned()));
}

#[test]
fn whatever_else_comes_back_is_a_failure() {
    for (status, body) in [
        (500, ""),
        (404, "unknown"),
        (200, "{"),
        (401, "?"),
        (204, ""),
    ] {
        let reply = Reply {
            status,
            body: body.to_owned(),
        };
        let read = reply.read::<u32>();
        assert!(
            match status {
                404 => matches!(read, Err(Unanswered::NotKnown(_))),
                _ => matches!(read, Err(Unanswered::Failed(_))),
            },
            "{status} {body}"
        );
    }
}

/// The members of a command's JSON are a contract with other releases.
#[test]
fn commands_and_record_changes_keep_the_members_of_the_first_release() {
    let mint = testing::mint(7, "ci", 0);
    let token = Id::from_u128(7);
    let requester = testing::requester;
    let requester_json = json(&requester());
    for command in [
        json(&mint),
        json(&testing::rotate(7, mint, 0))["mint"].clone(),
        json(&RevokeCommand {
            token,
            requester: requester(),
            respond_async: false,
        }),
        json(&testing::revoke_many(Selector::default())),
        json(&SweepCommand {
            max_idle_days: 1,
            requester: requester(),
        }),
        json(&LeakCommand {
            token,
            on_leak: OnLeak::Revoke,
            requester: requester(),
        }),
        json(&ReleaseCommand {
            token,
            requester: requester(),
        }),
        json(&NoteCommand {
            organization: Id::from_u128(1),
            action: Action::ProjectCreate,
            target: None,
            requester: requester(),
        }),
        json(&RefusalCommand {
            organization: Id::from_u128(1),
            outcome: "name_taken".to_owned(),
            target: None,
            requester: requester(),
        }),
        json(&LimitsCommand {
            organization: Id::from_u128(1),
            mint_ceiling: None,
            max_idle_days: 0,
            on_leak: OnLeak::Revoke,
            changes: Changes::new(),
            requester: requester(),
        }),
    ] {
        assert_eq!(command["origin"], requester_json, "{command}");
        assert_eq!(command.get("requester"), None, "{command}");
    }
    let change = RecordChange::RevokeToken {
        organization: Id::from_u128(1),
        token,
        at: testing::at(5),
        by: "admin-token".to_owned(),
    };
    assert_eq!(json(&change)["effect"], "revoke_token");
    // Of the release before, which kept runs in D1: an outbox may have some still.
    let run = r#"{"effect":"insert_run","organization":"8e5907ee-6fe8-406c-8c3e-71a2f1eb9e06","run":"0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d","facts":{"project":"shop","workflow":"release","workflow_id":null},"token":"98bdae20-6fe8-406c-8c3e-71a2f1eb9e06","at":1795307872165}"#;
    let change: RecordChange = serde_json::from_str(run).expect("an entry");
    assert!(matches!(change, RecordChange::InsertRun));
    // It reads this answer, and waits for it.
    let answer = RunAnswer {
        pin: None,
        other: None,
    };
    assert_eq!(json(&answer).to_string(), r#"{"pin":null}"#);
}

fn json(value: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(value).expect("serializes")
}
