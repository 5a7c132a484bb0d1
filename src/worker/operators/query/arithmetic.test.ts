/** Arithmetic on decimals: what is fast must be what is exact. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../../../test/fixtures/fast-check.ts";
import { type ExactNumber, exactNumber } from "../../../wire/block/decimal.ts";
import { add, multiply } from "./arithmetic.ts";

type Scaled = readonly [digits: bigint, decimals: number];

const scaled = fc.tuple(fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }), fc.nat(9));
const small = fc.tuple(fc.bigInt({ min: -100_000n, max: 100_000n }), fc.nat(7));
const any = fc.oneof(scaled, small);
const numberOf = ([digits, decimals]: Scaled) =>
  exactNumber(`${digits}e-${decimals}`) as ExactNumber;

test("sums and products are those of whole numbers", () => {
  fc.assert(
    fc.property(any, any, ([a, i], [b, j]) => {
      const [x, y] = [numberOf([a, i]), numberOf([b, j])];
      const most = Math.max(i, j);
      const sum = a * 10n ** BigInt(most - i) + b * 10n ** BigInt(most - j);
      assert.deepEqual(add(x, y), numberOf([sum, most]));
      assert.deepEqual(multiply(x, y), numberOf([a * b, i + j]));
    }),
    { numRuns: 2000 },
  );
});
