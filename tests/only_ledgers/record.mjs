// Has D1 be that of the gateway at RECORD_URL.

import { env } from "cloudflare:workers";

async function ask(call, statements) {
  const plain = statements.map(({ statement, params }) => ({ statement, params }));
  const body = JSON.stringify({ call, statements: plain });
  const answer = await fetch(new URL("/record", env.RECORD_URL), { method: "POST", body });
  const { told, error } = await answer.json();
  if (error !== undefined) throw new Error(error);
  return told;
}

Object.getPrototypeOf(env.DB).batch = (statements) => ask("batch", statements);
const statement = Object.getPrototypeOf(env.DB.prepare("select 1"));
for (const call of ["first", "all", "run", "raw"]) {
  statement[call] = function () {
    return ask(call, [this]);
  };
}
