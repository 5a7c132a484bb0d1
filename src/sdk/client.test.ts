/** The client against a real HTTP server that answers as a coordinator does, or as one that is in
 *  trouble. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import type { JobSpec } from "../core/job.ts";
import type { JobSummary } from "../core/summary.ts";
import { temporaryDir } from "../store/testing/at-end.ts";
import { waitMaxMs } from "../store/testing/patience.ts";
import type { SmallBlobs, Submit } from "../wire/api/messages.ts";
import type { BuiltJob } from "./bundle.ts";
import { Client, connect } from "./client.ts";
import { collect } from "./collect.ts";
import { mapReduce } from "./job.ts";
import { planJob } from "./plan.ts";
import { submitJob } from "./submit.ts";

type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;
type Routes = Record<string, Handler>;

/** A server whose routes are `METHOD /path`; everything else is not found. */
async function serve(t: TestContext, routes: Routes): Promise<string> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const handler = routes[`${request.method} ${request.url}`] ?? routes["*"];
    if (handler !== undefined) handler(request, Buffer.concat(chunks), response);
    else fail(response, 404, "not-found", "nothing here");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(t: TestContext, url: string, answerMs = waitMaxMs): Client {
  const made = new Client({ url, token: "secret", answerMs });
  t.after(() => made.close());
  return made;
}

function fail(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status).end(JSON.stringify({ code, message, retryable: false }));
}

function json(value: unknown): Handler {
  return (_request, _body, response) => void response.end(JSON.stringify(value));
}

function sha256(bytes: string | Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Blobs in memory, checked as the coordinator checks them. */
function blobRoutes(blobs: Map<string, Buffer>): Handler {
  return (request, body, response) => {
    if (request.url === "/v1/small-blobs") {
      const small = (JSON.parse(body.toString()) as SmallBlobs).blobs;
      const bytes = small.map((text) => Buffer.from(text, "base64"));
      for (const one of bytes) blobs.set(sha256(one), one);
      return void response.end(JSON.stringify({ hashes: bytes.map(sha256) }));
    }
    if (request.method === "POST") {
      const hash = sha256(body);
      if (request.headers["x-content-sha256"] !== hash)
        return fail(response, 410, "data-lost", "?");
      blobs.set(hash, body);
      return void response.end(JSON.stringify({ hash, sizeBytes: body.length }));
    }
    const blob = blobs.get(request.url?.replace("/v1/blobs/", "") ?? "");
    if (blob === undefined) return fail(response, 404, "not-found", "no blob");
    response.end(request.method === "HEAD" ? undefined : blob);
  };
}

const summary: JobSummary = {
  job: "j-1",
  name: "test",
  owner: "me",
  state: "running",
  failure: null,
  submittedAtMs: 0,
  endedAtMs: 0,
  atMs: 0,
  stages: [],
  counters: {},
  output: "ndjson",
  waitingFor: "",
  errors: [],
};

test("the token is sent, and a failure comes back with its code", async (t) => {
  let seen: string | undefined;
  const url = await serve(t, {
    "GET /v1/jobs/j-9": (request, _body, response) => {
      seen = request.headers.authorization;
      fail(response, 404, "not-found", "there is no job j-9");
    },
  });
  const error = { code: "not-found", message: "not-found: there is no job j-9" };
  await assert.rejects(client(t, url).job("j-9"), error);
  assert.equal(seen, "Bearer secret");
});

test("where nothing listens, the error says how to start a coordinator", async (t) => {
  const url = await serve(t, {});
  const port = Number(new URL(url).port);
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port: closed } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  assert.notEqual(port, closed);
  await assert.rejects(connect({ url: `http://127.0.0.1:${closed}`, token: "" }), {
    code: "unavailable",
    message: /no coordinator at .*; start one with `tequio up`, or use `tequio run --local`/,
  });
});

test("no coordinator and no answer are different errors", async (t) => {
  const url = await serve(t, {
    "GET /v1/health": (_request, _body, response) => void response.end("<html>"),
    "GET /v1/workers": (_request, _body, response) => void response.writeHead(404).end("<html>"),
    "GET /v1/jobs": () => {},
  });
  const code = "protocol-violated";
  await assert.rejects(client(t, url).health(), { code, message: /is a coordinator there/ });
  await assert.rejects(client(t, url).workers(), { code });
  const late = client(t, url, 50).jobs();
  await assert.rejects(late, { code: "unavailable", message: /no answer within 50 ms/ });
  assert.throws(() => new Client({ url: "localhost:7", token: "" }), { code: "bad-request" });
});

