/** Queries whose rows a kernel reads: random plans over odd rows give what plain functions give,
 *  and the judge. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../../src/index.ts";
import { Table } from "../../src/sdk/operators/query/table.ts";
import type { FormatSpec } from "../../src/wire/block/plan.ts";
import type {
  AggregateSpec,
  Expression,
  FunctionName,
  QuerySpec,
  QueryStep,
} from "../../src/wire/block/query.ts";
import { programOf } from "../../src/worker/operators/query/compile.ts";
import { depth } from "../fixtures/depth.ts";
import fc from "../fixtures/fast-check.ts";
import { columns, csv, dates } from "./odd-rows.ts";
import { allWays } from "./run.ts";

const column = fc.constantFrom(...columns).map((name): Expression => ({ column: name }));
const value = fc
  .constantFrom(
    ..."Oaxaca|M|a|%a_|_%|é|".split("|"),
    ...[0, 1, 10.5, -3, 0.1, 1e9],
    null,
    true,
    false,
    "True",
  )
  .map((constant): Expression => ({ value: constant }));
const texts = fc.constantFrom("a", "%", "_é%", "%a%c", "", "M%o").map((text) => ({ value: text }));
const places = fc.integer({ min: 0, max: 4 }).map((place) => ({ value: place }));
const units = fc
  .constantFrom("year", "quarter", "month", "day", "hour", "minute")
  .map((unit) => ({ value: unit }));

const call = (name: FunctionName, ...of: ReadonlyArray<fc.Arbitrary<Expression>>) =>
  fc.tuple(...of).map((parts): Expression => ({ call: name, of: parts }));
const { number, any, truth } = fc.letrec<{
  number: Expression;
  any: Expression;
  truth: Expression;
}>((tie) => {
  const [number, any, truth] = [tie("number"), tie("any"), tie("truth")];
  const two = (names: readonly FunctionName[], of: fc.Arbitrary<Expression>) =>
    names.map((name) => call(name, of, of));
  const n = fc.constant<Expression>({ call: "number", of: [{ column: "n" }] });
  return {
    number: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      n,
      fc.constantFrom(1, 2.5, -7).map((constant) => ({ value: constant })),
      ...two(["add", "sub", "mul", "mod"], number),
      call("neg", number),
      call("abs", number),
      call("floor", number),
      call("ceil", number),
      call("round", number, places),
      call("length", any),
      ...(["year", "month", "day", "hour", "minute", "second", "weekday"] as const).map((name) =>
        call(name, fc.constant({ column: "d" })),
      ),
    ),
    any: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      column,
      value,
      number,
      call("lower", any),
      call("upper", any),
      call("trim", any),
      call("text", any),
      call("concat", any, any),
      call("substring", any, places, places),
      call("coalesce", any, any),
      call("nullIf", any, any),
      call("if", truth, any, any),
      call("date", fc.constant({ column: "d" })),
      call("truncate", fc.constant({ column: "d" }), units),
    ),
    truth: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      ...two(["eq", "ne", "lt", "le", "gt", "ge"], fc.oneof(number, column, value)),
      call("between", fc.oneof(number, column), number, number),
      call("in", column, value, value),
      call("isNull", any),
      call("like", column, texts),
      call("startsWith", column, texts),
      call("endsWith", column, texts),
      call("contains", column, texts),
      ...two(["and", "or"], truth),
      call("not", truth),
      call("boolean", fc.oneof(column, truth, value)),
      call("matches", column, fc.constant({ value: "[a-n]" })),
    ),
  };
});

const aggregate = fc
  .tuple(
    fc.constantFrom("count", "sum", "avg", "min", "max", "countDistinct", "quantile" as const),
    fc.constantFrom("x", "y", "n", "a"),
    fc.boolean(),
  )
  .map(([name, of, isText]): Omit<AggregateSpec, "name"> => {
    if (name === "count") return { function: name, column: isText ? of : null };
    if (name === "quantile") return { function: name, column: of, at: 0.4 };
    const isExtreme = name === "min" || name === "max";
    return { function: name, column: of, ...(isExtreme && isText ? { as: "text" } : {}) };
  });
const plan = fc.record({
  tests: fc.array(truth, { maxLength: 2 }),
  x: any,
  y: number,
  by: fc.subarray(["a", "x", "y", "b"]),
  aggregates: fc.array(aggregate, { minLength: 1, maxLength: 4 }),
  isGrouped: fc.boolean(),
});
type PlanOf = typeof plan extends fc.Arbitrary<infer P> ? P : never;

/** The query of a plan, of the source of a table. */
function queryOf({ operator, options }: Table<string>, asked: PlanOf): Table<string> {
  const { tests, x, y, by, aggregates, isGrouped } = asked;
  const kept = columns.map((name) => ({ name, value: { column: name } }));
  const made = [...kept, { name: "x", value: x }, { name: "y", value: y }];
  const group = {
    step: "group",
    by,
    aggregates: aggregates.map((one, i) => ({ ...one, name: `r${i}` })),
  } as const;
  const steps: QueryStep[] = [
    ...tests.map((test) => ({ step: "where", test }) as const),
    { step: "select", columns: made },
    ...(isGrouped ? [group] : []),
  ];
  return new Table(operator.inputs.default as FormatSpec, columns, steps, options);
}

