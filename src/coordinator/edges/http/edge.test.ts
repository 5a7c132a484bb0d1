/** The HTTP API as clients see it: limits, authentication, streams, and the text of each
 *  failure. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { hostId } from "../../../link/host.ts";
import { temporaryDir } from "../../../store/testing/at-end.ts";
import { httpStatus } from "../../../wire/api/messages.ts";
import { type Opened, opened, sha256 } from "../../testing/opened.ts";
import { doneStatus, ScriptedWorker } from "../../testing/scripted-worker.ts";

/** `fetch` forbids some headers; this function sends them. */
function raw(
  cluster: Opened,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const call = request(`${cluster.url}${path}`, { headers }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += chunk;
      resolve({ status: answer.statusCode ?? 0, text });
    });
    call.on("error", reject).end();
  });
}

async function failure(answer: Response): Promise<{ code: string; message: string }> {
  const said = (await answer.json()) as { code: keyof typeof httpStatus; message: string };
  assert.equal(answer.status, httpStatus[said.code]);
  return said;
}

test("a Host that is not the coordinator's is refused on all calls, known or not", async (t) => {
  const cluster = await opened(t);
  for (const path of ["/v1/health", "/v1/jobs", "/nothing"]) {
    const { status, text } = await raw(cluster, path, { host: "evil.example" });
    assert.equal(status, 403, path);
    assert.match(text, /"forbidden"/);
  }
  for (const host of ["localhost:1", "127.0.0.1", "[::1]:80"]) {
    assert.equal((await raw(cluster, "/v1/health", { host })).status, 200, host);
  }
});

