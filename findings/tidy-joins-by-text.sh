#!/usr/bin/env bash
# @tidyjs/tidy 2.6.1: joins compare dates by the second, and values of any type by their text. Rows of
# 12:00:00.000 are joined with those of 12:00:00.900; 1 is joined with "1", null with "null". count() of
# the same column keeps all of these apart, and distinct() keeps even equal dates apart. No error is
# reported.
#
# The package is "inspired by dplyr", whose joins refuse keys of types that do not go together. Readings
# of two sensors that are joined by their time become pairs that were never taken together, and rows
# more than there were readings.
# Seen: the lines at the end of this script. Expected: "0-0" alone, and no pairs of types; one distinct
# date of two equal ones.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" @tidyjs/tidy@2.6.1
cat > try.cjs <<'JS'
const { count, distinct, innerJoin, leftJoin, tidy } = require("@tidyjs/tidy");

const noon = Date.UTC(2026, 10, 30, 12);
const tableOf = (name, offsets) => offsets.map((n) => ({ at: new Date(noon + n), [name]: n }));
const [left, right] = [tableOf("a", [0]), tableOf("b", [0, 900, 1_000])];
for (const [name, join] of Object.entries({ innerJoin, leftJoin })) {
  const pairs = tidy(left, join(right, { by: "at" })).map(({ a, b }) => `${a}-${b}`);
  console.log(`${name}: ${pairs.join(" ")}`);
}
console.log(`count of the right: ${tidy(right, count("at")).length}`);
console.log(`distinct of two equal dates: ${tidy(tableOf("a", [0, 0]), distinct("at")).length}`);
const keys = [1, "1", null, "null", true, "true"];
const typed = (name) => keys.map((key) => ({ key, [name]: JSON.stringify(key) }));
console.log(`count of six keys: ${tidy(typed("a"), count("key")).length}`);
const pairs = tidy(typed("a"), innerJoin(typed("b"), { by: "key" }));
console.log(`joined: ${pairs.map(({ a, b }) => `${a}-${b}`).join(" ")}`);
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
innerJoin: 0-0 0-900
leftJoin: 0-0 0-900
count of the right: 3
distinct of two equal dates: 2
count of six keys: 6
joined: 1-1 1-"1" "1"-1 "1"-"1" null-null "null"-"null" true-true true-"true" "true"-true "true"-"true"
TXT
