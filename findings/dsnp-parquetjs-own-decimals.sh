#!/usr/bin/env bash
# @dsnp/parquetjs 1.8.9 (Parquet in JavaScript): it does not read what it has written. A DECIMAL of at
# most nine digits is written as INT64, which DuckDB reads, and read back as INT32: each value is two,
# and the second half of the rows is gone. Numbers are cut instead of rounded: 0.29 becomes 0.28. What
# DuckDB writes as unsigned, types of the README's list, is read as signed: 4294967295 is -1. And a
# Date before 1970 is the next day when it is not midnight.
#
# INT64 given as texts, which it takes, have the least and the greatest of them as texts for
# statistics, so that DuckDB's filters do not find others. No error is reported. 1.9.3, the newest
# version, was published without its code.
# Seen: the lines at the end of this script. Expected: the numbers and dates that were written.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @dsnp/parquetjs@1.8.9 @duckdb/node-api@1.5.6-r.1
cat > try.mjs <<'JS'
import { DuckDBInstance } from "@duckdb/node-api";
import parquet from "@dsnp/parquetjs";

const duckdb = await (await DuckDBInstance.create()).connect();
const query = async (sql) => (await duckdb.runAndReadAll(sql)).getRowsJson().flat();
const readOwn = async () => {
  const reader = await parquet.ParquetReader.openFile("file.parquet");
  const cursor = reader.getCursor();
  const values = [];
  for (let row = await cursor.next(); row; row = await cursor.next()) values.push(row.v);
  await reader.close();
  return values.map((value) => (value instanceof Date ? value.toISOString().slice(0, 10) : value));
};
const write = async (field, values) => {
  const schema = new parquet.ParquetSchema({ v: field });
  const writer = await parquet.ParquetWriter.openFile(schema, "file.parquet");
  for (const v of values) await writer.appendRow({ v });
  await writer.close();
};
const fields = {
  "DECIMAL(9,2)": { type: "DECIMAL", precision: 9, scale: 2 },
  "DECIMAL(18,2)": { type: "DECIMAL", precision: 18, scale: 2 },
};
for (const [name, field] of Object.entries(fields)) {
  await write(field, [1.23, -1.23, 0.29, 10]);
  const duckdbs = await query("select v from 'file.parquet'");
  console.log(`${name}: ${(await readOwn()).join(" ")}; DuckDB ${duckdbs.join(" ")}`);
}
await write({ type: "DATE" }, [new Date("1969-12-31T12:00:00Z"), new Date("2020-01-01T12:00:00Z")]);
console.log(`DATE: ${(await readOwn()).join(" ")}`);
await write({ type: "INT64" }, ["9", "10", "100", "-1"]);
console.log(`INT64: ${(await readOwn()).join(" ")}`);
console.log(`v = 100: ${(await query("select v from 'file.parquet' where v = 100")).length} rows`);
for (const [type, number] of [["UINTEGER", 2n ** 32n - 1n], ["UBIGINT", 2n ** 64n - 1n]]) {
  await duckdb.run(`copy (select ${number}::${type} v) to 'file.parquet' (format parquet)`);
  console.log(`${type} ${number}: ${(await readOwn()).join(" ")}`);
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
DECIMAL(9,2): 1.23 0 -1.23 -0.01; DuckDB 1.23 -1.23 0.28 10.00
DECIMAL(18,2): 1.23 -1.23 0.28 10; DuckDB 1.23 -1.23 0.28 10.00
DATE: 1970-01-01 2020-01-01
INT64: 9 10 100 -1
v = 100: 0 rows
UINTEGER 4294967295: -1
UBIGINT 18446744073709551615: -1
TXT
