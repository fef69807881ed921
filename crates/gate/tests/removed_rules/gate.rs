//! Rules that an isolate keeps.

use super::Removed;

const LEASES: &str = "crates/gate/src/leases.rs";
const COPY: &str = "crates/gate/src/leases/copy.rs";
const UPSTREAMS: &str = "crates/gate/src/leases/upstreams.rs";
const ADMISSION: &str = "crates/gate/src/admission.rs";

pub const REMOVED: &[Removed] = &[
    Removed {
        rule: "1: counts from receipt",
        file: LEASES,
        text: "until: asked.at.plus_millis(i64::from(ms)),",
        instead: "until: now.plus_millis(i64::from(ms)),",
    },
    Removed {
        rule: "2: a reading from before the body",
        file: "crates/gate/src/rpc.rs",
        text: "let here = move |call: &mut Call, gate: &mut Gate, now, arrived: Arrived| {",
        instead: "let here = move |call: &mut Call, gate: &mut Gate, _: Timestamp, arrived: Arrived| {",
    },
    Removed {
        rule: "4: no high-water mark",
        file: LEASES,
        text: "        if self.latest.is_some_and(|latest| now < latest) {",
        instead: "        if false {",
    },
    Removed {
        rule: "4: no drop timer",
        file: COPY,
        text: "if self.lease.is_some_and(|lease| lease.question <= question) {",
        instead: "if false {",
    },
    Removed {
        rule: "4: a lease whose timer has fired is taken",
        file: COPY,
        text: "if is_longer && lease.question > self.expired {",
        instead: "if is_longer {",
    },
    Removed {
        rule: "4: a lease that nobody asked for is taken",
        file: LEASES,
        text: "delta.lease_ms.filter(|_| asked.claim.lease)",
        instead: "delta.lease_ms",
    },
    Removed {
        rule: "5: an older answer is taken",
        file: COPY,
        text: "if delta.version.number < applied.number {",
        instead: "if false {",
    },
    Removed {
        rule: "5: a token in an older answer is taken",
        file: LEASES,
        text: "Liveness::Live if is_taken =>",
        instead: "Liveness::Live =>",
    },
    Removed {
        rule: "5: changes are not applied",
        file: COPY,
        text: "self.active.remove(token);",
        instead: "let _ = token;",
    },
    Removed {
        rule: "5: nothing is forgotten where all is to be",
        file: COPY,
        text: "                self.active.clear();",
        instead: "",
    },
    Removed {
        rule: "5: a token that is not active stays",
        file: LEASES,
        text: "copy.active.remove(&token);",
        instead: "let _ = &copy;",
    },
    Removed {
        rule: "7: an emptied copy keeps its id",
        file: LEASES,
        text: "copy.empty(holder);",
        instead: "let _ = holder;\n            copy.empty(copy.holder);",
    },
    Removed {
        rule: "7: answers to an earlier id are taken",
        file: LEASES,
        text: "if copy.holder != asked.claim.holder {\n            return false;\n        }\n        if asked",
        instead: "if asked",
    },
    Removed {
        rule: "7: a full copy is emptied",
        file: LEASES,
        text: "copy.active.remove(&other);",
        instead: "let _ = other;\n            copy.active.clear();",
    },
    Removed {
        rule: "9: as long as told",
        file: LEASES,
        text: "let ms = told_ms.min(lease_ms);",
        instead: "let ms = told_ms;",
    },
    Removed {
        rule: "10: expiry is not checked",
        file: ADMISSION,
        text: "        if expired(&facts, &config, now) {",
        instead: "        if false {",
    },
    Removed {
        rule: "14: management rests on leases",
        file: ADMISSION,
        text: "let is_leased = purpose == Purpose::Forward\n            && config",
        instead: "let is_leased = config",
    },
    Removed {
        rule: "15: another instance's answer is taken",
        file: LEASES,
        text: "if copy.applied.is_some_and(is_other) {",
        instead: "if copy.applied.is_some_and(is_other) && false {",
    },
    Removed {
        rule: "15: the copy is emptied and the answer taken",
        file: LEASES,
        text: "            self.empty(asked.organization);\n            return false;\n        }",
        instead: "            self.empty(asked.organization);\n        }\n        let Some(copy) = self.copies.get_mut(&asked.organization) else {\n            return false;\n        };",
    },
    Removed {
        rule: "17: the reading of the clock is of a later moment",
        file: LEASES,
        text: "        Asked {\n            organization,\n            claim,\n            number,\n            at: now,",
        instead: "        Asked {\n            organization,\n            claim,\n            number,\n            at: now.plus_millis(100),",
    },
    Removed {
        rule: "R42: a copy that forgets all keeps credentials",
        file: COPY,
        text: "                self.upstreams.clear();",
        instead: "",
    },
    Removed {
        rule: "R42: a credential of an answer that was not taken is remembered",
        file: UPSTREAMS,
        text: "        if is_taken {",
        instead: "        if true {",
    },
    Removed {
        rule: "R42: a credential is sent without a lease",
        file: UPSTREAMS,
        text: "copy.upstreams.get(wanted).filter(|_| copy.holds(now))?;",
        instead: "copy.upstreams.get(wanted)?;",
    },
];
