/** Operators in Python: the same plan as in TypeScript, and so the same kernels and bytes. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { collect } from "../../src/sdk/collect.ts";
import { text } from "../../src/sdk/format.ts";
import type { AnyOperator } from "../../src/sdk/job.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const folder = mkdtempSync(join(tmpdir(), "tequio-py-operators-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const cluster = clusterForTests();

const csv = text.csv(["city", "price"]);
const users = text.csv(["id", "name"]);
const options = { name: "x", reducers: 3, output: "csv", badRecords: "keep", attempts: 2 } as const;
const inOptions = `name="x", reducers=3, output="csv", bad_records="keep", attempts=2`;

/** The same in both languages. */
const pairs: ReadonlyArray<readonly [python: string, typescript: AnyOperator]> = [
  ["text.words().count()", text.words().count()],
  ["text.words(lowercase=True).count()", text.words({ lowercase: true }).count()],
  ["text.lines().count().top_k(3)", text.lines().count().topK(3)],
  ['csv.by("city").sum("price")', csv.by("city").sum("price")],
  [`csv.by("city", "price").count(${inOptions})`, csv.by("city", "price").count(options)],
  [
    `csv.by("city").max("price", ${inOptions}).top_k(2, order="ascending")`,
    csv.by("city").max("price", options).topK(2, { order: "ascending" }),
  ],
  ['csv.count(output="rows")', csv.count({ output: "ndjson", rows: true })],
  ['csv.min("price")', csv.min("price")],
  ["csv.by().count()", csv.by().count()],
  ["text.lines().sort()", text.lines().sort()],
  [
    'text.lines().sort(numeric=True, order="descending")',
    text.lines().sort({ numeric: true, order: "descending" }),
  ],
  ["text.words().distinct()", text.words().distinct()],
  [
    'csv.sort(by="price", output="csv", timeout_ms=9)',
    csv.sort({ by: "price", output: "csv", timeoutMs: 9 }),
  ],
  ['csv.top_k(5, by=["price", "city"])', csv.topK(5, { by: ["price", "city"] })],
  ['csv.distinct(by="city")', csv.distinct({ by: "city" })],
  [
    'text.json(["user.id", "n"]).by("user.id").sum("n")',
    text.json(["user.id", "n"]).by("user.id").sum("n"),
  ],
  [
    'text.csv(["a", "b"], header=False, separator=";").by("a").count()',
    text.csv(["a", "b"], { header: false, separator: ";" }).by("a").count(),
  ],
  [
    'csv.join(users, on=("city", "id"), kind="left", backup_tasks=False)',
    csv.join(users, { on: { left: "city", right: "id" }, kind: "left", backupTasks: false }),
  ],
];

const library = join(import.meta.dirname, "../../python");
const top = `from tequio import text
csv = text.csv(["city", "price"])
users = text.csv(["id", "name"])
`;

function jobFile(expression: string): string {
  const path = join(folder, "job.py");
  writeFileSync(path, `${top}job = ${expression}\n`);
  return path;
}

for (const [python, typescript] of pairs) {
  test(`${python} is planned as in TypeScript`, { skip }, async () => {
    const built = await bundleJob(jobFile(python));
    assert.equal(built.job.kind, "operator");
    const { operator, options } = built.job as AnyOperator;
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
    assert.deepEqual(plain(operator), plain(typescript.operator));
    const { badRecords: _, ...own } = options;
    const { badRecords: __, ...expected } = typescript.options;
    assert.deepEqual(own, plain(expected));
  });
}

test("an operator in Python runs on the cluster", { skip }, async () => {
  const input = cluster.file("sales.csv", "city,price\nOaxaca,2.5\nPuebla,1\nOaxaca,3\n");
  const file = cluster.file("sum.py", `${top}job = csv.by("city").sum("price", output="csv")\n`);
  const summary = await cluster.run(file, [input]);
  assert.equal(summary.failure, null);
  const path = join(folder, "sums.csv");
  await collect(cluster.client, summary, { kind: "file", path });
  assert.equal(readFileSync(path, "utf8"), "city,sum\nOaxaca,5.5\nPuebla,1\n");
});

const wrong: Readonly<Record<string, RegExp>> = {
  'csv.by("town").count()': /by: no column 'town'; there are: city, price/,
  'csv.sum("cost")': /sum: no column 'cost'/,
  "csv.count(reducer=3)": /unknown option 'reducer'; there are: name, reducers/,
  "csv.top_k(0)": /top_k\(0\): how many is an int from 1 to 10000000/,
  'text.lines().sort(output="csv")': /lines and words come out as they are/,
  'csv.join(users, on="city")': /join: right: no column 'city'; there are: id, name/,
  'csv.sort(order="up")': /`order` is 'up'; it must be one of ascending, descending/,
};

test("what an operator cannot be is an error of the build, with its line", { skip }, async () => {
  for (const [expression, expected] of Object.entries(wrong)) {
    await assert.rejects(bundleJob(jobFile(expression)), (error: Error) => {
      assert.match(error.message, expected);
      assert.match(error.message, /job\.py:4/);
      return true;
    });
  }
});

test("the client for Python says where operators are submitted", { skip }, async () => {
  const code = `import sys
sys.path.insert(0, sys.argv[1])
from tequio import Cluster, ClusterError, text
with Cluster.connect() as cluster:
    for job in (text.words().count(), sys.argv[2]):
        try:
            cluster.run(job, [])
        except ClusterError as error:
            print(error.code, error)`;
  const { url, token } = cluster.target;
  const env = { ...process.env, TEQUIO_URL: url, TEQUIO_TOKEN: token };
  const args = ["-B", "-c", code, library, jobFile("text.words().count()")];
  const { stdout } = await promisify(execFile)("python3", args, { env });
  assert.equal(stdout.match(/^bad-request .*cannot submit operators/gm)?.length, 2, stdout);
});

test("a source of operators is the input of a job as well", { skip }, () => {
  const code = `import sys
sys.path.insert(0, sys.argv[1])
from tequio import map_reduce, text
job = map_reduce(input=text.csv(["a"]), map=lambda row, emit: emit(row["a"], 1))
print(job.inputs["default"]["input"].spec["format"])`;
  const run = spawnSync("python3", ["-B", "-c", code, library], { encoding: "utf8" });
  assert.equal(run.stdout, "csv\n", run.stderr);
});
