/** Operators in both languages, which are to be planned alike. */
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

const csv = text.csv(["city", "price"]);
const users = text.csv(["id", "name"]);
const numericPrice = { by: "price", numeric: true } as const;
const options = { name: "x", reducers: 3, output: "csv", badRecords: "keep", attempts: 2 } as const;
const inOptions = `name="x", reducers=3, output="csv", bad_records="keep", attempts=2`;

/** The same in both languages. */
export const pairs: ReadonlyArray<readonly [python: string, typescript: AnyOperator]> = [
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
  ['text.lines(encoding="latin1").sort()', text.lines({ encoding: "latin1" }).sort()],
  ['text.words(encoding="utf-8-lossy").count()', text.words({ encoding: "utf-8-lossy" }).count()],
  [
    'text.csv(["a"], encoding="windows-1252").by("a").count()',
    text.csv(["a"], { encoding: "windows-1252" }).by("a").count(),
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
    `binary.records(8, key=(2, 4)).top_k(3, order="ascending",
      share="volunteers", trust="quorum")`,
    bytes
      .records(8, { key: [2, 4] })
      .topK(3, { order: "ascending", share: "volunteers", trust: "quorum" }),
  ],
  ["binary.records(8).distinct(reducers=2)", bytes.records(8).distinct({ reducers: 2 })],
];

const empties = text.csv(["city", "price", "note"], { empty: "null" });

/** Tables: what follows `table.` in both, see `top`. */
export const tables: ReadonlyArray<readonly [python: string, typescript: AnyOperator]> = [
  ["csv.table()", csv.table()],
  [
    'csv.where(lambda row: (row.price > 10) & ~(row["city"] == "x") | row.city.is_in(["a", "b"]))',
    csv.where((row) => row.price.gt(10).and(row.city.eq("x").not()).or(row.city.in("a", "b"))),
  ],
  [
    `empties.select("city", {"a b": lambda row: 1 - row.price * 2 / 3},
      kept=lambda row: -row.price)`,
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

/** What expressions in Python find. */
export const top = `import datetime
from tequio import aggregate, binary, text
csv = text.csv(["city", "price"])
empties = text.csv(["city", "price", "note"], empty="null")
users = text.csv(["id", "name"])
`;
