/** Arrow files as input: types, dictionaries, batches as splits, compressed buffers. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { after } from "node:test";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import * as arrow from "apache-arrow";
import { bytes, text } from "../../src/sdk/format.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import type { TableFile } from "../../src/tables/file.ts";
import { groupStarts, rowGroups, tableColumns } from "../../src/tables/rows.ts";
import { depth } from "../fixtures/depth.ts";
import { filesWays } from "../operators/run.ts";
import { lz4Rows } from "./lz4-rows.ts";

const folder = newFolder("arrow-");
after(() => removeFolder(folder));

function fileOf(content: Uint8Array): TableFile {
  const read = async (start: number, end: number) => content.subarray(start, end);
  return { name: "t.arrow", format: "arrow", sizeBytes: content.length, read };
}

async function linesIn(file: TableFile, paths: readonly string[] | null = null): Promise<string[]> {
  let lines = "";
  const range = { start: 0, end: file.sizeBytes };
  for await (const some of rowGroups(file, range, { paths, test: null })) {
    lines += [...some].join("");
  }
  return lines.split("\n").slice(0, -1);
}

const vector = (values: readonly unknown[], type: arrow.DataType) =>
  arrow.vectorFromArray(values as never, type) as arrow.Vector;

test("types of Arrow are read as what they are", async () => {
  const { Struct, Field, List } = arrow;
  const object = new Struct([
    new Field("x", new arrow.Int32(), true),
    new Field("y", new List(new Field("item", new arrow.Utf8(), true)), true),
  ]);
  const raw = (values: BigInt64Array, type: arrow.DataType) =>
    new arrow.Vector([
      arrow.makeData({ type, length: values.length, nullCount: 0, data: values } as never),
    ]);
  const nano = new arrow.Timestamp(arrow.TimeUnit.NANOSECOND, null);
  const zoned = new arrow.Timestamp(arrow.TimeUnit.MICROSECOND, "UTC");
  const table = new arrow.Table({
    i64: vector([9007199254740993n, null], new arrow.Int64()),
    u8: vector([255, 0], new arrow.Uint8()),
    f32: vector([0.1, 2], new arrow.Float32()),
    f64: vector([0.1, Number.NaN], new arrow.Float64()),
    t: vector(['añ"o', ""], new arrow.Utf8()),
    yes: vector([true, null], new arrow.Bool()),
    d: vector([new Date("1969-12-31"), null], new arrow.DateDay()),
    colour: vector(["red", "red"], new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32())),
    ns: raw(BigInt64Array.of(1_709_208_000_000_000_001n, 0n), nano),
    us: raw(BigInt64Array.of(-500_000n, 0n), zoned),
    o: vector([{ x: 1, y: ["a", null] }, null], object),
  });
  const lines = await linesIn(fileOf(arrow.tableToIPC(table, "file")));
  assert.deepEqual(lines, [
    '{"i64":9007199254740993,"u8":255,"f32":0.1,"f64":0.1,"t":"añ\\"o","yes":true,' +
      '"d":"1969-12-31","colour":"red","ns":"2024-02-29T12:00:00.000000001",' +
      '"us":"1969-12-31T23:59:59.5Z","o":{"x":1,"y":["a",null]}}',
    '{"i64":null,"u8":0,"f32":2,"f64":null,"t":"","yes":null,"d":null,"colour":"red",' +
      '"ns":"1970-01-01T00:00:00","us":"1970-01-01T00:00:00Z","o":null}',
  ]);
  const kinds = await tableColumns(fileOf(arrow.tableToIPC(table, "file")));
  const shown = kinds.map(({ kind, name }) => `${name} ${kind}`).join();
  assert.equal(
    shown,
    "i64 number,u8 number,f32 number,f64 number,t text,yes boolean,d text,colour text,ns text," +
      "us text,o.x number,o.y any",
  );
});

/** Batches of 100 rows. */
function numbered(rows: number): Uint8Array {
  const batches = Array.from({ length: rows / 100 }, (_, batch) => {
    const ids = Array.from({ length: 100 }, (_, i) => batch * 100 + i);
    return new arrow.Table({
      id: vector(ids, new arrow.Int32()),
      city: vector(
        ids.map((id) => `city${id % 7}`),
        new arrow.Utf8(),
      ),
    }).batches[0] as arrow.RecordBatch;
  });
  return arrow.RecordBatchFileWriter.writeAll(batches).toUint8Array(true);
}

