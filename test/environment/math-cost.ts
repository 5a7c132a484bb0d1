/** The cost of each function of `Math` in job code, beside the engine's own; run by hand. */
import { exactFunctions, exactNames } from "../../src/environment/math/functions.ts";

const rounds = 50;
const numbers = Float64Array.from({ length: 4_096 }, (_, i) => Math.sin(i) * 20);

type MathFunction = (x: number, y: number) => number;

/** Nanoseconds a call, in the best round. */
function cost(call: MathFunction): number {
  let sum = 0;
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    for (const number of numbers) sum += call(number, 0.5);
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  if (sum === 0.125) throw new Error("what was computed is used, so that it is computed");
  return (bestMs / numbers.length) * 1e6;
}

for (const name of exactNames) {
  const native = Reflect.get(Math, name) as MathFunction;
  const exact = exactFunctions()[name] as MathFunction;
  const [ours, theirs] = [cost(exact).toFixed(1), cost(native).toFixed(1)];
  process.stdout.write(`${name.padEnd(6)} exact ${ours} ns, native ${theirs} ns\n`);
}
