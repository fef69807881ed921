//! The hourly event: revokes what has been idle too long (R14), signs how far audit logs reach
//! (R35), organization by organization, marks what has ended, and gives words to tokens that have none.
//! One organization's failure does not stop the others.

use worker::{Env, ScheduleContext, ScheduledEvent, event};

use super::log;
use super::objects::ledger_client;
use super::platform::{Unasked, config, now};
use super::store::{audit, public_log, records, token_list, token_words};
use postern_domain::audit::Requester;
use postern_domain::standing::Actor;
use postern_ledger::{CheckpointCommand, SweepCommand};
use postern_registry::api::offered;
use postern_registry::audit::{public, witnesses};
use postern_registry::config::Witness;

/// Runs by the `crons` of wrangler.toml.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    sweep(&env).await;
    sign(&env).await;
    publish(&env).await;
    if let Err(error) = token_list::mark_ended(&env, now()).await {
        log::failure("scheduled.mark_ended", &error.private());
    }
    if let Err(error) = token_words::backfill(&env).await {
        log::failure("scheduled.token_words", &error.private());
    }
}

/// Checkpoints of the logs that have grown, once a day each. Last, so that what the sweep wrote is
/// in them.
async fn sign(env: &Env) {
    let due = match audit::due_for_checkpoint(env, now()).await {
        Ok(due) => due,
        Err(error) => return log::failure("scheduled", &error.private()),
    };
    for organization in due {
        let command = CheckpointCommand {
            organization,
            keep: true,
        };
        let signed = ledger_client::command(env, organization, Actor::NotAToken, &command).await;
        if let Err(error) = signed {
            log::failure("scheduled.checkpoint", &error.private());
        }
    }
}

/// Checkpoints that public keys verify, once a day of each log that has grown, and what witnesses say of
/// them (R54). A witness that did not answer is asked again in the next hour.
async fn publish(env: &Env) {
    let Some(config) = config(env).ok().filter(|config| config.audit_log.is_some()) else {
        return;
    };
    let ports = Unasked(env);
    match public_log::due(env, now()).await {
        Ok(due) => {
            for organization in due {
                if let Err(error) = public::sign(organization, &ports).await {
                    log::failure("scheduled.audit_note", &error.private());
                }
            }
        }
        Err(error) => log::failure("scheduled.audit_note", &error.private()),
    }
    let witnesses = config.audit_log.iter().flat_map(|log| &log.witnesses);
    let witnesses: Vec<Witness> = witnesses.cloned().collect();
    let names: Vec<&str> = witnesses.iter().map(|one| one.key.name()).collect();
    if names.is_empty() {
        return;
    }
    match public_log::unseen(env, &names, now()).await {
        Ok(unseen) => {
            for organization in unseen {
                let offers = witnesses::offer(organization, &witnesses, &ports).await;
                log::event(&offered(organization, &offers));
            }
        }
        Err(error) => log::failure("scheduled.audit_witness", &error.private()),
    }
}

async fn sweep(env: &Env) {
    let organizations = match records::organizations_with_idle_limit(env).await {
        Ok(organizations) => organizations,
        Err(error) => return log::failure("scheduled", &error.private()),
    };
    for organization in organizations {
        let command = SweepCommand {
            max_idle_days: organization.max_idle_days,
            requester: Requester {
                actor: "idle-sweep".to_owned(),
                tier: "schedule".to_owned(),
                address: None,
                user_agent: None,
                request_id: "scheduled".to_owned(),
            },
        };
        let organization = organization.named();
        let swept = ledger_client::command(env, &organization, Actor::NotAToken, &command).await;
        match swept {
            Ok(answer) if answer.tokens.is_empty() => {}
            Ok(answer) => worker::console_log!(
                "{}",
                serde_json::json!({
                    "event": "idle_sweep",
                    "organization_id": organization.id,
                    "revoked": answer.tokens,
                })
            ),
            Err(error) => log::failure("scheduled.sweep", &error.private()),
        }
    }
}
