#!/usr/bin/env bash
# bitset 5.3.0: ranges that end at the last bit of a word of 32 are wrong. setRange(0, 31) sets nothing,
# setRange(40, 95) sets 24 of 56 bits, and clear() and flip() leave out the same ones. And or() of a
# complemented set loses elements up to the end of the other set: "all but 1, or 100" has 64 of the
# first 160 numbers. None of these is an error; and() of the same sets is right.
#
# Its README calls such a range "inclusive", and says that a set "can also represent an infinite leading
# run of ones after complementing a value". Ranges of pieces, pages or tasks end there often, since
# counts of them are powers of two.
# Seen: the lines at the end of this script. Expected: as many as there are numbers, and 0 left.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" bitset@5.3.0
cat > try.cjs <<'JS'
const { BitSet } = require("bitset");

for (const [from, to] of [[0, 30], [0, 31], [0, 32], [32, 63], [40, 95], [40, 96]]) {
  const one = new BitSet();
  for (let bit = from; bit <= to; bit++) one.set(bit);
  const counts = [
    ["set", new BitSet().setRange(from, to)],
    ["flipped", new BitSet().flip(from, to)],
    ["left", one.clone().setRange(from, to, 0)],
    ["left by clear()", one.clone().clear(from, to)],
  ].map(([name, set]) => `${set.cardinality()} ${name}`);
  console.log(`${from} to ${to}, ${one.cardinality()} numbers: ${counts.join(", ")}`);
}
const allBut = (bit) => new BitSet([bit]).not();
for (const [name, set] of [
  ["all but 1", allBut(1)],
  ["all but 1, or 2", allBut(1).or(new BitSet([2]))],
  ["all but 1, or 100", allBut(1).or(new BitSet([100]))],
  ["100, or all but 1", new BitSet([100]).or(allBut(1))],
  ["all but 1, and all but 100", allBut(1).and(allBut(100))],
]) {
  console.log(`${name}: ${set.slice(0, 159).cardinality()} of the first 160`);
}
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
0 to 30, 31 numbers: 31 set, 31 flipped, 0 left, 0 left by clear()
0 to 31, 32 numbers: 0 set, 0 flipped, 32 left, 32 left by clear()
0 to 32, 33 numbers: 33 set, 33 flipped, 0 left, 0 left by clear()
32 to 63, 32 numbers: 0 set, 0 flipped, 32 left, 32 left by clear()
40 to 95, 56 numbers: 24 set, 24 flipped, 32 left, 32 left by clear()
40 to 96, 57 numbers: 57 set, 57 flipped, 0 left, 0 left by clear()
all but 1: 159 of the first 160
all but 1, or 2: 159 of the first 160
all but 1, or 100: 64 of the first 160
100, or all but 1: 64 of the first 160
all but 1, and all but 100: 158 of the first 160
TXT
