// Signed notes (C2SP: signed-note, tlog-checkpoint, tlog-cosignature): read strictly, and checked by the browser's own cryptography.
// What does not fit is an error: there is no half of a note.

const MAX_NOTE = 65_536;
const MAX_LINES = 64;
const SIGNATURE = 1;
const COSIGNATURE = 4;
const NAME = "[^\\s\\x85+]+";
const utf8 = new TextEncoder();

/** Ends the check. */
export function refuse(why) {
  throw new Error(why);
}

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

/** The bytes of a text. */
export const encoded = (text) => utf8.encode(text);

export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));

/** The bytes of base64, which has one spelling. */
export function unbase64(text, length) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    refuse("a text is not base64");
  }
  if (btoa(raw) !== text || (length && raw.length !== length)) refuse("a hash or a signature has another form");
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** A whole number without leading zeros. */
export function count(text) {
  const number = /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(number) ? number : refuse("a number has another form");
}

/** A verifier key: `name+id+base64(type, key)`. The id must be that of the name and the key. */
export async function verifierKey(text) {
  const [, name, id, rest] = new RegExp(`^(${NAME})\\+([0-9a-f]{8})\\+(.+)$`, "u").exec(text) ?? refuse("a key has another form");
  const key = unbase64(rest, 33);
  if (key[0] !== SIGNATURE && key[0] !== COSIGNATURE) refuse("a key is of another kind than Ed25519");
  if (hex((await sha256(encoded(`${name}\n`), key)).slice(0, 4)) !== id) refuse("the id of a key does not fit");
  const verifier = await crypto.subtle.importKey("raw", key.slice(1), "Ed25519", false, ["verify"]);
  return { name, id, text, verifier, cosigns: key[0] === COSIGNATURE };
}

/** The text of a note and its signatures. Nobody has checked them yet. */
export function readNote(note) {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n") || note.length > MAX_NOTE || /[\0-\x09\x0b-\x1f]/.test(note)) refuse("a note has another form");
  const lines = note.slice(cut + 2, -1).split("\n");
  if (lines.length > MAX_LINES) refuse("a note has too many signatures");
  const signatures = lines.map((line) => {
    const [, name, rest] = new RegExp(`^\u2014 (${NAME}) (\\S+)$`, "u").exec(line) ?? refuse("a signature has another form");
    const bytes = unbase64(rest);
    if (bytes.length < 5) refuse("a signature is too short");
    return { name, id: hex(bytes.slice(0, 4)), bytes: bytes.slice(4) };
  });
  return { text: note.slice(0, cut + 1), signatures };
}

/** Origin, size and root of a checkpoint's text. */
export function readCheckpoint(text) {
  const [origin, size, root, ...more] = text.slice(0, -1).split("\n");
  if (!origin || root === undefined || more.includes("")) refuse("a checkpoint has another form");
  unbase64(root, 32);
  return { origin, size: count(size), root };
}

/**
 * Whether the note has a signature of this key; for a cosignature, its time in seconds. A line that bears the key's name and id and
 * does not fit makes the whole note worthless.
 */
export async function signedBy({ text, signatures }, key) {
  let found = false;
  for (const { bytes } of signatures.filter(({ name, id }) => name === key.name && id === key.id)) {
    const skip = key.cosigns ? 8 : 0;
    if (bytes.length !== 64 + skip) refuse("a signature has another length");
    const time = key.cosigns && new DataView(bytes.buffer).getBigUint64(0);
    const message = encoded(key.cosigns ? `cosignature/v1\ntime ${time}\n${text}` : text);
    if (!(await crypto.subtle.verify("Ed25519", key.verifier, bytes.slice(skip), message))) refuse(`a signature of ${key.name} does not fit`);
    found = key.cosigns ? Number(time) : true;
  }
  return found;
}
