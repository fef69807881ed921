//! The hourly event: revokes what has been idle too long, organization by organization (R14).
//! Refuses to let one organization's trouble stop the others.

use worker::{Env, ScheduleContext, ScheduledEvent, event};

use super::log;
use super::objects::ledger_client;
use super::store::records;
use crate::app::ledger::{SweepAnswer, SweepCommand};
use crate::domain::audit::Origin;

/// Runs by the `crons` of wrangler.toml.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let organizations = match records::organizations_with_idle_limit(&env).await {
        Ok(organizations) => organizations,
        Err(error) => return log::failure("scheduled", &error.private()),
    };
    for (organization, max_idle_days) in organizations {
        let command = SweepCommand {
            max_idle_days,
            origin: Origin {
                actor: "idle-sweep".to_owned(),
                tier: "schedule".to_owned(),
                address: None,
                user_agent: None,
                request_id: "scheduled".to_owned(),
            },
        };
        let swept: Result<SweepAnswer, _> =
            ledger_client::command(&env, organization, "sweep", &command).await;
        match swept {
            Ok(answer) if answer.tokens.is_empty() => {}
            Ok(answer) => worker::console_log!(
                "{}",
                serde_json::json!({
                    "event": "idle_sweep",
                    "organization_id": organization,
                    "revoked": answer.tokens,
                })
            ),
            Err(error) => log::failure("scheduled.sweep", &error.private()),
        }
    }
}
