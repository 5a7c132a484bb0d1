/** How a job is cut into tasks, and what cannot be planned. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { mapReduce, ndjson, tasks, text } from "../index.ts";
import { temporaryDir } from "../store/testing/at-end.ts";
import { csv } from "./format.ts";
import type { Job } from "./job.ts";
import { planBlob } from "./plan/of-found.ts";
import { jobSpecOf } from "./plan/spec.ts";
import { type PlanOptions, planJob } from "./plan.ts";

const lines = mapReduce({ map() {} });
const names = { name: "test", codeHash: "c", planHash: "p" };

/** Plans a job over files of the given sizes, named in order. */
async function planned(
  t: TestContext,
  job: Job,
  sizes: Record<string, number>,
  options: Partial<PlanOptions> = {},
) {
  const folder = temporaryDir(t, "plan-test-");
  const inputs: string[] = [];
  for (const [name, sizeBytes] of Object.entries(sizes)) {
    const start = name.endsWith(".gz") ? Buffer.from("1f8b08", "hex") : Buffer.alloc(0);
    const content = Buffer.concat([start, Buffer.alloc(sizeBytes, "x")]);
    await writeFile(join(folder, name), content.subarray(0, sizeBytes));
    inputs.push(join(folder, name));
  }
  return planJob(job, { inputs, params: {}, host: "here", ...options });
}

test("small files share a split, big ones are cut into equal ranges", async (t) => {
  const sizes = { a: 3, b: 4, c: 4, d: 25, e: 10, f: 1 };
  const { plan, inputBytes } = await planned(t, lines, sizes, { splitBytes: 10 });
  assert.equal(inputBytes, 47);
  assert.deepEqual(
    plan.splits.map((s) => s.pieces),
    [
      [
        [0, 0, 3],
        [1, 0, 4],
      ],
      [[2, 0, 4]],
      [[3, 0, 8]],
      [[3, 8, 17]],
      [[3, 17, 25]],
      [[4, 0, 10]],
      [[5, 0, 1]],
    ],
  );
});

test("a compressed file is one split; whole files and multi-line CSV are not cut", async (t) => {
  const packed = await planned(t, lines, { "a.gz": 25, "b.gz": 4, c: 2 }, { splitBytes: 10 });
  assert.deepEqual(
    packed.plan.splits.map((s) => s.pieces),
    [[[0, 0, 25]], [[1, 0, 4]], [[2, 0, 2]]],
  );
  for (const job of [
    mapReduce({ input: text.file(), map() {} }),
    mapReduce({ input: csv({ multiline: true }), map() {} }),
  ]) {
    const { plan } = await planned(t, job, { a: 25, b: 2, c: 2 }, { splitBytes: 10 });
    assert.deepEqual(
      plan.splits.map((s) => s.pieces),
      [
        [[0, 0, 25]],
        [
          [1, 0, 2],
          [2, 0, 2],
        ],
      ],
    );
  }
});

test("empty files are in no split, and no input bytes make no map task", async (t) => {
  const result = await planned(t, lines, { a: 0, b: 0 });
  assert.deepEqual(result.plan.splits, []);
  assert.equal(result.plan.reducers, 1);
  assert.deepEqual(
    jobSpecOf(lines, result, names).stages.map((s) => s.taskCount),
    [0, 1],
  );
});

test("splits of different inputs are never mixed", async (t) => {
  const job = mapReduce({ inputs: { l: { map() {} }, r: { input: ndjson(), map() {} } } });
  const folder = temporaryDir(t, "plan-test-");
  await writeFile(join(folder, "a"), "1");
  const given = ["l", "r", "l"].map((n) => `${n}=${join(folder, "a")}`);
  const { plan } = await planJob(job, { inputs: given, params: {}, host: "here" });
  assert.deepEqual(
    plan.splits.map((s) => s.input),
    ["l", "r", "l"],
  );
});

test("a spec has map and reduce, map alone, or tasks", async (t) => {
  const both = jobSpecOf(lines, await planned(t, lines, { a: 9 }, { reducers: 3 }), names);
  assert.deepEqual(
    both.stages.map((s) => [s.kind, s.taskCount, s.inputStage, s.partitionCount, s.inputBytes]),
    [
      ["map", 1, null, 3, 9],
      ["reduce", 3, 0, 0, 0],
    ],
  );
  assert.deepEqual(both.locality, { hosts: ["here"], taskHost: [0] });
  const only = jobSpecOf(lines, await planned(t, lines, { a: 9 }, { reducers: 0 }), names);
  assert.deepEqual(
    only.stages.map((s) => [s.kind, s.partitionCount]),
    [["map", 0]],
  );
  const job = tasks({
    items: [1, 2],
    run: (i) => i,
    attempts: 2,
    timeoutMs: 50,
    backupTasks: false,
    output: "csv",
  });
  const listed = jobSpecOf(job, await planned(t, job, {}), names);
  assert.deepEqual(
    listed.stages.map((s) => [s.kind, s.taskCount, s.timeoutMs]),
    [["tasks", 2, 50]],
  );
  assert.equal(listed.limits.userErrorMax, 2);
  assert.equal(listed.backupTasks, false);
  assert.equal(listed.output, "csv");
  assert.equal(both.output, "ndjson");
});

test("the same plan has the same bytes", async (t) => {
  const result = await planned(t, lines, { a: 9 });
  assert.deepEqual(planBlob(result.plan), planBlob(structuredClone(result.plan)));
});

