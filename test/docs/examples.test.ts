/** Every example, and every option of a job, on a real cluster: all output equals the judge's, byte
 *  for byte. `examples/examples.test.ts` checks the judge's output. */
import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { Client } from "../../src/sdk/client.ts";
import { buildModuleJob } from "../../src/sdk/module-job.ts";
import type { PlanOptions } from "../../src/sdk/plan.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { type Cluster, root, startCluster } from "../fixtures/cluster.ts";
import { type Compared, equalsJudge } from "../judge/compare.ts";

const folder = newFolder("examples-");
let cluster: Cluster;
let client: Client;

before(async () => {
  cluster = await startCluster(2);
  client = new Client({ url: cluster.url, token: cluster.adminToken() });
});
after(async () => {
  await cluster?.stop();
  removeFolder(folder);
});

const examples: Record<string, { inputs: string[]; params?: PlanOptions["params"] }> = {
  "distributed-grep": { inputs: ["logs"], params: { pattern: "ERROR.*timeout" } },
  "inverted-index": { inputs: ["docs"], params: { shortest: 4 } },
  join: { inputs: ["users=users.csv", "orders=orders.ndjson"] },
  "log-sessions": { inputs: ["views.ndjson"] },
  "monte-carlo-pi": { inputs: [], params: { seeds: 25, darts: 1000 } },
  "most-frequent-words": { inputs: ["../word-count/books"] },
  "sales-by-city": { inputs: ["sales"] },
  "sort-orders": { inputs: ["orders.csv"] },
  "top-k": { inputs: ["readings.csv"], params: { k: 2 } },
  "word-count": { inputs: ["books"] },
};

/** Their results are one file. */
const unparted = new Set(["monte-carlo-pi", "most-frequent-words"]);

function inExample(example: string, input: string): string {
  return input.replace(/^(\w+=)?/, `$1${join(root, "examples", example)}/`);
}

test("every example is here", () => {
  const entries = readdirSync(join(root, "examples"), { withFileTypes: true });
  const names = entries.filter((e) => e.isDirectory() && !e.name.startsWith("."));
  // A module, and programs that use the clients: they are run by other tests.
  const others = ["count-primes", "parameter-sweep", "programs"];
  const known = [...others, ...Object.keys(examples)].sort();
  assert.deepEqual(names.map((e) => e.name).sort(), known);
});

test("count-primes gives on a cluster what it gives alone", async () => {
  const module = join(root, "examples", "count-primes", "primes.wasm");
  const built = await buildModuleJob(module, ["100", "1000", "7920", "0"]);
  const { files } = await equalsJudge(client, built, {});
  assert.deepEqual([...files.values()], ['"25"\n"168"\n"1000"\n"0"\n']);
});

for (const [example, { inputs, params = {} }] of Object.entries(examples)) {
  test(`${example} gives on a cluster what it gives alone`, async () => {
    const file = join(root, "examples", example, "job.ts");
    const paths = inputs.map((input) => inExample(example, input));
    const own = { inputs: paths, params, splitBytes: 200 };
    const { taskCount } = await equalsJudge(client, file, own);
    assert.ok(taskCount > 1, `${taskCount} tasks`);
    if (!unparted.has(example)) await equalsJudge(client, file, { ...own, reducers: 3 });
  });
}

/** Words of several scripts, some once and some often, and some that need quotes. */
function lines(count: number): string {
  const words = ["a", "be", "é", "海", "🌊", "x\ty", "back\\slash", 'say "x"', "c,d", "", "ß"];
  const line = (n: number) => `${words[n % 11]} ${words[(n * n) % 7]} w${(n * 7919) % 131}`;
  return Array.from({ length: count }, (_, n) => `${line(n)}\n`).join("");
}

