// Has the answers of D1 come late, in the gateway and in its objects: those of batches SLOW_WRITES_MS later, those of
// single statements SLOW_READS_MS. What they did is done at once.

import { env } from "cloudflare:workers";

function slow(prototype, names, ms) {
  for (const name of names) {
    const call = prototype[name];
    prototype[name] = async function (...values) {
      const answer = await call.apply(this, values);
      await new Promise((resolve) => setTimeout(resolve, Number(ms)));
      return answer;
    };
  }
}

slow(Object.getPrototypeOf(env.DB), ["batch"], env.SLOW_WRITES_MS);
slow(Object.getPrototypeOf(env.DB.prepare("select 1")), ["first", "all", "run", "raw"], env.SLOW_READS_MS);