test("items are listed once, as a line of JSON each, from the parameters", async (t) => {
  let calls = 0;
  const job = tasks({
    params: { count: 2 },
    items({ count }) {
      calls++;
      return Array.from({ length: count }, (_, n) => ({ n, text: "a\nb" }));
    },
    run: (item) => item.n,
  });
  const { plan, uploads } = await planned(t, job, {}, { params: { count: "3" } });
  assert.equal(calls, 1);
  assert.equal(plan.items?.count, 3);
  const at = uploads[0]?.at;
  const expected = [0, 1, 2].map((n) => `{"n":${n},"text":"a\\nb"}\n`).join("");
  assert.equal(at?.kind === "bytes" ? Buffer.from(at.bytes).toString() : "", expected);
});

const wrongItems: ReadonlyArray<readonly [unknown, RegExp]> = [
  [[1, () => 2], /a function in item 1/],
  [[1, 2, undefined], /item 2 is undefined/],
  [[{ when: new Date() }], /an instance of Date at \.when in item 0/],
  [[Number.NaN], /NaN in item 0/],
];

for (const [items, message] of wrongItems) {
  test(`items must be JSON: ${message.source}`, async (t) => {
    const job = tasks({ items: items as number[], run: (i) => i });
    await assert.rejects(planned(t, job, {}), { code: "bad-request", message });
  });
}

test("items that throw fail the build, and a list of tasks takes no inputs", async (t) => {
  const job = tasks({
    items: (): number[] => {
      throw new Error("no list");
    },
    run: (i) => i,
  });
  await assert.rejects(planned(t, job, {}), { code: "build-failed", message: /no list/ });
  await assert.rejects(planned(t, tasks({ items: [1], run: (i) => i }), { a: 1 }), {
    code: "bad-request",
    message: /a list of tasks reads no inputs/,
  });
});

const typed = mapReduce({
  params: { word: "a", limit: 3, loud: false, list: [1], free: null },
  map() {},
});

test("a parameter that no number holds exactly is refused, also inside of others", async (t) => {
  for (const params of [{ limit: "9007199254740993" }, { list: "[1,-9007199254740993]" }]) {
    const built = planned(t, typed, { a: 1 }, { params });
    await assert.rejects(
      built,
      /bad-request: parameter l.* has -?9007199254740993, which no number/,
    );
  }
  const exact = { limit: "9007199254740992", word: "9007199254740993", free: "1.1" };
  const { plan } = await planned(t, typed, { a: 1 }, { params: exact });
  assert.deepEqual([plan.params.limit, plan.params.free], [2 ** 53, 1.1]);
});

test("parameters are read by the type of their default", async (t) => {
  const params = { word: "3", limit: "4", loud: "true", list: '["x"]', free: "any text" };
  const { plan } = await planned(t, typed, { a: 1 }, { params });
  assert.deepEqual(plan.params, { word: "3", limit: 4, loud: true, list: ["x"], free: "any text" });
  const { plan: defaults } = await planned(t, typed, { a: 1 });
  assert.deepEqual(defaults.params, { word: "a", limit: 3, loud: false, list: [1], free: null });
});

const wrongParams: ReadonlyArray<readonly [Record<string, unknown>, RegExp]> = [
  [{ limit: "many" }, /parameter limit is "many"; give a number/],
  [{ limit: "true" }, /give a number/],
  [{ loud: "1" }, /give a boolean/],
  [{ list: "{}" }, /parameter list is .*; give an array in JSON/],
  [{ word: 3 }, /give a string/],
  [{ limits: "3" }, /unknown parameter "limits"; the job has word, .*Did you mean "limit"\?/],
  [{ free: () => 1 }, /a function in parameter free/],
];

for (const [params, message] of wrongParams) {
  test(`a wrong parameter is refused: ${JSON.stringify(params)}`, async (t) => {
    const refused = planned(t, typed, { a: 1 }, { params });
    await assert.rejects(refused, { code: "bad-request", message });
  });
}

test("numbers out of their limits are refused, and the limit is named", async (t) => {
  const cases: ReadonlyArray<readonly [Partial<PlanOptions>, RegExp]> = [
    [{ reducers: 10_000_000 }, /reducers is 10000000; .* from 0 to 100000/],
    [{ reducers: -1 }, /reducers is -1/],
    [{ splitBytes: 0 }, /splitBytes is 0/],
    [{ spillBytes: 1.5 }, /spillBytes is 1\.5/],
  ];
  for (const [options, message] of cases) {
    const refused = planned(t, lines, { a: 1 }, options);
    await assert.rejects(refused, { code: "bad-request", message });
  }
  const plan = await planned(t, lines, { a: 1 });
  const wrong: ReadonlyArray<readonly [object, RegExp]> = [
    [{ timeoutMs: -1 }, /timeoutMs is -1/],
    [{ attempts: 101 }, /attempts is 101; it must be a whole number from 1 to 100/],
  ];
  for (const [options, message] of wrong) {
    const job = mapReduce({ map() {}, ...options });
    assert.throws(() => jobSpecOf(job, plan, names), { code: "bad-request", message });
  }
  assert.throws(() => jobSpecOf(lines, plan, { ...names, name: "" }), { message: /1 to 200/ });
  assert.throws(() => jobSpecOf(lines, plan, { ...names, weight: 0 }), { message: /weight is 0/ });
});
