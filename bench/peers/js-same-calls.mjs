// What the runtime's own calls cost: as many of them as the gateway makes for a call that rests on a lease, and no check.
// Refuses nobody.

const READ = new Set(["authorization", "cf-connecting-ip", "connection", "content-encoding", "content-length", "content-type", "grpc-timeout", "traceparent"]);
const DROPPED = new Set(["cf-connecting-ip", "connection", "content-length", "cookie", "forwarded", "via", "x-forwarded-for", "x-real-ip"]);
const LATE = new Error("late");

function lines(headers, read) {
  let text = "";
  for (const name of headers.keys()) text += read.has(name) ? `\n${name}:${headers.get(name)}` : `\n${name}`;
  return text;
}

function within(ms, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, ms, LATE);
    promise.then(
      (value) => { clearTimeout(timer); resolve(value); },
      (error) => { clearTimeout(timer); reject(error); },
    );
  });
}

export default {
  async fetch(request, env) {
    const begun = Date.now();
    const id = crypto.randomUUID();
    const head = `${request.method}\n${request.url}${lines(request.headers, READ)}`;
    const body = await within(10_000, request.arrayBuffer());
    const path = request.url.slice(request.url.indexOf("/", 8));
    const sent = new Request(env.ORIGIN_URL + path, { method: request.method, headers: request.headers, body, redirect: "manual" });
    for (const line of head.split("\n")) {
      const name = line.split(":")[0];
      if (DROPPED.has(name)) sent.headers.delete(name);
    }
    sent.headers.set("x-forwarded-for", request.headers.get("cf-connecting-ip") ?? "127.0.0.1");
    sent.headers.set("x-request-id", id);
    sent.headers.set("traceparent", `00-${id.replaceAll("-", "")}-${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(14, 18)}-00`);
    const reply = await within(30_000, fetch(sent));
    const told = lines(reply.headers, READ);
    const answer = new Response(reply.body, reply);
    for (const name of told.split("\n")) if (name === "set-cookie" || name === "link") answer.headers.delete(name);
    answer.headers.set("x-request-id", id);
    answer.headers.append("server-timing", `gate;dur=0, origin;dur=${Date.now() - begun}`);
    console.log(JSON.stringify({ level: "info", request_id: id, method: request.method, path, status: reply.status, ms: Date.now() - begun }));
    return answer;
  },
};