test("operators give of Arrow what they give of its rows as NDJSON", async () => {
  const content = numbered(1000);
  const path = join(folder, "numbered.arrow");
  const plain = join(folder, "numbered.ndjson");
  writeFileSync(path, content);
  assert.equal((await groupStarts(fileOf(content))).length, 10);
  writeFileSync(plain, (await linesIn(fileOf(content))).map((line) => `${line}\n`).join(""));
  const jobs = [
    bytes.arrow(["city", "id"]).by("city").sum("id"),
    bytes.arrow(["city"]).distinct(),
    bytes.arrow(["id"]).sort({ numeric: true }),
    bytes.arrow(["id", "city"]).where((row) => row.id.lt(250)),
  ];
  for (const job of jobs.slice(0, depth(jobs.length, 2))) {
    const ours = await filesWays(job, [path], { splitBytes: 5000, reducers: 2 });
    assert.deepEqual(ours.kernels, ours.judge);
    const theirs = await filesWays(job, [plain], { reducers: 2 });
    assert.equal(ours.judge.parts.join(""), theirs.judge.parts.join(""));
  }
});

const { CompressionType, compressionRegistry } = arrow;
const compressed: { readonly [codec: string]: () => Uint8Array } = {
  LZ4: () => Buffer.from(lz4Rows, "base64"),
  zstd() {
    const decode = (some: Uint8Array) => zstdDecompressSync(some);
    const encode = (some: Uint8Array) => zstdCompressSync(some);
    compressionRegistry.set(CompressionType.ZSTD, { decode, encode });
    const rows = Array.from({ length: 120 }, (_, i) => i);
    const table = new arrow.Table({
      id: vector(
        rows.map((i) => i % 3),
        new arrow.Int32(),
      ),
      city: vector(rows.map(cityOf), new arrow.Utf8()),
    });
    return arrow.tableToIPC(table, "file", CompressionType.ZSTD);
  },
};
const cityOf = (i: number) => (i % 9 === 4 ? null : `city${i % 7}`);

for (const [codec, content] of Object.entries(compressed)) {
  test(`Arrow with buffers in ${codec} is read as apache-arrow has written it`, async () => {
    const bytesOfFile = content();
    const expected = Array.from({ length: 120 }, (_, i) =>
      JSON.stringify({ id: i % 3, city: cityOf(i) }),
    );
    assert.deepEqual(await linesIn(fileOf(bytesOfFile)), expected);
    const path = join(folder, `${codec}.arrow`);
    writeFileSync(path, bytesOfFile);
    const job = bytes.arrow(["city", "id"]).by("city").sum("id");
    const { judge, kernels } = await filesWays(job, [path]);
    assert.deepEqual(kernels, judge);
    assert.match(judge.parts.join(""), /"city0","value":\d+/);
  });
}

test("what is written here as Arrow is read again as it was", async () => {
  const input = join(folder, "own.ndjson");
  writeFileSync(input, '{"id":9007199254740993,"name":"a"}\n{"id":0.25,"name":null}\n');
  const written = await filesWays(text.json(["id", "name"]).table().with({ output: "arrow" }), [
    input,
  ]);
  const path = join(folder, "own.arrow");
  writeFileSync(path, Buffer.from(written.judge.parts.join(""), "latin1"));
  const again = await filesWays(bytes.arrow(["id", "name"]).table(), [path]);
  assert.deepEqual(again.kernels, again.judge);
  const rows = '{"id":9007199254740993,"name":"a"}\n{"id":0.25,"name":null}\n';
  assert.equal(again.judge.parts.join(""), rows);
});

test("streams of Arrow and damaged files are errors that say so", async () => {
  const table = new arrow.Table({ id: vector([1, 2], new arrow.Int32()) });
  const stream = fileOf(arrow.tableToIPC(table, "stream"));
  await assert.rejects(linesIn(stream), /t\.arrow cannot be read as Arrow: .*must be made a file/);
  const whole = arrow.tableToIPC(table, "file");
  const damaged = whole.slice();
  damaged.fill(0xff, whole.length - 60, whole.length - 10);
  await assert.rejects(linesIn(fileOf(damaged)), /bad-request: t\.arrow cannot be read as Arrow/);
  await assert.rejects(linesIn(fileOf(whole), ["town"]), /no column "town"; it has: "id"/);
});
