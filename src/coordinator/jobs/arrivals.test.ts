/** Jobs that are submitted before their input: tasks begin as it arrives, and only on what was
 *  submitted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { pattern, same, sha256 } from "../../conformance/bytes.ts";
import { mapReduceSpec, submission, TestCluster } from "../../core/testing/fake-cluster.ts";
import { openMemoryBlobs } from "../../store/blob/memory.ts";
import { testMaxMs } from "../../store/testing/patience.ts";
import { polled } from "../../store/testing/polled.ts";
import type { Plan } from "../../wire/block/plan.ts";
import type { NewEvent } from "../loop/journal.ts";
import { ManualTimers } from "../testing/manual-timers.ts";
import { type Opened, opened } from "../testing/opened.ts";
import { Arrivals } from "./arrivals.ts";

const mib = 1 << 20;
const sizeBytes = 4 * mib;
const bytes = pattern(sizeBytes);
const hash = sha256(bytes);

/** Four splits of a file. */
const plan: Plan = {
  version: 1,
  files: [{ name: "in.txt", compression: "none", sizeBytes, at: { kind: "blob", hash } }],
  splits: [0, 1, 2, 3].map((at) => ({ input: "default", pieces: [[0, at * mib, (at + 1) * mib]] })),
  items: null,
  params: {},
  reducers: 1,
  spillBytes: 0,
};

/** A job that reads it, and that may wait for it. */
async function submitted(cluster: Opened, query = "?arriving=1") {
  const codeHash = await cluster.upload(Buffer.from("export default null;"));
  const planHash = await cluster.upload(Buffer.from(JSON.stringify(plan)));
  const spec = { ...mapReduceSpec(4, 1), codeHash, planHash };
  return cluster.call("POST", `/v1/jobs${query}`, { body: { key: null, spec } });
}

async function send(cluster: Opened, { start, end }: { start: number; end: number }, from = bytes) {
  const part = from.subarray(start, end);
  const path = `/v1/uploads/${hash}?sizeBytes=${sizeBytes}&start=${start}`;
  const headers = {
    "x-content-sha256": sha256(part),
    "content-type": "application/octet-stream",
  };
  const answer = await cluster.call("PUT", path, { body: part, headers });
  assert.equal(answer.status, 200, await answer.text());
}

function finish(cluster: Opened) {
  return cluster.call("POST", `/v1/uploads/${hash}?sizeBytes=${sizeBytes}`, { body: {} });
}

/** Follows the job until its tasks are so. */
async function until(cluster: Opened, is: (job: Summary) => boolean): Promise<Summary> {
  const ask = async () => (await cluster.call("GET", "/v1/jobs/j-1")).json() as Promise<Summary>;
  return polled(ask, is);
}

type Summary = {
  readonly state: string;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly stages: ReadonlyArray<{ readonly ready: number; readonly waiting: number }>;
};

const ready = (count: number) => (job: Summary) => job.stages[0]?.ready === count;

test("N10: tasks are ready as their input arrives, the last when the whole is verified", {
  timeout: testMaxMs,
}, async (t) => {
  const cluster = await opened(t);
  assert.equal((await submitted(cluster)).status, 200);
  assert.ok(ready(0)(await until(cluster, () => true)));
  await send(cluster, { start: 0, end: 2 * mib });
  // The second split may end with a line that goes on behind it.
  await until(cluster, ready(1));
  const { token } = await cluster.token("worker", "w");
  const input = (start: number, end: number) => {
    const headers = { range: `bytes=${start}-${end - 1}` };
    return cluster.call("GET", "/v1/jobs/j-1/input/0", { token, headers });
  };
  const read = await input(mib - 1, 2 * mib);
  assert.equal(read.status, 206);
  const wanted = bytes.subarray(mib - 1, 2 * mib);
  assert.ok(same(new Uint8Array(await read.arrayBuffer()), wanted), "workers read what is there");
  assert.equal((await input(2 * mib, 2 * mib + 10)).status, 503, "and try again what is not");
  await send(cluster, { start: 2 * mib, end: sizeBytes });
  await until(cluster, ready(3));
  assert.equal((await finish(cluster)).status, 200);
  await until(cluster, ready(4));
});

test("N10: a restart of the coordinator goes on with what has arrived", {
  timeout: testMaxMs,
}, async (t) => {
  const first = await opened(t);
  await submitted(first);
  await send(first, { start: 0, end: 2 * mib });
  await until(first, ready(1));
  await first.coordinator.close();
  const cluster = await opened(t, { dataDir: first.dataDir });
  assert.ok(ready(1)(await until(cluster, () => true)));
  await send(cluster, { start: 2 * mib, end: sizeBytes });
  assert.equal((await finish(cluster)).status, 200);
  await until(cluster, ready(4));
});

test("N10: a file that changed while it was sent fails the job", {
  timeout: testMaxMs,
}, async (t) => {
  const cluster = await opened(t);
  await submitted(cluster);
  const other = pattern(sizeBytes, 7);
  await send(cluster, { start: 0, end: 2 * mib }, other);
  await until(cluster, ready(1));
  await send(cluster, { start: 2 * mib, end: sizeBytes });
  assert.equal((await finish(cluster)).status, 410);
  const { failure } = await until(cluster, ({ state }) => state !== "running");
  assert.equal(failure?.code, "data-lost");
  assert.match(failure?.message ?? "", /changed while it was sent; submit it again/);
});

test("N10: what another owner has sent whole does not hide that a part was wrong", {
  timeout: testMaxMs,
}, async (t) => {
  const cluster = await opened(t);
  await submitted(cluster);
  await send(cluster, { start: 0, end: 2 * mib }, pattern(sizeBytes, 7));
  await until(cluster, ready(1));
  await cluster.upload(bytes);
  await send(cluster, { start: 2 * mib, end: 3 * mib });
  const { failure } = await until(cluster, ({ state }) => state !== "running");
  assert.equal(failure?.code, "data-lost");
});

test("N10: a job whose submitter is gone is given up, and not before", async (t) => {
  const blobs = openMemoryBlobs();
  const { hash: planHash } = await blobs.put([Buffer.from(JSON.stringify(plan))]);
  const core = new TestCluster();
  core.tell({ ...submission({ ...mapReduceSpec(4, 1), planHash }), arriving: true } as never);
  const given: NewEvent[] = [];
  const timers = new ManualTimers();
  const all = [{ start: 0, end: sizeBytes }];
  const staging = { changed: () => {}, missing: async () => all, agrees: async () => true };
  const post = async (event: NewEvent) => {
    given.push(event);
    core.tell(event as never);
  };
  const loop = { state: core.state, isOpen: true, post };
  const arrivals = new Arrivals({ loop, blobs, staging, timers, patienceMs: 60_000 });
  t.after(() => arrivals.stop());
  await arrivals.follow("j-1");
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 5_000) {
      timers.pass(5_000);
      await turn();
    }
  };
  await pass(60_000);
  assert.deepEqual(given, []);
  await pass(20_000);
  assert.deepEqual(
    given.map(({ kind }) => kind),
    ["inputs-missed"],
  );
});

test("input that is not there, and not on its way, is refused", async (t) => {
  const cluster = await opened(t);
  assert.equal((await submitted(cluster, "")).status, 404);
});
