//! Once in a while everything arrives: then D1, the Ledger and the model say the same.

use postern_domain::audit::MAX_REFUSALS;
use postern_domain::audit::verify::verify;
use postern_domain::id::Id;

use super::model::ModelState;
use super::world::World;
use crate::KeptQuery;
use crate::testing::audit;

impl World {
    /// Lets everything arrive.
    fn drain(&mut self) {
        self.d1.down = false;
        while let Some(late) = self.d1.late.pop() {
            self.d1.apply(&late);
        }
        if let Some(batch) = self.batch.take() {
            self.d1.apply(&batch);
        }
        while self.model.exists {
            let Some(Ok(entries)) = self.turn(|ledger, _| Ok(ledger.outbox()?)) else {
                continue;
            };
            let Some(last) = entries.last().map(|entry| entry.id) else {
                return;
            };
            self.d1.apply(&entries);
            self.turn(|ledger, _| Ok(ledger.delivered(last)?));
        }
    }

    /// Lets everything arrive, and compares.
    pub fn settle(&mut self) {
        self.drain();
        let mut tries = 0;
        while !self.flights.is_empty() && tries < 1_000 {
            self.land();
            tries += 1;
        }
        self.drain();
        if !self.model.exists {
            let ours = Id::from_u128(1);
            // Another organization may have a row all the same.
            let has_none = self.d1.tokens.values().all(|row| row.organization != ours);
            return assert!(has_none && self.d1.audit.is_empty());
        }
        self.compare_tokens();
        self.compare_log();
        for id in self.model.tokens.keys().copied().collect::<Vec<_>>() {
            self.ask(id);
        }
        assert_eq!(self.d1.pause.1, self.model.pause);
        if self.model.limits.is_some() {
            assert_eq!(self.d1.limits.1, self.model.limits);
        }
    }

    fn compare_tokens(&mut self) {
        let ours = Id::from_u128(1);
        let rows = self.d1.tokens.iter();
        let listed: Vec<u128> = rows
            .filter(|(_, row)| row.organization == ours)
            .map(|(id, _)| *id)
            .collect();
        for id in listed {
            let known = self.model.tokens.contains_key(&id);
            assert!(known, "D1 lists {id}, which the Ledger does not know");
        }
        for (id, token) in &self.model.tokens {
            let foreign = |row: &&super::d1::TokenRow| row.organization != ours;
            if token.state == ModelState::Pending
                && self.d1.tokens.get(id).is_some_and(|row| foreign(&row))
            {
                // An adoption whose wait broke off before it heard of the other one.
                continue;
            }
            let Some(row) = self.d1.tokens.get(id) else {
                panic!("D1 has no row of {id}: {token:?}");
            };
            if foreign(&row) {
                // It was reported or revoked while it was pending, so its tombstone stays.
                assert_eq!(
                    token.state,
                    ModelState::Revoked,
                    "{id} is another organization's"
                );
                continue;
            }
            assert_eq!(row.name, token.name, "{id}");
            assert_eq!(row.calls, token.calls, "{id}");
            assert_eq!(row.revoked_at, token.end, "{id}: {token:?}");
            assert_eq!(
                row.quarantined_at.is_some(),
                token.quarantined,
                "{id}: {token:?}"
            );
            assert_eq!(row.uses, token.uses, "{id}");
        }
    }

    /// The log is whole and unchanged, and every refusal is in it.
    fn compare_log(&mut self) {
        let sequence = self
            .sql
            .number("select coalesce(max(sequence), 0) from head");
        assert_eq!(
            self.d1.audit.len(),
            usize::try_from(sequence).expect("a count")
        );
        let rows = self.d1.audit.values();
        let mut lines: Vec<String> = rows
            .map(|row| serde_json::to_string(row).expect("serializes"))
            .collect();
        lines.extend(self.signed.iter().cloned());
        lines.extend(self.d1.checkpoints.values().cloned());
        let report = verify(&lines, &audit());
        let faults: Vec<String> = report
            .faults
            .iter()
            .map(ToString::to_string)
            // Where no checkpoint was made since the last event.
            .filter(|fault| !fault.contains("no checkpoint reaches"))
            .collect();
        assert!(faults.is_empty(), "{faults:?}");

        let asked = KeptQuery {
            after: 0,
            up_to: u64::MAX,
        };
        let kept = self.turn(|ledger, _| ledger.kept_events(Some("acme"), asked));
        if let Some(Ok(kept)) = kept {
            for (sequence, row) in kept {
                assert_eq!(
                    self.d1.audit.get(&sequence),
                    Some(&row),
                    "copy of {sequence}"
                );
            }
        }

        let mut alone = 0;
        let mut summed = 0;
        for row in self.d1.audit.values() {
            let event: serde_json::Value = serde_json::from_str(&row.content).expect("an event");
            if event["action"] == "token.mint_refused" {
                match event["count"].as_i64() {
                    Some(count) => summed += count,
                    None => alone += 1,
                }
            }
        }
        let open = self
            .sql
            .number("select coalesce(sum(left_out), 0) from refusals");
        assert_eq!(alone + summed + open, self.model.refused);
        let written = self
            .sql
            .number("select coalesce(max(written), 0) from refusals");
        assert!(written <= i64::from(MAX_REFUSALS));
    }
}