function inputFile(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Runs a job given as its options, or whole. */
function run(source: string, options: Partial<PlanOptions>): Promise<Compared> {
  const whole = source.startsWith("{") ? `mapReduce(${source})` : source;
  const names = "bytes, count, csv, log, mapReduce, ndjson, tasks, text";
  const file = join(folder, "job.ts");
  writeFileSync(file, `import { ${names} } from "tequio";\nexport default ${whole};\n`);
  return equalsJudge(client, file, options);
}

const map = `map(line, emit, { file, offset }) {
  for (const word of line.split(" ")) emit(word, [file, offset]);
}`;
const sum = `map(line, emit) { for (const word of line.split(" ")) emit(word, 1); },
  combine: (a, b) => a + b`;

test("plain, gzip and zstd inputs together, of several members and frames", async () => {
  const [all, half] = [lines(400), lines(200)];
  const pack = (packer: (text: string) => Buffer) =>
    Buffer.concat([packer(half), packer(""), packer("cut in a li"), packer(`ne\n${half}`)]);
  const inputs = [
    inputFile("words.txt", all),
    inputFile("words.gz", pack(gzipSync)),
    inputFile("words.zst", pack(zstdCompressSync)),
  ];
  const { files, taskCount } = await run(`{ ${sum}, reducers: 3 }`, { inputs, splitBytes: 2000 });
  assert.ok(taskCount > 4 && files.size === 3);
  const rows = [...files.values()].join("").split("\n").slice(0, -1);
  const total = rows.reduce((before, row) => before + JSON.parse(row).value, 0);
  // 400 + 2 × (2 × 200) lines of three words, every eleventh with one more, and the cut one.
  const words = (text: string) => text.split(/[ \n]/).length - 1;
  assert.equal(total, words(all) + 2 * (2 * words(half) + words("cut in a line\n")));
});

test("words of plain, gzip and zstd inputs are counted by kernels in two partitions", async () => {
  const inputs = [
    inputFile("plain.txt", lines(400)),
    inputFile("packed.gz", gzipSync(lines(200))),
    inputFile("packed.zst", zstdCompressSync(lines(100))),
  ];
  const job = "text.words({ lowercase: true }).count()";
  const { files, taskCount } = await run(job, { inputs, splitBytes: 2000, reducers: 2 });
  assert.ok(taskCount > 4 && files.size === 2);
  const rows = [...files.values()].join("").split("\n").slice(0, -1);
  const counts = new Map(rows.map((row) => [JSON.parse(row).key, JSON.parse(row).value]));
  // Nothing else in the lines ends with this.
  assert.equal(counts.get("w0"), Math.ceil(400 / 131) + Math.ceil(200 / 131) + 1);
});

for (const output of ["csv", "text", "ndjson"]) {
  test(`output as ${output}, with reducers and without`, async () => {
    const inputs = [inputFile("words.txt", lines(300))];
    const job = `{ ${map}, output: "${output}" }`;
    const { files } = await run(job, { inputs, splitBytes: 1000, reducers: 2 });
    const extension = output === "text" ? "txt" : output;
    assert.deepEqual([...files.keys()], [`part-00000.${extension}`, `part-00001.${extension}`]);
    const only = await run(job, { inputs, splitBytes: 1000, reducers: 0 });
    assert.equal(only.files.size, only.taskCount);
  });
}

test("keys of every type, descending", async () => {
  const job = `{ input: ndjson(), sort: "descending", reducers: 2,
    map(key, emit, { offset }) { emit(key, offset); },
    reduce: (key, values) => [key, ...values] }`;
  const keys = [null, true, false, 0, -1.5, 1e300, -0, "", "a", "é", "海", [], [1, "a"], [[null]]];
  const text = keys.map((key) => `${JSON.stringify(key)}\n`).join("");
  const { files } = await run(job, { inputs: [inputFile("keys", text.repeat(5))], splitBytes: 40 });
  const rows = [...files.values()].join("").trimEnd().split("\n");
  assert.equal(rows.length, new Set(keys.map((key) => JSON.stringify(key))).size);
});

test("a partition of the job's own", async () => {
  const job = `{ ${sum}, reducers: 4, partition: (key, count) => key.length % count }`;
  const options = { inputs: [inputFile("words.txt", lines(300))], splitBytes: 900 };
  const { files } = await run(job, options);
  const rows = [...files.values()].map((text) => text.split("\n").slice(0, -1));
  for (const [index, part] of rows.entries()) {
    for (const row of part)
      assert.equal(Buffer.from(JSON.parse(row).key, "latin1").toString().length % 4, index);
  }
  assert.ok(rows.every((part) => part.length > 0));
});

for (const reducers of [0, 2]) {
  test(`bad records are kept aside, ${reducers} reducers`, async () => {
    const job = `{ input: csv({ columns: ["n", "word"] }), badRecords: "keep",
      map({ n, word }, emit) {
        emit(word, Number(n));
        count("seen");
        if (n % 7 === 0) throw new RangeError("seven " + n);
        if (n % 11 === 0) emit(word, () => n);
      }, combine: (a, b) => Math.max(a, b) }`;
    const row = (n: number) =>
      n % 13 === 0 ? `${n},"open` : n % 17 === 0 ? `${n}` : `${n},w${n % 5}`;
    const text = Array.from({ length: 300 }, (_, n) => `${row(n)}\n`).join("");
    const options = { inputs: [inputFile("bad.csv", text)], splitBytes: 150, reducers };
    const { files, summary } = await run(job, options);
    const bad = files.get("_bad/records.ndjson")?.split("\n").length ?? 0;
    assert.ok(bad > 60, `${bad} bad records`);
    assert.ok((summary.counters.seen ?? 0) > 200);
  });
}

test("whole files, as text and as bytes", async () => {
  const inputs = ["a.txt", "b.gz", "c.bin"].map((name) => {
    const content = name === "c.bin" ? Uint8Array.from({ length: 999 }, (_, n) => n) : lines(50);
    return inputFile(name, name === "b.gz" ? gzipSync(content) : content);
  });
  const job = (as: string) => `{ input: ${as}.file(), reducers: 2,
    map(content, emit, { file, offset }) {
      emit(file, [content.length, offset, content]);
    } }`;
  for (const as of ["text", "bytes"]) {
    const { taskCount } = await run(job(as), { inputs, splitBytes: 1 });
    assert.equal(taskCount, 3);
  }
});

test("standard input", async () => {
  const stdin = (async function* () {
    const all = Buffer.from(lines(200));
    // Also in the middle of a character.
    for (let at = 0; at < all.length; at += 77) yield all.subarray(at, at + 77);
  })();
  const { taskCount } = await run(`{ ${map}, reducers: 2 }`, {
    inputs: ["-"],
    stdin,
    splitBytes: 500,
  });
  assert.ok(taskCount > 3);
});

for (const [what, functions] of [
  ["all values", `${map}, reduce: (key, values) => [...values]`],
  ["combined values", `${sum}, reduce: (key, values) => [...values]`],
]) {
  test(`a table of 1 KiB, that spills many times and merges: ${what}`, async () => {
    // A key counts 96 bytes and more, so that each spill has at most ten: hundreds of them.
    const options = { inputs: [inputFile("long.txt", lines(3000))], spillBytes: 1024 };
    for (const splitBytes of [20_000, 1_000_000]) {
      await run(`{ ${functions} }`, { ...options, splitBytes, reducers: 3 });
    }
  });
}

test("what a job counts is counted once, also where combine and reduce count", async () => {
  const job = `{ reducers: 3,
    map(line, emit) { count("lines"); count("bytes", line.length); emit(line.slice(-2), 0.1); },
    reduce(key, values, { emit }) {
      count("keys");
      for (const value of values) { count("values"); emit(key, value); }
    } }`;
  const options = { inputs: [inputFile("words.txt", lines(300))], splitBytes: 1000 };
  const { summary } = await run(job, options);
  assert.equal(summary.counters.lines, 300);
  assert.equal(summary.counters.values, 300);
});

for (const output of ["ndjson", "csv"]) {
  test(`an empty input is a success with an empty result, as ${output}`, async () => {
    for (const name of ["empty.txt", "empty.gz"]) {
      const options = { inputs: [inputFile(name, "")], reducers: 2 };
      const { files, summary } = await run(`{ ${sum}, output: "${output}" }`, options);
      assert.deepEqual(
        [...files],
        [`part-00000.${output}`, `part-00001.${output}`].map((n) => [n, ""]),
      );
      assert.equal(summary.state, "done");
    }
    const none = await run(`{ ${sum} }`, { inputs: [inputFile("empty.txt", "")], reducers: 0 });
    assert.equal(none.files.size, 0);
  });
}

test("a list of tasks, as rows of every format, and an empty one", async () => {
  const job = (items: string, output: string) => `tasks({ items: ${items}, output: "${output}",
    async run(item, { index }) { count("done"); return { index, item, text: "a,\\t\\"é" }; } })`;
  for (const output of ["ndjson", "csv", "text"]) {
    const { files } = await run(job("Array.from({ length: 30 }, (_, n) => [n, 'x'])", output), {});
    assert.equal(files.size, 1);
    await run(job("[]", output), {});
  }
});
