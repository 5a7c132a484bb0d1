#!/usr/bin/env bash
# hyparquet 1.33.0: a filter on an INT64 column with a plain number compares by identity for `$eq`,
# `$ne` and `$in`, and by value for `$gt`. `{ id: { $eq: 3 } }` matches no row of 1, 2, 3, 4, although
# `{ id: { $gt: 3 } }` matches one; `$ne: 3` matches all four, `$in: [3]` none. No error is reported.
#
# Seen: 0 1 1 4 0 rows for $eq: 3, $eq: 3n, $gt: 3, $ne: 3, $in: [3].
# Expected: 1 1 1 3 1, or an error that a BIGINT column is compared with a number.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  hyparquet@1.33.0 hyparquet-writer@0.17.0
cat > try.mjs <<'JS'
import { parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";

const columnData = [{ name: "id", data: [1n, 2n, 3n, 4n], type: "INT64" }];
const file = parquetWriteBuffer({ columnData });
const counts = [];
for (const id of [{ $eq: 3 }, { $eq: 3n }, { $gt: 3 }, { $ne: 3 }, { $in: [3] }]) {
  counts.push((await parquetReadObjects({ file, filter: { id } })).length);
}
console.log(counts.join(" "));
JS
seen=$(node try.mjs)
echo "seen: $seen"
[ "$seen" = "0 1 1 4 0" ] || { echo "this has changed"; exit 1; }
