/** Sorts of CSV whose keys and lines a kernel makes: what the judge says, whatever the rows are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../../src/index.ts";
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
  await fc.assert(property, { numRuns: 150 });
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
