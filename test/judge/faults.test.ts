/** The same fault of job code has the same code and the same words under the judge and on a worker:
 *  one row a fault, through both. One cluster and two jobs serve all rows; tabs, whose tasks run
 *  the very code of a worker's, are compared in `judge/thrown.test.ts`. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { withEmbedded } from "../../src/cli/job/embedded.ts";
import { ClusterError } from "../../src/core/error.ts";
import type { JobSummary } from "../../src/core/summary.ts";
import { hostId } from "../../src/link/host.ts";
import { type BuiltJob, bundleJob } from "../../src/sdk/bundle.ts";
import type { Client } from "../../src/sdk/client.ts";
import { type JobResult, jobResult } from "../../src/sdk/collect.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { type Planned, planJob } from "../../src/sdk/plan.ts";
import { submitJob } from "../../src/sdk/submit.ts";
import { testMaxMs } from "../../src/store/testing/patience.ts";
import { failureOf } from "../../src/worker/process/failure.ts";
import { Place } from "../fixtures/place.ts";

/** Body of a function, and what the outcome must match. */
const rows: Readonly<Record<string, readonly [body: string, outcome: RegExp]>> = {
  error: [
    "throw new RangeError('no');",
    /^user-error: run threw RangeError: no \(items\.ts:\d+\) on/,
  ],
  text: ["throw 'no';", /^user-error: run threw "no" on item 0$/],
  nothing: ["throw undefined;", /run threw undefined on item 0$/],
  map: ["throw new Map([['a', 1]]);", /run threw Map \{"a" => 1\} on item 0$/],
  hostile: [
    "throw new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } });",
    /^user-error: run threw something that cannot be shown on item 0$/,
  ],
  hostileError: ["throw new Proxy(new Error('in'), { get() { throw 1; } });", /cannot be shown/],
  rejected: ["return Promise.reject(new Error('no'));", /run threw Error: no .* on item 0$/],
  thenable: [
    "return { then(_, no) { no(new Error('no')); } };",
    /run threw Error: no .* on item 0$/,
  ],
  hostileThen: [
    "return { get then() { throw new Error('then'); } };",
    /run threw Error: then .* item 0/,
  ],
  getter: [
    "return { get a() { throw new Error('read'); } };",
    /run threw Error: read .* on item 0$/,
  ],
  nan: ["return [1, NaN];", /^user-error: NaN at \[1\] in the result of item 0 cannot be stored/],
  infinity: ["return { a: -Infinity };", /^user-error: -Infinity at \.a in the result of item 0/],
  bigint: ["return { a: 1n };", /^user-error: a bigint at \.a in the result of item 0 cannot/],
  function: ["return () => 1;", /^user-error: a function in the result of item 0 cannot/],
  symbol: ["return Symbol('s');", /^user-error: a symbol in the result of item 0 cannot/],
  date: ["return new Date(0);", /^user-error: an instance of Date in the result of item 0/],
  maps: ["return { a: new Map() };", /an instance of Map at \.a in the result of item 0/],
  instance: ["return new (class P {})();", /^user-error: an instance of P in the result/],
  toJson: ["return { toJSON: () => 1 };", /^user-error: a function at \.toJSON in the result/],
  cycle: ["const a = []; a.push(a); return a;", /^user-error: a value over 200 levels deep/],
  large: ["return 'x'.repeat(1048575);", /^limit-exceeded: the result of item 0 has 1048577 bytes/],
  largest: ["return 'x'.repeat(1048574);", /^"x+"\n$/],
  undefined: ["return { a: undefined, b: [undefined] };", /^\{"b":\[null\]\}\n$/],
  none: ["", /^null\n$/],
  zero: ["return [-0, 2 ** 53, 1e21, 1e-7];", /^\[0,9007199254740992,1e\+21,1e-7\]\n$/],
  bytes: ["return new Uint8Array([1, 2]);", /^"AQI="\n$/],
  proto: ["return JSON.parse('{\"__proto__\":1}');", /^\{"__proto__":1\}\n$/],
  surrogate: ["return '\\ud800';", /^"\\ud800"\n$/],
  count: [
    "runtime().count('c', NaN);",
    /^user-error: (run threw .*)?count\("c", NaN\): not a number/,
  ],
  countName: [
    "runtime().count('c'.repeat(201), 1);",
    /count: a counter's name is a string of up to/,
  ],
  countMany: [
    "for (let i = 0; i <= 1000; i++) runtime().count('c' + i, 1);",
    /count: more than 1000 counters in one attempt/,
  ],
  late: [
    "return new Promise(() => {});",
    /^timed-out: it was stopped, since it had not ended after 1000 ms$/,
  ],
};