test("blobs are sent once, and what comes back is checked", async (t) => {
  const blobs = new Map<string, Buffer>();
  const calls: string[] = [];
  const store = blobRoutes(blobs);
  const url = await serve(t, {
    "*": (request, body, response) => {
      calls.push(request.method ?? "");
      store(request, body, response);
    },
  });
  const bytes = Buffer.from("content");
  const upload = { hash: sha256(bytes), sizeBytes: 7, at: { kind: "bytes", bytes } } as const;
  const it = client(t, url);
  await it.putBlob(upload);
  await it.putBlob(upload);
  assert.deepEqual(calls, ["HEAD", "POST"]);
  const read = async () => {
    let text = "";
    for await (const chunk of it.getBlob(upload.hash)) text += Buffer.from(chunk).toString();
    return text;
  };
  assert.equal(await read(), "content");
  blobs.set(upload.hash, Buffer.from("tampere"));
  await assert.rejects(read(), { code: "data-lost" });
});

test("a refused token is seen although HEAD has no body", async (t) => {
  const url = await serve(t, {
    "*": (_request, _body, response) => fail(response, 401, "unauthenticated", "no"),
  });
  const bytes = Buffer.from("x");
  const upload = { hash: sha256(bytes), sizeBytes: 1, at: { kind: "bytes", bytes } } as const;
  await assert.rejects(client(t, url).putBlob(upload), { code: "unauthenticated" });
});

test("submit tries again under the same key while the coordinator is unavailable", async (t) => {
  const keys: unknown[] = [];
  const url = await serve(t, {
    "POST /v1/jobs": (_request, body, response) => {
      keys.push((JSON.parse(body.toString()) as Submit).key);
      if (keys.length === 1) return void response.destroy();
      if (keys.length === 2) return fail(response, 503, "unavailable", "starting");
      response.end(JSON.stringify({ job: "j-1" }));
    },
  });
  assert.equal(await client(t, url).submit({} as JobSpec), "j-1");
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.equal(typeof keys[0], "string");
});

test("a job whose blobs were cleaned up since they were seen is sent whole again", async (t) => {
  const blobs = new Map<string, Buffer>();
  const url = await serve(t, {
    "*": blobRoutes(blobs),
    "GET /v1/health": json({ ok: true, version: "0", epoch: 1, host: "here" }),
    "POST /v1/jobs": (_request, body, response) => {
      const { codeHash, planHash } = (JSON.parse(body.toString()) as Submit).spec;
      if (blobs.has(codeHash) && blobs.has(planHash)) response.end(JSON.stringify({ job: "j-1" }));
      else fail(response, 404, "not-found", "the job's code is not here");
    },
  });
  const { built, plan } = await planned(t);
  const it = client(t, url);
  await submitJob(it, built, plan, { name: "test" });
  blobs.clear();
  assert.equal(await submitJob(it, built, plan, { name: "test" }), "j-1");
  assert.ok(blobs.has(built.hash));
});

test("watching goes on when the coordinator comes back, and ends with the job", async (t) => {
  let calls = 0;
  const url = await serve(t, {
    "GET /v1/jobs/j-1/watch": (_request, _body, response) => {
      calls++;
      const line = (state: string, counters: object) =>
        `${JSON.stringify({ ...summary, state, counters })}\n`;
      if (calls > 1) return void response.end(line("done", { n: 3 }));
      const text = line("running", { n: 1 }) + line("running", { é: 2 });
      const bytes = Buffer.from(text);
      // Cut inside a character: lines are put together from bytes.
      const cut = bytes.indexOf("é") + 1;
      response.write(bytes.subarray(0, cut), () => {
        response.write(bytes.subarray(cut), () => setImmediate(() => response.destroy()));
      });
    },
  });
  const seen: JobSummary[] = [];
  for await (const one of client(t, url).watch("j-1")) seen.push(one);
  assert.deepEqual(
    seen.map((s) => s.counters),
    [{ n: 1 }, { é: 2 }, { n: 3 }],
  );
});

test("watching ends with `unavailable` when patience does, and at once when aborted", async (t) => {
  const url = await serve(t, {
    "*": (_request, _body, response) => void response.destroy(),
    "GET /v1/jobs/j-2/watch": (_request, _body, response) => {
      response.write(`${JSON.stringify(summary)}\n`);
    },
  });
  const lost = client(t, url).watch("j-1", { patienceMs: 0 }).next();
  await assert.rejects(lost, { code: "unavailable" });
  const stop = new AbortController();
  const watched = client(t, url).watch("j-2", { signal: stop.signal });
  assert.equal((await watched.next()).value?.job, "j-1");
  const next = watched.next();
  stop.abort(new Error("enough"));
  await assert.rejects(next, /enough|abort/i);
});

