#!/usr/bin/env bash
# @toiroakr/lines-db 0.6.1 on Node 24 (JSONL as tables; "Auto-sync to JSONL files"): a change of one row writes
# other values into the rest of the file. Where a column has numbers and texts, the numbers become texts
# with ".0" behind them, so that 5 is "5.0", from then on in the file, too; a column that a row has not
# is null, and rows with an id are ordered by it. And close() does not wait for the file: when its promise
# is fulfilled, the change is not yet there. No error is reported.
#
# Its README ends its examples with `await db.close()`, and beside an insert it has "Automatically
# synced". Lists of seeds and fixtures are kept in such files, under version control, too. The judges are
# the lines that were not changed.
# Seen: the lines at the end of this script. Expected: all lines but the changed one as they were.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @toiroakr/lines-db@0.6.1
cat > try.mjs <<'JS'
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { LinesDB } from "@toiroakr/lines-db";

const lines = [
  { id: 3, code: 5, name: "c" },
  { id: 1, code: "A7", name: "a" },
  { id: 2, code: 1e3, name: "b", note: null },
].map((row) => JSON.stringify(row));
mkdirSync("data");
writeFileSync("data/parts.jsonl", `${lines.join("\n")}\n`);
const read = () => readFileSync("data/parts.jsonl", "utf8");
const db = LinesDB.create({ dataDir: "./data" });
await db.initialize();
console.log(`code of 3: ${JSON.stringify(db.findOne("parts", { id: 3 }).code)}`);
console.log(`rows of code 5: ${db.find("parts", { code: 5 }).length}`);
db.update("parts", { name: "changed" }, { id: 1 });
await db.close();
console.log(`after close(), the change is in the file: ${read().includes("changed")}`);
const end = Date.now() + 10_000;
while (!read().endsWith("\n") || !read().includes("changed")) {
  if (Date.now() > end) throw new Error("the change does not arrive");
  await new Promise((resolve) => setImmediate(resolve));
}
console.log(`before:\n${lines.join("\n")}\nlater:\n${read().trim()}`);
JS
node --disable-warning=ExperimentalWarning try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
code of 3: "5.0"
rows of code 5: 1
after close(), the change is in the file: false
before:
{"id":3,"code":5,"name":"c"}
{"id":1,"code":"A7","name":"a"}
{"id":2,"code":1000,"name":"b","note":null}
later:
{"id":1,"code":"A7","name":"changed","note":null}
{"id":2,"code":"1000.0","name":"b","note":null}
{"id":3,"code":"5.0","name":"c","note":null}
TXT
