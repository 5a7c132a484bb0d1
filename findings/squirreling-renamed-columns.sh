#!/usr/bin/env bash
# squirreling 0.12.11 (SQL for hyparquet's rows; "Full SQL support for querying data"): an output
# column that takes the name of a column of the table hides that column from the outputs behind it.
# After `id + 10 as n` the expression `n` is id + 10, and `select a as id, id as a`, which swaps two
# names, returns one of them twice. NULL is a value like others to NOT, IN and OR: `not (n > 0)` and `a
# in ('x', null)` match where a value is NULL, `null or n = 7` never does. GROUP BY and DISTINCT join
# texts by "|", as if ("x|y", "z") and ("x", "y|z") were one. No error is reported.
#
# A table that is handed on with its columns renamed holds wrong columns. DuckDB 1.5.6 is the judge.
# Seen: other rows for the last six queries. Expected: DuckDB's rows for all.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  squirreling@0.12.11 @duckdb/node-api@1.5.6-r.1
cat > try.mjs <<'JS'
import { DuckDBInstance } from "@duckdb/node-api";
import { collect, executeSql } from "squirreling";

const t = [
  { id: 1, a: "x", b: "y|z", n: 7 },
  { id: 2, a: null, b: null, n: null },
  { id: 3, a: "x|y", b: "z", n: -7 },
];
const duckdb = await (await DuckDBInstance.create()).connect();
await duckdb.run(`create table t as select unnest([
  {id: 1, a: 'x', b: 'y|z', n: 7}, {id: 2, a: null, b: null, n: null}, {id: 3, a: 'x|y', b: 'z', n: -7}
], recursive := true)`);
const queries = [
  "select id, n as k from t where n > 0",
  "select a as id, id as a from t",
  "select id + 10 as n, n as k from t",
  "select id from t where not (n > 0)",
  "select id from t where a in ('x', null)",
  "select id from t where null or n = 7",
  "select distinct a, b from t where a is not null",
];
const lines = (rows) => rows.map((row) => JSON.stringify(row)).sort().join(" ");
for (const query of queries) {
  const expected = lines((await duckdb.runAndReadAll(query)).getRows());
  const rows = await collect(executeSql({ tables: { t }, query }));
  const seen = lines(rows.map((row) => Object.values(row)));
  console.log(`${query}: ${seen}${seen === expected ? "" : `, DuckDB ${expected}`}`);
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
select id, n as k from t where n > 0: [1,7]
select a as id, id as a from t: ["x","x"] ["x|y","x|y"] [null,null], DuckDB ["x",1] ["x|y",3] [null,2]
select id + 10 as n, n as k from t: [11,11] [12,12] [13,13], DuckDB [11,7] [12,null] [13,-7]
select id from t where not (n > 0): [2] [3], DuckDB [3]
select id from t where a in ('x', null): [1] [2], DuckDB [1]
select id from t where null or n = 7: , DuckDB [1]
select distinct a, b from t where a is not null: ["x","y|z"], DuckDB ["x","y|z"] ["x|y","z"]
TXT
