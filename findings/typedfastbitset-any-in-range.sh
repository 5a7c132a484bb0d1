#!/usr/bin/env bash
# typedfastbitset 0.8.0: hasAnyInRange() answers that a range is empty when its only elements are in the
# last but one of the words of 32 bits that it covers. With 70 in the set there is none from 10 to 128,
# and with the numbers 192 to 223 none from 0 to 256. The last bit of the set's last word is not found,
# either: 255 is not in the range of 0 to 256. No error is reported, and has() finds each of them.
#
# Its README says that it "returns true if any bit in range is set". Who asks whether a block of pieces
# or slots is free, and takes it then, takes what is in use.
# Seen: the lines at the end of this script. Expected: true in each line, and 0 missed.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" typedfastbitset@0.8.0
cat > try.cjs <<'JS'
const { TypedFastBitSet } = require("typedfastbitset");

for (const [from, to, element] of [[10, 128, 40], [10, 128, 70], [10, 128, 100], [0, 256, 255]]) {
  const set = new TypedFastBitSet([element]);
  const found = [set.hasAnyInRange(from, to), set.has(element)];
  console.log(`${element} from ${from} to ${to}: ${found[0]}, by has() ${found[1]}`);
}
const block = new TypedFastBitSet();
block.addRange(192, 224);
console.log(`${block.size()} elements from 0 to 256: ${block.hasAnyInRange(0, 256)}`);
for (const others of [[], [300]]) {
  const missed = Array.from({ length: 256 }, (_, n) => n).filter(
    (n) => !new TypedFastBitSet([n, ...others]).hasAnyInRange(0, 256),
  );
  const where = `first ${missed[0]}, last ${missed.at(-1)}`;
  console.log(`of 0 to 255, with ${others.length} behind: ${missed.length} missed, ${where}`);
}
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
40 from 10 to 128: true, by has() true
70 from 10 to 128: false, by has() true
100 from 10 to 128: true, by has() true
255 from 0 to 256: false, by has() true
32 elements from 0 to 256: false
of 0 to 255, with 0 behind: 33 missed, first 192, last 255
of 0 to 255, with 1 behind: 32 missed, first 192, last 223
TXT
