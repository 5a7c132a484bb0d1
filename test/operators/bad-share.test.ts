/** At most a share of the input may be bad: counted alike by workers and the judge, and decided in
 *  the end. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import test, { after } from "node:test";
import { promisify } from "node:util";
import { tooManyBad } from "../../src/core/bad-share.ts";
import { temporaryDir } from "../../src/store/testing/at-end.ts";

const dir = temporaryDir({ after }, "bad-share-");
const bin = join(import.meta.dirname, "..", "..", "src", "cli", "main.ts");

async function run(job: string, inputs: readonly string[], ...how: readonly string[]) {
  const path = join(dir, "job.mjs");
  writeFileSync(
    path,
    `import { mapReduce, ndjson, text } from "tequio";\nexport default ${job};\n`,
  );
  const args = [bin, "run", path, ...inputs, "-o", join(dir, "out"), "--overwrite", "--json"];
  const done = await promisify(execFile)(process.execPath, [...args, ...how]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return { ...JSON.parse(done.stdout || "{}"), stderr: done.stderr };
}

test("a share of bad records is allowed, or fails the job, as under the judge", async () => {
  const csv = join(dir, "a.csv");
  const array = join(dir, "a.json");
  const rows = Array.from({ length: 98 }, (_, i) => `c${i % 3},${i}\n`).join("");
  writeFileSync(csv, `city,price\n${rows}c1,x`);
  const elements = Array.from({ length: 50 }, (_, i) => (i === 7 ? '{"n":"x"}' : `{"n":${i}}`));
  writeFileSync(array, `[\n${elements.join(",\n\n")}\n]`);
  const sum = (share: number) =>
    `text.csv(["city", "price"]).by("city").sum("price", { badRecords: { keepUpTo: ${share} } })`;
  const own = `mapReduce({ input: ndjson(), badRecords: { keepUpTo: 0.02 }, reducers: 0,
    map(row, emit) { if (row.n === "x") throw new Error("bad"); emit(row.n, 1); } })`;
  const cases = [
    [sum(0.01), csv, { "bad records": 1, "lines read": 100 }],
    [own, array, { "bad records": 1, "lines read": 50 }],
  ] as const;
  for (const [job, input, counters] of cases) {
    for (const how of [["--local", "--workers", "1", "--split-bytes", "300"], ["--sequential"]]) {
      const done = await run(job, [input], ...how);
      assert.deepEqual(done.counters, counters, done.stderr);
      assert.equal(done.badRecords, 1);
    }
  }
  for (const how of [["--local", "--workers", "1"], ["--sequential"]]) {
    const { stderr } = await run(sum(0.0099), [csv], ...how);
    assert.match(
      stderr,
      /1 bad records in 100 lines \(1\.00 %\), more than keepUpTo: 0\.0099 allows/,
    );
  }
  const { stderr } = await run(`text.csv(["price"]).sum("price")`, [csv], "--sequential");
  assert.match(
    stderr,
    /badRecords: "keep" sets such records aside, and \{ keepUpTo: 0\.01 \}.*--keep-bad-up-to 0\.01/,
  );
});

test("a share is of lines, and none of no line", () => {
  assert.equal(tooManyBad({}, 0), null);
  assert.equal(tooManyBad({ "bad records": 1, "lines read": 100 }, 0.01), null);
  assert.match(tooManyBad({ "bad records": 1 }, 0.5)?.message ?? "", /1 bad records in 0 lines/);
});
