// An origin that answers with pages that act: what becomes of them in a browser whose visitor has a session (R45).

import assert from "node:assert/strict";
import { test } from "node:test";
import { api, freePort, listen, organization, serve, withPage } from "./world.mjs";

/** Mints with the visitor's session, registers a service worker over everything, keeps a cookie, and says so in the title. */
const page = (name) => `<!doctype html><meta charset="utf-8"><title>quiet</title>
<meta http-equiv="refresh" content="0; url=/dashboard/?moved"><script>
(async () => {
  document.cookie = "scripted=1";
  const body = { method: "POST", headers: { "content-type": "application/json", "postern-organization": "${name}" }, body: "{}" };
  const minted = await fetch("/org/tokens", body).then((answer) => answer.status, String);
  const worker = await navigator.serviceWorker.register("/statusz", { scope: "/" }).then(() => "worker", String);
  document.title = "acted " + minted + " " + worker;
})();
</script><form method="post" action="/org/tokens"><button id="go">go</button></form><img src="/statusz">`;
const WORKER = `self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("fetch", (event) => event.respondWith(new Response("fake dashboard", { headers: { "content-type": "text/html" } })));`;

/** What the origin answers with at present. */
const answer = { status: 200, media: "text/html", body: "" };
const SET = { REST_ROUTES: "open" };
let gate;
let name;
let begun;

/** The origin, and a gateway in front of it; once for all cases, when the first one runs. */
const ready = () =>
  (begun ??= (async () => {
    const origin = await listen((request, response) => {
      request.resume();
      response.writeHead(answer.status, {
        "content-type": answer.media, "service-worker-allowed": "/", "set-cookie": "planted=1; Path=/", refresh: "0; url=/dashboard/?moved",
        "access-control-allow-origin": "*", "access-control-allow-credentials": "true", "clear-site-data": '"storage"',
      });
      response.end(answer.body);
    });
    gate = await serve(origin, SET);
    name = await organization(gate);
    return origin;
  })());

const tokens = async () => (await api("GET", "/org/tokens?status=all", { organization: name, at: gate })).body.tokens.length;

/** A page with the session of an administrator of the organization, and a token for the origin's routes. */
const asVisitor = (work) =>
  withPage(async (page, context) => {
    await context.addCookies([{ name: "session", value: name, url: gate }]);
    await work(page, context);
  }, { quiet: true });

const workers = (page) => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);

test("the_session_is_good_so_that_a_page_of_the_gates_own_could_mint_with_it", async () => {
  await ready();
  await asVisitor(async (page) => {
    await page.goto(`${gate}/dashboard/`);
    const status = await page.evaluate(async (organization) => {
      const headers = { "content-type": "application/json", "postern-organization": organization };
      return (await fetch("/org/tokens", { method: "POST", headers, body: "{}" })).status;
    }, name);
    assert.equal(status, 201);
  });
});

test("a_page_of_the_origins_does_nothing_wherever_it_comes_from", async () => {
  await ready();
  const { body: minted } = await api("POST", "/org/tokens", { organization: name, body: {}, at: gate });
  const before = await tokens();
  for (const status of [200, 404, 500]) {
    for (const path of ["/infoz", "/statusz", "/discover/sha256:0", "/v1/attestations/sha256:0?project=shop"]) {
      Object.assign(answer, { status, media: "text/html", body: page(name) });
      await asVisitor(async (page, context) => {
        // A navigation carries no token: whoever lured the visitor here has one, and puts it there.
        await context.setExtraHTTPHeaders({ "attestation-workflow": "release", authorization: `Bearer ${minted.token}` });
        const answered = await page.goto(`${gate}${path}`);
        assert.equal(answered.status(), path.startsWith("/v1/") ? status : 502, path);
        await page.waitForTimeout(300);
        assert.ok(!(await page.title()).startsWith("acted"), `${path}: ${await page.title()}`);
        assert.equal(page.url(), `${gate}${path}`, "it stays where it is");
        if (path.startsWith("/v1/")) {
          assert.equal(await page.title(), "quiet", "the page was shown");
          assert.equal(await page.evaluate(() => self.origin), "null", "it is of no origin");
          await page.click("#go");
          await page.waitForTimeout(100);
        }
        await context.setExtraHTTPHeaders({});
        await page.goto(`${gate}/dashboard/`);
        assert.match(await page.title(), /Postern/);
        assert.equal(await workers(page), 0, path);
        const names = (await context.cookies()).map((cookie) => cookie.name);
        assert.deepEqual(names, ["session"], path);
      });
    }
  }
  assert.equal(await tokens(), before, "nothing was minted");
});

test("no_worker_is_installed_from_any_path_of_the_origins_even_by_a_page_of_the_gates_own", async () => {
  await ready();
  Object.assign(answer, { status: 200, media: "text/javascript", body: WORKER });
  await asVisitor(async (page) => {
    // Past the policy of the dashboard, as if it had a hole.
    await page.route("**/dashboard/hole", (route) => route.fulfill({ contentType: "text/html", body: "<title>hole</title>" }));
    for (const path of ["/statusz", "/infoz", "/discover/sha256:0", "/v1/attestations/sha256:0?project=shop", "/healthz", "/nowhere"]) {
      await page.goto(`${gate}/dashboard/hole`);
      const told = await page.evaluate((path) => navigator.serviceWorker.register(path, { scope: "/" }).then(() => "installed", String), path);
      assert.match(told, /bad HTTP response code \(403\)/, path);
      assert.equal(await workers(page), 0, path);
    }
  });
});

test("with_a_host_of_its_own_the_dashboard_shares_nothing_with_the_origin", async () => {
  const origin = await ready();
  Object.assign(answer, { status: 200, media: "application/json", body: "{}" });
  const port = await freePort();
  // Browsers know every name below `localhost` as this machine.
  const host = `dashboard.localhost:${port}`;
  const second = await serve(origin, { ...SET, DASHBOARD_HOST: host }, port);
  await withPage(async (page) => {
    for (const [base, path, status] of [
      [`http://${host}`, "/dashboard/", 200],
      [`http://${host}`, "/infoz", 404],
      [`http://${host}`, "/v1/attestations/sha256:0?project=shop", 404],
      [second, "/dashboard/", 404],
      [second, "/infoz", 200],
    ]) {
      const answered = await page.goto(`${base}${path}`);
      assert.equal(answered.status(), status, `${base}${path}`);
    }
  }, { quiet: true });
});
