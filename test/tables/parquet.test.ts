/** Parquet as input: what DuckDB writes is read with the right types, in all codecs; what is
 *  written here is read as it was; only what is asked for is read. */
import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { count, max, sum } from "../../src/index.ts";
import { bytes, ndjson, text } from "../../src/sdk/format.ts";
import { mapReduce } from "../../src/sdk/job.ts";
import { runLocal } from "../../src/sdk/local.ts";
import { planJob } from "../../src/sdk/plan.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import type { TableFile, Wish } from "../../src/tables/file.ts";
import { columnsAt } from "../../src/tables/lines.ts";
import { groupStarts, rowGroups, tableColumns } from "../../src/tables/rows.ts";
import { piecesOf } from "../../src/worker/browser/tab/pieces.ts";
import { depth } from "../fixtures/depth.ts";
import { filesWays } from "../operators/run.ts";

const folder = newFolder("tables-");
after(() => removeFolder(folder));

const database = (async () => {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:", { threads: "1" });
  return { instance, connection: await instance.connect() };
})();
after(async () => {
  const { connection, instance } = await database;
  connection.closeSync();
  instance.closeSync();
});

async function duckdb(statement: string): Promise<unknown[][]> {
  const { connection } = await database;
  return (await connection.runAndReadAll(statement)).getRowsJson();
}

type Opened = { readonly file: TableFile; readonly read: () => number };

function opened(path: string, format: TableFile["format"] = "parquet"): Opened {
  const content = readFileSync(path);
  let total = 0;
  const read = async (start: number, end: number) => {
    total += end - start;
    return content.subarray(start, end);
  };
  const file = { name: "t.parquet", format, sizeBytes: content.length, read };
  return { file, read: () => total };
}

