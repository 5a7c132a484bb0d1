/** Hundreds of questions in SQL, asked to DuckDB and here, of the same files: equal answers. The
 *  kernels and the judge answer each of ours. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { sqlJob } from "../../src/sdk/sql/select.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { depth } from "../fixtures/depth.ts";
import { filesWays } from "./run.ts";

const cities = "Oaxaca Puebla México oaxaca Zacatecas x_y 100% 東京 😀".split(" ");

/** Every 7th price and every 11th city is missing. */
function rowsOf(count: number) {
  return Array.from({ length: count }, (_, i) => {
    const day = new Date(Date.UTC(2023, 0, 1 + ((i * 37) % 800))).toISOString().slice(0, 10);
    const price = i % 7 === 3 ? null : ((i * 7919) % 5000) / 100 - 10;
    const city = i % 11 === 5 ? null : cities[(i * 5) % cities.length]!;
    const open = i % 13 === 4 ? null : i % 3 === 0;
    const note = `n${(i * 3) % 4}, "${i % 5}"`;
    return { id: i, city, price, qty: (i * 13) % 9, day, note, open };
  });
}

const filters = [
  "",
  "where price > 5",
  "where price is null or qty <= 3",
  "where city like '%a%' and not qty = 4",
  "where city in ('Oaxaca', '東京', '😀') or price between -5 and 0.5",
  "where day >= '2023-06-01' and day < '2024-03-01'",
  "where month(day) in (1, 2, 12) and city is not null",
  "where qty not in (1, 2) and price + qty > 3",
  "where city not like 'O%' and price not between 0 and 20",
  "where length(city) > 4 or regexp_matches(note, 'n[12]')",
  "where 1 = 0",
];
const columns = [
  "id, city, price",
  "id, price * qty as revenue, price / 4 as quarter, qty % 4 as rest",
  "id, upper(city) as big, lower(city) as small, length(city) as size",
  "id, coalesce(city, 'none') as city, nullif(qty, 3) as qty, -price as minus, abs(price) as size",
  "id, year(day) as y, month(day) as m, day(day) as d, isodow(day) as w",
  "id, date_trunc('month', day) as t",
  "id, extract(year from day) as y, date_trunc('quarter', day) as q, substring(city, 2, 3) as part",
  "id, case when qty > 6 then 'many' when qty > 3 then 'some' else 'few' end as kind",
  "id, concat(city, '-', qty) as joint, city || note as two, replace(note, 'n', 'm') as other",
  "id, floor(price) as f, ceil(price) as c, price is null as missing, qty >= 4 as enough",
  "id, trim(note) as note, starts_with(note, 'n1') as is1, contains(city, 'a') as has",
  "id, id - qty as less",
];
const groups = [
  ["city", "city"],
  ["qty", "qty"],
  ["city, qty", "city, qty"],
  ["month(day) as m", "m"],
  ["qty % 3 as third, city is null as missing", "1, 2"],
];
const aggregates = [
  "count(*) as n, sum(qty) as total",
  "count(price) as n, sum(price) as total, avg(price) as mean",
  "min(price) as least, max(price) as most, min(day) as first, max(city) as last",
  "count(distinct city) as cities, count(distinct price) as prices, median(qty) as middle",
  "quantile_cont(price, 0.9) as p90, sum(price * qty) as revenue, avg(qty) as mean",
  "count(*) filter (where price > 10) as many, sum(case when qty > 4 then qty else 0 end) as big",
];
const ends = [
  "",
  "having count(*) > 2",
  "having max(qty) > 5 order by n desc nulls last, 1 nulls first limit 4",
];

