/** What is kept about jobs beside the log: lines, progress, watchers, and which blobs may be
 *  deleted. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { depth } from "../../../test/fixtures/depth.ts";
import { emptyState, step } from "../../core/coordinator.ts";
import type { JobId } from "../../core/ids.ts";
import { submission, testJob, testStage } from "../../core/testing/fake-cluster.ts";
import { jobSummary } from "../../core/view.ts";
import { openMemoryBlobs } from "../../store/blob/memory.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { polled } from "../../store/testing/polled.ts";
import { ManualTimers } from "../testing/manual-timers.ts";
import { BlobSweep } from "./blob-sweep.ts";
import { defaultJobLogLimits, JobLogs } from "./job-logs.ts";
import { Plans } from "./plans.ts";
import { Progress } from "./progress.ts";
import { Watchers } from "./watchers.ts";

function logsIn(t: TestContext, limits = {}): { logs: JobLogs; dir: string } {
  const dir = temporaryDir(t, "job-logs-");
  return { logs: new JobLogs(dir, { ...defaultJobLogLimits, ...limits }), dir };
}

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let all = "";
  for await (const chunk of chunks) all += Buffer.from(chunk).toString("utf8");
  return all;
}

function follow(ended = () => true) {
  return { ended, signal: new AbortController().signal };
}

const line = { atMs: 1, task: "map 0", line: "words" };

test("lines are returned in order, to followers also those written meanwhile", async (t) => {
  const { logs } = logsIn(t);
  let ended = false;
  logs.add("j-1", { ...line, line: "first" });
  const following = text(
    logs.read(
      "j-1",
      follow(() => ended),
    ),
  );
  for (let n = 0; n < 100; n++) {
    logs.add("j-1", { ...line, line: `line ${n}` });
    if (n % 10 === 0) await setImmediate();
  }
  ended = true;
  logs.wake("j-1");
  const lines = (await following).trimEnd().split("\n");
  const said = lines.map((one) => JSON.parse(one).line);
  assert.deepEqual(said, ["first", ...Array.from({ length: 100 }, (_, n) => `line ${n}`)]);
});

test("lines that wait for the disk are read, and those of later are not waited for", async (t) => {
  const { logs } = logsIn(t);
  const long = "x".repeat(4_000);
  const added = Array.from({ length: 200 }, (_, n) => `${n} ${long}`);
  // Which is quicker, the disk or the reader, differs.
  for (let number = 1; number <= depth(20, 4); number++) {
    const job: JobId = `j-${number}`;
    // The first is written at once, all others after it.
    for (const one of added) logs.add(job, { ...line, line: one });
    let isRead = false;
    const reading = text(logs.read(job, null)).finally(() => (isRead = true));
    // The disk is never idle while this is read.
    for (; !isRead; await setImmediate()) logs.add(job, line);
    const lines = (await reading).trimEnd().split("\n");
    const said = lines.slice(0, added.length).map((one) => JSON.parse(one).line);
    assert.deepEqual(said, added);
  }
});

test("a job that never logged has an empty log, and one that was removed too", async (t) => {
  const { logs } = logsIn(t);
  assert.equal(await text(logs.read("j-1", null)), "");
  logs.add("j-2", line);
  await text(logs.read("j-2", follow()));
  await logs.remove("j-2");
  assert.equal(await text(logs.read("j-2", null)), "");
});

test("a log ends at its limit with a note, also after a restart", async (t) => {
  const { logs, dir } = logsIn(t, { fileMaxBytes: 1_000 });
  for (let n = 0; n < 100; n++) logs.add("j-1", line);
  const all = await text(logs.read("j-1", follow()));
  assert.ok(all.length <= 1_100, `${all.length} bytes`);
  assert.match(all, /the log is full \(1000 bytes\)[^\n]*\n$/);
  const again = new JobLogs(dir, { ...defaultJobLogLimits, fileMaxBytes: 1_000 });
  again.add("j-1", line);
  assert.equal(await text(again.read("j-1", follow())), all);
});

test("lines are cut at their limit and dropped while the disk is behind", async (t) => {
  const { logs, dir } = logsIn(t, { lineMaxChars: 10, waitingMaxBytes: 200 });
  for (let n = 0; n < 100; n++) logs.add("j-1", { ...line, line: "x".repeat(100) });
  await text(logs.read("j-1", follow()));
  const lines = readFileSync(join(dir, "j-1.ndjson"), "utf8").trimEnd().split("\n");
  assert.equal(JSON.parse(lines[0]!).line, "x".repeat(10));
  assert.ok(lines.length < 10, `${lines.length} lines`);
});

test("progress is added to what is done, never above the input, and removed with the task", () => {
  const state = emptyState();
  const stage = testStage({ kind: "map", taskCount: 2, inputBytes: 100 });
  step(state, { ...submission(testJob([stage])), atMs: 1 } as never);
  const progress = new Progress();
  const seen = () => progress.added(jobSummary(state, "j-1", 1)!).stages[0]!.inputBytesDone;
  progress.note("j-1", 0, 0, 30);
  progress.note("j-1", 0, 0, 20);
  progress.note("j-1", 0, 1, 40);
  assert.equal(seen(), 70);
  progress.note("j-1", 0, 1, 4_000);
  assert.equal(seen(), 100);
  progress.ended("j-1", 0, 1);
  assert.equal(seen(), 30);
  progress.forget("j-1");
  assert.equal(seen(), 0);
});

test("a change before the wait is not missed", async () => {
  const watchers = new Watchers();
  const watch = watchers.open("j-1");
  const never = new AbortController().signal;
  watchers.changed("j-1");
  await watch.next(1_000_000, never);
  const waiting = watch.next(1_000_000, never);
  watchers.changed("j-1");
  await waiting;
  watch.close();
  watchers.changed("j-1");
});

test("a wait ends when the caller is gone", async () => {
  const watch = new Watchers().open("j-1");
  const caller = new AbortController();
  const waiting = watch.next(1_000_000, caller.signal);
  caller.abort();
  await waiting;
  await watch.next(1_000_000, caller.signal);
});

/** A store with a job in it, whose plan names `items`, and with `extra`, which no job names. */
async function store() {
  const blobs = openMemoryBlobs();
  const put = async (content: string) => (await blobs.put([Buffer.from(content)])).hash;
  const items = await put("1\n");
  const plan = { version: 1, files: [], splits: [], items: { hash: items, count: 1 }, reducers: 0 };
  const planHash = await put(JSON.stringify(plan));
  const codeHash = await put("code");
  const extra = await put("extra");
  const state = emptyState();
  const spec = testJob([testStage()], { planHash, codeHash });
  step(state, { ...submission(spec), atMs: 1 } as never);
  const timers = new ManualTimers();
  const plans = new Plans(blobs);
  const namedBy = (hash: string) => plans.blobsOf(hash);
  const sweep = new BlobSweep({ blobs, stateNow: () => state, namedBy, timers, everyMs: 1e12 });
  const names = async () => {
    const all: string[] = [];
    for await (const hash of blobs.list()) all.push(hash);
    return all.sort();
  };
  return { blobs, state, timers, sweep, names, extra, kept: [items, planHash, codeHash].sort() };
}

