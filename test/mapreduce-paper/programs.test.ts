/** What the paper says of programs (sections 2 and 4): the same job by real map and reduce tasks,
 *  and by the sequential judge. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { type Emit, mapReduce } from "../../src/index.ts";
import type { Job } from "../../src/sdk/job.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";
import { judgedParts, kernelParts, type Trial } from "../operators/tasks.ts";
import { deviates, says } from "./paper.ts";

const dir = temporaryDir({ after }, "tequio-paper-");

function input(name: string, content: string): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}

const lines = Array.from({ length: 200 }, (_, n) => `word-${(n * 7) % 23} word-${n % 5}\n`);
const words = input("words.txt", lines.join(""));

type Row = { readonly key: string; readonly value: unknown };

/** Rows of each partition, as tasks make them; the judge must have the same bytes. */
async function rowsOf(job: Job, over: Partial<Trial> = {}): Promise<Row[][]> {
  const trial = { job, inputs: [words], dir, splitBytes: 500, spillBytes: 1_024, ...over };
  const parts = (await kernelParts(trial)).map(String);
  assert.deepEqual(parts, (await judgedParts(trial)).map(String));
  return parts.map((part) =>
    part
      .split("\n")
      .filter((line) => line !== "")
      .map(parsed),
  );
}

const parsed = (line: string): Row => JSON.parse(line);
const one = (line: string, emit: Emit<string, number>) => {
  for (const word of line.split(" ")) emit(word, 1);
};

says(
  "2",
  "The MapReduce library groups together all intermediate values associated with the same " +
    "intermediate key I and passes them to the Reduce function.",
  async () => {
    const job = mapReduce({
      map: (line: string, emit: Emit<string, number>) => one(line, emit),
      reduce: (_key, values) => [...values].length,
    });
    const rows = (await rowsOf(job, { reducers: 3 })).flat();
    assert.equal(new Set(rows.map(({ key }) => key)).size, rows.length, "each key once");
    assert.equal(
      rows.reduce((sum, { value }) => sum + (value as number), 0),
      400,
    );
  },
);

says(
  "2",
  "The intermediate values are supplied to the user's reduce function via an iterator.",
  async () => {
    const job = mapReduce({
      map: (line: string, emit: Emit<string, number>) => one(line, emit),
      // Reads only the first: what is left is passed over.
      reduce(_key, values) {
        for (const value of values) return value;
        return undefined;
      },
    });
    const rows = (await rowsOf(job, { reducers: 2 })).flat();
    assert.ok(rows.length > 20 && rows.every(({ value }) => value === 1));
  },
);

says(
  "2",
  "Typically just zero or one output value is produced per Reduce invocation.",
  async () => {
    const job = mapReduce({
      map: (line: string, emit: Emit<string, number>) => one(line, emit),
      reduce: (key) => (key.endsWith("3") ? key : undefined),
    });
    const rows = (await rowsOf(job, { reducers: 2 })).flat();
    assert.deepEqual(rows.map(({ key }) => key).sort(), ["word-13", "word-3"]);
  },
);

says(
  "4.1",
  "A default partitioning function is provided that uses hashing (e.g. “hash(key) mod R”). This " +
    "tends to result in fairly well-balanced partitions.",
  async () => {
    const many = Array.from({ length: 2_000 }, (_, n) => `key number ${n}\n`).join("");
    const job = mapReduce({
      map: (line: string, emit: Emit<string, number>) => emit(line, 1),
      combine: (a, b) => a + b,
    });
    const parts = await rowsOf(job, { inputs: [input("many.txt", many)], reducers: 4 });
    for (const part of parts) assert.ok(part.length > 400 && part.length < 600, `${part.length}`);
  },
);

says(
  "4.1",
  "using “hash(Hostname(urlkey)) mod R” as the partitioning function causes all URLs from the " +
    "same host to end up in the same output file.",
  async () => {
    const urls = Array.from({ length: 300 }, (_, n) => `https://host-${n % 9}.example/${n}\n`);
    const hash = (text: string) =>
      [...text].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 65_521, 7);
    const job = mapReduce({
      map: (line: string, emit: Emit<string, number>) => emit(line, 1),
      combine: (a, b) => a + b,
      partition: (url, count) => hash(new URL(url).hostname) % count,
    });
    const parts = await rowsOf(job, { inputs: [input("urls.txt", urls.join(""))], reducers: 4 });
    const hosts = parts.map((rows) => new Set(rows.map(({ key }) => new URL(key).hostname)));
    assert.equal(
      hosts.reduce((sum, set) => sum + set.size, 0),
      9,
      "each host in one file",
    );
    assert.ok(hosts.filter((set) => set.size > 0).length > 1);
  },
);

