// One token in words: how it stands, where it counts, who created it and when it ends. For the list, the dialogs and its page.

import { actorWords } from "./audit_words.js";
import { jobName } from "./ci_job.js";
import { ago, exact, h, span, tag } from "./dom.js";

const SOON_MS = 7 * 86_400_000;
const isPast = (moment, now) => Boolean(moment) && Date.parse(moment) <= now;

/** `[word, kind]`: how a token stands at this moment. */
export function standing(token, now = Date.now()) {
  if (isPast(token.revoked_at, now)) return ["Revoked", "bad"];
  if (isPast(token.expires_at, now)) return ["Expired", "bad"];
  return token.quarantined_at ? ["Quarantined", "unsure"] : ["Active", "good"];
}

export const isOver = (token) => standing(token)[1] === "bad";

/** Whether the gateway would rotate it: not what is being rotated out, what the origin created, or what ends with a CI job. */
export const canRotate = (token) => standing(token)[1] === "good" && !token.revoked_at && !token.adopted && !token.ci_job;

export function badge(token) {
  const [word, kind] = standing(token);
  return tag(kind, word);
}

/** `organization`, `shop` or `shop / release`. */
export function scopeOf(token) {
  if (!token.project) return "organization";
  return token.workflow ? `${token.project.name} / ${token.workflow.name}` : token.project.name;
}

/** Who created it, in words. */
export function creatorOf(token) {
  if (token.ci_job) return `trust rule for ${jobName(token.ci_job)}`;
  return actorWords({ actor: token.created_by, actor_name: token.creator_name });
}

/** A moment in few words, with the exact one where one points at it. */
export function brief(moment, otherwise = "never") {
  return moment ? h("time", { datetime: moment, title: exact(moment) }, ago(moment)) : h("span", { class: "quiet" }, otherwise);
}

/** When it ends or has ended. What never does, and what does soon, stands out. */
export function ending(token, now = Date.now()) {
  const { revoked_at: revoked, expires_at: expires } = token;
  const at = (moment, text, kind) => h("time", { class: kind, datetime: moment, title: exact(moment) }, text);
  if (isPast(revoked, now)) return at(revoked, `revoked ${ago(revoked, now)}`, "quiet");
  if (isPast(expires, now)) return at(expires, ago(expires, now), "quiet");
  if (revoked) {
    const seconds = Math.ceil((Date.parse(revoked) - now) / 1_000);
    return at(revoked, `Revoked ${seconds < 7_200 ? `in ${span(seconds)}` : ago(revoked, now)}`, "unsure");
  }
  if (!expires) return h("span", { class: "unsure" }, "Never expires");
  return at(expires, ago(expires, now), !token.ci_job && Date.parse(expires) - now < SOON_MS ? "unsure" : undefined);
}