const hourMs = 3_600_000;

test("a sweep deletes what no job names, and nothing that a job or its plan names", async () => {
  const { timers, sweep, names, kept } = await store();
  timers.pass(hourMs);
  assert.equal((await sweep.sweep()).blobs, 1);
  assert.deepEqual(await names(), kept);
});

test("nothing is deleted in the first hour, nor what was touched within the last", async () => {
  const { timers, sweep, extra } = await store();
  timers.pass(hourMs - 1);
  assert.equal((await sweep.sweep()).blobs, 0);
  sweep.touch(extra);
  timers.pass(hourMs - 1);
  assert.equal((await sweep.sweep()).blobs, 0);
  timers.pass(1);
  assert.equal((await sweep.sweep()).blobs, 1);
});

test("while the plan of a running job cannot be read nothing is deleted", async () => {
  const { blobs, timers, sweep, names, state } = await store();
  const before = await names();
  const plan = [...state.jobs.values()][0]!.spec.planHash;
  await blobs.delete(plan);
  timers.pass(hourMs);
  assert.equal((await sweep.sweep()).blobs, 0);
  assert.deepEqual(
    await names(),
    before.filter((hash) => hash !== plan),
  );
});

/** Beside the job of `store` another one with a plan and code of its own. */
async function second({ blobs, state }: Awaited<ReturnType<typeof store>>, code: string) {
  const plan = { version: 1, files: [], splits: [], items: null, reducers: 0, of: code };
  const planHash = (await blobs.put([Buffer.from(JSON.stringify(plan))])).hash;
  const codeHash = (await blobs.put([Buffer.from(code)])).hash;
  const spec = testJob([testStage()], { planHash, codeHash });
  step(state, { ...submission(spec), atMs: 1 } as never);
  return { planHash, codeHash };
}

