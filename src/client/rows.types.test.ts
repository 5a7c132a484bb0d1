/** What the compiler knows of the rows of a job that a program runs, on Node and in a page; checked
 *  by `tsc`, since a wrong line does not compile. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  avg,
  bytes,
  count,
  type Emit,
  type JobOf,
  mapReduce,
  max,
  min,
  type Params,
  text,
} from "../index.ts";
import type { Cluster as PageCluster } from "./browser/index.ts";
import type { Cluster } from "./index.ts";

/** True only for the very same type: `any` is not equal to anything else. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** The row that `run(job).rows()` gives, as both clients infer it. */
function row<Row, P extends Params>(
  _job: JobOf<Row, P>,
): {
  is<Wanted>(holds: Same<Row, Wanted>): void;
} {
  return { is: () => {} };
}

type Scalar = string | number | boolean | null;
type Json = Scalar | readonly Json[] | { readonly [name: string]: Json };

const orders = text.csv(["id", "shop", "price"]);
const events = text.json(["user", "at"]);

test("both clients give rows of the job's type", () => {
  const onNode = (cluster: Cluster) => cluster.run(text.words().count());
  const inPage = (cluster: PageCluster) => cluster.run(text.words().count());
  type Rows<Run extends (cluster: never) => unknown> =
    ReturnType<Run> extends AsyncIterable<infer R> ? R : never;
  type Words = readonly [key: string, value: number];
  const holds: [Same<Rows<typeof onNode>, Words>, Same<Rows<typeof inPage>, Words>] = [true, true];
  assert.deepEqual(holds, [true, true]);
});

test("pairs have the key of their columns, and a number", () => {
  row(text.words().count()).is<readonly [key: string, value: number]>(true);
  row(text.words().count().topK(3)).is<readonly [key: string, value: number]>(true);
  row(orders.by("shop").sum("price")).is<readonly [key: string, value: number]>(true);
  row(orders.by("shop", "id").count()).is<readonly [key: readonly [string, string], value: number]>(
    true,
  );
  row(orders.by().min("price")).is<readonly [key: null, value: number]>(true);
  row(orders.max("price")).is<readonly [key: null, value: number]>(true);
  row(orders.count()).is<readonly [key: readonly string[], value: number]>(true);
  row(events.by("user").count()).is<readonly [key: Scalar, value: number]>(true);
  row(orders.by("shop").count({ output: "text" })).is<readonly [key: string, value: string]>(true);
  row(orders.by("shop").count({ output: "csv" })).is<readonly [key: string, value: number]>(true);
});

test("tables have their columns, and the types of what computes them", () => {
  row(orders.where((order) => order.price.gt(3))).is<{
    readonly id: string;
    readonly shop: string;
    readonly price: string;
  }>(true);
  row(events.table().limit(3)).is<{ readonly user: Json; readonly at: Json }>(true);
  const sums = orders
    .where((order) => order.id.isNotNull())
    .select({
      shop: true,
      cents: ({ price }) => price.mul(100),
      isDear: ({ price }) => price.gt(9).and(true),
      where: ({ shop }) => shop.lower().coalesce("none"),
      size: ({ price }) => price.gt(9).choose("large", null),
      one: () => 1,
    });
  row(sums).is<{
    readonly shop: string;
    readonly cents: number | null;
    readonly isDear: boolean | null;
    readonly where: string;
    readonly size: string | null;
    readonly one: number;
  }>(true);
  const totals = sums.by("shop").aggregate({
    orders: count(),
    mean: avg("cents"),
    least: min("where", { as: "text" }),
    most: max("cents"),
  });
  type Totals = {
    readonly shop: string;
    readonly orders: number;
    readonly mean: number | null;
    readonly least: string | null;
    readonly most: number | null;
  };
  row(totals).is<Totals>(true);
  row(totals.sort({ by: "mean" }).topK(3, "orders").distinct()).is<Totals>(true);
  row(orders.by("shop").aggregate({ n: count() })).is<{
    readonly shop: string;
    readonly n: number;
  }>(true);
  row(orders.by("shop").topK(1, "price").select({ id: true })).is<{ readonly id: string }>(true);
  row(sums.aggregate({ n: count() })).is<{ readonly n: number }>(true);
  // @ts-expect-error no such column
  assert.throws(() => orders.where((order) => order.prize.gt(3)), /no column "prize"/);
});

test("a table that is written as CSV or text has texts alone", () => {
  const table = orders.by("shop").aggregate({ n: count() });
  row(table.with({ output: "csv" })).is<{ readonly shop: string; readonly n: string }>(true);
  row(table.with({ output: "text", reducers: 1 }).sort("n")).is<{
    readonly shop: string;
    readonly n: string;
  }>(true);
  row(table.with({ output: "csv" }).with({ output: "parquet" })).is<{
    readonly shop: string;
    readonly n: number;
  }>(true);
  row(table.with({ output: "csv" }).with({ name: "x" })).is<{
    readonly shop: string;
    readonly n: string;
  }>(true);
});

test("an empty cell is null in a table where the source says so", () => {
  const table = text.csv(["a"], { empty: "null" }).table();
  row(table).is<{ readonly a: string | null }>(true);
  row(text.match(/(a)(b)?/, ["a", "b"]).table()).is<{
    readonly a: string | null;
    readonly b: string | null;
  }>(true);
});

test("sorted texts are lines, sorted records have their columns", () => {
  row(text.lines().sort()).is<string>(true);
  row(text.lines().distinct({ reducers: 2 })).is<string>(true);
  row(text.words().topK(3)).is<string>(true);
  row(text.lines().sort({ output: "ndjson" })).is<{ readonly line: string }>(true);
  row(orders.sort({ by: "price", numeric: true })).is<{
    readonly id: string;
    readonly shop: string;
    readonly price: string;
  }>(true);
  row(events.topK(3, { by: "at" })).is<{ readonly user: Json; readonly at: Json }>(true);
  row(events.distinct({ output: "csv" })).is<{ readonly user: string; readonly at: string }>(true);
  row(bytes.records(8).sort()).is<never>(true);
});

test("rows of a join have both sides, and null where a side may be missing", () => {
  type Order = { readonly id: string; readonly shop: string; readonly price: string };
  const shops = text.csv(["shop", "city"]);
  type Shop = { readonly shop: string; readonly city: string };
  row(orders.join(shops, { on: "shop" })).is<
    readonly [key: string, value: { readonly left: Order; readonly right: Shop }]
  >(true);
  row(orders.join(shops, { on: { left: "id", right: "shop" }, kind: "left" })).is<
    readonly [key: string, value: { readonly left: Order; readonly right: Shop | null }]
  >(true);
  row(text.lines().join(shops, { on: { left: "line", right: "shop" }, kind: "outer" })).is<
    readonly [key: string, value: { readonly left: string | null; readonly right: Shop | null }]
  >(true);
});

test("pairs of map/reduce are texts when they are written as text", () => {
  const map = (line: string, emit: Emit<string, number>) => emit(line, 1);
  row(mapReduce({ map })).is<readonly [key: string, value: number]>(true);
  row(mapReduce({ map, output: "csv" })).is<readonly [key: string, value: number]>(true);
  row(mapReduce({ map, output: "text" })).is<readonly [key: string, value: string]>(true);
  row(mapReduce({ inputs: { a: { map }, b: { map } }, output: "text" })).is<
    readonly [key: string, value: string]
  >(true);
});
