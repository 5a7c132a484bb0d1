#!/usr/bin/env bash
# alasql 4.19.1 (SQL on JavaScript rows): GROUP BY, DISTINCT, COUNT(DISTINCT) and USING compare rows by
# the texts of their columns, joined by a backquote. Of the two columns ("x`y", "z") and ("x", "y`z")
# are one group; DISTINCT drops one of the rows, USING joins them, a primary key refuses the second. In
# one column 1 and "1", null and "null", true and "true" are one group; COUNT(DISTINCT) of these six is
# 2, where DISTINCT leaves 3 rows. No error is reported.
#
# The same query with ON a.k = b.k or WHERE keeps all of them apart, so a program that groups first and
# joins then gets other sums than one that joins first. Backquotes are in every Markdown text.
# Seen: the lines at the end of this script.
# Expected: two groups, two rows, none joined; six groups, six rows, and 5 (null is not counted).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" alasql@4.19.1
cat > try.cjs <<'JS'
const alasql = require("alasql");

const rows = [{ a: "x`y", b: "z", n: 1 }, { a: "x", b: "y`z", n: 2 }];
const keys = [1, "1", null, "null", true, "true"].map((k, n) => ({ k, n: 2 ** n }));
const ask = (query, ...tables) => console.log(`${query}:`, JSON.stringify(alasql(query, tables)));
ask("select a, b, sum(n) s from ? group by a, b", rows);
ask("select distinct a, b from ?", rows);
ask("select l.n, r.n m from ? l join ? r using a, b", [rows[0]], [rows[1]]);
ask("select l.n, r.n m from ? l join ? r on l.a = r.a and l.b = r.b", [rows[0]], [rows[1]]);
ask("select k, sum(n) s from ? group by k", keys);
ask("select distinct k from ?", keys);
ask("select count(distinct k) c from ?", keys);
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
select a, b, sum(n) s from ? group by a, b: [{"a":"x`y","b":"z","s":3}]
select distinct a, b from ?: [{"a":"x","b":"y`z"}]
select l.n, r.n m from ? l join ? r using a, b: [{"n":1,"m":2}]
select l.n, r.n m from ? l join ? r on l.a = r.a and l.b = r.b: []
select k, sum(n) s from ? group by k: [{"k":1,"s":3},{"k":null,"s":12},{"k":true,"s":48}]
select distinct k from ?: [{"k":"1"},{"k":"null"},{"k":"true"}]
select count(distinct k) c from ?: [{"c":2}]
TXT
