#!/usr/bin/env bash
# apache-arrow 21.2.0 (JavaScript): decimals of 64 and 256 bits, types of the format's specification,
# are read without an error as other numbers. Text and JSON of -1.23 as Decimal64 give
# 18446744073709551493 units instead of -123, those of 1.23 as Decimal256 give 3 instead of 123, and
# Number() of a Decimal32 throws, though it is right for the others. Decimals of 128 bits are right.
# What pyarrow 25.0.1 writes for decimal32 to decimal256 is read in the same way.
#
# Sums of money come out as other sums of money. The words of a cell are right: joined as two's
# complement of the type's width they give 123 and -123 in each row.
# Seen: the lines at the end of this script. Expected: 123 and -123 everywhere, for the scale of 2.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" apache-arrow@21.2.0
cat > try.mjs <<'JS'
import { Decimal, makeData, Table, tableFromIPC, tableToIPC, Vector } from "apache-arrow";

const columns = [[32, 9], [64, 18], [128, 38], [256, 76]].map(([bits, precision]) => {
  const type = new Decimal(2, precision, bits);
  const data = Uint32Array.from([123n, -123n].flatMap((units) =>
    Array.from({ length: bits / 32 }, (_, n) =>
      Number(BigInt.asUintN(32, units >> BigInt(32 * n)))),
  ));
  return [bits, new Vector([makeData({ type, length: 2, data })])];
});
const table = tableFromIPC(tableToIPC(new Table(Object.fromEntries(columns)), "file"));

const ways = {
  text: (cell) => `${cell}`,
  json: (cell) => JSON.parse(JSON.stringify(cell)),
  number: (cell) => {
    try {
      return Number(cell);
    } catch {
      return "an error";
    }
  },
  words: (cell) => {
    const units = cell.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
    return BigInt.asIntN(32 * cell.length, units);
  },
};
for (const { name } of table.schema.fields) {
  const cells = [...table.getChild(name)];
  const seen = Object.entries(ways).map(([way, of]) => {
    const units = cells.map(of);
    return `${way} ${units.includes("an error") ? "an error" : units.join(" ")}`;
  });
  console.log(`${name}: ${seen.join(", ")}`);
}
JS
node try.mjs | tee seen
cat > expected <<'TXT'
32: text 123 -123, json "123" "-123", number an error, words 123 -123
64: text 123 18446744073709551493, json "123" "18446744073709551493", number 123 -123, words 123 -123
128: text 123 -123, json "123" "-123", number 123 -123, words 123 -123
256: text 3 -3, json "3" "-3", number 123 -123, words 123 -123
TXT
diff seen expected || { echo "this has changed"; exit 1; }
