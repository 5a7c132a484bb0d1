/** Every route × every role × own and others' jobs, generated from the route table: who is admitted
 *  is compared with a hand-written table, so that no new or changed route gives access
 *  unnoticed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { testSpecs } from "../../../core/testing/fake-cluster.ts";
import { mintToken } from "../../access/tokens.ts";
import { opened, sha256 } from "../../testing/opened.ts";
import type { Route } from "./route.ts";
import { routes } from "./routes/index.ts";

const known = ["admin", "ann", "bob", "reader", "joiner", "volunteer"] as const;
const callers = [...known, "nobody", "revoked", "forged"] as const;
type Caller = (typeof callers)[number];

/** Callers that are admitted, with a job of ann's in the path. ann and bob are submitters. */
const lookers: readonly Caller[] = ["admin", "ann", "reader"];
const signedIn: readonly Caller[] = ["admin", "ann", "bob", "reader", "joiner"];
const everyRole: readonly Caller[] = [...signedIn, "volunteer"];
const permitted: Readonly<Record<string, readonly Caller[]>> = {
  "GET /v1/health": callers,
  "POST /v1/blobs": ["admin", "ann", "bob", "joiner", "volunteer"],
  "POST /v1/small-blobs": ["admin", "ann", "bob"],
  "POST /v1/missing-blobs": ["admin", "ann", "bob"],
  "GET /v1/uploads/:hash": ["admin", "ann", "bob"],
  "PUT /v1/uploads/:hash": ["admin", "ann", "bob"],
  "POST /v1/uploads/:hash": ["admin", "ann", "bob"],
  "GET /v1/blobs/:hash": everyRole,
  "GET /v1/blobs/:hash/address": ["admin", "ann", "bob", "reader"],
  "HEAD /v1/blobs/:hash": everyRole,
  "POST /v1/jobs": ["admin", "ann", "bob"],
  "GET /v1/jobs": ["admin", "ann", "bob", "reader"],
  "GET /v1/jobs/:job": lookers,
  "GET /v1/jobs/:job/watch": lookers,
  "POST /v1/jobs/:job/cancel": ["admin", "ann"],
  "POST /v1/jobs/:job/recheck": ["admin", "ann"],
  "DELETE /v1/jobs/:job": ["admin", "ann"],
  "POST /v1/jobs/:job/fetched": lookers,
  "GET /v1/jobs/:job/output": lookers,
  "GET /v1/jobs/:job/results": lookers,
  "GET /v1/jobs/:job/logs": lookers,
  "GET /v1/jobs/:job/attempts": lookers,
  "GET /v1/jobs/:job/why": lookers,
  "GET /v1/jobs/:job/history": lookers,
  "GET /v1/jobs/:job/spec": lookers,
  "POST /v1/jobs/:job/profiles": ["admin", "ann"],
  "GET /v1/jobs/:job/profiles": lookers,
  "GET /v1/jobs/:job/graph": lookers,
  "GET /v1/workers/:worker/why": ["admin", "ann", "bob", "reader"],
  "GET /v1/workers/:worker": ["admin", "ann", "bob", "reader"],
  "GET /v1/cluster": ["admin", "ann", "bob", "reader"],
  "GET /v1/me": everyRole,
  "GET /v1/files": signedIn,
  "GET /v1/shared-inputs": signedIn,
  "GET /v1/jobs/:job/input/:file": ["joiner"],
  "GET /shuffle/:job/:stage/:task/:attempt/:what": ["joiner"],
  "GET /shuffle/:job/:stage/:task/:attempt/upload": ["joiner"],
  "GET /shuffle/:job/:stage/addresses": ["joiner"],
  "GET /shuffle/:job/:stage/sources": ["joiner"],
  "GET /shuffle/reach": ["joiner"],
  "GET /shuffle/leaving": ["joiner", "volunteer"],
  "PUT /shuffle/:job/:stage/:task/:attempt/:what": ["joiner"],
  "GET /t/:ticket/code": [],
  "GET /t/:ticket/plan": [],
  "GET /t/:ticket/progress": [],
  "GET /t/:ticket/file/:file": [],
  "GET /t/:ticket/in/:part": [],
  "PUT /t/:ticket/:what": [],
  "PUT /t/:ticket/out/:part": [],
  "POST /t/:ticket/out/:part": [],
  "GET /programs/:job/:ticket": [],
  "GET /v1/members": signedIn,
  "DELETE /v1/members/:name": ["admin"],
  "GET /metrics": ["admin", "reader"],
  "GET /v1/workers": ["admin", "ann", "bob", "reader"],
  "POST /v1/tokens": ["admin"],
  "GET /v1/tokens": ["admin"],
  "DELETE /v1/tokens/:id": ["admin"],
  "POST /v1/shutdown": ["admin"],
};

const testProfile = { version: 1, stage: 0, task: 0, samples: 1, frames: [[0, "all", "", 5, 5]] };

const nameOf = ({ method, path }: Route) => `${method} ${path}`;

test("the hand-written table names exactly the existing routes", () => {
  assert.deepEqual(Object.keys(permitted).sort(), routes.map(nameOf).sort());
});