const itemsJob = `import { tasks } from "tequio";
// @ts-nocheck
const runtime = () => globalThis[Symbol.for("tequio.runtime")];
const faults = {
${Object.entries(rows)
  .map(([name, [body]]) => `  ${name}() { ${body} },`)
  .join("\n")}
};
export default tasks({
  attempts: 1,
  timeoutMs: 1000,
  items: () => [globalThis.faultOfTest],
  run: (name) => faults[name](),
});
`;

/** Of `mapReduce`: bodies of map for a line, of combine and reduce for its key. */
const pairRows: Readonly<Record<string, readonly [bodies: string, outcome: RegExp]>> = {
  mapThrows: [
    "map: () => { throw new Error('m'); }",
    /^user-error: map threw Error: m .* on the record/,
  ],
  mapAsync: ["map: async () => {}", /^user-error: map returned a promise, .* on the record at/],
  mapThenable: ["map: () => ({ then() {} })", /^user-error: map returned a promise/],
  key: [
    "map: (l, emit) => emit({}, 1)",
    /^user-error: an object is a key in map; keys are .* on the/,
  ],
  keyNan: ["map: (l, emit) => emit(NaN, 1)", /^user-error: NaN is a key in map/],
  keyNone: ["map: (l, emit) => emit(undefined, 1)", /^user-error: undefined is a key in map/],
  keyBig: ["map: (l, emit) => emit(1n, 1)", /^user-error: a bigint is a key in map/],
  keyDate: ["map: (l, emit) => emit(new Date(0), 1)", /^user-error: an object is a key in map/],
  keyZero: [
    "map: (l, emit) => emit([-0, 2 ** 53], 1)",
    /^\{"key":\[0,9007199254740992\],"value":1\}\n$/,
  ],
  value: ["map: (l, emit) => emit(l, new Set())", /^user-error: an instance of Set in map cannot/],
  valueBig: ["map: (l, emit) => emit(l, [1n])", /^user-error: a bigint at \[0\] in map cannot/],
  valueNan: [
    "map: (l, emit) => emit(l, NaN)",
    /^user-error: NaN in (map|reduce) cannot be stored; use strings, fi/,
  ],
  valueNone: ["map: (l, emit) => emit(l, undefined)", /^(\{.*"value":null\}\n)?$/],
  valueGetter: [
    "map: (l, emit) => emit(l, { get a() { throw new Error('g'); } })",
    /^user-error: map threw Error: g .* on the record/,
  ],
  reduceThrows: [
    "reduce: () => { throw new Map([[1, 2]]); }",
    /^user-error: reduce threw Map \{1 => 2\} on key "reduceThrows"$/,
  ],
  reduceAsync: [
    "reduce: async () => {}",
    /^user-error: reduce returned a promise, .* on key "reduceA/,
  ],
  reduceDate: [
    "reduce: () => new Date(0)",
    /^user-error: an instance of Date in reduce .* on key "r/,
  ],
  reduceNan: [
    "reduce: () => NaN",
    /^user-error: NaN in reduce cannot be stored; .* on key "reduceNan"$/,
  ],
  reduceKey: [
    "reduce: (k, v, { emit }) => emit(undefined, 1)",
    /^user-error: undefined in reduce cannot be stored|^user-error: undefined is a key in reduce/,
  ],
  reduceTwice: [
    "reduce: (k, values) => { [...values]; [...values]; }",
    /^user-error: values can be read only once/,
  ],
  reduceNone: ["reduce: () => undefined", /^$/],
  reduceZero: ["reduce: () => -0", /"value":0\}\n$/],
};

