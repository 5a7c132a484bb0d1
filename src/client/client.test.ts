/** Programs that use a cluster, with one inside this process. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bytes, count, type Emit, mapReduce, type Params, sum, tasks, text } from "../index.ts";
import { newFolder, removeFolder } from "../store/testing/at-end.ts";
import { polled } from "../store/testing/polled.ts";
import { CallFailed, type Cluster, ClusterError, connect, type FailedTask } from "./index.ts";

const factor = 3;
const twice = (n: number): number => 2 * n;

let cluster: Cluster;
let folder = "";

before(async () => {
  folder = newFolder("tequio-client-");
  cluster = await connect({ local: true, slots: 2 });
});
after(async () => {
  await cluster.close();
  removeFolder(folder);
});

/** Numbers without end, and how many were taken. */
function counting() {
  const taken = { count: 0, isEnded: false };
  const numbers = async function* () {
    try {
      for (; ; taken.count++) yield taken.count;
    } finally {
      taken.isEnded = true;
    }
  };
  return { taken, numbers };
}

async function codeOf(work: () => PromiseLike<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return error instanceof ClusterError ? error.message : String(error);
  }
  return "nothing was thrown";
}

test("a function is called for each item, with what it uses, in order", async () => {
  const results = cluster.map([1, 2, 3], (n, { index }) => [twice(n) * factor, index]);
  assert.deepEqual(await results.toArray(), [
    [6, 0],
    [12, 1],
    [18, 2],
  ]);
});

test("chunks and windows change neither results nor indexes", async () => {
  const items = Array.from({ length: 25 }, (_, n) => n);
  const call = (n: number, { index, params }: { index: number; params: { add: number } }) =>
    n * 1_000 + index + params.add;
  const settings = { params: { add: 500 }, chunk: 3, window: 7 };
  const expected = items.map((n) => n * 1_000 + n + 500);
  assert.deepEqual(await cluster.map(items, call, settings).toArray(), expected);
  const loose = await cluster.map(items, call, { ...settings, ordered: false }).toArray();
  assert.deepEqual(
    loose.sort((a, b) => a - b),
    expected,
  );
});

test("an endless list is taken as far as its results are, and ends with the loop", async () => {
  const { numbers, taken } = counting();
  let given = 0;
  for await (const result of cluster.map(numbers(), (n) => n + 1, { window: 10 })) {
    assert.equal(result, ++given);
    assert.ok(taken.count <= given + 20, `${taken.count} taken, ${given} given`);
    if (given === 100) break;
  }
  assert.ok(taken.isEnded);
});

test("results come while the job runs", async () => {
  const wait = async (n: number) => {
    if (n === 0) await new Promise((resolve) => setTimeout(resolve, 60_000));
    return n;
  };
  const running = cluster.run(tasks({ items: [2, 1, 0], run: wait }));
  const given: number[] = [];
  for await (const result of running.results({ ordered: false })) {
    given.push(result);
    if (given.length === 2) break;
  }
  assert.deepEqual(given.sort(), [1, 2]);
  assert.equal((await running.summary()).state, "running");
  await running.cancel();
  assert.match(await codeOf(() => running), /^conflict: j-\d+ was cancelled$/);
});

test("a list that keeps going leaves out what failed, and names it with its item", async () => {
  const job = tasks({
    items: [{ n: 1 }, { n: 2 }, { n: 3 }],
    attempts: 1,
    run({ n }) {
      if (n === 2) throw new RangeError("two is odd");
      return n === 3 ? null : n * n;
    },
  });
  const running = cluster.run(job, { keepGoing: true });
  const given: unknown[] = [];
  for await (const result of running) given.push(result);
  assert.deepEqual(given, [1, null]);
  const loose: unknown[] = [];
  for await (const result of running.results({ ordered: false })) loose.push(result);
  assert.deepEqual(loose.sort(), [1, null]);
  const result = await running;
  assert.equal(result.tasksFailed, 1);
  assert.deepEqual(await result.toArray(), [1, null]);
  const [file] = await result.files();
  assert.equal(await file?.text(), "1\nnull\n");
  const failed: FailedTask[] = [];
  for await (const one of result.failedTasks()) failed.push(one);
  assert.deepEqual([failed.length, failed[0]?.task, failed[0]?.code], [1, 1, "user-error"]);
  assert.deepEqual(failed[0]?.item, { n: 2 });
  assert.match(failed[0]?.message ?? "", /two is odd/);
  const words = cluster.run(text.words().count(), { inputs: "README.md", keepGoing: true });
  assert.equal(
    await codeOf(() => words),
    "bad-request: keepGoing is for lists of tasks; leave it out",
  );
});

