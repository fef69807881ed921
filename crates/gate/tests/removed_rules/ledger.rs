//! Rules that the Ledger keeps.

use super::Removed;

const LEASES: &str = "crates/ledger/src/leases.rs";
const MACHINE: &str = "crates/ledger/src/machine/leases.rs";
const QUESTIONS: &str = "crates/ledger/src/machine/questions.rs";
const REVOKE: &str = "crates/ledger/src/machine/revoke.rs";
const UPSTREAM: &str = "crates/ledger/src/machine/upstream.rs";
const ROTATE: &str = "crates/ledger/src/machine/rotate.rs";
const LEAKS: &str = "crates/ledger/src/machine/leaks.rs";

pub const REMOVED: &[Removed] = &[
    Removed {
        rule: "3: a rotated token ends by the clock alone",
        file: ROTATE,
        text: "match command.retire_at > now {",
        instead: "match true {",
    },
    Removed {
        rule: "4: no margin",
        file: "crates/ledger/src/lease.rs",
        text: "lease_ms.div_ceil(100) + 50",
        instead: "0 * lease_ms",
    },
    Removed {
        rule: "5: changes are not sent",
        file: MACHINE,
        text: "let changed = self.store.changed(since, MAX_CHANGES + 1)?;",
        instead: "let changed = vec![];",
    },
    Removed {
        rule: "5: as many changes as there are",
        file: MACHINE,
        text: "Some(changed).filter(|changed| changed.len() <= MAX_CHANGES)",
        instead: "Some(changed)",
    },
    Removed {
        rule: "6: what was sent counts as applied",
        file: MACHINE,
        text: "let lease_ms = match claim.lease && exists && !is_rebuilding {",
        instead: "let applied = Some(self.leases.version(head));\n        self.leases.acknowledge(&Claim { applied, ..*claim });\n        let lease_ms = match claim.lease && exists && !is_rebuilding {",
    },
    Removed {
        rule: "8: no restart wait",
        file: LEASES,
        text: "if stored_ms == 0 {",
        instead: "if stored_ms < u32::MAX {",
    },
    Removed {
        rule: "8: the length is not stored",
        file: MACHINE,
        text: "self.store.set_longest_lease(ms)?;",
        instead: "",
    },
    Removed {
        rule: "8: the length is not raised",
        file: LEASES,
        text: "(self.stored_ms < self.lease_ms)",
        instead: "(self.stored_ms == 0)",
    },
    Removed {
        rule: "8: the length is cleared while leases are out",
        file: LEASES,
        text: ".retain(|_, held| core::mem::take(&mut held.is_recent));",
        instead: ".clear();",
    },
    Removed {
        rule: "8: an earlier instance's timers count",
        file: LEASES,
        text: "if timer.instance != self.instance {",
        instead: "if false {",
    },
    Removed {
        rule: "10: a token with an end ahead is leased",
        file: QUESTIONS,
        text: "query.claim.filter(|_| standing.rotatable())",
        instead: "query.claim",
    },
    Removed {
        rule: "10: a rotation does not wait",
        file: ROTATE,
        text: "if command.retire_at.since(now) >= i64::from(final_in_ms) {",
        instead: "if true {",
    },
    Removed {
        rule: "11: final before the restart wait is over",
        file: LEASES,
        text: "self.restart == Restart::Over && !self.lost && version <= self.watermark",
        instead: "!self.lost && version <= self.watermark",
    },
    Removed {
        rule: "11: a revoke does not wait",
        file: REVOKE,
        text: "self.when_final(version, RevokeAnswer::Revoked { at, final_in_ms })",
        instead: "Ok(Done::BestAfterDelivery(RevokeAnswer::Revoked { at, final_in_ms }))",
    },
    Removed {
        rule: "11: a second revoke does not wait",
        file: REVOKE,
        text: "return ledger.revoked(first, version, self.respond_async);",
        instead: "return ledger.revoked(first, version.min(0), self.respond_async);",
    },
    Removed {
        rule: "11: a bulk revoke that matches nothing does not wait",
        file: REVOKE,
        text: "false => ledger.when_final(version, answer),",
        instead: "false if !writes => Ok(Done::BestAfterDelivery(answer)),\n            false => ledger.when_final(version, answer),",
    },
    Removed {
        rule: "11: a bulk revoke does not wait",
        file: REVOKE,
        text: "false => ledger.when_final(version, answer),",
        instead: "false if writes => Ok(Done::BestAfterDelivery(answer)),\n            false => ledger.when_final(version, answer),",
    },
    Removed {
        rule: "11: a sweep does not wait",
        file: REVOKE,
        text: "Action::TokenRevokeIdle, &self.requester)?;\n        let version = ledger.store.head()?.version;\n        ledger.when_final(version, answer)",
        instead: "Action::TokenRevokeIdle, &self.requester)?;\n        Ok(Done::BestAfterDelivery(answer))",
    },
    Removed {
        rule: "11: a quarantine does not wait",
        file: LEAKS,
        text: "        let version = ledger.store.head()?.version;\n        ledger.when_final(version, outcome)",
        instead: "        Ok(Done::BestAfterDelivery(outcome))",
    },
    Removed {
        rule: "11: a second quarantine does not wait",
        file: LEAKS,
        text: "return ledger.when_final(version, outcome);",
        instead: "return Ok(Done::BestAfterDelivery(outcome));",
    },
    Removed {
        rule: "12: a lease is not recorded",
        file: MACHINE,
        text: "self.leases.grant(claim);",
        instead: "",
    },
    Removed {
        rule: "12: a lease that is renewed is not recorded",
        file: LEASES,
        text: ".and_modify(|held| held.is_recent = true)",
        instead: "",
    },
    Removed {
        rule: "15: versions of another instance acknowledge",
        file: LEASES,
        text: ".filter(|version| version.instance == self.instance)",
        instead: "",
    },
    Removed {
        rule: "20: the restart wait is left out of final_at",
        file: LEASES,
        text: "restart.max(leases)",
        instead: "restart.min(leases)",
    },
    Removed {
        rule: "R42: a change of a credential is no reason to forget all",
        file: MACHINE,
        text: "since < head && self.store.anew_since()? > since => None,",
        instead: "since < head && since < 0 => None,",
    },
    Removed {
        rule: "R42: setting a credential does not wait",
        file: UPSTREAM,
        text: "ledger.when_final(version, SetUpstreamAnswer::Set(state))",
        instead: "Ok(Done::Answer(SetUpstreamAnswer::Set(state)))",
    },
    Removed {
        rule: "R42: clearing a credential does not wait",
        file: UPSTREAM,
        text: "ledger.when_final(version, ClearUpstreamAnswer::Cleared)",
        instead: "Ok(Done::Answer(ClearUpstreamAnswer::Cleared))",
    },
];
