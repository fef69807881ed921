// The one time that a token is seen: with copy buttons and snippets, and gone from the page's memory when it is closed.

import { copyButton, exact, h, named, openDialog, unique } from "./dom.js";

/**
 * Files and commands that use the token. None of them holds it: files are committed, and commands are remembered.
 * The bridge runs the stock client and tells it where it listens: nobody else can have taken that port before.
 */
const SNIPPETS = {
  "GitHub Actions": (gate) => `# once, in a shell; paste the token when asked:
#   gh secret set CHAINLOOP_TOKEN
steps:
  - name: Attest
    env:
      CHAINLOOP_TOKEN: \${{ secrets.CHAINLOOP_TOKEN }}
    run: |
      postern bridge --gateway ${gate} -- sh -ec '
        chainloop attestation init --project … --workflow …
        chainloop attestation add --value …
        chainloop attestation push'`,
  GitLab: (gate) => `# Settings > CI/CD > Variables: CHAINLOOP_TOKEN, masked and protected
attest:
  script:
    - |
      postern bridge --gateway ${gate} -- sh -ec '
        chainloop attestation init --project … --workflow …
        chainloop attestation add --value …
        chainloop attestation push'`,
  Shell: (gate) => `printf 'Token: '; stty -echo; IFS= read -r CHAINLOOP_TOKEN; stty echo; echo
export CHAINLOOP_TOKEN
postern bridge --gateway ${gate} -- chainloop attestation init --project … --workflow …`,
};

/** What these clients lack with a token of another format than JWT. */
const NO_JWT = "Create this token as a JWT to use it with chainloop: that client reads its token, and leaves `auth` out of " +
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
  const close = openDialog(
    title,
    (close) => {
      const label = unique("secret");
      const text = h("code", { class: "secret", id: "secret", tabindex: "0", role: "textbox", "aria-readonly": "true",
        "aria-labelledby": label }, secret);
      const copy = copyButton(() => secret ?? "", "Copy token", label);
      copy.classList.add("primary");
      copy.setAttribute("autofocus", "");
      copy.addEventListener("click", () => (copied = true));
      text.addEventListener("copy", () => (copied = true));
      const unsaved = h("p", { class: "note", role: "alert", hidden: true },
        "The token was not copied yet and cannot be shown again. Press Close once more to leave without it.");
      const done = h("button", { type: "button" }, "Close");
      done.addEventListener("click", () => {
        if (copied || !unsaved.hidden) return close();
        unsaved.hidden = false;
      });
      return [
        note,
        h("p", {}, named(minted.name, { class: "name strong" }), " ", h("code", {}, minted.prefix), ", ",
          minted.expires_at ? `expires ${exact(minted.expires_at)}` : "never expires"),
        h("p", { class: "note", id: label }, "Copy the token now. It is not stored and will not be shown again."),
        text,
        h("div", { class: "buttons start" }, copy),
        h("h3", {}, "Use it in"),
        minted.format === "jwt" ? undefined : h("p", { class: "note" }, NO_JWT),
        ...Object.entries(SNIPPETS).map(([name, text], index) => snippet(name, text(location.origin), index === 0)),
        unsaved,
        h("div", { class: "buttons" }, done),
      ];
    },
    {
      wide: true,
      closed: () => {
        secret = null;
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
