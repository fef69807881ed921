#!/usr/bin/env node
// Lays the release that is inside this package down in a new folder, and checks each file of it.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const USAGE = `usage: npm create postern FOLDER

Lays down a folder with a release of Postern, ready to be deployed to Cloudflare Workers.
FOLDER must not exist, or be empty.`;

const template = join(dirname(fileURLToPath(import.meta.url)), "template");

/** Ends with a sentence and a code: 2 for a wrong request, 1 for anything else. */
function fail(code, message) {
  process.stderr.write(`create-postern: ${message}\n`);
  process.exit(code);
}

/** The paths in SHA256SUMS with their digests. */
function sums(folder) {
  const lines = readFileSync(join(folder, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  return lines.map((line) => [line.slice(66), line.slice(0, 64)]);
}

/** What is not as it was released, by path. */
function changed(folder) {
  const digest = (path) => createHash("sha256").update(readFileSync(join(folder, path))).digest("hex");
  return sums(folder)
    .filter(([path, wanted]) => !existsSync(join(folder, path)) || digest(path) !== wanted)
    .map(([path]) => path);
}

/** Copies the release and checks it; what is wrong, if something is. */
function lay(folder) {
  try {
    cpSync(template, folder, { recursive: true });
    // npm would have given it another name.
    renameSync(join(folder, "gitignore"), join(folder, ".gitignore"));
    const wrong = changed(folder);
    return wrong.length > 0 && `not as released: ${wrong.join(", ")}`;
  } catch (error) {
    return error.message;
  }
}

/** Takes back what was laid down: the folders that were made for it, or what is in the one that was there. */
function empty(folder, made) {
  const rest = made === undefined ? readdirSync(folder).map((name) => join(folder, name)) : [made];
  for (const path of rest) rmSync(path, { recursive: true, force: true });
}

function main(words) {
  if (words.includes("--help") || words.includes("-h")) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (words.length !== 1 || words[0].startsWith("-")) fail(2, `one folder is needed\n\n${USAGE}`);
  if (!existsSync(join(template, "SHA256SUMS"))) {
    fail(1, "this package has no release in it: build one with `cargo xtask release`");
  }
  const folder = resolve(words[0]);
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    fail(2, `${folder} is not empty: name a new folder`);
  }
  const made = mkdirSync(folder, { recursive: true });
  const problem = lay(folder);
  if (problem) {
    // A folder with a part of a release, or a changed one, would be taken for a release.
    empty(folder, made);
    fail(1, `${problem}; nothing was laid down: install create-postern again`);
  }
  process.stdout.write(`${folder} has the release. Next:

  cd ${words[0]}
  npm ci
  npx wrangler login
  postern setup --origin-url https://YOUR-ORIGIN --origin-auth upstream --organization NAME --project NAME --workflow NAME

\`upstream\` is for a Chainloop control plane. README.md there says more.
`);
}

main(process.argv.slice(2));