const pairsJob = (more: string) => `import { mapReduce, text } from "tequio";
// @ts-nocheck
const faults = {
${Object.entries(pairRows)
  .map(([name, [bodies]]) => `  ${name}: { ${bodies} },`)
  .join("\n")}
};
export default mapReduce({
  attempts: 1, input: text.lines(),
  map(line, emit) {
    const { map } = faults[line];
    return map === undefined ? emit(line, 1) : map(line, emit);
  },
  ${more}
});
`;
const reducing = `reducers: 1,
  reduce(key, values, context) {
    const { reduce } = faults[key] ?? {};
    return reduce === undefined ? [...values][0] : reduce(key, values, context);
  },`;

async function textOf(result: JobResult): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (const part of result.parts) for await (const chunk of part.read()) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function judged({ file, job }: BuiltJob, planned: Planned): Promise<string> {
  try {
    return await textOf((await runLocal(job, planned)).result);
  } catch (error) {
    assert.ok(error instanceof ClusterError, String(error));
    // A place in this file is none of the job.
    const { message } = failureOf(error, dirname(file));
    return `${error.code}: ${message.replace(/ \(faults\.test[^)]*\)$/, "")}`;
  }
}

const ofTask = /^(?:map |reduce )?task \d+(?: failed \d of \d attempts; last)?: /;

async function worked(client: Client, built: BuiltJob, planned: Planned): Promise<string> {
  const job = await submitJob(client, built, planned, { name: "faults" });
  let ended: JobSummary | undefined;
  for await (const summary of client.watch(job)) ended = summary;
  assert.ok(ended !== undefined);
  const { failure } = ended;
  if (failure !== null) return `${failure.code}: ${failure.message.replace(ofTask, "")}`;
  return textOf(await jobResult(client, ended));
}

test("each fault of job code has one code and one text, under the judge and on a worker", {
  timeout: testMaxMs,
}, async (t) => {
  const place = new Place(t, {
    "items.ts": itemsJob,
    "pairs.ts": pairsJob(reducing),
    "rows.ts": pairsJob("reducers: 0,"),
    "kept.ts": pairsJob('reducers: 0, badRecords: "keep",'),
  });
  const [items, pairs, plain, kept] = await Promise.all(
    ["items.ts", "pairs.ts", "rows.ts", "kept.ts"].map((name) => bundleJob(join(place.dir, name))),
  );
  const options = { slots: 1, memoryBytes: 256 * 1024 * 1024, isPython: false };
  await withEmbedded(options, async (client) => {
    const compare = async (built: BuiltJob, name: string, inputs: string[], outcome: RegExp) => {
      const planned = await planJob(built.job, { inputs, params: {}, host: hostId() });
      const [judge, worker] = [await judged(built, planned), await worked(client, built, planned)];
      assert.match(judge, outcome, name);
      assert.equal(worker, judge, name);
    };
    for (const [name, [, outcome]] of Object.entries(rows)) {
      (globalThis as Record<string, unknown>).faultOfTest = name;
      await compare(items!, name, [], outcome);
    }
    for (const [name, [, outcome]] of Object.entries(pairRows)) {
      const input = place.write(`${name}.txt`, `${name}\n`);
      await compare(pairs!, name, [input], outcome);
      if (name.startsWith("reduce")) continue;
      // What cannot be written sets its record aside; it does not fail the job.
      if (name === "valueNan") await compare(kept!, `${name} kept`, [input], /^$/);
      await compare(plain!, `${name} without reduce`, [input], outcome);
    }
  });
});