const setting = fc.record({
  splitBytes: fc.integer({ min: 60, max: 900 }),
  reducers: fc.integer({ min: 1, max: 3 }),
  spillBytes: fc.constantFrom(1024, 64 * 1024 * 1024),
  output: fc.constantFrom("ndjson", "csv" as const),
  badRecords: fc.constantFrom("keep", "keep", "keep", "fail" as const),
});

type Options = NonNullable<Parameters<typeof allWays>[2]>;

/** Whether they fail alike, and with the same words; else they agree. */
async function agree(job: Table<string>, content: Uint8Array, options: Options): Promise<void> {
  const ways = await allWays(job, [content], options).catch((error: Error) => {
    if (error instanceof assert.AssertionError) throw error;
    assert.match(error.message, /user-error|bad-request/);
    return null;
  });
  if (ways === null) return;
  assert.deepEqual(ways.functions, ways.judge);
  assert.deepEqual(ways.kernels, ways.judge);
}

type Counts = { all: number; compiled: number };

function count(counts: Counts, job: Table<string>): void {
  const { inputs, apply } = job.operator;
  counts.all++;
  const program = programOf(apply as QuerySpec, inputs.default as FormatSpec);
  if (program !== null) counts.compiled++;
}

test("random queries of CSV are what the judge says, whatever the rows are", async () => {
  const counts = { all: 0, compiled: 0 };
  const options = fc.record({
    multiline: fc.boolean(),
    empty: fc.constantFrom("text", "null" as const),
    encoding: fc.constantFrom("utf-8", "utf-8-lossy" as const),
  });
  const property = fc.asyncProperty(
    csv,
    plan,
    options,
    setting,
    async (content, asked, how, set) => {
      const { output, badRecords, ...sizes } = set;
      const table = text
        .csv([...columns], how)
        .table()
        .with({ output, badRecords });
      const job = queryOf(table, asked);
      count(counts, job);
      await agree(job, content, sizes);
    },
  );
  await fc.assert(property, { numRuns: depth(150, 50) });
  assert.ok(counts.compiled * 2 > counts.all, `${counts.compiled} of ${counts.all} have a kernel`);
});

const scalars = fc.constantFrom(
  ..."0|-0|1|12.50|-3|1e3|0.1|true|false|null|123456789012345678|0.0000001".split("|"),
  ...'"a"|"Mérida"|"M\\u00e9rida"|"\\ud83d\\ude00"|"nul\\u0000"|"TRUE"|""|"x"|[1]|{"b":1}'.split(
    "|",
  ),
);
const members = fc.tuple(
  ...columns.map((name) =>
    fc.option(
      name === "d" ? dates.map((date) => `"d":"${date}"`) : scalars.map((s) => `"${name}": ${s}`),
      { freq: 5 },
    ),
  ),
);
const object = members.map((all) => `{${all.filter((member) => member !== null).join(",")}}`);
const ndjson = fc
  .array(
    fc.oneof({ weight: 9, arbitrary: object }, fc.constantFrom("", "[]", '{"a":1,"a":2}', "{")),
  )
  .map((lines) => Buffer.from(lines.join("\n")));

test("random queries of JSON are what the judge says, whatever the lines are", async () => {
  const property = fc.asyncProperty(ndjson, plan, setting, async (content, asked, set) => {
    const { output, badRecords, ...sizes } = set;
    const table = text
      .json([...columns])
      .table()
      .with({ output, badRecords });
    await agree(queryOf(table, asked), content, sizes);
  });
  await fc.assert(property, { numRuns: depth(100, 34) });
});
