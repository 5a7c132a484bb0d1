#!/usr/bin/env bash
# @vanillaes/csv 3.0.8 and jquery-csv 1.0.40, which share a parser: the last row of a table of one column
# is missing when no line feed follows it. Of the two lines id and x the result is id alone, in quotes
# or not. With a line feed behind it, or with a second column, the row is there. No error is reported.
#
# RFC 4180, 2.2: "The last record in the file may or may not have an ending line break." The README of
# @vanillaes/csv calls it "RFC Compliant", that of jquery-csv has "Full (that means 100%)" compliance.
# A list of ids that is cut into pieces at its line feeds loses the last id of each piece.
# Seen: the lines at the end of this script; the first result of each is that of csv-parse 7.0.1.
# Expected: three equal results in each line.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @vanillaes/csv@3.0.8 jquery-csv@1.0.40 csv-parse@7.0.1
cat > try.mjs <<'JS'
import { parse } from "@vanillaes/csv";
import { parse as judge } from "csv-parse/sync";
import jquery from "jquery-csv";

const texts = ["id\nx", 'id\n"x"\n', 'id\n"x"', '"id"\r\n"x"', 'id,n\n"x","1"'];
for (const text of texts) {
  const seen = [judge, parse, jquery.toArrays].map((read) => JSON.stringify(read(text)));
  console.log(`${JSON.stringify(text)}: ${seen.join(" ")}`);
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
"id\nx": [["id"],["x"]] [["id"]] [["id"]]
"id\n\"x\"\n": [["id"],["x"]] [["id"],["x"]] [["id"],["x"]]
"id\n\"x\"": [["id"],["x"]] [["id"]] [["id"]]
"\"id\"\r\n\"x\"": [["id"],["x"]] [["id"]] [["id"]]
"id,n\n\"x\",\"1\"": [["id","n"],["x","1"]] [["id","n"],["x","1"]] [["id","n"],["x","1"]]
TXT