test("an item that cannot be had is thrown behind the results of those before it", async () => {
  const ends = { items: 0 };
  const broken = function* () {
    try {
      yield 1;
      yield 2;
      throw new RangeError("no third item");
    } finally {
      ends.items++;
    }
  };
  const unsent = function* () {
    try {
      yield* [1, 2, 3n, 4];
    } finally {
      ends.items++;
    }
  };
  for (const [items, wanted] of [
    [broken, /no third item/],
    [unsent, /bigint/],
  ] as const) {
    const given: unknown[] = [];
    const all = async () => {
      const results = cluster.map(items() as Iterable<number>, (n) => n * 10);
      for await (const result of results) given.push(result);
    };
    await assert.rejects(all, wanted);
    assert.deepEqual(given, [10, 20]);
  }
  assert.equal(ends.items, 2);
});

test("rows of operators are what their types say", async () => {
  const file = join(folder, "shops.csv");
  await writeFile(file, "shop,price\nb,2\na,1\nb,\n");
  const shops = text.csv(["shop", "price"]);
  const sorted = cluster.run(text.lines().sort(), { inputs: file });
  const lines: string[] = await (await sorted).toArray();
  assert.deepEqual(lines, ["a,1", "b,", "b,2", "shop,price"]);
  const totals = shops.by("shop").aggregate({ total: sum("price"), orders: count() });
  const asText = cluster.run(totals.with({ output: "text" }), { inputs: file });
  const texts: { readonly shop: string; readonly orders: string }[] = await (
    await asText
  ).toArray();
  assert.deepEqual(texts, [
    { shop: "a", total: "1", orders: "1" },
    { shop: "b", total: "2", orders: "2" },
  ]);
  const sums: number[] = [];
  for await (const { total } of cluster.run(totals, { inputs: file })) sums.push(total ?? 0);
  assert.deepEqual(sums, [1, 2]);
});

test("large results come whole", async () => {
  const job = tasks({ items: [3, 300_000, 2], run: (n: number) => "é".repeat(n) });
  const lengths: number[] = [];
  for await (const result of cluster.run(job)) lengths.push(result.length);
  assert.deepEqual(lengths, [3, 300_000, 2]);
});

test("what a function throws is thrown at its place, with the lines of this file", async () => {
  const given: number[] = [];
  const failing = (n: number) => {
    if (n === 2) throw new RangeError("no two");
    return n;
  };
  await assert.rejects(
    async () => {
      for await (const result of cluster.map([0, 1, 2, 3], failing)) given.push(result);
    },
    (error: CallFailed) => {
      assert.ok(error instanceof CallFailed && error.code === "user-error");
      assert.deepEqual([error.index, error.exception], [2, "RangeError"]);
      assert.match(error.message, /RangeError: no two \(client\.test\.ts:\d+\), for item 2$/);
      assert.match(error.remoteStack, /^at client\.test\.ts:\d+:\d+$/);
      return true;
    },
  );
  assert.deepEqual(given, [0, 1]);
});

test("an abort ends a mapping, whose job is cancelled, and whose source ends", async () => {
  const { numbers, taken } = counting();
  const stop = new AbortController();
  const slow = (n: number) => new Promise<number>((resolve) => setTimeout(resolve, 60_000, n));
  const results = cluster.map(numbers(), slow, { window: 5, name: "slow", signal: stop.signal });
  const ended = assert.rejects(results.next(), /^Error: enough$/);
  const isRunning = async () => (await cluster.jobs()).some(({ name }) => name === "slow");
  await polled(isRunning, Boolean);
  stop.abort(new Error("enough"));
  await ended;
  assert.ok(taken.isEnded);
  const states = (await cluster.jobs()).filter(({ name }) => name === "slow");
  assert.ok(states.every(({ state }) => state === "cancelled"));
});

test("jobs of a long mapping do not fill the coordinator", async () => {
  const items = Array.from({ length: 40 }, (_, n) => n);
  await cluster.map(items, twice, { window: 2, name: "many" }).toArray();
  // Removing is not waited for.
  const left = async () => (await cluster.jobs()).filter(({ name }) => name === "many").length;
  await polled(left, (count) => count <= 8);
});

