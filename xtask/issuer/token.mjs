// Makes a token as it is asked for: right, unless something is asked to be otherwise.

import { KEY_KINDS, SECRET_FORMS } from "./keys.mjs";
import { SHAPE_NAMES, claims } from "./shapes.mjs";

/** A request that is none. */
export class Refusal extends Error {}

/** What can be asked, with what each must be. */
const ASKED = {
  /** Whose claims it has; without it, those that the name of the issuer begins with. */
  shape: (value) => SHAPE_NAMES.includes(value),
  /** Changes to the claims; `null` takes one out. */
  claims: isObject,
  /** Times, in seconds from now; they count after `claims`. */
  from_now: isObject,
  /** How long it lives, in seconds. */
  seconds: Number.isInteger,
  /** Changes to the header; `null` takes one out. */
  header: isObject,
  /** Text in front of the first claim, such as `"iss":"x",`: for names that are there twice. */
  front: isText,
  /** The whole payload, instead of claims, and the whole header. */
  payload: isText,
  payload_base64: isText,
  header_text: isText,
  /** Signs: `rsa`, `ec` or `ed25519`; `hmac-FORM` with the public RSA key as secret; `none`, without a signature. */
  key: (value) => KEY_KINDS.includes(value) || value === "none" || isSecret(value),
  /** The algorithm; otherwise that of the key. The header can say another one. */
  alg: isText,
  /** Signs with the keys that the issuer had as its nth, from 1; otherwise with the last. */
  generation: Number.isInteger,
  /** Signs with the keys of the issuer of this name. */
  of: isText,
  /** The key that the header describes in `jwk` and `x5c`, as a forger would who brings his own. */
  own_key: (value) => value === true,
};

function isText(value) {
  return typeof value === "string";
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSecret(value) {
  return isText(value) && SECRET_FORMS.some((form) => value === `hmac-${form}`);
}

/** `of` as asked, or the shape that the issuer's name begins with. */
function shapeOf(issuer, asked) {
  return asked.shape ?? SHAPE_NAMES.find((name) => issuer.name.startsWith(name)) ?? "plain";
}

/** The changes made; `null` takes a member out. */
function changed(object, changes = {}) {
  const all = Object.entries({ ...object, ...changes });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

function payloadOf(issuer, asked) {
  if (asked.payload_base64 !== undefined) return Buffer.from(asked.payload_base64, "base64");
  if (asked.payload !== undefined) return Buffer.from(asked.payload);
  const now = Math.floor(Date.now() / 1000);
  const times = Object.fromEntries(Object.entries(asked.from_now ?? {}).map(([name, seconds]) => [name, now + seconds]));
  const plain = claims(shapeOf(issuer, asked), issuer.url, asked.seconds ?? 300);
  const text = JSON.stringify({ ...changed(plain, asked.claims), ...times });
  return Buffer.from(text.replace("{", () => `{${asked.front ?? ""}`));
}

function headerOf(keys, kind, asked) {
  if (asked.header_text !== undefined) return asked.header_text;
  const secret = !KEY_KINDS.includes(kind);
  const named = secret ? "rsa" : kind;
  const alg = asked.alg ?? (kind === "none" ? "none" : secret ? "HS256" : keys.algorithm(kind));
  const own = asked.own_key && { jwk: keys.jwk(named), x5c: ["AAAA"] };
  return JSON.stringify(changed({ typ: "JWT", alg, kid: keys.kid(named), ...own }, asked.header));
}

/** A token of an issuer. `find` gives other issuers by name. */
export async function token(issuer, asked, find) {
  for (const [name, value] of Object.entries(asked)) {
    if (!Object.hasOwn(ASKED, name) || !ASKED[name](value)) {
      throw new Refusal(`a token cannot be asked for with ${name}: ${JSON.stringify(value)}`);
    }
  }
  const kind = asked.key ?? "rsa";
  const signer = asked.of === undefined ? issuer : await find(asked.of);
  const keys = signer.generations[(asked.generation ?? signer.generations.length) - 1];
  if (!keys) throw new Refusal(`${signer.name} has had no such keys: ${asked.generation}`);
  const base64 = (bytes) => Buffer.from(bytes).toString("base64url");
  const message = `${base64(headerOf(keys, kind, asked))}.${base64(payloadOf(issuer, asked))}`;
  return `${message}.${base64(signatureOf(keys, kind, asked, Buffer.from(message)))}`;
}

function signatureOf(keys, kind, asked, message) {
  if (kind === "none") return "";
  if (isSecret(kind)) return keys.hmac(kind.slice("hmac-".length), message);
  return keys.sign(kind, asked.alg, message);
}
