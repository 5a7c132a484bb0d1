#!/usr/bin/env bash
# @uwdata/flechette 2.6.0 (Arrow for JavaScript): columns of decimals lose a cent of some numbers, and
# those of 32 bits nearly all of each. A number is multiplied by the scale's power of ten and cut, not
# rounded: 4.35 with two places becomes 434 units, 19.99 becomes 1998. For Decimal32 it is multiplied by
# the scale itself, 2 instead of 100: 4.35 becomes 8 units, 0.08. No error is reported; bigints, which
# are units, are right. The judge is apache-arrow 21.2.0, which reads the units from flechette's bytes.
#
# Its documentation calls the type one for "exact decimal values" and warns of losses in reading alone.
# Of the amounts from 0.01 to 99.99 one in 17 is a cent too low, and sums of money with them.
# Seen: the lines at the end of this script.
# Expected: 435, 1999, and no amounts that are other, for each width.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @uwdata/flechette@2.6.0 apache-arrow@21.2.0
cat > try.mjs <<'JS'
import { columnFromArray, decimal, tableFromColumns, tableToIPC } from "@uwdata/flechette";
import { tableFromIPC } from "apache-arrow";

const unitsOf = (values, bitWidth) => {
  const column = columnFromArray(values, decimal(9, 2, bitWidth));
  const bytes = tableToIPC(tableFromColumns({ amount: column }), { format: "stream" });
  const read = tableFromIPC(bytes).getChild("amount");
  return values.map((_, at) => read.get(at)).map((unit) => (unit?.length ? unit[0] | 0 : unit));
};
const cents = Array.from({ length: 9_999 }, (_, n) => n + 1);
for (const bitWidth of [32, 64, 128, 256]) {
  const units = unitsOf([4.35, 19.99, -4.35, 435n], bitWidth);
  const amounts = unitsOf(cents.map((n) => n / 100), bitWidth);
  const others = amounts.filter((unit, at) => unit !== cents[at]).length;
  console.log(`Decimal${bitWidth}: ${units.join(" ")}; ${others} of ${cents.length} amounts are other`);
}
JS
node try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
Decimal32: 8 39 -8 435; 9999 of 9999 amounts are other
Decimal64: 434 1998 -434 435; 573 of 9999 amounts are other
Decimal128: 434 1998 -434 435; 573 of 9999 amounts are other
Decimal256: 434 1998 -434 435; 573 of 9999 amounts are other
TXT