/** With what DuckDB orders by, which is everything: so all answers are in one order. */
function questions(from: string): string[] {
  const plain = filters.flatMap((filter) =>
    columns.map((names) => `select ${names} from ${from} ${filter} order by id`),
  );
  const grouped = groups.flatMap(([names, by]) =>
    aggregates.flatMap((all) =>
      filters
        .slice(0, 4)
        .map((filter) => `select ${names}, ${all} from ${from} ${filter} group by ${by}`),
    ),
  );
  const having = filters
    .slice(0, 4)
    .flatMap((filter) =>
      ends.map((end) => `select city, count(*) as n from ${from} ${filter} group by city ${end}`),
    );
  const whole = aggregates.flatMap((all) =>
    filters.map((filter) => `select ${all} from ${from} ${filter}`),
  );
  const others = [
    `select distinct city, qty from ${from} order by qty desc, city`,
    `select distinct qty % 2 as odd from ${from} order by odd`,
    `select id, price from ${from} order by price desc nulls first, id limit 7 offset 3`,
    `select id from ${from} order by city nulls last, day desc, id limit 9`,
    `select id from ${from} order by price * qty, id limit 5`,
    `select city from ${from} where price > 0 group by city order by sum(price) desc limit 2`,
    `select upper(city) as u, count(*) as n from ${from} group by u having u is not null`,
    `select lower(city) as city, count(*) as n from ${from} group by city`,
    `select city as qty, sum(qty) as city from ${from} group by city`,
    ...[
      "open",
      "not open",
      "open = true",
      "open <> true",
      "open = 'TRUE'",
      "open in (false)",
      "open > false",
      "open is not true and id > 3",
      "open is not false or qty = 2",
      "coalesce(open, true)",
      "cast(open as text) = 'true'",
      "cast(open as double) < 1",
      "case when open then qty > 3 else qty < 2 end",
      "(qty > 3) = open",
    ].map((test) => `select id, open from ${from} where ${test} order by id`),
    `select id * 2 as twice, city as c from ${from} where twice > 20 and c ilike '%A%' order by id`,
    `select id from ${from} where city not ilike 'O%' order by id`,
    `select open, count(*) as n, count(open) as m from ${from} group by open`,
    `select max(open), min(open), sum(open), count(distinct open) from ${from}`,
    `select open as "Open", "ID", "Id" + 1 as next from ${from} order by "OPEN", "iD"`,
    `select distinct open from ${from} order by open nulls last`,
  ];
  return [...plain, ...grouped, ...having, ...whole, ...others];
}

test("DuckDB gives the same answers", async () => {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const folder = newFolder("duckdb-");
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  const connection = await instance.connect();
  try {
    const rows = rowsOf(90);
    const cell = (value: unknown) => `"${`${value}`.replaceAll('"', '""')}"`;
    const truths = ["true", "True", "TRUE", "false", "False", "FALSE"];
    const csv = rows.map((row, i) =>
      Object.values(row).map((v) => {
        if (typeof v === "boolean") return truths[(v ? 0 : 3) + (i % 3)];
        return v === null ? "" : typeof v === "string" ? cell(v) : v;
      }),
    );
    const csvPath = join(folder, "rows.csv");
    const jsonPath = join(folder, "rows.ndjson");
    writeFileSync(
      csvPath,
      [Object.keys(rows[0]!), ...csv].map((line) => `${line.join(",")}\n`).join(""),
    );
    writeFileSync(jsonPath, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const all = [
      ...questions(`'${csvPath}'`),
      ...questions(`'${jsonPath}'`).filter((_, i) => i % 6 === 0),
    ].filter((_, i) => i % depth(1, 3) === 0);
    assert.ok(all.length >= depth(300, 100), `${all.length} questions`);
    for (const [i, question] of all.entries()) {
      const theirs = (await connection.runAndReadAll(question)).getRowsJson();
      const splits = { splitBytes: 1500 + 500 * (i % 3), reducers: 1 + (i % 3) };
      const ours = await answer(question, splits);
      const isOrdered = question.includes("order by");
      assert.deepEqual(comparable(ours, isOrdered), comparable(theirs, isOrdered), question);
    }
  } finally {
    connection.closeSync();
    instance.closeSync();
    removeFolder(folder);
  }
});

async function answer(question: string, options: object): Promise<unknown[][]> {
  const { path, table } = await sqlJob(question);
  const { judge, kernels } = await filesWays(table, [path], options);
  assert.deepEqual(kernels, judge, question);
  const lines = Buffer.from(judge.parts.join(""), "latin1").toString().split("\n").slice(0, -1);
  return lines.map((line) => Object.values(JSON.parse(line)));
}

/** Numbers to 12 digits, since DuckDB adds and divides doubles; dates without a time of nothing. */
function comparable(rows: ReadonlyArray<readonly unknown[]>, isOrdered: boolean): unknown[] {
  const lines = rows.map((row) => JSON.stringify(row.map(plain)));
  return isOrdered ? lines : lines.sort();
}

function plain(cell: unknown): unknown {
  if (cell === null || typeof cell === "boolean") return cell;
  const text = `${cell}`.replace(/ 00:00:00$/, "");
  if (text === "" || Number.isNaN(Number(text))) return text;
  return Number(Number(text).toPrecision(12)) + 0;
}
