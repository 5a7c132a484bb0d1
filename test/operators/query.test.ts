/** Queries: `where`, `select`, groups and orders one after the other. The kernels and the judge
 *  must give the same bytes; what these are is written down here. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
  type Table,
  text,
} from "../../src/index.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { allWays } from "./run.ts";

type Options = Parameters<typeof allWays>[2];

/** The lines of the result, after both ways have agreed. */
async function linesOf<C extends string>(
  job: Table<C>,
  contents: readonly string[],
  options: Options = {},
): Promise<string[]> {
  const { judge, kernels } = await allWays(job, contents, options);
  assert.deepEqual(kernels, judge);
  return Buffer.from(judge.parts.join(""), "latin1").toString().split("\n").slice(0, -1);
}

async function rowsOf<C extends string>(
  job: Table<C>,
  contents: readonly string[],
  options?: Options,
) {
  return (await linesOf(job, contents, options)).map((line) => Object.values(JSON.parse(line)));
}

const sales = [
  "city,price,qty,date",
  "Oaxaca,10.5,2,2024-01-31",
  "Puebla,7,1,2024-02-01",
  "Oaxaca,0.1,3,2024-02-29",
  "México,,5,2024-02-10",
  "Puebla,20.25,2,2024-01-15",
  "Oaxaca,10.5,1,2024-01-02",
].join("\n");
const source = text.csv(["city", "price", "qty", "date"]);

test("rows are kept by tests and made of computed columns", async () => {
  const job = source
    .where((row) => row.price.gt(5).and(row.city.ne("Puebla").or(row.date.month().eq(1))))
    .select({
      city: true,
      month: (row) => row.date.month(),
      revenue: (row) => row.price.mul(row.qty),
    });
  assert.deepEqual(await linesOf(job, [sales]), [
    '{"city":"Oaxaca","month":1,"revenue":21}',
    '{"city":"Puebla","month":1,"revenue":40.5}',
    '{"city":"Oaxaca","month":1,"revenue":10.5}',
  ]);
  assert.deepEqual(await linesOf(job, [sales], { splitBytes: 40 }), await linesOf(job, [sales]));
});

test("groups have several aggregates, names of their own, and can be asked on", async () => {
  const job = source
    .select({
      city: true,
      revenue: (row) => row.price.mul(row.qty),
      price: true,
      date: true,
    })
    .by("city")
    .aggregate({
      n: count(),
      total: sum("revenue"),
      mean: avg("price"),
      top: max("price"),
      least: min("price"),
      last: max("date", { as: "text" }),
      prices: countDistinct("price"),
      known: countValues("price"),
      median: quantile("price", 0.5),
    });
  const lines = await linesOf(job, [sales], { splitBytes: 30 });
  assert.deepEqual(lines, [
    '{"city":"México","n":1,"total":null,"mean":null,"top":null,"least":null,' +
      '"last":"2024-02-10","prices":0,"known":0,"median":null}',
    '{"city":"Oaxaca","n":3,"total":31.8,"mean":7.033333333333333,"top":10.5,"least":0.1,' +
      '"last":"2024-02-29","prices":2,"known":3,"median":10.5}',
    '{"city":"Puebla","n":2,"total":47.5,"mean":13.625,"top":20.25,"least":7,' +
      '"last":"2024-02-01","prices":2,"known":2,"median":13.625}',
  ]);
  const chain = job
    .having((row) => row.n.ge(2))
    .sort({ by: "total", order: "descending" })
    .limit(1)
    .with({ output: "csv" });
  const expected = [
    "city,n,total,mean,top,least,last,prices,known,median",
    "Puebla,2,47.5,13.625,20.25,7,2024-02-01,2,2,13.625",
  ];
  assert.deepEqual(await linesOf(chain, [sales]), expected);
  // Two stages of reduce tasks.
  assert.deepEqual(await linesOf(chain, [sales], { reducers: 3, splitBytes: 40 }), expected);
});

