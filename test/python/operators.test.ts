/** Operators in Python: the same plan as in TypeScript, and so the same kernels and bytes. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { hostId } from "../../src/link/host.ts";
import { bundleJob } from "../../src/sdk/bundle.ts";
import { collect } from "../../src/sdk/collect.ts";
import { bytes, text } from "../../src/sdk/format.ts";
import type { AnyOperator } from "../../src/sdk/job.ts";
import {
  approxCountDistinct,
  approxQuantile,
  avg,
  count,
  countDistinct,
  countValues,
  max,
  min,
  quantile,
  sum,
} from "../../src/sdk/operators/query/aggregates.ts";
import { Cell } from "../../src/sdk/operators/query/cell.ts";
import { jobSpecOf } from "../../src/sdk/plan/spec.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { equalsJudge } from "../judge/compare.ts";
import { clusterForTests, noPython } from "./cluster.ts";

const skip = noPython;
const folder = mkdtempSync(join(tmpdir(), "tequio-py-operators-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const cluster = clusterForTests();

const csv = text.csv(["city", "price"]);
const users = text.csv(["id", "name"]);
const numericPrice = { by: "price", numeric: true } as const;
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
  [
    'text.match(r"(\\d+)=(x)", ["n", "v"]).by("v").sum("n")',
    text
      .match(/((?:[\p{Nd}])+)\u{3d}(x)/u, ["n", "v"])
      .by("v")
      .sum("n"),
  ],
  ['text.match("a.").count()', text.match(/a[^\n]/u).count()],
  ['text.match("a").sort(numeric=True)', text.match(/a/u).sort({ numeric: true })],
  ["binary.records(100).sort()", bytes.records(100).sort()],
  [
    'binary.records(8, key=(2, 4)).top_k(3, order="ascending", share="volunteers", trust="quorum")',
    bytes
      .records(8, { key: [2, 4] })
      .topK(3, { order: "ascending", share: "volunteers", trust: "quorum" }),
  ],
  ["binary.records(8).distinct(reducers=2)", bytes.records(8).distinct({ reducers: 2 })],
];

const empties = text.csv(["city", "price", "note"], { empty: "null" });

/** Tables: what follows `table.` in both, see `top`. */
const tables: ReadonlyArray<readonly [python: string, typescript: AnyOperator]> = [
  ["csv.table()", csv.table()],
  [
    'csv.where(lambda row: (row.price > 10) & ~(row["city"] == "x") | row.city.is_in(["a", "b"]))',
    csv.where((row) => row.price.gt(10).and(row.city.eq("x").not()).or(row.city.in("a", "b"))),
  ],
  [
    'empties.select("city", {"a b": lambda row: 1 - row.price * 2 / 3}, kept=lambda row: -row.price)',
    empties.select({
      city: true,
      "a b": (row) => new Cell({ value: 1 }).sub(row.price.mul(2).div(3)),
      kept: (row) => row.price.neg(),
    }),
  ],
  [
    `csv.by("city").aggregate(n=aggregate.count(), v=aggregate.count_values("price"),
      s=aggregate.sum("price"), a=aggregate.avg("price"), lo=aggregate.min("price"),
      hi=aggregate.max("city", as_text=True), d=aggregate.count_distinct("price"),
      q=aggregate.quantile("price", 0.5), ad=aggregate.approx_count_distinct("price"),
      aq=aggregate.approx_quantile("price", 1))`,
    csv.by("city").aggregate({
      n: count(),
      v: countValues("price"),
      s: sum("price"),
      a: avg("price"),
      lo: min("price"),
      hi: max("city", { as: "text" }),
      d: countDistinct("price"),
      q: quantile("price", 0.5),
      ad: approxCountDistinct("price"),
      aq: approxQuantile("price", 1),
    }),
  ],
  [
    `csv.by("city").aggregate(n=aggregate.count()).having(lambda row: row.n >= 2)
      .sort({"by": "n", "order": "descending"}, "city").limit(3, 1).with_options(output="csv")`,
    csv
      .by("city")
      .aggregate({ n: count() })
      .having((row) => row.n.ge(2))
      .sort({ by: "n", order: "descending" }, "city")
      .limit(3, 1)
      .with({ output: "csv" }),
  ],
  ['csv.by("city").top_k(2, "price", numeric=True)', csv.by("city").topK(2, numericPrice)],
  [
    'csv.table().top_k(3, "price", "city", order="descending", nulls="first")',
    csv
      .table()
      .topK(
        3,
        { by: "price", order: "descending", nulls: "first" },
        { by: "city", order: "descending", nulls: "first" },
      ),
  ],
  ["csv.table().distinct().sort().limit(5)", csv.table().distinct().sort().limit(5)],
  ["csv.table().limit(5, offset=2)", csv.table().limit(5, 2)],
  ['csv.table().by("city").count()', csv.table().by("city").count()],
  ["csv.aggregate(n=aggregate.count())", csv.aggregate({ n: count() })],
  [
    `csv.select(a=lambda row: row.city.lower().concat("-", None).substring(2, 3).replace("a", "b"),
      b=lambda row: (row.price.number() + 0.5).round(1).between(1, datetime.date(2026, 1, 2)),
      c=lambda row: row.city.matches("(?i)^k").choose(row.price.truncate("month"), row.city.text()),
      d=lambda row: row.price.coalesce(0).null_if(row.city.trim().upper().length()),
      e=lambda row: row.city.is_empty() | row.city.is_not_null() | row.city.like("a%_"))`,
    csv.select({
      a: (row) => row.city.lower().concat("-", null).substring(2, 3).replace("a", "b"),
      b: (row) => row.price.number().add(0.5).round(1).between(1, "2026-01-02"),
      c: (row) =>
        row.city.matches(/^[kKk\u{212a}]/u).choose(row.price.truncate("month"), row.city.text()),
      d: (row) => row.price.coalesce(0).nullIf(row.city.trim().upper().length()),
      e: (row) => row.city.isEmpty().or(row.city.isNotNull()).or(row.city.like("a%_")),
    }),
  ],
  [
    `csv.select(*({name: (lambda name: lambda row: getattr(row.price, name)())(name)} for name in
      "year month day hour minute second weekday date floor ceil".split()),
      t=lambda row: row.city.starts_with("a") & row.city.ends_with("b") & row.city.contains("c"),
      m=lambda row: abs(row.price).mod(2))`,
    csv.select({
      year: (row) => row.price.year(),
      month: (row) => row.price.month(),
      day: (row) => row.price.day(),
      hour: (row) => row.price.hour(),
      minute: (row) => row.price.minute(),
      second: (row) => row.price.second(),
      weekday: (row) => row.price.weekday(),
      date: (row) => row.price.date(),
      floor: (row) => row.price.floor(),
      ceil: (row) => row.price.ceil(),
      t: (row) => row.city.startsWith("a").and(row.city.endsWith("b")).and(row.city.contains("c")),
      m: (row) => row.price.abs().mod(2),
    }),
  ],
];

const library = join(import.meta.dirname, "../../python");
const top = `import datetime
from tequio import aggregate, binary, text
csv = text.csv(["city", "price"])
empties = text.csv(["city", "price", "note"], empty="null")
users = text.csv(["id", "name"])
`;

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
  const input = cluster.file(
    "sales.csv",
    `city,price\n${Array.from({ length: 500 }, (_, n) => `c${(n * n) % 17},${n % 7}.5`).join("\n")}\n`,
  );
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
  'text.lines().sort(output="csv")': /lines, words and bytes come out as they are/,
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