test("a job of the program runs, and its rows have its types", async () => {
  const file = join(folder, "words.txt");
  await writeFile(file, "to be or not to be\n");
  const job = mapReduce({
    params: { least: 1 },
    input: text.lines(),
    map(line, emit: Emit<string, number>, { params }) {
      for (const word of line.split(" ")) if (word.length >= params.least) emit(word, factor);
    },
    combine: (a, b) => a + b,
    reducers: 1,
  });
  const running = cluster.run(job, { inputs: file, params: { least: 2 } });
  const seen: number[] = [];
  for await (const { tasksDone, taskCount } of running.progress()) {
    assert.equal(taskCount, 2);
    seen.push(tasksDone);
  }
  assert.equal(seen.at(-1), 2);
  const result = await running;
  const rows = await result.toArray();
  const [first] = rows;
  const key: string | undefined = first?.[0];
  const value: number | undefined = first?.[1];
  assert.deepEqual([key, value], ["be", 6]);
  assert.deepEqual(Object.fromEntries(rows), { be: 6, not: 3, or: 3, to: 6 });
  const [part] = await result.files();
  assert.deepEqual([part?.name, await part?.text()].length, 2);
  const [saved] = await result.save(join(folder, "out"));
  assert.equal(saved, join(folder, "out", "part-00000.ndjson"));
  assert.match(await codeOf(() => result.save(join(folder, "out"))), /^conflict: /);
});

test("operators, several inputs and other formats", async () => {
  const file = join(folder, "pets.csv");
  await writeFile(file, "name,kind\nTom,cat\nRex,dog\nMia,cat\n");
  const kinds = await cluster.run(text.csv(["kind"]).count(), { inputs: [file] });
  assert.deepEqual(await kinds.toArray(), [
    ["cat", 2],
    ["dog", 1],
  ]);
  const sorted = await cluster.run(bytes.records(1).sort(), { inputs: file });
  assert.match(await codeOf(() => sorted.toArray()), /^bad-request: .* read its `files`$/);
  const [lines] = await sorted.files();
  assert.match((await lines?.text()) ?? "", /^\n\n\n\n,,,,MRTaaaaccddee/);
  const both = mapReduce({
    inputs: {
      left: { map: (_: string, emit: Emit<string, string>) => emit("x,y", "l") },
      right: { map: (_: string, emit: Emit<string, string>) => emit("x,y", "r") },
    },
    reduce: (_, values) => [...values].sort().join(""),
    output: "csv",
  });
  const joined = await cluster.run(both, { inputs: { left: file, right: [file] } });
  assert.deepEqual(await joined.toArray(), [["x,y", "llllrrrr"]]);
});

test("a job that fails says why, where it is awaited", async () => {
  const job = tasks({
    items: [1],
    attempts: 1,
    run() {
      throw new TypeError("broken");
    },
  });
  const running = cluster.run(job);
  assert.match(await running.id, /^j-\d+$/);
  assert.match(await codeOf(() => running), /^user-error: j-\d+ failed: .*TypeError: broken/);
  assert.match(await codeOf(() => cluster.run(job).results().next()), /^user-error: /);
  const local = 1;
  const captured = tasks({ items: [1], run: (n: number) => n + local });
  assert.match(await codeOf(() => cluster.run(captured)), /uses "local", which is a variable/);
  assert.match(await codeOf(() => cluster.run("no-such.ts")), /^bad-request: cannot read/);
  assert.match(await codeOf(() => cluster.map([1], Math.abs).next()), /^build-failed: .*built in/);
  assert.match(
    await codeOf(() => cluster.map([1n], twice as never).next()),
    /^bad-request: .*item 0/,
  );
  assert.throws(() => cluster.map([1], twice, { chunk: 0 }), /chunk is 0/);
});

test("an abort cancels a job that was run", async () => {
  const stop = new AbortController();
  const run = () => new Promise<null>((resolve) => setTimeout(resolve, 60_000, null));
  const running = cluster.run(tasks({ items: [1], run }), { signal: stop.signal });
  const id = await running.id;
  stop.abort(new Error("enough"));
  assert.equal(await codeOf(() => running), "Error: enough");
  assert.match(await codeOf(() => cluster.job(id)), /^conflict: j-\d+ was cancelled$/);
});

test("types of parameters and results are those of the job", () => {
  const typed = () => {
    const job = tasks({ params: { rate: 1 }, items: [1], run: (n: number) => ({ half: n / 2 }) });
    const row: AsyncIterable<{ half: number }> = cluster.run(job, { params: { rate: 2 } });
    // @ts-expect-error a parameter of another type
    cluster.run(job, { params: { rate: "2" } });
    // @ts-expect-error no such parameter
    cluster.run(job, { params: { rates: 2 } });
    // @ts-expect-error items of another type
    cluster.map(["1"], twice);
    const mapped: AsyncIterable<number> = cluster.map([1], twice);
    return [row, mapped] satisfies unknown[];
  };
  assert.equal(typeof typed, "function");
  const none: Params = {};
  assert.deepEqual(none, {});
});
