#!/usr/bin/env bash
# tabular-data-differ 1.1.8 ("A very efficient library for diffing two sorted streams of tabular data"):
# changes are not reported. A quote within a value of a TSV file starts a new value, and what was before
# it is thrown away: 5" disk and 6" disk are "the same". A table of one column ends at its first empty
# value: whatever is below is not compared, and of a file that has an empty line among its rows the rest
# counts as deleted or added. No error is reported.
#
# In TSV (IANA's text/tab-separated-values) quotes have no meaning, and a line of RFC 4180 without a
# character is a row of one empty field. Its README names both formats and says nothing of quotes.
# Seen: the lines at the end of this script. Expected: the changes that each name says.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  tabular-data-differ@1.1.8
cat > try.mjs <<'JS'
import { ArrayInputStream, diff } from "tabular-data-differ";

const changes = async (name, format, [oldLines, newLines], keys) => {
  const source = (lines) => ({ format, stream: new ArrayInputStream(lines) });
  const context = await diff({ oldSource: source(oldLines), newSource: source(newLines), keys }).start();
  const found = [];
  for await (const { status, oldRow, newRow } of context.diffs()) {
    if (status !== "same") found.push(`${status} ${JSON.stringify(oldRow ?? newRow)}`);
  }
  console.log(`${name}: ${found.join(", ") || "no changes"}`);
};
const table = (...rows) => ["id\tname", ...rows];
await changes("modified a", "tsv", [table("1\ta"), table("1\tb")], ["id"]);
await changes('modified 5" disk', "tsv", [table('1\t5" disk'), table('1\t6" disk')], ["id"]);
await changes("deleted b, added c", "csv", [["id", "a", "b"], ["id", "a", "c"]], ["id"]);
await changes("deleted b, added c", "csv", [["id", "", "a", "b"], ["id", "", "a", "c"]], ["id"]);
await changes("none", "csv", [["id,n", "1,a", "", "2,b"], ["id,n", "1,a", "2,b"]], ["id"]);
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
modified a: modified ["1","a"]
modified 5" disk: no changes
deleted b, added c: deleted ["b"], added ["c"]
deleted b, added c: no changes
none: added ["2","b"]
TXT