test("groups of groups, the first of each group, and orders with directions", async () => {
  const perDay = source.by("city", "date").aggregate({ n: count(), paid: sum("price") });
  const cities = perDay.by("city").aggregate({ days: count(), paid: sum("paid") });
  const reducers = { reducers: 2, splitBytes: 50 };
  const expected = [
    ["Oaxaca", 3, 21.1],
    ["Puebla", 2, 27.25],
    ["México", 1, null],
  ];
  const sorted = cities.sort({ by: "days", order: "descending" }, "city");
  assert.deepEqual(await rowsOf(sorted, [sales], reducers), expected);
  const best = source.by("city").topK(1, { by: "price", numeric: true, order: "descending" });
  assert.deepEqual(await rowsOf(best.sort("city"), [sales], reducers), [
    ["México", "", "5", "2024-02-10"],
    ["Oaxaca", "10.5", "2", "2024-01-31"],
    ["Puebla", "20.25", "2", "2024-01-15"],
  ]);
  assert.deepEqual(await rowsOf(source.table().limit(2, 1), [sales]), [
    ["Puebla", "7", "1", "2024-02-01"],
    ["Oaxaca", "0.1", "3", "2024-02-29"],
  ]);
  const cells = source.select({ city: true }).distinct();
  assert.deepEqual(await rowsOf(cells, [sales]), [["México"], ["Oaxaca"], ["Puebla"]]);
});

test("of nothing there is one row of all rows", async () => {
  const job = source.aggregate({ n: count(), total: sum("price"), kinds: countDistinct("city") });
  assert.deepEqual(await rowsOf(job, ["city,price,qty,date\n"]), [[0, null, 0]]);
  const none = source.where((row) => row.city.eq("x")).aggregate({ n: count() });
  assert.deepEqual(await rowsOf(none, [sales]), [[0]]);
});

test("functions of texts, numbers and dates", async () => {
  const job = text.csv(["a", "b", "d"], { empty: "null" }).select({
    like: (row) => row.a.like("%a_b%"),
    found: (row) => row.a.matches(/^[xy]/i),
    part: (row) => row.a.substring(2, 3).upper(),
    length: (row) => row.a.length(),
    joined: (row) => row.a.concat("-", row.b),
    rest: (row) => row.b.mod(3),
    third: (row) => row.b.div(3),
    half: (row) => row.b.div(2),
    rounded: (row) => row.b.div(3).round(2),
    floor: (row) => row.b.neg().floor(),
    week: (row) => row.d.weekday(),
    quarter: (row) => row.d.truncate("quarter"),
    hour: (row) => row.d.truncate("hour"),
    known: (row) => row.b.coalesce(0),
    is: (row) => row.b.isNull(),
    kind: (row) => row.b.in(1, 2, 7.5).choose("in", "out"),
    some: (row) => row.b.between(1, 8),
  });
  const rows = "a,b,d\nXa😀bé,7.5,2024-05-31T23:59:01Z\nzz,,2023-01-01\n";
  const expected: unknown[][] = [
    [true, true, "A😀B", 5, "Xa😀bé-7.5", 1.5, 2.5, 3.75, 2.5, -8, 5, "2024-04-01"],
    [false, false, "Z", 2, "zz-", null, null, null, null, null, 7, "2023-01-01"],
  ];
  expected[0]!.push("2024-05-31 23:00:00", "7.5", false, "in", true);
  expected[1]!.push("2023-01-01 00:00:00", 0, true, "out", null);
  assert.deepEqual(await rowsOf(job, [rows]), expected);
});

