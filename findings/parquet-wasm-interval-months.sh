#!/usr/bin/env bash
# parquet-wasm 0.8.0 (Apache's Rust reader) drops the months of INTERVAL columns without an error: what
# DuckDB writes as 14 months, 3 days, 5 s is read as Arrow's Interval<DAY_TIME> of 3 days, 5,000 ms, and
# an interval of whole years as zero. Parquet's INTERVAL has three parts, of which this type of Arrow
# keeps two; MONTH_DAY_NANO, which keeps all, is not used. hyparquet 1.33.0 refuses such a column.
#
# Dates that are computed from such a column lie a year and more too early.
# Seen: Interval<DAY_TIME> 3,5000 and 0,0; DuckDB reads its file with all parts.
# Expected: the months, or an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @duckdb/node-api@1.5.6-r.1 apache-arrow@21.2.0 parquet-wasm@0.8.0
cat > try.mjs <<'JS'
import { readFileSync } from "node:fs";
import { DuckDBInstance } from "@duckdb/node-api";
import { tableFromIPC } from "apache-arrow";
import { readParquet } from "parquet-wasm/node";

const duckdb = await (await DuckDBInstance.create()).connect();
await duckdb.run(`copy (select unnest([
  interval '14 months 3 days 5 seconds', interval '2 years'
]) as span) to 'spans.parquet'`);
const rows = await duckdb.runAndReadAll("select span::varchar from 'spans.parquet'");
const table = tableFromIPC(readParquet(readFileSync("spans.parquet")).intoIPCStream());
const spans = table.getChild("span");
console.log("duckdb:", rows.getRows().flat().join("; "));
console.log("parquet-wasm:", `${spans.type} ${[...spans].join("; ")}`);
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
duckdb: 1 year 2 months 3 days 00:00:05; 2 years
parquet-wasm: Interval<DAY_TIME> 3,5000; 0,0
TXT
