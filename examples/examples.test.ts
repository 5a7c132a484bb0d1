/** Every example does what its README says: run by the judge, compared with an answer found another
 *  way. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { bundleJob } from "../src/sdk/bundle.ts";
import type { JobResult } from "../src/sdk/collect.ts";
import { runLocal } from "../src/sdk/local.ts";
import { planJob } from "../src/sdk/plan.ts";
import { noPython } from "../test/python/cluster.ts";

const folder = import.meta.dirname;

async function run(
  example: string,
  inputs: readonly string[],
  params: Record<string, unknown> = {},
  file = "job.ts",
): Promise<{ texts: string[]; bad: string; counters: Readonly<Record<string, number>> }> {
  const { job } = await bundleJob(join(folder, example, file));
  const paths = inputs.map((input) => {
    const [name, path] = input.includes("=") ? input.split("=") : ["", input];
    return `${name === "" ? "" : `${name}=`}${join(folder, example, path!)}`;
  });
  // Small splits, so that combining over several of them is part of every test.
  const planned = await planJob(job, { inputs: paths, params, host: "here", splitBytes: 400 });
  const { result, counters } = await runLocal(job, planned);
  return {
    texts: await textsOf(result.parts),
    bad: (await textsOf(result.badRecords)).join(""),
    counters,
  };
}

function textsOf(parts: JobResult["parts"]): Promise<string[]> {
  return Promise.all(
    parts.map(async (part) => {
      let text = "";
      for await (const chunk of part.read()) text += Buffer.from(chunk).toString();
      return text;
    }),
  );
}

function pairs(text: string): Array<{ key: string; value: unknown }> {
  return lines(text).map((line) => JSON.parse(line) as { key: string; value: unknown });
}

function lines(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

function read(...path: string[]): string {
  return readFileSync(join(folder, ...path), "utf8");
}

function byKey<T>(a: readonly [string, T], b: readonly [string, T]): number {
  return Buffer.compare(Buffer.from(a[0]), Buffer.from(b[0]));
}

test("word-count counts words of every script", async () => {
  const { texts } = await run("word-count", ["books"]);
  const counts = new Map<string, number>();
  for (const book of readdirSync(join(folder, "word-count/books"))) {
    const words = read("word-count/books", book)
      .toLowerCase()
      .matchAll(/[\p{L}\p{N}']+/gu);
    for (const [word] of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const expected = [...counts].sort(byKey).map(([key, value]) => ({ key, value }));
  assert.deepEqual(texts.flatMap(pairs), expected);
  assert.equal(counts.get("boats"), 4);
  assert.equal(counts.get("海"), 2);
  assert.equal(counts.get("море"), 2);
});

test("word-count in Python gives the same bytes", { skip: noPython }, async () => {
  const typescript = await run("word-count", ["books"]);
  assert.deepEqual(await run("word-count", ["books"], {}, "job.py"), typescript);
});

const inBoth: Readonly<Record<string, readonly [inputs: readonly string[], params?: object]>> = {
  "distributed-grep": [["logs"], { pattern: "ERROR.*timeout" }],
  "inverted-index": [["docs"], { shortest: "4" }],
  join: [["users=users.csv", "orders=orders.ndjson"]],
  "log-sessions": [["views.ndjson"]],
  "most-frequent-words": [["../word-count/books"]],
  "sales-by-city": [["sales"]],
  "sort-orders": [["orders.csv"]],
  "top-k": [["readings.csv"], { k: 2 }],
};
for (const [example, [inputs, params = {}]] of Object.entries(inBoth)) {
  test(`${example} in Python gives the same bytes`, { skip: noPython }, async () => {
    const given = params as Record<string, unknown>;
    const typescript = await run(example, inputs, given);
    const { texts, counters } = await run(example, inputs, given, "job.py");
    assert.deepEqual(texts, typescript.texts);
    assert.deepEqual(counters, typescript.counters);
  });
}

test("monte-carlo-pi in Python comes near pi, each time alike", { skip: noPython }, async () => {
  const params = { seeds: 3, darts: 5_000 };
  const first = await run("monte-carlo-pi", [], params, "job.py");
  const results = lines(first.texts[0]!).map((line) => JSON.parse(line) as { pi: number });
  assert.equal(results.length, 3);
  for (const { pi } of results) assert.ok(Math.abs(pi - Math.PI) < 0.1, String(pi));
  assert.notEqual(results[0]!.pi, results[1]!.pi);
  assert.deepEqual(await run("monte-carlo-pi", [], params, "job.py"), first);
});

test("sort-orders has the greatest amounts first, and keeps the order of equal ones", async () => {
  const { texts } = await run("sort-orders", ["orders.csv"]);
  const rows = texts.join("").replace(/(?<!^)order,customer,amount\n/g, "");
  assert.deepEqual(
    lines(rows).map((row) => row.split(",")[0]),
    ["order", "1003", "1008", "1001", "1004", "1006", "1002", "1007", "1005"],
  );
  assert.ok(rows.includes("1008,Héloïse,1e3\n"));
});

test("inverted-index lists the files of a word, most often first", async () => {
  const { texts } = await run("inverted-index", ["docs"], { shortest: "4" });
  const index = new Map(texts.flatMap(pairs).map(({ key, value }) => [key, value]));
  assert.deepEqual(index.get("planet"), [
    ["mars.txt", 3],
    ["venus.txt", 2],
    ["titan.txt", 1],
  ]);
  assert.deepEqual(index.get("clouds"), [
    ["venus.txt", 2],
    ["titan.txt", 1],
  ]);
  assert.deepEqual(index.get("moon"), [["titan.txt", 1]]);
  assert.equal(index.has("the") || index.has("red"), false);
  assert.equal(index.size, new Set(index.keys()).size);
});

test("log-sessions sums up users, counts strays and sets broken lines aside", async () => {
  const { texts, bad, counters } = await run("log-sessions", ["views.ndjson"]);
  const users = new Map<string, Array<{ at: string; ms: number }>>();
  const broken: number[] = [];
  let strays = 0;
  let offset = 0;
  for (const line of lines(read("log-sessions/views.ndjson"))) {
    const user = line.match(/^{"user":"([^"]+)".*}$/)?.[1];
    if (!line.endsWith("}")) broken.push(offset);
    else if (user === undefined) strays++;
    else users.set(user, [...(users.get(user) ?? []), JSON.parse(line)]);
    offset += Buffer.byteLength(line) + 1;
  }
  const expected = [...users].sort(byKey).map(([key, views]) => ({
    key,
    value: {
      views: views.length,
      meanMs: Math.round(views.reduce((sum, v) => sum + v.ms, 0) / views.length),
      first: views[0]?.at,
      last: views.at(-1)?.at,
    },
  }));
  assert.deepEqual(texts.flatMap(pairs), expected);
  assert.deepEqual(counters, { "views without a user": strays, "bad records": broken.length });
  assert.deepEqual(
    lines(bad).map((line) => JSON.parse(line).offset),
    broken,
  );
  assert.ok(strays > 0 && broken.length > 0);
});

test("distributed-grep finds the lines that grep finds, in their order", async () => {
  const { texts } = await run("distributed-grep", ["logs"], { pattern: "ERROR.*timeout" });
  const expected: string[] = [];
  for (const log of ["api.log", "db.log"]) {
    let offset = 0;
    for (const line of lines(read("distributed-grep/logs", log))) {
      if (/ERROR.*timeout/.test(line)) expected.push(`${log}:${offset}\t${line}`);
      offset += Buffer.byteLength(line) + 1;
    }
  }
  assert.ok(texts.length > 10 && expected.length > 5);
  assert.deepEqual(texts.flatMap(lines), expected);
});

test("monte-carlo-pi gives one estimate per seed, in order, near pi", async () => {
  const { texts } = await run("monte-carlo-pi", [], { seeds: 5, darts: "50000" });
  const results = lines(texts[0]!).map((line) => JSON.parse(line) as { seed: number; pi: number });
  assert.deepEqual(
    results.map((r) => r.seed),
    [0, 1, 2, 3, 4],
  );
  for (const { pi } of results) assert.ok(Math.abs(pi - Math.PI) < 0.03, String(pi));
  const again = await run("monte-carlo-pi", [], { seeds: 5, darts: 50_000 });
  assert.deepEqual(again.texts, texts);
});

test("join gives every user and every order's owner one row", async () => {
  const { texts } = await run("join", ["users=users.csv", "orders=orders.ndjson"]);
  const sums = new Map<string, [orders: number, cents: number]>();
  for (const line of lines(read("join/orders.ndjson"))) {
    const { user, cents } = JSON.parse(line) as { user: string; cents: number };
    const [orders, sum] = sums.get(user) ?? [0, 0];
    sums.set(user, [orders + 1, sum + cents]);
  }
  const names = ["Ana", "Bo", "Chidi", "Dana", "Emil", "Fatou", "Gö", "Hana, the second", null];
  const cities = ["Oaxaca", "Lagos", "Kyiv", "Łódź"];
  const expected = names.map((name, i) => {
    const [orders, cents] = sums.get(`u${i + 1}`) ?? [0, 0];
    const cells = [`u${i + 1}`, name, name === null ? null : cities[i % 4], orders, cents];
    return cells.map((cell) => (`${cell}`.includes(",") ? `"${cell}"` : (cell ?? ""))).join(",");
  });
  assert.deepEqual(lines(texts.join("")), ["key,name,city,orders,cents", ...expected]);
});

test("top-k keeps the k hottest of each station and of all", async () => {
  const { texts } = await run("top-k", ["readings.csv"], { k: 2 });
  const readings = lines(read("top-k/readings.csv"))
    .slice(1)
    .map((line) => line.split(","))
    .map(([station, year, celsius]) => [Number(celsius), Number(year), station] as const);
  const hottest = (list: typeof readings) =>
    list.toSorted((a, b) => b[0] - a[0] || a[1] - b[1] || (a[2]! < b[2]! ? -1 : 1)).slice(0, 2);
  const stations = [...new Set(readings.map((r) => r[2]!))];
  const expected = stations.map((s) => [s, hottest(readings.filter((r) => r[2] === s))] as const);
  const all = [...expected, ["(all)", hottest(readings)] as const].sort(byKey).reverse();
  assert.deepEqual(
    texts.flatMap(pairs),
    all.map(([key, value]) => ({ key, value })),
  );
});

test("sales-by-city adds up cents exactly, and leaves out what is not known", async () => {
  const { texts } = await run("sales-by-city", ["sales"]);
  const cents = new Map<string, number>();
  for (const month of ["february", "january"]) {
    for (const line of lines(read("sales-by-city/sales", `${month}.csv`)).slice(1)) {
      const [, city, amount] = line.match(/^[^,]+,("[^"]+"|[^,]+),[^,]+,(.*)$/)!;
      const name = city!.replaceAll('"', "");
      if (amount !== "") cents.set(name, (cents.get(name) ?? 0) + Math.round(Number(amount) * 100));
    }
  }
  const expected = [...cents].sort(byKey).map(([key, sum]) => ({ key, value: sum / 100 }));
  assert.deepEqual(texts.flatMap(pairs), expected);
});

test("most-frequent-words are the first of the word count by number", async () => {
  const { texts } = await run("most-frequent-words", ["../word-count/books"]);
  const counted = (await run("word-count", ["books"])).texts.flatMap(pairs);
  const expected = counted.toSorted((a, b) => (b.value as number) - (a.value as number));
  assert.deepEqual(texts.flatMap(pairs), expected.slice(0, 10));
});

test("every example has a README with its one command, and inputs under 50 KB", () => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
    assert.match(
      read(entry.name, "README.md"),
      /```sh\ntequio (run|map) --local examples\//,
      entry.name,
    );
    const files = readdirSync(join(folder, entry.name), { recursive: true, withFileTypes: true });
    for (const file of files.filter((f) => f.isFile())) {
      assert.ok(readFileSync(join(file.parentPath, file.name)).length <= 50_000, file.name);
    }
  }
});

test("parameter-sweep gives every setting, and more are ill at higher rates", {
  skip: noPython,
}, async () => {
  const { texts } = await run("parameter-sweep", [], { rates: 2 }, "job.py");
  const found = lines(texts[0]!).map((line) => JSON.parse(line));
  assert.deepEqual(
    found.map(({ days, rate }) => [rate, days]),
    [0.1, 0.2].flatMap((rate) => [4, 7, 10].map((days) => [rate, days])),
  );
  for (const n of [0, 1, 2]) assert.ok(found[n].all < found[n + 3].all);
  assert.ok(found[5].worst < found[5].all && found[5].all <= 100_000);
});

test("count-primes runs a WebAssembly module for each item", async () => {
  const { buildModuleJob } = await import("../src/sdk/module-job.ts");
  const { job } = await buildModuleJob(join(folder, "count-primes", "primes.wasm"), [
    "10",
    "0",
    "7920",
  ]);
  const planned = await planJob(job, { inputs: [], params: {}, host: "here" });
  const { result } = await runLocal(job, planned);
  assert.deepEqual(lines((await textsOf(result.parts)).join("")), ['"4"', '"0"', '"1000"']);
});

test('the function and the program of "programs" find what they should', async () => {
  const { default: steps } = await import("./programs/collatz.ts");
  assert.deepEqual(["1", "6", "27"].map(steps), ["1 0", "6 8", "27 111"]);
  const program = join(folder, "programs", "longest.ts");
  const run = promisify(execFile)(process.execPath, ["--conditions=tequio-source", program]);
  const lines = (await run).stdout.split("\n");
  assert.equal(lines[0], "17647 takes 278 steps");
  assert.match(lines[1] ?? "", /^\d+ words of \d+ letters$/);
});
