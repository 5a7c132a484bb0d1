/** What nothing catches in a tab fails the task that it is of, where a tab can tell, and says so
 *  where it cannot. Task processes and the judge always can: `worker/process/strays.test.ts` and
 *  `cli/job-errors.test.ts`. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { taskCode } from "../../scripts/browsers/tab-code.ts";
import { options, sharedChromium } from "../browsers/chromium.ts";
import { runInTab } from "../browsers/in-tab.ts";

const { newContext } = sharedChromium();
const plan = { version: 1, files: [], splits: [], items: null, params: {}, reducers: 0 };

/** By task: "done", or the message of its failure. */
async function ran(t: TestContext, run: string, count: number): Promise<Map<number, string>> {
  const page = await (await newContext(t)).newPage();
  const indexes = Array.from({ length: count }, (_, task) => task);
  const order = {
    ...{ kind: "tasks", code: `export default { kind: "tasks", options: { run: ${run} } };`, plan },
    ...{ attempts: indexes.map((task) => ({ task, attempt: 1 })), pieces: [], segments: [] },
    ...{ items: indexes.map(String), filesMaxBytes: 1 << 24, around: {} },
  };
  const { messages } = await runInTab(page, await taskCode(), order as never);
  const found = new Map<number, string>();
  for (const message of messages as unknown as ReadonlyArray<Record<string, never>>) {
    for (const task of (message.tasks ?? []) as number[]) found.set(task, "done");
    for (const report of (message.reports ?? []) as Array<Record<string, never>>) {
      found.set(
        report.task!,
        (report.failure as unknown as { message?: string })?.message ?? "done",
      );
    }
  }
  return found;
}

test("an item of a tab that leaves an error behind fails", options, async (t) => {
  const lost = "() => { Promise.reject(new Error('lost')); return 1; }";
  const one = await ran(t, lost, 1);
  assert.match(
    one.get(0)!,
    /^a promise that nothing awaits was rejected: Error: lost .*on item 0$/,
  );
  const never =
    "() => { setTimeout(() => { throw new Error('x'); }, 1); return new Promise(() => {}); }";
  const two = await ran(t, never, 1);
  assert.match(two.get(0)!, /^thrown where nothing catches it \(a timer or a callback\): Error: x/);
});

test("items that ran together in a tab say that it may be of another one", options, async (t) => {
  const run = "(item) => { if (item === 5) Promise.reject(new Error('lost')); return item; }";
  const found = await ran(t, run, 6);
  const others =
    "(, by this task or (the other task|one of \\d other tasks) that ran in the tab just then)";
  const text = new RegExp(`^a promise that nothing awaits was rejected${others}?: Error: lost`);
  assert.match(found.get(5)!, text);
  const blamed = [...found.values()].filter((outcome) => outcome !== "done");
  for (const outcome of blamed) {
    assert.match(outcome, text);
    if (blamed.length > 1) assert.match(outcome, new RegExp(others));
  }
  assert.equal(found.size, 6);
});

test("an item of a tab that ends before its error comes is done", options, async (t) => {
  const wait = "new Promise((resolve) => setTimeout(resolve, 60))";
  const late = "Promise.resolve().then(() => setTimeout(() => { throw new Error('late'); }, 200))";
  const found = await ran(t, `(item) => { if (item === 0) ${late}; return ${wait}; }`, 2);
  assert.deepEqual([...found.values()], ["done", "done"]);
});
