/** Jobs of equal code, sizes and task numbers side by side on one worker: one process computes for
 *  them in turn, and none sees files, outputs or state of another. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { AttemptRef, JobId } from "../../core/ids.ts";
import type { JobOpen } from "../../wire/manager/messages.ts";
import { type ManagerEnd, ScriptedManager } from "../testing/scripted-manager.ts";
import { ref, started, wordCountJob } from "../testing/started.ts";

const maps = 3;
const reducers = 2;
const names = ["j-1", "j-2", "j-3"] as const;

type Side = { readonly manager: ScriptedManager; readonly end: ManagerEnd; readonly url: string };

async function oneWorker(t: TestContext): Promise<Side> {
  const manager = await ScriptedManager.start(t);
  await started(t, manager);
  const { end, node } = await manager.joined();
  return { manager, end, url: node.exchangeUrl };
}

function named(open: JobOpen, job: JobId): JobOpen {
  return { ...open, job, exchangeKey: `key of ${job}` };
}

/** Runs one attempt and answers its root. */
async function rootOf({ end }: Side, attempt: AttemptRef): Promise<string> {
  await end.assign([attempt]);
  const [report] = await end.reports();
  if (report?.kind !== "done") throw new Error(JSON.stringify(report));
  return report.output.root;
}

/** The map tasks of a job; then the worker knows where their outputs lie. */
async function mapped(side: Side, job: JobId, attempt = 1): Promise<void> {
  const tasks: Array<readonly [number, number, string]> = [];
  for (let task = 0; task < maps; task++) {
    tasks.push([0, attempt, await rootOf(side, ref(task, { job, attempt }))]);
  }
  await side.end.sources({ job, stage: 0, urls: [side.url], tickets: ["none"], tasks });
}

async function reduced(side: Side, job: JobId, task: number, attempt = 1): Promise<string> {
  const root = await rootOf(side, ref(task, { job, stage: 1, attempt }));
  return side.manager.blobs.get(root)?.toString() ?? "";
}

const textOf = (word: string) => Array.from({ length: 30 }, (_, n) => `${word}${n % 10}`).join(" ");

test("X1: jobs of equal code and task numbers at once have each their own result", async (t) => {
  const side = await oneWorker(t);
  for (const [index, job] of names.entries()) {
    const text = Array(20).fill(textOf("abc"[index]!)).join("\n");
    await side.end.open(named(wordCountJob(t, side.manager, { text, maps, reducers }), job));
  }
  for (const job of names) await mapped(side, job);
  for (let task = 0; task < reducers; task++) {
    for (const [index, job] of names.entries()) {
      const lines = (await reduced(side, job, task)).trim().split("\n");
      const rows = lines.map((line) => JSON.parse(line) as { key: string; value: number });
      assert.ok(rows.length > 0);
      for (const { key, value } of rows) {
        assert.equal(key[0], "abc"[index], `${job} has a word of another job`);
        assert.equal(value, 60);
      }
    }
  }
});

/** Keeps what it made of its params, as job code may: within a job they never change. */
const keeping = `let kept; export default { kind: "map-reduce",
  inputs: { default: { map(line, emit, { params }) { kept ??= params.word; emit(kept, 1); } } },
  options: { combine: (a, b) => a + b } };`;

test("X1: what job code keeps of its params is gone for a job with others", async (t) => {
  const side = await oneWorker(t);
  const counts: Record<string, number> = {};
  for (const job of names) {
    const options = { text: "1\n2\n3\n", maps, reducers, code: keeping, params: { word: job } };
    await side.end.open(named(wordCountJob(t, side.manager, options), job));
    await mapped(side, job);
    for (let task = 0; task < reducers; task++) {
      for (const line of (await reduced(side, job, task)).split("\n").filter(Boolean)) {
        const { key, value } = JSON.parse(line) as { key: string; value: number };
        counts[key] = (counts[key] ?? 0) + value;
      }
    }
  }
  assert.deepEqual(counts, { "j-1": 3, "j-2": 3, "j-3": 3 });
});

test("X1: a name that is given to another job again is that other job", async (t) => {
  const side = await oneWorker(t);
  for (const [index, word] of ["old", "new"].entries()) {
    const attempt = index + 1;
    const text = `${word}\n`.repeat(9);
    const count = reducers + index;
    const open = wordCountJob(t, side.manager, { text, maps, reducers: count });
    // As after a restore: the same number, and another key.
    await side.end.open({ ...open, exchangeKey: `key of ${word}` });
    await mapped(side, "j-1", attempt);
    let parts = "";
    for (let task = 0; task < count; task++) parts += await reduced(side, "j-1", task, attempt);
    assert.deepEqual(JSON.parse(parts), { key: word, value: 9 });
  }
});
