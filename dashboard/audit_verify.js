// Verifies in this browser what the audit page shows: that its events are in the tree of a checkpoint, and who has signed that. Says
// what was verified and what was not. An event is written anew from what is shown, so a page that shows another one does not verify.

import { download, Refusal } from "./api.js";
import { h, named, number, saveFile } from "./dom.js";
import { readCheckpoint, readNote, refuse, signedBy, verifierKey } from "./notes.js";
import { edges, leafHash, readProof, rootOf } from "./proofs.js";

const AT_ONCE = 6;

const text = async (path) => (await download(path, "text/plain")).text();

/** The event as the log has it: the members in their order, and those that are not there left out. */
export function written({ organization_id, sequence, at, action, token_id, token_prefix, actor, tier, address, user_agent, request_id, ...more }) {
  const { replaces, target, outcome, count, changes } = more;
  const origin = { actor, tier, address, user_agent, request_id };
  const all = { organization_id, sequence, at: Date.parse(at), action, token_id, token_prefix, origin, replaces, target, outcome: outcome === "ok" ? null : outcome, count, changes };
  return JSON.stringify(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)));
}

/** Signed by one of the keys for this log, or an error. */
async function opened(note, keys, organization) {
  const read = readNote(note);
  const checkpoint = readCheckpoint(read.text);
  if (!checkpoint.origin.endsWith(`/audit/${organization}`)) refuse("the checkpoint is of another log");
  for (const key of keys) {
    if (key.name === checkpoint.origin && !key.cosigns && (await signedBy(read, key))) {
      return { ...checkpoint, key, note, others: read.signatures.filter(({ name }) => name !== key.name) };
    }
  }
  return refuse("no published key has signed the checkpoint");
}

/** Asks the gateway for a checkpoint and proofs, and checks both. The events: at least one, all of one organization. */
async function verify(events) {
  const organization = events[0].organization_id;
  const published = await text(`/.well-known/postern-audit-keys?organization=${encodeURIComponent(organization)}`);
  const keys = await Promise.all(published.trimEnd().split("\n").map(verifierKey));
  const ask = async (query) => opened(await text(`/org/audit/checkpoint${query}`), keys, organization);
  // One that is kept has been seen by witnesses; a new one is made for events that came since.
  let checkpoint = await ask("");
  if (events.some(({ sequence }) => sequence > checkpoint.size)) checkpoint = await ask("?fresh=true");
  const leaves = new Map();
  for (const event of events) leaves.set(event.sequence - 1, await leafHash(written(event)));
  if (leaves.size !== events.length) refuse("two events have the same number");
  const wanted = edges(checkpoint.size, leaves);
  const proofs = [];
  while (wanted.length > 0) {
    proofs.push(...(await Promise.all(wanted.splice(0, AT_ONCE).map(async (index) => {
      const proof = readProof(await text(`/org/audit/${index + 1}/proof`));
      if (proof.index !== index) refuse("a proof is of another event");
      if (readNote(proof.checkpoint).text !== readNote(checkpoint.note).text) refuse("the log has grown meanwhile, so verify again");
      return proof;
    }))));
  }
  if ((await rootOf(checkpoint.size, leaves, proofs)) !== checkpoint.root) refuse("an event that is shown here is not the one in the signed tree");
  return { ...checkpoint, events: leaves.size, whole: leaves.size === checkpoint.size };
}

/** What was verified, or what does not fit. */
export async function verified(events) {
  if (events.length === 0) refuse("there is no event here to verify");
  if (!globalThis.crypto?.subtle) refuse("a browser verifies on https pages only");
  let found;
  try {
    found = await verify(events);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const cannot = error.name === "NotSupportedError";
    throw new Error(cannot ? "this browser cannot check Ed25519 signatures: use “postern audit verify”" : `not verified: ${error.message}`);
  }
  const { origin, size, key, note, others } = found;
  const save = h("button", { type: "button", class: "small", onclick: () => saveFile(`checkpoint-${size}.txt`, new Blob([note])) }, "Save the checkpoint");
  return h("div", { class: "note good", role: "status", id: "verified" },
    h("p", { class: "strong" }, `✓ Verified in this browser: ${number(found.events)} ${found.events === 1 ? "event" : "events"}`),
    h("ul", {},
      h("li", {}, found.whole ? `They are the whole log up to a checkpoint of ${number(size)} events: none is missing, added or changed.`
        : `Each is in the tree of a checkpoint of ${number(size)} events, unchanged and at its number.`),
      h("li", {}, "The checkpoint of ", named(origin), " is signed with the key ", h("code", {}, key.text), ".")),
    h("p", {}, "Not verified: that this key is the gateway’s own (compare it with the one you keep), and that nobody was shown another log (keep this checkpoint, ",
      `and give it to “postern audit verify” with a later export). ${others.length === 0 ? "No witness has signed it yet." : `${others.length} other ${others.length === 1 ? "signature is" : "signatures are"} on it, of witnesses whose keys this page does not know.`}`,
      " Names of tokens come from D1, not from the log."),
    save);
}
