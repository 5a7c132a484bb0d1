/** A tab's Worker runs tasks of one job one after the other, as a task process does. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { taskCode } from "../../scripts/browsers/tab-code.ts";
import type { TaskOrder } from "../../src/worker/browser/contract.ts";
import { options, sharedChromium } from "./chromium.ts";
import { runInWorker } from "./in-tab.ts";

const chromium = sharedChromium();
let code = "";
before(async () => {
  if (options.skip === false) code = await taskCode();
});

function list(run: string, task: number): TaskOrder {
  const plan = { version: 1, params: {}, files: [], splits: [], reducers: 0, spillBytes: 1 };
  return {
    ...common,
    kind: "tasks",
    stage: 0,
    code: `let calls = 0; export default { kind: "tasks", options: { run: ${run} } };`,
    plan: plan as never,
    attempts: [{ task, attempt: 1 }],
    items: [String(task)],
  };
}

const common = {
  ...{ group: "one job", pieces: [], segments: [], around: {}, items: [] },
  filesMaxBytes: 3 * 1024 * 1024,
};

/** A map task whose output takes 1 MiB of the memory for files, as its input does. */
function mapOf(task: number): TaskOrder {
  const text = "a line\n".repeat(150_000);
  const file = { name: "in", sizeBytes: text.length, compression: "none", at: { kind: "path" } };
  const splits: unknown[] = [];
  splits[task] = { input: "default", pieces: [[0, 0, text.length]] };
  const plan = { version: 1, params: {}, files: [file], splits, reducers: 1, spillBytes: 1 << 20 };
  return {
    ...common,
    kind: "map",
    stage: 0,
    code: `export default { kind: "map-reduce", options: {},
      inputs: { default: { input: { format: "lines" }, map: (line, emit) => emit(line, 1) } } };`,
    plan: plan as never,
    attempts: [{ task, attempt: 1 }],
    pieces: [{ file: 0, offset: 0, head: null, bytes: new TextEncoder().encode(text) }],
  };
}

async function ranOneByOne(orders: readonly TaskOrder[]) {
  const page = await (await chromium.browser()).newPage();
  const outputs = await runInWorker(page, code, orders);
  await page.close();
  return outputs.map(({ messages }) => {
    const values = messages.flatMap((one) => (one.kind === "results" ? one.values : []));
    const last = messages.at(-1);
    const kinds = messages.flatMap((one) => (one.kind === "reports" ? one.reports : []));
    const isKept = last?.kind === "over" && last.isReusable === true;
    return { values, reports: kinds.map(({ kind }) => kind), isKept };
  });
}

test("the job is loaded once for all tasks of a Worker", options, async () => {
  const run = "(item) => [item, ++calls]";
  const [first, second] = await ranOneByOne([list(run, 3), list(run, 4)]);
  assert.deepEqual(first, { values: ["[3,1]"], reports: [], isKept: true });
  assert.deepEqual(second, { values: ["[4,2]"], reports: [], isKept: true });
});

test("files of a task take no memory from the next one", options, async () => {
  const outputs = await ranOneByOne([mapOf(0), mapOf(1), mapOf(2), mapOf(3)]);
  const done = { values: [], reports: ["done"], isKept: true };
  assert.deepEqual(outputs, [done, done, done, done]);
});

test("a Worker ends with a task that fails or leaves a timer", options, async () => {
  const [failed] = await ranOneByOne([list("() => { throw new Error('no'); }", 0)]);
  assert.deepEqual(failed, { values: [], reports: ["failed"], isKept: false });
  const [left] = await ranOneByOne([list("() => { setTimeout(() => {}, 1e6); return 1; }", 0)]);
  assert.deepEqual(left, { values: ["1"], reports: [], isKept: false });
});
