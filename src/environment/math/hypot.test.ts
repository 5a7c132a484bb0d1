/** The exact `Math.hypot` beside that of V8, which runs this test. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hypot } from "./hypot.ts";

const native = Math.hypot;
const odd = [0, -0, 1, -3, 4, 5e-324, -2.2e-308, 1.7976931348623157e308, 1e200, 1e-200];
const unbounded = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

test("it gives the bits of V8, for any number of values of any size", () => {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const numbers = [...odd, ...unbounded];
  const drawn = () => {
    if (random() < 0.1) return numbers[Math.floor(random() * numbers.length)] as number;
    return (random() - 0.5) * 2 ** (Math.floor(random() * 2_000) - 1_000);
  };
  for (let round = 0; round < 100_000; round++) {
    const near = random() < 0.5 ? 1 : null;
    const values = Array.from({ length: Math.floor(random() * 6) }, () =>
      near === null ? drawn() : random() - 0.5,
    );
    const [ours, theirs] = [hypot(...values), native(...values)];
    if (!Object.is(ours, theirs)) assert.fail(`${values}: ${ours}, and V8 gives ${theirs}`);
  }
});

test("it converts, refuses and describes itself as the language demands", () => {
  const three = { valueOf: () => 3 } as unknown as number;
  assert.equal(hypot(three, "4" as unknown as number), 5);
  assert.throws(() => hypot(1n as unknown as number), TypeError);
  assert.deepEqual([hypot.name, hypot.length], [native.name, native.length]);
});