test("a page of another origin is refused, one that is allowed is not", async (t) => {
  const cluster = await opened(t, { origins: ["https://desk.example"] });
  const get = async (headers: Record<string, string>) =>
    (await raw(cluster, "/v1/health", headers)).status;
  assert.equal(await get({ origin: "https://evil.example" }), 403);
  assert.equal(await get({ origin: "null" }), 403);
  assert.equal(await get({ "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await get({ origin: cluster.url }), 200);
  assert.equal(await get({ origin: "https://desk.example" }), 200);
});

test("an upgrade from a page of another origin is refused", async (t) => {
  const cluster = await opened(t);
  const { status } = await raw(cluster, "/balthazar/worker/0.3.1", {
    origin: "https://evil.example",
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": Buffer.alloc(16).toString("base64"),
  });
  assert.equal(status, 403);
});

test("each kind of bad body gets a typed error that names the problem", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(1);
  const cases: Array<[unknown, string, RegExp]> = [
    ["{", "bad-request", /JSON/],
    ["{}", "bad-request", /key/],
    [`{"__proto__":{"x":1}}`, "bad-request", /not valid JSON/],
    [`{"key":null,"spec":{"constructor":{"prototype":1}}}`, "bad-request", /not valid/],
    [JSON.stringify({ key: null, spec: { ...spec, name: "" } }), "bad-request", /name/],
    [JSON.stringify({ key: null, spec, extra: 1 }), "bad-request", /extra/],
    [JSON.stringify({ key: "", spec }), "bad-request", /key/],
    [
      JSON.stringify({ key: null, spec }).replace('"weight":1', '"weight":1e999'),
      "bad-request",
      /weight/,
    ],
    [" ".repeat(9 * 1024 * 1024), "limit-exceeded", /8388608/],
  ];
  for (const [body, code, message] of cases) {
    const answer = await fetch(`${cluster.url}/v1/jobs`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${cluster.coordinator.adminToken}`,
        "content-type": "application/json",
      },
      body: String(body),
    });
    const said = await failure(answer);
    assert.equal(said.code, code, String(body).slice(0, 80));
    assert.match(said.message, message);
  }
  const form = await cluster.call("POST", "/v1/jobs", {
    body: Buffer.from("a=b"),
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  assert.equal((await failure(form)).code, "bad-request");
});

test("a number that is no id is taken for one that was meant", async (t) => {
  const cluster = await opened(t);
  const said = await failure(await cluster.call("GET", "/v1/jobs/99"));
  assert.equal(said.message, "there is no job 99 (did you mean j-99?); `tequio jobs` lists yours");
});

test("a job with missing code, plan or input is refused, and the blob is named", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(2);
  const missing = "ab".repeat(32);
  for (const change of [{ codeHash: missing }, { planHash: missing }]) {
    const body = { key: null, spec: { ...spec, ...change } };
    const said = await failure(await cluster.call("POST", "/v1/jobs", { body }));
    assert.equal(said.code, "not-found");
    assert.match(said.message, new RegExp(missing));
  }
  const itemless = await cluster.tasksSpec(2, { items: { hash: missing, count: 2 } });
  const body = { key: null, spec: itemless };
  assert.equal((await failure(await cluster.call("POST", "/v1/jobs", { body }))).code, "not-found");
});

test("a malformed plan, or one that does not match the stages, is refused", async (t) => {
  const cluster = await opened(t);
  const spec = await cluster.tasksSpec(2);
  const notPlans = ["", "[]", `{"version":2}`, `{"version":1,"files":[{}]}`];
  for (const text of notPlans) {
    const planHash = await cluster.upload(Buffer.from(text));
    const body = { key: null, spec: { ...spec, planHash } };
    const said = await failure(await cluster.call("POST", "/v1/jobs", { body }));
    assert.equal(said.code, "bad-request", text);
  }
  const stages = [{ ...spec.stages[0]!, taskCount: 3 }];
  const body = { key: null, spec: { ...spec, stages } };
  assert.match(
    (await failure(await cluster.call("POST", "/v1/jobs", { body }))).message,
    /the plan has 2 tasks/,
  );
});

test("an upload is named by its bytes, checked against a given name, read by range", async (t) => {
  const cluster = await opened(t);
  const bytes = Buffer.from("0123456789");
  const hash = sha256(bytes);
  const wrong = { "x-content-sha256": "ab".repeat(32) };
  const refused = await cluster.call("POST", "/v1/blobs", { body: bytes, headers: wrong });
  assert.equal((await failure(refused)).code, "data-lost");
  assert.equal((await cluster.call("HEAD", `/v1/blobs/${hash}`)).status, 404);
  const headers = { "x-content-sha256": hash };
  const put = await cluster.call("POST", "/v1/blobs", { body: bytes, headers });
  assert.deepEqual(await put.json(), { hash, sizeBytes: 10 });
  const cases: Array<[string, number, string]> = [
    ["bytes=2-4", 206, "234"],
    ["bytes=7-", 206, "789"],
    ["bytes=-2", 206, "89"],
    ["bytes=8-99", 206, "89"],
    ["bytes=0-0,5-6", 200, "0123456789"],
    ["pages=1-2", 200, "0123456789"],
  ];
  for (const [range, status, text] of cases) {
    const answer = await cluster.call("GET", `/v1/blobs/${hash}`, { headers: { range } });
    assert.deepEqual([answer.status, await answer.text()], [status, text], range);
  }
  const outside = { range: "bytes=10-12" };
  const answer = await cluster.call("GET", `/v1/blobs/${hash}`, { headers: outside });
  assert.equal((await failure(answer)).code, "bad-request");
});

test("a blob above the limit of JSON bodies passes whole", async (t) => {
  const cluster = await opened(t);
  const bytes = Buffer.alloc(20 * 1024 * 1024, "tequio");
  const hash = await cluster.upload(bytes);
  const answer = await cluster.call("GET", `/v1/blobs/${hash}`);
  assert.equal(sha256(Buffer.from(await answer.arrayBuffer())), hash);
});

test("paths of this machine's disk are for admins, and only as they were", async (t) => {
  const cluster = await opened(t);
  const path = join(cluster.dataDir, "input.txt");
  writeFileSync(path, "line one\nline two\n");
  const { mtimeMs, size: sizeBytes } = statSync(path);
  const at = { kind: "path", host: hostId(), path, mtimeMs } as const;
  const files = [{ name: "input.txt", compression: "none", sizeBytes, at } as const];
  const spec = await cluster.tasksSpec(1, { files });
  const { token: submitter } = await cluster.token("submitter", "ann");
  const body = { key: null, spec };
  const refused = await cluster.call("POST", "/v1/jobs", { token: submitter, body });
  assert.equal((await failure(refused)).code, "forbidden");
  const job = await cluster.submit(spec);
  const token = await cluster.coordinator.joinToken({ ttlMs: 0, usesMax: 0 });
  const get = (headers = {}) => cluster.call("GET", `/v1/jobs/${job}/input/0`, { token, headers });
  assert.equal(await (await get()).text(), "line one\nline two\n");
  assert.equal(await (await get({ range: "bytes=5-7" })).text(), "one");
  const none = await cluster.call("GET", `/v1/jobs/${job}/input/1`, { token });
  assert.equal((await failure(none)).code, "not-found");
  utimesSync(path, 1, 1);
  assert.equal((await failure(await get())).code, "data-lost");
  await cluster.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
  assert.equal((await failure(await get())).code, "not-found");
});

test("a watch sends the current state at once, then changes, then the end, and ends", async (t) => {
  const cluster = await opened(t);
  let tookMs = Infinity;
  // The best of a hundred, on a busy machine. A watch looks again each second.
  for (let tries = 0; tries < 100 && tookMs > 900; tries++) {
    const job = await cluster.submit(await cluster.tasksSpec(1));
    const answer = await cluster.call("GET", `/v1/jobs/${job}/watch`);
    const [states, beganMs]: [string[], number] = [[], performance.now()];
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      for (const line of chunk.trimEnd().split("\n")) states.push(JSON.parse(line).state);
      if (states.length === 1) await cluster.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
    }
    assert.deepEqual(states, ["running", "cancelled"]);
    tookMs = performance.now() - beganMs;
  }
  assert.ok(tookMs < 900, "the end is not delayed as other changes are");
});

test("a watch reports many changes at most ten times a second", async (t) => {
  const cluster = await opened(t);
  const token = await cluster.coordinator.joinToken({ ttlMs: 0, usesMax: 0 });
  const worker = await ScriptedWorker.dial(t, cluster.url, token);
  await worker.join({ slots: 1 });
  const count = 200;
  const job = await cluster.submit(await cluster.tasksSpec(count));
  const answer = await cluster.call("GET", `/v1/jobs/${job}/watch`);
  const beganMs = performance.now();
  const reading = answer.text();
  for (let done = 0; done < count; ) {
    for (const task of await worker.assigned()) {
      await worker.report([doneStatus(task)]);
      done += 1;
    }
  }
  const lines = (await reading).trimEnd().split("\n");
  const tenths = (performance.now() - beganMs) / 100;
  assert.ok(lines.length <= tenths + 3, `${lines.length} lines in ${tenths} tenths of a second`);
  assert.equal(JSON.parse(lines.at(-1)!).state, "done");
});

test("a task that a job does not have is refused by naming those that it has", async (t) => {
  const cluster = await opened(t);
  const job = await cluster.submit(await cluster.tasksSpec(3));
  const answer = await cluster.call("GET", `/v1/jobs/${job}/why?stage=1&task=9999`);
  assert.equal(answer.status, 404);
  const { message } = (await answer.json()) as { message: string };
  assert.match(message, /no task 9999 in stage 1: stage 0 \(tasks\) has tasks 0 to 2; choose/);
});

test("output says why there is none: still running, cancelled, failed", async (t) => {
  const cluster = await opened(t);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const output = async () => failure(await cluster.call("GET", `/v1/jobs/${job}/output`));
  assert.match((await output()).message, /still runs/);
  assert.equal((await failure(await cluster.call("DELETE", `/v1/jobs/${job}`))).code, "conflict");
  await cluster.call("POST", `/v1/jobs/${job}/cancel`, { body: {} });
  assert.match((await output()).message, /cancelled/);
  assert.equal((await cluster.call("DELETE", `/v1/jobs/${job}`)).status, 200);
  assert.equal((await output()).code, "not-found");
});

test("a token that expires is refused from that moment on", async (t) => {
  const cluster = await opened(t);
  const { token } = await cluster.token("reader", "rita", { ttlMs: 1 });
  // The coordinator's clock has whole milliseconds: two later it has expired.
  const overMs = performance.now() + 3;
  while (performance.now() < overMs) await new Promise((resolve) => setImmediate(resolve));
  const said = await failure(await cluster.call("GET", "/v1/jobs", { token }));
  assert.equal(said.code, "unauthenticated");
  assert.match(said.message, /expired/);
});

test("neither tokens nor their hashes are ever listed, and the log has no token", async (t) => {
  const cluster = await opened(t);
  const { id, token } = await cluster.token("reader", "rita");
  const text = await (await cluster.call("GET", "/v1/tokens")).text();
  assert.match(text, new RegExp(id));
  assert.ok(!text.includes(sha256(token)));
  await cluster.coordinator.close();
  const secret = token.slice(-72, -8);
  assert.ok(!readFileSync(join(cluster.dataDir, "log.sqlite")).includes(secret));
});

test("guesses are throttled, while good tokens from the same address are not", async (t) => {
  const cluster = await opened(t);
  const guess = async () => (await cluster.call("GET", "/v1/jobs", { token: "wrong" })).status;
  const statuses = new Set<number>();
  for (let n = 0; n < 40; n++) statuses.add(await guess());
  assert.deepEqual([...statuses], [401, 503]);
  assert.equal((await cluster.call("GET", "/v1/jobs")).status, 200);
});

test("a connection that sends its headers very slowly is closed", async (t) => {
  const cluster = await opened(t, { limits: { headersTimeoutMs: 100 } });
  const { hostname, port } = new URL(cluster.url);
  const socket = connect(Number(port), hostname);
  socket.write("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n");
  await new Promise((resolve) => socket.on("close", resolve).resume());
});

test("a body that does not come in time ends its connection", async (t) => {
  const cluster = await opened(t, { limits: { bodyTimeoutMs: 100 } });
  const { hostname, port } = new URL(cluster.url);
  const socket = connect(Number(port), hostname);
  const { adminToken } = cluster.coordinator;
  socket.write(
    `POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${adminToken}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"',
  );
  await new Promise((resolve) => socket.on("close", resolve).resume());
});

test("a stream may last longer than a body may take to arrive", async (t) => {
  const cluster = await opened(t, { limits: { bodyTimeoutMs: 900 } });
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const watch = await cluster.call("GET", `/v1/jobs/${job}/watch`);
  const reader = watch.body!.pipeThrough(new TextDecoderStream()).getReader();
  // The second line comes by itself, a second after the first.
  await reader.read();
  assert.match((await reader.read()).value!, /"running"/);
  await reader.cancel();
});

test("headers above their limit are refused", async (t) => {
  const cluster = await opened(t);
  const { status } = await raw(cluster, "/v1/health", { "x-large": "x".repeat(20_000) });
  assert.equal(status, 431);
});

test("an admin token that others can read is refused, with what to do", async (t) => {
  const dataDir = temporaryDir(t);
  await (await opened(t, { dataDir })).coordinator.close();
  assert.equal(statSync(join(dataDir, "admin.token")).mode & 0o777, 0o600);
  assert.equal(statSync(dataDir).mode & 0o777, 0o700);
  chmodSync(join(dataDir, "admin.token"), 0o644);
  await assert.rejects(opened(t, { dataDir }), (error: Error) => {
    assert.match(error.message, /^forbidden: .*admin\.token can be read by other users.*chmod 600/);
    return true;
  });
});

test("a revoked admin token is replaced at the next start", async (t) => {
  const dataDir = temporaryDir(t);
  const first = await opened(t, { dataDir });
  const { adminToken } = first.coordinator;
  await first.call("DELETE", `/v1/tokens/${adminToken.split("_")[2]}`);
  assert.equal((await first.call("GET", "/v1/jobs")).status, 401);
  await first.coordinator.close();
  const second = await opened(t, { dataDir });
  assert.notEqual(second.coordinator.adminToken, adminToken);
  assert.equal((await second.call("GET", "/v1/jobs")).status, 200);
});

test("the directory of a newer version is refused and left as it is", async (t) => {
  const dataDir = join(temporaryDir(t), "data");
  mkdirSync(dataDir, { mode: 0o700 });
  const text = `{"version":99,"tag":"00","secret":""}`;
  writeFileSync(join(dataDir, "cluster.json"), text, { mode: 0o600 });
  await assert.rejects(opened(t, { dataDir }), { code: "version-mismatch" });
  assert.equal(readFileSync(join(dataDir, "cluster.json"), "utf8"), text);
});

test("beyond this machine TLS is on, with the same certificate at every start", async (t) => {
  const dataDir = temporaryDir(t);
  const first = await opened(t, { dataDir, listen: "0.0.0.0:0" });
  assert.match(first.url, /^https:/);
  assert.match(first.coordinator.fingerprint, /^[0-9a-f]{64}$/);
  await first.coordinator.close();
  const second = await opened(t, { dataDir, listen: "0.0.0.0:0" });
  assert.equal(second.coordinator.fingerprint, first.coordinator.fingerprint);
  await second.coordinator.close();
  const plain = await opened(t, { dataDir, listen: "0.0.0.0:0", insecure: true });
  assert.deepEqual([plain.url.slice(0, 5), plain.coordinator.fingerprint], ["http:", ""]);
});

test("an invalid address is refused before anything is opened", async (t) => {
  for (const listen of ["", "7070", "host", "1.2.3.4:99999", "http://x:1"]) {
    await assert.rejects(opened(t, { listen }), { code: "bad-request" }, listen);
  }
});

test("closing ends streams and can be done twice", async (t) => {
  const cluster = await opened(t);
  const job = await cluster.submit(await cluster.tasksSpec(1));
  const watch = await cluster.call("GET", `/v1/jobs/${job}/watch`);
  const reader = watch.body!.getReader();
  await reader.read();
  await Promise.all([cluster.coordinator.close(), cluster.coordinator.close()]);
  await assert.doesNotReject(reader.read().catch(() => {}));
  await assert.rejects(cluster.call("GET", "/v1/health"));
});
