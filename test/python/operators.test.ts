/** Operators in Python: the same plan as in TypeScript, and so the same kernels and bytes. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { collect } from "../../src/sdk/collect.ts";
import type { AnyOperator } from "../../src/sdk/job.ts";
import { jobSpecOf } from "../../src/sdk/plan/spec.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { equalsJudge } from "../judge/compare.ts";
import { clusterForTests, noPython } from "./cluster.ts";
import { pairs, tables, top } from "./same-operators.ts";

const skip = noPython;
const folder = newFolder("tequio-py-operators-");
after(() => removeFolder(folder));
const cluster = clusterForTests();

const library = join(import.meta.dirname, "../../python");
function jobFile(expression: string): string {
  const path = join(folder, "job.py");
  writeFileSync(path, `${top}job = ${expression}\n`);
  return path;
}

/** What Python makes of these expressions: all in one process. */
function described(expressions: readonly string[]): AnyOperator[] {
  const code = `import json, sys
sys.path.insert(0, sys.argv[1])
exec(sys.argv[2])
for expression in json.load(sys.stdin):
    job = eval(f"({expression})")
    assert job.kind == "operator", job
    print(json.dumps(job.options))`;
  const input = JSON.stringify(expressions);
  const run = spawnSync("python3", ["-B", "-c", code, library, top], { input, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  const lines = run.stdout.trimEnd().split("\n");
  return lines.map((line) => {
    const { operator, declared } = JSON.parse(line);
    return { kind: "operator", operator, options: declared };
  });
}

test("operators in Python are planned as in TypeScript", { skip }, () => {
  const both = [...pairs, ...tables];
  const jobs = described(both.map(([python]) => python));
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
  for (const [index, [python, typescript]] of both.entries()) {
    const { operator, options } = jobs[index]!;
    assert.deepEqual(operator, plain(typescript.operator), python);
    const { badRecords: _, ...own } = options;
    const { badRecords: __, ...expected } = typescript.options;
    assert.deepEqual(own, plain(expected), python);
  }
});

test("a job file in Python that has an operator is built as one", { skip }, async () => {
  const [python, typescript] = pairs[0]!;
  const built = await bundleJob(jobFile(python));
  assert.deepEqual((built.job as AnyOperator).operator, typescript.operator);
});

test("a table in Python runs on the cluster as under the judge", { skip }, async () => {
  const rows = Array.from({ length: 500 }, (_, n) => `c${(n * n) % 17},${n % 7}.5`);
  const input = cluster.file("sales.csv", `city,price\n${rows.join("\n")}\n`);
  const file = cluster.file(
    "table.py",
    `${top}job = (csv.where(lambda row: row.price > 2).by("city")
    .aggregate(n=aggregate.count(), total=aggregate.sum("price")).sort("total", "city"))\n`,
  );
  await equalsJudge(cluster.client, file, { inputs: [input], splitBytes: 700, reducers: 2 });
});

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
  'text.lines().sort(output="text")': /sort: output "text" is for pairs/,
  'binary.records(8).sort(output="csv")': /bytes come out as they are/,
  'csv.join(users, on="city")': /join: right: no column 'city'; there are: id, name/,
  'csv.where(lambda row: row.town == "x")': /no column 'town'; there are: city, price/,
  "csv.where(lambda row: row.price > 1 and row.price < 3)": /has no truth of its own/,
  "csv.where(lambda row: row.price > 2 ** 60)": /is no value of a query; use str, float, int up to/,
  'csv.select("city", city=lambda row: row.price)': /two columns 'city' in the result/,
  "csv.aggregate(n=3)": /aggregate: n is 3; give one of `aggregate`/,
  'csv.table().sort("price", up=True)': /sort: unknown 'up'/,
  "csv.table().limit(-1)": /-1 rows; how many is a whole number from 0/,
  'csv.where(lambda row: row.city.matches(r"(a)\\1"))': /cannot be matched on every worker/,
  'csv.count(trust="own words")': /`trust` is 'own words'; it must be one of own, audit, quorum/,
  'csv.sort(order="up")': /`order` is 'up'; it must be one of ascending, descending/,
};

test("what an operator cannot be is an error of the build, with its line", { skip }, async () => {
  for (const [expression, expected] of Object.entries(wrong)) {
    await assert.rejects(bundleJob(jobFile(expression)), (error: Error) => {
      assert.match(error.message, expected);
      assert.match(error.message, /job\.py:6/);
      return true;
    });
  }
});

/** Plan and spec of these expressions, as the client for Python makes them. */
function plannedByClient(expressions: readonly string[], inputs: unknown): string[] {
  const code = `import json, sys
sys.path.insert(0, sys.argv[1])
exec(sys.argv[2])
from tequio._client.inputs import find_inputs
from tequio._client.job_file import operator_declared
from tequio._client.plan import Settings, plan_files
given = json.load(sys.stdin)
for expression in given["expressions"]:
    job = eval(f"({expression})")
    declared = operator_declared(job.options["operator"], job.options["declared"])
    for file in given["files"]:
        inputs = file if "default" in declared.inputs else {"left": file, "right": file}
        planned = plan_files(declared, find_inputs(inputs, declared.inputs), Settings("x"))
        print(json.dumps([planned.plan, planned.spec]))`;
  const input = JSON.stringify({ expressions, files: inputs });
  const args = ["-B", "-c", code, library, top];
  const run = spawnSync("python3", args, { input, encoding: "utf8", maxBuffer: 64 << 20 });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trimEnd().split("\n");
}

test("the client for Python plans operators as the command line does", { skip }, async () => {
  // Lines of one length, so that they are whole records of bytes as well.
  const lines = (count: number) =>
    ["city,price,note", ...Array.from({ length: count - 1 }, (_, n) => `c${n},${n},x`)]
      .map((line) => `${line.padEnd(49)}\n`)
      .join("");
  const files = [cluster.file("small.csv", lines(4)), cluster.file("large.csv", lines(800_000))];
  const both = [...pairs, ...tables];
  const made = plannedByClient(
    both.map(([python]) => python),
    files,
  );
  const wanted = { params: {}, host: hostId() };
  for (const [index, line] of made.entries()) {
    const [python, job] = both[Math.floor(index / 2)]!;
    const file = files[index % 2]!;
    const isJoin = job.operator.apply.operator === "join";
    const inputs = isJoin ? [`left=${file}`, `right=${file}`] : [file];
    const planned = await planJob(job, { inputs, ...wanted });
    await planned.remove();
    const spec = jobSpecOf(job, planned, { name: "x", codeHash: "", planHash: "" });
    const expected = JSON.parse(JSON.stringify([planned.plan, spec]));
    const [plan, got] = JSON.parse(line);
    // Any keys make a right result, and each client takes a sample of its own.
    for (const one of [plan, expected[0]]) {
      if (one.operator.apply.splitters !== undefined) {
        one.operator.apply.splitters = one.operator.apply.splitters.length;
      }
    }
    assert.deepEqual([plan, { ...got, codeHash: "" }], expected, python);
  }
});

test("the client for Python cuts sorts by a sample of all of the input", { skip }, () => {
  const line = (n: number) => `${String(n).padStart(6, "0")}\n`;
  const rows = Array.from({ length: 200_000 }, (_, n) => line(n)).join("");
  const tail = `${"x".repeat(30_000)}\n`;
  const long = Array.from({ length: 200 }, (_, n) => line(n * 1000).replace("\n", tail));
  const packed = gzipSync(Array.from({ length: 4000 }, (_, n) => line(n * 50)).join(""));
  const files = { "rows.txt": rows, "long.txt": long.join(""), "packed.gz": packed };
  for (const [name, content] of Object.entries(files)) {
    const expression = "text.lines().sort(reducers=4)";
    const [planned] = plannedByClient([expression], [cluster.file(name, content)]);
    const [{ operator }] = JSON.parse(planned!);
    const borders = operator.apply.splitters.map((key: string) => /\d{6}/.exec(atob(key))?.[0]);
    for (const [n, border] of borders.entries()) {
      assert.ok(Math.abs(Number(border) - 50_000 * (n + 1)) < 10_000, `${name}: ${borders}`);
    }
  }
});

test("a program in Python submits operators, and reads what they give", { skip }, async () => {
  const code = `import sys
sys.path.insert(0, sys.argv[1])
exec(sys.argv[2])
from tequio import Cluster
sales, job_file = sys.argv[3:]
with Cluster.connect() as cluster:
    print(list(cluster.run(csv.by("city").sum("price"), sales)))
    print(list(cluster.run(job_file, sales)))
    table = csv.where(lambda row: row.price > 1).select("city", twice=lambda row: row.price * 2)
    result = cluster.run(table.sort("twice"), sales)
    print(list(result), list(result.rows()), "<th>twice</th>" in result._repr_html_())
    print(list(cluster.run(table.sort("twice").with_options(output="csv"), sales).records()))
    lines = cluster.run(text.lines().sort(order="descending"), sales)
    print(list(lines), next(lines.records()))
    both = cluster.run(csv.join(csv, on="city"), {"left": sales, "right": sales})
    print(dict(both)["Puebla"])
    print(list(cluster.run(csv.sort(by="price", reducers=3), sales)))`;
  const { url, token } = cluster.target;
  const env = { ...process.env, TEQUIO_URL: url, TEQUIO_TOKEN: token };
  const sales = cluster.file("sales.csv", "city,price\nOaxaca,2.5\nPuebla,1\nOaxaca,3\n");
  const args = ["-B", "-c", code, library, top, sales, jobFile("csv.by().count()")];
  const { stdout } = await promisify(execFile)("python3", args, { env });
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    "[('Oaxaca', 5.5), ('Puebla', 1)]",
    "[(None, 3)]",
    "[{'city': 'Oaxaca', 'twice': 5}, {'city': 'Oaxaca', 'twice': 6}] " +
      "[('Oaxaca', 5), ('Oaxaca', 6)] True",
    "[{'city': 'Oaxaca', 'twice': '5'}, {'city': 'Oaxaca', 'twice': '6'}]",
    "['city,price', 'Puebla,1', 'Oaxaca,3', 'Oaxaca,2.5'] {'line': 'city,price'}",
    "{'left': {'city': 'Puebla', 'price': '1'}, 'right': {'city': 'Puebla', 'price': '1'}}",
    "[{'city': 'Puebla', 'price': '1'}, {'city': 'Oaxaca', 'price': '2.5'}, " +
      "{'city': 'Oaxaca', 'price': '3'}]",
  ]);
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
