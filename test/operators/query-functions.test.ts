/** Each function and each aggregate that a kernel has, on plain rows, none of which is left to
 *  functions: what the judge says. Random plans are in `query-kernel.test.ts`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  avg,
  count,
  countDistinct,
  countValues,
  max,
  min,
  quantile,
  sum,
  text,
} from "../../src/index.ts";
import type { Cell, Cells } from "../../src/sdk/operators/query/cell.ts";
import { call } from "../../src/sdk/operators/query/cell.ts";
import type { FormatSpec } from "../../src/wire/block/plan.ts";
import { type FunctionName, functions, type QuerySpec } from "../../src/wire/block/query.ts";
import { programOf } from "../../src/worker/operators/query/compile.ts";
import { allWays } from "./run.ts";

const columns = ["id", "n", "m", "t", "u", "d", "b"] as const;
type Row = Cells<(typeof columns)[number]>;

const texts = ["México", " Ñandú b ", "abcabd", "", "a%b_c", "日本語", "Zz", "ab"];
const days = ["2024-02-29", "2023-12-31 23:59:58", "1999-05-07T00:10:09Z", "", "2000-10-01"];
const truths = ["true", "FALSE", "", "False", "tRuE"];
const rows = Array.from({ length: 120 }, (_, i) => {
  const n = ((i * 37) % 400) / 8 - 20;
  const m = i % 11 === 0 ? "" : `${((i * 53) % 90) - 40}.${i % 10}0`;
  const t = texts[i % texts.length]!;
  return {
    id: `r${i}`,
    n: `${n}`,
    m,
    t,
    u: texts[(i * 5 + 2) % texts.length]!,
    d: days[i % 5]!,
    b: truths[i % 5]!,
  };
});
const csv = [columns, ...rows.map((row) => Object.values(row))].map((row) => row.join(","));
const ndjson = rows.map((row) =>
  JSON.stringify({ ...row, n: Number(row.n), m: row.m === "" ? null : Number(row.m) }),
);

const numbers: { readonly [name: string]: (row: Row) => Cell } = {
  add: ({ n, m }) => n.add(m),
  sub: ({ n, m }) => n.sub(m),
  mul: ({ n, m }) => n.mul(m),
  mod: ({ n, m }) => n.mod(m),
  "mod by one": ({ n }) => n.mod(1.5),
  neg: ({ m }) => m.neg(),
  abs: ({ n }) => n.abs(),
  floor: ({ n }) => n.floor(),
  ceil: ({ n }) => n.ceil(),
  round: ({ n }) => n.round(),
  "round to 2": ({ n }) => n.round(2),
  length: ({ t }) => t.length(),
  year: ({ d }) => d.year(),
  month: ({ d }) => d.month(),
  day: ({ d }) => d.day(),
  hour: ({ d }) => d.hour(),
  minute: ({ d }) => d.minute(),
  second: ({ d }) => d.second(),
  weekday: ({ d }) => d.weekday(),
  number: ({ m }) => m.number(),
  if: ({ n, m }) => n.gt(0).choose(m, n),
  nullIf: ({ n }) => n.number().nullIf(5),
  coalesce: ({ n, m }) => m.number().coalesce(n),
};
const named: { readonly [name: string]: (row: Row) => Cell } = {
  lower: ({ t }) => t.lower(),
  upper: ({ t }) => t.upper(),
  trim: ({ t }) => t.trim(),
  concat: ({ t, u, n }) => t.concat("-", u, n.mul(2)),
  substring: ({ t }) => t.substring(2, 3),
  "substring to the end": ({ t }) => t.substring(0),
  text: ({ n }) => n.number().text(),
  "text of a boolean": ({ n }) => n.gt(0).text(),
  date: ({ d }) => d.date(),
  ...Object.fromEntries(
    (["year", "quarter", "month", "day", "hour", "minute"] as const).map((unit) => [
      `truncate to ${unit}`,
      ({ d }: Row) => d.truncate(unit),
    ]),
  ),
};
const tests: { readonly [name: string]: (row: Row) => Cell } = {
  eq: ({ t, u }) => t.eq(u),
  ne: ({ t, u }) => t.ne(u),
  lt: ({ n, m }) => n.number().lt(m),
  le: ({ t, u }) => t.le(u),
  gt: ({ n }) => n.gt(3.25),
  ge: ({ n }) => n.ge(3.25),
  between: ({ n }) => n.between(-5, 7.5),
  in: ({ t }) => t.in("ab", "México"),
  and: ({ n, m }) => n.gt(0).and(m.gt(0)),
  or: ({ n, m }) => n.gt(10).or(m.gt(10)),
  not: ({ m }) => m.gt(0).not(),
  isNull: ({ m }) => m.number().isNull(),
  boolean: ({ b }) => b.boolean(),
  "boolean beside true": ({ b }) => b.eq(true).not(),
  "boolean in a list": ({ b }) => b.boolean().in(false, "True"),
  "boolean and boolean": ({ b, n }) => b.and(n.gt(0)).or(b),
  "boolean of null": ({ b }) => b.boolean().isNull(),
  startsWith: ({ t }) => t.startsWith("ab"),
  endsWith: ({ t }) => t.endsWith("b"),
  contains: ({ t, u }) => t.contains(u),
  like: ({ t }) => t.like("%b%_"),
  "like with characters": ({ t }) => t.like("_é%"),
  "like with what comes again": ({ t }) => t.like("%abd"),
};

const sources = [
  ["CSV", text.csv([...columns]), csv],
  ["CSV with nulls", text.csv([...columns], { empty: "null" }), csv],
  ["JSON", text.json([...columns]), ndjson],
] as const;
/** Functions in one query. */
const together = 12;

