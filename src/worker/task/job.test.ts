/** What the SDK makes is what task processes run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type CsvOptions, csv } from "../../sdk/format.ts";
import { type AnyMapReduce, mapReduce } from "../../sdk/job.ts";
import { count, log } from "../../sdk/runtime.ts";
import { type AnyJob, type FormatSpec, installRuntime } from "./job.ts";

test("jobs and formats of the SDK have the shape that is run", () => {
  // The compiler checks these two lines.
  const job: AnyJob = mapReduce({ map: () => {} }) as AnyMapReduce;
  const format: FormatSpec = csv({} satisfies CsvOptions);
  assert.equal(job.kind, "map-reduce");
  assert.equal(format.format, "csv");
});

test("count and log of the SDK reach the runtime that is installed", () => {
  const heard: unknown[] = [];
  installRuntime({
    count: (counter, by) => heard.push([counter, by]),
    log: (line) => heard.push(line),
  });
  count("rows", 2);
  log("seen", { a: 1 });
  assert.deepEqual(heard, [["rows", 2], 'seen {"a":1}']);
});
