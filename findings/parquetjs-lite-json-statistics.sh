#!/usr/bin/env bash
# parquetjs-lite 0.8.7 and DuckDB 1.5.6: rows that are in the file are not found by a filter on its JSON
# column. The writer compares the objects themselves for the statistics, and of two objects neither is
# smaller or larger, so the first value is both the least and the greatest. DuckDB then leaves the row
# group out for `=`, `>=` and BETWEEN; with the column cast to text it finds the rows. And of an array
# of one element the element alone is written: [1] is read as 1.
#
# Parquet's specification orders JSON by its bytes, unsigned, and the README of parquetjs-lite has JSON
# among its types. Neither writer nor reader reports an error; without a filter all rows are there.
# Seen: the lines at the end of this script. Expected: row 2, row 3, and [1].
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  parquetjs-lite@0.8.7 @duckdb/node-api@1.5.6-r.1
cat > try.cjs <<'JS'
const { DuckDBInstance } = require("@duckdb/node-api");
const { ParquetSchema, ParquetWriter } = require("parquetjs-lite");

async function write(path, cells) {
  const schema = new ParquetSchema({ id: { type: "INT32" }, cell: { type: "JSON" } });
  const writer = await ParquetWriter.openFile(schema, path);
  for (const [n, cell] of cells.entries()) await writer.appendRow({ id: n + 1, cell });
  await writer.close();
}
async function main() {
  await write("objects.parquet", [{ city: "b" }, { city: "a" }, { city: "c" }]);
  await write("array.parquet", [[1]]);
  const duckdb = await (await DuckDBInstance.create()).connect();
  for (const query of [
    "select cell::varchar from 'objects.parquet' order by id",
    "select stats_min, stats_max from parquet_metadata('objects.parquet') offset 1",
    `select id from 'objects.parquet' where cell = '{"city":"a"}'`,
    `select id from 'objects.parquet' where cell::varchar = '{"city":"a"}'`,
    `select id from 'objects.parquet' where cell >= '{"city":"c"}'`,
    "select cell::varchar from 'array.parquet'",
  ]) {
    const rows = (await duckdb.runAndReadAll(query)).getRows();
    console.log(`${query}: ${rows.flat().join(" ") || "nothing"}`);
  }
}
main();
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
select cell::varchar from 'objects.parquet' order by id: {"city":"b"} {"city":"a"} {"city":"c"}
select stats_min, stats_max from parquet_metadata('objects.parquet') offset 1: {"city":"b"} {"city":"b"}
select id from 'objects.parquet' where cell = '{"city":"a"}': nothing
select id from 'objects.parquet' where cell::varchar = '{"city":"a"}': 2
select id from 'objects.parquet' where cell >= '{"city":"c"}': nothing
select cell::varchar from 'array.parquet': 1
TXT
