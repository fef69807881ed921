// Shows what GET /readyz says, again every fifteen seconds while the page is looked at, and the commands that manage
// tokens. Keeps nothing, asks nobody but the gate that served it, and puts text on the page as text only.

const EVERY_MS = 15_000;
const PATIENCE_MS = 10_000;

const PARTS = {
  configuration: ["Configuration", "every variable has a value that can be used"],
  record: ["Record (D1)", "organizations, projects, workflows, the token list and the audit log"],
  ledger: ["Ledger (Durable Object)", "says whether a token still lives; without it every call is refused"],
  facts: ["Facts (KV)", "which organization a key or a name belongs to, near the caller; without it the record is asked"],
};

const VERDICTS = {
  ready: ["The gate is ready.", "Calls are decided and forwarded. The origin behind the gate is not asked here."],
  unavailable: [
    "The gate is not ready.",
    "A part that answers depend on does not answer. Calls that need it are refused, never waved through. The log says why.",
  ],
  misconfigured: [
    "The configuration is wrong.",
    "The gate refuses every call until each problem below is corrected and the Worker is deployed again.",
  ],
  unreachable: ["The gate does not answer.", "This page could not reach /readyz. It keeps trying."],
  odd: ["The answer cannot be read.", "Something answered /readyz, but not as this gate does."],
};

const at = (id) => document.getElementById(id);

/** An element with text, which is never read as markup. */
function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** Writes only what differs: a screen reader must not hear the same sentence every fifteen seconds. */
function write(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

async function ask() {
  let answer;
  try {
    answer = await fetch("/readyz", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return { kind: "unreachable" };
  }
  const trace = answer.headers.get("x-request-id");
  let body;
  try {
    body = await answer.json();
  } catch {
    return { kind: "odd", trace };
  }
  if (Array.isArray(body?.problems)) return { kind: "misconfigured", problems: body.problems.map(String), trace };
  if (typeof body?.dependencies !== "object" || body.dependencies === null) return { kind: "odd", trace };
  return { kind: body.status === "ready" ? "ready" : "unavailable", body, trace };
}

function partRow([name, state]) {
  const [title, purpose] = PARTS[name] ?? [name, ""];
  const row = element("tr");
  const head = element("th", title, { scope: "row" });
  if (purpose) head.append(element("span", purpose));
  const cell = element("td", undefined, { class: "state", "data-state": String(state) });
  cell.append(element("span", state === "ready" ? "✓ " : "✕ ", { "aria-hidden": "true" }), String(state));
  row.append(head, cell);
  return row;
}

function boundText(seconds) {
  if (seconds === 0) return "0 s: once a revoke has answered, the token opens nothing.";
  return `${seconds} s: a revoked token may still be let through for so long.`;
}

function show({ kind, body, problems, trace }) {
  const [verdict, meaning] = VERDICTS[kind];
  const state = { ready: "ready", unavailable: "unavailable", misconfigured: "unavailable" }[kind] ?? "unknown";
  at("verdict").dataset.state = state;
  write("verdict", verdict);
  write("meaning", meaning);
  document.title = kind === "ready" ? "Postern: ready" : "Postern: not ready";

  at("problems").hidden = !problems;
  at("problem-list").replaceChildren(...(problems ?? []).map((text) => element("li", text)));

  at("parts").hidden = !body;
  if (body) {
    const known = Object.keys(PARTS);
    const place = ([name]) => (known.indexOf(name) + known.length + 1) % (known.length + 1);
    const parts = Object.entries(body.dependencies).sort((a, b) => place(a) - place(b));
    at("part-rows").replaceChildren(...parts.map(partRow));
    write("bound", boundText(body.revocation_bound_seconds));
    const unheeded = Array.isArray(body.unheeded_variables) ? body.unheeded_variables : [];
    write(
      "unheeded",
      unheeded.length === 0 ? "none" : `${unheeded.join(", ")}: set, but this version does not heed them.`,
    );
  }
  const time = new Date().toLocaleTimeString();
  write("checked", kind === "ready" || !trace ? `Asked at ${time}.` : `Asked at ${time}, request id ${trace}.`);
}

let timer;
let asking = false;

async function check() {
  if (asking) return;
  asking = true;
  clearTimeout(timer);
  try {
    show(await ask());
  } finally {
    asking = false;
    if (!document.hidden) timer = setTimeout(check, EVERY_MS);
  }
}

/**
 * The commands, for the address that this page came from. A line that reads from the terminal is the last of its step:
 * pasted together, the next line would be taken for the answer.
 */
function steps(gate) {
  return [
    [
      "Say which gate, and who you are",
      [
        `GATE=${gate}`,
        `ORG='Postern-Organization: acme'`,
        `JSON='Content-Type: application/json'`,
        `printf 'Administrator key: '; read -r KEY; ADMIN="Authorization: Bearer $KEY"`,
      ],
    ],
    [
      "Make an organization, a project and a workflow, once",
      [
        `curl -sS $GATE/orgs -H "$ADMIN" -H "$JSON" -d '{"name":"acme"}'`,
        `curl -sS $GATE/org/projects -H "$ADMIN" -H "$ORG" -H "$JSON" \\`,
        `  -d '{"name":"shop"}'`,
        `curl -sS $GATE/org/projects/shop/workflows -H "$ADMIN" -H "$ORG" \\`,
        `  -H "$JSON" -d '{"name":"release"}'`,
      ],
    ],
    [
      "Mint a token for that workflow (shown once)",
      [
        `curl -sS $GATE/org/tokens -H "$ADMIN" -H "$ORG" -H "$JSON" \\`,
        `  -d '{"name":"ci","project":"shop","workflow":"release","expires_in":"90d"}'`,
      ],
    ],
    ["List the tokens that are live", [`curl -sS "$GATE/org/tokens?status=active" -H "$ADMIN" -H "$ORG"`]],
    [
      "Revoke one, by its id",
      [
        `printf 'Token id: '; read -r ID; \\`,
        `curl -sS -X DELETE $GATE/org/tokens/$ID -H "$ADMIN" -H "$ORG"`,
      ],
    ],
  ];
}

async function copy(text, button) {
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    said = "Copy it by hand";
  }
  button.textContent = said;
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

function step([title, lines], index) {
  const command = lines.join("\n");
  const item = element("li");
  const head = element("div", undefined, { class: "step-head" });
  const name = `step-${index + 1}`;
  const button = element("button", "Copy", { type: "button", "aria-describedby": name });
  button.addEventListener("click", () => copy(command, button));
  head.append(element("h3", title, { id: name }), button);
  // Focusable, so that a long line can be scrolled to with the keyboard.
  const block = element("pre", undefined, { tabindex: "0", role: "group", "aria-labelledby": name });
  block.append(element("code", command));
  item.append(head, block);
  return item;
}

at("steps").replaceChildren(...steps(location.origin).map(step));
at("check").addEventListener("click", check);
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (!document.hidden) check();
});
check();