test("every route admits the right callers only, for own and others' jobs", async (t) => {
  let shutdowns = 0;
  const cluster = await opened(t, {
    onShutdown: () => void shutdowns++,
    limits: { failuresMax: 1_000 },
  });
  const ann = await cluster.token("submitter", "ann");
  const revoked = await cluster.token("admin", "eve");
  await cluster.call("DELETE", `/v1/tokens/${revoked.id}`);
  const tokens: Record<Caller, string | null> = {
    admin: cluster.coordinator.adminToken,
    ann: ann.token,
    bob: (await cluster.token("submitter", "bob")).token,
    reader: (await cluster.token("reader", "rita")).token,
    joiner: (await cluster.token("worker", "will")).token,
    volunteer: (await cluster.token("volunteer", "vera")).token,
    nobody: null,
    revoked: revoked.token,
    forged: mintToken("admin", "0123456789").token,
  };
  const specs = testSpecs({ kinds: [] });
  const joined = { kind: "worker-joined", worker: null, owner: "up", holding: [], specs } as const;
  const { worker } = await cluster.coordinator.post(joined);
  const hash = await cluster.upload(Buffer.from("a blob"));
  let successes = 0;
  for (const route of routes) {
    for (const caller of callers) {
      // Fresh for each call, since some calls end or remove it.
      const spec = await cluster.tasksSpec(0);
      const job = await cluster.submit(spec, ann.token);
      const spare = await cluster.token("reader", "spare");
      const path = route.path
        .replace(":job", job)
        .replace(":hash", hash)
        .replace(":worker", worker!)
        .replace(":name", await cluster.user())
        .replace(":file", "0")
        .replace(":id", spare.id)
        .replace(":stage/:task/:attempt/:what", "0/0/1/manifest")
        .replace(":what", "run");
      const answer = await cluster.call(route.method, `${path}?sizeBytes=5&start=0`, {
        token: tokens[caller],
        headers: { "x-content-sha256": sha256("bytes") },
        ...bodyOf(route, spec),
      });
      const text = await answer.text();
      const what = `${nameOf(route)} as ${caller}: ${answer.status} ${text}`;
      const mayEnter = permitted[nameOf(route)]!.includes(caller);
      if (mayEnter) assert.ok(![401, 403].includes(answer.status), what);
      else assert.ok(answer.status === refusalOf(route, caller), what);
      if (answer.ok) successes += 1;
    }
  }
  assert.equal(shutdowns, 1);
  // Permitted calls that fail here: six since the job has ended, and no caller has leased one of
  // its attempts; two each for a recheck and a profile, since it has no task; four for an address
  // of the blob, since it is a file; and those for shared inputs, since nothing is shared.
  const expected = Object.values(permitted).flat().length - 14 - signedIn.length;
  assert.equal(successes, expected);
});

function bodyOf(route: Route, spec: unknown): { body?: unknown } {
  if (route.body === "bytes") return { body: Buffer.from("bytes") };
  if (route.method !== "POST") return {};
  if (route.path === "/v1/jobs") return { body: { key: null, spec } };
  if (route.path === "/v1/small-blobs") return { body: { blobs: ["AA=="] } };
  if (route.path.endsWith("/profiles")) return { body: testProfile };
  if (route.path === "/v1/missing-blobs") return { body: { hashes: ["0".repeat(64)] } };
  const token = { role: "reader", owner: "x", ttlMs: 0, usesMax: 0 };
  return { body: route.path === "/v1/tokens" ? token : {} };
}

/** bob gets the answer for a missing job when he asks for ann's; other authenticated callers are
 *  forbidden; the rest are unauthenticated. */
function refusalOf(route: Route, caller: Caller): number {
  // No token opens these: the ticket does not exist.
  if (route.access === "ticket") return 404;
  if (["nobody", "revoked", "forged"].includes(caller)) return 401;
  // The job is not shared with volunteers.
  const isOfWorker = typeof route.access !== "string" && route.access.includes("work");
  if (caller === "volunteer" && isOfWorker && route.path.includes(":job")) return 404;
  const ownOnly = route.access === "read" || route.access === "cancel";
  return caller === "bob" && ownOnly && route.path.includes(":job") ? 404 : 403;
}

test("a job of another owner and a missing one give the same answer", async (t) => {
  const cluster = await opened(t);
  const ann = await cluster.token("submitter", "ann");
  const bob = await cluster.token("submitter", "bob");
  const job = await cluster.submit(await cluster.tasksSpec(1), ann.token);
  for (const [method, rest] of [
    ["GET", ""],
    ["GET", "/watch"],
    ["GET", "/output"],
    ["POST", "/cancel"],
    ["DELETE", ""],
  ] as const) {
    const said = async (id: string) => {
      const body = method === "POST" ? { body: {} } : {};
      const answer = await cluster.call(method, `/v1/jobs/${id}${rest}`, {
        token: bob.token,
        ...body,
      });
      return [answer.status, (await answer.text()).replaceAll(id, "it")];
    };
    assert.deepEqual(await said(job), await said("j-4242"), `${method} ${rest}`);
  }
  const listed = await cluster.call("GET", "/v1/jobs", { token: bob.token });
  assert.deepEqual(await listed.json(), { jobs: [], total: 0, removed: [] });
});

test("two owners may use the same key, and one key is one job for one owner", async (t) => {
  const cluster = await opened(t);
  const ann = await cluster.token("submitter", "ann");
  const bob = await cluster.token("submitter", "bob");
  const spec = await cluster.tasksSpec(1);
  const submit = async (token: string, changed = {}) => {
    const body = { key: "nightly", spec: { ...spec, ...changed } };
    const answer = await cluster.call("POST", "/v1/jobs", { token, body });
    return [answer.status, ((await answer.json()) as { job?: string }).job];
  };
  assert.deepEqual(await submit(ann.token), [200, "j-1"]);
  assert.deepEqual(await submit(bob.token), [200, "j-2"]);
  assert.deepEqual(await submit(ann.token), [200, "j-1"]);
  assert.deepEqual(await submit(ann.token, { name: "other" }), [409, undefined]);
});
