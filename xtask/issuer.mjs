// An issuer of job tokens for development and tests, for `cargo xtask issuer`. It signs whatever it is asked to, hostile
// tokens too: it is for this machine alone.
//
// Each path `/NAME` is an issuer of its own, with keys of its own: `/github`, `/gitlab`, `/other`, or any other name.
//   GET  /NAME/.well-known/openid-configuration, GET /NAME/jwks
//   POST /NAME/token    what `token` in issuer/token.mjs takes -> the token as text
//   GET  /NAME/request?audience=A    as jobs of GitHub Actions ask for theirs -> {"value": token}
//   POST /NAME/behave   {"discovery": MODE, "jwks": MODE, "rotate": "replace" | "beside", "counts": 0}
//   GET  /NAME/counts   how often it was asked for what
//
// It reads one JSON line on stdin, {"port": P}, and takes the end of stdin as "whoever started me is gone".

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Keys } from "./issuer/keys.mjs";
import { Refusal, token } from "./issuer/token.mjs";

const HOST = "127.0.0.1";
/** More than any gateway should read. */
const HUGE = 8 * 1024 * 1024;
const MOST_READ = 1024 * 1024;

/** An issuer. */
class Issuer {
  constructor(name, url) {
    this.name = name;
    this.url = url;
    /** Sets of keys; the last one signs. */
    this.generations = [];
    /** The index of the first one that is published. */
    this.first = 0;
    this.modes = { discovery: "good", jwks: "good" };
    this.counts = { discovery: 0, jwks: 0, moved: 0, token: 0 };
  }

  async rotate() {
    this.generations.push(await Keys.make(this.name, this.generations.length + 1));
  }

  get discovery() {
    return {
      issuer: this.url,
      jwks_uri: `${this.url}/jwks`,
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256", "ES256", "EdDSA"],
    };
  }

  get jwks() {
    return { keys: this.generations.slice(this.first).flatMap((keys) => keys.published()) };
  }
}

const json = (value, status = 200) => ({ status, media: "application/json", body: JSON.stringify(value) });

/** How an issuer answers when it is not well: for its discovery document and its key set alike. */
const MODES = {
  good: (document) => json(document),
  down: () => ({ status: 503, media: "text/plain", body: "down\n" }),
  missing: () => ({ status: 404, media: "text/plain", body: "nothing here\n" }),
  /** Where it leads, everything is good: whoever follows has keys. */
  redirect: (_, issuer, what) => ({ status: 302, location: `${issuer.url}/moved/${what}`, body: "" }),
  huge: (document) => json({ padding: "x".repeat(HUGE), ...document }),
  malformed: (document) => ({ ...json(document), body: JSON.stringify(document).slice(0, -1) }),
  list: (document) => json([document]),
  html: () => ({ status: 200, media: "text/html", body: "<!doctype html><title>Sign in</title>\n" }),
  empty: () => ({ status: 200, media: "application/json", body: "" }),
  /** Never answers. */
  silent: () => undefined,
  /** As another issuer: a slash at the end of the URL is enough. */
  other_issuer: (document) => json({ ...document, issuer: `${document.issuer}/` }),
  no_jwks_uri: ({ jwks_uri: _, ...rest }) => json(rest),
  /** Keys over http, on a host that is not this machine. */
  elsewhere: (document) => json({ ...document, jwks_uri: "http://keys.example/jwks" }),
  no_keys: () => json({ keys: [] }),
};

const issuers = new Map();

/** The issuer of a name, with keys; made when it is asked for first. */
function issuer(name, origin) {
  if (!issuers.has(name)) {
    const made = new Issuer(name, `${origin}/${name}`);
    issuers.set(
      name,
      made.rotate().then(() => made),
    );
  }
  return issuers.get(name);
}

function document(of, what) {
  of.counts[what] += 1;
  return MODES[of.modes[what]](of[what], of, what);
}

async function behave(of, wanted) {
  for (const [name, value] of Object.entries(wanted)) {
    if (name === "rotate" && ["replace", "beside"].includes(value)) {
      await of.rotate();
      if (value === "replace") of.first = of.generations.length - 1;
    } else if (name === "counts" && value === 0) {
      for (const count of Object.keys(of.counts)) of.counts[count] = 0;
    } else if (name in of.modes && Object.hasOwn(MODES, value)) {
      of.modes[name] = value;
    } else {
      throw new Refusal(`no such behavior: ${name}: ${JSON.stringify(value)}`);
    }
  }
  return json(of.modes);
}

/** As GitHub's runner does: `ACTIONS_ID_TOKEN_REQUEST_URL` is this URL with a parameter that it has already. */
async function requested(of, query) {
  const audience = query.get("audience");
  const text = await token(of, { claims: audience === null ? {} : { aud: audience } }, find);
  return json({ count: text.length, value: text });
}

/** Other issuers by name, whose keys a token can be signed with. */
const find = (name) => issuer(name, origin());
let origin = () => "";

async function answer(request) {
  const url = new URL(request.url, `http://${HOST}`);
  const [, name, ...rest] = url.pathname.split("/");
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) return json({ error: "no such issuer" }, 404);
  const of = await find(name);
  const asked = `${request.method} ${rest.join("/")}`;
  switch (asked) {
    case "GET .well-known/openid-configuration":
      return document(of, "discovery");
    case "GET jwks":
      return document(of, "jwks");
    case "GET moved/discovery":
    case "GET moved/jwks":
      of.counts.moved += 1;
      return json(of[rest[1]]);
    case "GET counts":
      return json(of.counts);
    case "GET request":
      of.counts.token += 1;
      return requested(of, url.searchParams);
    case "POST behave":
      return behave(of, await read(request));
    case "POST token": {
      of.counts.token += 1;
      const text = await token(of, await read(request), find);
      return { status: 200, media: "text/plain", body: text };
    }
    default:
      return json({ error: "nothing here" }, 404);
  }
}

async function read(request) {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) {
    text += piece;
    if (text.length > MOST_READ) throw new Refusal("too long");
  }
  try {
    return JSON.parse(text || "{}");
  } catch (error) {
    throw new Refusal(error.message);
  }
}

const server = createServer(async (request, response) => {
  try {
    const told = await answer(request);
    if (!told) return;
    const { status, media, location, body } = told;
    response.writeHead(status, {
      ...(media && { "content-type": media }),
      ...(location && { location }),
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  } catch (error) {
    const refused = error instanceof Refusal;
    if (!refused) process.stderr.write(`issuer: ${error.stack}\n`);
    response.writeHead(refused ? 400 : 500, { "content-type": "text/plain" }).end(`${error.message}\n`);
  }
});

const stop = () => process.exit(0);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) process.on(signal, stop);
server.on("error", (error) => {
  process.stderr.write(`error: the issuer: ${error.message}\n`);
  process.exit(1);
});

async function main({ port }) {
  origin = () => `http://${HOST}:${port}`;
  await Promise.all(["github", "gitlab", "other"].map(find));
  server.listen(port, HOST, () => process.stdout.write(`ready ${origin()}\n`));
}

const lines = createInterface({ input: process.stdin });
lines.once("line", (line) => main(JSON.parse(line)));
lines.once("close", stop);
