/** Partitions on their way from the workers that made them to the worker that merges them. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { AttemptReport } from "../../core/event.ts";
import type { JobOpen, StageSources } from "../../wire/manager/messages.ts";
import { type ManagerEnd, ScriptedManager } from "../testing/scripted-manager.ts";
import { ref, refs, started, wordCountJob } from "../testing/started.ts";

const text = Array.from({ length: 3_000 }, (_, n) => `one two ${n % 7} näïve 語`).join("\n");
const maps = 4;
const reducers = 3;

type Member = {
  readonly end: ManagerEnd;
  readonly url: string;
  readonly dataDir: string;
};

type Cluster = {
  readonly manager: ScriptedManager;
  readonly members: readonly Member[];
  readonly job: JobOpen;
  readonly sources: StageSources;
};

/** Two workers, each with the outputs of two of the four map tasks. */
async function mapped(t: TestContext): Promise<Cluster> {
  const manager = await ScriptedManager.start(t);
  const job = wordCountJob(t, manager, { text, maps, reducers });
  const members: Member[] = [];
  const tasks: Array<readonly [number, number, string]> = [];
  for (const [index, from] of [0, 2].entries()) {
    const { dataDir } = await started(t, manager);
    const { end, node } = await manager.joined();
    members.push({ end, url: node.exchangeUrl, dataDir });
    await end.open(job);
    await end.assign(refs(2, from));
    for (const report of await end.reports(2)) tasks[report.task] = [index, 1, rootOf(report)];
  }
  const urls = members.map(({ url }) => url);
  return { manager, members, job, sources: { job: "j-1", stage: 0, urls, tasks } };
}

function rootOf(report: AttemptReport): string {
  if (report.kind !== "done") throw new Error(JSON.stringify(report));
  return report.output.root;
}

function lostOf(report: AttemptReport | undefined): readonly number[] | undefined {
  if (report?.kind !== "failed") throw new Error(JSON.stringify(report));
  assert.equal(report.failure.code, "download-failed");
  return report.lostTasks;
}

function wordCounts(parts: readonly string[]): Map<string, number> {
  const lines = parts.join("").trim().split("\n");
  return new Map(lines.map((line) => JSON.parse(line)).map(({ key, value }) => [key, value]));
}

const plain = new Map<string, number>();
for (const word of text.split(/[ \n]/)) plain.set(word, (plain.get(word) ?? 0) + 1);

test("a reduce merges own outputs and those of another worker into the whole result", async (t) => {
  const { manager, members, sources } = await mapped(t);
  const { end } = members[0]!;
  await end.sources(sources);
  await end.assign(Array.from({ length: reducers }, (_, task) => ref(task, { stage: 1 })));
  const reports = await end.reports(reducers);
  const parts = reports.map((report) => manager.blobs.get(rootOf(report))?.toString() ?? "");
  const counts = wordCounts(parts);
  assert.deepEqual([...counts].sort(), [...plain].sort());
});

test("F1: a changed partition is never used, and its task is named as lost", async (t) => {
  const { members, sources } = await mapped(t);
  const dir = join(members[1]!.dataDir, "shuffle/j-1/0");
  for (const name of readdirSync(dir).filter((file) => file === "2.1.run")) {
    writeFileSync(join(dir, name), "x".repeat(40), { flag: "r+" });
  }
  const { end } = members[0]!;
  await end.sources(sources);
  await end.assign([0, 1, 2].map((task) => ref(task, { stage: 1 })));
  const lost = (await end.reports(3)).filter((report) => report.kind === "failed").map(lostOf);
  assert.ok(lost.length > 0);
  for (const tasks of lost) assert.deepEqual(tasks, [2]);
});

test("F1: a manifest that is not the committed one is never used", async (t) => {
  const { members, sources } = await mapped(t);
  const tasks = sources.tasks.map((source, task) =>
    task === 3 ? ([source[0], source[1], "0".repeat(64)] as const) : source,
  );
  const { end } = members[0]!;
  await end.sources({ ...sources, tasks });
  await end.assign([ref(0, { stage: 1 })]);
  assert.deepEqual(lostOf((await end.reports())[0]), [3]);
});

test("F3: outputs of a worker that is gone are lost; what moves is fetched anew", async (t) => {
  const { members, sources } = await mapped(t);
  const { end } = members[0]!;
  const hole = [-1, 0, ""] as const;
  const gone = { ...sources, urls: [sources.urls[0]!, "http://127.0.0.1:1"] };
  await end.sources({ ...gone, tasks: [hole, ...gone.tasks.slice(1)] });
  await end.assign([ref(0, { stage: 1 })]);
  assert.deepEqual(lostOf((await end.reports())[0]), [0, 2, 3]);
  await end.sources(sources);
  await end.assign([ref(0, { stage: 1, attempt: 2 })]);
  assert.equal((await end.reports())[0]?.kind, "done");
});

test("without the secret of its job the exchange shows nothing", async (t) => {
  const { members, job } = await mapped(t);
  const { url } = members[0]!;
  const status = async (path: string, secret: string) => {
    const response = await fetch(url + path, { headers: { authorization: `Bearer ${secret}` } });
    await response.arrayBuffer();
    return response.status;
  };
  const secret = job.exchangeSecret;
  assert.equal(await status("/shuffle/j-1/0/0/1/manifest", secret), 200);
  assert.equal(await status("/shuffle/j-1/0/0/1/0", secret), 200);
  assert.equal(await status("/shuffle/j-1/0/0/1/0", "another"), 401);
  assert.equal(await status("/shuffle/j-1/0/0/1/0", ""), 401);
  assert.equal(await status("/shuffle/j-2/0/0/1/0", "undefined"), 401);
  assert.equal(await status("/shuffle/j-1/0/0/2/manifest", secret), 404);
  assert.equal(await status(`/shuffle/j-1/0/0/1/${reducers}`, secret), 404);
  assert.equal(await status("/shuffle/j-1/0/0/1/..%2f", secret), 404);
  assert.equal(await status("/shuffle/j-1/../../../etc/passwd", secret), 404);
});

test("the end of a job removes its outputs and closes its exchange", async (t) => {
  const { members, job } = await mapped(t);
  const { end, url, dataDir } = members[0]!;
  assert.equal((await end.ask({ kind: "jobClose", jobNumber: 1 })).kind, "ack");
  const headers = { authorization: `Bearer ${job.exchangeSecret}` };
  const response = await fetch(`${url}/shuffle/j-1/0/0/1/manifest`, { headers });
  assert.equal(response.status, 401);
  for (let tries = 0; tries < 100 && readdirSync(join(dataDir, "shuffle")).length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(readdirSync(join(dataDir, "shuffle")), []);
  // Only the blobs that the next job may name again.
  assert.deepEqual(readdirSync(join(dataDir, "jobs")), ["kept"]);
});