/** Cancels and removes it. */
function remove({ state, sweep }: Awaited<ReturnType<typeof store>>, job: JobId) {
  step(state, { kind: "job-cancelled", job, by: "ann", atMs: 2 });
  const effects = step(state, { kind: "job-removed", job, atMs: 3 });
  const effect = effects.find(({ kind }) => kind === "drop-blobs");
  assert.ok(effect?.kind === "drop-blobs");
  return sweep.release(effect);
}

test("G6: an unreadable plan of an ended job keeps no blob of other jobs", async () => {
  const all = await store();
  await second(all, "code of j-2");
  const plan = [...all.state.jobs.values()][0]!.spec.planHash;
  await all.blobs.delete(plan);
  step(all.state, { kind: "job-cancelled", job: "j-1", by: "ann", atMs: 2 });
  const freed = remove(all, "j-2");
  all.timers.pass(0);
  assert.equal((await freed).blobs, 2);
  all.timers.pass(hourMs);
  await all.sweep.sweep();
  const { codeHash } = [...all.state.jobs.values()][0]!.spec;
  assert.deepEqual(await all.names(), [codeHash]);
});

test("G6: an unreadable plan of a running job keeps the blobs that are older than it", async () => {
  const { blobs, state, timers, extra, names } = await store();
  const young = (await blobs.put([Buffer.from("young")])).hash;
  const plan = [...state.jobs.values()][0]!.spec.planHash;
  await blobs.delete(plan);
  const storedAtMs = async (hash: string) => (hash === young ? 2 * 86_400_000 : 0);
  const namedBy = (hash: string) => new Plans(blobs).blobsOf(hash);
  const timed = { ...blobs, storedAtMs };
  const late = new ManualTimers(3 * 86_400_000);
  const sweep = new BlobSweep({ blobs: timed, stateNow: () => state, namedBy, timers: late });
  timers.pass(0);
  assert.equal((await sweep.sweep()).blobs, 1);
  assert.ok((await names()).includes(extra));
  assert.ok(!(await names()).includes(young));
});

test("G6: jobs that are removed at once each report their own bytes", async () => {
  const all = await store();
  await second(all, "code of j-2");
  await second(all, "longer code of j-3");
  const both = [remove(all, "j-2"), remove(all, "j-3")];
  all.timers.pass(0);
  const [two, three] = await Promise.all(both);
  assert.deepEqual([two?.blobs, three?.blobs], [2, 2]);
  // Both its code and its plan name it.
  assert.equal(three!.sizeBytes - two!.sizeBytes, 2 * "longer ".length);
});

async function removed() {
  const all = await store();
  const job: JobId = "j-1";
  step(all.state, { kind: "job-cancelled", job, by: "ann", atMs: 2 });
  const effects = step(all.state, { kind: "job-removed", job, atMs: 3 });
  const effect = effects.find(({ kind }) => kind === "drop-blobs");
  assert.ok(effect?.kind === "drop-blobs");
  return { ...all, effect };
}

test("blobs of a removed job are deleted", async () => {
  const { timers, sweep, names } = await removed();
  timers.pass(hourMs);
  assert.equal((await sweep.sweep()).blobs, 4);
  assert.deepEqual(await names(), []);
});

/** Runs the deletions; returns what they freed. */
async function released({ sweep, timers, effect }: Awaited<ReturnType<typeof removed>>) {
  const freed = sweep.release(effect);
  timers.pass(0);
  return await freed;
}

