// What the runtime's own calls cost: as many of them as the gateway makes for a call that rests on a lease, and no check.
// Refuses nobody.

const DROPPED = ["connection", "cookie", "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

export default {
  async fetch(request, env) {
    const begun = Date.now();
    const id = crypto.randomUUID();
    const names = [...request.headers.keys()];
    const body = await request.arrayBuffer();
    const headers = new Headers(request.headers);
    for (const name of DROPPED) if (names.includes(name)) headers.delete(name);
    headers.set("x-request-id", id);
    headers.set("traceparent", `00-${id.replaceAll("-", "")}-${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(14, 18)}-00`);
    const path = request.url.slice(request.url.indexOf("/", 8));
    const signal = AbortSignal.timeout(30_000);
    const reply = await fetch(env.ORIGIN_URL + path, { method: request.method, headers, body, redirect: "manual", signal });
    const answer = new Response(reply.body, reply);
    for (const name of [...reply.headers.keys()]) if (name === "set-cookie" || name === "link") answer.headers.delete(name);
    answer.headers.set("x-request-id", id);
    answer.headers.append("server-timing", `gate;dur=0, origin;dur=${Date.now() - begun}`);
    console.log(JSON.stringify({ level: "info", request_id: id, method: request.method, path, status: reply.status, ms: Date.now() - begun }));
    return answer;
  },
};
