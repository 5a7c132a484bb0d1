/** X2: bits that flip on a worker's disk after they were verified: noticed before anything of them
 *  counts, and computed or fetched again. */
import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { AttemptReport } from "../../core/event.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { polled } from "../../store/testing/polled.ts";
import type { JobOpen } from "../../wire/manager/messages.ts";
import { type ManagerEnd, ScriptedManager } from "../testing/scripted-manager.ts";
import { ref, started, tasksJob, wordCountJob } from "../testing/started.ts";

const maps = 3;
const reducers = 2;
const text = Array.from({ length: 500 }, (_, n) => `word${n % 97} and${n % 31}`).join("\n");

type Side = {
  readonly manager: ScriptedManager;
  readonly end: ManagerEnd;
  readonly url: string;
  readonly dataDir: string;
};

async function worker(t: TestContext, manager: ScriptedManager, dataDir?: string): Promise<Side> {
  const made = await started(t, manager, dataDir === undefined ? {} : { dataDir });
  const { end, node } = await manager.joined();
  return { manager, end, url: node.exchangeUrl, dataDir: dataDir ?? made.dataDir };
}

function flip(path: string, at: (sizeBytes: number) => number): void {
  const bytes = readFileSync(path);
  const byte = at(bytes.length);
  bytes[byte] = bytes[byte]! ^ 4;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes, { flag: "r+" });
}

async function one({ end }: Side, task: number, over = {}): Promise<AttemptReport> {
  await end.assign([ref(task, over)]);
  return (await end.reports())[0]!;
}

/** The map tasks of a job, run on this worker. */
async function mapped(
  side: Side,
  open: JobOpen,
  job: JobOpen["job"] = "j-1",
): Promise<Array<[number, number, string]>> {
  await side.end.open(open);
  const tasks: Array<[number, number, string]> = [];
  for (let task = 0; task < maps; task++) {
    const report = await one(side, task, { job });
    assert.equal(report.kind, "done");
    if (report.kind === "done") tasks.push([0, 1, report.output.root]);
  }
  return tasks;
}

/** Runs the reduce tasks on one worker after a bit of each map output on the other has flipped, and
 *  returns the map tasks that are named as lost. */
async function lostOf(
  t: TestContext,
  of: { holder: Side; reader: Side },
  at: (n: number) => number,
) {
  const { holder, reader } = of;
  const open = wordCountJob(t, holder.manager, { text, maps, reducers });
  const tasks = await mapped(holder, open);
  if (reader !== holder) await reader.end.open(open);
  await reader.end.sources({ job: "j-1", stage: 0, urls: [holder.url], tickets: ["none"], tasks });
  flip(join(holder.dataDir, "shuffle/j-1/0/1.1.run"), at);
  const lost: unknown[] = [];
  for (let task = 0; task < reducers; task++) {
    const report = await one(reader, task, { stage: 1 });
    if (report.kind !== "failed") continue;
    assert.equal(report.failure.code, "download-failed", report.failure.message);
    lost.push(report.lostTasks);
  }
  return lost;
}

const places: ReadonlyArray<readonly [string, (sizeBytes: number) => number]> = [
  ["its first byte", () => 0],
  ["the middle", (sizeBytes) => sizeBytes >> 1],
  ["its last byte", (sizeBytes) => sizeBytes - 1],
];

for (const [where, at] of places) {
  test(`X2: a worker's own output with another bit in ${where} is lost, not used`, async (t) => {
    const side = await worker(t, await ScriptedManager.start(t));
    const lost = await lostOf(t, { holder: side, reader: side }, at);
    assert.deepEqual(lost[0], [1]);
  });
}

test("X2: an output of the worker beside with another bit is lost, not used", async (t) => {
  const manager = await ScriptedManager.start(t);
  const above = temporaryDir(t);
  const holder = await worker(t, manager, join(above, "1"));
  const reader = await worker(t, manager, join(above, "2"));
  assert.deepEqual((await lostOf(t, { holder, reader }, () => 9))[0], [1]);
});

/** Words of one length each: outputs of jobs with different ones have the same size. */
function oneWord(t: TestContext, { manager }: Side, word: string, job: JobOpen["job"]): JobOpen {
  const lines = `${word}\n`.repeat(maps);
  const open = wordCountJob(t, manager, { text: lines, maps, reducers: 1 });
  return { ...open, job, exchangeKey: `key of ${job}` };
}

test("X2: the output of another job in place of a neighbour's is lost, not used", async (t) => {
  const manager = await ScriptedManager.start(t);
  const above = temporaryDir(t);
  const holder = await worker(t, manager, join(above, "1"));
  const reader = await worker(t, manager, join(above, "2"));
  const [open, other] = [oneWord(t, holder, "aaaa", "j-1"), oneWord(t, holder, "bbbb", "j-2")];
  await mapped(holder, other, "j-2");
  const tasks = await mapped(holder, open);
  await reader.end.open(open);
  await reader.end.sources({ job: "j-1", stage: 0, urls: [holder.url], tickets: ["none"], tasks });
  const path = (job: string) => join(holder.dataDir, `shuffle/${job}/0/1.1.run`);
  const bytes = readFileSync(path("j-2"));
  assert.equal(bytes.length, readFileSync(path("j-1")).length);
  chmodSync(path("j-1"), 0o600);
  // Whole and without damage: only its root shows that it is another.
  writeFileSync(path("j-1"), bytes, { flag: "r+" });
  const report = await one(reader, 0, { stage: 1 });
  assert.equal(report.kind, "failed");
  assert.deepEqual(report.kind === "failed" && report.lostTasks, [1]);
});

/** Of every owner that has it. */
function keptPaths({ dataDir }: Side, hash: string): string[] {
  const dir = join(dataDir, "jobs/kept");
  const names = readdirSync(dir).filter((name) => name.endsWith(hash));
  return names.map((name) => join(dir, name));
}

test("X2: code and items that have changed on the disk are fetched again", async (t) => {
  const side = await worker(t, await ScriptedManager.start(t));
  // Long enough that neither is handed over as text.
  const open = tasksJob(side.manager, `return item + 1; /* ${"x".repeat(20_000)} */`, 20_000);
  const { items } = JSON.parse(side.manager.blobs.get(open.planHash)!.toString());
  const endsOf = async (hash: string, attempt: number) => {
    for (const path of keptPaths(side, hash)) flip(path, (sizeBytes) => sizeBytes - 30);
    const failed = await one(side, 5, { attempt });
    assert.equal(failed.kind === "failed" && failed.failure.code, "storage-failed");
    const again = await one(side, 5, { attempt: attempt + 1 });
    assert.equal(again.kind === "done" && again.output.value, "6");
  };
  for (const [index, hash] of [open.codeHash, items.hash].entries()) {
    // A job of its own: a process that has loaded them does not read them again.
    await side.end.open({ ...open, exchangeKey: `key ${index}`, owner: `owner ${index}` });
    const kept = async () => keptPaths(side, items.hash);
    await polled(kept, ({ length }) => length > index);
    await endsOf(hash, 10 * index + 1);
  }
});
