/** Hashes of what the functions of `Math` of job code give, over many arguments of all sizes: equal
 *  hashes are equal bits. Runs in Node and in pages alike. */
import { exactFunctions, exactNames } from "../../src/environment/math/functions.ts";

type MathFunction = (x: number, y: number) => number;

/** Those that are the engine's own in job code. */
const nativeNames = ["pow", "sqrt", "fround"];
export const functionNames: readonly string[] = [...exactNames, "**", ...nativeNames];

/** Of one function over `count` arguments, from 1. A NaN is one NaN. */
export function hashOf(name: string, count: number): string {
  const call = functionOf(name);
  const words = new Uint32Array(2);
  const double = new Float64Array(words.buffer);
  let [high, low, state] = [0x9e37_79b9, 0x85eb_ca6b, 1];
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
  for (let i = 0; i < count; i++) {
    // A fourth between -1 and 1, where inverse functions live; the rest of sizes 2^-40 to 2^40.
    const size = i % 4 === 0 ? 1 : 2 ** (Math.floor(random() * 80) - 40);
    // Two draws make all 53 bits.
    const x = (random() + random() / 4_294_967_296 - 0.5) * 2 * size;
    double[0] = call(x, (random() - 0.5) * 20);
    if (Number.isNaN(double[0])) double[0] = 0.5;
    high = Math.imul(high ^ (words[0] as number), 0xcc9e_2d51);
    high = (high << 13) | (high >>> 19);
    low = Math.imul(low ^ (words[1] as number) ^ high, 0xc2b2_ae35);
    low = (low << 11) | (low >>> 21);
  }
  return [high, low].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

function functionOf(name: string): MathFunction {
  if (name === "**") return (x, y) => x ** y;
  if (exactNames.includes(name)) return exactFunctions()[name] as MathFunction;
  return Reflect.get(Math, name) as MathFunction;
}

Object.assign(globalThis, { equalBits: { functionNames, hashOf } });
