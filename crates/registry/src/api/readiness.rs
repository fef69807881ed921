//! What `/readyz` tells, and what ready means. It names what does not answer; causes are for the
//! log.

use serde_json::json;

use super::Answer;
use crate::config::Config;
use crate::error::Result;

/// What the log says where a trigger is missing.
const UNGUARDED: &str =
    "a trigger of the audit log is missing, or there is one more than the migrations make";

/// What everything answered that an answer can depend on. An error is the cause for the log.
#[derive(Debug, Clone)]
pub struct Found {
    /// D1, at both ends of its schema.
    pub record: core::result::Result<(), String>,
    /// A Ledger, with how many Ledgers D1 has lately refused, because it has other rows than they.
    pub ledger: core::result::Result<u32, String>,
    /// KV.
    pub facts: core::result::Result<(), String>,
    /// Whether D1 has the triggers that keep the audit log as it came, and no others on its tables.
    pub guarded: core::result::Result<bool, String>,
}

impl Found {
    /// Whether the gateway can do its work. Without KV the record answers in its stead.
    pub fn is_ready(&self) -> bool {
        self.record.is_ok() && self.ledger.is_ok() && self.is_untouched()
    }

    /// Whether nobody has written to the audit log but the Ledgers, as far as D1 and they can tell.
    fn is_untouched(&self) -> bool {
        let refused = self.ledger.as_ref().is_ok_and(|refused| *refused > 0);
        !refused && self.guarded == Ok(true)
    }

    /// What failed and why, for the log. The Ledgers that D1 refuses have said so themselves.
    pub fn causes(&self) -> Vec<(&'static str, &str)> {
        let guarded = match &self.guarded {
            Ok(true) => None,
            Ok(false) => Some(UNGUARDED),
            Err(cause) => Some(cause.as_str()),
        };
        let causes = [
            ("readyz.record", self.record.as_ref().err()),
            ("readyz.ledger", self.ledger.as_ref().err()),
            ("readyz.facts", self.facts.as_ref().err()),
        ];
        causes
            .into_iter()
            .filter_map(|(place, cause)| Some((place, cause?.as_str())))
            .chain(guarded.map(|cause| ("readyz.audit", cause)))
            .collect()
    }

    /// The answer. What the isolate has met of late: how it could read `client_addresses`, and whether
    /// the origin has accepted upstream credentials.
    ///
    /// # Errors
    /// Never: the document serializes.
    pub fn answer(
        &self,
        config: &Config,
        (client_addresses, upstream): (&'static str, &'static str),
    ) -> Result<Answer> {
        let state = |answered: bool| match answered {
            true => "ready",
            false => "unavailable",
        };
        let document = json!({
            "status": state(self.is_ready()),
            "version": env!("CARGO_PKG_VERSION"),
            "revocation_lease_ms": config.revocation_lease_ms,
            "dependencies": {
                "configuration": "ready",
                "record": state(self.record.is_ok()),
                "ledger": state(self.ledger.is_ok()),
                "facts": state(self.facts.is_ok()),
                "audit": state(self.is_untouched()),
            },
            "unheeded_variables": config.ignored,
            "client_addresses": client_addresses,
            "upstream_credentials": match config.is_upstream() {
                true => upstream,
                false => "unused",
            },
        });
        let status = match self.is_ready() {
            true => 200,
            false => 503,
        };
        Answer::secret(status, &document)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;
    use crate::testing::config;

    fn found() -> Found {
        Found {
            record: Ok(()),
            ledger: Ok(0),
            facts: Ok(()),
            guarded: Ok(true),
        }
    }

    fn down<T>() -> core::result::Result<T, String> {
        Err("it is gone".to_owned())
    }

    #[test]
    fn the_gateway_is_ready_without_kv_and_without_nothing_else() {
        let all: [&str; 0] = [];
        let rows = [
            (found(), 200, all.as_slice(), all.as_slice()),
            (
                Found {
                    facts: down(),
                    ..found()
                },
                200,
                &["facts"],
                &["readyz.facts"],
            ),
            (
                Found {
                    record: down(),
                    ..found()
                },
                503,
                &["record"],
                &["readyz.record"],
            ),
            (
                Found {
                    ledger: down(),
                    ..found()
                },
                503,
                &["ledger"],
                &["readyz.ledger"],
            ),
            (
                Found {
                    ledger: Ok(1),
                    ..found()
                },
                503,
                &["audit"],
                &[],
            ),
            (
                Found {
                    guarded: Ok(false),
                    ..found()
                },
                503,
                &["audit"],
                &["readyz.audit"],
            ),
            (
                Found {
                    guarded: down(),
                    ..found()
                },
                503,
                &["audit"],
                &["readyz.audit"],
            ),
        ];
        for (found, status, unavailable, places) in rows {
            let answer = found
                .answer(&config(), ("readable", "accepted"))
                .expect("serializes");
            assert_eq!(answer.status, status, "{found:?}");
            assert!(answer.no_store);
            let Content::Json(text) = answer.content else {
                panic!("a document")
            };
            let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            let ready = if status == 200 {
                "ready"
            } else {
                "unavailable"
            };
            assert_eq!(document["status"], ready, "{found:?}");
            assert_eq!(document["version"], env!("CARGO_PKG_VERSION"));
            let states = document["dependencies"].as_object().expect("states");
            let told: Vec<&str> = states
                .iter()
                .filter(|(_, state)| **state == "unavailable")
                .map(|(name, _)| name.as_str())
                .collect();
            assert_eq!(told, unavailable, "{found:?}");
            let logged: Vec<&str> = found.causes().iter().map(|(place, _)| *place).collect();
            assert_eq!(logged, places, "{found:?}");
            assert!(!text.contains("it is gone"), "causes are for the log");
        }
    }
}
