#!/usr/bin/env bash
# bloom-filters 3.0.4: its HyperLogLog counts half of the distinct elements until there are about 1.4
# as many as registers, and reports an accuracy of 3.3 % meanwhile: 10, 100 and 1,000 elements in 1,024
# registers count as 5, 51 and 504. HyperLogLog with the correction for small counts, which it has, is
# at its best there. It stores the number of zeros before the first one bit, where the algorithm stores
# that place plus one, so every other element leaves its register at zero, as if it were unused.
#
# An approximate COUNT(DISTINCT) of many small groups is half of what it should be, in each of them,
# and merging sketches of workers does not help: the error is no noise.
# Seen: 5, 51, 504 for 10, 100, 1,000; 5,153 or so for 5,000, where the correction ends.
# Expected: each within four standard errors, 13 %.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" bloom-filters@3.0.4
cat > try.cjs <<'JS'
const { HyperLogLog } = require("bloom-filters");

const sketchOf = (from, to) => {
  const sketch = new HyperLogLog(1_024);
  for (let n = from; n < to; n++) sketch.update(`item-${n}`);
  return sketch;
};
const ratios = [10, 100, 1_000, 5_000].map((count) => {
  const counted = sketchOf(0, count).count(true);
  console.log(`${count} are counted as ${counted}`);
  return counted / count;
});
const merged = sketchOf(0, 400).merge(sketchOf(200, 600));
console.log(`600 of two sketches are counted as ${merged.count(true)}`);
console.log(`accuracy ${merged.accuracy().toFixed(4)}`);
const [large, ...small] = [ratios.pop(), ...ratios, merged.count() / 600];
const isHalf = small.every((ratio) => ratio > 0.4 && ratio < 0.6);
process.exitCode = isHalf && Math.abs(large - 1) < 0.13 ? 0 : 1;
JS
node try.cjs || { echo "this has changed"; exit 1; }
