#!/usr/bin/env bash
# @datadog/sketches-js 2.1.1 (DDSketch): merge() of two sketches that hold values adds the positive
# values alone. The negative ones and the zeros of the other sketch are left out, while count and sum
# include them. Quantiles are then taken at ranks of the full count: of -100 to 100 in each of two
# sketches the median is 50, and 0.75 is the maximum. No error is reported. Merging into an empty
# sketch copies all.
#
# Its README says that this preserves "the `relativeAccuracy` guarantee". Differences, changes of
# balances and clocks that may be behind have both signs: the sketch of each worker is right, and that
# of all workers is not.
# Seen: the lines at the end of this script. Expected: the last two have the same quantiles.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @datadog/sketches-js@2.1.1
cat > try.cjs <<'JS'
const { DDSketch } = require("@datadog/sketches-js");

const sketchOf = (...parts) => {
  const sketch = new DDSketch({ relativeAccuracy: 0.01 });
  for (const values of parts) for (const value of values) sketch.accept(value);
  return sketch;
};
const show = (name, sketch) => {
  const quantiles = [0, 0.25, 0.5, 0.75, 1].map((q) => sketch.getValueAtQuantile(q).toFixed(1));
  console.log(`${name}: ${sketch.count} values, sum ${sketch.sum}: ${quantiles.join(" ")}`);
};
const values = Array.from({ length: 201 }, (_, n) => n - 100);
const positive = values.filter((value) => value > 0);
const merged = (...parts) => {
  const [first, ...others] = parts.map((part) => sketchOf(part));
  for (const other of others) first.merge(other);
  return first;
};
show("positive, whole", sketchOf(positive, positive));
show("positive, merged", merged(positive, positive));
show("all, one sketch", sketchOf(values));
show("all, into an empty one", merged([], values));
show("all, whole", sketchOf(values, values));
show("all, merged", merged(values, values));
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
positive, whole: 200 values, sum 10100: 1.0 24.8 49.9 74.4 100.5
positive, merged: 200 values, sum 10100: 1.0 24.8 49.9 74.4 100.5
all, one sketch: 201 values, sum 0: -100.5 -49.9 0.0 49.9 100.5
all, into an empty one: 201 values, sum 0: -100.5 -49.9 0.0 49.9 100.5
all, whole: 402 values, sum 0: -100.5 -49.9 0.0 49.9 100.5
all, merged: 402 values, sum 0: -100.5 0.0 49.9 100.5 100.5
TXT
