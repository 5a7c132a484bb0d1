#!/usr/bin/env bash
# random-seedable 1.0.8: shuffle() never leaves an element at its place. Of three elements two orders
# of six come out, of four six of 24, of two the other one always; no seed and no generator gives
# another. It draws the place to swap with from those before an element, without its own, which makes
# a single cycle of the array. And randRange(1, 6) never draws 6. No error is reported.
#
# Its README has both otherwise: shuffle() uses "the fisher-yates algorithm", by which all orders are
# equally likely, and "max" of randRange() is "(inclusive)". Of shuffled workers, rows or shards the
# first one never comes first, so that a sample of the first ones after a shuffle leaves some out.
# Seen: the lines at the end of this script. Expected: 6 orders of three, 24 of four, and 1 to 6.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" random-seedable@1.0.8
cat > try.mjs <<'JS'
import { MersenneTwister, PCG, XORShift, XORShift128Plus } from "random-seedable";

for (const Generator of [MersenneTwister, PCG, XORShift, XORShift128Plus]) {
  const orders = new Map(["ab", "abc", "abcd"].map((letters) => [letters, new Map()]));
  const drawn = new Set();
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = new Generator(seed * 7_919);
    for (const [letters, seen] of orders) {
      const order = random.shuffle([...letters]).join("");
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    drawn.add(random.randRange(1, 6));
  }
  const found = [...orders].map(([letters, seen]) => `${seen.size} of ${letters}`).join(", ");
  const three = [...orders.get("abc").keys()].sort().join(" ");
  console.log(`${Generator.name}: ${found} (${three}), 1 to 6: ${[...drawn].sort().join(" ")}`);
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
MersenneTwister: 1 of ab, 2 of abc, 6 of abcd (bca cab), 1 to 6: 1 2 3 4 5
PCG: 1 of ab, 2 of abc, 6 of abcd (bca cab), 1 to 6: 1 2 3 4 5
XORShift: 1 of ab, 2 of abc, 6 of abcd (bca cab), 1 to 6: 1 2 3 4 5
XORShift128Plus: 1 of ab, 2 of abc, 6 of abcd (bca cab), 1 to 6: 1 2 3 4 5
TXT
