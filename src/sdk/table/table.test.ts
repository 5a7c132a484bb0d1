/** Tables of results: the names of columns, their types, and files that DuckDB reads as such. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromIPC } from "apache-arrow";
import type { OutputFormat, RowShape } from "../../core/job.ts";
import { temporaryDir } from "../../store/testing/at-end.ts";
import { text } from "../format.ts";
import type { JobResult, ResultPart } from "../job-result.ts";
import { bytesPart } from "../local/parts.ts";
import { outputOf, shapeOf } from "./shape.ts";
import { tabled } from "./table.ts";

type Lines = readonly unknown[];

function tableOf(format: OutputFormat, shape: RowShape, parts: readonly Lines[], items?: Lines) {
  const jsonOf = (lines: Lines) =>
    lines.map((line) => `${typeof line === "string" ? line : JSON.stringify(line)}\n`).join("");
  const given: JobResult = {
    kind: shape.of === "tasks" ? "results" : "parts",
    format,
    shape,
    parts: parts.map((lines) => bytesPart(jsonOf(lines))),
    badRecords: [],
    ...(items === undefined ? {} : { items: () => bytesPart(jsonOf(items)).read() }),
  };
  return tabled(given);
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const textOf = async (part: ResultPart) => (await bytesOf(part.read())).toString();
const pairs: RowShape = { of: "pairs" };

test("fields are columns of all parts alike, with one header merged", async () => {
  const table = tableOf("csv", pairs, [
    [
      { key: "a", value: { n: 1, at: { x: 2, y: null } } },
      { key: "b", value: { key: "own", list: [1, 2], none: {} } },
    ],
    [{ key: ["c", 3], value: 7 }],
    [],
  ]);
  const header = "key,n,at.x,at.y,value.key,list,none,key.0,key.1,value\n";
  const rows = ["a,1,2,,,,,,,\n", 'b,,,,own,"[1,2]",{},,,\n', ",,,,,,,c,3,7\n"] as const;
  assert.deepEqual(await Promise.all(table.parts.map(textOf)), [
    header + rows[0] + rows[1],
    header + rows[2],
    header,
  ]);
  assert.equal((await bytesOf(table.whole!())).toString(), header + rows.join(""));
});

test("rows of NDJSON keep what is nested", async () => {
  const table = tableOf("rows", pairs, [[{ key: "a", value: { at: { x: 1 }, 2020: 3, b: 1e-7 } }]]);
  assert.equal(await textOf(table.parts[0]!), '{"key":"a","2020":3,"at":{"x":1},"b":1e-7}\n');
});

test("results of tasks have the fields of their items", async () => {
  const items = [{ id: 1, in: { x: 1 } }, '"plain"'];
  const table = tableOf("csv", { of: "tasks" }, [[{ id: 10, ok: true }, 5]], items);
  const csv = "id,in.x,value.id,ok,item,value\n1,1,10,true,,\n,,,,plain,5\n";
  assert.equal(await textOf(table.parts[0]!), csv);
  const unknown = tableOf("csv", { of: "tasks" }, [["null", 5]]);
  assert.equal(await textOf(unknown.parts[0]!), "index,value\n0,\n1,5\n");
});

test("what all results repeat of their items is one column", async () => {
  const items = [
    { a: 1, b: [2] },
    { a: 3, b: [4] },
  ];
  const repeating = [
    { a: 1, b: [2], sum: 3 },
    { a: 3, b: [5], sum: 7 },
  ];
  const csvOf = (results: Lines) =>
    textOf(tableOf("csv", { of: "tasks" }, [results], items).parts[0]!);
  assert.equal(await csvOf(repeating), "a,b,value.b,sum\n1,[2],[2],3\n3,[4],[5],7\n");
  assert.equal(await csvOf([{ a: 1 }, {}]), "a,b,value.a\n1,[2],1\n3,[4],\n");
});

test("the items are closed, although nothing is read after the last", async () => {
  let isOpen = 0;
  const given = tableOf("csv", { of: "tasks" }, [[5]], [1]);
  const items = async function* () {
    isOpen++;
    try {
      yield Buffer.from("1\n");
      yield Buffer.from("2\n");
    } finally {
      isOpen--;
    }
  };
  const part = bytesPart("5\n");
  const table = tabled({
    kind: "results",
    format: "csv",
    shape: { of: "tasks" },
    parts: [part],
    badRecords: [],
    items,
  });
  assert.equal(await textOf(table.parts[0]!), await textOf(given.parts[0]!));
  assert.equal(isOpen, 0);
});

test("two cells for one column are an error that names it", async () => {
  const table = tableOf("csv", pairs, [[{ key: 1, value: { "a.b": 1, a: { b: 2 } } }]]);
  await assert.rejects(textOf(table.parts[0]!), { code: "user-error", message: /"a\.b"/ });
});

test("operators name the columns of their pairs", () => {
  const source = text.csv(["city", "sum", "n"]);
  const options = { output: "csv" } as const;
  const columnsOf = (job: Parameters<typeof shapeOf>[0]) => {
    const shape = shapeOf(job, null);
    return shape !== null && "columns" in shape ? shape.columns : null;
  };
  assert.deepEqual(columnsOf(source.by("city", "n").count(options)), ["city", "n", "count"]);
  assert.deepEqual(columnsOf(source.by("sum").sum("n", options)), ["sum", "sum_2"]);
  assert.deepEqual(columnsOf(source.sum("n", options)), ["sum"]);
  assert.deepEqual(columnsOf(text.words().count(options)), ["word", "count"]);
  const joined = source.join(text.csv(["id", "name"]), { on: { left: "city", right: "id" } });
  const columns = ["city", "left.city", "left.sum", "left.n", "right.id", "right.name"];
  assert.deepEqual(columnsOf(joined), columns);
  assert.equal(outputOf(source.count({ rows: true })), "rows");
});

test("a row of a join without a partner has empty cells", async () => {
  const shape: RowShape = {
    of: "pairs",
    key: ["id"],
    columns: ["id", "left.a", "right.b"],
  };
  const table = tableOf("csv", shape, [
    [
      { key: "1", value: { left: { a: { deep: 1 } }, right: null } },
      { key: "2", value: { left: null, right: { b: 2 } } },
    ],
  ]);
  assert.equal(await textOf(table.parts[0]!), 'id,left.a,right.b\n1,"{""deep"":1}",\n2,,2\n');
});

const typed: Lines = [
  '{"b":true,"i":1,"l":9007199254740993,"d":0.1,"m":12345678901234567890.5,' +
    '"t":"é","j":[1,{"x":null}],"x":1,"n":null}',
  '{"b":false,"i":-2,"l":-5,"d":1e300,"m":-0.25,"t":"","j":{},"x":"two","n":null}',
  '{"b":null,"i":null,"l":null,"d":null,"m":null,"t":null,"j":null,"x":null,"n":null}',
];
const names = ["b", "i", "l", "d", "m", "t", "j", "x", "n"];

test("DuckDB reads Parquet with the right types and all digits", async (t) => {
  const folder = await folderOf(t);
  const parts = [typed, []];
  const table = tableOf("parquet", { of: "rows", columns: names }, parts);
  for (const [i, part] of table.parts.entries()) {
    await writeFile(join(folder, `${i}.parquet`), await bytesOf(part.read()));
  }
  const duck = await (await DuckDBInstance.create()).connect();
  const from = `from '${folder}/*.parquet'`;
  const result = await duck.runAndReadAll(`select * ${from}`);
  const all = names.map((name) => `typeof(${name})`).join(", ");
  const [typeNames] = (await duck.runAndReadAll(`select ${all} ${from} limit 1`)).getRowsJson();
  const types = ["BOOLEAN", "BIGINT", "BIGINT", "DOUBLE", "DECIMAL(22,2)", "VARCHAR", "JSON"];
  assert.deepEqual(typeNames, [...types, "VARCHAR", "VARCHAR"]);
  assert.deepEqual(result.getRowsJson(), [
    [
      true,
      "1",
      "9007199254740993",
      0.1,
      "12345678901234567890.50",
      "é",
      '[1,{"x":null}]',
      "1",
      null,
    ],
    [false, "-2", "-5", 1e300, "-0.25", "", "{}", "two", null],
    [null, null, null, null, null, null, null, null, null],
  ]);
  duck.closeSync();
});

test("Arrow files have the same types", async () => {
  const table = tableOf("arrow", { of: "rows", columns: names }, [typed]);
  const read = tableFromIPC(await bytesOf(table.whole!()));
  const types = read.schema.fields.map(({ type }) => `${type}`);
  const first = ["Bool", "Int64", "Int64", "Float64", "Decimal[22e+2]", "Utf8", "Utf8", "Utf8"];
  assert.deepEqual(types, [...first, "Utf8"]);
  assert.equal(read.numRows, 3);
  const row = read.get(0)!.toJSON();
  assert.deepEqual([row.b, row.i, row.l, row.d, row.t], [true, 1n, 9007199254740993n, 0.1, "é"]);
  assert.equal(read.get(2)!.toJSON().m, null);
});

async function folderOf(t: TestContext): Promise<string> {
  const folder = temporaryDir(t, "table-");
  return folder;
}