test("what is no number or no date is a bad record, before the first shuffle", async () => {
  const rows = "a,d\n1,2024-02-30\nx,2024-02-29\n3,2024-02-28\n";
  const typed = text
    .csv(["a", "d"])
    .select({ n: (row) => row.a.add(1), day: (row) => row.d.day() });
  const kept = typed.with({ badRecords: "keep" });
  const { judge, kernels } = await allWays(kept, [rows]);
  assert.deepEqual(kernels, judge);
  assert.deepEqual(judge.parts, ['{"n":4,"day":28}\n']);
  assert.equal(judge.bad.split("\n").length, 3);
  await assert.rejects(allWays(typed, [rows]), /"2024-02-30" is no date/);
  const sums = text
    .csv(["a"])
    .by()
    .aggregate({ total: sum("a") })
    .with({ badRecords: "keep" });
  assert.deepEqual(await rowsOf(sums, [rows]), [[4]]);
});

test("sketches are near, whatever the splits are", async () => {
  const values = Array.from({ length: 20_000 }, (_, i) => `${i % 2},${(i * 7919) % 10_007}`);
  const rows = `g,v\n${values.join("\n")}\n`;
  const job = text
    .csv(["g", "v"])
    .by("g")
    .aggregate({ kinds: approxCountDistinct("v"), p90: approxQuantile("v", 0.9) });
  const found = (await rowsOf(job, [rows], { splitBytes: 30_000 })) as Array<
    [string, number, number]
  >;
  for (const [, kinds, p90] of found) {
    assert.ok(Math.abs(kinds / 10_000 - 1) < 0.05, `${kinds} kinds`);
    assert.ok(Math.abs(p90 / 9006 - 1) < 0.01, `${p90}`);
  }
  assert.deepEqual(await rowsOf(job, [rows]), found);
});

test("columns are checked where the query is written", () => {
  assert.throws(
    () => source.by("city").aggregate({ n: sum("cost" as never) }),
    /no column "cost"; there/,
  );
  assert.throws(
    () => source.where((row) => (row as never as { x: never }).x),
    /no column "x"; there/,
  );
  assert.throws(() => source.by("city").aggregate({ city: count() }), /two columns "city"/);
  for (const no of [() => count(), "sum", null]) {
    const wrong = () => source.by("city").aggregate({ n: no as never });
    assert.throws(wrong, /n is no aggregate; give one, such as count\(\)/);
  }
  const twoShuffles = (table: Table<"city">) => table.sort("city").distinct();
  let table = twoShuffles(source.select({ city: true }));
  table = twoShuffles(twoShuffles(table));
  assert.throws(() => twoShuffles(table), /at most 7/);
});

const cell = fc.constantFrom(
  "",
  "0",
  "1",
  "2",
  "-3",
  "0.5",
  "1e2",
  "9007199254740993",
  "é",
  "😀",
  "\uffee",
);

test("kernels equal the judge for any rows, splits and partitions", async () => {
  const query = text
    .csv(["k", "t", "n"], { empty: "null" })
    .where((row) => row.k.ne("1").or(row.t.gt("a")))
    .select({
      k: true,
      t: true,
      n: (row) => row.k.length().mul(3).sub(1),
      s: (row) => row.t.concat("x"),
    })
    .by("k", "t")
    .aggregate({ rows: count(), n: sum("n"), kinds: countDistinct("s"), q: quantile("n", 0.3) })
    .where((row) => row.rows.gt(0));
  const ends = [
    query,
    query.sort({ by: "t", order: "descending" }, "n").limit(3, 1),
    query.by("t").topK(1, { by: "rows", order: "descending" }),
    query
      .by("k")
      .aggregate({ all: sum("rows"), most: max("q"), mean: avg("n") })
      .sort("all"),
  ];
  const property = fc.asyncProperty(
    fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 12 }),
    fc.integer({ min: 10, max: 100 }),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom(...ends),
    async (rows, splitBytes, reducers, job) => {
      const content = ["k,t,n", ...rows.map(([k, t]) => `${k},${t},1`)].join("\n");
      await linesOf(job as Table<string>, [content], { splitBytes, reducers, spillBytes: 1024 });
    },
  );
  await fc.assert(property, { numRuns: depth(30, 10) });
});
