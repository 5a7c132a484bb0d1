#!/usr/bin/env bash
# csv-simple-parser 2.0.2: a table that ends with a line feed, as nearly each file does, has one more row
# than the file. It is [""] in a table of one column, ["", null] in one of two, and with `header` an
# object of one empty text. With `infer` the texts 007 and 1e3 are the numbers 7 and 1000, and an
# integer of twenty digits is rounded. No error is reported.
#
# RFC 4180, 2.2: "The last record in the file may or may not have an ending line break." Where pieces
# of a file are counted by their rows, each piece counts one too many, and a sum or a join has an
# empty key. The README does not tell of it; its examples have no line feed at their ends.
# Seen: the lines at the end of this script. Expected: the rows of csv-parse 7.0.1, the judge.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  csv-simple-parser@2.0.2 csv-parse@7.0.1
cat > try.mjs <<'JS'
import { parse as judge } from "csv-parse/sync";
import parse from "csv-simple-parser";

for (const text of ["id\nx", "id\nx\n", "id,n\r\nx,1\r\n", '"id","n"\n"x","1"\n']) {
  const [right, seen] = [judge, parse].map((read) => JSON.stringify(read(text)));
  console.log(`${JSON.stringify(text)}: ${right} ${seen}`);
}
const rows = parse("id,n\nx,1\n", { header: true });
console.log(`with header: ${JSON.stringify(rows)}`);
const inferred = parse("007,1e3,12345678901234567891", { infer: true });
console.log(`with infer: ${inferred.join(" ")}`);
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
"id\nx": [["id"],["x"]] [["id"],["x"]]
"id\nx\n": [["id"],["x"]] [["id"],["x"],[""]]
"id,n\r\nx,1\r\n": [["id","n"],["x","1"]] [["id","n"],["x","1"],["",null]]
"\"id\",\"n\"\n\"x\",\"1\"\n": [["id","n"],["x","1"]] [["id","n"],["x","1"],["",null]]
with header: [{"id":"x","n":"1"},{"id":""}]
with infer: 7,1000,12345678901234567000
TXT
