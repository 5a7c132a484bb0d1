#!/usr/bin/env bash
# hdr-histogram-js 3.0.1: counts of a value wrap around at the width of a bucket, without an error, while
# totalCount keeps on counting. With buckets of 16 bits the median of 65,541 times 5 and ten times 900
# is 0, which was never recorded. With 32 bits, the default, that is so from 4,294,967,296 on, which
# add() of two histograms of three thousand millions each exceeds. Its check for an overflow waits for
# a count below zero, which its unsigned buckets never have. With 64 bits and "packed" it is right.
#
# The README says of the bucket size that "A bucket can take 8, 16, 32 or 64 bits of memory" and no
# more; the Java original throws when a count overflows. Each worker's histogram is right, and the
# merged one has other quantiles than any of them.
# Seen: the lines at the end of this script. Expected: the median 5 in each line, or an error.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" hdr-histogram-js@3.0.1
cat > try.cjs <<'JS'
const { build } = require("hdr-histogram-js");

const look = (name, histogram) => {
  const median = histogram.getValueAtPercentile(50);
  console.log(`${name}: ${histogram.totalCount} values, median ${median}`);
};
for (const bitBucketSize of [16, 32, 64, "packed"]) {
  const histogram = build({ bitBucketSize });
  for (let n = 0; n < 65_541; n++) histogram.recordValue(5);
  for (let n = 0; n < 10; n++) histogram.recordValue(900);
  look(bitBucketSize, histogram);
}
const merged = build();
for (let worker = 0; worker < 2; worker++) {
  const histogram = build();
  histogram.recordValueWithCount(5, 3_000_000_000);
  histogram.recordValueWithCount(900, 1_000_000_000);
  look(`worker ${worker}`, histogram);
  merged.add(histogram);
}
look("merged", merged);
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
16: 65551 values, median 0
32: 65551 values, median 5
64: 65551 values, median 5
packed: 65551 values, median 5
worker 0: 4000000000 values, median 5
worker 1: 4000000000 values, median 5
merged: 8000000000 values, median 0
TXT