for (const [kind, source, lines] of sources) {
  test(`each function of a kernel gives of ${kind} what the judge gives`, async () => {
    const asked = [
      ...Object.entries(numbers).map(([name, value]) => [name, value, sum] as const),
      ...Object.entries(named).map(([name, value]) => {
        return [name, value, (of: string) => max(of, { as: "text" })] as const;
      }),
      ...Object.entries(tests).map(([name, value]) => {
        const shown = (cells: Row) => value(cells).choose(1, 0);
        return [name, shown, sum] as const;
      }),
    ];
    for (let from = 0; from < asked.length; from += together) {
      const some = asked.slice(from, from + together);
      const values = Object.fromEntries(some.map(([name, value]) => [name, value]));
      const aggregates = some.map(([name, , aggregateOf]) => [`of ${name}`, aggregateOf(name)]);
      // The functions of a union of sources cannot be called.
      const table = (source as (typeof sources)[0][1])
        .select({ id: (cells: Row) => cells.id, ...values })
        .by("id")
        .aggregate(Object.fromEntries(aggregates));
      const { inputs, apply } = table.operator;
      const program = programOf(apply as QuerySpec, inputs.default as FormatSpec);
      assert.notEqual(program, null, Object.keys(values).join());
      const { judge, kernels } = await allWays(table, [lines.join("\n")], { splitBytes: 4000 });
      assert.deepEqual(kernels, judge);
      assert.equal(kernels.parts.join("").split("\n").length, rows.length + 1);
    }
  });

  test(`each aggregate of a kernel gives of ${kind} what the judge gives`, async () => {
    const aggregates = {
      all: count(),
      some: countValues("m"),
      sum: sum("m"),
      mean: avg("m"),
      least: min("m"),
      most: max("m"),
      first: min("u", { as: "text" }),
      last: max("d", { as: "text" }),
    };
    const ordered = {
      kinds: countDistinct("u"),
      numbers: countDistinct("m"),
      p: quantile("n", 0.7),
    };
    const tables = [
      source.by("t").aggregate(aggregates),
      source.by("t").aggregate({ ...aggregates, ...ordered }),
      source.by("t", "d").aggregate({ ...ordered, all: count() }),
      source.by().aggregate({ ...aggregates, ...ordered }),
      source.by("n").aggregate({ last: max("u", { as: "text" }) }),
    ];
    for (const [i, table] of tables.entries()) {
      for (const reducers of [1, 3]) {
        const options = { splitBytes: 1500, reducers };
        const { judge, kernels } = await allWays(table, [lines.join("\n")], options);
        assert.deepEqual(kernels, judge, `table ${i}, ${reducers} parts`);
      }
    }
  });
}

test("of all functions those without an instruction are known", () => {
  const without = Object.keys(functions).filter((name) => {
    const known = { ...numbers, ...named, ...tests };
    return !Object.keys(known).some((one) => one === name || one.startsWith(`${name} to `));
  });
  assert.deepEqual(without, ["matches", "div", "replace"]);
  const unknown = without.map((name) => {
    const cell = call(name as FunctionName, "1", "2", ...(name === "replace" ? ["3"] : []));
    const { inputs, apply } = text.csv(["a"]).where(() => cell).operator;
    return programOf(apply as QuerySpec, inputs.default as FormatSpec);
  });
  assert.deepEqual(unknown, [null, null, null]);
});
