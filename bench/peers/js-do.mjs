// Strict, by an expert in JavaScript: HMAC with a kept key, and one Durable Object call on each request.

import { bearer, forward, refused } from "./forward.mjs";
import { verify } from "./jwt.mjs";

export { Revocations } from "./revocations.mjs";

export default {
  async fetch(request, env) {
    const claims = await verify(bearer(request), env);
    if (claims === null) return refused();
    const answer = await env.REVOCATIONS.getByName(claims.org_id).fetch(`http://revocations/lives/${claims.jti}`);
    return answer.status === 204 ? forward(request, env) : refused();
  },
};
