#!/usr/bin/env bash
# icebird 0.3.1 (Iceberg tables in JavaScript; "optional row-level delete processing"): with deletes
# other rows come back than the table holds. A page that ends at rowEnd counts rows before the deletes
# and afterwards: where a file had some deleted, the page goes on with the next file, and its rows
# come again in the next page. An equality delete of a null key deletes all rows, and one of a date
# none.
#
# Iceberg's specification, "Equality Delete Files": a null in a delete column "matches a row if the
# row's value is null". One correction of a row without a key empties the table for these readers,
# what was deleted by date stays in it, and a list that is shown page by page has rows twice. No error
# is reported.
# Seen: the lines at the end of this script. Expected: each row in one of the three pages; "1 2 3"
# left by the delete of null, "2 3" by that of day 1.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  icebird@0.3.1 hyparquet-writer@0.6.1 avsc@5.7.9
cat > try.mjs <<'JS'
import { createServer } from "node:http";
import avsc from "avsc";
import { parquetWriteBuffer } from "hyparquet-writer";
import { icebergRead } from "icebird";

const field = (id, name, type) => ({ name, type, "field-id": id });
const optional = (type) => ["null", type];
const listSchema = { type: "record", name: "manifest_file", fields: [
  field(500, "manifest_path", "string"), field(501, "manifest_length", "long"),
  field(502, "partition_spec_id", "int"), field(517, "content", "int"),
  field(515, "sequence_number", "long"), field(516, "min_sequence_number", "long"),
  field(503, "added_snapshot_id", "long"),
] };
const manifestSchema = { type: "record", name: "manifest_entry", fields: [
  field(0, "status", "int"), field(1, "snapshot_id", optional("long")),
  field(3, "sequence_number", optional("long")), field(4, "file_sequence_number", optional("long")),
  field(2, "data_file", { type: "record", name: "r2", fields: [
    field(134, "content", "int"), field(100, "file_path", "string"),
    field(101, "file_format", "string"),
    field(102, "partition", { type: "record", name: "r102", fields: [] }),
    field(103, "record_count", "long"), field(104, "file_size_in_bytes", "long"),
    field(135, "equality_ids", optional({ type: "array", items: "int", "element-id": 136 })),
  ] }),
] };
const served = new Map();
const server = createServer((request, response) => response.end(served.get(request.url)));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const root = `http://127.0.0.1:${server.address().port}`;
const serve = (name, bytes) => {
  served.set(`/${name}`, Buffer.from(bytes));
  return `${root}/${name}`;
};
const avro = (schema, records) => new Promise((resolve) => {
  const encoder = new avsc.streams.BlockEncoder(avsc.Type.forSchema(schema, { wrapUnions: true }));
  const chunks = [];
  encoder.on("data", (chunk) => chunks.push(chunk)).on("end", () => resolve(Buffer.concat(chunks)));
  for (const record of records) encoder.write(record);
  encoder.end();
});
const elements = { date: { type: "INT32", converted_type: "DATE" }, int: { type: "INT32" },
  long: { type: "INT64" }, string: { type: "BYTE_ARRAY", converted_type: "UTF8" } };
const parquet = (columns) => Buffer.from(parquetWriteBuffer({
  columnData: columns.map(({ name, data }) => ({ name, data })),
  schema: [{ name: "root", num_children: columns.length }, ...columns.map(({ name, type }) => (
    { name, ...elements[type], repetition_type: "OPTIONAL" }))],
}));
const column = (name, type, data) => ({ name, type, data });
/** A table of the files' columns, and `deletes`: their content and columns. */
const table = async (name, files, deletes) => {
  const manifests = [];
  for (const [n, { content, columns }] of [...files, ...deletes].entries()) {
    const bytes = parquet(columns);
    const data_file = {
      content, file_path: serve(`${name}-${n}.parquet`, bytes), file_format: "PARQUET",
      partition: {}, record_count: columns[0].data.length, file_size_in_bytes: bytes.length,
      equality_ids: content === 2 ? { array: [1] } : null,
    };
    const number = content === 0 ? 1 : 2;
    const sequence = { sequence_number: { long: number }, file_sequence_number: { long: number } };
    const entry = { status: 1, snapshot_id: { long: 1 }, ...sequence, data_file };
    const manifest = await avro(manifestSchema, [entry]);
    manifests.push({
      manifest_path: serve(`${name}-${n}.avro`, manifest), manifest_length: manifest.length,
      partition_spec_id: 0, content: content === 0 ? 0 : 1, sequence_number: number,
      min_sequence_number: number, added_snapshot_id: 1,
    });
  }
  const fields = files[0].columns.map((of, n) => (
    { id: n + 1, name: of.name, type: of.type, required: false }
  ));
  const list = serve(`${name}.avro`, await avro(listSchema, manifests));
  return { "format-version": 2, "current-schema-id": 0, "current-snapshot-id": 1,
    schemas: [{ "schema-id": 0, type: "struct", fields }],
    "partition-specs": [{ "spec-id": 0, fields: [] }], "default-spec-id": 0,
    snapshots: [{ "snapshot-id": 1, "sequence-number": 2, "manifest-list": list }] };
};
const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, n) => from + n);
const data = (...columns) => ({ content: 0, columns });
const read = async (metadata, range = {}) => {
  const rows = await icebergRead({ tableUrl: root, metadata, ...range });
  return rows.map((row) => row.n).join(" ") || "none";
};

const pages = await table("pages",
  [data(column("n", "int", numbers(0, 9))), data(column("n", "int", numbers(10, 19)))],
  [{ content: 1, columns: [
    column("file_path", "string", [`${root}/pages-0.parquet`]), column("pos", "long", [0n])] }]);
console.log(`all: ${await read(pages)}`);
console.log(`0 to 5: ${await read(pages, { rowStart: 0, rowEnd: 5 })}`);
console.log(`5 to 10: ${await read(pages, { rowStart: 5, rowEnd: 10 })}`);
console.log(`10 to 15: ${await read(pages, { rowStart: 10, rowEnd: 15 })}`);
const keyed = (name, type, keys, key) => table(name,
  [data(column("key", type, keys), column("n", "int", numbers(1, keys.length)))],
  [{ content: 2, columns: [column("key", type, key)] }]);
console.log(`delete key 1: ${await read(await keyed("one", "int", [1, 2, 3, null], [1]))}`);
console.log(`delete key null: ${await read(await keyed("null", "int", [1, 2, 3, null], [null]))}`);
const days = [1, 2, 3].map((day) => new Date(Date.UTC(2026, 0, day)));
console.log(`delete day 1: ${await read(await keyed("day", "date", days, [days[0]]))}`);
server.close();
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
all: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19
0 to 5: 1 2 3 4 10
5 to 10: 5 6 7 8 9
10 to 15: 10 11 12 13 14
delete key 1: 2 3 4
delete key null: none
delete day 1: 1 2 3
TXT
