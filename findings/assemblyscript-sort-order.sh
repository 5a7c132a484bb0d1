#!/usr/bin/env bash
# assemblyscript 0.28.20: sort() without a comparator leaves 32-bit integers in a wrong order when two
# of them lie 2 ** 31 or more apart: 2000000000, -2000000000, 0 stays as it is, in Array, StaticArray and
# Int32Array. They are subtracted, and the difference overflows; i64, u32 and f64 are sorted right. And
# with a comparator equal elements change places from 49 elements on, though the merge sort behind it
# was brought in as a stable one, and ECMAScript wants that.
#
# Hashes as i32 lie so far apart: a merge of runs that are sorted by such keys mixes them, and a binary
# search misses some. Who sorts by a second key first and then by the first loses the second.
# Seen: the lines at the end of this script. The judge is JavaScript's sort() with the same comparators.
# Expected: "the same" in each line.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" assemblyscript@0.28.20
cat > sorts.ts <<'TS'
export function array(a: i32[]): i32[] { return a.sort(); }
export function fixed(a: StaticArray<i32>): StaticArray<i32> { return a.sort(); }
export function typed(a: Int32Array): Int32Array { return a.sort(); }
export function unsigned(a: u32[]): u32[] { return a.sort(); }
export function doubles(a: f64[]): f64[] { return a.sort(); }
export function thousands(a: i32[]): i32[] { return a.sort((x, y) => x / 1000 - y / 1000); }
TS
npm pkg set type=module
npx asc sorts.ts --outFile sorts.wasm --bindings esm
cat > try.mjs <<'JS'
import * as sorts from "./sorts.js";

const told = (name, given, compare) => {
  const seen = [...sorts[name](given)];
  const expected = [...given].sort(compare ?? ((x, y) => x - y));
  const isSame = seen.every((value, n) => value === expected[n]);
  console.log(`${name} of ${given.length}: ${isSame ? "the same" : "another order"}`);
};
const far = [2_000_000_000, -2_000_000_000, 0];
told("array", [2, -2, 0]);
told("array", far);
told("fixed", far);
told("typed", Int32Array.from(far));
told("doubles", far);
const hashes = Array.from({ length: 1_000 }, (_, n) => Math.imul(n, 0x9e3779b1));
told("array", hashes);
told("unsigned", hashes.map((hash) => hash >>> 0));
for (const length of [48, 49, 1_000]) {
  const rows = Array.from({ length }, (_, n) => ((n * 7) % 10) * 1_000 + n);
  told("thousands", rows, (x, y) => Math.trunc(x / 1_000) - Math.trunc(y / 1_000));
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
array of 3: the same
array of 3: another order
fixed of 3: another order
typed of 3: another order
doubles of 3: the same
array of 1000: another order
unsigned of 1000: the same
thousands of 48: the same
thousands of 49: another order
thousands of 1000: another order
TXT
