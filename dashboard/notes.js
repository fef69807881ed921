// Signed notes (C2SP: signed-note, tlog-checkpoint, tlog-cosignature), read strictly and checked by the browser. What does not fit is an error.

const SIGNATURE = 1;
const COSIGNATURE = 4;
const NAME = "[^\\s\\x85+]+";
const utf8 = new TextEncoder();

export function refuse(why) {
  throw new Error(why);
}

/** The parts of a text that has this form. */
const parts = (text, form, what) => new RegExp(`^${form}$`, "u").exec(text)?.slice(1) ?? refuse(`${what} has another form`);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function sha256(...all) {
  const bytes = all.flatMap((part) => [...(typeof part === "string" ? utf8.encode(part) : part)]);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes)));
}

/** The bytes of base64, which has one spelling. */
export function unbase64(text, length) {
  const [made] = parts(text, "([A-Za-z0-9+/]*={0,2})", "base64");
  const raw = made.length % 4 === 0 ? atob(made) : refuse("base64 has another form");
  if (btoa(raw) !== text || (length && raw.length !== length)) refuse("a hash or key has another form");
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** A whole number without leading zeros. */
export function count(text) {
  const number = Number(parts(text, "(0|[1-9][0-9]{0,15})", "a number")[0]);
  return Number.isSafeInteger(number) ? number : refuse("a number is too large");
}

/** A verifier key, `name+id+base64(kind, key)`. The id must fit. */
export async function verifierKey(text) {
  const [name, id, rest] = parts(text, `(${NAME})\\+([0-9a-f]{8})\\+(.+)`, "a key");
  const key = unbase64(rest, 33);
  if (key[0] !== SIGNATURE && key[0] !== COSIGNATURE) refuse("a key is of another kind than Ed25519");
  if (hex((await sha256(`${name}\n`, key)).slice(0, 4)) !== id) refuse("the id of a key does not fit");
  const verifier = await crypto.subtle.importKey("raw", key.slice(1), "Ed25519", false, ["verify"]);
  return { name, id, text, verifier, cosigns: key[0] === COSIGNATURE };
}

/** The text of a note and its signatures, which nobody has checked yet. */
export function readNote(note) {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0 || !note.endsWith("\n") || note.length > 65_536 || /[\0-\x09\x0b-\x1f]/.test(note)) refuse("a note has another form");
  const signatures = note.slice(cut + 2, -1).split("\n").map((line) => {
    const [name, rest] = parts(line, `\u2014 (${NAME}) (\\S+)`, "a signature");
    const bytes = unbase64(rest);
    return bytes.length < 5 ? refuse("a signature is too short") : { name, id: hex(bytes.slice(0, 4)), bytes: bytes.slice(4) };
  });
  return { text: note.slice(0, cut + 1), signatures };
}

/** Origin, size and root of a checkpoint's text. */
export function readCheckpoint(text) {
  const [origin, size, root, ...more] = text.slice(0, -1).split("\n");
  if (!origin || !root || more.includes("")) refuse("a checkpoint has another form");
  unbase64(root, 32);
  return { origin, size: count(size), root };
}

/** Whether this key has signed the note; for a cosignature, when, in seconds. One line of the key's that does not fit is an error. */
export async function signedBy({ text, signatures }, key) {
  let found = false;
  for (const { bytes } of signatures.filter(({ name, id }) => name === key.name && id === key.id)) {
    const skip = key.cosigns ? 8 : 0;
    if (bytes.length !== 64 + skip) refuse("a signature has another length");
    const time = key.cosigns && new DataView(bytes.buffer).getBigUint64(0);
    const message = utf8.encode(key.cosigns ? `cosignature/v1\ntime ${time}\n${text}` : text);
    if (!(await crypto.subtle.verify("Ed25519", key.verifier, bytes.slice(skip), message))) refuse(`a signature of ${key.name} does not fit`);
    found = key.cosigns ? Number(time) : true;
  }
  return found;
}
