#!/usr/bin/env bash
# pgsql-ast-parser 12.0.2: valid PostgreSQL that it reads without an error as something else than
# PostgreSQL does. Numbers end before an exponent, an underscore or a base: `1.5e3` is 1.5 with the
# alias e3, `1_000` and `0xff` (PostgreSQL 16) are 1 and 0 with an alias. `a = b IS NULL` is
# a = (b IS NULL), with the very tree of the parentheses; PostgreSQL compares first. ORDER BY and LIMIT
# after a UNION belong to its last SELECT alone. The judge is libpg-query, PostgreSQL's own grammar.
#
# A program that runs or rewrites queries by these trees returns other numbers, other columns, and more
# rows than the LIMIT.
# Seen: the tree printed again as SQL has another meaning, for all five; for `a * b` the same one.
# Expected: the same meaning, or a syntax error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  pgsql-ast-parser@12.0.2 libpg-query@18.1.5
cat > try.mjs <<'JS'
import { loadModule, parseSync } from "libpg-query";
import { parse, toSql } from "pgsql-ast-parser";

await loadModule();
const places = /location|_len$|^list_(start|end)$/;
const meaning = (sql) =>
  JSON.stringify(parseSync(sql), (key, value) => (places.test(key) ? undefined : value));
const queries = [
  "select a * b from t",
  "select 1.5e3",
  "select 1_000",
  "select 0xff",
  "select a = b is null from t",
  "select a from t union all select b from u order by 1 limit 1",
];
for (const query of queries) {
  const read = toSql.statement(parse(query)[0]);
  const isSame = meaning(read) === meaning(query);
  console.log(isSame ? "same:  " : "other: ", query, "->", read.replaceAll(/\s+/g, " "));
}
const [first, second] = ["select a = b is null", "select a = (b is null)"].map((query) =>
  JSON.stringify(parse(query)),
);
console.log("one tree:", first === second);
JS
node try.mjs | tee seen
[ "$(grep -c '^other: ' seen) $(grep -c '^same: ' seen) $(grep -c 'tree: true' seen)" = "5 1 1" ] ||
  { echo "this has changed"; exit 1; }
