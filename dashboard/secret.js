// The one time that a token is seen: with copy buttons and snippets, and gone from the page's memory when it is closed.

import { copyButton, exact, h, named, openDialog, unique } from "./dom.js";

/** Where this program's releases are published, its page does not know. */
export const RELEASES = "https://github.com/OWNER/REPO/releases/download";

/** Puts both programs on a Linux runner. */
const INSTALL = (indent) => [
  "curl -fsSL https://dl.chainloop.dev/cli/install.sh | bash",
  `curl -fsSL ${RELEASES}/v0.1.0/postern-cli-0.1.0-x86_64-unknown-linux-musl.tar.gz | tar -xz --strip-components=1`,
].join(`\n${indent}`);

const ATTEST = (gate, place, indent, postern = "./postern") => [
  `${postern} bridge --gateway ${gate} -- sh -ec '`,
  `  chainloop attestation init ${place}`,
  "  chainloop attestation add --value sbom.json",
  "  chainloop attestation push'",
].join(`\n${indent}`);

/**
 * Files and commands that use the token. None of them holds it: files are committed, and commands are remembered.
 * The bridge runs the stock client and tells it where it listens: nobody else can have taken that port before.
 */
const SNIPPETS = {
  "GitHub Actions": (gate, place) => `# once, in a shell; paste the token when asked:
#   gh secret set CHAINLOOP_TOKEN
jobs:
  attest:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Attest
        env:
          CHAINLOOP_TOKEN: \${{ secrets.CHAINLOOP_TOKEN }}
        run: |
          ${INSTALL("          ")}
          ${ATTEST(gate, place, "          ")}`,
  GitLab: (gate, place) => `# Settings > CI/CD > Variables: CHAINLOOP_TOKEN, masked and protected
attest:
  script:
    - |
      ${INSTALL("      ")}
      ${ATTEST(gate, place, "      ")}`,
  Shell: (gate, place) => `printf 'Token: '; stty -echo; IFS= read -r CHAINLOOP_TOKEN; stty echo; echo
export CHAINLOOP_TOKEN
${ATTEST(gate, place, "", "postern")}`,
};

/** What these clients lack with a token of another format than JWT. */
const NO_JWT = "Create a JWT instead to use it with chainloop: that client reads its token, and leaves “auth” out of " +
  "the attestation where it cannot.";

/**
 * Shows what a mint or a rotation answered. `minted.token` is taken out of it.
 * @param {string} title
 * @param {{token: string}} minted the answer
 * @param {{note?: Node, closed?: () => void}} options a paragraph below the title; what to do afterwards
 */
export function secretDialog(title, minted, { note, closed } = {}) {
  let secret = minted.token;
  delete minted.token;
  let copied = false;
  // Leaving the page would lose it too.
  const stay = (event) => copied || event.preventDefault();
  window.addEventListener("beforeunload", stay);
  const place = `--project ${minted.project?.name ?? "PROJECT"} --workflow ${minted.workflow?.name ?? "WORKFLOW"}`;
  const close = openDialog(
    title,
    (close) => {
      const label = unique("secret");
      const text = h("code", { class: "secret", id: "secret", tabindex: "0", role: "textbox", "aria-readonly": "true",
        "aria-labelledby": label }, secret);
      const done = h("button", { type: "button" }, "Close");
      const asked = h("p", { class: "fault", role: "alert" });
      const saved = () => {
        copied = true;
        asked.textContent = "";
        done.textContent = "Close";
        done.className = "primary";
        copy.classList.remove("primary");
      };
      const copy = copyButton(() => secret ?? "", "Copy token", label, saved);
      copy.classList.add("primary");
      copy.setAttribute("autofocus", "");
      text.addEventListener("copy", saved);
      done.addEventListener("click", () => {
        if (copied || asked.textContent) return close();
        asked.textContent = "The token was not copied yet, and cannot be shown again.";
        done.textContent = "Close without copying";
      });
      return [
        note,
        h("p", {}, named(minted.name, { class: "name strong" }), " ", h("code", {}, minted.prefix), ", ",
          minted.expires_at ? `expires ${exact(minted.expires_at)}` : "never expires"),
        h("p", { class: "note", id: label }, "Copy the token now. It is not stored and will not be shown again."),
        text,
        h("h3", {}, "Use it in"),
        minted.format === "jwt" ? undefined : h("p", { class: "note" }, NO_JWT),
        ...Object.entries(SNIPPETS).map(([name, text], index) => snippet(name, text(location.origin, place), index === 0)),
        h("div", { class: "buttons" }, asked, done, copy),
      ];
    },
    {
      wide: true,
      closed: () => {
        secret = null;
        window.removeEventListener("beforeunload", stay);
        closed?.();
      },
      // Escape must not lose what was not copied.
      keep: () => !copied,
    },
  );
  return close;
}

/** A text to copy, folded away unless it is `open`; of those on a page one is open. */
export function snippet(name, text, open) {
  const label = unique("snippet");
  return h(
    "details",
    { open, name: "snippet" },
    h("summary", { id: label }, name),
    h("pre", { tabindex: "0", role: "group", "aria-labelledby": label }, h("code", {}, text)),
    copyButton(() => text, "Copy snippet", label),
  );
}
