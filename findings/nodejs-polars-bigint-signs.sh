#!/usr/bin/env bash
# nodejs-polars 0.25.2: a column of bigints loses its signs. -1n becomes 1n in a column of type UInt64, in
# DataFrame(), Series() and readRecords(), and 2n ** 64n becomes 0n. A BigInt64Array keeps the signs and
# is read as numbers, rounded above 2^53; get() of a cell rounds, too, while toArray() beside it does not.
# Series.sum() of booleans answers true or false: false of three times true, which DataFrame.sum() counts
# as 3. No error is reported.
#
# Bigints are what DuckDB's and hyparquet's INT64 columns are in JavaScript: balances and differences
# become larger on their way, and a filter for what is below zero finds nothing. sum() is declared to
# return a number.
# Seen: the lines at the end of this script.
# Expected: the values that went in, and 3, 2, 0, 1, or an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" nodejs-polars@0.25.2
cat > try.mjs <<'JS'
import pl from "nodejs-polars";

const told = (name, values) => console.log(`${name}: ${values.map(textOf).join(", ")}`);
const textOf = (value) => (typeof value === "bigint" ? `${value}n` : `${value}`);
const cells = (table) => table.toRecords().map(({ a }) => a);
const units = [-1n, 5n, -(2n ** 53n) - 1n];
const table = pl.DataFrame({ a: units });
told("written", units);
told("a column", cells(table));
told("records", cells(pl.readRecords(units.map((a) => ({ a })))));
told("sum of the column", cells(table.select(pl.col("a").sum())));
told("cells below zero", [table.filter(pl.col("a").lt(pl.lit(0))).height]);
told("a typed array", pl.Series("a", BigInt64Array.from(units)).toArray());
told("2n ** 64n", pl.Series("a", [2n ** 64n]).toArray());
const large = pl.Series("a", [2n ** 53n + 1n]);
told("array and cell", [...large.toArray(), large.get(0)]);
const booleans = [[true, true, true], [true, false, true], [false, false], [true]];
told("sums of series", booleans.map((some) => pl.Series("a", some).sum()));
told("sums of tables", booleans.map((a) => cells(pl.DataFrame({ a }).sum())[0]));
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
written: -1n, 5n, -9007199254740993n
a column: 1n, 5n, 9007199254740993n
records: 1n, 5n, 9007199254740993n
sum of the column: 9007199254740999n
cells below zero: 0
a typed array: -1, 5, -9007199254740992
2n ** 64n: 0n
array and cell: 9007199254740993n, 9007199254740992
sums of series: false, false, false, true
sums of tables: 3, 2, 0, 1
TXT
