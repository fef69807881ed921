// The way of a call through the gateway. This file reads what the module wants to know, sends what it wrote, and passes
// on what it allows; each decision is the module's. It takes the steps that most calls take. Wherever another step
// comes, the module goes on alone (`resume`).
import * as gateway from "gateway";
import { invoke, run } from "./instance.js";

const { Body, WholeBody, Window, Ask, Forward, Content, Pass } = gateway.Next;
const { Due, Call } = gateway.Code;
const LATE = new Error();

let wanted = null;

// For how long a body may take, how many bytes of it the module looks at first, and the headers whose values it reads, of
// calls and of answers.
function table(env) {
  const [ms, first, ...names] = invoke(gateway.table, env).split("\n");
  const middle = names.indexOf("");
  wanted = { ms: +ms, first: +first, call: new Set(names.slice(0, middle)), answer: new Set(names.slice(middle + 1)) };
}

function lines(headers, read) {
  let text = "";
  for (const name of headers.keys()) text += read.has(name) ? `\n${name}:${headers.get(name)}` : `\n${name}`;
  return text;
}

// Gives up waiting after so many milliseconds. What was waited for may go on.
function within(ms, promise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, ms, LATE);
    promise.then(
      (value) => { clearTimeout(timer); resolve(value); },
      (error) => { clearTimeout(timer); reject(error); },
    );
  });
}

// Edits from this line on: `-name` goes, `=name:value` is set, `+name:value` is added.
function edit(headers, text, from) {
  for (let i = from; i < text.length; i++) {
    const line = text[i], colon = line.indexOf(":");
    if (line[0] === "-") headers.delete(line.slice(1));
    else if (line[0] === "=") headers.set(line.slice(1, colon), line.slice(colon + 1));
    else headers.append(line.slice(1, colon), line.slice(colon + 1));
  }
}

export function answer(request, env, context) {
  let call;
  try {
    if (wanted === null) table(env);
    const head = `${request.method}\n${request.url}${lines(request.headers, wanted.call)}`;
    call = invoke(gateway.open, head, Date.now());
  } catch (error) { return abandon(error, 0, request, env, context); }
  if (call !== 0) return drive(call, request, env, context);
  return run(gateway.fetch, request, env, context).catch((error) => abandon(error, 0, request, env, context));
}

// Ends a call that an error of the runtime, or the end of the instance, has interrupted.
function abandon(error, call, request, env, context) {
  return run(gateway.abandon, call, request, env, context, String(error));
}

async function drive(call, request, env, context) {
  // What is next, and the text for it, in lines.
  let next = call % Call, text;
  const step = (export_, ...given) => {
    text = invoke(export_, call, ...given, Date.now()).split("\n");
    next = +text[0];
    if (next >= Due) { invoke(gateway.keep, env, context); next -= Due; }
  };
  const fail = (error) => step(gateway.failed, error === LATE || error?.name === "TimeoutError", String(error?.message));
  let body, bytes, reply, content;
  try {
    if (next === Body || next === WholeBody) {
      const most = next === Body ? wanted.first : Infinity;
      try {
        body = await within(wanted.ms, request.arrayBuffer());
        bytes = new Uint8Array(body);
      } catch (error) { fail(error); }
      if (bytes !== undefined) step(gateway.arrived, bytes.subarray(0, most), bytes.length);
    }
    while (next === Window) step(gateway.more, bytes.subarray(+text[1], +text[2]));
    // A body that is looked into only once its caller is known is read on by the module.
    while (next === Ask) {
      let status, said;
      try {
        const [, name, url, jurisdiction] = text;
        const ledgers = jurisdiction ? env.LEDGER.jurisdiction(jurisdiction) : env.LEDGER;
        const told = await ledgers.getByName(name).fetch(url);
        said = told.body === null ? "" : await told.text();
        status = told.status;
      } catch (error) { fail(error); }
      if (status !== undefined) step(gateway.told, status, said);
    }
    if (next === Forward) {
      const [, url, method, ms, converts, ends] = text;
      try {
        const init = { method, headers: request.headers, body, redirect: "manual" };
        if (converts === "1") init.cf = { grpcWeb: "convert" };
        if (ends === "1") init.signal = AbortSignal.timeout(+ms);
        const sent = new Request(url, init);
        edit(sent.headers, text, 6);
        reply = await within(+ms, fetch(sent));
      } catch (error) { fail(error); }
      if (reply !== undefined) step(gateway.answered, reply.status, lines(reply.headers, wanted.answer).slice(1));
    }
    if (next === Content) {
      const [, ms, limit] = text;
      try { content = new Uint8Array(await within(+ms, reply.arrayBuffer())); } catch (error) { fail(error); }
      if (content !== undefined) step(gateway.content, content.subarray(0, content.length > +limit ? 0 : Infinity), content.length);
    }
    if (next === Pass) {
      if (text.length === 1 && content === undefined) return reply;
      const passed = new Response(content ?? reply.body, reply);
      edit(passed.headers, text, 1);
      return passed;
    }
    return await run(gateway.resume, call, request, env, context, bytes, reply, content);
  } catch (error) { return abandon(error, call, request, env, context); }
}