async function folder(t: TestContext): Promise<string> {
  const path = temporaryDir(t, "client-test-");
  return path;
}

async function planned(t: TestContext) {
  const path = await folder(t);
  await writeFile(join(path, "a"), "input");
  const job = mapReduce({ map() {} });
  const built: BuiltJob = { code: "code", hash: sha256("code"), job, file: "/job.ts" };
  return { built, plan: await planJob(job, { inputs: [path], params: {}, host: "here" }) };
}

for (const [what, host, forbids, kind] of [
  ["stay where they are on the coordinator's machine", "here", false, "path"],
  ["are sent to another machine", "there", false, "blob"],
  ["are sent when the user may not name local paths", "here", true, "blob"],
] as const) {
  test(`input files ${what}`, async (t) => {
    const blobs = new Map<string, Buffer>();
    let submitted: Submit | null = null;
    const filesOf = ({ spec }: Submit) =>
      JSON.parse(blobs.get(spec.planHash)!.toString()).files as Array<{ at: { kind: string } }>;
    const url = await serve(t, {
      "*": blobRoutes(blobs),
      "GET /v1/health": json({ ok: true, version: "0", epoch: 1, host }),
      "POST /v1/jobs": (_request, body, response) => {
        const submit = JSON.parse(body.toString()) as Submit;
        const isLocal = filesOf(submit)[0]?.at.kind === "path";
        if (isLocal && forbids) return fail(response, 403, "forbidden", "no local paths");
        submitted = submit;
        response.end(JSON.stringify({ job: "j-1" }));
      },
    });
    const { built, plan } = await planned(t);
    const options = { name: "test", key: "k" };
    assert.equal(await submitJob(client(t, url), built, plan, options), "j-1");
    const { spec, key } = submitted as unknown as Submit;
    assert.equal(key, "k");
    assert.equal(blobs.has(spec.codeHash), true);
    assert.deepEqual(
      filesOf({ spec, key }).map((file) => file.at.kind),
      [kind],
    );
    assert.equal(blobs.has(sha256("input")), kind === "blob");
    assert.equal(spec.locality === null, kind === "blob");
  });
}

test("a job's output is collected in the format that its summary names", async (t) => {
  const row = '{"key":"a","value":1}\n';
  const blobs = new Map([[sha256(row), Buffer.from(row)]]);
  const url = await serve(t, {
    "*": blobRoutes(blobs),
    "GET /v1/jobs/j-1/output": json({
      parts: [
        { task: 0, hash: "", sizeBytes: 0, records: 0 },
        { task: 1, hash: sha256(row), sizeBytes: row.length, records: 1 },
      ],
      badRecords: [],
    }),
    "GET /v1/jobs/j-2/output": json({ parts: [], badRecords: [] }),
    "GET /v1/jobs/j-2/results": (_request, _body, response) => void response.end('{"a":1}\n2\n'),
  });
  const out = await folder(t);
  const it = client(t, url);
  await collect(it, { ...summary, state: "done" }, { kind: "folder", path: join(out, "a") });
  assert.deepEqual((await readdir(join(out, "a"))).sort(), [
    "part-00000.ndjson",
    "part-00001.ndjson",
  ]);
  const stage = { kind: "tasks" } as JobSummary["stages"][0];
  const tasksJob: JobSummary = { ...summary, job: "j-2", stages: [stage!] };
  await collect(it, tasksJob, { kind: "folder", path: join(out, "b") });
  assert.equal(await readFile(join(out, "b", "results.ndjson"), "utf8"), '{"a":1}\n2\n');
  await collect(it, { ...tasksJob, output: "csv" }, { kind: "folder", path: join(out, "c") });
  const csv = "index,a,value\n0,1,\n1,,2\n";
  assert.equal(await readFile(join(out, "c", "results.csv"), "utf8"), csv);
});

test("a coordinator that has moved is called where it is, not where it was", async (t) => {
  const health = json({ host: "h", version: "1" });
  const old = await serve(t, {});
  const now = await serve(t, { "GET /v1/health": health, "GET /v1/me": json({ role: "admin" }) });
  const whereNow = () => ({ url: now, fingerprint: "" });
  const closed = "http://127.0.0.1:9";
  for (const url of [old, closed]) {
    const moved = new Client({ url, token: "secret", answerMs: waitMaxMs, whereNow });
    t.after(() => moved.close());
    assert.deepEqual(await moved.me(), { role: "admin" });
    assert.equal(moved.url, now);
  }
  const away = new Client({ url: closed, token: "secret", whereNow: () => null });
  t.after(() => away.close());
  await assert.rejects(away.me(), { code: "unavailable" });
});
