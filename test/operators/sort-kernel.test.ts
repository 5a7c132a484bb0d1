/** Sorts of CSV whose keys and lines a kernel makes: what the judge says, whatever the rows are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../../src/index.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { columns, csv } from "./odd-rows.ts";
import { allWays } from "./run.ts";

const by = fc.subarray([...columns], { minLength: 1, maxLength: 3 }).chain((names) => {
  return fc.shuffledSubarray(names, { minLength: names.length });
});
const options = fc.record({
  by,
  order: fc.constantFrom("ascending", "descending" as const),
  numeric: fc.boolean(),
  output: fc.constantFrom("csv", "ndjson" as const),
  badRecords: fc.constantFrom("keep", "keep", "keep", "fail" as const),
});
const sizes = fc.record({
  splitBytes: fc.integer({ min: 60, max: 900 }),
  spillBytes: fc.constantFrom(1024, 64 * 1024 * 1024),
});
const format = fc.record({ multiline: fc.boolean(), picked: fc.subarray([...columns]) });

test("sorts of CSV are what the judge says, whatever the rows are", async () => {
  const limit = fc.option(fc.integer({ min: 1, max: 5 }));
  const property = fc.asyncProperty(
    fc.tuple(csv, format, options),
    sizes,
    limit,
    async ([content, { multiline, picked }, asked], split, count) => {
      const kept = columns.filter((name) => asked.by.includes(name) || picked.includes(name));
      const source = text.csv(kept, { multiline });
      const job = count === null ? source.sort(asked) : source.topK(count, asked);
      const ways = await allWays(job, [content], split).catch((error: Error) => {
        assert.match(error.message, /user-error|bad-request/);
        return null;
      });
      if (ways !== null) assert.deepEqual(ways.kernels, ways.judge);
    },
  );
  await fc.assert(property, { numRuns: depth(150, 50) });
});

test("rows that the host reads keep their places among equal ones", async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => {
    return i % 3 === 0 ? `${i},1e0` : i % 7 === 0 ? `"${i}\r",1` : `${i},1.0`;
  });
  const source = text.csv(["id", "n"]);
  const job = source.sort({ by: "n", numeric: true, output: "csv", reducers: 1 });
  const { judge, kernels } = await allWays(job, [`id,n\n${lines.join("\n")}\n`]);
  assert.deepEqual(kernels, judge);
  assert.equal(kernels.parts[0]?.split("\n").at(1), "0,1e0");
});

test("rows that are written as they are read differ from those that must not be", async () => {
  const rows = ["a,1,x", "b,,x", "c,2,\ry", 'd,1,"x"', "é,0.5,x", "", "e,-1,x\r", "f,3,"];
  const content = `id,n,t\n${rows.join("\n")}\n`;
  for (const kept of [
    ["id", "n", "t"],
    ["id", "n"],
    ["n", "t"],
  ] as const) {
    const source = text.csv(kept);
    const job = source.sort({ by: "n", numeric: true, output: "csv", reducers: 1 });
    const { judge, kernels } = await allWays(job, [content]);
    assert.deepEqual(kernels, judge);
  }
  const other = text.csv(["id", "n", "t"], { separator: ";" });
  const job = other.sort({ by: "n", numeric: true, output: "csv", reducers: 1 });
  const { judge, kernels } = await allWays(job, [content.replaceAll(",", ";")]);
  assert.deepEqual(kernels, judge);
  assert.match(kernels.parts[0] ?? "", /^id,n,t\nb,"",x\n/);
});

/** Far more equal keys than are sorted by insertion, and keys that no double is. */
test("numbers, missing ones among them, keep the order of equal rows", async () => {
  const numbers = ["", "7", "-0.5", "1e2", "0", "-0", "9007199254740993", "12345.67"];
  for (const known of [numbers.slice(0, 3), numbers.slice(1, 3), numbers]) {
    const lines = Array.from({ length: 2000 }, (_, i) => `${i},${known[(i * i) % known.length]}`);
    for (const order of ["ascending", "descending"] as const) {
      const source = text.csv(["id", "n"]);
      const job = source.sort({ by: "n", numeric: true, order, output: "csv" });
      const { judge, kernels } = await allWays(job, [`id,n\n${lines.join("\n")}\n`]);
      assert.deepEqual(kernels, judge);
    }
  }
});

test("the first of equal rows is kept, also where the host has read it", async () => {
  const lines = Array.from({ length: 3000 }, (_, i) => {
    const city = `c${(i * 7) % 50}`;
    return i % 5 === 0 ? `"${city}",${i}` : i % 7 === 0 ? `${city}"",${i}` : `${city},${i}`;
  });
  const source = text.csv(["city", "id"]);
  for (const output of ["csv", "ndjson"] as const) {
    const job = source.distinct({ by: "city", output, badRecords: "keep" });
    const { judge, kernels } = await allWays(job, [`city,id\n${lines.join("\n")}\n`]);
    assert.deepEqual(kernels, judge);
  }
});
