// Keys of one issuer, and what signs with them: rightly, or as a forger would.

import { constants, createHmac, generateKeyPair, sign } from "node:crypto";
import { promisify } from "node:util";

const make = promisify(generateKeyPair);

/** Of each kind: how it is made, and the algorithm that it is for. */
const KINDS = {
  rsa: { alg: "RS256", pair: () => make("rsa", { modulusLength: 2048 }) },
  ec: { alg: "ES256", pair: () => make("ec", { namedCurve: "P-256" }) },
  ed25519: { alg: "EdDSA", pair: () => make("ed25519") },
};

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };

/** What signs a message, by kind of key and algorithm; the first of a kind is its own. */
const SIGNS = {
  rsa: {
    RS256: (key, message) => sign("sha256", message, key),
    RS384: (key, message) => sign("sha384", message, key),
    RS512: (key, message) => sign("sha512", message, key),
    PS256: (key, message) => sign("sha256", message, { key, ...PSS }),
  },
  ec: {
    ES256: (key, message) => sign("sha256", message, { key, dsaEncoding: "ieee-p1363" }),
    /** As certificates write it, and JWS does not. */
    DER: (key, message) => sign("sha256", message, { key, dsaEncoding: "der" }),
  },
  ed25519: { EdDSA: (key, message) => sign(null, message, key) },
};

/** The public RSA key as bytes, in each form in which a careless verifier could have it as its secret. */
const SECRETS = {
  pem: (key) => key.export({ type: "spki", format: "pem" }),
  "pem-trimmed": (key) => key.export({ type: "spki", format: "pem" }).trim(),
  "pem-pkcs1": (key) => key.export({ type: "pkcs1", format: "pem" }),
  der: (key) => key.export({ type: "spki", format: "der" }),
  "der-pkcs1": (key) => key.export({ type: "pkcs1", format: "der" }),
  modulus: (key) => Buffer.from(key.export({ format: "jwk" }).n, "base64url"),
  "modulus-text": (key) => key.export({ format: "jwk" }).n,
};

/** The forms in which an RSA key can be a secret. */
export const SECRET_FORMS = Object.keys(SECRETS);

/** The kinds of keys. */
export const KEY_KINDS = Object.keys(KINDS);

/** One key of each kind. */
export class Keys {
  /** Makes those of an issuer; they are named after it, and after how many it had before. */
  static async make(issuer, generation) {
    const pairs = await Promise.all(Object.values(KINDS).map(({ pair }) => pair()));
    return new Keys(issuer, generation, Object.fromEntries(KEY_KINDS.map((kind, index) => [kind, pairs[index]])));
  }

  constructor(issuer, generation, pairs) {
    this.issuer = issuer;
    this.generation = generation;
    this.pairs = pairs;
  }

  /** The name of a key. */
  kid(kind) {
    return `${this.issuer}-${kind}-${this.generation}`;
  }

  /** The algorithm that a key is for. */
  algorithm(kind) {
    return KINDS[kind].alg;
  }

  /** The public half of one, as it stands in a key set. */
  jwk(kind) {
    const jwk = this.pairs[kind].publicKey.export({ format: "jwk" });
    return { ...jwk, use: "sig", alg: this.algorithm(kind), kid: this.kid(kind) };
  }

  /** The key set. */
  published() {
    return KEY_KINDS.map((kind) => this.jwk(kind));
  }

  /** A signature by the key of this kind; of an algorithm that is none of it, by its own. */
  sign(kind, algorithm, message) {
    const known = SIGNS[kind];
    const by = Object.hasOwn(known, algorithm) ? algorithm : this.algorithm(kind);
    return known[by](this.pairs[kind].privateKey, message);
  }

  /** HMAC-SHA-256 with what everybody knows, the public RSA key. */
  hmac(form, message) {
    return createHmac("sha256", SECRETS[form](this.pairs.rsa.publicKey)).update(message).digest();
  }
}