says(
  "4.2",
  "We guarantee that within a given partition, the intermediate key/value pairs are processed in " +
    "increasing key order.",
  async () => {
    // Numbers and texts with any bytes: the order in which reduce is called is that of the keys.
    const job = mapReduce({
      map(line: string, emit: Emit<string, string>) {
        for (const word of line.split(" ")) emit(`${word}é海${word.length}`, word);
      },
      reduce(key, values, { emit }) {
        emit(key, [...values].length);
        return undefined;
      },
    });
    for (const part of await rowsOf(job, { reducers: 3 })) {
      const keys = part.map(({ key }) => Buffer.from(key));
      assert.deepEqual(keys, keys.toSorted(Buffer.compare));
      assert.ok(keys.length > 1);
    }
  },
);

says(
  "4.3",
  "We allow the user to specify an optional Combiner function that does partial merging of this " +
    "data before it is sent over the network.",
  async () => {
    const map = (line: string, emit: Emit<string, number>) => one(line, emit);
    const sum = (_key: string, values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
    const without = await rowsOf(mapReduce({ map, reduce: sum }), { reducers: 2 });
    const combined = mapReduce({ map, combine: (a: number, b: number) => a + b });
    assert.deepEqual(await rowsOf(combined, { reducers: 2 }), without, "the result is the same");
    const most = mapReduce({
      map,
      combine: (a: number, b: number) => a + b,
      reduce: (_key, values) => [...values].length,
    });
    // Values that reach reduce: one of each split that has the word, not one of each line.
    for (const { key, value } of (await rowsOf(most, { reducers: 2 })).flat()) {
      assert.ok((value as number) <= 6, `${key}: ${value} values`);
    }
  },
);

says(
  "4.4",
  "“text” mode input treats each line as a key/value pair: the key is the offset in the file and " +
    "the value is the contents of the line.",
  async () => {
    const job = mapReduce({
      map(line: string, emit: Emit<number, string>, { offset }) {
        emit(offset, line);
      },
      reducers: 0,
    });
    const file = input("offsets.txt", "one\ntwo é\nthree");
    const { plan, ...planned } = await planJob(job, {
      inputs: [file],
      params: {},
      host: "here",
    });
    const { result } = await runLocal(job, { plan, ...planned });
    const [part] = result.parts;
    const chunks: Uint8Array[] = [];
    for await (const chunk of part!.read()) chunks.push(chunk);
    const rows = Buffer.concat(chunks).toString().trim().split("\n").map(parsed);
    assert.deepEqual(
      rows.map(({ key, value }) => [key, value]),
      [
        [0, "one"],
        [4, "two é"],
        [11, "three"],
      ],
    );
  },
);

says(
  "4.4",
  "text mode's range splitting ensures that range splits occur only at line boundaries",
  async () => {
    const job = mapReduce({
      map: (line: string, emit: Emit<string, number>) => emit(line, 1),
      combine: (a, b) => a + b,
    });
    const whole = await rowsOf(job, { splitBytes: 1_000_000, reducers: 1 });
    for (const splitBytes of [97, 250, 999]) {
      assert.deepEqual(await rowsOf(job, { splitBytes, reducers: 1 }), whole);
    }
  },
);

deviates(
  "4.6",
  "the MapReduce library detects which records cause deterministic crashes and skips these " +
    "records in order to make forward progress.",
  "a record whose map throws is set aside in the same attempt, with its place and error, and " +
    "is part of the result; a record that ends the process is not.",
  async () => {
    const job = mapReduce({
      badRecords: "keep",
      map(line: string, emit: Emit<string, number>) {
        if (line.startsWith("bad")) throw new Error("no such record");
        emit(line, 1);
      },
      combine: (a, b) => a + b,
    });
    const file = input("bad.txt", "good\nbad one\ngood\n");
    const planned = await planJob(job, { inputs: [file], params: {}, host: "here" });
    const { result } = await runLocal(job, planned);
    const texts = [...result.parts, ...result.badRecords].map(async (part) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of part.read()) chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    });
    const [good, bad] = await Promise.all(texts);
    assert.equal(good, '{"key":"good","value":2}\n');
    assert.match(bad!, /bad\.txt.*5.*no such record/);
  },
);

says(
  "4.7",
  "we have developed an alternative implementation of the MapReduce library that sequentially " +
    "executes all of the work for a MapReduce operation on the local machine.",
  async () => {
    const order: string[] = [];
    const job = mapReduce({
      map(line: string, emit: Emit<string, number>) {
        order.push("map");
        one(line, emit);
      },
      reduce(_key, values) {
        order.push("reduce");
        return [...values].length;
      },
    });
    const sizes = { splitBytes: 500, reducers: 3 };
    const planned = await planJob(job, { inputs: [words], params: {}, host: "here", ...sizes });
    await runLocal(job, planned);
    assert.equal(order.lastIndexOf("map"), 199, "all of map is before any of reduce");
    assert.ok(order.length > 200);
  },
);