test("G6: what a worker has brought is held for the job of its report", async () => {
  const all = await removed();
  const [one, two] = all.kept as [string, string];
  await all.sweep.hold([one, two], "worker");
  await all.sweep.hold([one], { job: "j-1" });
  assert.equal((await released(all)).blobs, 2, "a report may yet name the other");
  assert.deepEqual(await all.names(), [all.extra, two].sort());
});

test("G6: a report and a worker's upload let a submitter's hold be", async () => {
  const all = await removed();
  const [one, two] = all.kept as [string, string];
  await all.sweep.hold([one, two]);
  await all.sweep.hold([one], "worker");
  await all.sweep.hold([two], { job: "j-1" });
  assert.equal((await released(all)).blobs, 1);
  assert.deepEqual(await all.names(), [all.extra, one, two].sort());
});

test("G6: what only a removed job named is deleted at once, in the first hour too", async () => {
  const all = await removed();
  all.sweep.touch(all.kept[0]!, { job: "j-1" });
  assert.equal((await released(all)).blobs, 3);
  assert.deepEqual(await all.names(), [all.extra]);
});

test("G6: a blob that is read, or may be submitted again, outlives its job", async () => {
  const all = await removed();
  const [one, two] = all.kept as [string, string];
  const leave = all.sweep.reading(one);
  await all.sweep.hold([two]);
  assert.equal((await released(all)).blobs, 1);
  assert.deepEqual(await all.names(), [all.extra, one, two].sort());
  leave();
  all.sweep.submitted([two]);
  all.timers.pass(0);
  await all.sweep.release({ job: "j-2", blobs: new Set(), plan: "" });
  assert.deepEqual(await all.names(), [all.extra]);
});

test("G6: what a removed job's lost attempts have reported goes with it", async () => {
  const all = await removed();
  await all.sweep.hold([all.extra], { job: "j-1" });
  all.timers.pass(hourMs / 2);
  assert.equal((await released(all)).blobs, 4);
  assert.deepEqual(await all.names(), []);
});

test("G6: a blob that reports of two jobs held goes when no report can name it", async () => {
  const all = await removed();
  const { codeHash, planHash } = await second(all, "code of j-2");
  const [one] = all.kept as [string];
  await all.sweep.hold([one], { job: "j-1" });
  await all.sweep.hold([one], { job: "j-2" });
  assert.equal((await released(all)).blobs, 2, "j-2 may be about to name it");
  assert.deepEqual(await all.names(), [all.extra, one, codeHash, planHash].sort());
  all.timers.pass(60_000);
  await polled(all.names, (names) => {
    all.timers.pass(0);
    return !names.includes(one);
  });
  assert.deepEqual(await all.names(), [all.extra, codeHash, planHash].sort());
});

test("G6: a blob that a report of another removed job held is not waited for", async () => {
  const all = await removed();
  await all.sweep.hold([all.kept[0]!], { job: "j-2" });
  assert.equal((await released(all)).blobs, 3, "there is no j-2");
});

test("G6: a blob that two jobs reported goes with the second at once", async () => {
  const all = await removed();
  await second(all, "code of j-2");
  await all.sweep.hold([all.extra], { job: "j-1" });
  await all.sweep.hold([all.extra], { job: "j-2" });
  await released(all);
  assert.ok((await all.names()).includes(all.extra));
  const gone = remove(all, "j-2");
  all.timers.pass(0);
  await gone;
  assert.deepEqual(await all.names(), []);
});

test("G6: a sweep right after a start deletes blobs that were stored long before", async () => {
  const { blobs, extra, state, timers, names, kept } = await store();
  const storedAtMs = async (hash: string) => timers.wallMs() - (hash === extra ? hourMs : 0);
  const young = (await blobs.put([Buffer.from("young")])).hash;
  const timed = { ...blobs, storedAtMs };
  const namedBy = async () => [kept.find((hash) => hash !== young) as string];
  const sweep = new BlobSweep({ blobs: timed, stateNow: () => state, namedBy, timers });
  await sweep.sweep();
  assert.ok(!(await names()).includes(extra));
  assert.ok((await names()).includes(young));
});
