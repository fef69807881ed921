//! `postern trust test`: what the gateway makes of a job token. Uses nothing up; ends with the exit code of a refusal
//! where the token would open nothing.

use postern_domain::trust::NoOrganization;
use postern_wire::job::{ClaimFault, JobRefusal, OtherOrganization};
use serde_json::{Value, json};

use super::{RULES, identity, view};
use crate::api::Api;
use crate::fail::{Failure, Kind, Outcome};
use crate::job::{Claims, Source};
use crate::output::{Format, print, print_json, remark};
use crate::text::{member, texts};

/// Which token.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Output format
    #[arg(long, short, value_enum, default_value_t = Format::Table)]
    output: Format,

    #[command(flatten)]
    source: Source,
}

impl Test {
    pub(super) async fn run(self, api: &Api) -> Outcome {
        let token = self.source.find(api.settings()).await?;
        let asked = json!({ "token": token.secret() });
        let told = api.post(&format!("{RULES}/test"), &asked).await?;
        let Some(verified) = told.get("verified").and_then(Value::as_bool) else {
            let message = "the gateway's answer does not say whether the token is good";
            return Err(Failure::new(Kind::Unavailable, message));
        };
        let sentence = sentence(&told, verified);
        // The answer has neither the conditions of rules nor what this gateway takes. It was given, so what cannot
        // be read beside it is only left out.
        let listed = api.get(RULES).await.unwrap_or_else(|failure| {
            remark(&format!("the rules cannot be listed: {}", failure.message));
            Value::Null
        });
        let wanted = match texts(&listed, "audiences") {
            none if none.is_empty() => self.source.wanted(api.settings()),
            several => several.join(" or "),
        };
        let refusal = sentence.map(|text| explained(&text, token.claims(), &listed, &wanted));
        match self.output {
            Format::Json => print_json(&told)?,
            Format::Table => {
                let why = refusal.as_ref().map(|refusal| refusal.message.as_str());
                print(&view::tested(&told, &listed, why)?)?;
            }
        }
        match refusal {
            None => Ok(()),
            Some(refusal) => Err(Failure {
                message: format!("the job token is refused: {}", refusal.message),
                ..refusal
            }),
        }
    }
}

/// Why the token would open nothing, in the gateway's words; `None` where it would.
fn sentence(told: &Value, verified: bool) -> Option<String> {
    let given = member(told, "refusal");
    let gives = told.get("gives").is_some_and(Value::is_object);
    match (given.is_empty(), verified, gives) {
        (false, _, _) => Some(given),
        (true, true, true) => None,
        (true, true, false) => Some(NO_RULE.to_owned()),
        (true, false, _) => Some("it gives no reason".to_owned()),
    }
}

const NO_RULE: &str = "the job meets no rule";

/// The same with what the token says of itself, and with what can be done about it.
fn explained(sentence: &str, claims: &Claims, listed: &Value, wanted: &str) -> Failure {
    let refused = |why: &dyn std::fmt::Display| Failure::new(Kind::NotAllowed, why);
    let is = |fault: ClaimFault| sentence == fault.to_string();
    let made_for = match claims.audiences().join(", ") {
        none if none.is_empty() => "nobody".to_owned(),
        several => several,
    };
    let ask = format!(
        "make the token for {wanted}: `aud` under id_tokens (GitLab), --audience (GitHub); or check POSTERN_URL and \
         POSTERN_ORGANIZATION"
    );
    if is(ClaimFault::Audience) || is(ClaimFault::SeveralAudiences) {
        let why = format!("the token is made for {made_for}, and must be made for {wanted} alone");
        return refused(&why).hint(ask);
    }
    if sentence == OtherOrganization.to_string() {
        return refused(&format!("{sentence}: it is made for {made_for}")).hint(ask);
    }
    if sentence == NoOrganization::Other.to_string() {
        return refused(&format!(
            "{sentence} than the token, which is made for {made_for}"
        ))
        .hint(ask);
    }
    if sentence == JobRefusal::UnknownIssuer.to_string() {
        let issuer = claims.text("iss").unwrap_or_default();
        let untrusted = identity::untrusted(&issuer, &texts(listed, "issuers"));
        return Failure {
            kind: Kind::NotAllowed,
            ..untrusted
        };
    }
    let hint = if is(ClaimFault::Expired) || is(ClaimFault::TooOld) {
        "get a new job token: one of GitHub's lives 5 minutes"
    } else if sentence == NO_RULE {
        "change the job, or add a rule that it meets: postern trust add"
    } else if sentence.contains("presented before") {
        "a job token counts once: get a new one"
    } else {
        return refused(&sentence);
    };
    refused(&sentence).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_refusal_whatever_else_the_answer_says() {
        let gives = json!({ "project": "shop" });
        for (told, verified, expected) in [
            (json!({ "refusal": null, "gives": gives }), true, None),
            (json!({ "refusal": "so", "gives": gives }), true, Some("so")),
            (
                json!({ "refusal": "so", "gives": null, "presented": true }),
                true,
                Some("so"),
            ),
            (json!({ "refusal": "so" }), false, Some("so")),
            (
                json!({ "refusal": null, "gives": null }),
                true,
                Some(NO_RULE),
            ),
            (
                json!({ "refusal": null, "gives": gives }),
                false,
                Some("it gives no reason"),
            ),
        ] {
            assert_eq!(sentence(&told, verified).as_deref(), expected, "{told}");
        }
    }
}