async function rowsIn(file: TableFile, wish: Partial<Wish> = {}): Promise<unknown[]> {
  const whole = { start: 0, end: file.sizeBytes };
  let lines = "";
  for await (const some of rowGroups(file, whole, { paths: null, test: null, ...wish })) {
    lines += [...some].join("");
  }
  return lines
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

const everything = `select
  true as yes, -5::tinyint as i8, 250::utinyint as u8, 4294967295::uinteger as u32,
  9007199254740993::bigint as i64, 18446744073709551615::ubigint as u64,
  0.1::float as f32, 0.1::double as f64, 12345678901234567890.123456789::decimal(38, 9) as dec,
  -1.50::decimal(4, 2) as small, 'añ"o 😀' as t, ''::varchar as empty, '\\x41\\x42'::blob as b,
  date '1969-12-31' as d, time '23:59:59.5' as tod,
  timestamp '2024-02-29 12:00:00.000001' as ts, timestamptz '2024-02-29 12:00:00+00' as tz,
  timestamp_ns '2024-02-29 12:00:00.000000001' as ns, timestamp_ms '1960-01-01 00:00:00.5' as ms,
  uuid '01234567-89ab-cdef-0123-456789abcdef' as id, [1, null, 3] as list,
  {'x': 1, 'y': ['a', null]} as obj, map {'k': 2} as m, null::integer as nothing,
  'nan'::double as nan, 'red'::enum('red', 'blue') as colour`;
const expected = {
  ...{ yes: true, i8: -5, u8: 250, u32: 4294967295, i64: "9007199254740993" },
  ...{ u64: "18446744073709551615", f32: 0.1, f64: 0.1, dec: "12345678901234567890.123456789" },
  ...{ small: -1.5, t: 'añ"o 😀', empty: "", b: "AB", d: "1969-12-31", tod: "23:59:59.5" },
  ...{ ts: "2024-02-29T12:00:00.000001", tz: "2024-02-29T12:00:00Z" },
  ...{ ns: "2024-02-29T12:00:00.000000001", ms: "1960-01-01T00:00:00.5" },
  ...{ id: "01234567-89ab-cdef-0123-456789abcdef", list: [1, null, 3] },
  ...{ obj: { x: 1, y: ["a", null] }, m: { k: 2 }, nothing: null, nan: null, colour: "red" },
};

test("every type of DuckDB is read as what it is, in every codec", async () => {
  for (const codec of ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"]) {
    const path = join(folder, `${codec}.parquet`);
    await duckdb(`copy (${everything}) to '${path}' (format parquet, compression ${codec})`);
    const { file } = opened(path);
    let line = "";
    for await (const some of rowGroups(file, { start: 0, end: file.sizeBytes }, all)) {
      line += [...some].join("");
    }
    const exact = line.replace(/(?<=:)(-?[\d.]{16,})/g, '"$1"');
    assert.deepEqual(JSON.parse(exact), expected, codec);
  }
});
const all: Wish = { paths: null, test: null };

test("columns have kinds, and those of objects dots", async () => {
  const path = join(folder, "kinds.parquet");
  await duckdb(`copy (select 1 as a, 'x' as t, true as b, date '2024-01-01' as d, 1.5 as dec,
    {'x': 1, 'y': {'z': 'deep'}} as o, [1] as l) to '${path}' (format parquet)`);
  const kinds = (await tableColumns(opened(path).file)).map(({ kind, name }) => `${name} ${kind}`);
  const known = "a number,t text,b boolean,d text,dec number,o.x number,o.y.z text,l any";
  assert.equal(kinds.join(), known);
});

async function sales(name: string, options = ""): Promise<string> {
  const path = join(folder, name);
  const rows = `select i as id, 'city' || (i % 7) as city, (i * 37 % 1000) / 100 as price,
    date '2024-01-01' + (i // 2048)::integer as day, repeat('x', 50) as filling
    from range(10240) t(i)`;
  await duckdb(`copy (${rows}) to '${path}' (format parquet, row_group_size 2048${options})`);
  return path;
}

test("only the asked columns and the groups that may match are read", async () => {
  const path = await sales("pruned.parquet");
  const { file, read } = opened(path);
  assert.equal((await groupStarts(file)).length, 5);
  const of = (call: "ge" | "eq" | "lt", column: string, value: number | string): Wish["test"] => {
    return { call, of: [{ column }, { value }] };
  };
  const ids = async (wish: Partial<Wish>) => {
    return ((await rowsIn(file, { paths: ["id"], ...wish })) as { id: number }[]).length;
  };
  assert.equal(await ids({}), 10240);
  assert.ok(read() < file.sizeBytes * 3, "the filling was not read");
  assert.equal(await ids({ test: of("ge", "id", 9000) }), 2048);
  assert.equal(await ids({ test: of("lt", "id", 0) }), 0);
  assert.equal(await ids({ test: of("eq", "day", "2024-01-03") }), 2048);
  assert.equal(await ids({ test: of("eq", "city", "elsewhere") }), 0);
  assert.equal(await ids({ test: of("eq", "city", "city3") }), 10240);
  assert.equal(await ids({ test: { call: "not", of: [of("lt", "id", 0)!] } }), 10240);
  const either = { call: "or", of: [of("lt", "id", 5)!, of("ge", "id", 10000)!] } as const;
  assert.equal(await ids({ test: either }), 4096);
});

test("each row is read once, however a file is cut", async () => {
  const path = await sales("cut.parquet");
  const { file } = opened(path);
  for (const pieces of [1, 3, 7, 50]) {
    const cut = (i: number) => Math.round((i * file.sizeBytes) / pieces);
    const ids: number[] = [];
    for (let i = 0; i < pieces; i++) {
      const range = { start: cut(i), end: cut(i + 1) };
      for await (const some of rowGroups(file, range, { paths: ["id"], test: null })) {
        for (const line of [...some].join("").split("\n").slice(0, -1)) {
          ids.push((JSON.parse(line) as { id: number }).id);
        }
      }
    }
    assert.deepEqual(
      ids,
      Array.from({ length: 10240 }, (_, i) => i),
    );
  }
});

test("operators give of Parquet what they give of the same rows as NDJSON", async () => {
  const path = await sales("operators.parquet");
  const { file } = opened(path);
  const lines = (await rowsIn(file)).map((row) => `${JSON.stringify(row)}\n`).join("");
  const plain = join(folder, "operators.ndjson");
  writeFileSync(plain, lines);
  const paths = ["city", "price", "day", "id"] as const;
  const jobs = [
    bytes.parquet(paths).by("city").sum("price"),
    bytes.parquet(paths).by("city", "day").count(),
    bytes.parquet(paths).count().topK(5),
    bytes.parquet(["city"]).distinct(),
    bytes.parquet(["id", "city"]).sort({ by: "id", order: "descending", numeric: true }),
    bytes
      .parquet(paths)
      .where((row) => row.id.ge(5000))
      .where((row) => row.city.ne("city1"))
      .by("city")
      .aggregate({ n: count(), total: sum("price"), last: max("day", { as: "text" }) }),
  ];
  for (const job of jobs.slice(0, depth(jobs.length, 3))) {
    const of = { splitBytes: 20_000, reducers: job.operator.last === null ? 2 : 1 };
    const { functions, judge, kernels } = await filesWays(job, [path], of);
    assert.deepEqual(kernels, judge);
    // Plain functions know nothing of what follows an operator.
    if (job.operator.last === null) assert.deepEqual(functions, judge);
    const other = await filesWays(job, [plain], { ...of, splitBytes: 10_000_000 });
    assert.equal(judge.parts.join(""), other.judge.parts.join(""));
  }
});

test("tabs read the same rows as workers", async () => {
  const path = await sales("tabs.parquet");
  const { file } = opened(path);
  const job = bytes.parquet(["id"]).where((row) => row.id.lt(5000));
  const of = { inputs: [path], params: {}, host: "here", splitBytes: 20_000 };
  const { plan, remove } = await planJob(job, of);
  await remove();
  let lines = "";
  for (const task of plan.splits.keys()) {
    for (const piece of await piecesOf(plan, task, (_, start, end) => file.read(start, end))) {
      lines += Buffer.from(piece.bytes).toString();
    }
  }
  const rows = (await rowsIn(file, { paths: ["id"] })).slice(0, 3 * 2048);
  assert.equal(lines, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
});

test("a sort of Parquet has parts of about equal size", async () => {
  const path = await sales("sorted.parquet");
  const job = bytes.parquet(["id"]).sort({ numeric: true, order: "descending" });
  const { kernels, judge } = await filesWays(job, [path], { reducers: 4, splitBytes: 20_000 });
  assert.deepEqual(kernels, judge);
  for (const part of kernels.parts) {
    const rows = part.split("\n").length - 1;
    assert.ok(rows > 2560 / 2 && rows < 2560 * 2, `${rows} rows in a part`);
  }
});

test("bad records are named, and kept with their columns", async () => {
  const path = join(folder, "bad.parquet");
  await duckdb(`copy (select case when i = 3000 then 'x' else i::varchar end as n, 'c' as city
    from range(4096) t(i)) to '${path}' (format parquet, row_group_size 2048)`);
  const job = bytes.parquet(["n", "city"]).by("city").sum("n", { badRecords: "keep" });
  const { functions, judge, kernels } = await filesWays(job, [path], { splitBytes: 3000 });
  assert.deepEqual(kernels, judge);
  assert.deepEqual(functions, judge);
  const { record } = JSON.parse(judge.bad) as { record: unknown };
  assert.equal(record, '{"n":"x","city":"c"}');
});

test("map gets rows as objects, all columns by ndjson()", async () => {
  const path = join(folder, "map.parquet");
  await duckdb(`copy (select i as id, {'x': i} as o from range(3) t(i)) to '${path}'`);
  const picked = mapReduce({
    input: bytes.parquet(["o.x"]),
    map: (row, emit: (key: string, value: number) => void) => emit("x", row["o.x"] as number),
    combine: (a, b) => a + b,
  });
  const whole = mapReduce({
    input: ndjson<{ id: number; o: { x: number } }>(),
    map: (row, emit: (key: string, value: number) => void) => emit("x", row.id + row.o.x),
    combine: (a, b) => a + b,
  });
  for (const [job, value] of [[picked, 3] as const, [whole, 6] as const]) {
    const planned = await planJob(job, { inputs: [path], params: {}, host: "here" });
    const { result } = await runLocal(job, planned);
    const parts: Uint8Array[] = [];
    for (const part of result.parts) for await (const chunk of part.read()) parts.push(chunk);
    assert.equal(Buffer.concat(parts).toString(), `{"key":"x","value":${value}}\n`);
    await planned.remove();
  }
});

test("what is written here as Parquet is read again as it was, nested columns too", async () => {
  const job = text.json(["id", "at.x", "name"]).table().with({ output: "parquet" });
  const input = join(folder, "own.ndjson");
  const rows = '{"id":9007199254740993,"at":{"x":1.5},"name":"a"}\n{"id":1,"at":{},"name":null}\n';
  writeFileSync(input, rows);
  const { judge } = await filesWays(job, [input]);
  const path = join(folder, "own.parquet");
  writeFileSync(path, Buffer.from(judge.parts.join(""), "latin1"));
  const back = bytes.parquet(["id", "at.x", "name"]).table();
  const again = await filesWays(back, [path]);
  assert.deepEqual(again.kernels, again.judge);
  assert.equal(
    again.judge.parts.join(""),
    '{"id":9007199254740993,"at.x":1.5,"name":"a"}\n{"id":1,"at.x":null,"name":null}\n',
  );
  const seen = await duckdb(`select id, "at.x", name from '${path}' order by name nulls last`);
  assert.deepEqual(seen, [
    ["9007199254740993", 1.5, "a"],
    ["1", null, null],
  ]);
});

test("bytes that are no text keep only the column from being read that has them", async () => {
  const path = join(folder, "hashes.parquet");
  await duckdb(`COPY (
    SELECT range AS id, from_hex(printf('ff%04x', range)) AS hash FROM range(300)
  ) TO '${path}' (FORMAT parquet)`);
  assert.deepEqual((await tableColumns(opened(path).file)).length, 2);
  assert.deepEqual(await rowsIn(opened(path).file, { paths: ["id"] }), numbered(300));
  await assert.rejects(
    rowsIn(opened(path).file),
    /the column "hash" has bytes that are not UTF-8; leave it out/,
  );
});

test("a column without a name is found, and no other one for its name", () => {
  assert.deepEqual(columnsAt(["", "a.b"], ["", "a"], "t.parquet"), ["", "a"]);
  assert.throws(() => columnsAt([".b"], ["", "a"], "t.parquet"), /has no column "\.b"/);
});

function numbered(count: number): Array<{ id: number }> {
  return Array.from({ length: count }, (_, id) => ({ id }));
}

test("a missing column, a damaged file and a wrong format are errors that say so", async () => {
  const path = await sales("errors.parquet");
  await assert.rejects(
    filesWays(bytes.parquet(["town"]).count(), [path]),
    /bad-request: .*errors\.parquet has no column "town"; it has: "id", "city"/,
  );
  await assert.rejects(
    filesWays(text.csv(["city"]).count(), [path]),
    /is Parquet, and is read as text; read it by bytes\.parquet/,
  );
  const cut = join(folder, "cut-short.parquet");
  const whole = openSync(path, "r");
  const start = Buffer.alloc(10_000);
  readSync(whole, start);
  closeSync(whole);
  writeFileSync(cut, start);
  await assert.rejects(
    filesWays(bytes.parquet(["id"]).count(), [cut]),
    /bad-request: .*cut-short\.parquet cannot be read as Parquet/,
  );
});
