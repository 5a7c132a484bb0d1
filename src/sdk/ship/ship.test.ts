/** Functions and jobs of a program as bundles that workers can load. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { ClusterError } from "../../core/error.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { load } from "../bundle.ts";
import type { AnyTasks } from "../job.ts";
import { mapReduce, tasks } from "../job.ts";
import { shipCalls, shipFile, shipJob } from "./ship.ts";

const folder = temporaryDir({ after }, "tequio-ship-");

const offset = 10;
const limits = Object.freeze({ least: 2 });

async function called(code: string, items: readonly unknown[], params = {}): Promise<unknown> {
  const loaded = (await load(code, join(folder, "program.js"))).default as AnyTasks;
  return loaded.options.run(items, { params, index: 0 });
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error("nothing was refused"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ClusterError, String(error));
  return error.message;
}

test("a function of this file is called with items, parameters and indexes", async () => {
  const { code } = await shipCalls(
    (n: number, { index, params }: { index: number; params: { by: number } }) =>
      n > limits.least ? n * params.by + offset : index,
    { params: {} },
  );
  assert.ok(!code.includes("mkdtempSync"), "the rest of the program stays");
  assert.deepEqual(await called(code, [7, 1, 3, 2], { by: 2 }), [[7], [16], [9]]);
});

test("what a call throws is its outcome, and ends its task", async () => {
  const { code } = await shipCalls(
    (n: number) => {
      if (n === 2) throw new TypeError("two");
      return undefined;
    },
    { params: {} },
  );
  const [first, second, ...none] = (await called(code, [0, 1, 2, 3])) as unknown[];
  assert.deepEqual([first, none], [[null], []]);
  const { exception, message, stack } = second as Record<string, string>;
  assert.deepEqual([exception, message], ["TypeError", "two"]);
  assert.match(stack!, /^at [^\n]*ship\.test\.ts:\d+:\d+\)$/);
});

test("the same function gives the same code, so that it is stored once", async () => {
  const call = (n: number) => n + offset;
  const [a, b] = [
    await shipCalls(call, { params: {} }),
    await shipCalls(call, { params: { x: 1 } }),
  ];
  assert.equal(a.hash, b.hash);
});

test("functions without a file travel alone", async () => {
  const made = new Function("n", "return n + 1") as (n: number) => number;
  assert.deepEqual(await called((await shipCalls(made, { params: {} })).code, [0, 1]), [[2]]);
});

test("jobs of this program keep their options, and give code without items", async () => {
  const made = tasks({ name: "n", items: [1, 2], timeoutMs: 5, run: (n: number) => n + offset });
  const { code, job } = await shipJob(made);
  assert.equal(job, made);
  const loaded = (await load(code, join(folder, "program.js"))).default as AnyTasks;
  const { run, ...rest } = loaded.options;
  assert.deepEqual(rest, { name: "n", items: [], timeoutMs: 5 });
  assert.equal(run(1, { params: {}, index: 0 }), 11);
  const pairs = await shipJob(
    mapReduce({ map: () => {}, combine: (a: number, b) => a + b, seed: 1 }),
  );
  const { inputs, options } = (await load(pairs.code, "x.js")).default as {
    inputs: object;
    options: { combine(a: number, b: number): number; seed: number };
  };
  assert.deepEqual(Object.keys(inputs), ["default"]);
  assert.deepEqual([options.combine(1, 2), options.seed], [3, 1]);
});

test("what has no source, or is no function or job, is refused", async () => {
  const bound = ((a: number) => a).bind(null);
  assert.match(await refusal(shipCalls(bound, { params: {} })), /built in or bound/);
  assert.match(
    await refusal(shipCalls(3 as never, { params: {} })),
    /is a number; give a function/,
  );
  assert.match(await refusal(shipJob({} as never)), /^build-failed: the job: /);
});

test("a file exports the function that is called for lines", async () => {
  const write = (text: string) => {
    const file = join(folder, `f${text.length}.ts`);
    writeFileSync(file, text);
    return file;
  };
  const good = write("const n: number = 2; export default (line: string) => line.repeat(n);");
  assert.deepEqual(await called((await shipFile(good, { params: {} })).code, [0, "ab"]), [
    ["abab"],
  ]);
  const ship = (text: string) => refusal(shipFile(write(text), { params: {} }));
  assert.match(
    await ship("export const f = 1;"),
    /has no default export: write `export default \(line\)/,
  );
  assert.match(await ship("export default 3;"), /exports no function by default/);
  assert.match(
    await ship("let n = 0; export default () => n++;"),
    /the function uses "n", which is assigned/,
  );
  assert.match(await refusal(shipFile("none.ts", { params: {} })), /^bad-request: .*no such file/);
});
