// The built module, whose instance ends where a test wants it. What the module hands to the runtime there throws past
// it, as a trap does: once for each mark, a text that begins with `trap-`; and where a line of the log names what an
// earlier request named in its path, behind `/next/`; and in a Ledger, behind the row of a token whose name has `half-`.

import * as gateway from "./index.js";

const met = new Set();
const armed = new Set();

function end(what) {
  throw new WebAssembly.RuntimeError(what);
}

function marked(text) {
  const [mark] = /trap-[0-9a-z]+/.exec(text) ?? [];
  if (mark === undefined || met.has(mark)) return;
  met.add(mark);
  end(mark);
}

const { log } = console;
console.log = (...given) => {
  const line = given.map(String).join(" ");
  marked(line);
  const [, next] = /\/next\/([0-9a-f-]+)/.exec(line) ?? [];
  if (next !== undefined) armed.add(next);
  else for (const name of armed) if (line.includes(name) && armed.delete(name)) end(name);
  log(...given);
};

// In a turn of a Ledger: it compares names.
const { normalize } = String.prototype;
String.prototype.normalize = function (form) {
  marked(String(this));
  return normalize.call(this, form);
};

// Behind the first write of a turn of a Ledger, where its rows are read.
let isPatched = false;
function patch(sql) {
  if (isPatched) return;
  isPatched = true;
  const prototype = Object.getPrototypeOf(sql);
  const { exec } = prototype;
  prototype.exec = function (statement, ...values) {
    const cursor = exec.call(this, statement, ...values);
    const [mark] = /half-[0-9a-z]+/.exec(values.map(String).join(" ")) ?? [];
    if (!/^insert into tokens/.test(statement.trim()) || mark === undefined || met.has(mark)) return cursor;
    met.add(mark);
    return { raw: () => end(mark) };
  };
}

export class Ledger extends gateway.Ledger {
  constructor(context, env) {
    patch(context.storage.sql);
    super(context, env);
  }
}

export * from "./index.js";
export default gateway.default;
