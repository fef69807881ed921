// The dashboard's own reader of notes, checkpoints and proofs, without a page: examples of the specifications, and what is refused.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { written } from "../../dashboard/audit_verify.js";
import { readCheckpoint, readNote, signedBy, verifierKey } from "../../dashboard/notes.js";
import { edges, leafHash, readProof, rootOf } from "../../dashboard/proofs.js";

/** C2SP signed-note, "Verifier keys". */
const KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE = "This is an example message.\n\n\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();

/** A signer of notes: a key of kind 1, or 4 for cosignatures. */
export function signer(name, kind) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = Buffer.concat([Buffer.of(kind), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
  const id = sha256(`${name}\n`, key).subarray(0, 4);
  const line = (...parts) => `\u2014 ${name} ${Buffer.concat([id, ...parts]).toString("base64")}\n`;
  return {
    key: `${name}+${id.toString("hex")}+${key.toString("base64")}`,
    sign: (text) => line(sign(null, Buffer.from(text), privateKey)),
    cosign(text, time) {
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(BigInt(time));
      return line(stamp, sign(null, Buffer.from(`cosignature/v1\ntime ${time}\n${text}`), privateKey));
    },
  };
}

/** RFC 6962, section 2.1, as it is written there. */
export function root(leaves) {
  if (leaves.length === 1) return sha256([0], leaves[0]);
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return sha256([1], root(leaves.slice(0, half)), root(leaves.slice(half)));
}

/** RFC 6962, section 2.1.1. */
export function path(index, leaves) {
  if (leaves.length === 1) return [];
  const half = 2 ** Math.ceil(Math.log2(leaves.length) - 1);
  return index < half
    ? [...path(index, leaves.slice(0, half)), root(leaves.slice(half))]
    : [...path(index - half, leaves.slice(half)), root(leaves.slice(0, half))];
}

test("a_note_is_checked_under_the_key_of_the_specification", async () => {
  const key = await verifierKey(KEY);
  assert.equal(await signedBy(readNote(NOTE), key), true);
  const other = await verifierKey(signer("example.com/foo", 1).key);
  assert.equal(await signedBy(readNote(NOTE), other), false, "nobody has signed under this id");
  await assert.rejects(async () => signedBy(readNote(NOTE.replace("example message", "Example message")), key), /does not fit/);
});

test("what_is_no_note_or_key_is_refused", async () => {
  const [text, line] = NOTE.split("\n\n");
  for (const note of [
    "", "x", NOTE.trimEnd(), `${text}\n${line}`, NOTE.replace("\u2014", "-"), NOTE.replace("\u2014 ", "\u2014  "), NOTE.replace("message", "mess\tage"),
    NOTE.replace("foo ", "foo+x "), NOTE.replace("QM=", "QM"), NOTE.replace("QM=", "QN="), `${text}\n\n\u2014 a AAAA\n`,
    `${"x".repeat(70_000)}${NOTE}`,
  ]) assert.throws(() => readNote(note), undefined, JSON.stringify(note.slice(0, 80)));
  for (const key of [
    "", "example.com/foo", KEY.replace("530d903a", "530d903b"), KEY.replace("530d903a", "530D903A"), KEY.replace("foo", "fo o"), KEY.slice(0, -1),
    KEY.replace("AekyeRrm", "AukyeRrm"), `${KEY} `,
  ]) await assert.rejects(() => verifierKey(key), undefined, key);
});

test("a_cosignature_says_when", async () => {
  const witness = signer("witness.example/w1", 4);
  const text = `example.com/log\n1\n${sha256([0], "a").toString("base64")}\n`;
  const note = readNote(`${text}\n${witness.cosign(text, 1_679_315_147)}`);
  const key = await verifierKey(witness.key);
  assert.equal(await signedBy(note, key), 1_679_315_147);
  note.signatures[0].bytes[7] ^= 1;
  await assert.rejects(() => signedBy(note, key), /witness\.example\/w1 does not fit/);
  assert.deepEqual(readCheckpoint(text), { origin: "example.com/log", size: 1, root: sha256([0], "a").toString("base64") });
  for (const [from, to] of [["\n1\n", "\n01\n"], ["\n1\n", "\n-1\n"], ["\n1\n", "\n1e3\n"], ["\n1\n", "\n9007199254740993\n"], ["example.com/log", ""], ["=\n", "\n"]]) {
    assert.throws(() => readCheckpoint(text.replace(from, to)), undefined, `${from} ${to}`);
  }
});

test("a_run_of_events_is_proven_by_its_ends", async () => {
  // Leaves and roots of the tests of Certificate Transparency.
  const known = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map((text) => Buffer.from(text, "hex"));
  assert.equal(root(known).toString("hex"), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
  assert.equal(root(known.slice(0, 7)).toString("hex"), "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c");
  const leaves = Array.from({ length: 21 }, (_, index) => `event ${index}`);
  for (let size = 1; size <= leaves.length; size += 1) {
    const tree = leaves.slice(0, size);
    const expected = root(tree).toString("base64");
    for (let from = 0; from < size; from += 1) {
      for (let to = from; to < size; to += 1) {
        const shown = new Map();
        for (let index = from; index <= to; index += 1) shown.set(index, await leafHash(tree[index]));
        const proofs = edges(size, shown).map((index) => ({ index, hashes: path(index, tree) }));
        assert.ok(proofs.length <= 2);
        assert.equal(await rootOf(size, shown, proofs), expected, `${from} to ${to} of ${size}`);
      }
    }
  }
});

test("events_that_do_not_follow_on_each_other_are_proven_too_and_a_change_is_not", async () => {
  const tree = Array.from({ length: 13 }, (_, index) => `event ${index}`);
  const shown = new Map();
  for (const index of [12, 10, 9, 3, 0]) shown.set(index, await leafHash(tree[index]));
  const proofs = () => edges(13, shown).map((index) => ({ index, hashes: path(index, tree) }));
  assert.deepEqual(edges(13, shown), [12, 10, 9, 3, 0]);
  const expected = root(tree).toString("base64");
  assert.equal(await rootOf(13, shown, proofs()), expected);
  const cut = (change) => proofs().map(({ index, hashes }) => ({ index, hashes: change(hashes) }));
  await assert.rejects(() => rootOf(13, shown, cut((hashes) => hashes.slice(1))), /too short/);
  await assert.rejects(() => rootOf(13, shown, cut((hashes) => [...hashes, hashes[0]])), /too long/);
  await assert.rejects(() => rootOf(13, shown, []), /missing/);
  await assert.rejects(() => rootOf(12, shown, proofs()), /another tree/);
  await assert.rejects(() => rootOf(13, new Map(), []), /beyond/);
  shown.set(9, await leafHash("another event 9"));
  assert.notEqual(await rootOf(13, shown, proofs()), expected);
});

test("a_proof_is_read_whole_or_not_at_all", () => {
  const hash = sha256("a").toString("base64");
  const proof = `c2sp.org/tlog-proof@v1\nindex 3\n${hash}\n\n${NOTE}`;
  assert.deepEqual(readProof(proof), { index: 3, hashes: [new Uint8Array(sha256("a"))], checkpoint: NOTE });
  assert.equal(readProof(proof.replace("index", "extra AAAA\nindex")).index, 3);
  for (const other of [
    "", NOTE, proof.replace("@v1", "@v2"), proof.replace("index 3", "index 03"), proof.replace("index 3", "index 3 4"), proof.replace("index 3\n", ""),
    proof.replace(hash, hash.slice(4)), proof.replace("index", "extra ?\nindex"), proof.replace(`${hash}\n`, `${hash}\n`.repeat(64)), proof.replace("\n\n", "\n"),
  ]) assert.throws(() => readProof(other).hashes.length, undefined, other.slice(0, 90));
});

test("an_event_is_written_as_the_log_has_it", () => {
  const id = (number) => `00000000-0000-0000-0000-00000000000${number}`;
  const plain = {
    organization_id: id(1), sequence: 1, at: "1970-01-01T00:00:01Z", action: "token.mint", actor: "admin-token", actor_name: "x", tier: "admin", token_id: id(2),
    token_prefix: "pst_0000", token_name: "ci", token_project: null, token_workflow: null, replaces: null, target: null, outcome: "ok", count: null, changes: null,
    address: "192.0.2.1", user_agent: null, request_id: "r", previous: "00", link: "01", kid: "r1",
  };
  // As crates/domain/src/audit/event.rs pins it.
  assert.equal(written(plain), '{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":1,"at":1000,"action":"token.mint","token_id":"00000000-0000-0000-0000-000000000002","token_prefix":"pst_0000","origin":{"actor":"admin-token","tier":"admin","address":"192.0.2.1","user_agent":null,"request_id":"r"}}');
  const full = { ...plain, at: "2026-11-22T01:14:20.641Z", token_id: null, token_prefix: null, target: "project:\u{1f980}\"\\\u0001\u007f/", outcome: "name_taken", count: 2, replaces: id(3), changes: { a: 1, b: null, c: "é" } };
  assert.equal(written(full), '{"organization_id":"00000000-0000-0000-0000-000000000001","sequence":1,"at":1795310060641,"action":"token.mint","origin":{"actor":"admin-token","tier":"admin","address":"192.0.2.1","user_agent":null,"request_id":"r"},"replaces":"00000000-0000-0000-0000-000000000003","target":"project:\u{1f980}\\"\\\\\\u0001\u007f/","outcome":"name_taken","count":2,"changes":{"a":1,"b":null,"c":"é"}}');
});
